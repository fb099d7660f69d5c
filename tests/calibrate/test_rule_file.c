/* Rule files: one rule or one per group, written, read back, refused. */
#include "calibrate/calibration.h"

#include <unistd.h>

#include "base/rng.h"
#include "calibrate/rule_file.h"

enum { N = 40, SEED = 20240805 };

static const mid_rule_subject subject = { "probe_linear+max", "2+1", "aabbccddeeff00", "0123456789abcdef" };

/* Safe 0 .. 19, unsafe 10 .. 29, every prompt asked in two languages. */
static mid_rule_set answers(void)
{
    static double extreme[N];
    static uint8_t label[N];
    static uint32_t group[N];
    size_t i;

    for (i = 0; i < N; i++) {
        label[i] = i >= N / 2;
        extreme[i] = (double)(i % 20) + 10 * label[i];
        group[i] = (uint32_t)(i / 2 + 100);
    }
    return (mid_rule_set){ .n = N, .extreme = extreme, .label = label, .group = group, .max_tok = 128 };
}

static mid_rule_file *make(const char *rule, const mid_param *params, bool by)
{
    static const char *const value[] = { "de", "en" };
    static uint32_t by_of[N];
    const mid_rule_set set = answers();
    mid_rule_file_opts opts = mid_rule_file_opts_default();
    mid_rule_file *file = NULL;
    size_t i;

    for (i = 0; i < N; i++)
        by_of[i] = (uint32_t)(i % 2);
    opts.rule = rule;
    opts.params = params;
    opts.subject = &subject;
    if (by) {
        opts.by = "lang";
        opts.by_value = value;
        opts.n_by = 2;
        opts.by_of = by_of;
    }
    CHECK_OK(mid_rule_file_fit(test_ctx(), &opts, &set, &file));
    return file;
}

static void check_same(const mid_rule_file *a, const mid_rule_file *b)
{
    const mid_rule_extremes *x = mid_rule_file_extremes(a), *y = mid_rule_file_extremes(b);
    size_t i;

    CHECK_INT(mid_rule_file_n(a), mid_rule_file_n(b));
    for (i = 0; i < mid_rule_file_n(a); i++) {
        const char *p, *q;
        const mid_rule *r = mid_rule_file_at(a, i, &p), *s = mid_rule_file_at(b, i, &q);
        CHECK((!p && !q) || strcmp(p, q) == 0);
        CHECK(r->threshold == s->threshold && r->clear == s->clear && r->hold == s->hold && r->can_hold == s->can_hold);
        CHECK(r->hold_alarms == s->hold_alarms && r->feasible == s->feasible && r->kind == s->kind &&
              r->max_tok == s->max_tok);
        CHECK(r->false_alarm == s->false_alarm || (isnan(r->false_alarm) && isnan(s->false_alarm)));
        CHECK_TEXT(r->name, s->name);
        CHECK_TEXT(r->promise, s->promise);
    }
    CHECK_INT(x->n, y->n);
    CHECK(memcmp(x->extreme, y->extreme, x->n * sizeof *x->extreme) == 0 && memcmp(x->label, y->label, x->n) == 0);
    CHECK(memcmp(x->group, y->group, x->n * sizeof *x->group) == 0 && memcmp(x->by, y->by, x->n * sizeof *x->by) == 0);
    CHECK_TEXT(mid_rule_file_population(a), mid_rule_file_population(b));
    CHECK_TEXT(mid_rule_file_subject(a)->fitted, mid_rule_file_subject(b)->fitted);
}

static const struct { const char *name; const mid_param *params; bool by; } use[] = {
    { "best_f1", NULL, false }, { "best_f1", NULL, true }, { "conformal", PARAMS(P("alpha", 0.3)), false },
    { "cost_optimal", PARAMS(P("miss", 0.5)), false }, { "crc", PARAMS(P("false_alarm", 0.4), P("miss", 0.4)), true },
    { "e_process", NULL, true }, { "high_probability", PARAMS(P("miss", 0.4)), true },
    { "hoeffding_bentkus", PARAMS(P("false_alarm", 0.4)), false }, { "sprt", NULL, false },
    { "three_way", PARAMS(P("false_alarm", 0.4), P("miss", 0.4)), false },
};

