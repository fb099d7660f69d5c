/* The runs of a plan's shards, joined in one folder. What may be joined is what the runs have noted of themselves: the
 * plan, the engine with its build, every model's file and every dataset's hash. All is compared before the folder is
 * made; then each store is taken over in one batch, and a merge that was killed goes on where it was. */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/file.h"
#include "midstream/run.h"
#include "store/db.h"

struct fact { struct fact *next; const char *name, *value, *dir; };

/* The facts seen so far, each with the folder that it was first seen in. */
struct merge {
    mid__arena arena;
    struct fact *fact;
    const char *dir;                /* whose facts are being read */
    bool has_plan;                  /* it has one */
};

static mid_status open_run(mid_ctx *ctx, const char *dir, mid_store **store)
{
    mid__buf path = { 0 };
    mid_status status = MID_OK;

    mid__buf_fmt(&path, "%s/run.db", dir);
    if (path.failed)
        status = mid__oom(ctx, "a path");
    else if (access(path.at, R_OK) != 0)
        status = mid__fail(ctx, MID_ENOTFOUND, "%s: no run.db is there: name the folder that midstream run --shard was "
                           "given as --out", dir);
    if (status == MID_OK)
        status = mid_store_open(ctx, path.at, store);
    mid__buf_clear(&path);
    return status;
}

/* Where two texts begin to differ, from the last separator of JSON before it, so that a key is seen with its value. */
static size_t place_of_difference(const char *a, const char *b)
{
    size_t i = 0;

    while (a[i] && a[i] == b[i])
        i++;
    while (i > 0 && !strchr(",{[\n", a[i - 1]))
        i--;
    return i;
}

static mid_status compare(void *user, mid_ctx *ctx, const char *name, const char *value)
{
    struct merge *m = user;
    struct fact *f;
    size_t at;

    m->has_plan |= strcmp(name, "plan") == 0;
    for (f = m->fact; f && strcmp(f->name, name) != 0; f = f->next)
        ;
    if (f && strcmp(f->value, value) != 0) {
        at = place_of_difference(f->value, value);
        return mid__fail(ctx, MID_EMISMATCH, "%s and %s are not of one run: they differ in %s, which is ...%.80s in the "
                         "first and ...%.80s in the second; merge what was made with the same plan, engine, models and "
                         "data", f->dir, m->dir, name, f->value + at, value + at);
    }
    if (f)
        return MID_OK;
    f = mid__arena_get(&m->arena, sizeof *f);
    if (!f)
        return mid__oom(ctx, "a run's facts");
    f->name = mid__arena_text(&m->arena, name, strlen(name));
    f->value = mid__arena_text(&m->arena, value, strlen(value));
    f->dir = m->dir;
    f->next = m->fact;
    m->fact = f;
    return f->name && f->value ? MID_OK : mid__oom(ctx, "a run's facts");
}

static mid_status compare_run(mid_ctx *ctx, struct merge *m, const char *dir)
{
    mid_store *store = NULL;
    mid_status status = open_run(ctx, dir, &store);

    m->dir = dir;
    m->has_plan = false;
    if (status == MID_OK)
        status = mid__store_facts(ctx, store, compare, m);
    if (status == MID_OK && !m->has_plan)
        status = mid__fail(ctx, MID_EMISMATCH, "%s/run.db does not say which plan it is of: run the plan there once more",
                           dir);
    mid_store_close(store);
    return status;
}

static mid_status take_run(mid_ctx *ctx, mid_store *out, const char *dir)
{
    mid_store *store = NULL;
    mid_status status = open_run(ctx, dir, &store);

    if (status == MID_OK)
        status = mid__store_take(ctx, out, store);
    mid_store_close(store);
    return status;
}

mid_status mid_run_merge(mid_ctx *ctx, const char *out_dir, const char *const *in_dir, size_t n)
{
    struct merge m = { 0 };
    mid_store *out = NULL;
    mid__buf path = { 0 };
    mid__stage stage;
    mid_status status = MID_OK;
    size_t i;

    mid__buf_fmt(&path, "%s/run.db", out_dir);
    if (path.failed)
        status = mid__oom(ctx, "a path");
    else if (access(path.at, F_OK) == 0)
        status = compare_run(ctx, &m, out_dir);
    for (i = 0; status == MID_OK && i < n; i++)
        status = compare_run(ctx, &m, in_dir[i]);
    if (status == MID_OK)
        status = mid__file_mkdir(ctx, out_dir);
    if (status == MID_OK)
        status = mid_store_open(ctx, path.at, &out);
    mid__stage_begin(&stage, ctx, n, "runs", "merging");
    for (i = 0; status == MID_OK && i < n; i++) {
        status = take_run(ctx, out, in_dir[i]);
        if (status == MID_OK)
            status = mid__stage_step(&stage, 1);
    }
    mid_store_close(out);
    mid__buf_clear(&path);
    mid__arena_clear(&m.arena);
    return status;
}
