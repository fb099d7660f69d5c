/* Logistic regression on hashed n-grams of the answer so far: B2.
 *   S_t = w . phi / |phi| + b,   phi_k = ln(1 + count_k),   k one of 2^18 buckets (base/ngram.h)
 * The stream keeps w . phi and |phi|^2 and corrects both when a count rises, so a token costs its own n-grams only.
 * Counts live in a flat table of 8192 slots, 32 KiB. When three quarters of it are taken, after about a thousand words,
 * n-grams not seen before are ignored and the known ones go on counting. Fitting counts in the same table, so it sees
 * what the stream sees.
 *
 * w, b: L2-regularised logistic regression on prefixes of 1, 2, 4, ... 128 tokens, an answer weighing 1 in all. C is
 * the one with the best inner-fold AUROC, averaged over prefixes, on the fit answers alone.
 * Source: the standard text baseline; feature hashing: Weinberger et al. 2009 (arXiv 0902.2206). We leave the prompt's
 * n-grams out: this monitor reads the answer alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/logistic_sparse.h"
#include "base/ngram.h"
#include "monitor/rows.h"

enum {
    N_BUCKET = MID__NGRAM_BUCKETS,
    N_SLOT = 8192, N_SLOT_TAKEN_MAX = N_SLOT / 4 * 3,
    COUNT_BITS = 14, COUNT_MAX = (1 << COUNT_BITS) - 1
};

static const double c_grid[] = { 0.1, 1, 10, 100 };
enum { N_C = sizeof c_grid / sizeof c_grid[0] };

/* ---- counting --------------------------------------------------------------------------------------------------- */

/* Open addressing; a slot is bucket << COUNT_BITS | count, 0 when free. Zeroed: no text yet. */
struct counts {
    mid__ngram ngram;
    uint32_t n_taken;
    uint32_t slot[N_SLOT];
};

_Static_assert((uint64_t)N_BUCKET << COUNT_BITS == (uint64_t)1 << 32, "bucket and count fill a slot");

