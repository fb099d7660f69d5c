/* Drift within a run: the answers on which a rule's figures are taken against those that the rule was calibrated on, by
 * the same model of the monitor, each seen as its extreme. All answers are there at once and in no order, so this is a
 * two-sample test (src/calibrate/two_sample.c) and no bet. Folds have rules of their own, so each is a test of its own:
 * p is the least of them times their number (Bonferroni), whatever they have in common. Answers to a prompt are alike,
 * so a random one stands for each on either side. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/rng.h"
#include "bench/set.h"
#include "midstream/drift.h"

/* An answer's extreme, and its place among those to its prompt. */
struct extreme { uint32_t group; uint64_t place; double score; bool unsafe; };

static int by_prompt(const void *a, const void *b)
{
    const struct extreme *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static struct extreme extreme_of(const mid__run *run, const mid__set *set, size_t i, double score)
{
    mid__rng rng;

    mid__rng_init(&rng, run->plan->seed, i);
    return (struct extreme){ set->answer[i].group, mid__rng_u64(&rng), score, set->answer[i].label.unsafe == 1 };
}

/* One of each prompt: their scores, and how many are unsafe. Returns how many. */
static size_t one_a_prompt(struct extreme *e, size_t n, double *score, size_t *n_unsafe)
{
    size_t i, n_one = 0;

    qsort(e, n, sizeof *e, by_prompt);
    for (i = *n_unsafe = 0; i < n; i++) {
        if (i && e[i].group == e[i - 1].group)
            continue;
        score[n_one++] = e[i].score;
        *n_unsafe += e[i].unsafe;
    }
    return n_one;
}

/* The answer's extreme when it was tested: by the model behind its fold's rule. */
static double tested(const mid__scores *s, size_t i)
{
    double extreme = -INFINITY;
    size_t t;

    for (t = s->at[i]; t < s->at[i + 1]; t++)
        extreme = fmax(extreme, s->rule[t]);
    return extreme;
}

/* One fold of the view; *out is what all folds before it gave, p their least. */
static mid_status compare(mid__run *run, const mid__set *set, const mid__scores *s, const size_t *view, size_t n,
                          int fold, struct extreme *e, double *score, mid__fold_drift *out)
{
    size_t i, n_e = 0, n_calibration, n_test, n_unsafe;
    mid_two_sample t;
    mid_status status;

    for (i = 0; i < set->n; i++)
        if (!set->answer[i].attack && mid__rule_fold(set->answer[i].fold, run->plan->n_fold) == fold)
            e[n_e++] = extreme_of(run, set, i, s->cal_extreme[i]);
    n_calibration = one_a_prompt(e, n_e, score, &n_unsafe);
    for (i = n_e = 0; i < n; i++)
        if (set->answer[view[i]].fold == fold)
            e[n_e++] = extreme_of(run, set, view[i], tested(s, view[i]));
    n_test = one_a_prompt(e, n_e, score + n_calibration, &n_unsafe);
    if (n_calibration == 0 || n_test == 0)
        return MID_OK;
    status = mid_two_sample_of(run->ctx, score, n_calibration, score + n_calibration, n_test, &t);
    if (status != MID_OK)
        return status;
    out->n_fold += 1;
    out->n += n_test;
    out->n_unsafe += n_unsafe;
    out->p = fmin(out->p, t.p);
    return MID_OK;
}

mid_status mid__fold_drift_of(mid__run *run, const mid__set *set, const mid__scores *scores, const size_t *view,
                              size_t n, mid__fold_drift *out)
{
    struct extreme *e = malloc((set->n + 1) * sizeof *e);
    double *score = malloc((2 * set->n + 1) * sizeof *score);
    mid__fold_drift d = { .p = INFINITY };
    mid_status status = e && score ? MID_OK : mid__oom(run->ctx, "a comparison of scores");
    int fold;

    for (fold = 0; status == MID_OK && fold < run->plan->n_fold; fold++)
        status = compare(run, set, scores, view, n, fold, e, score, &d);
    free(e);
    free(score);
    if (status != MID_OK)
        return status;
    d.p = d.n_fold ? fmin(1, d.p * d.n_fold) : NAN;
    *out = d;
    return MID_OK;
}
