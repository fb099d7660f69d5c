/* Reading results.json: one pass over the cells numbers the names and files each cell under its key in a hash table. */
#include "report/report_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"

enum { EMPTY = -1 };

uint32_t mid__report_id(const mid__report *r, const char *name)
{
    return mid__names_find(&r->names, name);
}

const char *mid__report_name(const mid__report *r, uint32_t id) { return id ? r->names.text[id] : ""; }

/* ---- cells ---- */

static size_t cell_slot(const mid__report *r, const mid__cell_key *key)
{
    size_t i = mid__fnv(MID__FNV_START, key, sizeof *key) & (r->n_slot - 1);

    while (r->slot[i] != (uint32_t)EMPTY && memcmp(&r->cell[r->slot[i]].key, key, sizeof *key) != 0)
        i = (i + 1) & (r->n_slot - 1);
    return i;
}

const mid__cell *mid__report_find(const mid__report *r, const mid__cell_key *key)
{
    size_t i;

    if (!r->n_cell)
        return NULL;
    i = cell_slot(r, key);
    return r->slot[i] == (uint32_t)EMPTY ? NULL : &r->cell[r->slot[i]];
}

mid__cell_key mid__report_key(const mid__report *r, const mid__report_set *set, const mid__column *column,
                              const char *metric)
{
    const mid__cell_key key = { .dataset = set->id, .model = column->model, .subset = column->subset,
                                .metric = mid__report_id(r, metric) };

    return key;
}

/* Keys come in the order the run writes them, which makes each look-up one step. */
static const char *next_text(yyjson_obj_iter *it, const char *name)
{
    return yyjson_get_str(yyjson_obj_iter_get(it, name));
}

static double next_number(yyjson_obj_iter *it, const char *name)
{
    yyjson_val *v = yyjson_obj_iter_get(it, name);

    return yyjson_is_num(v) ? yyjson_get_num(v) : NAN;
}

static size_t next_count(yyjson_obj_iter *it, const char *name)
{
    const double v = next_number(it, name);

    return v >= 0 && v < 1e15 ? (size_t)v : 0;
}

static uint32_t at_of(double at_tok, double at_frac)
{
    if (at_tok >= 1 && at_tok < MID__AT_SHARE)
        return (uint32_t)at_tok;
    if (at_frac > 0 && at_frac <= 1)
        return MID__AT_SHARE | (uint32_t)lround(1000 * at_frac);
    return 0;
}

/* false: out of memory. *pooled: not the figure of a single fold. */
static bool read_cell(mid__names *names, yyjson_val *object, mid__cell *c, bool *pooled)
{
    yyjson_obj_iter it;
    const char *dataset, *model, *monitor, *rule, *metric, *subset;
    yyjson_val *fold;
    double at_tok, at_frac, prevalence;
    bool ok;

    memset(c, 0, sizeof *c);
    yyjson_obj_iter_init(object, &it);
    dataset = next_text(&it, "dataset");
    model = next_text(&it, "model");
    c->observer = next_text(&it, "observer");
    monitor = next_text(&it, "monitor");
    rule = next_text(&it, "rule");
    metric = next_text(&it, "metric");
    c->split = next_text(&it, "split");
    subset = next_text(&it, "subset");
    c->why = next_text(&it, "why");
    c->value = next_number(&it, "value");
    c->lo = next_number(&it, "lo");
    c->hi = next_number(&it, "hi");
    c->n = next_count(&it, "n");
    c->n_unsafe = next_count(&it, "n_unsafe");
    c->n_prompts = next_count(&it, "n_prompts");
    c->n_still_running = next_count(&it, "n_still_running");
    fold = yyjson_obj_iter_get(&it, "fold");
    *pooled = !fold || yyjson_is_null(fold);
    c->seed = next_number(&it, "seed");
    c->n_seeds = next_count(&it, "n_seeds");
    c->p = next_number(&it, "p");
    at_tok = next_number(&it, "at_tok");
    at_frac = next_number(&it, "at_frac");
    c->circular = yyjson_get_bool(yyjson_obj_iter_get(&it, "circular"));
    c->key.at = at_of(at_tok, at_frac);
    prevalence = next_number(&it, "prevalence");
    c->key.prevalence = prevalence > 0 && prevalence < 1 ? (float)prevalence : 0;
    ok = mid__names_add(names, dataset, &c->key.dataset) && mid__names_add(names, model, &c->key.model)
         && mid__names_add(names, monitor, &c->key.monitor) && mid__names_add(names, rule, &c->key.rule)
         && mid__names_add(names, metric, &c->key.metric);
    return ok && mid__names_add(names, subset && strcmp(subset, "all") != 0 ? subset : NULL, &c->key.subset);
}

