/* repetition: by hand, and against a count from scratch on random tokens. */
#include "traces.h"

#include "base/rng.h"

static const mid_signals black = { .have = MID_SIG_TEXT };

/* An answer of one-letter tokens. */
static mid_trace *letters(const char *text)
{
    mid_trace *t;
    uint32_t i;

    CHECK_OK(mid_trace_open(test_ctx(), &black, NULL, &t));
    for (i = 0; text[i]; i++) {
        const mid_step step = { .have = MID_SIG_TEXT, .i_tok = i, .at_byte = i, .n_text = 1, .text = text + i };
        CHECK_OK(mid_trace_append(t, &step));
    }
    return t;
}

/* Unsafe answers that repeat themselves, or safe ones. */
static mid_monitor *open_n(double n, int label_of_repeating)
{
    const mid_param params[] = { { "n", n, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_monitor *m;
    int i;

    for (i = 0; i < 6; i++)
        answers_put(&a, letters(i % 2 ? "abababababab" : "abcdefghijkl"), (i % 2) == label_of_repeating);
    m = monitor_of("repetition", params, &a, &black);
    answers_clear(&a);
    return m;
}

static void check(const mid_monitor *m, const char *text, const double *want)
{
    mid_trace *t = letters(text);
    mid_stream *s = stream_of(m, NULL);
    double score[64];
    size_t i;

    CHECK_OK(mid_stream_score(test_ctx(), s, t, score, NULL));
    for (i = 0; text[i]; i++)
        CHECK_NEAR(score[i], want[i], 1e-12);
    mid_stream_close(s);
    mid_trace_close(t);
}

/* abab: pairs ab ba ab, one of three repeated; then ba again, two of four; bx is new. */
TEST(repetition, golden)
{
    static const double want[] = { 0, 0, 0, 1.0 / 3, 2.0 / 4, 2.0 / 5 };
    static const double turned[] = { 0, 0, 0, -1.0 / 3, -2.0 / 4, -2.0 / 5 };
    mid_monitor *m = open_n(2, 1);

    check(m, "ababax", want);
    mid_monitor_close(m);
    m = open_n(2, 0);                                   /* there the safe answers repeat themselves */
    check(m, "ababax", turned);
    mid_monitor_close(m);
}

/* Share of repeated n-grams in the last 64 of i tokens. */
static double from_scratch(const char *text, size_t i, size_t n)
{
    const char *from = text + (i > 64 ? i - 64 : 0);
    const size_t n_gram = (i > 64 ? 64 : i) - n + 1;
    size_t a, b, n_distinct = 0;

    for (a = 0; a < n_gram; a++) {
        for (b = 0; b < a && memcmp(from + a, from + b, n) != 0; b++)
            ;
        n_distinct += b == a;
    }
    return 1 - (double)n_distinct / (double)n_gram;
}

TEST(repetition, running_count_is_the_count_of_the_window)
{
    enum { N_TOK = 400 };
    const uint64_t seed = 20241124;
    char text[N_TOK + 1] = { 0 };
    double score[N_TOK];
    mid__rng rng;
    size_t n, i;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (n = 1; n <= 8; n++) {
        mid_monitor *m = open_n((double)n, 1);
        mid_stream *s = stream_of(m, NULL);
        mid_trace *t;
        mid__rng_init(&rng, seed, n);
        for (i = 0; i < N_TOK; i++)
            text[i] = (char)('a' + mid__rng_below(&rng, i / 100 == 1 ? 9 : 2));
        t = letters(text);
        CHECK_OK(mid_stream_score(test_ctx(), s, t, score, NULL));
        for (i = n; i <= N_TOK; i++)
            CHECK_NEAR(score[i - 1], from_scratch(text, i, n), 1e-12);
        mid_trace_close(t);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
}

/* Unsafe answers go round in circles from token 21 on, when a window begins to hold repetition; before that one safe
 * answer of many repeats itself. A sign chosen after 16 tokens would rest on that one. */
TEST(repetition, sign_is_chosen_on_a_full_window)
{
    static const char circles[] = "abcdefghijklmnopqrstabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd";
    static const char once[] = "abcdabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:";
    static const char never[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:";
    const mid_monitor_ops *ops = mid_monitor_find("repetition");
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    int i;

    for (i = 0; i < 10; i++)
        answers_put(&a, letters(i % 2 ? circles : i == 0 ? once : never), i % 2);
    set = set_of(&a);
    CHECK_OK(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w));
    CHECK_NEAR(mid_weights_number(w, "orientation"), 1, 0);
    CHECK_NEAR(mid_weights_number(w, "orientation_auroc"), 1, 0);
    mid_weights_close(w);
    answers_clear(&a);
}

TEST(repetition, refuses)
{
    static const double bad[] = { 0, 9, 2.5, NAN };
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;
    size_t i;

    answers_put(&a, letters("abc"), 0);
    answers_put(&a, letters("aaa"), 1);
    set = set_of(&a);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const mid_param params[] = { { "n", bad[i], NULL, NULL }, { NULL, 0, NULL, NULL } };
        CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("repetition"), params, &set, &w), MID_EINVAL);
    }
    CHECK(w == NULL);
    answers_clear(&a);
}
