/* Evidence from results.json files: datasets and methods numbered over all files, then one look-up a figure.
 *
 * Differences between two methods come paired where the run measured them: auroc_over.CONTROL, against the best
 * control, and auroc_gain, against the plan's baseline. Else only the two intervals are known. Whatever their
 * correlation, [lo_a - hi_b, hi_a - lo_b] holds the difference with at least 90 % (Bonferroni: each may miss with
 * 5 %), mostly far more: it is wide, and not too narrow. */
#include "report/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

#define PREVALENCE_LOW 0.1          /* a generated dataset outside is reported, not ranked: docs/statistics.md */

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static mid_status read_files(mid_ctx *ctx, const char *paths, mid__evidence *e)
{
    const char *at = paths;
    mid_status status = MID_OK;

    while (status == MID_OK && *at) {
        const size_t n = strcspn(at, ",");
        char *path;
        if (e->n_file == MID__EVIDENCE_FILE)
            return mid__fail(ctx, MID_ELIMIT, "more than %d results files; merge runs into fewer", MID__EVIDENCE_FILE);
        path = strndup(at, n);
        e->file[e->n_file] = calloc(1, sizeof *e->file[0]);
        if (path && e->file[e->n_file])
            status = mid__report_read(ctx, path, e->file[e->n_file++]);
        else
            status = mid__oom(ctx, "results");
        free(path);
        at += n + (at[n] == ',');
    }
    if (status == MID_OK && !e->n_file)
        return mid__fail(ctx, MID_EINVAL, "no results file: give the results.json that midstream run wrote");
    return status;
}

/* Names of datasets, methods and rules. */
static mid_status number_names(mid_ctx *ctx, mid__evidence *e)
{
    size_t k, i, n;
    yyjson_val *object;
    uint32_t id;
    bool ok = true;

    for (k = 0; k < e->n_file; k++) {
        const mid__report *file = e->file[k];
        yyjson_arr_foreach(yyjson_obj_get(file->root, "monitors"), i, n, object)
            ok = ok && mid__names_add(&e->method_names, mid__report_text(object, "name"), &id);
        for (i = 0; i < file->n_cell; i++) {
            ok = ok && mid__names_add(&e->set_names, mid__report_name(file, file->cell[i].key.dataset), &id);
            if (file->cell[i].key.rule)
                ok = ok && mid__names_add(&e->rules, mid__report_name(file, file->cell[i].key.rule), &id);
        }
    }
    e->n_set = e->set_names.n ? e->set_names.n - 1 : 0;
    e->n_method = e->method_names.n ? e->method_names.n - 1 : 0;
    e->set = calloc(e->n_set + 1, sizeof *e->set);
    e->method = calloc(e->n_method + 1, sizeof *e->method);
    e->proof = calloc(e->n_set * e->n_method + 1, sizeof *e->proof);
    return ok && e->set && e->method && e->proof ? MID_OK : mid__oom(ctx, "evidence");
}

static void describe_methods(mid__evidence *e)
{
    size_t k, i, n;
    yyjson_val *object;

    for (k = e->n_file; k-- > 0;)
        yyjson_arr_foreach(yyjson_obj_get(e->file[k]->root, "monitors"), i, n, object) {
            const char *name = mid__report_text(object, "name");
            mid__evidence_method *m = &e->method[mid__names_find(&e->method_names, name) - 1];
            m->name = name;
            m->box = mid__report_text(object, "box");
            m->control = strcmp(m->box, "control") == 0;
        }
}

/* The first file that has a dataset says what it is. Cells of one stand together, so few are looked into. */
static void describe_sets(mid__evidence *e)
{
    const char *name = "";
    size_t k, i, n;
    yyjson_val *cell;

    for (k = 0; k < e->n_file; k++)
        yyjson_arr_foreach(e->file[k]->cells, i, n, cell) {
            mid__evidence_set *set;
            const char *here = mid__report_text(cell, "dataset");
            if (strcmp(here, name) == 0)
                continue;
            name = here;
            set = &e->set[mid__names_find(&e->set_names, name) - 1];
            if (set->name)
                continue;
            set->name = name;
            set->task = mid__report_text(cell, "task");
            set->observed = *mid__report_text(cell, "observer") != '\0';
            set->about = mid__report_about_set(e->file[k], name);
        }
}

