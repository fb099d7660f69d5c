/* Where the answer has drifted to, by the model's own hidden rows as embedding: B10.
 *   e_t = mean row of the last min(t, 32) tokens, one layer
 *   embedding_drift  S_t = 1 - cos(e_t, h_0),   h_0 the last prompt position's row;   in [0, 2]
 *   centroid_drift   S_t = cos(e_t, c_unsafe) - cos(e_t, c_safe),   in [-2, 2]
 * c: mean of e over the fit answers of a class after 1, 2, 4, ... 128 tokens, an answer weighing 1 in all; its layer
 * is the one with the best inner-fold AUROC. embedding_drift learns nothing, so it reads the deepest tapped layer
 * unless told otherwise. A row of zeros has cosine 0 with everything.
 * Source: standard embedding similarity; a sentence encoder is usual, we take the rows that are there anyway. The state
 * keeps 32 rows as float16, which is what they are; their sum in double is then exact. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/half.h"
#include "base/kernel.h"
#include "base/linalg.h"
#include "monitor/fitted.h"
#include "monitor/rows.h"

/* ---- the window ------------------------------------------------------------------------------------------------- */

enum { N_BLOCK = 256 };                                 /* values of a float16 row that are widened at a time */

/* A state: this head, then the window's rows and the prompt's row as float16. */
struct window { uint64_t n_tok; double sum[]; };        /* sum (d) of the rows in the window */

static size_t window_size(size_t d)
{
    return sizeof(struct window) + d * sizeof(double) + (MID__WINDOW_TOK + 1) * d * sizeof(uint16_t);
}

/* Row i of the state; row MID__WINDOW_TOK is the prompt's. */
static uint16_t *row_of(struct window *w, size_t i, size_t d) { return (uint16_t *)(void *)(w->sum + d) + i * d; }

/* Every value is a number that float16 can hold: without their signs, floats are ordered as their bits are, infinity and
 * NaN above all numbers. */
MID__CLONES
static bool row_is_finite(const float *h, size_t d)
{
    const int unsigned_bits = 0x7fffffff, most = 0x477fe000;            /* 65504 */
    mid__int_lanes room = { 0 };
    int left = 0;
    size_t i;

    for (i = 0; i + MID__N_LANE <= d; i += MID__N_LANE)
        room |= most - ((mid__int_lanes)mid__lanes_at(h + i) & unsigned_bits);
    for (; i < d; i++)
        left |= most - (int)(mid__float_bits(h[i]) & 0x7fffffff);
    for (i = 0; i < MID__N_LANE; i++)
        left |= room[i];
    return left >= 0;                   /* none went below zero */
}

/* sum += a x. In the window's sum it is exact, so the order does not matter. */
static void add_half(double a, const uint16_t *x, double *sum, size_t d)
{
    float block[N_BLOCK];
    size_t i, n;

    for (i = 0; i < d; i += n) {
        n = d - i < N_BLOCK ? d - i : N_BLOCK;
        mid__half_unpack(x + i, block, n);
        mid__axpy_wide(a, block, sum + i, n);
    }
}

static void window_put(struct window *w, const float *h, size_t d)
{
    uint16_t *row = row_of(w, w->n_tok % MID__WINDOW_TOK, d);

    add_half(-1, row, w->sum, d);       /* a fresh row is zero */
    mid__half_pack(h, row, d);
    add_half(1, row, w->sum, d);
    w->n_tok += 1;
}

static double norm_of(const float *x, size_t d) { return sqrt(mid__dot(x, x, d)); }

/* The cosine of two rows by their product and lengths. */
static double cosine(double dot, double norm, double norm_x)
{
    return norm * norm_x > 0 ? dot / (norm * norm_x) : 0;
}

/* ---- embedding_drift -------------------------------------------------------------------------------------------- */

struct drift { size_t d, at; };                         /* at: offset of the layer's row in step->hidden */

static mid_status open_drift(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                             const mid_signals *signals, void **plan)
{
    int first, last;
    struct drift *p;
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    (void)weights;
    if (status != MID_OK)
        return status;
    if (last < 0)
        return mid__fail(ctx, MID_ESIGNAL, "this source taps no layer");
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "a drift");
    p->d = (size_t)signals->n_embd;
    p->at = (size_t)last * p->d;
    *plan = p;
    return MID_OK;
}

