/* The price of opacity: the same answers, judged with more and more of a model in sight. A column is what it
 * takes, a row a dataset; entries of one plan that read the same answers of the same file with the same labels are
 * one row. In each place stands the best monitor that gets by with that access, and what it gains on the best one of
 * text alone. Variants take no part, but for those that are there to ask a second observer. */
#include <math.h>
#include <string.h>

#include "report/page.h"

typedef struct best { const mid__report_monitor *monitor; const mid__cell *cell; } best;
typedef struct levels { best at[MID__N_NEED]; } levels;

static bool same_text(const mid__report_set *a, const mid__report_set *b, const char *name)
{
    return strcmp(mid__report_text(a->about, name), mid__report_text(b->about, name)) == 0;
}

static bool same_answers(const mid__report_set *a, const mid__report_set *b)
{
    return a == b || (a->about && b->about && *mid__report_text(a->about, "sha256") && same_text(a, b, "sha256") &&
                      same_text(a, b, "labeler") && same_text(a, b, "labeler_id") && a->main && b->main &&
                      a->main->n == b->main->n && a->main->n_unsafe == b->main->n_unsafe);
}

static void look_at(const mid__report *r, const mid__report_set *set, levels *l)
{
    mid__cell_key key = mid__report_key(r, set, set->main, "auroc");
    size_t i;

    for (i = 0; i < r->n_monitor; i++) {
        const mid__report_monitor *m = &r->monitor[i];
        const mid__cell *c;
        best *b;
        key.monitor = m->id;
        c = mid__report_find(r, &key);
        if (!c || c->circular || (m->variant && !m->two_observers) || !isfinite(c->value))
            continue;
        b = &l->at[mid__report_need(set, m, c)];
        if (!b->cell || c->value > b->cell->value)
            *b = (best){ m, c };
    }
}

/* All entries that read the answers of the i-th; false: an earlier one has done so. */
static bool levels_of(const mid__report *r, size_t i, levels *l)
{
    size_t j;

    *l = (levels){ 0 };
    for (j = 0; j < i; j++)
        if (same_answers(&r->set[j], &r->set[i]))
            return false;
    for (j = i; j < r->n_set; j++)
        if (r->set[j].main && same_answers(&r->set[j], &r->set[i]))
            look_at(r, &r->set[j], l);
    return true;
}

/* How many levels that are no controls have a figure. */
static size_t n_level(const levels *l)
{
    size_t i, n = 0;

    for (i = MID__NEED_TEXT; i < MID__N_NEED; i++)
        n += l->at[i].cell != NULL;
    return n;
}

static void best_td(mid__buf *out, const best *b, const best *text)
{
    if (!b->cell) {
        mid__buf_text(out, "<td class=\"none\">\xe2\x80\x93</td>");
        return;
    }
    mid__html(out, "<td>%.3f", b->cell->value);
    if (text->cell && b != text)
        mid__html(out, " <b class=\"gain\">%s%.3f</b>", b->cell->value < text->cell->value ? "\xe2\x88\x92" : "+",
                  fabs(b->cell->value - text->cell->value));
    if (isfinite(b->cell->lo) && isfinite(b->cell->hi))
        mid__html(out, "<small>%.3f\xe2\x80\x93%.3f</small>", b->cell->lo, b->cell->hi);
    mid__html(out, "<small>%s</small></td>", b->monitor->name);
}

static void table(const mid__page *page, const bool *shown)
{
    const mid__report *r = page->report;
    mid__buf *out = page->out;
    levels l;
    size_t i, k;

    mid__page_table_open(out, "Best AUROC at each level of access");
    mid__buf_text(out, "<thead><tr><th scope=\"col\" class=\"text\">answers</th>");
    for (k = 0; k < MID__N_NEED; k++)
        if (shown[k])
            mid__html(out, "<th scope=\"col\">%s</th>", k ? mid__need_text((mid__need)k) : "best control");
    mid__buf_text(out, "</tr></thead><tbody>\n");
    for (i = 0; i < r->n_set; i++) {
        if (!levels_of(r, i, &l) || n_level(&l) < 2)
            continue;
        mid__html(out, "<tr><th scope=\"row\">%s</th>", r->set[i].name);
        for (k = 0; k < MID__N_NEED; k++)
            if (shown[k])
                best_td(out, &l.at[k], k ? &l.at[MID__NEED_TEXT] : &l.at[0]);
        mid__buf_text(out, "</tr>\n");
    }
    mid__page_table_close(out);
}

/* The levels that some row has, into shown. */
static size_t rows_of(const mid__report *r, bool *shown)
{
    levels l;
    size_t i, k, n = 0;

    for (i = 0; i < r->n_set; i++) {
        if (!levels_of(r, i, &l) || n_level(&l) < 2)
            continue;
        n++;
        for (k = 0; k < MID__N_NEED; k++)
            shown[k] = shown[k] || l.at[k].cell;
    }
    return n;
}

bool mid__page_has_opacity(const mid__report *r)
{
    bool shown[MID__N_NEED] = { false };

    return rows_of(r, shown) > 0;
}

void mid__page_opacity(const mid__page *page)
{
    bool shown[MID__N_NEED] = { false };

    if (!rows_of(page->report, shown))
        return;
    mid__buf_text(page->out, "<section id=\"opacity\"><h2>The price of opacity</h2>\n<p>The same answers, judged "
                             "with more and more in sight. At each level stands the best monitor that needs just "
                             "that, by AUROC, with what it has more or less than the best one that reads the text "
                             "alone. It was picked on the answers it is shown on, from more candidates at some "
                             "levels than at others, so small differences mean nothing.</p>\n");
    table(page, shown);
    mid__buf_text(page->out, "</section>\n");
}
