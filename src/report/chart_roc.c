/* Curves of the coloured series, one chart per dataset and column that has some: ROC, and
 * delay against false alarms. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

/* places for points; points drawn; more are thinned by what the eye can tell apart */
enum { CURVE_MAX = 400 };

typedef struct curve_kind {                 /* its name in results.json, and what a chart of it says */
    const char *name, *title, *x_name, *metric;     /* metric: the figure beside the names; NULL: none */
    bool x_log, step;                       /* step: between two points nothing lies but the left one's level */
} curve_kind;

static const curve_kind roc = { "roc", "ROC curves", "share of safe answers flagged (FPR)", "auroc", false, false };
static const curve_kind delay = { "delay", "Delay against false alarms", "share of safe answers stopped (FPR)", NULL,
                                 true, true };

static const mid__report_monitor *monitor_named(const mid__report *r, const char *name)
{
    size_t i;

    for (i = 0; i < r->n_monitor; i++)
        if (strcmp(r->monitor[i].name, name) == 0)
            return &r->monitor[i];
    return NULL;
}

static bool is_of(const curve_kind *kind, yyjson_val *curve, const mid__report_set *set, const mid__column *column)
{
    const char *subset = mid__report_text(curve, "subset");

    return strcmp(mid__report_text(curve, "dataset"), set->name) == 0
           && strcmp(mid__report_text(curve, "model"), column->author) == 0
           && strcmp(mid__report_text(curve, "kind"), kind->name) == 0
           && (*subset && strcmp(subset, "all") != 0) == column->unsafe_prompts;
}

static void curve_line(const mid__plot *p, const curve_kind *kind, yyjson_val *curve, const char *style,
                       const char *tip)
{
    yyjson_val *xs = yyjson_obj_get(curve, "x"), *ys = yyjson_obj_get(curve, "y"), *x_val;
    yyjson_arr_iter y_it = yyjson_arr_iter_with(ys);
    double x[CURVE_MAX], y[CURVE_MAX];
    size_t i, n_point, n = 0;

    yyjson_arr_foreach(xs, i, n_point, x_val) {
        const double xi = yyjson_get_num(x_val), yi = yyjson_get_num(yyjson_arr_iter_next(&y_it));
        const bool last = i + 1 == n_point;
        if (n && !last && fabs(xi - x[n - 1]) + fabs(yi - y[n - 1]) < 0.006)
            continue;
        if (n >= CURVE_MAX - 1)
            n = CURVE_MAX - 2;
        if (kind->step && n) {
            x[n] = xi;
            y[n] = y[n - 1];
            n++;
        }
        x[n] = xi;
        y[n++] = yi;
    }
    mid__svg_line(p, x, y, n, style, tip);
}

static void axes(const mid__plot *p, const curve_kind *kind)
{
    static const double even[] = { 0, 0.25, 0.5, 0.75, 1 }, log_even[] = { 0.01, 0.03, 0.1, 0.3, 1 };
    char text[64];
    size_t i;

    for (i = 0; i < 5; i++) {
        mid__number_text(text, "%g", kind->x_log ? log_even[i] : even[i]);
        mid__svg_tick_x(p, kind->x_log ? log_even[i] : even[i], text);
        mid__number_text(text, "%g", even[i]);
        mid__svg_tick_y(p, even[i], text);
    }
    if (!kind->x_log)
        mid__html(p->out, "<path class=\"chance\" d=\"M%.1f %.1fL%.1f %.1f\"/>", p->left, p->bottom, p->right, p->top);
    mid__svg_axis_name(p, kind->x_name);
}

static void legend(const mid__page *page, const mid__report_set *set, const mid__column *column, const curve_kind *kind)
{
    const mid__report *r = page->report;
    mid__cell_key key = mid__report_key(r, set, column, "auroc");
    char value[128];
    size_t i;

    mid__buf_text(page->out, "<ul class=\"legend\">");
    for (i = 0; i < r->n_monitor; i++) {
        const mid__cell *c;
        key.monitor = r->monitor[i].id;
        c = mid__report_find(r, &key);
        if (!r->monitor[i].hue || !c)
            continue;
        mid__html(page->out, "<li><i class=\"key h%d\"></i>%s%s", r->monitor[i].hue, r->monitor[i].name,
                  c->circular ? "\xe2\x80\xa0" : "");
        mid__page_estimate_text(value, c, 3);
        if (kind->metric)
            mid__html(page->out, " <small>%s</small>", value);
        mid__buf_text(page->out, "</li>");
    }
    mid__buf_text(page->out, "</ul>");
}

