/* What several results.json say, side by side: of each dataset and method the figures that advice rests on. A dataset
 * is what one name stands for in all files, a method likewise; the first file that has a figure is heard. Only figures
 * of all of a dataset's answers take part: its first model, which is "all" where there are several authors. */
#ifndef MID_REPORT_EVIDENCE_H
#define MID_REPORT_EVIDENCE_H

#include "report/report_data.h"

enum { MID__EVIDENCE_FILE = 16, MID__EARLY_TOK = 16 };
#define MID__NOBODY SIZE_MAX

typedef struct mid__evidence_set {
    const char *name, *task;
    const char *why;                        /* not NULL: it takes no part, and why */
    yyjson_val *about;                      /* its entry in provenance.datasets, or NULL */
    size_t n, n_unsafe;                     /* as the first file has it */
    bool observed;                          /* read by another model than the one that answered */
    bool mixed;                             /* another file has other answers under this name */
} mid__evidence_set;

typedef struct mid__evidence_method { const char *name, *box; bool control; } mid__evidence_method;

typedef struct mid__proof {                 /* one method on one dataset */
    const mid__report *file;                /* NULL: it was not run there */
    uint32_t dataset, model, monitor;       /* numbers of their names in that file */
    const mid__cell *early, *whole, *tpr;   /* AUROC after 16 tokens and of all, TPR at 1 % FPR; NULL: none */
    double us_per_tok;                      /* median; NaN: not measured */
} mid__proof;

typedef struct mid__evidence {
    mid__report *file[MID__EVIDENCE_FILE];
    mid__evidence_set *set;
    mid__evidence_method *method;
    mid__proof *proof;                      /* (n_set, n_method) */
    mid__names set_names, method_names, rules;
    size_t n_file, n_set, n_method;
} mid__evidence;

/* A difference of AUROC after 16 tokens. */
typedef struct mid__edge {
    double value, lo, hi;                   /* NaN: undefined; no interval */
    bool paired;                            /* from paired draws; else from the two intervals */
} mid__edge;

/* @param paths results.json files with commas between them. evidence is cleared by the caller, also after a failure.
 * @return as mid__report_read(); MID_EINVAL without a path; MID_ELIMIT over 16 files */
mid_status mid__evidence_read(mid_ctx *ctx, const char *paths, mid__evidence *evidence);
void mid__evidence_clear(mid__evidence *evidence);

const mid__proof *mid__evidence_proof(const mid__evidence *e, size_t i_set, size_t i_method);
/* AUROC after 16 tokens that may be ranked; NaN: none. */
double mid__evidence_early(const mid__evidence *e, size_t i_set, size_t i_method);
/* How much better method a is than b on a dataset. */
mid__edge mid__evidence_edge(const mid__evidence *e, size_t i_set, size_t a, size_t b);
/* The mean of n differences on datasets that share no answers (Zou & Donner 2008: distances to the bounds add up in
 * squares). Paired if all are; without an interval if any is. */
mid__edge mid__edge_mean(const mid__edge *edge, size_t n);
/* The best control of a dataset; MID__NOBODY: none was run there. */
size_t mid__evidence_control(const mid__evidence *e, size_t i_set);
/* A rule's figure: metric "fpr" or "tpr"; NULL: none. */
const mid__cell *mid__evidence_rule(const mid__evidence *e, size_t i_set, size_t i_method, const char *rule,
                                    const char *metric);
/* How many languages the dataset says it holds, and is this one of them? */
size_t mid__evidence_n_lang(const mid__evidence_set *set);
bool mid__evidence_has_lang(const mid__evidence_set *set, const char *lang);

#endif