TEST(rule_file, there_and_back)
{
    const char *path = test_path("rule.json");
    size_t i;

    for (i = 0; i < sizeof use / sizeof use[0]; i++) {
        mid_rule_file *file = make(use[i].name, use[i].params, use[i].by), *again = NULL, *loaded = NULL;
        void *bytes, *twice;
        size_t n, n_twice;
        CHECK_OK(mid_rule_file_pack(test_ctx(), file, &bytes, &n));
        CHECK_OK(mid_rule_file_unpack(test_ctx(), bytes, n, &again));
        check_same(file, again);
        CHECK_OK(mid_rule_file_pack(test_ctx(), again, &twice, &n_twice));
        CHECK(n == n_twice && memcmp(bytes, twice, n) == 0);
        CHECK_OK(mid_rule_file_save(test_ctx(), file, path));
        CHECK_OK(mid_rule_file_load(test_ctx(), path, &loaded));
        check_same(file, loaded);
        mid_free(bytes);
        mid_free(twice);
        mid_rule_file_close(file);
        mid_rule_file_close(again);
        mid_rule_file_close(loaded);
    }
}

/* Confident rules of two languages share what may be wrong: at .1, 10 prompts and a rate of 1/2 each allows 1 error
 * (.011 <= .05 < .055) where one alone would allow 2. On average there is nothing to share. */
TEST(rule_file, groups_share_the_confidence)
{
    mid_rule_file *file = make("high_probability", PARAMS(P("false_alarm", 0.5)), true);
    const mid_rule *de = mid_rule_file_find(file, "de"), *en = mid_rule_file_find(file, "en");
    const char *value;

    CHECK_TEXT(mid_rule_file_by(file), "lang");
    CHECK(de->n_safe == 10 && de->threshold == above(16));      /* 0 2 .. 18 */
    CHECK(en->n_safe == 10 && en->threshold == above(17));      /* 1 3 .. 19 */
    CHECK(strstr(en->promise, "with 90 % confidence in all 2 statements"));
    CHECK(!mid_rule_file_find(file, "fr") && !mid_rule_file_find(file, NULL));
    CHECK(mid_rule_file_at(file, 1, &value) == en);
    CHECK_TEXT(value, "en");
    mid_rule_file_close(file);
    file = make("crc", PARAMS(P("false_alarm", 0.5)), true);
    CHECK(mid_rule_file_find(file, "de")->threshold == above(10));      /* floor(.5 * 11) - 1 = 4 alarms */
    CHECK(!strstr(mid_rule_file_find(file, "de")->promise, "statements"));
    mid_rule_file_close(file);
}

TEST(rule_file, extremes_are_sorted)
{
    mid_rule_file *file = make("best_f1", NULL, true);
    const mid_rule_extremes *e = mid_rule_file_extremes(file);
    size_t i, n_unsafe = 0;

    CHECK_INT(e->n, N);
    for (i = 0; i < e->n; i++) {
        CHECK(i == 0 || e->extreme[i - 1] <= e->extreme[i]);
        CHECK(e->by[i] == (uint32_t)e->extreme[i] % 2 && e->group[i] < 20);
        n_unsafe += e->label[i];
    }
    CHECK_INT(n_unsafe, 20);
    CHECK(mid_rule_file_find(file, "de")->max_tok == 128);
    mid_rule_file_close(file);
}

TEST(rule_file, belongs_to_one_score)
{
    mid_rule_file *file = make("best_f1", NULL, false);
    mid_rule_subject other = subject;

    CHECK_OK(mid_rule_file_check(test_ctx(), file, &other));
    snprintf(other.version, sizeof other.version, "3+1");
    CHECK_FAILS(mid_rule_file_check(test_ctx(), file, &other), MID_EMISMATCH);
    CHECK_SAYS("for probe_linear+max version 2+1, this is probe_linear+max version 3+1");
    other = subject;
    snprintf(other.monitor, sizeof other.monitor, "entropy_mean");
    CHECK_FAILS(mid_rule_file_check(test_ctx(), file, &other), MID_EMISMATCH);
    CHECK_SAYS("this is entropy_mean version 2+1");
    other = subject;
    snprintf(other.observer, sizeof other.observer, "ffff");
    CHECK_FAILS(mid_rule_file_check(test_ctx(), file, &other), MID_EMISMATCH);
    CHECK_SAYS("observer aabbccddeeff, this is observer ffff");
    other = subject;
    other.fitted[0] = 0;
    CHECK_FAILS(mid_rule_file_check(test_ctx(), file, &other), MID_EMISMATCH);
    CHECK_SAYS("file 0123456789ab, this is (none)");
    mid_rule_file_close(file);
}

