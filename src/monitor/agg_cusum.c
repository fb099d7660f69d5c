/* CUSUM: g_t = max(0, g_{t-1} + s_t - kappa), g_0 = 0. A7, Page 1954. Scores below kappa drain it, scores above fill it:
 * the right tool when harm starts late, since a safe beginning leaves no debt. kappa is learned unless it is given: half
 * way between the mean scores of safe and unsafe fit answers (an answer's mean over its tokens, so that each weighs 1). */
#include <math.h>

#include "midstream/aggregator.h"

static mid_status fit(mid_ctx *ctx, const mid_score_set *set, const double *param, double *learned)
{
    double sum[2] = { 0, 0 }, n[2] = { 0, 0 };
    size_t i, t;

    (void)ctx; (void)param;
    for (i = 0; i < set->n; i++) {
        const mid_scored_answer *a = &set->answer[i];
        double of_answer = 0;
        for (t = 0; t < a->n; t++)
            of_answer += a->score[t];
        if (a->n == 0)
            continue;
        sum[a->label] += of_answer / (double)a->n;
        n[a->label] += 1;
    }
    learned[0] = (sum[0] / n[0] + sum[1] / n[1]) / 2;
    return MID_OK;
}

static double push(const double *param, const double *learned, void *state, double score)
{
    double *g = state;

    *g += score - (learned ? learned[0] : param[0]);
    if (*g < 0)
        *g = 0;
    return *g;
}

static const mid_aggregator_param params[] = {
    { "kappa", NAN, -1e30, 1e30, false, "what a score must exceed to count; not given: half way between the class means" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_cusum = {
    .name = "cusum", .version = 1,
    .summary = "sum of what scores exceed kappa by, never below 0", .unit = "excess", .source = "Page 1954",
    .params = params, .n_learned = 1, .fit = fit,
    .state_size = sizeof(double), .push = push,
};
