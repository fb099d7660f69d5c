/* Traces: the steps of one answer in memory, and as bytes.
 *
 * In memory a trace is five growing lists; a token's entry says which part of each list is its own. Hidden rows are
 * float16 inside, and only steps that have them take a row, so a missing signal costs nothing and stays missing.
 *
 * As bytes (all little-endian, no padding): struct head, prompt text, prompt hidden rows, then the lists one after the
 * other. The CRC-32 covers everything behind it. Every count is checked against the bytes that are there before
 * anything is read, and every token against the running sums, so damaged bytes are refused and never followed. */
#include "midstream/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/half.h"
#include "base/hash.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed traces are memory images of a little-endian machine");

enum {
    VERSION = 1,
    EMBD_MAX = 1 << 16,             /* width of a hidden row */
    OBSERVER_BYTES = 68             /* mid_signals.observer, rounded up to whole words */
};

enum { LIST_TOK, LIST_TEXT, LIST_TOP_TOKEN, LIST_TOP_LP, LIST_HIDDEN, N_LIST };

struct list {
    void *at;
    size_t n, cap, item_bytes;
};

struct tok {
    uint32_t have;
    int32_t token;
    uint32_t at_byte, n_text;       /* of LIST_TEXT */
    uint32_t i_top, n_top;          /* of LIST_TOP_TOKEN and LIST_TOP_LP */
    uint32_t i_hidden;              /* row of LIST_HIDDEN, or where its row would be */
    float lp, entropy_nats, time_us;
};

struct mid_trace {
    mid_signals signals;
    char *prompt;                   /* zero-terminated */
    uint16_t *prompt_hidden;        /* (n_layer, n_embd) or NULL */
    size_t n_row;                   /* n_layer * n_embd */
    struct list list[N_LIST];
};

struct head {
    char magic[4];
    uint32_t version, crc;
    uint32_t n_prompt, n_prompt_hidden;     /* bytes; 0 or 1 set of rows */
    uint32_t n[N_LIST];
    uint32_t have, n_layer, n_embd, n_vocab, n_top;
    int32_t layer[MID_LAYER_MAX];
    char observer[OBSERVER_BYTES];
};

enum { CRC_FROM = offsetof(struct head, crc) + 4 };

_Static_assert(sizeof(struct tok) == 40 && sizeof(struct head) == 60 + 4 * MID_LAYER_MAX + OBSERVER_BYTES,
               "the packed form has no padding");

/* ---- in memory ---- */

static bool reserve(struct list *list, size_t n_more)
{
    size_t cap = list->cap ? list->cap : 64 / list->item_bytes + 1;
    void *at;

    if (n_more > UINT32_MAX - list->n)          /* counts and offsets are 32 bits wide */
        return false;
    if (list->n + n_more <= list->cap)
        return true;
    while (cap < list->n + n_more)
        cap *= 2;
    at = realloc(list->at, cap * list->item_bytes);
    if (!at)
        return false;
    list->at = at;
    list->cap = cap;
    return true;
}

/* Where the next item goes; the room for it is there. */
static void *take(struct list *list, size_t n)
{
    void *at = (char *)list->at + list->n * list->item_bytes;

    list->n += n;
    return at;
}

static mid_status check_signals(mid_ctx *ctx, const mid_signals *s)
{
    int i;

    if (s->n_layer < 0 || s->n_layer > MID_LAYER_MAX)
        return mid__fail(ctx, MID_EINVAL, "%d tapped layers: 0 to %d can be kept", s->n_layer, MID_LAYER_MAX);
    if (s->n_embd < 0 || s->n_embd > EMBD_MAX)
        return mid__fail(ctx, MID_EINVAL, "hidden rows of width %d: 0 to %d can be kept", s->n_embd, EMBD_MAX);
    for (i = 0; i < s->n_layer; i++)
        if (s->layer[i] < 0 || (i > 0 && s->layer[i] <= s->layer[i - 1]))
            return mid__fail(ctx, MID_EINVAL, "tapped layer %d: layers count from 0 and ascend", s->layer[i]);
    if ((s->have & MID_SIG_HIDDEN) && (s->n_layer == 0 || s->n_embd == 0))
        return mid__fail(ctx, MID_EINVAL, "hidden rows announced for %d layers of width %d: give both",
                         s->n_layer, s->n_embd);
    if (s->n_top < 0 || s->n_top > MID_TOP_MAX || s->n_vocab < 0)
        return mid__fail(ctx, MID_EINVAL, "top %d of %d tokens: 0 to %d of a vocabulary can be kept",
                         s->n_top, s->n_vocab, MID_TOP_MAX);
    if (!memchr(s->observer, 0, sizeof s->observer))
        return mid__fail(ctx, MID_EINVAL, "observer: longer than %zu bytes", sizeof s->observer - 1);
    return MID_OK;
}

