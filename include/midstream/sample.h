/* Samples and datasets: what a model is asked, and maybe an answer somebody recorded.
 * A dataset is a folder holding data.jsonl (or data-1.jsonl, data-2.jsonl, ...); the record is described in docs/data.md. */
#ifndef MIDSTREAM_SAMPLE_H
#define MIDSTREAM_SAMPLE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MID_LINE_LIMIT_BYTES (8u << 20)     /* a longer line of JSON is refused: MID_ELIMIT */

/** A sentence of a response, with a label of its own. */
typedef struct mid_sentence { uint32_t start, end; int label; } mid_sentence;     /* label as a sample's */

/** One record. All strings are valid UTF-8, zero-terminated, and live as long as the dataset.
 *  Offsets are bytes into @c response, half open. */
typedef struct mid_sample {
    const char *id, *task, *prompt;
    const char *response;               /* NULL: a prompt to generate from */
    const char *response_model;         /* NULL: not recorded */
    const char *const *reference;       /* (n_reference) right answers */
    const char *const *bad_reference;   /* (n_bad_reference) wrong answers */
    size_t n_reference, n_bad_reference;
    int label;                          /* 1 unsafe, 0 not, -1 unlabelled */
    const char *label_source;           /* "human", "rule", "model:<name>", or NULL */
    const char *category, *lang;        /* NULL: none */
    const char *split;                  /* meta.split: "cal", "test", or NULL */
    int64_t onset_byte;                 /* meta.onset: where the first unsafe span starts; -1 unknown */
    int prompt_label;                   /* meta.prompt_label or meta.unsafe_prompt: 1 unsafe request, 0 not, -1 unknown */
    const char *meta;                   /* the whole meta object as JSON text; NULL: none */
    const mid_sentence *sentence;       /* (n_sentence) meta.sentences */
    size_t n_sentence;
    int answerable;                     /* meta.answerable: 1 the prompt's text has the answer, 0 not, -1 unknown */
} mid_sample;

typedef struct mid_dataset mid_dataset;

/**
 * Load a dataset by name or path. A name is looked up in dirs[0..n_dir), each a folder of datasets.
 *
 * @param dirs      borrowed; where to look, in order (the CLI passes --data, $MIDSTREAM_DATA, data/)
 * @param name      "xstest", or a path to a folder or a .jsonl file
 * @param[out] out  owned
 * @return MID_ENOTFOUND (the message lists where it looked); MID_EFORMAT with file:line:column for a line that is not
 *         JSON, has a wrong type, a missing key, a duplicate id or invalid UTF-8; MID_ELIMIT; MID_EIO; MID_ENOMEM
 */
MID_API mid_status mid_dataset_open(mid_ctx *ctx, const char *const *dirs, size_t n_dir, const char *name,
                                    mid_dataset **out);
MID_API void mid_dataset_close(mid_dataset *dataset);
MID_API size_t mid_dataset_n(const mid_dataset *dataset);
/** Borrowed; lives as long as the dataset. @param i < mid_dataset_n(). */
MID_API const mid_sample *mid_dataset_at(const mid_dataset *dataset, size_t i);
/** The folder's or file's own name ("xstest"). Borrowed. */
MID_API const char *mid_dataset_name(const mid_dataset *dataset);
/** SHA-256 over the files' bytes, 64 hex digits. Borrowed. */
MID_API const char *mid_dataset_hash(const mid_dataset *dataset);

/** What is asked of a model and what "unsafe" means there. */
typedef struct mid_task_info {
    const char *name, *unsafe_means, *default_labeler;
    const char *generated_labeler;  /* of answers that were generated, not recorded; NULL: the default as well */
} mid_task_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_task_info *mid_task_list(void);

#ifdef __cplusplus
}
#endif
#endif
