/* Promises against the truth: 2000 calibrations of every rule that makes one, drawn from populations whose rates are
 * known exactly because they are finite and drawn from with replacement. Prints the tables of docs/guarantees.md;
 * then what breaks a promise, measured the same way. The shares checked have a tolerance of three standard errors. */
#include "calibrate/calibration.h"

#include "base/rng.h"
#include "calibrate/side.h"

enum { SEED = 20240607, N_CALIBRATION = 2000, N_POPULATION = 20000, PROMPT_ANSWERS = 4, N_MAX = 2000 };

static double normal(mid__rng *rng)
{
    const double radius = sqrt(-2 * log(1 - mid__rng_unit(rng)));

    return radius * cos(6.28318530717958648 * mid__rng_unit(rng));
}

/* ---- populations ------------------------------------------------------------------------------------------------- */

/* Prompts of one class with one or four answers each. */
typedef struct population {
    double extreme[N_POPULATION][PROMPT_ANSWERS];
    double prompt[N_POPULATION];    /* rising: what a prompt is to a promise that counts prompts */
    size_t n_answer;
} population;

enum scores { CONTINUOUS, EIGHT_VALUES, FOUR_ANSWERS };
static const char *const scores_name[] = { "continuous", "eight values", "four answers a prompt" };

/* Unsafe answers score 2 higher. The four answers to a prompt have a correlation of .9. */
static void populate(population *p, enum scores kind, bool unsafe, double shift, uint64_t stream)
{
    mid__rng rng;
    size_t i, k;

    mid__rng_init(&rng, SEED, stream);
    p->n_answer = kind == FOUR_ANSWERS ? PROMPT_ANSWERS : 1;
    for (i = 0; i < N_POPULATION; i++) {
        const double common = normal(&rng);
        p->prompt[i] = unsafe ? INFINITY : -INFINITY;
        for (k = 0; k < p->n_answer; k++) {
            double x = kind == FOUR_ANSWERS ? sqrt(0.9) * common + sqrt(0.1) * normal(&rng) : common;
            x += shift + 2 * unsafe;
            if (kind == EIGHT_VALUES)
                x = floor(fmin(fmax(x, -3), 4.9));
            p->extreme[i][k] = x;
            p->prompt[i] = unsafe ? fmin(p->prompt[i], x) : fmax(p->prompt[i], x);
        }
    }
    CHECK_OK(mid__rise(test_ctx(), p->prompt, NULL, N_POPULATION));
}

/* Share of values at or above the threshold. */
static double share_from(const double *rising, size_t n, double threshold)
{
    const mid__side side = { .at = (double *)(uintptr_t)rising, .n = n, .n_prompt = n };

    return mid__side_from(&side, threshold) / (double)n;
}

/* Mean share of a prompt's answers that alarm. */
static double answers_from(const population *p, double threshold)
{
    size_t i, k, n = 0;

    for (i = 0; i < N_POPULATION; i++)
        for (k = 0; k < p->n_answer; k++)
            n += p->extreme[i][k] >= threshold;
    return (double)n / (double)(N_POPULATION * p->n_answer);
}

/* ---- calibration sets -------------------------------------------------------------------------------------------- */

typedef struct drawn {
    double extreme[N_MAX];
    uint8_t label[N_MAX];
    uint32_t group[N_MAX];
    mid_rule_set set;
} drawn;

static void draw(mid__rng *rng, const population *p, uint8_t label, size_t n_prompt, drawn *d)
{
    size_t i, k;

    for (i = 0; i < n_prompt; i++) {
        const uint32_t pick = mid__rng_below(rng, N_POPULATION);
        for (k = 0; k < p->n_answer; k++) {
            CHECK(d->set.n < N_MAX);
            d->extreme[d->set.n] = p->extreme[pick][k];
            d->label[d->set.n] = label;
            d->group[d->set.n++] = (uint32_t)(2 * i + label);
        }
    }
}

static void draw_both(mid__rng *rng, const population *safe, const population *unsafe, size_t n_safe, size_t n_unsafe,
                      drawn *d)
{
    d->set = (mid_rule_set){ .n = 0, .extreme = d->extreme, .label = d->label, .group = d->group };
    draw(rng, safe, 0, n_safe, d);
    draw(rng, unsafe, 1, n_unsafe, d);
}

