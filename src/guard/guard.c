/* The guard: a listening socket, its clients, their exchanges and the upstreams on one event loop. Wishes from outside
 * (a signal handler may do no more than that) come as bytes through a pipe. */
#include "midstream/guard.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/ctx.h"
#include "guard/exchange.h"

struct mid_guard {
    mid_ctx *ctx;
    mid_guard_opts opts;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *wish, *deadline;
    int wish_fd[2];
    mid__config *config;
    mid__clients clients;
    mid__exchanges exchanges;
    bool drains;
};

mid_guard_opts mid_guard_opts_default(void) { return (mid_guard_opts){ .size = sizeof(mid_guard_opts) }; }

/* ---- wishes ------------------------------------------------------------------------------------------------------ */

void mid_guard_ask(mid_guard *g, mid_guard_wish wish)
{
    const char byte = (char)wish;
    const int was = errno;

    if (write(g->wish_fd[1], &byte, 1) < 0)
        errno = was;                    /* the pipe is full of wishes already */
}

/* A line about the guard itself. */
static void record_event(const mid_guard *g, const char *what, bool ok, const char *why)
{
    mid__buf line = { 0 };

    if (!g->opts.record)
        return;
    mid__buf_fmt(&line, "{\"event\":\"%s\",\"ok\":%s,\"why\":", what, ok ? "true" : "false");
    mid__framing_put_text(&line, why, strlen(why));
    if (mid__buf_text(&line, "}"))
        g->opts.record(g->opts.user, line.at);
    mid__buf_clear(&line);
}

static void adopt(mid_guard *g, mid__config *config)
{
    mid__config_drop(g->config);
    g->config = config;
    g->exchanges.config = config;
    g->clients.n_max = config->n_connection;
    g->clients.body_limit = config->body_bytes;
}

static void reload(mid_guard *g)
{
    mid__config *config = NULL;

    if (mid__config_load(g->ctx, g->config->path, &g->opts, &config) != MID_OK) {
        record_event(g, "reload", false, mid_ctx_message(g->ctx));
        return;
    }
    record_event(g, "reload", true, strcmp(config->listen, g->config->listen) == 0 ? ""
                 : "'listen' changed, which needs a restart; the old address is kept");
    adopt(g, config);
}

static void stop_at_once(evutil_socket_t fd, short what, void *user)
{
    mid_guard *g = user;

    (void)fd; (void)what;
    event_base_loopbreak(g->base);
}

/* The last client is gone, and with it all that there was to finish. */
static void on_left(void *user)
{
    mid_guard *g = user;

    if (g->drains)
        event_base_loopbreak(g->base);
}

static void drain(mid_guard *g)
{
    const struct timeval t = { g->config->drain_ms / 1000, g->config->drain_ms % 1000 * 1000 };

    if (g->drains) {
        event_base_loopbreak(g->base);
        return;
    }
    g->drains = true;
    g->clients.closing = true;
    evconnlistener_disable(g->listener);
    record_event(g, "drain", true, "");
    mid__clients_close_idle(&g->clients);
    if (g->clients.n == 0)
        event_base_loopbreak(g->base);
    evtimer_add(g->deadline, &t);
}

static void on_wish(evutil_socket_t fd, short what, void *user)
{
    char byte;

    (void)what;
    while (read(fd, &byte, 1) == 1) {
        if (byte == MID_GUARD_RELOAD)
            reload(user);
        else
            drain(user);
    }
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *at, int n, void *user)
{
    mid_guard *g = user;

    (void)listener; (void)at; (void)n;
    mid__client_open(&g->clients, fd);
}

static mid_status listen_on(mid_guard *g)
{
    const mid__config *c = g->config;
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *at = NULL;
    char port[8];
    int code;

    snprintf(port, sizeof port, "%u", c->port);
    code = getaddrinfo(c->host, port, &hints, &at);
    if (code != 0)
        return mid__fail(g->ctx, MID_EIO, "%s:%d:%d: listen '%s': %s", c->path, c->listen_line, c->listen_column,
                         c->listen, gai_strerror(code));
    g->listener = evconnlistener_new_bind(g->base, on_accept, g, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
                                          LEV_OPT_REUSEABLE, 512, at->ai_addr, (int)at->ai_addrlen);
    freeaddrinfo(at);
    if (g->listener)
        return MID_OK;
    return mid__fail(g->ctx, MID_EIO, "%s:%d:%d: cannot listen on %s: %s; choose another port, or stop who has it",
                     c->path, c->listen_line, c->listen_column, c->listen, strerror(errno));
}

