/* Requests. Only fields that the framing names go on, each once, so that the upstream reads what was checked here; and
 * of the numbers, those by which one request could cost without limit have one. What is asked is the upstream's
 * matter. */
#include "guard/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "guard/strict.h"

enum { STOP_MAX = 16, TOP_MAX = 20 };

/* A whole number from lo to hi; missing or null: otherwise. */
static mid_status read_number(mid_ctx *ctx, yyjson_val *root, const char *key, uint64_t lo, uint64_t hi,
                              uint64_t otherwise, uint64_t *number)
{
    yyjson_val *value = yyjson_obj_get(root, key);

    *number = otherwise;
    if (!value || yyjson_is_null(value))
        return MID_OK;
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) < lo || yyjson_get_uint(value) > hi)
        return mid__fail(ctx, MID_EINVAL, "'%s' must be a whole number from %llu to %llu here", key,
                         (unsigned long long)lo, (unsigned long long)hi);
    *number = yyjson_get_uint(value);
    return MID_OK;
}

static mid_status read_flag(mid_ctx *ctx, yyjson_val *object, const char *key, bool *flag)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    *flag = yyjson_is_true(value);
    return !value || yyjson_is_bool(value) || yyjson_is_null(value) ? MID_OK
           : mid__fail(ctx, MID_EINVAL, "'%s' must be true or false", key);
}

static mid_status check(mid_ctx *ctx, yyjson_val *root, const mid__config *config, mid__request *out)
{
    yyjson_val *model = yyjson_obj_get(root, "model");
    uint64_t number;
    mid_status status = read_number(ctx, root, "n", 1, config->n_choice, 1, &number);

    out->n_choice = (uint32_t)number;
    if (status == MID_OK)
        status = read_number(ctx, root, "max_tokens", 1, config->max_tok, 1, &number);
    if (status == MID_OK)
        status = read_number(ctx, root, "max_completion_tokens", 1, config->max_tok, 1, &number);
    if (status == MID_OK)
        status = read_number(ctx, root, "top_logprobs", 0, TOP_MAX, 0, &number);
    if (status == MID_OK && yyjson_arr_size(yyjson_obj_get(root, "stop")) > STOP_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "'stop' has more than %d texts", STOP_MAX);
    if (status == MID_OK)
        status = read_flag(ctx, root, "stream", &out->stream);
    if (status == MID_OK)
        status = read_flag(ctx, yyjson_obj_get(root, "stream_options"), "include_usage", &out->usage);
    if (status == MID_OK && (!yyjson_is_str(model) || yyjson_get_len(model) >= sizeof out->model ||
                             strlen(yyjson_get_str(model)) != yyjson_get_len(model)))
        status = mid__fail(ctx, MID_EINVAL, "'model' must name a model in at most %zu bytes", sizeof out->model - 1);
    if (status == MID_OK)
        memcpy(out->model, yyjson_get_str(model), yyjson_get_len(model) + 1);
    return status;
}

/* The fields that the framing names. @return owned (free); NULL: out of memory. */
static char *write_known(yyjson_val *root, const mid__framing *framing, size_t *n)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = doc ? yyjson_mut_obj(doc) : NULL;
    bool ok = object != NULL;
    char *text = NULL;
    size_t i;

    if (ok)
        yyjson_mut_doc_set_root(doc, object);
    for (i = 0; ok && framing->asks[i]; i++) {
        yyjson_val *value = yyjson_obj_get(root, framing->asks[i]);
        if (value)
            ok = yyjson_mut_obj_add_val(doc, object, framing->asks[i], yyjson_val_mut_copy(doc, value));
    }
    if (ok)
        text = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, n);
    yyjson_mut_doc_free(doc);
    return text;
}

mid_status mid__request_read(mid_ctx *ctx, const mid__framing *framing, const mid__config *config, const char *body,
                             size_t n, mid__request *out)
{
    mid__request request = { .stream = false };
    yyjson_doc *doc = NULL;
    bool mended;
    mid_status status = mid__strict_read(ctx, body, n, &doc, &mended);

    if (status == MID_OK)
        status = check(ctx, yyjson_doc_get_root(doc), config, &request);
    if (status == MID_OK && !(request.body = write_known(yyjson_doc_get_root(doc), framing, &request.n)))
        status = mid__oom(ctx, "a request");
    yyjson_doc_free(doc);
    if (status == MID_OK)
        *out = request;
    return status;
}
