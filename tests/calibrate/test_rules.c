/* What holds for every rule of the registry: bad input, degenerate input, order, and what it says when it cannot. */
#include "calibrate/calibration.h"

#include "base/rng.h"

/* Each rule as it stands, and with all that it can be asked for. */
static const struct { const char *name; const mid_param *params; } use[] = {
    { "best_f1", NULL }, { "conformal", NULL }, { "conformal", PARAMS(P("alpha", 0.3)) }, { "cost_optimal", NULL },
    { "cost_optimal", PARAMS(P("cost_exposed_tok", 0.1), P("cost_delay_tok", 0.01)) },
    { "cost_optimal", PARAMS(P("false_alarm", 0.3), P("miss", 0.4), P("cost_miss", 2)) }, { "crc", NULL },
    { "crc", PARAMS(P("false_alarm", 0.2), P("miss", 0.3)) }, { "crc", PARAMS(P("miss", 0.3)) }, { "e_process", NULL },
    { "e_process", PARAMS(P("false_alarm", 0.2), P("confidence", 0.8)) }, { "high_probability", NULL },
    { "high_probability", PARAMS(P("false_alarm", 0.3), P("miss", 0.4), P("joint", 2)) },
    { "hoeffding_bentkus", PARAMS(P("false_alarm", 0.4), P("miss", 0.4)) },
    { "hoeffding_bentkus", PARAMS(P("miss", 0.3)) },
    { "sprt", NULL }, { "sprt", PARAMS(P("false_alarm", 0.3), P("confidence", 0.8)) }, { "three_way", NULL },
    { "three_way", PARAMS(P("false_alarm", 0.3), P("miss", 0.4)) },
};
enum { USE_N = sizeof use / sizeof use[0], N = 60, T = 8, SEED = 2024 };

/* Answers with their scores: several to a prompt, ties, scores that are not there yet. */
typedef struct sample {
    double score[N][T], extreme[N];
    mid_scored_answer answer[N];
    uint8_t label[N];
    uint32_t group[N];
    int32_t onset[N];
    mid_rule_set set;
} sample;

static void draw(mid__rng *rng, sample *s, size_t n)
{
    size_t i, t;

    for (i = 0; i < n; i++) {
        s->label[i] = (uint8_t)mid__rng_below(rng, 2);
        s->group[i] = mid__rng_below(rng, N);
        s->onset[i] = (int32_t)mid__rng_below(rng, 3) - 1;
        s->extreme[i] = -INFINITY;
        for (t = 0; t < T; t++) {
            s->score[i][t] = mid__rng_below(rng, 8) ? mid__rng_below(rng, 40) / 4.0 - 5 + 3 * s->label[i] : -INFINITY;
            s->extreme[i] = fmax(s->extreme[i], s->score[i][t]);
        }
        s->answer[i] = (mid_scored_answer){ s->score[i], T, s->label[i] };
    }
    s->set = (mid_rule_set){ n, s->extreme, s->label, s->group, s->answer, s->onset, T };
}

static void check_same(const mid_rule *a, const mid_rule *b)
{
    CHECK(a->feasible == b->feasible && a->threshold == b->threshold && a->clear == b->clear && a->hold == b->hold);
    CHECK(a->n_safe == b->n_safe && a->n_unsafe == b->n_unsafe);
    CHECK_TEXT(a->promise, b->promise);
}

TEST(rules, the_order_of_answers_changes_nothing)
{
    static sample a, b;
    mid__rng rng;
    size_t i, j, k, round;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (round = 0; round < 30; round++) {
        draw(&rng, &a, N);
        memcpy(&b, &a, sizeof b);
        for (i = N - 1; i > 0; i--) {
            const mid_scored_answer answer = b.answer[i];
            const double extreme = b.extreme[i];
            const uint8_t label = b.label[i];
            const uint32_t group = b.group[i];
            const int32_t onset = b.onset[i];
            j = mid__rng_below(&rng, (uint32_t)i + 1);
            b.answer[i] = b.answer[j], b.extreme[i] = b.extreme[j], b.label[i] = b.label[j], b.group[i] = b.group[j];
            b.onset[i] = b.onset[j];
            b.answer[j] = answer, b.extreme[j] = extreme, b.label[j] = label, b.group[j] = group, b.onset[j] = onset;
        }
        b.set = (mid_rule_set){ N, b.extreme, b.label, b.group, b.answer, b.onset, T };
        for (k = 0; k < USE_N; k++) {
            const mid_rule x = fit_set(use[k].name, use[k].params, &a.set);
            const mid_rule y = fit_set(use[k].name, use[k].params, &b.set);
            check_same(&x, &y);
        }
    }
}

