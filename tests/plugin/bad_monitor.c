/* A plug-in that misbehaves at the third token, or while it is loaded, as its parameter or $BAD_AT_LOAD says. Otherwise
 * its score is the number of tokens. */
#include <math.h>
#include <midstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct plan { char how[32]; };
struct state { uint32_t n; };

static void misbehave(const char *how)
{
    volatile int *nowhere = NULL;
    volatile int forever = 1;
    size_t i;

    if (strcmp(how, "segfault") == 0)
        *nowhere = 1;
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "exit") == 0)
        exit(0);
    while (strcmp(how, "loop") == 0 && forever)
        ;
    if (strcmp(how, "close") == 0)
        for (i = 0; i < 100; i++)
            close((int)i);
    for (i = 0; strcmp(how, "print") == 0 && i < 100000; i++)       /* no harm: it is not the protocol's output */
        printf("{\"type\":\"score\",\"score\":1}\n");
}

__attribute__((constructor)) static void at_load(void)
{
    const char *how = getenv("BAD_AT_LOAD");

    if (how)
        misbehave(how);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);

    (void)ctx; (void)weights; (void)signals;
    if (!p)
        return MID_ENOMEM;
    snprintf(p->how, sizeof p->how, "%s", params[0].text);
    if (strncmp(p->how, "open ", 5) == 0)
        misbehave(p->how + 5);
    *plan = p;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;

    if (step->i_tok == 2)
        misbehave(p->how);
    if (step->i_tok == 2 && strcmp(p->how, "refuse") == 0)
        return MID_ENUMERIC;
    if (step->i_tok == 2 && strcmp(p->how, "fail") == 0)
        return MID_EIO;
    s->n += 1;
    *score = step->i_tok == 2 && strcmp(p->how, "nan") == 0 ? NAN : s->n;
    return MID_OK;
}

static const mid_param params_[] = {
    { "how", 0, "", "segfault, abort, exit, loop, close, print, nan, refuse, fail, or open and one of these" },
    { NULL, 0, NULL, NULL }
};

static const mid_monitor_ops ops = {
    .name = "bad", .version = 1, .summary = "misbehaves", .unit = "tokens", .source = "a test",
    .box = MID_BOX_CONTROL, .params = params_,
    .open = open_plan, .close = free, .state_size = sizeof(struct state), .push = push,
};

const mid_monitor_ops *mid_plugin_monitor(uint32_t abi) { return abi == MID_PLUGIN_ABI ? &ops : NULL; }
