/* Hidden regimes behind the abstract states: W15, LUNA's hidden Markov model.
 *   form posterior  alpha_t(k) = P(regime k | q_1 .. q_t), the forward filter of one model for all answers
 *                   S_t = sum_k alpha_t(k) theta_k        theta_k = (U_k + kappa pi) / (N_k + kappa)
 *                   N_k, U_k: expected visits, sum of alpha over the fit answers' tokens, each answer weighing 1 in all; pi:
 *                   the share of unsafe answers
 *   form two_class  S_t = (1/t) (ln P_unsafe(q_1 .. q_t) - ln P_safe(q_1 .. q_t)), one model per class
 * Models: Baum-Welch, at most 30 steps or until a symbol gains less than 1e-4 nats, from a seeded start, .01 added to every
 * expected count, on at most 32,768 tokens (every second, third, ... answer then). A state that was never seen is as likely
 * as any in every regime. States: luna_map.h; the layer is chosen by inner folds. Figures about the map: luna_quality.h.
 * Source: LUNA, Song et al. 2023 (arXiv 2310.14211); they decode the finished answer by Viterbi, which looks ahead. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/hmm_discrete.h"
#include "monitor/luna.h"

enum { STEP_MAX = 30, TOK_MAX = 32768 };
static const double pseudo = 0.01, tolerance = 1e-4;

struct regimes { bool two_class; mid__hmm hmm[2]; double theta[MID__HMM_STATE_MAX]; };     /* hmm[1]: of unsafe ones */
struct belief { uint64_t n; double ratio; double alpha[2][MID__HMM_STATE_MAX]; };

static mid_status options_of(mid_ctx *ctx, const mid_param *params, bool *two_class, size_t *n_hidden)
{
    const char *form = mid__param_text(params, "form");
    const double hidden = mid__param_number(params, "hidden");

    *two_class = strcmp(form, "two_class") == 0;
    if (!*two_class && strcmp(form, "posterior") != 0)
        return mid__fail(ctx, MID_EINVAL, "form '%.40s': posterior or two_class", form);
    if (!(hidden >= 1 && hidden <= MID__HMM_STATE_MAX) || hidden != floor(hidden))
        return mid__fail(ctx, MID_EINVAL, "hidden %g: a whole number from 1 to %d", hidden, MID__HMM_STATE_MAX);
    *n_hidden = (size_t)hidden;
    return MID_OK;
}

/* Baum-Welch on the answers in use with this label (-1: either). */
static mid_status learn_one(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, int label, size_t n_hidden,
                            mid__hmm *hmm)
{
    const mid__symbols symbols = { data->state, data->first, data->n };
    uint8_t *mine = malloc(data->n + 1);
    size_t i, n_tok = 0, every, seen = 0;
    double lp;
    mid_status status = mine ? mid__hmm_open(ctx, n_hidden, data->n_state, data->set->seed, hmm)
                             : mid__oom(ctx, "hidden regimes");

    for (i = 0; status == MID_OK && i < data->n; i++) {
        mine[i] = use[i] && (label < 0 || data->set->answer[i].label == label);
        n_tok += mine[i] ? data->first[i + 1] - data->first[i] : 0;
    }
    every = n_tok / TOK_MAX + 1;
    for (i = 0; status == MID_OK && i < data->n; i++)
        mine[i] = mine[i] && seen++ % every == 0;
    if (status == MID_OK)
        status = mid__hmm_learn(ctx, &symbols, mine, pseudo, tolerance, STEP_MAX, hmm, &lp);
    free(mine);
    return status;
}

/* theta by expected visits. */
static void bind(const mid__luna_data *data, const uint8_t *use, double kappa, struct regimes *m)
{
    const mid__hmm *h = &m->hmm[0];
    double alpha[MID__HMM_STATE_MAX], visits[MID__HMM_STATE_MAX] = { 0 }, unsafe[MID__HMM_STATE_MAX] = { 0 };
    double n_use = 0, n_unsafe = 0;
    size_t i, t, k;

    for (i = 0; i < data->n; i++) {
        const double one = 1.0 / (double)(data->first[i + 1] - data->first[i]);
        n_use += use[i] != 0;
        n_unsafe += use[i] && data->set->answer[i].label;
        for (t = data->first[i]; use[i] && t < data->first[i + 1]; t++) {
            mid__hmm_filter(h, alpha, t == data->first[i], data->state[t]);
            for (k = 0; k < h->n; k++) {
                visits[k] += one * alpha[k];
                unsafe[k] += one * alpha[k] * data->set->answer[i].label;
            }
        }
    }
    for (k = 0; k < h->n; k++)
        m->theta[k] = (unsafe[k] + kappa * n_unsafe / fmax(n_use, 1)) / (visits[k] + kappa);
}

static mid_status learn(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, const mid_param *params, void *model)
{
    struct regimes *m = model;
    size_t n_hidden = 0;
    double kappa;
    int k;
    mid_status status = mid__luna_kappa(ctx, params, &kappa);

    if (status == MID_OK)
        status = options_of(ctx, params, &m->two_class, &n_hidden);
    for (k = 0; status == MID_OK && k < (m->two_class ? 2 : 1); k++)
        status = learn_one(ctx, data, use, m->two_class ? k : -1, n_hidden, &m->hmm[k]);
    if (status == MID_OK && !m->two_class)
        bind(data, use, kappa, m);
    return status;
}

