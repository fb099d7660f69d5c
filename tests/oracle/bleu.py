"""Compare BLEU, chrF2 and chrF++ of sentences and of corpora with sacrebleu. Usage: bleu.py BLEU_ORACLE. Segments are
random strings (seeded: ASCII signs, digits, white space and letters of many scripts, markup, near copies as references)
and, where MIDSTREAM_DATA is set, the answers and references of wmt23_mqm and mlqe_pe. Exit 1 when any figure is further
off than 1e-9."""
import glob
import json
import os
import random
import subprocess
import sys

from sacrebleu.metrics import BLEU, CHRF

LIMIT = 1e-9
SEED = 20261124
N_RANDOM = 6000
PIECES = (list("aabbcdeXYZ01234.,.,.,'-\"!?;:()[]{}<>&/\\|@#$%^*_+=~`") + list("    ") + [
    "\n", "\t", "\r", "\x0b", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u202f", "\u205f", "\u3000",
    "\u200b", "\ufeff", "\xe9", "\xdf", "\u0130", "e\u0301", "\u4e2d", "\u6587", "\u0915\u094d", "\u0639", "\U0001f600",
    "\u2019", "\u2014", "\u3002", "\uff0c", "&quot;", "&amp;", "&lt;", "&gt;", "&amp;lt;", "<skipped>", "-\n", "3.14",
    "1,000", "1-2", "...", "U.S.", " the", " cat", " sat", " on the mat", " cat", " the"])


def random_text(rng):
    return "".join(rng.choices(PIECES, k=rng.choice([0, 1, 2, 3, 5, 8, 13, 30, 60])))


def random_segments(rng):
    for _ in range(N_RANDOM):
        text, references = random_text(rng), []
        for _ in range(rng.choice([1, 1, 2, 3])):
            reference = random_text(rng)
            if rng.random() < 0.7:       # a near copy, so that long n-grams match
                at = rng.randrange(len(text) + 1)
                reference = text[:at] + reference[:rng.randrange(8)] + text[at + rng.randrange(3):]
            references.append(reference)
        yield [text] + references


def dataset_segments(name):
    for path in sorted(glob.glob(os.path.join(os.environ["MIDSTREAM_DATA"], name, "data*.jsonl"))):
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                if row["response"] and row["references"]:
                    yield [row["response"]] + row["references"]


def wanted(segments):
    single = BLEU(effective_order=True), CHRF(), CHRF(word_order=2)
    rows = [[m.sentence_score(s[0], s[1:]).score for m in single] for s in segments]
    most = max(len(s) for s in segments)
    streams = [[s[i] if i < len(s) else None for s in segments] for i in range(1, most)]
    rows.append([m.corpus_score([s[0] for s in segments], streams).score for m in (BLEU(force=True), CHRF(), CHRF(word_order=2))])
    return rows


def check(name, segments, program):
    sent = "".join(json.dumps(s) + "\n" for s in segments)
    out = subprocess.run(program, input=sent.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    got = [[float(x) for x in line.split()] for line in out.splitlines()]
    want = wanted(segments)
    assert len(got) == len(want), "%d lines for %d" % (len(got), len(want))
    off = [max(abs(g - w) for g, w in zip(*pair)) for pair in zip(got, want)]
    print("bleu, chrF2, chrF++ of %s: %d segments and their corpus, largest difference %.3g (limit %g)" %
          (name, len(segments), max(off), LIMIT))
    if not max(off) <= LIMIT:
        worst = off.index(max(off))
        print("  segment %d: %r: ours %r, sacrebleu %r" % (worst, segments[worst:worst + 1], got[worst], want[worst]))
    return max(off) <= LIMIT


def main():
    good = check("random texts, seed %d" % SEED, list(random_segments(random.Random(SEED))), sys.argv[1])
    if "MIDSTREAM_DATA" not in os.environ:
        print("bleu: skipped wmt23_mqm and mlqe_pe, MIDSTREAM_DATA is not set")
        return int(not good)
    for name in "wmt23_mqm", "mlqe_pe":
        good = check(name, list(dataset_segments(name)), sys.argv[1]) and good
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
