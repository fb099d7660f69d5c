/* Largest mean entropy of a window: G5.
 *   S_t = max over closed windows of (1/w) sum_{i in window} H_i,   windows 1..w, w+1..2w, ... that end at t or before
 * Before the first window closes: the running mean. nats. A stretch of doubt shows where one doubtful word does not,
 * and disjoint windows keep the state at four numbers. Source: standard windowing of the token entropy. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/monitor.h"
#include "monitor/running.h"

enum { WINDOW_MAX_TOK = 1 << 20 };

struct plan { uint64_t window_tok; };
struct state { mid__running open, closed; };    /* the window under way; the largest mean of those over */

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const double window = mid__param_number(params, "window");
    struct plan *p;

    (void)weights; (void)signals;
    if (!(window >= 1 && window <= WINDOW_MAX_TOK && window == floor(window)))
        return mid__fail(ctx, MID_EINVAL, "window %g: must be a whole number of tokens, 1 to %d", window,
                         WINDOW_MAX_TOK);
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "a window");
    p->window_tok = (uint64_t)window;
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    double mean;

    if (!isfinite(step->entropy_nats))
        return MID_ENUMERIC;
    mean = mid__running_mean(&s->open, (double)step->entropy_nats);
    if (s->open.n == p->window_tok) {
        mid__running_max(&s->closed, mean);
        s->open = (mid__running){ 0, 0 };
    }
    *score = s->closed.n ? s->closed.value : mean;
    return MID_OK;
}

static const mid_param params_[] = {
    { "window", 16, NULL, "tokens in a window" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_window_entropy = {
    .name = "window_entropy", .version = 1,
    .summary = "largest mean entropy of a window of tokens so far", .unit = "nats",
    .source = "standard windowing",
    .box = MID_BOX_GREY, .needs = MID_SIG_ENTROPY, .params = params_,
    .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
