/* Gaussian mixture by expectation-maximisation (Dempster, Laird & Rubin 1977), as scikit-learn does it for diagonal
 * covariances: responsibilities by log-sum-exp, variances from E x^2 - mean^2 plus 1e-6, 10 machine epsilons added to each
 * component's share so that an empty one divides by no zero. */
#include "learn/gmm.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/kmeans.h"

static const double variance_floor = 1e-6, two_pi = 6.283185307179586476925;

void mid__gmm_offsets(const mid__gmm *gmm, double *offset)
{
    size_t c, j;

    for (c = 0; c < gmm->k; c++) {
        offset[c] = log(gmm->weight[c]);
        for (j = 0; j < gmm->d; j++)
            offset[c] -= 0.5 * log(two_pi * gmm->variance[c * gmm->d + j]);
    }
}

/* Log densities become responsibilities; gives ln p of the row. lp (k). */
static double responsibilities(double *lp, size_t k)
{
    double most = lp[0], sum = 0;
    size_t c;

    for (c = 1; c < k; c++)
        most = fmax(most, lp[c]);
    for (c = 0; c < k; c++)
        sum += lp[c] = exp(lp[c] - most);
    for (c = 0; c < k; c++)
        lp[c] /= sum;
    return most + log(sum);
}

/* What a step gathers: shares, first and second moments. */
struct moments { double *offset, *lp, *share, *first, *second; };

static double gather(const mid__gmm *g, const float *x, size_t n, struct moments *m)
{
    double total = 0;
    size_t i, c, j;

    mid__gmm_offsets(g, m->offset);
    memset(m->share, 0, g->k * sizeof *m->share);
    memset(m->first, 0, g->k * g->d * sizeof *m->first);
    memset(m->second, 0, g->k * g->d * sizeof *m->second);
    for (i = 0; i < n; i++) {
        const float *row = x + i * g->d;
        for (c = 0; c < g->k; c++) {
            double square = 0;
            for (j = 0; j < g->d; j++) {
                const double a = (double)row[j] - g->mean[c * g->d + j];
                square += a * a / g->variance[c * g->d + j];
            }
            m->lp[c] = m->offset[c] - 0.5 * square;
        }
        total += responsibilities(m->lp, g->k);
        for (c = 0; c < g->k; c++) {
            const double r = m->lp[c];
            if (r < 1e-300)
                continue;
            m->share[c] += r;
            for (j = 0; j < g->d; j++) {
                m->first[c * g->d + j] += r * (double)row[j];
                m->second[c * g->d + j] += r * (double)row[j] * (double)row[j];
            }
        }
    }
    return total / (double)n;
}

static void maximise(const struct moments *m, size_t n, mid__gmm *g)
{
    size_t c, j;

    for (c = 0; c < g->k; c++) {
        const double share = m->share[c] + 10 * DBL_EPSILON;
        g->weight[c] = share / ((double)n + 10 * DBL_EPSILON * (double)g->k);
        for (j = 0; j < g->d; j++) {
            const size_t at = c * g->d + j;
            g->mean[at] = m->first[at] / share;
            g->variance[at] = fmax(0, m->second[at] / share - g->mean[at] * g->mean[at]) + variance_floor;
        }
    }
}

mid_status mid__gmm_em(mid_ctx *ctx, const float *x, size_t n, size_t d, double tolerance, int step_max, mid__gmm *gmm)
{
    const size_t k = gmm->k;
    double *all = malloc((3 * k + 2 * k * d + 1) * sizeof *all), last = -INFINITY;
    struct moments m = { all, all + k, all + 2 * k, all + 3 * k, all + 3 * k + k * d };
    mid_status status = all ? MID_OK : mid__oom(ctx, "a mixture");

    if (status == MID_OK && n == 0)
        status = mid__fail(ctx, MID_EUNDEFINED, "a mixture of no rows");
    for (gmm->n_step = 0; status == MID_OK && gmm->n_step < step_max; ) {
        gmm->log_likelihood = gather(gmm, x, n, &m);
        if (!isfinite(gmm->log_likelihood)) {
            status = mid__fail(ctx, MID_ENUMERIC, "a mixture: a row is not a number");
            break;
        }
        maximise(&m, n, gmm);
        gmm->n_step++;
        if (fabs(gmm->log_likelihood - last) < tolerance)
            break;
        last = gmm->log_likelihood;
    }
    free(all);
    return status;
}

mid_status mid__gmm_fit(mid_ctx *ctx, const float *x, size_t n, size_t d, size_t k, uint64_t seed, mid__gmm *out)
{
    float *centre = malloc((k * d + 1) * sizeof *centre);
    uint32_t *of = malloc((n + 1) * sizeof *of);
    double *all;
    struct moments m;
    size_t i, j;
    mid_status status;

    memset(out, 0, sizeof *out);
    out->d = d;
    out->weight = malloc((k + 1) * sizeof *out->weight);
    out->mean = malloc((k * d + 1) * sizeof *out->mean);
    out->variance = malloc((k * d + 1) * sizeof *out->variance);
    all = calloc(k + 2 * k * d + 1, sizeof *all);
    m = (struct moments){ .share = all, .first = all + k, .second = all + k + k * d };
    status = centre && of && out->weight && out->mean && out->variance && all ? MID_OK : mid__oom(ctx, "a mixture");
    if (status == MID_OK)
        status = mid__kmeans_fit(ctx, x, n, d, &k, seed, centre, of, NULL);
    for (i = 0; status == MID_OK && i < n; i++) {
        m.share[of[i]] += 1;
        for (j = 0; j < d; j++) {
            m.first[of[i] * d + j] += (double)x[i * d + j];
            m.second[of[i] * d + j] += (double)x[i * d + j] * (double)x[i * d + j];
        }
    }
    if (status == MID_OK) {
        out->k = k;
        maximise(&m, n, out);
        status = mid__gmm_em(ctx, x, n, d, 1e-3, 100, out);
    }
    free(centre);
    free(of);
    free(all);
    return status;
}

void mid__gmm_clear(mid__gmm *gmm)
{
    free(gmm->weight);
    free(gmm->mean);
    free(gmm->variance);
    memset(gmm, 0, sizeof *gmm);
}
