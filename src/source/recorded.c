/* Source "recorded": an observer reads an answer that somebody else wrote, token by token (teacher forcing).
 * One decode holds as much of prompt and answer as fits; position p gives the hidden rows of its token and the
 * distribution of the next. Each answer is read alone, so its figures do not depend on its neighbours. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "source/engine.h"

struct reader {
    mid_ctx *ctx;
    mid_model *model;
    const mid_sink *sink;
    size_t i_sample;
    const mid_sample *sample;
    const llama_token *token;       /* (n) prompt, then answer */
    int n_prompt, n;
    mid__softmax from;              /* distribution of the next token, once position n_prompt - 1 has been read */
    float lp;                       /* of the next token */
    float spread[MID_SPREAD_N];     /* likewise, if wanted */
    mid__extra *extra;
    uint32_t at_byte;
    float *hidden;
    bool stop;
};

static mid_status give_prompt(struct reader *r)
{
    const mid_prompt prompt = { .text = r->sample->prompt, .hidden = r->model->signals.n_layer ? r->hidden : NULL,
                                .n_tok = (uint32_t)r->n_prompt };

    return r->sink->prompt ? r->sink->prompt(r->sink->user, r->i_sample, &prompt) : MID_OK;
}

/* The token at position p, k-th of its decode. */
static mid_status give_step(struct reader *r, int p, int k, float time_us)
{
    char piece[MID__PIECE_MAX];
    mid_step step;
    mid_status status;

    mid__step_fill(&step, &r->from, r->token[p], r->lp);
    step.i_tok = (uint32_t)(p - r->n_prompt);
    step.at_byte = r->at_byte;
    step.n_text = (uint32_t)mid__token_piece(r->model, r->token[p], piece);
    step.text = piece;
    step.time_us = time_us;
    if (r->model->signals.n_layer) {
        step.hidden = r->hidden;
        step.have |= MID_SIG_HIDDEN;
    }
    step.spread = r->spread;
    step.have |= r->extra->want & MID_SIG_SPREAD;
    status = mid__extra_step(r->extra, k, &step);
    if (status != MID_OK)
        return status;
    r->at_byte += step.n_text;
    return r->sink->step ? r->sink->step(r->sink->user, r->i_sample, &step, &r->stop) : MID_OK;
}

/* Decode positions p0 .. p0 + batch->n - 1 and give what they hold. */
static mid_status read_chunk(struct reader *r, mid__decode *batch, int p0)
{
    const double start_s = mid__now_s();
    float time_us;
    int k, i_want = 0;
    mid_status status;

    batch->n = r->n - p0 < MID__CHUNK_TOK ? r->n - p0 : MID__CHUNK_TOK;
    for (k = 0; k < batch->n; k++) {
        batch->token[k] = r->token[p0 + k];
        batch->pos[k] = p0 + k;
        batch->seq[k] = 0;
        batch->want[k] = p0 + k >= r->n_prompt - 1;
        batch->n_prompt[k] = p0 + k >= r->n_prompt ? r->n_prompt : 0;
    }
    status = mid__engine_decode(r->ctx, r->model, batch);
    time_us = (float)((mid__now_s() - start_s) * 1e6 / batch->n);
    if (status == MID_OK)
        status = mid__extra_decoded(r->extra, batch);
    for (k = 0; status == MID_OK && !r->stop && k < batch->n; k++) {
        const int p = p0 + k;
        if (!batch->want[k])
            continue;
        mid__engine_hidden(r->model, k, i_want++, r->hidden);
        status = p == r->n_prompt - 1 ? give_prompt(r) : give_step(r, p, k, time_us);
        if (status == MID_OK && p + 1 < r->n) {
            status = mid__engine_softmax(r->ctx, r->model, k, &r->from);
            if (status != MID_OK)
                break;
            r->lp = llama_get_logits_ith(r->model->lctx, k)[r->token[p + 1]] - r->from.lse;
            mid__extra_spread(r->extra, k, &r->from, r->token[p + 1], r->spread);
        }
    }
    return status;
}

static mid_status read_answer(struct reader *r, const mid_source_opts *opts, mid__decode *batch)
{
    llama_token *prompt = NULL, *answer = NULL, *both = NULL;
    int n_answer = 0, p;
    mid_status status = mid__prompt_tokens(r->ctx, r->model, r->sample->prompt, opts, &prompt, &r->n_prompt);

    if (status == MID_OK)
        status = mid__text_tokens(r->ctx, r->model, r->sample->response, false, &answer, &n_answer);
    if (status != MID_OK)
        goto out;
    if (n_answer > (int)opts->max_tok)
        n_answer = (int)opts->max_tok;
    r->n = r->n_prompt + n_answer;
    if (r->n > r->model->n_ctx_seq) {
        status = mid__fail(r->ctx, MID_ELIMIT, "prompt and answer are %d tokens, the context holds %d: lower max_tok or "
                           "leave the sample out", r->n, r->model->n_ctx_seq);
        goto out;
    }
    both = malloc((size_t)r->n * sizeof *both);
    if (!both) {
        status = mid__oom(r->ctx, "tokens");
        goto out;
    }
    memcpy(both, prompt, (size_t)r->n_prompt * sizeof *both);
    memcpy(both + r->n_prompt, answer, (size_t)n_answer * sizeof *both);
    r->token = both;
    mid__engine_forget(r->model, 0);
    for (p = 0; status == MID_OK && !r->stop && p < r->n; p += batch->n)
        status = read_chunk(r, batch, p);
out:
    free(prompt);
    free(answer);
    free(both);
    return status;
}

mid_status mid__source_recorded(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                                const mid_source_opts *opts, const mid_sink *sink)
{
    mid__decode *batch = malloc(sizeof *batch);
    float *hidden = malloc(((size_t)model->signals.n_layer * model->signals.n_embd + 1) * sizeof *hidden);
    mid__extra extra = { .ctx = ctx };
    mid_status status = batch && hidden ? mid__extra_open(ctx, model, opts, &extra) : mid__oom(ctx, "reading answers");
    size_t i;

    for (i = 0; status == MID_OK && i < n; i++)
        if (!sample[i]->response)
            status = mid__fail(ctx, MID_EINVAL, "sample %s has no recorded response to read", sample[i]->id);
    for (i = 0; status == MID_OK && i < n; i++) {
        struct reader r = { .ctx = ctx, .model = model, .sink = sink, .i_sample = i, .sample = sample[i], .hidden = hidden,
                            .extra = &extra };
        status = read_answer(&r, opts, batch);
        if (status != MID_OK)
            status = mid__within(ctx, status, "sample %s", sample[i]->id);
    }
    mid__engine_forget(model, 0);
    mid__extra_close(&extra);
    free(hidden);
    free(batch);
    return status;
}
