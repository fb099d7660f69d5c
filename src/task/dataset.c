/* Datasets: find the files that a name or path means, read every line into a sample, refuse the same id twice. All text
 * lives in one arena, so a sample is a handful of pointers and closing is one call. */
#include "midstream/sample.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/jsonl.h"
#include "task/record.h"

struct mid_dataset {
    mid__arena text;
    mid_sample *sample;             /* (n) */
    size_t n, cap;
    char *name;
    char hash[65];
};

/* What only loading needs. */
struct loader {
    mid_ctx *ctx;
    mid_dataset *d;
    mid__sha256 sha;
    const char **file;              /* (n_file) paths in the arena */
    size_t n_file;
    struct place { uint32_t i_file, i_line; } *place;       /* (d->cap) where each sample stood */
    uint32_t *slot;                 /* (n_slot) hash table of ids: 1 + sample, 0 free; at most half full */
    size_t n_slot;
};

/* ---- finding the files ------------------------------------------------------------------------------------------ */

static bool is_kind(const char *path, mode_t kind)
{
    struct stat info;

    return stat(path, &info) == 0 && (info.st_mode & S_IFMT) == kind;
}

static mid_status add_file(struct loader *l, const char *folder, const char *file)
{
    const size_t n = strlen(folder) + strlen(file) + 2;
    const char **more = realloc(l->file, (l->n_file + 1) * sizeof *more);
    char *path = mid__arena_get(&l->d->text, n);

    if (more)
        l->file = more;
    if (!more || !path)
        return mid__oom(l->ctx, "a dataset");
    snprintf(path, n, "%s%s%s", folder, *folder ? "/" : "", file);
    l->file[l->n_file++] = path;
    return MID_OK;
}

/* How many data-N.jsonl a folder holds; *whole says whether there is a data.jsonl. */
static size_t count_parts(const char *folder, bool *whole)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t n = 0;
    unsigned number;
    int n_read;

    *whole = false;
    while (dir && (entry = readdir(dir))) {
        *whole |= strcmp(entry->d_name, "data.jsonl") == 0;
        n_read = 0;
        if (sscanf(entry->d_name, "data-%5u.jsonl%n", &number, &n_read) == 1 && n_read && !entry->d_name[n_read])
            n++;
    }
    if (dir)
        closedir(dir);
    return n;
}

/* A folder's data.jsonl, or its data-1.jsonl, data-2.jsonl ...; no file if it has none. */
static mid_status find_in_folder(struct loader *l, const char *folder)
{
    bool whole;
    const size_t n = count_parts(folder, &whole);
    char part[32], *path;
    mid_status status;
    size_t i;

    if (whole)
        return add_file(l, folder, "data.jsonl");
    for (i = 1; i <= n; i++) {
        snprintf(part, sizeof part, "data-%zu.jsonl", i);
        status = add_file(l, folder, part);
        if (status != MID_OK)
            return status;
        path = (char *)(uintptr_t)l->file[i - 1];
        if (!is_kind(path, S_IFREG))
            return mid__fail(l->ctx, MID_EFORMAT, "%s is missing, although the folder has %zu parts; number them "
                             "1 to %zu", path, n, n);
    }
    return MID_OK;
}

/* A path to a file or folder; no file if there is nothing there. */
static mid_status find_at_path(struct loader *l, const char *path)
{
    return is_kind(path, S_IFREG) ? add_file(l, "", path) : find_in_folder(l, path);
}

static mid_status find_by_name(struct loader *l, const char *const *dirs, size_t n_dir, const char *name)
{
    mid__buf where = { 0 };
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; i < n_dir && !l->n_file && status == MID_OK; i++) {
        mid__buf folder = { 0 };
        mid__buf_fmt(&where, "%s%s", i ? ", " : "", dirs[i]);
        status = mid__buf_fmt(&folder, "%s/%s", dirs[i], name) ? find_in_folder(l, folder.at) : mid__oom(l->ctx, name);
        mid__buf_clear(&folder);
    }
    if (status == MID_OK && !l->n_file)
        status = find_at_path(l, name);
    if (status == MID_OK && !l->n_file)
        status = mid__fail(l->ctx, MID_ENOTFOUND, "no dataset '%s': no folder of that name with a data.jsonl (or "
                           "data-1.jsonl ...) in %s, and no such path; check the name or give the folder that holds it",
                           name, where.n ? where.at : "any folder (none was given)");
    mid__buf_clear(&where);
    return status;
}

static mid_status find_files(struct loader *l, const char *const *dirs, size_t n_dir, const char *name)
{
    mid_status status;

    if (!strchr(name, '/') && !strstr(name, ".jsonl"))
        return find_by_name(l, dirs, n_dir, name);
    status = find_at_path(l, name);
    if (status == MID_OK && !l->n_file)
        status = mid__fail(l->ctx, MID_ENOTFOUND, "%s: neither a file nor a folder with a data.jsonl (or "
                           "data-1.jsonl ...)", name);
    return status;
}

