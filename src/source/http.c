/* POST with retries. 429 and 5xx, a connection that fails and a response that is cut short are tried again, 3 times,
 * waiting about twice as long each time (half of it by chance, so that many clients do not come back at once) or as
 * long as the server asks for; any other refusal is final. No redirects and no proxy: what we send is somebody's
 * conversation, and it goes where we were told. */
#include "source/http.h"

#include <curl/curl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "yyjson.h"

#include "base/buf.h"
#include "base/ctx.h"
#include "base/rng.h"
#include "midstream/trace.h"

enum { N_RETRY = 3, REFUSAL_LIMIT_BYTES = 1 << 16, WAIT_LIMIT_MS = 30000, ASKED_LIMIT_S = 120, KEY_HEAD_BYTES = 8 };

struct mid__http {
    CURL *curl;
    struct curl_slist *header;
    char *url, *key;
    uint32_t retry_ms;
    mid__rng rng;
    mid__pace *pace;
    mid__buf refusal;               /* body of a response that is not 200 */
    char curl_said[CURL_ERROR_SIZE];
    const mid__http_reader *reader; /* of the request under way */
    bool stopped;                   /* by the reader */
    double silence_s, heard_s;      /* of a stream: the longest there may be, and since when there is one */
};

static void start_curl(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static void wait_s(double s)
{
    const struct timespec t = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };

    if (s > 0)
        nanosleep(&t, NULL);
}

/* ---- pace -------------------------------------------------------------------------------------------------------- */

void mid__pace_init(mid__pace *pace, uint32_t per_minute, uint32_t tok_per_minute)
{
    pthread_mutex_init(&pace->lock, NULL);
    pace->request_s = per_minute ? 60.0 / per_minute : 0;
    pace->tok_s = tok_per_minute ? 60.0 / tok_per_minute : 0;
    pace->next_s = 0;
}

void mid__pace_clear(mid__pace *pace) { pthread_mutex_destroy(&pace->lock); }

double mid__pace_take(mid__pace *pace, uint32_t n_tok)
{
    const double now_s = mid__now_s(), tok_s = n_tok * pace->tok_s;
    double start_s;

    pthread_mutex_lock(&pace->lock);
    start_s = pace->next_s > now_s ? pace->next_s : now_s;
    pace->next_s = start_s + (tok_s > pace->request_s ? tok_s : pace->request_s);
    pthread_mutex_unlock(&pace->lock);
    return start_s - now_s;
}

/* A server that asks one to wait means all who ask it. */
static void hold(mid__pace *pace, double s)
{
    const double until_s = mid__now_s() + s;

    pthread_mutex_lock(&pace->lock);
    if (pace->next_s < until_s)
        pace->next_s = until_s;
    pthread_mutex_unlock(&pace->lock);
}

/* How much of a key stands here. What is cut before it comes to us may end within one: its beginning counts. */
static size_t key_at(const char *said, const char *key)
{
    size_t n = 0;

    while (key[n] && said[n] == key[n])
        n++;
    return !key[n] || n >= KEY_HEAD_BYTES ? n : 0;
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

void mid__http_clean(const mid__http *h, const char *said, char out[MID__HTTP_SAID_BYTES])
{
    size_t n = 0;

    while (*said && n + 4 < MID__HTTP_SAID_BYTES) {
        const size_t n_key = h->key ? key_at(said, h->key) : 0;
        if (n_key) {
            memcpy(out + n, "***", 3);
            n += 3;
            said += n_key;
        } else {
            out[n++] = (unsigned char)*said < 0x20 ? ' ' : *said;
            said++;
        }
    }
    out[n] = 0;
}

/* What went wrong, in the server's words where it has some. */
static mid_status refused(mid_ctx *ctx, const mid__http *h, CURLcode code, long http, int n_try, const char *more)
{
    yyjson_doc *doc = h->refusal.n ? yyjson_read(h->refusal.at, h->refusal.n, 0) : NULL;
    yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
    const char *message = yyjson_get_str(yyjson_is_str(error) ? error : yyjson_obj_get(error, "message"));
    const bool ours = http == 400 || http == 413 || http == 422;
    char said[MID__HTTP_SAID_BYTES];
    mid_status status;

    mid__http_clean(h, message ? message : h->refusal.n ? h->refusal.at : "no text", said);
    if (code != CURLE_OK)
        status = mid__fail(ctx, MID_EIO, "%s: %s (%d tries)", h->url,
                           h->curl_said[0] ? h->curl_said : curl_easy_strerror(code), n_try);
    else
        status = mid__fail(ctx, http == 429 || http >= 500 ? MID_EIO : ours ? MID_EINVAL : MID_EMODEL,
                           "%s: HTTP %ld (%d tries): %.200s%s", h->url, http, n_try, said, more);
    yyjson_doc_free(doc);
    return status;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static size_t receive(char *bytes, size_t size, size_t n, void *user)
{
    mid__http *h = user;
    long http = 0;

    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &http);
    if (http != 200) {
        mid__buf_put(&h->refusal, bytes, size * n);     /* what is too much is not needed either */
        return size * n;
    }
    h->stopped = !h->reader->bytes(h->reader->user, bytes, size * n);
    return h->stopped ? 0 : size * n;
}

void mid__http_heard(mid__http *h) { h->heard_s = mid__now_s(); }

/* curl asks about once a second, whether or not anything comes. */
static int is_silent(void *user, curl_off_t n_down, curl_off_t down, curl_off_t n_up, curl_off_t up)
{
    const mid__http *h = user;

    (void)n_down; (void)down; (void)n_up; (void)up;
    return mid__now_s() - h->heard_s > h->silence_s;
}

/* Once. *http 0: no response. */
static CURLcode send_once(mid__http *h, uint32_t n_tok, long *http)
{
    CURLcode code;

    if (h->pace)
        wait_s(mid__pace_take(h->pace, n_tok));
    h->curl_said[0] = 0;
    mid__buf_clear(&h->refusal);
    mid__http_heard(h);
    code = curl_easy_perform(h->curl);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        snprintf(h->curl_said, sizeof h->curl_said, "nothing of an answer came for %g s", h->silence_s);
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, http);
    return code;
}

