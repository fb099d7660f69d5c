/* Abstract states of fit answers. The map is learned on at most 8,192 rows, evenly spread over all tokens; all tokens are
 * then given their states. */
#include "monitor/luna_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/rows.h"

enum { TOK_MAX = 128, ROW_MAX = 8192, ROWS_PER_STATE = 5 };

void mid__luna_data_clear(mid__luna_data *data)
{
    free(data->first);
    free(data->point);
    free(data->state);
    memset(data, 0, sizeof *data);
}

/* Where each answer's tokens begin. */
static mid_status count_tokens(mid_ctx *ctx, const mid_fit_set *set, mid__luna_data *data)
{
    size_t i;

    memset(data, 0, sizeof *data);
    data->set = set;
    data->n = set->n;
    data->first = malloc((set->n + 1) * sizeof *data->first);
    if (!data->first)
        return mid__oom(ctx, "abstract states");
    for (i = 0, data->first[0] = 0; i < set->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(set->answer[i].trace);
        data->first[i + 1] = data->first[i] + (n_tok < TOK_MAX ? n_tok : TOK_MAX);
    }
    return MID_OK;
}

/* Evenly spread rows of a layer, (*n, d), owned. */
static mid_status some_rows(mid_ctx *ctx, const mid__luna_data *data, int i_layer, size_t d, float **x, size_t *n)
{
    const size_t n_tok = data->first[data->n], cap = n_tok < ROW_MAX ? n_tok : ROW_MAX;
    size_t i, t, seen = 0;

    *n = 0;
    *x = malloc((cap * d + 1) * sizeof **x);
    if (!*x)
        return mid__oom(ctx, "rows for abstract states");
    for (i = 0; i < data->n; i++)
        for (t = data->first[i]; t < data->first[i + 1]; t++) {
            if (seen++ * cap / n_tok < *n)
                continue;
            mid_trace_hidden(data->set->answer[i].trace, i_layer, (int32_t)(t - data->first[i]), *x + *n * d);
            *n += mid__is_finite(*x + *n * d, d);
        }
    return MID_OK;
}

/* Points, and states or a grid's codes, of every token. A row that is not finite stays where the one before was. */
static mid_status walk(mid_ctx *ctx, int i_layer, mid__luna_map *map, mid__luna_data *data, float *code)
{
    float *row = malloc(map->d * sizeof *row);
    size_t i, t;

    if (!row)
        return mid__oom(ctx, "abstract states");
    for (i = 0; i < data->n; i++) {
        mid__luna_cursor cursor = { 0 };
        for (t = data->first[i]; t < data->first[i + 1]; t++) {
            float *point = data->point + t * data->n_dim;
            mid_trace_hidden(data->set->answer[i].trace, i_layer, (int32_t)(t - data->first[i]), row);
            if (!mid__luna_point(map, row, point))
                memset(point, 0, data->n_dim * sizeof *point);
            if (code)
                code[t] = mid__luna_code(map, &cursor, point);
            else
                data->state[t] = mid__luna_next(map, &cursor, point);
        }
    }
    free(row);
    return MID_OK;
}

mid_status mid__luna_data_of(mid_ctx *ctx, const mid_fit_set *set, int i_layer, const mid__luna_shape *wanted,
                             mid__luna_map *map, mid__luna_data *data)
{
    const size_t d = (size_t)mid_trace_signals(set->answer[0].trace)->n_embd;
    mid__luna_shape shape = *wanted;
    float *x = NULL, *code = NULL;
    size_t n = 0, n_tok;
    mid_status status = count_tokens(ctx, set, data);

    memset(map, 0, sizeof *map);
    if (status == MID_OK)
        status = some_rows(ctx, data, i_layer, d, &x, &n);
    if (status == MID_OK && shape.n_state > n / ROWS_PER_STATE)
        shape.n_state = n / ROWS_PER_STATE > 2 ? (uint32_t)(n / ROWS_PER_STATE) : 2;
    if (status == MID_OK)
        status = mid__luna_map_fit(ctx, &shape, x, n, d, set->seed, map);
    if (status == MID_OK) {
        n_tok = data->first[data->n];
        data->n_dim = map->shape.n_dim;
        data->point = malloc((n_tok * data->n_dim + 1) * sizeof *data->point);
        data->state = malloc((n_tok + 1) * sizeof *data->state);
        code = malloc((n_tok + 1) * sizeof *code);
        if (!data->point || !data->state || !code)
            status = mid__oom(ctx, "abstract states");
        if (status == MID_OK && shape.kind == MID__LUNA_GRID)
            status = walk(ctx, i_layer, map, data, code);
        if (status == MID_OK && shape.kind == MID__LUNA_GRID)
            status = mid__luna_map_see(ctx, map, code, n_tok);
        if (status == MID_OK)
            status = walk(ctx, i_layer, map, data, NULL);
        data->n_state = map->shape.n_state;
    }
    free(x);
    free(code);
    return status;
}

mid_status mid__luna_shares(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, double kappa, double *theta)
{
    double *visits = calloc(data->n_state + 1, sizeof *visits), n_use = 0, n_unsafe = 0;
    size_t q, i, t;

    if (!visits)
        return mid__oom(ctx, "shares of states");
    memset(theta, 0, (data->n_state + 1) * sizeof *theta);
    for (i = 0; i < data->n; i++) {
        const double one = 1.0 / (double)(data->first[i + 1] - data->first[i]);
        if (!use[i])
            continue;
        n_use += 1;
        n_unsafe += data->set->answer[i].label;
        for (t = data->first[i]; t < data->first[i + 1]; t++) {
            visits[data->state[t]] += one;
            theta[data->state[t]] += one * data->set->answer[i].label;
        }
    }
    for (q = 0; q <= data->n_state; q++)
        theta[q] = (theta[q] + kappa * n_unsafe / fmax(n_use, 1)) / (visits[q] + kappa);
    free(visits);
    return MID_OK;
}
