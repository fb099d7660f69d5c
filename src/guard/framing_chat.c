/* /v1/chat/completions. What is done with every field of an event, or of a body where `message` stands for `delta`:
 *   scanned  choices[].delta: content, reasoning_content | reasoning | thinking, refusal, tool_calls[].function.name
 *            and .arguments, function_call.name and .arguments; error, all of its words
 *   held     with that text: choices[].logprobs, which repeat it; choices[].finish_reason, until the verdict
 *   kept     id, object, created, model, system_fingerprint, service_tier, usage; choices[].index; delta.role;
 *            tool_calls[].index, id, type; and whatever holds numbers and flags only
 *   emptied  text in any other field: nobody reads it, so nobody may see it
 *   refused  content that is no string, an index that is no whole number from 0, a name that is none
 * Source: OpenAI's API reference (chat/create, chat/streaming) and what llama.cpp's server, vLLM and Azure send. */
#include "guard/framing.h"

#include <string.h>

#include "base/ctx.h"
#include "guard/strict.h"

static mid_status odd(mid_ctx *ctx, const char *what) { return mid__fail(ctx, MID_EFORMAT, "an event with %s", what); }

static bool is_one_of(yyjson_val *key, const char *const *name)
{
    for (; *name; name++)
        if (yyjson_equals_str(key, *name))
            return true;
    return false;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static mid_status add_span(mid_ctx *ctx, mid__view *view, yyjson_val *value, uint32_t i_choice, mid__channel channel,
                           uint32_t i_call)
{
    if (!value || yyjson_is_null(value))
        return MID_OK;
    if (!yyjson_is_str(value))
        return odd(ctx, "a text that is no string");
    if (view->n_span == MID__SPAN_MAX)
        return mid__fail(ctx, MID_ELIMIT, "an event with more than %d texts", MID__SPAN_MAX);
    if (yyjson_get_len(value))
        view->span[view->n_span++] = (mid__span){ value, i_choice, channel, i_call };
    return MID_OK;
}

/* A field that nobody knows: it may say numbers, not words. */
static mid_status drop(mid_ctx *ctx, mid__view *view, yyjson_val *key, yyjson_val *value)
{
    if (!mid__strict_name(yyjson_get_str(key), yyjson_get_len(key)))
        return odd(ctx, "a field whose name is none");
    if (!mid__strict_has_text(value))
        return MID_OK;
    view->changed = true;
    return mid__strict_drop_text(value) ? MID_OK : odd(ctx, "a field whose name is none");
}

/* A field that names something: a model, a role, an id. */
static mid_status keep_name(mid_ctx *ctx, mid__view *view, yyjson_val *key, yyjson_val *value)
{
    return yyjson_is_str(value) && mid__strict_name(yyjson_get_str(value), yyjson_get_len(value)) ? MID_OK
           : drop(ctx, view, key, value);
}

/* ---- a choice ---------------------------------------------------------------------------------------------------- */

static mid_status read_function(mid_ctx *ctx, mid__view *view, yyjson_val *function, uint32_t i_choice, uint32_t i_call)
{
    mid_status status = yyjson_is_obj(function) ? MID_OK : odd(ctx, "a function that is no object");
    yyjson_val *key, *value;
    size_t i, n;

    yyjson_obj_foreach(function, i, n, key, value) {
        if (status != MID_OK)
            return status;
        if (yyjson_equals_str(key, "name"))
            status = add_span(ctx, view, value, i_choice, MID__CHANNEL_TOOL_NAME, i_call);
        else if (yyjson_equals_str(key, "arguments"))
            status = add_span(ctx, view, value, i_choice, MID__CHANNEL_TOOL_ARGUMENTS, i_call);
        else
            status = drop(ctx, view, key, value);
    }
    return status;
}

static mid_status read_index(mid_ctx *ctx, yyjson_val *object, uint64_t otherwise, uint32_t *index)
{
    yyjson_val *at = yyjson_obj_get(object, "index");
    const uint64_t number = at ? yyjson_get_uint(at) : otherwise;

    if ((at && !yyjson_is_uint(at)) || number >= 1 << 16)
        return odd(ctx, "an index that is no whole number from 0");
    *index = (uint32_t)number;
    return MID_OK;
}

static mid_status read_calls(mid_ctx *ctx, mid__view *view, yyjson_val *calls, uint32_t i_choice)
{
    static const char *const kept[] = { "id", "type", NULL };
    yyjson_val *call, *key, *value;
    mid_status status = MID_OK;
    size_t i, k, n, m;
    uint32_t i_call;

    if (yyjson_is_null(calls))
        return MID_OK;
    if (!yyjson_is_arr(calls))
        return odd(ctx, "tool_calls that are no list");
    yyjson_arr_foreach(calls, i, n, call) {
        status = yyjson_is_obj(call) ? read_index(ctx, call, i, &i_call) : odd(ctx, "a tool call that is no object");
        if (status != MID_OK)
            return status;
        yyjson_obj_foreach(call, k, m, key, value) {
            if (yyjson_equals_str(key, "function"))
                status = read_function(ctx, view, value, i_choice, i_call);
            else if (is_one_of(key, kept))
                status = keep_name(ctx, view, key, value);
            else
                status = drop(ctx, view, key, value);
            if (status != MID_OK)
                return status;
        }
    }
    return status;
}

static mid_status read_delta(mid_ctx *ctx, mid__view *view, yyjson_val *delta, uint32_t i_choice)
{
    static const char *const reasoning[] = { "reasoning_content", "reasoning", "thinking", NULL };
    mid_status status = yyjson_is_obj(delta) || yyjson_is_null(delta) ? MID_OK : odd(ctx, "a delta that is no object");
    yyjson_val *key, *value;
    size_t i, n;

    yyjson_obj_foreach(delta, i, n, key, value) {
        if (status != MID_OK)
            return status;
        if (yyjson_equals_str(key, "content"))
            status = add_span(ctx, view, value, i_choice, MID__CHANNEL_CONTENT, 0);
        else if (is_one_of(key, reasoning))
            status = add_span(ctx, view, value, i_choice, MID__CHANNEL_REASONING, 0);
        else if (yyjson_equals_str(key, "refusal"))
            status = add_span(ctx, view, value, i_choice, MID__CHANNEL_REFUSAL, 0);
        else if (yyjson_equals_str(key, "tool_calls"))
            status = read_calls(ctx, view, value, i_choice);
        else if (yyjson_equals_str(key, "function_call") && !yyjson_is_null(value))
            status = read_function(ctx, view, value, i_choice, MID__NO_CHOICE);
        else if (yyjson_equals_str(key, "role"))
            status = keep_name(ctx, view, key, value);
        else
            status = drop(ctx, view, key, value);
    }
    return status;
}

/* Log-probabilities spell the text once more, and the likeliest other words: they go where the text goes. Without a
 * text they have nowhere to go. */
static void read_beside(mid__view *view, mid__ending *ending, yyjson_val *value, uint32_t n_span)
{
    if (view->n_span > n_span)
        ending->beside = value;
    else if (mid__strict_has_text(value))
        view->changed |= mid__strict_drop_text(value);
}

static mid_status read_choice(mid_ctx *ctx, mid__view *view, yyjson_val *choice, bool whole)
{
    const uint32_t n_span = view->n_span;
    mid__ending *ending = &view->ending[view->n_ending];
    yyjson_val *key, *value, *logprobs = NULL;
    mid_status status = yyjson_is_obj(choice) ? MID_OK : odd(ctx, "a choice that is no object");
    size_t i, n;

    if (status == MID_OK && view->n_ending == MID__SPAN_MAX)
        return mid__fail(ctx, MID_ELIMIT, "an event with more than %d choices", MID__SPAN_MAX);
    *ending = (mid__ending){ .i_choice = 0 };
    if (status == MID_OK)
        status = read_index(ctx, choice, 0, &ending->i_choice);
    view->n_ending++;
    yyjson_obj_foreach(choice, i, n, key, value) {
        if (status != MID_OK)
            return status;
        if (yyjson_equals_str(key, whole ? "message" : "delta")) {
            status = read_delta(ctx, view, value, ending->i_choice);
            ending->content = yyjson_obj_get(value, "content");
        } else if (yyjson_equals_str(key, "finish_reason") && yyjson_is_str(value)) {
            ending->finish = value;
            status = keep_name(ctx, view, key, value);
        } else if (yyjson_equals_str(key, "logprobs"))
            logprobs = value;
        else
            status = drop(ctx, view, key, value);
    }
    if (status == MID_OK && logprobs)
        read_beside(view, ending, logprobs, n_span);
    return status;
}

/* ---- the event --------------------------------------------------------------------------------------------------- */

/* All words of an error, however it is built. */
static mid_status read_error(mid_ctx *ctx, mid__view *view, yyjson_val *value)
{
    mid_status status = MID_OK;
    yyjson_val *key, *entry;
    size_t i, n;

    if (yyjson_is_str(value))
        return add_span(ctx, view, value, MID__NO_CHOICE, MID__CHANNEL_ERROR, 0);
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, n, key, entry) {
            if (status == MID_OK && !mid__strict_name(yyjson_get_str(key), yyjson_get_len(key)))
                status = odd(ctx, "a field whose name is none");
            if (status == MID_OK)
                status = read_error(ctx, view, entry);
        }
    } else {
        yyjson_arr_foreach(value, i, n, entry)
            if (status == MID_OK)
                status = read_error(ctx, view, entry);
    }
    return status;
}

