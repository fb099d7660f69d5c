/* The pilot study as JSON: every column, every monitor, all intervals. */
#include "report/pilot.h"

#include <math.h>
#include <string.h>

#include "report/html.h"

static void text_of(mid__buf *out, const char *name, const char *text)
{
    mid__buf_fmt(out, "\"%s\":", name);
    if (text)
        mid__html_json(out, text);
    else
        mid__buf_text(out, "null");
}

static void number(mid__buf *out, double value)
{
    char text[64];

    mid__number_text(text, "%.6g", value);
    mid__buf_text(out, isfinite(value) ? text : "null");
}

static void estimate(mid__buf *out, const char *name, const mid__cell *c)
{
    mid__buf_fmt(out, "\"%s\":", name);
    if (!c) {
        mid__buf_text(out, "null");
        return;
    }
    mid__buf_text(out, "{\"value\":");
    number(out, c->value);
    mid__buf_text(out, ",\"lo\":");
    number(out, c->lo);
    mid__buf_text(out, ",\"hi\":");
    number(out, c->hi);
    mid__buf_text(out, "}");
}

static void at_of(mid__buf *out, uint32_t at)
{
    if (at & MID__AT_SHARE)
        mid__buf_fmt(out, "{\"at_tok\":null,\"at_frac\":%g", (double)(at & ~(uint32_t)MID__AT_SHARE) / 1000);
    else if (at)
        mid__buf_fmt(out, "{\"at_tok\":%u,\"at_frac\":null", (unsigned)at);
    else
        mid__buf_text(out, "{\"at_tok\":null,\"at_frac\":null");
}

static void points(mid__buf *out, const mid__pilot_column *c)
{
    size_t k;

    mid__buf_text(out, ",\"prefixes\":[");
    for (k = 0; k < c->n_point; k++) {
        const mid__pilot_point *p = &c->point[k];
        mid__buf_text(out, k ? ",\n" : "\n");
        at_of(out, p->at);
        mid__buf_text(out, ",");
        text_of(out, "best", p->best ? p->best->name : NULL);
        mid__buf_text(out, ",");
        estimate(out, "auroc", p->of_best);
        mid__buf_text(out, ",");
        text_of(out, "control", p->control ? p->control->name : NULL);
        mid__buf_text(out, ",");
        estimate(out, "control_auroc", p->of_control);
        mid__buf_text(out, ",");
        estimate(out, "gain", p->gain);
        mid__buf_text(out, ",\"p_holm\":");
        number(out, p->p_holm);
        mid__buf_fmt(out, ",\"told\":%s}", p->told ? "true" : "false");
    }
    mid__buf_text(out, "]");
}

/* Curves of one monitor: AUROC at all prefixes and shares, or alarms by prefix under a rule. */
static void auroc_curve(mid__buf *out, const mid__report *r, const mid__pilot_set *s, const mid__pilot_column *c,
                        mid__cell_key key)
{
    size_t k;

    mid__buf_text(out, ",\"auroc\":[");
    for (k = 0; k < c->n_point + s->set->n_at_share; k++) {
        key.at = k < c->n_point ? c->point[k].at : s->set->at_share[k - c->n_point];
        mid__buf_text(out, k ? "," : "");
        at_of(out, key.at);
        mid__buf_text(out, ",");
        estimate(out, "auroc", mid__report_find(r, &key));
        mid__buf_text(out, "}");
    }
    mid__buf_text(out, "]");
}

