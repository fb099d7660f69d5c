/* Traces in memory: steps go in, and come out bit for bit. */
#include "signal/trace_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/half.h"

enum {
    EMBD_MAX = 1 << 16,             /* width of a hidden row */
    HEAD_MAX = 1 << 16              /* attention heads of a model */
};

bool mid__list_reserve(struct list *list, size_t n_more)
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

void *mid__list_take(struct list *list, size_t n)
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
    if (s->n_head < 0 || s->n_head > HEAD_MAX || (s->n_head && (s->n_head_layer < 1 || s->n_head % s->n_head_layer)))
        return mid__fail(ctx, MID_EINVAL, "%d attention heads, %d per layer: up to %d, and as many in every layer",
                         s->n_head, s->n_head_layer, HEAD_MAX);
    if ((s->have & MID_SIG_ATTENTION) && s->n_head == 0)
        return mid__fail(ctx, MID_EINVAL, "attention announced without heads: give n_head and n_head_layer");
    if ((s->have & MID_SIG_LENS) && s->n_layer == 0)
        return mid__fail(ctx, MID_EINVAL, "a lens announced without tapped layers: give them");
    if (s->n_top < 0 || s->n_top > MID_TOP_MAX || s->n_vocab < 0)
        return mid__fail(ctx, MID_EINVAL, "top %d of %d tokens: 0 to %d of a vocabulary can be kept",
                         s->n_top, s->n_vocab, MID_TOP_MAX);
    if (!memchr(s->observer, 0, sizeof s->observer))
        return mid__fail(ctx, MID_EINVAL, "observer: longer than %zu bytes", sizeof s->observer - 1);
    return MID_OK;
}

mid_status mid__trace_begin(mid_ctx *ctx, const mid_signals *signals, mid_trace **out)
{
    const mid_status status = check_signals(ctx, signals);
    mid_trace *t;
    int k;

    if (status != MID_OK)
        return status;
    t = calloc(1, sizeof *t);
    if (!t)
        return mid__oom(ctx, "a trace");
    t->signals.have = signals->have & ~(uint32_t)MID_SIG_BESIDE;   /* until there is one beside it */
    t->signals.n_layer = signals->n_layer;
    memcpy(t->signals.layer, signals->layer, (size_t)signals->n_layer * sizeof signals->layer[0]);
    t->signals.n_embd = signals->n_embd;
    t->signals.n_vocab = signals->n_vocab;
    t->signals.n_top = signals->n_top;
    t->signals.n_head = signals->n_head;
    t->signals.n_head_layer = signals->n_head_layer;
    memcpy(t->signals.observer, signals->observer, strlen(signals->observer));
    t->width[ROW_HIDDEN] = (size_t)signals->n_layer * (size_t)signals->n_embd;
    t->width[ROW_ATTENTION] = (size_t)signals->n_head * MID_ATTENTION_N;
    t->width[ROW_SPREAD] = MID_SPREAD_N;
    t->width[ROW_LENS] = (size_t)signals->n_layer * MID_LENS_N;
    t->width[ROW_ALONE] = t->width[ROW_JUDGE] = 1;
    t->list[LIST_TOK].item_bytes = sizeof(struct tok);
    t->list[LIST_TEXT].item_bytes = 1;
    t->list[LIST_TOP_TOKEN].item_bytes = t->list[LIST_TOP_LP].item_bytes = 4;
    for (k = 0; k < N_ROW; k++)
        t->list[LIST_ROW + k].item_bytes = (k < N_HALF_ROW ? 2 : 4) * (t->width[k] ? t->width[k] : 1);
    *out = t;
    return MID_OK;
}

size_t mid__trace_gram_floats(const mid_trace *t, size_t n_sample)
{
    return MID_SAMPLE_AT_N * (size_t)t->signals.n_layer * n_sample * n_sample;
}

bool mid__trace_prompt_room(mid_trace *t, size_t n, bool rows, size_t n_sample, size_t n_samples_bytes, bool gram)
{
    t->prompt = calloc(1, n + 1);
    if (rows)
        t->prompt_hidden = calloc(t->width[ROW_HIDDEN], 2);
    if (n_sample) {
        t->samples = calloc(1, n_samples_bytes);
        t->sample = calloc(n_sample, sizeof *t->sample);
    }
    if (gram)
        t->gram = calloc(mid__trace_gram_floats(t, n_sample), sizeof *t->gram);
    t->n_sample = n_sample;
    t->n_samples_bytes = n_samples_bytes;
    return t->prompt && (t->prompt_hidden || !rows) && ((t->samples && t->sample) || !n_sample) && (t->gram || !gram);
}

