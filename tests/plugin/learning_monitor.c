/* A plug-in that learns: mean ln p of all tokens of safe and of unsafe answers.
 *   S_t = (1/t) sum_{i<=t} o (ln p_i - mean_safe),  o = 1 if mean_unsafe >= mean_safe, else -1
 * learning_monitor.py does the same. */
#include <math.h>
#include <midstream.h>
#include <stdlib.h>

struct plan { double safe, sign; };
struct state { uint64_t n; double sum; };

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    double sum[2] = { 0, 0 };
    float mean[2];
    size_t n[2] = { 0, 0 }, i;
    mid_step step;
    mid_status status;
    uint32_t t;

    (void)params;
    for (i = 0; i < set->n; i++)
        for (t = 0; t < mid_trace_n_tok(set->answer[i].trace); t++) {
            mid_trace_step(set->answer[i].trace, t, NULL, &step);
            sum[set->answer[i].label] += (double)step.lp;
            n[set->answer[i].label]++;
        }
    for (i = 0; i < 2; i++)
        mean[i] = (float)(sum[i] / (double)n[i]);
    status = mid_weights_set(ctx, out, "mean", mean, 1, 2);
    return status == MID_OK ? mid_weights_set_text(ctx, out, "note", "safe, unsafe") : status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const float *mean;
    struct plan *p;
    mid_status status = mid_weights_expect(ctx, weights, "mean", 1, 2, &mean);

    (void)params; (void)signals;
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return MID_ENOMEM;
    p->safe = (double)mean[0];
    p->sign = mean[1] >= mean[0] ? 1 : -1;
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;

    if (!isfinite(step->lp))
        return MID_ENUMERIC;
    s->n += 1;
    s->sum += p->sign * ((double)step->lp - p->safe);
    *score = s->sum / (double)s->n;
    return MID_OK;
}

static const mid_monitor_ops ops = {
    .name = "learning", .version = 1, .summary = "learns two means", .unit = "nats", .source = "a test",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB, .fit = fit,
    .open = open_plan, .close = free, .state_size = sizeof(struct state), .push = push,
};

const mid_monitor_ops *mid_plugin_monitor(uint32_t abi) { return abi == MID_PLUGIN_ABI ? &ops : NULL; }
