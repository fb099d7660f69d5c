/* Threshold-free figures besides AUROC: what is caught at a false-alarm rate somebody would accept, and AUPRC. */
#include "report/page.h"

static const char *const metric[] = { "tpr_at_fpr1", "tpr_at_fpr5", "auprc" };
enum { N_METRIC = sizeof metric / sizeof *metric };

static void group_head(mid__buf *out, const mid__column *column)
{
    char who[128];

    mid__page_column_text(who, column);
    mid__html(out, "<th scope=\"colgroup\" class=\"group\" colspan=\"%d\">%s</th>", N_METRIC, who);
}

static void head(mid__buf *out, const mid__report_set *set)
{
    int i;

    mid__buf_text(out, "<thead><tr><th scope=\"col\" rowspan=\"2\">monitor</th>");
    group_head(out, set->main);
    if (set->within)
        group_head(out, set->within);
    mid__buf_text(out, "</tr><tr>");
    for (i = 0; i < (set->within ? 2 : 1); i++)
        mid__buf_text(out, "<th scope=\"col\">TPR at FPR 1 %</th><th scope=\"col\">TPR at FPR 5 %</th>"
                      "<th scope=\"col\">AUPRC</th>");
    mid__buf_text(out, "</tr></thead><tbody>\n");
}

static void figures(const mid__page *page, mid__notes *notes, const mid__report_set *set, const mid__column *column,
                    const mid__report_monitor *m)
{
    size_t i;

    for (i = 0; i < N_METRIC; i++) {
        mid__cell_key key = mid__report_key(page->report, set, column, metric[i]);
        key.monitor = m->id;
        mid__page_estimate_td(page->out, notes, mid__report_find(page->report, &key), 3,
                              m == mid__report_best(page->report, &key, m->control, NULL));
    }
}

void mid__page_points(const mid__page *page, const mid__report_set *set)
{
    const mid__report *r = page->report;
    mid__notes notes = { 0 };
    size_t i, n = mid__page_rows(r, MID__PAGE_ROW_MAX, r->n_set);

    mid__html(page->out, "<details><summary>%s at a fixed false-alarm rate</summary>\n", set->name);
    mid__page_table_open(page->out, set->name);
    head(page->out, set);
    for (i = 0; i < r->n_monitor; i++) {
        if (r->monitor[i].place >= n)
            continue;
        mid__buf_text(page->out, "<tr>");
        mid__page_monitor_th(page->out, &r->monitor[i]);
        figures(page, &notes, set, set->main, &r->monitor[i]);
        if (set->within)
            figures(page, &notes, set, set->within, &r->monitor[i]);
        mid__buf_text(page->out, "</tr>\n");
    }
    mid__page_table_close(page->out);
    mid__page_notes(page->out, &notes);
    mid__page_more(page->out, r->n_monitor - n, "monitors");
    mid__buf_text(page->out, "</details>\n");
}