/* Of a run with several seeds the page shows what they say together, and else what the first one says. */
static void add_again(mid__report *r, mid__cell *there, const mid__cell *c)
{
    if (c->n_seeds && !there->n_seeds)
        *there = *c;
    else if (c->seed == there->seed || (isnan(c->seed) && isnan(there->seed)))
        r->n_repeat++;
}

static mid_status read_cells(mid_ctx *ctx, const char *path, mid__report *r)
{
    const size_t n = yyjson_arr_size(r->cells);
    size_t i, n_all, at;
    yyjson_val *object;
    bool pooled;

    for (r->n_slot = 16; r->n_slot < 2 * n; r->n_slot *= 2)
        ;
    r->cell = malloc((n + 1) * sizeof *r->cell);
    r->slot = malloc(r->n_slot * sizeof *r->slot);
    if (!r->cell || !r->slot || n >= UINT32_MAX)
        return mid__oom(ctx, path);
    memset(r->slot, 0xff, r->n_slot * sizeof *r->slot);
    yyjson_arr_foreach(r->cells, i, n_all, object) {
        mid__cell *c = &r->cell[r->n_cell];
        if (!yyjson_is_obj(object))
            return mid__fail(ctx, MID_EFORMAT, "%s: cells[%zu]: a JSON %s where an object is needed", path, i,
                             yyjson_get_type_desc(object));
        if (!read_cell(&r->names, object, c, &pooled))
            return mid__oom(ctx, path);
        if (!c->key.dataset || !c->key.monitor || !c->key.metric)
            return mid__fail(ctx, MID_EFORMAT, "%s: cells[%zu]: dataset, monitor and metric must be texts", path, i);
        if (!pooled)
            continue;
        at = cell_slot(r, &c->key);
        if (r->slot[at] == (uint32_t)EMPTY)
            r->slot[at] = (uint32_t)r->n_cell++;
        else
            add_again(r, &r->cell[r->slot[at]], c);
    }
    return MID_OK;
}

/* ---- monitors and datasets ---- */

/* The plan's entry of a monitor names members that read the second observer's steps. */
static bool asks_second(const mid__report *r, const char *name)
{
    yyjson_val *entry;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_obj_get(r->root, "plan"), "monitors"), i, n, entry) {
        const char *as = mid__report_text(entry, "as");
        if (strcmp(*as ? as : mid__report_text(entry, "monitor"), name) == 0)
            return strstr(mid__report_text(entry, "of"), "beside:") != NULL;
    }
    return false;
}

static bool is_control(yyjson_val *monitor) { return strcmp(mid__report_text(monitor, "box"), "control") == 0; }

static mid_status read_monitors(mid_ctx *ctx, const char *path, mid__report *r)
{
    yyjson_val *list = yyjson_obj_get(r->root, "monitors"), *object;
    const char *of;
    size_t i, n, n_room = MID__SHOW_MONITOR;        /* for others than controls, which never make way */

    yyjson_arr_foreach(list, i, n, object)
        n_room -= n_room && is_control(object);
    yyjson_arr_foreach(list, i, n, object) {
        mid__report_monitor *m = &r->monitor[r->n_monitor];
        if (r->n_monitor == MID__SHOW_MONITOR || (!is_control(object) && !n_room)) {
            r->n_more_monitor++;
            continue;
        }
        n_room -= !is_control(object);
        m->name = mid__report_text(object, "name");
        if (!*m->name)
            return mid__fail(ctx, MID_EFORMAT, "%s: monitors[%zu]: name must be a text", path, i);
        if (!mid__names_add(&r->names, m->name, &m->id))
            return mid__oom(ctx, path);
        m->box = mid__report_text(object, "box");
        m->control = is_control(object);
        of = mid__report_text(object, "monitor");
        m->variant = !m->control && *of && strcmp(of, m->name) != 0;
        m->summary = mid__report_text(object, "summary");
        m->unit = mid__report_text(object, "unit");
        m->us_p50 = mid__report_number(object, "us_per_token_p50");
        m->us_p95 = mid__report_number(object, "us_per_token_p95");
        m->decode_share = NAN;
        m->two_observers = asks_second(r, m->name);
        r->n_monitor++;
    }
    return MID_OK;
}

yyjson_val *mid__report_about_set(const mid__report *r, const char *name)
{
    yyjson_val *object;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(r->provenance, "datasets"), i, n, object)
        if (strcmp(mid__report_text(object, "name"), name) == 0)
            return object;
    return NULL;
}

/* The dataset of a cell, made if it is new; NULL beyond the limit.
 * @param i_set (names.n) 0 unseen, 1 + index, or -1 left out */
