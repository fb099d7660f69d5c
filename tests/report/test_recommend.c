/* Advice: ranks, differences and verdicts by hand on results of a few cells, and what is said where there is nothing to
 * go by. All figures are made up. */
#include "test.h"

#include "base/buf.h"
#include "base/rng.h"
#include "report/advice.h"

/* One method on one dataset. A NaN bound: no interval; a NaN us: no time was measured. */
struct row { const char *dataset, *task, *observer, *monitor, *box; double auroc, lo, hi, us; };

enum { N_ANSWER = 200, N_UNSAFE = 80 };

static void number(mid__buf *b, const char *name, double x)
{
    mid__buf_fmt(b, isnan(x) ? ",\"%s\":null" : ",\"%s\":%.6g", name, x);
}

/* tail: more keys, each with its comma in front. */
static void cell(mid__buf *b, const struct row *r, const char *metric, double x, double lo, double hi, const char *tail)
{
    mid__buf_fmt(b, "%s\n{\"task\":\"%s\",\"dataset\":\"%s\",\"model\":\"m\",\"observer\":%s,\"monitor\":\"%s\","
                 "\"box\":\"%s\",\"rule\":null,\"metric\":\"%s\",\"n\":%d,\"n_unsafe\":%d,\"n_prompts\":100,"
                 "\"subset\":\"all\",\"fold\":null", b->at[b->n - 1] == '[' ? "" : ",", r->task, r->dataset,
                 r->observer ? "\"o\"" : "null", r->monitor, r->box, metric, N_ANSWER, N_UNSAFE);
    number(b, "value", x);
    number(b, "lo", lo);
    number(b, "hi", hi);
    mid__buf_fmt(b, "%s}", tail);
}

static void monitors(mid__buf *b, const struct row *row, size_t n)
{
    size_t i, k;

    for (i = 0; i < n; i++) {
        for (k = 0; k < i && strcmp(row[k].monitor, row[i].monitor) != 0; k++)
            ;
        if (k == i)
            mid__buf_fmt(b, "%s{\"name\":\"%s\",\"monitor\":\"%s\",\"box\":\"%s\"}", i ? "," : "", row[i].monitor,
                         row[i].monitor, row[i].box);
    }
}

/* A results file; more: cells to add, with a comma in front of each. Its path. */
static const char *write_results(const char *name, const char *baseline, const struct row *row, size_t n,
                                 const char *more)
{
    const char *path;
    mid__buf b;
    size_t i;

    mid__buf_init(&b, 0);
    mid__buf_fmt(&b, "{\"schema\":1,\"plan\":{\"baseline\":\"%s\"},\"monitors\":[", baseline);
    monitors(&b, row, n);
    mid__buf_text(&b, "],\"cells\":[");
    for (i = 0; i < n; i++) {
        cell(&b, &row[i], "auroc", row[i].auroc, row[i].lo, row[i].hi, ",\"at_tok\":16");
        cell(&b, &row[i], "auroc", row[i].auroc, row[i].lo, row[i].hi, "");
        if (!isnan(row[i].us))
            cell(&b, &row[i], "us_per_token_p50", row[i].us, NAN, NAN, "");
    }
    mid__buf_fmt(&b, "%s]}", more);
    path = test_write(name, b.at, b.n);
    mid__buf_clear(&b);
    return path;
}

#define N_OF(array) (sizeof array / sizeof *array)
#define WRITE(rows) write_results("results.json", "", rows, N_OF(rows), "")

static mid_recommend_opts opts_of(const char *results, const char *task)
{
    mid_recommend_opts o = mid_recommend_default();

    o.results = results;
    o.task = task;
    return o;
}

static void check_holds(const mid_recommend_opts *o, const char *const *part)
{
    char *text = NULL;

    CHECK_OK(mid_recommend(test_ctx(), o, &text));
    for (; *part; part++)
        if (!strstr(text, *part))
            fail_msg("missing: %s\nin: %s", *part, text);
    mid_free(text);
}
#define CHECK_HOLDS(o, ...) check_holds(o, (const char *const[]){ __VA_ARGS__, NULL })

