/* Advice. On each dataset the methods that the access and the budget allow are ranked by their AUROC after 16 tokens,
 * 1 the best, ties sharing their mean rank; the least mean rank over the datasets comes first, of equals the larger
 * mean AUROC, then the cheaper one, then the name. Complete blocks only, as in docs/statistics.md: a dataset on which
 * fewer than half of the methods have a figure is left out, then each method without one on all of the rest.
 *
 * What ranks first on few datasets need not be better than what ranks first over all. So the advice leaves the overall
 * best only for a gain whose interval excludes none. The interval does not cover that the first of many was picked on
 * the same answers; docs/recommend.md says how that is measured. */
#include "report/advice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

/* ---- who takes part ---------------------------------------------------------------------------------------------- */

static bool fits_access(const mid__evidence_set *set, mid_access access)
{
    return access == MID_ACCESS_BLACK || set->observed == (access == MID_ACCESS_OBSERVER);
}

/* Which of task, access and language a dataset has to fit; those that none fits are given up, and that is said. */
struct filter { bool task, access, lang; };

static bool fits(const mid__evidence *e, const mid__ask *ask, size_t i, const struct filter *f)
{
    const mid__evidence_set *set = &e->set[i];

    return !set->why && i != ask->i_without && (!f->task || strcmp(set->task, ask->task) == 0) &&
           (!f->access || fits_access(set, ask->access)) && (!f->lang || mid__evidence_has_lang(set, ask->lang));
}

bool mid__asks_for(const mid__evidence *e, const mid__ask *ask, size_t i)
{
    return fits(e, ask, i, &(struct filter){ ask->task != NULL, true, ask->lang != NULL });
}

static bool any_fits(const mid__evidence *e, const mid__ask *ask, const struct filter *f)
{
    size_t i;

    for (i = 0; i < e->n_set; i++)
        if (fits(e, ask, i, f))
            return true;
    return false;
}

static void choose_sets(const mid__evidence *e, const mid__ask *ask, mid__ranking *r)
{
    struct filter f = { .task = ask->task != NULL };
    size_t i;

    f.task = f.task && any_fits(e, ask, &f);
    f.access = true;
    f.access = any_fits(e, ask, &f);
    f.lang = ask->lang != NULL;
    f.lang = f.lang && any_fits(e, ask, &f);
    r->other_task = ask->task && !f.task;
    r->other_access = !f.access;
    r->other_lang = ask->lang && !f.lang;
    for (i = 0; i < e->n_set; i++)
        if (fits(e, ask, i, &f))
            r->set[r->n_set++] = i;
}

static bool reaches(mid_access access, const mid__evidence_method *m)
{
    if (m->control)
        return false;
    if (access == MID_ACCESS_BLACK)
        return strcmp(m->box, "black") == 0;
    return access != MID_ACCESS_GREY || strcmp(m->box, "white") != 0;
}

bool mid__allows(const mid__ask *ask, const mid__evidence_method *m, double us_per_tok)
{
    return reaches(ask->access, m) && (isnan(ask->max_us_per_tok) || us_per_tok <= ask->max_us_per_tok);
}

/* The largest median time over the datasets; NaN: measured on none. */
static double cost(const mid__evidence *e, const mid__ranking *r, size_t i_method)
{
    double most = NAN;
    size_t i;

    for (i = 0; i < r->n_set; i++)
        most = fmax(most, mid__evidence_proof(e, r->set[i], i_method)->us_per_tok);
    return most;
}

static size_t n_figures(const mid__evidence *e, const mid__ranking *r, size_t i_method)
{
    size_t i, n = 0;

    for (i = 0; i < r->n_set; i++)
        n += !isnan(mid__evidence_early(e, r->set[i], i_method));
    return n;
}

/* Can a method be followed on the dataset left out, if any? */
static bool can_follow(const mid__evidence *e, const mid__ask *ask, size_t i_method)
{
    return ask->i_without == MID__NOBODY || !isnan(mid__evidence_early(e, ask->i_without, i_method));
}

/* Methods that were run on any of the datasets, within access and budget. */
static void choose_methods(const mid__evidence *e, const mid__ask *ask, mid__ranking *r)
{
    size_t j;

    for (j = 0; j < e->n_method; j++) {
        const double us = cost(e, r, j);
        if (!reaches(ask->access, &e->method[j]) || !n_figures(e, r, j) || !can_follow(e, ask, j))
            continue;
        if (mid__allows(ask, &e->method[j], us)) {
            r->at[r->n++] = (mid__ranked){ .i_method = j, .us_per_tok = us };
        } else if (isnan(us)) {
            r->n_unpriced++;
        } else {
            r->n_dear++;
            if (r->i_cheapest == MID__NOBODY || us < r->us_cheapest) {
                r->i_cheapest = j;
                r->us_cheapest = us;
            }
        }
    }
}

static void drop_incomplete(const mid__evidence *e, mid__ranking *r)
{
    size_t i, j, n, kept = 0;

    for (i = 0; i < r->n_set; i++) {
        for (j = n = 0; j < r->n; j++)
            n += !isnan(mid__evidence_early(e, r->set[i], r->at[j].i_method));
        if (2 * n >= r->n)
            r->set[kept++] = r->set[i];
    }
    r->n_thin = r->n_set - kept;
    r->n_set = kept;
    for (j = kept = 0; j < r->n; j++)
        if (n_figures(e, r, r->at[j].i_method) == r->n_set)
            r->at[kept++] = r->at[j];
    r->n_missing = r->n - kept;
    r->n = kept;
}

