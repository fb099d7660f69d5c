/* Controls: what a monitor must beat to be worth its name (B9).
 *   length  S_t = t, tokens so far             random  S_t uniform in [0, 1), fixed by prompt, position and token
 * They read nothing of the answer's meaning; a benchmark in which they do well has a leak. */
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "monitor/running.h"

static mid_status push_length(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan; (void)self;
    *score = (double)step->i_tok + 1;
    return MID_OK;
}

const mid_monitor_ops mid__monitor_length = {
    .name = "length", .version = 1,
    .summary = "tokens so far", .unit = "tokens", .source = "trivial control",
    .box = MID_BOX_CONTROL, .push = push_length,
};

struct coin { uint64_t seed; };

static mid_status start_random(const void *plan, void *self, const mid_prompt *prompt)
{
    struct coin *c = self;

    (void)plan;
    c->seed = mid__fnv(MID__FNV_START, prompt->text, strlen(prompt->text));
    return MID_OK;
}

static mid_status push_random(const void *plan, void *self, const mid_step *step, double *score)
{
    struct coin *c = self;
    mid__rng r;

    (void)plan;
    c->seed = mid__fnv(c->seed, &step->token, sizeof step->token);  /* answers to one prompt get different coins */
    mid__rng_init(&r, c->seed, step->i_tok);
    *score = mid__rng_unit(&r);
    return MID_OK;
}

const mid_monitor_ops mid__monitor_random = {
    .name = "random", .version = 1,
    .summary = "a coin that knows nothing", .unit = "uniform", .source = "trivial control",
    .box = MID_BOX_CONTROL, .state_size = sizeof(struct coin), .start = start_random, .push = push_random,
};
