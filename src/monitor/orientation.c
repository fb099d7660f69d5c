/* Orientation: both signs are run, since what follows the sign need not be odd (max of -x is not -max x). */
#include "monitor/orientation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "midstream/metric.h"
#include "monitor/signal_rows.h"

enum { HORIZON_TOK = 16 };

/* What is tried under either sign. */
struct trial { const mid_monitor_ops *ops; const mid_fit_set *set; const mid_param *params; uint32_t horizon_tok; };

/* The score after horizon_tok tokens of an answer, or at its end; NaN if no step counts. */
static double score_at_horizon(const struct trial *t, const void *plan, const mid_trace *trace, void *state,
                               float *rows)
{
    const mid_monitor_ops *ops = t->ops;
    const uint32_t n_tok = mid_trace_n_tok(trace);
    double score = NAN;
    mid_prompt prompt;
    mid_step step;
    uint32_t i;

    memset(state, 0, mid__state_size(ops, plan));
    mid_trace_prompt(trace, rows, &prompt);
    if (ops->start && ops->start(plan, state, &prompt) != MID_OK)
        return NAN;
    for (i = 0; i < n_tok && i < t->horizon_tok; i++) {
        mid_trace_step(trace, i, rows, &step);
        if (!(ops->needs & ~(step.have | MID_SIG_SPARSE)))
            ops->push(plan, state, &step, &score);
    }
    return score;
}

static mid_status auroc_of(mid_ctx *ctx, const struct trial *t, const void *plan, double *auroc)
{
    const mid_fit_set *set = t->set;
    double *score = malloc((set->n + 1) * sizeof *score);
    uint8_t *label = malloc(set->n + 1);
    void *state = malloc(mid__state_size(t->ops, plan) + 1);
    float *rows = malloc((mid__fit_scratch(set) + 1) * sizeof *rows);
    size_t i, n = 0;
    mid_status status = score && label && rows && state ? MID_OK : mid__oom(ctx, "an orientation");

    for (i = 0; status == MID_OK && i < set->n; i++) {
        score[n] = score_at_horizon(t, plan, set->answer[i].trace, state, rows);
        label[n] = (uint8_t)set->answer[i].label;
        n += !isnan(score[n]);
    }
    if (status == MID_OK && mid_auroc(NULL, score, label, n, auroc) != MID_OK)
        *auroc = 0.5;                   /* one class left: nothing to choose on */
    free(score);
    free(label);
    free(rows);
    free(state);
    return status;
}

/* AUROC under one sign. */
static mid_status try_sign(mid_ctx *ctx, const struct trial *t, int sign, mid_weights *out, double *auroc)
{
    void *plan = NULL;
    mid_status status = mid_weights_set_number(ctx, out, "orientation", sign);

    if (status == MID_OK)
        status = t->ops->open(ctx, out, t->params, mid_trace_signals(t->set->answer[0].trace), &plan);
    if (status != MID_OK)
        return status;
    status = auroc_of(ctx, t, plan, auroc);
    if (t->ops->close)
        t->ops->close(plan);
    return status;
}

mid_status mid__orientation_fit_at(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_fit_set *set,
                                   const mid_param *params, int fallback, uint32_t horizon_tok, mid_weights *out)
{
    const struct trial t = { ops, set, params, horizon_tok };
    double auroc, other = 0;
    int sign = fallback;
    mid_status status = try_sign(ctx, &t, -fallback, out, &other);

    if (status == MID_OK)
        status = try_sign(ctx, &t, fallback, out, &auroc);
    if (status != MID_OK)
        return status;
    if (other > auroc) {
        sign = -fallback;
        auroc = other;
        status = mid_weights_set_number(ctx, out, "orientation", sign);
    }
    return status == MID_OK ? mid_weights_set_number(ctx, out, "orientation_auroc", auroc) : status;
}

mid_status mid__orientation_fit(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_fit_set *set,
                                const mid_param *params, int fallback, mid_weights *out)
{
    return mid__orientation_fit_at(ctx, ops, set, params, fallback, HORIZON_TOK, out);
}

mid_status mid__orientation_of(mid_ctx *ctx, const mid_weights *weights, double *orientation)
{
    *orientation = mid_weights_number(weights, "orientation");
    if (fabs(*orientation) == 1)
        return MID_OK;
    return mid__fail(ctx, MID_EFORMAT, "orientation %g: must be 1 or -1", *orientation);
}