static mid_status check_prompt(mid_ctx *ctx, const mid_trace *t, const mid_prompt *p, size_t *n_samples_bytes)
{
    const size_t n = strlen(p->text);
    size_t i;

    if (n >= UINT32_MAX || (p->hidden && t->width[ROW_HIDDEN] == 0))
        return mid__fail(ctx, MID_EINVAL, "prompt of %zu bytes with hidden rows of %d layers of width %d: below 4 GiB, "
                         "and rows only for tapped layers", n, t->signals.n_layer, t->signals.n_embd);
    if (!(p->affirm >= 0 && p->affirm <= 1))
        return mid__fail(ctx, MID_EINVAL, "affirm is %g: a probability is between 0 and 1", (double)p->affirm);
    if ((p->n_sample && !p->sample) || p->n_sample > SAMPLE_MAX)
        return mid__fail(ctx, MID_EINVAL, "%zu sampled answers announced, %s given, up to %d can be kept", p->n_sample,
                         p->sample ? "and" : "none", SAMPLE_MAX);
    if (p->sample_gram && mid__trace_gram_floats(t, p->n_sample) == 0)
        return mid__fail(ctx, MID_EINVAL, "products of sampled answers without such answers or without tapped layers");
    for (i = *n_samples_bytes = 0; i < p->n_sample; i++)
        *n_samples_bytes += strlen(p->sample[i]) + 1;
    if (*n_samples_bytes >= UINT32_MAX)
        return mid__fail(ctx, MID_EINVAL, "sampled answers of %zu bytes: below 4 GiB can be kept", *n_samples_bytes);
    return MID_OK;
}

void mid__trace_share_samples(mid_trace *t)
{
    const char *at = t->samples;
    size_t i;

    for (i = 0; i < t->n_sample; i++, at += strlen(at) + 1)
        t->sample[i] = at;
}

mid_status mid_trace_open(mid_ctx *ctx, const mid_signals *signals, const mid_prompt *prompt, mid_trace **out)
{
    mid_prompt p = prompt ? *prompt : (mid_prompt){ .text = "" };
    mid_trace *t = NULL;
    size_t i, n_samples_bytes = 0, at = 0;
    mid_status status = mid__trace_begin(ctx, signals, &t);

    p.text = p.text ? p.text : "";
    if (status == MID_OK)
        status = check_prompt(ctx, t, &p, &n_samples_bytes);
    if (status != MID_OK)
        goto out;
    if (!mid__trace_prompt_room(t, strlen(p.text), p.hidden, p.n_sample, n_samples_bytes, p.sample_gram) ||
        !mid__list_reserve(&t->list[LIST_TEXT], 1)) {
        status = mid__oom(ctx, "a trace's prompt");
        goto out;
    }
    memcpy(t->prompt, p.text, strlen(p.text));
    if (p.hidden)
        mid__half_pack(p.hidden, t->prompt_hidden, t->width[ROW_HIDDEN]);
    t->n_prompt_tok = p.n_tok;
    t->affirm = p.affirm;
    for (i = 0; i < p.n_sample; at += strlen(p.sample[i]) + 1, i++)
        memcpy(t->samples + at, p.sample[i], strlen(p.sample[i]));
    mid__trace_share_samples(t);
    if (p.sample_gram)
        memcpy(t->gram, p.sample_gram, 4 * mid__trace_gram_floats(t, p.n_sample));
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
    free(trace->gram);
    free(trace->sample);
    free(trace->samples);
    free(trace->prompt_hidden);
    free(trace->prompt);
    mid_trace_close(trace->beside);
    free(trace);
}

/* A step's row of each kind; NULL where it gives none. */
static void rows_of(const mid_step *step, const float *row[N_ROW])
{
    row[ROW_HIDDEN] = step->hidden;
    row[ROW_ATTENTION] = step->attention;
    row[ROW_SPREAD] = step->spread;
    row[ROW_LENS] = step->lens;
    row[ROW_ALONE] = &step->lp_alone;
    row[ROW_JUDGE] = &step->judge;
}