static const mid__cell *figure(const mid__proof *p, const char *metric, uint32_t at, const char *rule)
{
    const mid__cell_key key = { .dataset = p->dataset, .model = p->model, .monitor = p->monitor, .at = at,
                                .metric = mid__report_id(p->file, metric),
                                .rule = rule ? mid__report_id(p->file, rule) : 0 };

    return key.metric && (!rule || key.rule) ? mid__report_find(p->file, &key) : NULL;
}

/* Whose answers: the model of a dataset's first AUROC over all of them. */
static void file_model(const mid__report *file, uint32_t *model)
{
    const uint32_t auroc = mid__report_id(file, "auroc");
    size_t i;

    for (i = 0; i < file->n_cell; i++) {
        const mid__cell_key *key = &file->cell[i].key;
        if (key->metric == auroc && !key->subset && !model[key->dataset])
            model[key->dataset] = key->model;
    }
}

static void file_proof(mid__evidence *e, const mid__report *file, size_t i_set, size_t i_method, const uint32_t *model)
{
    mid__evidence_set *set = &e->set[i_set];
    mid__proof p = { .file = file, .us_per_tok = NAN }, *out = &e->proof[i_set * e->n_method + i_method];
    const mid__cell *us;

    p.dataset = mid__report_id(file, set->name);
    p.monitor = mid__report_id(file, e->method[i_method].name);
    if (out->file || !p.dataset || !p.monitor)
        return;
    p.model = model[p.dataset];
    p.early = figure(&p, "auroc", MID__EARLY_TOK, NULL);
    p.whole = figure(&p, "auroc", 0, NULL);
    p.tpr = figure(&p, "tpr_at_fpr1", 0, NULL);
    us = figure(&p, "us_per_token_p50", 0, NULL);
    if (us)
        p.us_per_tok = us->value;
    if (!p.early)
        return;
    *out = p;
    if (!set->n) {
        set->n = p.early->n;
        set->n_unsafe = p.early->n_unsafe;
    }
    set->mixed = set->mixed || set->n != p.early->n || set->n_unsafe != p.early->n_unsafe;
}

static mid_status gather(mid_ctx *ctx, mid__evidence *e)
{
    size_t k, i, j;

    for (k = 0; k < e->n_file; k++) {
        uint32_t *model = calloc(e->file[k]->names.n + 1, sizeof *model);
        if (!model)
            return mid__oom(ctx, "evidence");
        file_model(e->file[k], model);
        for (i = 0; i < e->n_set; i++)
            for (j = 0; j < e->n_method; j++)
                file_proof(e, e->file[k], i, j, model);
        free(model);
    }
    return MID_OK;
}

static void judge_set(mid__evidence *e, size_t i)
{
    mid__evidence_set *set = &e->set[i];
    const double share = set->n ? (double)set->n_unsafe / (double)set->n : NAN;
    size_t j;
    bool any = false;

    for (j = 0; j < e->n_method && !any; j++)
        any = !isnan(mid__evidence_early(e, i, j));
    if (!any)
        set->why = "no AUROC after 16 tokens";
    else if (!set->observed && !(share >= PREVALENCE_LOW && share <= 1 - PREVALENCE_LOW))
        set->why = "generated, and its prevalence lies outside 10-90 %";
}

mid_status mid__evidence_read(mid_ctx *ctx, const char *paths, mid__evidence *e)
{
    mid_status status;
    size_t i;

    memset(e, 0, sizeof *e);
    status = read_files(ctx, paths, e);
    if (status == MID_OK)
        status = number_names(ctx, e);
    if (status != MID_OK)
        return status;
    describe_methods(e);
    describe_sets(e);
    status = gather(ctx, e);
    for (i = 0; status == MID_OK && i < e->n_set; i++)
        judge_set(e, i);
    return status;
}