static size_t drift_state_size(const void *plan) { return window_size(((const struct drift *)plan)->d); }

static mid_status start_drift(const void *plan, void *self, const mid_prompt *prompt)
{
    const struct drift *p = plan;

    if (!prompt->hidden)
        return MID_ESIGNAL;
    if (!row_is_finite(prompt->hidden + p->at, p->d))
        return MID_ENUMERIC;
    mid__half_pack(prompt->hidden + p->at, row_of(self, MID__WINDOW_TOK, p->d), p->d);
    return MID_OK;
}

static mid_status push_drift(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct drift *p = plan;
    struct window *w = self;
    const uint16_t *prompt = row_of(w, MID__WINDOW_TOK, p->d);
    double dot = 0, square = 0, norm;
    float block[N_BLOCK];
    size_t i, n;

    if (!row_is_finite(step->hidden + p->at, p->d))
        return MID_ENUMERIC;
    window_put(w, step->hidden + p->at, p->d);
    for (i = 0; i < p->d; i += n) {
        n = p->d - i < N_BLOCK ? p->d - i : N_BLOCK;
        mid__half_unpack(prompt + i, block, n);
        dot += mid__dot_wide(block, w->sum + i, n);
        square += mid__dot(block, block, n);
    }
    norm = sqrt(mid__dot_double(w->sum, w->sum, p->d) * square);
    *score = norm > 0 ? 1 - dot / norm : 1;
    return MID_OK;
}

static const mid_param drift_params[] = {
    { "layer", -1, NULL, "layer to read; -1: the deepest one tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_embedding_drift = {
    .name = "embedding_drift", .version = 2,
    .summary = "1 - cosine of the mean row of the last 32 tokens with the last prompt row", .unit = "1 - cosine",
    .source = "standard embedding similarity",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = drift_params,
    .open = open_drift, .close = free,
    .state_size_of = drift_state_size, .start = start_drift, .push = push_drift,
};

/* ---- centroid_drift --------------------------------------------------------------------------------------------- */

static const char *const class_name[] = { "safe", "unsafe" };

/* Mean rows of the classes, and their lengths. */
struct centroids { float *of[2]; double norm[2]; };

static bool make_centroids(struct centroids *c, size_t d)
{
    c->of[0] = calloc(d, sizeof **c->of);
    c->of[1] = calloc(d, sizeof **c->of);
    return c->of[0] && c->of[1];
}

static void free_centroids(struct centroids *c)
{
    free(c->of[0]);
    free(c->of[1]);
}

/* From all rows, or those outside a fold. mean (d) is scratch. MID_EUNDEFINED if a class has none. */
static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, int fold_out, double *mean,
                        struct centroids *c)
{
    const size_t d = rows->d;
    size_t i, j;
    int k;

    for (k = 0; k < 2; k++) {
        double weight = 0;
        memset(mean, 0, d * sizeof *mean);
        for (i = 0; i < rows->n; i++) {
            if (rows->label[i] != k || (fold_out >= 0 && mid__inner_fold(set, rows->answer[i]) == fold_out))
                continue;
            mid__axpy_wide(rows->weight[i], rows->x + i * d, mean, d);
            weight += rows->weight[i];
        }
        if (!(weight > 0))
            return mid__fail(ctx, MID_EUNDEFINED, "no rows of %s answers for a centroid", class_name[k]);
        for (j = 0; j < d; j++)
            c->of[k][j] = (float)(mean[j] / weight);
        c->norm[k] = norm_of(c->of[k], d);
    }
    return MID_OK;
}

/* The window's mean leans as its sum does. */
static double lean(const struct centroids *c, const double *sum, size_t d)
{
    const double norm = sqrt(mid__dot_double(sum, sum, d));

    return cosine(mid__dot_wide(c->of[1], sum, d), norm, c->norm[1])
         - cosine(mid__dot_wide(c->of[0], sum, d), norm, c->norm[0]);
}

