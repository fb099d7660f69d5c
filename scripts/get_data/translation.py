"""Machine translations with human verdicts on them."""
import ast
import html
import re

from .common import align, onset, record, sample

CRITICAL = ("en-de", "dev"), ("en-de", "train"), ("en-cs", "dev"), ("en-zh", "dev"), ("en-ja", "dev")


def mlqe_critical(files):
    """2,500 of the en-de training rows, chosen by their source text."""
    for pair, part in CRITICAL:
        path = f"data/catastrophic_errors/{pair.replace('-', '')}_majority_{part}.tsv"
        rows = [line.split("\t") for line in files.lines(path)]
        chosen = sample((row[1] for row in rows), 2500 if part == "train" else len(rows))
        source_lang, target_lang = pair.split("-")
        for id, source, target, votes, majority in rows:
            if source in chosen:
                yield record(f"mlqe_critical-{pair}-{part}-{id}", "translation", source, target, model=f"NMT {pair}",
                             label=int(majority.strip() == "ERR"), source="human", category="catastrophic error",
                             lang=target_lang,
                             meta={"source_lang": source_lang, "target_lang": target_lang,
                                   "votes": ast.literal_eval(votes), "part": part})


MLQE_PE = (("en-de", "dev"), ("en-de", "test"), ("ro-en", "dev"), ("ro-en", "test"), ("et-en", "test"),
           ("ru-en", "test"), ("en-zh", "test"))


def mlqe_pe(files):
    """Direct assessments, post-edits with word tags, the translating model's subwords with their log-probabilities.

    The words and subwords are looked for in the text as people read it; a row in which they are not found has none of
    the fields that need them.
    """
    for pair, folder in MLQE_PE:
        part = {"dev": "dev", "test": "test20"}[folder]
        rated = files.tar(f"data/direct-assessments/{folder}/{pair}-{folder}.tar.gz")
        edited = files.tar(f"data/post-editing/{folder}/{pair}-{folder}.tar.gz")
        short = pair.replace("-", "")
        head, *rows = [line.split("\t") for line in rated.lines(rated.only(rf"{part}\.{short}\.df\.short\.tsv"))]
        subwords = rated.lines(rated.only(rf"mt\.{part}\.{short}"))
        logprobs = rated.lines(rated.only(rf"word_probas\.{part}\.{short}"))
        words, tags, fixed, hter = (edited.lines(edited.only(rf"{part}\.{end}"))
                                    for end in ("mt", "tags", "pe", "hter"))
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
    return record(f"mlqe_pe-{pair}-{part}-{i}", "translation", row["original"], text,
                  model=f"fairseq Transformer NMT {pair}",
                  references=[fixed], label=int(mean <= 50), source="human", category="translation quality",
                  lang=target_lang,
                  meta=meta)


def penalty(category, severity):
    if category.lower().startswith("non-translation"):
        return 25.0
    if severity.lower() == "major":
        return 5.0
    return 0.1 if category.lower() == "fluency/punctuation" else 1.0


WMT_COLUMNS = ("system", "doc", "doc_seg_id", "global_seg_id", "rater", "source", "target", "category", "severity",
               "more")


class Translation:
    """What raters marked in one translation, a row per error."""

    def __init__(self):
        self.raters, self.spans = {}, []

    def add(self, row, rater):
        category, severity = row["category"], row["severity"].lower()
        said = self.raters.setdefault(rater, {"major": 0, "minor": 0, "score": 0.0})
        self.row, self.text = row, clean(row["target"])
        if severity not in ("major", "minor") or category.lower().startswith("source issue"):
            return
        said[severity] += 1
        said["score"] = round(said["score"] + penalty(category, severity), 1)
        before, marked, behind = row["target"].partition("<v>")
        inside, closed, _ = behind.partition("</v>")
        if marked and closed and inside:            # an omission is marked in the source
            start = len(before.encode())
            self.spans.append({"start": start, "end": start + len(inside.encode()), "label": category,
                               "severity": severity, "rater": rater})


def clean(text):
    return text.replace("<v>", "").replace("</v>", "")


def wmt23_mqm(files):
    """Side-by-side ratings. zh-en: 200 of the segments."""
    for pair, n in (("en-de", None), ("zh-en", 200)):
        short = pair.replace("-", "")
        packed = files.tar(f"generalMT2023/{short}/sxs_mqm_generalMT2023_{short}.3ratingsPerSegment.tsv.tar.gz")
        rows = [dict(zip(WMT_COLUMNS, line.split("\t", 9))) for line in packed.lines(packed.only(r".*\.tsv"))]
        rows = [r for r in rows if r["system"] != "system" and "HOTW" not in r["category"] + r["severity"]]
        chosen = sample((r["global_seg_id"] for r in rows), n or len(rows))
        for segment, systems in sorted(wmt_segments([r for r in rows if r["global_seg_id"] in chosen]).items()):
            reference = systems["refA"].text if "refA" in systems else None
            for system in sorted(systems, key=lambda s: (s == "refA", s)):
                yield wmt_record(pair, segment, system, systems[system], reference if system != "refA" else None)


def wmt_segments(rows):
    """Segment -> system -> Translation. A system that was shown beside several others has several ratings by one rater:
    the other's name, in a column behind the severity, tells them apart."""
    systems = {r["system"] for r in rows}
    beside = [systems & set(re.findall(r"[\w.-]+", r.get("more", ""))) - {r["system"]} for r in rows]
    partners = {}       # segment, system -> names beside it
    for row, names in zip(rows, beside):
        partners.setdefault((row["global_seg_id"], row["system"]), set()).update(names)
    segments = {}
    for row, names in zip(rows, beside):
        several = len(partners[row["global_seg_id"], row["system"]]) > 1
        rater = row["rater"] + ("@" + "+".join(sorted(names)) if several else "")
        segments.setdefault(int(row["global_seg_id"]), {}).setdefault(row["system"], Translation()).add(row, rater)
    return segments


def wmt_record(pair, segment, system, rated, reference):
    source_lang, target_lang = pair.split("-")
    scores = [said["score"] for said in rated.raters.values()]
    with_major = sum(said["major"] > 0 for said in rated.raters.values())
    spans = sorted(rated.spans, key=lambda s: (s["start"], s["end"]))
    return record(f"wmt23_mqm-{pair}-{segment}-{system}", "translation", clean(rated.row["source"]), rated.text,
                  model="human reference" if system == "refA" else system,
                  references=[reference] if reference else None,
                  label=int(2 * with_major > len(scores)), source="human", category=rated.row["doc"].split("_")[0],
                  lang=target_lang,
                  meta={"source_lang": source_lang, "target_lang": target_lang, "doc": rated.row["doc"],
                        "mqm_mean": round(sum(scores) / len(scores), 3), "raters": rated.raters,
                        "raters_major": with_major, "spans": spans, "onset": onset(spans),
                        "onset_major": onset([s for s in spans if s["severity"] == "major"])})
