/* RFC 4180: CRLF line ends; a field with a comma, a quote or a line end is quoted, quotes inside are doubled. Numbers
 * are the fewest digits that read back as the same double. */
#include "report/csv.h"

#include <string.h>

static const char *const column[] = {
    "task", "dataset", "model", "observer", "monitor", "box", "rule", "metric", "value", "lo", "hi", "n", "n_unsafe",
    "n_prompts", "n_still_running", "labeler", "split", "fold", "access", "circular", "why", "seed", "at_tok",
    "at_frac", "subset", "retrospective", "p", "n_seeds", "prevalence",
};
enum { N_COLUMN = sizeof column / sizeof *column };

static void put_text(mid__buf *out, const char *text, size_t n)
{
    size_t i, from = 0;

    if (strcspn(text, ",\"\r\n") == n) {
        mid__buf_put(out, text, n);
        return;
    }
    mid__buf_text(out, "\"");
    for (i = 0; i < n; i++)
        if (text[i] == '"') {
            mid__buf_put(out, text + from, i + 1 - from);
            from = i;
        }
    mid__buf_put(out, text + from, n - from);
    mid__buf_text(out, "\"");
}

/* The JSON writer knows the shortest digits, ten times as fast as trying them; a pool of its own spares it malloc. */
static void put_real(mid__buf *out, yyjson_val *v)
{
    char pool[1024];
    yyjson_alc alc;
    size_t n;
    char *text = yyjson_alc_pool_init(&alc, pool, sizeof pool)
                 ? yyjson_val_write_opts(v, YYJSON_WRITE_INF_AND_NAN_AS_NULL, &alc, &n, NULL) : NULL;

    if (!text) {
        out->failed = true;
        return;
    }
    if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0)
        n -= 2;
    mid__buf_put(out, text, n);
}

static void put_whole(mid__buf *out, int64_t v)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--at = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--at = '-';
    mid__buf_put(out, at, (size_t)(digits + sizeof digits - at));
}

static void put_field(mid__buf *out, yyjson_val *v)
{
    if (yyjson_is_str(v))
        put_text(out, yyjson_get_str(v), yyjson_get_len(v));
    else if (yyjson_is_int(v))
        put_whole(out, yyjson_get_sint(v));
    else if (yyjson_is_real(v))
        put_real(out, v);
    else if (yyjson_is_bool(v))
        mid__buf_text(out, yyjson_get_bool(v) ? "true" : "false");
}

void mid__csv(mid__buf *out, yyjson_val *cells)
{
    yyjson_val *cell;
    yyjson_obj_iter it;
    size_t i, j, n;

    for (j = 0; j < N_COLUMN; j++) {
        mid__buf_text(out, j ? "," : "");
        mid__buf_text(out, column[j]);
    }
    mid__buf_text(out, "\r\n");
    yyjson_arr_foreach(cells, i, n, cell) {
        yyjson_obj_iter_init(cell, &it);
        for (j = 0; j < N_COLUMN; j++) {
            if (j)
                mid__buf_put(out, ",", 1);
            put_field(out, yyjson_obj_iter_get(&it, column[j]));
        }
        mid__buf_put(out, "\r\n", 2);
    }
}