/* ---- ranks ------------------------------------------------------------------------------------------------------- */

static void add_ranks(const mid__evidence *e, mid__ranking *r, size_t i_set)
{
    const double n_set = (double)r->n_set;
    size_t j, k;

    for (j = 0; j < r->n; j++) {
        const double mine = mid__evidence_early(e, i_set, r->at[j].i_method);
        double rank = 0.5;
        for (k = 0; k < r->n; k++) {
            const double other = mid__evidence_early(e, i_set, r->at[k].i_method);
            rank += other > mine ? 1 : other == mine ? 0.5 : 0;     /* itself included: 1 for the best */
        }
        r->at[j].mean_rank += rank / n_set;
        r->at[j].mean_auroc += mine / n_set;
    }
}

static int better_first(const void *a, const void *b)
{
    const mid__ranked *x = a, *y = b;

    if (fabs(x->mean_rank - y->mean_rank) > 1e-9)
        return x->mean_rank < y->mean_rank ? -1 : 1;
    if (fabs(x->mean_auroc - y->mean_auroc) > 1e-9)
        return x->mean_auroc > y->mean_auroc ? -1 : 1;
    if (x->us_per_tok != y->us_per_tok && !(isnan(x->us_per_tok) && isnan(y->us_per_tok)))
        return isnan(y->us_per_tok) || x->us_per_tok < y->us_per_tok ? -1 : 1;
    return (x->i_method > y->i_method) - (x->i_method < y->i_method);
}

mid_status mid__rank(mid_ctx *ctx, const mid__evidence *e, const mid__ask *ask, mid__ranking *r)
{
    size_t i;

    *r = (mid__ranking){ .i_cheapest = MID__NOBODY, .us_cheapest = NAN };
    r->set = calloc(e->n_set + 1, sizeof *r->set);
    r->at = calloc(e->n_method + 1, sizeof *r->at);
    if (!r->set || !r->at)
        return mid__oom(ctx, "advice");
    choose_sets(e, ask, r);
    choose_methods(e, ask, r);
    drop_incomplete(e, r);
    for (i = 0; i < r->n_set; i++)
        add_ranks(e, r, r->set[i]);
    qsort(r->at, r->n, sizeof *r->at, better_first);
    return MID_OK;
}

void mid__ranking_clear(mid__ranking *r)
{
    free(r->set);
    free(r->at);
    memset(r, 0, sizeof *r);
}

/* ---- differences ------------------------------------------------------------------------------------------------- */

/* b MID__NOBODY: each dataset's best control. */
static mid__edge mean_edge(const mid__evidence *e, const mid__ranking *r, size_t a, size_t b)
{
    mid__edge *edge = calloc(r->n_set + 1, sizeof *edge), mean = { NAN, NAN, NAN, false };
    size_t i, n = 0;

    for (i = 0; edge && i < r->n_set; i++) {
        const size_t other = b == MID__NOBODY ? mid__evidence_control(e, r->set[i]) : b;
        edge[n] = other == MID__NOBODY ? mean : mid__evidence_edge(e, r->set[i], a, other);
        n += !isnan(edge[n].value);
    }
    if (edge)
        mean = mid__edge_mean(edge, n);
    free(edge);
    return mean;
}

mid__edge mid__ranking_edge(const mid__evidence *e, const mid__ranking *r, size_t a, size_t b)
{
    return mean_edge(e, r, a, b);
}

mid__edge mid__ranking_control_edge(const mid__evidence *e, const mid__ranking *r, size_t a)
{
    return mean_edge(e, r, a, MID__NOBODY);
}

/* ---- the advice -------------------------------------------------------------------------------------------------- */

mid_status mid__advise(mid_ctx *ctx, const mid__evidence *e, const mid__ask *ask, mid__advice *a)
{
    mid__ask all = *ask;
    mid_status status;

    memset(a, 0, sizeof *a);
    a->first = a->best = a->take = MID__NOBODY;
    a->over_best = a->over_control = (mid__edge){ NAN, NAN, NAN, false };
    all.task = NULL;
    status = mid__rank(ctx, e, ask, &a->here);
    if (status == MID_OK)
        status = mid__rank(ctx, e, &all, &a->all);
    if (status != MID_OK || !a->here.n)
        return status;
    a->first = a->here.at[0].i_method;
    a->best = a->all.n ? a->all.at[0].i_method : MID__NOBODY;
    a->over_control = mid__ranking_control_edge(e, &a->here, a->first);
    if (a->best != MID__NOBODY && a->best != a->first)
        a->over_best = mid__ranking_edge(e, &a->here, a->first, a->best);
    a->take = a->best == MID__NOBODY || a->over_best.lo > 0 ? a->first : a->best;
    if (a->take != a->first || a->best == MID__NOBODY || !(a->over_control.lo > 0))
        a->verdict = MID__NOT_ENOUGH;
    else
        a->verdict = a->first == a->best ? MID__SAME : MID__BETTER;
    return MID_OK;
}

void mid__advice_clear(mid__advice *a)
{
    mid__ranking_clear(&a->here);
    mid__ranking_clear(&a->all);
}
