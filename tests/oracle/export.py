"""What export writes, read back by pandas, pyarrow and numpy: every value of every column, in every form.
Usage: export.py EXPORT_ORACLE. Needs numpy, pandas and pyarrow. Exit 1 at the first difference; equality is exact."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

N_ANSWER = 23


def n_tok(i):
    return 0 if i == 7 else 66000 if i == 9 else 11 + 3 * i


def tokens():
    """The tokens as export_oracle.c makes them; None where a value is not there."""
    rows = []
    for i in range(N_ANSWER):
        at = 0
        for t in range(n_tok(i)):
            n = t % 3
            rows.append({"i_answer": i, "i_tok": t, "token": 7 * t % 1009, "at_byte": at, "n_byte": n,
                         "text": bytes([t % 256, ord("x")])[:n], "logprob": None if (t + i) % 5 == 0 else -(t % 97) / 8,
                         "entropy_nats": i / 4})
            at += n
    return rows


def answers(run):
    rows = []
    for i in range(N_ANSWER):
        text = b"".join(bytes([t % 256, ord("x")])[: t % 3] for t in range(n_tok(i)))
        label, onset = i % 3 - 1, i if i % 2 else -1
        rows.append({"i_answer": i, "id": f"s-{i:02}", "dataset": ("one" if i < 10 else "two") if run else None,
                     "observer": "observer", "n_tok": n_tok(i), "prompt": 'Grüß "dich"\n', "text": text,
                     "label": label if run and label >= 0 else None,
                     "onset_byte": onset if run and onset >= 0 else None})
    return rows


def scores():
    rows = []
    for i in range(N_ANSWER):
        for t in range(n_tok(i)):
            x = None if t % 7 == 0 else 1000 * i + t
            rows.append({"i_answer": i, "i_tok": t, "a": None if x is None else x + 0.25,
                         "b": None if x is None or i < 10 else x + 0.5})
    return rows


def lossy(value):
    """Bytes as JSON has them: each byte that is not UTF-8 is one U+FFFD."""
    if not isinstance(value, bytes):
        return value
    out, at = [], 0
    while at < len(value):
        for n in (1, 2, 3, 4):
            try:
                out.append(value[at:at + n].decode())
                at += n
                break
            except UnicodeDecodeError:
                continue
        else:
            out.append("\ufffd")
            at += 1
    return "".join(out)


def same_rows(got, want, what):
    assert len(got) == len(want), f"{what}: {len(got)} rows, not {len(want)}"
    for k, (g, w) in enumerate(zip(got, want)):
        g = {key: g[key] for key in w}
        assert g == w, f"{what}, row {k}: {g} is not {w}"


def same_column(got, want, what):
    """NaN where there is none."""
    want = np.array([np.nan if x is None else x for x in want], got.dtype)
    assert got.shape == want.shape and np.array_equal(got, want, equal_nan=got.dtype.kind == "f"), f"{what} differs"


def parquet(path, want, types, what):
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    assert sum(groups) == len(want) and max(groups) <= 65536, f"{what}: row groups {groups}"
    assert len(groups) == (len(want) + 65535) // 65536, f"{what}: row groups {groups}"
    table = file.read()
    table.validate(full=True)
    for name, kind in types.items():
        assert table.schema.field(name).type == kind, f"{what}: {name} is {table.schema.field(name).type}"
    same_rows(table.to_pylist(), want, what)
    frame = pd.read_parquet(path)
    assert len(frame) == len(want) and list(frame.columns) == table.column_names, f"{what}: pandas"
    for name in want[0]:
        assert frame[name].isna().sum() == sum(row[name] is None for row in want), f"{what}: pandas, nulls of {name}"


def jsonl(path, want, what):
    with open(path, encoding="utf-8") as f:
        same_rows([json.loads(line) for line in f], [{k: lossy(v) for k, v in row.items()} for row in want], what)
    assert len(pd.read_json(path, lines=True)) == len(want), f"{what}: pandas"


def check(folder, run):
    kind = "run" if run else "traces"
    tables = {"answers": answers(run), "tokens": tokens()} | ({"scores": scores()} if run else {})
    types = {"answers": {"id": pa.string(), "text": pa.binary(), "label": pa.int64(), "n_tok": pa.int64()},
             "tokens": {"token": pa.int64(), "logprob": pa.float32(), "text": pa.binary()},
             "scores": {"a": pa.float64(), "b": pa.float64()}}
    for name, want in tables.items():
        parquet(folder / f"{kind}-parquet/{name}.parquet", want, types[name], f"{kind} {name}.parquet")
        jsonl(folder / f"{kind}-jsonl/{name}.jsonl", want, f"{kind} {name}.jsonl")
        if name == "answers":
            jsonl(folder / f"{kind}-npy/answers.jsonl", want, f"{kind} npy answers")
            continue
        for column in want[0]:
            if column != "text":
                got = np.load(folder / f"{kind}-npy/{name}.{column}.npy", mmap_mode="r")
                same_column(got, [row[column] for row in want], f"{kind} {name}.{column}.npy")
    for form in ("jsonl", "npy", "parquet"):
        path = folder / f"{kind}-{form}/hidden.npy"
        assert path.exists() == (not run), f"{kind} {form}: hidden.npy"
        if not run:
            got = np.load(path)
            t = np.array([row["i_tok"] for row in tables["tokens"]])
            want = (t % 64)[:, None] + np.arange(6) / 8
            assert got.dtype == np.float16 and got.shape == (len(t), 2, 3), f"hidden: {got.dtype} {got.shape}"
            assert np.array_equal(got.reshape(len(t), 6), want.astype(np.float16)), "hidden rows differ"


def main():
    with tempfile.TemporaryDirectory() as name:
        run = subprocess.run([sys.argv[1], name], check=True, text=True, stdout=subprocess.PIPE)
        n = sum(n_tok(i) for i in range(N_ANSWER))
        n_two = sum(n_tok(i) for i in range(10, N_ANSWER))
        want = [f"{N_ANSWER} {n} 0"] * 3 + [f"{N_ANSWER} {n} {n + n_two}"] * 3
        assert run.stdout.split("\n")[:-1] == want, run.stdout
        check(Path(name), False)
        check(Path(name), True)
    print(f"{N_ANSWER} answers, {n} tokens in 3 forms, read by pandas {pd.__version__}, pyarrow {pa.__version__}, "
          f"numpy {np.__version__}")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as e:
        sys.exit(f"export: {e}")
