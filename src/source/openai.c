/* Source "openai": a model behind an OpenAI-compatible server generates, and its stream is read as it comes.
 * What the server sends as text is the answer. Its tokens come beside it, with ln p and the likeliest alternatives, and
 * each is given as a step once the text has caught up with it: a character cut in several tokens is sent by some
 * servers with its last one. Tokens that the text never reaches (a stop text, an end token) are not part of it. A token
 * that spells something else than the text has there is refused, never guessed.
 *   ln p, alternatives  as the server tells them: some before, some after temperature and penalties; vendors differ
 *   entropy             not derivable from the top alone, so not there; topk_entropy's form "tail" is a lower bound
 *   time_us             since the request went out, or the step before was given: waiting and network are in it
 * Source: OpenAI's API reference, "Create chat completion", streaming; the same of vLLM and llama.cpp's server. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yyjson.h"

#include "base/ctx.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "source/chunk.h"
#include "source/engine.h"
#include "source/http.h"
#include "base/sse.h"

enum { N_TOP_DEFAULT = 5, HEAD_BYTES = 80, THINKING_LIMIT_S = 1200 };

/* Which interface a form asks. */
enum { CHAT, PLAIN, N_PATH };
static const char *const path[N_PATH] = { "chat/completions", "completions" };

struct mid__server {
    mid__http *http[N_PATH];
    char *base, *model, *key;
    mid__http_opts opts;            /* its strings are those above */
    uint32_t n_top;                 /* 0: text alone */
    mid__pace *pace, own_pace;      /* pace: own_pace, or that of whom this was forked from */
};

/* ---- opening ----------------------------------------------------------------------------------------------------- */

mid_server_opts mid_server_opts_default(void) { return (mid_server_opts){ .size = sizeof(mid_server_opts) }; }

static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

static mid_status open_http(mid_ctx *ctx, mid__server *s)
{
    mid_status status = MID_OK;
    int i;

    s->opts.key = s->key;
    s->opts.pace = s->pace;
    for (i = 0; status == MID_OK && i < N_PATH; i++)
        status = mid__http_open(ctx, s->base, path[i], &s->opts, &s->http[i]);
    return status;
}

static mid_status new_server(mid_ctx *ctx, const char *url, const char *model, const char *key, mid__server **out)
{
    mid__server *s = calloc(1, sizeof *s);

    if (!s || !copy_text(url, &s->base) || !copy_text(model, &s->model) || !copy_text(key, &s->key)) {
        mid__server_close(s);
        return mid__oom(ctx, url);
    }
    *out = s;
    return MID_OK;
}

mid_status mid__server_fork(mid_ctx *ctx, const mid__server *server, mid__server **out)
{
    mid__server *s = NULL;
    mid_status status = new_server(ctx, server->base, server->model, server->key, &s);

    if (status != MID_OK)
        return status;
    s->opts = server->opts;
    s->n_top = server->n_top;
    s->pace = server->pace;
    status = open_http(ctx, s);
    if (status == MID_OK)
        *out = s;
    else
        mid__server_close(s);
    return status;
}

void mid__server_close(mid__server *s)
{
    int i;

    if (!s)
        return;
    for (i = 0; i < N_PATH; i++)
        mid__http_close(s->http[i]);
    if (s->pace == &s->own_pace)
        mid__pace_clear(&s->own_pace);
    free(s->base);
    free(s->model);
    free(s->key);
    free(s);
}

/* Who is asked and how much it is asked to tell. What it answers may change with time all the same. */
static void name_model(mid_model *m)
{
    const mid__server *s = m->server;
    mid__sha256 hash;
    mid__buf id = { 0 };

    snprintf(m->desc, sizeof m->desc, "%.60s at %.60s", s->model ? s->model : "the model", s->base);
    mid__buf_fmt(&id, "%s\n%s\n%u", mid__http_url(s->http[CHAT]), s->model ? s->model : "", s->n_top);
    mid__sha256_init(&hash);
    mid__sha256_put(&hash, id.at, id.n);
    mid__sha256_hex(&hash, m->signals.observer);
    mid__buf_clear(&id);
}

