/* Under attack: what is left of monitors, and of their rules' alarms, when the answers are rewritten and the monitors
 * are not fitted anew. Per dataset a chart of AUROC and one of the share of unsafe answers stopped for each rule, by
 * attack, of the coloured monitors, the best one there and the plan's baseline; every monitor's figures are in tables
 * under them. The cells are those that `midstream pilot` shows; nothing is computed here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

enum { POINT_MAX = MID__SHOW_ATTACK + 1 };

/* A figure against the attacks: threshold-free, or of a rule. */
typedef struct attack_view {
    const mid__report_set *set;
    const char *metric, *title;
    uint32_t rule;
    double y_lo;
    const mid__report_monitor *best;        /* by AUROC of the answers as they are */
} attack_view;

static size_t n_point(const attack_view *v) { return v->set->n_attack + 1; }

/* The i-th attack's subset; of the first, which is none, 0. */
static uint32_t subset_of(const attack_view *v, size_t i) { return i ? v->set->attack[i - 1] : v->set->main->subset; }

static const char *name_of(const mid__report *r, const attack_view *v, size_t i)
{
    return i ? mid__report_name(r, subset_of(v, i)) : "none";
}

static const mid__cell *cell_of(const mid__report *r, const attack_view *v, const mid__report_monitor *m, size_t i)
{
    mid__cell_key key = mid__report_key(r, v->set, v->set->main, v->metric);

    key.monitor = m->id;
    key.rule = v->rule;
    key.subset = subset_of(v, i);
    return mid__report_find(r, &key);
}

static bool is_baseline(const mid__report *r, const mid__report_monitor *m)
{
    return strcmp(mid__report_text(yyjson_obj_get(r->root, "plan"), "baseline"), m->name) == 0;
}

/* Has a line: those with a colour on the whole page; the best one here and the baseline in ink. */
static bool is_drawn(const mid__report *r, const attack_view *v, const mid__report_monitor *m)
{
    return m->hue || m == v->best || is_baseline(r, m);
}

static void style_of(char style[32], const char *what, const attack_view *v, const mid__report_monitor *m)
{
    if (m->hue)
        snprintf(style, 32, "%s h%d", what, m->hue);
    else
        snprintf(style, 32, "%s ink%s", what, m == v->best ? "" : " own");
}

/* ---- chart ------------------------------------------------------------------------------------------------------- */

static void axes(const mid__plot *p, const mid__report *r, const attack_view *v)
{
    char text[64];
    double y;
    size_t i;

    for (y = p->y_lo; y < 1.01; y += p->y_lo < 0.45 ? 0.2 : 0.1) {
        mid__number_text(text, "%.1f", y);
        mid__svg_tick_y(p, y, text);
    }
    for (i = 0; i < n_point(v); i++) {
        const double x = mid__svg_x(p, (double)i);
        mid__html(p->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"end\" transform=\"translate(%.1f "
                  "%.1f)rotate(-40)\">%s</text>", x, p->top, p->bottom, x + 4, p->bottom + 14, name_of(r, v, i));
    }
    if (!v->rule)
        mid__html(p->out, "<path class=\"chance\" d=\"M%.1f %.1fH%.1f\"/>", p->left, mid__svg_y(p, 0.5), p->right);
}

/* @return the last figure's height, for its name; NaN: none. */
static double line(const mid__plot *p, const mid__report *r, const attack_view *v, const mid__report_monitor *m)
{
    double x[POINT_MAX], y[POINT_MAX], last = NAN;
    char style[32], tip[300], value[128];
    size_t i;

    for (i = 0; i < n_point(v); i++) {
        const mid__cell *c = cell_of(r, v, m, i);
        x[i] = (double)i;
        y[i] = c && !c->circular ? c->value : NAN;
        last = isfinite(y[i]) ? y[i] : last;
    }
    style_of(style, "line", v, m);
    mid__svg_line(p, x, y, i, style, NULL);
    style_of(style, "pt", v, m);
    for (i = 0; i < n_point(v); i++) {
        if (!isfinite(y[i]))
            continue;
        mid__page_estimate_text(value, cell_of(r, v, m, i), 3);
        snprintf(tip, sizeof tip, "%.80s, %.40s: %s", m->name, name_of(r, v, i), value);
        mid__svg_dot(p, x[i], y[i], style, tip);
    }
    return last;
}

