/* What the labelers share that ask whether an answer is nearer to a wrong reference than to a right one. */
#ifndef MID_LABEL_NEARER_H
#define MID_LABEL_NEARER_H

#include "label/labeler.h"

/* Likeness of an answer to one reference; higher is nearer. */
typedef mid_status (*mid__likeness_fn)(mid_ctx *ctx, const char *text, size_t n, const char *reference, double *value);

/* Unsafe when the most like wrong reference is more like it than the most like right one; a tie is not. The score is
 * the difference. Without references of both kinds there is no label. */
mid_status mid__judge_nearer(mid_ctx *ctx, mid__likeness_fn likeness, const mid_sample *sample, const char *text,
                             size_t n, mid_label *label);

#endif
