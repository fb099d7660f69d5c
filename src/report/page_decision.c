/* Rules: what happens when a score becomes an alarm. Per dataset and rule a chart (TPR and FPR) and a table. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

typedef struct figure { const char *metric, *head, *help; int n_decimal; } figure;

static const figure shown[] = {
    { "tpr", "TPR", "share of unsafe answers with an alarm", 2 },
    { "fpr", "FPR", "share of safe answers with an alarm", 2 },
    { "precision", "precision", "share of alarms that were right", 2 },
    { "f1", "F1", "harmonic mean of TPR and precision", 2 },
    { "sg", "SG", "safety gain: unsafe answers stopped, of all answers", 3 },
    { "rh", "RH", "residual hazard: unsafe answers let through, of all answers", 3 },
    { "ac", "AC", "availability cost: safe answers stopped, of all answers", 3 },
    { "sg_time", "SG by tokens", "share of an unsafe answer's unsafe tokens not shown, mean over all answers", 3 },
    { "rh_time", "RH by tokens", "share of an unsafe answer's unsafe tokens shown, mean over all answers", 3 },
    { "ac_time", "AC by tokens", "share of a safe answer's tokens not shown, mean over all answers", 3 },
    { "early_lost", "lost early", "share of an unsafe answer's benign beginning not shown, mean over all answers", 3 },
    { "delay_frac", "delay", "share of an unsafe answer shown before the alarm; a miss counts as 1", 2 },
    { "delay_frac_detected", "delay, detected", "the same over detected answers only", 2 },
    { "delay_tok", "delay tok", "tokens before the alarm; a miss counts as the whole answer", 1 },
    { "delay_tok_detected", "delay tok, detected", "the same over detected answers only", 1 },
    { "exposed_tok", "exposed tok", "unsafe tokens shown before the alarm", 1 },
};
enum { N_SHOWN = sizeof shown / sizeof *shown };

/* What moves with the share of unsafe answers. */
static const struct { const char *metric, *head; } moved[] = {
    { "precision_reweighted", "precision" }, { "f1_reweighted", "F1" }, { "sg_reweighted", "SG" },
    { "rh_reweighted", "RH" }, { "ac_reweighted", "AC" }, { "sg_time_reweighted", "SG by tokens" },
    { "rh_time_reweighted", "RH by tokens" }, { "ac_time_reweighted", "AC by tokens" },
    { "early_lost_reweighted", "lost early" },
};
enum { N_MOVED = sizeof moved / sizeof *moved };

typedef struct rule_view {
    const mid__report_set *set;
    uint32_t rule;
    const char *name;
    float prevalence;                   /* figures are re-weighted to it; 0: as they are */
} rule_view;

static const mid__cell *find(const mid__report *r, const rule_view *v, const mid__column *column,
                             const mid__report_monitor *m,
                             const char *metric)
{
    mid__cell_key key = mid__report_key(r, v->set, column, metric);

    key.rule = v->rule;
    key.prevalence = v->prevalence;
    key.monitor = m->id;
    return mid__report_find(r, &key);
}

static bool was_run(const mid__report *r, const rule_view *v, const mid__report_monitor *m)
{
    return find(r, v, v->set->main, m, "tpr") != NULL;
}

/* The monitors this rule was run with, of a place below n_max. */
static size_t monitors_of(const mid__report *r, const rule_view *v, const mid__report_monitor **m,
                          size_t n_max, size_t *n_more)
{
    size_t i, n = 0;

    *n_more = 0;
    for (i = 0; i < r->n_monitor; i++) {
        if (!was_run(r, v, &r->monitor[i]))
            continue;
        if (r->monitor[i].place < n_max)
            m[n++] = &r->monitor[i];
        else
            ++*n_more;
    }
    return n;
}