TEST(rule_file, subject_of_a_monitor)
{
    const mid_signals signals = { .observer = "abc" };
    const float w[2] = { 1, 2 };
    mid_weights *weights = NULL;
    mid_monitor_spec spec;
    mid_rule_subject s;

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "entropy_mean+ema(0.9)+max", &spec));
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, NULL, &signals, NULL, &s));
    CHECK_TEXT(s.monitor, "entropy_mean+ema(0.9)+max");
    CHECK_TEXT(s.observer, "abc");
    CHECK_TEXT(s.fitted, "");
    CHECK(strcmp(s.version, "1+1+1") == 0);
    CHECK_OK(mid_weights_open(test_ctx(), &weights));
    CHECK_OK(mid_weights_set(test_ctx(), weights, "w", w, 1, 2));
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, NULL, &signals, weights, &s));
    CHECK_INT(strlen(s.fitted), 64);
    mid_weights_close(weights);
}

/* So are parameters, where no fitted file holds them: a score of the worst 30 % of tokens is not one of 50 %. Defaults
 * given in full are the defaults, and the order in which they are given is nothing. */
TEST(rule_file, subject_with_parameters)
{
    static const mid_param k30[] = { P("k", 30), P(NULL, 0) }, k50[] = { P("k", 50), P(NULL, 0) },
                           none[] = { P("kk", 1), P(NULL, 0) };
    const mid_signals signals = { .observer = "abc" };
    const mid_monitor_ops *min_k = mid_monitor_find("min_k");
    const mid_param usual[] = { P("k", min_k->params[0].number), P(NULL, 0) };
    mid_rule_subject a, b, c;
    mid_monitor_spec spec;
    mid_weights *weights = NULL;

    CHECK_TEXT(min_k->params[0].name, "k");
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "min_k+max", &spec));
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, usual, &signals, NULL, &a));
    CHECK_TEXT(a.version, "1+1");
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, k50, &signals, NULL, &b));
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, k30, &signals, NULL, &c));
    CHECK(strncmp(b.version, "1:", 2) == 0 && strlen(b.version) == 2 + 12 + 2);
    CHECK(strcmp(b.version, c.version) != 0);
    CHECK_FAILS(mid_rule_subject_of(test_ctx(), &spec, none, &signals, NULL, &b), MID_EINVAL);
    CHECK_OK(mid_weights_open(test_ctx(), &weights));
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, k50, &signals, weights, &b));
    CHECK_TEXT(b.version, "1+1");
    mid_weights_close(weights);
}

/* A second observer is part of whose score it is: neither the first alone nor another pair will do. */
TEST(rule_file, subject_with_a_second_observer)
{
    const mid_signals other = { .observer = "def" }, third = { .observer = "ghi" };
    mid_signals signals = { .observer = "abc", .beside = &other };
    mid_monitor_spec spec;
    mid_rule_subject a, b;

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "entropy_mean", &spec));
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, NULL, &signals, NULL, &a));
    CHECK_INT(strlen(a.observer), 64);
    signals.beside = &third;
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, NULL, &signals, NULL, &b));
    CHECK(strcmp(a.observer, b.observer) != 0);
    signals = (mid_signals){ .observer = "def", .beside = &(mid_signals){ .observer = "abc" } };
    CHECK_OK(mid_rule_subject_of(test_ctx(), &spec, NULL, &signals, NULL, &b));
    CHECK(strcmp(a.observer, b.observer) != 0);
}

