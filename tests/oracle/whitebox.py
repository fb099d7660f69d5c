"""Fit and run the attention monitors, log_volume and td_forecast in numpy and scikit-learn on random answers and compare
every score. What a fit chose (layer, sign, C, ridge, ...) is read from the program, but for the layer and sign of
attention_log_diag and the heads of rauq, which are chosen here as well.
Usage: whitebox.py WHITEBOX_ORACLE. Needs numpy and scikit-learn. Exit 1 when a score is further off than 1e-5 of the
largest: weights are stored as float32."""
import subprocess
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

LIMIT = 1e-5
SEED = 20240621
CONTEXT, SELF, PREVIOUS = range(3)
HORIZONS = [1, 2, 4, 8, 16, 32, 64, 128]


class Case:
    def __init__(self, rng, name, n_layer, n_embd, n_head, n_head_layer, n_answer, lam=9.0):
        self.name, self.n_head_layer, self.n_prompt, self.lam = name, n_head_layer, int(rng.integers(3, 40)), lam
        self.shape = n_layer, n_embd, n_head
        self.label = (rng.random(n_answer) < 0.4).astype(int)
        self.label[:2] = 0, 1
        self.lp, self.hidden, self.attention = [], [], []
        for y in self.label:
            t = int(rng.integers(1, 45))
            self.lp.append((-rng.exponential(1 + 0.3 * y, t)).astype(np.float32))
            drift = rng.normal(size=(1, n_layer, n_embd)) + 0.5 * y * np.linspace(0, 1, t)[:, None, None]
            self.hidden.append((rng.normal(size=(t, n_layer, n_embd)) + drift).astype(np.float16).astype(float))
            context = rng.beta(2 + y, 2, (t, n_head))
            rest = rng.dirichlet([1, 1 + y, 1], (t, n_head)) * (1 - context)[:, :, None]
            a = np.stack([context, rest[:, :, 0], rest[:, :, 1]], 2)
            self.attention.append(a.astype(np.float16).astype(float))

    def text(self):
        head = [self.name, *self.shape, self.n_head_layer, self.n_prompt, len(self.label), self.lam]
        lines = [" ".join(map(str, head))]
        for y, lp, h, a in zip(self.label, self.lp, self.hidden, self.attention):
            lines.append(f"{y} {len(lp)}")
            lines += [" ".join(float(v).hex() for v in np.concatenate([[lp[t]], h[t].ravel(), a[t].ravel()]))
                      for t in range(len(lp))]
        return "\n".join(lines)


def running_mean(x):
    return np.cumsum(x, 0) / np.arange(1, len(x) + 1).reshape(-1, *[1] * (np.ndim(x) - 1))


def rows_of(n_tok):
    """Token counts at which an answer gives a row."""
    at = [h for h in HORIZONS if h <= n_tok]
    return at if n_tok in at or n_tok > HORIZONS[-1] else at + [n_tok]


def mean_auroc(label, series):
    """Mean over the horizons that somebody reaches anew; who ended keeps the last value."""
    values = []
    for i, h in enumerate(HORIZONS):
        before = HORIZONS[i - 1] if i else 0
        if any(len(s) > before for s in series):
            values.append(roc_auc_score(label, [s[min(h, len(s)) - 1] for s in series]))
    return np.mean(values)


def attention_log_diag(case, chosen):
    sums = [np.log(np.maximum(a[:, :, SELF], 1e-12)).reshape(len(a), -1, case.n_head_layer).sum(2) for a in case.attention]
    means = [running_mean(s) for s in sums]
    layer = int(np.argmax([abs(mean_auroc(case.label, [m[:, k] for m in means]) - 0.5) for k in range(means[0].shape[1])]))
    at16 = roc_auc_score(case.label, [m[min(16, len(m)) - 1, layer] for m in means])
    assert layer == chosen["layer"] and np.sign(at16 - 0.5) == chosen["orientation"], "another layer or sign"
    out = []
    for a in case.attention:        # by whole attention matrices: lower triangular, the heads' weights on the diagonal
        heads = a[:, layer * case.n_head_layer:(layer + 1) * case.n_head_layer, SELF]
        scores = []
        for t in range(1, len(a) + 1):
            below = np.tril(np.full((t, t), 0.1), -1)
            dets = [np.linalg.slogdet(np.diag(heads[:t, k]) + below)[1] for k in range(heads.shape[1])]
            scores.append(chosen["orientation"] * sum(dets) / t)
        out.append(scores)
    return out


