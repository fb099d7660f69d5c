/* The drift checks on cases read from standard input, for drift.py to compare. A case is one of
 *     k n_a n_b, n_a scores, n_b scores              answered by: distance p exact
 *     d n n_push keep_max seed, n + n_push scores    answered by a line of n_push p and a line of n_push ln evidence */
#include "midstream.h"

#include <stdio.h>
#include <stdlib.h>

static double *read_scores(size_t n)
{
    double *score = calloc(n + 1, sizeof *score);
    size_t i;

    for (i = 0; score && i < n; i++)
        if (scanf("%lf", &score[i]) != 1)
            break;
    if (!score || i < n) {
        fprintf(stderr, "drift_oracle: a case is cut short\n");
        exit(2);
    }
    return score;
}

static void need(mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "drift_oracle: %s\n", mid_status_name(status));
    exit(2);
}

static void two_sample(size_t n_a, size_t n_b)
{
    double *a = read_scores(n_a), *b = read_scores(n_b);
    mid_two_sample t;

    need(mid_two_sample_of(NULL, a, n_a, b, n_b, &t));
    printf("%.17g %.17g %d\n", t.distance, t.p, t.exact);
    free(b);
    free(a);
}

static void drift(size_t n, size_t n_push, unsigned keep_max, unsigned long long seed)
{
    double *score = read_scores(n + n_push), *evidence = calloc(n_push + 1, sizeof *evidence);
    mid_drift_opts opts = mid_drift_opts_default();
    mid_drift_verdict v;
    mid_drift *d;
    size_t i;

    opts.keep_max = keep_max;
    opts.seed = seed;
    need(evidence ? mid_drift_open(NULL, score, NULL, n, &opts, &d) : MID_ENOMEM);
    for (i = 0; i < n_push; i++) {
        need(mid_drift_push(d, score[n + i], NULL));
        mid_drift_read(d, &v);
        printf("%.17g ", v.p);
        evidence[i] = v.ln_evidence;
    }
    printf("\n");
    for (i = 0; i < n_push; i++)
        printf("%.17g ", evidence[i]);
    printf("\n");
    mid_drift_close(d);
    free(evidence);
    free(score);
}

int main(void)
{
    unsigned long long seed;
    size_t n, m;
    unsigned keep_max;
    char kind;

    while (scanf(" %c", &kind) == 1)
        if (kind == 'k' && scanf("%zu %zu", &n, &m) == 2) {
            two_sample(n, m);
        } else if (kind == 'd' && scanf("%zu %zu %u %llu", &n, &m, &keep_max, &seed) == 4) {
            drift(n, m, keep_max, seed);
        } else {
            fprintf(stderr, "drift_oracle: a case of no kind\n");
            return 2;
        }
    return 0;
}