static mid__ask any(void) { return (mid__ask){ NULL, NULL, MID_ACCESS_OBSERVER, NAN, NAN, MID__NOBODY }; }

/* ---- ranks ------------------------------------------------------------------------------------------------------- */

/* By hand: d1 has a and b tied at .8 before c; d2 has c, a, b. Mean ranks (1.5 + 2) / 2, (1.5 + 3) / 2, (3 + 1) / 2. */
TEST(advice, ties_share_their_mean_rank)
{
    static const struct row row[] = {
        { "d1", "qa", "o", "a", "white", .8, .7, .9, 1 }, { "d1", "qa", "o", "b", "white", .8, .7, .9, 1 },
        { "d1", "qa", "o", "c", "white", .7, .6, .8, 1 }, { "d2", "qa", "o", "a", "white", .6, .5, .7, 1 },
        { "d2", "qa", "o", "b", "white", .5, .4, .6, 1 }, { "d2", "qa", "o", "c", "white", .7, .6, .8, 1 },
    };
    static const double mean_rank[] = { 1.75, 2, 2.25 };
    static const char *const name[] = { "a", "c", "b" };
    const mid__ask ask = any();
    mid__evidence e;
    mid__ranking r;
    size_t i;

    CHECK_OK(mid__evidence_read(test_ctx(), WRITE(row), &e));
    CHECK_OK(mid__rank(test_ctx(), &e, &ask, &r));
    CHECK_INT(r.n, 3);
    for (i = 0; i < 3; i++) {
        CHECK_TEXT(e.method[r.at[i].i_method].name, name[i]);
        CHECK_NEAR(r.at[i].mean_rank, mean_rank[i], 1e-12);
    }
    CHECK_NEAR(r.at[0].mean_auroc, 0.7, 1e-12);
    mid__ranking_clear(&r);
    mid__evidence_clear(&e);
}

/* Of methods that are alike in everything measured, the cheaper comes first, whatever its place in the file. */
TEST(advice, full_ties_go_to_the_cheaper)
{
    static const struct row row[] = {
        { "d", "qa", "o", "dear", "white", .8, .7, .9, 9 }, { "d", "qa", "o", "cheap", "white", .8, .7, .9, 1 },
        { "d", "qa", "o", "length", "control", .5, .4, .6, 1 },
    };
    const mid_recommend_opts o = opts_of(WRITE(row), "qa");

    CHECK_HOLDS(&o, "take: cheap\n", "cheap ranks first on qa's 1 dataset;", "  1.50  ",
                "one dataset: how the order would be on another is not known");
}

/* Any k methods share out k (k + 1) / 2 ranks, and the order never goes down. */
TEST(advice, ranks_add_up)
{
    const uint64_t seed = 20;
    mid__rng rng;
    struct row row[30];
    const mid__ask ask = any();
    mid__evidence e;
    mid__ranking r;
    char name[10][4];
    double sum = 0;
    size_t i, t;

    printf("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (t = 0; t < 20; t++) {
        for (i = 0; i < 30; i++) {
            snprintf(name[i % 10], sizeof name[0], "m%zu", i % 10);
            row[i] = (struct row){ i < 10 ? "d1" : i < 20 ? "d2" : "d3", "qa", "o", name[i % 10], "white",
                                   (double)mid__rng_below(&rng, 8) / 8, NAN, NAN, NAN };
        }
        CHECK_OK(mid__evidence_read(test_ctx(), WRITE(row), &e));
        CHECK_OK(mid__rank(test_ctx(), &e, &ask, &r));
        CHECK_INT(r.n, 10);
        for (i = 0, sum = 0; i < r.n; i++) {
            sum += r.at[i].mean_rank;
            CHECK(!i || r.at[i].mean_rank >= r.at[i - 1].mean_rank - 1e-9);
        }
        CHECK_NEAR(sum, 55, 1e-9);
        mid__ranking_clear(&r);
        mid__evidence_clear(&e);
    }
}

