/* Orientation on a monitor made for it: S_t = max over the tokens so far of o ln p_i. */
#include "traces.h"

#include "monitor/orientation.h"

static mid_status open_max(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                           void **plan)
{
    double orientation, *p;
    mid_status status = mid__orientation_of(ctx, weights, &orientation);

    (void)params; (void)signals;
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    assert_non_null(p);
    *p = orientation;
    *plan = p;
    return MID_OK;
}

static mid_status push_max(const void *plan, void *self, const mid_step *step, double *score)
{
    struct { double n, largest; } *s = self;
    const double x = *(const double *)plan * (double)step->lp;

    if (!isfinite(x))
        return MID_ENUMERIC;
    s->largest = s->n > 0 ? fmax(s->largest, x) : x;
    s->n += 1;
    *score = s->largest;
    return MID_OK;
}

static const mid_monitor_ops toy = {
    .name = "toy", .version = 1, .summary = "max", .unit = "nats", .source = "test", .box = MID_BOX_GREY,
    .needs = MID_SIG_LOGPROB, .open = open_max, .close = free, .state_size = 2 * sizeof(double), .push = push_max,
};

/* One token per value. */
static mid_trace *trace_of(const float *lp, size_t n)
{
    const mid_signals signals = { .have = MID_SIG_LOGPROB };
    mid_trace *t;
    uint32_t i;

    CHECK_OK(mid_trace_open(test_ctx(), &signals, NULL, &t));
    for (i = 0; i < n; i++) {
        const mid_step step = { .have = MID_SIG_LOGPROB, .i_tok = i, .lp = lp[i] };
        CHECK_OK(mid_trace_append(t, &step));
    }
    return t;
}

static mid_weights *fit(const answers *a, int fallback)
{
    const mid_fit_set set = set_of(a);
    mid_weights *w;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__orientation_fit(test_ctx(), &toy, &set, NULL, fallback, w));
    return w;
}

static void check(const mid_weights *w, double orientation, double auroc)
{
    CHECK_NEAR(mid_weights_number(w, "orientation"), orientation, 0);
    CHECK_NEAR(mid_weights_number(w, "orientation_auroc"), auroc, 0);
}

/* Safe answers -1, -5; unsafe -1, -9 and -3, -6. Under +1 the maxima are -1, -1; -1, -3: AUROC 1/4 (two ties, two
 * losses). Under -1 they are 5, 5; 9, 6: AUROC 1. Turning the score instead of the signal would give 3/4. */
TEST(orientation, is_applied_before_the_maximum)
{
    static const float safe[] = { -1, -5 }, far[] = { -1, -9 }, near[] = { -3, -6 };
    answers a = { .n = 0 };
    mid_weights *w;

    answers_put(&a, trace_of(safe, 2), 0);
    answers_put(&a, trace_of(safe, 2), 0);
    answers_put(&a, trace_of(far, 2), 1);
    answers_put(&a, trace_of(near, 2), 1);
    w = fit(&a, 1);
    check(w, -1, 1);
    mid_weights_close(w);
    a.answer[0].label = a.answer[1].label = 1;
    a.answer[2].label = a.answer[3].label = 0;
    w = fit(&a, -1);
    check(w, 1, 0.75);
    mid_weights_close(w);
    answers_clear(&a);
}

/* Token 17 and what follows it decides nothing; an answer that ends before 16 counts with its end. */
TEST(orientation, looks_at_16_tokens)
{
    float flat[20], late[20];
    answers a = { .n = 0 };
    mid_weights *w;
    int i;

    for (i = 0; i < 20; i++) {
        flat[i] = -2;
        late[i] = i < 16 ? -2 : -8;
    }
    answers_put(&a, trace_of(flat, 20), 0);
    answers_put(&a, trace_of(late, 20), 1);
    w = fit(&a, 1);
    check(w, 1, 0.5);                                   /* a tie: the fallback */
    mid_weights_close(w);
    w = fit(&a, -1);
    check(w, -1, 0.5);
    mid_weights_close(w);
    late[15] = -8;
    answers_put(&a, trace_of(late, 16), 1);
    answers_put(&a, trace_of(late + 15, 1), 1);
    w = fit(&a, 1);
    check(w, -1, 2.5 / 3);
    mid_weights_close(w);
    answers_clear(&a);
}

/* A step that is no number is left out, and an answer of nothing else too; with one class left nothing is chosen. */
TEST(orientation, leaves_out_what_is_missing)
{
    static const float bad = NAN, low[] = { NAN, -9 }, high[] = { -1, NAN };
    answers a = { .n = 0 };
    mid_weights *w;

    answers_put(&a, trace_of(high, 2), 0);
    answers_put(&a, trace_of(&bad, 1), 1);
    answers_put(&a, trace_of(&bad, 0), 1);
    w = fit(&a, -1);
    check(w, -1, 0.5);
    mid_weights_close(w);
    answers_put(&a, trace_of(low, 2), 1);
    w = fit(&a, 1);
    check(w, -1, 1);
    mid_weights_close(w);
    answers_clear(&a);
}
