"""Questions, with recorded answers and human verdicts on them, or with reference answers only."""
import re

from .common import onset, place, rank, record, sample, sentences


def answers(cell):
    return [a for a in (part.strip() for part in cell.split(";")) if a]


def truthfulqa(files):
    """The first right answer is the best one; meta keeps the columns that are no answers."""
    for i, row in enumerate(files.csv("TruthfulQA/TruthfulQA.csv")):
        best = row["Best Answer"].strip()
        right = [best] + [a for a in answers(row["Correct Answers"]) if a != best]
        yield record(f"truthfulqa-{i}", "qa", row["Question"], references=right,
                     bad_references=answers(row["Incorrect Answers"]), category=row["Category"],
                     meta={"type": row["Type"], "source": row["Source"]})


def plain(text):
    return re.sub(r"\W+", " ", text.lower()).strip()


def truthfulqa_answers(files):
    """What models answered and a human judged; the reference answers in the same file are taken out.

    A question and an answer stand in one text, "Q: ...\\nA: ...\\nTrue:". Copies are counted, pairs judged both ways
    dropped, at most 8 answers of a question kept, questions in the order of their first one.
    """
    category, references = {}, {}
    for row in files.csv("TruthfulQA/TruthfulQA.csv"):
        asked = row["Question"].strip()
        category[asked] = row["Category"]
        cells = row["Best Answer"], *answers(row["Correct Answers"]), *answers(row["Incorrect Answers"])
        references[asked] = {plain(cell) for cell in cells}
    verdicts = {}       # question -> answer -> verdicts
    for row in files.jsonl("TruthfulQA/data/finetune_truth.jsonl"):
        asked, answer = row["prompt"].removeprefix("Q:").removesuffix("\nTrue:").rsplit("\nA:", 1)
        asked, answer = asked.strip(), answer.strip()
        if answer and plain(answer) not in references.get(asked, ()):
            verdicts.setdefault(asked, {}).setdefault(answer, []).append(int(row["completion"].strip() == "no"))
    n = 0
    for asked, judged in verdicts.items():
        agreed = [answer for answer, votes in judged.items() if len(set(votes)) == 1]
        for answer in sorted(agreed, key=lambda a: rank(asked + a))[:8]:
            yield record(f"truthfulqa_answers-{n}", "qa", asked, answer,
                         model="mixed (GPT-3, GPT-Neo/J, GPT-2, UnifiedQA)",
                         label=judged[answer][0], source="human", category=category.get(asked),
                         meta={"votes": len(judged[answer])})
            n += 1


EVOUNA_MODELS = {
    "gpt35": "text-davinci-003 (GPT-3.5)",
    "chatgpt": "gpt-3.5-turbo (ChatGPT)",
    "gpt4": "gpt-4 (ChatGPT-4)",
    "newbing": "Bing Chat",
}


def evouna_nq(files):
    """2,000 of the questions that are not flagged improper; the numbers in the ids count those."""
    proper = [row for row in files.json("EVOUNA/NQ.json") if not row["improper"]]
    chosen = sample((row["question"] for row in proper), 2000)
    for i, row in enumerate(proper):
        if row["question"] not in chosen:
            continue
        for short, model in EVOUNA_MODELS.items():
            answer, right = row[f"answer_{short}"], row[f"judge_{short}"]
            if answer and right is not None:
                yield record(f"evouna_nq-{i}-{short}", "qa", row["question"], answer.strip(), model=model,
                             references=[a for a in row["golden_answer"].split("/") if a.strip()],
                             label=int(not right), source="human", category="open-domain")


