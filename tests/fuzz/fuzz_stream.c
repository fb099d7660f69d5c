/* A model server's stream of any bytes, whole and cut in two: the same chunks with the same end, or a refusal with a
 * reason; tokens whose bytes are there and whose alternatives fall. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/chunk.h"
#include "base/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

enum { N_TOP = 2 };

static void must(int holds)
{
    if (!holds)
        abort();
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static const char seed[] =
        ": hi\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"Tea\"},\"logprobs\":{\"content\":[{\"id\":5,\"token\":\"Tea\",\"bytes\":"
        "[84,101,97],\"logprob\":-0.3,\"top_logprobs\":[{\"id\":5,\"token\":\"Tea\",\"logprob\":-0.3},{\"token\":\" no\",\"logprob\":"
        "-2.5}]}]}}]}\n\ndata: {\"choices\":[{\"text\":\"\\u2615\",\"logprobs\":{\"tokens\":[\"bytes:\\\\xe2\\\\x98\",\"\\\\x95\"],"
        "\"token_logprobs\":[-1,null],\"top_logprobs\":[{\"a\":-1,\"b\":-0.5,\"c\":-3},null]},\"finish_reason\":\"stop\"}]}\r\r"
        "data: {\"error\":\r\ndata: {\"message\":\"no\"}}\n\n";

    *n = sizeof seed - 1;
    return (const uint8_t *)seed;
}

struct reader { mid_ctx *ctx; mid__chunks chunks; mid_status status; };

static bool take(void *user, const char *data, size_t n)
{
    struct reader *r = user;

    must(data && data[n] == 0);
    r->status = mid__chunks_read(r->ctx, &r->chunks, data, n, N_TOP);
    return r->status == MID_OK;
}

static void read_stream(mid_ctx *ctx, const uint8_t *bytes, size_t n, size_t cut, struct reader *r)
{
    mid__sse sse;
    mid_status status;

    *r = (struct reader){ .ctx = ctx };
    mid__sse_init(&sse);
    mid__chunks_init(&r->chunks);
    status = mid__sse_push(ctx, &sse, (const char *)bytes, cut, take, r);
    if (status == MID_OK)
        status = mid__sse_push(ctx, &sse, (const char *)bytes + cut, n - cut, take, r);
    if (status != MID_OK)
        must(mid_ctx_message(ctx)[0] != 0);
    if (status != MID_OK && status != MID_ECANCEL)
        r->status = status;
    mid__sse_clear(&sse);
}

static void check_tokens(const mid__chunks *c)
{
    uint32_t i, k, at = 0;

    for (i = 0; i < c->n_tok; i++) {
        const mid__said_tok *tok = &c->tok[i];
        must(tok->at == at && (size_t)at + tok->n <= c->bytes.n && tok->n_top <= N_TOP);
        must(isnan(tok->lp) || (tok->lp <= 0 && tok->lp > -9999));
        for (k = 1; k < tok->n_top; k++)
            must(tok->top_lp[k] <= tok->top_lp[k - 1]);
        at += tok->n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct reader whole, cut;
    mid_ctx *ctx;

    must(mid_ctx_open(&ctx) == MID_OK);
    read_stream(ctx, bytes, n, n, &whole);
    read_stream(ctx, bytes, n, n ? bytes[0] % n : 0, &cut);
    must(whole.status == cut.status && whole.chunks.n_tok == cut.chunks.n_tok);
    must(whole.chunks.text.n == cut.chunks.text.n && strcmp(whole.chunks.finish, cut.chunks.finish) == 0);
    must(!whole.chunks.text.n || memcmp(whole.chunks.text.at, cut.chunks.text.at, whole.chunks.text.n) == 0);
    check_tokens(&whole.chunks);
    mid__chunks_take(&whole.chunks, whole.chunks.n_tok / 2);
    check_tokens(&whole.chunks);
    mid__chunks_clear(&whole.chunks);
    mid__chunks_clear(&cut.chunks);
    mid_ctx_close(ctx);
    return 0;
}
