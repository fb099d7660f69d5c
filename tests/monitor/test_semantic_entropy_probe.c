/* semantic_entropy_probe: fitted where samples agree for prompts whose row leans one way, and disagree for the others.
 * */
#include "traces.h"

#include "base/rng.h"

enum { N_LAYER = 2, D = 4, N = 60 };

static const char *const sentence = "One two three four five.";

/* The label is half a coin toss; what is to be learned is the samples'. Layer 1 shows it, layer 0 is noise. */
static void fill(answers *a, bool with_sentence)
{
    static const char *const alike[] = { "It is Paris.", "It is Paris.", "It is Paris" };
    static const char *const unlike[] = { "It is Paris.", "Perhaps Rome?", "I do not know" };
    const mid_signals signals = signals_of(N_LAYER, D);
    mid__rng rng;
    int i, j;

    mid__rng_init(&rng, 5, 0);
    for (i = 0; i < N; i++) {
        const bool high = i % 2;
        float h[N_LAYER * D];
        const mid_prompt prompt = { .text = "p", .hidden = h, .sample = high ? unlike : alike, .n_sample = 3 };
        mid_trace *t;
        for (j = 0; j < N_LAYER * D; j++)
            h[j] = (float)mid__rng_unit(&rng) - 0.5f;
        h[D] += high ? 1 : -1;
        CHECK_OK(mid_trace_open(test_ctx(), &signals, &prompt, &t));
        h[D] = 0;                                       /* at a sentence's end another direction shows it */
        h[D + 1] += high ? 1 : -1;
        trace_put(t, "well, ", -1, 1, h);
        trace_put(t, with_sentence ? sentence : "no end", -1, 1, h);
        answers_put(a, t, (int)mid__rng_below(&rng, 2));
    }
    a->answer[0].label = 0;
    a->answer[1].label = 1;
}

static double at(mid_stream *s, const char *text, float h1)
{
    const float h[N_LAYER * D] = { 0, 0, 0, 0, 0, h1 };
    mid_step step = text_step(0, text);

    step.have |= MID_SIG_HIDDEN;
    step.hidden = h;
    return push(s, &step);
}

TEST(semantic_entropy_probe, learns_from_samples_not_labels)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    const float known[N_LAYER * D] = { [D] = -1 }, unknown[N_LAYER * D] = { [D] = 1 };
    const mid_prompt sure = { .text = "", .hidden = known }, unsure = { .text = "", .hidden = unknown };
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    double low, high;

    fill(&a, true);
    m = monitor_of("semantic_entropy_probe", NULL, &a, &signals);
    s = stream_of(m, &sure);
    low = at(s, "x", 1);                                /* no sentence's end: the prompt's score */
    CHECK(low < 0.5);
    CHECK_NEAR(at(s, "y", -1), low, 0);
    high = at(s, sentence, 1);
    CHECK(high > 0.5);
    CHECK_NEAR(at(s, "held", -1), high, 0);
    CHECK(at(s, sentence, -1) < 0.5);
    CHECK_OK(mid_stream_start(s, &unsure));
    CHECK(at(s, "x", -1) > 0.5);
    CHECK_FAILS(mid_stream_start(s, NULL), MID_ESIGNAL);
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(semantic_entropy_probe, answers_without_a_sentence)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    const float known[N_LAYER * D] = { [D] = -1 };
    const mid_prompt sure = { .text = "", .hidden = known };
    answers a = { .n = 0 };
    mid_monitor *m;
    mid_stream *s;
    double low;

    fill(&a, false);
    m = monitor_of("semantic_entropy_probe", NULL, &a, &signals);
    s = stream_of(m, &sure);
    low = at(s, "x", 1);
    CHECK(low < 0.5);
    CHECK_NEAR(at(s, sentence, 1), low, 0);             /* nothing was learned for sentence ends */
    mid_stream_close(s);
    mid_monitor_close(m);
    answers_clear(&a);
}

TEST(semantic_entropy_probe, refuses_samples_that_teach_nothing)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    const mid_monitor_ops *ops = mid_monitor_find("semantic_entropy_probe");
    static const char *const one[] = { "one" };
    const mid_prompt alone = { .text = "", .sample = one, .n_sample = 1 };
    const float h[N_LAYER * D] = { 0 };
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w = NULL;
    mid_signals none = signals;
    mid_trace *t;

    answers_put(&a, trace_open(&signals, "p", h), 0);   /* the same three samples each time */
    answers_put(&a, trace_open(&signals, "p", h), 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("nothing to learn");
    CHECK_OK(mid_trace_open(test_ctx(), &signals, &alone, &t));
    answers_put(&a, t, 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_ESIGNAL);
    CHECK_SAYS("answer 2 has 1 sampled");
    none.have &= ~(uint32_t)MID_SIG_SAMPLES;
    answers_put(&a, trace_open(&none, "p", h), 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), ops, NULL, &set, &w), MID_ESIGNAL);
    CHECK_SAYS("sampled answers, which answer 3 does not carry");
    CHECK(w == NULL);
    answers_clear(&a);
}