/* How often the rule's alarms are wrong on the set itself, prompts counting once. */
static double share_wrong(const sample *s, const mid_rule *rule, uint8_t label)
{
    bool seen[N] = { false }, wrong[N] = { false };
    size_t i, n = 0, n_wrong = 0;

    for (i = 0; i < s->set.n; i++)
        if (s->label[i] == label) {
            seen[s->group[i]] = true;
            wrong[s->group[i]] |= (mid_rule_alarm(rule, s->score[i], T) < T) != label;
        }
    for (i = 0; i < N; i++) {
        n += seen[i];
        n_wrong += wrong[i];
    }
    return n ? (double)n_wrong / (double)n : 0;
}

/* What is promised for new prompts is kept on the calibration prompts; every threshold said to keep it as well does. */
TEST(rules, the_calibration_prompts_keep_the_promise)
{
    static sample s;
    mid__rng rng;
    size_t k, round, n_feasible = 0;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 1);
    for (round = 0; round < 40; round++) {
        draw(&rng, &s, N);
        for (k = 0; k < USE_N; k++) {
            mid_rule rule = fit_set(use[k].name, use[k].params, &s.set);
            const bool shares = strcmp(rule.name, "hoeffding_bentkus") == 0, two = rule.can_hold;
            if (!rule.feasible || rule.kind < MID_PROMISE_MEAN || shares)
                continue;
            n_feasible += 1;
            CHECK(rule.lowest <= rule.threshold && rule.threshold <= rule.highest);
            if (!isnan(rule.false_alarm))
                CHECK(share_wrong(&s, &rule, 0) <= rule.false_alarm);
            if (!isnan(rule.miss) && !two)
                CHECK(share_wrong(&s, &rule, 1) <= rule.miss);
            rule.threshold = rule.highest;
            rule.hold_alarms = true;
            if (!isnan(rule.miss))
                CHECK(share_wrong(&s, &rule, 1) <= rule.miss);
        }
    }
    print_message("%zu promises\n", n_feasible);
    CHECK(n_feasible > 100);
}

/* What is called nearest can be asked for, is no stronger than what was asked for, and is kept. */
TEST(rules, the_nearest_promise_is_feasible)
{
    static const char *const name[] = { "crc", "high_probability", "hoeffding_bentkus" };
    static sample s;
    mid__rng rng;
    size_t k, round, n_checked = 0;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 2);
    for (round = 0; round < 300; round++) {
        const double fa = 0.01 + 0.3 * mid__rng_unit(&rng), miss = 0.01 + 0.3 * mid__rng_unit(&rng);
        draw(&rng, &s, 1 + mid__rng_below(&rng, N));
        for (k = 0; k < 3; k++) {
            const mid_param *asked = round % 3 == 0 ? PARAMS(P("false_alarm", fa))
                                     : round % 3 == 1 ? PARAMS(P("miss", miss))
                                     : PARAMS(P("false_alarm", fa), P("miss", miss));
            mid_rule rule = fit_set(name[k], asked, &s.set), near;
            if (rule.feasible || (isnan(rule.nearest_false_alarm) && isnan(rule.nearest_miss)))
                continue;
            CHECK(!(rule.nearest_false_alarm < rule.false_alarm) && !(rule.nearest_miss < rule.miss));
            CHECK(isnan(rule.nearest_false_alarm) == isnan(rule.false_alarm) &&
                  isnan(rule.nearest_miss) == isnan(rule.miss));
            CHECK(strstr(rule.promise, "nearest: at most"));
            asked = isnan(rule.miss) ? PARAMS(P("false_alarm", rule.nearest_false_alarm))
                    : isnan(rule.false_alarm) ? PARAMS(P("miss", rule.nearest_miss))
                    : PARAMS(P("false_alarm", rule.nearest_false_alarm), P("miss", rule.nearest_miss));
            near = fit_set(name[k], asked, &s.set);
            CHECK(near.feasible);
            n_checked += 1;
        }
    }
    print_message("%zu nearest promises\n", n_checked);
    CHECK(n_checked > 100);
}

