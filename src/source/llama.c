/* Source "llama": generate answers in process, a group of sequences in one context.
 * Each round decodes one token of every answer still running. P_t, the distribution x_t is drawn from, is known before
 * x_t; its figures wait in the slot until x_t has been read, because only then the hidden rows of x_t exist: a step is
 * complete one decode after its token was drawn. When an answer ends, the last running sequence moves into its place, so
 * that the sequences of a batch are always 0..n-1 and the engine can take them in one go. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"
#include "source/engine.h"

/* One running answer. Its place in the array is its sequence id in the engine. */
struct slot {
    size_t i_sample;
    llama_token token;              /* drawn, not yet read */
    float lp;
    mid__softmax from;              /* the distribution it was drawn from */
    float spread[MID_SPREAD_N];     /* of the same, if wanted */
    int n_prompt;
    int pos;                        /* where it will be read */
    uint32_t n_tok;                 /* steps given so far */
    mid__buf text;
    mid__rng rng;
};

struct run {
    mid_ctx *ctx;
    mid_model *model;
    const mid_source_opts *opts;
    const mid_sink *sink;
    struct slot *slot;
    int n;                          /* running */
    float *hidden;                  /* (n_layer, n_embd) */
    mid__extra extra;
};

/* Draw from softmax(z / temperature) by walking the cumulative sum. */
static llama_token sample(const float *z, int n_vocab, float temperature, float max, mid__rng *rng)
{
    double sum = 0, u;
    int i;

    for (i = 0; i < n_vocab; i++)
        sum += exp(((double)z[i] - max) / temperature);
    u = mid__rng_unit(rng) * sum;
    for (i = 0; i < n_vocab - 1; i++) {
        u -= exp(((double)z[i] - max) / temperature);
        if (u < 0)
            break;
    }
    return i;
}

/* Draw the slot's next token from the logits of the i-th token of the last decode. */
static mid_status draw(struct run *r, struct slot *s, int i)
{
    mid_status status = mid__engine_softmax(r->ctx, r->model, i, &s->from);

    if (status != MID_OK)
        return status;
    s->token = s->from.top_token[0];
    s->lp = s->from.top_lp[0];
    if (r->opts->temperature > 0) {
        const float *z = llama_get_logits_ith(r->model->lctx, i);
        s->token = sample(z, r->model->signals.n_vocab, r->opts->temperature, z[s->from.top_token[0]], &s->rng);
        s->lp = z[s->token] - s->from.lse;
    }
    mid__extra_spread(&r->extra, i, &s->from, s->token, s->spread);
    return MID_OK;
}

static bool ended(const struct run *r, const struct slot *s)
{
    return llama_vocab_is_eog(r->model->vocab, s->token) || s->n_tok >= r->opts->max_tok || s->pos >= r->model->n_ctx_seq;
}

/* Read the prompt of one sample into the slot's sequence and draw its first token. */
static mid_status begin(struct run *r, int seq, const mid_sample *sample)
{
    struct slot *s = &r->slot[seq];
    mid_prompt prompt = { .text = sample->prompt };
    llama_token *token = NULL;
    int n = 0, i_last = 0;          /* of its last decode */
    mid_status status = mid__prompt_tokens(r->ctx, r->model, sample->prompt, r->opts, &token, &n);

    if (status == MID_OK && n >= r->model->n_ctx_seq)
        status = mid__fail(r->ctx, MID_ELIMIT, "sample %s: its prompt is %d tokens, the context holds %d", sample->id, n,
                           r->model->n_ctx_seq);
    mid__engine_forget(r->model, seq);
    if (status == MID_OK)
        status = mid__engine_read(r->ctx, r->model, seq, token, n, NULL, NULL);
    if (status == MID_OK) {
        i_last = (n - 1) % MID__CHUNK_TOK;
        s->pos = s->n_prompt = n;
        mid__rng_init(&s->rng, r->opts->seed, mid__fnv(MID__FNV_START, sample->id, strlen(sample->id)));
        status = draw(r, s, i_last);
    }
    if (status == MID_OK && r->sink->prompt) {
        mid__engine_hidden(r->model, i_last, 0, r->hidden);
        prompt.hidden = r->model->signals.n_layer ? r->hidden : NULL;
        prompt.n_tok = (uint32_t)n;
        status = r->sink->prompt(r->sink->user, s->i_sample, &prompt);
    }
    free(token);
    return status;
}

/* Bytes of the token that still belong to the answer: all, or those before the stop text that it completes. */
static uint32_t before_stop(const struct run *r, const struct slot *s, uint32_t n_old, bool *stop)
{
    const char *text = r->opts->stop;
    const size_t n_stop = text ? strlen(text) : 0;
    const char *from, *at;

    if (n_stop == 0)
        return (uint32_t)(s->text.n - n_old);
    from = s->text.at + (n_old > n_stop ? n_old - n_stop : 0);
    at = strstr(from, text);
    if (!at)
        return (uint32_t)(s->text.n - n_old);
    *stop = true;
    return at <= s->text.at + n_old ? 0 : (uint32_t)(at - s->text.at) - n_old;
}

