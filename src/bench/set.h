/* One data entry of a plan in memory: its answers with traces, labels, prompt groups and folds. */
#ifndef MID_BENCH_SET_H
#define MID_BENCH_SET_H

#include <pthread.h>

#include "base/buf.h"
#include "bench/consulted.h"
#include "bench/leak.h"
#include "bench/spent.h"
#include "midstream/judge.h"
#include "midstream/rule.h"
#include "midstream/run.h"
#include "midstream/store.h"

/* A row's group decides its fold; answers to one prompt share it. */
typedef struct mid__answer {
    const mid_sample *sample;
    const char *author;             /* who wrote it: response_model, or the generating model's name */
    uint32_t group, i_author;
    uint32_t cut;                   /* hash of what its group is named after */
    int fold;
    mid_key key, beside_key;        /* of its trace; of the second observer's, "" without one */
    mid_trace *trace;
    char *why;                      /* owned: why a server gave none; NULL: it did, or has not been asked */
    size_t i_read;                  /* its place before any was left out */
    mid_label label;
    int32_t onset_tok;              /* -1 unknown */
    size_t attack;                  /* a copy under data->attack[attack - 1], which is scored, never fitted or
                                       calibrated on; 0: the answer itself */
} mid__answer;

/* What a judge was asked for an answer: an equal share of what its group's verdicts cost, so not whole numbers. */
typedef struct mid__judged { double n_verdict, n_missing, n_call, n_retry, time_s; } mid__judged;

typedef struct mid__set {
    const mid_plan *plan;
    const mid_plan_data *data;
    const mid_plan_model *model;    /* whose steps the traces hold */
    const char *source;             /* where they come from: the entry's, or "recorded" for what a server answered */
    const char *name;               /* in results */
    mid_dataset *dataset;
    mid__answer *answer;            /* (n) */
    size_t n, n_unsafe, n_group, n_left_out;    /* n_unsafe: attacked copies aside */
    size_t n_attacked;              /* of n, once labelled */
    const char **author;            /* (n_author) */
    size_t n_author;
    mid_signals signals, beside_signals;    /* signals.beside is the latter, if there is a second observer */
    const char *labeler, *who;      /* who labels it: 1 + data->n_other_labeler are opened, the others only compared */
    mid_labeler **opened;           /* [0] NULL: it cannot work on this machine, and no_label says why */
    char no_label[600];
    uint32_t labeler_shares;
    mid_labeler_counts labelled;    /* what became of asking it */
    mid__buf agreement;             /* with the others, as JSON; empty: there are none */
    bool is_self_judged;            /* it is the judge whose verdicts the traces hold */
    mid_key key;                    /* of everything a score can depend on: traces, labels, folds */
    mid_key sentences;              /* of what figures can depend on beside it: labelled sentences */
    bool is_second;                 /* a second observer's reading of another set */
    bool is_cut;                    /* only this run's shard is left */
    double time_us, beside_us;      /* mean source time per token; what a second observer adds to it */
    char judge_id[65];              /* of the judge whose verdicts the traces hold; "": there is none */
    mid_key judge_model;            /* of its mid__judge_model() */
    mid__leak leak;                 /* between its folds, of several seeds those of the first */
    mid__judged judged;             /* what those verdicts cost when they were asked for */
    double judge_us;                /* of that, time per token */
    bool skipped;                   /* optional and not there, or no usable answer */
    char why[600];                  /* why skipped; before that, why the first answer of n_skipped was */
    size_t n_skipped;               /* answers that a server did not give; they are among n_left_out */
    mid__buf skips;                 /* of these: {"id":...,"why":...}, with commas between them */
    mid__arena said;                /* samples whose responses a server gave, or an attack */
} mid__set;

/* What a run works with. Workers have copies with a context of their own and share the store under its lock. */
typedef struct mid__run {
    mid_ctx *ctx;
    const mid_plan *plan;
    const mid_run_opts *opts;
    mid_store *store;
    pthread_mutex_t *store_lock;
    mid__spent *spent;              /* NULL: nobody asks */
    struct mid__order *order;       /* at a rank above 0: the next, if it has come; NULL elsewhere */
    const char *engine;             /* that answers are made with; with stored_only, that they were */
} mid__run;

/* Find the dataset, choose rows, cut groups and folds. */
mid_status mid__set_open(mid__run *run, const mid_plan_data *data, mid__set *set);
void mid__set_close(mid__set *set);
/* Make what traces are missing, read all, drop answers shorter than min_tok. */
mid_status mid__set_capture(mid__run *run, mid__set *set);
/* Append the copies that data->attack asks for, each in its answer's group and fold. */
mid_status mid__set_attack(mid__run *run, mid__set *set);
/* Put every group into a fold: by its hash, or, where a plan has several seeds, by that and the plan's seed. */
void mid__set_cut(mid__set *set, const mid_plan *plan);
/* The text that answers of one group share. @param by "prompt", "id:N" or NULL. @return its length, below cap */
size_t mid__group_text(const char *by, const mid_sample *sample, char *out, size_t cap);
/* Compute `key` and `sentences`, once labels are there or folds have changed. */
void mid__set_key(mid__set *set);
/* What the i-th answer's trace is made from: with another engine, model, judge or wording it is another trace. For a
 * generated answer the whole group is part of it. */
