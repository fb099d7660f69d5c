"""What learning costs beside scikit-learn, numpy and PyTorch: the same data from one file, one thread on either side,
rounds in turn, medians of processor time; and the same judge over what either side found.
Usage: bench_fits.py BENCH_FITS [ROUNDS]. Needs numpy, scikit-learn and safetensors; PyTorch if /usr/bin/python3 has it.
Exit 1 when what we found is worse."""
import os
import subprocess
import sys
import tempfile
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore", ConvergenceWarning)
SEED, D = 20241124, 576
PROGRAM, ROUNDS, FOLDER = sys.argv[1] if len(sys.argv) > 1 else "", int(sys.argv[2]) if len(sys.argv) > 2 else 3, None
bad = []


def rows(rng, n, d=D):
    """Correlated rows: variances fall like 1 / rank, as those of hidden rows do, and no axis is a column."""
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (rng.normal(size=(n, d)) / np.sqrt(1 + np.arange(d)) * 10) @ turn


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def ours(what, tensors, **numbers):
    """Seconds and what was found, of a fit on tensors; the file is written once per set of data."""
    path, found = os.path.join(FOLDER, what), os.path.join(FOLDER, what + ".out")
    if not os.path.exists(path):
        save_file({k: np.ascontiguousarray(np.atleast_2d(v), np.float32) for k, v in tensors.items()}, path,
                  {k: repr(v) for k, v in numbers.items()})
    return float(output(PROGRAM, what.split(".")[0], path, found)), load_file(found)


def clock(fn):
    start = time.process_time()
    value = fn()
    return time.process_time() - start, value


def turns(us, them):
    """Medians over rounds in turn, and the last outcome of each."""
    s = []
    for _ in range(ROUNDS):
        a, found = us()
        b, theirs = them()
        s.append((a, b))
    a, b = np.median(np.array(s), 0)
    return a, b, found, theirs


def line(name, peer, a, b, goal, note, worse):
    if worse:
        bad.append(name)
    print(f"{name:<34} {a:9.4f} s  {peer:<22} {b:9.4f} s  ratio {a / b:6.3f}  goal {goal:<5}  "
          f"{'WORSE: ' if worse else ''}{note}", flush=True)


def objective(x, y, c, w, b):
    m = np.where(y, 1, -1) * (x.astype(float) @ w + b)
    return c * np.logaddexp(0, -m).sum() + w @ w / 2


def logistic(rng):
    n, c = 10000, 0.01
    x = rows(rng, n)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    y = x @ rng.normal(size=D) / np.sqrt(D) + rng.logistic(size=n) > 0

    def fit(tol):
        return clock(lambda: LogisticRegression(C=c, tol=tol, max_iter=10000).fit(x, y))

    def loss(m):
        return objective(x, y, c, m.coef_[0].astype(float), m.intercept_[0])

    best = loss(fit(1e-9)[1])
    tol = next(t for t in (1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 1e-7) if loss(fit(t)[1]) / best - 1 < 1e-6)
    a, b, found, m = turns(lambda: ours("logistic", {"x": x, "label": y}, c=c), lambda: fit(tol))
    f = objective(x, y, c, found["w"][0].astype(float), float(found["b"][0, 0]))
    best = min(best, f)
    line("logistic, 10000 x 576, C .01", "LogisticRegression", a, b, "1.2",
         f"loss above the best: ours {f / best - 1:.1e}, theirs {loss(m) / best - 1:.1e} (lbfgs, tol {tol:g}, the "
         f"loosest within 1e-6; {m.n_iter_[0]} iterations)", f / best - 1 > 1e-6)


def inner_fold(i):
    """As src/monitor/rows.c cuts inner folds, seed 1."""
    mask = (1 << 64) - 1
    z = ((1 ^ i << 20) + 0x9e3779b97f4a7c15) & mask
    z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & mask
    z = ((z ^ z >> 27) * 0x94d049bb133111eb) & mask
    return (z ^ z >> 31) % 3


