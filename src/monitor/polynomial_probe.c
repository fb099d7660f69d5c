/* Truncated polynomial classifier on the running mean of one layer's rows: W7, TPC.
 *   y_1 = b + w . x     y_n = y_{n-1} + sum_r lambda_nr (u_nr . x)^n,   n = 2..N, r = 1..16     x: standardised mean row
 *   S_t = y_n for the first n with |y_n| > margin, else y_N
 * Orders are trained in turn, the lower ones frozen: the first by logistic regression (C by inner folds), the others by
 * AdamW from lambda = 0 on, with early stopping, so that an order which does not help adds nothing. Because each truncation
 * is a classifier of its own, a clear case may stop early: with a margin, later orders are not even evaluated. Margin and
 * threshold are then one rule: calibrate with the margin that will run. N = 3; the default margin 0 never stops early.
 * Trained like probe_linear after 1, 2, 4, ... 128 tokens, an answer weighing 1 in all.
 * Source: Oldfield et al. 2025 (arXiv 2509.26238), who read a prompt's mean; order and rank are ours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/dense.h"
#include "monitor/rows_lr.h"
#include "monitor/trained.h"
#include "monitor/trained_heads.h"

enum { RANK = 16, ORDER_MAX = 5 };

/* ---- the head of one order: the map gives u_r . x, further weights are lambda (rank) ------------------------------- */

static double power(double x, int n)
{
    double y = 1;

    while (n-- > 0)
        y *= x;
    return y;
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *work)
{
    const mid__term *rows = head->user;
    const size_t rank = head->n_out;
    const int n = (int)head->setting[0];
    double loss = 0, slope;
    size_t i, r;

    (void)work;
    for (i = 0; i < batch->n; i++) {
        const uint32_t row = batch->item[i];
        double y = rows->frozen[row];
        for (r = 0; r < rank; r++)
            y += (double)extra[r] * power((double)a[i * rank + r], n);
        loss += rows->weight[row] * mid__logit_loss(y, batch->seqs->label[row], &slope);
        slope *= rows->weight[row];
        for (r = 0; d_a && r < rank; r++) {
            const double before = power((double)a[i * rank + r], n - 1);
            d_a[i * rank + r] += (float)(slope * (double)extra[r] * n * before);
            d_extra[r] += (float)(slope * before * (double)a[i * rank + r]);
        }
    }
    return loss;
}

static size_t no_work(const mid__head *head, size_t n, size_t n_row)
{
    (void)head; (void)n; (void)n_row;
    return 0;
}

