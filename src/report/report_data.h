/* results.json in memory, arranged for asking: which figure has this monitor on that column of this dataset?
 * Names are numbered, so that equal names have equal numbers; texts are borrowed from the JSON document.
 *
 * What the page can show has limits (below), so that a million cells still make a page one can forward; what is left
 * out is counted and said, and results.csv has everything. */
#ifndef MID_REPORT_DATA_H
#define MID_REPORT_DATA_H

#include "report/report_json.h"
#include "report/report_names.h"

enum {
    MID__SHOW_DATASET = 24, MID__SHOW_MONITOR = 256, MID__SHOW_COLUMN = 10, MID__SHOW_PREFIX = 24, MID__SHOW_RULE = 4,
    MID__SHOW_ATTACK = 16,
    MID__SHOW_PREVALENCE = 4,
    MID__N_HUE = 8,                         /* series with a colour: 1, 2 white, 3, 4 grey, 5, 6 black, 7, 8 control */
    MID__AT_SHARE = 1 << 30                 /* in mid__cell_key.at: the rest is per mille of the answer, else tokens */
};

typedef struct mid__cell_key {
    uint32_t dataset, model, subset, monitor, metric, rule, at;
    float prevalence;                       /* re-weighted to it; 0: as it is */
} mid__cell_key;

typedef struct mid__cell {
    mid__cell_key key;                      /* rule 0: threshold-free; at 0: whole answer */
    double value, lo, hi;                   /* NaN: undefined, why says the reason */
    double p;                               /* of a gain; NaN: no test */
    const char *why, *split;
    const char *observer;                   /* who read the answer, NULL: the model that wrote it */
    size_t n, n_unsafe, n_prompts, n_still_running;
    size_t n_seeds;                         /* 0: of a single one */
    double seed;                            /* NaN: of several, or not said */
    bool circular;
} mid__cell;

typedef struct mid__report_monitor {                 /* a monitor */
    uint32_t id;
    const char *name, *box, *summary, *unit;
    double us_p50, us_p95, decode_share;    /* NaN unknown */
    double mean_auroc;                      /* over the datasets' main columns, circular ones left out; NaN: none */
    size_t place;                           /* where rows are short: controls first, then by mean_auroc */
    int hue;                                /* 1..MID__N_HUE, or 0: drawn faint */
    bool control;
    bool two_observers;                     /* a hybrid with a member that reads what a second observer saw */
    bool variant;                           /* of a monitor: by `as` or aggregators; it is no candidate for the best */
} mid__report_monitor;

/* What it takes to do as a cell does, finer than the access (report.h) that somebody has. */
typedef enum mid__need {
    MID__NEED_CONTROL, MID__NEED_TEXT, MID__NEED_TOP_K, MID__NEED_OBSERVER, MID__NEED_TWO_OBSERVERS,
    MID__NEED_PROBABILITIES, MID__NEED_STATES, MID__N_NEED
} mid__need;

typedef struct mid__column {                /* answers of one author, or all; all of them or unsafe prompts only */
    uint32_t model, subset;
    const char *author, *why;               /* why: the reason if no monitor has a figure here */
    size_t n, n_unsafe, n_prompts;
    bool pooled, unsafe_prompts, defined;
} mid__column;

typedef struct mid__report_set {                   /* a dataset */
    uint32_t id;
    const char *name, *task, *split;
    yyjson_val *about;                      /* its entry in provenance.datasets, or NULL */
    mid__column column[MID__SHOW_COLUMN];
    size_t n_column, n_more_column;
    const mid__column *main;                /* all authors, or the only one */
    const mid__column *within;              /* where main is pooled: the author with most unsafe answers; or NULL */
    uint32_t at_tok[MID__SHOW_PREFIX], at_share[MID__SHOW_PREFIX];  /* ascending */
    size_t n_at_tok, n_at_share;
    uint32_t attack[MID__SHOW_ATTACK];      /* subsets that are attacked copies of all answers */
    size_t n_attack;
} mid__report_set;

typedef struct mid__report {
    mid__json json;
    yyjson_val *root, *provenance, *cells;
    mid__names names;
    mid__cell *cell;                        /* (n_cell) pooled over folds */
    uint32_t *slot;                         /* (n_slot) open addressing over cell; UINT32_MAX empty */
    size_t n_cell, n_slot, n_repeat;        /* n_repeat: cells whose key was there already */
    mid__report_monitor monitor[MID__SHOW_MONITOR];  /* white, grey, black, control; better first */
    mid__report_set set[MID__SHOW_DATASET];
    uint32_t rule[MID__SHOW_RULE];
    float prevalence[MID__SHOW_PREVALENCE]; /* that figures are re-weighted to, in the order of the cells */
    size_t n_prevalence;
    size_t n_monitor, n_more_monitor, n_set, n_more_set, n_rule;
} mid__report;

/* report is cleared by the caller, also after a failure. */
mid_status mid__report_read(mid_ctx *ctx, const char *path, mid__report *report);
void mid__report_clear(mid__report *report);

/* The number of a name; 0 if it never occurs. */
uint32_t mid__report_id(const mid__report *report, const char *name);
const char *mid__report_name(const mid__report *report, uint32_t id);
/* The cell, or NULL. */
const mid__cell *mid__report_find(const mid__report *report, const mid__cell_key *key);
/* Key of a threshold-free, whole-answer figure; monitor is left for the caller to set. */
mid__cell_key mid__report_key(const mid__report *report, const mid__report_set *set, const mid__column *column,
                              const char *metric);
/* The monitor with the largest defined value, circular ones and variants left out, among controls or among all others;
 * NULL: none.
 * key->monitor is ignored. cell may be NULL. */
const mid__report_monitor *mid__report_best(const mid__report *report, const mid__cell_key *key, bool control,
                                   const mid__cell **cell);
/* From report_rank.c: what a cell needs, and that in words. */
mid__need mid__report_need(const mid__report_set *set, const mid__report_monitor *monitor, const mid__cell *cell);
const char *mid__need_text(mid__need need);
/* The prefix nearest to so many tokens; 0: the dataset has none. */
uint32_t mid__report_at_tok(const mid__report_set *set, uint32_t near_tok);
/* Figures of a generated dataset with few answers of one class are told but not ranked. */
bool mid__report_is_lopsided(const mid__report_set *set);
/* "10 monitors, 7 variants and 4 controls". */
void mid__report_count_text(char text[128], const mid__report *report);
/* From report_rank.c: order of monitors, colours, main columns. Once, when all is read. */
void mid__report_rank(mid__report *report);

/* What provenance says of a dataset; NULL if nothing. */
yyjson_val *mid__report_about_set(const mid__report *r, const char *name);

#endif