static mid_status read_event(mid_ctx *ctx, yyjson_val *root, bool whole, mid__view *view)
{
    static const char *const kept[] = { "id", "object", "model", "system_fingerprint", "service_tier", "obfuscation",
                                        NULL };
    yyjson_val *key, *value, *choice, *error = yyjson_obj_get(root, "error");
    mid_status status = MID_OK;
    size_t i, k, n, m;

    view->n_span = view->n_ending = 0;
    view->changed = false;
    view->is_error = error ? !yyjson_is_null(error) : whole && !yyjson_obj_get(root, "choices");
    if (view->is_error)
        return read_error(ctx, view, root);
    if (!yyjson_is_arr(yyjson_obj_get(root, "choices")))
        return odd(ctx, "no choices");
    yyjson_obj_foreach(root, i, n, key, value) {
        if (yyjson_equals_str(key, "choices")) {
            yyjson_arr_foreach(value, k, m, choice)
                if (status == MID_OK)
                    status = read_choice(ctx, view, choice, whole);
        } else
            status = is_one_of(key, kept) ? keep_name(ctx, view, key, value) : drop(ctx, view, key, value);
        if (status != MID_OK)
            return status;
    }
    return MID_OK;
}

static void note_name(yyjson_val *value, char *to, size_t room)
{
    const size_t n = yyjson_get_len(value);

    if (yyjson_is_str(value) && n < room && mid__strict_name(yyjson_get_str(value), n))
        memcpy(to, yyjson_get_str(value), n + 1);
}

