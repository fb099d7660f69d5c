/* Exchanges. A request is checked and sent on; what comes back goes through a filter, as a stream of events or as a
 * body, whatever the client asked for: the upstream's Content-Type decides. When the filter says that the answer is
 * over, the upstream is cut off; when the client takes nothing, the upstream waits; when the client goes, so does the
 * upstream. Every exchange ends in end(), once, and is written down there.
 *
 * Routes: the framings' paths; GET /v1/models, which goes through as it is. Everything else is refused. */
#include "guard/exchange.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "guard/strict.h"

enum { REFUSAL_LIMIT_BYTES = 64 << 10, MODELS_LIMIT_BYTES = 1 << 20 };

struct mid__exchange {
    mid__exchanges *all;
    mid__exchange *next, **at;
    mid__client *client;
    mid__config *config;
    const mid__policy *policy;
    const mid__framing *framing;    /* NULL: the list of models */
    mid__filter *filter;
    mid__call *call;                /* NULL: there is none any more */
    char id[72], path[64], model[256];
    bool stream;
    double begin_s, first_s;
    int http;                       /* the upstream's */
    int told;                       /* to the client */
    bool events;                    /* the answer comes as events */
    mid__buf body;                  /* or as a body */
    char trouble[240];
};

/* ---- beginning and ending ---------------------------------------------------------------------------------------- */

static mid__exchange *begin(mid__exchanges *all, mid__client *client, const mid__head *head)
{
    mid__exchange *x = calloc(1, sizeof *x);
    const char *id = head->request_id;

    if (!x)
        return NULL;
    x->all = all;
    x->client = client;
    x->config = mid__config_keep(all->config);
    x->begin_s = mid__now_s();
    snprintf(x->path, sizeof x->path, "%s", head->path);
    if (id && id[0] && strlen(id) < 64 && mid__strict_name(id, strlen(id)))
        snprintf(x->id, sizeof x->id, "%s", id);
    else
        snprintf(x->id, sizeof x->id, "mid-%016llx-%llu", (unsigned long long)all->id_start,
                 (unsigned long long)++all->n_id);
    x->next = all->first;
    x->at = &all->first;
    if (x->next)
        x->next->at = &x->next;
    all->first = x;
    all->n++;
    mid__client_set_user(client, x);
    return x;
}

/* Write it down and forget it. Its client has been answered, or is gone. */
static void end(mid__exchange *x, const char *how)
{
    mid__exchanges *all = x->all;
    const mid__account account = {
        .request_id = x->id, .path = x->path, .model = x->model, .policy = x->policy, .filter = x->filter,
        .stream = x->stream, .http = x->told, .end = how, .trouble = x->trouble,
        .ms = (mid__now_s() - x->begin_s) * 1e3, .first_ms = x->first_s > 0 ? (x->first_s - x->begin_s) * 1e3 : -1,
    };
    mid__buf line = { 0 };

    if (all->opts->record) {
        mid__journal_put(&account, &line);
        if (!line.failed)
            all->opts->record(all->opts->user, line.at);
        mid__buf_clear(&line);
    }
    mid__call_cancel(x->call);
    mid__filter_close(x->filter);
    mid__config_drop(x->config);
    mid__buf_clear(&x->body);
    *x->at = x->next;
    if (x->next)
        x->next->at = x->at;
    all->n--;
    free(x);
}

/* ---- telling the client ------------------------------------------------------------------------------------------ */

static void header_of(const mid__exchange *x, const char *more, char header[160])
{
    snprintf(header, 160, "X-Request-Id: %s\r\n%s", x->id, more);
}

static void reply(mid__exchange *x, int http, const char *more, const char *body, size_t n)
{
    char header[160];

    header_of(x, more, header);
    x->told = http;
    x->first_s = mid__now_s();
    mid__client_reply(x->client, http, header, "application/json", body, n);
}

/* Tell an error and end. */
static void fail(mid__exchange *x, int http, const char *kind, const char *code, const char *why, const char *how)
{
    mid__buf body = { 0 };

    snprintf(x->trouble, sizeof x->trouble, "%s", why);
    mid__framing_put_error(&body, x->trouble, kind, code);
    reply(x, http, http == 503 ? "Retry-After: 1\r\n" : "", body.at ? body.at : "", body.n);
    mid__buf_clear(&body);
    end(x, how);
}

