"""Compare the unsupervised learners with scikit-learn (k-means, PCA, Gaussian mixture, Ledoit-Wolf) and with a plain numpy
Baum-Welch, on random rows and from the same starting points.
Usage: cluster.py CLUSTER_ORACLE. Needs numpy and scikit-learn. Exit 1 when a value is further off than its limit:
  rho, variances, inertia, likelihoods   1e-6 relative
  centres, axes, mixtures, HMMs          1e-5 of the largest entry: centres and axes are stored as float32"""
import subprocess
import sys
import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

LIMIT_FIGURE, LIMIT_ARRAY = 1e-6, 1e-5
SEED = 20240620


def hexes(values):
    return " ".join(float(v).hex() for v in np.ravel(values))


def off(got, want):
    got, want = np.ravel(got), np.ravel(want)
    return np.abs(got - want).max() / max(np.abs(want).max(), 1e-300)


def clumps(rng, n, d, k, width=1.0):
    centre = rng.normal(size=(k, d)) * 4
    x = centre[rng.integers(k, size=n)] + width * rng.normal(size=(n, d))
    return x.astype(np.float32)


def spectrum(rng, n, d):
    """Rows whose variances fall like those of hidden rows: a few strong directions and a long tail."""
    mix, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return (rng.normal(size=(n, d)) * (np.arange(1, d + 1) ** -0.7 * 10) @ mix + 1).astype(np.float32)


def shrink_cases(rng):
    for n, d in ((20, 3), (60, 40), (500, 16), (50, 200)):
        x = spectrum(rng, n, d)
        want = LedoitWolf().fit(x.astype(float)).shrinkage_
        yield f"shrink {n} {d}", [x], lambda got, want=want: [("figure", off(got[0], want))]


def kmeans_cases(rng):
    for n, d, k in ((30, 1, 2), (200, 5, 4), (1000, 20, 16), (600, 64, 5)):
        x = clumps(rng, n, d, k, 6.0)       # wide: no centre loses all its rows, which scikit-learn would then move
        start = x[rng.choice(n, k, replace=False)]

        def check(got, x=x, start=start, k=k):
            model = KMeans(k, init=start.astype(float), n_init=1, max_iter=100, tol=0, algorithm="lloyd")
            model.fit(x.astype(float))
            return [("array", off(got[0], model.cluster_centers_)), ("figure", off(got[1], model.inertia_))]

        yield f"kmeans {n} {d} {k}", [x, start], check


def pca_cases(rng):
    for n, d, k in ((30, 2, 2), (100, 12, 5), (300, 150, 10), (400, 300, 32), (20, 90, 6)):
        x = spectrum(rng, n, d)

        def check(got, x=x, k=k, d=d):
            model = PCA(k, svd_solver="full").fit(x.astype(float))
            axis = np.reshape(got[2], (k, d))
            sign = np.sign((axis * model.components_).sum(1))
            total = np.trace(np.cov(x.astype(float).T))
            return [("figure", off(got[0], model.explained_variance_)), ("figure", off(got[1], total)),
                    ("array", off(axis * sign[:, None], model.components_))]

        yield f"pca {n} {d} {k}", [x], check


def gmm_cases(rng):
    for n, d, k, steps in ((100, 1, 2, 5), (400, 3, 4, 20), (800, 10, 6, 40)):
        x = clumps(rng, n, d, k, 1.5)
        mean = x[rng.choice(n, k, replace=False)].astype(float)
        variance = np.ones((k, d)) * x.astype(float).var(0)
        weight = rng.dirichlet(np.ones(k) * 5)

        def check(got, x=x, mean=mean, variance=variance, weight=weight, k=k, steps=steps):
            model = GaussianMixture(k, covariance_type="diag", tol=0, reg_covar=1e-6, max_iter=steps, weights_init=weight,
                                    means_init=mean, precisions_init=1 / variance)
            model.fit(x.astype(float))
            return [("array", off(got[0], model.weights_)), ("array", off(got[1], model.means_)),
                    ("array", off(got[2], model.covariances_)), ("figure", off(got[3], model.lower_bound_))]

        yield f"gmm {n} {d} {k} {steps}", [x, weight, mean, variance], check


def baum_welch(sequences, start, move, emit, steps, pseudo):
    n, k = emit.shape
    for _ in range(steps):
        c_start, c_move, c_emit = (np.full(shape, float(pseudo)) for shape in (n, (n, n), (n, k)))
        total = 0.0
        for s in sequences:
            alpha, beta = np.zeros((len(s), n)), np.ones((len(s), n))
            alpha[0] = start * emit[:, s[0]]
            for t in range(1, len(s)):
                alpha[t] = alpha[t - 1] @ move * emit[:, s[t]]
            for t in range(len(s) - 2, -1, -1):
                beta[t] = move @ (emit[:, s[t + 1]] * beta[t + 1])
            p = alpha[-1].sum()
            total += np.log(p)
            gamma = alpha * beta / p
            c_start += gamma[0]
            for t, symbol in enumerate(s):
                c_emit[:, symbol] += gamma[t]
                if t:
                    c_move += alpha[t - 1][:, None] * move * (emit[:, symbol] * beta[t])[None, :] / p
        start = c_start / c_start.sum()
        move, emit = c_move / c_move.sum(1, keepdims=True), c_emit / c_emit.sum(1, keepdims=True)
    return start, move, emit, total / sum(map(len, sequences))


def hmm_cases(rng):
    for n, k, n_seq, steps, pseudo in ((2, 3, 5, 1, 0), (3, 6, 20, 10, 0), (4, 12, 30, 8, 0.1)):
        sequences = [rng.integers(k, size=rng.integers(1, 25)) for _ in range(n_seq)]
        start, move, emit = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n), n), rng.dirichlet(np.ones(k), n)

        def check(got, s=sequences, a=start, b=move, c=emit, steps=steps, pseudo=pseudo):
            want = baum_welch(s, a, b, c, steps, pseudo)
            return [("array", off(g, w)) for g, w in zip(got[:3], want[:3])] + [("figure", off(got[3], want[3]))]

        arrays = [[len(s) for s in sequences], np.concatenate(sequences), start, move, emit]
        yield f"hmm {n} {k} {n_seq} {steps} {pseudo}", arrays, check


def main(program):
    rng = np.random.default_rng(SEED)
    n_line = {"shrink": 1, "kmeans": 2, "pca": 3, "gmm": 4, "hmm": 4}
    cases = [c for make in (shrink_cases, kmeans_cases, pca_cases, gmm_cases, hmm_cases) for c in make(rng)]
    text = "\n".join("\n".join([head] + [hexes(a) for a in arrays]) for head, arrays, _ in cases)
    answer = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
    rows, at = [np.array(line.split(), float) for line in answer.splitlines()], 0
    worst = {}
    for head, _, check in cases:
        kind = head.split()[0]
        for what, value in check(rows[at:at + n_line[kind]]):
            worst[kind, what] = max(worst.get((kind, what), 0), value)
        at += n_line[kind]
    failed = at != len(rows) or any(v > (LIMIT_FIGURE if w == "figure" else LIMIT_ARRAY) for (_, w), v in worst.items())
    said = ", ".join(f"{kind} {what} {value:.1e}" for (kind, what), value in worst.items())
    print(f"cluster: seed {SEED}, {len(cases)} sets, off by: {said}; limits {LIMIT_FIGURE:g}, {LIMIT_ARRAY:g}: "
          f"{'FAILED' if failed else 'ok'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.filterwarnings("ignore", category=UserWarning)     # a mixture stopped after n steps has not converged
    sys.exit(main(sys.argv[1]))