/* ---- rules that keep rates --------------------------------------------------------------------------------------- */

typedef struct use { const char *name; const mid_param *params; size_t n_safe, n_unsafe; bool hard; } use;
static const use uses[] = {
    { "conformal", PARAMS(P("alpha", 0.05)), 57, 0, false },
    { "conformal", PARAMS(P("alpha", 0.1)), 150, 0, false },
    { "crc", PARAMS(P("miss", 0.1)), 0, 60, false },
    { "crc", PARAMS(P("false_alarm", 0.2), P("miss", 0.4)), 100, 60, false },
    { "high_probability", PARAMS(P("false_alarm", 0.1)), 150, 0, false },
    { "high_probability", PARAMS(P("miss", 0.1)), 0, 80, false },
    { "high_probability", PARAMS(P("false_alarm", 0.2), P("miss", 0.4)), 300, 200, false },
    { "hoeffding_bentkus", PARAMS(P("false_alarm", 0.1)), 150, 0, false },
    { "hoeffding_bentkus", PARAMS(P("false_alarm", 0.2), P("miss", 0.4)), 300, 200, false },
    { "e_process", PARAMS(P("false_alarm", 0.1), P("confidence", 0.9)), 150, 0, false },
    { "three_way", PARAMS(P("false_alarm", 0.1), P("miss", 0.1)), 150, 100, false },
    { "cost_optimal", PARAMS(P("false_alarm", 0.2), P("miss", 0.4), P("cost_miss", 5)), 300, 200, false },
    { "crc", PARAMS(P("false_alarm", 0.2), P("miss", 0.2)), 100, 60, true },
    { "high_probability", PARAMS(P("false_alarm", 0.2), P("miss", 0.35)), 150, 100, true },
};
enum { USE_N = sizeof uses / sizeof uses[0] };

typedef struct tally {
    double false_alarm, miss, sq_false_alarm, sq_miss;      /* sums of the true rates and of their squares */
    size_t n_infeasible, n_false_alarm, n_miss, n_any;      /* how often the promise was not kept */
} tally;

static void count(tally *t, const mid_rule *rule, double false_alarm, double miss)
{
    const bool fa_broken = rule->feasible && false_alarm > rule->false_alarm;
    const bool miss_broken = rule->feasible && miss > rule->miss;

    t->n_infeasible += !rule->feasible;
    t->n_false_alarm += fa_broken;
    t->n_miss += miss_broken;
    t->n_any += fa_broken || miss_broken;
    if (!rule->feasible)
        return;                     /* it never alarms and promises nothing */
    t->false_alarm += false_alarm;
    t->sq_false_alarm += false_alarm * false_alarm;
    t->miss += miss;
    t->sq_miss += miss * miss;
}

static void check_mean(double sum, double sq, double rate)
{
    const double n = N_CALIBRATION, mean = sum / n;

    if (!isnan(rate))
        CHECK(mean <= rate + 3 * sqrt((sq / n - mean * mean) / n));
}

static void check_share(size_t n_broken, double delta)
{
    CHECK((double)n_broken <= N_CALIBRATION * delta + 3 * sqrt(N_CALIBRATION * delta * (1 - delta)));
}

static const char *cell(char text[16], double value, double asked)
{
    if (isnan(asked))
        return "-";
    snprintf(text, 16, "%.4f", value);
    return text;
}

static void report(const use *u, const char *kind, const mid_rule *rule, const tally *t)
{
    const double n = N_CALIBRATION, n_kept = fmax(1, n - (double)t->n_infeasible);
    const bool mean = rule->kind == MID_PROMISE_MEAN;
    char text[3][16], asked[2][16];

    snprintf(asked[0], 16, "%g", rule->false_alarm);
    snprintf(asked[1], 16, "%g", rule->miss);
    print_message("| `%s` | %s | %zu, %zu | %s, %s | %zu | %s | %s | %s | %s |\n", u->name, kind, u->n_safe,
                  u->n_unsafe, isnan(rule->false_alarm) ? "-" : asked[0], isnan(rule->miss) ? "-" : asked[1],
                  t->n_infeasible,
                  cell(text[0], t->false_alarm / n_kept, rule->false_alarm),
                  cell(text[1], t->miss / n_kept, rule->miss),
                  mean ? "mean" : "0.1", cell(text[2], (double)t->n_any / n, mean ? NAN : 0));
}

