"""Exchange weights with the safetensors package, both ways and bit for bit. Usage: weights.py WEIGHTS_ORACLE.
Needs numpy and safetensors. Exit 1 at the first difference."""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

SEED = 20240611
N_FILE = 20


def same(a, b, what):
    """Equal in names, shapes and bits; ours are always two-dimensional."""
    assert a.keys() == b.keys(), f"{what}: tensors {sorted(a)} and {sorted(b)}"
    for name in a:
        assert a[name].dtype == b[name].dtype == np.float32, f"{what}: {name} is not float32"
        x, y = (np.atleast_2d(t[name]) for t in (a, b))
        assert x.shape == y.shape and x.tobytes() == y.tobytes(), f"{what}: {name} differs"


def entries(path):
    with safe_open(path, "numpy") as f:
        return f.metadata() or {}


def ours_to_python(run, folder):
    path = folder / "ours"
    run("write", path)
    edges = np.array([[1.17549435e-38], [3.40282347e38], [-0.0], [1.40129846e-45]], np.float32)
    ramp = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
    same(load_file(path), {"ramp": ramp, "edges": edges}, "ours")
    want = {'a "quoted"\nname': "café\t\\", "tenth": "0.10000000000000001"}
    assert entries(path) == want, f"entries: {entries(path)}"
    assert float(entries(path)["tenth"]) == 0.1


def python_to_ours(run, folder, rng, i):
    theirs, once, twice = (folder / f"{name}{i}" for name in ("theirs", "once", "twice"))
    tensors = {}
    for k in range(rng.integers(0, 8)):
        shape = rng.integers(1, 40, rng.integers(0, 3))
        tensors[f"t{k} é{rng.integers(100)}"] = np.asarray(rng.normal(size=shape), np.float32)
    texts = {f"k{k}": "".join(map(chr, rng.integers(1, 0xD800, 20))) for k in range(rng.integers(0, 4))}
    save_file(tensors, theirs, texts)
    run("copy", theirs, once)
    run("copy", once, twice)
    same(load_file(once), tensors, f"file {i}")
    assert entries(once) == texts, f"file {i}: entries differ"
    assert once.read_bytes() == twice.read_bytes(), f"file {i}: same weights, other bytes"


def main(program):
    def run(*args):
        subprocess.run([program, *map(str, args)], check=True)

    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as name:
        ours_to_python(run, Path(name))
        for i in range(N_FILE):
            python_to_ours(run, Path(name), rng, i)
    print(f"weights     seed {SEED}: 1 file from us, {N_FILE} files from safetensors and back, all bits equal")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except (AssertionError, subprocess.CalledProcessError) as failure:
        sys.exit(f"weights: {failure}")
