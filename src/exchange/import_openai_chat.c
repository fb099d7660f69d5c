/* Chats in OpenAI's form, one JSON object a line, as logs, fine-tuning files and batch results have it:
 *   messages  [{role, content}, ...], at the top, or in request, body or request.body
 *   choices   [{message: {role, content}}, ...], at the top, or in response or response.body; each makes a record
 * Without choices the answer is the last message, if the assistant's. content is a text or a list of {type: "text"}.
 * The prompt is the user's message where it is the only one; else all messages before the answer, "role: text" with
 * blank lines between, and the messages themselves go into meta.messages. */
#include "exchange/import.h"

#include <string.h>

#include "base/ctx.h"

/* A value at the first of these places that has it; each is outer.inner, either may be empty. */
static yyjson_val *find_in(yyjson_val *object, const char *const (*place)[2], const char *key)
{
    yyjson_val *value = NULL;

    for (; (*place)[0] && !value; place++) {
        yyjson_val *in = (*place)[0][0] ? yyjson_obj_get(object, (*place)[0]) : object;
        in = (*place)[1][0] ? yyjson_obj_get(in, (*place)[1]) : in;
        value = yyjson_obj_get(in, key);
    }
    return value;
}

static const char *const asked[][2] = { { "", "" }, { "request", "" }, { "body", "" }, { "request", "body" },
                                        { NULL, NULL } };
static const char *const answered[][2] = { { "", "" }, { "response", "" }, { "response", "body" }, { NULL, NULL } };

/* A message's text behind what is in out; false if it holds anything else. */
static bool put_content(mid__buf *out, yyjson_val *message)
{
    yyjson_val *content = yyjson_obj_get(message, "content"), *part, *text;
    size_t i, n;

    if (yyjson_is_str(content))
        return mid__buf_put(out, yyjson_get_str(content), yyjson_get_len(content));
    yyjson_arr_foreach(content, i, n, part) {
        text = yyjson_obj_get(part, "text");
        if (!yyjson_is_str(text))
            return false;
        mid__buf_put(out, yyjson_get_str(text), yyjson_get_len(text));
    }
    return yyjson_is_arr(content);
}

static bool is_role(yyjson_val *message, const char *role)
{
    return yyjson_equals_str(yyjson_obj_get(message, "role"), role);
}

/* The prompt of the first n messages; false if one holds anything but text. */
static bool put_prompt(mid__buf *out, yyjson_val *messages, size_t n)
{
    const bool alone = n == 1 && is_role(yyjson_arr_get_first(messages), "user");
    yyjson_val *message;
    size_t i, n_all;

    yyjson_arr_foreach(messages, i, n_all, message) {
        const char *role = yyjson_get_str(yyjson_obj_get(message, "role"));
        if (i == n)
            break;
        if (!alone)
            mid__buf_fmt(out, "%s%s: ", i ? "\n\n" : "", role ? role : "?");
        if (!put_content(out, message))
            return false;
    }
    return true;
}

struct chat {
    yyjson_val *object, *messages, *choices, *custom_id;
    size_t n_before;                /* messages before the answer */
};

/* One record: message is the answer, the i-th of n. */
static mid_status put_answer(mid__import *im, const mid__lines *l, const struct chat *c, yyjson_val *message, size_t i,
                             size_t n, mid__row *row)
{
    mid__buf prompt = { 0 }, text = { 0 };
    yyjson_val *model = find_in(c->object, answered, "model");
    mid_status status = MID_OK;
    char line[24], pick[24] = "";

    snprintf(line, sizeof line, "%zu", l->json.i_line);
    if (n > 1)
        snprintf(pick, sizeof pick, "-%zu", i + 1);
    mid__row_name(im, row, "%s%s", yyjson_is_str(c->custom_id) ? yyjson_get_str(c->custom_id) : line, pick);
    if (!put_prompt(&prompt, c->messages, c->n_before)) {
        mid__import_skip(im, "a message holds something that is not text");
    } else if (!put_content(&text, message)) {
        mid__import_skip(im, "the answer is not text (a tool call, or none)");
    } else {
        row->prompt = yyjson_mut_strncpy(row->doc, prompt.at ? prompt.at : "", prompt.n);
        row->response = yyjson_mut_strncpy(row->doc, text.at ? text.at : "", text.n);
        row->response_model = mid__row_copy(row, model ? model : find_in(c->object, asked, "model"));
        if (c->n_before > 1 || !is_role(yyjson_arr_get_first(c->messages), "user"))
            mid__row_meta(row, "messages", c->messages);
        mid__row_meta(row, "usage", find_in(c->object, answered, "usage"));
        status = prompt.failed || text.failed ? mid__oom(im->ctx, im->in)
                 : mid__import_put(im, l->json.path, l->json.i_line, row);
    }
    mid__buf_clear(&text);
    mid__buf_clear(&prompt);
    return status;
}

static mid_status put_choices(mid__import *im, const mid__lines *l, const struct chat *c, mid__row *row)
{
    yyjson_val *choice;
    mid_status status = MID_OK;
    size_t i, n;

    yyjson_arr_foreach(c->choices, i, n, choice) {
        if (i) {                    /* the first uses the row that the line began */
            mid__row_clear(row);
            status = mid__row_begin(im, row);
        }
        if (status == MID_OK)
            status = put_answer(im, l, c, yyjson_obj_get(choice, "message"), i, n, row);
        if (status != MID_OK)
            break;
    }
    return status;
}

static mid_status take(mid__import *im, const mid__lines *l, yyjson_val *object, const void *user, mid__row *row)
{
    struct chat c = { object, find_in(object, asked, "messages"), find_in(object, answered, "choices"),
                      yyjson_obj_get(object, "custom_id"), 0 };
    const size_t n = yyjson_arr_size(c.messages);

    (void)user;
    if (!c.custom_id)
        c.custom_id = find_in(object, answered, "id");
    if (!yyjson_is_arr(c.messages))
        return mid__jsonl_fail(im->ctx, &l->json, NULL, "messages", "\"messages\" is missing; it must be a list of "
                               "{\"role\", \"content\"}, at the top or in request or body");
    c.n_before = n;
    if (yyjson_arr_size(c.choices))
        return put_choices(im, l, &c, row);
    if (n < 2 || !is_role(yyjson_arr_get_last(c.messages), "assistant")) {
        mid__import_skip(im, "no answer: no choices, and the last message is not the assistant's");
        return MID_OK;
    }
    c.n_before = n - 1;
    return put_answer(im, l, &c, yyjson_arr_get_last(c.messages), 0, 1, row);
}

static mid_status read_chats(mid__import *im) { return mid__import_each(im, im->in, take, NULL); }

const mid__import_ops mid__import_openai_chat = {
    .info = { .name = "openai-chat", .summary = "chats with messages and maybe choices, one JSON object a line",
              .task = "chat" },
    .read = read_chats,
};
