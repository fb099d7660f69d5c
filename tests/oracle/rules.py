"""Compare the rules' tails, bounds and thresholds with SciPy's binomial and beta distributions: binomial tails to a
relative 1e-10, Clopper-Pearson rates to the four digits we round up to, thresholds exactly, found here by trying every
one of them. Usage: rules.py RULES_ORACLE. Needs numpy and scipy. Exit 1 on any difference."""
import math
import subprocess
import sys

import numpy as np
from scipy.stats import beta, binom

SEED = 20240614
LIMIT = 1e-10
DELTA = 0.1


def kl(r, a):
    return (r * math.log(r / a) if r > 0 else 0) + ((1 - r) * math.log((1 - r) / (1 - a)) if r < 1 else 0)


def hoeffding_bentkus(error, n, a):
    r = error / n
    if r >= a:
        return 1.0
    return min(1.0, math.exp(-n * kl(r, a)), math.e * binom.cdf(math.ceil(error - 1e-9), n, a))


def tails(rng):
    """(question, expected, how they may differ)"""
    for n in (1, 2, 5, 22, 50, 230, 999, 10 ** 4, 10 ** 5, 10 ** 6):
        for p in (1e-4, 0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 0.99):
            for k in {0, 1, n // 100, int(n * p * 0.8), int(n * p), int(n * p * 1.1), n - 1}:
                if not 0 <= k <= n:
                    continue
                want = binom.cdf(k, n, p)
                if want > 1e-250:
                    yield "cdf %d %.17g %d" % (n, p, k), want, LIMIT
    for _ in range(500):
        n, a = int(rng.integers(5, 2000)), float(rng.uniform(0.01, 0.6))
        e = float(rng.uniform(0, n * a)) if rng.random() < 0.5 else float(rng.integers(0, int(n * a) + 1))
        want = hoeffding_bentkus(e, n, a)
        if want > 1e-250:
            yield "hb %d %.17g %.17g" % (n, a, e), want, LIMIT
    for _ in range(300):
        n = int(rng.integers(2, 3000))
        e = int(rng.integers(0, max(1, n // 3)))
        yield "rate 1 %.17g %d %d" % (DELTA, e, n), beta.ppf(1 - DELTA, e + 1, n - e), "up"
        yield "rate 0 0 %d %d" % (e, n), (e + 1) / (n + 1), "up"


def keeps(name, error, n, rate, delta):
    if n == 0:
        return False
    if name == "crc":
        return error + 1 <= rate * (n + 1) + 1e-9
    p = binom.cdf(int(error), n, rate) if name == "high_probability" else hoeffding_bentkus(error, n, rate)
    return p <= delta * (1 + 1e-9)


def losses(name, x, y, g, label, threshold):
    """Sum over prompts: any wrong answer, or the share of wrong ones."""
    total = 0.0
    for group in np.unique(g[y == label]):
        wrong = (x[(g == group) & (y == label)] >= threshold) != bool(label)
        total += wrong.mean() if name == "hoeffding_bentkus" else float(wrong.any())
    return total


def thresholds(name, fa, miss, x, y, g):
    delta = DELTA / (2 if not (math.isnan(fa) or math.isnan(miss)) else 1)
    n = [len(np.unique(g[y == c])) for c in (0, 1)]
    lowest, highest = -math.inf, math.inf
    if not math.isnan(fa):
        lowest = math.nan
        for t in sorted({np.nextafter(v, np.inf) for v in x[y == 0]}, reverse=True):
            if not keeps(name, losses(name, x, y, g, 0, t), n[0], fa, delta):
                break
            lowest = t
    if not math.isnan(miss):
        highest = math.nan
        for t in sorted(set(x[y == 1])):
            if not keeps(name, losses(name, x, y, g, 1, t), n[1], miss, delta):
                break
            highest = t
    return (lowest, highest, *n) if lowest <= highest else (None, None, *n)


def sets(rng):
    for i in range(150):
        n = int(rng.integers(0, 160))
        y = rng.integers(0, 2, n)
        x = rng.normal(size=n) + 1.5 * y
        if i % 3 == 0:
            x = np.floor(x * 2) / 2
        g = rng.integers(0, max(1, n // 2), n) if i % 2 else np.arange(n)
        fa, miss = rng.uniform(0.03, 0.5, 2)
        if i % 5 == 0:
            fa = math.nan
        if i % 5 == 1:
            miss = math.nan
        yield ("crc", "high_probability", "hoeffding_bentkus")[i // 2 % 3], float(fa), float(miss), x, y, g


def main():
    rng = np.random.default_rng(SEED)
    asked, fits = list(tails(rng)), list(sets(rng))
    sent = "".join(q + "\n" for q, _, _ in asked)
    for name, fa, miss, x, y, g in fits:
        sent += "fit %s %.17g %.17g %d\n" % (name, fa, miss, len(x))
        sent += "".join("%.17g %d %d\n" % row for row in zip(x, y, g))
    got = subprocess.run(sys.argv[1], input=sent, text=True, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    assert len(got) == len(asked) + len(fits), "%d answers to %d questions" % (len(got), len(asked) + len(fits))
    worst, n_bad, n_none = 0.0, 0, 0
    for (question, want, how), line in zip(asked, got):
        have = float(line)
        if how == "up":
            if not want * (1 - 1e-9) <= have <= want * 1.00101:
                n_bad += 1
                print("rules: %s: %.17g, expected %.17g rounded up" % (question, have, want))
            continue
        off = abs(have / want - 1)
        worst = max(worst, off)
        if off > how:
            n_bad += 1
            print("rules: %s: %.17g, expected %.17g" % (question, have, want))
    for (name, fa, miss, x, y, g), line in zip(fits, got[len(asked):]):
        lowest, highest, n_safe, n_unsafe = thresholds(name, fa, miss, x, y, g)
        n_none += lowest is None
        want = ["none"] if lowest is None else [float(lowest), float(highest)]
        words = line.split()
        have = ["none"] if words[0] == "none" else [float(w) for w in words[:2]]
        if have != want or [int(w) for w in words[-2:]] != [n_safe, n_unsafe]:
            n_bad += 1
            print("rules: %s %g %g on %d answers: %s, expected %s" % (name, fa, miss, len(x), line, want))
    print("rules: %d tails and bounds, %d fits (%d infeasible), seed %d, largest relative difference of a tail %.3g "
          "(limit %g), %d wrong" % (len(asked), len(fits), n_none, SEED, worst, LIMIT, n_bad))
    return int(n_bad > 0)


if __name__ == "__main__":
    sys.exit(main())
