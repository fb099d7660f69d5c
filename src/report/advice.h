/* Which method to take: ranks on the task's datasets, held against what one would take without looking at the task. */
#ifndef MID_REPORT_ADVICE_H
#define MID_REPORT_ADVICE_H

#include "base/buf.h"
#include "midstream/report.h"
#include "report/evidence.h"

typedef struct mid__ask {
    const char *task;                       /* NULL: all of them */
    const char *lang;                       /* NULL: any */
    mid_access access;
    double max_us_per_tok, max_false_alarm; /* NaN: no limit */
    size_t i_without;                       /* a dataset that takes no part, on which the advice is to be followed;
                                             * MID__NOBODY: none */
} mid__ask;

typedef struct mid__ranked { size_t i_method; double mean_rank, mean_auroc, us_per_tok; } mid__ranked;

/* Methods ranked on some datasets. */
typedef struct mid__ranking {
    size_t *set, n_set;
    mid__ranked *at;                        /* (n) best first, controls left out */
    size_t n;
    size_t n_dear, n_unpriced, n_missing;   /* left out: over the budget, without a time, without a figure somewhere */
    size_t n_thin;                          /* datasets left out: fewer than half of the methods have a figure */
    size_t i_cheapest;                      /* of those over the budget; MID__NOBODY: none */
    double us_cheapest;
    bool other_task, other_access, other_lang;  /* no dataset fits: these do not either */
} mid__ranking;

typedef enum mid__verdict { MID__NOTHING, MID__BETTER, MID__SAME, MID__NOT_ENOUGH } mid__verdict;

typedef struct mid__advice {
    mid__ranking here, all;                 /* on the task's datasets; on those of all tasks */
    mid__verdict verdict;
    size_t first, best, take;               /* first here; best over all; the one to take. MID__NOBODY: none */
    mid__edge over_best, over_control;      /* of `first`; the control is each dataset's best */
} mid__advice;

/* Is a dataset of the task, access and language asked for, and one that may be ranked? */
bool mid__asks_for(const mid__evidence *e, const mid__ask *ask, size_t i_set);
/* Do access and budget allow a method that takes so long for a token? NaN, not measured, is within no budget. */
bool mid__allows(const mid__ask *ask, const mid__evidence_method *m, double us_per_tok);
/* advice is cleared by the caller, also after a failure. MID_ENOMEM. */
mid_status mid__rank(mid_ctx *ctx, const mid__evidence *e, const mid__ask *ask, mid__ranking *ranking);
void mid__ranking_clear(mid__ranking *ranking);
mid_status mid__advise(mid_ctx *ctx, const mid__evidence *e, const mid__ask *ask, mid__advice *advice);
void mid__advice_clear(mid__advice *advice);
/* Mean difference over the ranked datasets on which both have a figure. */
mid__edge mid__ranking_edge(const mid__evidence *e, const mid__ranking *r, size_t a, size_t b);
/* The same against each dataset's best control. */
mid__edge mid__ranking_control_edge(const mid__evidence *e, const mid__ranking *r, size_t a);

#endif
