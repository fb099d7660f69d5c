/* What comes first: main columns, order of monitors, and which of them get a colour. One colour means one monitor on
 * the whole page: two of each box, chosen by their mean AUROC over the datasets, whole answer, main columns. One recipe
 * under many settings would fill every place, so variants get none, unless a run has nothing else. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_data.h"

const mid__report_monitor *mid__report_best(const mid__report *r, const mid__cell_key *key, bool control,
                                            const mid__cell **cell)
{
    const mid__report_monitor *best = NULL;
    mid__cell_key k = *key;
    double top = -INFINITY;
    size_t i;

    for (i = 0; i < r->n_monitor; i++) {
        const mid__cell *c;
        if (r->monitor[i].control != control || r->monitor[i].variant)
            continue;
        k.monitor = r->monitor[i].id;
        c = mid__report_find(r, &k);
        if (!c || c->circular || !(c->value > top))
            continue;
        top = c->value;
        best = &r->monitor[i];
        if (cell)
            *cell = c;
    }
    return best;
}

/* Pooled first, then authors with more unsafe answers; all prompts before unsafe prompts of the same author. */
static int column_order(const void *a, const void *b)
{
    const mid__column *p = a, *q = b;

    if (p->unsafe_prompts != q->unsafe_prompts)
        return p->unsafe_prompts - q->unsafe_prompts;
    if (p->pooled != q->pooled)
        return q->pooled - p->pooled;
    if (p->n_unsafe != q->n_unsafe)
        return p->n_unsafe < q->n_unsafe ? 1 : -1;
    return strcmp(p->author, q->author);
}

static void rank_columns(mid__report_set *set)
{
    size_t i;

    qsort(set->column, set->n_column, sizeof *set->column, column_order);
    if (set->n_column)
        set->main = &set->column[0];
    for (i = 1; i < set->n_column && !set->within; i++)
        if (set->main->pooled && !set->column[i].unsafe_prompts && set->column[i].defined)
            set->within = &set->column[i];
}

/* ---- what a cell needs ------------------------------------------------------------------------------------------- */

mid__need mid__report_need(const mid__report_set *set, const mid__report_monitor *m, const mid__cell *c)
{
    if (m->control)
        return MID__NEED_CONTROL;
    if (strcmp(m->box, "black") == 0)
        return MID__NEED_TEXT;
    if (c->observer)
        return m->two_observers ? MID__NEED_TWO_OBSERVERS : MID__NEED_OBSERVER;
    if (strcmp(m->box, "white") == 0)
        return MID__NEED_STATES;
    return strcmp(mid__report_text(set->about, "source"), "openai") == 0 ? MID__NEED_TOP_K
                                                                              : MID__NEED_PROBABILITIES;
}

const char *mid__need_text(mid__need need)
{
    static const char *const text[MID__N_NEED] = { "control", "text only", "top-k probabilities", "one observer",
                                                     "two observers", "all probabilities", "hidden states" };

    return text[need];
}

uint32_t mid__report_at_tok(const mid__report_set *set, uint32_t near_tok)
{
    uint32_t best = 0;
    size_t i;

    for (i = 0; i < set->n_at_tok; i++)
        if (!i || abs((int)set->at_tok[i] - (int)near_tok) < abs((int)best - (int)near_tok))
            best = set->at_tok[i];
    return best;
}

