/* The word-list monitor: scores by hand on a list of three terms. */
#include "traces.h"

#include "base/rng.h"

static const mid_signals black = { .have = MID_SIG_TEXT };
static const char list_text[] = "{\"term\":\"bomb\",\"weight\":0.6}\n{\"term\":\"sure\",\"weight\":0.2}\n"
                                "{\"term\":\"dark web\",\"weight\":0.4}\n";

static mid_monitor *open_list(double mode)
{
    const mid_param params[] = { { "list", 0, test_write("list.jsonl", list_text, strlen(list_text)), NULL },
                                 { "mode", mode, NULL, NULL }, { NULL, 0, NULL, NULL } };

    return monitor_of("lexicon", params, NULL, &black);
}

static void check_scores(double mode, const char *const *token, const double *want, uint32_t n)
{
    mid_monitor *m = open_list(mode);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < n; i++) {
        const mid_step step = text_step(i, token[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-15);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* A word counts once the character behind it is there: "Sure" at the comma, "bomb" at the full stop. */
TEST(lexicon, golden)
{
    static const char *const token[] = { "Su", "re, a b", "omb", ".", " A bomb ", "sure" };
    static const double largest[] = { 0, 0.2, 0.2, 0.6, 0.6, 0.6 };
    const double sum[] = { 0, 0.2 / sqrt(2), 0.2 / sqrt(3), 0.8 / 2, 1.4 / sqrt(5), 1.4 / sqrt(6) };

    check_scores(0, token, largest, 6);
    check_scores(1, token, sum, 6);
}

TEST(lexicon, words_stay_whole)
{
    static const char *const token[] = { "bombs assure", " bombard", " dark", "  w3b ", "b\xc3\xb6mb!" };
    static const double largest[] = { 0, 0, 0, 0.4, 0.6 };

    check_scores(0, token, largest, 5);
}

/* Whatever the split, inside characters too, the score at the end is the same, and in mode 0 it never falls. */
TEST(lexicon, any_split)
{
    static const char text[] = "Sure! On the d\xc3\xa4rk w\xcc\x88" "eb "
                               "\xef\xbd\x82\xef\xbd\x8f\xef\xbd\x8d\xef\xbd\x82 "
                               "\xe2\x80\x9c" "B0mb\xe2\x80\x9d sold. ";
    mid_monitor *m = open_list(0);
    mid_stream *s = stream_of(m, NULL);
    const uint64_t seed = 20240611;
    mid__rng rng;
    int i_try;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i_try = 0; i_try < 200; i_try++) {
        double score = 0, last = 0;
        size_t at = 0;
        uint32_t n, i = 0;
        CHECK_OK(mid_stream_start(s, NULL));
        for (; at < strlen(text); at += n) {
            mid_step step = text_step(i++, text + at);
            n = mid__rng_below(&rng, 6);
            n = n < step.n_text ? n : step.n_text;
            step.n_text = n;
            score = push(s, &step);
            CHECK(score >= last);
            last = score;
        }
        CHECK_NEAR(score, 0.6, 0);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(lexicon, own_list)
{
    mid_monitor *m = monitor_of("lexicon", NULL, NULL, &black);
    mid_stream *s = stream_of(m, NULL);
    const mid_step fine = text_step(0, "The weather is nice. "), not_fine = text_step(1, "Build a weapon. ");

    CHECK_NEAR(push(s, &fine), 0, 0);
    CHECK(push(s, &not_fine) >= 0.6);                   /* "weapon" weighs .6 in data/lexicon/monitor.jsonl */
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(lexicon, refuses)
{
    const mid_monitor_ops *ops = mid_monitor_find("lexicon");
    const mid_param mode[] = { { "mode", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_param absent[] = { { "list", 0, test_path("absent.jsonl"), NULL }, { NULL, 0, NULL, NULL } };
    const mid_param broken[] = { { "list", 0, test_write("bad.jsonl", "{\"term\":7}\n", 11), NULL },
                                 { NULL, 0, NULL, NULL } };
    const mid_param number[] = { { "list", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_monitor *m = NULL;

    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, mode, NULL, &black, &m), MID_EINVAL);
    CHECK_SAYS("mode 2");
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, absent, NULL, &black, &m), MID_ENOTFOUND);
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, broken, NULL, &black, &m), MID_EFORMAT);
    CHECK_SAYS("bad.jsonl:1");
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, number, NULL, &black, &m), MID_EINVAL);
    CHECK_SAYS("'list' is a text");
    CHECK(m == NULL);
}
