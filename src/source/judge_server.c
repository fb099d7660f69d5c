/* A judge behind an OpenAI-compatible server: one token of a chat completion, with its 20 most likely first tokens.
 * 429 and 5xx, a connection that fails and a response that is cut short are tried again, 3 times, waiting twice as long
 * each time or as long as the server asks for; any other refusal is final. No redirects: what we send is somebody's
 * conversation, and it goes where we were told. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "yyjson.h"

#include "base/buf.h"
#include "base/ctx.h"
#include "source/judge.h"

enum { N_RETRY = 3, RESPONSE_LIMIT_BYTES = 1 << 20, WAIT_LIMIT_MS = 30000 };

struct server {
    CURL *curl;
    struct curl_slist *header;
    char *url, *model;
    uint32_t retry_ms;
    mid__oracle *oracle;            /* its n_retry is counted up */
    mid__buf body;
    char curl_said[CURL_ERROR_SIZE];
};

static void start_curl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static void close_server(void *self)
{
    struct server *s = self;

    curl_easy_cleanup(s->curl);
    curl_slist_free_all(s->header);
    mid__buf_clear(&s->body);
    free(s->url);
    free(s->model);
    free(s);
}

static size_t receive(char *bytes, size_t size, size_t n, void *user)
{
    return mid__buf_put(user, bytes, size * n) ? size * n : 0;
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

/* ---- sending ---------------------------------------------------------------------------------------------------- */

static void wait_ms(long ms)
{
    const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

/* What went wrong, in the server's words where it has some. */
static mid_status refused(mid_ctx *ctx, const struct server *s, CURLcode code, long http, int n_try)
{
    yyjson_doc *doc = s->body.n ? yyjson_read(s->body.at, s->body.n, 0) : NULL;
    yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
    const char *said = yyjson_get_str(yyjson_is_str(error) ? error : yyjson_obj_get(error, "message"));
    mid_status status;

    if (s->body.failed)
        status = mid__fail(ctx, MID_EIO, "%s: a response of more than %d bytes", s->url, RESPONSE_LIMIT_BYTES);
    else if (code != CURLE_OK)
        status = mid__fail(ctx, MID_EIO, "%s: %s (%d tries)", s->url,
                           s->curl_said[0] ? s->curl_said : curl_easy_strerror(code), n_try);
    else
        status = mid__fail(ctx, http == 429 || http >= 500 ? MID_EIO : MID_EMODEL, "%s: HTTP %ld (%d tries): %.200s",
                           s->url, http, n_try, said ? said : s->body.n ? s->body.at : "no text");
    yyjson_doc_free(doc);
    return status;
}

static mid_status send_request(mid_ctx *ctx, struct server *s, const char *request)
{
    long wait = s->retry_ms, http = 0;
    CURLcode code;
    int n_try;

    curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, request);
    for (n_try = 1; ; n_try++) {
        curl_off_t asked_s = 0;
        s->curl_said[0] = 0;
        mid__buf_clear(&s->body);
        code = curl_easy_perform(s->curl);
        curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &http);
        if (code == CURLE_OK && http == 200)
            return MID_OK;
        if (n_try > N_RETRY || s->body.failed || (code == CURLE_OK && http != 429 && http < 500))
            return refused(ctx, s, code, http, n_try);
        curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &asked_s);
        if (asked_s > WAIT_LIMIT_MS / 1000)
            asked_s = WAIT_LIMIT_MS / 1000;
        wait_ms(asked_s * 1000 > wait ? (long)asked_s * 1000 : wait);
        wait = wait * 2 < WAIT_LIMIT_MS ? wait * 2 : WAIT_LIMIT_MS;
        s->oracle->n_retry++;
    }
}

static mid_status ask_server(mid_ctx *ctx, void *self, const char *question, mid__said *said)
{
    struct server *s = self;
    char *request = request_of(s, question);
    mid_status status = request ? send_request(ctx, s, request) : mid__oom(ctx, "a request");

    if (status == MID_OK)
        status = mid__judge_response(ctx, s->url, s->body.at, s->body.n, said);
    free(request);
    return status;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* base/v1/chat/completions, whether or not base ends with / or /v1. */
static char *endpoint_of(const char *base)
{
    size_t n = strlen(base);
    mid__buf url = { 0 };

    while (n && base[n - 1] == '/')
        n--;
    if (n >= 3 && strncmp(base + n - 3, "/v1", 3) == 0)
        n -= 3;
    mid__buf_put(&url, base, n);
    mid__buf_text(&url, "/v1/chat/completions");
    return mid__buf_take(&url, NULL);
}

static bool add_header(struct server *s, const char *text)
{
    struct curl_slist *longer = curl_slist_append(s->header, text);

    if (longer)
        s->header = longer;
    return longer;
}

static mid_status set_up(mid_ctx *ctx, struct server *s, const mid_judge_opts *opts)
{
    const long timeout_ms = opts->timeout_ms ? (long)opts->timeout_ms : 60000;
    mid__buf key = { 0 };
    bool ok = add_header(s, "Content-Type: application/json");

    if (ok && opts->key) {
        ok = mid__buf_fmt(&key, "Authorization: Bearer %s", opts->key) && add_header(s, key.at);
        mid__buf_clear(&key);
    }
    if (!ok)
        return mid__oom(ctx, s->url);
    curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->curl, CURLOPT_PROXY, "");       /* else curl looks into the environment for one */
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->header);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 10000 ? timeout_ms : 10000);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, &s->body);
    curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->curl_said);
    if (curl_easy_setopt(s->curl, CURLOPT_URL, s->url) != CURLE_OK)
        return mid__oom(ctx, s->url);
    return MID_OK;
}

/* curl finds out about a malformed URL only when it is used; we would rather know now. */
static mid_status check_url(mid_ctx *ctx, const char *url)
{
    CURLU *u = curl_url();
    const CURLUcode code = u ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;

    curl_url_cleanup(u);
    if (code == CURLUE_OK)
        return MID_OK;
    return mid__fail(ctx, code == CURLUE_OUT_OF_MEMORY ? MID_ENOMEM : MID_EINVAL, "'%.200s': %s", url,
                     curl_url_strerror(code));
}

mid_status mid__judge_server(mid_ctx *ctx, const char *base, const mid_judge_opts *opts, mid__oracle *oracle,
                             char **name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct server *s;
    mid__buf id = { 0 };
    mid_status status;

    if (opts->key && strpbrk(opts->key, "\r\n"))
        return mid__fail(ctx, MID_EINVAL, "the key has a line break in it");
    pthread_once(&once, start_curl);
    s = calloc(1, sizeof *s);
    if (!s)
        return mid__oom(ctx, base);
    mid__buf_init(&s->body, RESPONSE_LIMIT_BYTES);
    s->oracle = oracle;
    s->retry_ms = opts->retry_ms ? opts->retry_ms : 500;
    s->url = endpoint_of(base);
    s->model = opts->model ? strdup(opts->model) : NULL;
    s->curl = curl_easy_init();
    status = s->url && s->curl && (s->model || !opts->model) ? check_url(ctx, s->url) : mid__oom(ctx, base);
    if (status == MID_OK)
        status = set_up(ctx, s, opts);
    if (status == MID_OK) {
        mid__buf_fmt(&id, "%s %s", s->url, s->model ? s->model : "");
        *name = mid__buf_take(&id, NULL);
        status = *name ? MID_OK : mid__oom(ctx, base);
    }
    if (status != MID_OK) {
        close_server(s);
        return status;
    }
    oracle->self = s;
    oracle->ask = ask_server;
    oracle->close = close_server;
    return MID_OK;
}