static void try_rule(const use *u, enum scores kind, uint64_t stream)
{
    static population safe, unsafe;
    static drawn d;
    const bool shares = strcmp(u->name, "hoeffding_bentkus") == 0;
    mid_rule rule = { .kind = MID_PROMISE_NONE };
    tally t = { 0 };
    mid__rng rng;
    size_t i;

    populate(&safe, kind, false, 0, 2 * stream);
    populate(&unsafe, kind, true, 0, 2 * stream + 1);
    mid__rng_init(&rng, SEED, 1000 + stream);
    for (i = 0; i < N_CALIBRATION; i++) {
        double line, fa, miss;
        draw_both(&rng, &safe, &unsafe, u->n_safe, u->n_unsafe, &d);
        rule = fit_set(u->name, u->params, &d.set);
        line = rule.can_hold ? rule.hold : rule.threshold;
        fa = shares ? answers_from(&safe, rule.threshold) : share_from(safe.prompt, N_POPULATION, rule.threshold);
        miss = 1 - (shares ? answers_from(&unsafe, line) : share_from(unsafe.prompt, N_POPULATION, line));
        count(&t, &rule, fa, miss);
    }
    report(u, scores_name[kind], &rule, &t);
    if (rule.kind == MID_PROMISE_MEAN) {
        check_mean(t.false_alarm, t.sq_false_alarm, rule.false_alarm);
        check_mean(t.miss, t.sq_miss, rule.miss);
    } else {
        check_share(t.n_any, 0.1);
        if (!isnan(rule.false_alarm) && !isnan(rule.miss)) {
            check_share(t.n_false_alarm, 0.05);
            check_share(t.n_miss, 0.05);
        }
    }
}

/* The hard ones ask for more than the scores give, so that only lucky draws find a threshold: over all draws the
 * promise is kept, among those that found one it is broken more often. */
TEST(guarantees, rates_are_kept)
{
    size_t k;

    print_message("seed %d, %d calibrations each; means over the feasible ones\n\n"
                  "| rule | scores | prompts safe, unsafe | asked false alarm, miss | infeasible | mean false alarm | "
                  "mean miss | may break | broke |\n|---|---|---|---|---|---|---|---|---|\n", SEED, N_CALIBRATION);
    for (k = 0; k < USE_N; k++) {
        if (!uses[k].hard)
            try_rule(&uses[k], CONTINUOUS, 3 * k);
        if (!uses[k].hard)
            try_rule(&uses[k], EIGHT_VALUES, 3 * k + 1);
        try_rule(&uses[k], FOUR_ANSWERS, 3 * k + 2);
    }
}

/* Three languages, of which each has its own scores: all promises hold together. */
TEST(guarantees, groups_hold_together)
{
    enum { N_BY = 3, N_EACH = 80 };
    static const char *const value[N_BY] = { "de", "en", "fr" };
    static population pop[N_BY];
    static drawn d;
    static uint32_t by_of[N_BY * N_EACH];
    mid_rule_file_opts opts = mid_rule_file_opts_default();
    size_t i, k, n_broken = 0, n_each = 0;
    mid__rng rng;

    for (k = 0; k < N_BY; k++)
        populate(&pop[k], CONTINUOUS, false, (double)k, 100 + k);
    opts.rule = "high_probability";
    opts.params = PARAMS(P("false_alarm", 0.1));
    opts.by = "lang";
    opts.by_value = value;
    opts.n_by = N_BY;
    opts.by_of = by_of;
    mid__rng_init(&rng, SEED, 2000);
    for (i = 0; i < N_CALIBRATION; i++) {
        mid_rule_file *file;
        size_t n_now = 0;
        d.set = (mid_rule_set){ .n = 0, .extreme = d.extreme, .label = d.label, .group = d.group };
        for (k = 0; k < N_BY * N_EACH; k++) {
            by_of[k] = (uint32_t)(k / N_EACH);
            draw(&rng, &pop[by_of[k]], 0, 1, &d);
            d.group[k] = (uint32_t)k;
        }
        CHECK_OK(mid_rule_file_fit(test_ctx(), &opts, &d.set, &file));
        for (k = 0; k < N_BY; k++)
            n_now += share_from(pop[k].prompt, N_POPULATION, mid_rule_file_at(file, k, NULL)->threshold) > 0.1;
        n_broken += n_now > 0;
        n_each += n_now;
        mid_rule_file_close(file);
    }
    print_message("three languages: any of the three broken in %.4f of calibrations, one of them in %.4f\n",
                  (double)n_broken / N_CALIBRATION, (double)n_each / N_CALIBRATION / N_BY);
    check_share(n_broken, 0.1);
}

