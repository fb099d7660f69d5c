/* Cost: time per token of each monitor, and its share of the time the model itself needs for a token. */
#include <math.h>
#include <stdio.h>

#include "report/page.h"

static size_t timed(const mid__report *r, const mid__report_monitor **m)
{
    size_t i, n = 0;

    for (i = 0; i < r->n_monitor; i++)
        if (isfinite(r->monitor[i].us_p50))
            m[n++] = &r->monitor[i];
    return n;
}

static void chart(const mid__page *page, const mid__report_monitor *const *m, size_t n)
{
    mid__plot p = { .out = page->out, .width = 410, .height = 18 * (double)n + 44, .left = 132, .right = 400, .top = 4,
                    .bottom = 18 * (double)n + 8, .x_lo = 0.01, .x_hi = 10, .y_lo = 0, .y_hi = (double)n,
                    .x_log = true };
    char text[64], tip[300];
    double tick;
    size_t i;

    for (i = 0; i < n; i++)
        while (p.x_hi < 1e9 && (m[i]->us_p95 > p.x_hi || m[i]->us_p50 > p.x_hi))
            p.x_hi *= 10;
    mid__svg_open(&p, "Microseconds per token of each monitor, median and 95th percentile, logarithmic");
    for (tick = p.x_lo; tick < 1.1 * p.x_hi; tick *= 10) {
        mid__number_text(text, "%g", tick);
        mid__svg_tick_x(&p, tick, text);
    }
    for (i = 0; i < n; i++) {
        const double y = (double)(n - i) - 0.5;
        snprintf(text, sizeof text, "%.19s", m[i]->name);
        mid__html(page->out, "<text class=\"end\" x=\"124\" y=\"%.1f\">%s</text>", mid__svg_y(&p, y) + 4, text);
        snprintf(tip, sizeof tip, "%.80s: median %.3g us, 95 %% of tokens below %.3g us", m[i]->name, m[i]->us_p50,
                 m[i]->us_p95);
        mid__svg_whisker(&p, m[i]->us_p50, m[i]->us_p95, y, m[i]->control ? "whisker ctrl" : "whisker");
        mid__svg_dot(&p, m[i]->us_p50, y, m[i]->control ? "dot ctrl" : "dot", tip);
    }
    mid__svg_axis_name(&p, "\xc2\xb5s per token, median to 95th percentile");
    mid__svg_close(&p);
}

static void number_td(mid__buf *out, double value, const char *unit)
{
    if (isfinite(value))
        mid__html(out, "<td>%.3g%s</td>", value, unit);
    else
        mid__buf_text(out, "<td class=\"none\" title=\"not measured\">\xe2\x80\x93</td>");
}

void mid__page_cost(const mid__page *page)
{
    static const char *const head[] = { "monitor", "\xc2\xb5s per token, median", "95th percentile",
                                        "share of decode time", NULL };
    const mid__report_monitor *m[MID__SHOW_MONITOR];
    const size_t n = timed(page->report, m);
    size_t i;

    mid__buf_text(page->out, "<section id=\"cost\"><h2>What it costs</h2>\n");
    if (!n) {
        mid__buf_text(page->out, "<p>Not measured in this run.</p></section>\n");
        return;
    }
    mid__buf_text(page->out, "<p>Time a monitor adds per token, without "
                  "the model that reads the answer; and the largest share of that model's own time per token over the "
                  "datasets.</p><div class=\"rule\"><figure>\n");
    chart(page, m, n);
    mid__buf_text(page->out, "</figure>");
    mid__page_table_open(page->out, "Cost");
    mid__page_table_head(page->out, head);
    for (i = 0; i < n; i++) {
        mid__buf_text(page->out, "<tr>");
        mid__page_monitor_th(page->out, m[i]);
        number_td(page->out, m[i]->us_p50, "");
        number_td(page->out, m[i]->us_p95, "");
        number_td(page->out, 100 * m[i]->decode_share, " %");
        mid__buf_text(page->out, "</tr>\n");
    }
    mid__page_table_close(page->out);
    mid__buf_text(page->out, "</div></section>\n");
}
