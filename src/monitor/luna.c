/* What LUNA monitors share. The map sees no labels, so it is learned once per layer, on all fit answers; only what is bound
 * to its states is learned anew without each inner fold. It is learned on at most 8,192 rows, evenly spread over all
 * tokens; all tokens are then given their states. */
#include "monitor/luna.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/luna_quality.h"
#include "monitor/row_choice.h"

enum { TOK_MAX = 128, ROW_MAX = 8192, ROWS_PER_STATE = 5 };

static void data_clear(mid__luna_data *data)
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

/* Learn a layer's map and walk the answers through it. Clear both whatever comes back. */
static mid_status abstract(mid_ctx *ctx, const mid_fit_set *set, int i_layer, const mid__luna_shape *wanted,
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

/* Scores of a fold's answers at the horizons, behind those already in rows. */
static void score_fold(const mid__luna_data *data, const uint8_t *use, const mid__luna_method *method, const void *model,
                       void *state, mid__rows *rows, double *score)
{
    size_t i, t;

    for (i = 0; i < data->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(data->set->answer[i].trace);
        memset(state, 0, method->state_size);
        for (t = data->first[i]; !use[i] && t < data->first[i + 1]; t++) {
            const double s = method->step(model, state, data->state[t]);
            if (!mid__is_row((uint32_t)(t - data->first[i]) + 1, n_tok, 0, &rows->horizon[rows->n]))
                continue;
            score[rows->n] = s;
            rows->answer[rows->n] = (uint32_t)i;
            rows->label[rows->n++] = (uint8_t)data->set->answer[i].label;
        }
    }
}

/* Mean held-out AUROC of a method on one layer's states; 0 where the folds cannot tell. */
static mid_status held_out(mid_ctx *ctx, const mid__luna_data *data, const mid_param *params, const mid__luna_method *method,
                           double *auroc)
{
    const size_t cap = data->n * MID__N_HORIZON + 1;
    mid__rows rows = { .answer = malloc(cap * sizeof *rows.answer), .label = malloc(cap), .horizon = malloc(cap) };
    double *score = malloc(cap * sizeof *score);
    uint8_t *use = malloc(data->n + 1);
    void *model = malloc(method->model_size), *state = malloc(method->state_size + 1);
    size_t i;
    int fold;
    mid_status status = MID_OK;

    if (!rows.answer || !rows.label || !rows.horizon || !score || !use || !model || !state)
        status = mid__oom(ctx, "inner folds");
    for (fold = 0; status == MID_OK && fold < mid__n_inner(data->set); fold++) {
        for (i = 0; i < data->n; i++)
            use[i] = mid__inner_fold(data->set, i) != fold;
        memset(model, 0, method->model_size);
        status = method->learn(ctx, data, use, params, model);
        if (status == MID_OK)
            score_fold(data, use, method, model, state, &rows, score);
        method->forget(model);
    }
    *auroc = status == MID_OK ? fmax(0, mid__rows_auroc(data->set, &rows, score)) : 0;
    mid__rows_clear(&rows);
    free(score);
    free(use);
    free(model);
    free(state);
    return status == MID_EUNDEFINED ? MID_OK : status;
}

/* Learn on all answers of the chosen layer and keep everything. */
static mid_status finish(mid_ctx *ctx, const mid__luna_map *map, const mid__luna_data *data, int i_layer,
                         const mid_param *params, const mid__luna_method *method, mid_weights *out)
{
    uint8_t *use = malloc(data->n + 1);
    void *model = calloc(1, method->model_size);
    mid__luna_quality quality;
    mid_status status = use && model ? MID_OK : mid__oom(ctx, "abstract states");

    if (status == MID_OK) {
        memset(use, 1, data->n);
        status = method->learn(ctx, data, use, params, model);
        if (status == MID_OK)
            status = method->keep(ctx, model, out);
        method->forget(model);
    }
    if (status == MID_OK)
        status = mid__luna_map_keep(ctx, map, out);
    if (status == MID_OK)
        status = mid__luna_quality_of(ctx, map, data, i_layer, &quality);
    if (status == MID_OK)
        status = mid__luna_quality_keep(ctx, &quality, out);
    free(use);
    free(model);
    return status;
}

mid_status mid__luna_fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__luna_method *method,
                         mid_weights *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    mid__luna_map map = { 0 }, best_map = { 0 };
    mid__luna_data data = { 0 }, best = { 0 };
    mid__luna_shape shape;
    double auroc, best_auroc = -1;
    int first, last, l, best_l = 0;
    mid_status status = mid__luna_shape_of(ctx, params, &shape);

    if (status == MID_OK && signals->n_embd > MID__LUNA_D_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "rows of %d values, the limit is %d", signals->n_embd, MID__LUNA_D_MAX);
    if (status == MID_OK)
        status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);
    for (l = first; status == MID_OK && l <= last; l++) {
        status = abstract(ctx, set, l, &shape, &map, &data);
        auroc = 0;
        if (status == MID_OK && first != last)
            status = held_out(ctx, &data, params, method, &auroc);
        if (status == MID_OK && auroc > best_auroc) {
            const mid__luna_map swap_map = best_map;
            const mid__luna_data swap = best;
            best_map = map;
            best = data;
            map = swap_map;
            data = swap;
            best_auroc = auroc;
            best_l = l;
        }
        mid__luna_map_clear(&map);
        data_clear(&data);
    }
    if (status == MID_OK)
        status = finish(ctx, &best_map, &best, best_l, params, method, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best_l]);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", best_auroc);
    mid__luna_map_clear(&best_map);
    data_clear(&best);
    return status;
}

struct plan { mid__luna_map map; size_t at; const mid__luna_method *method; void *model; };
struct state { mid__luna_cursor cursor; double own[]; };        /* own: the method's */

void mid__luna_close(void *plan)
{
    struct plan *p = plan;

    if (!p)
        return;
    if (p->model)
        p->method->forget(p->model);
    free(p->model);
    mid__luna_map_clear(&p->map);
    free(p);
}

mid_status mid__luna_open(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_param *params,
                          const mid_signals *signals, const mid__luna_method *method, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? MID_OK : mid__oom(ctx, monitor);

    if (status == MID_OK) {
        p->method = method;
        p->model = calloc(1, method->model_size);
        status = p->model ? mid__luna_map_open(ctx, weights, params, (size_t)signals->n_embd, &p->map)
                          : mid__oom(ctx, monitor);
    }
    if (status == MID_OK)
        status = method->restore(ctx, weights, params, p->map.shape.n_state, p->model);
    if (status == MID_OK)
        status = mid__layer_at(ctx, monitor, weights, signals, &p->at);
    if (status == MID_OK)
        *plan = p;
    else
        mid__luna_close(p);
    return status;
}

size_t mid__luna_state_size(const void *plan)
{
    const struct plan *p = plan;

    return sizeof(struct state) + p->method->state_size;
}

mid_status mid__luna_push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    float point[MID__LUNA_DIM_MAX];

    if (!mid__luna_point(&p->map, step->hidden + p->at, point))
        return MID_ENUMERIC;
    *score = p->method->step(p->model, s->own, mid__luna_next(&p->map, &s->cursor, point));
    return MID_OK;
}

mid_status mid__luna_kappa(mid_ctx *ctx, const mid_param *params, double *kappa)
{
    *kappa = mid__param_number(params, "kappa");
    if (*kappa > 0 && isfinite(*kappa))
        return MID_OK;
    return mid__fail(ctx, MID_EINVAL, "kappa %g: must be > 0", *kappa);
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
