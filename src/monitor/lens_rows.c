/* Rows of logit-lens figures. A step with a figure that is no number is left out. */
#include "monitor/lens_rows.h"

#include <math.h>

struct column { int n_layer, figure; };

static bool read_column(const void *user, const mid_prompt *prompt, const mid_step *step, float *value)
{
    const struct column *c = user;
    int i;

    (void)prompt;
    for (i = 0; i < c->n_layer; i++) {
        value[i] = step->lens[i * MID_LENS_N + c->figure];
        if (!isfinite(value[i]))
            return false;
    }
    return true;
}

mid_status mid__lens_rows(mid_ctx *ctx, const mid_fit_set *set, int figure, mid__rows *out)
{
    const struct column c = { mid_trace_signals(set->answer[0].trace)->n_layer, figure };

    return mid__signal_rows(ctx, set, MID_SIG_LENS, (size_t)c.n_layer, read_column, &c, 0, out);
}
