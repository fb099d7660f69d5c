"""Compare the learners with numpy in double precision, and the dense net with scikit-learn's MLPClassifier.
Usage: learn.py LEARN_ORACLE. Needs numpy and scikit-learn. Losses are written down once more here, from their formulas;
their gradients are central differences of them. Exit 1 when a value is further off than its limit:
  losses         1e-6 relative
  gradients      1e-5 of the largest one: ours are float32. Of a large head 300 weights are tried
  probabilities  1e-6
  AdamW          2e-5 of the largest weight, after 50 steps"""
import subprocess
import sys
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

SEED = 20260128
STEP = 1e-5
N_TRIED = 300


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def bce(z, y):
    """-ln P(y) of a logit."""
    return np.logaddexp(0, z) - y * z


# ---- losses of one sequence: a (n, n_out) is the map's output, more the further weights ------------------------------

def streaming(a, more, count, y, tau, through):
    z = a[:, 0]
    omega = count * np.exp(z / tau - np.max(z / tau))
    return np.sum(omega / omega.sum() * bce(z, y))


def attention(a, more, count, y, n_head):
    n, k = len(a), int(n_head)
    loss = 0
    for t in range(n):
        u, g = a[:t + 1, :k], a[:t + 1, k:]
        e = count[:t + 1, None] * np.exp(u - u.max(0))
        loss += bce((e / e.sum(0) * g).sum(), y) / n
    return loss


def dual(a, more, count, y, width, alpha, gamma):
    w = int(width)
    x = np.maximum(a, 0)
    z_g, z_f = x @ more[:w] + more[w], x @ more[w + 1:2 * w + 1] + more[2 * w + 1]
    top = np.maximum.accumulate(sigmoid(z_g))
    f = sigmoid(z_f)
    implied = np.maximum(1e-8, 1 - f + f * top)
    return (alpha * (count * bce(z_g, y)).sum() / count.sum() + (1 - alpha) * bce(z_f, y).mean()
            - gamma * np.log(implied).mean())


def guard(a, more, count, y, width):
    w = int(width)
    gain, shift, safe, unsafe, b = more[:w], more[w:2 * w], more[2 * w:3 * w], more[3 * w:4 * w], more[4 * w:]
    x = (a - a.mean(1, keepdims=True)) / np.sqrt(a.var(1, keepdims=True) + 1e-5) * gain + shift
    logits = np.stack([x @ safe + b[0], x @ unsafe + b[1]])
    return (np.logaddexp(*logits) - logits[y]).mean()


def gru_states(a, u_zr, u_c, m, dt):
    h, states = len(m), []
    for row in a:
        zr = sigmoid(row[:2 * h] + m @ u_zr)
        c = np.tanh(row[2 * h:] + (zr[h:] * m) @ u_c)
        new = (1 - zr[:h]) * m + zr[:h] * c
        m = new + dt * (new - m)
        states.append(m)
    return np.array(states).reshape(-1, h)


def gru(a, more, count, y, width):
    h = int(width)
    u_zr, u_c = more[:2 * h * h].reshape(h, 2 * h), more[2 * h * h:3 * h * h].reshape(h, h)
    states = gru_states(a, u_zr, u_c, np.zeros(h), 0)
    return bce(states @ more[3 * h * h:-1] + more[-1], y).mean()


