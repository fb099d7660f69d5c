"""Do monitors that told nothing apart (docs/results/methods.md) compute what they claim? On 10 answers that SmolLM2
writes to own_qa and 10 of XSTest that it reads: the signals are worked out anew in numpy from the dumped hidden rows
and the head in the model file, the scores from the dumped signals, and what is fitted from the scores.
Usage: suspects.py SUSPECTS_ORACLE. Needs numpy, scipy and scikit-learn; SmolLM2 in the cache; XSTest in $MIDSTREAM_DATA
is left out where there is none. Exit 1 when a value is further off than its limit:
  signals     .05 nats, 2 % of a divergence, .001 of a probability (the rows are float16, the engine's products BF16);
              ranks and most likely tokens may differ where two logits are closer than .05
  sampler     the mean of -ln p less the entropy is 0 but for 4 standard errors
  scores      1e-5, of the largest score where that is above 1: signals and weights are float32
  fits        the same sign, layer and bad state; a probe's gradient 1e-3 of the gradient at 0"""
import codecs
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import self_check_ngram
import stream
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import rankdata

SEED = 20241125
N = 10
ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MIDSTREAM_CACHE", Path.home() / ".cache/midstream"))
MODEL = CACHE / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
FORM = "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
KL, SAME_TOP = 0, 1
HORIZONS = [1, 2, 4, 8, 16, 32, 64, 128]
failed = 0


def check(what, off, limit):
    global failed
    bad = not off <= limit
    failed += bad
    print(f"suspects: {what}: {off:.2g}, limit {limit:g}{': FAILED' if bad else ''}")


# ---- the head, from the model file ----


def gguf_tensors(path):
    """Name -> (type, shape, offset) and where the data begin, of a GGUF file."""
    data = np.memmap(path, np.uint8, "r")
    at = 24
    n_tensor, n_key = struct.unpack_from("<QQ", data, 8)
    size = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    align = 32

    def number(form):
        nonlocal at
        value, = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize(form)
        return value

    def text():
        nonlocal at
        n = number("Q")
        at += n
        return bytes(data[at - n:at]).decode()

    def skip(kind):
        nonlocal at
        if kind == 8:
            text()
        elif kind == 9:
            inner, n = number("I"), number("Q")
            for _ in range(n):
                skip(inner)
        else:
            at += size[kind]

    for _ in range(n_key):
        key, kind = text(), number("I")
        if key == "general.alignment":
            align = number("I")
        else:
            skip(kind)
    tensors = {}
    for _ in range(n_tensor):
        name = text()
        shape = [number("Q") for _ in range(number("I"))]
        tensors[name] = number("I"), shape, number("Q")
    return data, tensors, (at + align - 1) // align * align


