/* Parameters: defaults from a descriptor, overrides from a plan or a fitted file. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/monitor.h"

static const mid_param *find(const mid_param *params, const char *name)
{
    for (; params && params->name; params++)
        if (strcmp(params->name, name) == 0)
            return params;
    return NULL;
}

double mid__param_number(const mid_param *params, const char *name) { return find(params, name)->number; }
const char *mid__param_text(const mid_param *params, const char *name) { return find(params, name)->text; }

static size_t count(const mid_param *params)
{
    size_t n = 0;

    while (params && params[n].name)
        n++;
    return n;
}

mid_status mid__param_merge(mid_ctx *ctx, const char *what, const mid_param *defaults, const mid_param *overrides,
                            mid_param **out)
{
    const size_t n = count(defaults);
    mid_param *all = calloc(n + 1, sizeof *all);
    size_t i;

    if (!all)
        return mid__oom(ctx, what);
    for (; overrides && overrides->name; overrides++) {
        const mid_param *known = find(defaults, overrides->name);
        if (!known) {
            free(all);
            return mid__fail(ctx, MID_EINVAL, "%s has no parameter '%s'", what, overrides->name);
        }
        if ((known->text != NULL) != (overrides->text != NULL)) {
            free(all);
            return mid__fail(ctx, MID_EINVAL, "%s: parameter '%s' is a %s", what, known->name,
                             known->text ? "text" : "number");
        }
        all[known - defaults] = *overrides;
    }
    for (i = 0; i < n; i++) {
        if (!all[i].name)
            all[i] = defaults[i];
        all[i].name = defaults[i].name;
        all[i].help = defaults[i].help;
    }
    *out = all;
    return MID_OK;
}
