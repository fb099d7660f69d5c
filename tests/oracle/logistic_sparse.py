"""Compare sparse logistic regression with scikit-learn (lbfgs, tolerance 1e-10). Usage: logistic_sparse.py
LOGISTIC_SPARSE_ORACLE. Needs numpy, scipy and scikit-learn. Exit 1 when a loss is more than 1e-6 above scikit-learn's
(relative where that exceeds 1) or a probability differs by more than 1e-4."""
import subprocess
import sys

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

LOSS_LIMIT, P_LIMIT = 1e-6, 1e-4
SEED = 20240611


def sets(rng):
    """(x, label, weight, c): a few shapes from easy to separable, rows scaled to length 1 as the classifier's are."""
    for n, d, density in ((20, 5, 0.5), (200, 50, 0.1), (300, 2000, 0.01), (1000, 300, 0.03)):
        for c in (0.01, 1.0, 10.0, 1000.0):
            x = sp.random(n, d, density, "csr", rng=rng, data_rvs=lambda k: rng.exponential(size=k))
            length = np.sqrt(np.asarray(x.power(2).sum(axis=1))).ravel()
            x = sp.csr_matrix(sp.diags(1 / np.where(length > 0, length, 1)) @ x).astype(np.float32)
            y = (x @ rng.normal(size=d) + 0.3 * rng.normal(size=n) > 0.2).astype(int)
            y[:2] = 0, 1
            yield x, y, rng.integers(1, 4, n).astype(float), c


def loss(x, y, weight, c, w, b):
    margin = (2 * y - 1) * (x.astype(float) @ w + b)
    return c * np.sum(weight * np.logaddexp(0, -margin)) + w @ w / 2


def as_text(x, y, weight, c):
    parts = ([len(y), x.shape[1], x.nnz, repr(c)], y, weight, x.indptr, x.indices, [repr(float(v)) for v in x.data])
    return "\n".join(" ".join(str(v) for v in part) for part in parts) + "\n"


def main():
    cases = list(sets(np.random.default_rng(SEED)))
    sent = "".join(as_text(*case) for case in cases)
    got = subprocess.run(sys.argv[1], input=sent, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    assert len(got) == len(cases), "%d answers to %d sets" % (len(got), len(cases))
    worst_loss, worst_p = 0.0, 0.0
    for line, (x, y, weight, c) in zip(got, cases):
        v = np.array(line.split(), float)
        theirs = LogisticRegression(C=c, tol=1e-10, max_iter=100000).fit(x.astype(float), y, sample_weight=weight)
        w, b = theirs.coef_[0], theirs.intercept_[0]
        want = loss(x, y, weight, c, w, b)
        worst_loss = max(worst_loss, (loss(x, y, weight, c, v[:-1], v[-1]) - want) / max(1, want))
        p = [1 / (1 + np.exp(-(x.astype(float) @ a + i))) for a, i in ((v[:-1], v[-1]), (w, b))]
        worst_p = max(worst_p, np.abs(p[0] - p[1]).max())
    print("logistic_sparse: %d sets, seed %d, largest excess loss %.3g (limit %g), largest difference of a probability "
          "%.3g (limit %g)" % (len(cases), SEED, worst_loss, LOSS_LIMIT, worst_p, P_LIMIT))
    return int(worst_loss > LOSS_LIMIT or worst_p > P_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
