/* Monitors by name: those of the registry, and those a program added to its context. */
#include <string.h>

#include "base/ctx.h"
#include "midstream/monitor.h"

const mid_monitor_ops *mid_ctx_find_monitor(const mid_ctx *ctx, const char *name)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    size_t i;

    for (i = 0; !ops && mid__ctx_monitor(ctx, i); i++)
        if (strcmp(mid__ctx_monitor(ctx, i)->name, name) == 0)
            ops = mid__ctx_monitor(ctx, i);
    return ops;
}

mid_status mid_ctx_add_monitor(mid_ctx *ctx, const mid_monitor_ops *ops)
{
    if (mid_ctx_find_monitor(ctx, ops->name))
        return mid__fail(ctx, MID_EINVAL, "there is a monitor '%.60s' already; a name means one monitor", ops->name);
    return mid__ctx_keep_monitor(ctx, ops);
}
