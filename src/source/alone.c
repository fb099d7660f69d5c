/* What each token would have been worth without the prompt (METHODS G13): a second pass reads the vocabulary's first
 * token and then the answer. Offline, when a group's answers are complete: reading a text at once gives each position
 * what reading it token by token gives, at a fraction of the price. */
#include <stdlib.h>

#include "base/ctx.h"
#include "source/engine.h"

struct pass {
    mid_ctx *ctx;
    mid_model *model;
    const llama_token *token;       /* (n) the first token, then the answer's but the last */
    llama_token last;
    int n;
    float *lp;                      /* (n) of token i + 1 */
};

static mid_status keep_lp(void *user, int i_tok, int i)
{
    struct pass *p = user;
    const llama_token next = i_tok + 1 < p->n ? p->token[i_tok + 1] : p->last;
    mid__softmax of;
    const mid_status status = mid__engine_softmax(p->ctx, p->model, i, &of);

    if (status == MID_OK)
        p->lp[i_tok] = llama_get_logits_ith(p->model->lctx, i)[next] - of.lse;
    return status;
}

/* lp (n_tok) of a trace's tokens without its prompt. */
static mid_status read_alone(mid_ctx *ctx, mid_model *model, const mid_trace *trace, float *lp)
{
    const int n = (int)mid_trace_n_tok(trace);
    llama_token *token = malloc(((size_t)n + 1) * sizeof *token);
    struct pass p = { .ctx = ctx, .model = model, .token = token, .n = n, .lp = lp };
    mid_status status = MID_OK;
    mid_step step;
    int i;

    if (!token)
        return mid__oom(ctx, "an answer's tokens");
    token[0] = mid__first_token(model);
    for (i = 0; i < n; i++) {
        mid_trace_step(trace, (uint32_t)i, NULL, &step);
        token[i + 1] = p.last = step.token;
    }
    mid__engine_forget(model, 0);
    if (n > 0)
        status = mid__engine_read(ctx, model, 0, token, n, keep_lp, &p);
    mid__engine_forget(model, 0);
    free(token);
    return status;
}

/* Give a held answer to the sink, each step with its second probability. */
static mid_status give(mid_ctx *ctx, const mid_trace *trace, size_t i_seq, const float *lp, const mid_sink *sink)
{
    float *scratch = malloc((mid_trace_scratch(trace) + 1) * sizeof *scratch);
    mid_status status = scratch ? MID_OK : mid__oom(ctx, "a step");
    mid_prompt prompt;
    mid_step step;
    bool stop = false;
    uint32_t t;

    if (status == MID_OK && sink->prompt) {
        mid_trace_prompt(trace, scratch, &prompt);
        status = sink->prompt(sink->user, i_seq, &prompt);
    }
    for (t = 0; status == MID_OK && sink->step && !stop && t < mid_trace_n_tok(trace); t++) {
        mid_trace_step(trace, t, scratch, &step);
        step.lp_alone = lp[t];
        step.have |= MID_SIG_ALONE;
        status = sink->step(sink->user, i_seq, &step, &stop);
    }
    free(scratch);
    return status;
}

mid_status mid__alone_give(mid_ctx *ctx, mid_model *model, const mid_trace *trace, size_t i_seq, const mid_sink *sink)
{
    float *lp = malloc((mid_trace_n_tok(trace) + 1) * sizeof *lp);
    mid_status status = lp ? read_alone(ctx, model, trace, lp) : mid__oom(ctx, "an answer's probabilities");

    if (status == MID_OK)
        status = give(ctx, trace, i_seq, lp, sink);
    free(lp);
    return status;
}