bool mid__report_is_lopsided(const mid__report_set *set)
{
    const char *source = mid__report_text(set->about, "source");
    const double share = set->main && set->main->n ? (double)set->main->n_unsafe / (double)set->main->n : NAN;

    return *source && strcmp(source, "recorded") != 0 && !(share >= 0.1 && share <= 0.9);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* The larger of two, of which one may be unknown. */
static double larger(const mid__cell *c, double v) { return c ? fmax(c->value, v) : v; }

static void measure(mid__report *r, mid__report_monitor *m)
{
    double sum = 0;
    size_t i, n = 0;

    for (i = 0; i < r->n_set; i++) {
        const mid__cell *c;
        mid__cell_key key;
        if (!r->set[i].main)
            continue;
        key = mid__report_key(r, &r->set[i], r->set[i].main, "auroc");
        key.monitor = m->id;
        c = mid__report_find(r, &key);
        if (c && isfinite(c->value) && !c->circular) {
            sum += c->value;
            n++;
        }
        key.metric = mid__report_id(r, "decode_share");
        m->decode_share = larger(mid__report_find(r, &key), m->decode_share);
        key.metric = mid__report_id(r, "us_per_token_p50");
        m->us_p50 = larger(mid__report_find(r, &key), m->us_p50);
        key.metric = mid__report_id(r, "us_per_token_p95");
        m->us_p95 = larger(mid__report_find(r, &key), m->us_p95);
    }
    m->mean_auroc = n ? sum / (double)n : NAN;
}

static int box_rank(const mid__report_monitor *m)
{
    return strcmp(m->box, "white") == 0 ? 0 : strcmp(m->box, "grey") == 0 ? 1 : m->control ? 3 : 2;
}

static int monitor_order(const void *a, const void *b)
{
    const mid__report_monitor *p = a, *q = b;
    const double x = isnan(p->mean_auroc) ? -1 : p->mean_auroc, y = isnan(q->mean_auroc) ? -1 : q->mean_auroc;

    if (box_rank(p) != box_rank(q))
        return box_rank(p) - box_rank(q);
    if (x != y)
        return x < y ? 1 : -1;
    return strcmp(p->name, q->name);
}

static int place_order(const void *a, const void *b)
{
    const mid__report_monitor *p = *(mid__report_monitor *const *)a, *q = *(mid__report_monitor *const *)b;
    const double x = isnan(p->mean_auroc) ? -1 : p->mean_auroc, y = isnan(q->mean_auroc) ? -1 : q->mean_auroc;

    if (p->control != q->control)
        return q->control - p->control;
    if (x != y)
        return x < y ? 1 : -1;
    return strcmp(p->name, q->name);
}

static void give_places(mid__report *r)
{
    mid__report_monitor *by[MID__SHOW_MONITOR];
    size_t i;

    for (i = 0; i < r->n_monitor; i++)
        by[i] = &r->monitor[i];
    qsort(by, r->n_monitor, sizeof *by, place_order);
    for (i = 0; i < r->n_monitor; i++)
        by[i]->place = i;
}

/* A run of variants only: they are what was run. */
static void promote_variants(mid__report *r)
{
    bool any = false;
    size_t i;

    for (i = 0; i < r->n_monitor; i++)
        any = any || (!r->monitor[i].control && !r->monitor[i].variant);
    for (i = 0; i < r->n_monitor && !any; i++)
        r->monitor[i].variant = false;
}

void mid__report_count_text(char text[128], const mid__report *r)
{
    size_t i, n, n_variant = 0, n_control = 0;
    char variants[40] = "";

    for (i = 0; i < r->n_monitor; i++) {
        n_control += r->monitor[i].control;
        n_variant += r->monitor[i].variant;
    }
    n = r->n_monitor - n_control - n_variant;
    if (n_variant)
        snprintf(variants, sizeof variants, ", %zu variant%s", n_variant, n_variant == 1 ? "" : "s");
    snprintf(text, 128, "%zu monitor%s%s and %zu control%s", n, n == 1 ? "" : "s", variants, n_control,
             n_control == 1 ? "" : "s");
}

void mid__report_rank(mid__report *r)
{
    int n_of_box[4] = { 0, 0, 0, 0 };
    size_t i;

    for (i = 0; i < r->n_set; i++)
        rank_columns(&r->set[i]);
    promote_variants(r);
    for (i = 0; i < r->n_monitor; i++)
        measure(r, &r->monitor[i]);
    qsort(r->monitor, r->n_monitor, sizeof *r->monitor, monitor_order);
    give_places(r);
    for (i = 0; i < r->n_monitor; i++) {
        const int box = box_rank(&r->monitor[i]);
        if (n_of_box[box] < 2 && !r->monitor[i].variant && !isnan(r->monitor[i].mean_auroc))
            r->monitor[i].hue = 1 + 2 * box + n_of_box[box]++;
    }
}
