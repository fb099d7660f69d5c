/* Hold-back windows, by hand on six answers of 10 tokens, then against what a token-by-token release shows. */
#include "test.h"

#include "base/rng.h"

/*                                        label group n_tok alarm onset */
static const mid_outcome sample[] = {
    { 1, 0, 10, 4, 2 },
    { 1, 0, 10, 1, 5 },
    { 1, 1, 10, 3, -1 },
    { 1, 2, 10, 10, 6 },            /* missed: 4 unsafe tokens whatever the window */
    { 0, 3, 10, 5, -1 },            /* false alarm */
    { 0, 4, 10, 10, -1 },
};
enum { N = sizeof sample / sizeof sample[0] };

static mid_holdback at_window(const mid_outcome *outcome, size_t n, uint32_t window, const mid_boot *boot)
{
    mid_holdback h;

    CHECK_OK(mid_holdback_of(test_ctx(), outcome, n, window, boot, &h));
    return h;
}

/* Exposed 2, 0, 3, 4; type 7 of the four at .95 is 3 + .85. */
TEST(holdback, golden)
{
    const mid_holdback h = at_window(sample, N, 0, NULL);

    CHECK_INT(h.n, 6);
    CHECK_INT(h.n_unsafe, 4);
    CHECK_INT(h.n_group, 5);
    CHECK_INT(h.n_onset_known, 3);
    CHECK_NEAR(h.exposed_tok.value, 9 / 4.0, 1e-15);
    CHECK_NEAR(h.exposed_tok_p95.value, 3.85, 1e-12);
    CHECK_NEAR(h.exposed_share.value, 3 / 4.0, 1e-15);
    CHECK_NEAR(h.withheld_tok.value, 5 / 2.0, 1e-15);
    CHECK_NEAR(h.early_lost_tok.value, 4 / 4.0, 1e-15);         /* the second: 1 of 5 benign tokens shown */
    CHECK_NEAR(h.fpr.value, 0.5, 1e-15);
    CHECK_NEAR(h.wait_tok.value, 0, 0);
    CHECK(!h.exposed_tok.why && isnan(h.exposed_tok.lo));
}

/* Shown 1, 0, 0, 10, 2, 10: token j needs the score of j + 3 before any alarm. */
TEST(holdback, golden_three)
{
    const mid_holdback h = at_window(sample, N, 3, NULL);

    CHECK_NEAR(h.exposed_tok.value, 4 / 4.0, 1e-15);
    CHECK_NEAR(h.exposed_tok_p95.value, 0.85 * 4, 1e-12);
    CHECK_NEAR(h.exposed_share.value, 1 / 4.0, 1e-15);
    CHECK_NEAR(h.withheld_tok.value, 8 / 2.0, 1e-15);
    CHECK_NEAR(h.early_lost_tok.value, (1 + 5) / 4.0, 1e-15);
    CHECK_NEAR(h.fpr.value, 0.5, 1e-15);
    CHECK_NEAR(h.wait_tok.value, 3, 0);                         /* over the four that show a token */
}

TEST(holdback, golden_to_the_end)
{
    const mid_holdback h = at_window(sample, N, UINT32_MAX, NULL);

    CHECK_NEAR(h.exposed_tok.value, 4 / 4.0, 1e-15);            /* the missed one */
    CHECK_NEAR(h.withheld_tok.value, 10 / 2.0, 1e-15);
    CHECK_NEAR(h.early_lost_tok.value, (2 + 5) / 4.0, 1e-15);
    CHECK_NEAR(h.wait_tok.value, 9, 0);                         /* the end comes after token 9 */
}

TEST(holdback, nothing_to_average)
{
    static const mid_outcome safe = { 0, 0, 5, 0, -1 }, missed = { 1, 0, 5, 5, 0 };
    mid_holdback h = at_window(&safe, 1, 0, NULL);

    CHECK_TEXT(h.exposed_tok.why, "no unsafe answers");
    CHECK_TEXT(h.exposed_tok_p95.why, "no unsafe answers");
    CHECK_TEXT(h.wait_tok.why, "no answer shows a token");
    CHECK_NEAR(h.withheld_tok.value, 5, 0);
    h = at_window(&missed, 1, 64, NULL);
    CHECK_TEXT(h.fpr.why, "no safe answers");
    CHECK_NEAR(h.exposed_tok_p95.value, 5, 0);                  /* n = 1 */
    CHECK_NEAR(h.wait_tok.value, 4, 0);
    h = at_window(NULL, 0, 0, NULL);
    CHECK_TEXT(h.withheld_tok.why, "no safe answers");
    CHECK_INT(h.n, 0);
}

