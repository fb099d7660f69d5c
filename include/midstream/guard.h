/* The guard: a proxy in front of an OpenAI-compatible server that judges answers while they stream, and stops one where
 * its rule says so (docs/guard.md). One process, one event loop, no thread of its own. */
#ifndef MIDSTREAM_GUARD_H
#define MIDSTREAM_GUARD_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_guard mid_guard;

/** From mid_guard_opts_default(). */
typedef struct mid_guard_opts {
    size_t size;
    /* A secret that the config names, such as the upstream's key; NULL: there is none. Borrowed for the call. NULL: no
     * config may name one. */
    const char *(*secret)(void *user, const char *name);
    /* A line of JSON about each answer, each reload and each refusal to reload, zero-terminated. NULL: nobody asks. */
    void (*record)(void *user, const char *json);
    void *user;
} mid_guard_opts;
MID_API mid_guard_opts mid_guard_opts_default(void);

/** Read and check a config and everything it names, and listen on its port.
 *  @param ctx  borrowed until close; monitors added to it may be named
 *  @return MID_EFORMAT, MID_ENOTFOUND, MID_EMISMATCH, ...: the config, as path:line:column; MID_EIO the port */
MID_API mid_status mid_guard_open(mid_ctx *ctx, const char *config_path, const mid_guard_opts *opts, mid_guard **out);
/** As open, without listening: is the config right? */
MID_API mid_status mid_guard_check(mid_ctx *ctx, const char *config_path, const mid_guard_opts *opts);
MID_API void mid_guard_close(mid_guard *guard);
/** The port that is listened on: that of the config, or the one that was free where the config says 0. */
MID_API int mid_guard_port(const mid_guard *guard);

/** Serve until a drain is over. Writing to a client that has gone raises SIGPIPE unless the program ignores it.
 *  @return MID_OK; MID_EIO the event loop failed. */
MID_API mid_status mid_guard_run(mid_guard *guard);

typedef enum mid_guard_wish {
    MID_GUARD_DRAIN,                /* take no new connection, finish the running answers, return from run; asked again:
                                     * without waiting for them */
    MID_GUARD_RELOAD                /* read the config again; one that is wrong is recorded and the old one stays */
} mid_guard_wish;
/** May be called from a signal handler and from any thread. */
MID_API void mid_guard_ask(mid_guard *guard, mid_guard_wish wish);

#ifdef __cplusplus
}
#endif
#endif
