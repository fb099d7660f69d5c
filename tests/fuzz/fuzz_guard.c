/* The guard's filter on any bytes. The first byte says how: 0..63 a stream of events, also cut in two; 64..127 a body;
 * above a request's head and body. What leaves of a stream is whole events, the same wherever it was cut, and never a
 * text that was not freed; a body that leaves is JSON; a request that goes on is an object with each key once. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/sse.h"
#include "guard/filter.h"
#include "guard/head.h"
#include "guard/request.h"
#include "guard/strict.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

enum { LIMIT = 1 << 20, N_CHOICE = 2 };

static void must(int holds)
{
    if (!holds)
        abort();
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static const char seed[] =
        "\x07: hi\r\n\r\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Tea is\",\"x\":[\"y\"]},\"logprobs\":{\"content\":["
        "{\"token\":\"Tea\"}]}},{\"index\":1,\"delta\":{\"reasoning\":\"a weapon, a bomb. \"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":"
        "[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":"
        "\"\\ud83d.\"},\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    *n = sizeof seed - 1;
    return (const uint8_t *)seed;
}

/* A policy like those of a config, without a file. */
static void make_policy(mid_ctx *ctx, mid__policy *policy, mid__watch *watch)
{
    const mid_signals text = { .have = MID_SIG_TEXT };
    mid_monitor_spec spec;

    must(mid_monitor_spec_parse(ctx, "lexicon+max", &spec) == MID_OK);
    *watch = (mid__watch){ .name = "lexicon+max", .rule = { .name = "threshold", .threshold = 0.5, .feasible = true } };
    must(mid_monitor_spec_open(ctx, &spec, NULL, NULL, &text, &watch->monitor) == MID_OK);
    *policy = (mid__policy){ .name = "p", .mode_name = "block", .mode = MID__MODE_BLOCK, .hold_back = 2, .say = "end",
                             .watch = watch, .n_watch = 1 };
}

static mid__filter *open_filter(mid_ctx *ctx, const mid__policy *policy)
{
    const mid__filter_opts opts = { .policy = policy, .framing = &mid__framing_chat, .n_choice = N_CHOICE, .limit_bytes = LIMIT };
    mid__filter *f = NULL;

    must(mid__filter_open(ctx, &opts, &f) == MID_OK);
    return f;
}

static bool is_event(void *user, const char *data, size_t n)
{
    yyjson_doc *doc = NULL;
    bool mended;

    if (n == 6 && memcmp(data, "[DONE]", 6) == 0)
        return true;
    must(mid__strict_read(user, data, n, &doc, &mended) == MID_OK);
    yyjson_doc_free(doc);
    return true;
}

static void check_stream(mid_ctx *ctx, const mid__buf *out)
{
    mid__sse sse;

    mid__sse_init(&sse);
    must(mid__sse_push(ctx, &sse, out->at ? out->at : "", out->n, is_event, ctx) == MID_OK && !sse.has_data && sse.line.n == 0);
    mid__sse_clear(&sse);
}

static void fuzz_stream(mid_ctx *ctx, const mid__policy *policy, const char *bytes, size_t n, size_t cut)
{
    mid__filter *whole = open_filter(ctx, policy), *parts = open_filter(ctx, policy);
    mid__buf out = { 0 }, in_parts = { 0 };
    size_t i;

    mid__filter_events(whole, bytes, n, &out);
    mid__filter_end(whole, &out);
    mid__filter_events(parts, bytes, cut, &in_parts);
    mid__filter_events(parts, bytes + cut, n - cut, &in_parts);
    mid__filter_end(parts, &in_parts);
    check_stream(ctx, &out);
    check_stream(ctx, &in_parts);
    must(mid__filter_found(whole) == mid__filter_found(parts) && mid__filter_n_lane(whole) == mid__filter_n_lane(parts));
    for (i = 0; i < mid__filter_n_lane(whole); i++) {
        const mid__lane *a = mid__filter_lane(whole, i), *b = mid__filter_lane(parts, i);
        must(a->n_free == b->n_free && a->stop_byte == b->stop_byte && a->state == b->state);
        must(a->state != MID__LANE_OPEN && a->n_free <= a->n_byte);
    }
    mid__filter_close(whole);
    mid__filter_close(parts);
    mid__buf_clear(&out);
    mid__buf_clear(&in_parts);
}

static void fuzz_body(mid_ctx *ctx, const mid__policy *policy, const char *bytes, size_t n)
{
    mid__filter *f = open_filter(ctx, policy);
    mid__buf out = { 0 };

    must(mid__filter_body(f, bytes, n, &out) != MID__OUTCOME_OPEN);
    is_event(ctx, out.at, out.n);
    mid__filter_close(f);
    mid__buf_clear(&out);
}

static void fuzz_request(mid_ctx *ctx, const char *bytes, size_t n)
{
    const mid__config config = { .n_choice = 8, .max_tok = 1000 };
    mid__request request = { .body = NULL };
    char *copy = malloc(n + 1);
    mid__head head;
    int http = 0;

    must(copy != NULL);
    memcpy(copy, bytes, n);
    copy[n] = 0;
    if (mid__head_read(ctx, copy, n, &head, &http) == MID_OK)
        must(head.method && head.path[0] == '/' && head.n_body < 1000000000000000);
    else
        must(http >= 400 && http < 600);
    free(copy);
    if (mid__request_read(ctx, &mid__framing_chat, &config, bytes, n, &request) == MID_OK) {
        must(request.n_choice >= 1 && request.n_choice <= 8);
        is_event(ctx, request.body, request.n);
    }
    free(request.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = (const char *)bytes + 1;
    mid__policy policy;
    mid__watch watch;
    mid_ctx *ctx;

    if (n == 0)
        return 0;
    must(mid_ctx_open(&ctx) == MID_OK);
    make_policy(ctx, &policy, &watch);
    if (bytes[0] < 64)
        fuzz_stream(ctx, &policy, text, n - 1, n > 1 ? (size_t)bytes[0] * 37 % (n - 1) : 0);
    else if (bytes[0] < 128)
        fuzz_body(ctx, &policy, text, n - 1);
    else
        fuzz_request(ctx, text, n - 1);
    mid_monitor_close(watch.monitor);
    mid_ctx_close(ctx);
    return 0;
}
