"""What the converters share: how a record looks, which half it is in, which rows a sample takes, where a text stands.

A converter is a function of the upstream files that yields records; the registry of them is CONVERTERS in __init__.py.
"""
import csv
import gzip
import hashlib
import io
import json
import re
import tarfile


class Files:
    """Upstream files by their path in the repository, read in the form a converter wants."""

    def __init__(self, content):
        self.content = content      # path -> bytes

    def text(self, path):
        data = self.content[path]
        return (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8-sig")

    def lines(self, path):
        # not splitlines(): that also cuts at U+2028 and form feeds, which stand inside texts
        lines = self.text(path).replace("\r\n", "\n").split("\n")
        return lines[:-1] if lines[-1] == "" else lines

    def json(self, path):
        return json.loads(self.text(path))

    def jsonl(self, path):
        return [json.loads(line) for line in self.lines(path) if line.strip()]

    def csv(self, path):
        return list(csv.DictReader(io.StringIO(self.text(path), newline="")))

    def tar(self, path):
        """The members of a packed folder, by base name."""
        with tarfile.open(fileobj=io.BytesIO(self.content[path]), mode="r:gz") as tar:
            members = [m for m in tar.getmembers() if m.isfile() and not m.name.rsplit("/", 1)[-1].startswith(".")]
            return Files({m.name.rsplit("/", 1)[-1]: tar.extractfile(m).read() for m in members})

    def only(self, pattern):
        """The one path that the pattern fits."""
        found = [path for path in self.content if re.fullmatch(pattern, path)]
        if len(found) != 1:
            raise KeyError(f"{len(found)} files like {pattern} among {sorted(self.content)}, expected 1")
        return found[0]


def split_of(text):
    """cal or test, by the text without case and punctuation, so that one question is in one half of every dataset."""
    plain = re.sub(r"\W+", " ", text.lower()).strip()
    return "cal" if hashlib.sha256(plain.encode()).digest()[0] & 1 else "test"


def rank(key):
    """Where a key stands in the order samples are drawn in."""
    return hashlib.sha256(f"sample:{key}".encode()).hexdigest()


def sample(keys, n):
    """The first n different keys in that order: the same ones whatever order the file has them in."""
    return set(sorted(set(keys), key=rank)[:n])


def record(id, task, prompt, response=None, *, model=None, references=None, bad_references=None, label=None,
           source=None, category=None, lang="en", group=None, meta=None):
    """A record with its keys in their order. group: what meta.split goes by, else the prompt. source: of the label."""
    return {"id": id, "task": task, "prompt": prompt, "response": response, "response_model": model,
            "references": references, "bad_references": bad_references, "label": label,
            "label_source": None if label is None else source, "category": category, "lang": lang,
            "meta": {**(meta or {}), "split": split_of(prompt if group is None else group)}}


def jsonl(records):
    """The bytes of a data file."""
    return "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in records).encode()


def byte_at(text, i_char):
    return len(text[:i_char].encode())


def place(text, part, start=0):
    """{"start", "end"} in bytes of the first occurrence of part from character start on, or None."""
    at = text.find(part, start)
    if at < 0:
        return None
    first = byte_at(text, at)
    return {"start": first, "end": first + len(part.encode())}


def sentences(text, parts):
    """Where each of parts stands, one after the other: one that was edited (None) does not move the search on."""
    places, start = [], 0
    for part in parts:
        found = place(text, part, start) if part else None
        if found:
            start = text.find(part, start) + len(part)
        places.append(found)
    return places


def onset(spans):
    return min((s["start"] for s in spans), default=None)


def align(text, tokens):
    """Byte places of tokens that are all of text, in this order, blanks aside; None when they are not."""
    places, at = [], 0
    for token in tokens:
        while at < len(text) and text[at].isspace():
            at += 1
        if not token or not text.startswith(token, at):
            return None
        first = byte_at(text, at)
        places.append({"start": first, "end": first + len(token.encode())})
        at += len(token)
    return places if not text[at:].strip() else None
