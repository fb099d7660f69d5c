/* Answers as texts on channels, written down as a chat's events in any cut, and read back from what the guard lets
 * through. */
#ifndef MID_TEST_ANSWERS_H
#define MID_TEST_ANSWERS_H

#include "test.h"

#include "yyjson.h"

#include "base/buf.h"
#include "base/rng.h"
#include "base/sse.h"
#include "guard/filter.h"

/* A run of text; an answer is a list of them that ends with text NULL. */
struct run { uint32_t i_choice; const char *field, *text; };     /* field: content, reasoning_content, refusal, arguments */

static inline void put_delta(mid__buf *out, const struct run *run, const char *text, size_t n, const char *finish)
{
    mid__buf_fmt(out, "{\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":%u,"
                 "\"delta\":{", run->i_choice);
    if (n && strcmp(run->field, "arguments") == 0)
        mid__buf_text(out, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":");
    else if (n)
        mid__buf_fmt(out, "\"%s\":", run->field);
    if (n) {
        size_t i;                           /* as it is, also within a character */
        mid__buf_text(out, "\"");
        for (i = 0; i < n; i++)
            mid__buf_fmt(out, text[i] == '"' || text[i] == '\\' ? "\\%c" : text[i] == '\n' ? "\\n" : "%c", text[i]);
        mid__buf_text(out, strcmp(run->field, "arguments") == 0 ? "\"}}]" : "\"");
    }
    mid__buf_fmt(out, "},\"finish_reason\":%s%s%s}]}", finish ? "\"" : "", finish ? finish : "null", finish ? "\"" : "");
}

/* The answer's events. rng NULL: one event for each run; else deltas, comments and line ends fall by chance. */
static inline void put_answer(mid__buf *out, const struct run *run, uint32_t n_choice, mid__rng *rng)
{
    static const char *const ends[] = { "\n", "\r\n", "\r" };
    const char *end = rng ? ends[mid__rng_below(rng, 3)] : "\n";
    uint32_t i;

    for (; run->text; run++) {
        const size_t n = strlen(run->text);
        size_t at = 0;
        while (at < n) {
            const size_t most = rng && mid__rng_below(rng, 2) ? 3 : 40;
            size_t now = rng ? 1 + mid__rng_below(rng, (uint32_t)most) : n;
            now = now < n - at ? now : n - at;
            if (rng && mid__rng_below(rng, 20) == 0)
                mid__buf_fmt(out, ": alive%s%s", end, end);
            mid__buf_text(out, rng && mid__rng_below(rng, 2) ? "data:" : "data: ");
            put_delta(out, run, run->text + at, now, NULL);
            mid__buf_fmt(out, "%s%s", end, end);
            at += now;
        }
    }
    for (i = 0; i < n_choice; i++) {
        const struct run last = { i, "content", "" };
        mid__buf_text(out, "data: ");
        put_delta(out, &last, "", 0, "stop");
        mid__buf_fmt(out, "%s%s", end, end);
    }
    mid__buf_fmt(out, "data: [DONE]%s%s", end, end);
}

/* ---- read back ---- */

enum { CHANNEL_MAX = 4, CHOICES_MAX = 4 };
struct seen {
    mid__buf text[CHOICES_MAX][CHANNEL_MAX];    /* content, reasoning_content, refusal, arguments */
    char finish[CHOICES_MAX][32];
    char error[64];                             /* its code */
    bool done, usage;
    size_t n_event, n_behind_done;
};

static inline bool see_event(void *user, const char *data, size_t n)
{
    static const char *const field[] = { "content", "reasoning_content", "refusal" };
    struct seen *s = user;
    yyjson_doc *doc;
    yyjson_val *choice, *delta, *value;
    size_t i, k, n_choice;

    s->n_event++;
    s->n_behind_done += s->done;
    if (n == 6 && memcmp(data, "[DONE]", 6) == 0) {
        s->done = true;
        return true;
    }
    doc = yyjson_read_opts((char *)(uintptr_t)data, n, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL);
    CHECK(doc != NULL);
    value = yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(doc), "error"), "code");
    if (value)
        snprintf(s->error, sizeof s->error, "%s", yyjson_get_str(value));
    s->usage |= yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "usage"));
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "choices"), i, n_choice, choice) {
        const uint64_t at = yyjson_get_uint(yyjson_obj_get(choice, "index"));
        CHECK(at < CHOICES_MAX);
        delta = yyjson_obj_get(choice, "delta");
        for (k = 0; k < 3; k++)
            if ((value = yyjson_obj_get(delta, field[k])) && yyjson_is_str(value))
                mid__buf_put(&s->text[at][k], yyjson_get_str(value), yyjson_get_len(value));
        value = yyjson_obj_get(yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(delta, "tool_calls")), "function"),
                               "arguments");
        if (value)
            mid__buf_put(&s->text[at][3], yyjson_get_str(value), yyjson_get_len(value));
        value = yyjson_obj_get(choice, "finish_reason");
        if (yyjson_is_str(value)) {
            CHECK(s->finish[at][0] == 0);       /* a choice ends once */
            snprintf(s->finish[at], sizeof s->finish[at], "%s", yyjson_get_str(value));
        }
    }
    yyjson_doc_free(doc);
    return true;
}

static inline void see(struct seen *s, const char *stream, size_t n)
{
    mid__sse sse;

    memset(s, 0, sizeof *s);
    mid__sse_init(&sse);
    CHECK_OK(mid__sse_push(test_ctx(), &sse, stream, n, see_event, s));
    CHECK(!sse.has_data);                       /* no event without its end */
    mid__sse_clear(&sse);
}

static inline void forget(struct seen *s)
{
    size_t i, k;

    for (i = 0; i < CHOICES_MAX; i++)
        for (k = 0; k < CHANNEL_MAX; k++)
            mid__buf_clear(&s->text[i][k]);
}

static inline const char *seen_text(const struct seen *s, size_t i_choice, size_t channel)
{
    return s->text[i_choice][channel].at ? s->text[i_choice][channel].at : "";
}

/* ---- a policy ---- */

/* A config whose policy looks for "bomb" and "poison ivy"; more: further lines of the policy. */
static inline mid__config *test_config(const char *more)
{
    static const char words[] = "{\"term\":\"bomb\",\"weight\":2}\n{\"term\":\"poison ivy\",\"weight\":1}\n";
    const mid_guard_opts opts = mid_guard_opts_default();
    mid__config *config = NULL;
    char path[512], text[2048];

    snprintf(path, sizeof path, "%s", test_write("words.jsonl", words, sizeof words - 1));
    snprintf(text, sizeof text, "listen: 127.0.0.1:0\nupstream: { url: \"http://127.0.0.1:1\" }\npolicies:\n  - name: words\n"
             "    monitors: [ { monitor: lexicon, list: \"%s\", threshold: 1 } ]\n%s", path, more);
    CHECK_OK(mid__config_load(test_ctx(), test_write("guard.yaml", text, strlen(text)), &opts, &config));
    return config;
}

#endif
