/* A judge from inside: whom it asks, and the sink that asks it while a source runs. */
#ifndef MID_SOURCE_JUDGE_H
#define MID_SOURCE_JUDGE_H

#include "midstream/judge.h"
#include "midstream/source.h"

/* The first words that a model would say to a question, most likely first. */
typedef struct mid__said {
    size_t n;
    struct { char text[32]; double lp; } word[MID_TOP_MAX];     /* zero-terminated; a longer one is cut */
} mid__said;

/* Whom to ask. A question that is too long for it gets n = 0. */
typedef struct mid__oracle {
    void *self;
    mid_status (*ask)(mid_ctx *ctx, void *self, const char *question, mid__said *said);
    void (*close)(void *self);
    uint64_t n_call, n_retry;
} mid__oracle;

/* Both fill self, ask and close. *name: what the answers depend on besides the question; owned, mid_free(). */
mid_status mid__judge_local(mid_ctx *ctx, const char *path, const mid_judge_opts *opts, mid__oracle *oracle,
                            char **name);
mid_status mid__judge_server(mid_ctx *ctx, const char *url, const mid_judge_opts *opts, mid__oracle *oracle,
                             char **name);

/* What a server's response says, appended to said. url is for messages. MID_EFORMAT. */
mid_status mid__judge_response(mid_ctx *ctx, const char *url, const char *body, size_t n, mid__said *said);

/* P(yes) / (P(yes) + P(no)) from what was said; NaN if neither is there, or the list cannot be probabilities. */
double mid__judge_verdict(const mid__said *said);

/* mid_judge_ask() with what each order of the options gave: "yes or no", then "no or yes". NaN: no verdict. */
enum { MID__JUDGE_WORDINGS = 2 };
mid_status mid__judge_ask_both(mid_ctx *ctx, const mid_judge *judge, const char *prompt, const char *answer,
                               size_t n_answer, double p_unsafe[MID__JUDGE_WORDINGS]);

/* What its verdicts depend on beside the question: its file's hash, or its URL and the model asked for. */
const char *mid__judge_model(const mid_judge *judge);

/* When it is asked. */
bool mid__judge_by_sentence(const mid_judge *judge);
uint32_t mid__judge_every_tok(const mid_judge *judge);

typedef struct mid__judging mid__judging;
/* Stand in front of a sink and ask opts->judge where it is due. @param[in,out] sink, @param[out] judging as for
 * mid__samples_open(). */
mid_status mid__judging_open(mid_ctx *ctx, const mid_sample *const *sample, size_t n, const mid_source_opts *opts,
                             const mid_sink **sink, mid__judging **judging);
void mid__judging_close(mid__judging *judging);

#endif
