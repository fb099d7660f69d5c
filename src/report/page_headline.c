/* What somebody reads who reads nothing else: what was run, and per dataset the best monitor beside the best
 * control. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

enum { EARLY_TOK = 8, ROW_PX = 26 };

typedef struct duel {                       /* on one column of one dataset */
    const mid__report_monitor *best, *control;
    const mid__cell *best_cell, *control_cell;
} duel;

static duel duel_of(const mid__report *r, const mid__report_set *set, const mid__column *column)
{
    const mid__cell_key key = mid__report_key(r, set, column, "auroc");
    duel d = { 0 };

    d.best = mid__report_best(r, &key, false, &d.best_cell);
    d.control = mid__report_best(r, &key, true, &d.control_cell);
    return d;
}

/* The best monitor's interval lies wholly above the best control's; where one has none (NaN) that is not known. */
static bool is_clear(const duel *d) { return d->best && d->control && d->best_cell->lo > d->control_cell->hi; }

static const char *verdict(const duel *d)
{
    if (is_clear(d))
        return "clear of the best control: the intervals do not touch";
    if (isnan(d->best_cell->lo) || isnan(d->control_cell->hi))
        return "not clear of the best control: no interval";
    return "not clear of the best control: the intervals touch";
}

static void duel_row(const mid__plot *p, double y, const mid__report_monitor *m, const mid__cell *c, const char *style)
{
    char tip[256], value[128], name[64];

    if (!m)
        return;
    mid__page_estimate_text(value, c, 3);
    snprintf(tip, sizeof tip, "%.100s: %s", m->name, value);
    snprintf(name, sizeof name, "%.14s", m->name);
    mid__html(p->out, "<text x=\"0\" y=\"%.1f\">%s</text>", mid__svg_y(p, y) + 4, name);
    mid__svg_whisker(p, c->lo, c->hi, y, m->control ? "whisker ctrl" : "whisker");
    mid__svg_dot(p, c->value, y, style, tip);
    mid__html(p->out, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">%.3f</text>", p->width, mid__svg_y(p, y) + 4,
              c->value);
}

static void duel_chart(const mid__page *page, const duel *d, const char *label)
{
    const double lo = fmin(0.5, floor(10 * fmin(d->best_cell->value, d->control ? d->control_cell->value : 1)) / 10);
    const mid__plot p = { .out = page->out, .width = 270, .height = 2 * ROW_PX + 22, .left = 92, .right = 224, .top = 4,
                          .bottom = 2 * ROW_PX + 4, .x_lo = lo, .x_hi = 1, .y_lo = 0, .y_hi = 2 };
    char tick[64];

    mid__svg_open(&p, label);
    mid__number_text(tick, "%.1f", lo);
    mid__svg_tick_x(&p, lo, tick);
    mid__svg_tick_x(&p, 1, "1");
    mid__svg_tick_x(&p, (1 + lo) / 2, "");
    duel_row(&p, 1.5, d->best, d->best_cell, "dot");
    duel_row(&p, 0.5, d->control, d->control_cell, "dot ctrl");
    mid__svg_close(&p);
}

static void duel_figure(const mid__page *page, const mid__report_set *set, const mid__column *column, const duel *d)
{
    char who[128], label[400];

    mid__page_column_text(who, column);
    snprintf(label, sizeof label, "AUROC on %.100s, %s: best monitor and best control with 95 %% intervals", set->name,
             who);
    mid__html(page->out, "<figure class=\"duel\"><figcaption>%s <small>%zu answers, %zu unsafe</small></figcaption>",
              who, column->n, column->n_unsafe);
    duel_chart(page, d, label);
    if (!d->control)
        mid__buf_text(page->out, "<p class=\"verdict\">no control was run here</p>");
    else
        mid__html(page->out, "<p class=\"verdict %s\">%s</p>", is_clear(d) ? "clear" : "open", verdict(d));
    mid__buf_text(page->out, "</figure>");
}

static void early_line(const mid__page *page, const mid__report_set *set, const mid__report_monitor *m)
{
    mid__cell_key key = mid__report_key(page->report, set, set->main, "auroc");
    const mid__cell *c;

    key.at = mid__report_at_tok(set, EARLY_TOK);
    key.monitor = m->id;
    c = mid__report_find(page->report, &key);
    if (!key.at || !c || !isfinite(c->value))
        return;
    mid__html(page->out, "<p>after %u token%s <b>%.3f</b>", key.at, key.at == 1 ? "" : "s", c->value);
    if (isfinite(c->lo) && isfinite(c->hi))
        mid__html(page->out, " <small>%.3f\xe2\x80\x93%.3f</small>", c->lo, c->hi);
    else
        mid__buf_text(page->out, " <small>no interval</small>");
    mid__buf_text(page->out, "</p>");
}

