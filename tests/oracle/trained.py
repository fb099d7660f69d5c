"""Score an answer by the weights of every trained monitor, with numpy in double precision, and compare with our streams;
and fit the differences in means with numpy and scikit-learn.
Usage: trained.py TRAINED_ORACLE. Needs numpy, scikit-learn and safetensors. Formulas are written down once more here, on
whole answers where ours run token by token. Exit 1 when a score is further off than 5e-6 of the scores' spread (weights
and sums along a recurrence are float32), or a difference in means than 1e-5 of its largest entry."""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors import safe_open
from sklearn.covariance import LedoitWolf

N_LAYER, D = 2, 6
LAYERS = [3, 8]
N_BIN, PER_BIN = 64, 0.25


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Answer:
    def __init__(self):
        self.prompt, self.tokens, self.fit, self.scores = None, [], [], {}

    def read(self, text):
        for line in text.splitlines():
            kind, *rest = line.split()
            if kind == "score":
                self.scores[rest[0]] = np.array(rest[1:], float)
            elif kind == "fit":
                self.fit.append((int(rest[0]), np.array(rest[2:], float).reshape(int(rest[1]), N_LAYER, D)))
            elif kind == "prompt":
                self.prompt = np.array(rest, float).reshape(N_LAYER, D)
            else:
                self.tokens.append(np.array(rest, float))
        tokens = np.array(self.tokens)
        self.surprisal, self.entropy, self.margin = -tokens[:, 0], tokens[:, 1], tokens[:, 2] - tokens[:, 3]
        self.rows = tokens[:, 4:].reshape(-1, N_LAYER, D)
        self.t = np.arange(1, len(tokens) + 1)


class Weights:
    def __init__(self, path):
        with safe_open(path, "numpy") as f:
            self.meta = f.metadata()
            for key in f.keys():
                setattr(self, key, f.get_tensor(key).astype(float))
        self.layer = LAYERS.index(int(float(self.meta["layer"]))) if "layer" in self.meta else None

    def number(self, key):
        return float(self.meta[key])


def running_mean(x):
    return np.cumsum(x, 0) / np.arange(1, len(x) + 1).reshape(-1, *[1] * (x.ndim - 1))


def attention_probe(a, w):
    out = a.rows[:, w.layer] @ w.w.T + w.b
    u, g = out[:, :8], out[:, 8:]
    scores = []
    for t in a.t:
        e = np.exp(u[:t] - u[:t].max(0))
        scores.append((e / e.sum(0) * g[:t]).sum())
    return np.array(scores)


def diff_means(a, w):
    return running_mean(a.rows[:, w.layer] @ w.w[0] + w.b[0, 0])


def dual_head(a, w):
    x = np.maximum(a.rows[:, w.layer] @ w.w.T + w.b, 0)
    logits, k = x @ w.more[0, :64] + w.more[0, 64], int(w.number("k"))
    return np.array([np.sort(logits[:t])[-min(t, k)] for t in a.t])


def gru_scores(x, w, h):
    u = w.more[0]
    u_zr, u_c, v, b = u[:2 * h * h].reshape(h, 2 * h), u[2 * h * h:3 * h * h].reshape(h, h), u[3 * h * h:-1], u[-1]
    m, scores = np.zeros(h), []
    for row in x @ w.w.T + w.b:
        zr = sigmoid(row[:2 * h] + m @ u_zr)
        m = (1 - zr[:h]) * m + zr[:h] * np.tanh(row[2 * h:] + (zr[h:] * m) @ u_c)
        scores.append(v @ m + b)
    return np.array(scores)


def gru_probe(a, w):
    return gru_scores(np.column_stack([a.rows[:, w.layer], a.surprisal, a.entropy]), w, 64)


def logprob_gru(a, w):
    return gru_scores(np.column_stack([a.surprisal, a.entropy, a.margin]), w, 32)


def kelp(a, w):
    h, window, dt = 32, 64, 1 / 128
    parts = np.split(w.more[0], np.cumsum([3 * h * h, 3 * h, 2 * h * h, h * h, h]))
    w_in, b_in, u_zr = parts[0].reshape(h, 3 * h), parts[1], parts[2].reshape(h, 2 * h)
    u_c, v, b = parts[3].reshape(h, h), *parts[4:]
    q, k, val, _ = np.split(a.rows[:, w.layer] @ w.w.T + w.b, 4, axis=1)
    m, scores = np.tanh((a.prompt[w.layer] @ w.w.T + w.b[0])[3 * h:]), []
    for t in a.t:
        first = max(0, t - window)
        e = k[first:t] @ q[t - 1] / np.sqrt(h)
        e = np.exp(e - e.max())
        gate = e / e.sum() @ val[first:t] @ w_in + b_in
        zr = sigmoid(gate[:2 * h] + m @ u_zr)
        new = (1 - zr[:h]) * m + zr[:h] * np.tanh(gate[2 * h:] + (zr[h:] * m) @ u_c)
        m = new + dt * (new - m)
        scores.append(v @ m + b[0])
    return np.array(scores)


