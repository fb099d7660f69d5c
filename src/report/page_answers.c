/* The answer browser. Every shown answer stands in the page as text, coloured by its dataset's best monitor, so it
 * reads without any script. The script only chooses: which answer is visible, which monitor colours it. What it needs
 * for that is coded numbers and monitor names; prompts and answers never become script. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

enum { SPARK_WIDTH = 640, SPARK_HEIGHT = 90, LABEL_WIDTH = 110 };   /* labels side by side, as lines may be close */

static const char digit64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static yyjson_val *part(yyjson_val *answer, const char *name, const mid__scale *scale)
{
    return yyjson_obj_get(yyjson_obj_get(answer, name), scale->monitor->name);
}

static double score_at(yyjson_val *scores, size_t i)
{
    yyjson_val *v = yyjson_arr_get(scores, i);

    return yyjson_is_num(v) ? yyjson_get_num(v) : NAN;
}

static size_t n_shown(yyjson_val *answer)
{
    const size_t n = yyjson_arr_size(yyjson_obj_get(answer, "tokens"));

    return n < MID__SHOW_TOK ? n : MID__SHOW_TOK;
}

/* ---- what reads without script ---- */

static void alarms_at(mid__buf *out, yyjson_val *alarms, size_t i_tok)
{
    yyjson_val *rule, *at;
    size_t i, n;
    bool any = false;

    yyjson_obj_foreach(alarms, i, n, rule, at) {
        if (!yyjson_is_int(at) || yyjson_get_sint(at) != (int64_t)i_tok)
            continue;
        mid__html(out, any ? ", %s" : " data-alarm=\"%s", yyjson_get_str(rule));
        any = true;
    }
    if (any)
        mid__buf_text(out, "\"");
}

static void tokens(mid__buf *out, yyjson_val *answer, const mid__scale *scale)
{
    const double onset = mid__report_number(answer, "onset_byte");
    yyjson_val *token, *scores = scale ? part(answer, "scores", scale) : NULL;
    yyjson_val *alarms = scale ? part(answer, "alarms", scale) : NULL;
    size_t i, n, at_byte = 0;

    mid__buf_text(out, "<p class=\"tokens\" dir=\"auto\">");
    yyjson_arr_foreach(yyjson_obj_get(answer, "tokens"), i, n, token) {
        const size_t n_byte = yyjson_get_len(token);
        const int rank = scale ? mid__scale_rank(scale, score_at(scores, i)) : -1;
        if (i == MID__SHOW_TOK)
            break;
        mid__html(out, "<i class=\"r%d%s\"", rank < 0 ? 0 : rank,
                  onset >= (double)at_byte && onset < (double)(at_byte + n_byte) ? " onset" : "");
        alarms_at(out, alarms, i);
        mid__buf_text(out, ">");
        mid__html_bytes(out, n_byte ? yyjson_get_str(token) : "", n_byte);
        mid__buf_text(out, "</i>");
        at_byte += n_byte;
    }
    mid__buf_text(out, "</p>\n");
    if (n > MID__SHOW_TOK)
        mid__html(out, "<p class=\"more\">%zu more tokens: see answers.json.</p>\n", n - MID__SHOW_TOK);
}

static void spark_thresholds(mid__buf *out, yyjson_val *answer, const mid__scale *scale)
{
    yyjson_val *rule, *v;
    size_t i, n;

    yyjson_obj_foreach(part(answer, "thresholds", scale), i, n, rule, v) {
        double y;
        if (!yyjson_is_num(v) || !isfinite(yyjson_get_num(v)))
            continue;
        y = SPARK_HEIGHT * (1 - (double)mid__scale_height(scale, yyjson_get_num(v)) / MID__HEIGHT);
        mid__html(out, "<path class=\"threshold\" d=\"M0 %.1fH%d\"/><text x=\"%zu\" y=\"%.1f\">%s</text>", y,
                  SPARK_WIDTH,
                  SPARK_WIDTH - (i + 1) * LABEL_WIDTH, y - 4, yyjson_get_str(rule));
    }
}

