/* Counting by hand over a cascade whose second member is asked where the mean surprisal lies in 1/4 .. 3/4. */
#include "../hybrid/hand_hybrid.h"

#include "bench/consulted.h"

static mid_monitor *cascade(void)
{
    static const mid_param of_two[] = { { "of", 0, "surprisal_mean, entropy_mean", NULL }, { NULL, 0, NULL, NULL } };
    static const float band[] = { 0.25f, 0.75f };
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = hybrid_weights("band_cascade", of_two);

    put_isotonic(w, 0, 1);
    put_isotonic(w, 1, 1);
    put(w, "band", band, 1, 2);
    return hand_monitor(w, "band_cascade", &signals);
}

/* Mean surprisals 0, 1/2, 1/3, 1, 4/5: the second member is asked at tokens 2 and 3 of 5, and has read 3 by then. Of
 * the other answer it reads nothing. Twice the first and once the second: 4 calls and 6 tokens read, of 12. */
TEST(consulted, by_hand)
{
    static const float doubt[] = { 0, 1, 0, 3, 0 }, sure[] = { 0, 0 };
    mid_monitor *m = cascade();
    mid_trace *a = answer_of(doubt, doubt, 5), *b = answer_of(sure, sure, 2);
    mid_stream *s = stream_of(m, NULL);
    mid__consulted sum = { 0 };
    double score[5];

    CHECK_OK(mid__consulted_score(test_ctx(), s, mid_monitor_info(m), a, score, NULL, &sum));
    CHECK_OK(mid__consulted_score(test_ctx(), s, mid_monitor_info(m), b, score, NULL, &sum));
    CHECK_OK(mid__consulted_score(test_ctx(), s, mid_monitor_info(m), a, score, NULL, &sum));
    CHECK_NEAR(sum.n_tok, 12, 0);
    CHECK_NEAR(sum.calls[0], 12, 0);
    CHECK_NEAR(sum.read[0], 12, 0);
    CHECK_NEAR(sum.calls[1], 4, 0);
    CHECK_NEAR(sum.read[1], 6, 0);
    CHECK(mid__consulted_spares(&sum, 2));
    CHECK(!mid__consulted_spares(&sum, 1));
    mid_stream_close(s);
    mid_trace_close(a);
    mid_trace_close(b);
    mid_monitor_close(m);
}

/* Nothing is counted where there is nobody to ask. */
TEST(consulted, plain_monitor)
{
    static const float x[] = { 1, 2 };
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = monitor_of("surprisal_mean", NULL, NULL, &signals);
    mid_trace *t = answer_of(x, x, 2);
    mid_stream *s = stream_of(m, NULL);
    mid__consulted sum = { 0 };
    double score[5];

    CHECK_OK(mid__consulted_score(test_ctx(), s, mid_monitor_info(m), t, score, NULL, &sum));
    CHECK_NEAR(sum.n_tok, 0, 0);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}
