/* Cascade by doubt, H7: the members stand in order, cheap to dear, and the first that is sure answers.
 *   p_i = isotonic P(unsafe | s_i)      S_t = p_i of the first i with p_i outside [a_i, b_i], of the last if there is
 * none decided anew at every token. A member with nothing to say hands over. S_t is one probability whoever answered,
 * so one threshold calibrates it. a_i and b_i are quantiles of p_i over the fit rows, the same two for all members:
 * from 0 .25 .5 .75 .9 .95 1, or no band at all. Inner folds choose: of the bands whose AUROC, averaged over 1, 2, 4,
 * ... 128 tokens, is within `tolerance` of the best one's, that which lets the members behind the first read the fewest
 * tokens (cascade.c). Source: common practice (Viola & Jones 2001 for cascades; a reject band, Chow 1970). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "hybrid/cascade.h"
#include "hybrid/held_out.h"
#include "hybrid/hybrid.h"
#include "midstream/metric.h"

static const double quantile_grid[] = { 0, 0.25, 0.5, 0.75, 0.9, 0.95, 1 };
enum { N_QUANTILE = sizeof quantile_grid / sizeof quantile_grid[0], N_POINT = 1 + N_QUANTILE * (N_QUANTILE + 1) / 2 };

struct band { float a, b; };            /* p in [a, b] hands over; a > b: none does */

