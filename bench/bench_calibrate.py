"""What a calibration of 100,000 scores costs beside MAPIE and crepes, which get the same scores in the same run, and
whether both find the same threshold. Processor time: ours is the least of 15 rounds, theirs of 5 (the slow one of 1).
Usage: bench_calibrate.py BENCH_CALIBRATE. Needs numpy, mapie and crepes. Exit 1 when thresholds differ.

Whose conventions: crepes and MAPIE give the k-th smallest safe score, k = ceil((n + 1)(1 - alpha)), as the end of an
interval that holds it; ours, at which an alarm is given, is the next double above it. MAPIE's controllers know the
thresholds of a grid only: ours must be cut to that grid. Its risk control wants the bound strictly below the level,
ours lets it be equal, which differs only where (errors + 1) / (n + 1) is the level to the last digit."""
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin

import crepes
import mapie
from mapie.regression import SplitConformalRegressor
from mapie.risk_control import BinaryClassificationController, MultiLabelClassificationController
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

N, N_THRESHOLD, N_GRID, SEED = 100_000, 1000, 10, 20241124
ALPHA, MISS, CONFIDENCE = 0.05, 0.5, 0.9    # as bench_calibrate.c asks for
bad = []


class Zero(RegressorMixin, BaseEstimator):
    """Predicts 0, so that a residual is a score."""

    def fit(self, x, y):
        self.is_fitted_ = True
        return self

    def predict(self, x):
        return np.zeros(len(x))


def least(fn, n_round=5):
    """Seconds of processor time of the fastest round, and what it gave."""
    s = []
    for _ in range(n_round):
        start = time.process_time()
        value = fn()
        s.append(time.process_time() - start)
    return min(s), value


def by_crepes(safe):
    model = crepes.ConformalRegressor().fit(safe)
    return model.predict_int(np.zeros(1), confidence=1 - ALPHA)[0, 1]


def by_mapie(safe):
    x = np.zeros((len(safe), 1))
    model = SplitConformalRegressor(Zero().fit(x, safe), confidence_level=1 - ALPHA, prefit=True)
    return model.conformalize(x, safe).predict_interval(x[:1])[1][0, 1, 0]


def walk_by_mapie(score, label, threshold):
    """All thresholds that keep the rate, from the highest down: fixed sequence testing with the exact binomial tail."""
    model = BinaryClassificationController(lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]), "fpr", ALPHA, CONFIDENCE,
                                           list_predict_params=threshold, fwer_method="fixed_sequence")
    return model.calibrate(score[:, None], label.astype(int)).valid_predict_params.min()


def misses_by_mapie(unsafe, grid):
    """Conformal risk control of the one label's recall. It alarms above a threshold."""
    model = MultiLabelClassificationController(lambda x: x, method="crc", target_level=1 - MISS, predict_params=grid)
    return model.calibrate(unsafe[:, None], np.ones((len(unsafe), 1), int)).best_predict_param[0]


def line(name, ours_s, goal_ms, peer, theirs_s, same, note=""):
    if not same:
        bad.append(name)
    ratio = f"{theirs_s / ours_s:8.1f} times" if theirs_s else ""
    print(f"{name:<38} {1e3 * ours_s:7.3f} ms (goal {goal_ms:g})  {peer:<24}"
          f"{'' if theirs_s is None else f'{1e3 * theirs_s:10.2f} ms'} {ratio}  "
          f"{'same threshold' if same else 'ANOTHER THRESHOLD'}{note}", flush=True)


def main(program):
    rng = np.random.default_rng(SEED)
    label = (rng.random(N) < 0.2).astype(np.uint8)
    score = 1 / (1 + np.exp(-rng.normal(size=N) - 2 * label))
    group = rng.permutation(N).astype(np.uint32)
    threshold = np.linspace(1, 0.001, N_THRESHOLD)
    with tempfile.NamedTemporaryFile() as f:
        f.write(np.array([N, N_THRESHOLD], np.uint32).tobytes())
        for a in (score, label, group, threshold):
            f.write(a.tobytes())
        f.flush()
        load = os.getloadavg()[0]
        out = subprocess.run([program, f.name], capture_output=True, text=True, check=True).stdout
    ours = {name: (float(s), float(t)) for name, s, t in map(str.split, out.splitlines())}
    safe, unsafe = score[label == 0], score[label == 1]
    print(f"{N} scores of as many prompts, {len(safe)} of them safe; load {load:.2f} on {os.cpu_count()} cores; mapie "
          f"{mapie.__version__}, crepes {crepes.__version__}, numpy {np.__version__}, scikit-learn {sklearn.__version__}")

    for peer, fn in (("crepes", by_crepes), ("MAPIE", by_mapie)):
        s, t = least(lambda: fn(safe))
        for how in ("rising", "unordered", "scattered"):
            a, b = ours["conformal_" + how]
            line(f"conformal, {how} prompts", a, 2, peer, s, b == np.nextafter(t, np.inf))
    grid = np.linspace(0.5, 0.95, N_GRID)
    s, t = least(lambda: misses_by_mapie(unsafe, grid), 1)
    a, b = ours["crc_miss"]
    line("risk control, misses", a, 10, "MAPIE", s, grid[grid < b].max() == t, f" on a grid of {N_GRID}")
    line("risk control, both errors", ours["crc"][0], 10, "none", None, ours["crc"][1] == ours["conformal_rising"][1])
    s, t = least(lambda: walk_by_mapie(score, label, threshold))
    a, b = ours["high_probability"]
    line("exact walk over every score", a, 50, f"MAPIE, {N_THRESHOLD} thresholds", s,
         threshold[threshold >= b].min() == t, " on that grid")
    loss = 1 - np.searchsorted(np.sort(safe), threshold) / len(safe)
    p = compute_hoeffding_bentkus_p_value(loss, len(safe), ALPHA)[:, 0]
    kept = np.argmax(p > 1 - CONFIDENCE)
    a, b = ours["walk"]
    note = f" by MAPIE's p-values; the walk alone {1e3 * ours['walk_alone'][0]:.3f} ms"
    line(f"Hoeffding-Bentkus, {N_THRESHOLD} thresholds", a, 50, f"MAPIE, {N_THRESHOLD} thresholds", s,
         b == threshold[kept - 1], note)
    return int(bool(bad))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    sys.exit(main(sys.argv[1]))
