/* A judge behind an OpenAI-compatible server: one token of a chat completion, with its 20 most likely first tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yyjson.h"

#include "base/buf.h"
#include "base/ctx.h"
#include "source/http.h"
#include "source/judge.h"

enum { RESPONSE_LIMIT_BYTES = 1 << 20 };

struct server {
    mid__http *http;
    char *model;
    mid__oracle *oracle;            /* its n_retry is counted up */
    mid__buf body;
};

static void close_server(void *self)
{
    struct server *s = self;

    mid__http_close(s->http);
    mid__buf_clear(&s->body);
    free(s->model);
    free(s);
}

static bool begin(void *user)
{
    struct server *s = user;

    mid__buf_clear(&s->body);
    return true;
}

static bool receive(void *user, const char *bytes, size_t n)
{
    struct server *s = user;

    return mid__buf_put(&s->body, bytes, n);
}

/* ---- one question as JSON, one response ------------------------------------------------------------------------- */

/* owned (free); NULL: out of memory. */
static char *request_of(const struct server *s, const char *question)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root, *messages, *message;
    char *text = NULL;

    if (!doc)
        return NULL;
    root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (s->model)
        yyjson_mut_obj_add_str(doc, root, "model", s->model);
    messages = yyjson_mut_obj_add_arr(doc, root, "messages");
    message = yyjson_mut_arr_add_obj(doc, messages);
    yyjson_mut_obj_add_str(doc, message, "role", "user");
    yyjson_mut_obj_add_str(doc, message, "content", question);
    yyjson_mut_obj_add_int(doc, root, "max_tokens", 1);
    yyjson_mut_obj_add_int(doc, root, "temperature", 0);
    yyjson_mut_obj_add_bool(doc, root, "logprobs", true);
    if (yyjson_mut_obj_add_int(doc, root, "top_logprobs", MID_TOP_MAX))
        text = yyjson_mut_write(doc, 0, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}

static void read_top(yyjson_val *top, mid__said *said)
{
    yyjson_val *entry;
    size_t i, n;

    yyjson_arr_foreach(top, i, n, entry) {
        const char *token = yyjson_get_str(yyjson_obj_get(entry, "token"));
        yyjson_val *lp = yyjson_obj_get(entry, "logprob");
        if (said->n == MID_TOP_MAX)
            return;
        if (!token || !yyjson_is_num(lp))
            continue;
        snprintf(said->word[said->n].text, sizeof said->word[0].text, "%s", token);
        said->word[said->n++].lp = yyjson_get_num(lp);
    }
}

/* choices[0].logprobs.content[0].top_logprobs */
mid_status mid__judge_response(mid_ctx *ctx, const char *url, const char *body, size_t n, mid__said *said)
{
    yyjson_doc *doc = n ? yyjson_read(body, n, 0) : NULL;
    yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "choices"));
    yyjson_val *logprobs = yyjson_obj_get(choice, "logprobs");
    yyjson_val *content = yyjson_obj_get(logprobs, "content");
    yyjson_val *top = yyjson_obj_get(yyjson_arr_get_first(content), "top_logprobs");
    mid_status status = MID_OK;

    if (!choice)
        status = mid__fail(ctx, MID_EFORMAT, "%s: a response of %zu bytes that is no chat completion: '%.*s'", url, n,
                           n < 80 ? (int)n : 80, n ? body : "");
    else if (!yyjson_is_arr(content) || (yyjson_arr_size(content) && !yyjson_is_arr(top)))
        status = mid__fail(ctx, MID_EFORMAT, "%s: a completion without top_logprobs: this server cannot be a judge, "
                           "its model's probabilities are needed", url);
    else
        read_top(top, said);        /* no token at all is no verdict */
    yyjson_doc_free(doc);
    return status;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static mid_status ask_server(mid_ctx *ctx, void *self, const char *question, mid__said *said)
{
    struct server *s = self;
    const mid__http_reader reader = { .user = s, .begin = begin, .bytes = receive };
    char *request = request_of(s, question);
    mid_status status = request ? mid__http_post(ctx, s->http, request, 0, &reader, &s->oracle->n_retry)
                                : mid__oom(ctx, "a request");

    if (status == MID_ECANCEL)
        status = mid__fail(ctx, MID_EIO, "%s: a response of more than %d bytes", mid__http_url(s->http),
                           RESPONSE_LIMIT_BYTES);
    if (status == MID_EINVAL)
        status = MID_EMODEL;        /* a refusal is one */
    if (status == MID_OK)
        status = mid__judge_response(ctx, mid__http_url(s->http), s->body.at, s->body.n, said);
    free(request);
    return status;
}

mid_status mid__judge_server(mid_ctx *ctx, const char *base, const mid_judge_opts *opts, mid__oracle *oracle,
                             char **name)
{
    const mid__http_opts http = { .key = opts->key, .timeout_ms = opts->timeout_ms, .retry_ms = opts->retry_ms };
    struct server *s = calloc(1, sizeof *s);
    mid__buf id = { 0 };
    mid_status status = s ? mid__http_open(ctx, base, "chat/completions", &http, &s->http) : mid__oom(ctx, base);

    if (status == MID_OK) {
        mid__buf_init(&s->body, RESPONSE_LIMIT_BYTES);
        s->oracle = oracle;
        s->model = opts->model ? strdup(opts->model) : NULL;
        mid__buf_fmt(&id, "%s %s", mid__http_url(s->http), s->model ? s->model : "");
        *name = s->model || !opts->model ? mid__buf_take(&id, NULL) : NULL;
        status = *name ? MID_OK : mid__oom(ctx, base);
    }
    if (status != MID_OK) {
        if (s)
            close_server(s);
        mid__buf_clear(&id);
        return status;
    }
    oracle->self = s;
    oracle->ask = ask_server;
    oracle->close = close_server;
    return MID_OK;
}
