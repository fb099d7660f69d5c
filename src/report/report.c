/* A report from a run's results. Everything is made in memory first, so that a failure leaves an existing report
 * whole. */
#include "midstream/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"
#include "report/csv.h"
#include "report/markdown.h"
#include "report/page.h"

static void lines(mid__buf *out, const char *const *line)
{
    for (; *line; line++) {
        mid__buf_text(out, *line);
        mid__buf_text(out, "\n");
    }
}

static void navigation(const mid__page *page)
{
    const mid__report *r = page->report;

    mid__buf_text(page->out, "<nav aria-label=\"Sections\"><div><a href=\"#top\">Summary</a><a href=\"#setup\">What "
                  "was run</a>");
    if (r->n_set && r->n_monitor)
        mid__buf_text(page->out, "<a href=\"#leaderboard\">Leaderboard</a>");
    mid__buf_text(page->out, "<a href=\"#auroc\">AUROC</a>");
    if (mid__page_has_ranks(r))
        mid__buf_text(page->out, "<a href=\"#ranks\">Differences</a>");
    if (mid__page_has_opacity(r))
        mid__buf_text(page->out, "<a href=\"#opacity\">Opacity</a>");
    mid__buf_text(page->out, "<a href=\"#early\">How early</a>");
    if (r->n_set)
        mid__buf_text(page->out, "<a href=\"#roc\">ROC</a>");
    if (mid__page_has_delays(r))
        mid__buf_text(page->out, "<a href=\"#delays\">Delay</a>");
    if (r->n_rule)
        mid__buf_text(page->out, "<a href=\"#decisions\">Alarms</a>");
    if (mid__page_has_attacks(r))
        mid__buf_text(page->out, "<a href=\"#attacks\">Attacks</a>");
    mid__buf_text(page->out, "<a href=\"#cost\">Cost</a>");
    if (page->answers->n_set || page->answers->n_withheld)
        mid__buf_text(page->out, "<a href=\"#answers\">Answers</a>");
    mid__buf_text(page->out, "<a href=\"#provenance\">Provenance</a></div></nav>\n");
}

/* The policy lets nothing load or connect, whatever a text might try; only what stands in the page runs. */
static void whole_page(const mid__page *page)
{
    const char *title = mid__report_text(page->report->root, "title");

    mid__buf_text(page->out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
                  "name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta "
                  "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
                  "'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<link "
                  "rel=\"icon\" href=\"data:,\">\n");
    mid__html(page->out, "<title>%s \xc2\xb7 midstream</title>\n<style>\n", *title ? title : "Online safety analysis");
    lines(page->out, mid__page_style);
    mid__buf_text(page->out, "</style></head><body>\n");
    navigation(page);
    mid__page_headline(page);
    mid__page_setup(page);
    mid__page_leaderboard(page);
    mid__page_ranking(page);
    mid__page_ranks(page);
    mid__page_opacity(page);
    mid__page_early(page);
    mid__page_roc(page);
    mid__page_delays(page);
    mid__page_decision(page);
    mid__page_attacks(page);
    mid__page_cost(page);
    mid__page_answers(page);
    mid__page_provenance(page);
    mid__buf_text(page->out, "</main>\n<script>\n");
    lines(page->out, mid__page_script);
    mid__buf_text(page->out, "</script></body></html>\n");
}

typedef struct output { const char *name; mid__buf bytes; } output;

static mid_status write_all(mid_ctx *ctx, const char *dir, const output *out, size_t n)
{
    char path[4096];
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; i < n; i++)
        if (out[i].bytes.failed)
            return mid__oom(ctx, out[i].name);
    for (i = 0; i < n && status == MID_OK; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, out[i].name);
        status = mid__file_write(ctx, path, out[i].bytes.at ? out[i].bytes.at : "", out[i].bytes.n);
    }
    return status;
}

/* "0.912 (0.850-0.961)" */
static void say_figure(char text[64], const mid__cell *c)
{
    if (isfinite(c->lo) && isfinite(c->hi))
        snprintf(text, 64, "%.3f (%.3f-%.3f)", c->value, c->lo, c->hi);
    else
        snprintf(text, 64, "%.3f (no interval)", c->value);
}

/* One line a dataset for whoever started the run: the best monitor beside the best control. */
static void say_best(mid_ctx *ctx, const mid__report *report)
{
    size_t i;

    for (i = 0; i < report->n_set; i++) {
        const mid__report_set *set = &report->set[i];
        const mid__report_monitor *best, *control;
        const mid__cell *b, *c;
        char of_best[64], of_control[64];
        mid__cell_key key;
        if (!set->main)
            continue;
        key = mid__report_key(report, set, set->main, "auroc");
        best = mid__report_best(report, &key, false, &b);
        control = mid__report_best(report, &key, true, &c);
        if (!best || !control)
            continue;
        say_figure(of_best, b);
        say_figure(of_control, c);
        mid__log(ctx, MID_LOG_INFO, "%s, %zu answers, %zu unsafe: AUROC %s %s, best control %s %s", set->name,
                 set->main->n, set->main->n_unsafe, best->name, of_best, control->name, of_control);
    }
}

static mid_status make_report(mid_ctx *ctx, const char *dir, bool is_public)
{
    output out[] = { { .name = "report.html" }, { .name = "results.csv" }, { .name = "results.md" } };
    mid__report *report = calloc(1, sizeof *report);
    mid__report_answers *answers = calloc(1, sizeof *answers);
    const mid__page page = { &out[0].bytes, report, answers };
    char path[4096];
    mid_status status;
    size_t i;

    if (!report || !answers) {
        status = mid__oom(ctx, "the report");
        goto out;
    }
    if (strlen(dir) > sizeof path - 32) {
        status = mid__fail(ctx, MID_EINVAL, "%.40s...: a folder's path may have %zu bytes", dir, sizeof path - 32);
        goto out;
    }
    snprintf(path, sizeof path, "%s/results.json", dir);
    status = mid__report_read(ctx, path, report);
    if (status != MID_OK)
        goto out;
    mid__report_rank(report);
    snprintf(path, sizeof path, "%s/answers.json", dir);
    status = mid__answers_read(ctx, path, report, is_public, answers);
    if (status != MID_OK)
        goto out;
    whole_page(&page);
    mid__csv(&out[1].bytes, report->cells);
    mid__markdown(&out[2].bytes, report);
    status = write_all(ctx, dir, out, sizeof out / sizeof *out);
    if (status == MID_OK)
        say_best(ctx, report);
out:
    for (i = 0; i < sizeof out / sizeof *out; i++)
        mid__buf_clear(&out[i].bytes);
    if (answers)
        mid__answers_clear(answers);
    if (report)
        mid__report_clear(report);
    free(answers);
    free(report);
    return status;
}

mid_status mid_report_write(mid_ctx *ctx, const char *dir) { return make_report(ctx, dir, false); }
mid_status mid_report_publish(mid_ctx *ctx, const char *dir) { return make_report(ctx, dir, true); }
