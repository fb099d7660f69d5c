"""Machine translations with human verdicts on them."""
import ast
import html

from .common import align, byte_at, onset, record, sample

CRITICAL = ("en-de", "dev"), ("en-de", "train"), ("en-cs", "dev"), ("en-zh", "dev"), ("en-ja", "dev")


def mlqe_critical(files):
    """2,500 of the en-de training rows, chosen by their source text."""
    for pair, part in CRITICAL:
        rows = [line.split("\t") for line in files.lines(f"data/catastrophic_errors/{pair.replace('-', '')}_majority_{part}.tsv")]
        chosen = sample((row[1] for row in rows), 2500 if part == "train" else len(rows))
        source_lang, target_lang = pair.split("-")
        for id, source, target, votes, majority in rows:
            if source in chosen:
                yield record(f"mlqe_critical-{pair}-{part}-{id}", "translation", source, target, model=f"NMT {pair}",
                             label=int(majority.strip() == "ERR"), source="human", category="catastrophic error", lang=target_lang,
                             meta={"source_lang": source_lang, "target_lang": target_lang, "votes": ast.literal_eval(votes),
                                   "part": part})


MLQE_PE = (("en-de", "dev"), ("en-de", "test"), ("ro-en", "dev"), ("ro-en", "test"), ("et-en", "test"), ("ru-en", "test"),
           ("en-zh", "test"))


def mlqe_pe(files):
    """Direct assessments, post-edits with word tags, and the translating model's own subwords with their log-probabilities.

    The words and subwords are found in the text as people read it, blanks aside; a row in which they cannot be found has
    none of the fields that need them.
    """
    for pair, folder in MLQE_PE:
        part = {"dev": "dev", "test": "test20"}[folder]
        rated = files.tar(f"data/direct-assessments/{folder}/{pair}-{folder}.tar.gz")
        edited = files.tar(f"data/post-editing/{folder}/{pair}-{folder}.tar.gz")
        short = pair.replace("-", "")
        head, *rows = [line.split("\t") for line in rated.lines(rated.only(rf"{part}\.{short}\.df\.short\.tsv"))]
        subwords = rated.lines(rated.only(rf"mt\.{part}\.{short}"))
        logprobs = rated.lines(rated.only(rf"word_probas\.{part}\.{short}"))
        words, tags, fixed, hter = (edited.lines(edited.only(rf"{part}\.{end}")) for end in ("mt", "tags", "pe", "hter"))
        for i, row in enumerate(rows):
            row = dict(zip(head, row))
            yield mlqe_record(pair, part, i, row, subwords[i], logprobs[i], words[i], tags[i], fixed[i], hter[i])


def mlqe_record(pair, part, i, row, subwords, logprobs, words, tags, fixed, hter):
    source_lang, target_lang = pair.split("-")
    text, mean = row["translation"], float(row["mean"])
    meta = {"source_lang": source_lang, "target_lang": target_lang, "da_mean": round(mean, 2),
            "da_scores": [int(s) if float(s).is_integer() else float(s) for s in ast.literal_eval(row["scores"])],
            "hter": float(hter), "nmt_score": float(row["model_scores"]), "part": part}
    places = align(text, [html.unescape(w) for w in words.split()])
    word_tags = tags.split()
    if len(word_tags) == 2 * len(words.split()) + 1:
        word_tags = word_tags[1::2]                 # gap tags stand between
    if places is not None and len(places) == len(word_tags):
        spans = [{**p, "label": "bad_word"} for p, tag in zip(places, word_tags) if tag == "BAD"]
        meta |= {"spans": spans, "onset": onset(spans)}
    pieces, lp = subwords.split(), [float(x) for x in logprobs.split()]
    if pieces and pieces[-1] in ("</s>", "<eos>"):
        pieces.pop()
    places = align(text, [html.unescape(p.removesuffix("@@").replace("\u2581", "")) for p in pieces])
    if places is not None and len(lp) == len(places) + 1:
        meta |= {"token_end": [p["end"] for p in places], "token_logprob": [round(x, 4) for x in lp[:-1]],
                 "eos_logprob": round(lp[-1], 4)}
    return record(f"mlqe_pe-{pair}-{part}-{i}", "translation", row["original"], text, model=f"fairseq Transformer NMT {pair}",
                  references=[fixed], label=int(mean <= 50), source="human", category="translation quality", lang=target_lang,
                  meta=meta)


def penalty(category, severity):
    if category.lower().startswith("non-translation"):
        return 25.0
    if severity.lower() == "major":
        return 5.0
    return 0.1 if category.lower() == "fluency/punctuation" else 1.0


