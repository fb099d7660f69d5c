/* Sentences of advice: why, what to know, what would change it. */
#include "report/advice_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

enum { TIMES_MAX = 100 };                   /* more answers than that is no plan */

static const char *const access_means[] = { "text only", "probabilities of the model itself",
                                            "hidden rows of the model itself", "a local model that reads the answers" };

const char *mid__verdict_name(mid__verdict verdict)
{
    static const char *const name[] = { "nothing", "better", "same", "not enough evidence" };

    return name[verdict];
}

static const char *const asked_control[] = { "prompt_only", "refusal_cue", "author", "length" };
enum { N_ASKED = sizeof asked_control / sizeof *asked_control };

static bool is_asked(const char *name)
{
    size_t i;

    for (i = 0; i < N_ASKED && strcmp(asked_control[i], name) != 0; i++)
        ;
    return i < N_ASKED;
}

const char *mid__advice_control(const mid__evidence *e, size_t i)
{
    size_t j;

    if (i < N_ASKED)
        return asked_control[i];
    for (i -= N_ASKED, j = 0; j < e->n_method; j++)
        if (e->method[j].control && !is_asked(e->method[j].name) && i-- == 0)
            return e->method[j].name;
    return NULL;
}

double mid__advice_control_early(const mid__evidence *e, size_t i_set, const char *name)
{
    const uint32_t id = mid__names_find(&e->method_names, name);

    return id ? mid__evidence_early(e, i_set, id - 1) : NAN;
}

static const char *name_of(const mid__evidence *e, size_t i_method) { return e->method[i_method].name; }

void mid__edge_text(mid__buf *out, const mid__edge *edge)
{
    if (isnan(edge->value)) {
        mid__buf_text(out, "not known");
        return;
    }
    mid__buf_fmt(out, "%+.3f", edge->value);
    if (isnan(edge->lo) || isnan(edge->hi))
        mid__buf_text(out, " (no interval)");
    else
        mid__buf_fmt(out, " [%+.3f, %+.3f]%s", edge->lo, edge->hi, edge->paired ? "" : " (not paired)");
}

static void datasets_text(mid__buf *out, const mid__ranking *r)
{
    mid__buf_fmt(out, "%zu dataset%s", r->n_set, r->n_set == 1 ? "" : "s");
}

/* "chat's 3 datasets"; "all 7 datasets" */
static void where_text(mid__buf *out, const mid__ask *ask, const mid__ranking *r)
{
    if (ask->task && !r->other_task)
        mid__buf_fmt(out, "%s's ", ask->task);
    else
        mid__buf_text(out, "all ");
    datasets_text(out, r);
}

/* ---- why --------------------------------------------------------------------------------------------------------- */

static void why_nothing(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__ranking *r)
{
    if (r->i_cheapest != MID__NOBODY)
        mid__buf_fmt(out, "nothing within the budget: the cheapest of %zu is %s with %.3g us per token, at most %g is "
                     "asked for", r->n_dear, name_of(e, r->i_cheapest), r->us_cheapest, ask->max_us_per_tok);
    else if (r->n_unpriced)
        mid__buf_fmt(out, "nothing within the budget: no time was measured of the %zu methods there are",
                     r->n_unpriced);
    else
        mid__buf_fmt(out, "nothing to advise: no method with %s access has a figure on these datasets",
                     mid_access_name(ask->access));
}

static void why_not_enough(mid__buf *out, const mid__evidence *e, const mid__advice *a)
{
    const char *none = "which includes no gain";

    if (a->take != a->first) {
        mid__buf_fmt(out, ", but its gain in AUROC over %s, the best over all ", name_of(e, a->best));
        datasets_text(out, &a->all);
        mid__buf_text(out, ", is ");
        mid__edge_text(out, &a->over_best);
        mid__buf_fmt(out, ", %s; until more is known, take %s",
                     isnan(a->over_best.lo) ? "which shows none" : none, name_of(e, a->take));
        return;
    }
    mid__buf_text(out, ", but its gain in AUROC over the best control is ");
    mid__edge_text(out, &a->over_control);
    mid__buf_fmt(out, ", %s: the control alone may do as well", isnan(a->over_control.lo) ? "which shows none" : none);
}

