/* A submission in memory: its datasets, opened here, and its scores, one entry an answer and monitor. */
#ifndef MID_BENCH_SUBMISSION_H
#define MID_BENCH_SUBMISSION_H

#include <yyjson.h>

#include "base/buf.h"
#include "midstream/sample.h"
#include "midstream/submission.h"

enum { MID__FAULT_TOLD = 100, MID__SUBMISSION_SETS = 64, MID__FOLD_MAX = 1000 };

/* A dataset that results.json names. */
typedef struct mid__subset {
    const char *name, *group;       /* group: "prompt" or "id:N" */
    mid_dataset *data;              /* owned; NULL: not found, or another one */
    uint32_t *slot;                 /* (n_slot) owned: samples by hashed id, 1 + index */
    size_t n_slot, n, n_left_out;
} mid__subset;

typedef struct mid__entry {
    const char *monitor;
    const mid_sample *sample;
    size_t i_set, i_sample, i_line;
    uint32_t group, prompt;         /* of its dataset; answers to one prompt share the latter */
    uint32_t cut;                   /* one of the two, while folds are checked and groups numbered */
    int fold, label;
    int32_t onset_tok;
    uint32_t n_tok;
    double *score, *rule_score;     /* (n_tok) -INFINITY: nothing to say yet. rule_score may be score */
} mid__entry;

typedef struct mid__check {
    mid_ctx *ctx;
    mid_fault_fn fault;
    void *user;
    const char *results, *scores;   /* paths */
    mid__subset set[MID__SUBMISSION_SETS];
    size_t n_set;
    mid__entry *entry;              /* (n_entry) by dataset, monitor, and as the data has them */
    size_t n_entry, cap;
    mid__arena texts;
    mid_submission seen;
} mid__check;

void mid__fault(mid__check *c, const char *fmt, ...) MID_PRINTF(2, 3);
/* Reads the scores and checks all that needs no figure: ids, labels, folds. */
mid_status mid__submission_scores(mid__check *c);
/* Computes each cell again. */
mid_status mid__submission_cells(mid__check *c, yyjson_val *root);
/* A cell that can be computed again, or is taken as stated. */
bool mid__submission_knows(yyjson_val *cell);

#endif
