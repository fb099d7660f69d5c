/* Experts, H11: Hedge over the members' probabilities, its weights then frozen.
 *   w_i <- w_i e^{-eta loss_i}, 1 in all, answer by answer      S_t = sum_i w_i p_i(s_i,t) over the members that speak
 * p_i is the isotonic P(unsafe | s) (normal.h), loss_i the mean over an answer's rows of (p_i - label)^2, with p_i from
 * the other inner folds and 1/2 for a member that has nothing to say; eta = sqrt(8 ln n / N) for N answers. Answers
 * come in an order drawn from the seed: it decides what the learner lost on the way, which is kept beside its bound
 * ("regret", "regret_bound"), but not the weights at the end.
 * Source: Freund & Schapire 1997 for Hedge; rate and bound for a known N are those of Cesa-Bianchi & Lugosi 2006,
 * theorem 2.2. Squared loss, since the bound needs one in 0 .. 1; log loss has no upper end. */
#include "hybrid/hedge.h"

#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/rng.h"
#include "hybrid/held_out.h"
#include "hybrid/hybrid.h"
#include "hybrid/weighted.h"

double mid__hedge_rate(size_t n_round, size_t n) { return sqrt(8 * log((double)n) / (double)n_round); }
double mid__hedge_bound(size_t n_round, size_t n) { return sqrt((double)n_round * log((double)n) / 2); }

double mid__hedge(const double *loss, size_t n_round, size_t n, double *weight)
{
    const double eta = mid__hedge_rate(n_round, n);
    double lost = 0;
    size_t r, i;

    for (i = 0; i < n; i++)
        weight[i] = 1 / (double)n;
    for (r = 0; r < n_round; r++) {
        double sum = 0;
        for (i = 0; i < n; i++) {
            lost += weight[i] * loss[r * n + i];
            weight[i] *= exp(-eta * loss[r * n + i]);
            sum += weight[i];
        }
        for (i = 0; i < n; i++)
            weight[i] /= sum;
    }
    return lost;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* Each answer's losses, in the order of their first rows; answers without rows have none. p (rows->n, n_member).
 * @return the number of answers */
static size_t losses(const mid__member_rows *rows, const double *p, double *loss)
{
    const size_t n = rows->n_member;
    size_t k, i, n_answer = 0;

    for (k = 0; k < rows->n; k++) {
        if (!k || rows->answer[k] != rows->answer[k - 1]) {
            for (i = 0; i < n; i++)
                loss[n_answer * n + i] = 0;
            n_answer++;
        }
        for (i = 0; i < n; i++) {
            const double off = (isnan(p[k * n + i]) ? 0.5 : p[k * n + i]) - rows->label[k];
            loss[(n_answer - 1) * n + i] += rows->weight[k] * off * off;
        }
    }
    return n_answer;
}

static void shuffle(double *loss, size_t n_answer, size_t n, uint64_t seed)
{
    mid__rng rng;
    size_t a, i;

    mid__rng_init(&rng, seed, 0);
    for (a = n_answer; a > 1; a--) {
        const size_t b = mid__rng_below(&rng, (uint32_t)a);
        for (i = 0; i < n; i++) {
            const double kept = loss[(a - 1) * n + i];
            loss[(a - 1) * n + i] = loss[b * n + i];
            loss[b * n + i] = kept;
        }
    }
}

static mid_status run(mid_ctx *ctx, double *loss, size_t n_answer, size_t n, mid_weights *out)
{
    double weight[MID__MEMBER_MAX], best = INFINITY, sum;
    const double lost = mid__hedge(loss, n_answer, n, weight);
    float kept[MID__MEMBER_MAX];
    mid_status status;
    size_t a, i;

    for (i = 0; i < n; i++) {
        for (sum = 0, a = 0; a < n_answer; a++)
            sum += loss[a * n + i];
        best = fmin(best, sum);
        kept[i] = (float)weight[i];
    }
    status = mid_weights_set(ctx, out, "weight", kept, 1, n);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "regret", lost - best);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "regret_bound", mid__hedge_bound(n_answer, n)) : status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    const size_t n = rows->n_member;
    double *p = malloc((rows->n * n + 1) * sizeof *p), *loss = malloc((set->n * n + 1) * sizeof *loss);
    mid_status status = p && loss ? mid__normal_learn(ctx, MID__NORMAL_ISOTONIC, set, rows, out) : mid__oom(ctx, "a hybrid");
    size_t n_answer;

    (void)params;
    if (status == MID_OK)
        status = mid__normal_held_out(ctx, MID__NORMAL_ISOTONIC, set, rows, p);
    if (status == MID_OK) {
        n_answer = losses(rows, p, loss);
        shuffle(loss, n_answer, n, set->seed);
        status = run(ctx, loss, n_answer, n, out);
    }
    free(p);
    free(loss);
    return status;
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    (void)params;
    return mid__weighted_open(ctx, MID__NORMAL_ISOTONIC, weights, n, plan);
}

static const mid__fusion fusion = { .weighs = true, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .fuse = mid__weighted_mean };

static const mid_param params_[] = { MID__HYBRID_PARAMS, MID__HYBRID_MARGIN, { NULL, 0, NULL, NULL } };

const mid_monitor_ops mid__monitor_hedge = {
    .name = "hedge", .version = 2,
    .summary = "hybrid: the members' probabilities, weighted by how each did answer by answer",
    .unit = "probability", .source = "Freund & Schapire 1997, Hedge", .params = params_, MID__HYBRID(fusion)
};