/* With fewer prompts than needed no rule is feasible; asking for more never lowers what is needed. */
TEST(rules, needs)
{
    static sample s;
    size_t k, n_safe, n_unsafe, less_safe, less_unsafe;
    mid__rng rng;

    mid__rng_init(&rng, SEED, 3);
    draw(&rng, &s, N);
    for (k = 0; k < USE_N; k++) {
        const mid_rule rule = fit_set(use[k].name, use[k].params, &s.set);
        CHECK_OK(mid_rule_needs(test_ctx(), use[k].name, use[k].params, &n_safe, &n_unsafe));
        CHECK(!rule.feasible || (rule.n_safe >= n_safe && rule.n_unsafe >= n_unsafe));
    }
    CHECK_OK(mid_rule_needs(test_ctx(), "high_probability",
                            PARAMS(P("false_alarm", 0.1), P("miss", 0.1), P("joint", 4)), &n_safe,
                            &n_unsafe));
    CHECK_OK(mid_rule_needs(test_ctx(), "high_probability", PARAMS(P("false_alarm", 0.1), P("miss", 0.1)), &less_safe,
                            &less_unsafe));
    CHECK(n_safe > less_safe && n_unsafe > less_unsafe);
}

/* A rule that needs both classes says so; the others are feasible or say why not; none alarms when it is not. */
static void check_degenerate(const mid_rule_set *set)
{
    size_t k, n_safe, n_unsafe;

    for (k = 0; k < USE_N; k++) {
        mid_rule rule = { .threshold = 42 };
        const mid_status status = mid_rule_fit(test_ctx(), use[k].name, use[k].params, set, &rule);
        if (status == MID_EUNDEFINED) {
            CHECK_SAYS("needs");
            CHECK(rule.threshold == 42);
            continue;
        }
        CHECK_OK(status);
        CHECK(!isnan(rule.threshold) && rule.promise[0]);
        CHECK_OK(mid_rule_needs(test_ctx(), use[k].name, use[k].params, &n_safe, &n_unsafe));
        if (rule.n_safe < n_safe || rule.n_unsafe < n_unsafe)
            CHECK(!rule.feasible);
        if (!rule.feasible) {
            const double score[] = { 1e308, INFINITY };
            CHECK_INT(mid_rule_alarm(&rule, score, 2), 2);
            CHECK(strstr(rule.promise, "none, never alarms: ") == rule.promise);
        }
    }
}

TEST(rules, degenerate)
{
    static const double value[] = { 0, -INFINITY, INFINITY, 3 };
    static double score[N], extreme[N];
    static uint8_t label[N];
    static mid_scored_answer answer[N];
    size_t i, v, n, one_class;
    mid_rule_set set;

    for (v = 0; v < 4; v++)                             /* all tied */
        for (n = 0; n <= N; n = n ? 4 * n : 1)
            for (one_class = 0; one_class < 3; one_class++) {
                for (i = 0; i < n; i++) {
                    score[i] = extreme[i] = value[v];
                    label[i] = (uint8_t)(one_class < 2 ? one_class : i % 2);
                    answer[i] = (mid_scored_answer){ &score[i], 1, 0 };
                }
                set = set_of(extreme, label, n);
                set.score = answer;
                check_degenerate(&set);
            }
}

TEST(rules, bad_input)
{
    static sample s;
    mid_rule rule = { .threshold = 42 };
    mid__rng rng;
    size_t k;

    mid__rng_init(&rng, SEED, 4);
    draw(&rng, &s, N);
    for (k = 0; k < USE_N; k++) {
        CHECK_FAILS(mid_rule_fit(test_ctx(), use[k].name, PARAMS(P("alhpa", 1)), &s.set, &rule), MID_EINVAL);
        CHECK_SAYS("has no parameter 'alhpa'");
        s.extreme[7] = NAN;
        CHECK_FAILS(mid_rule_fit(test_ctx(), use[k].name, use[k].params, &s.set, &rule), MID_ENUMERIC);
        s.extreme[7] = 0;
        s.score[3][2] = NAN;
        CHECK_FAILS(mid_rule_fit(test_ctx(), use[k].name, use[k].params, &s.set, &rule), MID_ENUMERIC);
        CHECK_SAYS("score 2 of answer 3");
        s.score[3][2] = 0;
        s.label[5] = 2;
        CHECK_FAILS(mid_rule_fit(test_ctx(), use[k].name, use[k].params, &s.set, &rule), MID_EINVAL);
        s.label[5] = 1;
    }
    CHECK(rule.threshold == 42);
}
