/* Choosing by inner folds, with a method that takes a grid point's feature for the score and learns nothing. */
#include "traces.h"

#include "monitor/row_choice.h"

struct model { size_t feature; };

static mid_status learn(mid_ctx *ctx, const void *user, const mid__rows *rows, const uint8_t *use, int i_grid, void *model)
{
    (void)ctx; (void)rows; (void)use;
    ((struct model *)model)->feature = ((const size_t *)user)[i_grid];
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

static void forget(void *model) { (void)model; }

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

TEST(row_choice, finds_layer_and_grid_point)
{
    static const size_t features[] = { 2, 0, 1 };
    const mid_signals signals = signals_of(2, 3);
    const mid__row_method method = { .model_size = sizeof(struct model), .n_grid = 3, .view = MID__VIEW_TOKEN,
                                     .run = MID__RUN_MEAN, .user = features, .learn = learn, .score = score, .keep = keep,
                                     .forget = forget };
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    size_t at;
    int grid;

    fill(&a, &signals);
    set = set_of(&a);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__row_fit(test_ctx(), &set, -1, &method, w, &grid));
    CHECK_INT(grid, 2);
    CHECK_NEAR(mid_weights_number(w, "feature"), 1, 0);
    CHECK_NEAR(mid_weights_number(w, "layer"), 1, 0);
    CHECK_NEAR(mid_weights_number(w, "inner_auroc"), 1, 0);
    CHECK_OK(mid__layer_at(test_ctx(), "x", w, &signals, &at));
    CHECK_INT(at, 3);
    CHECK_OK(mid__row_fit(test_ctx(), &set, 0, &method, w, &grid));            /* the layer given is kept to */
    CHECK_NEAR(mid_weights_number(w, "layer"), 0, 0);
    CHECK_FAILS(mid__row_fit(test_ctx(), &set, 5, &method, w, &grid), MID_EINVAL);
    mid_weights_close(w);
    answers_clear(&a);
}

/* What a monitor does with its values changes which answers rank high: 0 4 0 has the larger maximum, 2 2 2 the mean. */
TEST(row_choice, runs)
{
    static const size_t features[] = { 0 };
    const mid_signals signals = signals_of(1, 1);
    /* a tie counts half. Mean: 0 against 2, 2 against 2, 4/3 against 2; maximum: 0, 4, 4; last: 0, 4, 0 */
    const double want[] = { 0.5 / 3, 2.0 / 3, 1.0 / 3 };
    answers a = { .n = 0 };
    mid__rows rows;
    mid_fit_set set;
    int i, t, run, grid;
    double auroc;

    for (i = 0; i < 40; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 0; t < 4; t++) {
            const float h = i % 2 ? (t == 1 ? 4 : 0) : 2;
            trace_put(trace, "x", -1, 1, &h);
        }
        answers_put(&a, trace, i % 2);
    }
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 0, &rows));  /* after 1, 2, 4 tokens: 0 4 0 and 2 2 2 */
    for (run = MID__RUN_MEAN; run <= MID__RUN_LAST; run++) {
        const mid__row_method method = { .model_size = sizeof(struct model), .run = (mid__run)run, .user = features,
                                         .learn = learn, .score = score, .keep = keep, .forget = forget };
        CHECK_OK(mid__row_choose(test_ctx(), &set, &rows, &method, &grid, &auroc));
        CHECK_NEAR(auroc, want[run], 1e-12);
    }
    mid__rows_clear(&rows);
    answers_clear(&a);
}

TEST(row_choice, picks_evenly)
{
    const mid_signals signals = signals_of(1, 1);
    uint8_t use[10];
    answers a = { .n = 0 };
    mid__rows rows, some;
    mid_fit_set set;
    int i;

    for (i = 0; i < 10; i++) {
        const float h = (float)i;
        mid_trace *t = trace_open(&signals, "p", NULL);
        trace_put(t, "x", -1, 1, &h);
        answers_put(&a, t, i % 2);
        use[i] = i != 4;
    }
    set = set_of(&a);
    CHECK_OK(mid__rows_of(test_ctx(), &set, 0, MID__VIEW_TOKEN, 0, 0, &rows));
    CHECK_OK(mid__rows_pick(test_ctx(), &rows, use, -1, 3, &some));             /* of nine: 0, 3, 7 (the 4 is not in use) */
    CHECK_INT(some.n, 3);
    CHECK(some.x[0] == 0 && some.x[1] == 3 && some.x[2] == 7);
    mid__rows_clear(&some);
    CHECK_OK(mid__rows_pick(test_ctx(), &rows, use, 0, 100, &some));
    CHECK_INT(some.n, 4);
    CHECK(some.x[2] == 6 && some.answer[2] == 6 && some.label[2] == 0);
    mid__rows_clear(&some);
    mid__rows_clear(&rows);
    answers_clear(&a);
}
