/* The aggregated forms of one monitor on a set: "probe_linear", "probe_linear+max", "probe_linear+cusum". They share
 * the monitor's fits and scores; an aggregator that learns does so per fit, from what that fit says of its answers. */
#ifndef MID_BENCH_FORMS_H
#define MID_BENCH_FORMS_H

#include "bench/set.h"
#include "monitor/chain.h"

typedef struct mid__form {
    const mid_plan_monitor *m;
    mid_key key;                    /* of its scores */
    mid__scores *out;
    bool pending;                   /* not found in the store, and nothing has kept it from being scored */
    bool learns;                    /* an aggregator of it does: it goes through the fits with the monitor */
    mid__chain chain;               /* of the fit at hand; of all, where nothing learns */
    double *us;                     /* (n_us) what the chain takes per score, on average over an answer */
    size_t n_us;
} mid__form;

/* Which fit: on all answers outside fold, and outside cal too unless it is -1. */
typedef struct mid__fit_id { int fold, cal; } mid__fit_id;

/* What keeps one monitor from a set but not the run from going on. */
bool mid__about_data(mid_status status);

/* Let the aggregators of pending forms that learn do so, and open their chains. monitor has the weights w (NULL: nothing
 * to learn) of this fit. Where weights are to be handed on, each form's go to the store. */
mid_status mid__forms_learn(mid__run *run, const mid__set *set, mid__form *form, size_t n, const mid_monitor *monitor,
                            const mid_weights *w, mid__fit_id fit, bool hand_on);
/* Scores of the answers of a fold (-1: all) through a form's open chain. from, into (n_tok) */
mid_status mid__form_apply(mid__run *run, const mid__set *set, mid__form *form, int fold, const double *from,
                           double *into);

/* In score.c: weights under a key, for mid__fitted_of(). */
mid_status mid__weights_keep(mid__run *run, const mid_key *key, const mid_weights *w);

#endif
