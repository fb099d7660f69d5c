/* One record: every value's type and range is checked here, so that no later room needs to doubt a sample. Keys beside
 * the known ones are accepted; id, task, prompt and response must be there, any other that is absent reads as null. */
#include "task/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

struct reader {
    mid_ctx *ctx;
    const mid__jsonl *lines;
    yyjson_val *object;             /* the record */
    mid__arena *text;
};

/* "key" is VALUE; it must be WHAT. outer: the object inside the record that holds key, or NULL. */
static mid_status refuse(const struct reader *r, const char *outer, const char *key, yyjson_val *value,
                         const char *what)
{
    char shown[64];

    return mid__jsonl_fail(r->ctx, r->lines, outer, key, "\"%s%s%s\" is %s; it must be %s", outer ? outer : "",
                           outer ? "." : "", key, value ? mid__jsonl_show(value, shown) : "missing", what);
}

static mid_status copy_text(const struct reader *r, const char *key, yyjson_val *value, const char **out)
{
    const size_t n = yyjson_get_len(value);
    const char *text = yyjson_get_str(value);

    if (strlen(text) != n)
        return mid__jsonl_fail(r->ctx, r->lines, NULL, key, "\"%s\" holds a NUL character (\\u0000) at byte %zu of its "
                               "text; remove it", key, strlen(text));
    *out = mid__arena_text(r->text, text, n);
    return *out ? MID_OK : mid__oom(r->ctx, "a dataset");
}

static mid_status get_text(const struct reader *r, const char *key, bool needed, const char **out)
{
    yyjson_val *value = yyjson_obj_get(r->object, key);

    if (yyjson_is_str(value))
        return copy_text(r, key, value, out);
    if (needed || (value && !yyjson_is_null(value)))
        return refuse(r, NULL, key, value, needed ? "a text" : "a text or null");
    *out = NULL;
    return MID_OK;
}

/* A list of texts; null is an empty one. */
static mid_status get_texts(const struct reader *r, const char *key, const char *const **out, size_t *n_out)
{
    yyjson_val *value = yyjson_obj_get(r->object, key), *item;
    const char **list;
    mid_status status;
    size_t i, n;

    if (!value || yyjson_is_null(value))
        return MID_OK;
    if (!yyjson_is_arr(value))
        return refuse(r, NULL, key, value, "a list of texts or null");
    list = mid__arena_get(r->text, yyjson_arr_size(value) * sizeof *list);
    if (!list)
        return mid__oom(r->ctx, "a dataset");
    yyjson_arr_foreach(value, i, n, item) {
        if (!yyjson_is_str(item))
            return refuse(r, NULL, key, value, "a list of texts only");
        status = copy_text(r, key, item, &list[i]);
        if (status != MID_OK)
            return status;
    }
    *out = list;
    *n_out = yyjson_arr_size(value);
    return MID_OK;
}

/* 0, 1 or null. */
static mid_status get_flag(const struct reader *r, const char *outer, const char *key, yyjson_val *value, int *out)
{
    *out = -1;
    if (!value || yyjson_is_null(value))
        return MID_OK;
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) > 1)
        return refuse(r, outer, key, value, "0, 1 or null");
    *out = (int)yyjson_get_uint(value);
    return MID_OK;
}

static bool is_task(const char *name)
{
    const mid_task_info *task;

    for (task = mid_task_list(); task->name; task++)
        if (strcmp(task->name, name) == 0)
            return true;
    return false;
}

static mid_status check_names(const struct reader *r, const mid_sample *s)
{
    if (!s->id[0])
        return refuse(r, NULL, "id", yyjson_obj_get(r->object, "id"), "a text that is not empty");
    if (!is_task(s->task))
        return refuse(r, NULL, "task", yyjson_obj_get(r->object, "task"),
                      "chat, code, continuation, grounded, moderation, qa or translation");
    if (s->label_source && strcmp(s->label_source, "human") && strcmp(s->label_source, "rule")
        && strncmp(s->label_source, "model:", 6))
        return refuse(r, NULL, "label_source", yyjson_obj_get(r->object, "label_source"),
                      "\"human\", \"rule\", \"model:<name>\" or null");
    return MID_OK;
}

/* An offset into a response of n bytes. */
static bool is_offset(yyjson_val *value, size_t n) { return yyjson_is_uint(value) && yyjson_get_uint(value) <= n; }

/* meta.spans or meta.sentences: half open pieces of the response. */
static mid_status check_pieces(const struct reader *r, yyjson_val *meta, const char *key, size_t n_response)
{
    yyjson_val *list = yyjson_obj_get(meta, key), *item, *start, *end;
    size_t i, n;

    if (!list || yyjson_is_null(list))
        return MID_OK;
    if (!yyjson_is_arr(list))
        return refuse(r, "meta", key, list, "a list of {\"start\", \"end\"} or null");
    yyjson_arr_foreach(list, i, n, item) {
        start = yyjson_obj_get(item, "start");
        end = yyjson_obj_get(item, "end");
        if (!is_offset(start, n_response) || !is_offset(end, n_response)
            || yyjson_get_uint(start) > yyjson_get_uint(end)) {
            char shown[64];
            return mid__jsonl_fail(r->ctx, r->lines, "meta", key, "\"meta.%s\" has %s; it must be 0 <= start <= end <= "
                                   "%zu, bytes of the response", key, mid__jsonl_show(item, shown), n_response);
        }
    }
    return MID_OK;
}

