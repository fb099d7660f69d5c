/* self_check_ngram: counts by hand. tests/oracle/self_check_ngram.py compares whole answers with a second
 * implementation. */
#include "traces.h"

static const mid_signals black = { .have = MID_SIG_TEXT | MID_SIG_SAMPLES };

static void check(double order, double word_mean, double sentence_max, const char *const *sample, size_t n_sample,
                  const char *const *token, const double *want, uint32_t n)
{
    const mid_param params[] = { { "order", order, NULL, NULL }, { "k", 1, NULL, NULL },
                                 { "word_mean", word_mean, NULL, NULL }, { "sentence_max", sentence_max, NULL, NULL },
                                 { NULL, 0, NULL, NULL } };
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = n_sample };
    mid_monitor *m = monitor_of("self_check_ngram", params, NULL, &black);
    mid_stream *s = stream_of(m, &prompt);
    uint32_t i;

    for (i = 0; i < n; i++) {
        const mid_step step = text_step(i, token[i]);
        CHECK_NEAR(push(s, &step), want[i], 1e-12);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

static const char *const cat[] = { "the cat sat", "The dog sat." };
static const char *const cat_token[] = { "The", " cat", " ran", "." };

/* The samples count the 2, sat 2, cat 1, dog 1. A word of the answer is counted when the next token shows it is over:
 * the 3 of 7 words, 4 different; then cat 2 of 8; then ran 1 of 9, 5 different. */
TEST(self_check_ngram, words)
{
    const double largest[] = { 0, log(11.0 / 4), log(12.0 / 3), log(14.0 / 2) };
    const double mean[] = { 0, log(11.0 / 4), (log(12.0 / 4) + log(12.0 / 3)) / 2,
                            (log(14.0 / 4) + log(14.0 / 3) + log(14.0 / 2)) / 3 };

    check(1, 0, 0, cat, 2, cat_token, largest, 4);
    check(1, 1, 0, cat, 2, cat_token, mean, 4);
}

/* The start of a text is a context seen 3 times, each time before "the"; (the, cat) then is 2 of the's 3; (cat, ran)
 * is 1 of cat's 2, with 5 different words by then. */
TEST(self_check_ngram, pairs)
{
    const double largest[] = { 0, log(7.0 / 4), log(7.0 / 3), log(7.0 / 2) };

    check(2, 0, 0, cat, 2, cat_token, largest, 4);
}

/* First sentence: a is all there is, p = (6 + 1)/(6 + 1). Second: b is 5 of 11 words, 2 different. The third is open.
 * */
TEST(self_check_ngram, sentences)
{
    static const char *const sample[] = { "a" }, *const token[] = { "a a a a a.", " b b b b b.", " a", "," };
    const double second = log(13.0 / 6), third = log(14.0 / 8);
    const double mean[] = { 0, second / 2, second / 2, (second + third) / 3 }, max[] = { 0, second, second, second };

    check(1, 0, 0, sample, 1, token, mean, 4);
    check(1, 0, 1, sample, 1, token, max, 4);
}

/* What samples do not support scores higher. */
TEST(self_check_ngram, unsupported_scores_higher)
{
    static const char *const sample[] = { "The capital is Paris.", "It is Paris.", "Paris is the capital of France." };
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 3 };
    const mid_step yes = text_step(0, "The capital is Paris."), no = text_step(0, "The capital is Lyon.");
    mid_monitor *m = monitor_of("self_check_ngram", NULL, NULL, &black);
    mid_stream *s = stream_of(m, &prompt);
    const double supported = push(s, &yes);

    CHECK_OK(mid_stream_start(s, &prompt));
    CHECK(push(s, &no) > supported);
    mid_stream_close(s);
    mid_monitor_close(m);
}

TEST(self_check_ngram, limits)
{
    static const mid_param bad[][2] = { { { "order", 3, NULL, NULL }, { NULL, 0, NULL, NULL } },
                                        { { "k", 0, NULL, NULL }, { NULL, 0, NULL, NULL } },
                                        { { "k", NAN, NULL, NULL }, { NULL, 0, NULL, NULL } },
                                        { { "word_mean", 2, NULL, NULL }, { NULL, 0, NULL, NULL } } };
    static const char *const sample[] = { "one", "two" };
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 2 };
    mid_monitor *m = monitor_of("self_check_ngram", NULL, NULL, &black), *none = NULL;
    mid_stream *s = stream_of(m, &prompt);
    char text[16];
    uint32_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("self_check_ngram"), bad[i], NULL, &black, &none),
                    MID_EINVAL);
    for (i = 0; i < 5000; i++) {                        /* more different words than the table takes */
        mid_step step;
        snprintf(text, sizeof text, "w%u ", i);
        step = text_step(i, text);
        CHECK(isfinite(push(s, &step)));
    }
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
}