void mid__advice_why(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__advice *a)
{
    if (a->verdict == MID__NOTHING) {
        why_nothing(out, e, ask, &a->here);
        return;
    }
    if (a->verdict == MID__NOT_ENOUGH)
        mid__buf_text(out, "not enough evidence: ");
    mid__buf_fmt(out, "%s ranks first on ", name_of(e, a->first));
    where_text(out, ask, &a->here);
    if (a->verdict == MID__NOT_ENOUGH) {
        why_not_enough(out, e, a);
        return;
    }
    if (a->verdict == MID__BETTER) {
        mid__buf_fmt(out, "; its gain in AUROC after 16 tokens over %s, the best over all ", name_of(e, a->best));
        datasets_text(out, &a->all);
        mid__buf_text(out, ", is ");
        mid__edge_text(out, &a->over_best);
        mid__buf_text(out, ", and over the best control ");
    } else {
        if (a->all.n_set != a->here.n_set) {
            mid__buf_text(out, " and over all ");
            datasets_text(out, &a->all);
        }
        mid__buf_text(out, "; its gain in AUROC after 16 tokens over the best control is ");
    }
    mid__edge_text(out, &a->over_control);
}

/* ---- what to know ------------------------------------------------------------------------------------------------ */

/* Names that differ, in the order they first come. */
static void tasks_there(mid__buf *out, const mid__evidence *e)
{
    const char *comma = "";
    size_t i, k;

    for (i = 0; i < e->n_set; i++) {
        for (k = 0; k < i && strcmp(e->set[k].task, e->set[i].task) != 0; k++)
            ;
        if (k < i)
            continue;
        mid__buf_fmt(out, "%s%s", comma, e->set[i].task);
        comma = ", ";
    }
}

static void warn_choice(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__ranking *r)
{
    size_t i;

    if (r->other_task) {
        mid__buf_fmt(out, "no dataset of task %s (there are: ", ask->task);
        tasks_there(out, e);
        mid__buf_text(out, "), so this is from datasets of other tasks\n");
    }
    if (r->other_access)
        mid__buf_fmt(out, "no such dataset was measured with %s access (%s), so this is from datasets %s\n",
                     mid_access_name(ask->access), access_means[ask->access],
                     ask->access == MID_ACCESS_OBSERVER ? "scored by the model that answered"
                                                        : "that another model read");
    if (r->other_lang)
        mid__buf_fmt(out, "no such dataset says that it holds language %s, so this is from any language\n", ask->lang);
    for (i = 0; ask->lang && !r->other_lang && i < r->n_set; i++)
        if (mid__evidence_n_lang(&e->set[r->set[i]]) > 1)
            mid__buf_fmt(out, "%s holds other languages too: its figures are of all of them\n",
                         e->set[r->set[i]].name);
    if (r->n_set == 1 && r->n)
        mid__buf_text(out, "one dataset: how the order would be on another is not known\n");
}

static void warn_left_out(mid__buf *out, const mid__evidence *e, const mid__ranking *r)
{
    size_t i;

    for (i = 0; i < e->n_set; i++)
        if (e->set[i].why)
            mid__buf_fmt(out, "%s is left out: %s\n", e->set[i].name, e->set[i].why);
    for (i = 0; i < r->n_set; i++)
        if (e->set[r->set[i]].mixed)
            mid__buf_fmt(out, "%s: the files have different answers under this name, so methods are compared across "
                         "samples\n", e->set[r->set[i]].name);
    if (r->n_thin)
        mid__buf_fmt(out, "left out: %zu dataset%s on which fewer than half of the methods have a figure\n", r->n_thin,
                     r->n_thin == 1 ? "" : "s");
    if (r->n_missing)
        mid__buf_fmt(out, "left out: %zu method%s without a figure on each dataset\n", r->n_missing,
                     r->n_missing == 1 ? "" : "s");
    if (r->n && r->n_dear)
        mid__buf_fmt(out, "left out: %zu method%s over the budget\n", r->n_dear, r->n_dear == 1 ? "" : "s");
    if (r->n && r->n_unpriced)
        mid__buf_fmt(out, "left out: %zu method%s whose time was not measured\n", r->n_unpriced,
                     r->n_unpriced == 1 ? "" : "s");
}

void mid__advice_warnings(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__advice *a)
{
    warn_choice(out, e, ask, &a->here);
    warn_left_out(out, e, &a->here);
    if (ask->access == MID_ACCESS_OBSERVER && a->here.n)
        mid__buf_text(out, "times are the methods' own: the observer's reading comes on top\n");
}

/* ---- what would change it ---------------------------------------------------------------------------------------- */