/* An empty trace: signals are checked, the prompt still to come. */
static mid_status begin(mid_ctx *ctx, const mid_signals *signals, mid_trace **out)
{
    const mid_status status = check_signals(ctx, signals);
    mid_trace *t;

    if (status != MID_OK)
        return status;
    t = calloc(1, sizeof *t);
    if (!t)
        return mid__oom(ctx, "a trace");
    t->signals.have = signals->have;
    t->signals.n_layer = signals->n_layer;
    memcpy(t->signals.layer, signals->layer, (size_t)signals->n_layer * sizeof signals->layer[0]);
    t->signals.n_embd = signals->n_embd;
    t->signals.n_vocab = signals->n_vocab;
    t->signals.n_top = signals->n_top;
    memcpy(t->signals.observer, signals->observer, strlen(signals->observer));
    t->n_row = (size_t)signals->n_layer * (size_t)signals->n_embd;
    t->list[LIST_TOK].item_bytes = sizeof(struct tok);
    t->list[LIST_TEXT].item_bytes = 1;
    t->list[LIST_TOP_TOKEN].item_bytes = t->list[LIST_TOP_LP].item_bytes = 4;
    t->list[LIST_HIDDEN].item_bytes = t->n_row ? 2 * t->n_row : 2;
    *out = t;
    return MID_OK;
}

/* Room for a prompt of n bytes and, if asked, its rows; both zeroed. */
static bool reserve_prompt(mid_trace *t, size_t n, bool rows)
{
    t->prompt = calloc(1, n + 1);
    if (rows)
        t->prompt_hidden = calloc(t->n_row, 2);
    return t->prompt && (t->prompt_hidden || !rows);
}

mid_status mid_trace_open(mid_ctx *ctx, const mid_signals *signals, const mid_prompt *prompt, mid_trace **out)
{
    const char *text = prompt && prompt->text ? prompt->text : "";
    const float *hidden = prompt ? prompt->hidden : NULL;
    const size_t n = strlen(text);
    mid_trace *t = NULL;
    mid_status status = begin(ctx, signals, &t);

    if (status != MID_OK)
        return status;
    if (n >= UINT32_MAX || (hidden && t->n_row == 0)) {
        status = mid__fail(ctx, MID_EINVAL, "prompt of %zu bytes with hidden rows of %d layers of width %d: "
                           "below 4 GiB, and rows only for tapped layers", n, signals->n_layer, signals->n_embd);
        goto out;
    }
    if (!reserve_prompt(t, n, hidden != NULL) || !reserve(&t->list[LIST_TEXT], 1)) {
        status = mid__oom(ctx, "a trace's prompt");
        goto out;
    }
    memcpy(t->prompt, text, n);
    if (hidden)
        mid__half_pack(hidden, t->prompt_hidden, t->n_row);
    *(char *)t->list[LIST_TEXT].at = 0;
    *out = t;
    t = NULL;
out:
    mid_trace_close(t);
    return status;
}

void mid_trace_close(mid_trace *trace)
{
    int i;

    if (!trace)
        return;
    for (i = 0; i < N_LIST; i++)
        free(trace->list[i].at);
    free(trace->prompt_hidden);
    free(trace->prompt);
    free(trace);
}

mid_status mid_trace_append(mid_trace *trace, const mid_step *step)
{
    struct list *list = trace->list;
    const bool has_text = step->have & MID_SIG_TEXT, has_top = step->have & MID_SIG_TOP;
    const bool has_hidden = step->have & MID_SIG_HIDDEN;
    const uint32_t n_text = has_text ? step->n_text : 0, n_top = has_top ? step->n_top : 0;
    struct tok *tok;

    if (step->i_tok != list[LIST_TOK].n || step->at_byte != list[LIST_TEXT].n)
        return MID_EINVAL;
    if (n_top > MID_TOP_MAX || (n_top && (!step->top_token || !step->top_lp)))
        return MID_EINVAL;
    if ((n_text && !step->text) || (has_hidden && (!step->hidden || trace->n_row == 0)))
        return MID_EINVAL;
    if (n_text >= UINT32_MAX - list[LIST_TEXT].n)
        return MID_EINVAL;
    if (!reserve(&list[LIST_TOK], 1) || !reserve(&list[LIST_TEXT], (size_t)n_text + 1) ||
        !reserve(&list[LIST_TOP_TOKEN], n_top) || !reserve(&list[LIST_TOP_LP], n_top) ||
        !reserve(&list[LIST_HIDDEN], has_hidden))
        return MID_ENOMEM;                      /* lists may have more room now, and nothing else changed */
    tok = take(&list[LIST_TOK], 1);
    *tok = (struct tok){
        .have = step->have, .token = step->token, .at_byte = step->at_byte, .n_text = n_text,
        .i_top = (uint32_t)list[LIST_TOP_LP].n, .n_top = n_top, .i_hidden = (uint32_t)list[LIST_HIDDEN].n,
        .lp = step->lp, .entropy_nats = step->entropy_nats, .time_us = step->time_us,
    };
    if (n_text)
        memcpy(take(&list[LIST_TEXT], n_text), step->text, n_text);
    *((char *)list[LIST_TEXT].at + list[LIST_TEXT].n) = 0;
    if (n_top) {
        memcpy(take(&list[LIST_TOP_TOKEN], n_top), step->top_token, 4 * n_top);
        memcpy(take(&list[LIST_TOP_LP], n_top), step->top_lp, 4 * n_top);
    }
    if (has_hidden)
        mid__half_pack(step->hidden, take(&list[LIST_HIDDEN], 1), trace->n_row);
    return MID_OK;
}