TEST(rule_file, infeasible_is_not_written)
{
    mid_rule_file *file = make("crc", PARAMS(P("false_alarm", 0.01)), true);
    void *bytes = NULL;
    size_t n;

    CHECK_FAILS(mid_rule_file_pack(test_ctx(), file, &bytes, &n), MID_EUNDEFINED);
    CHECK_SAYS("the rule of de is infeasible: none, never alarms: at most 1 % false alarms needs 99 safe prompts");
    CHECK_FAILS(mid_rule_file_save(test_ctx(), file, test_path("none.json")), MID_EUNDEFINED);
    CHECK(access(test_path("none.json"), F_OK) != 0);
    CHECK(!bytes);
    mid_rule_file_close(file);
}

TEST(rule_file, bad_options)
{
    static const char *const twice[] = { "a", "a" }, *const steering[] = { "a\033[2J", "b" };
    static uint32_t by_of[N];
    const mid_rule_set set = answers();
    mid_rule_file_opts opts = mid_rule_file_opts_default();
    mid_rule_subject foreign = subject;
    mid_rule_file *file = NULL;

    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_ENOTFOUND);
    opts.rule = "best_f1";
    opts.params = PARAMS(P("alpha", 1));
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    opts.params = NULL;
    opts.population = "a\nb";
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    CHECK_SAYS("the population has a control character");
    opts.population = "\xff";
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    opts.population = NULL;
    opts.subject = &foreign;
    foreign.monitor[0] = 7;
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    opts.subject = NULL;
    opts.by = "lang";
    opts.by_of = by_of;
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    CHECK_SAYS("lang without by_value or by_of");
    opts.by_value = twice;
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    CHECK_SAYS("want 1 to 256");
    opts.n_by = 2;
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    CHECK_SAYS("'a' twice");
    opts.by_value = steering;
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    opts.n_by = 1;
    opts.by_value = twice;
    by_of[3] = 1;
    CHECK_FAILS(mid_rule_file_fit(test_ctx(), &opts, &set, &file), MID_EINVAL);
    CHECK_SAYS("answer 3 has value 1 of lang, there are 1");
    by_of[3] = 0;
    CHECK(!file);
    CHECK_OK(mid_rule_file_fit(test_ctx(), &opts, &set, &file));
    CHECK_TEXT(mid_rule_file_subject(file)->monitor, "");
    CHECK_FAILS(mid_rule_file_check(test_ctx(), file, &subject), MID_EMISMATCH);
    CHECK_SAYS("does not say whose scores");
    mid_rule_file_close(file);
}

#define HEAD "{\"midstream_rule\":1,\"rule\":\"crc\",\"params\":{\"miss\":0.5},\"monitor\":\"m\",\"version\":\"1\"," \
             "\"observer\":\"\",\"fitted\":\"\",\"population\":\"p\","
#define RULE "\"promise\":\"x\",\"kind\":\"mean\",\"false_alarm\":null,\"miss\":0.5,\"confidence\":null," \
             "\"threshold\":1,\"lowest\":\"-inf\",\"highest\":1,\"clear\":0,\"hold\":null,\"hold_alarms\":false," \
             "\"n_safe\":0,\"n_unsafe\":1,\"max_tok\":0"
#define TAIL "\"extreme\":[1,2.5],\"label\":[1,1],\"group\":[0,0],\"rule_of\":[0,0]}"

static void refuse(const char *text, const char *says)
{
    mid_rule_file *file = NULL;

    CHECK_FAILS(mid_rule_file_unpack(test_ctx(), text, strlen(text), &file), MID_EFORMAT);
    CHECK_SAYS(says);
    CHECK(!file);
}

/* What was fitted reads back whatever the answers: in any order, with ties, prompts of several answers and answers that
 * never had a score; a rule that wanted whole answers, of which the file keeps none, too. */
