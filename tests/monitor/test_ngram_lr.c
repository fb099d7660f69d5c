/* The n-gram monitor: its fit on two answers by hand, its running score against a fresh count of every prefix. */
#include "traces.h"

#include "base/ngram.h"
#include "base/rng.h"

static const mid_signals black = { .have = MID_SIG_TEXT };

static mid_trace *one_token(const char *text)
{
    const mid_prompt prompt = { .text = "p" };
    mid_step step = text_step(0, text);
    mid_trace *t;

    CHECK_OK(mid_trace_open(test_ctx(), &black, &prompt, &t));
    CHECK_OK(mid_trace_append(t, &step));
    return t;
}

static mid_weights *fit(const answers *a, double c)
{
    const mid_param params[] = { { "c", c, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_fit_set set = set_of(a);
    mid_weights *w;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("ngram_lr"), params, &set, &w));
    return w;
}

static mid_stream *open_stream(const mid_weights *w, mid_monitor **m)
{
    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find("ngram_lr"), NULL, w, &black, m));
    return stream_of(*m, NULL);
}

/* Two answers without a common n-gram: phi are orthogonal units u, v, so w = a (v - u), b = 0 and a minimises
 * 2 C ln(1 + e^-a) + a^2: a (1 + e^a) = C. With C = 3, a = .8427. */
TEST(ngram_lr, golden)
{
    answers a = { .n = 0 };
    const mid_step safe = text_step(0, "aaaa"), unsafe = text_step(0, "zzzz"), neither = text_step(0, "..!");
    mid_monitor *m;
    mid_weights *w;
    mid_stream *s;
    double want = 0.8;
    int i;

    for (i = 0; i < 60; i++)
        want -= (want * (1 + exp(want)) - 3) / (1 + exp(want) + want * exp(want));
    answers_put(&a, one_token("aaaa"), 0);
    answers_put(&a, one_token("zzzz"), 1);
    w = fit(&a, 3);
    s = open_stream(w, &m);
    CHECK_NEAR(push(s, &unsafe), want, 1e-3);           /* the fit stops within 1e-6 of the least loss */
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK_NEAR(push(s, &safe), -want, 1e-3);
    CHECK_OK(mid_stream_start(s, NULL));
    CHECK_NEAR(push(s, &neither), 0, 1e-3);             /* no n-gram: b alone */
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
    answers_clear(&a);
}

struct naive { double count[MID__NGRAM_BUCKETS]; size_t n_known, n_known_max; };

static void count(void *user, uint32_t bucket)
{
    struct naive *c = user;

    if (c->count[bucket] > 0 || c->n_known < c->n_known_max)
        c->n_known += c->count[bucket]++ <= 0;
}

static double score_of(const struct naive *c, const float *w, double b)
{
    double dot = 0, square = 0;
    size_t i;

    for (i = 0; i < MID__NGRAM_BUCKETS; i++) {
        const double phi = log1p(c->count[i]);
        dot += (double)w[i] * phi;
        square += phi * phi;
    }
    return b + (square > 0 ? dot / sqrt(square) : 0);
}

/* A text of n_letter letters in random words, some beyond ASCII. */
static char *random_text(uint64_t seed, size_t n_letter)
{
    static const char *const letter[] = { "a", "e", "n", "r", "s", "t", "k", "\xc3\xa4", "\xd0\xb6", " ", " ", "." };
    char *text = calloc(n_letter + 1, 2);
    mid__rng rng;
    size_t i;

    assert_non_null(text);
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < n_letter; i++)
        strcat(text + (i ? i - 1 : 0), letter[mid__rng_below(&rng, sizeof letter / sizeof letter[0])]);
    return text;
}

/* Push the text in random pieces; after every 40th, and at the end, compare with a count from scratch. The table holds
 * 6144 different n-grams: the long text has more, and new ones are then ignored. */
static void check_text(const mid_weights *w, uint64_t seed, size_t n_letter, bool fills)
{
    struct naive *c = calloc(1, sizeof *c);
    char *text = random_text(seed, n_letter);
    const float *weight, *b;
    mid__ngram ngram = { 0 };
    mid_monitor *m;
    mid_stream *s = open_stream(w, &m);
    mid__rng rng;
    uint32_t i = 0, n;
    size_t at;

    assert_non_null(c);
    c->n_known_max = 6144;
    CHECK_OK(mid_weights_expect(test_ctx(), w, "w", 1, MID__NGRAM_BUCKETS, &weight));
    CHECK_OK(mid_weights_expect(test_ctx(), w, "b", 1, 1, &b));
    mid__rng_init(&rng, seed, 1);
    for (at = 0; at < strlen(text); at += n, i++) {
        mid_step step = text_step(i, text + at);
        double score;
        n = 1 + mid__rng_below(&rng, 30);
        step.n_text = n = n < step.n_text ? n : step.n_text;
        score = push(s, &step);
        mid__ngram_put(&ngram, text + at, n, count, c);
        if (i % 40 == 0 || at + n == strlen(text))
            CHECK_NEAR(score, score_of(c, weight, (double)*b), 1e-9);
    }
    CHECK(fills == (c->n_known == c->n_known_max));
    mid_stream_close(s);
    mid_monitor_close(m);
    free(text);
    free(c);
}

TEST(ngram_lr, running_score_is_the_score_of_the_prefix)
{
    const uint64_t seed = 20240612;
    answers a = { .n = 0 };
    mid_weights *w;
    char *safe = random_text(seed, 300), *unsafe = random_text(seed + 1, 300);

    print_message("seed %llu\n", (unsigned long long)seed);
    answers_put(&a, one_token(safe), 0);
    answers_put(&a, one_token(unsafe), 1);
    w = fit(&a, 10);
    check_text(w, seed + 2, 900, false);
    check_text(w, seed + 3, 9000, true);
    mid_weights_close(w);
    answers_clear(&a);
    free(safe);
    free(unsafe);
}

/* Words that only unsafe answers hold; C is chosen by inner folds and says so. */
TEST(ngram_lr, chooses_c)
{
    answers a = { .n = 0 };
    mid_weights *w;
    char text[64];
    int i;

    for (i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "%s number %d of the list.", i % 2 ? "Mix the powder" : "I would rather not",
                 i * 37 % 11);
        answers_put(&a, one_token(text), i % 2);
    }
    w = fit(&a, 0);
    CHECK_NEAR(mid_weights_number(w, "c"), 0.1, 0);     /* every C tells them apart: the smallest is kept */
    CHECK_NEAR(mid_weights_number(w, "inner_auroc"), 1, 0);
    mid_weights_close(w);
    answers_clear(&a);
}

TEST(ngram_lr, refuses)
{
    const mid_monitor_ops *ops = mid_monitor_find("ngram_lr");
    const mid_param negative[] = { { "c", -1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_monitor *m = NULL;
    mid_fit_set set;

    answers_put(&a, one_token("aaaa"), 0);
    answers_put(&a, one_token("zzzz"), 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, negative, &set, &w), MID_EINVAL);
    CHECK(w == NULL);
    w = fit(&a, 1);
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "ngram_version", MID__NGRAM_VERSION + 1));
    CHECK_FAILS(mid_monitor_open(test_ctx(), ops, NULL, w, &black, &m), MID_EMISMATCH);
    CHECK(m == NULL);
    mid_weights_close(w);
    answers_clear(&a);
}
