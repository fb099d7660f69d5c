/* Traces as bytes (all little-endian, no padding): struct head, prompt text, prompt hidden rows, sampled answers (each
 * with its zero) and their products, then the lists one after the other; of a token only struct packed, since its places
 * follow from those before. The CRC-32 covers everything behind it. Every count is checked against the bytes that are
 * there before anything is read, and the tokens against the lists they share out, so damaged bytes are refused, never
 * followed. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "signal/trace_lists.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed traces are memory images of a little-endian machine");

enum {
    VERSION = 2,
    OBSERVER_BYTES = 68             /* mid_signals.observer, rounded up to whole words */
};

struct head {
    char magic[4];
    uint32_t version, crc;
    uint32_t n_prompt, n_prompt_hidden;     /* bytes; 0 or 1 set of rows */
    uint32_t n_sample, n_samples_bytes, n_gram;     /* 0 or 1 set of products */
    uint32_t n[N_LIST];
    uint32_t n_prompt_tok;
    float affirm;
    uint32_t have, n_layer, n_embd, n_vocab, n_top, n_head, n_head_layer;
    int32_t layer[MID_LAYER_MAX];
    char observer[OBSERVER_BYTES];
};

enum { CRC_FROM = offsetof(struct head, crc) + 4 };

_Static_assert(sizeof(struct packed) == 28 &&
               sizeof(struct head) == 68 + 4 * N_LIST + 4 * MID_LAYER_MAX + OBSERVER_BYTES,
               "the packed form has no padding");

static char *put(char *to, const void *bytes, size_t n)
{
    if (n)
        memcpy(to, bytes, n);
    return to + n;
}

static size_t packed_bytes(const mid_trace *t, int i_list)
{
    return i_list == LIST_TOK ? sizeof(struct packed) : t->list[i_list].item_bytes;
}

static char *put_tokens(char *to, const struct list *list)
{
    const struct tok *tok = list->at;
    size_t i;

    for (i = 0; i < list->n; i++)
        to = put(to, &tok[i].is, sizeof tok[i].is);
    return to;
}

mid_status mid_trace_pack(mid_ctx *ctx, const mid_trace *trace, void **bytes, size_t *n)
{
    const mid_signals *s = &trace->signals;
    struct head head = {
        .magic = { 'M', 'I', 'D', 'T' }, .version = VERSION,
        .n_prompt = (uint32_t)strlen(trace->prompt), .n_prompt_hidden = trace->prompt_hidden != NULL,
        .n_sample = (uint32_t)trace->n_sample, .n_samples_bytes = (uint32_t)trace->n_samples_bytes,
        .n_gram = trace->gram != NULL,
        .n_prompt_tok = trace->n_prompt_tok, .affirm = trace->affirm,
        .have = s->have, .n_layer = (uint32_t)s->n_layer, .n_embd = (uint32_t)s->n_embd,
        .n_vocab = (uint32_t)s->n_vocab, .n_top = (uint32_t)s->n_top,
        .n_head = (uint32_t)s->n_head, .n_head_layer = (uint32_t)s->n_head_layer,
    };
    const size_t prompt_row_bytes = head.n_prompt_hidden * 2 * trace->width[ROW_HIDDEN];
    const size_t gram_bytes = head.n_gram * 4 * mid__trace_gram_floats(trace, trace->n_sample);
    size_t total = sizeof head + head.n_prompt + prompt_row_bytes + trace->n_samples_bytes + gram_bytes;
    char *at, *to;
    int i;

    for (i = 0; i < s->n_layer; i++)
        head.layer[i] = s->layer[i];
    memcpy(head.observer, s->observer, sizeof s->observer);
    for (i = 0; i < N_LIST; i++) {
        head.n[i] = (uint32_t)trace->list[i].n;
        total += trace->list[i].n * packed_bytes(trace, i);
    }
    at = malloc(total);
    if (!at)
        return mid__oom(ctx, "a packed trace");
    to = put(at, &head, sizeof head);
    to = put(to, trace->prompt, head.n_prompt);
    to = put(to, trace->prompt_hidden, prompt_row_bytes);
    to = put(to, trace->samples, trace->n_samples_bytes);
    to = put(to, trace->gram, gram_bytes);
    to = put_tokens(to, &trace->list[LIST_TOK]);
    for (i = LIST_TOK + 1; i < N_LIST; i++)
        to = put(to, trace->list[i].at, trace->list[i].n * trace->list[i].item_bytes);
    head.crc = mid__crc32(at + CRC_FROM, total - CRC_FROM);
    memcpy(at + offsetof(struct head, crc), &head.crc, 4);
    *bytes = at;
    *n = total;
    return MID_OK;
}

