/* In and out: other tools' files into our records, our traces and scores into files that other tools read. */
#ifndef MIDSTREAM_EXCHANGE_H
#define MIDSTREAM_EXCHANGE_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A form that import reads. */
typedef struct mid_import_info {
    const char *name, *summary;
    const char *task;               /* what its records are unless told otherwise */
    const char *const *map;         /* fields that opts.map may name, ends with NULL; NULL: none */
} mid_import_info;
/** Registry, alphabetical, ends with NULL. Static. */
MID_API const mid_import_info *const *mid_import_list(void);

/** One "FIELD=SOURCE": our record's field, and what it is called in the file. */
typedef struct mid_import_map { const char *field, *source; } mid_import_map;

typedef struct mid_import_opts {
    size_t size;
    const char *task;               /* of the records; NULL: the form's */
    const mid_import_map *map;      /* (n_map) */
    size_t n_map;
} mid_import_opts;
MID_API mid_import_opts mid_import_opts_default(void);

#define MID_IMPORT_WHY_MAX 8
/** What became of each row: n_row = n_written + all that were skipped. */
typedef struct mid_import_count {
    uint64_t n_row, n_written;
    struct mid_import_why { const char *why; uint64_t n; } skipped[MID_IMPORT_WHY_MAX];    /* (n_why) static texts */
    size_t n_why;
} mid_import_count;

/**
 * Read a file of another tool, row by row, and write our records (docs/data.md).
 *
 * @param from  a name of mid_import_list()
 * @param in    the file; for "ragtruth" the folder with response.jsonl and source_info.jsonl
 * @param out   a .jsonl file, written whole or not at all
 * @param[out] count filled on MID_OK
 * @return MID_ENOTFOUND, MID_EINVAL (a form or field that is not known), MID_EFORMAT with file:line for a row that is
 *         malformed, MID_ELIMIT, MID_EIO, MID_ENOMEM. A row that is well formed but has nothing for us is skipped
 *         and counted.
 */
MID_API mid_status mid_import(mid_ctx *ctx, const char *from, const char *in, const char *out,
                              const mid_import_opts *opts, mid_import_count *count);

/** A form that export writes. */
typedef struct mid_export_info { const char *name, *summary; } mid_export_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_export_info *mid_export_list(void);

typedef struct mid_export_count { uint64_t n_answer, n_tok, n_score; } mid_export_count;

/**
 * Write a store's traces, and the scores if it is a run's, as tables for other tools: answers, tokens and scores, and
 * the hidden rows as hidden.npy (n_tok, n_layer, n_embd). docs/results-format.md has the columns.
 *
 * @param store    what trace wrote, or a run's run.db; must exist
 * @param as       a name of mid_export_list()
 * @param out_dir  made if missing; each file is written whole or not at all
 * @param hidden   hidden rows too; MID_EMISMATCH if the traces differ in layers or width
 * @param[out] count filled on MID_OK
 * @return MID_ENOTFOUND, MID_EINVAL, MID_EFORMAT, MID_EVERSION, MID_EMISMATCH, MID_EIO, MID_ENOMEM.
 */
MID_API mid_status mid_export(mid_ctx *ctx, const char *store, const char *as, const char *out_dir, bool hidden,
                              mid_export_count *count);

#ifdef __cplusplus
}
#endif
#endif
