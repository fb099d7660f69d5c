/* Pieces that several sections use. */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void mid__page_monitor(mid__buf *out, const mid__report_monitor *m)
{
    const char *box = *m->box ? m->box : "unknown";

    mid__html(out, "<span class=\"box %s\" title=\"%s%s\"><span class=\"unseen\">%s: </span></span>%s", box, box,
              m->control ? ", not a monitor but what one must beat" : " box", box, m->name);
    if (m->hue)
        mid__html(out, "<i class=\"key h%d\"></i>", m->hue);
}

void mid__page_monitor_th(mid__buf *out, const mid__report_monitor *m)
{
    mid__html(out, "<th scope=\"row\" title=\"%s\">", m->summary);
    mid__page_monitor(out, m);
    mid__buf_text(out, "</th>");
}

void mid__page_column_text(char text[128], const mid__column *column)
{
    const char *who = column->pooled ? "all authors" : *column->author ? column->author : "author unknown";

    snprintf(text, 128, "%.100s%s", who, column->unsafe_prompts ? ", unsafe prompts" : "");
}

void mid__page_estimate_text(char text[128], const mid__cell *c, int n_decimal)
{
    char fmt[8], v[64], lo[64], hi[64];

    if (!c || !isfinite(c->value)) {
        snprintf(text, 128, "undefined");
        return;
    }
    snprintf(fmt, sizeof fmt, "%%.%df", n_decimal % 10);
    mid__number_text(v, fmt, c->value);
    mid__number_text(lo, fmt, c->lo);
    mid__number_text(hi, fmt, c->hi);
    if (isfinite(c->lo) && isfinite(c->hi))
        snprintf(text, 128, "%.30s (%.30s to %.30s)", v, lo, hi);
    else
        snprintf(text, 128, "%s (no interval)", v);
}

/* The letter of a reason; '*' once the alphabet is used up. */
static char note_letter(mid__notes *notes, const char *why)
{
    size_t i;

    for (i = 0; i < notes->n; i++)
        if (strcmp(notes->why[i], why) == 0)
            return (char)('a' + i);
    if (notes->n == MID__NOTE_MAX)
        return '*';
    notes->why[notes->n] = why;
    return (char)('a' + notes->n++);
}

static void undefined_td(mid__buf *out, mid__notes *notes, const mid__cell *c)
{
    const char *why = c->why ? c->why : "undefined";
    const char letter[2] = { note_letter(notes, why), 0 };

    mid__html(out, "<td class=\"none\" title=\"%s\">\xe2\x80\x94<sup>%s</sup></td>", why, letter);
}

void mid__page_estimate_td(mid__buf *out, mid__notes *notes, const mid__cell *c, int n_decimal, bool best)
{
    char fmt[8], value[64];

    if (!c) {
        mid__buf_text(out, "<td class=\"none\"></td>");
        return;
    }
    if (!isfinite(c->value)) {
        undefined_td(out, notes, c);
        return;
    }
    mid__buf_text(out, c->circular ? "<td class=\"circular\">" : best ? "<td class=\"best\">" : "<td>");
    snprintf(fmt, sizeof fmt, "%%.%df", n_decimal % 10);
    mid__number_text(value, fmt, c->value);
    mid__html(out, "%s", value);
    if (c->circular) {
        mid__buf_text(out, "\xe2\x80\xa0");
        notes->circular = true;
    }
    if (isfinite(c->lo) && isfinite(c->hi)) {
        mid__number_text(value, fmt, c->lo);
        mid__html(out, "<small>%s\xe2\x80\x93", value);
        mid__number_text(value, fmt, c->hi);
        mid__html(out, "%s</small>", value);
    } else {
        mid__buf_text(out, "<small>no interval</small>");
    }
    mid__buf_text(out, "</td>");
}

void mid__page_table_open(mid__buf *out, const char *label)
{
    mid__html(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>\n", label);
}

void mid__page_table_head(mid__buf *out, const char *const *head)
{
    mid__buf_text(out, "<thead><tr>");
    for (; *head; head++)
        if (**head == '<')
            mid__html(out, "<th scope=\"col\" class=\"text\">%s</th>", *head + 1);
        else
            mid__html(out, "<th scope=\"col\">%s</th>", *head);
    mid__buf_text(out, "</tr></thead><tbody>\n");
}

void mid__page_table_close(mid__buf *out) { mid__buf_text(out, "</tbody></table></div>\n"); }

void mid__page_notes(mid__buf *out, const mid__notes *notes)
{
    size_t i;

    if (!notes->n && !notes->circular)
        return;
    mid__buf_text(out, "<ul class=\"notes\">");
    if (notes->circular)
        mid__buf_text(out, "<li><b>\xe2\x80\xa0</b> circular: monitor and labeler build on the same thing, so the "
                      "figure says little; it takes no part in any ranking</li>");
    for (i = 0; i < notes->n; i++) {
        const char letter[2] = { (char)('a' + i), 0 };
        mid__html(out, "<li><b>%s</b> %s</li>", letter, notes->why[i]);
    }
    mid__buf_text(out, "</ul>");
}

size_t mid__page_rows(const mid__report *r, size_t n_max, size_t n_table)
{
    size_t n = n_max / (n_table ? n_table : 1), n_control = 0, i;

    for (i = 0; i < r->n_monitor; i++)
        n_control += r->monitor[i].control;
    n = n < n_control ? n_control : n;
    return n < r->n_monitor ? n : r->n_monitor;
}

void mid__page_more(mid__buf *out, size_t n, const char *what)
{
    char count[32];

    mid__count_text(count, n);
    if (n)
        mid__html(out, "<p class=\"more\">%s more %s: see results.csv.</p>\n", count, what);
}