static mid_status open_loop(mid_guard *g)
{
    if (pipe2(g->wish_fd, O_NONBLOCK | O_CLOEXEC) != 0)
        return mid__fail(g->ctx, MID_EIO, "a pipe: %s", strerror(errno));
    g->base = event_base_new();
    if (!g->base)
        return mid__oom(g->ctx, "an event loop");
    g->wish = event_new(g->base, g->wish_fd[0], EV_READ | EV_PERSIST, on_wish, g);
    g->deadline = evtimer_new(g->base, stop_at_once, g);
    if (!g->wish || !g->deadline || event_add(g->wish, NULL) != 0)
        return mid__oom(g->ctx, "an event loop");
    return mid__upstreams_open(g->ctx, g->base, &g->exchanges.upstreams);
}

mid_status mid_guard_check(mid_ctx *ctx, const char *config_path, const mid_guard_opts *opts)
{
    const mid_guard_opts o = opts ? *opts : mid_guard_opts_default();
    mid__config *config = NULL;
    const mid_status status = mid__config_load(ctx, config_path, &o, &config);

    mid__config_drop(config);
    return status;
}

mid_status mid_guard_open(mid_ctx *ctx, const char *config_path, const mid_guard_opts *opts, mid_guard **out)
{
    mid_guard *g = calloc(1, sizeof *g);
    mid__config *config = NULL;
    mid_status status;

    if (!g)
        return mid__oom(ctx, config_path);
    g->wish_fd[0] = g->wish_fd[1] = -1;
    g->ctx = ctx;
    g->opts = opts ? *opts : mid_guard_opts_default();
    status = mid__config_load(ctx, config_path, &g->opts, &config);
    if (status == MID_OK) {
        adopt(g, config);
        status = open_loop(g);
    }
    if (status == MID_OK)
        status = listen_on(g);
    if (status != MID_OK) {
        mid_guard_close(g);
        return status;
    }
    g->clients = (mid__clients){ .base = g->base, .ctx = ctx, .ops = &mid__exchange_ops, .user = &g->exchanges,
                                 .n_max = config->n_connection, .body_limit = config->body_bytes,
                                 .left = on_left, .owner = g };
    g->exchanges.ctx = ctx;
    g->exchanges.opts = &g->opts;
    if (getrandom(&g->exchanges.id_start, sizeof g->exchanges.id_start, 0) < 0)
        g->exchanges.id_start = (uint64_t)(mid__now_s() * 1e9);
    *out = g;
    return MID_OK;
}

void mid_guard_close(mid_guard *g)
{
    if (!g)
        return;
    if (g->clients.base)
        mid__clients_close(&g->clients);
    mid__upstreams_close(g->exchanges.upstreams);
    mid__config_drop(g->config);
    if (g->listener)
        evconnlistener_free(g->listener);
    if (g->wish)
        event_free(g->wish);
    if (g->deadline)
        event_free(g->deadline);
    if (g->base)
        event_base_free(g->base);
    if (g->wish_fd[0] >= 0) {
        close(g->wish_fd[0]);
        close(g->wish_fd[1]);
    }
    free(g);
}

int mid_guard_port(const mid_guard *g)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;

    if (getsockname(evconnlistener_get_fd(g->listener), (struct sockaddr *)&at, &n) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                 : ((struct sockaddr_in *)&at)->sin_port);
}

mid_status mid_guard_run(mid_guard *g)
{
    if (event_base_dispatch(g->base) < 0)
        return mid__fail(g->ctx, MID_EIO, "the event loop: %s", strerror(errno));
    mid__clients_close(&g->clients);
    return MID_OK;
}