mid_status mid_server_open(mid_ctx *ctx, const char *url, const mid_server_opts *opts, mid_model **out)
{
    const mid_server_opts o = opts ? *opts : mid_server_opts_default();
    mid_model *m;
    mid__server *s;
    mid_status status;

    if (o.n_top > MID_TOP_MAX)
        return mid__fail(ctx, MID_EINVAL, "top %u asked for, at most %d are kept", o.n_top, MID_TOP_MAX);
    m = calloc(1, sizeof *m);
    if (!m)
        return mid__oom(ctx, url);
    status = new_server(ctx, url, o.model, o.key, &m->server);
    if (status == MID_OK) {
        s = m->server;
        s->n_top = o.text_only ? 0 : o.n_top ? o.n_top : N_TOP_DEFAULT;
        s->opts = (mid__http_opts){ .streams = true, .timeout_ms = o.timeout_ms, .retry_ms = o.retry_ms,
                                    .seed = o.seed };
        s->pace = &s->own_pace;
        mid__pace_init(s->pace, o.rpm, o.tpm);
        status = open_http(ctx, s);
    }
    if (status != MID_OK) {
        mid_model_close(m);
        return status;
    }
    m->n_seq = MID_GROUP_N;
    m->signals.have = MID_SIG_TEXT | MID_SIG_TIME | (s->n_top ? MID_SIG_LOGPROB | MID_SIG_TOP : 0);
    m->signals.n_top = (int)s->n_top;
    name_model(m);
    *out = m;
    return MID_OK;
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

static bool is_chat(const mid_source_opts *opts) { return !opts->format || strcmp(opts->format, "chat") == 0; }

static void add_message(yyjson_mut_doc *doc, yyjson_mut_val *messages, const char *role, const char *text)
{
    yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, messages);

    yyjson_mut_obj_add_str(doc, message, "role", role);
    yyjson_mut_obj_add_str(doc, message, "content", text);
}

/* The form around the prompt; it has been checked to have {prompt} in it. */
static bool fill_form(const char *form, const char *prompt, mid__buf *out)
{
    const char *at = strstr(form, "{prompt}");

    mid__buf_put(out, form, (size_t)(at - form));
    mid__buf_text(out, prompt);
    return mid__buf_text(out, at + strlen("{prompt}"));
}

static void add_prompt(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *prompt, const mid_source_opts *opts,
                       const mid__buf *filled)
{
    yyjson_mut_val *messages;

    if (!is_chat(opts)) {
        yyjson_mut_obj_add_str(doc, root, "prompt", filled->at);
        return;
    }
    messages = yyjson_mut_obj_add_arr(doc, root, "messages");
    if (opts->system)
        add_message(doc, messages, "system", opts->system);
    add_message(doc, messages, "user", prompt);
}

/* owned (free); NULL: out of memory. */
static char *request_of(const mid__server *s, const char *prompt, const mid_source_opts *opts)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    mid__buf filled = { 0 };
    yyjson_mut_val *root;
    char *text = NULL;

    if (!doc || (!is_chat(opts) && !fill_form(opts->format, prompt, &filled)))
        goto out;
    root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (s->model)
        yyjson_mut_obj_add_str(doc, root, "model", s->model);
    add_prompt(doc, root, prompt, opts, &filled);
    yyjson_mut_obj_add_uint(doc, root, "max_tokens", opts->max_tok);
    yyjson_mut_obj_add_float(doc, root, "temperature", opts->temperature);
    yyjson_mut_obj_add_uint(doc, root, "seed", opts->seed);
    if (opts->stop)
        yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, root, "stop"), opts->stop);
    if (s->n_top && is_chat(opts)) {
        yyjson_mut_obj_add_bool(doc, root, "logprobs", true);
        yyjson_mut_obj_add_uint(doc, root, "top_logprobs", s->n_top);
    } else if (s->n_top) {
        yyjson_mut_obj_add_uint(doc, root, "logprobs", s->n_top);
    }
    if (yyjson_mut_obj_add_bool(doc, root, "stream", true))
        text = yyjson_mut_write(doc, 0, NULL);
out:
    yyjson_mut_doc_free(doc);
    mid__buf_clear(&filled);
    return text;
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */

struct answer {
    mid_ctx *ctx;
    const mid__server *server;
    mid__http *http;
    const mid_source_opts *opts;
    const mid_sink *sink;
    size_t i_seq;
    mid__sse sse;
    mid__chunks chunks;
    char head[HEAD_BYTES + 1];      /* of the response, to show what it is if it is no stream */
    size_t n_head;
    uint32_t n_tok, at_byte;        /* given */
    double last_s;
    bool done, stop;                /* the server has ended; the sink, or max_tok, had enough */
    bool theirs;                    /* status came from the sink */
    mid_status status;
};

