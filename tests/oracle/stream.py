"""Compare the monitors of text and probabilities with scores worked out anew at every prefix, from numpy, scipy,
scikit-learn's MultinomialNB, a Kneser-Ney model on dictionaries and a Baum-Welch in logarithms (and hmmlearn's, where it
is installed, 1e-3: it ends a round later). Usage: stream.py STREAM_ORACLE. Exit 1 when a score is further off than its limit:
  1e-5                        all but the following: values go in as float32
  a bin of 1/16 nat below     min_k, which keeps a histogram
  1e-4                        nb_walk, lm_ratio, hmm_surprisal: their weights are stored as float32"""
import re
import subprocess
import sys
from collections import Counter, defaultdict
from math import ceil, exp, log

import numpy as np
from scipy.special import entr, logsumexp
from scipy.stats import entropy, norm
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

SEED = 20241124
WORDS = ["sure", "no", "sorry", "the", "mix", "it", "with", "I", "can", "cannot", "help", "Powder", "bank", "Straße", "ok"]
MARKS = [".", "?", "!", ",", "\n", " ", "...", "-"]


class Answer:
    def __init__(self, rng, label):
        n = int(rng.integers(1, 90))
        odds = np.linspace(1, 4, len(WORDS)) if label else np.linspace(4, 1, len(WORDS))
        state = (rng.random(n) < (0.6 if label else 0.3)).astype(int)
        self.label = label
        self.text = []
        for _ in range(n):
            kind = rng.random()
            word = rng.choice(WORDS, p=odds / odds.sum())
            piece = " " + word if kind < 0.6 else rng.choice(MARKS) if kind < 0.8 else word[:2] if kind < 0.9 else ""
            self.text.append(piece)
        self.surprisal = np.float32(np.abs(rng.normal(np.where(state, 4, 0.8), np.where(state, 1.5, 0.4)))).astype(float)
        self.alone = np.float32(self.surprisal + rng.normal(1, 1, n)).astype(float)
        self.entropy = np.float32(rng.gamma(2, 0.8, n)).astype(float)
        self.top = []
        for _ in range(n):
            p = np.sort(rng.dirichlet(np.full(60, 0.15)))[::-1][:int(rng.integers(2, 21))]
            self.top.append(np.float32(np.log(p)).astype(float))

    def lines(self):
        yield f"{self.label} {len(self.text)}"
        for text, s, a, h, top in zip(self.text, self.surprisal, self.alone, self.entropy, self.top):
            numbers = [f"{v:.17g}" for v in (-s, -a, h, len(top), *top)]
            yield " ".join([text.encode().hex() or "-", *numbers])


def prefixes(fn):
    """A monitor whose score after t tokens is fn(answer, t)."""
    return lambda answers, **params: [[fn(a, t, **params) for t in range(1, len(a.text) + 1)] for a in answers]


def window_entropy(a, t, window):
    closed = [a.entropy[i:i + window].mean() for i in range(0, t - window + 1, window)]
    return max(closed) if closed else a.entropy[:t].mean()


def topk(a, t, form, over, k):
    def one(lp):
        p = np.exp(lp[:k])
        if form == "renormalised":
            return entropy(p)
        return entr(p).sum() + (entr(max(0, 1 - p.sum())) if form == "tail" else 0)

    values = [one(lp) for lp in a.top[:t]]
    return max(values) if over == "max" else np.mean(values)


def sentence_mean(values):
    """Sentences by regular expression on the text up to each token, then means of means."""
    def score(a, t):
        sentences, open_, words, tokens = [], [], "", 0
        for i in range(t):
            open_.append(values(a)[i])
            words += a.text[i]
            tokens += 1
            ends = any(len(re.findall(r"\w+", words[:m.end()])) >= 5 for m in re.finditer(r"[.?!\n]", words)
                       if m.end() > len(words) - len(a.text[i]))
            if ends or tokens == 64:
                sentences.append(open_)
                open_, tokens = [], 0
                cut = max((m.end() for m in re.finditer(r"[.?!\n]", words)), default=0) if ends else len(words)
                words = words[cut:]
        return np.mean([np.mean(s) for s in sentences + ([open_] if open_ else [])])
    return score


def words_at(a):
    """The words that are over after each token: a character stands behind them."""
    text, out = "", []
    for piece in a.text:
        text += piece
        out.append([w.lower() for w in re.findall(r"\w+(?=\W)", text)])
    return out


def all_words(a):
    return [w.lower() for w in re.findall(r"\w+", "".join(a.text))]


def nb_walk(answers, alpha, form):
    counter = CountVectorizer(analyzer=all_words)
    nb = MultinomialNB(alpha=alpha).fit(counter.fit_transform(answers), [a.label for a in answers])
    odds = dict(zip(counter.get_feature_names_out(), np.clip(nb.feature_log_prob_[1] - nb.feature_log_prob_[0], -4, 4)))
    return [[sum(odds[w] if w in odds else 0 for w in words) / (len(words) ** 0.5 if form == "root" and words else 1)
             for words in words_at(a)] for a in answers]


