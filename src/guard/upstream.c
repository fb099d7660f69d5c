/* libcurl's multi interface driven by libevent: curl tells which sockets it waits for and until when, the loop tells
 * curl what happened. As for a judge's requests (source/http.c): no redirects, no proxy, no compression, since what we
 * send is somebody's conversation and what we get must be readable as it comes. A response that is compressed all the
 * same is refused. */
#include "guard/upstream.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/ctx.h"

struct mid__upstreams {
    struct event_base *base;
    struct event *timer;
    CURLM *multi;
};

struct mid__call {
    mid__upstreams *all;
    CURL *curl;
    struct curl_slist *header;
    mid__call_ops ops;
    void *user;
    struct event *silence;
    struct timeval silence_s;
    bool headed;                    /* head was told */
    bool unwanted, coded, paused, timed_out;
    char said[CURL_ERROR_SIZE];
};

/* ---- curl and the loop ------------------------------------------------------------------------------------------- */

static void free_call(mid__call *call)
{
    curl_multi_remove_handle(call->all->multi, call->curl);
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->header);
    if (call->silence)
        event_free(call->silence);
    free(call);
}

/* Tell the head once, when the first byte behind it comes or none does. */
static bool told_head(mid__call *call)
{
    char *type = NULL, name[80] = "";
    long http = 0;

    if (call->headed)
        return !call->unwanted;
    call->headed = true;
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &http);
    curl_easy_getinfo(call->curl, CURLINFO_CONTENT_TYPE, &type);
    if (type)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(type, "; \t"), type);
    call->unwanted = !call->ops.head(call->user, (int)http, name);
    return !call->unwanted;
}

static void finish(mid__call *call, CURLcode code)
{
    const char *trouble = code == CURLE_OK ? NULL : call->coded ? "the upstream compressed its answer" :
                          call->said[0] ? call->said : curl_easy_strerror(code);
    const bool timed_out = code == CURLE_OPERATION_TIMEDOUT;
    const mid__call_ops ops = call->ops;
    void *user = call->user;
    const bool wanted = code == CURLE_OK ? told_head(call) : !call->unwanted;
    char why[CURL_ERROR_SIZE];

    if (trouble)
        snprintf(why, sizeof why, "%s", trouble);
    free_call(call);
    if (wanted)
        ops.end(user, trouble ? why : NULL, timed_out);
}

/* Calls that ended. */
static void reap(mid__upstreams *all)
{
    CURLMsg *msg;
    mid__call *call;
    int left;

    while ((msg = curl_multi_info_read(all->multi, &left)))
        if (msg->msg == CURLMSG_DONE) {
            const CURLcode code = msg->data.result;
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
            finish(call, code);
        }
}

static void on_socket_event(evutil_socket_t fd, short what, void *user)
{
    mid__upstreams *all = user;
    int running;

    curl_multi_socket_action(all->multi, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) |
                             (what & EV_WRITE ? CURL_CSELECT_OUT : 0), &running);
    reap(all);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    mid__upstreams *all = user;
    int running;

    (void)fd; (void)what;
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(all);
}

static int want_timer(CURLM *multi, long ms, void *user)
{
    mid__upstreams *all = user;
    const struct timeval t = { ms / 1000, ms % 1000 * 1000 };

    (void)multi;
    if (ms < 0)
        evtimer_del(all->timer);
    else
        evtimer_add(all->timer, &t);
    return 0;
}

static int want_socket(CURL *curl, curl_socket_t fd, int what, void *user, void *of_socket)
{
    mid__upstreams *all = user;
    const short on = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    struct event *event = of_socket;

    (void)curl;
    if (event)
        event_free(event);
    event = NULL;
    if (what != CURL_POLL_REMOVE) {
        event = event_new(all->base, fd, on, on_socket_event, all);
        if (event)
            event_add(event, NULL);
    }
    curl_multi_assign(all->multi, fd, event);
    return event || what == CURL_POLL_REMOVE ? 0 : -1;
}

mid_status mid__upstreams_open(mid_ctx *ctx, struct event_base *base, mid__upstreams **out)
{
    mid__upstreams *all = calloc(1, sizeof *all);

    if (!all)
        return mid__oom(ctx, "upstreams");
    all->base = base;
    all->multi = curl_multi_init();
    all->timer = evtimer_new(base, on_timer, all);
    if (!all->multi || !all->timer) {
        mid__upstreams_close(all);
        return mid__oom(ctx, "upstreams");
    }
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
    *out = all;
    return MID_OK;
}