static void refuse(mid__exchange *x, int http, const char *code, const char *why)
{
    fail(x, http, "invalid_request_error", code, why, "refused");
}

/* Events that may leave. */
static void send_events(mid__exchange *x, const mid__buf *out)
{
    char header[160];

    if (out->n && !x->told) {
        header_of(x, "", header);
        x->told = 200;
        x->first_s = mid__now_s();
        mid__client_begin(x->client, 200, header, "text/event-stream");
    }
    if (out->n)
        mid__client_put(x->client, out->at, out->n);
}

/* The filter says that the answer is over. */
static void end_events(mid__exchange *x, mid__outcome outcome)
{
    snprintf(x->trouble, sizeof x->trouble, "%s", mid__filter_trouble(x->filter));
    mid__client_end(x->client);
    end(x, mid__outcome_name(outcome));
}

/* ---- the upstream's response ------------------------------------------------------------------------------------- */

static bool on_head(void *user, int http, const char *type)
{
    mid__exchange *x = user;

    x->http = http;
    x->events = http == 200 && x->framing && strcmp(type, "text/event-stream") == 0;
    mid__buf_init(&x->body, !x->framing ? MODELS_LIMIT_BYTES : http == 200 ? x->config->answer_bytes
                            : REFUSAL_LIMIT_BYTES);
    if (x->events || http >= 400 || (http == 200 && strcmp(type, "application/json") == 0))
        return true;
    x->call = NULL;
    fail(x, 502, "upstream_error", "upstream_malformed",
         "the upstream's response is neither JSON nor a stream of events", "malformed");
    return false;
}

static bool on_bytes(void *user, const char *bytes, size_t n)
{
    mid__exchange *x = user;
    mid__buf out = { 0 };
    mid__outcome outcome;

    if (!x->events) {
        if (mid__buf_put(&x->body, bytes, n))
            return true;
        x->call = NULL;
        fail(x, 502, "upstream_error", "upstream_too_large", "the upstream's response is larger than this guard takes",
             "malformed");
        return false;
    }
    outcome = mid__filter_events(x->filter, bytes, n, &out);
    send_events(x, &out);
    mid__buf_clear(&out);
    if (outcome != MID__OUTCOME_OPEN) {
        x->call = NULL;
        end_events(x, outcome);
        return false;
    }
    if (mid__client_full(x->client))
        mid__call_pause(x->call, true);
    return true;
}

/* A body is there, with the upstream's status; what the client may see of it is what the filter gives. */
static void answer_body(mid__exchange *x)
{
    mid__buf out = { 0 };
    const mid__outcome outcome = mid__filter_body(x->filter, x->body.at ? x->body.at : "", x->body.n, &out);
    const int http = x->http >= 400 ? x->http : outcome == MID__OUTCOME_MALFORMED ? 502
                     : outcome == MID__OUTCOME_UNSCANNED ? 500 : x->http;

    snprintf(x->trouble, sizeof x->trouble, "%s", mid__filter_trouble(x->filter));
    reply(x, http, "", out.at ? out.at : "", out.n);
    mid__buf_clear(&out);
    end(x, mid__outcome_name(outcome));
}

static void on_end(void *user, const char *trouble, bool timed_out)
{
    mid__exchange *x = user;
    mid__buf out = { 0 };
    mid__outcome outcome;

    x->call = NULL;
    if (x->events) {
        outcome = mid__filter_end(x->filter, &out);
        send_events(x, &out);
        mid__buf_clear(&out);
        end_events(x, outcome);
    } else if (trouble) {
        fail(x, timed_out ? 504 : 502, "upstream_error", timed_out ? "upstream_timeout" : "upstream_unreachable",
             trouble, x->http ? "truncated" : "unreachable");
    } else if (x->framing) {
        answer_body(x);
    } else {
        reply(x, x->http, "", x->body.at ? x->body.at : "", x->body.n);
        end(x, "complete");
    }
}

