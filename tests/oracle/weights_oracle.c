/* Weights files for weights.py:  write FILE  saves a known set;  copy IN OUT  loads a file and saves it again. */
#include "midstream.h"

#include <stdio.h>
#include <string.h>

static mid_status write_known(mid_ctx *ctx, const char *path)
{
    static const float ramp[6] = { 0.0f, 0.25f, 0.5f, 0.75f, 1.0f, 1.25f };
    static const float edges[4] = { 1.17549435e-38f, 3.40282347e+38f, -0.0f, 1.40129846e-45f };
    mid_weights *w = NULL;
    mid_status status = mid_weights_open(ctx, &w);

    if (status == MID_OK)
        status = mid_weights_set(ctx, w, "ramp", ramp, 2, 3);
    if (status == MID_OK)
        status = mid_weights_set(ctx, w, "edges", edges, 4, 1);
    if (status == MID_OK)
        status = mid_weights_set_text(ctx, w, "a \"quoted\"\nname", "caf\xc3\xa9\t\\");
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, w, "tenth", 0.1);
    if (status == MID_OK)
        status = mid_weights_save(ctx, w, path);
    mid_weights_close(w);
    return status;
}

static mid_status copy(mid_ctx *ctx, const char *from, const char *to)
{
    mid_weights *w = NULL;
    mid_status status = mid_weights_load(ctx, from, &w);

    if (status == MID_OK)
        status = mid_weights_save(ctx, w, to);
    mid_weights_close(w);
    return status;
}

int main(int argc, char **argv)
{
    mid_ctx *ctx = NULL;
    mid_status status = mid_ctx_open(&ctx);

    if (status == MID_OK && argc == 3 && strcmp(argv[1], "write") == 0)
        status = write_known(ctx, argv[2]);
    else if (status == MID_OK && argc == 4 && strcmp(argv[1], "copy") == 0)
        status = copy(ctx, argv[2], argv[3]);
    else
        status = MID_EINVAL;
    if (status != MID_OK)
        fprintf(stderr, "weights_oracle: %s %s\n", mid_status_name(status), mid_ctx_message(ctx));
    mid_ctx_close(ctx);
    return status != MID_OK;
}
