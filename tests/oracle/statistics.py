"""Compare rank tests, distributions and Holm's correction with SciPy's, and the p-value of a paired gain in AUROC with
that of DeLong et al. 1988, computed here from placement values. Usage: statistics.py STATISTICS_ORACLE. Needs numpy and
scipy. Exit 1 when a number is further off than 1e-9 of itself (of 1 for P[range <= q], which SciPy gives to so many
digits after the point), or DeLong's z than 6 % (n 400, 4000 draws)."""
import subprocess
import sys

import numpy as np
from scipy import stats

SEED = 20241124
bad = []


def check(name, got, want, limit):
    got, want = np.atleast_1d(got).astype(float), np.atleast_1d(want).astype(float)
    off = np.abs(got - want) / np.maximum(np.abs(want), 1e-300)
    off = np.where((got == want) | (np.isnan(got) & np.isnan(want)), 0, off)
    print(f"{name:<42} largest relative difference {off.max():.2g}, limit {limit:g}")
    if not off.max() <= limit:
        bad.append(name)


def ask(program, text):
    out = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
    return [np.array(line.split(), float) for line in out.splitlines()]


def text(*parts):
    return " ".join(" ".join(repr(float(x)) for x in np.ravel(p)) for p in parts) + "\n"


def friedman(program, rng):
    for n, k, levels in ((6, 4, None), (12, 9, 5), (3, 30, None), (20, 3, 2), (7, 60, 40)):
        value = rng.normal(size=(n, k)) + 0.1 * np.arange(k)
        if levels:
            value = np.round(value * levels / 4)        # ties
        rank, test = ask(program, text(1, n, k, 0.05, value))
        want = stats.friedmanchisquare(*value.T)
        f = (n - 1) * want.statistic / (n * (k - 1) - want.statistic)
        name = f"friedman {n} sets, {k} methods{', ties' if levels else ''}"
        check(name + ": ranks", rank, stats.rankdata(-value, axis=1).mean(0), 1e-12)
        check(name + ": tests", test[:4], [want.statistic, want.pvalue, f, stats.f.sf(f, k - 1, (k - 1) * (n - 1))], 1e-9)
        cd = stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))
        check(name + ": critical difference", test[4], cd, 1e-9)


def holm(program, rng):
    p = rng.random(40) ** 3
    order = np.argsort(p)
    want = np.empty(40)
    want[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(40, 0, -1)))
    check("holm", ask(program, text(2, 40, p))[0], want, 1e-12)


def placements(score, label):
    """(unsafe, safe): shares of the other class below or above, ties one half."""
    less = (score[label == 1][:, None] > score[label == 0][None]) + 0.5 * (score[label == 1][:, None] ==
                                                                           score[label == 0][None])
    return less.mean(1), less.mean(0)


def delong(a, b, label):
    (u_a, s_a), (u_b, s_b) = placements(a, label), placements(b, label)
    var = np.var(u_a - u_b, ddof=1) / len(u_a) + np.var(s_a - s_b, ddof=1) / len(s_a)
    return u_a.mean() - u_b.mean(), (u_a.mean() - u_b.mean()) / np.sqrt(var)


def gain(program, rng):
    n = 400
    for shift in (0.0, 0.1, 0.3, 1.0):
        label = (rng.random(n) < 0.4).astype(int)
        own = rng.normal(size=n)
        a, b = own + rng.normal(size=n) + (1 + shift) * label, own + rng.normal(size=n) + label
        value, p = ask(program, text(3, n, 4000, label, a, b))[0]
        want, z = delong(a, b, label)
        check(f"gain, shift {shift}: difference", value, want, 1e-12)
        check(f"gain, shift {shift}: |z| beside DeLong", stats.norm.isf(p / 2), abs(z), 0.06)


def tails(program, rng):
    n = 60
    x = np.column_stack([rng.exponential(20, n), rng.integers(1, 60, n), rng.exponential(2, n), rng.integers(1, 60, n),
                         rng.integers(1, 400, n), rng.uniform(0.5, 8, n), rng.integers(2, 70, n),
                         rng.choice([0.5, 0.9, 0.95, 0.99], n), rng.integers(2, 70, n)])
    got = np.array(ask(program, text(4, n, x)))
    check("chi-squared", got[:, 0], stats.chi2.sf(x[:, 0], x[:, 1]), 1e-9)
    check("F", got[:, 1], stats.f.sf(x[:, 2], x[:, 3], x[:, 4]), 1e-9)
    check("studentized range", 1 + got[:, 2], 1 + stats.studentized_range.cdf(x[:, 5], x[:, 6], np.inf), 1e-9)
    check("studentized range, quantile", got[:, 3], stats.studentized_range.ppf(x[:, 7], x[:, 8], np.inf), 1e-9)


def main(program):
    rng = np.random.default_rng(SEED)
    for part in (friedman, holm, gain, tails):
        part(program, rng)
    return int(bool(bad))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
