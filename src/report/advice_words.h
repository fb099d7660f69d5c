/* Advice in words: shared by text and JSON. */
#ifndef MID_REPORT_ADVICE_WORDS_H
#define MID_REPORT_ADVICE_WORDS_H

#include "report/advice.h"

/* The i-th control that stands in every row: four that must be named, run or not, then all others; NULL behind them. */
const char *mid__advice_control(const mid__evidence *e, size_t i);
/* Its AUROC after 16 tokens on a dataset; NaN: not run there, or undefined. */
double mid__advice_control_early(const mid__evidence *e, size_t i_set, const char *name);

const char *mid__verdict_name(mid__verdict verdict);
/* ".047 [.012, .081]", and how that interval was made. */
void mid__edge_text(mid__buf *out, const mid__edge *edge);

/* Which method to take and why, in a sentence or two. */
void mid__advice_why(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__advice *a);
/* What to know about the figures, a line each. */
void mid__advice_warnings(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__advice *a);
/* What would change the answer, a line each: the next access, more budget, more data. MID_ENOMEM. */
mid_status mid__advice_changes(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                               const mid__advice *a);

/* All of it, for people and for programs. MID_ENOMEM. */
mid_status mid__advice_text(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                            const mid__advice *a);
mid_status mid__advice_json(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                            const mid__advice *a);
/* From advice_evaluate.c: each dataset left out in turn. */
mid_status mid__advice_evaluate(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask, bool json);

#endif
