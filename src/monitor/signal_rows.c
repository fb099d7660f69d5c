/* Rows of read-off values. An answer's values are kept until they leave the window, so a mean is summed anew each time
 * and does not drift. */
#include "monitor/signal_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

struct reader {
    uint32_t needs, window;
    mid__read_fn read;
    const void *user;
    float *scratch, *value;         /* of a step; (LAST_TOK, d) by token */
};

enum { LAST_TOK = 1 << (MID__N_HORIZON - 1) };

/* The next row's values. */
static void put_values(const float *value, uint32_t n_value, uint32_t window, mid__rows *out)
{
    const uint32_t first = window && n_value > window ? n_value - window : 0;
    size_t j;
    uint32_t t;

    for (j = 0; j < out->d; j++) {
        double sum = 0;
        for (t = first; t < n_value; t++)
            sum += (double)value[t * out->d + j];
        out->x[out->n * out->d + j] = (float)(sum / (n_value - first));
    }
}

static void answer_rows(const mid_fit_answer *a, size_t i_answer, const struct reader *r, mid__rows *out)
{
    const uint32_t n_tok = mid_trace_n_tok(a->trace);
    const size_t first = out->n;
    uint32_t t, n_value = 0;
    mid_prompt prompt;
    mid_step step;
    uint8_t horizon;

    mid_trace_prompt(a->trace, NULL, &prompt);
    for (t = 1; t <= n_tok && t <= LAST_TOK; t++) {
        mid_trace_step(a->trace, t - 1, r->scratch, &step);
        if (!(r->needs & ~step.have) && r->read(r->user, &prompt, &step, r->value + n_value * out->d))
            n_value++;
        if (!n_value || !mid__is_row(t, n_tok, 0, &horizon))
            continue;
        put_values(r->value, n_value, r->window, out);
        mid__rows_add(out, i_answer, a->label, horizon);
    }
    mid__rows_weigh(out, first);
}

size_t mid__fit_scratch(const mid_fit_set *set)
{
    size_t most = 0, i;

    for (i = 0; i < set->n; i++) {
        const size_t n = mid_trace_scratch(set->answer[i].trace);
        most = n > most ? n : most;
    }
    return most;
}

mid_status mid__signal_rows(mid_ctx *ctx, const mid_fit_set *set, uint32_t needs, size_t d, mid__read_fn read,
                            const void *user, uint32_t window, mid__rows *out)
{
    struct reader r = { .needs = needs, .window = window, .read = read, .user = user };
    size_t i;
    mid_status status = mid__rows_open(ctx, set->n * MID__N_HORIZON, d, out);

    r.scratch = malloc((mid__fit_scratch(set) + 1) * sizeof *r.scratch);
    r.value = malloc(LAST_TOK * d * sizeof *r.value);
    if (status == MID_OK && (!r.scratch || !r.value))
        status = mid__oom(ctx, "training rows");
    for (i = 0; status == MID_OK && i < set->n; i++)
        answer_rows(&set->answer[i], i, &r, out);
    free(r.scratch);
    free(r.value);
    if (status != MID_OK)
        mid__rows_clear(out);
    return status;
}

mid_status mid__column_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, size_t column, double *auroc)
{
    double *score = malloc((rows->n + 1) * sizeof *score);
    mid_status status;
    size_t i;

    for (i = 0; score && i < rows->n; i++)
        score[i] = (double)rows->x[i * rows->d + column];
    status = score ? mid__rows_auroc(ctx, set, rows, score, auroc) : mid__oom(ctx, "training rows");
    free(score);
    return status;
}