static void spark(mid__buf *out, yyjson_val *answer, const mid__scale *scale)
{
    yyjson_val *scores = part(answer, "scores", scale), *v;
    const size_t n_tok = n_shown(answer);
    const double step = SPARK_WIDTH / (double)(n_tok > 1 ? n_tok - 1 : 1);
    bool pen_down = false;
    size_t i, n;

    mid__html(out, "<svg class=\"spark\" viewBox=\"-2 -18 %d %d\" role=\"img\" aria-label=\"%s, score by token\"><g "
              "class=\"thresholds\">", SPARK_WIDTH + 4, SPARK_HEIGHT + 22, scale->monitor->name);
    spark_thresholds(out, answer, scale);
    mid__buf_text(out, "</g><path class=\"score\" d=\"");
    yyjson_arr_foreach(scores, i, n, v) {
        const int height = yyjson_is_num(v) ? mid__scale_height(scale, yyjson_get_num(v)) : -1;
        if (i == n_tok)
            break;
        if (height >= 0)
            mid__html(out, "%s%.1f %.1f", pen_down ? "L" : "M", step * (double)i,
                      SPARK_HEIGHT * (1 - (double)height / MID__HEIGHT));
        pen_down = height >= 0;
    }
    mid__buf_text(out, "\"/></svg>\n");
}

static void answer_view(mid__buf *out, yyjson_val *answer, const mid__scale *scale, bool open)
{
    const char *label = mid__report_number(answer, "label") == 1 ? "unsafe" : "safe";

    mid__html(out, "<details class=\"answer\"%s><summary>%s <small>by %s, <b class=\"%s\">%s</b> says "
              "%s%s</small></summary>\n",
              open ? " open" : "", mid__report_text(answer, "id"), mid__report_text(answer, "author"),
              label, label, mid__report_text(answer, "labeler"),
              mid__report_number(answer, "onset_byte") >= 0 ? ", onset known" : "");
    mid__html(out, "<p class=\"prompt\" dir=\"auto\"><b>Prompt</b>%s</p>\n", mid__report_text(answer, "prompt"));
    tokens(out, answer, scale);
    if (scale)
        spark(out, answer, scale);
    mid__buf_text(out, "</details>\n");
}

/* ---- what the script chooses from ---- */

static void coded_scores(mid__buf *out, yyjson_val *answer, const mid__scale *scale)
{
    yyjson_val *v, *scores = part(answer, "scores", scale);
    const size_t n_tok = n_shown(answer);
    size_t i, n;

    mid__buf_text(out, "\"");
    yyjson_arr_foreach(scores, i, n, v) {
        const double score = yyjson_is_num(v) ? yyjson_get_num(v) : NAN;
        const int height = mid__scale_height(scale, score);
        char code[4] = "...";
        if (i == n_tok)
            break;
        if (height >= 0) {
            code[0] = (char)('0' + mid__scale_rank(scale, score));
            code[1] = digit64[height / 64];
            code[2] = digit64[height % 64];
        }
        mid__buf_put(out, code, 3);
    }
    mid__buf_text(out, "\"");
}

/* [[rule, alarm token or -1, height of the threshold or -1], ...] */
static void coded_rules(mid__buf *out, yyjson_val *answer, const mid__scale *scale)
{
    yyjson_val *rule, *at, *threshold, *thresholds = part(answer, "thresholds", scale);
    size_t i, n;

    mid__buf_text(out, "[");
    yyjson_obj_foreach(part(answer, "alarms", scale), i, n, rule, at) {
        threshold = yyjson_obj_get(thresholds, yyjson_get_str(rule));
        mid__buf_text(out, i ? ",[" : "[");
        mid__html_json(out, yyjson_get_str(rule));
        mid__buf_fmt(out, ",%d,%d]", yyjson_is_int(at) && yyjson_get_sint(at) < MID__SHOW_TOK ? yyjson_get_int(at) : -1,
                     yyjson_is_num(threshold) && isfinite(yyjson_get_num(threshold))
                     ? mid__scale_height(scale, yyjson_get_num(threshold)) : -1);
    }
    mid__buf_text(out, "]");
}

