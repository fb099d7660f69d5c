/* scores.jsonl of a submission: one line an answer and monitor. Each line is checked by itself (types, ids, labels, no
 * hole in the scores), then all of them together: one line each, the same answers for every monitor, one fold for all
 * answers to a prompt. */
#include "bench/submission.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/jsonl.h"
#include "bench/set.h"
#include "report/report_json.h"

enum { GROUP_TEXT = 4096 };

static const mid_sample *sample_of(const mid__subset *set, const char *id)
{
    size_t at = mid__fnv(MID__FNV_START, id, strlen(id)) & (set->n_slot - 1);

    for (; set->slot[at]; at = (at + 1) & (set->n_slot - 1)) {
        const mid_sample *s = mid_dataset_at(set->data, set->slot[at] - 1);
        if (strcmp(s->id, id) == 0)
            return s;
    }
    return NULL;
}

/* A whole number lo .. hi; false, and a fault, if it is none. */
static bool whole(mid__check *c, size_t i_line, yyjson_val *object, const char *name, int lo, int hi, int *out)
{
    yyjson_val *v = yyjson_obj_get(object, name);

    if (yyjson_is_int(v) && yyjson_get_sint(v) >= lo && yyjson_get_sint(v) <= hi) {
        *out = yyjson_get_int(v);
        return true;
    }
    if (hi == 1)
        mid__fault(c, "%s:%zu: %s must be 0 or 1", c->scores, i_line, name);
    else
        mid__fault(c, "%s:%zu: %s must be a whole number from %d to %d", c->scores, i_line, name, lo, hi);
    return false;
}

/* A list of numbers into the arena; null before the first number only. NULL with a fault. */
static double *numbers(mid__check *c, size_t i_line, yyjson_val *object, const char *name, uint32_t *n_out, bool *oom)
{
    yyjson_val *list = yyjson_obj_get(object, name), *v;
    const size_t n = yyjson_arr_size(list);
    double *at = n ? mid__arena_get(&c->texts, n * sizeof *at) : NULL;
    size_t i, max;
    bool begun = false;

    *oom = n && !at;
    if (!n)
        mid__fault(c, "%s:%zu: %s must be a list of numbers, one a token", c->scores, i_line, name);
    if (!at)
        return NULL;
    yyjson_arr_foreach(list, i, max, v) {
        at[i] = yyjson_is_num(v) ? yyjson_get_num(v) : -INFINITY;
        if (!isfinite(at[i]) && (begun || !yyjson_is_null(v))) {
            mid__fault(c, "%s:%zu: %s[%zu] is no finite number%s", c->scores, i_line, name, i,
                       begun && yyjson_is_null(v) ? "; null may stand before the first number only" : "");
            return NULL;
        }
        begun = begun || isfinite(at[i]);
    }
    *n_out = (uint32_t)n;
    return at;
}

static void groups(const mid__subset *set, mid__entry *e)
{
    char text[GROUP_TEXT];
    size_t n = mid__group_text(set->group, e->sample, text, sizeof text);

    e->group = mid__crc32(text, n);
    n = mid__group_text("prompt", e->sample, text, sizeof text);
    e->prompt = mid__crc32(text, n);
}

static const mid__subset *set_named(const mid__check *c, const char *name)
{
    size_t i;

    for (i = 0; i < c->n_set; i++)
        if (strcmp(c->set[i].name, name) == 0)
            return &c->set[i];
    return NULL;
}

/* What a line is about. false, and a fault, if nobody can tell; in silence if its dataset has had its fault. */
static bool subject(mid__check *c, size_t i_line, yyjson_val *object, mid__entry *e)
{
    const char *dataset = mid__report_text(object, "dataset"), *id = mid__report_text(object, "id");
    const mid__subset *set = set_named(c, dataset);

    e->monitor = mid__report_text(object, "monitor");
    if (!*e->monitor || !*id || !*dataset) {
        mid__fault(c, "%s:%zu: monitor, dataset and id must be texts", c->scores, i_line);
        return false;
    }
    if (!set) {
        mid__fault(c, "%s:%zu: dataset '%.60s' is not among those of results.json", c->scores, i_line, dataset);
        return false;
    }
    e->i_set = (size_t)(set - c->set);
    if (!set->data)
        return false;
    e->sample = sample_of(set, id);
    if (!e->sample) {
        mid__fault(c, "%s:%zu: %s has no answer '%.60s'", c->scores, i_line, dataset, id);
        return false;
    }
    e->i_sample = (size_t)(e->sample - mid_dataset_at(set->data, 0));
    return true;
}