/* d2 has one of three methods, fewer than half, so it goes; then none is incomplete. */
TEST(advice, complete_blocks_only)
{
    static const struct row row[] = {
        { "d1", "qa", "o", "a", "white", .8, .7, .9, 1 }, { "d1", "qa", "o", "b", "white", .7, .6, .8, 1 },
        { "d1", "qa", "o", "c", "white", .6, .5, .7, 1 }, { "d2", "qa", "o", "c", "white", .9, .8, 1, 1 },
        { "d3", "qa", "o", "a", "white", .8, .7, .9, 1 }, { "d3", "qa", "o", "b", "white", .7, .6, .8, 1 },
    };
    const mid_recommend_opts o = opts_of(WRITE(row), "qa");

    CHECK_HOLDS(&o, "2 methods on d1, d3\n", "left out: 1 dataset on which fewer than half",
                "left out: 1 method without a figure on each dataset");
}

/* ---- differences ------------------------------------------------------------------------------------------------- */

/* By hand: distances .06 and .08 to the lower bounds add up to .1 in squares, over 2 datasets .05; so above. */
TEST(advice, mean_of_differences)
{
    const mid__edge edge[] = { { .1, .04, .16, true }, { .3, .22, .38, true }, { .1, NAN, NAN, false } };
    mid__edge mean = mid__edge_mean(edge, 2);

    CHECK_NEAR(mean.value, 0.2, 1e-12);
    CHECK_NEAR(mean.lo, 0.15, 1e-12);
    CHECK_NEAR(mean.hi, 0.25, 1e-12);
    CHECK(mean.paired);
    mean = mid__edge_mean(edge, 3);
    CHECK(isnan(mean.lo) && isnan(mean.hi) && !mean.paired);
    CHECK(isnan(mid__edge_mean(edge, 0).value));
}

/* Paired where one of the two is the run's baseline or the best control, with the sign turned the other way round;
 * else the outer bounds. */
