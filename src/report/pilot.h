/* The pilot study: how early unsafe answers are told apart, and whether that is more than a control tells. Made from
 * results.json alone; docs/pilot.md explains the tables and the rules that findings follow. */
#ifndef MID_REPORT_PILOT_H
#define MID_REPORT_PILOT_H

#include "base/buf.h"
#include "report/report_data.h"

/* One prefix of a column: the best monitor there beside the best control there. */
typedef struct mid__pilot_point {
    uint32_t at;                            /* tokens; 0: the whole answer */
    const mid__report_monitor *best, *control;      /* NULL: none */
    const mid__cell *of_best, *of_control;
    const mid__cell *gain;                  /* of best over control; NULL: not measured */
    double p_holm;                          /* of gain, corrected for all monitors and prefixes of the column */
    bool told;                              /* gain's interval is above 0 and p_holm at most alpha */
} mid__pilot_point;

typedef struct mid__pilot_column {
    const mid__column *column;
    char why[200];                          /* why it is reported but not ranked; "": it is ranked */
    mid__pilot_point point[MID__SHOW_PREFIX + 1];   /* (n_point) prefixes, then the whole answer */
    size_t n_point, n_test;
    const mid__pilot_point *told;           /* the earliest; NULL: none */
} mid__pilot_column;

typedef struct mid__pilot_set {
    const mid__report_set *set;
    mid__pilot_column column[MID__SHOW_COLUMN];     /* (set->n_column), in its order: main first */
    size_t n_known, n_later;                /* unsafe answers with a known onset; behind their first token */
    yyjson_val *not_yet;                    /* list of at_tok, value, lo, hi; or NULL */
} mid__pilot_set;

typedef struct mid__pilot {
    const mid__report *report;
    double alpha;
    mid__pilot_set set[MID__SHOW_DATASET];  /* (report->n_set) */
} mid__pilot;

enum { MID__PILOT_LATER = 10 };     /* delays are ranked where so many onsets lie behind the first token */

/* @param report read and ranked, borrowed as long as pilot is used */
mid_status mid__pilot_of(mid_ctx *ctx, const mid__report *report, mid__pilot *pilot);
/* Share of a set's unsafe answers that are not unsafe yet after at tokens; false: not known. */
bool mid__pilot_not_yet(const mid__pilot_set *set, uint32_t at, double *value, double *lo, double *hi);

/* "0.842 (0.801 to 0.883)"; cell may be NULL. */
void mid__pilot_estimate_text(char text[80], const mid__cell *cell);
/* Sentences on one dataset, and on all of a task. */
void mid__pilot_finding(mid__buf *out, const mid__pilot *pilot, const mid__pilot_set *set);
void mid__pilot_task_finding(mid__buf *out, const mid__pilot *pilot, const char *task);

void mid__pilot_text(mid__buf *out, const mid__pilot *pilot);
void mid__pilot_json(mid__buf *out, const mid__pilot *pilot);

#endif