static void coded_answer(mid__buf *out, const mid__answer_set *s, yyjson_val *answer)
{
    size_t i;

    mid__buf_text(out, "{\"scores\":[");
    for (i = 0; i < s->n_scale; i++) {
        mid__buf_text(out, i ? "," : "");
        coded_scores(out, answer, &s->scale[i]);
    }
    mid__buf_text(out, "],\"rules\":[");
    for (i = 0; i < s->n_scale; i++) {
        mid__buf_text(out, i ? "," : "");
        coded_rules(out, answer, &s->scale[i]);
    }
    mid__buf_text(out, "]}");
}

static void coded_set(mid__buf *out, const mid__answer_set *s)
{
    char number[64];
    size_t i;

    mid__buf_text(out, "{\"monitors\":[");
    for (i = 0; i < s->n_scale; i++) {
        mid__buf_text(out, i ? ",{\"name\":" : "{\"name\":");
        mid__html_json(out, s->scale[i].monitor->name);
        mid__number_text(number, "%.6g", s->scale[i].lo);
        mid__buf_fmt(out, ",\"lo\":%s", number);
        mid__number_text(number, "%.6g", s->scale[i].hi);
        mid__buf_fmt(out, ",\"hi\":%s}", number);
    }
    mid__buf_text(out, "],\"answers\":[");
    for (i = 0; i < s->n_answer; i++) {
        mid__buf_text(out, i ? ",\n" : "\n");
        coded_answer(out, s, s->answer[i]);
    }
    mid__buf_text(out, "]}");
}

/* ---- the section ---- */

static void set_view(mid__buf *out, const mid__answer_set *s)
{
    size_t i;

    mid__html(out, "<div class=\"answers\" data-set=\"%s\"><h3>%s</h3>\n", s->set->name, s->set->name);
    for (i = 0; i < s->n_answer; i++)
        answer_view(out, s->answer[i], s->n_scale ? &s->scale[0] : NULL, i == 0);
    mid__page_more(out, s->n_more, "answers did not fit this page");
    mid__buf_text(out, "</div>\n");
}

void mid__page_answers(const mid__page *page)
{
    const mid__report_answers *a = page->answers;
    mid__buf *out = page->out;
    size_t i;

    if (!a->n_set && !a->n_withheld)
        return;
    mid__buf_text(out, "<section id=\"answers\"><h2>Answers, token by token</h2>\n<p>Each token is coloured by the "
                  "score the monitor gave once it had been read: pale is among that monitor's lowest scores on the "
                  "answers shown here, deep among its highest. A flag marks the first alarm of a rule, a bar the known "
                  "onset. Text below was written by models and people under test and may be harmful or false.</p>\n<p "
                  "class=\"legend ramp\" aria-hidden=\"true\">low <i class=\"r0\">&nbsp;</i><i "
                  "class=\"r2\">&nbsp;</i><i class=\"r4\">&nbsp;</i><i class=\"r6\">&nbsp;</i><i "
                  "class=\"r8\">&nbsp;</i><i class=\"r9\">&nbsp;</i> high</p>\n<div id=\"chooser\" hidden></div>\n");
    for (i = 0; i < a->n_set; i++)
        set_view(out, &a->set[i]);
    for (i = 0; i < a->n_withheld; i++)
        mid__html(out, "<p class=\"more\">%s: its texts are not ours to show; midstream report without --public "
                       "makes a page with them.</p>\n", a->withheld[i]->name);
    if (!a->n_set) {
        mid__buf_text(out, "</section>\n");
        return;
    }
    mid__buf_text(out, "<script type=\"application/json\" id=\"answer-data\">[");
    for (i = 0; i < a->n_set; i++) {
        mid__buf_text(out, i ? ",\n" : "");
        coded_set(out, &a->set[i]);
    }
    mid__buf_text(out, "]</script></section>\n");
}
