/* Two members that know half each: what a hybrid of both is for. */
#ifndef MID_TEST_JOINED_H
#define MID_TEST_JOINED_H

#include "hand_hybrid.h"

static const mid_param of_two[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "missing", 0, "degrade", NULL }, { NULL, 0, NULL, NULL }
};
/* Always joined, however little that brings. */
static const mid_param two_joined[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "margin", -1, NULL, NULL }, { NULL, 0, NULL, NULL }
};

/* Surprisal and entropy of the one token are a third in order each, independently of each other. */
static inline void both_half_know(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const double first = label + 3 * mid__rng_unit(rng), second = label + 3 * mid__rng_unit(rng);

    trace_put(t, "x", (float)-first, (float)second, h);
}

/* Every unsafe answer shows in one of the two alone. */
static inline void shows_in_one(mid__rng *rng, mid_trace *t, int label)
{
    const float h[] = { 0 };
    const bool which = mid__rng_unit(rng) < 0.5;
    const double first = 2 * label * which + 3 * mid__rng_unit(rng);
    const double second = 2 * label * !which + 3 * mid__rng_unit(rng);

    trace_put(t, "x", (float)-first, (float)second, h);
}

/* Fitted on ANSWER_MAX answers, the hybrid tells as many new ones better apart than either member does. */
static inline void check_better_than_either(const char *hybrid, const mid_param *params, write_fn write, uint64_t seed)
{
    const mid_signals signals = signals_of(1, 1);
    const char *const name[] = { hybrid, "surprisal_mean", "entropy_mean" };
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    double auroc[3];
    int i;

    put_task(&fit, &signals, write, ANSWER_MAX, seed, 0);
    put_task(&fresh, &signals, write, ANSWER_MAX, seed, 1);
    for (i = 0; i < 3; i++) {
        mid_monitor *m = monitor_of(name[i], i ? NULL : params, &fit, &signals);
        auroc[i] = auroc_at_end(m, &fresh);
        mid_monitor_close(m);
    }
    print_message("  %s, seed %llu: AUROC %.3f, alone %.3f and %.3f\n", hybrid, (unsigned long long)seed, auroc[0],
                  auroc[1], auroc[2]);
    CHECK(auroc[0] > fmax(auroc[1], auroc[2]) + 0.02);
    answers_clear(&fit);
    answers_clear(&fresh);
}

/* The scores of one answer by weights given; want (n). */
static inline void check_scores(const char *name, mid_weights *given, const mid_signals *signals, const mid_trace *t,
                                const double *want)
{
    mid_monitor *m = hand_monitor(given, name, signals);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < mid_trace_n_tok(t); i++) {
        const double got = push_at(s, t, i);
        CHECK_NEAR(got, want[i], 1e-6);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* One tensor put in the place of another that was good: opening is refused, and this said. */
static inline void check_refuses_tensor(const char *name, mid_weights *given, const char *tensor, const float *x,
                                        size_t n_row, size_t n_col, const char *says)
{
    const mid_signals signals = signals_of(1, 1);

    put(given, tensor, x, n_row, n_col);
    hand_refused(given, name, &signals, MID_EFORMAT, says);
}

#endif
