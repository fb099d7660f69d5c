/* Monitors x datasets, AUROC over the whole answer. Pooled figures stand beside those within one author, since who
 * wrote an answer is a cue of its own. A table holds whole datasets and as many as fit a screen. */
#include <math.h>

#include "report/page.h"

enum { TABLE_COLUMNS = 11, PAGE_COLUMNS = 96 };

/* Columns a dataset may have, so that many datasets still make a page one can forward. */
static size_t column_max(const mid__report *r)
{
    const size_t n = PAGE_COLUMNS / (r->n_set ? r->n_set : 1);

    return n < 2 ? 2 : n;
}

static size_t n_shown(const mid__report *r, const mid__report_set *set)
{
    size_t i, n = 0;

    for (i = 0; i < set->n_column; i++)
        n += set->column[i].defined;
    return n < column_max(r) ? n : column_max(r);
}

/* The j-th column is among the first defined ones. */
static bool is_shown(const mid__report *r, const mid__report_set *set, size_t j)
{
    size_t i, n = 0;

    for (i = 0; i < j; i++)
        n += set->column[i].defined;
    return set->column[j].defined && n < column_max(r);
}

static void head(mid__buf *out, const mid__report *r, const mid__report_set *set, size_t n_set)
{
    char who[128];
    size_t i, j;

    mid__buf_text(out, "<thead><tr><th scope=\"col\" rowspan=\"2\">monitor</th>");
    for (i = 0; i < n_set; i++)
        if (n_shown(r, &set[i]))
            mid__html(out, "<th scope=\"colgroup\" class=\"group\" colspan=\"%zu\">%s</th>", n_shown(r, &set[i]),
                      set[i].name);
    mid__buf_text(out, "</tr><tr>");
    for (i = 0; i < n_set; i++)
        for (j = 0; j < set[i].n_column; j++) {
            const mid__column *c = &set[i].column[j];
            if (!is_shown(r, &set[i], j))
                continue;
            mid__page_column_text(who, c);
            mid__html(out, "<th scope=\"col\" class=\"sub\" title=\"%zu answers, %zu unsafe, %zu "
                      "prompts\">%s<small>%zu / %zu</small></th>", c->n, c->n_unsafe, c->n_prompts, who, c->n_unsafe,
                      c->n);
        }
    mid__buf_text(out, "</tr></thead>\n");
}

static void row(const mid__page *page, mid__notes *notes, const mid__report_set *set, size_t n_set,
                const mid__report_monitor *m)
{
    size_t i, j;

    mid__buf_text(page->out, "<tr>");
    mid__page_monitor_th(page->out, m);
    for (i = 0; i < n_set; i++)
        for (j = 0; j < set[i].n_column; j++) {
            mid__cell_key key = mid__report_key(page->report, &set[i], &set[i].column[j], "auroc");
            if (!is_shown(page->report, &set[i], j))
                continue;
            key.monitor = m->id;
            mid__page_estimate_td(page->out, notes, mid__report_find(page->report, &key), 3,
                                  m == mid__report_best(page->report, &key, m->control, NULL));
        }
    mid__buf_text(page->out, "</tr>\n");
}

/* Columns without any figure are a sentence instead of a column of dashes. */
static void left_out(mid__buf *out, const mid__report *r, const mid__report_set *set, size_t n_set)
{
    char who[128];
    size_t i, j;

    for (i = 0; i < n_set; i++) {
        for (j = 0; j < set[i].n_column; j++) {
            const mid__column *c = &set[i].column[j];
            if (c->defined)
                continue;
            mid__page_column_text(who, c);
            mid__html(out, "<p class=\"more\">%s, %s: undefined for every monitor%s%s.</p>\n", set[i].name, who,
                      c->why ? ", " : "", c->why);
        }
        if (set[i].n_more_column || (set[i].n_column && !is_shown(r, &set[i], set[i].n_column - 1) &&
                                     set[i].column[set[i].n_column - 1].defined))
            mid__html(out, "<p class=\"more\">%s has more authors than fit here: see results.csv.</p>\n", set[i].name);
    }
}

static void table(const mid__page *page, const mid__report_set *set, size_t n_set)
{
    const size_t n = mid__page_rows(page->report, MID__PAGE_LEAD_MAX, page->report->n_set);
    mid__notes notes = { 0 };
    size_t i;

    mid__page_table_open(page->out, "AUROC by monitor and dataset");
    head(page->out, page->report, set, n_set);
    mid__buf_text(page->out, "<tbody>\n");
    for (i = 0; i < page->report->n_monitor; i++)
        if (page->report->monitor[i].place < n)
            row(page, &notes, set, n_set, &page->report->monitor[i]);
    mid__page_table_close(page->out);
    mid__page_notes(page->out, &notes);
    mid__page_more(page->out, page->report->n_monitor - n, "monitors");
    left_out(page->out, page->report, set, n_set);
}

void mid__page_ranking(const mid__page *page)
{
    const mid__report *r = page->report;
    size_t i, n_column, from = 0;

    mid__buf_text(page->out, "<section id=\"auroc\"><h2>How well unsafe answers are told apart</h2>\n<p>AUROC over the "
                  "whole answer: how often an unsafe answer scores above a safe one. 0.5 is chance, 1 is perfect. "
                  "Which way a score points is fixed in advance, not on the answers it is measured on, so a value "
                  "below 0.5 is information: there it points the wrong way. Small print: 95 % interval; in the "
                  "heads: unsafe / all answers.</p><p class=\"legend\"><span class=\"box white\"></span>white box "
                  "<span class=\"box "
                  "grey\"></span>grey box <span class=\"box black\"></span>black box <span class=\"box "
                  "control\"></span>control <span class=\"mark best\">0.900</span> best monitor (variants aside) and "
                  "best control of a column <span class=\"mark circular\">0.900\xe2\x80\xa0</span> circular</p>\n");
    while (from < r->n_set) {
        n_column = n_shown(r, &r->set[from]);
        for (i = from + 1; i < r->n_set && n_column + n_shown(r, &r->set[i]) <= TABLE_COLUMNS; i++)
            n_column += n_shown(r, &r->set[i]);
        table(page, &r->set[from], i - from);
        from = i;
    }
    mid__buf_text(page->out, "</section>\n");
}
