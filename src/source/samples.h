/* Other answers to the same prompts, sampled from the run's own model before the run: MID_SIG_SAMPLES. */
#ifndef MID_SOURCE_SAMPLES_H
#define MID_SOURCE_SAMPLES_H

#include "midstream/source.h"

typedef struct mid__samples mid__samples;

/**
 * Sample opts->n_sample answers to each prompt and stand in front of a sink, to add them to its prompts. An answer is
 * seeded by opts->seed, its sample's id and its number; batches are cut from the group in order, so they are the same
 * whenever the group is.
 *
 * @param[in,out] sink     the run's sink; replaced by ours, which calls it
 * @param[out]    samples  owned; NULL and sink untouched where opts->want asks for none
 */
mid_status mid__samples_open(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                             const mid_source_opts *opts, const mid_sink **sink, mid__samples **samples);
void mid__samples_close(mid__samples *samples);

#endif