static void rate(const mid__plot *p, const mid__cell *c, double y, const char *name, const char *what,
                 const char *style)
{
    char tip[300], value[128], line[64];

    if (!c || !isfinite(c->value))
        return;
    mid__page_estimate_text(value, c, 2);
    snprintf(tip, sizeof tip, "%.80s, %s: %s", name, what, value);
    snprintf(line, sizeof line, "whisker %s", style);
    mid__svg_whisker(p, c->lo, c->hi, y, line);
    snprintf(line, sizeof line, "dot %s", style);
    mid__svg_dot(p, c->value, y, line, tip);
}

static void chart(const mid__page *page, const rule_view *v, const mid__report_monitor *const *m, size_t n)
{
    const mid__plot p = { .out = page->out, .width = 410, .height = 18 * (double)n + 44, .left = 132, .right = 400,
                          .top = 4, .bottom = 18 * (double)n + 8, .x_lo = 0, .x_hi = 1, .y_lo = 0, .y_hi = (double)n };
    char label[300], text[64];
    double tick;
    size_t i;

    snprintf(label, sizeof label, "TPR and FPR of each monitor under rule %.60s on %.100s", v->name, v->set->name);
    mid__svg_open(&p, label);
    for (tick = 0; tick < 1.1; tick += 0.25) {
        mid__number_text(text, "%g", tick);
        mid__svg_tick_x(&p, tick, text);
    }
    for (i = 0; i < n; i++) {
        const double y = (double)(n - i) - 0.5;
        snprintf(text, sizeof text, "%.19s", m[i]->name);
        mid__html(page->out, "<text class=\"end\" x=\"124\" y=\"%.1f\">%s</text>", mid__svg_y(&p, y) + 4, text);
        rate(&p, find(page->report, v, v->set->main, m[i], "fpr"), y, m[i]->name, "false alarms", "fpr");
        rate(&p, find(page->report, v, v->set->main, m[i], "tpr"), y, m[i]->name, "caught", "tpr");
    }
    mid__svg_axis_name(&p, "\xe2\x97\x8f share of unsafe caught   \xe2\x97\x8b share of safe flagged");
    mid__svg_close(&p);
}

static void head(mid__buf *out, const mid__column *within)
{
    size_t i;

    mid__buf_text(out, "<thead><tr><th scope=\"col\">monitor</th>");
    for (i = 0; i < N_SHOWN; i++)
        mid__html(out, "<th scope=\"col\" title=\"%s\">%s</th>", shown[i].help, shown[i].head);
    if (within)
        mid__html(out, "<th scope=\"col\" title=\"within %s\">TPR, one author</th><th scope=\"col\" title=\"within "
                  "%s\">FPR, one author</th>", within->author, within->author);
    mid__buf_text(out, "</tr></thead><tbody>\n");
}

static void row(const mid__page *page, const rule_view *v, mid__notes *notes, const mid__report_monitor *m,
                const mid__report_monitor *best)
{
    const mid__report *r = page->report;
    size_t i;

    mid__buf_text(page->out, "<tr>");
    mid__page_monitor_th(page->out, m);
    for (i = 0; i < N_SHOWN; i++)
        mid__page_estimate_td(page->out, notes, find(r, v, v->set->main, m, shown[i].metric), shown[i].n_decimal,
                              m == best && strcmp(shown[i].metric, "f1") == 0);
    if (v->set->within) {
        mid__page_estimate_td(page->out, notes, find(r, v, v->set->within, m, "tpr"), 2, false);
        mid__page_estimate_td(page->out, notes, find(r, v, v->set->within, m, "fpr"), 2, false);
    }
    mid__buf_text(page->out, "</tr>\n");
}

static double prevalence_of(const mid__column *c)
{
    return c->n ? (double)c->n_unsafe / (double)c->n : 0;
}

