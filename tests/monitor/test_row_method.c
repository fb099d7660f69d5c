/* Choosing by inner folds, and streams, with a method that takes a grid point's feature for the score and learns
 * nothing; choosing with the one-class monitors. */
#include "hand_weights.h"

#include "base/ctx.h"
#include "monitor/row_method.h"
#include "monitor/running.h"

struct model { size_t feature; };

static mid_status learn(mid_ctx *ctx, const mid__row_data *data, void *model)
{
    static const size_t feature[] = { 2, 0, 1 };

    (void)ctx;
    ((struct model *)model)->feature = feature[data->i_grid] % data->rows->d;
    return MID_OK;
}

static double score(const void *model, const float *x, size_t d)
{
    (void)d;
    return (double)x[((const struct model *)model)->feature];
}

static mid_status keep(mid_ctx *ctx, const void *model, size_t d, mid_weights *out)
{
    (void)d;
    return mid_weights_set_number(ctx, out, "feature", (double)((const struct model *)model)->feature);
}

static mid_status restore(mid_ctx *ctx, const mid_weights *weights, size_t d, void *model)
{
    ((struct model *)model)->feature = (size_t)mid_weights_number(weights, "feature");
    return ((struct model *)model)->feature < d ? MID_OK : mid__fail(ctx, MID_EFORMAT, "a feature beyond the row");
}

static void forget(void *model) { (void)model; }

static const mid_param any_layer[] = { { "layer", -1, NULL, NULL }, { NULL, 0, NULL, NULL } };

/* Two layers of three features; feature 1 of layer 1 alone follows the label. */
static void fill(answers *a, const mid_signals *signals)
{
    int i, j;

    for (i = 0; i < 60; i++) {
        float h[6];
        mid_trace *t = trace_open(signals, "p", NULL);
        for (j = 0; j < 6; j++)
            h[j] = (float)((i * (j + 3)) % 7);
        h[4] = (float)(i % 2);
        trace_put(t, "x", -1, 1, h);
        answers_put(a, t, i % 2);
    }
}