static void card(const mid__page *page, const mid__report_set *set)
{
    mid__buf *out = page->out;
    duel d, within;

    mid__html(out, "<article class=\"card\"><h3>%s <small>%s</small></h3>", set->name, set->task);
    if (set->main)
        d = duel_of(page->report, set, set->main);
    if (!set->main || !d.best) {
        mid__html(out, "<p>No monitor has a defined AUROC here%s%s.</p></article>\n",
                  set->main && set->main->why ? ": " : "", set->main ? set->main->why : "");
        return;
    }
    mid__html(out, "<p class=\"big\">%.3f", d.best_cell->value);
    if (isfinite(d.best_cell->lo) && isfinite(d.best_cell->hi))
        mid__html(out, "<small>%.3f\xe2\x80\x93%.3f</small>", d.best_cell->lo, d.best_cell->hi);
    else
        mid__buf_text(out, "<small>no interval</small>");
    mid__buf_text(out, "</p><p class=\"who\">");
    mid__page_monitor(out, d.best);
    mid__buf_text(out, "</p>");
    early_line(page, set, d.best);
    duel_figure(page, set, set->main, &d);
    if (set->within) {
        within = duel_of(page->report, set, set->within);
        if (within.best)
            duel_figure(page, set, set->within, &within);
    }
    mid__buf_text(out, "</article>\n");
}

/* Datasets with a clear win: over all authors and, where there are several, within one. */
static size_t n_clear(const mid__report *r)
{
    size_t i, n = 0;

    for (i = 0; i < r->n_set; i++) {
        const mid__report_set *set = &r->set[i];
        const duel all = set->main ? duel_of(r, set, set->main) : (duel){ 0 };
        const duel within = set->within ? duel_of(r, set, set->within) : all;
        n += is_clear(&all) && is_clear(&within);
    }
    return n;
}

static void sentence(const mid__page *page)
{
    const mid__report *r = page->report;
    size_t i, n = 0, n_unsafe = 0, n_control = 0;
    char answers[32], unsafe[32], who[128];

    for (i = 0; i < r->n_monitor; i++)
        n_control += r->monitor[i].control;
    mid__report_count_text(who, r);
    for (i = 0; i < r->n_set; i++) {
        n += r->set[i].main ? r->set[i].main->n : 0;
        n_unsafe += r->set[i].main ? r->set[i].main->n_unsafe : 0;
    }
    mid__count_text(answers, n);
    mid__count_text(unsafe, n_unsafe);
    mid__html(page->out, "<p class=\"lede\">%s read %s answers (%s of them unsafe) from %zu dataset%s, token by token.",
              who, answers, unsafe, r->n_set, r->n_set == 1 ? "" : "s");
    if (n_control && r->n_set)
        mid__html(page->out, " On %zu of %zu the best monitor is clear of the best control, also within one author.",
                  n_clear(r), r->n_set);
    mid__buf_text(page->out, "</p>\n");
}

void mid__page_headline(const mid__page *page)
{
    const mid__report *r = page->report;
    const char *title = mid__report_text(r->root, "title");
    size_t i;

    mid__html(page->out, "<header id=\"top\"><p class=\"brand\">midstream %s \xc2\xb7 %s</p><h1>%s</h1>\n",
              mid__report_text(r->provenance, "midstream"), mid__report_text(r->provenance, "date"),
              *title ? title : "Online safety analysis");
    sentence(page);
    mid__buf_text(page->out, "</header>\n<main><section aria-label=\"Key figures\"><div class=\"cards\">\n");
    if (!r->n_set)
        mid__buf_text(page->out, "<p>These results hold no cells: nothing was measured.</p>");
    for (i = 0; i < r->n_set; i++)
        card(page, &r->set[i]);
    mid__buf_text(page->out, "</div>\n");
    mid__page_more(page->out, r->n_more_set, "datasets");
    if (r->n_set)
        mid__buf_text(page->out, "<p class=\"fine\">Large figure: AUROC over the whole answer with its 95 % interval "
                      "(bootstrap over prompts; fewer than 10 prompts, or draws all alike, give none); 0.5 is chance. "
                      "The best of many monitors, picked on the answers it is shown on, looks better than it is; "
                      "intervals do not cover that choice.</p>\n");
    mid__buf_text(page->out, "</section>\n");
}