void mid__evidence_clear(mid__evidence *e)
{
    size_t k;

    for (k = 0; k < e->n_file; k++) {
        mid__report_clear(e->file[k]);
        free(e->file[k]);
    }
    free(e->set);
    free(e->method);
    free(e->proof);
    mid__names_clear(&e->set_names);
    mid__names_clear(&e->method_names);
    mid__names_clear(&e->rules);
    memset(e, 0, sizeof *e);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

const mid__proof *mid__evidence_proof(const mid__evidence *e, size_t i_set, size_t i_method)
{
    return &e->proof[i_set * e->n_method + i_method];
}

double mid__evidence_early(const mid__evidence *e, size_t i_set, size_t i_method)
{
    const mid__cell *c = mid__evidence_proof(e, i_set, i_method)->early;

    return c && !c->circular ? c->value : NAN;
}

static const char *baseline_of(const mid__report *file)
{
    return mid__report_text(yyjson_obj_get(file->root, "plan"), "baseline");
}

/* Of a against b, measured with b as the best control or as the run's baseline. */
static bool paired_edge(const mid__evidence *e, size_t i_set, size_t a, size_t b, mid__edge *out)
{
    const mid__proof *p = mid__evidence_proof(e, i_set, a);
    const mid__cell *c;
    char over[160];

    if (p->file != mid__evidence_proof(e, i_set, b)->file)
        return false;
    snprintf(over, sizeof over, "auroc_over.%s", e->method[b].name);
    c = figure(p, over, MID__EARLY_TOK, NULL);
    if (!c && strcmp(baseline_of(p->file), e->method[b].name) == 0)
        c = figure(p, "auroc_gain", MID__EARLY_TOK, NULL);
    if (!c || !isfinite(c->value))
        return false;
    *out = (mid__edge){ c->value, c->lo, c->hi, true };
    return true;
}

mid__edge mid__evidence_edge(const mid__evidence *e, size_t i_set, size_t a, size_t b)
{
    const mid__cell *x = mid__evidence_proof(e, i_set, a)->early, *y = mid__evidence_proof(e, i_set, b)->early;
    mid__edge edge = { NAN, NAN, NAN, false };

    if (!x || !y)
        return edge;
    if (paired_edge(e, i_set, a, b, &edge))
        return edge;
    if (paired_edge(e, i_set, b, a, &edge))
        return (mid__edge){ -edge.value, -edge.hi, -edge.lo, true };
    return (mid__edge){ x->value - y->value, x->lo - y->hi, x->hi - y->lo, false };
}

mid__edge mid__edge_mean(const mid__edge *edge, size_t n)
{
    mid__edge mean = { 0, 0, 0, true };
    size_t i;

    if (!n)
        return (mid__edge){ NAN, NAN, NAN, false };
    for (i = 0; i < n; i++) {
        mean.value += edge[i].value / (double)n;
        mean.lo += (edge[i].value - edge[i].lo) * (edge[i].value - edge[i].lo);
        mean.hi += (edge[i].hi - edge[i].value) * (edge[i].hi - edge[i].value);
        mean.paired = mean.paired && edge[i].paired;
    }
    mean.lo = mean.value - sqrt(mean.lo) / (double)n;
    mean.hi = mean.value + sqrt(mean.hi) / (double)n;
    return mean;
}

size_t mid__evidence_control(const mid__evidence *e, size_t i_set)
{
    size_t j, best = MID__NOBODY;

    for (j = 0; j < e->n_method; j++) {
        const double value = e->method[j].control ? mid__evidence_early(e, i_set, j) : NAN;
        if (!isnan(value) && (best == MID__NOBODY || value > mid__evidence_early(e, i_set, best)))
            best = j;
    }
    return best;
}

const mid__cell *mid__evidence_rule(const mid__evidence *e, size_t i_set, size_t i_method, const char *rule,
                                    const char *metric)
{
    const mid__proof *p = mid__evidence_proof(e, i_set, i_method);

    return p->file ? figure(p, metric, 0, rule) : NULL;
}

size_t mid__evidence_n_lang(const mid__evidence_set *set)
{
    return yyjson_arr_size(yyjson_obj_get(set->about, "langs"));
}

bool mid__evidence_has_lang(const mid__evidence_set *set, const char *lang)
{
    yyjson_val *text;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(set->about, "langs"), i, n, text)
        if (yyjson_equals_str(text, lang))
            return true;
    return false;
}