/* Another ranking's first method beside the one to take, on that ranking's datasets. */
static void beside(mid__buf *out, const mid__evidence *e, const mid__ranking *r, const mid__advice *a)
{
    const mid__edge edge = mid__ranking_edge(e, r, r->at[0].i_method, a->take);

    mid__buf_fmt(out, "%s ranks first (mean AUROC after 16 tokens %.3f, %zu dataset%s)", name_of(e, r->at[0].i_method),
                 r->at[0].mean_auroc, r->n_set, r->n_set == 1 ? "" : "s");
    if (isnan(edge.value))
        return;
    mid__buf_fmt(out, ", gain over %s ", name_of(e, a->take));
    mid__edge_text(out, &edge);
}

static mid_status change_access(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                                const mid__advice *a, mid_access next)
{
    mid__ask other = *ask;
    mid__ranking r;
    mid_status status;

    other.access = next;
    status = mid__rank(ctx, e, &other, &r);
    if (status == MID_OK) {
        mid__buf_fmt(out, "%s access (%s): ", mid_access_name(next), access_means[next]);
        if (!r.n || r.other_access)
            mid__buf_text(out, "nothing was measured there");
        else if (a->take != MID__NOBODY && r.at[0].i_method == a->take)
            mid__buf_fmt(out, "%s ranks first there too", name_of(e, a->take));
        else if (a->take != MID__NOBODY)
            beside(out, e, &r, a);
        else
            mid__buf_fmt(out, "%s ranks first", name_of(e, r.at[0].i_method));
        mid__buf_text(out, "\n");
    }
    mid__ranking_clear(&r);
    return status;
}

static mid_status change_budget(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                                const mid__advice *a)
{
    mid__ask other = *ask;
    mid__ranking r;
    mid_status status;

    other.max_us_per_tok = NAN;
    status = mid__rank(ctx, e, &other, &r);
    if (status == MID_OK && r.n) {
        mid__buf_text(out, "more budget: ");
        if (r.at[0].i_method == a->first)
            mid__buf_fmt(out, "%s ranks first at any", name_of(e, a->first));
        else if (a->take != MID__NOBODY)
            beside(out, e, &r, a);
        else
            mid__buf_fmt(out, "%s ranks first", name_of(e, r.at[0].i_method));
        if (r.at[0].i_method != a->first && isfinite(r.at[0].us_per_tok))
            mid__buf_fmt(out, ", for %.3g us per token", r.at[0].us_per_tok);
        mid__buf_text(out, "\n");
    }
    mid__ranking_clear(&r);
    return status;
}

/* An interval's width falls as one over the root of the number of answers. */
static void change_data(mid__buf *out, const mid__evidence *e, const mid__advice *a)
{
    const bool of_best = a->take != a->first;
    const mid__edge *edge = of_best ? &a->over_best : &a->over_control;
    const double reach = (edge->value - edge->lo) / edge->value;

    if (a->verdict != MID__NOT_ENOUGH || a->best == MID__NOBODY)
        return;
    if (!(edge->value > 0) || isnan(edge->lo)) {
        mid__buf_fmt(out, "more data: there is no measured gain of %s over %s that more answers could confirm\n",
                     name_of(e, a->first), of_best ? name_of(e, a->best) : "the best control");
        return;
    }
    mid__buf_fmt(out, "more data: if its gain over %s is real, ", of_best ? name_of(e, a->best) : "the best control");
    if (reach * reach > TIMES_MAX)
        mid__buf_fmt(out, "it would take over %d times as many answers to show it", TIMES_MAX);
    else
        mid__buf_fmt(out, "about %.1f times as many answers would show it", ceil(10 * reach * reach) / 10);
    if (!edge->paired)
        mid__buf_text(out, "; fewer may do in a run with that as its baseline, which makes the interval paired");
    mid__buf_text(out, "\n");
}

mid_status mid__advice_changes(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                               const mid__advice *a)
{
    mid_status status = MID_OK;

    if (ask->access == MID_ACCESS_BLACK)
        status = change_access(ctx, out, e, ask, a, MID_ACCESS_OBSERVER);
    if (status == MID_OK && ask->access == MID_ACCESS_BLACK)
        status = change_access(ctx, out, e, ask, a, MID_ACCESS_GREY);
    if (status == MID_OK && ask->access != MID_ACCESS_BLACK && ask->access != MID_ACCESS_WHITE)
        status = change_access(ctx, out, e, ask, a, MID_ACCESS_WHITE);
    if (status == MID_OK && !isnan(ask->max_us_per_tok))
        status = change_budget(ctx, out, e, ask, a);
    if (status == MID_OK)
        change_data(out, e, a);
    return status;
}
