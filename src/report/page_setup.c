/* What was run: datasets with their authors and labels, models, monitors. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

/* A count of an object; "?" where the run did not say. */
static void count_of(char text[32], yyjson_val *object, const char *name)
{
    const double n = mid__report_number(object, name);

    if (n >= 0 && n < 1e15)
        mid__count_text(text, (size_t)n);
    else
        memcpy(text, "?", 2);
}

static void authors_td(mid__buf *out, yyjson_val *set)
{
    char count[32], unsafe[32];
    yyjson_val *author;
    size_t i, n;

    mid__buf_text(out, "<td class=\"text\">");
    yyjson_arr_foreach(yyjson_obj_get(set, "authors"), i, n, author) {
        mid__buf_text(out, i ? "<br>" : "");
        count_of(count, author, "n");
        count_of(unsafe, author, "n_unsafe");
        mid__html(out, "%s <small>%s, %s unsafe</small>", mid__report_text(author, "name"), count, unsafe);
    }
    mid__buf_text(out, "</td>");
}

static void set_row(mid__buf *out, yyjson_val *set, const char *split)
{
    const double share = mid__report_number(set, "n_unsafe") / mid__report_number(set, "n");
    const char *skipped = mid__report_text(set, "skipped"), *params;
    const size_t n_skip = yyjson_arr_size(yyjson_obj_get(set, "skips"));
    char n[32], n_unsafe[32], n_prompts[32], n_skipped[32];

    mid__count_text(n_skipped, n_skip);
    mid__html(out, "<tr><th scope=\"row\">%s</th>", mid__report_text(set, "name"));
    if (*skipped) {
        mid__html(out, "<td class=\"text\" colspan=\"9\">skipped: %s</td></tr>\n", skipped);
        return;
    }
    mid__html(out, "<td class=\"text\">%s</td><td class=\"text\">%s</td>", mid__report_text(set, "task"),
              mid__report_text(set, "source"));
    count_of(n, set, "n");
    count_of(n_unsafe, set, "n_unsafe");
    count_of(n_prompts, set, "n_prompts");
    mid__html(out, "<td>%s", n);
    if (n_skip)
        mid__html(out, "<small>%s not given by the server</small>", n_skipped);
    mid__html(out, "</td><td>%s", n_unsafe);
    if (isfinite(share))
        mid__html(out, "<small>%.1f %%</small>", 100 * share);
    mid__html(out, "</td><td>%s</td>", n_prompts);
    authors_td(out, set);
    params = mid__report_text(set, "labeler_params");
    mid__html(out, "<td class=\"text\">%s</td><td class=\"text\">%s <small>%s%s%s</small></td><td "
              "class=\"text\">%s</td></tr>\n",
              mid__report_text(set, "model"), mid__report_text(set, "labeler"), mid__report_text(set, "who"),
              *params ? "; " : "", params, split);
}

static const char *split_of(const mid__report *r, const char *name)
{
    size_t i;

    for (i = 0; i < r->n_set; i++)
        if (strcmp(r->set[i].name, name) == 0)
            return r->set[i].split;
    return "";
}

static void sets_table(const mid__page *page)
{
    static const char *const head[] = { "dataset", "<task", "<source", "answers", "unsafe", "prompts",
                                        "<who wrote the answers", "<read by", "<labels", "<split", NULL };
    yyjson_val *set, *sets = yyjson_obj_get(page->report->provenance, "datasets");
    size_t i, n;

    mid__page_table_open(page->out, "Datasets");
    mid__page_table_head(page->out, head);
    yyjson_arr_foreach(sets, i, n, set) {
        if (i == 4 * MID__SHOW_DATASET)
            break;
        set_row(page->out, set, split_of(page->report, mid__report_text(set, "name")));
    }
    mid__page_table_close(page->out);
}

static void agreement_td(mid__buf *out, yyjson_val *of, const char *name)
{
    char text[80];

    mid__html(out, "<td>%s</td>", mid__report_agreement(yyjson_obj_get(of, name), text));
}

static void agreement_row(mid__buf *out, const char *dataset, const char *who, yyjson_val *of)
{
    char n[32];

    count_of(n, of, "n");
    mid__html(out, "<tr><th scope=\"row\">%s</th><td class=\"text\">%s</td><td>%s</td>", dataset, who, n);
    agreement_td(out, of, "agree");
    agreement_td(out, of, "kappa");
    agreement_td(out, of, "alpha");
    mid__buf_text(out, "</tr>\n");
}

/* Of entries with several labelers; figures of monitors rest on the first. */
static void agreement_table(const mid__page *page)
{
    static const char *const head[] = { "dataset", "<labelers", "answers", "agree", "kappa", "alpha", NULL };
    yyjson_val *set, *pair, *agreement, *sets = yyjson_obj_get(page->report->provenance, "datasets");
    size_t i, n, k, n_pair, n_table = 0;
    char who[300];

    yyjson_arr_foreach(sets, i, n, set) {
        agreement = yyjson_obj_get(set, "agreement");
        if (!yyjson_is_obj(agreement) || i >= 4 * MID__SHOW_DATASET)
            continue;
        if (n_table++ == 0) {
            mid__buf_text(page->out, "<h3>How far labelers agree</h3>\n");
            mid__page_table_open(page->out, "How far labelers agree");
            mid__page_table_head(page->out, head);
        }
        yyjson_arr_foreach(yyjson_obj_get(agreement, "pairs"), k, n_pair, pair) {
            snprintf(who, sizeof who, "%.140s, %.140s", mid__report_text(pair, "a"), mid__report_text(pair, "b"));
            agreement_row(page->out, mid__report_text(set, "name"), who, pair);
        }
        if (n_pair > 1)
            agreement_row(page->out, mid__report_text(set, "name"), "all", yyjson_obj_get(agreement, "all"));
    }
    if (n_table)
        mid__page_table_close(page->out);
}

static const char *box_sees(const char *box)
{
    switch (*box) {
    case 'w': return "sees hidden states";
    case 'g': return "sees token probabilities";
    case 'b': return "sees the text only";
    default: return "a control: what a monitor must beat";
    }
}

static void monitors_table(const mid__page *page)
{
    static const char *const head[] = { "monitor", "<what it does", "<score in", "<box", NULL };
    const mid__report *r = page->report;
    char who[128];
    size_t i;

    mid__report_count_text(who, r);
    mid__html(page->out, "<details><summary>The %s</summary>", who);
    mid__page_table_open(page->out, "Monitors");
    mid__page_table_head(page->out, head);
    for (i = 0; i < r->n_monitor; i++) {
        const mid__report_monitor *m = &r->monitor[i];
        mid__buf_text(page->out, "<tr>");
        mid__page_monitor_th(page->out, m);
        mid__html(page->out, "<td class=\"text\">%s</td><td class=\"text\">%s</td><td class=\"text\">%s, "
                  "%s</td></tr>\n", m->summary, m->unit, m->box, box_sees(m->box));
    }
    mid__page_table_close(page->out);
    mid__buf_text(page->out, "</details>\n");
}

void mid__page_setup(const mid__page *page)
{
    mid__buf_text(page->out, "<section id=\"setup\"><h2>What was run</h2>\n");
    sets_table(page);
    agreement_table(page);
    mid__page_more(page->out, page->report->n_more_monitor, "monitors");
    monitors_table(page);
    mid__buf_text(page->out, "</section>\n");
}