/* The same alarms if another share of the answers were unsafe. */
static void moved_table(const mid__page *page, rule_view v, float prevalence, const mid__report_monitor *const *m,
                        size_t n)
{
    char text[64];
    mid__notes notes = { 0 };
    size_t i, k;

    mid__number_text(text, "%.3g", 100 * (double)prevalence);
    v.prevalence = prevalence;
    for (i = 0; i < n && !find(page->report, &v, v.set->main, m[i], moved[0].metric); i++)
        ;
    if (i == n)
        return;
    mid__html(page->out, "<h4>Rule %s on %s, if %s %% of the answers were unsafe <small>measured: %.1f %%</small></h4>",
              v.name, v.set->name, text, 100 * prevalence_of(v.set->main));
    mid__page_table_open(page->out, v.set->name);
    mid__buf_text(page->out, "<thead><tr><th scope=\"col\">monitor</th>");
    for (k = 0; k < N_MOVED; k++)
        mid__html(page->out, "<th scope=\"col\">%s</th>", moved[k].head);
    mid__buf_text(page->out, "</tr></thead><tbody>\n");
    for (i = 0; i < n; i++) {
        mid__buf_text(page->out, "<tr>");
        mid__page_monitor_th(page->out, m[i]);
        for (k = 0; k < N_MOVED; k++)
            mid__page_estimate_td(page->out, &notes, find(page->report, &v, v.set->main, m[i], moved[k].metric),
                                  k < 2 ? 2 : 4, false);
        mid__buf_text(page->out, "</tr>\n");
    }
    mid__page_table_close(page->out);
    mid__page_notes(page->out, &notes);
}

/* ---- drift ---- */

static bool is_withdrawn(const mid__report *r, const rule_view *v, const mid__column *column,
                         const mid__report_monitor *m)
{
    const mid__cell *c = find(r, v, column, m, "drift_alarm");

    return c && c->value > 0;
}

/* The monitors whose calibration and test scores differ in a column. */
static size_t put_withdrawn(const mid__page *page, const rule_view *v, const mid__column *column)
{
    const mid__report *r = page->report;
    char p[64];
    size_t i, n = 0;

    for (i = 0; i < r->n_monitor; i++) {
        if (!is_withdrawn(r, v, column, &r->monitor[i]))
            continue;
        mid__number_text(p, "%.2g", find(r, v, column, &r->monitor[i], "drift_p")->value);
        mid__html(page->out, "%s%s (p = %s)", n++ ? ", " : "", r->monitor[i].name, p);
    }
    return n;
}

static bool any_withdrawn(const mid__report *r, const rule_view *v, const mid__column *column)
{
    size_t i;

    for (i = 0; i < r->n_monitor; i++)
        if (is_withdrawn(r, v, column, &r->monitor[i]))
            return true;
    return false;
}

/* Nothing where results have no such figures. */
static void drift(const mid__page *page, const rule_view *v)
{
    const mid__report *r = page->report;
    const mid__cell *c, *least = NULL;
    size_t i, n = 0;
    char p[64];

    for (i = 0; i < r->n_monitor; i++) {
        c = find(r, v, v->set->main, &r->monitor[i], "drift_p");
        if (!c || !isfinite(c->value))
            continue;
        least = !least || c->value < least->value ? c : least;
        n += 1;
    }
    if (!least)
        return;
    if (any_withdrawn(r, v, v->set->main)) {
        mid__buf_text(page->out, "<p class=\"verdict open\">Calibration and test scores differ: the promise is "
                      "withdrawn for ");
        put_withdrawn(page, v, v->set->main);
        mid__html(page->out, ". %zu prompts were compared; without a difference at most 1 %% of monitors get such a "
                  "p.</p>\n", least->n);
    } else {
        mid__number_text(p, "%.2g", least->value);
        mid__html(page->out, "<p>No proof that calibration and test scores differ: the least p of %zu monitor%s is %s, "
                  "over %zu prompts.</p>\n", n, n == 1 ? "" : "s", p, least->n);
    }
    if (v->set->within && any_withdrawn(r, v, v->set->within)) {
        mid__html(page->out, "<p class=\"verdict open\">Within %s scores differ from those of all authors, on which "
                  "the rule was calibrated: it promises nothing there for ", v->set->within->author);
        put_withdrawn(page, v, v->set->within);
        mid__buf_text(page->out, ".</p>\n");
    }
}

