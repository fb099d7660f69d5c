/* What a plug-in, or somebody at the keyboard of a plug-in's host, may say: refused, or something whose parts are what
 * they claim to be. The first byte chooses how the rest is read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/ready.h"
#include "plugin/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

enum { N_LAYER = 2, D = 3 };

static void must(int holds)
{
    if (!holds)
        abort();
}

static double sum_of(const float *x, size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; x && i < n; i++)
        sum += (double)x[i];
    return sum;
}

/* Every number and byte is there to be read. */
static void read_step(const mid_step *s)
{
    double sum = 0;
    uint32_t i;

    for (i = 0; (s->have & MID_SIG_TEXT) && i < s->n_text; i++)
        sum += s->text[i];
    must(s->n_top <= MID_TOP_MAX);
    for (i = 0; i < s->n_top; i++)
        sum += s->top_token[i] + (double)s->top_lp[i];
    sum += sum_of(s->hidden, N_LAYER * D) + sum_of(s->spread, MID_SPREAD_N) + sum_of(s->lens, N_LAYER * MID_LENS_N);
    must(isfinite(sum));
}

static void read_ready(const mid_monitor_ops *ops)
{
    const mid_param *p;

    must(ops->name && ops->name[0] && strlen(ops->name) <= 60 && ops->version > 0 && ops->box <= MID_BOX_WHITE);
    must(ops->summary && ops->unit && ops->source);
    for (p = ops->params; p->name; p++)
        must(p->help != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const mid_signals signals = { .have = 0x1fff, .n_layer = N_LAYER, .n_embd = D, .n_head = 4 };
    mid_monitor_ops ops = { .name = NULL };
    mid__arena room = { NULL };
    mid_weights *w = NULL;
    mid_signals got;
    mid_prompt prompt;
    mid_step step;
    yyjson_doc *doc = n ? yyjson_read((const char *)bytes + 1, n - 1, YYJSON_READ_NOFLAG) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);

    if (!doc)
        return 0;
    switch (bytes[0] % 5) {
    case 0:
        if (mid__wire_get_step(NULL, root, &signals, &room, &step) == MID_OK)
            read_step(&step);
        break;
    case 1:
        if (mid__wire_get_prompt(NULL, root, &signals, &room, &prompt) == MID_OK)
            must(isfinite(sum_of(prompt.hidden, N_LAYER * D)) && strlen(prompt.text) <= n);
        break;
    case 2:
        if (mid__wire_get_signals(NULL, root, &got) == MID_OK)
            must(got.n_layer <= MID_LAYER_MAX && strlen(got.observer) < sizeof got.observer);
        break;
    case 3:
        must(mid_weights_open(NULL, &w) == MID_OK);
        (void)mid__wire_get_weights(NULL, root, w);
        mid_weights_close(w);
        break;
    default:
        if (!mid__ready_read(&room, root, "what", &ops))
            read_ready(&ops);
    }
    yyjson_doc_free(doc);
    mid__arena_clear(&room);
    return 0;
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static const char seed[] =
        "0{\"i_tok\":1,\"at_byte\":2,\"token\":3,\"text\":\"a\",\"hex\":\"c3\",\"lp\":-1.5,\"top\":[[4,-0.5]],"
        "\"n_tok\":5,"
        "\"hidden\":[[1,2,3],[4,5,6]],\"spread\":[1,2,3,4],\"lens\":[[1,2,3],[4,5,6]],\"samples\":[{\"text\":\"b\"}],"
        "\"have\":[\"text\",\"hidden\"],\"layers\":[1,2],\"n_embd\":3,\"n_vocab\":9,\"n_top\":1,\"n_head\":0,"
        "\"n_head_layer\":0,\"observer\":\"o\",\"tensors\":{\"w\":{\"rows\":1,\"cols\":2,\"data\":[1,2]}},"
        "\"name\":\"a_b\",\"needs\":[\"logprob\"],\"box\":\"grey\",\"version\":2,\"learns\":true,"
        "\"params\":[{\"name\":\"c\",\"default\":1,\"help\":\"h\"},{\"name\":\"d\",\"default\":\"t\"}]}";

    *n = sizeof seed - 1;
    return (const uint8_t *)seed;
}