static double step(const void *model, void *state, uint32_t q)
{
    const struct regimes *m = model;
    struct belief *s = state;
    double score = 0;
    size_t k;

    if (m->two_class) {
        s->ratio += mid__hmm_filter(&m->hmm[1], s->alpha[1], s->n == 0, q);
        s->ratio -= mid__hmm_filter(&m->hmm[0], s->alpha[0], s->n == 0, q);
        s->n++;
        return s->ratio / (double)s->n;
    }
    mid__hmm_filter(&m->hmm[0], s->alpha[0], s->n == 0, q);
    s->n++;
    for (k = 0; k < m->hmm[0].n; k++)
        score += s->alpha[0][k] * m->theta[k];
    return score;
}

static const char *const tensor[2][3] = { { "start", "move", "emit" }, { "start_unsafe", "move_unsafe", "emit_unsafe" } };

static mid_status keep_one(mid_ctx *ctx, const char *name, const double *p, size_t n_row, size_t n_col, mid_weights *out)
{
    float *x = malloc((n_row * n_col + 1) * sizeof *x);
    size_t i;
    mid_status status = x ? MID_OK : mid__oom(ctx, "hidden regimes");

    for (i = 0; x && i < n_row * n_col; i++)
        x[i] = (float)p[i];
    if (x)
        status = mid_weights_set(ctx, out, name, x, n_row, n_col);
    free(x);
    return status;
}

static mid_status keep(mid_ctx *ctx, const void *model, mid_weights *out)
{
    const struct regimes *m = model;
    const size_t n = m->hmm[0].n;
    int k;
    mid_status status = MID_OK;

    for (k = 0; status == MID_OK && k < (m->two_class ? 2 : 1); k++) {
        status = keep_one(ctx, tensor[k][0], m->hmm[k].start, 1, n, out);
        if (status == MID_OK)
            status = keep_one(ctx, tensor[k][1], m->hmm[k].move, n, n, out);
        if (status == MID_OK)
            status = keep_one(ctx, tensor[k][2], m->hmm[k].emit, n, m->hmm[k].k, out);
    }
    return status == MID_OK && !m->two_class ? keep_one(ctx, "theta", m->theta, 1, n, out) : status;
}

/* Probabilities from a file: none below zero. */
static mid_status take(mid_ctx *ctx, const mid_weights *weights, const char *name, size_t n_row, size_t n_col, double *out)
{
    const float *x;
    size_t i;
    mid_status status = mid_weights_expect(ctx, weights, name, n_row, n_col, &x);

    for (i = 0; status == MID_OK && i < n_row * n_col; i++) {
        out[i] = (double)x[i];
        if (!(x[i] >= 0 && x[i] <= 1))
            status = mid__fail(ctx, MID_EFORMAT, "%s: %g is no probability", name, (double)x[i]);
    }
    return status;
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n_state, void *model)
{
    struct regimes *m = model;
    size_t n;
    int k;
    mid_status status = options_of(ctx, params, &m->two_class, &n);

    for (k = 0; status == MID_OK && k < (m->two_class ? 2 : 1); k++) {
        status = mid__hmm_open(ctx, n, n_state, 0, &m->hmm[k]);
        if (status == MID_OK)
            status = take(ctx, weights, tensor[k][0], 1, n, m->hmm[k].start);
        if (status == MID_OK)
            status = take(ctx, weights, tensor[k][1], n, n, m->hmm[k].move);
        if (status == MID_OK)
            status = take(ctx, weights, tensor[k][2], n, n_state, m->hmm[k].emit);
    }
    return status == MID_OK && !m->two_class ? take(ctx, weights, "theta", 1, n, m->theta) : status;
}

static void forget(void *model)
{
    struct regimes *m = model;

    mid__hmm_clear(&m->hmm[0]);
    mid__hmm_clear(&m->hmm[1]);
}

static const mid__luna_method method = { sizeof(struct regimes), sizeof(struct belief), learn, step, keep, restore, forget };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    return mid__luna_fit(ctx, set, params, &method, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    return mid__luna_open(ctx, "luna_hmm", weights, params, signals, &method, plan);
}

static const mid_param params_[] = {
    MID__LUNA_MAP_PARAMS,
    MID__LUNA_KAPPA_PARAM,
    { "hidden", 8, NULL, "hidden regimes, 1 to 64" },
    { "form",   0, "posterior", "posterior: one model, regimes bound to labels; two_class: one model per class" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_luna_hmm = {
    .name = "luna_hmm", .version = 1,
    .summary = "how unsafe the hidden regime is that the abstract states point to", .unit = "share, or nats",
    .source = "LUNA, Song et al. 2023, arXiv 2310.14211",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = mid__luna_close,
    .state_size_of = mid__luna_state_size, .push = mid__luna_push,
};
