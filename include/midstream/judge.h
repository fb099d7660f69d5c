/* Judges: a model that is asked, in words, whether an answer so far is unsafe. A small model in process, or any
 * OpenAI-compatible server. The verdict is read from the probabilities of its first word, not from its text. */
#ifndef MIDSTREAM_JUDGE_H
#define MIDSTREAM_JUDGE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Used by several threads at once; it answers one question at a time. */
typedef struct mid_judge mid_judge;

typedef struct mid_judge_opts {
    size_t size;                    /* sizeof(mid_judge_opts) */
    const char *form;               /* the question, with {prompt}, {answer} and {options} in it; NULL: ours */
    bool by_sentence;               /* ask at sentence ends, or after 64 tokens; false: every every_tok tokens */
    uint32_t every_tok;             /* 0: 32 */
    const char *cache_dir;          /* local: where known models are kept; needed for their names */
    int n_threads;                  /* local; 0: all cores */
    const char *model;              /* server: the model to ask for; NULL: the server's own */
    const char *key;                /* server: sent as a bearer token; NULL: none */
    uint32_t timeout_ms;            /* server: of one request; 0: 60000 */
    uint32_t retry_ms;              /* server: wait before the first of 3 retries, doubled each time; 0: 500 */
} mid_judge_opts;
MID_API mid_judge_opts mid_judge_opts_default(void);

/**
 * @param spec  "smollm2" or "gemma" (opts->cache_dir), the path of a GGUF file, or a base URL beginning with http:// or
 *              https://, to which /v1/chat/completions is added. A server is not contacted before the first question.
 * @return MID_EINVAL for a form without its three marks, a key with a line break or a malformed URL; for a file what
 *         mid_model_open() returns; MID_ENOMEM. @param[out] out owned.
 */
MID_API mid_status mid_judge_open(mid_ctx *ctx, const char *spec, const mid_judge_opts *opts, mid_judge **out);
MID_API void mid_judge_close(mid_judge *judge);

/**
 * Ask for a verdict on an answer, finished or not. The question is put twice, its options in either order, and the two
 * probabilities are averaged.
 *
 * @param answer        (n_answer) bytes, need not end at a character's end
 * @param[out] p_unsafe in [0, 1]; NaN with MID_OK where the judge said neither yes nor no, or the text is too long
 * @return MID_EMODEL a model that fails, or a server that refuses (its words are in the message); MID_EIO no usable
 *         response after the retries; MID_EFORMAT a response that is no completion with log-probabilities; MID_ENOMEM
 */
MID_API mid_status mid_judge_ask(mid_ctx *ctx, const mid_judge *judge, const char *prompt, const char *answer,
                                 size_t n_answer, double *p_unsafe);

/** What was spent since the judge was opened. */
typedef struct mid_judge_cost {
    uint64_t n_verdict;             /* questions asked by mid_judge_ask() */
    uint64_t n_missing;             /* of these: no verdict */
    uint64_t n_call, n_retry;       /* calls of the model, two a verdict; of a server: requests sent again */
    double time_s;
} mid_judge_cost;
MID_API void mid_judge_spent(const mid_judge *judge, mid_judge_cost *cost);
/** What its verdicts depend on, hashed: model or URL, form, when it is asked. 64 hex digits. Borrowed. */
MID_API const char *mid_judge_id(const mid_judge *judge);

#ifdef __cplusplus
}
#endif
#endif
