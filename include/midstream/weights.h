/* Weights: what fitting a monitor or labeler leaves behind. Named float32 tensors and text entries, kept as one
 * safetensors file (entries are its __metadata__), so Python reads it too. */
#ifndef MIDSTREAM_WEIGHTS_H
#define MIDSTREAM_WEIGHTS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_weights mid_weights;

MID_API mid_status mid_weights_open(mid_ctx *ctx, mid_weights **out);
MID_API void mid_weights_close(mid_weights *weights);

/** Add or replace a tensor; data is copied. @param data (n_row, n_col), row-major. */
MID_API mid_status mid_weights_set(mid_ctx *ctx, mid_weights *weights, const char *name,
                                   const float *data, size_t n_row, size_t n_col);
/** @param[out] data borrowed, (n_row, n_col), lives as long as weights. @return MID_EFORMAT if there is no such tensor. */
MID_API mid_status mid_weights_get(mid_ctx *ctx, const mid_weights *weights, const char *name,
                                   const float **data, size_t *n_row, size_t *n_col);
/** As above, and the shape must be the given one (MID_EFORMAT). */
MID_API mid_status mid_weights_expect(mid_ctx *ctx, const mid_weights *weights, const char *name,
                                      size_t n_row, size_t n_col, const float **data);

MID_API mid_status mid_weights_set_text(mid_ctx *ctx, mid_weights *weights, const char *key, const char *value);
/** @return borrowed, or NULL if there is none. */
MID_API const char *mid_weights_text(const mid_weights *weights, const char *key);
MID_API mid_status mid_weights_set_number(mid_ctx *ctx, mid_weights *weights, const char *key, double value);
/** @return NaN if there is none or it is no number. */
MID_API double mid_weights_number(const mid_weights *weights, const char *key);

/** @param[out] bytes owned, free with mid_free(). Same weights, same bytes. */
MID_API mid_status mid_weights_pack(mid_ctx *ctx, const mid_weights *weights, void **bytes, size_t *n);
/** A stranger's bytes are checked before use: MID_EFORMAT names what is wrong; non-finite values are MID_ENUMERIC. */
MID_API mid_status mid_weights_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_weights **out);
MID_API mid_status mid_weights_save(mid_ctx *ctx, const mid_weights *weights, const char *path);
MID_API mid_status mid_weights_load(mid_ctx *ctx, const char *path, mid_weights **out);

#ifdef __cplusplus
}
#endif
#endif
