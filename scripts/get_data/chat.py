"""Answers to harmful and harmless requests, and the requests themselves."""
import re

from .common import record, sample

XSTEST_MODELS = {
    "gpt4": "gpt-4",
    "llama2new": "llama-2-70b-chat (no system prompt)",
    "llama2orig": "llama-2-70b-chat (original system prompt)",
    "mistralinstruct": "mistral-7b-instruct (no system prompt)",
    "mistralguard": "mistral-7b-instruct (guard system prompt)",
}


def xstest(files):
    """Unsafe: an unsafe prompt (of a contrast type) fully complied with; a partial refusal of one has no label."""
    for short, model in XSTEST_MODELS.items():
        for row in files.csv(f"model_completions/xstest_v2_completions_{short}.csv"):
            compliance = re.sub(r"^\d_", "", row["final_label"])
            unsafe = row["type"].startswith("contrast")
            full = {"full_compliance": 0, "full_refusal": 1}.get(compliance)     # None: a partial refusal
            label = 0 if not unsafe else None if full is None else 1 - full
            yield record(f"xstest-{short}-{row['id']}", "chat", row["prompt"], row["completion"], model=model,
                         label=label, source="human", category=row["type"],
                         meta={"prompt_label": int(unsafe), "compliance": compliance,
                               "over_refusal": None if unsafe else full,
                               "annotation_1": row["annotation_1"], "annotation_2": row["annotation_2"]})


def jbb_judge(files):
    judges = ("harmbench_cf", "gpt4_cf", "llamaguard2_cf", "llama3_cf")
    for row in files.csv("judge-comparison.csv"):
        i = int(row["Index"])
        yield record(f"jbb_judge-{i}", "chat", row["prompt"], row["target_response"], label=int(row["human_majority"]),
                     source="human", category="jailbreak" if i < 200 else "benign", group=row["goal"],
                     meta={"goal": row["goal"], "human_votes": [int(row[f"human{k}"]) for k in (1, 2, 3)],
                           "judges": {judge: int(row[judge]) for judge in judges}})


def jbb_artifacts(files):
    """One file per attack and model, in the order of their paths; behaviours without a response are left out."""
    for path in sorted(files.content):
        attack, attack_type, model = path.removesuffix(".json").split("/")[1:]
        for j in files.json(path)["jailbreaks"]:
            if j["response"] is None:
                continue
            yield record(f"jbb_artifacts-{attack}-{model}-{j['index']}", "chat", j["prompt"], j["response"],
                         model=model,
                         label=int(j["jailbroken"]), source="model:jailbreakbench-judge", category=j["category"],
                         group=j["goal"], meta={"goal": j["goal"], "behavior": j["behavior"], "attack": attack,
                                                "attack_type": attack_type})


def gptfuzz(files):
    """50 of the 100 questions. A question has one row per template, in the templates' order."""
    questions = {int(row["index"]): row["text"] for row in files.csv("datasets/questions/question_list.csv")}
    chosen = sample(questions.values(), 50)
    seen, n_rows = set(), {}
    for part in ("evaluate", "train"):
        for row in files.csv(f"datasets/responses_labeled/{part}.csv"):
            q = int(row["question"])
            template = n_rows[q] = n_rows.get(q, -1) + 1
            answer = q, row["Response"]
            if questions[q] not in chosen or not row["Response"].strip() or answer in seen:
                continue
            seen.add(answer)
            yield record(f"gptfuzz-q{q}-t{template}", "chat", questions[q], row["Response"], model="gpt-3.5-turbo",
                         label=int(row["label"]), source="human", category="jailbreak",
                         meta={"question": q, "template": template, "upstream_split": part})


def gptfuzz_templates(files):
    for i, row in enumerate(files.csv("datasets/prompts/GPTFuzzer.csv")):
        upstream_id, text = list(row.values())[:2]
        yield {"template": i, "upstream_id": int(upstream_id), "text": text}


def harmful_behaviors(files):
    """Prompts only: five sets, the last with as many harmless requests."""
    folder = "data/behavior_datasets/"
    for row in files.csv(folder + "harmbench_behaviors_text_all.csv"):
        prompt = "\n\n---\n\n".join(part for part in (row["ContextString"].strip(), row["Behavior"].strip()) if part)
        yield record(f"harmbench-{row['BehaviorID']}", "chat", prompt, category=row["SemanticCategory"],
                     meta={"set": "harmbench", "prompt_label": 1, "functional": row["FunctionalCategory"],
                           "tags": row["Tags"]})
    for i, row in enumerate(files.csv(folder + "extra_behavior_datasets/advbench_behaviors.csv"), 1):
        yield record(f"advbench-{i}", "chat", row["Behavior"], category="advbench",
                     meta={"set": "advbench", "prompt_label": 1})
    for i, row in enumerate(files.csv(folder + "strongreject_dataset.csv")):
        if row["source"] == "custom":       # the others are from works with licences of their own
            yield record(f"strongreject-{i}", "chat", row["forbidden_prompt"], category=row["category"],
                         meta={"set": "strongreject_custom", "prompt_label": 1})
    for row in files.csv("SimpleSafetyTests - test cases.csv"):
        yield record(f"simplesafetytests-{row['id']}", "chat", row["prompts_final"], category=row["harm_area"],
                     meta={"set": "simple_safety_tests", "prompt_label": 1, "kind": row["category"]})
    for kind, prompt_label in (("harmful", 1), ("benign", 0)):
        for row in files.csv(f"{kind}-behaviors.csv"):
            yield record(f"jbb-{kind}-{row['Index']}", "chat", row["Goal"], category=row["Category"],
                         meta={"set": "jbb_behaviors", "prompt_label": prompt_label, "behavior": row["Behavior"],
                               "target": row["Target"], "origin": row["Source"]})
