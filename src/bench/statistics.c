/* Statistics from cells: one pass over them files the figures in question by dataset and monitor; the rest is Holm,
 * Friedman and Nemenyi. Only figures of all of a dataset's answers take part: its first model, which is "all" where
 * there are several authors, and no subset. Where a run has several seeds, those of all of them. Circular figures take
 * no part in anything. A dataset is ranked on if at least half of the methods have a figure there, and then a method if
 * it has one on all of these; what is left out is said. */
#include "bench/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/ctx.h"
#include "bench/json.h"
#include "bench/set.h"
#include "metric/friedman.h"
#include "midstream/metric.h"

enum { SET_ENOUGH = 3 };            /* datasets that ranks need */
#define PREVALENCE_LOW 0.1          /* a generated dataset outside is reported, not ranked */

/* One monitor on one dataset. */
struct figure { double value, lo, hi, p, n, n_unsafe, n_prompts; bool here, circular; };

struct table {
    const mid_plan *plan;
    const mid_plan_metric *metric;
    const char *suffix;             /* "" or "_gain" */
    struct figure *at;              /* (n_data, n_monitor) */
    char **model;                   /* (n_data) whose answers; NULL: none yet. Owned */
    bool *generated;                /* (n_data) */
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static double number_of(yyjson_val *cell, const char *key)
{
    yyjson_val *v = yyjson_obj_get(cell, key);

    return yyjson_is_num(v) ? yyjson_get_num(v) : NAN;
}

static const char *text_of(yyjson_val *cell, const char *key)
{
    const char *text = yyjson_get_str(yyjson_obj_get(cell, key));

    return text ? text : "";
}

static bool is_null(yyjson_val *cell, const char *key) { return yyjson_is_null(yyjson_obj_get(cell, key)); }

/* Is it at that prefix, and over all seeds? */
static bool is_wanted(const struct table *t, yyjson_val *cell)
{
    const double at_tok = number_of(cell, "at_tok"), n_seed = number_of(cell, "n_seeds");

    return strcmp(text_of(cell, "subset"), "all") == 0 && is_null(cell, "rule") && is_null(cell, "at_frac") &&
           (isnan(at_tok) ? 0 : at_tok) == t->metric->at_tok && (t->plan->n_seed == 0) == isnan(n_seed);
}

static mid_status put(mid_ctx *ctx, struct table *t, yyjson_val *cell)
{
    const mid_plan *plan = t->plan;
    const char *model = text_of(cell, "model");
    size_t i, k;

    for (i = 0; i < plan->n_data && strcmp(mid__data_name(&plan->data[i]), text_of(cell, "dataset")) != 0; i++)
        ;
    for (k = 0; k < plan->n_monitor; k++)
        if (strcmp(mid__monitor_label(&plan->monitor[k]), text_of(cell, "monitor")) == 0)
            break;
    if (i == plan->n_data || k == plan->n_monitor)
        return MID_OK;
    if (!t->model[i]) {
        t->model[i] = strdup(model);
        if (!t->model[i])
            return mid__oom(ctx, "statistics");
        t->generated[i] = strcmp(plan->data[i].source, "recorded") != 0;
    }
    if (strcmp(t->model[i], model) != 0)
        return MID_OK;
    t->at[i * plan->n_monitor + k] = (struct figure){
        .value = number_of(cell, "value"), .lo = number_of(cell, "lo"), .hi = number_of(cell, "hi"),
        .p = number_of(cell, "p"), .n = number_of(cell, "n"), .n_unsafe = number_of(cell, "n_unsafe"),
        .n_prompts = number_of(cell, "n_prompts"), .here = true,
        .circular = yyjson_get_bool(yyjson_obj_get(cell, "circular")),
    };
    return MID_OK;
}

/* A line end stands between two cells and nowhere else, for JSON texts have none in them. Few lines have the metric in
 * question, and only those are parsed. */
static mid_status read_cells(mid_ctx *ctx, struct table *t, const mid__buf *cells)
{
    const char *at = cells->at, *end = at ? at + cells->n : at, *line_end;
    char metric[100];
    mid_status status = MID_OK;

    snprintf(metric, sizeof metric, "\"metric\":\"%s%s\"", t->metric->name, t->suffix);
    for (; at < end && status == MID_OK; at = line_end + 1) {
        yyjson_doc *doc;
        size_t n;
        line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        n = (size_t)(line_end - at);
        n -= n > 0 && at[n - 1] == ',';
        if (!memmem(at, n, metric, strlen(metric)))
            continue;
        doc = yyjson_read(at, n, 0);
        if (!doc)
            return mid__fail(ctx, MID_EFORMAT, "a cell is no JSON: %.60s", at);
        if (is_wanted(t, yyjson_doc_get_root(doc)))
            status = put(ctx, t, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    return status;
}

static void close_table(struct table *t)
{
    size_t i;

    for (i = 0; t->model && i < t->plan->n_data; i++)
        free(t->model[i]);
    free(t->model);
    free(t->generated);
    free(t->at);
}

static mid_status open_table(mid_ctx *ctx, const mid_plan *plan, const mid_plan_metric *metric, const char *suffix,
                             const mid__buf *cells, struct table *t)
{
    mid_status status;

    *t = (struct table){ .plan = plan, .metric = metric, .suffix = suffix };
    t->at = calloc(plan->n_data * plan->n_monitor + 1, sizeof *t->at);
    t->model = calloc(plan->n_data + 1, sizeof *t->model);
    t->generated = calloc(plan->n_data + 1, sizeof *t->generated);
    status = t->at && t->model && t->generated ? read_cells(ctx, t, cells) : mid__oom(ctx, "statistics");
    if (status != MID_OK)
        close_table(t);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_text(mid__buf *b, const char *name, const char *text)
{
    mid__buf_fmt(b, "\"%s\":", name);
    mid__json_text(b, text);
    mid__buf_put(b, ",", 1);
}

static void put_number(mid__buf *b, const char *name, double value)
{
    mid__buf_fmt(b, "\"%s\":", name);
    mid__json_number(b, value);
    mid__buf_put(b, ",", 1);
}

static void put_metric(mid__buf *b, const struct table *t)
{
    mid__buf_text(b, b->n ? ",\n{" : "{");
    put_text(b, "metric", t->metric->name);
    put_number(b, "at_tok", t->metric->at_tok ? t->metric->at_tok : NAN);
    put_number(b, "alpha", t->plan->statistics.alpha);
}

/* ---- beside the baseline ----------------------------------------------------------------------------------------- */

static mid_status compare_on(mid_ctx *ctx, const struct table *t, size_t i_data, mid__buf *out)
{
    const struct figure *row = t->at + i_data * t->plan->n_monitor;
    double *p = malloc((t->plan->n_monitor + 1) * sizeof *p), *holm = malloc((t->plan->n_monitor + 1) * sizeof *holm);
    mid_status status = p && holm ? MID_OK : mid__oom(ctx, "comparisons");
    size_t k, n_test = 0;

    for (k = 0; status == MID_OK && k < t->plan->n_monitor; k++) {
        p[k] = row[k].here && !row[k].circular ? row[k].p : NAN;
        n_test += !isnan(p[k]);
    }
    if (status == MID_OK)
        status = mid_holm(ctx, p, t->plan->n_monitor, holm);
    for (k = 0; status == MID_OK && k < t->plan->n_monitor; k++) {
        if (!row[k].here || row[k].circular)
            continue;
        put_metric(out, t);
        put_text(out, "dataset", mid__data_name(&t->plan->data[i_data]));
        put_text(out, "model", t->model[i_data]);
        put_text(out, "monitor", mid__monitor_label(&t->plan->monitor[k]));
        put_text(out, "baseline", t->plan->baseline);
        put_number(out, "gain", row[k].value);
        put_number(out, "lo", row[k].lo);
        put_number(out, "hi", row[k].hi);
        put_number(out, "p", p[k]);
        put_number(out, "p_holm", holm[k]);
        put_number(out, "n_tests", (double)n_test);
        put_number(out, "n", row[k].n);
        put_number(out, "n_unsafe", row[k].n_unsafe);
        put_number(out, "n_prompts", row[k].n_prompts);
        mid__buf_fmt(out, "\"differs\":%s}", holm[k] <= t->plan->statistics.alpha ? "true" : "false");
    }
    free(p);
    free(holm);
    return status;
}

/* ---- ranks ------------------------------------------------------------------------------------------------------- */

/* Which datasets and methods are ranked, and why the others are not (NULL: they are). */
struct choice { const char **why_set, **why_method; size_t n_set, n_method; };

static bool has_figure(const struct table *t, size_t i, size_t k)
{
    const struct figure *f = &t->at[i * t->plan->n_monitor + k];

    return f->here && !f->circular && !isnan(f->value);
}

/* Two entries with answers of one source: recorded ones of a dataset, or a model's to its prompts. */
static bool same_answers(const mid_plan_data *a, const mid_plan_data *b)
{
    return strcmp(a->dataset, b->dataset) == 0 && strcmp(a->source, b->source) == 0 &&
           (strcmp(a->source, "recorded") == 0 || strcmp(a->model, b->model) == 0);
}

static const char *why_not_set(const struct table *t, const struct choice *c, size_t i)
{
    const size_t n_monitor = t->plan->n_monitor;
    double prevalence = NAN;
    size_t k, n = 0;

    for (k = 0; k < n_monitor; k++) {
        n += has_figure(t, i, k);
        if (t->at[i * n_monitor + k].here)
            prevalence = t->at[i * n_monitor + k].n_unsafe / t->at[i * n_monitor + k].n;
    }
    if (2 * n < n_monitor || n == 0)
        return "fewer than half of the methods have a figure here";
    if (t->generated[i] && !(prevalence >= PREVALENCE_LOW && prevalence <= 1 - PREVALENCE_LOW))
        return "generated, and its prevalence lies outside 10-90 %";
    for (k = 0; k < i; k++)
        if (!c->why_set[k] && same_answers(&t->plan->data[k], &t->plan->data[i]))
            return "its answers are those of a dataset that is ranked";
    return NULL;
}

static const char *why_not_method(const struct table *t, const struct choice *c, size_t k)
{
    bool circular = false, missing = false;
    size_t i;

    for (i = 0; i < t->plan->n_data; i++)
        if (!c->why_set[i] && !has_figure(t, i, k)) {
            circular |= t->at[i * t->plan->n_monitor + k].circular;
            missing = true;
        }
    return circular ? "circular on a dataset" : missing ? "without a figure on a dataset" : NULL;
}

static void choose(const struct table *t, struct choice *c)
{
    size_t i, k;

    for (i = 0; i < t->plan->n_data; i++) {
        c->why_set[i] = why_not_set(t, c, i);
        c->n_set += !c->why_set[i];
    }
    for (k = 0; k < t->plan->n_monitor; k++) {
        c->why_method[k] = why_not_method(t, c, k);
        c->n_method += !c->why_method[k];
    }
}

struct ranked { double rank; size_t k; };

static int better_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : (x->k > y->k) - (x->k < y->k);
}

static void put_left_out(mid__buf *out, const struct table *t, const struct choice *c)
{
    const mid_plan *plan = t->plan;
    const char *comma = "";
    size_t i;

    mid__buf_text(out, "\"datasets\":[");
    for (i = 0; i < plan->n_data; i++)
        if (!c->why_set[i]) {
            mid__buf_text(out, comma);
            mid__json_text(out, mid__data_name(&plan->data[i]));
            comma = ",";
        }
    mid__buf_text(out, "],\"left_out\":[");
    for (i = 0, comma = ""; i < plan->n_data + plan->n_monitor; i++) {
        const bool is_set = i < plan->n_data;
        const char *why = is_set ? c->why_set[i] : c->why_method[i - plan->n_data];
        if (!why)
            continue;
        mid__buf_fmt(out, "%s{\"%s\":", comma, is_set ? "dataset" : "monitor");
        mid__json_text(out, is_set ? mid__data_name(&plan->data[i])
                                   : mid__monitor_label(&plan->monitor[i - plan->n_data]));
        mid__buf_text(out, ",\"why\":");
        mid__json_text(out, why);
        mid__buf_put(out, "}", 1);
        comma = ",";
    }
    mid__buf_text(out, "],");
}

/* @param r (n) best first */
static mid_status put_ranks(mid_ctx *ctx, mid__buf *out, const struct table *t, const mid_friedman *f,
                            const struct ranked *r, size_t n)
{
    double *rank = malloc((n + 1) * sizeof *rank);
    mid__clique *clique = malloc((n + 1) * sizeof *clique);
    size_t i, n_clique;

    if (!rank || !clique) {
        free(rank);
        free(clique);
        return mid__oom(ctx, "ranks");
    }
    put_number(out, "chi2", f->chi2);
    put_number(out, "p_chi2", f->p_chi2);
    put_number(out, "f", f->f);
    put_number(out, "p_f", f->p_f);
    put_number(out, "cd", f->cd);
    mid__buf_text(out, "\"methods\":[");
    for (i = 0; i < n; i++) {
        rank[i] = r[i].rank;
        mid__buf_text(out, i ? ",{" : "{");
        put_text(out, "monitor", mid__monitor_label(&t->plan->monitor[r[i].k]));
        put_text(out, "box", mid_box_name(t->plan->monitor[r[i].k].reads.box));
        mid__buf_text(out, "\"mean_rank\":");
        mid__json_number(out, rank[i]);
        mid__buf_put(out, "}", 1);
    }
    mid__buf_text(out, "],\"cliques\":[");
    n_clique = mid__cliques(rank, n, f->cd, clique);
    for (i = 0; i < n_clique; i++)
        mid__buf_fmt(out, "%s[%zu,%zu]", i ? "," : "", clique[i].first, clique[i].last);
    mid__buf_text(out, "]}");
    free(rank);
    free(clique);
    return MID_OK;
}

static mid_status rank_chosen(mid_ctx *ctx, const struct table *t, const struct choice *c, mid__buf *out)
{
    const size_t n_monitor = t->plan->n_monitor;
    double *value = malloc((c->n_set * c->n_method + 1) * sizeof *value);
    double *rank = malloc((c->n_method + 1) * sizeof *rank);
    struct ranked *r = malloc((c->n_method + 1) * sizeof *r);
    mid_friedman f;
    mid_status status = value && rank && r ? MID_OK : mid__oom(ctx, "ranks");
    size_t i, k, n = 0;

    for (i = 0; status == MID_OK && i < t->plan->n_data; i++)
        for (k = 0; !c->why_set[i] && k < n_monitor; k++)
            if (!c->why_method[k])
                value[n++] = t->at[i * n_monitor + k].value;
    if (status == MID_OK)
        status = mid_friedman_of(ctx, value, c->n_set, c->n_method, t->plan->statistics.alpha, rank, &f);
    for (k = n = 0; status == MID_OK && k < n_monitor; k++)
        if (!c->why_method[k]) {
            r[n] = (struct ranked){ rank[n], k };
            n++;
        }
    if (status == MID_OK) {
        qsort(r, n, sizeof *r, better_first);
        status = put_ranks(ctx, out, t, &f, r, n);
    }
    free(value);
    free(rank);
    free(r);
    return status;
}

static mid_status rank_methods(mid_ctx *ctx, const struct table *t, mid__buf *out)
{
    struct choice c = { .why_set = calloc(t->plan->n_data + 1, sizeof *c.why_set),
                        .why_method = calloc(t->plan->n_monitor + 1, sizeof *c.why_method) };
    mid_status status = c.why_set && c.why_method ? MID_OK : mid__oom(ctx, "ranks");
    char why[120];

    if (status == MID_OK) {
        choose(t, &c);
        put_metric(out, t);
        put_number(out, "n_sets", (double)c.n_set);
        put_left_out(out, t, &c);
        if (c.n_set >= SET_ENOUGH && c.n_method >= 2) {
            mid__buf_text(out, "\"why\":null,");
            status = rank_chosen(ctx, t, &c, out);
        } else {
            snprintf(why, sizeof why, "%zu datasets with %zu methods to rank: needs %d and 2", c.n_set, c.n_method,
                     SET_ENOUGH);
            put_text(out, "why", why);
            mid__buf_text(out, "\"chi2\":null,\"p_chi2\":null,\"f\":null,\"p_f\":null,\"cd\":null,\"methods\":[],"
                          "\"cliques\":[]}");
        }
    }
    free(c.why_set);
    free(c.why_method);
    return status;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static bool has_gain(const mid_plan_metric *m)
{
    return strcmp(m->name, "auroc") == 0 || strcmp(m->name, "tpr_at_fpr1") == 0;
}

mid_status mid__statistics(mid_ctx *ctx, const mid_plan *plan, const mid__buf *cells, mid__buf *comparisons,
                           mid__buf *ranks)
{
    const mid_plan_statistics *s = &plan->statistics;
    mid_status status = MID_OK;
    struct table t;
    size_t i, k;

    for (k = 0; status == MID_OK && k < s->n_metric; k++) {
        status = open_table(ctx, plan, &s->metric[k], "", cells, &t);
        if (status != MID_OK)
            break;
        status = rank_methods(ctx, &t, ranks);
        close_table(&t);
    }
    for (k = 0; status == MID_OK && plan->baseline && k < s->n_metric; k++) {
        if (!has_gain(&s->metric[k]))
            continue;
        status = open_table(ctx, plan, &s->metric[k], "_gain", cells, &t);
        if (status != MID_OK)
            break;
        for (i = 0; status == MID_OK && i < plan->n_data; i++)
            status = compare_on(ctx, &t, i, comparisons);
        close_table(&t);
    }
    return status;
}
