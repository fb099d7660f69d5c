"""Texts to judge, whoever wrote them: they stand in response, and the prompt is empty."""
import ast

from .common import byte_at, onset, record, sample

MODERATION = {"S": "sexual", "H": "hate", "V": "violence", "HR": "harassment", "SH": "self-harm", "S3": "sexual/minors",
              "H2": "hate/threatening", "V2": "violence/graphic"}


def openai_moderation(files):
    """Rows labelled sexual/minors are left out on purpose. A category that upstream did not label is not in labels."""
    for i, row in enumerate(files.jsonl("data/samples-1680.jsonl.gz")):
        labels = {name: int(row[short]) for short, name in MODERATION.items() if row.get(short) is not None}
        if labels.get("sexual/minors") == 1:
            continue
        hit = [name for name, label in labels.items() if label == 1]
        yield record(f"openai_moderation-{i}", "moderation", "", row["prompt"], label=int(bool(hit)), source="human",
                     category=",".join(hit) or None, group=row["prompt"], meta={"labels": labels})


def runs(text, marked):
    """Character positions as byte spans; positions behind the end are ignored."""
    spans = []
    for i in sorted({i for i in marked if i < len(text)}):
        if spans and spans[-1][1] == i:
            spans[-1][1] = i + 1
        else:
            spans.append([i, i + 1])
    return [{"start": byte_at(text, first), "end": byte_at(text, end), "label": "toxic"} for first, end in spans]


def toxic_spans(files):
    """All posts are toxic; one in which nothing could be marked has no label. 3,000 of the training posts."""
    for part in ("test", "trial", "train"):
        rows = files.csv(f"SemEval2021/data/tsd_{part}.csv")
        chosen = sample((row["text"] for row in rows), 3000 if part == "train" else len(rows))
        for i, row in enumerate(rows):
            if row["text"] not in chosen:
                continue
            spans = runs(row["text"], ast.literal_eval(row["spans"]))
            yield record(f"toxic_spans-{part}-{i}", "moderation", "", row["text"], label=1 if spans else None,
                         source="human", category="toxic", group=row["text"],
                         meta={"spans": spans, "onset": onset(spans), "upstream_split": part})
