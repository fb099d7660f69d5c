/* Hybrids with weights written by hand, over members that learn nothing: the fusion alone. */
#ifndef MID_TEST_HAND_HYBRID_H
#define MID_TEST_HAND_HYBRID_H

#include "../monitor/learned.h"

/* As hand_weights(), stamped with the members too. */
static inline mid_weights *hybrid_weights(const char *name, const mid_param *changed)
{
    mid_weights *w = hand_weights(name, changed);
    mid_monitor_reads reads;

    CHECK_OK(mid_monitor_reads_of(test_ctx(), mid_monitor_find(name), changed, &reads));
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "members", reads.members));
    return w;
}

/* The i-th member's calibrated probability is s / width, 0 .. 1. */
static inline void put_isotonic(mid_weights *w, int i, float width)
{
    const float x[] = { 0, 0, width, 1 };
    char name[32];

    snprintf(name, sizeof name, "normal.%d", i);
    put(w, name, x, 2, 2);
}

/* The i-th member's rank among safe answers is s / width at every position, beyond 1 a tenth as steep per top tenth. */
static inline void put_rank(mid_weights *w, int i, float width)
{
    float x[8][129];
    char name[32];
    int b, q;

    for (b = 0; b < 8; b++)
        for (q = 0; q < 129; q++)
            x[b][q] = width * (float)q / 128;
    snprintf(name, sizeof name, "normal.%d", i);
    put(w, name, &x[0][0], 8, 129);
}

/* The i-th member's z score is (s - mean) / sd at every position. */
static inline void put_z(mid_weights *w, int i, float mean, float sd)
{
    float x[8][2];
    char name[32];
    int b;

    for (b = 0; b < 8; b++) {
        x[b][0] = mean;
        x[b][1] = sd;
    }
    snprintf(name, sizeof name, "normal.%d", i);
    put(w, name, &x[0][0], 8, 2);
}

/* An answer of n tokens with these surprisals and entropies. */
static inline mid_trace *answer_of(const float *surprisal, const float *entropy, int n)
{
    static const float h[] = { 0 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = trace_open(&signals, "p", h);
    int i;

    for (i = 0; i < n; i++)
        trace_put(t, "x", -surprisal[i], entropy[i], h);
    return t;
}

/* Push the step after what the stream has seen; the score. */
static inline double push_at(mid_stream *s, const mid_trace *t, uint32_t i)
{
    float scratch[SCRATCH_N(1, 1)];
    mid_step step;

    mid_trace_step(t, i, scratch, &step);
    return push(s, &step);
}

/* The same signals, but for these. */
static inline mid_signals signals_without(uint32_t bits)
{
    mid_signals signals = signals_of(1, 1);

    signals.have &= ~bits;
    return signals;
}

#endif
