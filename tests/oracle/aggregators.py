"""Compare the aggregators with NumPy and SciPy on random score series.
Usage: aggregators.py AGGREGATORS_ORACLE. Needs numpy and scipy. Exit 1 when a value is further off than its limit:
  learned     1e-6 relative: they are stored as float32 (noisy_or: its root is found to 1e-12, its slope is one of five)
  aggregates  1e-9 relative, given what was learned"""
import subprocess
import sys

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.optimize import brentq
from scipy.signal import lfilter

LIMIT_LEARNED, LIMIT = 1e-6, 1e-9
SEED = 20240620
SPECS = ["last", "max", "mean", "window", "window(1)", "window(5)", "window(256)", "ema", "ema(0)", "ema(0.37)", "top_mean",
         "top_mean(1)", "top_mean(30)", "cusum", "cusum(0.25)", "in_a_row", "in_a_row(7)", "kth_largest", "kth_largest(9)",
         "noisy_or", "noisy_or(1)", "noisy_or(5)", "position_norm"]


def waiting(n, k, values):
    """-inf for the first k - 1 of n scores, then the values."""
    return np.concatenate([np.full(min(k - 1, n), -np.inf), values])


def running(s, f):
    return np.array([f(s[:t + 1]) for t in range(len(s))])


def cusum(s, kappa):
    """In closed form: the walk less its lowest point so far, the start included."""
    walk = np.cumsum(s - kappa)
    return walk - np.minimum(np.minimum.accumulate(walk), 0)


def chunk_ends(n, every):
    return np.unique(np.append(np.arange(every - 1, n, every), n - 1))


def hazards(s, every, a, b):
    return np.logaddexp(0, a * s[chunk_ends(len(s), every)] + b).sum()


def band(t):
    """0, 1, 2 2, 3 3 3 3, ... of the positions 1, 2, 3 4, 5 6 7 8, ..."""
    return np.minimum(np.ceil(np.log2(t)).astype(int), 12)


def fit_cusum(answers):
    means = [[np.mean(s) for y, s in answers if y == c] for c in (0, 1)]
    return [(np.mean(means[0]) + np.mean(means[1])) / 2]


def fit_noisy_or(answers, every):
    chunks = [s[chunk_ends(len(s), every)] for _, s in answers]
    weight = np.concatenate([np.full(len(c), 1 / len(c)) for c in chunks]) / len(chunks)
    pooled = np.concatenate(chunks)
    mean = weight @ pooled
    sd = np.sqrt(weight @ (pooled - mean) ** 2)
    label = np.array([y for y, _ in answers])
    best = None
    for slope in (0.25, 0.5, 1, 2, 4):
        a = slope / sd

        def g(c, a=a):
            return np.array([hazards(s, every, a, c - a * mean) for _, s in answers])
        c = brentq(lambda c: (-np.expm1(-g(c)) - label).sum(), -60, 20, xtol=1e-13)
        fit = np.where(label == 1, np.log(-np.expm1(-g(c))), -g(c)).sum()
        if best is None or fit > best[0]:
            best = fit, a, c - a * mean
    return best[1:]


def fit_position_norm(answers):
    safe = [s for y, s in answers if y == 0]
    at = [band(np.arange(1, len(s) + 1)) for s in safe]
    pool = []
    for b in range(13):
        pool.append(b if b == 0 or sum(b in a for a in at) >= 30 else pool[-1])

    def moments(of):
        parts = [s[np.isin(a, of)] for s, a in zip(safe, at)]
        parts = [p for p in parts if len(p)]
        w = np.concatenate([np.full(len(p), 1 / len(p)) for p in parts]) / len(parts)
        x = np.concatenate(parts)
        return w @ x, np.sqrt(w @ (x - w @ x) ** 2)
    floor = 1e-3 * moments(range(13))[1]
    stats = [moments([c for c in range(13) if pool[c] == pool[b]]) for b in range(13)]
    return [m for m, _ in stats] + [max(sd, floor) for _, sd in stats]


