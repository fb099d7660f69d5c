"""Word lists: terms instead of records."""
import re


def term(text, lang, categories, severity, source, **more):
    return {"term": text, "lang": lang, "categories": categories, "severity": severity, **more, "source": source}


def ldnoobw(files):
    for path in files.content:
        if "/" not in path and "." not in path:
            for line in files.lines(path):
                if line.strip():
                    yield term(line.strip(), path, None, None, "ldnoobw")


def surge_profanity(files):
    for row in files.csv("profanity_en.csv"):
        columns = lambda name: [row[f"{name}_{k}"] for k in (1, 2, 3) if row[f"{name}_{k}"]]
        yield term(row["text"], "en", columns("category"), float(row["severity_rating"]), "surge",
                   canonical=columns("canonical_form"))


def dsojevic_profanity(files):
    for entry in files.json("en.json"):
        for match in re.split(r"\|", entry["match"]):
            yield term(match.strip(), "en", entry["tags"], entry["severity"], "dsojevic", canonical=[entry["id"]],
                       exceptions=entry.get("exceptions"), partial=entry.get("allow_partial"))