def rauq(case, chosen):
    n_layer = case.shape[2] // case.n_head_layer
    first = n_layer // 3
    last = max(2 * n_layer // 3, first + 1)
    looks = np.zeros(case.shape[2])
    for a in case.attention:        # row means over what has been seen, each answer weighing 1; the first token is left out
        means = [a[1:t, :, PREVIOUS].mean(0) for t in rows_of(len(a)) if t > 1]
        if means:
            looks += np.mean(means, 0)
    per = case.n_head_layer
    heads = [l * per + np.argmax(looks[l * per:(l + 1) * per]) for l in range(first, last)]
    out = []
    for lp, a in zip(case.lp, case.attention):
        p, c = np.exp(lp.astype(float)), np.zeros((len(lp), len(heads)))
        for t in range(len(lp)):
            c[t] = p[t] if t == 0 else chosen["alpha"] * p[t] + (1 - chosen["alpha"]) * a[t, heads, PREVIOUS] * c[t - 1]
        out.append(running_mean(-np.log(np.maximum(c, 1e-10))).max(1))
    return out


def lookback_ratio(case, chosen):
    windows = []
    for a in case.attention:
        there, here = a[:, :, CONTEXT] / case.n_prompt, (1 - a[:, :, CONTEXT]) / np.arange(1, len(a) + 1)[:, None]
        r = there / (there + here)
        windows.append(np.array([r[max(0, t - 8):t].mean(0) for t in range(1, len(r) + 1)]))
    x = np.concatenate([[w[t - 1] for t in rows_of(len(w))] for w in windows])
    y = np.concatenate([[label] * len(rows_of(len(w))) for label, w in zip(case.label, windows)])
    weight = np.concatenate([[1 / len(rows_of(len(w)))] * len(rows_of(len(w))) for w in windows])
    mean, sd = x.mean(0), x.std(0)
    model = LogisticRegression(C=chosen["c"], solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit((x - mean) / sd, y, sample_weight=weight)
    return [model.decision_function((w - mean) / sd) for w in windows]


def log_volume(case, chosen):
    out = []
    for h in case.hidden:
        rows, scores = h[:, int(chosen["layer"])], []
        for t in range(1, len(rows) + 1):
            window = rows[max(0, t - 32):t]
            window = window - window.mean(1, keepdims=True)
            gram = window @ window.T + 1e-3 * np.eye(len(window))
            scores.append(chosen["orientation"] * np.linalg.slogdet(gram)[1] / len(window))
        out.append(scores)
    return out


def td_forecast(case, chosen):
    means = [running_mean(h[:, int(chosen["layer"])]) for h in case.hidden]
    x = np.concatenate([[m[t - 1] for t in rows_of(len(m))] for m in means])
    n = [len(rows_of(len(m))) for m in means]
    weight = np.repeat([1 / k for k in n], n)
    end = np.cumsum(n) - 1
    mean = weight @ x / weight.sum()
    sd = np.sqrt(weight @ (x - mean) ** 2 / weight.sum())
    model = Ridge(alpha=chosen["ridge"] * weight.sum(), solver="cholesky")
    g = np.repeat(case.label.astype(float), n)
    model.fit((x - mean) / sd, g, sample_weight=weight)
    value = model.predict((x - mean) / sd)
    for _ in range(20 if chosen["lambda"] < 1 else 0):
        before = value
        for i in range(len(x) - 1, -1, -1):
            if i not in end:
                g[i] = (1 - chosen["lambda"]) * value[i + 1] + chosen["lambda"] * g[i + 1]
        model.fit((x - mean) / sd, g, sample_weight=weight)
        value = model.predict((x - mean) / sd)
        if np.abs(value - before).max() <= 1e-4:
            break
    return [model.predict((m - mean) / sd) for m in means]


def main(program):
    rng = np.random.default_rng(SEED)
    cases = [Case(rng, "attention_log_diag", 1, 2, 12, 3, 60), Case(rng, "attention_log_diag", 1, 2, 8, 4, 40),
             Case(rng, "rauq", 1, 2, 12, 2, 50), Case(rng, "rauq", 1, 2, 9, 3, 50),
             Case(rng, "lookback_ratio", 1, 2, 6, 2, 80), Case(rng, "lookback_ratio", 1, 2, 20, 4, 50),
             Case(rng, "log_volume", 1, 40, 1, 1, 40), Case(rng, "log_volume", 3, 9, 1, 1, 40)]
    cases += [Case(rng, "td_forecast", 2, 12, 1, 1, 80, lam) for lam in (1, 0.8, 0, 9)]
    text = "\n".join(c.text() for c in cases)
    answer = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
    lines, worst = iter(answer.splitlines()), {}
    for case in cases:
        chosen = dict(zip(("layer", "orientation", "alpha", "c", "ridge", "lambda"), map(float, next(lines).split())))
        want = globals()[case.name](case, chosen)
        got = [np.array(next(lines).split(), float) for _ in case.label]
        size = max(np.abs(np.concatenate([np.asarray(w) for w in want])).max(), 1e-12)
        off = max(np.abs(g - w).max() for g, w in zip(got, want)) / size
        worst[case.name] = max(worst.get(case.name, 0), off)
    failed = any(not off <= LIMIT for off in worst.values())
    said = ", ".join(f"{name} {off:.1e}" for name, off in worst.items())
    print(f"whitebox: seed {SEED}, {len(cases)} fits, scores off by: {said}; limit {LIMIT:g}: "
          f"{'FAILED' if failed else 'ok'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