mid__head mid__polynomial_head(size_t rank, int order, const mid__term *rows)
{
    return (mid__head){ .n_out = rank, .n_extra = rank, .reach = sqrt(3), .no_bias = true, .setting = { order },
                        .user = rows, .n_work = no_work, .loss = head_loss };
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* The polynomial as it grows, for rows as they are: u (RANK (order - 1), d) with c, so that u_r . h + c_r. */
struct model { int order; size_t d; float *w, b, *u, *c, *lambda; };

static void model_clear(struct model *m)
{
    free(m->w);
    free(m->u);
    free(m->c);
    free(m->lambda);
}

static mid_status model_open(mid_ctx *ctx, int order, size_t d, struct model *m)
{
    const size_t n = RANK * (size_t)(order - 1);

    *m = (struct model){ .order = order, .d = d };
    m->w = calloc(d, sizeof *m->w);
    m->u = calloc(n * d + 1, sizeof *m->u);
    m->c = calloc(n + 1, sizeof *m->c);
    m->lambda = calloc(n + 1, sizeof *m->lambda);
    return m->w && m->u && m->c && m->lambda ? MID_OK : mid__oom(ctx, "a polynomial");
}

/* Single rows as sequences. The rows' values move over. */
static mid_status seqs_of(mid_ctx *ctx, const mid__rows *rows, mid__seqs *out)
{
    size_t i;
    mid_status status = mid__seqs_open(ctx, rows->n, rows->n, rows->d, out);

    if (status != MID_OK)
        return status;
    memcpy(out->x, rows->x, rows->n * rows->d * sizeof *out->x);
    memcpy(out->label, rows->label, rows->n);
    for (i = 0; i < rows->n; i++) {
        out->at[i + 1] = i + 1;
        out->t[i] = 1;
        out->count[i] = 1;
    }
    return MID_OK;
}

/* One more order: train it on scaled rows, keep it for rows as they are, and add it to the frozen logits. */
static mid_status add_order(mid_ctx *ctx, const mid__train *how, const mid__seqs *seqs, const double *mean,
                            const double *sd, const uint8_t *held_out, int n, const mid__rows *rows, double *frozen, struct model *m)
{
    const mid__term term = { frozen, rows->weight };
    const mid__head head = mid__polynomial_head(RANK, n, &term);
    const size_t d = seqs->d, at = RANK * (size_t)(n - 2);
    float *w = malloc(mid__head_n_weight(&head, d) * sizeof *w);
    const float *lambda = w + RANK * (d + 1);
    mid__found found;
    size_t i, r;
    mid_status status = w ? mid__head_fit(ctx, &head, how, seqs, held_out, w, NULL, &found)
                          : mid__oom(ctx, "a polynomial");

    for (i = 0; status == MID_OK && found.n_epoch && i < seqs->n; i++)
        for (r = 0; r < RANK; r++)
            frozen[i] += (double)lambda[r] * power(mid__dot(w + r * d, seqs->x + i * d, d), n);
    if (status == MID_OK) {
        mid__map_unscale(mean, sd, RANK, d, w, w + RANK * d);
        memcpy(m->u + at * d, w, RANK * d * sizeof *w);
        memcpy(m->c + at, w + RANK * d, RANK * sizeof *w);
        memcpy(m->lambda + at, lambda, RANK * sizeof *w);
    }
    free(w);
    return status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, struct model *m)
{
    const mid__train how = { .rate = MID__RATES, .decay = 0.1, .clip = 1, .n_batch = 64, .n_epoch_max = 40, .patience = 5,
                             .seed = set->seed };   /* no epoch at all where an order does not help */
    double *mean = malloc(m->d * sizeof *mean), *sd = malloc(m->d * sizeof *sd);
    double *frozen = malloc((rows->n + 1) * sizeof *frozen), c, auroc;
    uint8_t *held_out = malloc(rows->n + 1);
    mid__seqs seqs = { 0 };
    size_t i;
    int n;
    mid_status status = mean && sd && frozen && held_out ? MID_OK : mid__oom(ctx, "a polynomial");

    if (status == MID_OK)
        status = mid__rows_lr_choose(ctx, set, rows, &mid__c_grid_rows, &c, &auroc);
    if (status == MID_OK)
        status = mid__rows_lr_fit(ctx, set, rows, c, m->w, &m->b);
    if (status == MID_OK)
        status = seqs_of(ctx, rows, &seqs);
    for (i = 0; status == MID_OK && i < rows->n; i++) {
        frozen[i] = mid__dot(m->w, rows->x + i * m->d, m->d) + (double)m->b;
        held_out[i] = mid__inner_fold(set, rows->answer[i]) == 0;
    }
    if (status == MID_OK)
        mid__seqs_scale(&seqs, false, mean, sd);
    for (n = 2; status == MID_OK && n <= m->order; n++)
        status = add_order(ctx, &how, &seqs, mean, sd, held_out, n, rows, frozen, m);
    mid__seqs_clear(&seqs);
    free(mean);
    free(sd);
    free(frozen);
    free(held_out);
    return status;
}

static mid_status keep(mid_ctx *ctx, const struct model *m, int layer, mid_weights *out)
{
    const size_t n = RANK * (size_t)(m->order - 1);
    mid_status status = mid_weights_set(ctx, out, "w", m->w, 1, m->d);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", &m->b, 1, 1);
    if (status == MID_OK && n)
        status = mid_weights_set(ctx, out, "u", m->u, n, m->d);
    if (status == MID_OK && n)
        status = mid_weights_set(ctx, out, "c", m->c, 1, n);
    if (status == MID_OK && n)
        status = mid_weights_set(ctx, out, "lambda", m->lambda, 1, n);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "layer", layer) : status;
}

