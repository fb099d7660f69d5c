/* RAGTruth (Niu et al. 2024, arXiv 2401.00396): answers of six models to prompts that hold the source, with the spans
 * that people found unsupported. Two files in one folder:
 *   source_info.jsonl  source_id, task_type (QA, Summary, Data2txt), source, prompt
 *   response.jsonl     id, source_id, model, temperature, labels [{start, end, text, label_type, ...}], split, quality,
 *                      response
 * start and end count characters; ours count bytes. An answer with a span is unsafe, whatever the span's kind (also
 * implicit_true: true, but not in the source); the kinds stay in meta.spans. Their train is our cal. */
#include "exchange/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

typedef struct source { const char *id, *prompt, *task_type, *source; } source;
typedef struct sources {
    mid__arena text;
    mid__buf list;                  /* of source, sorted by id once all are there */
    size_t n;
} sources;

/* A text, or a whole number as one; NULL for anything else. */
static const char *copy_text(mid__arena *arena, yyjson_val *value)
{
    char number[32];

    if (yyjson_is_str(value))
        return mid__arena_text(arena, yyjson_get_str(value), yyjson_get_len(value));
    if (!yyjson_is_int(value))
        return NULL;
    snprintf(number, sizeof number, "%lld", (long long)yyjson_get_sint(value));
    return mid__arena_text(arena, number, strlen(number));
}

static mid_status take_source(mid__import *im, const mid__lines *l, yyjson_val *object, sources *s)
{
    static const char *const key[] = { "source_id", "prompt" };
    const source one = {
        copy_text(&s->text, yyjson_obj_get(object, "source_id")), copy_text(&s->text, yyjson_obj_get(object, "prompt")),
        copy_text(&s->text, yyjson_obj_get(object, "task_type")), copy_text(&s->text, yyjson_obj_get(object, "source")),
    };
    size_t i;

    for (i = 0; i < 2; i++)
        if (!(i ? one.prompt : one.id))
            return mid__jsonl_fail(im->ctx, &l->json, NULL, key[i], "\"%s\" is missing; it must be a text", key[i]);
    if (!mid__buf_put(&s->list, &one, sizeof one))
        return mid__oom(im->ctx, im->in);
    s->n += 1;
    return MID_OK;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const source *)a)->id, ((const source *)b)->id);
}

static mid_status read_sources(mid__import *im, const char *path, sources *s)
{
    mid__lines l;
    yyjson_val *object;
    mid_status status = mid__lines_open(im->ctx, path, &l);

    do {
        if (status == MID_OK)
            status = mid__lines_next(im->ctx, &l, &object);
        if (status == MID_OK && object)
            status = take_source(im, &l, object, s);
    } while (status == MID_OK && object);
    mid__lines_close(&l);
    if (status == MID_OK && s->n)
        qsort(s->list.at, s->n, sizeof(source), by_id);
    return status;
}

/* Where character i of a valid text begins, in bytes; -1: it has fewer. */
static int64_t byte_of(const char *text, size_t n, uint64_t i)
{
    size_t at;

    for (at = 0; at < n && i; i--)
        for (at++; at < n && ((unsigned char)text[at] & 0xc0) == 0x80; at++)
            ;
    return i ? -1 : (int64_t)at;
}

/* One of labels as our span. MID_EFORMAT where it is no span of the response, or not the text it says it is. */
static mid_status add_span(mid__import *im, const mid__lines *l, mid__row *row, yyjson_val *response, yyjson_val *label,
                           yyjson_mut_val *spans, int64_t *onset)
{
    static const char *const kept[] = { "label_type", "implicit_true", "due_to_null" };
    const char *text = yyjson_get_str(response), *said = yyjson_get_str(yyjson_obj_get(label, "text"));
    const size_t n = yyjson_get_len(response);
    yyjson_val *from = yyjson_obj_get(label, "start"), *to = yyjson_obj_get(label, "end");
    const int64_t start = yyjson_is_uint(from) ? byte_of(text, n, yyjson_get_uint(from)) : -1;
    const int64_t end = yyjson_is_uint(to) ? byte_of(text, n, yyjson_get_uint(to)) : -1;
    yyjson_mut_val *span = yyjson_mut_arr_add_obj(row->doc, spans);
    char shown[64];
    size_t i;

    if (start < 0 || end < start || start == (int64_t)n)
        return mid__jsonl_fail(im->ctx, &l->json, NULL, "labels", "\"labels\" has %s; start and end must be characters "
                               "of the response", mid__jsonl_show(label, shown));
    if (said && (strlen(said) != (size_t)(end - start) || memcmp(said, text + start, strlen(said)) != 0))
        return mid__jsonl_fail(im->ctx, &l->json, NULL, "labels", "\"labels\" has %s; from start to end the response "
                               "has another text", mid__jsonl_show(label, shown));
    yyjson_mut_obj_add_sint(row->doc, span, "start", start);
    yyjson_mut_obj_add_sint(row->doc, span, "end", end);
    for (i = 0; i < sizeof kept / sizeof *kept; i++) {
        yyjson_mut_val *copy = mid__row_copy(row, yyjson_obj_get(label, kept[i]));
        if (copy)
            yyjson_mut_obj_add_val(row->doc, span, kept[i], copy);
    }
    *onset = *onset < 0 || start < *onset ? start : *onset;
    return MID_OK;
}