class KneserNey:
    def __init__(self, texts, vocabulary):
        self.n_word = len(vocabulary) + 1
        grams = Counter((h[0], h[1], h[2]) for t in texts for h in zip(["", "", *t], ["", *t], t))
        self.order = {3: grams}
        for n in (2, 1):
            self.order[n] = Counter(g[1:] for g in self.order[n + 1])
        self.total, self.types, self.discount = {}, {}, {}
        for n, counts in self.order.items():
            self.total[n], self.types[n] = defaultdict(int), defaultdict(int)
            for g, c in counts.items():
                self.total[n][g[:-1]] += c
                self.types[n][g[:-1]] += 1
            n1, n2 = (sum(c == k for c in counts.values()) for k in (1, 2))
            self.discount[n] = min(max(n1 / (n1 + 2 * n2) if n1 else 0, 0.1), 0.9)

    def p(self, *gram):
        n = len(gram)
        lower = self.p(*gram[1:]) if n > 1 else 1 / self.n_word
        total = self.total[n][gram[:-1]]
        if not total:
            return lower
        d = self.discount[n]
        return max(self.order[n][gram] - d, 0) / total + d * self.types[n][gram[:-1]] / total * lower


def lm_ratio(answers, window):
    texts = [[all_words(a) for a in answers if a.label == k] for k in (0, 1)]
    vocabulary = {w for side in texts for t in side for w in t}
    safe, unsafe = (KneserNey(t, vocabulary) for t in texts)
    out = []
    for a in answers:
        scores = []
        for words in words_at(a):
            steps = [log(unsafe.p(*g) / safe.p(*g)) for g in zip(["", "", *words], ["", *words], words)]
            scores.append(np.mean(steps[-window:]) if steps else 0)
        out.append(scores)
    return out


