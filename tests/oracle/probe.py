"""Compare the probes' logistic regression and the Mahalanobis monitor with scikit-learn on random rows, its form with
main axes with numpy's eigenvectors of scikit-learn's covariance.
Usage: probe.py PROBE_ORACLE. Needs numpy and scikit-learn. Exit 1 when a value is further off than its limit:
  coefficients     1e-6 of the largest one, against newton-cholesky run until it stands still
  rho, distances   1e-6 relative: the whitening matrix is stored as float32"""
import subprocess
import sys

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

LIMIT = 1e-6
SEED = 20240616


def hexes(values):
    return " ".join(float(v).hex() for v in np.ravel(values))


def logistic_sets(rng):
    for n, d in ((40, 1), (60, 5), (300, 20), (1000, 64), (200, 300)):
        for share in (0.1, 0.5):
            label = (rng.random(n) < share).astype(int)
            label[:2] = 0, 1
            x = rng.normal(size=(n, d)) @ (np.eye(d) + rng.normal(size=(d, d)) / np.sqrt(d))
            x[:, 0] += label
            x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
            weight = rng.choice([1, 0.5, 1 / 3, 1 / 8], n)
            for c in (0.001, 0.01, 0.1, 1):
                yield x, label, weight, c


def logistic_off(x, label, weight, c, got):
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(x.astype(float), label, sample_weight=weight)
    want = np.append(model.coef_, model.intercept_)
    return np.abs(np.concatenate(got) - want).max() / np.abs(want).max()


def gauss_sets(rng):
    for n, d in ((20, 2), (50, 7), (500, 16), (100, 64), (2000, 96)):
        for spread in (0.1, 1, 3):
            mix = rng.normal(size=(d, d)) * np.exp(spread * rng.normal(size=d) / 2)
            yield (rng.normal(size=(n, d)) @ mix + 1).astype(np.float16), rng.normal(size=(30, d)).astype(np.float16)


def n_axis(d):
    return d // 3 + 1


def by_axes(model, query, k):
    """The covariance with its k main axes and one variance for the rest (Tipping & Bishop 1999), inverted."""
    variance, axis = np.linalg.eigh(model.covariance_)
    variance[:-k] = variance[:-k].mean()
    return np.sqrt((((query - model.location_) @ axis) ** 2 / variance).sum(1))


def gauss_off(x, query, got):
    """rho is read off the stored matrix: off the diagonal, covariance = (1 - rho) S."""
    x, query = x.astype(float), query.astype(float)
    d = x.shape[1]
    model = LedoitWolf().fit(x)
    distance, whiten, along = got[0], got[1].reshape(d, d), by_axes(model, query, n_axis(d))
    covariance = np.linalg.inv(whiten.T @ whiten)
    s = np.cov(x.T, bias=True)
    off = ~np.eye(d, dtype=bool)
    rho = 1 - (covariance[off] @ s[off]) / (s[off] @ s[off])
    want = np.sqrt(model.mahalanobis(query))
    return abs(rho - model.shrinkage_), (np.abs(distance - want) / want).max(), (np.abs(got[2] - along) / along).max()


def main(program):
    rng = np.random.default_rng(SEED)
    logistic, gauss, text = list(logistic_sets(rng)), list(gauss_sets(rng)), []
    for x, label, weight, c in logistic:
        text += [f"logistic {x.shape[0]} {x.shape[1]} {c!r}", hexes(x), hexes(label), hexes(weight)]
    for x, query in gauss:
        text += [f"gauss {x.shape[0]} {x.shape[1]} {len(query)} {n_axis(x.shape[1])}", hexes(x), hexes(query)]
    answer = subprocess.run([program], input="\n".join(text), capture_output=True, text=True, check=True).stdout
    rows = [np.array(line.split(), float) for line in answer.splitlines()]
    cut = 2 * len(logistic)
    pairs, triples = zip(*[iter(rows[:cut])] * 2), zip(*[iter(rows[cut:])] * 3)
    off_w = max(logistic_off(*case, got) for case, got in zip(logistic, pairs, strict=True))
    off = np.array([gauss_off(*case, got) for case, got in zip(gauss, triples, strict=True)])
    off_rho, off_distance, off_axes = off.max(0)
    failed = max(off_w, off_rho, off_distance, off_axes) > LIMIT
    print(f"probe: seed {SEED}, {len(logistic)} regressions, coefficients off by {off_w:.1e}; "
          f"{len(gauss)} covariances, rho off by {off_rho:.1e}, distances by {off_distance:.1e}, by main axes by "
          f"{off_axes:.1e}; limit {LIMIT:g}: {'FAILED' if failed else 'ok'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
