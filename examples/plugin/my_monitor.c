/* A monitor from outside the tree: running mean of surprisal, where one odd word counts at most cap_nats.
 *   S_t = (1/t) sum_{i<=t} min(-ln p_i, cap_nats)
 * Build it and use it (docs/plugins.md has the rules):
 *   cc -std=c11 -shared -fPIC $(pkg-config --cflags midstream) my_monitor.c -o my_monitor.so
 *   midstream watch --plugin ./my_monitor.so --monitor capped_surprisal "How do tides work?" */
#include <math.h>
#include <midstream.h>
#include <stdlib.h>

struct plan { double cap_nats; };                   /* the same for all answers */
struct state { uint64_t n; double sum_nats; };      /* of one answer; begins as zeroes */

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    struct plan *p;

    (void)ctx; (void)weights; (void)signals;
    if (!(params[0].number > 0))
        return MID_EINVAL;
    p = malloc(sizeof *p);
    if (!p)
        return MID_ENOMEM;
    p->cap_nats = params[0].number;
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    const double x = -(double)step->lp;

    if (!isfinite(x))
        return MID_ENUMERIC;                        /* before touching s: an error changes nothing */
    s->n += 1;
    s->sum_nats += x < p->cap_nats ? x : p->cap_nats;
    *score = s->sum_nats / (double)s->n;
    return MID_OK;
}

static const mid_param params_[] = {
    { "cap_nats", 10, NULL, "what one token counts at most" },
    { NULL, 0, NULL, NULL }
};

static const mid_monitor_ops ops = {
    .name = "capped_surprisal", .version = 1,
    .summary = "running mean of -ln p of the tokens, each at most cap_nats", .unit = "nats", .source = "an example",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB, .params = params_,
    .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};

const mid_monitor_ops *mid_plugin_monitor(uint32_t abi) { return abi == MID_PLUGIN_ABI ? &ops : NULL; }
