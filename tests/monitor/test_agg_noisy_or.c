#include "aggregates.h"

/* Learned numbers put in by hand: p = sigma(s). Open for them. */
static void open_with(aggregated *a, const char *text, float slope, float offset)
{
    const float learned[] = { slope, offset };

    memset(a, 0, sizeof *a);
    a->spec.monitor = mid_monitor_find("random");
    CHECK_OK(mid__chain_parse(test_ctx(), text, &a->spec));
    CHECK_OK(mid_weights_open(test_ctx(), &a->w));
    CHECK_OK(mid_weights_set_text(test_ctx(), a->w, "aggregate", text));
    CHECK_OK(mid_weights_set_number(test_ctx(), a->w, "agg.0.version", 1));
    CHECK_OK(mid_weights_set(test_ctx(), a->w, "agg.0.learned", learned, 1, 2));
    CHECK_OK(mid__chain_open(test_ctx(), &a->spec, a->w, &a->chain));
    a->state = calloc(1, a->chain.state_size);
}

/* sigma(0) = 1/2, sigma(ln 3) = 3/4. Chunks of two: only a chunk's last score stays.
 * Tokens 0, ln 3 | 0, 0 | 0: 1 - g is .5; .25; .25 * .5, twice; .125 * .5. */
TEST(agg_noisy_or, golden)
{
    const double score[] = { 0, 1.0986122886681098, 0, 0, 0 }, none[] = { .5, .25, .125, .125, .0625 };
    aggregated a;
    size_t i;

    open_with(&a, "noisy_or(2)", 1, 0);
    for (i = 0; i < 5; i++)
        CHECK_NEAR(exp(-aggregated_push(&a, score[i])), none[i], 1e-15);
    aggregated_close(&a);
    open_with(&a, "noisy_or(1)", 2, -1);                    /* p = sigma(2 s - 1) */
    CHECK_NEAR(exp(-aggregated_push(&a, 0.5)), .5, 1e-15);
    CHECK_NEAR(exp(-aggregated_push(&a, 0.5)), .25, 1e-15);
    CHECK_NEAR(aggregated_push(&a, 1e6), 2 * log(2) + 2e6 - 1, 1e-6);   /* no overflow, and no running into 1 */
    aggregated_close(&a);
}

/* Answers of 3 chunks; an unsafe one has a single bad chunk. The fit is calibrated: the mean noisy-or is the share of unsafe
 * answers; and it finds the chunk. */
TEST(agg_noisy_or, fit_is_calibrated)
{
    enum { N = 60, LONG = 9 };
    double score[N][LONG], sum = 0, safe = 0, unsafe = INFINITY;
    mid_scored_answer answer[N];
    const mid_score_set set = { answer, N };
    aggregated a;
    size_t i, t;

    for (i = 0; i < N; i++) {
        answer[i] = (mid_scored_answer){ score[i], LONG, i % 4 == 0 };
        for (t = 0; t < LONG; t++)
            score[i][t] = (double)((7 * i + 3 * t) % 10) / 10 + (answer[i].label && t / 3 == i % 3 ? 5 : 0);
    }
    aggregated_open(&a, "noisy_or(3)", &set);
    for (i = 0; i < N; i++) {
        double g[LONG];
        mid__chain_score(&a.chain, a.state, score[i], LONG, g);
        sum += 1 - exp(-g[LONG - 1]);
        if (answer[i].label)
            unsafe = fmin(unsafe, g[LONG - 1]);
        else
            safe = fmax(safe, g[LONG - 1]);
    }
    CHECK_NEAR(sum / N, 0.25, 1e-6);                        /* float32 weights */
    CHECK(unsafe > safe);
    aggregated_close(&a);
}

TEST(agg_noisy_or, constant_scores_learn_the_share)
{
    const double one[] = { 1, 1 };
    const mid_scored_answer answer[] = { { one, 2, 0 }, { one, 2, 1 } };
    const mid_score_set set = { answer, 2 };
    aggregated a;

    aggregated_open(&a, "noisy_or", &set);
    CHECK_NEAR(exp(-aggregated_push(&a, 1)), 0.5, 1e-6);
    aggregated_close(&a);
}

TEST(agg_noisy_or, refuses_a_falling_slope)
{
    const float falling[] = { -1, 0 };
    mid__chain chain;
    aggregated a;

    open_with(&a, "noisy_or(2)", 1, 0);
    CHECK_OK(mid_weights_set(test_ctx(), a.w, "agg.0.learned", falling, 1, 2));
    CHECK_FAILS(mid__chain_open(test_ctx(), &a.spec, a.w, &chain), MID_EFORMAT);
    aggregated_close(&a);
}
