/* sample_vr and sample_vro by hand, and against whole texts cut at every count. */
#include "traces.h"

#include "base/buf.h"
#include "base/rng.h"
#include "base/rouge.h"
#include "monitor/sample_words.h"

static const mid_signals black = { .have = MID_SIG_TEXT | MID_SIG_SAMPLES };

/* a b c and a b d share two of three words: F1 = 4/6. */
TEST(sample_variation, golden)
{
    static const char *const sample[] = { "a b c", "A, B, D!" };
    static const char *const token[] = { "A", " b x", ".", " y z." };
    const double vro[] = { 1.0 / 3,                     /* no whole word yet: as far as the samples from each other */
                           0,                           /* a b of a b */
                           1.0 / 3,                     /* a b x of a b c and a b d */
                           1 - 4.0 / 8 };               /* a b x y z of the same: they have no more */
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 2 };
    mid_monitor *m[] = { monitor_of("sample_vr", NULL, NULL, &black), monitor_of("sample_vro", NULL, NULL, &black) };
    mid_stream *s[] = { stream_of(m[0], &prompt), stream_of(m[1], &prompt) };
    uint32_t i;

    for (i = 0; i < 4; i++) {
        const mid_step step = text_step(i, token[i]);
        CHECK_NEAR(push(s[0], &step), 1.0 / 3, 1e-15);
        CHECK_NEAR(push(s[1], &step), vro[i], 1e-15);
    }
    for (i = 0; i < 2; i++) {
        mid_stream_close(s[i]);
        mid_monitor_close(m[i]);
    }
}

/* Two empty samples are alike; an empty one and another are as unlike as can be. */
TEST(sample_variation, empty_samples)
{
    static const char *const sample[] = { "", "...", "word" };
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 3 };
    const mid_prompt one = { .text = "", .sample = sample, .n_sample = 1 };
    mid_monitor *m = monitor_of("sample_vr", NULL, NULL, &black);
    mid_stream *s = stream_of(m, &prompt);
    const mid_step step = text_step(0, "x");

    CHECK_NEAR(push(s, &step), 2.0 / 3, 1e-15);
    CHECK_FAILS(mid_stream_start(s, &one), MID_ESIGNAL);
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
}

static void random_text(mid__rng *rng, uint32_t n_word, mid__buf *out)
{
    static const char *const word[] = { "the ", "cat ", "sat ", "on ", "a ", "mat " };
    uint32_t i;

    for (i = 0; i < n_word; i++)
        mid__buf_text(out, word[mid__rng_below(rng, 6)]);
}

/* Bytes of the first n words of a text whose words are followed by one blank each. */
static size_t cut(const char *text, uint32_t n)
{
    const char *at = text;

    for (; n && *at; n--)
        at = strchr(at, ' ') + 1;
    return (size_t)(at - text);
}

TEST(sample_variation, vro_is_rouge_of_what_is_there)
{
    enum { N_SAMPLE = 3, N_WORD = 30 };
    const uint64_t seed = 20240712;
    mid_monitor *m = monitor_of("sample_vro", NULL, NULL, &black);
    mid__rng rng;
    uint32_t k, i, n;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (k = 0; k < 20; k++) {
        mid__buf text[N_SAMPLE + 1] = { 0 };
        const char *sample[N_SAMPLE];
        const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = N_SAMPLE };
        mid_stream *s;
        for (i = 0; i <= N_SAMPLE; i++)
            random_text(&rng, i == N_SAMPLE ? N_WORD : 1 + mid__rng_below(&rng, N_WORD), &text[i]);
        for (i = 0; i < N_SAMPLE; i++)
            sample[i] = text[i].at;
        s = stream_of(m, &prompt);
        for (n = 1; n <= N_WORD; n++) {
            const char *answer = text[N_SAMPLE].at;
            const size_t from = cut(answer, n - 1), to = cut(answer, n);
            const mid_step step = { .have = MID_SIG_TEXT, .i_tok = n - 1, .text = answer + from,
                                    .n_text = (uint32_t)(to - from) };
            double want = 0, f1;
            for (i = 0; i < N_SAMPLE; i++) {
                CHECK_OK(mid__rouge_l(test_ctx(), answer, to, sample[i], cut(sample[i], n), &f1));
                want += (1 - f1) / N_SAMPLE;
            }
            CHECK_NEAR(push(s, &step), want, 1e-12);
        }
        mid_stream_close(s);
        for (i = 0; i <= N_SAMPLE; i++)
            mid__buf_clear(&text[i]);
    }
    mid_monitor_close(m);
}

/* An answer and samples longer than what is kept: the score stands. */
TEST(sample_variation, long_texts)
{
    mid__buf text = { 0 };
    const char *sample[12];
    const mid_prompt prompt = { .text = "", .sample = sample, .n_sample = 12 };
    mid_monitor *m = monitor_of("sample_vro", NULL, NULL, &black);
    const mid_step other = text_step(0, "and other words. ");
    mid_stream *s;
    double score = 0;
    int i;

    for (i = 0; i < MID__SAMPLE_WORD_MAX + 50; i++)
        mid__buf_text(&text, "again ");
    for (i = 0; i < 12; i++)
        sample[i] = text.at;
    s = stream_of(m, &prompt);
    for (i = 0; i < MID__SAMPLE_WORD_MAX + 50; i++) {
        const mid_step step = text_step((uint32_t)i, "again ");
        score = push(s, &step);
    }
    CHECK_NEAR(score, 0, 0);
    CHECK_NEAR(push(s, &other), 0, 0);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid__buf_clear(&text);
}

static double entropy_of(const char *const *sample, size_t n)
{
    const mid_prompt prompt = { .sample = sample, .n_sample = n };
    mid__sample_words words;

    mid__sample_words_of(&prompt, &words);
    return mid__semantic_entropy(&words);
}

/* By hand: three of four words in common is .75 of one and all of the other, three of five is too little. */
TEST(sample_variation, semantic_entropy)
{
    static const char *const alike[] = { "a b c d", "A b c.", "a b c d" };
    static const char *const two[] = { "a b c", "a b c d e", "a b c" };
    static const char *const apart[] = { "yes", "no", "perhaps", "" }, *const empty[] = { "", "..." };

    CHECK_NEAR(entropy_of(alike, 3), 0, 0);
    CHECK_NEAR(entropy_of(two, 3), 0.636514168, 1e-9);          /* -(2/3) ln(2/3) - (1/3) ln(1/3) */
    CHECK_NEAR(entropy_of(apart, 4), 1.386294361, 1e-9);        /* ln 4 */
    CHECK_NEAR(entropy_of(empty, 2), 0, 0);
}
