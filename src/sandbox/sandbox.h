/* Programs nobody trusts, run where they can do no harm: see sandbox.c. */
#ifndef MID_SANDBOX_SANDBOX_H
#define MID_SANDBOX_SANDBOX_H

#include "base/buf.h"

/* All must be set. */
typedef struct mid__sandbox_limits {
    uint32_t cpu_s, wall_s;         /* processor time of one program; time on the clock for all of a run */
    size_t memory_bytes;            /* address space of one program */
    size_t output_bytes;            /* kept of standard output, and of standard error; the rest is dropped */
    const char *bwrap;              /* path of bubblewrap */
} mid__sandbox_limits;

typedef struct mid__sandbox_end {
    mid__buf out, err;              /* owned: mid__sandbox_end_clear() */
    mid__buf behind_err;
    int exit_code;                  /* 128 + signal where a signal ended it */
    bool timed_out;                 /* wall_s went by and it was killed */
} mid__sandbox_end;

/* Run argv with the n bytes at in as its standard input, until it ends. argv[0] is a path below /usr.
 * behind, if not NULL, is a second program, in a sandbox of its own: its standard input and output are the other end of
 * argv's descriptor 3. It is killed once argv has ended.
 * MID_EIO: bubblewrap or the system refuses; that it refused inside is only seen from exit_code and err. MID_ENOMEM.
 * end is to be cleared after a failure too. */
mid_status mid__sandbox_run(mid_ctx *ctx, const mid__sandbox_limits *limits, const char *const *argv,
                            const char *const *behind, const void *in, size_t n, mid__sandbox_end *end);
void mid__sandbox_end_clear(mid__sandbox_end *end);

#endif
