/* ROC curves of the coloured series, one chart per dataset and column that has curves. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

enum { CURVE_MAX = 400 };                   /* points drawn; more are thinned by what the eye can tell apart */

static const mid__report_monitor *monitor_named(const mid__report *r, const char *name)
{
    size_t i;

    for (i = 0; i < r->n_monitor; i++)
        if (strcmp(r->monitor[i].name, name) == 0)
            return &r->monitor[i];
    return NULL;
}

static bool is_of(yyjson_val *curve, const mid__report_set *set, const mid__column *column)
{
    const char *subset = mid__report_text(curve, "subset");

    return strcmp(mid__report_text(curve, "dataset"), set->name) == 0
           && strcmp(mid__report_text(curve, "model"), column->author) == 0
           && strcmp(mid__report_text(curve, "kind"), "roc") == 0
           && (*subset && strcmp(subset, "all") != 0) == column->unsafe_prompts;
}

static void curve_line(const mid__plot *p, yyjson_val *curve, const char *style, const char *tip)
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
        if (n == CURVE_MAX)
            n--;
        x[n] = xi;
        y[n++] = yi;
    }
    mid__svg_line(p, x, y, n, style, tip);
}

static void axes(const mid__plot *p)
{
    static const double tick[] = { 0, 0.25, 0.5, 0.75, 1 };
    char text[64];
    size_t i;

    for (i = 0; i < 5; i++) {
        mid__number_text(text, "%g", tick[i]);
        mid__svg_tick_x(p, tick[i], text);
        mid__svg_tick_y(p, tick[i], text);
    }
    mid__html(p->out, "<path class=\"chance\" d=\"M%.1f %.1fL%.1f %.1f\"/>", p->left, p->bottom, p->right, p->top);
    mid__svg_axis_name(p, "share of safe answers flagged (FPR)");
}

static void legend(const mid__page *page, const mid__report_set *set, const mid__column *column)
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
        mid__page_estimate_text(value, c, 3);
        mid__html(page->out, "<li><i class=\"key h%d\"></i>%s%s <small>%s</small></li>", r->monitor[i].hue,
                  r->monitor[i].name, c->circular ? "\xe2\x80\xa0" : "", value);
    }
    mid__buf_text(page->out, "</ul>");
}

/* @param curve (n) of this column, of monitors with a colour. */
static void chart(const mid__page *page, const mid__report_set *set, const mid__column *column,
                  yyjson_val **curve, size_t n)
{
    const mid__plot p = { .out = page->out, .width = 380, .height = 380, .left = 36, .right = 372, .top = 8,
                          .bottom = 344, .x_lo = 0, .x_hi = 1, .y_lo = 0, .y_hi = 1 };
    char who[128], label[400], style[32];
    size_t i;

    mid__page_column_text(who, column);
    snprintf(label, sizeof label, "ROC curves, %.100s, %s", set->name, who);
    mid__html(page->out, "<figure><figcaption>%s <small>%s</small></figcaption>", set->name, who);
    mid__svg_open(&p, label);
    axes(&p);
    for (i = 0; i < n; i++) {
        const mid__report_monitor *m = monitor_named(page->report, mid__report_text(curve[i], "monitor"));
        snprintf(style, sizeof style, "line h%d", m->hue);
        curve_line(&p, curve[i], style, m->name);
    }
    mid__svg_close(&p);
    legend(page, set, column);
    mid__buf_text(page->out, "</figure>\n");
}

/* The coloured curves of a column; the rest would only be a hatch. */
static size_t curves_of(const mid__report *r, const mid__report_set *set, const mid__column *column, yyjson_val **curve)
{
    yyjson_val *object;
    size_t i, n_all, n = 0;

    yyjson_arr_foreach(yyjson_obj_get(r->root, "curves"), i, n_all, object) {
        const mid__report_monitor *m = monitor_named(r, mid__report_text(object, "monitor"));
        if (m && m->hue && n < MID__N_HUE && is_of(object, set, column))
            curve[n++] = object;
    }
    return n;
}

void mid__page_roc(const mid__page *page)
{
    const mid__report *r = page->report;
    yyjson_val *curve[MID__N_HUE];
    size_t i, n;

    if (!r->n_set)
        return;
    mid__buf_text(page->out, "<section id=\"roc\"><h2>What a threshold buys</h2>\n<p>Each point of a curve is a "
                  "threshold: the share of unsafe answers it catches (up) against the share of safe answers it flags "
                  "(right), whole answer.</p><div class=\"grid3\">\n");
    for (i = 0; i < r->n_set; i++) {
        const mid__report_set *set = &r->set[i];
        n = set->main ? curves_of(r, set, set->main, curve) : 0;
        if (n)
            chart(page, set, set->main, curve, n);
        n = set->within ? curves_of(r, set, set->within, curve) : 0;
        if (n)
            chart(page, set, set->within, curve, n);
    }
    mid__buf_text(page->out, "</div>\n");
    for (i = 0; i < r->n_set; i++)
        if (r->set[i].main)
            mid__page_points(page, &r->set[i]);
    mid__buf_text(page->out, "</section>\n");
}
