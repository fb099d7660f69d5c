/* results.json and answers.json, put together while a run goes through its sets. */
#ifndef MID_BENCH_RESULTS_H
#define MID_BENCH_RESULTS_H

#include "base/buf.h"
#include "bench/set.h"

typedef struct mid__results {
    mid__run *run;
    mid__buf cells, curves, answers, datasets, stages, index;      /* JSON objects with commas between them */
} mid__results;

void mid__results_init(mid__results *r, mid__run *run);
void mid__results_clear(mid__results *r);
void mid__results_stage(mid__results *r, const char *set, const char *what, double seconds);
mid_status mid__results_set(mid__results *r, const mid__set *set);
void mid__results_cells(mid__results *r, const char *cells, const char *curves);
/* A few answers of each class with every token's scores, for the report's browser. scores (plan->n_monitor). */
mid_status mid__results_answers(mid__results *r, const mid__set *set, const mid__scores *scores);
/* Where the store has a set's traces and scores. scores (plan->n_monitor). */
void mid__results_index(mid__results *r, const mid__set *set, const mid__scores *scores);
/* Write both files into the run's folder, and the index into its store. */
mid_status mid__results_write(mid__results *r);

#endif