/* ---- walks ------------------------------------------------------------------------------------------------------- */

enum { N_WALK = 4000, T_MAX = 200 };
static double walk[N_WALK][T_MAX];          /* ln M_t of the whole history */
static double last_only[N_WALK][T_MAX];     /* of the last score alone */

/* Scores are normal with mean 0 in safe answers and mean `gap` in unsafe ones, so x has ln M = gap x - gap^2 / 2. */
static void make_walks(double gap, bool unsafe, size_t n_tok, uint64_t stream)
{
    mid__rng rng;
    size_t i, t;

    mid__rng_init(&rng, SEED, stream);
    for (i = 0; i < N_WALK; i++)
        for (t = 0; t < n_tok; t++) {
            const double x = normal(&rng) + gap * unsafe;
            last_only[i][t] = gap * x - gap * gap / 2;
            walk[i][t] = last_only[i][t] + (t ? walk[i][t - 1] : 0);
        }
}

static double alarm_share(const mid_rule *rule, double (*score)[T_MAX], size_t n_tok)
{
    size_t i, n = 0;

    for (i = 0; i < N_WALK; i++)
        n += mid_rule_alarm(rule, score[i], n_tok) < n_tok;
    return (double)n / N_WALK;
}

/* Exact ratios keep it at any length; the exact ratio of the last score alone, which has mean 1 at each t too, does
 * not. */
TEST(guarantees, e_process_of_exact_ratios)
{
    const mid_rule rule = fit_rule("e_process", PARAMS(P("false_alarm", 0.1)), NULL, NULL, 0);
    double whole, last;

    make_walks(1, false, T_MAX, 3000);
    whole = alarm_share(&rule, walk, T_MAX);
    last = alarm_share(&rule, last_only, T_MAX);
    print_message("e_process, asked .1, %d answers of %d tokens: false alarms %.3f; ratio of the last score alone: "
                  "%.3f\n", N_WALK,
                  T_MAX, whole, last);
    CHECK(whole <= 0.1 + 3 * sqrt(0.1 * 0.9 / N_WALK));
    CHECK(last > 0.3);
}

/* Share of answers that are stopped before their first clearing, which is all that is promised. */
static double stopped_first(const mid_rule *rule, double (*score)[T_MAX], size_t n_tok)
{
    size_t i, t, n = 0;

    for (i = 0; i < N_WALK; i++) {
        mid_rule_state state = { 0 };
        for (t = 0; t < n_tok && !state.stopped && mid_rule_holds(rule, &state); t++)
            mid_rule_push(rule, &state, score[i][t]);
        n += state.stopped;
    }
    return (double)n / N_WALK;
}

/* Up to the first clearing, with exact ratios: Wald's bounds. Behind it, where the walk begins again, none. */
TEST(guarantees, sprt_of_exact_ratios)
{
    const mid_rule rule = fit_rule("sprt", NULL, NULL, NULL, 0);
    size_t i, t, n_cleared = 0;
    double first, ever, cleared;

    make_walks(0.5, true, T_MAX, 3101);
    for (i = 0; i < N_WALK; i++) {
        mid_rule_state state = { 0 };
        for (t = 0; t < T_MAX && !state.stopped && mid_rule_holds(&rule, &state); t++)
            mid_rule_push(&rule, &state, walk[i][t]);
        n_cleared += !mid_rule_holds(&rule, &state);
    }
    cleared = (double)n_cleared / N_WALK;
    make_walks(0.5, false, T_MAX, 3100);
    first = stopped_first(&rule, walk, T_MAX);
    ever = alarm_share(&rule, walk, T_MAX);
    print_message("sprt, asked .05 and .1, %d tokens: stopped first %.4f of safe, cleared first %.4f of unsafe "
                  "answers; stopped ever, clearings running, %.4f of safe ones\n", T_MAX, first, cleared, ever);
    CHECK(first <= rule.false_alarm + 3 * sqrt(0.055 * 0.945 / N_WALK));
    CHECK(cleared <= rule.miss + 3 * sqrt(0.105 * 0.895 / N_WALK));
    CHECK(ever > 3 * first);
}

