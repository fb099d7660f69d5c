/* Repeats: a ladder each. With one of them nothing is drawn but prompts. */
#include "metric/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/rng.h"
#include "metric/order.h"

#define REPEAT_SEED 0x7265706561747331ull       /* other numbers than those that draw the prompts */

mid_status mid__repeats_open(mid_ctx *ctx, const double *score, size_t n_repeat, const uint8_t *label,
                             const uint32_t *group, size_t n, const mid_boot *boot, mid__repeats *out)
{
    mid__repeats r = { .seed = (boot ? boot->seed : 0) ^ REPEAT_SEED };
    mid_status status = MID_OK;

    r.ladder = calloc(n_repeat, sizeof *r.ladder);
    r.times = calloc(n_repeat, sizeof *r.times);
    r.group = malloc((n + 1) * sizeof *r.group);
    if (!r.ladder || !r.times || !r.group)
        status = mid__oom(ctx, "prompt groups");
    for (r.n = 0; status == MID_OK && r.n < n_repeat; r.n += status == MID_OK)
        status = mid__ladder_open(ctx, score + r.n * n, label, n, &r.ladder[r.n]);
    if (status == MID_OK && n > 0)
        memcpy(r.group, group, n * sizeof *group);
    if (status == MID_OK)
        status = mid__group_number(ctx, r.group, n, &r.n_group);
    if (status == MID_OK)
        *out = r;
    else
        mid__repeats_clear(&r);
    return status;
}

void mid__repeats_clear(mid__repeats *repeats)
{
    size_t i;

    for (i = 0; i < repeats->n; i++)
        mid__ladder_clear(&repeats->ladder[i]);
    free(repeats->ladder);
    free(repeats->times);
    free(repeats->group);
    *repeats = (mid__repeats){ 0 };
}

void mid__repeats_weigh(mid__repeats *repeats, const uint32_t *weight)
{
    const bool drawn = repeats->n > 1 && repeats->i_draw > 0;
    mid__rng rng;
    size_t i;

    mid__rng_init(&rng, repeats->seed, repeats->i_draw++);
    for (i = 0; i < repeats->n; i++)
        repeats->times[i] = drawn ? 0 : 1;
    for (i = 0; drawn && i < repeats->n; i++)
        repeats->times[mid__rng_below(&rng, (uint32_t)repeats->n)] += 1;
    for (i = 0; i < repeats->n; i++)
        if (repeats->times[i])
            mid__ladder_weigh(&repeats->ladder[i], repeats->group, weight);
}