def quantile(x, q):
    """Of a histogram, straight within a bin."""
    n = np.bincount(np.minimum((x / PER_BIN).astype(int), N_BIN - 1), minlength=N_BIN)
    upto = np.cumsum(n)
    i = np.searchsorted(upto, q * len(x))
    return PER_BIN * (i + (q * len(x) - (upto[i] - n[i])) / n[i])


def logprob_lr(a, w):
    scores = []
    for t in a.t:
        phi = []
        for x in (a.surprisal[:t], a.entropy[:t], a.margin[:t]):
            slope = np.polyfit(np.arange(t), x, 1)[0] if t > 1 else 0
            phi += [x.mean(), x.max(), x.var(), x[-8:].mean(), slope, *(quantile(x, q) for q in (0.1, 0.5, 0.9))]
        phi += [(np.exp(-a.surprisal[:t]) < 0.1).mean(), np.log(t)]
        scores.append(w.w[0] @ phi + w.b[0, 0])
    return np.array(scores)


def mlp_probe(a, w):
    x = running_mean(a.rows[:, w.layer]) @ w.w1 + w.b1
    for matrix, bias in ((w.w2, w.b2), (w.w3, w.b3), (w.w4, w.b4)):
        x = np.maximum(x, 0) @ matrix + bias
    return x[:, 0]


def polynomial_probe(a, w):
    x, margin = running_mean(a.rows[:, w.layer]), w.number("param.margin")
    y = x @ w.w[0] + w.b[0, 0]
    for n in range(2, int(w.number("param.order")) + 1):
        r = slice(16 * (n - 2), 16 * (n - 1))
        more = (w.lambda_[0, r] * (x @ w.u[r].T + w.c[0, r]) ** n).sum(1)
        open_ = np.abs(y) <= margin if margin > 0 else True
        y = y + np.where(open_, more, 0)
    return y


def probe_streaming(a, w):
    beta = w.number("param.beta")
    z = a.rows.reshape(len(a.rows), -1) @ w.w[0] + w.b[0, 0]
    ema = [z[0]]
    for one in z[1:]:
        ema.append(beta * ema[-1] + (1 - beta) * one)
    return np.maximum.accumulate(ema)


def two_head_guard(a, w):
    x = a.rows[:, w.layer] @ w.w.T + w.b
    gain, shift, safe, unsafe, b = np.split(w.more[0], [64, 128, 192, 256])
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * gain + shift
    margin, n = x @ (unsafe - safe) + b[1] - b[0], int(w.number("param.n"))
    return np.array([margin[max(0, t - n):t].min() for t in a.t])


def means_off(a, w):
    """The probe from the fit answers, and how far the file's is from it."""
    x, label, weight = [], [], []
    for y, rows in a.fit:
        at = sorted({min(1 << i, len(rows)) for i in range(8)})
        x += list(running_mean(rows[:, w.layer])[[t - 1 for t in at]].astype(np.float32).astype(float))
        label += [y] * len(at)
        weight += [1 / len(at)] * len(at)
    x, label, weight = np.array(x), np.array(label), np.array(weight)
    mean = [np.average(x[label == y], axis=0, weights=weight[label == y]) for y in (0, 1)]
    want = mean[1] - mean[0]
    if w.number("param.whiten"):
        centred = x - np.array(mean)[label]
        want = np.linalg.solve(LedoitWolf().fit(centred).covariance_, want)
    bias = -want @ (mean[0] + mean[1]) / 2
    return max(np.abs(w.w[0] - want).max() / np.abs(want).max(), abs(w.b[0, 0] - bias) / np.abs(want).max())


FORMULA = {f.__name__: f for f in (attention_probe, diff_means, dual_head, gru_probe, kelp, logprob_gru, logprob_lr,
                                   mlp_probe, polynomial_probe, probe_streaming, two_head_guard)}


def main(program):
    a, off, off_means = Answer(), {}, 0
    with tempfile.TemporaryDirectory() as folder:
        a.read(subprocess.run([program, folder], capture_output=True, text=True, check=True).stdout)
        for name, got in a.scores.items():
            w = Weights(Path(folder) / f"{name}.safetensors")
            w.lambda_ = getattr(w, "lambda", None)
            formula = next(f for key, f in FORMULA.items() if name.startswith(key))
            want = formula(a, w)
            off[name] = np.abs(got - want).max() / np.ptp(want)
            if name.startswith("diff_means"):
                off_means = max(off_means, means_off(a, w))
    worst = max(off, key=off.get)
    failed = off[worst] > 5e-6 or off_means > 1e-5
    print(f"trained: {len(off)} fits, {len(a.rows)} tokens, scores off by {off[worst]:.1e} at most ({worst}), "
          f"differences in means by {off_means:.1e}: {'FAILED' if failed else 'ok'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