static mid_status add_labels(mid__import *im, const mid__lines *l, mid__row *row, yyjson_val *response,
                             yyjson_val *labels)
{
    yyjson_mut_val *spans = yyjson_mut_arr(row->doc);
    yyjson_val *label;
    int64_t onset = -1;
    mid_status status;
    size_t i, n;

    if (!yyjson_is_arr(labels))
        return mid__jsonl_fail(im->ctx, &l->json, NULL, "labels", "\"labels\" must be a list of spans");
    yyjson_arr_foreach(labels, i, n, label) {
        status = add_span(im, l, row, response, label, spans, &onset);
        if (status != MID_OK)
            return status;
    }
    row->label = yyjson_mut_uint(row->doc, n > 0);
    row->label_source = yyjson_mut_str(row->doc, "human");
    if (onset >= 0)
        yyjson_mut_obj_add_sint(row->doc, row->meta, "onset", onset);
    yyjson_mut_obj_add_val(row->doc, row->meta, "spans", spans);
    return MID_OK;
}

static void add_rest(mid__row *row, yyjson_val *object, const source *s)
{
    static const char *const kept[] = { "source_id", "temperature", "quality" };
    yyjson_val *split = yyjson_obj_get(object, "split");
    size_t i;

    if (split)
        yyjson_mut_obj_add_str(row->doc, row->meta, "split", yyjson_equals_str(split, "test") ? "test" : "cal");
    for (i = 0; i < sizeof kept / sizeof *kept; i++)
        mid__row_meta(row, kept[i], yyjson_obj_get(object, kept[i]));
    if (s->source)
        yyjson_mut_obj_add_str(row->doc, row->meta, "source", s->source);
    row->category = s->task_type ? yyjson_mut_str(row->doc, s->task_type) : NULL;
    row->lang = yyjson_mut_str(row->doc, "en");
}

static mid_status take_response(mid__import *im, const mid__lines *l, yyjson_val *object, const void *user,
                                mid__row *row)
{
    const sources *s = user;
    yyjson_val *response = yyjson_obj_get(object, "response");
    mid__arena arena = { 0 };
    const char *id = copy_text(&arena, yyjson_obj_get(object, "id"));
    const source key = { .id = copy_text(&arena, yyjson_obj_get(object, "source_id")) };
    const source *found = key.id && s->n ? bsearch(&key, s->list.at, s->n, sizeof key, by_id) : NULL;
    mid_status status = MID_OK;

    if (!id || !key.id) {
        status = mid__jsonl_fail(im->ctx, &l->json, NULL, id ? "source_id" : "id", "\"%s\" is missing; it must be a "
                                 "text", id ? "source_id" : "id");
    } else if (!found) {
        mid__import_skip(im, "no source of that source_id");
    } else if (!yyjson_is_str(response) || !yyjson_get_len(response)) {
        mid__import_skip(im, "no response");
    } else {
        mid__row_name(im, row, "%s", id);
        row->prompt = yyjson_mut_str(row->doc, found->prompt);
        row->response = mid__row_copy(row, response);
        row->response_model = mid__row_copy(row, yyjson_obj_get(object, "model"));
        add_rest(row, object, found);
        status = add_labels(im, l, row, response, yyjson_obj_get(object, "labels"));
        if (status == MID_OK)
            status = mid__import_put(im, l->json.path, l->json.i_line, row);
    }
    mid__arena_clear(&arena);
    return status;
}

static mid_status read_folder(mid__import *im)
{
    mid__buf responses = { 0 }, infos = { 0 };
    sources s = { .n = 0 };
    mid_status status = MID_OK;

    if (!mid__buf_fmt(&responses, "%s/response.jsonl", im->in) || !mid__buf_fmt(&infos, "%s/source_info.jsonl", im->in))
        status = mid__oom(im->ctx, im->in);
    if (status == MID_OK)
        status = read_sources(im, infos.at, &s);
    if (status == MID_OK)
        status = mid__import_each(im, responses.at, take_response, &s);
    mid__buf_clear(&s.list);
    mid__arena_clear(&s.text);
    mid__buf_clear(&infos);
    mid__buf_clear(&responses);
    return status;
}

const mid__import_ops mid__import_ragtruth = {
    .info = { .name = "ragtruth", .summary = "RAGTruth's folder with response.jsonl and source_info.jsonl",
              .task = "grounded" },
    .read = read_folder,
};