def sweep(rng):
    n_answer, n_layer, grid = 120, 30, (0.001, 0.003, 0.01, 0.03, 0.1)
    answer, horizon = np.repeat(np.arange(n_answer), 8), np.tile(np.arange(8), n_answer)
    label = answer % 2 == 1
    fold = np.array([inner_fold(i) for i in range(n_answer)])[answer]
    lean = rng.normal(size=(n_answer, D)) * 0.5
    x = {f"x.{i}": (rows(rng, len(answer)) / np.sqrt(2.0 ** horizon)[:, None] + lean[answer] +
                    0.02 * (i + 1) / n_layer * label[:, None] * np.sign(np.arange(D) % 3 - 0.5)).astype(np.float32)
         for i in range(n_layer)}
    data = {**x, "answer": answer, "label": label, "horizon": horizon}

    def layer(x):
        score = np.zeros((len(grid), len(label)))
        for f in range(3):
            train = fold != f
            scaler = StandardScaler().fit(x[train])
            z, m = scaler.transform(x[train]), LogisticRegression(warm_start=True, max_iter=1000)
            for i, c in enumerate(grid):
                m.set_params(C=c).fit(z, label[train], sample_weight=np.full(train.sum(), 1 / 8))
                w = m.coef_[0] / scaler.scale_
                score[i, ~train] = x[~train] @ w + m.intercept_[0] - scaler.mean_ @ w
        return score

    a, b, found, scores = turns(lambda: ours("sweep", data, n_answer=n_answer),
                                lambda: clock(lambda: [layer(v) for v in x.values()]))
    auroc = np.array([[np.mean([roc_auc_score(label[horizon == h], s[horizon == h]) for h in range(8)]) for s in score]
                      for score in scores])
    same = np.isclose(np.array(grid)[auroc.argmax(1)], found["c"][0])
    off = np.abs(auroc.max(1) - found["auroc"][0]).max()
    line("sweep, 30 layers of 960 x 576", "the same 450 fits", a, b, "0.5",
         f"3 folds x 5 C a layer; ours with held-out scores and AUROC, theirs StandardScaler and lbfgs (warm start, "
         f"tol 1e-4) alone; same C in {same.sum()} of 30, AUROC apart by {off:.1e}", off > 0.02)


def inertia(x, centre):
    x, centre = x.astype(float), centre.astype(float)
    return sum(((part ** 2).sum(1)[:, None] - 2 * part @ centre.T + (centre ** 2).sum(1)).min(1).sum()
               for part in np.array_split(x, 16))


def kmeans(rng, n, d, k):
    x = (rows(rng, n, d) + rng.normal(size=(k, d))[rng.integers(0, k, n)]).astype(np.float32)
    start = x[rng.choice(n, k, replace=False)]
    key = f"{n}x{d}"

    def theirs(**how):
        m = KMeans(n_clusters=k, n_init=1, max_iter=100, tol=0, algorithm="lloyd", **how)
        return clock(lambda: m.fit(x))

    a, b, found, m = turns(lambda: ours("kmeans." + key, {"x": x, "centre": start}), lambda: theirs(init=start))
    mine, other = inertia(x, found["centre"]), inertia(x, m.cluster_centers_)
    line(f"k-means, {n} x {d}, {k} centres", "KMeans, same start", a, b, "1.0",
         f"inertia {mine:.6g}, theirs {other:.6g}; {m.n_iter_} steps", mine > other * (1 + 1e-5))
    s, loss = [], []
    for seed in range(5):
        a, found = ours(f"seeding.{key}.{seed}", {"x": x}, k=k, seed=seed)
        b, m = theirs(init="k-means++", random_state=seed)
        s.append((a, b))
        loss.append((inertia(x, found["centre"]), inertia(x, m.cluster_centers_)))
    (a, b), (mine, other) = np.median(s, 0), np.mean(loss, 0)
    line("  with seeding", "KMeans, k-means++", a, b, "1.0",
         f"inertia {mine:.6g}, theirs {other:.6g}, means of 5 seeds (theirs tries several rows a centre, ours one)",
         False)