mid_status mid__http_post(mid_ctx *ctx, mid__http *h, const char *request, uint32_t n_tok,
                          const mid__http_reader *reader, uint64_t *n_retry)
{
    double ms = h->retry_ms;
    long http = 0;
    int n_try;

    h->reader = reader;
    h->stopped = false;
    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, request);
    for (n_try = 1; ; n_try++) {
        curl_off_t asked_s = 0;
        CURLcode code;
        if (!reader->begin(reader->user))
            return refused(ctx, h, CURLE_PARTIAL_FILE, 0, n_try - 1, "");
        code = send_once(h, n_tok, &http);
        if (h->stopped)
            return MID_ECANCEL;
        if (code == CURLE_OK && http == 200)
            return MID_OK;
        if (n_try > N_RETRY || (code == CURLE_OK && http != 429 && http < 500))
            return refused(ctx, h, code, http, n_try, "");
        curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &asked_s);
        if (asked_s > ASKED_LIMIT_S)
            return refused(ctx, h, code, http, n_try, "; it asks us to wait longer than 2 minutes");
        if (h->pace && asked_s > 0)
            hold(h->pace, (double)asked_s);
        ms = ms < WAIT_LIMIT_MS ? ms : WAIT_LIMIT_MS;
        wait_s(fmax((double)asked_s, ms / 1000 * (1 + mid__rng_unit(&h->rng)) / 2));
        ms *= 2;
        if (n_retry)
            *n_retry += 1;
    }
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static const char url_signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

static bool add_header(mid__http *h, const char *text)
{
    struct curl_slist *longer = curl_slist_append(h->header, text);

    if (longer)
        h->header = longer;
    return longer;
}

static mid_status set_up(mid_ctx *ctx, mid__http *h, const mid__http_opts *opts)
{
    const long timeout_ms = opts->timeout_ms ? (long)opts->timeout_ms : 60000;
    mid__buf key = { 0 }, url = { 0 };
    bool ok = add_header(h, "Content-Type: application/json");

    if (ok && h->key && !opts->key_name) {
        ok = mid__buf_fmt(&key, "Authorization: Bearer %s", h->key) && add_header(h, key.at);
        mid__buf_clear(&key);
    }
    if (!ok)
        return mid__oom(ctx, h->url);
    curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->curl, CURLOPT_PROXY, "");       /* else curl looks into the environment for one */
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->header);
    curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 10000 ? timeout_ms : 10000);
    if (opts->streams) {
        h->silence_s = (double)timeout_ms / 1000;
        curl_easy_setopt(h->curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, is_silent);
        curl_easy_setopt(h->curl, CURLOPT_XFERINFODATA, h);
    } else {
        curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    }
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->curl_said);
    mid__buf_text(&url, h->url);
    if (h->key && opts->key_name)
        mid__buf_fmt(&url, "%c%s=%s", strchr(h->url, '?') ? '&' : '?', opts->key_name, h->key);
    ok = !url.failed && curl_easy_setopt(h->curl, CURLOPT_URL, url.at) == CURLE_OK;
    mid__buf_clear(&url);
    return ok ? MID_OK : mid__oom(ctx, h->url);
}