static mid__report_set *set_of(mid__report *r, int *i_set, const mid__cell *c)
{
    mid__report_set *set;

    if (i_set[c->key.dataset] == 0 && r->n_set == MID__SHOW_DATASET) {
        i_set[c->key.dataset] = -1;
        r->n_more_set++;
    }
    if (i_set[c->key.dataset] == 0) {
        set = &r->set[r->n_set];
        set->id = c->key.dataset;
        set->name = mid__report_name(r, set->id);
        set->about = mid__report_about_set(r, set->name);
        set->task = mid__report_text(set->about, "task");
        set->split = c->split ? c->split : "";
        i_set[c->key.dataset] = (int)++r->n_set;
    }
    return i_set[c->key.dataset] > 0 ? &r->set[i_set[c->key.dataset] - 1] : NULL;
}

static void add_column(const mid__report *r, mid__report_set *set, const mid__cell *c)
{
    mid__column *column = set->column;
    size_t i;

    for (i = 0; i < set->n_column; i++, column++)
        if (column->model == c->key.model && column->subset == c->key.subset)
            break;
    if (i == MID__SHOW_COLUMN) {
        set->n_more_column++;
        return;
    }
    if (i == set->n_column) {
        set->n_column++;
        column->model = c->key.model;
        column->subset = c->key.subset;
        column->author = mid__report_name(r, c->key.model);
        column->pooled = strcmp(column->author, "all") == 0;
        column->unsafe_prompts = c->key.subset != 0;
        column->n = c->n;
        column->n_unsafe = c->n_unsafe;
        column->n_prompts = c->n_prompts;
    }
    column->defined = column->defined || isfinite(c->value);
    if (!isfinite(c->value) && c->why && !column->why)
        column->why = c->why;
}

/* Into an ascending list without repeats. */
static void add_at(uint32_t *list, size_t *n, uint32_t at)
{
    size_t i = 0;

    while (i < *n && list[i] < at)
        i++;
    if ((i < *n && list[i] == at) || *n == MID__SHOW_PREFIX)
        return;
    memmove(list + i + 1, list + i, (*n - i) * sizeof *list);
    list[i] = at;
    ++*n;
}

/* To the end of a list without repeats, unless it is full. */
static void add_id(uint32_t *list, size_t *n, size_t n_max, uint32_t id)
{
    size_t i = 0;

    while (i < *n && list[i] != id)
        i++;
    if (id && i == *n && i < n_max)
        list[(*n)++] = id;
}

static void add_prevalence(mid__report *r, float prevalence)
{
    size_t i = 0;

    while (i < r->n_prevalence && r->prevalence[i] != prevalence)
        i++;
    if (prevalence > 0 && i == r->n_prevalence && i < MID__SHOW_PREVALENCE)
        r->prevalence[r->n_prevalence++] = prevalence;
}

static mid_status read_sets(mid_ctx *ctx, const char *path, mid__report *r)
{
    const uint32_t auroc = mid__report_id(r, "auroc"), unsafe_prompts = mid__report_id(r, "unsafe_prompts");
    int *i_set = calloc(r->names.n + 1, sizeof *i_set);
    size_t i;

    if (!i_set)
        return mid__oom(ctx, path);
    for (i = 0; i < r->n_cell; i++) {
        const mid__cell *c = &r->cell[i];
        mid__report_set *set = set_of(r, i_set, c);
        if (!set)
            continue;
        if (c->key.subset && c->key.subset != unsafe_prompts)
            add_id(set->attack, &set->n_attack, MID__SHOW_ATTACK, c->key.subset);
        else if (c->key.metric == auroc && c->key.at == 0)
            add_column(r, set, c);
        else if (c->key.metric == auroc && c->key.at & MID__AT_SHARE)
            add_at(set->at_share, &set->n_at_share, c->key.at);
        else if (c->key.metric == auroc)
            add_at(set->at_tok, &set->n_at_tok, c->key.at);
        add_id(r->rule, &r->n_rule, MID__SHOW_RULE, c->key.rule);
        add_prevalence(r, c->key.prevalence);
    }
    free(i_set);
    return MID_OK;
}

mid_status mid__report_read(mid_ctx *ctx, const char *path, mid__report *r)
{
    mid_status status;

    memset(r, 0, sizeof *r);
    status = mid__json_read(ctx, path, &r->json);
    if (status != MID_OK)
        return status;
    r->root = yyjson_doc_get_root(r->json.doc);
    r->provenance = yyjson_obj_get(r->root, "provenance");
    r->cells = yyjson_obj_get(r->root, "cells");
    if (!yyjson_is_arr(r->cells))
        return mid__fail(ctx, MID_EFORMAT, "%s: cells must be a list; run the plan again to write it anew", path);
    status = read_monitors(ctx, path, r);
    if (status == MID_OK)
        status = read_cells(ctx, path, r);
    if (status == MID_OK)
        status = read_sets(ctx, path, r);
    return status;
}

void mid__report_clear(mid__report *r)
{
    free(r->slot);
    free(r->cell);
    mid__names_clear(&r->names);
    mid__json_clear(&r->json);
    memset(r, 0, sizeof *r);
}
