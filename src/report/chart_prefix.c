/* Small multiples: AUROC against how much of the answer has been read. By tokens (log2 axis, the whole answer at the
 * right end) as a live monitor meets it; by share of the answer only in retrospect, as nobody knows the length
 * beforehand. Two series of each box have colour and name, the first of them its interval too; the rest is faint. One y
 * range for all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

/* lines of a chart; of a page, by dataset */
enum { POINT_MAX = MID__SHOW_PREFIX + 1, N_FAINT = 24, PAGE_FAINT = 192 };

typedef struct prefix_view {                /* one chart's subject */
    const mid__report_set *set;
    const mid__column *column;
    bool by_share;
} prefix_view;

typedef struct series {
    double x[POINT_MAX], y[POINT_MAX], lo[POINT_MAX], hi[POINT_MAX];
    double running[POINT_MAX];              /* AUROC of the answers still running there; NaN where there is none */
    size_t n;
} series;

static size_t n_at(const prefix_view *v) { return v->by_share ? v->set->n_at_share : v->set->n_at_tok; }
static uint32_t at(const prefix_view *v, size_t i) { return v->by_share ? v->set->at_share[i] : v->set->at_tok[i]; }

static double x_of(const prefix_view *v, size_t i)
{
    return v->by_share ? (double)(at(v, i) & ~(uint32_t)MID__AT_SHARE) / 10 : (double)at(v, i);
}

/* Where the whole answer stands: one doubling behind the last prefix. */
static double x_whole(const prefix_view *v) { return 2 * x_of(v, n_at(v) - 1); }

static void add_point(const mid__report *r, const mid__cell_key *key, double x, series *s)
{
    const mid__cell *c = mid__report_find(r, key), *running;
    const bool drawn = c && !c->circular;
    mid__cell_key of_running = *key;

    of_running.metric = mid__report_id(r, "auroc_running");
    running = mid__report_find(r, &of_running);
    s->running[s->n] = drawn && running ? running->value : NAN;

    s->x[s->n] = x;
    s->y[s->n] = drawn ? c->value : NAN;
    s->lo[s->n] = drawn ? c->lo : NAN;
    s->hi[s->n] = drawn ? c->hi : NAN;
    s->n++;
}

static void series_of(const mid__report *r, const prefix_view *v, const mid__report_monitor *m, series *s)
{
    mid__cell_key key = mid__report_key(r, v->set, v->column, "auroc");
    size_t i;

    s->n = 0;
    key.monitor = m->id;
    for (i = 0; i < n_at(v); i++) {
        key.at = at(v, i);
        add_point(r, &key, x_of(v, i), s);
    }
    key.at = 0;
    if (!v->by_share)
        add_point(r, &key, x_whole(v), s);
}

static void x_axis(const mid__plot *p, const prefix_view *v)
{
    const size_t step = 1 + n_at(v) / 11;
    char text[32];
    size_t i;

    for (i = 0; i < n_at(v); i += step) {
        snprintf(text, sizeof text, v->by_share ? "%.0f %%" : "%.0f", x_of(v, i));
        mid__svg_tick_x(p, x_of(v, i), text);
    }
    if (!v->by_share)
        mid__svg_tick_x(p, x_whole(v), "all");
    mid__svg_axis_name(p, v->by_share ? "share of the answer read" : "tokens read");
}

/* Under the ticks: how many answers are still being written there; the others keep their last score. */
static void still_running(const mid__plot *p, const mid__report *r, const prefix_view *v)
{
    const size_t step = 1 + n_at(v) / 9;
    mid__cell_key key = mid__report_key(r, v->set, v->column, "auroc");
    bool any = false;
    size_t i;

    if (r->n_monitor)
        key.monitor = r->monitor[0].id;
    for (i = 0; i < n_at(v) && !v->by_share; i += step) {
        const mid__cell *c;
        key.at = at(v, i);
        c = mid__report_find(r, &key);
        if (!c || !c->n_still_running)
            continue;
        mid__html(p->out, "<text class=\"mid small\" x=\"%.1f\" y=\"%.1f\">%zu</text>", mid__svg_x(p, x_of(v, i)),
                  p->bottom + 29, c->n_still_running);
        any = true;
    }
    if (any)
        mid__html(p->out, "<text class=\"small\" x=\"%.1f\" y=\"%.1f\">still running</text>", p->right + 6,
                  p->bottom + 29);
}

