/* The metrics on sets read from standard input, for metric.py to compare with scikit-learn. A set is
 *     n n_draw, n scores, n labels, n_draw rows of n indices
 * and its answer one line each: auroc; auprc; tpr at an fpr of .01, .05, .1; fpr of the curve; tpr of the curve; auroc
 * of the resamples. "nan" where undefined. */
#include "midstream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        exit(2);
    return p;
}

static void read_or_stop(const char *fmt, void *value)
{
    if (scanf(fmt, value) != 1) {
        fprintf(stderr, "metric_oracle: a set is cut short\n");
        exit(2);
    }
}

static void row(const double *value, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf("%.17g%c", value[i], i + 1 < n ? ' ' : '\n');
    if (n == 0)
        printf("\n");
}

static double or_nan(mid_status status, double value)
{
    if (status != MID_OK && status != MID_EUNDEFINED) {
        fprintf(stderr, "metric_oracle: %s\n", mid_status_name(status));
        exit(2);
    }
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
        double *score = room(n, sizeof *score);
        uint8_t *label = room(n, sizeof *label);
        uint32_t *index = room(n * n_draw, sizeof *index);
        for (i = 0; i < n; i++)
            read_or_stop("%lf", &score[i]);
        for (i = 0; i < n; i++) {
            unsigned y;
            read_or_stop("%u", &y);
            label[i] = (uint8_t)y;
        }
        for (i = 0; i < n * n_draw; i++)
            read_or_stop("%u", &index[i]);
        answer(score, label, n, index, n_draw);
        free(index);
        free(label);
        free(score);
    }
    return 0;
}
