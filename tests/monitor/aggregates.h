/* Scores written by hand, pushed through a chain of aggregators. */
#ifndef MID_TEST_AGGREGATES_H
#define MID_TEST_AGGREGATES_H

#include "test.h"

#include "monitor/chain.h"

typedef struct aggregated {
    mid_monitor_spec spec;
    mid_weights *w;
    mid__chain chain;
    void *state;
} aggregated;

/* "ema(0.9)+max"; set may be NULL where nothing learns. */
static inline void aggregated_open(aggregated *a, const char *text, const mid_score_set *set)
{
    memset(a, 0, sizeof *a);
    a->spec.monitor = mid_monitor_find("random");
    CHECK_OK(mid__chain_parse(test_ctx(), text, &a->spec));
    if (mid__chain_learns(&a->spec)) {
        CHECK_OK(mid_weights_open(test_ctx(), &a->w));
        CHECK_OK(mid__chain_fit(test_ctx(), &a->spec, set, a->w));
    }
    CHECK_OK(mid__chain_open(test_ctx(), &a->spec, a->w, &a->chain));
    a->state = calloc(1, a->chain.state_size + 1);
    assert_non_null(a->state);
}

static inline void aggregated_close(aggregated *a)
{
    mid__chain_close(&a->chain);
    mid_weights_close(a->w);
    free(a->state);
}

static inline double aggregated_push(aggregated *a, double score) { return mid__chain_push(&a->chain, a->state, score); }

/* Push n scores; the aggregate after each must be as wanted. */
static inline void check_aggregate(const char *text, const double *score, const double *want, size_t n, double tolerance)
{
    aggregated a;
    size_t i;

    aggregated_open(&a, text, NULL);
    for (i = 0; i < n; i++) {
        const double got = aggregated_push(&a, score[i]);
        if (want[i] == -INFINITY)
            CHECK(got == -INFINITY);
        else
            CHECK_NEAR(got, want[i], tolerance);
    }
    aggregated_close(&a);
}

/* Is the text refused, with this said? */
static inline void check_refused(const char *text, const char *said)
{
    mid_monitor_spec spec = { .monitor = mid_monitor_find("random") };

    CHECK_FAILS(mid__chain_parse(test_ctx(), text, &spec), MID_EINVAL);
    CHECK_SAYS(said);
}

#endif
