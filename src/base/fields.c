/* Typed loading of YAML. */
#include "base/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/utf8.h"

enum { NAME_MAX_N = 200, KEY_MAX = 40 };

mid_status mid__field_named(const mid__yaml_file *file, const mid__yaml *at, const char *what, mid__name_fn names)
{
    const char *all[NAME_MAX_N];
    size_t n;

    for (n = 0; n < NAME_MAX_N && names(n); n++) {
        if (strcmp(names(n), at->text) == 0)
            return MID_OK;
        all[n] = names(n);
    }
    return mid__yaml_unknown(file, at, what, at->text, all, n);
}

mid_status mid__field_text(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    return mid__yaml_text(file, value, (const char **)(void *)(object + f->at));
}

mid_status mid__field_choice(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    const char *text;
    mid_status status = mid__yaml_text(file, value, &text);

    if (status == MID_OK)
        status = mid__field_named(file, value, f->key, f->names);
    if (status == MID_OK)
        memcpy(object + f->at, &text, sizeof text);
    return status;
}

mid_status mid__field_whole(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, int64_t *number)
{
    return mid__yaml_whole(file, value, (int64_t)f->lo, (int64_t)f->hi, number);
}

mid_status mid__field_u32(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    int64_t number;
    mid_status status = mid__field_whole(file, value, f, &number);

    if (status == MID_OK)
        *(uint32_t *)(void *)(object + f->at) = (uint32_t)number;
    return status;
}

mid_status mid__field_int(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    int64_t number;
    mid_status status = mid__field_whole(file, value, f, &number);

    if (status == MID_OK)
        *(int *)(void *)(object + f->at) = (int)number;
    return status;
}

mid_status mid__field_seed(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    int64_t number;
    mid_status status = mid__yaml_whole(file, value, 0, INT64_MAX, &number);

    if (status == MID_OK)
        *(uint64_t *)(void *)(object + f->at) = (uint64_t)number;
    return status;
}

mid_status mid__field_float(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    double number;
    mid_status status = mid__yaml_number(file, value, f->lo, f->hi, &number);

    if (status == MID_OK)
        *(float *)(void *)(object + f->at) = (float)number;
    return status;
}

mid_status mid__field_double(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    return mid__yaml_number(file, value, f->lo, f->hi, (double *)(void *)(object + f->at));
}

mid_status mid__field_flag(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    return mid__yaml_flag(file, value, (bool *)(void *)(object + f->at));
}

mid_status mid__field_path(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    const char *at, *end, *home = getenv("HOME"), *put;
    mid_status status = mid__yaml_text(file, value, &at);
    mid__buf path;
    char name[80];

    mid__buf_init(&path, 4096);
    if (status == MID_OK && at[0] == '~' && (at[1] == '/' || !at[1]) && home) {
        mid__buf_text(&path, home);
        at += 1;
    }
    while (status == MID_OK && *at) {
        put = strncmp(at, "${", 2) == 0 ? at : strstr(at, "${");
        if (put != at) {
            mid__buf_put(&path, at, put ? (size_t)(put - at) : strlen(at));
            at = put ? put : "";
            continue;
        }
        end = strchr(at, '}');
        snprintf(name, sizeof name, "%.*s", end ? (int)(end - at - 2) : 0, at + 2);
        put = getenv(name);
        if (!end)
            status = mid__yaml_fail(file, value, "'%s' has a ${ without its }", f->key);
        else if (!put)
            status = mid__yaml_fail(file, value, "'%s' uses ${%s}, which is not set in the environment", f->key, name);
        else
            mid__buf_text(&path, put);
        at = end ? end + 1 : at;
    }
    if (status == MID_OK && path.n && mid__utf8_valid(path.at, path.n) != path.n)
        status = mid__yaml_fail(file, value, "'%s' is not UTF-8 once its ${...} are replaced", f->key);
    if (status == MID_OK && path.n == 0)
        status = mid__yaml_fail(file, value, "'%s' is empty once its ${...} are replaced", f->key);
    if (status == MID_OK && path.failed)
        status = mid__yaml_fail(file, value, "'%s' is longer than 4096 bytes", f->key);
    if (status == MID_OK) {
        put = mid__arena_text(file->arena, path.at, path.n);
        memcpy(object + f->at, &put, sizeof put);
        if (!put)
            status = mid__oom(file->ctx, "a path");
    }
    mid__buf_clear(&path);
    return status;
}

