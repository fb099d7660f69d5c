/* The band by hand, then what a fit makes of members of which the first is often in doubt. */
#include "hand_hybrid.h"

static const mid_param of_two[] = {
    { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "missing", 0, "degrade", NULL }, { NULL, 0, NULL, NULL }
};

/* p_0 = mean surprisal, p_1 = mean entropy / 2; the first is in doubt within .25 .. .75. */
static mid_weights *by_hand(void)
{
    static const float band[] = { 0.25f, 0.75f };
    mid_weights *w = hybrid_weights("band_cascade", of_two);

    put_isotonic(w, 0, 1);
    put_isotonic(w, 1, 2);
    put(w, "band", band, 1, 2);
    return w;
}

/* Mean surprisals .125, .25, .5, .75, 1 (all exact): the band's ends hand over, what lies outside does not. Mean
 * entropies are 1/2, 3/4, 1, 5/4, 3/2. */
TEST(band_cascade, golden)
{
    static const float surprisal[] = { 0.125f, 0.375f, 1, 1.5f, 2 }, entropy[] = { 0.5f, 1, 1.5f, 2, 2.5f };
    static const double want[] = { 0.125, 0.375, 0.5, 0.625, 1 };
    static const unsigned calls[] = { 0, 1, 2, 3, 3 };
    const mid_signals signals = signals_of(1, 1);
    mid_monitor *m = hand_monitor(by_hand(), "band_cascade", &signals);
    mid_trace *t = answer_of(surprisal, entropy, 5);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 5; i++) {
        CHECK_NEAR(push_at(s, t, i), want[i], 1e-7);
        CHECK_INT(mid_stream_calls(s, 0), i + 1);
        CHECK_INT(mid_stream_calls(s, 1), calls[i]);
    }
    CHECK_INT(mid_stream_calls(s, 2), 0);
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK_INT(mid_stream_calls(s, 0), 0);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* Without its first member the second answers, in doubt or not; without the second the first does. */
TEST(band_cascade, goes_on_without_a_member)
{
    static const float surprisal[] = { 0.5f }, entropy[] = { 1.5f };
    const mid_signals one[] = { signals_without(MID_SIG_LOGPROB), signals_without(MID_SIG_ENTROPY) };
    static const double want[] = { 0.75, 0.5 };
    mid_trace *t = answer_of(surprisal, entropy, 1);
    int i;

    for (i = 0; i < 2; i++) {
        mid_monitor *m = hand_monitor(by_hand(), "band_cascade", &one[i]);
        mid_stream *s = stream_of(m, NULL);
        CHECK_NEAR(push_at(s, t, 0), want[i], 1e-7);
        CHECK_INT(mid_stream_gone(s), 1u << i);
        CHECK_INT(mid_stream_calls(s, (size_t)i), 0);
        CHECK_INT(mid_stream_calls(s, (size_t)!i), 1);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

/* Hybrids that are no cascade look at all members every time; other monitors have none. */
TEST(band_cascade, calls_of_others)
{
    static const float x[] = { 1, 2 };
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = hybrid_weights("mean_z", of_two);
    mid_trace *t = answer_of(x, x, 2);
    mid_monitor *hybrid, *plain = monitor_of("surprisal_mean", NULL, NULL, &signals);
    mid_stream *s;

    put_z(w, 0, 0, 1);
    put_z(w, 1, 0, 1);
    hybrid = hand_monitor(w, "mean_z", &signals);
    s = stream_of(hybrid, NULL);
    push_at(s, t, 0);
    push_at(s, t, 1);
    CHECK_INT(mid_stream_calls(s, 0), 2);
    CHECK_INT(mid_stream_calls(s, 1), 2);
    CHECK_INT(mid_stream_calls(s, 2), 0);
    mid_stream_close(s);
    s = stream_of(plain, NULL);
    push_at(s, t, 0);
    CHECK_INT(mid_stream_calls(s, 0), 0);
    mid_stream_close(s);
    mid_monitor_close(hybrid);
    mid_monitor_close(plain);
    mid_trace_close(t);
}

TEST(band_cascade, refuses)
{
    static const mid_param tolerance = { "tolerance", 1.5, NULL, NULL };
    static const float short_band[] = { 0.5f };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_weights *w = by_hand();

    put(w, "band", short_band, 1, 1);
    hand_refused(w, "band_cascade", &signals, MID_EFORMAT, "'band'");
    answers_put(&a, answer_of(short_band, short_band, 1), 0);
    answers_put(&a, answer_of(short_band, short_band, 1), 1);
    param_refused("band_cascade", &a, tolerance, "tolerance is 1.5");
    answers_clear(&a);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static const uint64_t seed = 20260211;

/* Surprisal tells a third of the answers apart and says nothing of the others; entropy tells all apart. */
static void fill(answers *a, mid__rng *rng)
{
    float surprisal[6], entropy[6];
    int i, t;

    for (i = 0; i < ANSWER_MAX; i++) {
        const int label = i & 1, clear = i % 3 == 0;
        for (t = 0; t < 6; t++) {
            surprisal[t] = (float)(clear ? (label ? 6 : 0) + mid__rng_unit(rng) : 3 + mid__rng_unit(rng));
            entropy[t] = (float)((label ? 1.2 : 0) + 1.5 * mid__rng_unit(rng));
        }
        answers_put(a, answer_of(surprisal, entropy, 6), label);
    }
}

/* Share of tokens at which the second member is consulted. */
static double consulted(const mid_monitor *m, const answers *a)
{
    double score[6], sum = 0;
    mid_stream *s;
    size_t i;

    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    for (i = 0; i < a->n; i++) {
        CHECK_OK(mid_stream_score(test_ctx(), s, a->answer[i].trace, score, NULL));
        CHECK_INT(mid_stream_calls(s, 0), 6);
        sum += (double)mid_stream_calls(s, 1) / 6;
    }
    mid_stream_close(s);
    return sum / (double)a->n;
}

/* It asks the second member where the first does not know, two thirds of the time, or a little less for the hundredth
 * that may be lost; and never where much may be. */
TEST(band_cascade, asks_where_it_has_to)
{
    static const mid_param easy[] = {
        { "of", 0, "surprisal_mean, entropy_mean", NULL }, { "tolerance", 0.4, NULL, NULL }, { NULL, 0, NULL, NULL }
    };
    const mid_signals signals = signals_of(1, 1);
    answers fit = { .n = 0 }, fresh = { .n = 0 };
    mid_monitor *m, *alone;
    mid__rng rng;
    double auroc, auroc_alone, share;

    mid__rng_init(&rng, seed, 0);
    fill(&fit, &rng);
    fill(&fresh, &rng);
    m = monitor_of("band_cascade", of_two, &fit, &signals);
    alone = monitor_of("entropy_mean", NULL, &fit, &signals);
    share = consulted(m, &fresh);
    auroc = auroc_at_end(m, &fresh);
    auroc_alone = auroc_at_end(alone, &fresh);
    print_message("  seed %llu: asked at %.2f of the tokens, AUROC %.3f, the second member's %.3f\n",
                  (unsigned long long)seed, share, auroc, auroc_alone);
    CHECK(share > 0.5 && share < 0.69);
    CHECK(auroc > auroc_alone - 0.01);
    mid_monitor_close(m);
    m = monitor_of("band_cascade", easy, &fit, &signals);
    CHECK_NEAR(consulted(m, &fresh), 0, 0);
    mid_monitor_close(m);
    mid_monitor_close(alone);
    answers_clear(&fit);
    answers_clear(&fresh);
}