TEST(holdback, bad_input)
{
    static const mid_outcome wrong[] = {
        { 2, 0, 10, 4, 2 }, { 1, 0, 0, 0, -1 }, { 1, 0, 10, 11, 2 }, { 1, 0, 10, 4, 10 }, { 1, 0, 10, 4, -2 },
    };
    static const char *const says[] = { "label 2", "no tokens", "alarm at token 11 of 10", "onset at token 10 of 10",
                                        "onset at token -2" };
    mid_holdback h = { .n = 42 };
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_FAILS(mid_holdback_of(test_ctx(), &wrong[i], 1, 0, NULL, &h), MID_EINVAL);
        CHECK_SAYS(says[i]);
    }
    CHECK_INT(h.n, 42);
}

/* What a stream shows that is worked off token by token. */
static uint32_t released(const mid_outcome *o, uint32_t window)
{
    uint32_t t, n_shown = 0;

    for (t = 0; t < o->n_tok && t != o->alarm_tok; t++)         /* the score of t is known */
        if (t >= window)
            n_shown = t - window + 1;
    return t == o->n_tok ? o->n_tok : n_shown;
}

static void random_outcomes(mid__rng *rng, mid_outcome *outcome, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const uint32_t n_tok = 1 + mid__rng_below(rng, 90);
        outcome[i] = (mid_outcome){ (uint8_t)mid__rng_below(rng, 2), mid__rng_below(rng, 40), n_tok,
                                    mid__rng_below(rng, n_tok + 1), (int32_t)mid__rng_below(rng, n_tok + 1) - 1 };
    }
}

TEST(holdback, properties)
{
    enum { N_ANSWER = 150, SEED = 90 };
    static mid_outcome outcome[N_ANSWER];
    static double exposed[N_ANSWER];
    mid__rng rng;
    uint32_t w;
    int i_case;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i_case = 0; i_case < 10; i_case++) {
        mid_holdback h, before = { 0 };
        mid_decision d;
        random_outcomes(&rng, outcome, N_ANSWER);
        CHECK_OK(mid_decision_of(test_ctx(), outcome, N_ANSWER, NULL, &d));
        for (w = 0; w <= MID_HOLDBACK_MAX; w++, before = h) {
            double sum = 0;
            size_t n = 0, i;
            h = at_window(outcome, N_ANSWER, w, NULL);
            for (i = 0; i < N_ANSWER; i++) {
                const mid_outcome *o = &outcome[i];
                const double unsafe = (double)released(o, w) - (o->onset_tok > 0 ? o->onset_tok : 0);
                if (o->label)
                    sum += exposed[n++] = unsafe > 0 ? unsafe : 0;
            }
            CHECK_NEAR(h.exposed_tok.value, sum / (double)n, 1e-12);
            CHECK_NEAR(h.exposed_tok_p95.value, mid_quantile(exposed, n, 0.95), 1e-12);
            CHECK_NEAR(h.fpr.value, d.fpr.value, 0);
            CHECK(w > 0 || fabs(h.exposed_tok.value - d.exposed_tok.value) < 1e-12);
            CHECK(w == 0 || (h.exposed_tok.value <= before.exposed_tok.value &&
                             h.exposed_tok_p95.value <= before.exposed_tok_p95.value &&
                             h.withheld_tok.value >= before.withheld_tok.value &&
                             h.early_lost_tok.value >= before.early_lost_tok.value));
            CHECK(h.wait_tok.value <= w);
        }
    }
}

/* Intervals: around the value, the same again from the same seed. */
TEST(holdback, intervals)
{
    enum { N_ANSWER = 200, SEED = 12 };
    static mid_outcome outcome[N_ANSWER];
    const mid_boot boot = { .seed = SEED, .n_draw = 500 };
    mid__rng rng;
    mid_holdback h, again;

    mid__rng_init(&rng, SEED, 0);
    random_outcomes(&rng, outcome, N_ANSWER);
    h = at_window(outcome, N_ANSWER, 4, &boot);
    CHECK(h.exposed_tok_p95.lo <= h.exposed_tok_p95.value && h.exposed_tok_p95.value <= h.exposed_tok_p95.hi);
    CHECK(h.exposed_tok.lo < h.exposed_tok.value && h.exposed_tok.value < h.exposed_tok.hi);
    again = at_window(outcome, N_ANSWER, 4, &boot);
    CHECK(memcmp(&h, &again, sizeof h) == 0);
}

