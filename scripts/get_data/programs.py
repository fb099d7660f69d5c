"""Programming problems, and programs that models wrote for them."""
from .common import record


def problem(id, row, number, group):
    return record(id, "code", row["prompt"], references=[row["canonical_solution"]], category="python", lang="python",
                  group=f"{group}-{number}",
                  meta={"entry_point": row["entry_point"], "tests": row["test"], "mode": "continuation",
                        "run": "prompt + response + tests + 'check(entry_point)'"})


def humaneval(files):
    for row in files.jsonl("data/HumanEval.jsonl.gz"):
        number = row["task_id"].split("/")[1]
        yield problem(f"humaneval-{number}", row, number, "humaneval")


def mbpp_sanitized(files):
    for row in files.jsonl("CodeT/data/dataset/mbpp_sanitized_for_code_generation.jsonl"):
        number = row["task_id"].split("/")[1]
        yield problem(f"mbpp_sanitized-{number}", row, number, "mbpp")


CODE_MODELS = {
    "humaneval": ("gpt-4-1106-preview", "gpt-3.5-turbo-0613", "codellama", "starcoder"),
    "mbpp": ("gpt-3.5-turbo-0613", "codellama", "starcoder"),
}


def code_llm(files, results):
    """The labels are ours, from running the tests: results has a letter per program, p(ass), f(ail) or t(imeout).

    A program that repeats its prompt continues it; any other that defines the function stands alone.
    """
    tests = {row["task_id"]: row["test"] for row in files.jsonl("data/HumanEval.jsonl.gz")}
    for part, models in CODE_MODELS.items():
        for short in models:
            ran = iter(results[f"{part}/{short}"])
            for row in files.jsonl(f"input_data/{part}/seed/{short}/seed.jsonl"):
                program, prompt, number = row["solution"], row["prompt"], row["task_id"].split("/")[1]
                if not program.strip():
                    continue
                continues = program.startswith(prompt)
                result = {"p": "pass", "f": "fail", "t": "timeout"}[next(ran)]
                alone = not continues and ("def " in program)
                yield record(f"code_llm-{part}-{short}-{number}", "code", prompt,
                             program[len(prompt):] if continues else program,
                             model="codellama-34b-instruct" if short == "codellama" else short,
                             references=[row["canonical_solution"]], label=int(result != "pass"), source="rule",
                             category=part, lang="python", group=f"{part}-{number}",
                             meta={"entry_point": row["entry_point"], "tests": tests.get(row["task_id"], row["test"]),
                                   "mode": "standalone" if alone else "continuation", "result": result,
                                   "upstream_is_solved": row["is_solved"]})
