/* Talking to a plug-in: questions in the protocol's words, answers of the type that is wanted. */
#ifndef MID_PLUGIN_ASK_H
#define MID_PLUGIN_ASK_H

#include "plugin/process.h"
#include "plugin/wire.h"

/* How a plug-in is run. */
typedef struct mid__plugin_run {
    const char *what;               /* as the user wrote it */
    const char *argv[4];
    uint32_t timeout_ms;
} mid__plugin_run;

/* Starting up and learning may take so many times as long as one answer. */
enum { MID__BEGIN_TIMES = 6, MID__LEARN_TIMES = 60 };

/* Ask, and get a document whose type is `wanted`. A refused start or step is the status it was refused with, and the
 * process goes on; after any other failure but MID_ENOMEM it has been ended, and its trouble says why. */
mid_status mid__ask_line(mid__process *p, const char *what, const char *wanted, const char *line, size_t n,
                         uint32_t timeout_ms, yyjson_doc **out);
/* The same with a message under way, which it ends; MID_ENOMEM if that found no memory. */
mid_status mid__ask(mid__process *p, const char *what, const char *wanted, mid__wire *w, uint32_t timeout_ms,
                    yyjson_doc **out);
/* The same where no more than a yes is wanted. */
mid_status mid__tell(mid__process *p, const char *what, mid__wire *w, uint32_t timeout_ms);
/* The failure of one of these, said in the context. */
mid_status mid__told(mid_ctx *ctx, const mid__process *p, mid_status status);
/* Start it and ask what it is. */
mid_status mid__greet(mid_ctx *ctx, const mid__plugin_run *run, mid__process *p, yyjson_doc **ready);

#endif