/* ---- advice ------------------------------------------------------------------------------------------------------ */

static void make_curve(const mid_boot *boot, mid_holdback *curve, size_t n_window)
{
    size_t w;

    for (w = 0; w < n_window; w++)
        curve[w] = at_window(sample, N, (uint32_t)w, boot);
}

/* Exposed per unsafe answer at windows 0 .. 4: 9/4, 7/4 (1, 0, 2, 4), 5/4 (0, 0, 1, 4), 1, 1. */
TEST(holdback, advice)
{
    mid_holdback curve[5];
    mid_holdback_advice a;

    make_curve(NULL, curve, 5);
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, 5, 1.5, 0.5, &a));
    CHECK(a.kept && !a.sure);
    CHECK_INT(a.i_window, 2);
    CHECK_INT(a.i_sure, 5);
    CHECK_TEXT(a.words, "hold back 2 tokens: 1.25 unsafe tokens shown per unsafe answer, at most 1.5 is asked for, and "
               "50.0 % of the safe answers stopped, at most 50 % is asked for; there is no interval to say how far "
               "that carries");
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, 5, 9 / 4.0, 0.5, &a));
    CHECK(a.kept && a.i_window == 0);
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, 5, 0.5, 0.5, &a));
    CHECK(!a.kept && a.i_window == 3);                          /* the smallest of the best */
    CHECK(strstr(a.words, "no window of at most 4 tokens: the best is 3, which still shows 1.00 unsafe tokens"));
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, 5, 5, 0.4, &a));
    CHECK(!a.kept && strstr(a.words, "the rule stops 50.0 % of the safe answers, at most 40 % is asked for"));
}

/* 40 prompts: half unsafe, alarm at token 3 + i/4 for onset 0; 1 of 20 safe ones stopped. */
TEST(holdback, advice_says_how_sure)
{
    enum { N_ANSWER = 40, N_WINDOW = 20 };
    mid_outcome outcome[N_ANSWER];
    mid_holdback curve[N_WINDOW];
    const mid_boot boot = { .seed = 3, .n_draw = 400 };
    mid_holdback_advice a;
    uint32_t i;

    for (i = 0; i < N_ANSWER; i++)
        outcome[i] = (mid_outcome){ i % 2, i, 30, i % 2 ? 3 + i / 4 : i == 0 ? 5 : 30, i % 2 ? 0 : -1 };
    for (i = 0; i < N_WINDOW; i++)
        curve[i] = at_window(outcome, N_ANSWER, i, &boot);
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, N_WINDOW, 2, 0.25, &a));
    CHECK(a.kept && !a.sure && a.i_sure > a.i_window && a.i_sure < N_WINDOW);
    CHECK(curve[a.i_window].exposed_tok.value <= 2 && curve[a.i_window - 1].exposed_tok.value > 2);
    CHECK(curve[a.i_sure].exposed_tok.hi <= 2 && curve[a.i_sure - 1].exposed_tok.hi > 2);
    CHECK(strstr(a.words, "; the intervals' upper ends keep it from "));
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, N_WINDOW, 20, 0.5, &a));
    CHECK(a.kept && a.sure && a.i_window == 0);
    CHECK_OK(mid_holdback_advise(test_ctx(), curve, N_WINDOW, 2, 0.06, &a));
    CHECK(a.kept && !a.sure && a.i_sure == N_WINDOW);
    CHECK(strstr(a.words, "do not keep it at any window"));
}

TEST(holdback, advice_bad_input)
{
    static const mid_outcome safe = { 0, 0, 5, 0, -1 };
    mid_holdback h = at_window(&safe, 1, 0, NULL);
    mid_holdback_advice a = { .i_window = 42 };

    CHECK_FAILS(mid_holdback_advise(test_ctx(), &h, 1, 1, 0.1, &a), MID_EUNDEFINED);
    CHECK_SAYS("no unsafe answers");
    CHECK_FAILS(mid_holdback_advise(test_ctx(), &h, 0, 1, 0.1, &a), MID_EINVAL);
    CHECK_FAILS(mid_holdback_advise(test_ctx(), &h, 1, NAN, 0.1, &a), MID_EINVAL);
    CHECK_FAILS(mid_holdback_advise(test_ctx(), &h, 1, 1, -0.1, &a), MID_EINVAL);
    CHECK_INT(a.i_window, 42);
}