class Rating:
    """What one rater said of one translation in one pairing."""

    def __init__(self):
        self.major = self.minor = 0
        self.score, self.spans = 0.0, []

    def add(self, row):
        category, severity = row["category"], row["severity"].lower()
        if severity not in ("major", "minor") or category.lower().startswith("source issue"):
            return
        self.major += severity == "major"
        self.minor += severity == "minor"
        self.score += penalty(category, severity)
        before, marked, behind = row["target"].partition("<v>")
        inside, closed, _ = behind.partition("</v>")
        if marked and closed and inside:            # an omission is marked in the source
            text = before + inside
            self.spans.append({"start": byte_at(before, len(before)), "end": byte_at(text, len(text)), "label": category,
                               "severity": severity})


WMT_COLUMNS = "system", "doc", "doc_seg_id", "global_seg_id", "rater", "source", "target", "category", "severity"


def wmt23_mqm(files):
    """Side-by-side ratings: the two translations a rater saw together are next to each other in the file, which is how the
    pairings of a system rated twice are told apart. zh-en: 200 of the segments."""
    for pair, n in (("en-de", None), ("zh-en", 200)):
        short = pair.replace("-", "")
        packed = files.tar(f"generalMT2023/{short}/sxs_mqm_generalMT2023_{short}.3ratingsPerSegment.tsv.tar.gz")
        rows = [dict(zip(WMT_COLUMNS, line.split("\t"))) for line in packed.lines(packed.only(r".*\.tsv"))]
        rows = [r for r in rows if r["system"] != "system" and "HOTW" not in r["category"] + r["severity"]]
        chosen = sample((r["global_seg_id"] for r in rows), n or len(rows))
        yield from wmt_records(pair, [r for r in rows if r["global_seg_id"] in chosen])


def wmt_records(pair, rows):
    partner = pairings(rows)
    segments = {}       # segment -> system -> rater, with its pairing where a system has several -> Rating
    about = {}          # segment, system -> a row of it
    for k, row in enumerate(rows):
        key = row["global_seg_id"], row["system"]
        about[key] = row
        rater = row["rater"] + (f"@{partner[k]}" if partner[k] else "")
        segments.setdefault(key[0], {}).setdefault(key[1], {}).setdefault(rater, Rating()).add(row)
    for segment, systems in sorted(segments.items(), key=lambda s: int(s[0])):
        texts = {s: clean(about[segment, s]["target"]) for s in systems}
        for system in sorted(systems, key=lambda s: (s.startswith("ref"), s)):
            yield wmt_record(pair, segment, system, texts, about[segment, system], systems[system])


def clean(text):
    return text.replace("<v>", "").replace("</v>", "")


def pairings(rows):
    """Of each row the system shown beside it, for systems that a segment has in more than one pairing; else None."""
    blocks = []         # (segment, rater, system, first row, end), neighbours of one pairing behind each other
    for k, row in enumerate(rows):
        key = row["global_seg_id"], row["rater"], row["system"]
        if not blocks or blocks[-1][:3] != key:
            blocks.append((*key, k, k + 1))
        else:
            blocks[-1] = (*key, blocks[-1][3], k + 1)
    seen = {}
    for segment, rater, system, _, _ in blocks:
        seen[segment, rater, system] = seen.get((segment, rater, system), 0) + 1
    partner = [None] * len(rows)
    for b, (segment, rater, system, first, end) in enumerate(blocks):
        if seen[segment, rater, system] > 1:
            near = [blocks[j][2] for j in (b + 1, b - 1) if 0 <= j < len(blocks) and blocks[j][:2] == (segment, rater)]
            partner[first:end] = [near[0] if near else "?"] * (end - first)
    return partner


def wmt_record(pair, segment, system, texts, row, ratings):
    source_lang, target_lang = pair.split("-")
    spans = sorted(({**s, "rater": rater} for rater, r in ratings.items() for s in r.spans),
                   key=lambda s: (s["start"], s["end"]))
    with_major = sum(r.major > 0 for r in ratings.values())
    reference = texts.get("refA")
    human = system == "refA"
    return record(f"wmt23_mqm-{pair}-{segment}-{system}", "translation", clean(row["source"]), texts[system],
                  model="human reference" if human else system,
                  references=[reference] if reference and not human else None, label=int(2 * with_major > len(ratings)),
                  source="human", category=row["doc"].split("_")[0], lang=target_lang,
                  meta={"source_lang": source_lang, "target_lang": target_lang, "doc": row["doc"],
                        "mqm_mean": round(sum(r.score for r in ratings.values()) / len(ratings), 3),
                        "raters": {k: {"major": r.major, "minor": r.minor, "score": round(r.score, 1)} for k, r in ratings.items()},
                        "raters_major": with_major, "spans": spans, "onset": onset(spans),
                        "onset_major": onset([s for s in spans if s["severity"] == "major"])})