def kelp(a, more, count, y, n_start):
    h, window, n_end, n_start = 32, 64, 10, int(n_start)
    parts = np.split(more, np.cumsum([3 * h * h, 3 * h, 2 * h * h, h * h, h]))
    w_in, b_in, u_zr = parts[0].reshape(h, 3 * h), parts[1], parts[2].reshape(h, 2 * h)
    u_c, v, b = parts[3].reshape(h, h), *parts[4:]
    m0, (q, k, val, _) = np.tanh(a[0, 3 * h:]), np.split(a[1:], 4, axis=1)
    x = []
    for t in range(len(q)):
        first = max(0, t + 1 - window)
        e = k[first:t + 1] @ q[t] / np.sqrt(h)
        e = np.exp(e - e.max())
        x.append(e / e.sum() @ val[first:t + 1])
    z = gru_states(np.array(x) @ w_in + b_in, u_zr, u_c, m0, 1 / 128) @ v + b
    n = len(z)
    at_end = np.arange(n) >= n - n_end
    counted = at_end | (np.arange(n) < n_start)
    loss = bce(z, np.where(at_end, y, 0))[counted].mean()
    change = np.diff(sigmoid(z))
    return loss + (0.01 * np.abs(change).mean() + 0.01 * np.maximum(-change, 0).mean() if n > 1 else 0)


HEADS = {"streaming": streaming, "attention": attention, "dual": dual, "guard": guard, "gru": gru, "kelp": kelp}


class Head:
    """Sequences, weights, and the loss as a function of the weights."""

    def __init__(self, rng, name, setting, n_out, n_more, lengths, reach):
        self.name, self.setting, self.n_out = name, setting, n_out
        self.lengths, self.d = lengths, 5
        n_row = sum(lengths)
        self.x = rng.normal(size=(n_row, self.d)).astype(np.float32)
        self.count = rng.choice([1, 2, 8], n_row)
        self.label = np.arange(len(lengths)) % 2
        self.w = (reach * rng.normal(size=n_out * (self.d + 1) + n_more)).astype(np.float32)

    def text(self):
        return " ".join(["head", self.name, str(len(self.lengths)), str(len(self.setting)), texts(self.setting),
                         texts(self.lengths), str(self.d), texts(self.x), texts(self.count), texts(self.label), texts(self.w)])

    def loss(self, w):
        k = self.n_out
        w_map, bias, more = w[:k * self.d].reshape(k, self.d), w[k * self.d:k * (self.d + 1)], w[k * (self.d + 1):]
        a, at, total = self.x.astype(float) @ w_map.T + bias, 0, 0
        for n, y in zip(self.lengths, self.label):
            total += HEADS[self.name](a[at:at + n], more, self.count[at:at + n].astype(float), y, *self.setting)
            at += n
        return total


