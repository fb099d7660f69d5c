"""Compare raw agreement, Cohen's kappa and Krippendorff's alpha with scikit-learn and the krippendorff package, on sets of
2 to 6 labelers with labels missing. Usage: agreement.py AGREEMENT_ORACLE. Exit 1 when any value is further off than
1e-12."""
import itertools
import subprocess
import sys
import warnings

import krippendorff
import numpy as np
from sklearn.metrics import cohen_kappa_score

LIMIT = 1e-12
SEED = 20261124


def sets(rng):
    for n_labeler in (2, 2, 2, 3, 4, 6):
        for n in (2, 3, 10, 50, 400):
            for missing in (0, 0.2, 0.7):
                for share in (0.02, 0.3, 0.5):
                    truth = rng.random(n) < share
                    label = np.where(rng.random((n_labeler, n)) < 0.2, ~truth, truth).astype(int)
                    label[rng.random(label.shape) < missing] = -1
                    yield label
    yield np.ones((2, 5), int)
    yield np.array([[1, 1, 1], [0, 0, 0]])


def wanted(label):
    seen = label[:, (label >= 0).sum(0) >= 2]
    if seen.shape[1] == 0:
        return [np.nan] * 3
    agree = np.mean([np.mean([a == b for a, b in itertools.combinations(column[column >= 0], 2)]) for column in seen.T])
    kappa = np.nan
    if len(label) == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kappa = cohen_kappa_score(seen[0], seen[1])
    alpha = np.nan
    if len(np.unique(seen[seen >= 0])) == 2:
        alpha = krippendorff.alpha(np.where(label >= 0, label, np.nan), level_of_measurement="nominal")
    return [agree, kappa, alpha]


def main(program):
    cases = list(sets(np.random.default_rng(SEED)))
    sent = "".join("%d %d %s\n" % (*c.shape, " ".join(map(str, c.ravel()))) for c in cases)
    out = subprocess.run([program], input=sent, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    got, want = np.array([line.split() for line in out], float), np.array([wanted(c) for c in cases])
    assert got.shape == want.shape
    if (np.isnan(got) != np.isnan(want)).any():
        i = np.argwhere(np.isnan(got) != np.isnan(want))[0][0]
        print("agreement: set %d: ours %s, theirs %s\n%s" % (i, got[i], want[i], cases[i]))
        return 1
    off = np.nanmax(np.abs(got - want))
    print("agreement: %d sets, seed %d, largest difference %.3g (limit %g)" % (len(cases), SEED, off, LIMIT))
    return int(off > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
