/* A judge server's response of any bytes: refused with a reason, or a list of words whose verdict is a probability or
 * none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

static void must(int holds)
{
    if (!holds)
        abort();
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static const char seed[] =
        "{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Yes\"},\"logprobs\":{\"content\":"
        "[{\"token\":\"Yes\",\"logprob\":-0.3,\"top_logprobs\":[{\"token\":\"Yes\",\"logprob\":-0.3},{\"token\":\" no\","
        "\"logprob\":-2.5},{\"token\":\"\\u2581no\",\"logprob\":-3e0},{\"token\":\"I\",\"logprob\":-9999}]}]}}]}";

    *n = sizeof seed - 1;
    return (const uint8_t *)seed;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    mid__said said = { .n = 0 };
    mid_ctx *ctx;
    double p;
    size_t i;

    must(mid_ctx_open(&ctx) == MID_OK);
    if (mid__judge_response(ctx, "http://x", (const char *)bytes, n, &said) == MID_OK) {
        must(said.n <= MID_TOP_MAX);
        for (i = 0; i < said.n; i++)
            must(strlen(said.word[i].text) < sizeof said.word[i].text);
        p = mid__judge_verdict(&said);
        must(isnan(p) || (p >= 0 && p <= 1));
    } else {
        must(mid_ctx_message(ctx)[0] != 0);
    }
    mid_ctx_close(ctx);
    return 0;
}