/* With the line calibrated, clearings running, on scores that are no ratios at all: three times too large. */
TEST(guarantees, sprt_calibrated)
{
    enum { N = 100, T = 64 };
    const mid_param *params = PARAMS(P("false_alarm", 0.1), P("confidence", 0.9));
    static double reach[N_WALK], extreme[N];
    static const uint8_t safe[N];
    static mid_scored_answer answer[N];
    const mid_rule lines = fit_rule("sprt", PARAMS(P("false_alarm", 0.1)), NULL, NULL, 0);
    mid_rule no_stop = lines;
    size_t i, k, t, n_broken = 0;
    double mean = 0;
    mid__rng rng;

    make_walks(0.5, false, T, 3200);
    print_message("Wald's sprt, asked .1, exact ratios, %d tokens: stopped first %.4f, ever %.4f\n", T,
                  stopped_first(&lines, walk, T), alarm_share(&lines, walk, T));
    no_stop.threshold = INFINITY;
    for (i = 0; i < N_WALK; i++) {
        mid_rule_state state = { 0 };
        reach[i] = -INFINITY;
        for (t = 0; t < T; t++) {
            walk[i][t] *= 3;
            reach[i] = fmax(reach[i], walk[i][t] - state.base);
            mid_rule_push(&no_stop, &state, walk[i][t]);
        }
    }
    CHECK_OK(mid__rise(test_ctx(), reach, NULL, N_WALK));
    mid__rng_init(&rng, SEED, 3300);
    for (k = 0; k < N_CALIBRATION; k++) {
        mid_rule_set set;
        mid_rule rule;
        double rate;
        for (i = 0; i < N; i++) {
            answer[i] = (mid_scored_answer){ .score = walk[mid__rng_below(&rng, N_WALK)], .n = T };
            extreme[i] = 0;
        }
        set = set_of(extreme, safe, N);
        set.score = answer;
        rule = fit_set("sprt", params, &set);
        CHECK(rule.feasible && rule.clear == lines.clear);
        rate = share_from(reach, N_WALK, rule.threshold);
        mean += rate / N_CALIBRATION;
        n_broken += rate > 0.1;
        if (k == 0)
            CHECK_NEAR(alarm_share(&rule, walk, T), rate, 0);   /* the rule at work does what was calibrated */
    }
    print_message("sprt with confidence .9, asked .1, n 100: mean false alarm %.4f, broke %.4f; Wald's line: stopped "
                  "first %.4f, ever %.4f\n", mean, (double)n_broken / N_CALIBRATION, stopped_first(&lines, walk, T),
                  share_from(reach, N_WALK, lines.threshold));
    check_share(n_broken, 0.1);
}

/* ---- what breaks it ---------------------------------------------------------------------------------------------- */

/* Scores of a safe answer as an AR(1) process: correlation .9 from token to token. Its largest up to n_tok. */
static double reached(mid__rng *rng, size_t n_tok, double *at, size_t at_tok)
{
    double x = normal(rng), most = x;
    size_t t;

    for (t = 1; t < n_tok; t++) {
        if (t == at_tok)
            *at = most;
        x = 0.9 * x + sqrt(1 - 0.81) * normal(rng);
        most = fmax(most, x);
    }
    if (n_tok <= at_tok)
        *at = most;
    return most;
}

/* A quantile of single tokens is no promise about answers; a limit of 128 tokens is no promise about 1024. */
TEST(guarantees, broken_by_looks_and_length)
{
    enum { N = 4000, N_LENGTH = 6 };
    static const size_t length[N_LENGTH] = { 32, 128, 256, 512, 1024, 2048 };
    static double most[N_LENGTH][N], at_limit[N];
    static const double token_quantile = 2.3263478740408408;    /* 99 % of single tokens are below */
    double line;
    mid__rng rng;
    size_t i, k;

    mid__rng_init(&rng, SEED, 4000);
    for (k = 0; k < N_LENGTH; k++)
        for (i = 0; i < N; i++)
            most[k][i] = reached(&rng, length[k], &at_limit[i], 128);
    for (k = 0; k < N_LENGTH; k++)
        CHECK_OK(mid__rise(test_ctx(), most[k], NULL, N));
    line = most[1][(size_t)(0.95 * N)];                 /* right for 5 % of answers of 128 tokens */
    for (k = 0; k < N_LENGTH; k++)
        print_message("%4zu tokens: false alarms per answer %.3f at the 99 %% quantile of tokens, %.3f at the 5 %% "
                      "line for 128 tokens\n",
                      length[k], share_from(most[k], N, token_quantile), share_from(most[k], N, line));
    CHECK(share_from(most[3], N, token_quantile) > 0.5 && share_from(most[4], N, line) > 0.2);
}