def expected(name, p, answers, s, learned):
    """What should be learned (None: nothing), and the aggregates of s given what was."""
    n = len(s)
    if name == "last":
        return None, s
    if name == "max":
        return None, np.maximum.accumulate(s)
    if name == "mean":
        return None, np.cumsum(s) / np.arange(1, n + 1)
    if name == "window":
        w = int(p or 16)
        return None, np.array([s[max(0, t - w + 1):t + 1].mean() for t in range(n)])
    if name == "ema":
        beta = 0.9 if p is None else p
        return None, lfilter([1 - beta], [1, -beta], s, zi=[beta * s[0]])[0]
    if name == "top_mean":
        return None, running(s, lambda x: np.sort(x)[-int(p or 5):].mean())
    if name == "in_a_row":
        k = int(p or 2)
        return None, waiting(n, k, sliding_window_view(s, k).min(1) if n >= k else [])
    if name == "kth_largest":
        k = int(p or 3)
        return None, waiting(n, k, [np.sort(s[:t])[-k] for t in range(k, n + 1)])
    if name == "cusum":
        return (fit_cusum(answers), cusum(s, learned[0])) if p is None else (None, cusum(s, p))
    if name == "noisy_or":
        every = int(p or 32)
        return fit_noisy_or(answers, every), running(s, lambda x: hazards(x, every, *learned))
    mu, sd = np.array(learned[:13]), np.array(learned[13:])
    b = band(np.arange(1, n + 1))
    return fit_position_norm(answers), (s - mu[b]) / sd[b]


def off(got, want):
    got, want = np.asarray(got, float), np.asarray(want, float)
    infinite = np.isinf(want)
    if got.shape != want.shape or (got[infinite] != want[infinite]).any():
        return np.inf
    got, want = got[~infinite], want[~infinite]
    return (np.abs(got - want) / np.maximum(np.abs(want), 1e-3)).max(initial=0)


def cases(rng):
    for spec in SPECS:
        for size in (12, 60, 200):
            shift, scale = rng.normal() * 3, np.exp(rng.normal())
            answers = [(int(i % 3 == 0), shift + scale * (rng.normal(size=rng.integers(1, 1 + size)) + 0.5 * (i % 3 == 0)))
                       for i in range(size)]
            yield spec, answers, shift + scale * rng.normal(size=rng.integers(1, 300))


def main(program):
    rng = np.random.default_rng(SEED)
    all_cases, text = list(cases(rng)), []
    for spec, answers, s in all_cases:
        text.append(f"{spec} {len(answers)}")
        text += [f"{y} {len(x)} " + " ".join(float(v).hex() for v in x) for y, x in answers]
        text.append(f"{len(s)} " + " ".join(float(v).hex() for v in s))
    lines = subprocess.run([program], input="\n".join(text), capture_output=True, text=True, check=True).stdout.splitlines()
    worst_learned = worst = 0
    for (spec, answers, s), first, second in zip(all_cases, lines[::2], lines[1::2], strict=True):
        name, _, bracket = spec.partition("(")
        learned = None if first == "none" else np.array(first.split(), float)
        want_learned, want = expected(name, float(bracket[:-1]) if bracket else None, answers, s, learned)
        if (learned is None) != (want_learned is None):
            sys.exit(f"{spec}: learned {learned}, wanted {want_learned}")
        if learned is not None:
            worst_learned = max(worst_learned, off(learned, want_learned))
        worst = max(worst, off(np.array(second.split(), float), want))
    failed = worst_learned > LIMIT_LEARNED or worst > LIMIT
    print(f"aggregators: seed {SEED}, {len(all_cases)} series, learned numbers off by {worst_learned:.1e} (limit "
          f"{LIMIT_LEARNED:g}), aggregates by {worst:.1e} (limit {LIMIT:g}): {'FAILED' if failed else 'ok'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
