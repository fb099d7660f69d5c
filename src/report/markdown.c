/* Markdown tables: datasets, AUROC, decisions. Names are escaped, as they come from files: a pipe would end a cell, and
 * < > & _ * ` [ ] would be markup. */
#include "report/markdown.h"

#include <math.h>
#include <string.h>

#include "report/html.h"

static void put(mid__buf *out, const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20)
            mid__buf_text(out, " ");
        else if (*text == '<' || *text == '>' || *text == '&')
            mid__buf_text(out, *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;");
        else
            mid__buf_fmt(out, strchr("|\\`*_[]#", *text) ? "\\%c" : "%c", *text);
    }
}

static void cell_text(mid__buf *out, const mid__cell *c, bool best)
{
    char v[64], lo[64], hi[64];

    if (!c || !isfinite(c->value)) {
        mid__buf_text(out, c ? " \xe2\x80\x93 |" : "  |");
        return;
    }
    mid__number_text(v, "%.3f", c->value);
    mid__number_text(lo, "%.3f", c->lo);
    mid__number_text(hi, "%.3f", c->hi);
    mid__buf_fmt(out, best ? " **%s**%s" : " %s%s", v, c->circular ? "\xe2\x80\xa0" : "");
    if (isfinite(c->lo) && isfinite(c->hi))
        mid__buf_fmt(out, " (%s\xe2\x80\x93%s)", lo, hi);
    else
        mid__buf_text(out, " (no interval)");
    mid__buf_text(out, " |");
}

static void rule_line(mid__buf *out, size_t n)
{
    size_t i;

    mid__buf_text(out, "|---|");
    for (i = 0; i < n; i++)
        mid__buf_text(out, "---:|");
    mid__buf_text(out, "\n");
}

static void sets(mid__buf *out, const mid__report *r)
{
    size_t i, j;

    mid__buf_text(out, "## Datasets\n\n| dataset, authors | answers | unsafe | prompts |\n");
    rule_line(out, 3);
    for (i = 0; i < r->n_set; i++)
        for (j = 0; j < r->set[i].n_column; j++) {
            const mid__column *c = &r->set[i].column[j];
            mid__buf_text(out, "| ");
            put(out, r->set[i].name);
            mid__buf_text(out, ", ");
            put(out, c->author);
            mid__buf_fmt(out, "%s | %zu | %zu | %zu |\n", c->unsafe_prompts ? ", unsafe prompts" : "", c->n,
                         c->n_unsafe, c->n_prompts);
        }
}

static void agreement_row(mid__buf *out, const char *dataset, const char *a, const char *b, yyjson_val *of)
{
    static const char *const figure[] = { "agree", "kappa", "alpha" };
    char text[80];
    size_t i;

    mid__buf_text(out, "| ");
    put(out, dataset);
    mid__buf_text(out, " | ");
    put(out, a);
    mid__buf_text(out, *b ? ", " : "");
    put(out, b);
    mid__buf_fmt(out, " | %.0f |", mid__report_number(of, "n"));
    for (i = 0; i < 3; i++)
        mid__buf_fmt(out, " %s |", mid__report_agreement(yyjson_obj_get(of, figure[i]), text));
    mid__buf_text(out, "\n");
}

/* Of entries with several labelers. */
static void agreements(mid__buf *out, const mid__report *r)
{
    yyjson_val *set, *pair, *agreement;
    size_t i, n, k, n_pair, n_row = 0;

    yyjson_arr_foreach(yyjson_obj_get(r->provenance, "datasets"), i, n, set) {
        const char *name = mid__report_text(set, "name");
        agreement = yyjson_obj_get(set, "agreement");
        if (!yyjson_is_obj(agreement))
            continue;
        if (n_row++ == 0)
            mid__buf_text(out, "\n## How far labelers agree\n\n| dataset | labelers | answers | agree | kappa | alpha "
                          "|\n|---|---|---|---|---|---|\n");
        yyjson_arr_foreach(yyjson_obj_get(agreement, "pairs"), k, n_pair, pair)
            agreement_row(out, name, mid__report_text(pair, "a"), mid__report_text(pair, "b"), pair);
        if (n_pair > 1)
            agreement_row(out, name, "all", "", yyjson_obj_get(agreement, "all"));
    }
}

static void monitor_name(mid__buf *out, const mid__report_monitor *m)
{
    mid__buf_text(out, "| ");
    put(out, m->name);
    mid__buf_text(out, " (");
    put(out, m->box);
    mid__buf_text(out, ") |");
}

