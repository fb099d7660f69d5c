/* hmm_surprisal: the filter by hand, the fit on answers that were made from two states. tests/oracle/stream.py has
 * more. */
#include "traces.h"

#include "base/rng.h"

static const mid_signals grey = { .have = MID_SIG_LOGPROB };

static void put_surprisal(mid_trace *t, double surprisal)
{
    const mid_step step = { .have = MID_SIG_LOGPROB, .i_tok = mid_trace_n_tok(t), .lp = (float)-surprisal };

    CHECK_OK(mid_trace_append(t, &step));
}

static mid_trace *empty(void)
{
    mid_trace *t;

    CHECK_OK(mid_trace_open(test_ctx(), &grey, NULL, &t));
    return t;
}

static double noise(mid__rng *rng, double sd)
{
    return sd * (mid__rng_unit(rng) + mid__rng_unit(rng) + mid__rng_unit(rng) - 1.5) * 2;
}

/* Safe answers stay near 1 nat with a visit to 5 now and then; unsafe ones (or the other way round) mostly near 5. */
static void fill(answers *a, uint64_t seed, int label_of_high)
{
    mid__rng rng;
    int i, j, state;

    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < 60; i++) {
        mid_trace *t = empty();
        const int high = i % 2;
        for (j = 0, state = high; j < 60; j++) {
            if (mid__rng_unit(&rng) < (state == high ? 0.05 : 0.2))
                state = !state;
            put_surprisal(t, (state ? 5 : 1) + noise(&rng, 0.5));
        }
        answers_put(a, t, high == label_of_high);
    }
}

static mid_weights *fit(const answers *a)
{
    const mid_fit_set set = set_of(a);
    mid_weights *w;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("hmm_surprisal"), NULL, &set, &w));
    return w;
}

static const float *row(const mid_weights *w, const char *name, size_t n_row)
{
    const float *data;

    CHECK_OK(mid_weights_expect(test_ctx(), w, name, n_row, 2, &data));
    return data;
}

TEST(hmm_surprisal, finds_the_states)
{
    const uint64_t seed = 20241124;
    answers a = { .n = 0 };
    mid_weights *w;

    print_message("seed %llu\n", (unsigned long long)seed);
    fill(&a, seed, 1);
    w = fit(&a);
    CHECK_NEAR((double)row(w, "mu", 1)[0], 1, 0.1);
    CHECK_NEAR((double)row(w, "mu", 1)[1], 5, 0.1);
    CHECK_NEAR((double)row(w, "sigma", 1)[0], 0.5, 0.1);
    CHECK_NEAR((double)row(w, "sigma", 1)[1], 0.5, 0.1);
    CHECK_NEAR(mid_weights_number(w, "bad"), 1, 0);
    mid_weights_close(w);
    answers_clear(&a);
    fill(&a, seed, 0);
    w = fit(&a);
    CHECK_NEAR(mid_weights_number(w, "bad"), 0, 0);     /* there the calm answers are the unsafe ones */
    mid_weights_close(w);
    answers_clear(&a);
}

static mid_weights *by_hand(double bad)
{
    static const float start[] = { .75f, .25f }, move[] = { .75f, .25f, .5f, .5f }, mu[] = { 1, 3 }, sigma[] = { 1, 2 };
    answers a = { .n = 0 };
    mid_weights *w;

    fill(&a, 1, 1);
    w = fit(&a);                        /* for its stamp */
    answers_clear(&a);
    CHECK_OK(mid_weights_set(test_ctx(), w, "start", start, 1, 2));
    CHECK_OK(mid_weights_set(test_ctx(), w, "move", move, 2, 2));
    CHECK_OK(mid_weights_set(test_ctx(), w, "mu", mu, 1, 2));
    CHECK_OK(mid_weights_set(test_ctx(), w, "sigma", sigma, 1, 2));
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "bad", bad));
    return w;
}

/* x = 1: densities 1 and e^-.5 / 2 = .30327, so alpha = .75 : .07582, .09181 in state 1.
 * x = 3: prediction .25 + .25 * .09181 = .27295 of state 1; densities e^-2 = .13534 and 1/2: .09840 : .13648, so
 * .58107. */
TEST(hmm_surprisal, golden)
{
    mid_weights *w = by_hand(1);
    const mid_step one = { .have = MID_SIG_LOGPROB, .lp = -1 }, three = { .have = MID_SIG_LOGPROB, .i_tok = 1, .lp = -3 };
    const mid_step never = { .have = MID_SIG_LOGPROB, .i_tok = 2, .lp = -1e38f };
    mid_monitor *m;
    mid_stream *s;

    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("hmm_surprisal"), NULL, w, &grey, &m));
    s = stream_of(m, NULL);
    CHECK_NEAR(push(s, &one), 0.0918077, 1e-6);
    CHECK_NEAR(push(s, &three), 0.5810668, 1e-6);
    CHECK_NEAR(push(s, &never), 1, 0);                  /* far from both, and less far from the wide one */
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
    w = by_hand(0);
    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("hmm_surprisal"), NULL, w, &grey, &m));
    s = stream_of(m, NULL);
    CHECK_NEAR(push(s, &one), 1 - 0.0918077, 1e-6);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
}

static void refuses(const char *name, const float *data, size_t n_row)
{
    mid_weights *w = by_hand(1);
    mid_monitor *m = NULL;

    CHECK_OK(mid_weights_set(test_ctx(), w, name, data, n_row, 2));
    CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("hmm_surprisal"), NULL, w, &grey, &m), MID_EFORMAT);
    CHECK(m == NULL);
    mid_weights_close(w);
}

TEST(hmm_surprisal, strangers)
{
    static const float sure[] = { 1, 0 }, half[] = { .5f, .4f }, minus[] = { 1, -1 };
    static const float move[] = { .5f, .5f, 0, 1 };
    static const double bad[] = { 2, -1, .5, NAN };
    mid_monitor *m = NULL;
    size_t i;

    refuses("start", sure, 1);
    refuses("start", half, 1);
    refuses("move", move, 2);
    refuses("sigma", minus, 1);
    refuses("sigma", sure, 1);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mid_weights *w = by_hand(bad[i]);
        CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("hmm_surprisal"), NULL, w, &grey, &m), MID_EFORMAT);
        mid_weights_close(w);
    }
    CHECK(m == NULL);
}

/* Nothing but certain tokens; answers without tokens; no tokens at all. */
TEST(hmm_surprisal, poor_sets)
{
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;
    int i, j;

    answers_put(&a, empty(), 0);
    answers_put(&a, empty(), 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("hmm_surprisal"), NULL, &set, &w), MID_EUNDEFINED);
    CHECK(w == NULL);
    for (i = 0; i < 4; i++) {
        mid_trace *t = empty();
        for (j = 0; j < 3; j++)
            put_surprisal(t, 0);
        answers_put(&a, t, i % 2);
    }
    w = fit(&a);
    CHECK_NEAR((double)row(w, "sigma", 1)[0], 0.1, 1e-6);
    mid_weights_close(w);
    answers_clear(&a);
}