/* A line that misses a tenth of unsafe answers of 128 tokens misses more of those cut shorter. */
TEST(guarantees, broken_by_cutting_shorter)
{
    enum { N = 4000, N_LENGTH = 3 };
    static const size_t length[N_LENGTH] = { 64, 32, 16 };
    static double whole[N_LENGTH][N], cut[N_LENGTH][N];
    double missed = 0;
    mid__rng rng;
    size_t i, k;

    mid__rng_init(&rng, SEED, 4100);
    for (k = 0; k < N_LENGTH; k++) {
        for (i = 0; i < N; i++)
            whole[k][i] = reached(&rng, 128, &cut[k][i], length[k]);
        CHECK_OK(mid__rise(test_ctx(), whole[k], NULL, N));
        CHECK_OK(mid__rise(test_ctx(), cut[k], NULL, N));
        missed = 1 - share_from(cut[k], N, whole[k][N / 10]);
        print_message("calibrated at 128 tokens for 10 %% misses, cut at %zu: %.3f\n", length[k], missed);
    }
    CHECK(missed > 0.5);
}

/* Calibrated on one answer a prompt, used with more (correlation .9). */
TEST(guarantees, broken_by_more_answers)
{
    enum { N = 20000, N_MANY = 4 };
    static const int many[N_MANY] = { 1, 2, 4, 8 };
    static double most[N_MANY][N];
    mid__rng rng;
    double line = 0;
    size_t i, k;
    int a;

    mid__rng_init(&rng, SEED, 4200);
    for (k = 0; k < N_MANY; k++) {
        for (i = 0; i < N; i++) {
            const double prompt = normal(&rng);
            most[k][i] = -INFINITY;
            for (a = 0; a < many[k]; a++)
                most[k][i] = fmax(most[k][i], sqrt(0.9) * prompt + sqrt(0.1) * normal(&rng));
        }
        CHECK_OK(mid__rise(test_ctx(), most[k], NULL, N));
        if (k == 0)
            line = most[0][(size_t)(0.95 * N)];
        print_message("calibrated for 5 %% with one answer a prompt, %d answers: %.3f\n", many[k],
                      share_from(most[k], N, line));
    }
    CHECK(share_from(most[3], N, line) > 0.08);
}

/* 50 prompts with four answers each, taken for 200 prompts. */
TEST(guarantees, broken_by_counting_answers)
{
    static population safe;
    static drawn d;
    mid__rng rng;
    size_t i, k, n_broken[2] = { 0, 0 };

    populate(&safe, FOUR_ANSWERS, false, 0, 5000);
    mid__rng_init(&rng, SEED, 5001);
    for (i = 0; i < N_CALIBRATION; i++) {
        mid_rule rule;
        d.set = (mid_rule_set){ .n = 0, .extreme = d.extreme, .label = d.label, .group = d.group };
        draw(&rng, &safe, 0, 50, &d);
        rule = fit_set("high_probability", PARAMS(P("false_alarm", 0.1)), &d.set);
        n_broken[0] += share_from(safe.prompt, N_POPULATION, rule.threshold) > 0.1;
        for (k = 0; k < d.set.n; k++)
            d.group[k] = (uint32_t)k;
        rule = fit_set("high_probability", PARAMS(P("false_alarm", 0.1)), &d.set);
        n_broken[1] += answers_from(&safe, rule.threshold) > 0.1;
    }
    print_message("four answers a prompt: broke %.3f counting prompts, %.3f counting answers (asked .1)\n",
                  (double)n_broken[0] / N_CALIBRATION, (double)n_broken[1] / N_CALIBRATION);
    check_share(n_broken[0], 0.1);
    CHECK(n_broken[1] > N_CALIBRATION * 0.15);
}