/* Does a parameter of a URL have the name of a secret? */
static bool names_key(const char *url)
{
    static const char *const secret[] = { "key", "token", "secret", "password", "signature", "auth" };
    const char *at = strchr(url, '?');
    size_t i, n;

    for (; at; at = strchr(at + 1, '&'))
        for (n = strcspn(at + 1, "=&#"); n; n--)
            for (i = 0; i < sizeof secret / sizeof secret[0]; i++)
                if (strncasecmp(at + n, secret[i], strlen(secret[i])) == 0)
                    return true;
    return false;
}

/* curl finds out about a malformed URL only when it is used; we would rather know now. A URL is in messages and in
 * results, so there is no secret in one, nor in what is said about it here. */
static mid_status check_url(mid_ctx *ctx, const char *url)
{
    const char *at = strrchr(url, '@'), *host = at ? at + 1 : url;
    const int n_shown = (int)strcspn(host, "?&");
    CURLU *u = curl_url();
    const CURLUcode code = u ? curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) : CURLUE_OUT_OF_MEMORY;

    curl_url_cleanup(u);
    if (code == CURLUE_USER_NOT_ALLOWED || (code == CURLUE_OK && names_key(url)))
        return mid__fail(ctx, MID_EINVAL, "the URL of '%.*s' has a %s in it, which would be in messages and results; "
                         "name the variable that holds the key instead (key_env, --key-env)",
                         n_shown < 200 ? n_shown : 200, host,
                         code == CURLUE_OK ? "key" : "user or password");
    if (code == CURLUE_OK)
        return MID_OK;
    return mid__fail(ctx, code == CURLUE_OUT_OF_MEMORY ? MID_ENOMEM : MID_EINVAL, "'%.*s': %s",
                     n_shown < 200 ? n_shown : 200, host, curl_url_strerror(code));
}

static char *url_of(const char *base, const char *path)
{
    size_t n = strlen(base);
    mid__buf url = { 0 };

    if (!path)
        return strdup(base);
    while (n && base[n - 1] == '/')
        n--;
    if (n >= 3 && strncmp(base + n - 3, "/v1", 3) == 0)
        n -= 3;
    mid__buf_put(&url, base, n);
    mid__buf_fmt(&url, "/v1/%s", path);
    return mid__buf_take(&url, NULL);
}

mid_status mid__http_url_of(mid_ctx *ctx, const char *base, const char *path, char **url)
{
    char *made = url_of(base, path);
    const mid_status status = made ? check_url(ctx, made) : mid__oom(ctx, base);

    if (status == MID_OK)
        *url = made;
    else
        mid_free(made);
    return status;
}

mid_status mid__http_open(mid_ctx *ctx, const char *base, const char *path, const mid__http_opts *opts, mid__http **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    mid__http *h;
    mid_status status;

    if (opts->key && strpbrk(opts->key, "\r\n"))
        return mid__fail(ctx, MID_EINVAL, "the key has a line break in it");
    if (opts->key && opts->key_name && opts->key[strspn(opts->key, url_signs)])
        return mid__fail(ctx, MID_EINVAL, "the key has signs in it that cannot stand behind a URL");
    pthread_once(&once, start_curl);
    h = calloc(1, sizeof *h);
    if (!h)
        return mid__oom(ctx, base);
    mid__buf_init(&h->refusal, REFUSAL_LIMIT_BYTES);
    mid__rng_init(&h->rng, opts->seed, 0);
    h->retry_ms = opts->retry_ms ? opts->retry_ms : 500;
    h->pace = opts->pace;
    h->key = opts->key ? strdup(opts->key) : NULL;
    h->curl = curl_easy_init();
    status = h->curl && (h->key || !opts->key) ? mid__http_url_of(ctx, base, path, &h->url) : mid__oom(ctx, base);
    if (status == MID_OK)
        status = set_up(ctx, h, opts);
    if (status == MID_OK)
        *out = h;
    else
        mid__http_close(h);
    return status;
}

void mid__http_close(mid__http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    curl_slist_free_all(h->header);
    mid__buf_clear(&h->refusal);
    mid_free(h->url);
    free(h->key);
    free(h);
}

const char *mid__http_url(const mid__http *h) { return h->url; }
