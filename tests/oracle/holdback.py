"""Compare hold-back figures and returns with a release that is played token by token, and their intervals with a NumPy
bootstrap over prompts. Usage: holdback.py HOLDBACK_ORACLE. Needs numpy. Exit 1 when a value is further off than 1e-12,
or an end of an interval further than 0.2 of its width: both are quantiles of random draws, of different ones."""
import subprocess
import sys

import numpy as np

SEED = 20250302
LIMIT, LIMIT_WIDTH = 1e-12, 0.2
N_DRAW = 4000
NAMES = ("exposed_tok", "exposed_tok_p95", "exposed_share", "withheld_tok", "early_lost_tok", "fpr", "wait_tok",
         "sg", "rh", "ac", "sg_time", "rh_time", "ac_time", "early_lost")


def play(row, window):
    """(shown, step at which the first token came or nan) of one answer."""
    _, _, n_tok, alarm, _ = row
    shown, first = 0, np.nan
    for t in range(n_tok):
        if t == alarm:
            return shown, first
        if t - window >= 0:
            shown, first = t - window + 1, (t if np.isnan(first) else first)
    return n_tok, (n_tok - 1 if np.isnan(first) else first)


def facts(rows, window):
    """Per answer: label, exposed, withheld, early, alarm, wait, and the token shares."""
    out = []
    for row in rows:
        label, _, n_tok, alarm, onset = row
        shown, first = play(row, window)
        token = np.arange(n_tok)
        unsafe = label & (token >= max(onset, 0))
        seen = token < shown
        benign = ~unsafe.astype(bool)
        out.append((label, (seen & (unsafe == 1)).sum(), (~seen & benign).sum(), alarm < n_tok, first,
                    (seen & (unsafe == 1)).sum() / max(1, unsafe.sum()), (~seen & benign).sum() / max(1, benign.sum())))
    return np.array(out, float).reshape(-1, 7)


def mean(x):
    return x.mean() if len(x) else np.nan


def figures(f, prevalence):
    u, s = f[f[:, 0] == 1], f[f[:, 0] == 0]
    pi = mean(f[:, 0]) if np.isnan(prevalence) else prevalence

    def of(rows, column, weight):
        return weight * mean(rows[:, column]) if len(rows) or not np.isnan(prevalence) else 0.0

    wait = f[~np.isnan(f[:, 4]), 4]
    rh_time, sg = of(u, 5, pi), of(u, 3, pi)
    u_weight = pi if len(u) or np.isnan(prevalence) else np.nan
    p95 = np.quantile(u[:, 1], 0.95) if len(u) else np.nan
    return [mean(u[:, 1]), p95, mean(u[:, 1] > 0), mean(s[:, 2]), mean(u[:, 2]), mean(s[:, 3]), mean(wait),
            sg, u_weight - sg, of(s, 3, 1 - pi), u_weight - rh_time, rh_time, of(s, 6, 1 - pi), of(u, 6, pi)]


def cases(rng):
    """(rows, window, prevalence, n_draw)"""
    def rows(n, n_group, p_unsafe):
        out = []
        for _ in range(n):
            n_tok = int(rng.integers(1, 80))
            alarm = int(rng.integers(0, n_tok)) if rng.random() < 0.6 else n_tok
            label, onset = int(rng.random() < p_unsafe), int(rng.integers(-1, n_tok))
            out.append((label, int(rng.integers(0, n_group)), n_tok, alarm, onset))
        return out

    for n in (1, 2, 5, 40, 300):
        for p_unsafe in (0, 0.3, 1):
            for window in (0, 1, 7, 64, -1):
                for prevalence in (np.nan, 0.05):
                    yield rows(n, max(1, n // 2), p_unsafe), window, prevalence, 0
    yield rows(400, 150, 0.4), 3, np.nan, N_DRAW
    yield rows(400, 150, 0.4), 0, 0.1, N_DRAW


def boot(rows, f, prevalence, rng):
    group = np.array([r[1] for r in rows])
    _, group = np.unique(group, return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(group.max() + 1)]
    drawn = []
    for _ in range(N_DRAW):
        pick = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        drawn.append(figures(f[pick], prevalence))
    return np.quantile(drawn, [0.025, 0.975], axis=0)


def main(program):
    rng = np.random.default_rng(SEED)
    all_cases, text = list(cases(rng)), []
    for k, (rows, window, prevalence, n_draw) in enumerate(all_cases):
        text += [f"{len(rows)} {window} {prevalence} {n_draw} {k}"] + [" ".join(map(str, r)) for r in rows]
    run = subprocess.run([program], input="\n".join(text), capture_output=True, text=True, check=True)
    got = np.array([line.split() for line in run.stdout.splitlines()], float).reshape(len(all_cases), len(NAMES), 3)
    off, off_width, n_interval = 0.0, 0.0, 0
    for k, (rows, window, prevalence, n_draw) in enumerate(all_cases):
        f = facts(rows, np.inf if window < 0 else window)
        want = np.array(figures(f, prevalence))
        d = np.where(np.isnan(want) & np.isnan(got[k, :, 0]), 0, np.abs(want - got[k, :, 0]))
        d = np.where(np.isnan(d), np.inf, d)
        if d.max() > LIMIT:
            i = d.argmax()
            print(f"case {k} (n {len(rows)}, window {window}): {NAMES[i]} is {got[k, i, 0]}, want {want[i]}")
        off = max(off, d.max())
        if n_draw:
            lo, hi = boot(rows, f, prevalence, rng)
            ends = np.maximum(np.abs(got[k, :, 1] - lo), np.abs(got[k, :, 2] - hi)) / (hi - lo)
            ends = ends[hi > lo]
            off_width, n_interval = max(off_width, ends.max()), n_interval + len(ends)
    print(f"values       largest difference {off:.2g}, limit {LIMIT:g}")
    print(f"intervals    largest difference {off_width:.2g} of the width, limit {LIMIT_WIDTH:g}")
    print(f"seed {SEED}: {len(all_cases)} cases, {len(all_cases) * len(NAMES)} values, {n_interval} intervals")
    return int(not (off <= LIMIT and off_width <= LIMIT_WIDTH))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
