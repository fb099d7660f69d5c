"""BLEU, chrF2 and chrF++ of a corpus beside sacrebleu, texts made of words drawn by a seed.
Usage: bench_bleu.py BENCH_BLEU. Needs sacrebleu. Exit 1 when a figure differs by more than 1e-9."""
import json
import os
import random
import subprocess
import sys
import time

from sacrebleu.metrics import BLEU, CHRF

N, SEED = 2000, 1


def segments():
    rng = random.Random(SEED)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randrange(1, 11))) for _ in range(3000)]
    for _ in range(N):
        reference = rng.choices(words, weights=[1 / (i + 1) for i in range(len(words))], k=rng.randrange(5, 45))
        text = [w if rng.random() < 0.7 else rng.choice(words) for w in reference]
        yield " ".join(text) + ".", " ".join(reference) + "."


def main(program):
    all_segments = list(segments())
    sent = "".join(json.dumps(s) + "\n" for s in all_segments)
    load = os.getloadavg()[0]
    out = subprocess.run([program], input=sent, capture_output=True, text=True, check=True).stdout
    ours = [[float(x) for x in line.split()] for line in out.splitlines()]
    texts, references = zip(*all_segments)
    print(f"{N} segments, load {load:.2f} on {os.cpu_count()} cores")
    bad = 0
    # a fresh metric, and for BLEU words that sacrebleu has not kept from another round
    for name, metric, (ours_s, value) in zip(("BLEU", "chrF2", "chrF++"),
                                             (BLEU(force=True), CHRF(), CHRF(word_order=2)), ours):
        start = time.perf_counter()
        score = metric.corpus_score(texts, [references]).score
        theirs_s = time.perf_counter() - start
        bad |= abs(score - value) > 1e-9
        print(f"{name:7s}midstream {1e6 * ours_s / N:8.2f} us a segment (best of 5 rounds), sacrebleu "
              f"{1e6 * theirs_s / N:8.2f} us (one round), ratio {theirs_s / ours_s:.0f}")
    return bad


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
