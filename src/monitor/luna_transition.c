/* How usual an answer's moves between abstract states are: W14, LUNA's transition binding.
 *   P(q -> q') = (N_qq' + kappa / K) / (N_q + kappa)        K states, the one never seen among them
 *   form safe       S_t = (1/t) sum_{j<=t} -ln P_safe(q_{j-1} -> q_j)
 *   form two_class  S_t = (1/t) sum_{j<=t} ln P_unsafe(q_{j-1} -> q_j) - ln P_safe(q_{j-1} -> q_j)
 * N_qq': moves counted on the fit answers of the class, N_q their sum over q'; q_0 is a state of its own from which answers
 * start. States: luna_map.h; the layer is chosen by inner folds. Figures about the map: luna_quality.h.
 * Source: LUNA, Song et al. 2023 (arXiv 2310.14211); their score is the mean probability of the moves, where one that was
 * never seen counts as 0 and weighs little more than a rare one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/fitted.h"
#include "monitor/luna.h"

enum { STATE_MAX = 1024 };

/* cost (K + 1, K): what a move adds to the sum; the last row is the start. */
struct moves { float *cost; size_t k; };
struct walk { uint64_t n; double sum; uint32_t at; };

static mid_status is_two_class(mid_ctx *ctx, const mid_param *params, bool *two_class)
{
    const char *form = mid__param_text(params, "form");

    *two_class = strcmp(form, "two_class") == 0;
    if (*two_class || strcmp(form, "safe") == 0)
        return MID_OK;
    return mid__fail(ctx, MID_EINVAL, "form '%.40s': safe or two_class", form);
}

/* cost += sign * ln P of a class' moves. count (K + 1, K), total (K + 1) work space. */
static void add_class(const mid__luna_data *data, const uint8_t *use, int label, double kappa, double sign, float *count,
                      double *total, struct moves *m)
{
    const size_t k = m->k;
    size_t i, t, q;

    memset(count, 0, (k + 1) * k * sizeof *count);
    memset(total, 0, (k + 1) * sizeof *total);
    for (i = 0; i < data->n; i++) {
        size_t from = k;
        for (t = data->first[i]; use[i] && data->set->answer[i].label == label && t < data->first[i + 1]; t++) {
            count[from * k + data->state[t]] += 1;
            total[from] += 1;
            from = data->state[t];
        }
    }
    for (q = 0; q < (k + 1) * k; q++)
        m->cost[q] += (float)(sign * log(((double)count[q] + kappa / (double)k) / (total[q / k] + kappa)));
}

static mid_status learn(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, const mid_param *params, void *model)
{
    struct moves *m = model;
    const size_t k = data->n_state + 1;
    float *count = NULL;
    double *total = NULL, kappa;
    bool two_class = false;
    mid_status status = mid__luna_kappa(ctx, params, &kappa);

    if (status == MID_OK)
        status = is_two_class(ctx, params, &two_class);
    if (status == MID_OK && data->n_state > STATE_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "%zu states, the limit for their moves is %d: fewer dims, cells or history",
                           data->n_state, STATE_MAX);
    if (status != MID_OK)
        return status;
    m->k = k;
    m->cost = calloc((k + 1) * k, sizeof *m->cost);
    count = malloc((k + 1) * k * sizeof *count);
    total = malloc((k + 1) * sizeof *total);
    if (!m->cost || !count || !total) {
        status = mid__oom(ctx, "moves between states");
    } else {
        add_class(data, use, 0, kappa, -1, count, total, m);
        if (two_class)
            add_class(data, use, 1, kappa, 1, count, total, m);
    }
    free(count);
    free(total);
    return status;
}

static double step(const void *model, void *state, uint32_t q)
{
    const struct moves *m = model;
    struct walk *s = state;
    const size_t from = s->n ? s->at : m->k;

    s->sum += (double)m->cost[from * m->k + q];
    s->n++;
    s->at = q;
    return s->sum / (double)s->n;
}

static mid_status keep(mid_ctx *ctx, const void *model, mid_weights *out)
{
    const struct moves *m = model;

    return mid_weights_set(ctx, out, "cost", m->cost, m->k + 1, m->k);
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n_state, void *model)
{
    struct moves *m = model;

    (void)params;
    m->k = n_state + 1;
    return mid__tensor_copy(ctx, weights, "cost", m->k + 1, m->k, &m->cost);
}

static void forget(void *model)
{
    struct moves *m = model;

    free(m->cost);
    memset(m, 0, sizeof *m);
}

static const mid__luna_method method = { sizeof(struct moves), sizeof(struct walk), learn, step, keep, restore, forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__luna_fit(ctx, set, params, &method, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    return mid__luna_open(ctx, "luna_transition", weights, params, signals, &method, plan);
}

static const mid_param params_[] = {
    MID__LUNA_MAP_PARAMS,
    MID__LUNA_KAPPA_PARAM,
    { "form", 0, "two_class", "two_class: unsafe against safe moves; safe: learned from safe answers alone" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_luna_transition = {
    .name = "luna_transition", .version = 1,
    .summary = "mean log-probability ratio of the moves between abstract states", .unit = "nats",
    .source = "LUNA, Song et al. 2023, arXiv 2310.14211",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__luna_close,
    .state_size_of = mid__luna_state_size, .push = mid__luna_push,
};
