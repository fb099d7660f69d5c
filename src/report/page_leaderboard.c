/* Every monitor on every dataset, one row each, so that they can be sorted and picked from: by task, by what one may
 * see of the model (the box, its colour; the access), by what a token may cost. Without script it reads dataset by
 * dataset, better rows first. What is told but not ranked (circular figures, generated datasets with few answers of
 * one class) has a dash for a place. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/page.h"

enum { NEAR_TOK = 16 };

typedef struct row {
    const mid__report_set *set;
    const mid__report_monitor *monitor;
    const mid__cell *auroc;
    size_t i_set;
} row;

static int row_order(const void *a, const void *b)
{
    const row *p = a, *q = b;
    const double x = isnan(p->auroc->value) ? -1 : p->auroc->value, y = isnan(q->auroc->value) ? -1 : q->auroc->value;

    if (p->i_set != q->i_set)
        return p->i_set < q->i_set ? -1 : 1;
    if (x != y)
        return x < y ? 1 : -1;
    return strcmp(p->monitor->name, q->monitor->name);
}

/* The main column's figures. @param rows (n_set * n_monitor) */
static size_t rows_of(const mid__report *r, row *rows)
{
    const size_t n_shown = mid__page_rows(r, MID__PAGE_LEAD_MAX, r->n_set);
    size_t i, j, n = 0;

    for (i = 0; i < r->n_set; i++) {
        mid__cell_key key;
        if (!r->set[i].main)
            continue;
        key = mid__report_key(r, &r->set[i], r->set[i].main, "auroc");
        for (j = 0; j < r->n_monitor; j++) {
            const mid__cell *c;
            key.monitor = r->monitor[j].id;
            c = mid__report_find(r, &key);
            if (c && r->monitor[j].place < n_shown)
                rows[n++] = (row){ &r->set[i], &r->monitor[j], c, i };
        }
    }
    qsort(rows, n, sizeof *rows, row_order);
    return n;
}

/* Another figure on the same answers. */
static const mid__cell *beside(const mid__report *r, const row *w, const char *metric, uint32_t at)
{
    mid__cell_key key = w->auroc->key;

    key.metric = mid__report_id(r, metric);
    key.at = at;
    return mid__report_find(r, &key);
}

static void plot_td(mid__buf *out, const row *w)
{
    const mid__plot p = { .out = out, .width = 96, .height = 16, .left = 5, .right = 91, .top = 0, .bottom = 16,
                          .x_lo = 0.25, .x_hi = 1, .y_lo = 0, .y_hi = 1 };
    const mid__cell *c = w->auroc;

    mid__html(out, "<td class=\"ci %s\"><svg viewBox=\"0 0 96 16\" aria-hidden=\"true\">", w->monitor->box);
    if (isfinite(c->lo) && isfinite(c->hi))
        mid__html(out, "<path d=\"M%.0f 8H%.0f\"/>", mid__svg_x(&p, c->lo), mid__svg_x(&p, c->hi));
    if (isfinite(c->value))
        mid__html(out, "<circle cx=\"%.1f\" cy=\"8\"/>", mid__svg_x(&p, c->value));
    mid__buf_text(out, "</svg></td>");
}

static void us_td(mid__buf *out, const mid__cell *c)
{
    if (c && isfinite(c->value))
        mid__html(out, "<td>%.3g</td>", c->value);
    else
        mid__buf_text(out, "<td class=\"none\" title=\"not measured\">\xe2\x80\x93</td>");
}

