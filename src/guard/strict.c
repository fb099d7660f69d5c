/* Strict JSON. yyjson checks the grammar; what it lets pass and we do not is looked for afterwards, on its tree.
 * Text that is not UTF-8 is let in: a server may cut a character between two events, and who reads the text replaces
 * what stays broken (base/piece.h). */
#include "guard/strict.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"

/* ---- surrogates -------------------------------------------------------------------------------------------------- */

static int hex4(const char *at)
{
    static const char digit[] = "0123456789abcdef";
    int i, x = 0;

    for (i = 0; i < 4; i++) {
        const char *found = at[i] ? strchr(digit, at[i] | 0x20) : NULL;
        if (!found || (at[i] >= 'P' && at[i] < 'a'))
            return -1;
        x = 16 * x + (int)(found - digit);
    }
    return x;
}

/* Code unit of the escape at `at`; -1: there is none. */
static int escape_at(const char *at, const char *end)
{
    return end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex4(at + 2) : -1;
}

/* Write U+FFFD over the halves of pairs. Escapes stand in strings only, so their grammar need not be known. */
static bool mend(char *json, size_t n)
{
    char *const end = json + n, *at = json;
    bool mended = false;

    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        const int unit = escape_at(at, end);
        const int next = unit >= 0xd800 && unit < 0xdc00 ? escape_at(at + 6, end) : -1;
        if (unit < 0xd800 || unit > 0xdfff) {
            at += end - at >= 2 ? 2 : 1;
        } else if (next >= 0xdc00 && next <= 0xdfff) {
            at += 12;
        } else {
            memcpy(at + 2, "fffd", 4);
            at += 6;
            mended = true;
        }
    }
    return mended;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

/* Keys of an object by their hash: 2 slots a key. */
static mid_status check_keys(mid_ctx *ctx, yyjson_val *object)
{
    enum { SLOTS = 2 * MID__STRICT_KEYS };
    yyjson_val *slot[SLOTS], *key, *value;
    yyjson_obj_iter it = yyjson_obj_iter_with(object);
    size_t h;

    if (yyjson_obj_size(object) > MID__STRICT_KEYS)
        return mid__fail(ctx, MID_ELIMIT, "an object with %zu keys, at most %d are read", yyjson_obj_size(object),
                         MID__STRICT_KEYS);
    memset(slot, 0, sizeof slot);
    while ((key = yyjson_obj_iter_next(&it))) {
        h = (size_t)mid__fnv(MID__FNV_START, yyjson_get_str(key), yyjson_get_len(key)) % SLOTS;
        for (; (value = slot[h]); h = (h + 1) % SLOTS)
            if (yyjson_equals(value, key))
                return mid__fail(ctx, MID_EFORMAT, "the key '%.60s' stands twice in one object", yyjson_get_str(key));
        slot[h] = key;
    }
    return MID_OK;
}

static mid_status check(mid_ctx *ctx, yyjson_val *value, int depth)
{
    mid_status status = MID_OK;
    yyjson_val *key, *entry;
    size_t i, n;

    if (!yyjson_is_ctn(value))
        return MID_OK;
    if (depth == MID__STRICT_DEPTH)
        return mid__fail(ctx, MID_ELIMIT, "more than %d levels of JSON", MID__STRICT_DEPTH);
    if (yyjson_is_obj(value)) {
        if (yyjson_obj_size(value) > 1)
            status = check_keys(ctx, value);
        yyjson_obj_foreach(value, i, n, key, entry)
            if (status == MID_OK)
                status = check(ctx, entry, depth + 1);
    } else {
        yyjson_arr_foreach(value, i, n, entry)
            if (status == MID_OK)
                status = check(ctx, entry, depth + 1);
    }
    return status;
}

mid_status mid__strict_read(mid_ctx *ctx, const char *json, size_t n, yyjson_doc **out, bool *mended)
{
    char *copy = malloc(n + 1);
    yyjson_read_err error = { 0 };
    yyjson_doc *doc;
    mid_status status;

    if (!copy)
        return mid__oom(ctx, "JSON");
    memcpy(copy, json, n);
    *mended = mend(copy, n);
    doc = n ? yyjson_read_opts(copy, n, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, &error) : NULL;
    free(copy);
    if (!doc && error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return mid__oom(ctx, "JSON");
    if (!doc)
        return mid__fail(ctx, MID_EFORMAT, "no JSON: %s at byte %zu", n ? error.msg : "nothing", error.pos);
    status = yyjson_is_obj(yyjson_doc_get_root(doc)) ? check(ctx, yyjson_doc_get_root(doc), 0)
             : mid__fail(ctx, MID_EFORMAT, "JSON that is no object");
    if (status == MID_OK)
        *out = doc;
    else
        yyjson_doc_free(doc);
    return status;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

bool mid__strict_name(const char *text, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= 'A' && text[i] <= 'Z') &&
            !(text[i] >= '0' && text[i] <= '9') && (!text[i] || !strchr("_-.:/@+", text[i])))
            return false;
    return n <= MID__STRICT_NAME_BYTES;
}

static bool is_name(yyjson_val *key) { return mid__strict_name(yyjson_get_str(key), yyjson_get_len(key)); }

bool mid__strict_has_text(yyjson_val *value)
{
    yyjson_val *key, *entry;
    size_t i, n;

    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, n, key, entry)
            if (!is_name(key) || mid__strict_has_text(entry))
                return true;
    } else {
        yyjson_arr_foreach(value, i, n, entry)
            if (mid__strict_has_text(entry))
                return true;
    }
    return yyjson_is_str(value) && yyjson_get_len(value) > 0;
}

bool mid__strict_drop_text(yyjson_val *value)
{
    bool all = true;
    yyjson_val *key, *entry;
    size_t i, n;

    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, n, key, entry)
            all = is_name(key) && mid__strict_drop_text(entry) && all;
    } else {
        yyjson_arr_foreach(value, i, n, entry)
            all = mid__strict_drop_text(entry) && all;
    }
    if (yyjson_is_str(value))
        yyjson_set_strn(value, "", 0);
    return all;
}
