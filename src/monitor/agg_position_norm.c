/* Normalised by position: g_t = (s_t - mu_b) / sigma_b, b the band of t: 1, 2, 3-4, 5-8, ... A11. Many scores are noisy at
 * first and drift later; measured against what is usual at their place, one threshold serves all places. It belongs
 * before a maximum, not behind it.
 *
 * mu_b and sigma_b are mean and standard deviation of the scores of safe fit answers in the band, each answer weighing 1.
 * Answers end, so bands get emptier with t: one that fewer than 30 of them reach joins the band before. A sigma below
 * .001 of that of all safe scores is raised to it, or a constant beginning would make anything else infinite. */
#include <math.h>
#include <stdint.h>

#include "midstream/aggregator.h"

enum { N_BAND = 13, N_ENOUGH = 30 };    /* the last band holds 2049 and beyond */

struct state { uint64_t n; };           /* scores seen */

/* Of the score behind t others. */
static int band_of(uint64_t t)
{
    int b = 0;

    while (t > 0 && b < N_BAND - 1) {
        t /= 2;
        b++;
    }
    return b;
}

/* Weighted sums; an answer's scores in a pool weigh 1 together. */
struct sums { double n, x, xx; };

static double sd_of(const struct sums *s)
{
    const double mean = s->x / s->n;

    return sqrt(fmax(0, s->xx / s->n - mean * mean));
}

/* Which pool a band belongs to: its own, or that of the band before while too few answers reach it. */
static void pool_bands(const mid_score_set *set, int pool[N_BAND])
{
    size_t n_reach[N_BAND] = { 0 }, i;
    int b;

    for (i = 0; i < set->n; i++)
        for (b = 0; set->answer[i].label == 0 && set->answer[i].n && b <= band_of(set->answer[i].n - 1); b++)
            n_reach[b]++;
    for (b = pool[0] = 0; b < N_BAND; b++)
        pool[b] = b == 0 || n_reach[b] >= N_ENOUGH ? b : pool[b - 1];
}

/* An answer's scores of each pool, to the sums. first: subtracted before squaring, for the digits' sake. */
static void add_answer(const mid_scored_answer *a, const int pool[N_BAND], double first, struct sums *sums)
{
    struct sums own[N_BAND] = { { 0, 0, 0 } };
    uint64_t t;
    int b;

    for (t = 0; t < a->n; t++) {
        struct sums *s = &own[pool[band_of(t)]];
        const double x = a->score[t] - first;
        s->n += 1;
        s->x += x;
        s->xx += x * x;
    }
    for (b = 0; b < N_BAND; b++)
        if (own[b].n > 0) {
            sums[b].n += 1;
            sums[b].x += own[b].x / own[b].n;
            sums[b].xx += own[b].xx / own[b].n;
        }
}

static mid_status fit(mid_ctx *ctx, const mid_score_set *set, const double *param, double *learned)
{
    static const int as_one[N_BAND] = { 0 };
    struct sums sums[N_BAND] = { { 0, 0, 0 } }, all[N_BAND] = { { 0, 0, 0 } };
    double first = NAN, least;
    int pool[N_BAND], b;
    size_t i;

    (void)ctx; (void)param;
    pool_bands(set, pool);
    for (i = 0; i < set->n; i++) {
        const mid_scored_answer *a = &set->answer[i];
        if (a->label != 0 || a->n == 0)
            continue;
        if (isnan(first))
            first = a->score[0];
        add_answer(a, pool, first, sums);
        add_answer(a, as_one, first, all);
    }
    least = 1e-3 * sd_of(&all[0]);
    for (b = 0; b < N_BAND; b++) {
        const struct sums *s = &sums[pool[b]];
        learned[b] = first + s->x / s->n;
        learned[N_BAND + b] = least > 1e-30 ? fmax(sd_of(s), least) : 1;
    }
    return MID_OK;
}

static bool accepts(const double *learned)
{
    int b;

    for (b = 0; b < N_BAND; b++)
        if (!(learned[N_BAND + b] > 0))
            return false;
    return true;
}

static double push(const double *param, const double *learned, void *state, double score)
{
    struct state *s = state;
    const int b = band_of(s->n++);

    (void)param;
    return (score - learned[b]) / learned[N_BAND + b];
}

const mid_aggregator_ops mid__aggregator_position_norm = {
    .name = "position_norm", .version = 1,
    .summary = "standard deviations above what is usual for safe answers at this place", .unit = "sd",
    .source = "standard",
    .n_learned = 2 * N_BAND, .fit = fit, .accepts = accepts,
    .state_size = sizeof(struct state), .push = push,
};