static void of_rule(mid__buf *out, const mid__report *r, const mid__pilot_column *c, mid__cell_key key)
{
    static const char *const timing[] = { "alarm_early", "alarm_on_time", "alarm_late", "alarm_missed", "delay_tok",
                                          "delay_frac", "exposed_tok" };
    size_t k;

    mid__buf_text(out, "{");
    text_of(out, "rule", mid__report_name(r, key.rule));
    for (k = 0; k < sizeof timing / sizeof *timing; k++) {
        key.metric = mid__report_id(r, timing[k]);
        mid__buf_text(out, ",");
        estimate(out, timing[k], key.metric ? mid__report_find(r, &key) : NULL);
    }
    mid__buf_text(out, ",\"stopped\":[");
    for (k = 0; k < c->n_point; k++) {
        key.at = c->point[k].at;
        mid__buf_text(out, k ? "," : "");
        at_of(out, key.at);
        mid__buf_text(out, ",");
        key.metric = mid__report_id(r, "tpr");
        estimate(out, "tpr", mid__report_find(r, &key));
        mid__buf_text(out, ",");
        key.metric = mid__report_id(r, "fpr");
        estimate(out, "fpr", mid__report_find(r, &key));
        mid__buf_text(out, "}");
    }
    mid__buf_text(out, "]}");
}

static void monitors(mid__buf *out, const mid__report *r, const mid__pilot_set *s, const mid__pilot_column *c)
{
    mid__cell_key key = mid__report_key(r, s->set, c->column, "auroc");
    size_t i, k, n = 0;

    mid__buf_text(out, ",\"monitors\":[");
    for (i = 0; i < r->n_monitor; i++) {
        key.monitor = r->monitor[i].id;
        if (!mid__report_find(r, &key))
            continue;
        mid__buf_text(out, n++ ? ",\n{" : "\n{");
        text_of(out, "monitor", r->monitor[i].name);
        mid__buf_text(out, ",");
        text_of(out, "box", r->monitor[i].box);
        mid__buf_fmt(out, ",\"circular\":%s", mid__report_find(r, &key)->circular ? "true" : "false");
        auroc_curve(out, r, s, c, key);
        mid__buf_text(out, ",\"rules\":[");
        for (k = 0; k < r->n_rule; k++) {
            mid__cell_key alarms = key;
            alarms.rule = r->rule[k];
            mid__buf_text(out, k ? "," : "");
            of_rule(out, r, c, alarms);
        }
        mid__buf_text(out, "]}");
    }
    mid__buf_text(out, "]");
}

static void column(mid__buf *out, const mid__pilot *pilot, const mid__pilot_set *s, const mid__pilot_column *c)
{
    const mid__column *column = c->column;

    mid__buf_text(out, "{");
    text_of(out, "model", column->author);
    mid__buf_fmt(out, ",\"subset\":\"%s\",\"n\":%zu,\"n_unsafe\":%zu,\"n_prompts\":%zu,\"ranked\":%s,",
                 column->unsafe_prompts ? "unsafe_prompts" : "all", column->n, column->n_unsafe, column->n_prompts,
                 c->why[0] ? "false" : "true");
    text_of(out, "why", c->why[0] ? c->why : NULL);
    mid__buf_fmt(out, ",\"n_tests\":%zu,\"told_at_tok\":", c->n_test);
    number(out, c->told && c->told->at ? (double)c->told->at : NAN);
    points(out, c);
    monitors(out, pilot->report, s, c);
    mid__buf_text(out, "}");
}

/* Figures of the attacked copies, all authors together; "all" are the answers as they were. */
static void attacks(mid__buf *out, const mid__report *r, const mid__pilot_set *s)
{
    static const char *const metric[] = { "tpr", "fpr", "delay_tok", "delay_frac" };
    mid__cell_key key;
    size_t i, j, k, l, n = 0;

    mid__buf_text(out, ",\"attacks\":[");
    for (k = 0; s->set->n_column && s->set->n_attack && k <= s->set->n_attack; k++)
        for (i = 0; i < r->n_monitor; i++) {
            key = mid__report_key(r, s->set, s->column[0].column, "auroc");
            key.subset = k ? s->set->attack[k - 1] : 0;
            key.monitor = r->monitor[i].id;
            if (!mid__report_find(r, &key))
                continue;
            mid__buf_text(out, n++ ? ",\n{" : "\n{");
            text_of(out, "subset", k ? mid__report_name(r, key.subset) : "all");
            mid__buf_text(out, ",");
            text_of(out, "monitor", r->monitor[i].name);
            mid__buf_text(out, ",");
            estimate(out, "auroc", mid__report_find(r, &key));
            mid__buf_text(out, ",\"rules\":[");
            for (j = 0; j < r->n_rule; j++) {
                key.rule = r->rule[j];
                mid__buf_text(out, j ? ",{" : "{");
                text_of(out, "rule", mid__report_name(r, key.rule));
                for (l = 0; l < sizeof metric / sizeof *metric; l++) {
                    key.metric = mid__report_id(r, metric[l]);
                    mid__buf_text(out, ",");
                    estimate(out, metric[l], mid__report_find(r, &key));
                }
                mid__buf_text(out, "}");
            }
            mid__buf_text(out, "]}");
        }
    mid__buf_text(out, "]");
}