/* meta.sentences, whose places are checked. */
static mid_status get_sentences(const struct reader *r, yyjson_val *meta, mid_sample *s)
{
    yyjson_val *list = yyjson_obj_get(meta, "sentences"), *item;
    mid_sentence *sentence;
    size_t i, n;
    mid_status status = MID_OK;

    if (!list || yyjson_is_null(list))
        return MID_OK;
    sentence = mid__arena_get(r->text, (yyjson_arr_size(list) + 1) * sizeof *sentence);
    if (!sentence)
        return mid__oom(r->ctx, "a dataset");
    yyjson_arr_foreach(list, i, n, item) {
        sentence[i].start = (uint32_t)yyjson_get_uint(yyjson_obj_get(item, "start"));
        sentence[i].end = (uint32_t)yyjson_get_uint(yyjson_obj_get(item, "end"));
        status = get_flag(r, "meta.sentences", "label", yyjson_obj_get(item, "label"), &sentence[i].label);
        if (status != MID_OK)
            return status;
    }
    s->sentence = sentence;
    s->n_sentence = yyjson_arr_size(list);
    return MID_OK;
}

static mid_status get_onset(const struct reader *r, yyjson_val *meta, mid_sample *s)
{
    yyjson_val *onset = yyjson_obj_get(meta, "onset");
    const size_t n = s->response ? strlen(s->response) : 0;

    if (!onset || yyjson_is_null(onset))
        return MID_OK;
    if (!is_offset(onset, n) || yyjson_get_uint(onset) == n) {
        char shown[64];
        return mid__jsonl_fail(r->ctx, r->lines, "meta", "onset", "\"meta.onset\" is %s; it must be null or a byte of "
                               "the response, which has %zu", mid__jsonl_show(onset, shown), n);
    }
    s->onset_byte = (int64_t)yyjson_get_uint(onset);
    return MID_OK;
}

static mid_status get_split(const struct reader *r, yyjson_val *meta, mid_sample *s)
{
    yyjson_val *split = yyjson_obj_get(meta, "split");

    if (!split || yyjson_is_null(split))
        return MID_OK;
    if (!yyjson_equals_str(split, "cal") && !yyjson_equals_str(split, "test"))
        return refuse(r, "meta", "split", split, "\"cal\", \"test\" or null");
    s->split = yyjson_equals_str(split, "cal") ? "cal" : "test";
    return MID_OK;
}

static mid_status keep_meta(const struct reader *r, yyjson_val *meta, mid_sample *s)
{
    size_t n;
    char *json = yyjson_val_write(meta, YYJSON_WRITE_NOFLAG, &n);

    if (json)
        s->meta = mid__arena_text(r->text, json, n);
    free(json);
    return s->meta ? MID_OK : mid__oom(r->ctx, "a dataset");
}

static mid_status get_meta(const struct reader *r, mid_sample *s)
{
    yyjson_val *meta = yyjson_obj_get(r->object, "meta"), *flag;
    const char *flag_key = "prompt_label";
    const size_t n_response = s->response ? strlen(s->response) : 0;
    mid_status status;

    if (!meta || yyjson_is_null(meta))
        return MID_OK;
    if (!yyjson_is_obj(meta))
        return refuse(r, NULL, "meta", meta, "an object or null");
    flag = yyjson_obj_get(meta, flag_key);
    if (!flag)
        flag = yyjson_obj_get(meta, flag_key = "unsafe_prompt");
    if ((status = get_flag(r, "meta", flag_key, flag, &s->prompt_label)) != MID_OK
        || (status = get_flag(r, "meta", "answerable", yyjson_obj_get(meta, "answerable"), &s->answerable)) != MID_OK
        || (status = get_split(r, meta, s)) != MID_OK
        || (status = get_onset(r, meta, s)) != MID_OK
        || (status = check_pieces(r, meta, "spans", n_response)) != MID_OK
        || (status = check_pieces(r, meta, "sentences", n_response)) != MID_OK
        || (status = get_sentences(r, meta, s)) != MID_OK)
        return status;
    return keep_meta(r, meta, s);
}

mid_status mid__record_read(mid_ctx *ctx, const mid__jsonl *lines, yyjson_val *object, mid__arena *text,
                            mid_sample *out)
{
    const struct reader r = { ctx, lines, object, text };
    mid_sample s = { .onset_byte = -1, .prompt_label = -1, .answerable = -1 };
    mid_status status;

    if ((status = get_text(&r, "id", true, &s.id)) != MID_OK
        || (status = get_text(&r, "task", true, &s.task)) != MID_OK
        || (status = get_text(&r, "prompt", true, &s.prompt)) != MID_OK
        || (status = get_text(&r, "response", false, &s.response)) != MID_OK
        || (status = get_text(&r, "response_model", false, &s.response_model)) != MID_OK
        || (status = get_texts(&r, "references", &s.reference, &s.n_reference)) != MID_OK
        || (status = get_texts(&r, "bad_references", &s.bad_reference, &s.n_bad_reference)) != MID_OK
        || (status = get_flag(&r, NULL, "label", yyjson_obj_get(object, "label"), &s.label)) != MID_OK
        || (status = get_text(&r, "label_source", false, &s.label_source)) != MID_OK
        || (status = get_text(&r, "category", false, &s.category)) != MID_OK
        || (status = get_text(&r, "lang", false, &s.lang)) != MID_OK
        || (status = check_names(&r, &s)) != MID_OK
        || (status = get_meta(&r, &s)) != MID_OK)
        return status;
    if (!yyjson_obj_get(object, "response"))
        return refuse(&r, NULL, "response", NULL, "a text, or null for a prompt to generate from");
    *out = s;
    return MID_OK;
}
