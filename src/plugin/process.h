/* A process that answers a line with a line, and that is trusted neither to answer nor to live. */
#ifndef MID_PLUGIN_PROCESS_H
#define MID_PLUGIN_PROCESS_H

#include <sys/types.h>

#include "base/buf.h"

enum { MID__TROUBLE_BYTES = 400 };

typedef struct mid__process {
    const char *name;               /* borrowed: how trouble names it */
    pid_t pid;                      /* and process group; 0: not running */
    int in, out, err;               /* our ends; -1: closed */
    mid__buf said;                  /* what came from out: the line handed over last, and what is behind it */
    size_t n_line, n_seen;          /* of said: that line with its end; bytes already searched for a line's end */
    char heard[160];                /* (n_heard) the end of what it said on stderr */
    size_t n_heard;
    char trouble[MID__TROUBLE_BYTES];   /* what it did, when it was given up; "" while all is well */
} mid__process;

/* Run argv; one without a slash is looked for on PATH. false: trouble says why, and there is nothing to stop. */
bool mid__process_start(mid__process *p, const char *name, const char *const *argv);
/* Send a line (n bytes, with its end) and wait for the answer, zero-terminated, without its end, good until the next
 * call. what: the question's name. NULL: the process was ended and trouble says why. */
char *mid__process_ask(mid__process *p, const char *what, const char *line, size_t n, uint32_t timeout_ms);
/* Its last answer makes no sense: end it, with the answer quoted in trouble. */
void mid__process_refuse(mid__process *p, const char *what, const char *wanted);
/* Its last answer is that it will not: end it, with its reason in trouble. */
void mid__process_refused(mid__process *p, const char *what, const char *reason);
/* Close its input, give it a moment to go, and see to it that it has gone. Fine when it is not running. */
void mid__process_stop(mid__process *p);

#endif
