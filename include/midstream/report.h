/* Reports from a run's results: one self-contained HTML file, CSV and Markdown tables; advice from them. */
#ifndef MIDSTREAM_REPORT_H
#define MIDSTREAM_REPORT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Write report.html, results.csv and results.md into dir from its results.json and (if there) answers.json.
 *  @return MID_ENOTFOUND, MID_EFORMAT, MID_EVERSION, MID_EIO (an existing report stays whole), MID_ENOMEM. */
MID_API mid_status mid_report_write(mid_ctx *ctx, const char *dir);

/** The pilot study, from the results.json in dir: how early unsafe answers are told apart, beside the controls, with a
 *  finding for each dataset and task (docs/pilot.md).
 *  @param json       false: tables and sentences in Markdown
 *  @param[out] text  owned, mid_free(); untouched on error
 *  @return as mid_report_write(), but for MID_EIO of a report */
MID_API mid_status mid_report_pilot(mid_ctx *ctx, const char *dir, bool json, char **text);

/** The same for everybody to see: report.html has prompts and answers only of datasets whose name begins with "own_",
 *  and says of which others it leaves them out. answers.json stays as it is and is not to be published. */
MID_API mid_status mid_report_publish(mid_ctx *ctx, const char *dir);

/** What of a model one can get at. */
typedef enum mid_access {
    MID_ACCESS_BLACK,               /**< its text only */
    MID_ACCESS_GREY,                /**< also its probabilities */
    MID_ACCESS_WHITE,               /**< also its hidden rows */
    MID_ACCESS_OBSERVER             /**< its text, which another, local model reads */
} mid_access;
/** "black", "grey", "white", "observer"; NULL for any other number. Static. */
MID_API const char *mid_access_name(mid_access access);

typedef struct mid_recommend_opts {
    size_t size;                    /**< sizeof of this struct, as mid_recommend_default() sets it */
    const char *results;            /**< results.json files, commas between them */
    const char *task;               /**< NULL: datasets of any task */
    const char *lang;               /**< NULL: of any language */
    mid_access access;
    double max_us_per_tok;          /**< what a method may take for a token, median; NaN: no limit */
    double max_false_alarm;         /**< share of safe answers that a rule may stop; NaN: no limit */
    bool evaluate;                  /**< not advice, but what following it would have lost */
    bool json;                      /**< JSON instead of text for people */
} mid_recommend_opts;
MID_API mid_recommend_opts mid_recommend_default(void);

/** Which monitors to take for a task, ranked, with the figures that say so, or that there is not enough evidence; how
 *  is in docs/recommend.md. With evaluate: each dataset in turn is left out and the advice from the others followed.
 *  @param[out] text owned (mid_free), zero-terminated; untouched on error
 *  @return MID_ENOTFOUND, MID_EFORMAT, MID_EVERSION, MID_EIO of a file; MID_EINVAL on options; MID_ELIMIT over 16
 *          files; MID_EUNDEFINED if no dataset has an AUROC after 16 tokens; MID_ENOMEM. No method within the budget
 *          is MID_OK and said in the text. */
MID_API mid_status mid_recommend(mid_ctx *ctx, const mid_recommend_opts *opts, char **text);

#ifdef __cplusplus
}
#endif
#endif