def halueval_general(files):
    """Numbered by row: the ID column has blanks and duplicates. The annotators copied the hallucinated text; what is
    not found in the answer goes to unmatched_spans."""
    for i, row in enumerate(files.jsonl("data/general_data.json")):
        text, wrong, meta = row["chatgpt_response"], row["hallucination"].strip().lower() == "yes", {}
        if wrong:
            parts = [p.strip() for span in row["hallucination_spans"] for p in span.split("\n") if p.strip()]
            places = [place(text, part) for part in parts]
            spans = [{**p, "label": "hallucination"} for p in places if p]
            spans.sort(key=lambda s: (s["start"], s["end"]))
            meta = {"spans": spans, "onset": onset(spans)}
            lost = [part for part, p in zip(parts, places) if not p]
            if lost:
                meta["unmatched_spans"] = lost
        yield record(f"halueval_general-{i}", "qa", row["user_query"], text, model="gpt-3.5-turbo (ChatGPT)",
                     label=int(wrong), source="human", category="hallucination" if wrong else "ok", meta=meta)


REFCHECKER_MODELS = {
    "gpt4": "gpt-4",
    "chatgpt": "gpt-3.5-turbo",
    "claude2": "claude-2",
    "davinci001": "text-davinci-001",
    "llama2_70b_chat": "llama-2-70b-chat",
    "falcon_40B_instruct": "falcon-40b-instruct",
    "alpaca_7B": "alpaca-7b",
}


def refchecker_nq(files):
    """The questions are not in the repository, so the prompt is empty and the split goes by their id."""
    for short, model in REFCHECKER_MODELS.items():
        for row in files.json(f"benchmark/human_annotations_v1/zero_context/nq_{short}_answers.json"):
            claims = [{"claim": c["triplet"], "human": c["human_label"]} for c in row["claude2_response_kg"]]
            said = {c["human"] for c in claims}
            label, category = ((1, "contradiction") if "Contradiction" in said
                               else (None, "neutral") if "Neutral" in said
                               else (0, "entailed") if claims else (None, "abstain/no claim"))
            yield record(f"refchecker_nq-{short}-{row['id']}", "qa", "", row["response"], model=model, label=label,
                         source="human", category=category, group=row["id"],
                         meta={"nq_id": row["id"], "prompt_missing": True, "claims": claims})


def factool(files):
    """label 1 of a claim: it is false; one that upstream left open ("null") does not count as false."""
    for part in ("knowledge_qa", "scientific", "math"):
        for i, row in enumerate(files.jsonl(f"datasets/{part}/{part}.jsonl")):
            claims = [{"claim": c.get("claim") or {k: v for k, v in c.items() if k != "label"},
                       "label": int(not c["label"])}
                      for c in row["claims"]]
            yield record(f"factool-{part}-{i}", "qa", row["prompt"], row["response"], model="gpt-3.5-turbo (ChatGPT)",
                         references=[row["answer"]] if "answer" in row else None, label=int(not row["label"]),
                         source="human", category=part, meta={"claims": claims})


def factcheck_gpt(files):
    """A verdict is true, false or "NA"; a sentence that an annotator edited is not found in the answer."""
    verdict = {True: 0, False: 1}.get
    for i, row in enumerate(files.jsonl("factcheck-GPT-benchmark.jsonl")):
        parts = list(row["sentences"].values())
        places = sentences(row["response"], [p["text"].strip() for p in parts])
        said = [{"label": verdict(p["sentence_factuality_label"]), "checkworthy": p["sentence_checkworthiness"]}
                for p in parts]
        found = [{**at, **s} for at, s in zip(places, said) if at]
        lost = [{"text": p["text"].strip(), **s} for p, at, s in zip(parts, places, said) if not at]
        meta = {"sentences": found, "onset": onset([s for s in found if s["label"] == 1])}
        if lost:
            meta["unmatched_sentences"] = lost
        yield record(f"factcheck_gpt-{i}", "qa", row["prompt"], row["response"], model="gpt-3.5-turbo (ChatGPT)",
                     references=[row["revised_response"]] if row["revised_response"] else None,
                     label=verdict(row["response_factuality"]), source="human", category="factuality", meta=meta)


def nq_open(files):
    for i, row in enumerate(files.jsonl("nq_open/NQ-open.dev.jsonl")):
        yield record(f"nq_open-{i}", "qa", row["question"], references=row["answer"], category="open-domain")
