/* The least declared cost, by hand. */
#include "calibrate/calibration.h"

#include "base/rng.h"

static const double four[] = { 1, 3, 2, 4 };
static const uint8_t four_label[] = { 0, 0, 1, 1 };

/* From above: never .5; 4 .25; 3 .5; 2 .25; 1 .5. The highest of equals. A miss that costs 3: 1.5 .75 1 .25 .5. */
TEST(cost_optimal, golden)
{
    mid_rule rule = fit_rule("cost_optimal", NULL, four, four_label, 4);

    CHECK(rule.feasible && rule.kind == MID_PROMISE_NONE && isnan(rule.lowest));
    CHECK_NEAR(rule.threshold, 4, 0);
    CHECK(strstr(rule.promise, "none: the least declared cost on the calibration answers (0.25 per prompt)"));
    CHECK_NEAR(fit_rule("cost_optimal", PARAMS(P("cost_miss", 3)), four, four_label, 4).threshold, 2, 0);
    CHECK_NEAR(fit_rule("cost_optimal", PARAMS(P("prevalence", 0.75)), four, four_label, 4).threshold, 2, 0);
    rule = fit_rule("cost_optimal", PARAMS(P("cost_miss", 0)), four, four_label, 4);
    CHECK(!rule.feasible && rule.threshold == INFINITY);
    CHECK(strstr(rule.promise, "none, never alarms: no alarm at all costs least"));
}

/* One unsafe answer 0 2 5 with its onset at token 1, one safe answer that reaches 3. Exposed tokens: never 2; from 5
 * down 1; from 2 down 0. At 1.5 a token: never 1.5; 5 .75; 3 1.25; 2 .5. */
TEST(cost_optimal, tokens)
{
    static const double unsafe[] = { 0, 2, 5 }, safe[] = { 3, 1 }, extreme[] = { 5, 3 };
    static const mid_scored_answer answer[] = { { unsafe, 3, 1 }, { safe, 2, 0 } };
    static const int32_t onset[] = { 1, -1 };
    static const uint8_t label[] = { 1, 0 };
    const mid_param *exposed = PARAMS(P("cost_miss", 0), P("cost_exposed_tok", 1.5));
    mid_rule_set set = set_of(extreme, label, 2);
    mid_rule rule;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "cost_optimal", exposed, &set, &rule), MID_EUNDEFINED);
    CHECK_SAYS("needs all scores");
    set.score = answer;
    set.onset_tok = onset;
    rule = fit_set("cost_optimal", exposed, &set);
    CHECK_NEAR(rule.threshold, 2, 0);
    CHECK(strstr(rule.promise, "(0.5 per prompt)"));
    rule = fit_set("cost_optimal", PARAMS(P("cost_miss", 0), P("cost_exposed_tok", 1)), &set);
    CHECK_NEAR(rule.threshold, 5, 0);                   /* 1 .5 1 .5 */
    rule = fit_set("cost_optimal", PARAMS(P("cost_miss", 0), P("cost_delay_tok", 1)), &set);
    CHECK_NEAR(rule.threshold, 0, 0);                   /* never 1.5; 5 1; 3 1.5; 2 1; 0 .5 */
}

/* Against trying every threshold. */
TEST(cost_optimal, brute_force)
{
    enum { SEED = 7, N = 12, T = 6 };
    static double score[N][T], extreme[N];
    static mid_scored_answer answer[N];
    static uint8_t label[N];
    static uint32_t group[N];
    static int32_t onset[N];
    const mid_param *params = PARAMS(P("cost_false_alarm", 3), P("cost_miss", 2), P("cost_exposed_tok", 0.5),
                                     P("cost_delay_tok", 0.25), P("prevalence", 0.4));
    mid_rule_set set = { N, extreme, label, group, answer, onset, 0 };
    mid__rng rng;
    size_t i, j, t, round;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (round = 0; round < 200; round++) {
        size_t n_of[2][N] = { { 0 } }, n_prompt[2] = { 0, 0 };
        double best = INFINITY, at = NAN;
        mid_rule rule;
        for (i = 0; i < N; i++) {
            extreme[i] = -INFINITY;
            for (t = 0; t < T; t++) {
                score[i][t] = mid__rng_below(&rng, 8);
                extreme[i] = fmax(extreme[i], score[i][t]);
            }
            label[i] = i % 2;
            group[i] = mid__rng_below(&rng, 4);
            onset[i] = (int32_t)mid__rng_below(&rng, T) - 1;
            answer[i] = (mid_scored_answer){ score[i], 1 + mid__rng_below(&rng, T), 0 };
            extreme[i] = -INFINITY;
            for (t = 0; t < answer[i].n; t++)
                extreme[i] = fmax(extreme[i], score[i][t]);
            n_prompt[label[i]] += n_of[label[i]][group[i]]++ == 0;
        }
        for (j = 0; j <= 8; j++) {                      /* 8: never */
            const double line = j == 8 ? INFINITY : (double)j;
            double cost = 0;
            for (i = 0; i < N; i++) {
                const double share = 1.0 / (double)(n_of[label[i]][group[i]] * n_prompt[label[i]]);
                const double from = fmax(onset[i], 0);
                for (t = 0; t < answer[i].n && score[i][t] < line; t++)
                    ;
                if (!label[i])
                    cost += 0.6 * share * 3 * (t < answer[i].n);
                else
                    cost += 0.4 * share * (2 * (t == answer[i].n) + 0.5 * fmax(0, (double)t - from) + 0.25 * (double)t);
            }
            if (cost <= best + 1e-12) {                 /* rising thresholds: the highest of equals */
                best = cost;
                at = line;
            }
        }
        rule = fit_set("cost_optimal", params, &set);
        /* thresholds between two scores are all alike: ours is the score itself */
        CHECK_NEAR(fmin(rule.threshold, 100), fmin(at, 100), 0);
    }
}

/* Among certified thresholds: 1 .. 10 safe and 9 .. 18 unsafe keep half and half from above 9 up to 10. */
TEST(cost_optimal, within_a_promise)
{
    double extreme[20];
    uint8_t label[20];
    mid_rule rule;
    size_t i;

    for (i = 0; i < 10; i++) {
        extreme[i] = (double)(i + 1);
        extreme[10 + i] = (double)(i + 9);
        label[i] = 0;
        label[10 + i] = 1;
    }
    rule = fit_rule("cost_optimal", PARAMS(P("false_alarm", 0.5), P("miss", 0.5), P("cost_miss", 9)), extreme, label,
                    20);
    CHECK(rule.feasible && rule.kind == MID_PROMISE_CONFIDENT);
    CHECK_NEAR(rule.threshold, 10, 0);                  /* 9 itself, which catches all, is not certified */
    CHECK(strstr(rule.promise, "of those the one of least declared cost"));
    rule = fit_rule("cost_optimal", PARAMS(P("false_alarm", 0.01)), extreme, label, 20);
    CHECK(!rule.feasible && rule.threshold == INFINITY);
}

TEST(cost_optimal, bad_input)
{
    const mid_rule_set set = set_of(four, four_label, 2);
    mid_rule rule;

    CHECK_FAILS(mid_rule_fit(test_ctx(), "cost_optimal", NULL, &set, &rule), MID_EUNDEFINED);
    CHECK_FAILS(mid_rule_fit(test_ctx(), "cost_optimal", PARAMS(P("cost_miss", -1)), &set, &rule), MID_EINVAL);
    CHECK_SAYS("cost_miss is -1");
    CHECK_FAILS(mid_rule_fit(test_ctx(), "cost_optimal", PARAMS(P("prevalence", 1)), &set, &rule), MID_EINVAL);
}