void mid__upstreams_close(mid__upstreams *all)
{
    if (!all)
        return;
    if (all->multi)
        curl_multi_cleanup(all->multi);
    if (all->timer)
        event_free(all->timer);
    free(all);
}

/* ---- a response -------------------------------------------------------------------------------------------------- */

static size_t on_bytes(char *bytes, size_t size, size_t n, void *user)
{
    mid__call *call = user;

    if (call->paused)
        return CURL_WRITEFUNC_PAUSE;
    evtimer_add(call->silence, &call->silence_s);
    if (call->coded || !told_head(call))
        return 0;
    call->unwanted = !call->ops.bytes(call->user, bytes, size * n);
    return call->unwanted ? 0 : size * n;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    mid__call *call = user;
    static const char name[] = "content-encoding:";

    if (size * n >= sizeof name - 1 && strncasecmp(line, name, sizeof name - 1) == 0) {
        const char *value = line + sizeof name - 1;
        value += strspn(value, " \t");
        call->coded |= strncasecmp(value, "identity", 8) != 0;
    }
    return size * n;
}

/* Nothing has come for too long. What we made wait is not silent. */
static void on_silence(evutil_socket_t fd, short what, void *user)
{
    mid__call *call = user;

    (void)fd; (void)what;
    if (call->paused) {
        evtimer_add(call->silence, &call->silence_s);
        return;
    }
    snprintf(call->said, sizeof call->said, "nothing came from the upstream for %g s",
             (double)call->silence_s.tv_sec + (double)call->silence_s.tv_usec / 1e6);
    finish(call, CURLE_OPERATION_TIMEDOUT);
}

/* ---- a request --------------------------------------------------------------------------------------------------- */

static bool add_header(mid__call *call, const char *name, const char *value)
{
    mid__buf line = { 0 };
    struct curl_slist *longer = NULL;

    if (mid__buf_fmt(&line, "%s: %s", name, value))
        longer = curl_slist_append(call->header, line.at);
    mid__buf_clear(&line);
    if (longer)
        call->header = longer;
    return longer;
}

static bool set_up(mid__call *call, const mid__call_opts *o)
{
    CURL *curl = call->curl;
    bool ok = add_header(call, "Content-Type", "application/json") && add_header(call, "Accept-Encoding", "identity") &&
              add_header(call, "X-Request-Id", o->request_id) && add_header(call, "Expect", "");

    ok = ok && (!o->authorization || add_header(call, "Authorization", o->authorization));
    ok = ok && curl_easy_setopt(curl, CURLOPT_URL, o->url) == CURLE_OK;
    if (o->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->n_body);
        ok = ok && curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, o->body) == CURLE_OK;
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->header);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");          /* else curl looks into the environment for one */
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->said);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, call);
    return ok;
}

mid_status mid__call_open(mid_ctx *ctx, mid__upstreams *all, const mid__call_opts *o, mid__call **out)
{
    mid__call *call = calloc(1, sizeof *call);

    if (!call)
        return mid__oom(ctx, "a request");
    call->all = all;
    call->ops = *o->ops;
    call->user = o->user;
    call->silence_s = (struct timeval){ o->silence_ms / 1000, o->silence_ms % 1000 * 1000 };
    call->curl = curl_easy_init();
    call->silence = evtimer_new(all->base, on_silence, call);
    if (!call->curl || !call->silence || !set_up(call, o) ||
        curl_multi_add_handle(all->multi, call->curl) != CURLM_OK) {
        free_call(call);
        return mid__oom(ctx, "a request");
    }
    evtimer_add(call->silence, &call->silence_s);
    *out = call;
    return MID_OK;
}

void mid__call_cancel(mid__call *call)
{
    if (call)
        free_call(call);
}

void mid__call_pause(mid__call *call, bool pause)
{
    const struct timeval at_once = { 0, 0 };

    if (call->paused == pause)
        return;
    call->paused = pause;
    if (pause)
        return;
    curl_easy_pause(call->curl, CURLPAUSE_CONT);        /* may give what waited, before it returns */
    if (call->unwanted)
        finish(call, CURLE_WRITE_ERROR);
    else
        evtimer_add(call->all->timer, &at_once);
}