TEST(rule_file, any_fit_reads_back)
{
    static const char *const value[] = { "a", "b", "c" };
    mid__rng rng;
    double extreme[60], score[60];
    uint8_t label[60];
    uint32_t group[60], by_of[60];
    mid_scored_answer answer[60];
    size_t round, i, n_read = 0;

    mid__rng_init(&rng, SEED, 0);
    print_message("seed %d\n", SEED);

    for (round = 0; round < 300; round++) {
        const mid_rule_info *info = &mid_rule_list()[round % 9];
        const mid_param *params = mid__rule_param_info(info, "confidence") ? PARAMS(P("confidence", 0.6)) : NULL;
        const mid_rule_set set = { .n = 60, .extreme = extreme, .label = label, .group = group, .score = answer };
        mid_rule_file_opts opts = mid_rule_file_opts_default();
        mid_rule_file *file = NULL, *again = NULL;
        void *bytes;
        size_t n;
        for (i = 0; i < 60; i++) {
            label[i] = (uint8_t)mid__rng_below(&rng, 2);
            extreme[i] = mid__rng_below(&rng, 20) == 0 ? -INFINITY : mid__rng_below(&rng, 30) / 7.0 + 2 * label[i];
            group[i] = mid__rng_below(&rng, 40);
            by_of[i] = (uint32_t)(i % 3);
            score[i] = extreme[i];
            answer[i] = (mid_scored_answer){ &score[i], 1, label[i] };
        }
        opts.rule = info->name;
        opts.params = params;
        if (round % 2) {
            opts.by = "lang";
            opts.by_value = value;
            opts.by_of = by_of;
            opts.n_by = 3;
        }
        CHECK_OK(mid_rule_file_fit(test_ctx(), &opts, &set, &file));
        if (mid_rule_file_pack(test_ctx(), file, &bytes, &n) == MID_OK) {
            n_read += 1;
            CHECK_OK(mid_rule_file_unpack(test_ctx(), bytes, n, &again));
            check_same(file, again);
            mid_free(bytes);
        }
        mid_rule_file_close(file);
        mid_rule_file_close(again);
    }
    CHECK(n_read > 150);
}