TEST(row_method, finds_layer_and_grid_point)
{
    static const mid_param first[] = { { "layer", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param absent[] = { { "layer", 5, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(2, 3);
    mid__row_method method = { .model_size = sizeof(struct model), .n_grid = 3, .view = MID__VIEW_TOKEN, .learn = learn,
                               .score = score, .keep = keep, .forget = forget };
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    int grid;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__row_fit(test_ctx(), &set, any_layer, &method, w, &grid));
    CHECK_INT(grid, 2);
    CHECK_NEAR(mid_weights_number(w, "feature"), 1, 0);
    CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    CHECK(mid_weights_text(w, "inner_auroc") == NULL);
    method.keep_auroc = true;
    CHECK_OK(mid__row_fit(test_ctx(), &set, any_layer, &method, w, NULL));
    CHECK_NEAR(mid_weights_number(w, "inner_auroc"), 1, 0);
    CHECK_OK(mid__row_fit(test_ctx(), &set, first, &method, w, &grid));         /* the layer given is kept to */
    CHECK_NEAR(mid_weights_number(w, "layer"), 0, 0);
    CHECK_FAILS(mid__row_fit(test_ctx(), &set, absent, &method, w, &grid), MID_EINVAL);
    CHECK_SAYS("layer 5");
    mid_weights_close(w);
    answers_clear(&a);
}

/* What becomes of the values changes which answers rank high: 0 4 0 has the larger maximum, 2 2 2 the mean. */
TEST(row_method, means_and_largest)
{
    static const struct { mid__view view; bool largest; double auroc; } row[] = {
        /* after 1, 2, 4 tokens 0 4 0 and 2 2 2; a tie counts half */
        { MID__VIEW_TOKEN, false, 0.5 / 3 },            /* 0 against 2, 2 against 2, 4/3 against 2 */
        { MID__VIEW_TOKEN, true, 2.0 / 3 },             /* 0, 4, 4 */
        { MID__VIEW_MEAN, false, 0.5 / 3 },             /* 0, 2, 1 are means already: again, they would be 0, 1, 1 */
    };
    const mid_signals signals = signals_of(1, 1);
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    size_t k;
    int i, t;

    for (i = 0; i < 40; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < 4; t++) {
            const float h = i % 2 ? (t == 1 ? 4 : 0) : 2;
            trace_put(trace, "x", -1, 1, &h);
        }
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    for (k = 0; k < sizeof row / sizeof row[0]; k++) {
        const mid__row_method method = { .model_size = sizeof(struct model), .n_grid = 2, .view = row[k].view,
                                         .largest = row[k].largest, .keep_auroc = true, .learn = learn, .score = score,
                                         .keep = keep, .forget = forget };
        CHECK_OK(mid__row_fit(test_ctx(), &set, any_layer, &method, w, NULL));
        CHECK_NEAR(mid_weights_number(w, "inner_auroc"), row[k].auroc, 1e-12);
    }
    mid_weights_close(w);
    answers_clear(&a);
}

/* Rows (1, 5) (3, 1) of layer 1 by feature 1: 5, then their mean 3 or the largest, 5. */
TEST(row_method, streams)
{
    const mid_signals signals = signals_of(2, 2);
    const float h[][4] = { { 9, 9, 1, 5 }, { 9, 9, 3, 1 }, { 9, 9, NAN, 1 }, { 9, 9, 1, INFINITY } };
    mid_weights *w;
    int largest;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    put_number(w, "layer", 1);
    put_number(w, "feature", 1);
    for (largest = 0; largest < 2; largest++) {
        mid__row_method method = { .model_size = sizeof(struct model), .largest = largest, .score = score,
                                   .restore = restore, .forget = forget };
        mid__running state = { 0 };
        double x = 42;
        void *plan;
        CHECK_OK(mid__row_open(test_ctx(), "x", w, &signals, &method, &plan));
        CHECK_OK(mid__row_push(plan, &state, &(mid_step){ .hidden = h[0] }, &x));
        CHECK_NEAR(x, 5, 0);
        CHECK_FAILS(mid__row_push(plan, &state, &(mid_step){ .hidden = h[3] }, &x), MID_ENUMERIC);
        CHECK(mid__row_value(plan, h[2], &x));          /* the feature that is read is fine */
        method.check_row = true;
        CHECK(!mid__row_value(plan, h[2], &x));
        CHECK_OK(mid__row_push(plan, &state, &(mid_step){ .hidden = h[1] }, &x));
        CHECK_NEAR(x, largest ? 5 : 3, 0);
        mid__row_close(plan);
        put_number(w, "layer", 2);
        CHECK_FAILS(mid__row_open(test_ctx(), "x", w, &signals, &method, &plan), MID_ESIGNAL);
        CHECK_SAYS("x reads layer 2");
        put_number(w, "layer", 1);
    }
    put_number(w, "feature", 2);
    CHECK_FAILS(mid__row_open(test_ctx(), "x", w, &signals, &(mid__row_method){ .model_size = sizeof(struct model),
                              .score = score, .restore = restore, .forget = forget }, &(void *){ NULL }), MID_EFORMAT);
    mid_weights_close(w);
}

/* One-class monitors choose the layer whose safe rows tell the unsafe ones apart: here the second of three. */
static void fill_three(answers *a, const mid_signals *signals)
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

TEST(row_method, one_class_finds_the_layer_that_tells)
{
    const mid_signals signals = signals_of(3, 1);
    const mid_param third[] = { { "layer", 2, NULL, NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };

    fill_three(&a, &signals);
    CHECK_NEAR(layer_of("box", NULL, &a), 1, 0);
    CHECK_NEAR(layer_of("mahalanobis", NULL, &a), 1, 0);
    CHECK_NEAR(layer_of("box", third, &a), 2, 0);
    CHECK_NEAR(layer_of("mahalanobis", third, &a), 2, 0);
    answers_clear(&a);
}

/* All safe answers are of one prompt, so one inner fold has none to learn from: the first layer is taken. */
TEST(row_method, one_class_too_few_groups)
{
    const mid_signals signals = signals_of(3, 1);
    answers a = { .n = 0 };
    size_t i;

    fill_three(&a, &signals);
    for (i = 0; i < a.n; i++)
        a.answer[i].group = (uint32_t)a.answer[i].label;
    CHECK_NEAR(layer_of("box", NULL, &a), 0, 0);
    CHECK_NEAR(layer_of("mahalanobis", NULL, &a), 0, 0);
    answers_clear(&a);
}