static void y_axis(const mid__plot *p)
{
    char text[64];
    double y;

    for (y = p->y_lo; y < 1.01; y += p->y_lo < 0.45 ? 0.2 : 0.1) {
        mid__number_text(text, "%.1f", y);
        mid__svg_tick_y(p, y, text);
    }
    mid__html(p->out, "<path class=\"chance\" d=\"M%.1f %.1fH%.1f\"/>", p->left, mid__svg_y(p, 0.5), p->right);
}

static void faint_lines(const mid__plot *p, const mid__report *r, const prefix_view *v)
{
    const size_t n_max = r->n_set * N_FAINT > PAGE_FAINT ? PAGE_FAINT / r->n_set : N_FAINT;
    size_t i, n = 0;
    series s;

    for (i = 0; i < r->n_monitor && n < n_max; i++) {
        if (r->monitor[i].hue)
            continue;
        series_of(r, v, &r->monitor[i], &s);
        mid__svg_line(p, s.x, s.y, s.n, r->monitor[i].control ? "line faint ctrl" : "line faint", r->monitor[i].name);
        n++;
    }
}

static void dots(const mid__plot *p, const series *s, const char *style, const char *name)
{
    char tip[240], interval[48], running[64];
    size_t i;

    for (i = 0; i < s->n; i++) {
        if (!isfinite(s->y[i]))
            continue;
        interval[0] = running[0] = 0;
        if (isfinite(s->lo[i]) && isfinite(s->hi[i]))
            snprintf(interval, sizeof interval, " (%.3f to %.3f)", s->lo[i], s->hi[i]);
        else
            snprintf(interval, sizeof interval, " (no interval)");
        if (isfinite(s->running[i]))
            snprintf(running, sizeof running, "; still running only: %.3f", s->running[i]);
        snprintf(tip, sizeof tip, "%.80s: %.3f%s%s", name, s->y[i], interval, running);
        mid__svg_dot(p, s->x[i], s->y[i], style, tip);
    }
}

static void coloured_lines(const mid__plot *p, const mid__report *r, const prefix_view *v)
{
    mid__svg_label label[MID__N_HUE];
    char style[32], name[MID__N_HUE][24], lead[MID__N_HUE][24];
    size_t i, n = 0;
    series s;

    for (i = r->n_monitor; i-- > 0;) {      /* controls first, so that monitors lie on top */
        const mid__report_monitor *m = &r->monitor[i];
        if (!m->hue)
            continue;
        series_of(r, v, m, &s);
        if (m->hue % 2 && !m->control) {
            snprintf(style, sizeof style, "band h%d", m->hue);
            mid__svg_band(p, s.x, s.lo, s.hi, s.n, style);
        }
        snprintf(style, sizeof style, "line h%d", m->hue);
        mid__svg_line(p, s.x, s.y, s.n, style, NULL);
        snprintf(style, sizeof style, "pt h%d", m->hue);
        dots(p, &s, style, m->name);
        if (!s.n || !isfinite(s.y[s.n - 1]))
            continue;
        snprintf(name[n], sizeof name[n], strlen(m->name) > 16 ? "%.15s\xe2\x80\xa6" : "%s", m->name);
        snprintf(lead[n], sizeof lead[n], "lead h%d", m->hue);
        label[n] = (mid__svg_label){ .y = s.y[s.n - 1], .text = name[n], .style = lead[n] };
        n++;
    }
    mid__svg_labels(p, label, n);
}

