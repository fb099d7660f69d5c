/* Noisy-or over chunks of `every` tokens: 1 - prod_c (1 - p_c), the chance that at least one chunk is bad if each is so
 * on its own account. A10, Pearl 1988. A chunk's probability is that of its last score, p = sigma(a s + b); the open
 * chunk counts as it stands. What is given is g_t = -sum_c ln(1 - p_c) = sum_c ln(1 + e^(a s_c + b)), whose order is the
 * same and which does not run into 1; the probability is 1 - e^-g. It grows with the length, as chances do.
 *
 * a and b are learned, for a score is no probability: b so that the mean noisy-or of the fit answers is their share of
 * unsafe ones, a >= 0 from a grid (1/4, 1/2, 1, 2, 4 over the scores' standard deviation) by likelihood. */
#include <math.h>
#include <stdint.h>

#include "midstream/aggregator.h"

struct state { uint64_t n; double closed; };    /* scores seen; sum over chunks that are over */

struct logistic { double a, b; };

/* -ln(1 - sigma(x)) */
static double hazard(double x) { return x > 40 ? x : log1p(exp(x)); }

/* Places of the scores that stand for an answer's chunks: the next one behind t, or n. Begin with t = -1. */
static size_t next_chunk(size_t t, size_t every, size_t n)
{
    const size_t end = t + every;

    return t + 1 == n ? n : end < n ? end : n - 1;
}

static double noisy_or(const mid_scored_answer *a, size_t every, struct logistic f)
{
    double g = 0;
    size_t t;

    for (t = next_chunk((size_t)-1, every, a->n); t < a->n; t = next_chunk(t, every, a->n))
        g += hazard(f.a * a->score[t] + f.b);
    return g;
}

/* Mean and standard deviation of chunk scores, answers weighing alike. */
static void moments(const mid_score_set *set, size_t every, double *mean, double *sd)
{
    double sum = 0, sum_2 = 0, n = 0;
    size_t i, t;

    for (i = 0; i < set->n; i++) {
        const mid_scored_answer *a = &set->answer[i];
        const double weight = 1 / ceil((double)a->n / (double)every);
        for (t = next_chunk((size_t)-1, every, a->n); t < a->n; t = next_chunk(t, every, a->n)) {
            sum += weight * a->score[t];
            sum_2 += weight * a->score[t] * a->score[t];
        }
        n += a->n > 0;
    }
    *mean = sum / n;
    *sd = sqrt(fmax(0, sum_2 / n - *mean * *mean));
    if (!(*sd > 1e-9 * fabs(*mean)))
        *sd = 1;                        /* constant scores: any slope will do */
}

/* How far the mean noisy-or lies above the share of unsafe answers. */
static double surplus(const mid_score_set *set, size_t every, struct logistic f)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < set->n; i++)
        if (set->answer[i].n)
            sum += -expm1(-noisy_or(&set->answer[i], every, f)) - set->answer[i].label;
    return sum;
}

/* The surplus rises with b, so b is found by halving. The borders, in logits at the mean score, are beyond what any share
 * of unsafe answers asks for. */
static double offset_of(const mid_score_set *set, size_t every, double a, double mean)
{
    double lo = -60, hi = 20;
    int i;

    for (i = 0; i < 47; i++) {
        const double mid = (lo + hi) / 2;
        if (surplus(set, every, (struct logistic){ a, mid - a * mean }) > 0)
            hi = mid;
        else
            lo = mid;
    }
    return (lo + hi) / 2 - a * mean;
}

static double likelihood(const mid_score_set *set, size_t every, struct logistic f)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < set->n; i++) {
        const double g = set->answer[i].n ? noisy_or(&set->answer[i], every, f) : 0;
        if (set->answer[i].n)
            sum += set->answer[i].label ? log(fmax(-expm1(-g), 1e-300)) : -g;
    }
    return sum;
}

static mid_status fit(mid_ctx *ctx, const mid_score_set *set, const double *param, double *learned)
{
    static const double grid[] = { 0.25, 0.5, 1, 2, 4 };
    const size_t every = (size_t)param[0];
    double mean, sd, best = -INFINITY;
    size_t k;

    (void)ctx;
    moments(set, every, &mean, &sd);
    for (k = 0; k < sizeof grid / sizeof grid[0]; k++) {
        const double a = grid[k] / sd;
        const struct logistic f = { a, offset_of(set, every, a, mean) };
        const double now = likelihood(set, every, f);
        if (now > best) {               /* ties stay with the gentler slope */
            best = now;
            learned[0] = f.a;
            learned[1] = f.b;
        }
    }
    return MID_OK;
}

static bool accepts(const double *learned) { return learned[0] >= 0; }

static double push(const double *param, const double *learned, void *state, double score)
{
    struct state *s = state;
    const double g = s->closed + hazard(learned[0] * score + learned[1]);

    s->n += 1;
    if (s->n % (uint64_t)param[0] == 0)
        s->closed = g;
    return g;
}

static const mid_aggregator_param params[] = {
    { "every", 32, 1, MID_AGGREGATOR_KEEP_MAX, true, "tokens in a chunk" },
    { NULL, 0, 0, 0, false, NULL }
};

const mid_aggregator_ops mid__aggregator_noisy_or = {
    .name = "noisy_or", .version = 1,
    .summary = "-ln of the chance that no chunk is unsafe", .unit = "nats", .source = "Pearl 1988",
    .params = params, .n_learned = 2, .fit = fit, .accepts = accepts,
    .state_size = sizeof(struct state), .push = push,
};