static void row_tr(const mid__page *page, mid__notes *notes, const row *w, uint32_t at_tok)
{
    const mid__report *r = page->report;
    const mid__column *main = w->set->main;
    const bool out_of_rank = w->auroc->circular || !isfinite(w->auroc->value) || mid__report_is_lopsided(w->set);
    mid__buf *out = page->out;

    mid__buf_text(out, out_of_rank ? "<tr class=\"out\">" : "<tr>");
    mid__html(out, "<th scope=\"row\"><i class=\"box %s\"></i>%s</th><td class=\"text\">%s</td><td "
                   "class=\"text\">%s</td><td class=\"text\">%s</td><td class=\"text\">%s</td>",
              *w->monitor->box ? w->monitor->box : "unknown", w->monitor->name, w->set->name, w->set->task,
              w->monitor->box,
              mid__need_text(mid__report_need(w->set, w->monitor, w->auroc)));
    mid__page_estimate_td(out, notes, w->auroc, 3, false);
    plot_td(out, w);
    if (at_tok)
        mid__page_estimate_td(out, notes, beside(r, w, "auroc", at_tok), 3, false);
    mid__page_estimate_td(out, notes, beside(r, w, "tpr_at_fpr1", 0), 3, false);
    us_td(out, beside(r, w, "us_per_token_p50", 0));
    mid__html(out, "<td>%.1f<small>of %zu</small></td></tr>\n",
              main->n ? 100 * (double)main->n_unsafe / (double)main->n : 0.0, main->n);
}

/* data-filter: how the script lets a column be picked from. */
static void head(mid__buf *out, uint32_t at_tok)
{
    mid__buf_text(out, "<thead><tr><th scope=\"col\" class=\"text\" data-filter=\"find\">monitor</th><th scope=\"col\" "
                  "class=\"text\" data-filter=\"pick\">dataset</th><th scope=\"col\" class=\"text\" "
                  "data-filter=\"pick\">task</th><th scope=\"col\" class=\"text\" data-filter=\"pick\">box</th><th "
                  "scope=\"col\" class=\"text\" data-filter=\"pick\">access</th><th scope=\"col\">AUROC</th><th "
                  "scope=\"col\" class=\"mute\"><small>0.25 \xe2\x80\x93 chance \xe2\x80\x93 1</small></th>");
    if (at_tok)
        mid__html(out, "<th scope=\"col\">AUROC after %u token%s</th>", at_tok, at_tok == 1 ? "" : "s");
    mid__buf_text(out, "<th scope=\"col\">TPR at FPR 1 %</th><th scope=\"col\" data-filter=\"max\">\xc2\xb5s per "
                  "token</th><th scope=\"col\">unsafe, %</th></tr></thead><tbody>\n");
}

static uint32_t early(const mid__report *r)
{
    uint32_t at = 0;
    size_t i;

    for (i = 0; i < r->n_set && !at; i++)
        at = mid__report_at_tok(&r->set[i], NEAR_TOK);
    return at;
}

void mid__page_leaderboard(const mid__page *page)
{
    static const char *const box[] = { "white", "grey", "black", "control" };
    const mid__report *r = page->report;
    const uint32_t at_tok = early(r);
    row *rows = malloc((r->n_set * r->n_monitor + 1) * sizeof *rows);
    mid__notes notes = { 0 };
    size_t i, n;

    if (!rows) {
        page->out->failed = true;
        return;
    }
    n = rows_of(r, rows);
    if (n) {
        mid__buf_text(page->out, "<section id=\"leaderboard\"><h2>Leaderboard</h2>\n<p>Every monitor on every dataset, "
                      "on all its answers. The box says what a monitor looks at and gives its mark a colour:");
        for (i = 0; i < 4; i++)
            mid__html(page->out, "%s <span class=\"ci %s\">%s</span>\xc2\xa0%s", i ? "," : "", box[i],
                      i < 3 ? "\xe2\x97\x8f" : "\xe2\x97\x8b", box[i]);
        mid__buf_text(page->out, ". Access says whose numbers these were: the model's own, or those of an observer "
                      "that read along. Time is the median one token takes, without the model. A dash for a place: "
                      "told, but not ranked.</p>\n<div id=\"filters\" class=\"bar\" role=\"group\" aria-label=\"Which "
                      "rows are shown\" hidden></div>\n");
        mid__page_table_open(page->out, "Leaderboard");
        head(page->out, at_tok);
        for (i = 0; i < n; i++)
            row_tr(page, &notes, &rows[i], at_tok);
        mid__page_table_close(page->out);
        mid__page_notes(page->out, &notes);
        mid__page_more(page->out, r->n_more_monitor + r->n_monitor -
                                      mid__page_rows(r, MID__PAGE_LEAD_MAX, r->n_set), "monitors");
        mid__buf_text(page->out, "</section>\n");
    }
    free(rows);
}