TEST(advice, differences_of_two)
{
    static const struct row row[] = {
        { "d", "qa", "o", "a", "white", .8, .7, .9, 1 }, { "d", "qa", "o", "b", "white", .6, .5, .75, 1 },
        { "d", "qa", "o", "c", "white", .7, .6, .8, 1 }, { "d", "qa", "o", "length", "control", .6, .5, .7, 1 },
    };
    mid__edge edge;
    mid__evidence e;
    mid__buf more;

    mid__buf_init(&more, 0);
    mid__buf_text(&more, " ");
    cell(&more, &row[0], "auroc_gain", .2, .15, .26, ",\"at_tok\":16");
    cell(&more, &row[2], "auroc_over.length", .1, .02, .18, ",\"at_tok\":16");
    CHECK_OK(mid__evidence_read(test_ctx(), write_results("results.json", "b", row, 4, more.at), &e));
    edge = mid__evidence_edge(&e, 0, 0, 1);
    CHECK(edge.paired);
    CHECK_NEAR(edge.lo, 0.15, 1e-12);
    edge = mid__evidence_edge(&e, 0, 1, 0);
    CHECK(edge.paired);
    CHECK_NEAR(edge.value, -0.2, 1e-12);
    CHECK_NEAR(edge.lo, -0.26, 1e-12);
    CHECK_NEAR(edge.hi, -0.15, 1e-12);
    edge = mid__evidence_edge(&e, 0, 2, 3);
    CHECK(edge.paired);
    CHECK_NEAR(edge.lo, 0.02, 1e-12);
    edge = mid__evidence_edge(&e, 0, 0, 2);
    CHECK(!edge.paired);
    CHECK_NEAR(edge.value, 0.1, 1e-12);
    CHECK_NEAR(edge.lo, -0.1, 1e-12);
    CHECK_NEAR(edge.hi, 0.3, 1e-12);
    mid__evidence_clear(&e);
    mid__buf_clear(&more);
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

/* all is best over three datasets; qa's own first is special, ahead there by gain +- half. */
static const char *two_tasks(double gain, double half)
{
    const struct row row[] = {
        { "q", "qa", "o", "special", "white", .7 + gain, .7 + gain - half, .7 + gain + half, 1 },
        { "q", "qa", "o", "all", "white", .7, .7 - half, .7 + half, 1 },
        { "q", "qa", "o", "length", "control", .5, .49, .51, 1 },
        { "c1", "chat", "o", "special", "white", .5, .4, .6, 1 },
        { "c1", "chat", "o", "all", "white", .9, .8, 1, 1 },
        { "c1", "chat", "o", "length", "control", .5, .4, .6, 1 },
        { "c2", "chat", "o", "special", "white", .5, .4, .6, 1 },
        { "c2", "chat", "o", "all", "white", .9, .8, 1, 1 },
        { "c2", "chat", "o", "length", "control", .5, .4, .6, 1 },
    };

    return WRITE(row);
}

TEST(advice, leaves_the_overall_best_for_a_shown_gain)
{
    const mid_recommend_opts o = opts_of(two_tasks(.1, .02), "qa");

    CHECK_HOLDS(&o, "take: special\n",
                "special ranks first on qa's 1 dataset; its gain in AUROC after 16 tokens over all, the best over all "
                "3 datasets, is +0.100 [+0.060, +0.140] "
                "(not paired), and over the best control +0.300 [+0.270, +0.330]");
}

TEST(advice, says_not_enough_evidence)
{
    const mid_recommend_opts o = opts_of(two_tasks(.1, .05), "qa");

    CHECK_HOLDS(&o, "take (not enough evidence): all\n",
                "not enough evidence: special ranks first on qa's 1 dataset, but its gain in AUROC over all, the best "
                "over all 3 datasets, is +0.100 [+0.000, +0.200] (not paired), "
                "which includes no gain; until more is known, "
                "take all\n", "more data: if its gain over all is real, about 1.0 times as many answers");
}

TEST(advice, no_interval_shows_nothing)
{
    const mid_recommend_opts o = opts_of(two_tasks(.1, NAN), "qa");

    CHECK_HOLDS(&o, "take (not enough evidence): all\n",
                "is +0.100 (no interval), which shows none; until more is known, take all\n",
                "more data: there is no measured gain of special over all that more answers could confirm");
}

TEST(advice, a_control_may_do_as_well)
{
    static const struct row row[] = {
        { "d", "qa", "o", "a", "white", .8, .7, .9, 1 }, { "d", "qa", "o", "prompt_only", "control", .78, .7, .86, 1 },
    };
    const mid_recommend_opts o = opts_of(WRITE(row), "qa");

    CHECK_HOLDS(&o, "not enough evidence: a ranks first on qa's 1 dataset, but its gain in AUROC over the best "
                "control is +0.020 [-0.160, +0.200] (not paired), "
                "which includes no gain: the control alone may do as well",
                "gain over the best control, prompt_only: +0.020",
                "controls after 16 tokens: prompt_only 0.780, refusal_cue not run, author not run, length not run");
}

TEST(advice, unknown_task)
{
    const mid_recommend_opts o = opts_of(two_tasks(.1, .02), "verse");

    CHECK_HOLDS(&o, "take: all\n", "all ranks first on all 3 datasets; its gain",
                "no dataset of task verse (there are: qa, chat), so this is from datasets of other tasks");
}

TEST(advice, nothing_within_the_budget)
{
    mid_recommend_opts o = opts_of(two_tasks(.1, .02), "qa");

    o.max_us_per_tok = .5;
    CHECK_HOLDS(&o, "nothing within the budget: the cheapest of 2 is special with 1 us per token, at most 0.5 is "
                "asked for",
                "more budget: special ranks first, for 1 us per token");
    o.max_us_per_tok = 1;
    CHECK_HOLDS(&o, "take: special\n", "more budget: special ranks first at any");
}

TEST(advice, a_time_that_was_not_measured_is_within_no_budget)
{
    static const struct row row[] = { { "d", "qa", "o", "a", "white", .8, .7, .9, NAN } };
    mid_recommend_opts o = opts_of(WRITE(row), "qa");

    o.max_us_per_tok = 5;
    CHECK_HOLDS(&o, "nothing within the budget: no time was measured of the 1 methods there are");
}

/* own was scored by the model that answered, read by another one. Text-only methods count on both. */
TEST(advice, access)
{
    static const struct row row[] = {
        { "own", "qa", NULL, "words", "black", .6, .5, .7, 1 }, { "own", "qa", NULL, "probs", "grey", .7, .6, .8, 1 },
        { "own", "qa", NULL, "rows", "white", .8, .7, .9, 1 }, { "read", "qa", "o", "words", "black", .6, .5, .7, 1 },
        { "read", "qa", "o", "probs", "grey", .9, .8, 1, 1 }, { "read", "qa", "o", "rows", "white", .8, .7, .9, 1 },
    };
    mid_recommend_opts o = opts_of(WRITE(row), "qa");

    o.access = MID_ACCESS_BLACK;
    CHECK_HOLDS(&o, "1 method on own, read\n", "words ranks first",
                "observer access (a local model that reads the answers): probs ranks first (mean AUROC after 16 tokens "
                "0.900, 1 dataset), gain over words +0.300",
                "grey access (probabilities of the model itself): probs ranks first");
    o.access = MID_ACCESS_GREY;
    CHECK_HOLDS(&o, "2 methods on own\n", "probs ranks first",
                "white access (hidden rows of the model itself): rows ranks");
    o.access = MID_ACCESS_WHITE;
    CHECK_HOLDS(&o, "3 methods on own\n", "rows ranks first");
    o.access = MID_ACCESS_OBSERVER;
    CHECK_HOLDS(&o, "3 methods on read\n", "probs ranks first", "the observer's reading comes on top");
}

TEST(advice, access_that_nobody_measured)
{
    mid_recommend_opts o = opts_of(two_tasks(.1, .02), "qa");

    o.access = MID_ACCESS_WHITE;
    CHECK_HOLDS(&o, "no such dataset was measured with white access (hidden rows of the model itself), so this is from "
                "datasets that another model read");
    o.access = MID_ACCESS_BLACK;
    CHECK_HOLDS(&o, "nothing to advise: no method with black access has a figure on these datasets",
                "grey access (probabilities of the model itself): nothing was measured there");
}

TEST(advice, circular_figures_take_no_part)
{
    static const struct row row[] = {
        { "d", "qa", "o", "a", "white", .6, .5, .7, 1 }, { "d", "qa", "o", "b", "white", .5, .4, .6, 1 },
    };
    static const struct row circular = { "d", "qa", "o", "c", "white", .99, .98, 1, 1 };
    const struct row all[] = { row[0], row[1], { "e", "qa", "o", "c", "white", .9, .8, 1, 1 } };
    mid_recommend_opts o;
    mid__buf more;

    mid__buf_init(&more, 0);
    mid__buf_text(&more, " ");
    cell(&more, &circular, "auroc", .99, .98, 1, ",\"at_tok\":16,\"circular\":true");
    o = opts_of(write_results("results.json", "", all, N_OF(all), more.at), "qa");
    CHECK_HOLDS(&o, "2 methods on d\n", "a ranks first");
    mid__buf_clear(&more);
}

TEST(advice, language_that_no_dataset_names)
{
    mid_recommend_opts o = opts_of(two_tasks(.1, .02), "qa");

    o.lang = "de";
    CHECK_HOLDS(&o, "language de", "no such dataset says that it holds language de, so this is from any language");
}

/* The rule's share of stopped safe answers is .04. */
TEST(advice, rules)
{
    static const struct row row[] = { { "d", "qa", "o", "a", "white", .8, .7, .9, 1 } };
    static const char *more =
        ",{\"task\":\"qa\",\"dataset\":\"d\",\"model\":\"m\",\"observer\":\"o\",\"monitor\":\"a\","
        "\"rule\":\"conformal\","
        "\"metric\":\"fpr\",\"value\":0.04,\"lo\":0.01,\"hi\":0.08,\"n\":200,\"n_unsafe\":80,\"fold\":null}"
        ",{\"task\":\"qa\",\"dataset\":\"d\",\"model\":\"m\",\"observer\":\"o\",\"monitor\":\"a\","
        "\"rule\":\"conformal\","
        "\"metric\":\"tpr\",\"value\":0.5,\"lo\":0.4,\"hi\":0.6,\"n\":200,\"n_unsafe\":80,\"fold\":null}";
    mid_recommend_opts o = opts_of(write_results("results.json", "", row, 1, more), "qa");

    o.max_false_alarm = .03;
    CHECK_HOLDS(&o, "rules: conformal stops safe 0.040 [0.010, 0.080], unsafe 0.500 [0.400, 0.600]\n",
                "no rule of this run stops at most 0.03 of the safe answers: calibrate one for that");
    o.max_false_alarm = .05;
    o.json = true;
    CHECK_HOLDS(&o, "\"rule\":\"conformal\",\"fpr\":{\"value\":0.04,\"lo\":0.01,\"hi\":0.08}", "\"within\":true");
}

TEST(advice, first_file_is_heard_and_other_answers_are_said)
{
    static const struct row one[] = { { "d", "qa", "o", "a", "white", .8, .7, .9, 1 } };
    static const struct row two[] = { { "d", "qa", "o", "a", "white", .6, .5, .7, 1 },
                                      { "d", "qa", "o", "b", "white", .7, .6, .8, 1 } };
    char paths[512];
    mid_recommend_opts o;

    snprintf(paths, sizeof paths, "%s,%s", write_results("one.json", "", one, 1, ""),
             write_results("two.json", "", two, 2, ""));
    o = opts_of(paths, "qa");
    CHECK_HOLDS(&o, "2 methods on d\n", "a ranks first", "0.800 [0.700, 0.900]");
}

/* ---- evaluated --------------------------------------------------------------------------------------------------- */

/* By hand. Without q only chat is there, so all is taken for it: .7 where special has .8. Without c1, chat is c2: all
 * has .9 there, and over q and c2 the mean ranks are equal (1.5 each) with the larger mean AUROC .8 for all. */
TEST(advice, evaluated)
{
    mid_recommend_opts o = opts_of(two_tasks(.1, .02), NULL);

    o.evaluate = true;
    CHECK_HOLDS(&o, "advice         against hindsight 0.033 (0.000 to 0.100), against the overall best +0.000",
                "Following the advice loses 0.033 AUROC on average against the best method in hindsight. Against "
                "always taking the overall best it is better on 0, worse on 0 and the same on 3 of 3 datasets, by",
                "1 has no other dataset of its task", "Too few differ to say");
    o.json = true;
    CHECK_HOLDS(&o, "{\"way\":\"advice\",\"against\":\"hindsight\",\"mean\":0.03333",
                "\"dataset\":\"q\",\"task\":\"qa\",\"advice\":{\"monitor\":\"all\",\"auroc_16\":0.7}");
}

TEST(advice, one_dataset_cannot_be_evaluated)
{
    static const struct row row[] = { { "d", "qa", "o", "a", "white", .8, .7, .9, 1 } };
    mid_recommend_opts o = opts_of(WRITE(row), NULL);
    char *text = NULL;

    o.evaluate = true;
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EUNDEFINED);
    CHECK_SAYS("leaving one out needs at least 2");
    CHECK(!text);
}