mid_key mid__trace_key(const mid__set *set, const mid_source_opts *o, const char *engine, size_t i);
/* A monitor that looks at a judge's verdicts, on an entry without a judge. */
bool mid__lacks_judge(const mid_plan_monitor *m, const mid__set *set);
/* Open its labelers, so that one that does not work is told of before the long work. */
mid_status mid__set_labelers(mid__run *run, mid__set *set);
/* Label every answer, drop those without a label, compute the set's key. */
mid_status mid__set_judge(mid__run *run, mid__set *set);

/* Scores of one monitor on a set, out of fold. Offsets: answer i's tokens start at at[i]; at (n + 1). */
typedef struct mid__scores {
    size_t n, n_tok;
    size_t *at;                     /* (n + 1) */
    double *rank;                   /* (n_tok) by the model fitted on all other folds */
    double *rule;                   /* (n_tok) by the model fitted on all other folds but the calibration fold */
    double *cal;                    /* (n_tok) when its fold was the calibration fold; NULL once its extremes are all that is needed */
    double *cal_extreme;            /* (n) largest score of the answer when its fold was the calibration fold */
    double us_p50, us_p95;          /* cost of a push */
    mid__consulted consulted;       /* when `rank` was made */
    bool defined;                   /* false: could not be fitted or scored here; why says so */
    char why[200];
} mid__scores;
mid_status mid__scores_of(mid__run *run, const mid__set *set, const mid_plan_monitor *m, mid__scores *out);
/* Of n entries of one family: the same monitor and parameters, whatever aggregators. It is fitted once for all of them. */
mid_status mid__scores_of_family(mid__run *run, const mid__set *set, const mid_plan_monitor *const *m, size_t n,
                                 mid__scores *const *out);
/* Of all that they depend on; and of the monitor alone, which is the family's. */
mid_key mid__scores_key(const mid__run *run, const mid__set *set, const mid_plan_monitor *m);
mid_key mid__family_key(const mid__run *run, const mid__set *set, const mid_plan_monitor *m);
void mid__scores_clear(mid__scores *scores);
/* Answers in fold f calibrate the rule of the fold before it. */
static inline int mid__rule_fold(int fold, int n_fold) { return (fold + n_fold - 1) % n_fold; }

/* Fitting's fruit to hand on: the weights behind the rule of fold 0, with its threshold. MID_ENOTFOUND: nothing to learn. */
mid_status mid__fitted_of(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid__scores *scores,
                          mid_weights **out);

/* A monitor of the control box, with its scores (n_repeat). */
typedef struct mid__control { const mid_plan_monitor *monitor; const mid__scores *scores; } mid__control;
#define MID__OVER_CONTROL "auroc_over."     /* before the best control's name: the metric of a gain over it */
/* Cells and curves of one monitor on a set, as JSON objects with commas between them; owned.
 * @param scores    (n_repeat) of one seed, or of several: then only threshold-free figures, averaged over the seeds
 * @param baseline  (n_repeat) another monitor's scores to be compared with; NULL: none
 * @param control   (n_control) those of the plan that have scores here */
mid_status mid__measure(mid__run *run, const mid__set *set, const mid_plan_monitor *m, const mid__scores *scores,
                        const mid__scores *baseline, const mid__control *control, size_t n_control, size_t n_repeat,
                        char **cells, char **curves);
/* The rule of one fold, calibrated on its calibration fold's extremes. */
mid_status mid__fold_rule(mid__run *run, const mid__set *set, const mid__scores *scores, const mid_plan_rule *rule, int fold,
                          mid_rule *out);

/* Are the answers of a view, as tested, like those that the rules of their folds were calibrated on? */
typedef struct mid__fold_drift {
    double p;                       /* P(such gaps | exchangeable), of all folds together; NaN: nothing to compare */
    size_t n, n_unsafe;             /* answers compared, one of each prompt */
    int n_fold;
} mid__fold_drift;
/* @param view (n) indices of its answers */
mid_status mid__fold_drift_of(mid__run *run, const mid__set *set, const mid__scores *scores, const size_t *view,
                              size_t n, mid__fold_drift *out);

/* The k-th labeler that an entry names: 0 the one that says what is unsafe, NULL where that is the task's; from 1 the
 * others. */
static inline const mid_plan_labeler *mid__plan_labeler(const mid_plan_data *data, size_t k)
{
    return k ? &data->other_labeler[k - 1] : data->label_by;
}

const char *mid__data_name(const mid_plan_data *data);          /* its name in results: of a path, the last part */
const char *mid__monitor_label(const mid_plan_monitor *m);      /* its name in results */
bool mid__monitor_runs_on(const mid_plan_monitor *m, const mid__set *set);

#endif
