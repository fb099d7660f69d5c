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
    /* The judge model that is asked, as mid__judge_model(); NULL: there is none. */
    const char *(*asks)(const void *self);
    /* label arrives as { -1, NaN, -1 }. */
    mid_status (*judge)(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label);
} mid__labeler_ops;

/* Its name, and of one with parameters of its own or a model behind it "name-HASH" of what its labels depend on beside
 * the sample: where somebody is asked these are all; word lists, weights and services' own ways are not part of it. */
const char *mid__labeler_id(const mid_labeler *labeler);
/* What ops->asks says; NULL: no judge model. */
const char *mid__labeler_asks(const mid_labeler *labeler);
/* Does it ask a model or a service, so that a verdict is worth keeping? */
bool mid__labeler_is_dear(const mid_labeler *labeler);

extern const mid__labeler_ops mid__labeler_alias, mid__labeler_bleu, mid__labeler_bleu_diff, mid__labeler_chrf,
    mid__labeler_classifier, mid__labeler_data, mid__labeler_grounded, mid__labeler_judge, mid__labeler_lexicon,
    mid__labeler_moderation,
    mid__labeler_mqm, mid__labeler_perspective, mid__labeler_refusal, mid__labeler_rouge, mid__labeler_spans,
    mid__labeler_tests;

#endif