static mid_status check_head(mid_ctx *ctx, const void *bytes, size_t n, struct head *head)
{
    static const uint32_t version_at = offsetof(struct head, version);
    uint32_t version, crc;

    if (n < version_at + 4 || memcmp(bytes, "MIDT", 4) != 0)
        return mid__fail(ctx, MID_EFORMAT, "%zu bytes that do not begin as a trace (MIDT)", n);
    memcpy(&version, (const char *)bytes + version_at, 4);
    if (version != VERSION)
        return mid__fail(ctx, MID_EVERSION, "trace format %u, and this midstream (%s) reads %d: "
                         "run again to make the trace anew, or use the %s midstream that wrote it",
                         version, MID_VERSION, VERSION, version < VERSION ? "older" : "newer");
    if (n < sizeof *head)
        return mid__fail(ctx, MID_EFORMAT, "trace cut short: %zu bytes, the head alone has %zu", n, sizeof *head);
    memcpy(head, bytes, sizeof *head);
    crc = mid__crc32((const char *)bytes + CRC_FROM, n - CRC_FROM);
    if (crc != head->crc)
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: CRC-32 of its %zu bytes is %08x, and %08x was written",
                         n, crc, head->crc);
    return MID_OK;
}

/* The head's view of a source, so that one check serves both ways in. Counts above INT_MAX come out negative. */
static mid_signals signals_of(const struct head *head)
{
    mid_signals s = { .have = head->have, .n_layer = (int)head->n_layer, .n_embd = (int)head->n_embd,
                      .n_vocab = (int)head->n_vocab, .n_top = (int)head->n_top,
                      .n_head = (int)head->n_head, .n_head_layer = (int)head->n_head_layer };
    int i;

    for (i = 0; i < MID_LAYER_MAX; i++)
        s.layer[i] = head->layer[i];
    memcpy(s.observer, head->observer, sizeof s.observer);
    return s;
}

/* Read the tokens and share the lists out among them: each token's part begins where the one before ended, and the last
 * ends where the list does. */
static bool read_tokens(mid_trace *t, const char *at, size_t n, const uint32_t n_list[N_LIST])
{
    struct tok *tok = n ? mid__list_take(&t->list[LIST_TOK], n) : NULL;
    uint64_t n_text = 0, n_top = 0;
    uint32_t n_row[N_ROW] = { 0 };
    size_t i;
    int k;

    for (i = 0; i < n; i++, tok++) {
        memcpy(&tok->is, at + i * sizeof tok->is, sizeof tok->is);
        tok->at_byte = (uint32_t)n_text;
        tok->i_top = (uint32_t)n_top;
        memcpy(tok->i_row, n_row, sizeof n_row);
        if ((tok->is.n_text && !(tok->is.have & MID_SIG_TEXT)) || (tok->is.n_top && !(tok->is.have & MID_SIG_TOP)))
            return false;
        n_text += tok->is.n_text;
        n_top += tok->is.n_top;
        if (tok->is.n_top > MID_TOP_MAX || n_text > n_list[LIST_TEXT] || n_top > n_list[LIST_TOP_LP])
            return false;
        for (k = 0; k < N_ROW; k++)
            n_row[k] += (tok->is.have & mid__row_signal[k]) != 0;
    }
    for (k = 0; k < N_ROW; k++)
        if (n_row[k] != n_list[LIST_ROW + k] || (n_row[k] && t->width[k] == 0))
            return false;
    return n_text == n_list[LIST_TEXT] && n_top == n_list[LIST_TOP_TOKEN] && n_top == n_list[LIST_TOP_LP];
}

