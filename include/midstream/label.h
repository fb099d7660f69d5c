/* Labelers: who says an answer was unsafe. */
#ifndef MIDSTREAM_LABEL_H
#define MIDSTREAM_LABEL_H

#include "monitor.h"
#include "sample.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_label {
    int unsafe;                     /* 1, 0, or -1: this labeler cannot say */
    double score;                   /* what the verdict was made from, higher = more unsafe; NaN: none */
    int64_t onset_byte;             /* where the answer first becomes unsafe; -1 unknown */
} mid_label;

/** A labeler opened with its word lists or weights. Immutable, shared by threads, each with a context of its own. */
typedef struct mid_labeler mid_labeler;

typedef struct mid_labeler_info {
    const char *name, *summary, *source;
    const char *who;                /* "human", "rule", "model": what its labels may be called */
    uint32_t shares;                /* MID_SHARE_* */
    const mid_param *params;        /* ends with name NULL; NULL: none */
} mid_labeler_info;

/** Registry, alphabetical, ends with NULL. Static. */
MID_API const mid_labeler_info *const *mid_labeler_list(void);

/** @param params overrides, ends with name NULL; NULL: defaults. @param data_dir where lexicon/ and harness/ lie; NULL:
 *  "data".
 *  @return MID_ENOTFOUND, MID_EFORMAT, MID_EINVAL, MID_ENOMEM; MID_EIO: no sandbox to be had. @param[out] out owned. */
MID_API mid_status mid_labeler_open(mid_ctx *ctx, const char *name, const mid_param *params, const char *data_dir,
                                    mid_labeler **out);
MID_API void mid_labeler_close(mid_labeler *labeler);
MID_API const mid_labeler_info *mid_labeler_about(const mid_labeler *labeler);
/** Judge one answer. @param text (n) the answer's bytes, any bytes. @param[out] label untouched on error.
 *  A labeler that asks a service or a judge model asks about one answer at a time; where no verdict comes back the answer
 *  stays unlabelled and the context's log has a line that says why.
 *  @return MID_OK (label->unsafe -1 where the sample lacks what the labeler needs), MID_ENOMEM, MID_EFORMAT for meta it
 *          cannot read, MID_EIO where the sandbox does not start; of a judge in process what mid_judge_ask() returns. */
MID_API mid_status mid_labeler_judge(mid_ctx *ctx, const mid_labeler *labeler, const mid_sample *sample,
                                     const char *text, size_t n, mid_label *label);

/** Why a labeler that asks somebody left answers unlabelled, since it was opened. */
typedef struct mid_labeler_counts {
    uint64_t n_failed;              /* a service gave no usable reply, or was not asked any more */
    uint64_t n_unparsable;          /* a judge said neither yes nor no */
    uint64_t n_swayed;              /* a judge's verdict changed with the order of its options; labelled where agree is 0 */
} mid_labeler_counts;
MID_API void mid_labeler_count(const mid_labeler *labeler, mid_labeler_counts *out);

/** Fit the linear text classifier (labeler "classifier") on labelled texts.
 *  @param text (n) zero-terminated. @param label (n) 0 or 1. @param[out] out owned weights, for mid_weights_save(). */
MID_API mid_status mid_labeler_fit_classifier(mid_ctx *ctx, const char *const *text, const uint8_t *label, size_t n,
                                              uint64_t seed, mid_weights **out);

#ifdef __cplusplus
}
#endif
#endif