/* The member that answers, of n with these probabilities; asked gets a bit for each that was asked. */
static size_t answering(const double *p, size_t n, const struct band *band, uint32_t *asked)
{
    size_t i, last = 0;

    *asked = 0;
    for (i = 0; i < n; i++) {
        if (isnan(p[i]))
            continue;
        *asked |= 1u << i;
        last = i;
        if (i + 1 < n && !(p[i] >= (double)band[i].a && p[i] <= (double)band[i].b))
            break;
    }
    return last;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

struct trial { double auroc, n_read; };  /* of one point of the grid; tokens read by the members behind the first */

/* Bands of a point: 0 has none, then all pairs of quantiles. sorted (n_member, n): each member's probabilities, rising,
 * as many of them as n_said says. */
static void bands_of(size_t point, const double *sorted, const size_t *n_said, size_t n_member, size_t n,
                     struct band *band)
{
    size_t lo = 0, hi = 0, i;

    for (; point > 1; point--)
        if (++hi == N_QUANTILE)
            hi = ++lo;
    for (i = 0; i + 1 < n_member; i++) {
        const double *p = sorted + i * n;
        const double top = n_said[i] ? (double)(n_said[i] - 1) : 0;
        band[i] = (struct band){ 1, 0 };
        if (point && n_said[i])
            band[i] = (struct band){ lo ? (float)p[(size_t)(quantile_grid[lo] * top)] : 0,
                                     hi + 1 < N_QUANTILE ? (float)p[(size_t)ceil(quantile_grid[hi] * top)] : 1 };
    }
}

static mid_status try_bands(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const double *p,
                            const uint32_t *end, const struct band *band, double *fused, struct trial *trial)
{
    const size_t n = rows->n_member;
    uint32_t upto[MID__MEMBER_MAX] = { 0 }, asked;
    size_t k, i;

    *trial = (struct trial){ 0, 0 };
    for (k = 0; k < rows->n; k++) {
        if (k && rows->answer[k] != rows->answer[k - 1])
            memset(upto, 0, sizeof upto);
        fused[k] = p[k * n + answering(p + k * n, n, band, &asked)];
        for (i = 1; i < n; i++)
            if (asked >> i & 1) {
                trial->n_read += end[k] - upto[i];
                upto[i] = end[k];
            }
    }
    return mid__member_rows_auroc(ctx, set, rows, fused, &trial->auroc);
}

/* Copies of the columns of p, without NaN, rising. */
static void sort_columns(const double *p, size_t n, size_t n_member, double *sorted, size_t *n_said)
{
    size_t i, k;

    for (i = 0; i < n_member; i++) {
        double *column = sorted + i * n;
        for (n_said[i] = k = 0; k < n; k++)
            if (!isnan(p[k * n_member + i]))
                column[n_said[i]++] = p[k * n_member + i];
        mid_quantile(column, n_said[i], 0.5);       /* sorts in place */
    }
}

static mid_status choose(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const double *p,
                         double tolerance, const uint32_t *end, double *sorted, double *fused, size_t *out)
{
    struct trial trial[N_POINT];
    struct band band[MID__MEMBER_MAX];
    size_t n_said[MID__MEMBER_MAX], point, chosen = N_POINT;
    double best = -1;
    mid_status status = MID_OK;

    sort_columns(p, rows->n, rows->n_member, sorted, n_said);
    for (point = 0; status == MID_OK && point < N_POINT; point++) {
        bands_of(point, sorted, n_said, rows->n_member, rows->n, band);
        status = try_bands(ctx, set, rows, p, end, band, fused, &trial[point]);
        best = fmax(best, trial[point].auroc);
    }
    for (point = 0; status == MID_OK && point < N_POINT; point++)       /* ties stay with the earlier */
        if (trial[point].auroc >= best - tolerance && (chosen == N_POINT || trial[point].n_read < trial[chosen].n_read))
            chosen = point;
    *out = chosen < N_POINT ? chosen : N_QUANTILE;  /* folds cannot tell: all hands over, the last member answers */
    return status;
}

static mid_status check(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit)
{
    const double tolerance = mid__param_number(params, "tolerance");

    (void)n;
    (void)to_fit;
    if (!(tolerance >= 0 && tolerance <= 1))
        return mid__fail(ctx, MID_EINVAL, "tolerance is %g; it is an AUROC that may be lost, 0 .. 1", tolerance);
    return MID_OK;
}

/* p of all rows under the maps that were learned from them. */
static mid_status own_probabilities(mid_ctx *ctx, const mid__member_rows *rows, const mid_weights *w, double *p)
{
    mid__normal *normal;
    const mid_status status = mid__normal_open(ctx, MID__NORMAL_ISOTONIC, w, rows->n_member, &normal);

    if (status != MID_OK)
        return status;
    mid__normal_rows(normal, rows, p);
    free(normal);
    return MID_OK;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    const size_t n = rows->n_member, n_p = rows->n * n;
    double *p = malloc((n_p + 1) * sizeof *p), *sorted = malloc((n_p + 1) * sizeof *sorted);
    double *fused = malloc((rows->n + 1) * sizeof *fused);
    uint32_t *end = malloc((rows->n + 1) * sizeof *end);
    struct band band[MID__MEMBER_MAX];
    size_t n_said[MID__MEMBER_MAX], point = 0;
    mid_status status = p && sorted && fused && end ? mid__normal_learn(ctx, MID__NORMAL_ISOTONIC, set, rows, out)
                                                    : mid__oom(ctx, "a hybrid");

    if (status == MID_OK)
        status = mid__normal_held_out(ctx, MID__NORMAL_ISOTONIC, set, rows, p);
    if (status == MID_OK) {
        mid__row_ends(set, rows, end);
        status = choose(ctx, set, rows, p, mid__param_number(params, "tolerance"), end, sorted, fused, &point);
    }
    if (status == MID_OK) {
        status = own_probabilities(ctx, rows, out, p);
    }
    if (status == MID_OK) {
        sort_columns(p, rows->n, n, sorted, n_said);
        bands_of(point, sorted, n_said, n, rows->n, band);
        status = mid_weights_set(ctx, out, "band", (const float *)(const void *)band, n - 1, 2);
    }
    free(p);
    free(sorted);
    free(fused);
    free(end);
    return status;
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

struct plan { mid__normal *normal; struct band band[MID__MEMBER_MAX]; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    const float *band;
    mid_status status = p ? mid_weights_expect(ctx, weights, "band", n - 1, 2, &band) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_ISOTONIC, weights, n, &p->normal);
    if (status != MID_OK) {
        free(p);
        return status;
    }
    memcpy(p->band, band, (n - 1) * sizeof *p->band);
    *plan = p;
    return MID_OK;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    mid__cascade_state *seen = state;
    const size_t n = p->normal->n;
    double prob[MID__MEMBER_MAX] = { 0 };
    uint32_t asked;
    size_t i, who;

    for (i = 0; i < n; i++)
        prob[i] = mid__normal_of(p->normal, i, s[i], t);
    who = answering(prob, n, p->band, &asked);
    for (i = 0; i < n; i++)
        seen->calls[i] += asked >> i & 1;
    return prob[who];
}

static const mid__fusion fusion = { .check = check, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .state_size = sizeof(mid__cascade_state), .fuse = fuse,
                                    .calls = mid__cascade_calls };

static const mid_param params_[] = {
    MID__HYBRID_PARAMS_OF("surprisal_mean, ngram_lr, probe_linear", "members, the cheapest first, separated by commas"),
    { "tolerance", 0.01, NULL, "AUROC that may be lost against the best band, for a cheaper one" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_band_cascade = {
    .name = "band_cascade", .version = 1,
    .summary = "hybrid: asks the next, dearer member only where the last is in doubt",
    .unit = "probability", .source = "common practice: cascades with a reject band", .params = params_,
    MID__HYBRID(fusion)
};