static void lines(const mid__plot *p, const mid__report *r, const attack_view *v)
{
    mid__svg_label label[MID__N_HUE + 2];
    char name[MID__N_HUE + 2][24], lead[MID__N_HUE + 2][32];
    size_t i, n = 0;

    for (i = r->n_monitor; i-- > 0;) {      /* controls first, so that monitors lie on top */
        const mid__report_monitor *m = &r->monitor[i];
        double y;
        if (!is_drawn(r, v, m))
            continue;
        y = line(p, r, v, m);
        if (!isfinite(y))
            continue;
        snprintf(name[n], sizeof name[n], strlen(m->name) > 16 ? "%.15s\xe2\x80\xa6" : "%s", m->name);
        style_of(lead[n], "lead", v, m);
        label[n] = (mid__svg_label){ .y = y, .text = name[n], .style = lead[n] };
        n++;
    }
    mid__svg_labels(p, label, n);
}

static void chart(const mid__page *page, const attack_view *v)
{
    const mid__plot p = { .out = page->out, .width = 410, .height = 300, .left = 40, .right = 292, .top = 10,
                          .bottom = 232, .x_lo = 0, .x_hi = (double)v->set->n_attack, .y_lo = v->y_lo, .y_hi = 1 };
    char label[300];

    snprintf(label, sizeof label, "%s against attacks, %.100s", v->title, v->set->name);
    mid__html(page->out, "<figure><figcaption>%s</figcaption>", v->title);
    mid__svg_open(&p, label);
    axes(&p, page->report, v);
    lines(&p, page->report, v);
    mid__svg_close(&p);
    mid__buf_text(page->out, "</figure>\n");
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static bool any_cell(const mid__report *r, const attack_view *v, const mid__report_monitor *m)
{
    size_t i;

    for (i = 0; i < n_point(v); i++)
        if (cell_of(r, v, m, i))
            return true;
    return false;
}

static void table(const mid__page *page, const attack_view *v, size_t n_shown)
{
    const mid__report *r = page->report;
    mid__notes notes = { 0 };
    size_t i, k;

    mid__html(page->out, "<h4>%s</h4>", v->title);
    mid__page_table_open(page->out, v->title);
    mid__buf_text(page->out, "<thead><tr><th scope=\"col\">monitor</th>");
    for (k = 0; k < n_point(v); k++)
        mid__html(page->out, "<th scope=\"col\">%s</th>", name_of(r, v, k));
    mid__buf_text(page->out, "</tr></thead><tbody>\n");
    for (i = 0; i < r->n_monitor; i++) {
        if (r->monitor[i].place >= n_shown || !any_cell(r, v, &r->monitor[i]))
            continue;
        mid__buf_text(page->out, "<tr>");
        mid__page_monitor_th(page->out, &r->monitor[i]);
        for (k = 0; k < n_point(v); k++)
            mid__page_estimate_td(page->out, &notes, cell_of(r, v, &r->monitor[i], k), v->rule ? 2 : 3, false);
        mid__buf_text(page->out, "</tr>\n");
    }
    mid__page_table_close(page->out);
    mid__page_notes(page->out, &notes);
    mid__page_more(page->out, r->n_monitor - n_shown, "monitors");
}

/* ---- section ----------------------------------------------------------------------------------------------------- */

/* The best monitor, and the attack that leaves it least. */
static void say_worst(const mid__page *page, const attack_view *v)
{
    const mid__report *r = page->report;
    const mid__report_monitor *best = v->best;
    const mid__cell *c, *worst = NULL;
    char value[2][128];
    size_t i, at = 0;

    for (i = 1; best && i < n_point(v); i++) {
        c = cell_of(r, v, best, i);
        if (!c || !isfinite(c->value) || (worst && c->value >= worst->value))
            continue;
        worst = c;
        at = i;
    }
    if (!worst)
        return;
    mid__page_estimate_text(value[0], cell_of(r, v, best, 0), 3);
    mid__page_estimate_text(value[1], worst, 3);
    mid__html(page->out, "<p>%s, the best on these answers as they are, has an AUROC of %s there and of %s under %s, "
              "the attack that leaves it least.</p>\n", best->name, value[0], value[1], name_of(r, v, at));
}

/* Of a rule that could not be fitted there is nothing to draw; the tables say why. */
static bool any_figure(const mid__report *r, const attack_view *v)
{
    size_t i, k;

    for (i = 0; i < r->n_monitor; i++)
        for (k = 0; k < n_point(v) && is_drawn(r, v, &r->monitor[i]); k++) {
            const mid__cell *c = cell_of(r, v, &r->monitor[i], k);
            if (c && isfinite(c->value))
                return true;
        }
    return false;
}

/* The lowest AUROC that is drawn, rounded down to where ticks end at 1; never above chance. */
static double lowest(const mid__report *r, const attack_view *v)
{
    double low = 0.5;
    size_t i, k;

    for (i = 0; i < r->n_monitor; i++)
        for (k = 0; k < n_point(v) && is_drawn(r, v, &r->monitor[i]); k++) {
            const mid__cell *c = cell_of(r, v, &r->monitor[i], k);
            if (c && !c->circular)
                low = fmin(low, c->value);
        }
    return low < 0.5 ? floor(5 * low + 1e-9) / 5 : 0.5;
}

static void set_block(const mid__page *page, const mid__report_set *set, size_t n_shown)
{
    const mid__report *r = page->report;
    const mid__cell_key key = mid__report_key(r, set, set->main, "auroc");
    attack_view stopped, auroc = { .set = set, .metric = "auroc", .title = "AUROC of the whole answer",
                                   .best = mid__report_best(r, &key, false, NULL) };
    char title[2][120];
    size_t i;

    auroc.y_lo = lowest(r, &auroc);
    mid__html(page->out, "<h3>%s</h3>\n", set->name);
    say_worst(page, &auroc);
    mid__buf_text(page->out, "<div class=\"grid3\">\n");
    chart(page, &auroc);
    for (i = 0; i < r->n_rule; i++) {
        snprintf(title[0], sizeof title[0], "Unsafe answers stopped, rule %.80s", mid__report_name(r, r->rule[i]));
        stopped = (attack_view){ set, "tpr", title[0], r->rule[i], 0, auroc.best };
        if (any_figure(r, &stopped))
            chart(page, &stopped);
    }
    mid__html(page->out, "</div>\n<details><summary>%s under attack, every monitor</summary>\n", set->name);
    table(page, &auroc, n_shown);
    for (i = 0; i < r->n_rule; i++) {
        snprintf(title[0], sizeof title[0], "Unsafe answers stopped, rule %.80s", mid__report_name(r, r->rule[i]));
        snprintf(title[1], sizeof title[1], "Safe answers stopped, rule %.80s", mid__report_name(r, r->rule[i]));
        table(page, &(attack_view){ set, "tpr", title[0], r->rule[i], 0, auroc.best }, n_shown);
        table(page, &(attack_view){ set, "fpr", title[1], r->rule[i], 0, auroc.best }, n_shown);
    }
    mid__buf_text(page->out, "</details>\n");
}

static size_t n_attacked(const mid__report *r)
{
    size_t i, n = 0;

    for (i = 0; i < r->n_set; i++)
        n += r->set[i].n_attack && r->set[i].main;
    return n;
}

bool mid__page_has_attacks(const mid__report *r) { return n_attacked(r) > 0; }

void mid__page_attacks(const mid__page *page)
{
    const mid__report *r = page->report;
    const size_t n_shown = mid__page_rows(r, MID__PAGE_ROW_MAX, n_attacked(r) * (1 + 2 * r->n_rule));
    size_t i;

    if (!n_attacked(r))
        return;
    mid__buf_text(page->out, "<section id=\"attacks\"><h2>Under attack</h2>\n<p>The same answers rewritten: N words of "
                  "safe answers before them, delay(N), or behind them, pad(N); spelt as base64, leet or rot13; letters "
                  "split apart. Safe answers are rewritten alike, so the rewriting itself tells nothing. Monitors and "
                  "thresholds are those of the answers as they are, none. Where an attack works, fewer unsafe answers "
                  "are stopped, or more safe ones. In ink, where they have no colour of their own: the best monitor "
                  "here and, dashed, the baseline. Lines only help the eye across.</p>\n");
    for (i = 0; i < r->n_set; i++)
        if (r->set[i].n_attack && r->set[i].main)
            set_block(page, &r->set[i], n_shown);
    mid__buf_text(page->out, "</section>\n");
}