/* Count one more; false if the count stays as it is: the table is full for new buckets, or the count at its limit. */
static bool count_up(struct counts *s, uint32_t bucket, uint32_t *count)
{
    uint32_t i = bucket & (N_SLOT - 1);

    while (s->slot[i] && s->slot[i] >> COUNT_BITS != bucket)
        i = (i + 1) & (N_SLOT - 1);
    if (!s->slot[i]) {
        if (s->n_taken == N_SLOT_TAKEN_MAX)
            return false;
        s->n_taken += 1;
        s->slot[i] = bucket << COUNT_BITS;
    }
    if ((s->slot[i] & COUNT_MAX) == COUNT_MAX)
        return false;
    s->slot[i] += 1;
    *count = s->slot[i] & COUNT_MAX;
    return true;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

/* Rows as rows.h has them, but sparse: rows.x is NULL. The buffers hold size_t, uint32_t and float. Columns are buckets
 * until they are numbered. */
struct sparse_rows { mid__rows rows; size_t n_col; mid__buf row_at, col, value; };

static void sparse_clear(struct sparse_rows *s)
{
    mid__rows_clear(&s->rows);
    mid__buf_clear(&s->row_at);
    mid__buf_clear(&s->col);
    mid__buf_clear(&s->value);
}

static mid__sparse view_of(const struct sparse_rows *s)
{
    return (mid__sparse){ s->rows.n, s->n_col, (const size_t *)(const void *)s->row_at.at,
                          (const uint32_t *)(const void *)s->col.at, (const float *)(const void *)s->value.at };
}

/* Room for n rows and none in it yet. */
static bool sparse_init(struct sparse_rows *s, size_t n)
{
    const size_t zero = 0;

    memset(s, 0, sizeof *s);
    return mid__rows_open(NULL, n, 0, &s->rows) == MID_OK && mid__buf_put(&s->row_at, &zero, sizeof zero);
}

/* Append a row's values, which are already in s->col and s->value. */
static bool end_row(struct sparse_rows *s, uint32_t answer, uint8_t label, double weight, uint8_t horizon)
{
    const size_t end = s->col.n / sizeof(uint32_t);

    s->rows.weight[s->rows.n] = weight;
    mid__rows_add(&s->rows, answer, label, horizon);
    return mid__buf_put(&s->row_at, &end, sizeof end) && !s->col.failed && !s->value.failed;
}

static void note(void *user, uint32_t bucket)
{
    uint32_t count;

    count_up(user, bucket, &count);
}

/* phi / |phi| of the counts, in the order of the slots. */
static void put_phi(const struct counts *counts, struct sparse_rows *out)
{
    double square = 0, phi;
    size_t i;

    for (i = 0; i < N_SLOT; i++) {
        phi = log1p(counts->slot[i] & COUNT_MAX);
        square += phi * phi;
    }
    for (i = 0; i < N_SLOT; i++) {
        const uint32_t bucket = counts->slot[i] >> COUNT_BITS;
        float value;
        if (!counts->slot[i])
            continue;
        value = (float)(log1p(counts->slot[i] & COUNT_MAX) / sqrt(square));
        mid__buf_put(&out->col, &bucket, sizeof bucket);
        mid__buf_put(&out->value, &value, sizeof value);
    }
}

static bool put_answer(const mid_fit_answer *a, size_t i_answer, struct counts *counts, struct sparse_rows *out)
{
    const uint32_t n_tok = mid_trace_n_tok(a->trace);
    const size_t first = out->rows.n;
    mid_step step;
    uint32_t t;
    uint8_t horizon;

    memset(counts, 0, sizeof *counts);
    for (t = 1; t <= n_tok && t <= mid__horizon_tok(MID__N_HORIZON - 1); t++) {
        mid_trace_step(a->trace, t - 1, NULL, &step);
        mid__ngram_put(&counts->ngram, step.text, step.n_text, note, counts);
        if (!mid__is_row(t, n_tok, 0, &horizon))
            continue;
        put_phi(counts, out);
        if (!end_row(out, (uint32_t)i_answer, (uint8_t)a->label, 1, horizon))
            return false;
    }
    mid__rows_weigh(&out->rows, first);
    return true;
}

/* Number the buckets that occur, so that the fit's vectors are as long as what was seen and not as the bucket space.
 * column (N_BUCKET): 1 + the number of a bucket, 0 if it does not occur. */
static void number_columns(struct sparse_rows *s, uint32_t *column)
{
    uint32_t *col = (uint32_t *)(void *)s->col.at;
    size_t i;

    memset(column, 0, N_BUCKET * sizeof *column);
    for (i = 0; i < s->col.n / sizeof *col; i++) {
        if (!column[col[i]])
            column[col[i]] = (uint32_t)++s->n_col;
        col[i] = column[col[i]] - 1;
    }
}

static mid_status rows_of(mid_ctx *ctx, const mid_fit_set *set, struct sparse_rows *out, uint32_t *column)
{
    struct counts *counts = malloc(sizeof *counts);
    bool ok = sparse_init(out, set->n * MID__N_HORIZON) && counts;
    size_t i;

    for (i = 0; ok && i < set->n; i++)
        ok = put_answer(&set->answer[i], i, counts, out);
    if (ok)
        number_columns(out, column);
    free(counts);
    return ok ? MID_OK : mid__oom(ctx, "n-gram rows");
}

/* The rows outside an inner fold. */
static mid_status outside_fold(mid_ctx *ctx, const mid_fit_set *set, const struct sparse_rows *all, int fold,
                               struct sparse_rows *out)
{
    const mid__sparse from = view_of(all);
    const mid__rows *r = &all->rows;
    bool ok = sparse_init(out, r->n);
    size_t i;

    out->n_col = all->n_col;
    for (i = 0; ok && i < r->n; i++) {
        const size_t at = from.row_at[i], n = from.row_at[i + 1] - at;
        if (mid__inner_fold(set, r->answer[i]) == fold)
            continue;
        if (n) {
            mid__buf_put(&out->col, from.col + at, n * sizeof *from.col);
            mid__buf_put(&out->value, from.value + at, n * sizeof *from.value);
        }
        ok = end_row(out, r->answer[i], r->label[i], r->weight[i], r->horizon[i]);
    }
    return ok ? MID_OK : mid__oom(ctx, "n-gram rows");
}

/* Scores of an inner fold's rows under every C, scores (N_C, n). *defined: the rows outside have both classes. */
static mid_status score_fold(mid_ctx *ctx, const mid_fit_set *set, const struct sparse_rows *all, int fold, double *w,
                             double *scores, bool *defined)
{
    const mid__sparse x = view_of(all);
    struct sparse_rows train;
    double b;
    size_t i;
    int k;
    mid_status status = outside_fold(ctx, set, all, fold, &train);

    for (k = 0; status == MID_OK && k < N_C; k++) {
        const mid__sparse x_train = view_of(&train);
        status = mid__logistic_sparse_fit(ctx, &x_train, train.rows.label, train.rows.weight, c_grid[k], w, &b);
        for (i = 0; status == MID_OK && i < x.n_row; i++)
            if (mid__inner_fold(set, all->rows.answer[i]) == fold)
                scores[(size_t)k * x.n_row + i] = mid__logistic_sparse_logit(&x, i, w, b);
    }
    *defined = status == MID_OK;
    if (status == MID_EUNDEFINED)       /* too few answers to choose on: C stays at its fallback */
        status = MID_OK;
    sparse_clear(&train);
    return status;
}

static mid_status choose_c(mid_ctx *ctx, const mid_fit_set *set, const struct sparse_rows *all, double *w,
                           double *best_c, double *best_auroc)
{
    double *scores = calloc(N_C * all->rows.n + 1, sizeof *scores), a;
    mid_status status = scores ? MID_OK : mid__oom(ctx, "inner scores");
    bool defined = true;
    int fold, k;

    for (fold = 0; status == MID_OK && defined && fold < mid__n_inner(set); fold++)
        status = score_fold(ctx, set, all, fold, w, scores, &defined);
    *best_c = 1;
    *best_auroc = 0;
    for (k = 0; status == MID_OK && defined && k < N_C; k++) {
        status = mid__rows_auroc(ctx, set, &all->rows, scores + (size_t)k * all->rows.n, &a);
        if (status == MID_OK && a > *best_auroc) {          /* ties stay with the smaller C */
            *best_auroc = a;
            *best_c = c_grid[k];
        }
    }
    free(scores);
    return status;
}

static mid_status keep(mid_ctx *ctx, const double *w, const uint32_t *column, double b, double c, double auroc,
                       mid_weights *out)
{
    float *w_float = malloc(N_BUCKET * sizeof *w_float);
    const float b_float = (float)b;
    mid_status status;
    size_t i;

    if (!w_float)
        return mid__oom(ctx, "n-gram weights");
    for (i = 0; i < N_BUCKET; i++)
        w_float[i] = column[i] ? (float)w[column[i] - 1] : 0;
    status = mid_weights_set(ctx, out, "w", w_float, 1, N_BUCKET);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "b", &b_float, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "ngram_version", MID__NGRAM_VERSION);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "c", c);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", auroc);
    free(w_float);
    return status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    double c = mid__param_number(params, "c"), auroc = 0, b, *w = NULL;
    uint32_t *column = malloc(N_BUCKET * sizeof *column);
    struct sparse_rows all = { .n_col = 0 };
    mid_status status;

    if (!(c >= 0) || !isfinite(c))
        status = mid__fail(ctx, MID_EINVAL, "c %g: must be > 0, or 0 to choose it", c);
    else
        status = column ? rows_of(ctx, set, &all, column) : mid__oom(ctx, "n-gram columns");
    if (status == MID_OK && !(w = malloc((all.n_col + 1) * sizeof *w)))
        status = mid__oom(ctx, "n-gram weights");
    if (status == MID_OK && c == 0)
        status = choose_c(ctx, set, &all, w, &c, &auroc);
    if (status == MID_OK) {
        const mid__sparse x = view_of(&all);
        status = mid__logistic_sparse_fit(ctx, &x, all.rows.label, all.rows.weight, c, w, &b);
    }
    if (status == MID_OK)
        status = keep(ctx, w, column, b, c, auroc, out);
    sparse_clear(&all);
    free(column);
    free(w);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { double b; float w[N_BUCKET]; };