class Net:
    """A dense net, as scikit-learn has it."""

    def __init__(self, rng, widths, n):
        self.widths, self.n = widths, n
        self.x = rng.normal(size=(n, widths[0])).astype(np.float32)
        self.label = np.arange(n) % max(2, widths[-1])
        self.weight = rng.choice([1, 0.5, 0.25], n)
        self.coefs = [(rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32) for s in zip(widths, widths[1:])]
        self.biases = [rng.normal(size=s).astype(np.float32) for s in widths[1:]]
        self.w = np.concatenate([np.concatenate([c.ravel(), b]) for c, b in zip(self.coefs, self.biases)])

    def text(self):
        return " ".join(["mlp", str(len(self.widths) - 1), texts(self.widths), str(self.n), texts(self.x),
                         texts(self.label), texts(self.weight), texts(self.w)])

    def logits(self, w):
        x, at = self.x.astype(float), 0
        for i, (n_in, n_out) in enumerate(zip(self.widths, self.widths[1:])):
            matrix, at = w[at:at + n_in * n_out].reshape(n_in, n_out), at + n_in * n_out
            x = (np.maximum(x, 0) if i else x) @ matrix + w[at:at + n_out]
            at += n_out
        return x

    def loss(self, w):
        z = self.logits(w)
        if self.widths[-1] == 1:
            return (self.weight * bce(z[:, 0], self.label)).sum()
        return (self.weight * (np.log(np.exp(z).sum(1)) - z[np.arange(self.n), self.label])).sum()

    def probabilities(self):
        """By scikit-learn, on these weights."""
        model = MLPClassifier(self.widths[1:-1], max_iter=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # it need not converge: its weights are replaced
            model.fit(self.x, self.label)
        model.coefs_, model.intercepts_ = [c.astype(float) for c in self.coefs], [b.astype(float) for b in self.biases]
        p = model.predict_proba(self.x.astype(float))
        return p[:, 1:] if self.widths[-1] == 1 else p


def texts(values):
    return " ".join(float(v).hex() for v in np.ravel(values))


def off(case, got, rng):
    """How far loss and gradient are from the formula's."""
    w = case.w.astype(float)
    tried = np.arange(len(w)) if len(w) <= N_TRIED else rng.choice(len(w), N_TRIED, replace=False)
    want = np.empty(len(tried))
    for j, i in enumerate(tried):
        one = np.zeros(len(w))
        one[i] = STEP
        want[j] = (case.loss(w + one) - case.loss(w - one)) / (2 * STEP)
    loss, grad = got[0], got[1:]
    return abs(loss / case.loss(w) - 1), np.abs(grad[tried] - want).max() / np.abs(want).max()


def adamw(w, grads, rate, decay):
    m = v = np.zeros_like(w)
    for t, g in enumerate(grads, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - rate * (m / (1 - 0.9 ** t) / (np.sqrt(v / (1 - 0.999 ** t)) + 1e-8) + decay * w)
    return w


def main(program):
    rng = np.random.default_rng(SEED)
    lengths = [6, 1, 25, 12, 2]
    heads = [Head(rng, "streaming", [1, 1], 1, 0, lengths, 1), Head(rng, "streaming", [0.5, 1], 1, 0, lengths, 1),
             Head(rng, "attention", [3], 6, 0, lengths, 0.7), Head(rng, "dual", [6, 0.6, 1], 6, 14, lengths, 0.7),
             Head(rng, "guard", [6], 6, 26, lengths, 0.7), Head(rng, "gru", [7], 21, 3 * 49 + 8, lengths, 0.6),
             Head(rng, "gru", [17], 51, 3 * 289 + 18, lengths, 0.4),
             Head(rng, "kelp", [10], 128, 6 * 1024 + 96 + 33, [26, 2, 80, 7], 0.2),
             Head(rng, "kelp", [0], 128, 6 * 1024 + 96 + 33, [26, 2, 80, 7], 0.2)]
    nets = [Net(rng, (4, 1), 9), Net(rng, (5, 16, 8, 1), 20), Net(rng, (5, 16, 3), 20), Net(rng, (33, 20, 18, 17, 1), 30)]
    w, grads = rng.normal(size=40).astype(np.float32), rng.normal(size=(50, 40)).astype(np.float32)
    text = [c.text() for c in heads + nets] + [f"adam 50 40 0.01 0.1 {texts(w)} {texts(grads)}"]
    answer = subprocess.run([program], input="\n".join(text), capture_output=True, text=True, check=True).stdout
    lines = [np.array(line.split(), float) for line in answer.splitlines()]
    pairs = [off(c, got, rng) for c, got in zip(heads, lines)]
    rest, off_p = lines[len(heads):], 0
    for net in nets:
        pairs.append(off(net, rest[0], rng))
        z = rest[1].reshape(net.n, -1)
        p = sigmoid(z) if z.shape[1] == 1 else np.exp(z) / np.exp(z).sum(1, keepdims=True)
        off_p = max(off_p, np.abs(p - net.probabilities()).max())
        rest = rest[2:]
    want = adamw(w.astype(float), grads.astype(float), 0.01, 0.1)
    off_w = np.abs(rest[0] - want).max() / np.abs(want).max()
    off_loss, off_grad = np.array(pairs).max(0)
    failed = off_loss > 1e-6 or off_grad > 1e-5 or off_p > 1e-6 or off_w > 2e-5
    print(f"learn: seed {SEED}, {len(heads)} heads and {len(nets)} nets, losses off by {off_loss:.1e}, "
          f"gradients by {off_grad:.1e}, probabilities by {off_p:.1e}; AdamW by {off_w:.1e}: {'FAILED' if failed else 'ok'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