def gauss(rng):
    x = (rows(rng, 10000) + 3).astype(np.float32)
    exact = LedoitWolf().fit(x.astype(float))

    def off(mu, precision):
        """How far the estimate is from the same one in double precision, relative."""
        return max(np.abs(mu - exact.location_).max() / np.abs(exact.location_).max(),
                   np.linalg.norm(precision - exact.precision_) / np.linalg.norm(exact.precision_))

    a, b, found, m = turns(lambda: ours("gauss", {"x": x}), lambda: clock(lambda: LedoitWolf().fit(x)))
    w = found["whiten"].astype(float)
    mine, other = off(found["mu"][0], w.T @ w), off(m.location_, m.precision_)
    line("covariance, 10000 x 576", "LedoitWolf", a, b, "1.0",
         f"shrunk, and inverted; off the same in double: ours {mine:.1e}, theirs {other:.1e}", mine > max(other, 1e-5))
    b, _ = clock(lambda: LedoitWolf(store_precision=False).fit(x))
    print(f"{'  theirs without the inverse':<34} {'':>11}  {'':<22} {b:9.4f} s  ratio {a / b:6.3f}")


def box(rng):
    x = rows(rng, 8192).astype(np.float32)
    a, b, found, (lo, hi) = turns(lambda: ours("box", {"x": x}),
                                  lambda: clock(lambda: np.quantile(x, (0.01, 0.99), axis=0)))
    off = max(np.abs(found["lo"][0] - lo).max(), np.abs(found["hi"][0] - hi).max())
    line("box, 8192 x 576, 1 % and 99 %", "numpy.quantile", a, b, "1.0", f"bounds apart by {off:.1e}", off > 1e-4)


def gru(rng):
    n, t, d, epochs = 256, 128, 66, 3
    label = np.arange(n) % 2 == 1
    x = rng.normal(size=(n, t, d)).astype(np.float32)
    x[:, :, 0] += (0.3 * np.where(label, 1, -1))[:, None] * np.sin(np.arange(t) / 8)
    order = np.array([rng.permutation(n) for _ in range(epochs)])
    numbers = dict(h=64, batch=32, rate=1e-3, decay=0.1)
    data = {"x": x.reshape(n * t, d), "label": label, "order": order}
    torch = ["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "bench_gru.py")]
    if not os.path.exists(torch[0]) or subprocess.run([*torch, "try"], capture_output=True).returncode:
        print(f"{'GRU, training':<34} skipped: no torch in /usr/bin/python3")
        return
    np.savez(os.path.join(FOLDER, "gru.npz"), x=x, label=label, order=order, **numbers)

    def theirs():
        out = output(*torch, os.path.join(FOLDER, "gru.npz")).split()
        return float(out[0]), (out[1], np.array(out[2:], float))

    a, b, found, (version, loss) = turns(lambda: ours("gru", data, **numbers), theirs)
    mine = found["loss"][0]
    line("GRU 66 -> 64, 256 x 128 tokens", f"nn.GRU, torch {version}", a, b, "1.0",
         f"{epochs} epochs, 32 a step, AdamW; loss by epoch "
         + ", ".join(f"{m:.4f} ({o:.4f})" for m, o in zip(mine, loss)),
         mine[-1] > loss[-1] * 1.02)


def main():
    global FOLDER
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, one thread each; medians of processor time over "
          f"{ROUNDS} rounds in turn")
    parts = logistic, sweep, lambda r: kmeans(r, 4096, D, 64), lambda r: kmeans(r, 8192, 10, 200), gauss, box, gru
    for i, part in enumerate(parts):
        with tempfile.TemporaryDirectory() as FOLDER:
            part(np.random.default_rng(SEED + i))
    if bad:
        print("worse than the peer's: " + ", ".join(bad))
    return int(bool(bad))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main())
