/* A trace's key: whatever its steps can depend on is in it, so that nothing old is taken for something new. The sets
 * here are two samples by hand; a judge behind a URL is never contacted for its identity. */
#include "test.h"

#include "bench/set.h"

static mid_sample sample[2] = {
    { .id = "a", .task = "qa", .prompt = "How?", .response = "So." },
    { .id = "b", .task = "qa", .prompt = "Why?", .response = "Hence." },
};

static mid_key key_of(const char *engine, const char *source, const mid_source_opts *opts, size_t i)
{
    mid__answer answer[2] = { { .sample = &sample[0] }, { .sample = &sample[1] } };
    const mid__set set = { .source = source, .answer = answer, .n = 2, .signals = { .observer = "f00d" } };

    return mid__trace_key(&set, opts, engine, i);
}

static bool same(mid_key a, mid_key b) { return strcmp(a.hex, b.hex) == 0; }

TEST(capture, a_new_engine_reuses_no_trace)
{
    const mid_source_opts opts = mid_source_opts_default();
    const mid_key before = key_of("b1", "recorded", &opts, 0);

    CHECK(same(before, key_of("b1", "recorded", &opts, 0)));
    CHECK(!same(before, key_of("b2", "recorded", &opts, 0)));
    CHECK(!same(before, key_of("b1", "recorded", &opts, 1)));
    CHECK(!same(key_of("b1", "llama", &opts, 0), key_of("b2", "llama", &opts, 0)));
}

/* A recorded answer is its own work; a generated one is its whole group's. */
TEST(capture, a_group_belongs_to_generated_answers)
{
    const mid_source_opts opts = mid_source_opts_default();
    const mid_key recorded = key_of("b1", "recorded", &opts, 0), generated = key_of("b1", "llama", &opts, 0);

    sample[1].prompt = "When?";
    CHECK(same(recorded, key_of("b1", "recorded", &opts, 0)));
    CHECK(!same(generated, key_of("b1", "llama", &opts, 0)));
    sample[1].prompt = "Why?";
}

static mid_key judged_key(const char *url, const char *form, bool by_sentence, uint32_t every_tok, uint32_t want)
{
    mid_judge_opts how = mid_judge_opts_default();
    mid_source_opts opts = mid_source_opts_default();
    mid_judge *judge = NULL;
    mid_key key;

    how.form = form;
    how.by_sentence = by_sentence;
    how.every_tok = every_tok;
    CHECK_OK(mid_judge_open(test_ctx(), url, &how, &judge));
    opts.want = want;
    opts.judge = judge;
    key = key_of("b1", "recorded", &opts, 0);
    mid_judge_close(judge);
    return key;
}

TEST(capture, judges_do_not_mix)
{
    static const char here[] = "http://127.0.0.1:1", there[] = "http://127.0.0.1:2";
    static const char form[] = "{prompt}{answer}{options}";
    const mid_source_opts unjudged = mid_source_opts_default();
    const mid_key key[] = {
        key_of("b1", "recorded", &unjudged, 0), judged_key(here, NULL, false, 32, MID_SIG_JUDGE),
        judged_key(there, NULL, false, 32, MID_SIG_JUDGE), judged_key(here, form, false, 32, MID_SIG_JUDGE),
        judged_key(here, NULL, false, 16, MID_SIG_JUDGE), judged_key(here, NULL, true, 32, MID_SIG_JUDGE),
    };
    size_t i, j;

    for (i = 0; i < sizeof key / sizeof key[0]; i++)
        for (j = 0; j < i; j++)
            if (same(key[i], key[j]))
                fail_msg("keys %zu and %zu are the same", j, i);
    CHECK(same(key[1], judged_key(here, NULL, false, 0, MID_SIG_JUDGE)));       /* 32 is what 0 means */
    CHECK(same(key[0], judged_key(here, NULL, false, 32, 0)));                  /* nobody asked it */
}
