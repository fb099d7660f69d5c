"""mid_auroc_resampled against a loop of scikit-learn's roc_auc_score over the same resamples.
Usage: bench_auroc.py BENCH_AUROC. Needs numpy and scikit-learn. Exit 1 when a value differs by more than 1e-12."""
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.metrics import roc_auc_score

N, N_DRAW, SEED = 2000, 2000, 1


def write(path, score, label, index):
    with open(path, "wb") as f:
        f.write(np.array([N, N_DRAW], np.uint32).tobytes() + score.tobytes() + label.tobytes() + index.tobytes())


def main(program):
    rng = np.random.default_rng(SEED)
    label = (rng.random(N) < 0.3).astype(np.uint8)
    score = rng.normal(size=N) + label
    index = rng.integers(0, N, (N_DRAW, N), dtype=np.uint32)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "set")
        write(path, score, label, index)
        load = os.getloadavg()[0]
        out = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout.split()
    ours_s, ours = float(out[0]), np.array(out[1:], float)
    start = time.perf_counter()
    theirs = np.array([roc_auc_score(label[i], score[i]) for i in index])
    theirs_s = time.perf_counter() - start
    off = np.abs(ours - theirs).max()
    print(f"AUROC, n {N}, {N_DRAW} resamples, load {load:.2f} on {os.cpu_count()} cores")
    print(f"midstream    {1e6 * ours_s / N_DRAW:9.2f} us a resample (best of 5 rounds)")
    print(f"scikit-learn {1e6 * theirs_s / N_DRAW:9.2f} us a resample (one round)")
    print(f"ratio {theirs_s / ours_s:.0f}, largest difference {off:.2g}")
    return int(off > 1e-12)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
