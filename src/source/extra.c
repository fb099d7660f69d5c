/* Signals that cost something and are made only when somebody asks for them: which a model can give, and the per-token
 * ones that the two sources share. A run that wants none of them comes here once and does nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "signal/spread.h"
#include "source/engine.h"

#define EXTRA (MID_SIG_SPREAD | MID_SIG_ATTENTION | MID_SIG_LENS | MID_SIG_ALONE | MID_SIG_AFFIRM | MID_SIG_SAMPLES | \
               MID_SIG_JUDGE)

mid_status mid__want_check(mid_ctx *ctx, const mid_model *model, const mid_source_opts *opts)
{
    const uint32_t want = opts->want;

    if (want & ~(uint32_t)(EXTRA | MID_SIG_ALWAYS))
        return mid__fail(ctx, MID_EINVAL, "signals %#x wanted: of these bits %#x mean nothing", want,
                         want & ~(uint32_t)(EXTRA | MID_SIG_ALWAYS));
    if (model->server && (want & ~(uint32_t)(model->signals.have | MID_SIG_JUDGE)))
        return mid__fail(ctx, MID_ESIGNAL, "signals %#x wanted: %s tells what it writes and the top of each distribution, "
                         "nothing from inside", want & ~(uint32_t)(model->signals.have | MID_SIG_JUDGE), model->desc);
    if ((want & MID_SIG_HIDDEN) && model->signals.n_layer == 0)
        return mid__fail(ctx, MID_ESIGNAL, "hidden rows wanted: open the model with tapped layers");
    if ((want & MID_SIG_ATTENTION) && !model->seen)
        return mid__fail(ctx, MID_ESIGNAL, "attention wanted: open the model with mid_model_opts.attention");
    if ((want & MID_SIG_JUDGE) && !opts->judge)
        return mid__fail(ctx, MID_EINVAL, "verdicts are wanted but there is no judge: open one and give it to the source");
    return want & MID_SIG_LENS ? mid__lens_check(ctx, model) : MID_OK;
}

void mid__step_fill(mid_step *step, const mid__softmax *from, llama_token token, float lp)
{
    memset(step, 0, sizeof *step);
    step->have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP | MID_SIG_TIME;
    step->token = token;
    step->lp = lp;
    step->entropy_nats = from->entropy_nats;
    step->n_top = from->n_top;
    step->top_token = from->top_token;
    step->top_lp = from->top_lp;
}

mid_status mid__extra_open(mid_ctx *ctx, mid_model *model, const mid_source_opts *opts, mid__extra *out)
{
    const size_t n_head = (size_t)model->n_layer * (size_t)model->n_head_layer;

    *out = (mid__extra){ .ctx = ctx, .model = model, .want = opts->want };
    model->wants_attention = opts->want & MID_SIG_ATTENTION;
    if (opts->want & MID_SIG_ATTENTION) {
        out->attention = malloc(n_head * MID_ATTENTION_N * sizeof *out->attention);
        if (!out->attention)
            return mid__oom(ctx, "attention");
    }
    if (!(opts->want & MID_SIG_LENS))
        return MID_OK;
    out->lens = malloc((size_t)MID__CHUNK_TOK * (size_t)model->signals.n_layer * MID_LENS_N * sizeof *out->lens);
    if (!out->lens)
        return mid__oom(ctx, "a lens");
    return model->lens ? MID_OK : mid__lens_open(ctx, model, &model->lens);
}

void mid__extra_close(mid__extra *extra)
{
    if (extra->model)
        extra->model->wants_attention = false;
    free(extra->attention);
    free(extra->lens);
}

mid_status mid__extra_decoded(mid__extra *extra, const mid__decode *batch)
{
    return extra->lens ? mid__lens_read(extra->ctx, extra->model->lens, extra->model, batch, extra->lens) : MID_OK;
}

mid_status mid__extra_step(mid__extra *extra, int i, mid_step *step)
{
    mid_status status = MID_OK;

    if (extra->lens) {
        step->lens = extra->lens + (size_t)i * (size_t)extra->model->signals.n_layer * MID_LENS_N;
        step->have |= MID_SIG_LENS;
    }
    if (extra->attention) {
        status = mid__engine_attention(extra->ctx, extra->model, i, extra->attention);
        step->attention = extra->attention;
        step->have |= MID_SIG_ATTENTION;
    }
    return status;
}

void mid__extra_spread(const mid__extra *extra, int i, const mid__softmax *of, llama_token token, float *spread)
{
    if (extra->want & MID_SIG_SPREAD)
        mid__spread_of(llama_get_logits_ith(extra->model->lctx, i), extra->model->signals.n_vocab, of, token, spread);
}