/* What was read ends up in results and logs, so a key may not ride in a URL. */
mid_status mid__field_url(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_status status = mid__field_text(file, value, f, object);

    if (status == MID_OK && strncmp(value->text, "http://", 7) != 0 && strncmp(value->text, "https://", 8) != 0)
        return mid__yaml_fail(file, value, "'%s' is '%.60s'; it must begin with http:// or https://", f->key,
                              value->text);
    if (status == MID_OK && strchr(value->text, '@'))
        return mid__yaml_fail(file, value, "'%s' has a user or password in it; name a variable with the key in "
                              "'key_env'", f->key);
    return status;
}

mid_status mid__field_list(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object,
                           size_t entry_size, void *entries)
{
    mid_status status = mid__yaml_expect(file, value, MID__YAML_LIST);
    void *at;

    if (status != MID_OK)
        return status;
    if (value->n == 0 || value->n > MID__FIELD_LIST_MAX)
        return mid__yaml_fail(file, value, "'%s' has %zu entries; it needs 1 to %d", f->key, value->n,
                              MID__FIELD_LIST_MAX);
    at = mid__arena_get(file->arena, value->n * entry_size);
    if (!at)
        return mid__oom(file->ctx, f->key);
    memcpy(object + f->at, &at, sizeof at);
    memcpy(object + f->n_at, &value->n, sizeof value->n);
    memcpy(entries, &at, sizeof at);
    return MID_OK;
}

mid_status mid__field_texts(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    const char **text;
    mid_status status = mid__field_list(file, value, f, object, sizeof *text, &text);
    const mid__yaml *e;

    for (e = value->first; e && status == MID_OK; e = e->next)
        status = mid__yaml_text(file, e, text++);
    return status;
}

mid_status mid__field_each(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    char *entry;
    mid_status status = mid__field_list(file, value, f, object, f->entry_size, &entry);
    const mid__yaml *e;

    for (e = value->first; e && status == MID_OK; e = e->next, entry += f->entry_size)
        status = f->entry(file, e, entry);
    return status;
}

/* An own parameter of a monitor or rule: of the type its default has. */
static mid_status read_param(const mid__yaml_file *file, const mid__yaml *value, const mid_param *known,
                             mid_param *param)
{
    param->name = known->name;
    if (known->text)
        return mid__yaml_text(file, value, &param->text);
    return mid__yaml_number(file, value, -1e300, 1e300, &param->number);
}

static mid_status fail_key(const mid__yaml_file *file, const mid__yaml *entry, const mid__field *fields,
                           const mid_param *params)
{
    const char *name[KEY_MAX];
    size_t n = 0;

    for (; fields->key && n < KEY_MAX; fields++)
        name[n++] = fields->key;
    for (; params && params->name && n < KEY_MAX; params++)
        name[n++] = params->name;
    return mid__yaml_unknown(file, entry, "key", entry->key, name, n);
}

mid_status mid__field_map(const mid__yaml_file *file, const mid__yaml *map, const mid__field *fields, void *object,
                           const mid_param *params, mid_param *given)
{
    mid_status status = mid__yaml_expect(file, map, MID__YAML_MAP);
    const mid_param *p;
    const mid__yaml *e;
    const mid__field *f;

    for (e = map->first; e && status == MID_OK; e = e->next) {
        for (f = fields; f->key && strcmp(f->key, e->key) != 0; f++)
            ;
        for (p = params; p && p->name && strcmp(p->name, e->key) != 0; p++)
            ;
        if (f->key)
            status = f->read(file, e, f, object);
        else if (p && p->name)
            status = read_param(file, e, p, given++);
        else
            status = fail_key(file, e, fields, params);
    }
    for (f = fields; f->key && status == MID_OK; f++)
        if (f->required && !mid__yaml_find(map, f->key))
            status = mid__yaml_fail(file, map, "'%s' is missing here", f->key);
    return status;
}