static void note_ids(yyjson_val *root, mid__ids *ids)
{
    note_name(yyjson_obj_get(root, "id"), ids->id, sizeof ids->id);
    note_name(yyjson_obj_get(root, "model"), ids->model, sizeof ids->model);
    if (yyjson_is_int(yyjson_obj_get(root, "created")))
        ids->created = yyjson_get_sint(yyjson_obj_get(root, "created"));
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_head(const mid__ids *ids, mid__buf *out)
{
    mid__buf_fmt(out, "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\",\"created\":%lld,\"model\":\"%s\","
                 "\"choices\":[", ids->id, (long long)ids->created, ids->model);
}

static void put_stop(const mid__ids *ids, const mid__stop *stop, mid__buf *out)
{
    if (stop->say[0]) {
        put_head(ids, out);
        mid__buf_fmt(out, "{\"index\":%u,\"delta\":{\"content\":", stop->i_choice);
        mid__framing_put_text(out, stop->say, strlen(stop->say));
        mid__buf_text(out, "},\"finish_reason\":null}]}\n\n");
    }
    put_head(ids, out);
    mid__buf_fmt(out, "{\"index\":%u,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n", stop->i_choice, stop->finish);
}

static void put_usage(const mid__ids *ids, uint64_t n_tok, mid__buf *out)
{
    put_head(ids, out);
    mid__buf_fmt(out, "],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":%llu,\"total_tokens\":%llu}}\n\n",
                 (unsigned long long)n_tok, (unsigned long long)n_tok);
}

static void put_end(mid__buf *out) { mid__buf_text(out, "data: [DONE]\n\n"); }

static bool is_end(const char *data, size_t n) { return n == 6 && memcmp(data, "[DONE]", 6) == 0; }

static const char *const asks[] = {
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "messages", "metadata", "min_p", "modalities", "model", "n", "parallel_tool_calls", "prediction",
    "presence_penalty", "reasoning_effort", "repeat_penalty", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_k", "top_logprobs",
    "top_p", "user", "verbosity", NULL
};

const mid__framing mid__framing_chat = {
    .name = "chat", .path = "/v1/chat/completions", .asks = asks,
    .read = read_event, .note_ids = note_ids,
    .content_filter = "content_filter", .stopped = "stop",
    .put_stop = put_stop, .put_usage = put_usage, .put_end = put_end, .is_end = is_end,
};