/* AUROC of a layer's rows, each scored by the centroids of the other folds; 0 where a fold lacks a class. */
static mid_status inner_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, struct centroids *c,
                              double *scratch, double *auroc)
{
    double *score = calloc(rows->n + 1, sizeof *score);
    mid_status status = score ? MID_OK : mid__oom(ctx, "inner scores");
    size_t i, j;
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        status = learn(ctx, set, rows, fold, scratch, c);
        for (i = 0; status == MID_OK && i < rows->n; i++) {
            if (mid__inner_fold(set, rows->answer[i]) != fold)
                continue;
            for (j = 0; j < rows->d; j++)
                scratch[j] = (double)rows->x[i * rows->d + j];
            score[i] = lean(c, scratch, rows->d);
        }
    }
    if (status == MID_OK)
        status = mid__rows_auroc(ctx, set, rows, score, auroc);
    *auroc = status == MID_OK ? fmax(0, *auroc) : 0;        /* 0 for NaN, too */
    free(score);
    return status == MID_EUNDEFINED ? MID_OK : status;
}

static mid_status keep(mid_ctx *ctx, const struct centroids *c, size_t d, int layer, double auroc, mid_weights *out)
{
    mid_status status = mid_weights_set(ctx, out, class_name[0], c->of[0], 1, d);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, class_name[1], c->of[1], 1, d);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", layer);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "inner_auroc", auroc) : status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    const size_t d = (size_t)signals->n_embd;
    double *scratch = malloc((d + 1) * sizeof *scratch), auroc, best_auroc = -1;
    struct centroids c = { 0 };
    int first, last, l;
    mid_status status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);

    if (status == MID_OK && (!scratch || !make_centroids(&c, d)))
        status = mid__oom(ctx, "centroids");
    for (l = first; status == MID_OK && l <= last; l++) {
        mid__rows rows;
        status = mid__rows_of(ctx, set, l, MID__VIEW_WINDOW, 0, 0, &rows);
        auroc = 0;
        if (status == MID_OK && first != last)
            status = inner_auroc(ctx, set, &rows, &c, scratch, &auroc);
        if (status == MID_OK && auroc > best_auroc) {
            best_auroc = auroc;
            status = learn(ctx, set, &rows, -1, scratch, &c);
            if (status == MID_OK)
                status = keep(ctx, &c, d, signals->layer[l], auroc, out);
        }
        mid__rows_clear(&rows);
    }
    free_centroids(&c);
    free(scratch);
    return status;
}

struct plan { size_t d, at; struct centroids c; };

static void close_plan(void *plan)
{
    struct plan *p = plan;

    free_centroids(&p->c);
    free(p);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const size_t d = (size_t)signals->n_embd;
    struct plan *p = calloc(1, sizeof *p);
    int k;
    mid_status status = MID_OK;

    (void)params;
    if (!p)
        return mid__oom(ctx, "centroids");
    p->d = d;
    for (k = 0; status == MID_OK && k < 2; k++) {
        status = mid__tensor_copy(ctx, weights, class_name[k], 1, d, &p->c.of[k]);
        if (status == MID_OK)
            p->c.norm[k] = norm_of(p->c.of[k], d);
    }
    if (status == MID_OK)
        status = mid__layer_at(ctx, "centroid_drift", weights, signals, d, &p->at);
    if (status == MID_OK)
        *plan = p;
    else
        close_plan(p);
    return status;
}

static size_t state_size_of(const void *plan) { return window_size(((const struct plan *)plan)->d); }

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct window *w = self;

    if (!row_is_finite(step->hidden + p->at, p->d))
        return MID_ENUMERIC;
    window_put(w, step->hidden + p->at, p->d);
    *score = lean(&p->c, w->sum, p->d);
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen on the fit answers among those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_centroid_drift = {
    .name = "centroid_drift", .version = 1,
    .summary = "cosine of the last 32 tokens' mean row with the unsafe answers' mean, less that with the safe ones'",
    .unit = "cosine difference", .source = "standard embedding similarity; Rocchio 1971",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = close_plan,
    .state_size_of = state_size_of, .push = push,
};
