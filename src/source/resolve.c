/* Names of models we know, to the files scripts/setup keeps in the cache. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "midstream/source.h"

static const struct { const char *name, *file; } known[] = {
    { "gemma",   "gemma-3-270m.Q4_K_M.gguf" },
    { "smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf" },
};

mid_status mid_model_resolve(mid_ctx *ctx, const char *name, const char *cache_dir, char **path)
{
    mid__buf buf;
    size_t i;

    mid__buf_init(&buf, 0);
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0) {
            if (!cache_dir)
                return mid__fail(ctx, MID_EINVAL, "model '%s' is looked for in the cache folder, but none was given", name);
            mid__buf_fmt(&buf, "%s/models/%s", cache_dir, known[i].file);
            break;
        }
    if (i == sizeof known / sizeof known[0])
        mid__buf_text(&buf, name);
    *path = mid__buf_take(&buf, NULL);
    return *path ? MID_OK : mid__oom(ctx, name);
}
