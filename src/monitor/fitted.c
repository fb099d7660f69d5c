/* Taking tensors and the layer out of weights. */
#include "monitor/fitted.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/rows.h"

mid_status mid__tensor_copy(mid_ctx *ctx, const mid_weights *weights, const char *name, size_t n_row, size_t n_col,
                            float **copy)
{
    const float *data;
    const mid_status status = mid_weights_expect(ctx, weights, name, n_row, n_col, &data);

    if (status != MID_OK)
        return status;
    *copy = malloc(n_row * n_col * sizeof **copy);
    if (!*copy)
        return mid__oom(ctx, name);
    memcpy(*copy, data, n_row * n_col * sizeof **copy);
    return MID_OK;
}

mid_status mid__layer_at(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_signals *signals,
                         size_t width, size_t *at)
{
    const double layer = mid_weights_number(weights, "layer");
    const int i_layer = mid__layer_index(signals, layer);

    if (i_layer < 0)
        return mid__fail(ctx, MID_ESIGNAL, "%s reads layer %g, which this source does not tap", monitor, layer);
    *at = (size_t)i_layer * width;
    return MID_OK;
}
