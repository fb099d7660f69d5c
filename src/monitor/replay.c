/* Answers are pushed token by token up to the last horizon, as a stream would see them. */
#include "monitor/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/signal_rows.h"

/* Scores at the horizons of one answer. */
static void replay(const mid_monitor_ops *ops, const void *plan, const mid_fit_answer *a, size_t i_answer, void *state,
                   float *scratch, mid__rows *rows, double *score)
{
    const uint32_t n_tok = mid_trace_n_tok(a->trace);
    double last = NAN;
    mid_prompt prompt;
    mid_step step;
    uint8_t horizon;
    uint32_t t;

    memset(state, 0, mid__state_size(ops, plan));
    mid_trace_prompt(a->trace, scratch, &prompt);
    if (ops->start && ops->start(plan, state, &prompt) != MID_OK)
        return;
    for (t = 1; t <= n_tok && t <= mid__horizon_tok(MID__N_HORIZON - 1); t++) {
        mid_trace_step(a->trace, t - 1, scratch, &step);
        if (!(ops->needs & ~step.have))
            ops->push(plan, state, &step, &last);
        if (isnan(last) || !mid__is_row(t, n_tok, 0, &horizon))
            continue;
        score[rows->n] = last;
        mid__rows_add(rows, i_answer, a->label, horizon);
    }
}

mid_status mid__replay_auroc(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_fit_set *set, const mid_param *params,
                             const mid_weights *weights, double *auroc)
{
    const size_t n = set->n * MID__N_HORIZON;
    mid__rows rows = { 0 };
    float *scratch = malloc((mid__fit_scratch(set) + 1) * sizeof *scratch);
    double *score = malloc((n + 1) * sizeof *score);
    void *plan = NULL, *state = NULL;
    size_t i;
    mid_status status = ops->open(ctx, weights, params, mid_trace_signals(set->answer[0].trace), &plan);

    if (status == MID_OK) {
        state = malloc(mid__state_size(ops, plan) + 1);
        status = scratch && score && state ? mid__rows_open(ctx, n, 0, &rows) : mid__oom(ctx, ops->name);
        for (i = 0; status == MID_OK && i < set->n; i++)
            replay(ops, plan, &set->answer[i], i, state, scratch, &rows, score);
        if (status == MID_OK)
            status = mid__rows_auroc(ctx, set, &rows, score, auroc);
        if (status == MID_OK)
            *auroc = fmax(0, *auroc);                           /* 0 for NaN, too */
        ops->close(plan);
    }
    mid__rows_clear(&rows);
    free(scratch);
    free(score);
    free(state);
    return status;
}
