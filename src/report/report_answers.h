/* answers.json: the answers that can be looked at token by token, as many as a page may carry.
 * Scores become three characters a token and monitor: one digit of rank, by which the token is coloured, and two of
 * base 64 for its height in the sparkline. Both are scales of one monitor over the shown answers of one dataset. */
#ifndef MID_REPORT_ANSWERS_H
#define MID_REPORT_ANSWERS_H

#include "report/report_data.h"

enum { MID__SHOW_JUDGE = 8, MID__SHOW_ANSWER = 60, MID__SHOW_TOK = 512, MID__HEIGHT = 4095 };

/* One monitor's scale over the shown answers of a dataset. */
typedef struct mid__scale {
    const mid__report_monitor *monitor;
    double lo, hi;                          /* of scores and thresholds */
    double *sorted;                         /* (n) owned: its scores, ascending */
    size_t n;
} mid__scale;

typedef struct mid__answer_set {
    const mid__report_set *set;
    yyjson_val *answer[MID__SHOW_ANSWER];
    size_t n_answer, n_more;
    mid__scale scale[MID__SHOW_JUDGE];      /* the dataset's best monitor first */
    size_t n_scale;
} mid__answer_set;

typedef struct mid__report_answers {
    mid__json json;
    mid__answer_set set[MID__SHOW_DATASET];
    size_t n_set;
    const mid__report_set *withheld[MID__SHOW_DATASET];     /* whose texts a public page leaves out */
    size_t n_withheld;
} mid__report_answers;

/* @param is_public only texts of datasets named "own_...", which are ours to show
 * A file that is not there is no failure: no answers. answers is cleared by the caller, also after a failure. */
mid_status mid__answers_read(mid_ctx *ctx, const char *path, const mid__report *report, bool is_public,
                             mid__report_answers *answers);
void mid__answers_clear(mid__report_answers *answers);

/* 0..9: the share of the scale's scores below this one, ties one half; -1 for NaN. */
int mid__scale_rank(const mid__scale *scale, double score);
/* 0..MID__HEIGHT, -1 for NaN. */
int mid__scale_height(const mid__scale *scale, double score);

#endif