/* The last part of a path, without a file's .jsonl. */
static char *own_name(mid_dataset *d, const char *path)
{
    size_t end = strlen(path), at;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (at = end; at > 0 && path[at - 1] != '/'; at--)
        ;
    if (end - at > 6 && memcmp(path + end - 6, ".jsonl", 6) == 0)
        end -= 6;
    return mid__arena_text(&d->text, path + at, end - at);
}

/* ---- reading them ----------------------------------------------------------------------------------------------- */

static size_t slot_of(const struct loader *l, const char *id)
{
    size_t i = mid__fnv(MID__FNV_START, id, strlen(id)) & (l->n_slot - 1);

    while (l->slot[i] && strcmp(l->d->sample[l->slot[i] - 1].id, id) != 0)
        i = (i + 1) & (l->n_slot - 1);
    return i;
}

/* Room for one more sample: everything doubles together. */
static mid_status grow(struct loader *l)
{
    const size_t cap = l->d->cap ? 2 * l->d->cap : 256;
    void *sample, *place, *slot;
    size_t i;

    if (l->d->n < l->d->cap)
        return MID_OK;
    sample = realloc(l->d->sample, cap * sizeof *l->d->sample);
    if (sample)
        l->d->sample = sample;
    place = realloc(l->place, cap * sizeof *l->place);
    if (place)
        l->place = place;
    slot = calloc(2 * cap, sizeof *l->slot);
    if (!sample || !place || !slot) {
        free(slot);
        return mid__oom(l->ctx, "a dataset");
    }
    free(l->slot);
    l->slot = slot;
    l->n_slot = 2 * cap;
    l->d->cap = cap;
    for (i = 0; i < l->d->n; i++)
        l->slot[slot_of(l, l->d->sample[i].id)] = (uint32_t)i + 1;
    return MID_OK;
}

static mid_status add_record(struct loader *l, const mid__jsonl *lines, yyjson_val *object, size_t i_file)
{
    mid_dataset *d = l->d;
    mid_status status = grow(l);
    size_t slot;

    if (status == MID_OK)
        status = mid__record_read(l->ctx, lines, object, &d->text, &d->sample[d->n]);
    if (status != MID_OK)
        return status;
    slot = slot_of(l, d->sample[d->n].id);
    if (l->slot[slot]) {
        const struct place *first = &l->place[l->slot[slot] - 1];
        return mid__jsonl_fail(l->ctx, lines, NULL, "id", "\"id\" \"%.100s\" was used before, at %s:%u; give each "
                               "record its own", d->sample[d->n].id, l->file[first->i_file], first->i_line);
    }
    l->place[d->n] = (struct place){ (uint32_t)i_file, (uint32_t)lines->i_line };
    l->slot[slot] = (uint32_t)++d->n;
    return MID_OK;
}

static mid_status read_file(struct loader *l, size_t i_file)
{
    mid__jsonl lines;
    yyjson_val *object;
    char *bytes;
    size_t n;
    mid_status status = mid__file_read(l->ctx, l->file[i_file], 0, &bytes, &n);

    if (status != MID_OK)
        return status;
    mid__sha256_put(&l->sha, bytes, n);
    mid__jsonl_init(&lines, l->file[i_file], bytes, n);
    do {
        status = mid__jsonl_next(l->ctx, &lines, &object);
        if (status == MID_OK && object)
            status = add_record(l, &lines, object, i_file);
    } while (status == MID_OK && object);
    mid__jsonl_clear(&lines);
    free(bytes);
    return status;
}

mid_status mid_dataset_open(mid_ctx *ctx, const char *const *dirs, size_t n_dir, const char *name, mid_dataset **out)
{
    struct loader l = { .ctx = ctx, .d = calloc(1, sizeof *l.d) };
    mid_status status;
    size_t i;

    if (!l.d)
        return mid__oom(ctx, "a dataset");
    mid__sha256_init(&l.sha);
    l.d->name = own_name(l.d, name);
    status = l.d->name ? find_files(&l, dirs, n_dir, name) : mid__oom(ctx, "a dataset");
    for (i = 0; i < l.n_file && status == MID_OK; i++)
        status = read_file(&l, i);
    if (status == MID_OK && l.d->n == 0)
        status = mid__fail(ctx, MID_EFORMAT, "%s: no records in it; write one JSON object a line", l.file[0]);
    if (status == MID_OK) {
        mid__sha256_hex(&l.sha, l.d->hash);
        *out = l.d;
        l.d = NULL;
    }
    free(l.slot);
    free(l.place);
    free(l.file);
    mid_dataset_close(l.d);
    return status;
}

void mid_dataset_close(mid_dataset *d)
{
    if (!d)
        return;
    free(d->sample);
    mid__arena_clear(&d->text);
    free(d);
}

size_t mid_dataset_n(const mid_dataset *d) { return d->n; }
const mid_sample *mid_dataset_at(const mid_dataset *d, size_t i) { return &d->sample[i]; }
const char *mid_dataset_name(const mid_dataset *d) { return d->name; }
const char *mid_dataset_hash(const mid_dataset *d) { return d->hash; }