struct state { struct counts counts; double dot, square; };     /* w . phi, |phi|^2 */
struct reader { const struct plan *plan; struct state *state; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const float *w, *b;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "w", 1, N_BUCKET, &w);

    (void)params; (void)signals;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "b", 1, 1, &b);
    if (status != MID_OK)
        return status;
    if (mid_weights_number(weights, "ngram_version") != MID__NGRAM_VERSION)
        return mid__fail(ctx, MID_EMISMATCH, "these weights are for n-grams of version %g, this is %d: fit them again",
                         mid_weights_number(weights, "ngram_version"), MID__NGRAM_VERSION);
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "n-gram weights");
    p->b = *b;
    memcpy(p->w, w, sizeof p->w);
    *plan = p;
    return MID_OK;
}

static void raise_phi(void *user, uint32_t bucket)
{
    const struct reader *r = user;
    struct state *s = r->state;
    uint32_t count;
    double now, before;

    if (!count_up(&s->counts, bucket, &count))
        return;
    now = log1p(count);
    before = log1p(count - 1);
    s->dot += (double)r->plan->w[bucket] * (now - before);
    s->square += now * now - before * before;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    struct reader reader = { p, s };

    mid__ngram_put(&s->counts.ngram, step->text, step->n_text, raise_phi, &reader);
    *score = p->b + (s->square > 0 ? s->dot / sqrt(s->square) : 0);
    return MID_OK;
}

static const mid_param params_[] = {
    { "c", 0, NULL, "inverse regularisation, as in scikit-learn; 0: chosen among .1 1 10 100" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_ngram_lr = {
    .name = "ngram_lr", .version = 1,
    .summary = "logistic regression on hashed character and word n-grams of the answer so far", .unit = "logit",
    .source = "standard; hashing: Weinberger et al. 2009, arXiv 0902.2206",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT, .shares = MID_SHARE_NGRAMS, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
