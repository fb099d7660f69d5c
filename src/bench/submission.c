/* Checking what somebody hands in: results.json for its datasets, then the scores, then every cell. Faults are told,
 * not returned: a reader wants all of them at once. Only what leaves nothing to look at ends the check. */
#include "bench/submission.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "report/report_json.h"

void mid__fault(mid__check *c, const char *fmt, ...)
{
    char line[600];
    va_list args;

    if (c->seen.n_fault++ >= MID__FAULT_TOLD || !c->fault)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    c->fault(c->user, line);
}

/* ---- datasets ---------------------------------------------------------------------------------------------------- */

static mid_status index_ids(mid__check *c, mid__subset *set)
{
    const size_t n = mid_dataset_n(set->data);
    size_t i, at;

    for (set->n_slot = 16; set->n_slot < 2 * n; set->n_slot *= 2)
        ;
    set->slot = calloc(set->n_slot, sizeof *set->slot);
    if (!set->slot)
        return mid__oom(c->ctx, set->name);
    for (i = 0; i < n; i++) {
        const char *id = mid_dataset_at(set->data, i)->id;
        for (at = mid__fnv(MID__FNV_START, id, strlen(id)) & (set->n_slot - 1); set->slot[at];
             at = (at + 1) & (set->n_slot - 1))
            ;
        set->slot[at] = (uint32_t)i + 1;
    }
    return MID_OK;
}

/* Of recorded answers none may be passed over in silence. */
static void check_count(mid__check *c, const mid__subset *set, size_t i)
{
    size_t k, n = 0;

    for (k = 0; k < mid_dataset_n(set->data); k++) {
        const mid_sample *s = mid_dataset_at(set->data, k);
        n += s->response && s->label >= 0;
    }
    if (n && set->n + set->n_left_out != n)
        mid__fault(c, "%s: datasets[%zu]: n %zu and n_left_out %zu, but %s has %zu labelled answers: count what is "
                      "left out", c->results, i, set->n, set->n_left_out, set->name, n);
}

static size_t count_of(yyjson_val *object, const char *name)
{
    const double v = mid__report_number(object, name);

    return v >= 0 && v < 1e15 ? (size_t)v : 0;
}

/* A name only: a path would have us read whatever its author likes. */
static const char *name_of(const char *dataset)
{
    const char *slash = strrchr(dataset, '/');

    return slash ? slash + 1 : dataset;
}

static mid_status open_set(mid__check *c, yyjson_val *object, size_t i, const char *const *dirs, size_t n_dir)
{
    mid__subset *set = &c->set[c->n_set++];
    const char *dataset = mid__report_text(object, "dataset"), *sha256 = mid__report_text(object, "sha256");
    const char *group = mid__report_text(object, "group");
    mid_status status;

    *set = (mid__subset){ .name = mid__report_text(object, "name"), .group = *group ? group : "prompt",
                          .n = count_of(object, "n"), .n_left_out = count_of(object, "n_left_out") };
    if (!*set->name)
        mid__fault(c, "%s: datasets[%zu]: has no name", c->results, i);
    if (strcmp(set->group, "prompt") != 0 && (strncmp(set->group, "id:", 3) != 0 || strlen(set->group) != 4))
        mid__fault(c, "%s: datasets[%zu]: group '%.40s': it is prompt or id:N", c->results, i, set->group);
    status = mid_dataset_open(c->ctx, dirs, n_dir, name_of(*dataset ? dataset : set->name), &set->data);
    if (status == MID_ENOTFOUND) {
        mid__fault(c, "%s: datasets[%zu]: not known here: %s", c->results, i, mid_ctx_message(c->ctx));
        return MID_OK;
    }
    if (status != MID_OK)
        return status;
    if (strcmp(mid_dataset_hash(set->data), sha256) != 0) {
        mid__fault(c, "%s: datasets[%zu]: %s with sha256 '%.16s...', the one known here has %.16s...: run on that one",
                   c->results, i, set->name, sha256, mid_dataset_hash(set->data));
        mid_dataset_close(set->data);
        set->data = NULL;
        return MID_OK;
    }
    check_count(c, set, i);
    return index_ids(c, set);
}

static mid_status open_sets(mid__check *c, yyjson_val *root, const char *const *dirs, size_t n_dir)
{
    yyjson_val *list = yyjson_obj_get(yyjson_obj_get(root, "provenance"), "datasets"), *object;
    mid_status status = MID_OK;
    size_t i, n;

    if (!yyjson_arr_size(list))
        mid__fault(c, "%s: provenance.datasets is missing or empty: which answers are these figures about?",
                   c->results);
    yyjson_arr_foreach(list, i, n, object) {
        if (status == MID_OK && c->n_set == MID__SUBMISSION_SETS)
            status = mid__fail(c->ctx, MID_ELIMIT, "%s: more than %d datasets", c->results, MID__SUBMISSION_SETS);
        if (status == MID_OK && !*mid__report_text(object, "skipped"))
            status = open_set(c, object, i, dirs, n_dir);
    }
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* results.json and scores.jsonl in the folder, or beside the file. */
static mid_status find_files(mid__check *c, const char *path, char results[4096], char scores[4096])
{
    const char *slash = strrchr(path, '/');
    int n_folder = slash ? (int)(slash + 1 - path) : 0;
    const bool folder = is_folder(path);

    if (strlen(path) > 4000)
        return mid__fail(c->ctx, MID_EINVAL, "%.40s...: a path may have 4000 bytes", path);
    snprintf(results, 4096, folder ? "%s/results.json" : "%s", path);
    if (folder)
        snprintf(scores, 4096, "%s/scores.jsonl", path);
    else
        snprintf(scores, 4096, "%.*sscores.jsonl", n_folder, path);
    c->results = results;
    c->scores = scores;
    return MID_OK;
}

static void clear(mid__check *c)
{
    size_t i;

    for (i = 0; i < c->n_set; i++) {
        mid_dataset_close(c->set[i].data);
        free(c->set[i].slot);
    }
    mid__arena_clear(&c->texts);
    free(c->entry);
    free(c);
}

mid_status mid_submission_check(mid_ctx *ctx, const char *path, const char *const *dirs, size_t n_dir,
                                mid_fault_fn fault, void *user, mid_submission *out)
{
    mid__check *c = calloc(1, sizeof *c);
    char results[4096], scores[4096];
    mid__json json = { 0 };
    yyjson_val *root;
    mid_status status;

    if (!c)
        return mid__oom(ctx, "a submission");
    c->ctx = ctx;
    c->fault = fault;
    c->user = user;
    status = find_files(c, path, results, scores);
    if (status == MID_OK)
        status = mid__json_read(ctx, results, &json);
    root = yyjson_doc_get_root(json.doc);
    if (status == MID_OK)
        status = open_sets(c, root, dirs, n_dir);
    if (status == MID_OK)
        status = mid__submission_scores(c);
    if (status == MID_OK)
        status = mid__submission_cells(c, root);
    if (status == MID_OK)
        *out = c->seen;
    mid__json_clear(&json);
    clear(c);
    return status;
}