static mid_status give(struct answer *a, mid_step *step)
{
    const double now_s = mid__now_s();
    mid_status status = MID_OK;

    if (a->n_tok == a->opts->max_tok) {
        a->stop = true;                 /* a server that does not keep to it */
        return MID_OK;
    }
    step->have |= MID_SIG_TEXT | MID_SIG_TIME;
    step->i_tok = a->n_tok;
    step->at_byte = a->at_byte;
    step->time_us = (float)((now_s - a->last_s) * 1e6);
    a->last_s = now_s;
    a->n_tok++;
    a->at_byte += step->n_text;
    if (a->sink->step)
        status = a->sink->step(a->sink->user, a->i_seq, step, &a->stop);
    a->theirs = status != MID_OK;
    return status;
}

/* With the first n_text bytes of its text: all, or what a stop text left of it. Id and ln p are of the whole token. */
static mid_status give_token(struct answer *a, const mid__said_tok *tok, uint32_t n_text)
{
    mid_step step = { .have = MID_SIG_LOGPROB | MID_SIG_TOP, .token = mid__tok_id(a->chunks.bytes.at + tok->at, tok->n),
                      .text = a->chunks.text.at + a->at_byte, .n_text = n_text, .lp = tok->lp, .n_top = tok->n_top,
                      .top_token = tok->top, .top_lp = tok->top_lp };

    if (isnan(tok->lp) || tok->n_top == 0)
        return mid__fail(a->ctx, MID_ESIGNAL, "token %u of the answer comes without %s", a->n_tok + 1,
                         isnan(tok->lp) ? "a log-probability" : "top_logprobs");
    return give(a, &step);
}

/* Give the tokens that the text has caught up with. */
static mid_status give_tokens(struct answer *a)
{
    const mid__chunks *c = &a->chunks;
    mid_status status = MID_OK;
    uint32_t i;

    for (i = 0; status == MID_OK && !a->stop && i < c->n_tok; i++) {
        const mid__said_tok *tok = &c->tok[i];
        const size_t n_text = c->text.n - a->at_byte, n = tok->n < n_text ? tok->n : n_text;
        if (n && memcmp(c->bytes.at + tok->at, c->text.at + a->at_byte, n) != 0)
            return mid__fail(a->ctx, MID_EFORMAT, "token %u of the answer is not what its text says at byte %u: its "
                             "tokens cannot be told apart", a->n_tok + 1, a->at_byte);
        if (tok->n > n_text)
            break;
        if (tok->n)                     /* an end token is no text */
            status = give_token(a, tok, tok->n);
    }
    if (status == MID_OK && !a->stop && i == c->n_tok && c->text.n > a->at_byte)
        status = mid__fail(a->ctx, MID_ESIGNAL, "byte %u of the answer comes without log-probabilities: this server or "
                           "model does not tell them; with top_logprobs 0 its text alone is read", a->at_byte);
    if (status == MID_OK)
        mid__chunks_take(&a->chunks, i);
    return status;
}

/* A stop text began within a token: what came before it is text, and give_tokens() has found it in the token. */
static mid_status give_rest(struct answer *a)
{
    const mid__chunks *c = &a->chunks;

    return c->n_tok && c->text.n > a->at_byte ? give_token(a, c->tok, (uint32_t)(c->text.n - a->at_byte)) : MID_OK;
}

/* What has come since, as one step. */
static mid_status give_text(struct answer *a)
{
    mid_step step = { .text = a->chunks.text.at + a->at_byte, .n_text = (uint32_t)(a->chunks.text.n - a->at_byte) };

    step.token = mid__tok_id(step.text, step.n_text);
    return give(a, &step);
}

