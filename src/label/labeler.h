/* A labeler from inside: one descriptor a file, listed in label_registry.c. */
#ifndef MID_LABEL_LABELER_H
#define MID_LABEL_LABELER_H

#include "midstream/label.h"

/* info comes first, so that a list of these is a list of infos too. */
typedef struct mid__labeler_ops {
    mid_labeler_info info;
    /* NULL: there is nothing to open, and self is NULL. params are complete. *self is given to close, also after a
     * failure if it is not NULL. */
    mid_status (*open)(mid_ctx *ctx, const mid_param *params, const char *data_dir, void **self);
    void (*close)(void *self);
    /* NULL: there is nothing to count. *out arrives zeroed. */
    void (*count)(const void *self, mid_labeler_counts *out);
    /* label arrives as { -1, NaN, -1 }. */
    mid_status (*judge)(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label);
} mid__labeler_ops;

extern const mid__labeler_ops mid__labeler_alias, mid__labeler_bleu, mid__labeler_bleu_diff, mid__labeler_chrf,
    mid__labeler_classifier, mid__labeler_data, mid__labeler_grounded, mid__labeler_judge, mid__labeler_lexicon,
    mid__labeler_moderation,
    mid__labeler_mqm, mid__labeler_perspective, mid__labeler_refusal, mid__labeler_rouge, mid__labeler_spans,
    mid__labeler_tests;

#endif