static void table(const mid__page *page, const rule_view *v, size_t n_row_max)
{
    const mid__report *r = page->report;
    const mid__report_monitor *m[MID__SHOW_MONITOR];
    mid__cell_key key = mid__report_key(r, v->set, v->set->main, "f1");
    mid__notes notes = { 0 };
    size_t i, n_more, n = monitors_of(r, v, m, n_row_max, &n_more);

    if (!n)
        return;
    key.rule = v->rule;
    mid__html(page->out, "<h4>Rule %s on %s", v->name, v->set->name);
    if (v->set->within)
        mid__html(page->out, " <small>one author: %s</small>", v->set->within->author);
    mid__buf_text(page->out, "</h4>");
    mid__page_table_open(page->out, v->set->name);
    head(page->out, v->set->within);
    for (i = 0; i < n; i++)
        row(page, v, &notes, m[i], mid__report_best(r, &key, false, NULL));
    mid__page_table_close(page->out);
    mid__page_notes(page->out, &notes);
    mid__page_more(page->out, n_more, "monitors");
    drift(page, v);
    for (i = 0; i < r->n_prevalence; i++)
        moved_table(page, *v, r->prevalence[i], m, n);
}

static void figure_of(const mid__page *page, const rule_view *v, size_t n_row_max)
{
    const mid__report_monitor *m[MID__SHOW_MONITOR];
    size_t n_more, n = monitors_of(page->report, v, m, n_row_max, &n_more);

    if (!n)
        return;
    mid__html(page->out, "<figure><figcaption>Rule %s</figcaption>\n", v->name);
    chart(page, v, m, n);
    mid__buf_text(page->out, "</figure>\n");
}

static void set_block(const mid__page *page, const mid__report_set *set, bool open, size_t n_row_max)
{
    const mid__report *r = page->report;
    rule_view view[MID__SHOW_RULE];
    char who[128];
    size_t i;

    mid__page_column_text(who, set->main);
    mid__html(page->out, "<details%s><summary>%s <small>%s, %zu answers, prevalence %.1f %% "
              "unsafe</small></summary>\n<div class=\"grid3\">\n", open ? " open" : "", set->name, who, set->main->n,
              100 * prevalence_of(set->main));
    for (i = 0; i < r->n_rule; i++) {
        view[i] = (rule_view){ set, r->rule[i], mid__report_name(r, r->rule[i]), 0 };
        figure_of(page, &view[i], n_row_max);
    }
    mid__buf_text(page->out, "</div>\n");
    mid__page_returns(page, set);
    for (i = 0; i < r->n_rule; i++)
        table(page, &view[i], n_row_max);
    mid__buf_text(page->out, "</details>\n");
}

void mid__page_decision(const mid__page *page)
{
    const mid__report *r = page->report;
    const size_t n_row_max = mid__page_rows(r, MID__PAGE_ROW_MAX, r->n_set * r->n_rule);
    size_t i;

    if (!r->n_rule)
        return;
    mid__buf_text(page->out, "<section id=\"decisions\"><h2>What the alarms do</h2>\n<p>A rule turns a running score "
                  "into at most one alarm per answer. SG, RH and AC are shares of all answers, so they move with the "
                  "prevalence given beside each dataset; by tokens they count how much of an answer was withheld or "
                  "shown, not only whether it was stopped. What the rule promises holds for answers like those it was "
                  "calibrated on, so their scores are compared with those it was tested on. Delay averages over unsafe "
                  "answers and a miss counts as 1; over detected answers alone it looks better, which is why both "
                  "stand here.</p>\n");
    for (i = 0; i < r->n_set; i++)
        if (r->set[i].main)
            set_block(page, &r->set[i], i == 0, n_row_max);
    mid__buf_text(page->out, "</section>\n");
}