static void chart(const mid__page *page, const prefix_view *v, double y_lo)
{
    const mid__plot p = { .out = page->out, .width = 410, .height = 294, .left = 32, .right = 292, .top = 10,
                          .bottom = 246, .x_lo = x_of(v, 0), .x_hi = v->by_share ? 100 : x_whole(v), .y_lo = y_lo,
                          .y_hi = 1, .x_log = !v->by_share };
    char who[128], label[400];

    mid__page_column_text(who, v->column);
    snprintf(label, sizeof label, "AUROC against %s, %.100s, %s", v->by_share ? "share of the answer" : "tokens read",
             v->set->name, who);
    mid__html(page->out, "<figure><figcaption>%s <small>%zu unsafe of %zu</small></figcaption>", who,
              v->column->n_unsafe,
              v->column->n);
    mid__svg_open(&p, label);
    y_axis(&p);
    x_axis(&p, v);
    still_running(&p, page->report, v);
    faint_lines(&p, page->report, v);
    coloured_lines(&p, page->report, v);
    mid__svg_close(&p);
    mid__buf_text(page->out, "</figure>\n");
}

/* The charts of a dataset: main column, within one author, unsafe prompts. */
static void charts(const mid__page *page, const mid__report_set *set, bool by_share, double y_lo)
{
    const mid__column *unsafe_prompts = NULL;
    prefix_view v = { .set = set, .by_share = by_share };
    size_t i;

    for (i = 0; i < set->n_column && !unsafe_prompts; i++)
        if (set->column[i].unsafe_prompts && set->column[i].defined)
            unsafe_prompts = &set->column[i];
    mid__buf_text(page->out, "<div class=\"grid3\">\n");
    v.column = set->main;
    if (v.column->defined)
        chart(page, &v, y_lo);
    v.column = by_share ? NULL : set->within;    /* in retrospect the main column is enough */
    if (v.column)
        chart(page, &v, y_lo);
    v.column = by_share ? NULL : unsafe_prompts;
    if (v.column)
        chart(page, &v, y_lo);
    mid__buf_text(page->out, "</div>\n");
}

/* The lowest figure of a coloured series in a main column, rounded down; never above chance. */
static double lowest(const mid__report *r)
{
    double low = 0.5;
    size_t i, j, k;
    series s;

    for (i = 0; i < r->n_set; i++)
        for (j = 0; j < r->n_monitor; j++) {
            const prefix_view v = { .set = &r->set[i], .column = r->set[i].main };
            if (!r->monitor[j].hue || !v.column || !n_at(&v))
                continue;
            series_of(r, &v, &r->monitor[j], &s);
            for (k = 0; k < s.n; k++)
                low = fmin(low, s.y[k]);
        }
    return floor(10 * low + 1e-9) / 10;
}

void mid__page_early(const mid__page *page)
{
    const mid__report *r = page->report;
    const double y_lo = lowest(r);
    size_t i;

    mid__buf_text(page->out, "<section id=\"early\"><h2>How early</h2>\n<p>AUROC after the first tokens of an answer. "
                  "An answer shorter than the prefix keeps its last score and stays in. Lines: two monitors of each "
                  "box and two controls (dashed grey), the same colours everywhere; bands are 95 % intervals; all "
                  "other monitors faint; the dotted line is chance.</p>\n");
    for (i = 0; i < r->n_set; i++) {
        const mid__report_set *set = &r->set[i];
        if (!set->main || !set->n_at_tok)
            continue;
        mid__html(page->out, "<h3>%s</h3>\n", set->name);
        charts(page, set, false, y_lo);
        if (!set->n_at_share)
            continue;
        mid__html(page->out, "<details><summary>%s by share of the answer <em>retrospective</em></summary><p "
                  "class=\"fine\">Retrospective: a share needs the final length, which no live monitor knows.</p>\n",
                  set->name);
        charts(page, set, true, y_lo);
        mid__buf_text(page->out, "</details>\n");
    }
    mid__buf_text(page->out, "</section>\n");
}
