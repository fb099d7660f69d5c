/* Bootstrap over prompt groups. Answers to one prompt are alike, so the unit drawn is the prompt: n_group groups with
 * replacement, every answer of a group as often as its group was drawn (cluster bootstrap, Field & Welsh 2007). The
 * interval is the percentile interval (Efron 1979) over the draws in which the figure is defined.
 * Where the draws are all alike the percentiles meet in one point, which would claim certainty. A proportion of 0 over
 * n prompts then has the exact bound: P(none of n) = (1 - p)^n >= .025 <=> p <= 1 - .025^(1/n) (Clopper & Pearson
 * 1934), and one of 1 its mirror; so has a mean of 0 over values in 0 .. 1, which is at most the share of those that
 * are above 0. Any other figure has no interval. Nor has any figure of fewer than 10 prompts, too few to draw from. */
#include "metric/boot.h"

#include "base/ctx.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DRAW_ENOUGH = 100,              /* so many defined draws, or half of them, carry an interval */
    GROUP_ENOUGH = 10
};
#define TAIL 0.025                  /* on either side of the interval */

mid_estimate mid__undefined(const char *why)
{
    return (mid_estimate){ .value = NAN, .lo = NAN, .hi = NAN, .why = why };
}

static void draw(const mid_boot *boot, uint32_t i_draw, uint32_t *weight, size_t n_group)
{
    mid__rng rng;
    size_t g;

    mid__rng_init(&rng, boot->seed, i_draw);
    memset(weight, 0, n_group * sizeof *weight);
    for (g = 0; g < n_group; g++)
        weight[mid__rng_below(&rng, (uint32_t)n_group)] += 1;
}

/* The defined ones of value (n_draw), moved to its front; 0 where they are too few. */
static size_t take_defined(double *value, size_t n_draw)
{
    size_t i, n = 0;

    for (i = 0; i < n_draw; i++)
        if (!isnan(value[i]))
            value[n++] = value[i];
    return n < DRAW_ENOUGH && 2 * n < n_draw ? 0 : n;
}

/* 0 where all that varies is rounding. */
static double deviation(const double *value, size_t n)
{
    double mean = 0, sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        mean += value[i] / (double)n;
    for (i = 0; i < n; i++)
        sum += (value[i] - mean) * (value[i] - mean);
    sum = n > 1 ? sqrt(sum / (double)(n - 1)) : NAN;
    return sum < MID__ROUNDING ? 0 : sum;
}

/* Of the n draws that are defined; they are sorted. */
static void set_interval(double *value, size_t n, mid_estimate *out)
{
    out->lo = out->hi = NAN;
    if (n == 0 || isnan(out->value))
        return;
    out->lo = mid_quantile(value, n, TAIL);
    out->hi = mid_quantile(value, n, 1 - TAIL);
    if (out->hi - out->lo < MID__ROUNDING)         /* no width is no knowledge of the spread */
        out->lo = out->hi = NAN;
}

/* Of a proportion over n_prompt prompts that is 0 or 1. */
static void set_exact(size_t n_prompt, mid_estimate *out)
{
    const double width = 1 - pow(TAIL, 1 / (double)n_prompt);

    out->lo = out->value > 0 ? 1 - width : 0;
    out->hi = out->value > 0 ? 1 : width;
}

mid_status mid__boot_run(mid_ctx *ctx, const mid_boot *boot, size_t n_group, mid__figures_fn figures, void *self,
                         size_t n_figure, const size_t *n_prompt, double *sd, mid_estimate *out)
{
    const uint32_t n_draw = boot && n_group >= GROUP_ENOUGH ? boot->n_draw : 0;
    double figure[MID__FIGURE_MAX];
    uint32_t *weight = malloc((n_group + 1) * sizeof *weight), i;
    double *value = calloc((size_t)n_draw + 1, n_figure * sizeof *value);       /* (n_figure, n_draw) */
    mid_status status = MID_OK;
    size_t g, k;

    assert(n_figure <= MID__FIGURE_MAX);
    if (!weight || !value) {
        status = mid__oom(ctx, "bootstrap draws");
        goto out;
    }
    for (g = 0; g < n_group; g++)
        weight[g] = 1;
    figures(self, weight, figure);
    for (k = 0; k < n_figure; k++)
        out[k] = (mid_estimate){ .value = figure[k] };
    for (i = 0; i < n_draw; i++) {
        draw(boot, i, weight, n_group);
        figures(self, weight, figure);
        for (k = 0; k < n_figure; k++)
            value[k * n_draw + i] = figure[k];
    }
    for (k = 0; k < n_figure; k++) {
        const size_t n = take_defined(value + k * n_draw, n_draw);
        if (sd)
            sd[k] = deviation(value + k * n_draw, n);
        if (n_draw && n_prompt && n_prompt[k] && (out[k].value == 0 || out[k].value == 1))
            set_exact(n_prompt[k], &out[k]);
        else
            set_interval(value + k * n_draw, n, &out[k]);
    }
out:
    free(value);
    free(weight);
    return status;
}