/* @param curve (n) of this column, of monitors with a colour. */
static void chart(const mid__page *page, const curve_kind *kind, const mid__report_set *set, const mid__column *column,
                  yyjson_val **curve, size_t n)
{
    const mid__plot p = { .out = page->out, .width = 380, .height = 380, .left = 36, .right = 372, .top = 8,
                          .bottom = 344, .x_lo = kind->x_log ? 0.01 : 0, .x_hi = 1, .y_lo = 0, .y_hi = 1,
                          .x_log = kind->x_log };
    char who[128], label[400], style[32];
    size_t i;

    mid__page_column_text(who, column);
    snprintf(label, sizeof label, "%s, %.100s, %s", kind->title, set->name, who);
    mid__html(page->out, "<figure><figcaption>%s <small>%s</small></figcaption>", set->name, who);
    mid__svg_open(&p, label);
    axes(&p, kind);
    for (i = 0; i < n; i++) {
        const mid__report_monitor *m = monitor_named(page->report, mid__report_text(curve[i], "monitor"));
        snprintf(style, sizeof style, "line h%d", m->hue);
        curve_line(&p, kind, curve[i], style, m->name);
    }
    mid__svg_close(&p);
    legend(page, set, column, kind);
    mid__buf_text(page->out, "</figure>\n");
}

/* The coloured curves of a column; the rest would only be a hatch. */
static size_t curves_of(const mid__report *r, const curve_kind *kind, const mid__report_set *set,
                        const mid__column *column, yyjson_val **curve)
{
    yyjson_val *object;
    size_t i, n_all, n = 0;

    yyjson_arr_foreach(yyjson_obj_get(r->root, "curves"), i, n_all, object) {
        const mid__report_monitor *m = monitor_named(r, mid__report_text(object, "monitor"));
        if (m && m->hue && n < MID__N_HUE && is_of(kind, object, set, column))
            curve[n++] = object;
    }
    return n;
}

/* The charts of all datasets. */
static void charts(const mid__page *page, const curve_kind *kind)
{
    const mid__report *r = page->report;
    yyjson_val *curve[MID__N_HUE];
    size_t i, k, n;

    mid__buf_text(page->out, "<div class=\"grid3\">\n");
    for (i = 0; i < r->n_set; i++) {
        const mid__column *const column[] = { r->set[i].main, r->set[i].within };
        for (k = 0; k < 2; k++) {
            n = column[k] ? curves_of(r, kind, &r->set[i], column[k], curve) : 0;
            if (n)
                chart(page, kind, &r->set[i], column[k], curve, n);
        }
    }
    mid__buf_text(page->out, "</div>\n");
}

void mid__page_roc(const mid__page *page)
{
    const mid__report *r = page->report;
    size_t i;

    if (!r->n_set)
        return;
    mid__buf_text(page->out, "<section id=\"roc\"><h2>What a threshold buys</h2>\n<p>Each point of a curve is a "
                  "threshold: the share of unsafe answers it catches (up) against the share of safe answers it flags "
                  "(right), whole answer.</p>");
    charts(page, &roc);
    for (i = 0; i < r->n_set; i++)
        if (r->set[i].main)
            mid__page_points(page, &r->set[i]);
    mid__buf_text(page->out, "</section>\n");
}

bool mid__page_has_delays(const mid__report *r)
{
    yyjson_val *curve;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(r->root, "curves"), i, n, curve)
        if (strcmp(mid__report_text(curve, "kind"), delay.name) == 0)
            return true;
    return false;
}

void mid__page_delays(const mid__page *page)
{
    if (!mid__page_has_delays(page->report))
        return;
    mid__buf_text(page->out, "<section id=\"delays\"><h2>What waiting buys</h2>\n<p>Each point is a threshold for the "
                  "running score: how much of an unsafe answer is out when the alarm comes (up; an answer without an "
                  "alarm counts as 1) against the share of safe answers that are stopped (right, logarithmic). "
                  "Lower is better; a curve that stays high has no early alarm to offer at any price.</p>");
    charts(page, &delay);
    mid__buf_text(page->out, "</section>\n");
}