static mid_status add(mid__check *c, const mid__entry *e)
{
    mid__entry *more;

    if (c->n_entry == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 256;
        more = realloc(c->entry, c->cap * sizeof *more);
        if (!more)
            return mid__oom(c->ctx, c->scores);
        c->entry = more;
    }
    c->entry[c->n_entry++] = *e;
    return MID_OK;
}

static mid_status read_line(mid__check *c, size_t i_line, yyjson_val *object)
{
    mid__entry e = { .i_line = i_line, .onset_tok = -1 };
    uint32_t n_rule;
    int onset = -1;
    bool oom = false, ok;

    if (!subject(c, i_line, object, &e))
        return MID_OK;
    e.monitor = mid__arena_text(&c->texts, e.monitor, strlen(e.monitor));
    ok = whole(c, i_line, object, "label", 0, 1, &e.label);
    ok = whole(c, i_line, object, "fold", 0, MID__FOLD_MAX, &e.fold) && ok;
    if (ok && e.sample->response && e.sample->label >= 0 && e.sample->label != e.label)
        mid__fault(c, "%s:%zu: label %d, but '%.60s' has %d", c->scores, i_line, e.label, e.sample->id,
                   e.sample->label);
    e.score = e.rule_score = numbers(c, i_line, object, "scores", &e.n_tok, &oom);
    if (e.score && yyjson_obj_get(object, "rule_scores")) {
        e.rule_score = numbers(c, i_line, object, "rule_scores", &n_rule, &oom);
        if (e.rule_score && n_rule != e.n_tok) {
            mid__fault(c, "%s:%zu: %u rule_scores for %u scores", c->scores, i_line, n_rule, e.n_tok);
            e.rule_score = NULL;
        }
    }
    if (oom || !e.monitor)
        return mid__oom(c->ctx, c->scores);
    if (!ok || !e.score || !e.rule_score)
        return MID_OK;
    if (yyjson_obj_get(object, "onset_tok") && whole(c, i_line, object, "onset_tok", -1, (int)e.n_tok - 1, &onset))
        e.onset_tok = onset;
    groups(&c->set[e.i_set], &e);
    return add(c, &e);
}

/* ---- all lines together ------------------------------------------------------------------------------------------ */

static int entry_order(const void *a, const void *b)
{
    const mid__entry *p = a, *q = b;
    int order;

    if (p->i_set != q->i_set)
        return p->i_set < q->i_set ? -1 : 1;
    order = strcmp(p->monitor, q->monitor);
    if (!order)
        order = (p->i_sample > q->i_sample) - (p->i_sample < q->i_sample);
    return order ? order : (p->i_line > q->i_line) - (p->i_line < q->i_line);
}

static bool same_run(const mid__entry *a, const mid__entry *b)
{
    return a->i_set == b->i_set && strcmp(a->monitor, b->monitor) == 0;
}

static int cut_order(const void *a, const void *b)
{
    const mid__entry *p = *(mid__entry *const *)a, *q = *(mid__entry *const *)b;

    if (p->i_set != q->i_set)
        return p->i_set < q->i_set ? -1 : 1;
    if (p->cut != q->cut)
        return p->cut < q->cut ? -1 : 1;
    return (p->i_line > q->i_line) - (p->i_line < q->i_line);
}

/* Answers that share `cut` but no fold: one fault each cut. */
static void check_folds(mid__check *c, mid__entry **by, size_t n, const char *of)
{
    size_t i, first = 0;
    bool told = false;

    qsort(by, n, sizeof *by, cut_order);
    for (i = 1; i < n; i++) {
        const mid__entry *a = by[first], *b = by[i];
        if (a->i_set != b->i_set || a->cut != b->cut) {
            first = i;
            told = false;
        } else if (a->fold != b->fold && !told) {
            mid__fault(c, "%s:%zu: '%.60s' is in fold %d, but '%.60s' (line %zu) of the same %s in fold %d: folds "
                          "are cut by prompt", c->scores, b->i_line, b->sample->id, b->fold, a->sample->id, a->i_line,
                       of, a->fold);
            told = true;
        }
    }
}

