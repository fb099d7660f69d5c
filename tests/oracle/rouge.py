"""Compare ROUGE-L F1 with a second implementation: regular expressions for words, the full dynamic-programming table,
precision and recall apart. Usage: rouge.py ROUGE_ORACLE [DATASET.jsonl...]; besides random texts it takes responses and
references of datasets. Needs the standard library only. Exit 1 when any value is further off than 1e-12."""
import json
import random
import re
import subprocess
import sys

LIMIT = 1e-12
SEED = 20240611


def rouge_l(answer, reference):
    a, b = (re.findall(r"[a-z0-9]+", re.sub("[A-Z]", lambda m: m[0].lower(), t)) for t in (answer, reference))
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    common = table[-1][-1]
    if common == 0:
        return 0.0
    precision, recall = common / len(a), common / len(b)
    return 2 * precision * recall / (precision + recall)


def random_pairs(rng):
    words = ["the", "The", "a", "cat", "sat", "on", "MAT", "7", "x1", "caf\u00e9", "na\u00efve", "don't",
             "\u6771\u4eac", "\u0130"]
    for _ in range(3000):
        yield tuple(rng.choice(["", " ", ". "]).join(rng.choices(words, k=rng.randrange(25))) + "," for _ in range(2))


def dataset_pairs(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            for reference in (row["references"] or []) + (row["bad_references"] or []):
                yield (row["response"] or row["prompt"]).replace("\n", " "), reference.replace("\n", " ")


def main():
    pairs = list(random_pairs(random.Random(SEED)))
    for path in sys.argv[2:]:
        pairs += dataset_pairs(path)
    sent = "".join(text + "\n" for pair in pairs for text in pair)
    got = subprocess.run(sys.argv[1], input=sent.encode(), stdout=subprocess.PIPE, check=True).stdout.split()
    assert len(got) == len(pairs), "%d answers to %d pairs" % (len(got), len(pairs))
    worst = max(abs(float(g) - rouge_l(*pair)) for g, pair in zip(got, pairs))
    print("rouge: %d pairs, seed %d, largest difference %.3g (limit %g)" % (len(pairs), SEED, worst, LIMIT))
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
