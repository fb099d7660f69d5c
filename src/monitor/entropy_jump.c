/* Largest rise of the entropy from one token to the next: G8.
 *   S_t = max(0, max_{2<=j<=t} H_j - H_{j-1}),   0 <= S_t <= ln n_vocab, nats
 * The 0 stands for "no rise yet": it gives the first token a score and keeps S_t from ever falling.
 * Source: standard change detection on the entropy; the floor at 0 is ours. */
#include <math.h>

#include "monitor/monitor.h"

struct state { uint64_t n; double last, largest; };

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    struct state *s = self;
    const double h = (double)step->entropy_nats;

    (void)plan;
    if (!isfinite(h))
        return MID_ENUMERIC;
    if (s->n > 0)
        s->largest = fmax(s->largest, h - s->last);
    s->n += 1;
    s->last = h;
    *score = s->largest;
    return MID_OK;
}

const mid_monitor_ops mid__monitor_entropy_jump = {
    .name = "entropy_jump", .version = 1,
    .summary = "largest rise of the entropy from one token to the next", .unit = "nats",
    .source = "standard change detection",
    .box = MID_BOX_GREY, .needs = MID_SIG_ENTROPY,
    .state_size = sizeof(struct state), .push = push,
};