uint32_t mid_trace_n_tok(const mid_trace *trace) { return (uint32_t)trace->list[LIST_TOK].n; }

const mid_signals *mid_trace_signals(const mid_trace *trace) { return &trace->signals; }

const char *mid_trace_text(const mid_trace *trace, size_t *n)
{
    if (n)
        *n = trace->list[LIST_TEXT].n;
    return trace->list[LIST_TEXT].at;
}

size_t mid_trace_scratch(const mid_trace *trace) { return trace->n_row; }

static const struct tok *token_at(const mid_trace *trace, uint32_t i_tok)
{
    return i_tok < trace->list[LIST_TOK].n ? (const struct tok *)trace->list[LIST_TOK].at + i_tok : NULL;
}

void mid_trace_step(const mid_trace *trace, uint32_t i_tok, float *scratch, mid_step *step)
{
    const struct tok *tok = token_at(trace, i_tok);
    const struct list *list = trace->list;

    memset(step, 0, sizeof *step);
    if (!tok)                                   /* behind the end: a step without signals */
        return;
    step->have = tok->have;
    step->i_tok = i_tok;
    step->token = tok->token;
    step->at_byte = tok->at_byte;
    step->n_text = tok->n_text;
    step->text = (const char *)list[LIST_TEXT].at + tok->at_byte;
    step->lp = tok->lp;
    step->entropy_nats = tok->entropy_nats;
    step->time_us = tok->time_us;
    step->n_top = tok->n_top;
    if (tok->n_top) {
        step->top_token = (const int32_t *)list[LIST_TOP_TOKEN].at + tok->i_top;
        step->top_lp = (const float *)list[LIST_TOP_LP].at + tok->i_top;
    }
    if (!scratch) {
        step->have &= ~(uint32_t)MID_SIG_HIDDEN;
    } else if (tok->have & MID_SIG_HIDDEN) {
        mid__half_unpack((const uint16_t *)list[LIST_HIDDEN].at + tok->i_hidden * trace->n_row, scratch, trace->n_row);
        step->hidden = scratch;
    }
}

void mid_trace_prompt(const mid_trace *trace, float *scratch, mid_prompt *prompt)
{
    prompt->text = trace->prompt;
    prompt->hidden = NULL;
    if (scratch && trace->prompt_hidden) {
        mid__half_unpack(trace->prompt_hidden, scratch, trace->n_row);
        prompt->hidden = scratch;
    }
}

void mid_trace_hidden(const mid_trace *trace, int i_layer, int32_t i_tok, float *row)
{
    const struct tok *tok = i_tok < 0 ? NULL : token_at(trace, (uint32_t)i_tok);
    const size_t n = (size_t)trace->signals.n_embd;
    const uint16_t *rows = i_tok == -1 ? trace->prompt_hidden : NULL;
    size_t i;

    if (tok && (tok->have & MID_SIG_HIDDEN))
        rows = (const uint16_t *)trace->list[LIST_HIDDEN].at + tok->i_hidden * trace->n_row;
    if (rows && i_layer >= 0 && i_layer < trace->signals.n_layer) {
        mid__half_unpack(rows + (size_t)i_layer * n, row, n);
        return;
    }
    for (i = 0; i < n; i++)                     /* missing is never zero */
        row[i] = NAN;
}

/* ---- as bytes ---- */

static char *put(char *to, const void *bytes, size_t n)
{
    if (n)
        memcpy(to, bytes, n);
    return to + n;
}

