"""Compare the two-sample test with SciPy (batches without ties, and the limit law) and with every deal of the pooled
scores (ties), and the drift check with a plain NumPy betting over its own p-values, each of which must lie where
sorting puts it. Usage: drift.py DRIFT_ORACLE. Needs numpy and scipy. Exit 1 when any value is further off than the limit."""
import itertools
import subprocess
import sys

import numpy as np
from scipy import special, stats

SEED = 20250301
LIMIT = 1e-12
RATES = np.array([1e-4, 1e-3, 1e-2])


def gap(a, b):
    at = np.unique(np.concatenate([a, b]))
    share = [np.searchsorted(np.sort(x), at, side="right") / len(x) for x in (a, b)]
    return np.abs(share[0] - share[1]).max()


def every_deal(a, b):
    pooled, n = np.concatenate([a, b]), len(a)
    least = gap(a, b) - 1e-12
    hits = [gap(pooled[list(c)], np.delete(pooled, c)) >= least for c in itertools.combinations(range(len(pooled)), n)]
    return np.mean(hits)


def batches(rng):
    """(what, a, b, distance, p, exact)"""
    for n_a, n_b in ((1, 1), (1, 9), (5, 7), (30, 30), (83, 20), (200, 137), (400, 399)):
        for shift in (0, 0.3, 1, 3):
            a, b = rng.normal(size=n_a), rng.normal(size=n_b) + shift
            want = stats.ks_2samp(a, b, method="exact")
            yield "no ties", a, b, want.statistic, want.pvalue, 1
    for n_a, n_b in ((1, 3), (4, 4), (5, 6), (3, 9), (7, 7)):
        for n_value in (1, 2, 3, 6):
            a, b = rng.integers(0, n_value, n_a) * 1.0, rng.integers(0, n_value + 1, n_b) * 1.0
            yield "ties", a, b, gap(a, b), every_deal(a, b), 1
    for shift in (0, 0.02, 0.05, 0.1):
        a, b = rng.normal(size=3000), rng.normal(size=2500) + shift
        d = gap(a, b)
        yield "limit law", a, b, d, special.kolmogorov(d * np.sqrt(3000 * 2500 / 5500)), 0


def streams(rng):
    """(n, n_push, keep_max, scores): the bag never fills."""
    for n, n_push in ((1, 50), (20, 300), (300, 600)):
        yield n, n_push, n_push, rng.normal(size=n + n_push)
        yield n, n_push, n_push, rng.integers(0, 4, n + n_push) * 1.0
        yield n, n_push, n_push, np.concatenate([rng.normal(size=n), rng.normal(size=n_push) + 1])
        yield n, n_push, n_push, np.concatenate([rng.normal(size=n), 3 * rng.normal(size=n_push)])


def p_is_off(score, n, p):
    off = 0
    for i, got in enumerate(p):
        bag, z = score[:n + i + 1], score[n + i]
        lo, hi = (bag > z).mean(), (bag >= z).mean()
        off = max(off, lo - got, got - hi)
    return off


def ln_evidence(p):
    """Six jumpers, each begun with a sixth."""
    accounts = np.full((6, 3), 1 / 18)
    rate = np.concatenate([RATES, RATES])[:, None]
    side = np.array([-1.0, 0.0, 1.0])
    ln = []
    for x in p:
        u = np.repeat([x, abs(2 * x - 1)], 3)[:, None]
        accounts = (1 - rate) * accounts + rate * accounts.mean(axis=1, keepdims=True)
        accounts = accounts * (1 + side * (u - 0.5))
        ln.append(np.log(accounts.sum()))
    return np.array(ln)


def main(program):
    rng = np.random.default_rng(SEED)
    pairs, runs, text = list(batches(rng)), list(streams(rng)), []
    for _, a, b, *_ in pairs:
        text += [f"k {len(a)} {len(b)}", " ".join(float(x).hex() for x in np.concatenate([a, b]))]
    for k, (n, n_push, keep_max, score) in enumerate(runs):
        text += [f"d {n} {n_push} {keep_max} {k}", " ".join(float(x).hex() for x in score)]
    run = subprocess.run([program], input="\n".join(text), capture_output=True, text=True, check=True)
    lines = iter(run.stdout.split("\n"))
    off = {}
    for what, a, b, distance, p, exact in pairs:
        got = [float(x) for x in next(lines).split()]
        d = max(abs(got[0] - distance), abs(got[1] - p), float(got[2] != exact))
        off[what] = max(off.get(what, 0), d)
    for n, n_push, _, score in runs:
        p, ln = (np.array(next(lines).split(), float) for _ in range(2))
        assert len(p) == len(ln) == n_push
        off["p-values"] = max(off.get("p-values", 0), p_is_off(score, n, p))
        off["ln evidence"] = max(off.get("ln evidence", 0), np.abs(ln - ln_evidence(p)).max())
    for what, d in off.items():
        print(f"{what:12s} largest difference {d:.2g}")
    print(f"seed {SEED}: {len(pairs)} pairs of batches, {len(runs)} streams, limit {LIMIT:g}")
    return int(max(off.values()) > LIMIT)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