static void onset(mid__buf *out, const mid__pilot_set *s)
{
    yyjson_val *entry;
    size_t k, n;

    mid__buf_fmt(out, ",\"onset\":{\"n_known\":%zu,\"n_later\":%zu,\"delay_ranked\":%s,\"not_yet\":[", s->n_known,
                 s->n_later, s->n_later >= MID__PILOT_LATER ? "true" : "false");
    yyjson_arr_foreach(s->not_yet, k, n, entry) {
        mid__buf_fmt(out, "%s{\"at_tok\":%.0f,\"value\":", k ? "," : "", mid__report_number(entry, "at_tok"));
        number(out, mid__report_number(entry, "value"));
        mid__buf_text(out, ",\"lo\":");
        number(out, mid__report_number(entry, "lo"));
        mid__buf_text(out, ",\"hi\":");
        number(out, mid__report_number(entry, "hi"));
        mid__buf_text(out, "}");
    }
    mid__buf_text(out, "]}");
}

static void put_set(mid__buf *out, const mid__pilot *pilot, const mid__pilot_set *s)
{
    mid__buf finding = { 0 };
    size_t j;

    mid__pilot_finding(&finding, pilot, s);
    out->failed |= finding.failed;
    mid__buf_text(out, "{");
    text_of(out, "dataset", s->set->name);
    mid__buf_text(out, ",");
    text_of(out, "task", s->set->task);
    mid__buf_text(out, ",");
    text_of(out, "finding", finding.at);
    onset(out, s);
    attacks(out, pilot->report, s);
    mid__buf_text(out, ",\"columns\":[");
    for (j = 0; j < s->set->n_column; j++) {
        mid__buf_text(out, j ? ",\n" : "\n");
        column(out, pilot, s, &s->column[j]);
    }
    mid__buf_text(out, "]}");
    mid__buf_clear(&finding);
}

static void tasks(mid__buf *out, const mid__pilot *pilot)
{
    const mid__report *r = pilot->report;
    size_t i, j, n = 0;

    for (i = 0; i < r->n_set; i++) {
        mid__buf finding = { 0 };
        for (j = 0; j < i && strcmp(r->set[j].task, r->set[i].task) != 0; j++)
            ;
        if (j < i)
            continue;
        mid__pilot_task_finding(&finding, pilot, r->set[i].task);
        out->failed |= finding.failed;
        mid__buf_text(out, n++ ? ",\n{" : "\n{");
        text_of(out, "task", r->set[i].task);
        mid__buf_text(out, ",");
        text_of(out, "finding", finding.at);
        mid__buf_text(out, "}");
        mid__buf_clear(&finding);
    }
}

void mid__pilot_json(mid__buf *out, const mid__pilot *pilot)
{
    const mid__report *r = pilot->report;
    size_t i;

    mid__buf_text(out, "{\"schema\":1,");
    text_of(out, "title", mid__report_text(r->root, "title"));
    mid__buf_text(out, ",\"alpha\":");
    number(out, pilot->alpha);
    mid__buf_text(out, ",\"tasks\":[");
    tasks(out, pilot);
    mid__buf_text(out, "],\"datasets\":[");
    for (i = 0; i < r->n_set; i++) {
        mid__buf_text(out, i ? ",\n" : "\n");
        put_set(out, pilot, &pilot->set[i]);
    }
    mid__buf_fmt(out, "],\"n_more_datasets\":%zu,\"n_more_monitors\":%zu}\n", r->n_more_set, r->n_more_monitor);
}
