/* A dataset file of any bytes: refused with a reason, or loaded whole. They pass through a file, as a stranger's do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "midstream/sample.h"

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
        "{\"id\":\"a\",\"task\":\"qa\",\"prompt\":\"p\",\"response\":\"r\xc3\xa9s\",\"response_model\":\"m\","
        "\"references\":[\"x\"],\"bad_references\":null,\"label\":1,\"label_source\":\"human\","
        "\"category\":null,\"lang\":\"en\",\"meta\":{\"split\":\"cal\",\"onset\":1,"
        "\"spans\":[{\"start\":1,\"end\":3}],\"prompt_label\":0}}\n"
        "{\"id\":\"b\",\"task\":\"chat\",\"prompt\":\"\\u00e9\",\"response\":null,\"label\":null}\n";

    *n = sizeof seed - 1;
    return (const uint8_t *)seed;
}

/* Touch everything that a caller may read. */
static size_t read_all(const mid_dataset *d)
{
    size_t i, k, n = strlen(mid_dataset_hash(d)) + strlen(mid_dataset_name(d));

    for (i = 0; i < mid_dataset_n(d); i++) {
        const mid_sample *s = mid_dataset_at(d, i);
        const char *const text[] = { s->id, s->task, s->prompt, s->response, s->response_model, s->label_source,
                                     s->category, s->lang, s->split, s->meta };
        for (k = 0; k < sizeof text / sizeof text[0]; k++)
            n += text[k] ? strlen(text[k]) : 0;
        for (k = 0; k < s->n_reference; k++)
            n += strlen(s->reference[k]);
        for (k = 0; k < s->n_bad_reference; k++)
            n += strlen(s->bad_reference[k]);
        must(s->onset_byte < 0 || (size_t)s->onset_byte < strlen(s->response));
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[] = P_tmpdir "/midstream-fuzz-XXXXXX";
    const int fd = mkstemp(path);
    mid_dataset *d = NULL;
    mid_ctx *ctx;

    must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && close(fd) == 0);
    must(mid_ctx_open(&ctx) == MID_OK);
    if (mid_dataset_open(ctx, NULL, 0, path, &d) == MID_OK)
        must(read_all(d) > 0);
    else
        must(d == NULL && mid_ctx_message(ctx)[0]);
    mid_dataset_close(d);
    mid_ctx_close(ctx);
    remove(path);
    return 0;
}
