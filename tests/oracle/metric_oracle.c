/* The metrics on sets read from standard input, for metric.py to compare with scikit-learn. A set is
 *     n n_draw, n scores, n labels, n_draw rows of n indices
 * and its answer one line each: auroc; auprc; tpr at an fpr of .01, .05, .1; fpr of the curve; tpr of the curve; auroc
 * of the resamples. "nan" where undefined. */
#include "driver.h"

#include <math.h>

static double or_nan(mid_status status, double value)
{
    ok(NULL, status == MID_EUNDEFINED ? MID_OK : status);
    return status ? NAN : value;
}

static void single(mid_status (*figure)(mid_ctx *, const double *, const uint8_t *, size_t, double *),
                   const double *score, const uint8_t *label, size_t n)
{
    double value = 0;
    const mid_status status = figure(NULL, score, label, n, &value);

    value = or_nan(status, value);
    row(&value, 1);
}

static void answer(const double *score, const uint8_t *label, size_t n, const uint32_t *index, size_t n_draw)
{
    static const double at[] = { 0.01, 0.05, 0.1 };
    double *fpr = room(n + 1, sizeof *fpr), *tpr = room(n + 1, sizeof *tpr), *drawn = room(n_draw, sizeof *drawn);
    double value = 0, caught[3];
    size_t n_point = 0, k;

    single(mid_auroc, score, label, n);
    single(mid_auprc, score, label, n);
    for (k = 0; k < 3; k++) {
        const mid_status status = mid_tpr_at_fpr(NULL, score, label, n, at[k], &value);
        caught[k] = or_nan(status, value);
    }
    row(caught, 3);
    or_nan(mid_roc(NULL, score, label, n, fpr, tpr, &n_point), 0);
    row(fpr, n_point);
    row(tpr, n_point);
    or_nan(mid_auroc_resampled(NULL, score, label, n, index, n_draw, drawn), 0);
    row(drawn, n_draw);
    free(drawn);
    free(tpr);
    free(fpr);
}

int main(void)
{
    size_t n, n_draw, i;

    while (scanf("%zu %zu", &n, &n_draw) == 2) {
        double *score = numbers(n);
        uint8_t *label = labels(n);
        uint32_t *index = room(n * n_draw, sizeof *index);
        for (i = 0; i < n * n_draw; i++)
            index[i] = (uint32_t)count();
        answer(score, label, n, index, n_draw);
        free(index);
        free(label);
        free(score);
    }
    return 0;
}
