/* Advice for programs: docs/recommend.md has the fields. */
#include <math.h>
#include <string.h>

#include "base/ctx.h"
#include "bench/json.h"
#include "report/advice_words.h"

static void put_text(mid__buf *b, const char *name, const char *text)
{
    mid__buf_fmt(b, "\"%s\":", name);
    mid__json_text(b, text);
    mid__buf_text(b, ",");
}

static void put_number(mid__buf *b, const char *name, double value)
{
    mid__buf_fmt(b, "\"%s\":", name);
    mid__json_number(b, value);
    mid__buf_text(b, ",");
}

static void put_name(mid__buf *b, const char *name, const mid__evidence *e, size_t i_method)
{
    put_text(b, name, i_method == MID__NOBODY ? NULL : e->method[i_method].name);
}

static void put_interval(mid__buf *b, double value, double lo, double hi)
{
    mid__buf_text(b, "{\"value\":");
    mid__json_number(b, value);
    mid__buf_text(b, ",\"lo\":");
    mid__json_number(b, lo);
    mid__buf_text(b, ",\"hi\":");
    mid__json_number(b, hi);
}

static void put_cell(mid__buf *b, const char *name, const mid__cell *c)
{
    mid__buf_fmt(b, "\"%s\":", name);
    put_interval(b, c ? c->value : NAN, c ? c->lo : NAN, c ? c->hi : NAN);
    mid__buf_text(b, "},");
}

static void put_edge(mid__buf *b, const char *name, const mid__edge *edge)
{
    mid__buf_fmt(b, "\"%s\":", name);
    put_interval(b, edge->value, edge->lo, edge->hi);
    mid__buf_fmt(b, ",\"paired\":%s},", edge->paired ? "true" : "false");
}

/* The last comma of a list or object goes. */
static void end(mid__buf *b, const char *bracket)
{
    if (b->n && b->at[b->n - 1] == ',')
        b->n--;
    mid__buf_text(b, bracket);
}

static void put_lines(mid__buf *b, const char *name, const mid__buf *lines)
{
    const char *at = lines->n ? lines->at : "";

    mid__buf_fmt(b, "\"%s\":[", name);
    while (*at) {
        const size_t n = strcspn(at, "\n");
        mid__json_bytes(b, at, n);
        mid__buf_text(b, ",");
        at += n + (at[n] == '\n');
    }
    end(b, "],");
}

static void put_controls(mid__buf *b, const mid__evidence *e, size_t i_set)
{
    const char *name;
    size_t k;

    mid__buf_text(b, "\"controls\":{");
    for (k = 0; (name = mid__advice_control(e, k)); k++) {
        mid__json_text(b, name);
        mid__buf_text(b, ":");
        mid__json_number(b, mid__advice_control_early(e, i_set, name));
        mid__buf_text(b, ",");
    }
    end(b, "},");
}

static void put_rules(mid__buf *b, const mid__evidence *e, const mid__ask *ask, size_t i_set, size_t i_method)
{
    uint32_t k;

    mid__buf_text(b, "\"rules\":[");
    for (k = 1; k < e->rules.n; k++) {
        const mid__cell *fpr = mid__evidence_rule(e, i_set, i_method, e->rules.text[k], "fpr");
        if (!fpr)
            continue;
        mid__buf_text(b, "{");
        put_text(b, "rule", e->rules.text[k]);
        put_cell(b, "fpr", fpr);
        put_cell(b, "tpr", mid__evidence_rule(e, i_set, i_method, e->rules.text[k], "tpr"));
        mid__buf_fmt(b, "\"within\":%s},", isnan(ask->max_false_alarm)             ? "null"
                                           : fpr->value <= ask->max_false_alarm ? "true"
                                                                                : "false");
    }
    end(b, "]");
}

static void put_proof(mid__buf *b, const mid__evidence *e, const mid__ask *ask, size_t i_set, size_t i_method)
{
    const mid__proof *p = mid__evidence_proof(e, i_set, i_method);
    const size_t control = mid__evidence_control(e, i_set);
    const mid__edge none = { NAN, NAN, NAN, false },
                    edge = control == MID__NOBODY ? none : mid__evidence_edge(e, i_set, i_method, control);

    mid__buf_text(b, "{");
    put_text(b, "dataset", e->set[i_set].name);
    put_text(b, "task", e->set[i_set].task);
    put_number(b, "n", (double)p->early->n);
    put_number(b, "n_unsafe", (double)p->early->n_unsafe);
    put_number(b, "prevalence", (double)p->early->n_unsafe / (double)p->early->n);
    put_cell(b, "auroc_16", p->early);
    put_cell(b, "auroc", p->whole);
    put_cell(b, "tpr_at_fpr1", p->tpr);
    put_number(b, "us_per_token", p->us_per_tok);
    put_name(b, "control", e, control);
    put_edge(b, "gain_over_control", &edge);
    put_controls(b, e, i_set);
    put_rules(b, e, ask, i_set, i_method);
    mid__buf_text(b, "},");
}

static void put_method(mid__buf *b, const mid__evidence *e, const mid__ask *ask, const mid__ranking *r, size_t k)
{
    const mid__ranked *m = &r->at[k];
    size_t i;

    mid__buf_text(b, "\n{");
    put_name(b, "monitor", e, m->i_method);
    put_text(b, "box", e->method[m->i_method].box);
    put_number(b, "rank", (double)k + 1);
    put_number(b, "mean_rank", m->mean_rank);
    put_number(b, "mean_auroc_16", m->mean_auroc);
    put_number(b, "us_per_token", m->us_per_tok);
    mid__buf_text(b, "\"evidence\":[");
    for (i = 0; i < r->n_set; i++)
        put_proof(b, e, ask, r->set[i], m->i_method);
    end(b, "]},");
}

mid_status mid__advice_json(mid_ctx *ctx, mid__buf *b, const mid__evidence *e, const mid__ask *ask,
                            const mid__advice *a)
{
    mid__buf words;
    mid_status status;
    size_t k;

    mid__buf_init(&words, 0);
    mid__buf_text(b, "{\"schema\":1,");
    put_text(b, "task", ask->task);
    put_text(b, "access", mid_access_name(ask->access));
    put_text(b, "lang", ask->lang);
    put_number(b, "max_us_per_token", ask->max_us_per_tok);
    put_number(b, "max_false_alarm", ask->max_false_alarm);
    put_text(b, "verdict", mid__verdict_name(a->verdict));
    put_name(b, "take", e, a->take);
    put_name(b, "first", e, a->first);
    put_name(b, "overall_best", e, a->best);
    put_edge(b, "gain_over_overall_best", &a->over_best);
    put_edge(b, "gain_over_control", &a->over_control);
    mid__advice_why(&words, e, ask, a);
    put_text(b, "why", words.at);
    mid__buf_clear(&words);
    mid__advice_warnings(&words, e, ask, a);
    put_lines(b, "notes", &words);
    mid__buf_clear(&words);
    status = mid__advice_changes(ctx, &words, e, ask, a);
    put_lines(b, "changes", &words);
    mid__buf_text(b, "\"methods\":[");
    for (k = 0; k < a->here.n; k++)
        put_method(b, e, ask, &a->here, k);
    end(b, "]}\n");
    if (words.failed && status == MID_OK)
        status = mid__oom(ctx, "advice");
    mid__buf_clear(&words);
    return status;
}