def first_hmm(sequences):
    x = np.sort(np.concatenate(sequences))
    halves = x[:len(x) // 2], x[len(x) // 2:]
    return (np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([h.mean() for h in halves]),
            np.array([max(h.std(), 0.1) for h in halves]))


def forward(x, start, move, mu, sigma):
    ln_b = norm.logpdf(x[:, None], mu, sigma)
    alpha = np.empty_like(ln_b)
    alpha[0] = np.log(start) + ln_b[0]
    for t in range(1, len(x)):
        alpha[t] = ln_b[t] + logsumexp(alpha[t - 1][:, None] + np.log(move), axis=0)
    return ln_b, alpha


def baum_welch(sequences):
    hmm, last, n = first_hmm(sequences), -np.inf, sum(map(len, sequences))
    for _ in range(201):
        total, starts, moves, occupied = 0, 0, 0, []
        for x in sequences:
            ln_b, alpha = forward(x, *hmm)
            beta = np.zeros_like(alpha)
            for t in range(len(x) - 2, -1, -1):
                beta[t] = logsumexp(np.log(hmm[1]) + ln_b[t + 1] + beta[t + 1], axis=1)
            whole = logsumexp(alpha[-1])
            gamma = np.exp(alpha + beta - whole)
            total, starts = total + whole, starts + gamma[0]
            for t in range(len(x) - 1):
                moves = moves + np.exp(alpha[t][:, None] + np.log(hmm[1]) + ln_b[t + 1] + beta[t + 1] - whole)
            occupied.append(gamma)
        if total - last < 1e-6 * n:
            break
        last, g, x = total, np.concatenate(occupied), np.concatenate(sequences)
        mu = g.T @ x / g.sum(0)
        sigma = np.sqrt((g * (x[:, None] - mu) ** 2).sum(0) / g.sum(0))
        hmm = starts / starts.sum(), moves / moves.sum(1, keepdims=True), mu, np.maximum(sigma, 0.1)
    return hmm, [g.mean(0)[1] for g in occupied]


def hmmlearn_fit(sequences):
    """The same start, the same number of rounds or a few more: both have converged."""
    from hmmlearn.hmm import GaussianHMM
    start, move, mu, sigma = first_hmm(sequences)
    model = GaussianHMM(2, "diag", init_params="", n_iter=200, tol=1e-6 * sum(map(len, sequences)), covars_prior=0,
                        covars_weight=1)
    model.startprob_, model.transmat_, model.means_, model.covars_ = start, move, mu[:, None], sigma[:, None] ** 2
    x = np.concatenate(sequences)[:, None]
    lengths = [len(s) for s in sequences]
    model.fit(x, lengths)
    hmm = model.startprob_, model.transmat_, model.means_[:, 0], np.sqrt(model.covars_[:, 0, 0])
    return hmm, [g.mean(0)[1] for g in np.split(model.predict_proba(x, lengths), np.cumsum(lengths)[:-1])]


def hmm_surprisal(answers, fit):
    hmm, occupied = fit([a.surprisal for a in answers])
    label = np.array([a.label for a in answers])
    bad = int(np.mean(np.array(occupied)[label == 1]) >= np.mean(np.array(occupied)[label == 0]))
    out = []
    for a in answers:
        alpha = forward(a.surprisal, *hmm)[1]
        out.append(np.exp(alpha[:, bad] - logsumexp(alpha, axis=1)))
    return out


def repetition(answers, n):
    raw = [[1 - len(set(g)) / len(g) if (g := [tuple(w[i:i + n]) for i in range(len(w) - n + 1)]) else 0
            for t in range(1, len(a.text) + 1) for w in [a.text[max(0, t - 64):t]]] for a in answers]
    at64 = np.array([r[min(64, len(r)) - 1] for r in raw])
    label = np.array([a.label for a in answers])
    gap = at64[label == 1][:, None] - at64[label == 0]
    sign = -1 if np.mean((gap < 0) + 0.5 * (gap == 0)) > np.mean((gap > 0) + 0.5 * (gap == 0)) else 1
    return [[sign * s for s in r] for r in raw]


def min_k(a, t, k):
    return np.sort(a.surprisal[:t])[::-1][:ceil(k * t / 100 - 1e-9)].mean()


CASES = [
    ("perplexity", prefixes(lambda a, t: exp(a.surprisal[:t].mean())), {}, 1e-5),
    *(("min_k", prefixes(min_k), {"k": k}, 1 / 16) for k in (5, 20, 60)),
    *(("window_entropy", prefixes(window_entropy), {"window": w}, 1e-5) for w in (1, 7, 16)),
    ("entropy_jump", prefixes(lambda a, t: max([0, *np.diff(a.entropy[:t])])), {}, 1e-5),
    *(("topk_entropy", prefixes(topk), {"form": f, "over": o, "k": k}, 1e-5)
      for f in ("raw", "renormalised", "tail") for o in ("mean", "max") for k in (5, 20)),
    ("margin", prefixes(lambda a, t: -np.mean([lp[0] - lp[1] for lp in a.top[:t]])), {}, 1e-5),
    ("pmi", prefixes(lambda a, t: -np.mean(a.alone[:t] - a.surprisal[:t])), {}, 1e-5),
    ("surprisal_sentence", prefixes(sentence_mean(lambda a: a.surprisal)), {}, 1e-5),
    ("entropy_sentence", prefixes(sentence_mean(lambda a: a.entropy)), {}, 1e-5),
    *(("repetition", repetition, {"n": n}, 1e-5) for n in (1, 3)),
    *(("nb_walk", nb_walk, {"alpha": alpha, "form": form}, 1e-4) for alpha, form in ((0.5, "walk"), (2, "root"))),
    *(("lm_ratio", lm_ratio, {"window": w}, 1e-4) for w in (1, 32)),
    ("hmm_surprisal", lambda answers: hmm_surprisal(answers, baum_welch), {}, 1e-4),
]


def case_text(name, answers, params):
    yield f"{name} {len(params)} {len(answers)}"
    for key, value in params.items():
        yield f"{key} '{value}" if isinstance(value, str) else f"{key} {value!r}"
    for a in answers:
        yield from a.lines()


def main(program):
    rng = np.random.default_rng(SEED)
    answers = [Answer(rng, i % 3 == 0) for i in range(40)]
    for a in answers:
        a.label = int(a.label)
    sent = "\n".join(line for name, _, params, _ in CASES for line in case_text(name, answers, params))
    got = subprocess.run([program], input=sent, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(got) == len(answers) * len(CASES), f"{len(got)} lines for {len(CASES)} cases"
    failed, cases = 0, list(CASES)
    rows = [np.array(line.split(), float) for line in got]
    got = [rows[i:i + len(answers)] for i in range(0, len(rows), len(answers))]
    try:
        import hmmlearn  # noqa: F401
        cases.append(("hmm_surprisal", lambda a: hmm_surprisal(a, hmmlearn_fit), {"against": "hmmlearn"}, 1e-3))
        got.append(got[-1])
    except ImportError:
        pass
    for (name, fn, params, limit), mine in zip(cases, got, strict=True):
        want = fn(answers, **({} if "against" in params else params))
        off = np.concatenate([np.array(w) - g for w, g in zip(want, mine, strict=True)])
        worst = np.abs(off).max()
        bad = not worst <= limit or (name == "min_k" and off.min() < -1e-5)
        failed += bad
        shown = " ".join(f"{k}={v}" for k, v in params.items())
        print(f"stream: {name} {shown}: off by {worst:.1e}, limit {limit:g}{': FAILED' if bad else ''}")
    print(f"stream: seed {SEED}, {len(answers)} answers, {len(cases)} cases, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