/* ---- bad input --------------------------------------------------------------------------------------------------- */

TEST(advice, bad_input)
{
    static const struct row generated[] = { { "d", "qa", NULL, "a", "white", .8, .7, .9, 1 } };
    mid_recommend_opts o = opts_of(test_path("none.json"), "qa");
    char *text = NULL, many[4096] = "";
    size_t i;

    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_ENOTFOUND);
    o.results = "";
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EINVAL);
    o.results = test_write("broken.json", "{\"schema\":1,", 12);
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EFORMAT);
    o.results = test_write("empty.json", "{\"schema\":1,\"cells\":[]}", 23);
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EUNDEFINED);
    CHECK_SAYS("none of 0 datasets can be ranked on: the plan's at_tok needs 16");
    for (i = 0; i < 17; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%s,", test_path("empty.json"));
    o.results = many;
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_ELIMIT);
    o = opts_of(WRITE(generated), "qa");
    o.max_us_per_tok = -1;
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EINVAL);
    o.max_us_per_tok = NAN;
    o.max_false_alarm = 2;
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EINVAL);
    o.max_false_alarm = NAN;
    o.access = (mid_access)7;
    CHECK_FAILS(mid_recommend(test_ctx(), &o, &text), MID_EINVAL);
    CHECK(!text);
}