class Head:
    def __init__(self, path):
        data, tensors, start = gguf_tensors(path)
        kind, shape, at = tensors.get("output.weight", tensors["token_embd.weight"])
        assert kind == 30, "a head in BF16"
        raw = np.array(data[start + at:start + at + 2 * shape[0] * shape[1]]).view("<u2").astype(np.uint32) << 16
        self.matrix = raw.view(np.float32).reshape(shape[1], shape[0])
        kind, shape, at = tensors["output_norm.weight"]
        self.norm = np.array(data[start + at:start + at + 4 * shape[0]]).view("<f4")

    def logits(self, row):
        scaled = row / np.sqrt((row.astype(float) ** 2).mean(-1, keepdims=True) + 1e-5) * self.norm
        bits = scaled.astype(np.float32).view(np.uint32)
        rounded = ((bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16).view(np.float32)
        return (rounded @ self.matrix.T).astype(float)


# ---- what the driver says ----


def floats(text, *shape):
    return np.frombuffer(bytes.fromhex(text), "<f4").reshape(shape).astype(float)


class Answer:
    def __init__(self, said, n_layer):
        step = said["step"]
        self.label, self.affirm = said["label"], said["affirm"]
        self.token = np.array([s["token"] for s in step])
        self.pieces = [bytes.fromhex(s["text"]) for s in step]
        decoder = codecs.getincrementaldecoder("utf8")("replace")         # tokens may cut a character
        self.text = [decoder.decode(p) for p in self.pieces]
        figure = np.array([floats(s["figure"], 5) for s in step])
        self.lp, self.entropy, self.top, self.ln_rank = figure[:, 0], figure[:, 1], figure[:, 2:4], figure[:, 4]
        self.surprisal = -self.lp
        self.lens = np.array([floats(s["lens"], n_layer, 3) for s in step])
        self.row = np.array([floats(s["row"], n_layer, -1) for s in step])
        self.prompt_row = floats(said["prompt_row"], n_layer, -1)
        self.affirmed_row = floats(said["affirmed_row"], -1)
        self.sample = [bytes.fromhex(s).decode() for s in said["sample"]]
        self.gram = floats(said["gram"], 8, n_layer, len(self.sample), -1) if "gram" in said else None
        self.t = np.arange(1, len(step) + 1)


class Weights:
    def __init__(self, text):
        data = bytes.fromhex(text)
        n, = struct.unpack_from("<Q", data)
        entries = json.loads(data[8:8 + n])
        self.meta = entries.pop("__metadata__")
        self.tensor = {k: np.frombuffer(data[8 + n:], "<f4")[v["data_offsets"][0] // 4:v["data_offsets"][1] // 4]
                       .reshape(v["shape"]).astype(float) for k, v in entries.items()}

    def number(self, key):
        return float(self.meta[key])


# ---- signals, from rows ----


def check_signals(name, answers, head):
    off = {"-ln p": 0, "entropy": 0, "lead of the first": 0, "rank": 0, "divergence": 0, "most likely": 0, "affirm": 0}
    for a in answers:
        some = np.arange(0, len(a.t), 4)
        z = head.logits(np.concatenate([a.prompt_row[-1:], a.row[:-1, -1]])[some])  # behind the prompt, token 4, ...
        ln_p = log_softmax(z, axis=1)
        own = z[np.arange(len(some)), a.token[some]]
        second, first = np.partition(z, (-2, -1), axis=1)[:, -2:].T
        rank = [[1 + (row > x + slack).sum() for row, x in zip(z, own)] for slack in (0.05, -0.05)]
        off["-ln p"] = max(off["-ln p"], np.abs(own - logsumexp(z, axis=1) - a.lp[some]).max())
        off["entropy"] = max(off["entropy"], np.abs(-(np.exp(ln_p) * ln_p).sum(1) - a.entropy[some]).max())
        off["lead of the first"] = max(off["lead of the first"], np.abs(first - second + a.top[some] @ [-1, 1]).max())
        mine = np.exp(a.ln_rank[some])
        off["rank"] = max(off["rank"], ((mine < np.array(rank[0]) - .5) | (mine > np.array(rank[1]) + .5)).max())
        final = head.logits(a.row[some, -1])
        p = softmax(final, axis=1)
        for l in range(a.lens.shape[1]):
            lens = head.logits(a.row[some, l])
            kl = (p * (log_softmax(final, axis=1) - log_softmax(lens, axis=1))).sum(1)
            off["divergence"] = max(off["divergence"], (np.abs(kl - a.lens[some, l, KL]) / (2 + kl)).max())
            top = final.argmax(1)
            rest = np.where(np.arange(z.shape[1]) == top[:, None], -np.inf, lens)
            lead = lens[np.arange(len(some)), top] - rest.max(1)
            wrong = (lead > 0) != (a.lens[some, l, SAME_TOP] > 0)
            off["most likely"] = max(off["most likely"], (wrong & (np.abs(lead) > .05)).max())
        off["affirm"] = max(off["affirm"], abs(softmax(head.logits(a.affirmed_row[None])[0] / 2).max() - a.affirm))
    for what, d in off.items():
        check(f"{name}: {what}", d, {"divergence": .02, "rank": 0, "most likely": 0, "affirm": .001}.get(what, .05))


def check_sampler(answers):
    gap = np.concatenate([a.surprisal - a.entropy for a in answers])
    check(f"sampler at temperature 1: -ln p less entropy over {len(gap)} tokens, in standard errors",
          abs(gap.mean()) / (gap.std(ddof=1) / np.sqrt(len(gap))), 4)


# ---- scores, from signals ----


def running_mean(x):
    return np.cumsum(x) / np.arange(1, len(x) + 1)


def words_of(text, whole=False):
    return [m[0].lower() for m in re.finditer(r"[^\W_]+", text) if not whole or m.end() < len(text)]


def distance(a, b):
    row = [0] * (len(b) + 1)
    for word in a:
        last = row
        row = [0] * (len(b) + 1)
        for j, other in enumerate(b):
            row[j + 1] = last[j] + 1 if word == other else max(last[j + 1], row[j])
    return 1 - 2 * row[-1] / (len(a) + len(b)) if a or b else 0


def pieces_so_far(a):
    return [b"".join(a.pieces[:t]).decode("utf8", "ignore") for t in a.t]


def eigen_score(a):
    i_layer = (a.gram.shape[1] - 1) // 2
    gram = [a.gram[int(np.log2(t)), i_layer] for t in a.t]
    return [np.linalg.slogdet(g + 1e-3 * np.eye(len(g)))[1] / len(g) for g in gram]


def embedding_drift(a):
    e = np.array([a.row[max(0, t - 32):t, -1].mean(0) for t in a.t])
    return 1 - e @ a.prompt_row[-1] / np.linalg.norm(e, axis=1) / np.linalg.norm(a.prompt_row[-1])


TERMS = [json.loads(line) for line in (ROOT / "data/lexicon/monitor.jsonl").read_text().splitlines()]


def lexicon(a):
    """Plain ASCII matching: enough for texts without odd characters, which these are."""
    scores = []
    for text in pieces_so_far(a):
        text = re.sub(r"\s+", " ", text.lower())
        scores.append(max([0, *(term["weight"] for term in TERMS for m in [re.search(
            r"(?<![^\W_])" + re.escape(term["term"]) + r"(?![^\W_])(?=.)", text)] if m)]))
    return scores


def sample_vr(a):
    words = [words_of(s) for s in a.sample]
    return np.mean([distance(x, y) for i, x in enumerate(words) for y in words[:i]])


def sample_vro(a):
    words = [words_of(s) for s in a.sample]
    answers = [words_of(text, whole=True) for text in pieces_so_far(a)]
    return [np.mean([distance(w[:len(x)], x) for w in words]) if x else sample_vr(a) for x in answers]


SCORES = {
    "eigen_score": eigen_score,
    "embedding_drift": embedding_drift,
    "entropy_jump": lambda a: [max([0, *np.diff(a.entropy[:t])]) for t in a.t],
    "first_token_confidence": lambda a: np.full(len(a.t), -a.affirm),
    "lexicon": lexicon,
    "margin": lambda a: -running_mean(a.top[:, 0] - a.top[:, 1]),
    "sample_vr": lambda a: np.full(len(a.t), sample_vr(a)),
    "sample_vro": sample_vro,
    "self_check_ngram": lambda a: self_check_ngram.score(a.sample, a.text, 1, .1, 0, 0),
    "token_rank": lambda a: running_mean(a.ln_rank),
}


def auroc(score, label):
    rank = rankdata(score)
    n = np.bincount(label, minlength=2)
    return (rank[label == 1].sum() - n[1] * (n[1] + 1) / 2) / (n[0] * n[1])


def after(scores, t):
    return np.array([s[min(t, len(s)) - 1] for s in scores])


def orient(raw, label, t):
    """+1 unless the other sign ranks the answers better after t tokens."""
    return -1 if auroc(after(raw, t), label) < .5 else 1


def depth(a):
    n = a.lens.shape[1]
    agrees = a.lens[:, ::-1, SAME_TOP] > 0
    return running_mean((n - np.cumprod(agrees, axis=1).sum(1)) / n)


def repetition(a):
    tokens = [a.pieces[max(0, t - 64):t] for t in a.t]
    grams = [[tuple(w[i:i + 4]) for i in range(len(w) - 3)] for w in tokens]
    return [1 - len(set(g)) / len(g) if g else 0 for g in grams]


def lens_kl(answers, label):
    raw = [[running_mean(a.lens[:, l, KL]) for a in answers] for l in range(answers[0].lens.shape[1])]
    gap = [abs(np.mean([auroc(after(r, t), label) for t in HORIZONS if t == 1 or max(map(len, r)) > t // 2]) - .5)
           if np.mean(np.concatenate(r)) > 1e-3 else -1 for r in raw]
    best = int(np.argmax(gap))
    return best, raw[best]


def semantic_entropy(a):
    words, first, size = [words_of(s) for s in a.sample], [], []
    for w in words:
        for c, other in enumerate(first):
            common = (1 - distance(w, other)) * (len(w) + len(other)) / 2
            if common > .7 * len(w) + 1e-9 and common > .7 * len(other) + 1e-9 or not w and not other:
                size[c] += 1
                break
        else:
            first.append(w)
            size.append(1)
    p = np.array(size) / len(words)
    return -(p * np.log(p)).sum()


def cut_of(x):
    cuts = x.min() + (x.max() - x.min()) * np.arange(1, 101) / 101
    sums = [sum(((x[s] - x[s].mean()) ** 2).sum() for s in (x > c, x <= c) if s.any()) for c in cuts]
    return cuts[int(np.argmin(np.round(sums, 9)))]


def gradient_left(x, label, weight, c, w, b):
    """Of the probe's loss at its optimum, as a share of that at w = 0 and the b that fits the shares."""
    mean, sd = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1)
    z = (x - mean) / sd
    w, b = w * sd, b + w @ mean

    def gradient(w, b):
        r = weight * (1 / (1 + np.exp(-(z @ w + b))) - label)
        return np.append(c * r @ z + w, c * r.sum())

    share = (weight * label).sum() / weight.sum()
    return np.linalg.norm(gradient(w, b)) / np.linalg.norm(gradient(np.zeros_like(w), np.log(share / (1 - share))))


def semantic_entropy_probe(answers, w, layers):
    entropies = np.array([semantic_entropy(a) for a in answers])
    cut = cut_of(entropies)
    check("semantic_entropy_probe: cut", abs(cut - w.number("cut_nats")), 1e-6)
    high = (entropies > cut).astype(int)
    ends = [[t - 1 for t in self_check_ngram.sentences_of(a.text)] for a in answers]
    at = [layers.index(int(w.number("layer"))), None]
    rows = np.array([a.prompt_row[at[0]] for a in answers])
    check("semantic_entropy_probe: gradient at the prompt",
          gradient_left(rows, high, np.ones(len(rows)), w.number("c"), w.tensor["w"][0], w.tensor["b"][0, 0]), 1e-3)
    if w.number("layer_sentence") >= 0:
        at[1] = layers.index(int(w.number("layer_sentence")))
        first = [e[:8] for e in ends]
        rows = np.array([a.row[t, at[1]] for a, e in zip(answers, first) for t in e])
        weight = np.array([1 / len(e) for e in first for _ in e])
        check("semantic_entropy_probe: gradient at sentence ends",
              gradient_left(rows, np.repeat(high, [len(e) for e in first]), weight, w.number("c_sentence"),
                            w.tensor["w"][1], w.tensor["b"][0, 1]), 1e-3)
    out = []
    for a, e in zip(answers, ends):
        z = [a.prompt_row[at[0]] @ w.tensor["w"][0] + w.tensor["b"][0, 0]]
        for t in range(len(a.t)):
            ended = t in e and at[1] is not None
            z.append(a.row[t, at[1]] @ w.tensor["w"][1] + w.tensor["b"][0, 1] if ended else z[-1])
        out.append(1 / (1 + np.exp(-np.array(z[1:]))))
    return out


def fitted(name, answers, label, w, layers):
    """Scores under what the fit should have chosen."""
    if name == "lens_depth":
        raw, t = [depth(a) for a in answers], 16
    elif name == "repetition":
        raw, t = [repetition(a) for a in answers], 64
    elif name == "lens_kl":
        best, raw = lens_kl(answers, label)
        t = 16
        check("lens_kl: layer chosen", abs(layers[best] - w.number("layer")), 0)
    elif name == "hmm_surprisal":
        return stream.hmm_surprisal(answers, stream.baum_welch)
    else:
        return semantic_entropy_probe(answers, w, layers)
    sign = orient(raw, label, t)
    check(f"{name}: sign chosen", abs(sign - w.number("orientation")), 0)
    return [sign * np.array(r) for r in raw]


def check_group(group, said, head):
    answers = [Answer(a, len(said["layer"])) for a in said["answer"]]
    label = np.array([a.label for a in answers])
    check_signals(group, answers, head)
    if answers[0].sample:
        check_sampler(answers)
    for name, got in said["monitor"].items():
        if got is None:
            print(f"suspects: {group}: {name}: nothing to learn from these answers")
            continue
        if name in SCORES:
            want = [SCORES[name](a) for a in answers]
        else:
            want = fitted(name, answers, label, Weights(got["weights"]), said["layer"])
        mine, want = np.concatenate(got["score"]), np.concatenate(want)
        limit = 1e-4 if name == "hmm_surprisal" else 1e-5
        check(f"{group}: {name}: {len(mine)} scores", np.abs(mine - want).max() / max(1, np.abs(want).max()), limit)


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def groups(rng):
    rows = records(ROOT / "data/own_qa/data.jsonl")
    rows = [rows[i] for i in rng.choice(len(rows), N, replace=False)]
    yield "own_qa", ["llama", "-", str(N), *(f"{i % 2} {r['prompt'].encode().hex()} -" for i, r in enumerate(rows))]
    path = Path(os.environ.get("MIDSTREAM_DATA", "data")) / "xstest/data.jsonl"
    if not path.exists():
        print("suspects: no XSTest in $MIDSTREAM_DATA: left out")
        return
    rows = [r for r in records(path) if r["label"] in (0, 1) and 40 < len(r["response"] or "") < 3000]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    rows = [r for k in (0, 1) for r in [r for r in rows if r["label"] == k][:N // 2]]
    yield "xstest", ["recorded", FORM.encode().hex(), str(N),
                     *(f"{r['label']} {r['prompt'].encode().hex()} {r['response'].encode().hex()}" for r in rows)]


def main(program):
    if not MODEL.exists():
        sys.exit(f"suspects: no {MODEL.name} in the cache: scripts/setup gets it")
    cases = list(groups(np.random.default_rng(SEED)))
    sent = "\n".join(line for _, lines in cases for line in lines)
    run = subprocess.run([program, str(MODEL), str(CACHE)], input=sent, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) == len(cases), f"{len(lines)} groups of {len(cases)}"
    head = Head(CACHE / f"observers/{hashlib.sha256(MODEL.read_bytes()).hexdigest()[:16]}-bf16.gguf")
    for (group, _), line in zip(cases, lines, strict=True):
        check_group(group, json.loads(line), head)
    print(f"suspects: seed {SEED}, {len(cases)} groups of {N} answers, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
