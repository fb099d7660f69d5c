/* The source registry, and the sink that keeps what a source gives as traces. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "source/engine.h"
#include "source/judge.h"
#include "source/samples.h"

#define HAVE_ALL (MID_SIG_ALWAYS | MID_SIG_SPREAD | MID_SIG_ATTENTION | MID_SIG_LENS | MID_SIG_ALONE | MID_SIG_AFFIRM | \
                  MID_SIG_SAMPLES | MID_SIG_JUDGE)

#define HAVE_SERVER (MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_TOP | MID_SIG_TIME | MID_SIG_JUDGE)

static const mid_source_info info[] = {
    { "llama",    "generate in process, a group of answers in one context",          HAVE_ALL },
    { "openai",   "generate behind an OpenAI-compatible server, token by token",     HAVE_SERVER },
    { "recorded", "an answer somebody saved, read by an observer token by token",    HAVE_ALL },
    { NULL, NULL, 0 }
};
static const mid__source_run run[] = { mid__source_llama, mid__source_openai, mid__source_recorded };

const mid_source_info *mid_source_list(void) { return info; }

/* Run a source with sampled answers, an affirmative pass and a judge before the sink, where they are wanted. */
static mid_status run_with(mid_ctx *ctx, mid_model *model, mid__source_run source, const mid_sample *const *sample, size_t n,
                           const mid_source_opts *opts, const mid_sink *sink)
{
    mid__samples *samples = NULL;
    mid__affirm *affirm = NULL;
    mid__judging *judging = NULL;
    mid_status status = mid__samples_open(ctx, model, sample, n, opts, &sink, &samples);

    if (status == MID_OK)
        status = mid__affirm_open(ctx, model, sample, n, opts, &sink, &affirm);
    if (status == MID_OK)
        status = mid__judging_open(ctx, sample, n, opts, &sink, &judging);
    if (status == MID_OK)
        status = source(ctx, model, sample, n, opts, sink);
    mid__judging_close(judging);
    mid__affirm_close(affirm);
    mid__samples_close(samples);
    return status;
}

/* A run with MID_SIG_ALONE: the group is held back until its answers can be read again without their prompts. */
static mid_status run_twice(mid_ctx *ctx, mid_model *model, const char *source, const mid_sample *const *sample, size_t n,
                            const mid_source_opts *opts, const mid_sink *sink)
{
    mid_source_opts without = *opts;
    mid_trace **trace = calloc(n + 1, sizeof *trace);
    mid_status status = trace ? MID_OK : mid__oom(ctx, "a group of answers");
    size_t i;

    without.want &= ~(uint32_t)MID_SIG_ALONE;
    if (status == MID_OK)
        status = mid_source_trace(ctx, model, source, sample, n, &without, trace);
    for (i = 0; status == MID_OK && i < n; i++)
        status = mid__alone_give(ctx, model, trace[i], i, sink);
    for (i = 0; trace && i < n; i++)
        mid_trace_close(trace[i]);
    free(trace);
    return status;
}

mid_status mid_source_run(mid_ctx *ctx, mid_model *model, const char *source, const mid_sample *const *sample, size_t n,
                          const mid_source_opts *opts, const mid_sink *sink)
{
    mid_source_opts all = opts ? *opts : mid_source_opts_default();
    mid_status status = mid__want_check(ctx, model, &all);
    size_t i;

    if (status != MID_OK)
        return status;
    if (all.max_tok == 0)
        all.max_tok = 128;
    if (!model->server != (strcmp(source, "openai") != 0))
        return mid__fail(ctx, MID_EINVAL, "%s is %s, for source %s", model->desc, model->server ? "a server" : "a file",
                         model->server ? "openai" : "llama or recorded");
    if (n > (size_t)model->n_seq && strcmp(source, "llama") == 0)
        return mid__fail(ctx, MID_EINVAL, "%zu samples at once, the model was opened for %d", n, model->n_seq);
    for (i = 0; info[i].name; i++)
        if (strcmp(info[i].name, source) == 0)
            return all.want & MID_SIG_ALONE ? run_twice(ctx, model, source, sample, n, &all, sink)
                                            : run_with(ctx, model, run[i], sample, n, &all, sink);
    return mid__fail(ctx, MID_ENOTFOUND, "no source '%s': llama, openai or recorded", source);
}

struct keeper {
    mid_ctx *ctx;
    mid_signals signals;
    mid_trace **trace;
};

static mid_status keep_prompt(void *user, size_t i_seq, const mid_prompt *prompt)
{
    struct keeper *k = user;

    return mid_trace_open(k->ctx, &k->signals, prompt, &k->trace[i_seq]);
}

static mid_status keep_step(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    struct keeper *k = user;

    (void)stop;
    return mid_trace_append(k->trace[i_seq], step);
}

mid_status mid_source_trace(mid_ctx *ctx, mid_model *model, const char *source, const mid_sample *const *sample, size_t n,
                            const mid_source_opts *opts, mid_trace **trace)
{
    struct keeper k = { .ctx = ctx, .trace = trace };
    const mid_sink sink = { .user = &k, .prompt = keep_prompt, .step = keep_step };
    mid_status status;
    size_t i;

    memset(trace, 0, n * sizeof *trace);
    status = mid_source_signals(ctx, model, opts, &k.signals);
    if (status == MID_OK)
        status = mid_source_run(ctx, model, source, sample, n, opts, &sink);
    for (i = 0; status != MID_OK && i < n; i++) {
        mid_trace_close(trace[i]);
        trace[i] = NULL;
    }
    return status;
}
