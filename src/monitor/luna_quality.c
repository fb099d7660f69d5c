/* Quality figures of abstract states: formulas in the header. */
#include "monitor/luna_quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "base/rng.h"
#include "monitor/rows.h"

enum { MOVED_MAX = 2000 };
static const double kappa = 5, nudge = 0.1;

/* Distance of a token's point from its state's centre. */
static double distance_of(const mid__luna_map *map, const mid__luna_data *data, size_t t)
{
    return mid__dist2(map->centre + data->state[t] * data->n_dim, data->point + t * data->n_dim, data->n_dim);
}

/* Rows of the fold that lie where rows outside it are. reach (n_state): the farthest outside row's distance, -1: none. */
static size_t covered(const mid__luna_map *map, const mid__luna_data *data, int fold, double *reach)
{
    size_t i, t, q, n = 0;

    for (q = 0; q < data->n_state; q++)
        reach[q] = -1;
    for (i = 0; i < data->n; i++)
        for (t = data->first[i]; mid__inner_fold(data->set, i) != fold && t < data->first[i + 1]; t++)
            reach[data->state[t]] = fmax(reach[data->state[t]], map->centre ? distance_of(map, data, t) : 0);
    for (i = 0; i < data->n; i++)
        for (t = data->first[i]; mid__inner_fold(data->set, i) == fold && t < data->first[i + 1]; t++)
            n += (map->centre ? distance_of(map, data, t) : 0) <= reach[data->state[t]];
    return n;
}

static mid_status coverage_of(mid_ctx *ctx, const mid__luna_map *map, const mid__luna_data *data, double *out)
{
    double *reach = malloc((data->n_state + 1) * sizeof *reach);
    size_t n = 0;
    int fold;

    if (!reach)
        return mid__oom(ctx, "coverage");
    for (fold = 0; fold < mid__n_inner(data->set); fold++)
        n += covered(map, data, fold, reach);
    *out = (double)n / (double)data->first[data->n];
    free(reach);
    return MID_OK;
}

static mid_status entropy_of(mid_ctx *ctx, const mid__luna_data *data, double *out)
{
    const size_t n = data->first[data->n];
    size_t *visits = calloc(data->n_state + 1, sizeof *visits), t, q;

    if (!visits)
        return mid__oom(ctx, "stationary entropy");
    for (t = 0; t < n; t++)
        visits[data->state[t]]++;
    for (q = 0, *out = 0; q < data->n_state; q++)
        if (visits[q])
            *out -= (double)visits[q] / (double)n * log((double)visits[q] / (double)n);
    free(visits);
    return MID_OK;
}

/* Evenly spread rows as they are, x (*n, d). */
static void some_rows(const mid__luna_data *data, int i_layer, size_t d, size_t cap, float *x, size_t *n)
{
    const size_t n_tok = data->first[data->n];
    size_t i, t, seen = 0;

    for (i = *n = 0; i < data->n; i++)
        for (t = data->first[i]; t < data->first[i + 1]; t++)
            if (!(seen++ * cap / n_tok < *n)) {
                mid_trace_hidden(data->set->answer[i].trace, i_layer, (int32_t)(t - data->first[i]), x + *n * d);
                ++*n;
            }
}

/* A row's state, seen alone. */
static uint32_t state_of(const mid__luna_map *map, const float *row)
{
    mid__luna_cursor cursor = { 0 };
    float point[MID__LUNA_DIM_MAX];

    if (!mid__luna_point(map, row, point))
        return map->shape.n_state;
    return mid__luna_next(map, &cursor, point);
}

static mid_status sensitivity_of(mid_ctx *ctx, const mid__luna_map *map, const mid__luna_data *data, int i_layer,
                                 double *out)
{
    const size_t n_tok = data->first[data->n], cap = n_tok < MOVED_MAX ? n_tok : MOVED_MAX, d = map->d;
    float *x = malloc((cap * d + 1) * sizeof *x);
    double *mean = malloc(d * sizeof *mean), *sd = malloc(d * sizeof *sd);
    size_t i, j, n = 0, n_moved = 0;
    mid_status status = x && mean && sd ? MID_OK : mid__oom(ctx, "sensitivity");
    mid__rng rng;

    if (status == MID_OK) {
        some_rows(data, i_layer, d, cap, x, &n);
        mid__column_stats(x, n, d, mean, sd);
        mid__rng_init(&rng, data->set->seed, 1);
        for (i = 0; i < n; i++) {
            const uint32_t before = state_of(map, x + i * d);
            for (j = 0; j < d; j++)
                x[i * d + j] += (float)((mid__rng_below(&rng, 2) ? nudge : -nudge) * sd[j]);
            n_moved += state_of(map, x + i * d) != before;
        }
        *out = (double)n_moved / (double)n;
    }
    free(x);
    free(mean);
    free(sd);
    return status;
}

static mid_status preciseness_of(mid_ctx *ctx, const mid__luna_data *data, mid__luna_quality *out)
{
    double *theta = malloc((data->n_state + 1) * sizeof *theta), sum = 0, most = 0;
    uint8_t *use = malloc(data->n + 1);
    size_t i, t, n = 0;
    int fold;
    mid_status status = theta && use ? MID_OK : mid__oom(ctx, "preciseness");

    for (fold = 0; status == MID_OK && fold < mid__n_inner(data->set); fold++) {
        for (i = 0; i < data->n; i++)
            use[i] = mid__inner_fold(data->set, i) != fold;
        status = mid__luna_shares(ctx, data, use, kappa, theta);
        for (i = 0; status == MID_OK && i < data->n; i++) {
            double mean = 0;
            if (use[i] || data->first[i + 1] == data->first[i])
                continue;
            for (t = data->first[i]; t < data->first[i + 1]; t++)
                mean += theta[data->state[t]] / (double)(data->first[i + 1] - data->first[i]);
            sum += fabs(mean - data->set->answer[i].label);
            most = fmax(most, fabs(mean - data->set->answer[i].label));
            n++;
        }
    }
    out->preciseness = n ? sum / (double)n : NAN;
    out->preciseness_max = n ? most : NAN;
    free(theta);
    free(use);
    return status;
}

mid_status mid__luna_quality_of(mid_ctx *ctx, const mid__luna_map *map, const mid__luna_data *data, int i_layer,
                                mid__luna_quality *out)
{
    mid_status status = coverage_of(ctx, map, data, &out->coverage);

    out->succinctness = (double)data->n_state / (double)data->first[data->n];
    if (status == MID_OK)
        status = sensitivity_of(ctx, map, data, i_layer, &out->sensitivity);
    if (status == MID_OK)
        status = entropy_of(ctx, data, &out->stationary_entropy);
    return status == MID_OK ? preciseness_of(ctx, data, out) : status;
}

mid_status mid__luna_quality_keep(mid_ctx *ctx, const mid__luna_quality *quality, mid_weights *out)
{
    const struct { const char *key; double value; } figure[] = {
        { "quality.coverage", quality->coverage },
        { "quality.succinctness", quality->succinctness },
        { "quality.sensitivity", quality->sensitivity },
        { "quality.stationary_entropy", quality->stationary_entropy },
        { "quality.preciseness", quality->preciseness },
        { "quality.preciseness_max", quality->preciseness_max },
    };
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; status == MID_OK && i < sizeof figure / sizeof figure[0]; i++)
        if (isfinite(figure[i].value))
            status = mid_weights_set_number(ctx, out, figure[i].key, figure[i].value);
    return status;
}
