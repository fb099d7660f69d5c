/* A model file is a stranger's: look at its header before the engine does, so that a wrong or cut file gets one clear
 * line. The header itself is read by ggml's own reader; we check what it promises against the file's length. */
#include "source/engine.h"

#include <errno.h>
#include <gguf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ctx.h"

static mid_status check_length(mid_ctx *ctx, const char *path, uint64_t n_bytes)
{
    const struct gguf_init_params no_data = { .no_alloc = true, .ctx = NULL };
    struct gguf_context *g = gguf_init_from_file(path, no_data);
    uint64_t need = 0;
    int64_t i;

    if (!g)
        return mid__fail(ctx, MID_EFORMAT, "%s: its GGUF header is damaged or cut short (%llu bytes); fetch it again", path,
                         (unsigned long long)n_bytes);
    for (i = 0; i < gguf_get_n_tensors(g); i++) {
        const uint64_t end = gguf_get_data_offset(g) + gguf_get_tensor_offset(g, i) + gguf_get_tensor_size(g, i);
        if (end > need)
            need = end;
    }
    gguf_free(g);
    if (need > n_bytes)
        return mid__fail(ctx, MID_EFORMAT, "%s: cut short: its tensors end at byte %llu, the file at %llu; fetch it again", path,
                         (unsigned long long)need, (unsigned long long)n_bytes);
    return MID_OK;
}

mid_status mid__gguf_check(mid_ctx *ctx, const char *path)
{
    char magic[4] = { 0 };
    struct stat info;
    FILE *f = fopen(path, "rb");
    size_t got;

    if (!f)
        return mid__fail(ctx, errno == ENOENT ? MID_ENOTFOUND : MID_EIO, "%s: cannot open the model: %s%s", path,
                         strerror(errno), errno == ENOENT ? "; run scripts/setup, or give the path of a GGUF file" : "");
    got = fread(magic, 1, sizeof magic, f);
    fclose(f);
    if (got != sizeof magic || memcmp(magic, "GGUF", sizeof magic) != 0 || stat(path, &info) != 0)
        return mid__fail(ctx, MID_EFORMAT, "%s: not a GGUF file (it does not begin with GGUF)", path);
    return check_length(ctx, path, (uint64_t)info.st_size);
}
