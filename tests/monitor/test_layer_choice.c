/* One-class monitors choose the layer whose safe rows tell the unsafe ones apart: here the second of three. */
#include "traces.h"

static void fill(answers *a, const mid_signals *signals)
{
    int i, t;

    for (i = 0; i < 60; i++) {
        mid_trace *trace = trace_open(signals, "p", NULL);
        for (t = 0; t < 5; t++) {
            const float far = i % 3 ? 0 : 20;           /* every third answer is unsafe */
            const float h[3] = { (float)(i * 7 % 11 + t % 2), far + (float)((i + t) * 5 % 7), (float)(i * 3 % 13) };
            trace_put(trace, "x", -1, 1, h);
        }
        answers_put(a, trace, i % 3 == 0);
    }
}

static double layer_of(const char *name, const mid_param *params, const answers *a)
{
    const mid_fit_set set = set_of(a);
    mid_weights *w;
    double layer;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find(name), params, &set, &w));
    layer = mid_weights_number(w, "layer");
    mid_weights_close(w);
    return layer;
}

TEST(layer_choice, finds_the_layer_that_tells)
{
    const mid_signals signals = signals_of(3, 1);
    const mid_param third[] = { { "layer", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };

    fill(&a, &signals);
    CHECK_NEAR(layer_of("box", NULL, &a), 1, 0);
    CHECK_NEAR(layer_of("mahalanobis", NULL, &a), 1, 0);
    CHECK_NEAR(layer_of("box", third, &a), 2, 0);
    CHECK_NEAR(layer_of("mahalanobis", third, &a), 2, 0);
    answers_clear(&a);
}

/* All safe answers are of one prompt, so one inner fold has none to learn from: the first layer is taken. */
TEST(layer_choice, too_few_groups)
{
    const mid_signals signals = signals_of(3, 1);
    answers a = { .n = 0 };
    size_t i;

    fill(&a, &signals);
    for (i = 0; i < a.n; i++)
        a.answer[i].group = (uint32_t)a.answer[i].label;
    CHECK_NEAR(layer_of("box", NULL, &a), 0, 0);
    CHECK_NEAR(layer_of("mahalanobis", NULL, &a), 0, 0);
    answers_clear(&a);
}

TEST(layer_choice, refuses_a_layer_that_is_not_tapped)
{
    const mid_signals signals = signals_of(3, 1);
    const mid_param absent[] = { { "layer", 3, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_weights *w = NULL;
    mid_fit_set set;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("box"), absent, &set, &w), MID_EINVAL);
    CHECK_SAYS("layer 3");
    CHECK(w == NULL);
    answers_clear(&a);
}