static void auroc(mid__buf *out, const mid__report *r, const mid__report_set *set)
{
    size_t i, j;

    mid__buf_text(out, "\n## AUROC, whole answer: ");
    put(out, set->name);
    mid__buf_text(out, "\n\n| monitor |");
    for (j = 0; j < set->n_column; j++) {
        mid__buf_text(out, " ");
        put(out, set->column[j].author);
        mid__buf_text(out, set->column[j].unsafe_prompts ? ", unsafe prompts |" : " |");
    }
    mid__buf_text(out, "\n");
    rule_line(out, set->n_column);
    for (i = 0; i < r->n_monitor; i++) {
        monitor_name(out, &r->monitor[i]);
        for (j = 0; j < set->n_column; j++) {
            mid__cell_key key = mid__report_key(r, set, &set->column[j], "auroc");
            key.monitor = r->monitor[i].id;
            cell_text(out, mid__report_find(r, &key),
                      &r->monitor[i] == mid__report_best(r, &key, r->monitor[i].control, NULL));
        }
        mid__buf_text(out, "\n");
    }
}

static void decisions(mid__buf *out, const mid__report *r, const mid__report_set *set, uint32_t rule)
{
    static const char *const metric[] = { "tpr", "fpr", "f1", "sg", "rh", "ac", "delay_frac", "delay_frac_detected" };
    const size_t n_metric = sizeof metric / sizeof *metric;
    mid__cell_key key = mid__report_key(r, set, set->main, "tpr");
    size_t i, j;

    mid__buf_text(out, "\n## Rule ");
    put(out, mid__report_name(r, rule));
    mid__buf_text(out, ": ");
    put(out, set->name);
    mid__buf_text(out, "\n\n| monitor | TPR | FPR | F1 | SG | RH | AC | delay | delay, detected |\n");
    rule_line(out, n_metric);
    key.rule = rule;
    for (i = 0; i < r->n_monitor; i++) {
        key.monitor = r->monitor[i].id;
        key.metric = mid__report_id(r, "tpr");
        if (!mid__report_find(r, &key))
            continue;
        monitor_name(out, &r->monitor[i]);
        for (j = 0; j < n_metric; j++) {
            key.metric = mid__report_id(r, metric[j]);
            cell_text(out, mid__report_find(r, &key), false);
        }
        mid__buf_text(out, "\n");
    }
}

/* Mean ranks over datasets, one table a metric. */
static void ranks(mid__buf *out, const mid__report *r)
{
    yyjson_val *o, *methods, *m;
    size_t i, j, n, n_method;

    yyjson_arr_foreach(yyjson_obj_get(r->root, "ranks"), i, n, o) {
        const double at_tok = mid__report_number(o, "at_tok");
        methods = yyjson_obj_get(o, "methods");
        if (!yyjson_arr_size(methods))
            continue;
        mid__buf_text(out, "\n## Mean ranks: ");
        put(out, mid__report_text(o, "metric"));
        if (isfinite(at_tok))
            mid__buf_fmt(out, " after %.0f tokens", at_tok);
        mid__buf_fmt(out, "\n\n%.0f datasets; critical difference %.2f at %g.\n\n| method | mean rank |\n|---|---|\n",
                     mid__report_number(o, "n_sets"), mid__report_number(o, "cd"), mid__report_number(o, "alpha"));
        yyjson_arr_foreach(methods, j, n_method, m) {
            mid__buf_text(out, "| ");
            put(out, mid__report_text(m, "monitor"));
            mid__buf_fmt(out, " | %.2f |\n", mid__report_number(m, "mean_rank"));
        }
    }
}

void mid__markdown(mid__buf *out, const mid__report *r)
{
    size_t i, j;

    mid__buf_text(out, "# ");
    put(out, *mid__report_text(r->root, "title") ? mid__report_text(r->root, "title") : "Online safety analysis");
    mid__buf_text(out, "\n\nFigures with their 95 % intervals; bold: best monitor (variants aside) and best "
                  "control of a column; \xe2\x80\xa0: circular; \xe2\x80\x93: undefined, results.csv says why.\n\n");
    sets(out, r);
    agreements(out, r);
    for (i = 0; i < r->n_set; i++) {
        auroc(out, r, &r->set[i]);
        for (j = 0; j < r->n_rule && r->set[i].main; j++)
            decisions(out, r, &r->set[i], r->rule[j]);
    }
    ranks(out, r);
    if (r->n_more_set)
        mid__buf_fmt(out, "\n%zu more datasets: see results.csv.\n", r->n_more_set);
}