static bool take_event(void *user, const char *data, size_t n)
{
    struct answer *a = user;
    mid__chunks *c = &a->chunks;
    const size_t n_text = c->text.n, n_thought = c->n_thought;
    bool thought;

    if (n == 6 && memcmp(data, "[DONE]", 6) == 0) {
        a->done = true;
        return true;
    }
    a->status = mid__chunks_read(a->ctx, c, data, n, a->server->n_top);
    thought = c->n_thought > n_thought && mid__now_s() - a->last_s < THINKING_LIMIT_S;
    if (a->status == MID_OK && a->server->n_top)
        a->status = give_tokens(a);
    else if (a->status == MID_OK && c->text.n > a->at_byte)
        a->status = give_text(a);
    if (a->status == MID_OK && strcmp(c->finish, "content_filter") == 0)
        a->status = mid__fail(a->ctx, MID_EUNDEFINED, "the server's content filter cut the answer after %u tokens",
                              a->n_tok);
    a->done |= c->finish[0] != 0;
    if (c->text.n > n_text || thought)
        mid__http_heard(a->http);
    return a->status == MID_OK && !a->stop;
}

/* A try begins. Steps that were given cannot be taken back, and an answer that was all there needs none. */
static bool begin(void *user)
{
    struct answer *a = user;

    if (a->n_tok || a->done)
        return false;
    mid__sse_clear(&a->sse);
    mid__chunks_clear(&a->chunks);
    a->n_head = 0;
    a->last_s = mid__now_s();
    return true;
}

static bool take_bytes(void *user, const char *bytes, size_t n)
{
    struct answer *a = user;
    const size_t n_head = n < HEAD_BYTES - a->n_head ? n : HEAD_BYTES - a->n_head;
    mid_status status;

    memcpy(a->head + a->n_head, bytes, n_head);
    a->n_head += n_head;
    a->head[a->n_head] = 0;
    status = mid__sse_push(a->ctx, &a->sse, bytes, n, take_event, a);
    if (status != MID_OK && status != MID_ECANCEL)
        a->status = status;
    return status == MID_OK;
}

/* The stream is over: was it all? */
static mid_status end(struct answer *a)
{
    if (a->done)
        return give_rest(a);
    if (a->n_tok == 0 && a->chunks.text.n == 0 && a->chunks.n_tok == 0)
        return mid__fail(a->ctx, MID_EFORMAT, "a response without a chunk of a completion: '%s'", a->head);
    return mid__fail(a->ctx, MID_EIO, "the stream ended after %u tokens without a finish_reason or [DONE]", a->n_tok);
}

static mid_status ask(struct answer *a, const mid_sample *sample)
{
    const mid__http_reader reader = { .user = a, .begin = begin, .bytes = take_bytes };
    const size_t n_prompt = strlen(sample->prompt);
    char *request = request_of(a->server, sample->prompt, a->opts);
    char said[MID__HTTP_SAID_BYTES];
    mid_status status;

    if (!request && mid__utf8_valid(sample->prompt, n_prompt) < n_prompt)
        return mid__fail(a->ctx, MID_EINVAL, "the prompt is not UTF-8 at byte %zu: JSON cannot carry it",
                         mid__utf8_valid(sample->prompt, n_prompt));
    if (!request)
        return mid__oom(a->ctx, "a request");
    /* four bytes to a token, as vendors reckon before they have counted */
    status = mid__http_post(a->ctx, a->http, request, (uint32_t)(n_prompt / 4) + a->opts->max_tok, &reader, NULL);
    free(request);
    if (status == MID_OK || (status == MID_EIO && a->done && a->status == MID_OK))
        status = end(a);                /* a connection that breaks behind an answer takes nothing from it */
    else if (status == MID_ECANCEL)
        status = a->status;             /* OK: somebody had enough */
    else
        return status;
    if (status == MID_OK || a->theirs)
        return status;
    mid__http_clean(a->http, mid_ctx_message(a->ctx), said);
    return mid__fail(a->ctx, status, "%s: %s", mid__http_url(a->http), said);
}

mid_status mid__source_openai(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                              const mid_source_opts *opts, const mid_sink *sink)
{
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; status == MID_OK && i < n; i++) {
        const mid_prompt prompt = { .text = sample[i]->prompt };
        struct answer a = { .ctx = ctx, .server = model->server, .opts = opts, .sink = sink, .i_seq = i };
        a.http = model->server->http[is_chat(opts) ? CHAT : PLAIN];
        mid__sse_init(&a.sse);
        mid__chunks_init(&a.chunks);
        status = sink->prompt ? sink->prompt(sink->user, i, &prompt) : MID_OK;
        if (status == MID_OK)
            status = ask(&a, sample[i]);
        mid__sse_clear(&a.sse);
        mid__chunks_clear(&a.chunks);
    }
    return status;
}
