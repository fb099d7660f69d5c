"""Converters of scripts/get-data: dataset -> file it makes -> function of the upstream files."""
from . import chat, continuation, moderation, programs, qa, translation, words
from .common import Files, jsonl

ONE_FILE = (
    chat.xstest, chat.jbb_judge, chat.jbb_artifacts, chat.harmful_behaviors,
    qa.truthfulqa, qa.truthfulqa_answers, qa.evouna_nq, qa.halueval_general, qa.refchecker_nq, qa.factool,
    qa.factcheck_gpt, qa.nq_open, moderation.openai_moderation, moderation.toxic_spans,
    programs.humaneval, programs.mbpp_sanitized, programs.code_llm,
    continuation.bold, continuation.rtp_sample,
    translation.mlqe_critical, translation.mlqe_pe, translation.wmt23_mqm,
)
CONVERTERS = {f.__name__: {"data.jsonl": f} for f in ONE_FILE} | {
    "gptfuzz": {"data.jsonl": chat.gptfuzz, "templates.jsonl": chat.gptfuzz_templates},
    "wikibio_gpt3": {"data.jsonl": continuation.wikibio_gpt3, "samples.jsonl": continuation.wikibio_gpt3_samples},
    "lexicons": {f"{f.__name__}.jsonl": f for f in (words.ldnoobw, words.surge_profanity, words.dsojevic_profanity)},
}


def convert(name, content, results=None):
    """Files of a dataset made from upstream content (path -> bytes), and how many rows each has."""
    files, made = Files(content), {}
    for path, function in CONVERTERS[name].items():
        rows = list(function(files, results) if results is not None else function(files))
        made[path] = jsonl(rows), len(rows)
    return made
