"""Compare self_check_ngram with a second implementation: the definition applied afresh to every prefix, with Counter
and regular expressions. Usage: self_check_ngram.py SELF_CHECK_NGRAM_ORACLE. Needs the standard library only. Exit 1
when any score is further off than 1e-9."""
import math
import random
import re
import subprocess
import sys
from collections import Counter

LIMIT = 1e-9
SEED = 20240713
WORD = re.compile(r"[^\W_]+")


def words_of(text):
    """Whole words only: the last one may go on."""
    return [m[0].lower() for m in WORD.finditer(text) if m.end() < len(text)]


def sentences_of(tokens):
    """Token counts after which a sentence ends."""
    ends, text, n_tok = [], "", 0
    for i, token in enumerate(tokens, 1):
        n_tok += 1
        ended = False
        for c in token:
            text += c
            if c in ".?!\n\u3002" and len(WORD.findall(text)) >= 5:
                ended, text, n_tok = True, "", 0
        if n_tok >= 64:
            ended, text, n_tok = True, "", 0
        if ended:
            ends.append(i)
    return ends


def surprise(counts, pairs, n, words, i, order, k):
    v = len(counts)
    if order == 1:
        return -math.log((counts[words[i]] + k) / (n + k * v))
    before = words[i - 1] if i else None
    context = counts[before] if i else pairs["starts"]
    return -math.log((pairs[before, words[i]] + k) / (context + k * v))


def score(samples, tokens, order, k, word_mean, sentence_max):
    """One score per token."""
    ends = set(sentences_of(tokens))
    out, closed, first = [], [], 0
    for t in range(1, len(tokens) + 1):
        answer = words_of("".join(tokens[:t]))
        texts = [words_of(s + "\n") for s in samples] + [answer]
        counts = Counter(w for text in texts for w in text)
        pairs = Counter((text[i - 1] if i else None, text[i]) for text in texts for i in range(len(text)))
        pairs["starts"] = len(texts)
        n = sum(counts.values())
        surprises = [surprise(counts, pairs, n, answer, i, order, k) for i in range(first, len(answer))]
        open_score = [sum(surprises) / len(surprises) if word_mean else max(surprises)] if surprises else []
        scores = closed + open_score
        out.append((max(scores) if sentence_max else sum(scores) / len(scores)) if scores else 0)
        if t in ends:
            closed, first = scores, len(answer)
    return out


def random_tokens(rng, n):
    words = ["the", " cat", " sat", " on", " Mat", " ca", "t", " \u00fcber", " na\u00efve", " 42", " x", ".", "!", ",",
             "?", "\n", " don't", "", "\u3002", " \u041c\u0438\u0440"]
    return [rng.choice(words) for _ in range(n)]


def random_case(rng):
    order, word_mean, sentence_max = rng.choice([1, 2]), rng.choice([0, 1]), rng.choice([0, 1])
    samples = ["".join(random_tokens(rng, rng.randrange(30))) for _ in range(rng.randrange(1, 6))]
    tokens = random_tokens(rng, rng.randrange(1, 100))
    return samples, tokens, order, rng.choice([0.01, 0.1, 1]), word_mean, sentence_max


def spell(text):
    return text.replace("\n", "\x01")


def main():
    rng = random.Random(SEED)
    cases = [random_case(rng) for _ in range(400)]
    sent = ""
    for samples, tokens, order, k, word_mean, sentence_max in cases:
        sent += "%d %r %d %d %d\n" % (order, k, word_mean, sentence_max, len(samples))
        sent += "".join(spell(s) + "\n" for s in samples) + "".join("|" + spell(t) + "\n" for t in tokens) + "\n"
    got = subprocess.run(sys.argv[1], input=sent.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    got = got.split("\n")
    worst, n = 0.0, 0
    for line, case in zip(got, cases):
        ours, theirs = [float(x) for x in line.split()], score(*case)
        assert len(ours) == len(theirs), "%d scores of %d" % (len(ours), len(theirs))
        worst = max([worst] + [abs(a - b) for a, b in zip(ours, theirs)])
        n += len(ours)
    print("self_check_ngram: %d scores of %d answers, seed %d, largest difference %.3g (limit %g)"
          % (n, len(cases), SEED, worst, LIMIT))
    return int(not worst <= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