static mid_status check_step(const mid_trace *trace, const mid_step *step, const float *const row[N_ROW])
{
    const struct list *list = trace->list;
    int k;

    if (step->i_tok != list[LIST_TOK].n || step->at_byte != list[LIST_TEXT].n)
        return MID_EINVAL;
    if ((step->have & MID_SIG_TEXT) && step->n_text && (!step->text || step->n_text >= UINT32_MAX - list[LIST_TEXT].n))
        return MID_EINVAL;
    if ((step->have & MID_SIG_TOP) && step->n_top && (step->n_top > MID_TOP_MAX || !step->top_token || !step->top_lp))
        return MID_EINVAL;
    for (k = 0; k < N_ROW; k++)
        if ((step->have & mid__row_signal[k]) && (!row[k] || trace->width[k] == 0))
            return MID_EINVAL;
    return MID_OK;
}

mid_status mid_trace_append(mid_trace *trace, const mid_step *step)
{
    struct list *list = trace->list;
    const uint32_t n_text = step->have & MID_SIG_TEXT ? step->n_text : 0;
    const uint32_t n_top = step->have & MID_SIG_TOP ? step->n_top : 0;
    const float *row[N_ROW];
    struct tok *tok;
    int k;

    rows_of(step, row);
    if (check_step(trace, step, row) != MID_OK)
        return MID_EINVAL;
    if (!mid__list_reserve(&list[LIST_TOK], 1) || !mid__list_reserve(&list[LIST_TEXT], (size_t)n_text + 1) ||
        !mid__list_reserve(&list[LIST_TOP_TOKEN], n_top) || !mid__list_reserve(&list[LIST_TOP_LP], n_top))
        return MID_ENOMEM;                      /* lists may have more room now, and nothing else changed */
    for (k = 0; k < N_ROW; k++)
        if ((step->have & mid__row_signal[k]) && !mid__list_reserve(&list[LIST_ROW + k], 1))
            return MID_ENOMEM;
    tok = mid__list_take(&list[LIST_TOK], 1);
    *tok = (struct tok){
        .is = { .have = step->have, .token = step->token, .n_text = n_text, .n_top = n_top,
                .lp = step->lp, .entropy_nats = step->entropy_nats, .time_us = step->time_us },
        .at_byte = step->at_byte, .i_top = (uint32_t)list[LIST_TOP_LP].n,
    };
    if (n_text)
        memcpy(mid__list_take(&list[LIST_TEXT], n_text), step->text, n_text);
    *((char *)list[LIST_TEXT].at + list[LIST_TEXT].n) = 0;
    if (n_top) {
        memcpy(mid__list_take(&list[LIST_TOP_TOKEN], n_top), step->top_token, 4 * n_top);
        memcpy(mid__list_take(&list[LIST_TOP_LP], n_top), step->top_lp, 4 * n_top);
    }
    for (k = 0; k < N_ROW; k++) {
        tok->i_row[k] = (uint32_t)list[LIST_ROW + k].n;
        if (!(step->have & mid__row_signal[k]))
            continue;
        if (k < N_HALF_ROW)
            mid__half_pack(row[k], mid__list_take(&list[LIST_ROW + k], 1), trace->width[k]);
        else
            memcpy(mid__list_take(&list[LIST_ROW + k], 1), row[k], 4 * trace->width[k]);
    }
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

size_t mid_trace_scratch(const mid_trace *trace) { return trace->width[ROW_HIDDEN] + trace->width[ROW_ATTENTION]; }

static const struct tok *token_at(const mid_trace *trace, uint32_t i_tok)
{
    return i_tok < trace->list[LIST_TOK].n ? (const struct tok *)trace->list[LIST_TOK].at + i_tok : NULL;
}

/* The row a token has of kind k, or NULL. */
static const void *row_at(const mid_trace *trace, const struct tok *tok, int k)
{
    const struct list *list = &trace->list[LIST_ROW + k];

    return tok->is.have & mid__row_signal[k] ? (const char *)list->at + tok->i_row[k] * list->item_bytes : NULL;
}

/* As float32 in `to`, or NULL. */
static const float *widened(const mid_trace *trace, const struct tok *tok, int k, float *to)
{
    const uint16_t *row = row_at(trace, tok, k);

    if (row)
        mid__half_unpack(row, to, trace->width[k]);
    return row ? to : NULL;
}

void mid_trace_step(const mid_trace *trace, uint32_t i_tok, float *scratch, mid_step *step)
{
    const struct tok *tok = token_at(trace, i_tok);
    const struct list *list = trace->list;
    const float *one;

    memset(step, 0, sizeof *step);
    if (!tok)                                   /* behind the end: a step without signals */
        return;
    step->have = tok->is.have;
    step->i_tok = i_tok;
    step->token = tok->is.token;
    step->at_byte = tok->at_byte;
    step->n_text = tok->is.n_text;
    step->text = (const char *)list[LIST_TEXT].at + tok->at_byte;
    step->lp = tok->is.lp;
    step->entropy_nats = tok->is.entropy_nats;
    step->time_us = tok->is.time_us;
    step->n_top = tok->is.n_top;
    if (tok->is.n_top) {
        step->top_token = (const int32_t *)list[LIST_TOP_TOKEN].at + tok->i_top;
        step->top_lp = (const float *)list[LIST_TOP_LP].at + tok->i_top;
    }
    step->spread = row_at(trace, tok, ROW_SPREAD);
    step->lens = row_at(trace, tok, ROW_LENS);
    if ((one = row_at(trace, tok, ROW_ALONE)))
        step->lp_alone = *one;
    if ((one = row_at(trace, tok, ROW_JUDGE)))
        step->judge = *one;
    if (!scratch) {
        step->have &= ~(uint32_t)(MID_SIG_HIDDEN | MID_SIG_ATTENTION);
        return;
    }
    step->hidden = widened(trace, tok, ROW_HIDDEN, scratch);
    step->attention = widened(trace, tok, ROW_ATTENTION, scratch + trace->width[ROW_HIDDEN]);
}

void mid_trace_prompt(const mid_trace *trace, float *scratch, mid_prompt *prompt)
{
    *prompt = (mid_prompt){ .text = trace->prompt, .n_tok = trace->n_prompt_tok, .affirm = trace->affirm,
                            .sample = trace->n_sample ? trace->sample : NULL, .n_sample = trace->n_sample,
                            .sample_gram = trace->gram };
    if (scratch && trace->prompt_hidden) {
        mid__half_unpack(trace->prompt_hidden, scratch, trace->width[ROW_HIDDEN]);
        prompt->hidden = scratch;
    }
}

void mid_trace_hidden(const mid_trace *trace, int i_layer, int32_t i_tok, float *row)
{
    const struct tok *tok = i_tok < 0 ? NULL : token_at(trace, (uint32_t)i_tok);
    const size_t n = (size_t)trace->signals.n_embd;
    const uint16_t *rows = i_tok == -1 ? trace->prompt_hidden : tok ? row_at(trace, tok, ROW_HIDDEN) : NULL;
    size_t i;

    if (rows && i_layer >= 0 && i_layer < trace->signals.n_layer) {
        mid__half_unpack(rows + (size_t)i_layer * n, row, n);
        return;
    }
    for (i = 0; i < n; i++)                     /* missing is never zero */
        row[i] = NAN;
}

/* ---- a second observer ------------------------------------------------------------------------------------------- */

mid_status mid_trace_put_beside(mid_ctx *ctx, mid_trace *trace, mid_trace *beside)
{
    size_t n, n_beside;
    const char *text = mid_trace_text(trace, &n), *other = mid_trace_text(beside, &n_beside);

    if (trace == beside || trace->beside || beside->beside)
        return mid__fail(ctx, MID_EINVAL, "a trace has one other beside it at most");
    if (memcmp(text, other, n < n_beside ? n : n_beside) != 0)
        return mid__fail(ctx, MID_EINVAL, "traces beside each other are of the same answer; these texts differ");
    trace->beside = beside;
    trace->signals.have |= MID_SIG_BESIDE;
    trace->signals.beside = &beside->signals;
    return MID_OK;
}

const mid_trace *mid_trace_beside(const mid_trace *trace) { return trace->beside; }

/* The byte behind a token. */
static uint32_t end_of(const struct tok *tok) { return tok->at_byte + tok->is.n_text; }

uint32_t mid_trace_n_beside(const mid_trace *trace, uint32_t i_tok)
{
    const struct tok *tok = token_at(trace, i_tok);
    uint32_t lo = 0, hi = trace->beside ? mid_trace_n_tok(trace->beside) : 0;

    while (tok && lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        if (end_of(token_at(trace->beside, mid)) <= end_of(tok))
            lo = mid + 1;
        else
            hi = mid;
    }
    return tok ? lo : 0;
}