/* The slot's token has been read as the i-th of the batch: give its step. */
static mid_status give(struct run *r, struct slot *s, int i, float time_us, bool *stop)
{
    char piece[MID__PIECE_MAX];
    const int n_piece = mid__token_piece(r->model, s->token, piece);
    const uint32_t n_old = (uint32_t)s->text.n;
    mid_step step;
    mid_status status;

    if (!mid__buf_put(&s->text, piece, (size_t)n_piece))
        return mid__oom(r->ctx, "an answer");
    mid__step_fill(&step, &s->from, s->token, s->lp);
    step.i_tok = s->n_tok;
    step.at_byte = n_old;
    step.n_text = before_stop(r, s, n_old, stop);
    step.text = s->text.at + n_old;
    step.time_us = time_us;
    if (*stop && step.n_text == 0)
        return MID_OK;              /* the stop text alone: not part of the answer */
    if (r->model->signals.n_layer) {
        mid__engine_hidden(r->model, i, i, r->hidden);
        step.hidden = r->hidden;
        step.have |= MID_SIG_HIDDEN;
    }
    step.spread = s->spread;
    step.have |= r->opts->want & MID_SIG_SPREAD;
    status = mid__extra_step(&r->extra, i, &step);
    if (status != MID_OK)
        return status;
    s->n_tok++;
    return r->sink->step ? r->sink->step(r->sink->user, s->i_sample, &step, stop) : MID_OK;
}

/* End answer i; the last running one takes its sequence. */
static void end(struct run *r, int i)
{
    const int last = --r->n;
    struct slot gone = r->slot[i];

    mid__buf_clear(&gone.text);
    mid__engine_forget(r->model, i);
    if (i != last) {
        mid__engine_move(r->model, last, i);
        r->slot[i] = r->slot[last];
    }
    memset(&r->slot[last], 0, sizeof r->slot[last]);
}

/* Decode one token of every running answer. */
static mid_status round_of(struct run *r, mid__decode *batch)
{
    const double start_s = mid__now_s();
    bool stop[MID__CHUNK_TOK] = { false };
    float time_us;
    mid_status status;
    int i;

    batch->n = r->n;
    for (i = 0; i < r->n; i++) {
        batch->token[i] = r->slot[i].token;
        batch->pos[i] = r->slot[i].pos;
        batch->seq[i] = i;
        batch->want[i] = 1;
        batch->n_prompt[i] = r->slot[i].n_prompt;
    }
    status = mid__engine_decode(r->ctx, r->model, batch);
    time_us = (float)((mid__now_s() - start_s) * 1e6 / batch->n);
    if (status == MID_OK)
        status = mid__extra_decoded(&r->extra, batch);
    for (i = 0; status == MID_OK && i < r->n; i++) {
        r->slot[i].pos++;
        status = give(r, &r->slot[i], i, time_us, &stop[i]);
        if (status == MID_OK && !stop[i]) {
            status = draw(r, &r->slot[i], i);
            stop[i] = ended(r, &r->slot[i]);
        }
    }
    for (i = r->n - 1; status == MID_OK && i >= 0; i--)
        if (stop[i])
            end(r, i);              /* from the back: what moves into place i has been looked at */
    return status;
}

mid_status mid__source_llama(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                             const mid_source_opts *opts, const mid_sink *sink)
{
    struct run r = { .ctx = ctx, .model = model, .opts = opts, .sink = sink };
    mid__decode *batch = malloc(sizeof *batch);
    mid_status status = MID_OK;
    size_t i;
    int k;

    r.slot = calloc(n ? n : 1, sizeof *r.slot);
    r.hidden = malloc(((size_t)model->signals.n_layer * model->signals.n_embd + 1) * sizeof *r.hidden);
    if (!batch || !r.slot || !r.hidden)
        status = mid__oom(ctx, "a group of answers");
    if (status == MID_OK)
        status = mid__extra_open(ctx, model, opts, &r.extra);
    for (i = 0; status == MID_OK && i < n; i++) {
        r.slot[i].i_sample = i;
        status = begin(&r, (int)i, sample[i]);
        r.n = (int)i + 1;
    }
    for (k = r.n - 1; status == MID_OK && k >= 0; k--)
        if (ended(&r, &r.slot[k]))
            end(&r, k);
    while (status == MID_OK && r.n > 0)
        status = round_of(&r, batch);
    for (k = 0; r.slot && k < r.n; k++) {
        mid__buf_clear(&r.slot[k].text);
        mid__engine_forget(model, k);
    }
    mid__extra_close(&r.extra);
    free(r.slot);
    free(r.hidden);
    free(batch);
    return status;
}