static const mid__call_ops call_ops = { on_head, on_bytes, on_end };

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static void call_upstream(mid__exchange *x, const char *url, const mid__request *request, const char *authorization)
{
    mid__buf own = { 0 };
    mid__call_opts opts = { .url = url, .request_id = x->id, .connect_ms = x->config->connect_ms,
                            .silence_ms = x->config->silence_ms, .authorization = authorization,
                            .ops = &call_ops, .user = x };
    mid_status status = MID_OK;

    if (request) {
        opts.body = request->body;
        opts.n_body = request->n;
    }
    if (x->config->key) {
        mid__buf_fmt(&own, "Bearer %s", x->config->key);
        opts.authorization = own.at;
        status = own.failed ? MID_ENOMEM : MID_OK;
    }
    if (status == MID_OK)
        status = mid__call_open(x->all->ctx, x->all->upstreams, &opts, &x->call);
    mid__buf_clear(&own);
    if (status != MID_OK)
        fail(x, 503, "guard_error", "guard_out_of_memory", "out of memory", "refused");
}

/* May it be read, or let through unread? */
static bool admits(mid__exchange *x, bool *overload)
{
    *overload = x->all->n > x->config->n_stream;
    if (!*overload || x->policy->open[MID__CAUSE_OVERLOAD])
        return true;
    fail(x, 503, "guard_error", "guard_overload", "as many answers are being judged as this guard takes on",
         "overload");
    return false;
}

static void ask(mid__exchange *x, const mid__head *head, const char *body, size_t n)
{
    mid__filter_opts opts = { .framing = x->framing, .limit_bytes = x->config->answer_bytes };
    mid__request request;
    mid_status status = mid__request_read(x->all->ctx, x->framing, x->config, body, n, &request);

    if (status != MID_OK) {
        refuse(x, status == MID_ENOMEM ? 503 : 400, "bad_request", mid_ctx_message(x->all->ctx));
        return;
    }
    memcpy(x->model, request.model, sizeof x->model);
    x->stream = request.stream;
    x->policy = mid__config_policy(x->config, request.model);
    opts.policy = x->policy;
    opts.n_choice = request.n_choice;
    opts.usage = request.usage;
    if (!x->policy)
        refuse(x, 403, "no_policy", "no policy of this guard is about this model");
    else if (admits(x, &opts.overload)) {
        if (mid__filter_open(x->all->ctx, &opts, &x->filter) == MID_OK)
            call_upstream(x, x->config->chat_url, &request, head->authorization);
        else
            fail(x, 503, "guard_error", "guard_out_of_memory", "out of memory", "refused");
    }
    free(request.body);
}

static void on_request(void *user, mid__client *client, const mid__head *head, const char *body, size_t n)
{
    static const char models[] = "/v1/models";
    static const char no_memory[] = "{\"error\":{\"message\":\"out of memory\",\"type\":\"guard_error\",\"param\":null,"
                                    "\"code\":\"guard_out_of_memory\"}}";
    mid__exchange *x = begin(user, client, head);
    const bool lists = strcmp(head->path, models) == 0;

    if (!x) {
        mid__client_reply(client, 503, "Retry-After: 1\r\n", "application/json", no_memory, sizeof no_memory - 1);
        return;
    }
    x->framing = mid__framing_find(head->path, strlen(head->path));
    if (!x->framing && !lists)
        refuse(x, 404, "unknown_route",
               "this guard does not serve this path: what it cannot judge it does not pass on");
    else if (strcmp(head->method, lists ? "GET" : "POST") != 0)
        refuse(x, 405, "method_not_allowed", lists ? "GET is served here" : "POST is served here");
    else if (lists)
        call_upstream(x, x->config->models_url, NULL, head->authorization);
    else
        ask(x, head, body, n);
}

static void on_gone(void *user, mid__client *client)
{
    mid__exchange *x = mid__client_user(client);

    (void)user;
    if (x)
        end(x, "client_gone");
}

static void on_room(void *user, mid__client *client)
{
    mid__exchange *x = mid__client_user(client);

    (void)user;
    if (x && x->call)
        mid__call_pause(x->call, false);
}

const mid__server_ops mid__exchange_ops = { on_request, on_gone, on_room };
