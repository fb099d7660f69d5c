/* Reading JSON with a place for what is wrong. */
#include "report/report_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/file.h"

enum { SCHEMA = 1 };

/* The parser has changed the text it stopped in, so the place is counted in a fresh copy. */
static mid_status not_json(mid_ctx *ctx, const char *path, const yyjson_read_err *err)
{
    size_t n, line = 0, column = 0, at = 0;
    char *bytes = NULL;

    if (err->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return mid__oom(ctx, path);
    if (mid__file_read(ctx, path, 0, &bytes, &n) == MID_OK)
        yyjson_locate_pos(bytes, n, err->pos, &line, &column, &at);
    free(bytes);
    return mid__fail(ctx, MID_EFORMAT, "%s:%zu:%zu: not JSON (%s); run the plan again to write it anew", path, line,
                     column, err->msg);
}

mid_status mid__json_read(mid_ctx *ctx, const char *path, mid__json *json)
{
    yyjson_read_err err = { 0 };
    yyjson_val *schema;
    char *padded;
    size_t n;
    mid_status status = mid__file_read(ctx, path, 0, &json->bytes, &n);

    if (status != MID_OK)
        return status;
    padded = realloc(json->bytes, n + YYJSON_PADDING_SIZE);
    if (!padded)
        return mid__oom(ctx, path);
    json->bytes = padded;
    memset(padded + n, 0, YYJSON_PADDING_SIZE);
    json->doc = yyjson_read_opts(json->bytes, n, YYJSON_READ_INSITU, NULL, &err);
    if (!json->doc)
        return not_json(ctx, path, &err);
    schema = yyjson_obj_get(yyjson_doc_get_root(json->doc), "schema");
    if (!yyjson_is_int(schema))
        return mid__fail(ctx, MID_EFORMAT, "%s:1:1: no whole number named schema; this is no midstream result", path);
    if (yyjson_get_sint(schema) != SCHEMA)
        return mid__fail(ctx, MID_EVERSION, "%s: schema %lld, this program reads %d; use the midstream that wrote it",
                         path, (long long)yyjson_get_sint(schema), SCHEMA);
    return MID_OK;
}

void mid__json_clear(mid__json *json)
{
    yyjson_doc_free(json->doc);
    free(json->bytes);
    memset(json, 0, sizeof *json);
}

const char *mid__report_text(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));

    return text ? text : "";
}

double mid__report_number(yyjson_val *object, const char *name)
{
    yyjson_val *v = yyjson_obj_get(object, name);

    return yyjson_is_num(v) ? yyjson_get_num(v) : NAN;
}

const char *mid__report_agreement(yyjson_val *of, char text[80])
{
    const double value = mid__report_number(of, "value"), lo = mid__report_number(of, "lo");

    if (!isfinite(value))
        snprintf(text, 80, "undefined");
    else if (isfinite(lo))
        snprintf(text, 80, "%.3f (%.3f to %.3f)", value, lo, mid__report_number(of, "hi"));
    else
        snprintf(text, 80, "%.3f", value);
    return text;
}