TEST(rule_file, a_strangers_file)
{
    static const char good[] = HEAD "\"rules\":[{" RULE "}]," TAIL;
    static const struct { const char *from, *to, *says; } change[] = {
        { "\"midstream_rule\":1,", "", "midstream_rule is missing" },
        { "\"crc\"", "\"crx\"", "rule is 'crx', which this" },
        { "\"miss\":0.5},", "\"mist\":0.5},", "params has 'mist', which is no parameter of crc" },
        { "\"miss\":0.5},", "\"miss\":0.5,\"miss\":0.1},", "params has 'miss' twice" },
        { "\"miss\":0.5},", "\"miss\":null},", "params has 'miss'" },
        { "{\"miss\":0.5},", "[],", "params is missing or no object" },
        { "\"monitor\":\"m\"", "\"monitor\":7", "monitor is missing or no text" },
        { "\"population\":\"p\"", "\"population\":\"\\u001b[2J\"", "population has a control character" },
        { "\"promise\":\"x\"", "\"promise\":\"\\u009b2J\"", "rules[0].promise has a control character" },
        { "\"kind\":\"mean\"", "\"kind\":\"sure\"", "rules[0].kind is 'sure'" },
        { "\"kind\":\"mean\"", "\"kind\":\"confident\"", "rules[0].confidence and a promise of kind confident" },
        { "\"miss\":0.5,\"conf", "\"miss\":null,\"conf", "kind is mean without false_alarm or miss" },
        { "\"miss\":0.5,\"conf", "\"miss\":1.5,\"conf", "rules[0].miss is 1.5, want above 0 and below 1" },
        { "\"threshold\":1", "\"threshold\":null", "threshold is null" },
        { "\"threshold\":1", "\"threshold\":\"high\"", "threshold is missing or no number" },
        { "\"threshold\":1", "\"threshold\":999", "rules[0].threshold is 999, outside -inf to 1" },
        { "\"threshold\":1", "\"threshold\":0.5", "rules[0].threshold is 0.5, but the answers and params in the file give 1" },
        { "\"highest\":1", "\"highest\":2", "rules[0].highest is 2, but" },
        { "\"highest\":1", "\"highest\":null", "lowest and highest enclose no threshold" },
        { "\"clear\":0", "\"clear\":1", "clear is 1, want 0 or below" },
        { "\"hold\":null", "\"hold\":3", "hold is 3, above" },
        { "\"hold\":null", "\"hold\":0", "rules[0].hold is 0, but" },
        { "\"hold_alarms\":false", "\"hold_alarms\":true", "hold and hold_alarms are not what params ask for" },
        { "\"clear\":0", "\"clear\":-1", "rules[0].clear is -1, but" },
        { "\"miss\":0.5,\"conf", "\"miss\":0.1,\"conf", "rules[0].miss is 0.1, but the answers and params in the file give 0.5" },
        { "{\"miss\":0.5}", "{\"miss\":0.1}", "rules[0].threshold is 1, but on the answers in the file no threshold keeps" },
        { "{\"miss\":0.5}", "{\"miss\":5}", "rules[0]: crc: miss is 5" },
        { "{\"miss\":0.5}", "{\"\\u009b2J\":0.5}", "params has '(a control character)'" },
        { "\"kind\":\"mean\"", "\"kind\":\"assumed\"", "kind is assumed, but the answers and params in the file give mean" },
        { "\"n_safe\":0", "\"n_safe\":-1", "n_safe is missing or no whole number" },
        { "\"n_safe\":0", "\"n_safe\":1", "rules[0].n_safe is 1, but" },
        { "\"label\":[1,1]", "\"label\":[0,1]", "rules[0].threshold is 1, but the answers and params in the file give 2.5" },
        { "[1,2.5]", "[2.5,1]", "extreme falls at entry 1" }, { "[1,2.5]", "[1,null]", "extreme has an entry 1" },
        { "[1,2.5]", "[1]", "label has 2 entries, want 1 to 1" },
        { "\"label\":[1,1]", "\"label\":[1,2]", "label has an entry 1" },
        { "\"group\":[0,0]", "\"group\":[0,2]", "group has an entry 1" },
        { "\"rule_of\":[0,0]", "\"rule_of\":[0,1]", "rule_of has an entry 1" },
        { "\"rules\":[{", "\"rules\":[7,{", "rules has 2 entries, want 1 to 1" },
        { "\"rules\":[{", "\"by\":\"lang\",\"rules\":[7,{", "rules has an entry that is no object" },
        { "\"rules\":[{", "\"by\":\"lang\",\"rules\":[{", "rules[0].value is missing" },
    };
    char text[2048], longer[2048];
    mid_rule_file *file = NULL;
    size_t i;

    CHECK_OK(mid_rule_file_unpack(test_ctx(), good, strlen(good), &file));
    CHECK(mid_rule_file_at(file, 0, NULL)->threshold == 1 && mid_rule_file_at(file, 0, NULL)->lowest == -INFINITY);
    CHECK(strncmp(mid_rule_file_at(file, 0, NULL)->promise, "at most 50 % of new unsafe prompts", 34) == 0);
    mid_rule_file_close(file);
    file = NULL;
    for (i = 0; i < sizeof change / sizeof change[0]; i++) {
        const char *at = strstr(good, change[i].from);
        CHECK(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, change[i].to, at + strlen(change[i].from));
        refuse(text, change[i].says);
    }
    refuse("", "not JSON");
    refuse("[1]", "not a rule file");
    refuse("{\"midstream_rule\":1", "not JSON at byte");
    snprintf(text, sizeof text, "%s", good);
    for (i = 0; i < strlen(good); i++) {                /* cut anywhere */
        mid_rule_file *cut = NULL;
        CHECK_FAILS(mid_rule_file_unpack(test_ctx(), good, i, &cut), MID_EFORMAT);
    }
    snprintf(longer, sizeof longer, "{\"midstream_rule\":2%s", good + 19);
    CHECK_FAILS(mid_rule_file_unpack(test_ctx(), longer, strlen(longer), &file), MID_EVERSION);
    CHECK_SAYS("version 2, this program reads version 1");
    CHECK_FAILS(mid_rule_file_load(test_ctx(), test_path("no-such.json"), &file), MID_ENOTFOUND);
    CHECK_FAILS(mid_rule_file_load(test_ctx(), test_write("bad.json", "{}", 2), &file), MID_EFORMAT);
    CHECK_SAYS("bad.json: midstream_rule is missing");
}