mid_status mid_trace_pack(mid_ctx *ctx, const mid_trace *trace, void **bytes, size_t *n)
{
    const mid_signals *s = &trace->signals;
    struct head head = {
        .magic = { 'M', 'I', 'D', 'T' }, .version = VERSION,
        .n_prompt = (uint32_t)strlen(trace->prompt), .n_prompt_hidden = trace->prompt_hidden != NULL,
        .have = s->have, .n_layer = (uint32_t)s->n_layer, .n_embd = (uint32_t)s->n_embd,
        .n_vocab = (uint32_t)s->n_vocab, .n_top = (uint32_t)s->n_top,
    };
    const size_t prompt_row_bytes = head.n_prompt_hidden * 2 * trace->n_row;
    size_t total = sizeof head + head.n_prompt + prompt_row_bytes;
    char *at, *to;
    int i;

    for (i = 0; i < s->n_layer; i++)
        head.layer[i] = s->layer[i];
    memcpy(head.observer, s->observer, sizeof s->observer);
    for (i = 0; i < N_LIST; i++) {
        head.n[i] = (uint32_t)trace->list[i].n;
        total += trace->list[i].n * trace->list[i].item_bytes;
    }
    at = malloc(total);
    if (!at)
        return mid__oom(ctx, "a packed trace");
    to = put(at, &head, sizeof head);
    to = put(to, trace->prompt, head.n_prompt);
    to = put(to, trace->prompt_hidden, prompt_row_bytes);
    for (i = 0; i < N_LIST; i++)
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
                         "use the midstream that wrote it, or make the trace again", version, MID_VERSION, VERSION);
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
                      .n_vocab = (int)head->n_vocab, .n_top = (int)head->n_top };
    int i;

    for (i = 0; i < MID_LAYER_MAX; i++)
        s.layer[i] = head->layer[i];
    memcpy(s.observer, head->observer, sizeof s.observer);
    return s;
}

/* Each token's part of every list begins where the one before ended, and the last ends where the list does. */
static bool tokens_fit(const mid_trace *t)
{
    const struct tok *tok = t->list[LIST_TOK].at;
    uint64_t n_text = 0, n_top = 0, n_hidden = 0;
    size_t i;

    for (i = 0; i < t->list[LIST_TOK].n; i++, tok++) {
        if (tok->at_byte != n_text || tok->i_top != n_top || tok->i_hidden != n_hidden || tok->n_top > MID_TOP_MAX)
            return false;
        if ((tok->n_text && !(tok->have & MID_SIG_TEXT)) || (tok->n_top && !(tok->have & MID_SIG_TOP)))
            return false;
        n_text += tok->n_text;
        n_top += tok->n_top;
        n_hidden += (tok->have & MID_SIG_HIDDEN) != 0;
    }
    return n_text == t->list[LIST_TEXT].n && n_top == t->list[LIST_TOP_TOKEN].n && n_top == t->list[LIST_TOP_LP].n &&
           n_hidden == t->list[LIST_HIDDEN].n && (n_hidden == 0 || t->n_row > 0);
}

static mid_status read_lists(mid_ctx *ctx, mid_trace *t, const struct head *head, const char *at, size_t n)
{
    const uint64_t prompt_row_bytes = 2 * (uint64_t)t->n_row * head->n_prompt_hidden;
    uint64_t total = head->n_prompt + prompt_row_bytes;
    int i;

    for (i = 0; i < N_LIST; i++)
        total += (uint64_t)head->n[i] * t->list[i].item_bytes;
    if (head->n_prompt_hidden > (t->n_row > 0) || total != n)
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: %zu bytes behind the head, its counts say %llu",
                         n, (unsigned long long)total);
    if (!reserve_prompt(t, head->n_prompt, head->n_prompt_hidden))
        return mid__oom(ctx, "a trace's prompt");
    memcpy(t->prompt, at, head->n_prompt);
    if (memchr(t->prompt, 0, head->n_prompt))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: a zero byte inside the prompt");
    at += head->n_prompt;
    if (prompt_row_bytes)
        memcpy(t->prompt_hidden, at, prompt_row_bytes);
    at += prompt_row_bytes;
    for (i = 0; i < N_LIST; i++) {
        const size_t n_list = head->n[i] * t->list[i].item_bytes;
        if (!reserve(&t->list[i], (size_t)head->n[i] + (i == LIST_TEXT)))
            return mid__oom(ctx, "a trace");
        if (n_list)
            memcpy(take(&t->list[i], head->n[i]), at, n_list);
        at += n_list;
    }
    *((char *)t->list[LIST_TEXT].at + t->list[LIST_TEXT].n) = 0;
    if (!tokens_fit(t))
        return mid__fail(ctx, MID_EFORMAT, "trace damaged: its tokens do not add up to its lists");
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
    status = begin(ctx, &signals, &t);
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