static mid_status settings_of(mid_ctx *ctx, const mid_param *params, int *order, double *margin)
{
    const double n = mid__param_number(params, "order");

    *margin = mid__param_number(params, "margin");
    if (!(n >= 1 && n <= ORDER_MAX && n == floor(n)))
        return mid__fail(ctx, MID_EINVAL, "order %g: must be a whole number from 1 to %d", n, ORDER_MAX);
    if (!(*margin >= 0))
        return mid__fail(ctx, MID_EINVAL, "margin %g: must be > 0, or 0 for none", *margin);
    *order = (int)n;
    return MID_OK;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    mid__rows rows = { 0 };
    struct model m = { 0 };
    double margin;
    int order, i_layer;
    mid_status status = settings_of(ctx, params, &order, &margin);

    if (status == MID_OK)
        status = mid__linear_layer(ctx, set, mid__param_number(params, "layer"), MID__VIEW_MEAN, &i_layer);
    if (status == MID_OK)
        status = mid__rows_of(ctx, set, i_layer, MID__VIEW_MEAN, 0, 0, &rows);
    if (status == MID_OK)
        status = model_open(ctx, order, rows.d, &m);
    if (status == MID_OK)
        status = learn(ctx, set, &rows, &m);
    if (status == MID_OK)
        status = keep(ctx, &m, mid_trace_signals(set->answer[0].trace)->layer[i_layer], out);
    mid__rows_clear(&rows);
    model_clear(&m);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { int order; size_t d, at; double b, margin; const float *w, *u, *c, *lambda; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    const int i_layer = mid__layer_index(signals, mid_weights_number(weights, "layer"));
    const float *w, *b, *u = NULL, *c = NULL, *lambda = NULL;
    struct plan found = { .d = d }, *p;
    float *to;
    size_t n;
    mid_status status = settings_of(ctx, params, &found.order, &found.margin);

    n = status == MID_OK ? RANK * (size_t)(found.order - 1) : 0;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "w", 1, d, &w);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status == MID_OK && n)
        status = mid_weights_expect(ctx, weights, "u", n, d, &u);
    if (status == MID_OK && n)
        status = mid_weights_expect(ctx, weights, "c", 1, n, &c);
    if (status == MID_OK && n)
        status = mid_weights_expect(ctx, weights, "lambda", 1, n, &lambda);
    if (status != MID_OK)
        return status;
    if (i_layer < 0)
        return mid__fail(ctx, MID_ESIGNAL, "the polynomial reads layer %g, which this source does not tap",
                         mid_weights_number(weights, "layer"));
    p = malloc(sizeof *p + (d + n * (d + 2)) * sizeof *to);
    if (!p)
        return mid__oom(ctx, "a polynomial");
    *p = found;
    p->at = (size_t)i_layer * d;
    p->b = *b;
    to = (float *)(p + 1);
    p->w = memcpy(to, w, d * sizeof *to);
    if (n) {
        p->u = memcpy(to + d, u, n * d * sizeof *to);
        p->c = memcpy(to + d + n * d, c, n * sizeof *to);
        p->lambda = memcpy(to + d + n * d + n, lambda, n * sizeof *to);
    }
    *plan = p;
    return MID_OK;
}

/* Tokens so far and the sum of their rows: orders are powers of the mean, so no fewer numbers will do. */
struct state { uint64_t n; double sum[]; };

static size_t state_size_of(const void *plan)
{
    return sizeof(struct state) + ((const struct plan *)plan)->d * sizeof(double);
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    const float *h = step->hidden + p->at;
    struct state *s = self;
    double y;
    size_t j, r;
    int n;

    if (!isfinite(mid__dot(h, h, p->d)))
        return MID_ENUMERIC;
    s->n += 1;
    for (j = 0; j < p->d; j++)
        s->sum[j] += (double)h[j];
    y = p->b + mid__dot_wide(p->w, s->sum, p->d) / (double)s->n;
    for (n = 2; n <= p->order && !(p->margin > 0 && fabs(y) > p->margin); n++)
        for (r = RANK * (size_t)(n - 2); r < RANK * (size_t)(n - 1); r++)
            y += (double)p->lambda[r]
                * power(mid__dot_wide(p->u + r * p->d, s->sum, p->d) / (double)s->n + (double)p->c[r], n);
    *score = y;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { "order",  3, NULL, "highest order, 1 to 5" },
    { "margin", 0, NULL, "stop at the first order whose logit is farther from 0; 0: never" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_polynomial_probe = {
    .name = "polynomial_probe", .version = 3,
    .summary = "polynomial in the running mean of one layer's rows, order by order", .unit = "logit",
    .source = "Oldfield et al. 2025, arXiv 2509.26238",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size_of = state_size_of, .push = push,
};