/* The prompt's part; *at moves behind it. */
static mid_status read_prompt(mid_ctx *ctx, mid_trace *t, const struct head *head, const char **at)
{
    const size_t row_bytes = head->n_prompt_hidden * 2 * t->width[ROW_HIDDEN];
    const size_t gram_bytes = head->n_gram * 4 * mid__trace_gram_floats(t, head->n_sample);
    size_t i, n_zero = 0;

    if (!mid__trace_prompt_room(t, head->n_prompt, head->n_prompt_hidden, head->n_sample, head->n_samples_bytes,
                                head->n_gram))
        return mid__oom(ctx, "a trace's prompt");
    memcpy(t->prompt, *at, head->n_prompt);
    *at += head->n_prompt;
    if (memchr(t->prompt, 0, head->n_prompt))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: a zero byte inside the prompt");
    if (row_bytes)
        memcpy(t->prompt_hidden, *at, row_bytes);
    *at += row_bytes;
    for (i = 0; i < head->n_samples_bytes; i++)
        n_zero += !(t->samples[i] = (*at)[i]);
    *at += head->n_samples_bytes;
    if (n_zero != head->n_sample || (i && t->samples[i - 1]))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: %zu ends of text for %u sampled answers",
                         n_zero, head->n_sample);
    mid__trace_share_samples(t);
    if (t->gram)
        memcpy(t->gram, *at, gram_bytes);
    *at += gram_bytes;
    t->n_prompt_tok = head->n_prompt_tok;
    t->affirm = head->affirm;
    return MID_OK;
}

static mid_status read_lists(mid_ctx *ctx, mid_trace *t, const struct head *head, const char *at, size_t n)
{
    const uint64_t prompt_row_bytes = 2 * (uint64_t)t->width[ROW_HIDDEN] * head->n_prompt_hidden;
    uint64_t total = (uint64_t)head->n_prompt + prompt_row_bytes + head->n_samples_bytes;
    mid_status status;
    int i;

    if (head->n_sample > SAMPLE_MAX || head->n_gram > (head->n_sample && t->signals.n_layer))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: %u sampled answers with %u sets of products", head->n_sample,
                         head->n_gram);
    total += head->n_gram * 4 * (uint64_t)mid__trace_gram_floats(t, head->n_sample);
    for (i = 0; i < N_LIST; i++)
        total += (uint64_t)head->n[i] * packed_bytes(t, i);
    if (head->n_prompt_hidden > (t->width[ROW_HIDDEN] > 0) || head->n_sample > head->n_samples_bytes ||
        (head->n_samples_bytes && !head->n_sample) || total != n)
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: %zu bytes behind the head, its counts say %llu",
                         n, (unsigned long long)total);
    if (!(head->affirm >= 0 && head->affirm <= 1))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: affirm is %g, not a probability", (double)head->affirm);
    status = read_prompt(ctx, t, head, &at);
    if (status != MID_OK)
        return status;
    for (i = 0; i < N_LIST; i++)
        if (!mid__list_reserve(&t->list[i], (size_t)head->n[i] + (i == LIST_TEXT)))
            return mid__oom(ctx, "a trace");
    if (!read_tokens(t, at, head->n[LIST_TOK], head->n))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: its tokens do not add up to its lists");
    at += (size_t)head->n[LIST_TOK] * sizeof(struct packed);
    for (i = LIST_TOK + 1; i < N_LIST; i++) {
        const size_t n_bytes = head->n[i] * t->list[i].item_bytes;
        if (n_bytes)
            memcpy(mid__list_take(&t->list[i], head->n[i]), at, n_bytes);
        at += n_bytes;
    }
    *((char *)t->list[LIST_TEXT].at + t->list[LIST_TEXT].n) = 0;
    return MID_OK;
}

mid_status mid_trace_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_trace **out)
{
    mid_trace *t = NULL;
    mid_signals signals;
    struct head head;
    mid_status status = check_head(ctx, bytes, n, &head);

    if (status != MID_OK)
        return status;
    signals = signals_of(&head);
    status = mid__trace_begin(ctx, &signals, &t);
    if (status == MID_EINVAL)                   /* the caller gave these bytes, not these signals */
        status = mid__within(ctx, MID_EFORMAT, "trace damaged");
    if (status == MID_OK)
        status = read_lists(ctx, t, &head, (const char *)bytes + sizeof head, n - sizeof head);
    if (status == MID_OK) {
        *out = t;
        t = NULL;
    }
    mid_trace_close(t);
    return status;
}
