/* What LUNA monitors share. The map sees no labels, so it is learned once per layer, on all fit answers; only what is bound
 * to its states is learned anew without each inner fold. */
#include "monitor/luna.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/fitted.h"
#include "monitor/luna_quality.h"
#include "monitor/rows.h"

/* Scores of a fold's answers at the horizons, behind those already in rows. */
static void score_fold(const mid__luna_data *data, const uint8_t *use, const mid__luna_method *method, const void *model,
                       void *state, mid__rows *rows, double *score)
{
    size_t i, t;
    uint8_t horizon;

    for (i = 0; i < data->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(data->set->answer[i].trace);
        memset(state, 0, method->state_size);
        for (t = data->first[i]; !use[i] && t < data->first[i + 1]; t++) {
            score[rows->n] = method->step(model, state, data->state[t]);
            if (mid__is_row((uint32_t)(t - data->first[i]) + 1, n_tok, 0, &horizon))
                mid__rows_add(rows, i, data->set->answer[i].label, horizon);
        }
    }
}

/* Mean held-out AUROC of a method on one layer's states; 0 where the folds cannot tell. */
static mid_status held_out(mid_ctx *ctx, const mid__luna_data *data, const mid_param *params, const mid__luna_method *method,
                           double *auroc)
{
    const size_t n = data->n * MID__N_HORIZON;
    double *score = malloc((n + 1) * sizeof *score);
    uint8_t *use = malloc(data->n + 1);
    void *model = malloc(method->model_size), *state = malloc(method->state_size + 1);
    mid__rows rows;
    size_t i;
    int fold;
    mid_status status = mid__rows_open(ctx, n, 0, &rows);

    if (status == MID_OK && (!score || !use || !model || !state))
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
    if (status == MID_OK)
        status = mid__rows_auroc(ctx, data->set, &rows, score, auroc);
    *auroc = status == MID_OK ? fmax(0, *auroc) : 0;        /* 0 for NaN, too */
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
        status = mid__luna_data_of(ctx, set, l, &shape, &map, &data);
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
        mid__luna_data_clear(&data);
    }
    if (status == MID_OK)
        status = finish(ctx, &best_map, &best, best_l, params, method, out);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "layer", signals->layer[best_l]);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "inner_auroc", best_auroc);
    mid__luna_map_clear(&best_map);
    mid__luna_data_clear(&best);
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
        status = mid__layer_at(ctx, monitor, weights, signals, (size_t)signals->n_embd, &p->at);
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