/* Each monitor once on every answer; n_monitor and n_answer are counted on the way. */
static void check_runs(mid__check *c)
{
    size_t i, end, k;

    for (i = 0; i < c->n_entry; i = end) {
        const mid__subset *set = &c->set[c->entry[i].i_set];
        size_t n = 1;
        for (end = i + 1; end < c->n_entry && same_run(&c->entry[i], &c->entry[end]); end++) {
            if (c->entry[end].i_sample != c->entry[end - 1].i_sample)
                n++;
            else
                mid__fault(c, "%s:%zu: '%.60s' by %.60s stands in line %zu already", c->scores, c->entry[end].i_line,
                           c->entry[end].sample->id, c->entry[end].monitor, c->entry[end - 1].i_line);
        }
        if (n != set->n)
            mid__fault(c, "%s: %zu answers of %s by %.60s, results.json says n %zu: every monitor is measured on "
                          "all of them", c->scores, n, set->name, c->entry[i].monitor, set->n);
        for (k = 0; k < i && strcmp(c->entry[k].monitor, c->entry[i].monitor) != 0; k++)
            ;
        c->seen.n_monitor += k == i;
        c->seen.n_answer += i == 0 || c->entry[i].i_set != c->entry[i - 1].i_set ? n : 0;
    }
}

static int group_order(const void *a, const void *b)
{
    const mid__entry *p = *(mid__entry *const *)a, *q = *(mid__entry *const *)b;

    if (p->i_set != q->i_set)
        return p->i_set < q->i_set ? -1 : 1;
    if (p->group != q->group)
        return p->group < q->group ? -1 : 1;
    return (p->i_sample > q->i_sample) - (p->i_sample < q->i_sample);
}

/* Groups are numbered as they come in the data, as a run numbers them, so that a seed draws the same prompts. */
static void number_groups(mid__check *c, mid__entry **by)
{
    size_t i, first = 0;

    for (i = 0; i < c->n_entry; i++)
        by[i] = &c->entry[i];
    qsort(by, c->n_entry, sizeof *by, group_order);
    for (i = 0; i < c->n_entry; i++) {
        if (by[i]->i_set != by[first]->i_set || by[i]->group != by[first]->group)
            first = i;
        by[i]->cut = (uint32_t)by[first]->i_sample;
    }
    for (i = 0; i < c->n_entry; i++)
        c->entry[i].group = c->entry[i].cut;
}

static mid_status check_together(mid__check *c)
{
    mid__entry **by = malloc((c->n_entry + 1) * sizeof *by);
    size_t i, n = 0;

    if (!by)
        return mid__oom(c->ctx, c->scores);
    qsort(c->entry, c->n_entry, sizeof *c->entry, entry_order);
    check_runs(c);
    for (i = 0; i < c->n_entry; i++) {
        c->entry[i].cut = c->entry[i].prompt;
        by[i] = &c->entry[i];
    }
    check_folds(c, by, c->n_entry, "prompt");
    for (i = 0; i < c->n_entry; i++) {
        c->entry[i].cut = c->entry[i].group;
        if (strcmp(c->set[c->entry[i].i_set].group, "prompt") != 0)
            by[n++] = &c->entry[i];
    }
    check_folds(c, by, n, "group");
    number_groups(c, by);
    free(by);
    return MID_OK;
}

mid_status mid__submission_scores(mid__check *c)
{
    mid__jsonl lines;
    yyjson_val *object;
    char *bytes = NULL;
    size_t n;
    mid_status status = mid__file_read(c->ctx, c->scores, 0, &bytes, &n);

    if (status != MID_OK)
        return status;
    mid__jsonl_init(&lines, c->scores, bytes, n);
    do {
        status = mid__jsonl_next(c->ctx, &lines, &object);
        if (status == MID_OK && object)
            status = read_line(c, lines.i_line, object);
    } while (status == MID_OK && object);
    mid__jsonl_clear(&lines);
    free(bytes);
    return status == MID_OK ? check_together(c) : status;
}
