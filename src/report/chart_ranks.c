/* Which methods differ. The critical-difference picture of Demsar 2006, turned so that it holds sixty methods: a row
 * for each, best first, a dot at its mean rank, and right of them a bar along the rows of every group whose mean ranks lie
 * within the critical difference. Beside it the same as a table, and what each method gains on the baseline. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

enum { ROW = 18, RANK_MAX = 80, BAR_STEP = 9 };

static const char *name_at(yyjson_val *methods, size_t i)
{
    return mid__report_text(yyjson_arr_get(methods, i), "monitor");
}

static bool is_control(yyjson_val *method) { return strcmp(mid__report_text(method, "box"), "control") == 0; }

/* "AUROC after 16 tokens", "auprc of the whole answer". */
static void metric_text(char text[120], yyjson_val *o)
{
    const char *name = mid__report_text(o, "metric");
    const double at_tok = mid__report_number(o, "at_tok");

    if (strcmp(name, "auroc") == 0)
        name = "AUROC";
    if (isnan(at_tok))
        snprintf(text, 120, "%.60s of the whole answer", name);
    else
        snprintf(text, 120, "%.60s after %.0f tokens", name, at_tok);
}

static void p_text(char text[64], double p)
{
    if (isnan(p))
        snprintf(text, 64, "\xe2\x80\x94");
    else if (p < 0.001)
        snprintf(text, 64, "< 0.001");
    else
        mid__number_text(text, "%.3f", p);
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static void axis(const mid__plot *p, double n_method, double cd)
{
    const double step = n_method <= 12 ? 1 : n_method <= 30 ? 5 : 10;
    const double y = p->top - 26;
    char text[64], width[64];
    double x;

    for (x = 1; x <= n_method; x += x == 1 && step > 1 ? step - 1 : step) {
        mid__number_text(text, "%g", x);
        mid__svg_tick_x(p, x, text);
    }
    mid__svg_axis_name(p, "mean rank over the datasets; left is better");
    x = mid__svg_x(p, 1);
    mid__number_text(width, "%.2f", cd);
    mid__html(p->out, "<path class=\"cd\" d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1fM%.1f %.1fV%.1f\"/><text x=\"%.1f\" "
              "y=\"%.1f\">critical difference %s</text>", x, y - 4, y + 4, x, y, mid__svg_x(p, 1 + cd),
              mid__svg_x(p, 1 + cd), y - 4, y + 4, x, y - 9, width);
}

static void rows(const mid__plot *p, yyjson_val *methods, size_t n)
{
    char tip[200], rank[64];
    size_t i;

    for (i = 0; i < n; i++) {
        yyjson_val *m = yyjson_arr_get(methods, i);
        const double at = mid__report_number(m, "mean_rank"), y = (double)i;
        mid__number_text(rank, "%.2f", at);
        snprintf(tip, sizeof tip, "%.100s: mean rank %s", mid__report_text(m, "monitor"), rank);
        mid__html(p->out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"end\" x=\"%.1f\" y=\"%.1f\">%.40s"
                  "</text>", p->left, mid__svg_y(p, y), p->right, p->left - 8, mid__svg_y(p, y) + 4,
                  mid__report_text(m, "monitor"));
        mid__svg_dot(p, at, y, is_control(m) ? "dot ctrl" : "dot", tip);
    }
}

/* Over the n rows there are; a group that goes on below them is drawn as far as they go. */
static void bars(const mid__plot *p, yyjson_val *methods, yyjson_val *cliques, size_t n_row)
{
    yyjson_val *c;
    size_t i, n;

    yyjson_arr_foreach(cliques, i, n, c) {
        const size_t first = (size_t)yyjson_get_uint(yyjson_arr_get_first(c));
        const size_t last = (size_t)yyjson_get_uint(yyjson_arr_get_last(c));
        const size_t lowest = last < n_row ? last : n_row - 1;
        const double x = p->right + 12 + BAR_STEP * (double)i;
        if (first >= n_row)
            continue;
        mid__html(p->out, "<path class=\"clique\" d=\"M%.1f %.1fV%.1f\"><title>not told apart: %s to %s</title></path>",
                  x, mid__svg_y(p, (double)first) - 5, mid__svg_y(p, (double)lowest) + 5, name_at(methods, first),
                  name_at(methods, last));
    }
}

static void picture(mid__buf *out, yyjson_val *ranks, const char *metric)
{
    yyjson_val *methods = yyjson_obj_get(ranks, "methods"), *cliques = yyjson_obj_get(ranks, "cliques");
    const size_t n_all = yyjson_arr_size(methods), n = n_all < RANK_MAX ? n_all : RANK_MAX;
    const double room = BAR_STEP * (double)yyjson_arr_size(cliques) + 20;
    const double bottom = 54 + ROW * (double)(n - 1);
    const mid__plot p = { .out = out, .width = 560 + room, .height = bottom + 50, .left = 190, .right = 552, .top = 54,
                          .bottom = bottom + 12, .x_lo = 1, .x_hi = (double)n_all, .y_lo = (double)n - 1 + 12.0 / ROW,
                          .y_hi = 0 };
    char label[300];

    snprintf(label, sizeof label, "Mean ranks of %zu methods by %s, with groups that are not told apart; the table "
             "beside has the same", n_all, metric);
    mid__html(out, "<figure><figcaption>%s</figcaption>", metric);
    mid__svg_open(&p, label);
    axis(&p, (double)n_all, mid__report_number(ranks, "cd"));
    rows(&p, methods, n);
    bars(&p, methods, cliques, n);
    mid__svg_close(&p);
    mid__buf_text(out, "</figure>\n");
}

/* ---- the same as text -------------------------------------------------------------------------------------------- */

static void rank_table(mid__buf *out, yyjson_val *ranks, const char *metric)
{
    static const char *const head[] = { "<method", "mean rank", "behind the first", "<told apart from the first",
                                        NULL };
    yyjson_val *methods = yyjson_obj_get(ranks, "methods"), *m;
    const double cd = mid__report_number(ranks, "cd");
    const bool any = mid__report_number(ranks, "p_f") <= mid__report_number(ranks, "alpha");     /* does any differ? */
    const double first = mid__report_number(yyjson_arr_get_first(methods), "mean_rank");
    char label[200], text[64], gap_text[64];
    size_t i, n;

    snprintf(label, sizeof label, "Mean ranks, %s", metric);
    mid__page_table_open(out, label);
    mid__page_table_head(out, head);
    yyjson_arr_foreach(methods, i, n, m) {
        const double rank = mid__report_number(m, "mean_rank"), gap = rank - first;
        const char *box = mid__report_text(m, "box");
        mid__number_text(text, "%.2f", rank);
        mid__number_text(gap_text, "%.2f", gap);
        mid__html(out, "<tr><th scope=\"row\"><span class=\"box %s\" title=\"%s\"></span>%s</th><td>%s</td><td>%s</td>"
                  "<td class=\"text\">%s</td></tr>\n", box, box, mid__report_text(m, "monitor"), text, gap_text,
                  any && gap >= cd ? "yes" : "no");
    }
    mid__page_table_close(out);
}

static void say_test(mid__buf *out, yyjson_val *ranks)
{
    const double alpha = mid__report_number(ranks, "alpha"), p = mid__report_number(ranks, "p_f");
    yyjson_val *left = yyjson_obj_get(ranks, "left_out"), *o;
    char p_says[64], chi2[64], level[64];
    size_t i, n;

    p_text(p_says, p);
    mid__number_text(chi2, "%.2f", mid__report_number(ranks, "chi2"));
    mid__number_text(level, "%g", alpha);
    mid__html(out, "<p class=\"fine\">%.0f datasets, %zu methods. Do the methods differ at all? Friedman\xe2\x80\x99s "
              "test: \xcf\x87\xc2\xb2 = %s, p = %s (Iman and Davenport): %s at \xce\xb1 = %s.%s",
              mid__report_number(ranks, "n_sets"),
              yyjson_arr_size(yyjson_obj_get(ranks, "methods")), chi2, p_says,
              isnan(p) ? "all tie" : p <= alpha ? "yes" : "not shown, so no two of them are told apart", level,
              yyjson_arr_size(left) ? " Left out: " : "");
    yyjson_arr_foreach(left, i, n, o)
        mid__html(out, "%s%s%s (%s)", i ? ", " : "", mid__report_text(o, "dataset"), mid__report_text(o, "monitor"),
                  mid__report_text(o, "why"));
    mid__buf_text(out, "</p>\n");
}

/* ---- beside the baseline ----------------------------------------------------------------------------------------- */

/* The comparison of a monitor on a dataset by one metric, or NULL. */
static yyjson_val *comparison_of(yyjson_val *comparisons, yyjson_val *like, const char *dataset, const char *monitor)
{
    yyjson_val *c;
    size_t i, n;

    yyjson_arr_foreach(comparisons, i, n, c)
        if (strcmp(mid__report_text(c, "dataset"), dataset) == 0 &&
            strcmp(mid__report_text(c, "monitor"), monitor) == 0 &&
            strcmp(mid__report_text(c, "metric"), mid__report_text(like, "metric")) == 0 &&
            yyjson_equals(yyjson_obj_get(c, "at_tok"), yyjson_obj_get(like, "at_tok")))
            return c;
    return NULL;
}

static void gain_td(mid__buf *out, yyjson_val *c)
{
    char gain[64], p[64];

    if (!c || isnan(mid__report_number(c, "gain"))) {
        mid__buf_text(out, "<td class=\"none\"></td>");
        return;
    }
    mid__number_text(gain, "%+.3f", mid__report_number(c, "gain"));
    p_text(p, mid__report_number(c, "p_holm"));
    mid__html(out, "<td class=\"%s\">%s<small>p %s</small></td>",
              yyjson_get_bool(yyjson_obj_get(c, "differs")) ? "best" : "", gain, p);
}

static void gains(const mid__page *page, yyjson_val *comparisons, yyjson_val *like)
{
    const mid__report *r = page->report;
    char metric[120], label[300];
    size_t i, j;

    metric_text(metric, like);
    snprintf(label, sizeof label, "%s less that of %.80s", metric, mid__report_text(like, "baseline"));
    mid__html(page->out, "<h3>%s</h3>\n<p class=\"fine\">On the same answers and draws; p-values with "
              "Holm\xe2\x80\x99s correction over the methods of a dataset, marked where significant.</p>\n", label);
    mid__page_table_open(page->out, label);
    mid__buf_text(page->out, "<thead><tr><th scope=\"col\">monitor</th>");
    for (i = 0; i < r->n_set; i++)
        mid__html(page->out, "<th scope=\"col\">%s</th>", r->set[i].name);
    mid__buf_text(page->out, "</tr></thead><tbody>\n");
    for (j = 0; j < r->n_monitor; j++) {
        bool any = false;
        for (i = 0; i < r->n_set && !any; i++)
            any = comparison_of(comparisons, like, r->set[i].name, r->monitor[j].name) != NULL;
        if (!any)
            continue;
        mid__buf_text(page->out, "<tr>");
        mid__page_monitor_th(page->out, &r->monitor[j]);
        for (i = 0; i < r->n_set; i++)
            gain_td(page->out, comparison_of(comparisons, like, r->set[i].name, r->monitor[j].name));
        mid__buf_text(page->out, "</tr>\n");
    }
    mid__page_table_close(page->out);
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

bool mid__page_has_ranks(const mid__report *r)
{
    return yyjson_arr_size(yyjson_obj_get(r->root, "ranks")) || yyjson_arr_size(yyjson_obj_get(r->root, "comparisons"));
}

void mid__page_ranks(const mid__page *page)
{
    yyjson_val *all = yyjson_obj_get(page->report->root, "ranks"), *o;
    yyjson_val *comparisons = yyjson_obj_get(page->report->root, "comparisons"), *before = NULL;
    char metric[120];
    size_t i, n;

    if (!mid__page_has_ranks(page->report))
        return;
    mid__buf_text(page->out, "<section id=\"ranks\"><h2>Which differences are shown</h2>\n");
    if (yyjson_arr_size(all))
        mid__buf_text(page->out, "<p>Methods are ranked on each dataset, 1 being the best. Mean ranks that are closer "
                      "than the critical difference are not told apart (Nemenyi): a bar on the right runs along each "
                      "such group. With few datasets and many methods little can be.</p>\n");
    yyjson_arr_foreach(all, i, n, o) {
        metric_text(metric, o);
        if (*mid__report_text(o, "why")) {
            mid__html(page->out, "<p class=\"more\">No ranks by %s: %s.</p>\n", metric, mid__report_text(o, "why"));
            continue;
        }
        mid__buf_text(page->out, "<div class=\"ranks\">");
        picture(page->out, o, metric);
        rank_table(page->out, o, metric);
        mid__buf_text(page->out, "</div>\n");
        say_test(page->out, o);
    }
    yyjson_arr_foreach(comparisons, i, n, o) {
        if (before && strcmp(mid__report_text(before, "metric"), mid__report_text(o, "metric")) == 0 &&
            yyjson_equals(yyjson_obj_get(before, "at_tok"), yyjson_obj_get(o, "at_tok")))
            continue;
        gains(page, comparisons, o);
        before = o;
    }
    mid__buf_text(page->out, "</section>\n");
}
