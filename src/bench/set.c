/* A plan's data entry: which rows, which prompt group and fold each belongs to. Nothing here depends on timing, so every
 * run, shard or resume cuts the same groups. */
#include "bench/set.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"

/* "prompt": letters and digits of the prompt, lower case, one space between words. Bytes above ASCII count as letters.
 * "id:k": what follows the k-th hyphen of the sample's id. */
size_t mid__group_text(const char *by, const mid_sample *sample, char *out, size_t cap)
{
    const char *at = sample->id;
    size_t n = 0;
    int k;

    if (by && strncmp(by, "id:", 3) == 0) {
        for (k = atoi(by + 3); k > 0 && at; k--)
            at = strchr(at, '-') ? strchr(at, '-') + 1 : NULL;
        n = (size_t)snprintf(out, cap, "%s", at ? at : sample->id);
        return n < cap ? n : cap - 1;
    }
    for (at = sample->prompt; *at && n + 2 < cap; at++) {
        const unsigned char c = (unsigned char)*at;
        if (isalnum(c) || c >= 0x80)
            out[n++] = (char)tolower(c);
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    if (n == 0)                         /* an empty prompt says nothing: the sample is its own group */
        n = (size_t)snprintf(out, cap, "%s", sample->id);
    return n;
}

static bool wanted(const mid_plan_data *data, const mid_sample *s)
{
    const bool by_data = data->labeler && strcmp(data->labeler, "data") == 0;
    size_t i;

    if (strcmp(data->source, "recorded") == 0 && !s->response)
        return false;
    if (by_data && s->label < 0)
        return false;
    for (i = 0; i < data->n_response_model; i++)
        if (s->response_model && strcmp(data->response_model[i], s->response_model) == 0)
            return true;
    return data->n_response_model == 0;
}

/* A row that may be taken. `place` is where it stands among those it is drawn with, by hash: (rank + 1/2) / their number. */
struct drawn { uint64_t hash, stratum; double place; size_t i; };

static int compare_u64(uint64_t x, uint64_t y)
{
    return (x > y) - (x < y);
}

static int by_stratum(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    const int s = compare_u64(x->stratum, y->stratum), h = compare_u64(x->hash, y->hash);

    return s ? s : h ? h : compare_u64(x->i, y->i);
}

static int by_place(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    const int h = compare_u64(x->hash, y->hash);

    return x->place != y->place ? (x->place < y->place ? -1 : 1) : h ? h : compare_u64(x->i, y->i);
}

static int by_index(const void *a, const void *b)
{
    return compare_u64(((const struct drawn *)a)->i, ((const struct drawn *)b)->i);
}

/* Who wrote it, and in which half its prompt is. */
static uint64_t stratum_of(const mid_sample *s)
{
    const char *part[] = { s->response_model ? s->response_model : "", s->split ? s->split : "" };
    uint64_t hash = MID__FNV_START;
    size_t i;

    for (i = 0; i < 2; i++)
        hash = mid__fnv(hash, part[i], strlen(part[i]) + 1);
    return hash;
}

/* The rows with the smallest places come first: of every stratum the same share, to within a row. */
static void draw(struct drawn *r, size_t n)
{
    size_t from, to, i;

    qsort(r, n, sizeof *r, by_stratum);
    for (from = 0; from < n; from = to) {
        for (to = from; to < n && r[to].stratum == r[from].stratum; to++)
            ;
        for (i = from; i < to; i++)
            r[i].place = ((double)(i - from) + 0.5) / (double)(to - from);
    }
    qsort(r, n, sizeof *r, by_place);
}

/* The rows of this entry, in the data's order: those wanted, or `limit` of them, drawn by a hash of their ids. */
static mid_status choose_rows(mid_ctx *ctx, mid__set *set, struct drawn **rows, size_t *n)
{
    const size_t n_all = mid_dataset_n(set->dataset);
    struct drawn *r = malloc((n_all + 1) * sizeof *r);
    size_t i;

    if (!r)
        return mid__oom(ctx, set->name);
    for (i = *n = 0; i < n_all; i++) {
        const mid_sample *s = mid_dataset_at(set->dataset, i);
        uint64_t x = mid__fnv(MID__FNV_START, s->id, strlen(s->id));
        if (wanted(set->data, s))
            r[(*n)++] = (struct drawn){ mid__splitmix(&x), set->data->stratify ? stratum_of(s) : 0, 0, i };
    }
    if (set->data->limit && set->data->limit < *n) {
        draw(r, *n);
        *n = set->data->limit;
        qsort(r, *n, sizeof *r, by_index);
    }
    *rows = r;
    return MID_OK;
}

static uint32_t author_of(mid__set *set, const char *name)
{
    size_t i;

    for (i = 0; i < set->n_author; i++)
        if (strcmp(set->author[i], name) == 0)
            return (uint32_t)i;
    set->author[set->n_author++] = name;
    return (uint32_t)(set->n_author - 1);
}

/* Number of a group's text, new or known, through an open-addressing table of (n_slot) whose entries are answer + 1. */
static mid_status number_groups(mid_ctx *ctx, mid__set *set)
{
    enum { TEXT_MAX = 4096 };
    char text[TEXT_MAX];
    size_t n_slot = 16, i;
    uint64_t *hash;
    uint32_t *slot;

    while (n_slot < 2 * set->n)
        n_slot *= 2;
    hash = calloc(set->n + 1, sizeof *hash);
    slot = calloc(n_slot, sizeof *slot);
    if (!hash || !slot) {
        free(hash);
        free(slot);
        return mid__oom(ctx, "prompt groups");
    }
    for (i = 0; i < set->n; i++) {
        mid__answer *a = &set->answer[i];
        const size_t n = mid__group_text(set->data->group, a->sample, text, sizeof text);
        size_t at;
        hash[i] = mid__fnv(MID__FNV_START, text, n);
        for (at = hash[i] & (n_slot - 1); slot[at] && hash[slot[at] - 1] != hash[i]; at = (at + 1) & (n_slot - 1))
            ;
        if (!slot[at]) {
            slot[at] = (uint32_t)i + 1;
            a->group = (uint32_t)set->n_group++;
        } else {
            a->group = set->answer[slot[at] - 1].group;
        }
        a->cut = mid__crc32(text, n);
    }
    mid__set_cut(set, set->plan);
    free(hash);
    free(slot);
    return MID_OK;
}

void mid__set_cut(mid__set *set, const mid_plan *plan)
{
    size_t i;

    for (i = 0; i < set->n; i++) {
        mid__rng rng;
        mid__rng_init(&rng, plan->seed, set->answer[i].cut);
        set->answer[i].fold = (int)(plan->n_seed ? mid__rng_below(&rng, (uint32_t)plan->n_fold)
                                                 : set->answer[i].cut % (uint32_t)plan->n_fold);
    }
}

static const mid_plan_model *model_of(const mid_plan *plan, const char *name)
{
    size_t i;

    for (i = 0; i < plan->n_model; i++)
        if (strcmp(plan->model[i].name, name) == 0)
            return &plan->model[i];
    return NULL;                        /* the plan loader has refused such a plan */
}

mid_status mid__set_open(mid__run *run, const mid_plan_data *data, mid__set *set)
{
    struct drawn *rows = NULL;
    size_t i;
    mid_status status;

    memset(set, 0, sizeof *set);
    set->plan = run->plan;
    set->data = data;
    set->model = model_of(run->plan, data->model);
    set->source = data->source;
    set->name = mid__data_name(data);
    status = mid_dataset_open(run->ctx, run->opts->data_dir, run->opts->n_data_dir, data->dataset, &set->dataset);
    if (status == MID_ENOTFOUND && data->optional) {
        set->skipped = true;
        snprintf(set->why, sizeof set->why, "%s", mid_ctx_message(run->ctx));
        mid__log(run->ctx, MID_LOG_WARN, "skipped: data '%s' is optional and not here", set->name);
        return MID_OK;
    }
    if (status != MID_OK)
        return mid__within(run->ctx, status, "%s:%d", run->plan->file, data->line);
    status = choose_rows(run->ctx, set, &rows, &set->n);
    if (status == MID_OK) {
        set->answer = calloc(set->n * (1 + data->n_attack) + 1, sizeof *set->answer);
        set->author = calloc(set->n + 1, sizeof *set->author);
        status = set->answer && set->author ? MID_OK : mid__oom(run->ctx, set->name);
    }
    for (i = 0; status == MID_OK && i < set->n; i++) {
        mid__answer *a = &set->answer[i];
        a->sample = mid_dataset_at(set->dataset, rows[i].i);
        a->author = strcmp(data->source, "recorded") != 0 ? set->model->name
                  : a->sample->response_model ? a->sample->response_model : "not recorded";
        a->i_author = author_of(set, a->author);
    }
    if (status == MID_OK && set->n == 0)
        status = mid__fail(run->ctx, MID_EUNDEFINED, "%s:%d: no row of '%s' fits this entry (response_models, labels, source)",
                           run->plan->file, data->line, data->dataset);
    if (status == MID_OK)
        status = number_groups(run->ctx, set);
    if (status == MID_OK && data->n_attack)
        status = mid__set_attack(run, set);
    free(rows);
    return status;
}

void mid__set_close(mid__set *set)
{
    size_t i;

    for (i = 0; set->opened && i <= set->data->n_other_labeler; i++)
        mid_labeler_close(set->opened[i]);
    free(set->opened);
    for (i = 0; set->answer && i < set->n; i++) {
        mid_trace_close(set->answer[i].trace);
        free(set->answer[i].why);
    }
    free(set->answer);
    free((void *)set->author);
    mid__buf_clear(&set->skips);
    mid__buf_clear(&set->agreement);
    mid__arena_clear(&set->said);
    mid_dataset_close(set->dataset);
    memset(set, 0, sizeof *set);
}

const char *mid__data_name(const mid_plan_data *data)
{
    const char *slash = strrchr(data->dataset, '/');

    return data->as ? data->as : slash && slash[1] ? slash + 1 : data->dataset;
}

const char *mid__monitor_label(const mid_plan_monitor *m) { return m->as ? m->as : m->text ? m->text : m->name; }

bool mid__monitor_runs_on(const mid_plan_monitor *m, const mid__set *set)
{
    size_t i;

    for (i = 0; i < m->n_only; i++)
        if (strcmp(m->only[i], set->name) == 0)
            return true;
    return m->n_only == 0;
}
