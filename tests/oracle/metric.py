"""Compare AUROC, AUPRC, TPR at an FPR, the ROC curve and resampled AUROC with scikit-learn, on sets with and without
ties. Usage: metric.py METRIC_ORACLE. Needs numpy and scikit-learn. Exit 1 when any value is further off than 1e-12."""
import subprocess
import sys

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

LIMIT = 1e-12
SEED = 20240611
AT = (0.01, 0.05, 0.1)
N_DRAW = 20


def sets(rng):
    """(what, score, label): continuous, a few values, all tied, one class, one answer, infinities."""
    for n in (1, 2, 3, 10, 50, 101, 600, 2000):
        for share in (0.02, 0.3, 0.5, 0.95):
            y = (rng.random(n) < share).astype(int)
            yield "continuous", rng.normal(size=n) + y, y
            yield "7 values", rng.integers(0, 7, n) + 1.0 * y, y
            yield "halves", np.round(4 * rng.normal(size=n) + y) / 2, y
            yield "tiny differences", 1 + np.spacing(1.0) * rng.integers(0, 9, n), y
            yield "all tied", np.full(n, 0.25), y
    y = rng.integers(0, 2, 300)
    yield "no unsafe", rng.normal(size=300), np.zeros(300, int)
    yield "no safe", rng.normal(size=300), np.ones(300, int)
    yield "perfect", y * 1.0, y
    yield "inverted", -y * 1.0, y


def expected(score, label, index):
    """The six lines of metric_oracle.c."""
    def auroc(s, y):
        return roc_auc_score(y, s) if 0 < y.sum() < len(y) else np.nan

    both = 0 < label.sum() < len(label)
    drawn = [auroc(score[i], label[i]) for i in index]
    if not both:
        return [[np.nan], [np.nan], [np.nan] * 3, [], [], drawn]
    fpr, tpr, _ = roc_curve(label, score, drop_intermediate=False)
    n_safe = len(label) - label.sum()
    caught = [tpr[fpr <= a + 1e-12].max() if n_safe * a >= 5 - 1e-9 else np.nan for a in AT]
    return [[auroc(score, label)], [average_precision_score(label, score)], caught, fpr, tpr, drawn]


def worst(got, want):
    got, want = np.asarray(got, float), np.asarray(want, float)
    if got.shape != want.shape or (np.isnan(got) != np.isnan(want)).any():
        return np.inf
    return np.nan_to_num(np.abs(got - want)).max(initial=0)


def main(program):
    rng = np.random.default_rng(SEED)
    cases, text = [], []
    for what, score, label in sets(rng):
        index = rng.integers(0, len(score), (N_DRAW, len(score)))
        cases.append((what, score, label, index))
        text += [f"{len(score)} {N_DRAW}", " ".join(float(s).hex() for s in score), " ".join(map(str, label))]
        text += [" ".join(map(str, row)) for row in index]
    run = subprocess.run([program], input="\n".join(text), capture_output=True, text=True, check=True)
    out = run.stdout.split("\n")
    names = ["auroc", "auprc", "tpr_at_fpr", "roc fpr", "roc tpr", "resampled"]
    off, n_value = dict.fromkeys(names, 0.0), 0
    for k, (what, score, label, index) in enumerate(cases):
        for name, line, want in zip(names, out[6 * k:6 * k + 6], expected(score, label, index), strict=True):
            got = [float(x) for x in line.split()]
            d = worst(got, want)
            n_value += len(got)
            if d > LIMIT:
                print(f"{name} of set {k} ({what}, n {len(score)}): {got[:5]} want {list(want)[:5]}")
            off[name] = max(off[name], d)
    for name in names:
        print(f"{name:11s} largest difference {off[name]:.2g}")
    print(f"seed {SEED}: {len(cases)} sets, {n_value} values, limit {LIMIT:g}")
    return int(max(off.values()) > LIMIT)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
