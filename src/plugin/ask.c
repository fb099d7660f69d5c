/* Questions and answers: what is no answer ends the process; a refusal is passed on. */
#include "plugin/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

static mid_status status_of(yyjson_val *name)
{
#define X(code, value, text) if (yyjson_equals_str(name, "MID_" #code)) return MID_##code;
    MID_STATUS_TABLE(X)
#undef X
    return MID_EPLUGIN;
}

static bool is_stream(const char *what) { return strcmp(what, "start") == 0 || strcmp(what, "step") == 0; }

/* Any monitor may refuse a prompt or a step like that, and goes on. */
static bool is_about_data(const char *what, mid_status status)
{
    return (status == MID_ENUMERIC || status == MID_ESIGNAL) && is_stream(what);
}

/* It answered with an error. */
static mid_status refused(mid__process *p, const char *what, yyjson_val *error)
{
    const mid_status status = status_of(yyjson_obj_get(error, "status"));
    const char *reason = yyjson_get_str(yyjson_obj_get(error, "message"));

    if (is_about_data(what, status))
        return status;
    mid__process_refused(p, what, reason ? reason : "(it gave no message)");
    return status == MID_OK || is_stream(what) ? MID_EPLUGIN : status;
}

mid_status mid__ask_line(mid__process *p, const char *what, const char *wanted, const char *line, size_t n,
                         uint32_t timeout_ms, yyjson_doc **out)
{
    const char *said = mid__process_ask(p, what, line, n, timeout_ms);
    yyjson_doc *doc = said ? yyjson_read(said, strlen(said), YYJSON_READ_NOFLAG) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc), *type = yyjson_obj_get(root, "type");
    mid_status status = MID_EPLUGIN;
    char wish[80];

    *out = NULL;
    if (yyjson_equals_str(type, wanted)) {
        *out = doc;
        return MID_OK;
    }
    if (yyjson_equals_str(type, "error")) {
        status = refused(p, what, root);
    } else if (said) {
        snprintf(wish, sizeof wish, "%san object of type \"%s\" is wanted", doc ? "" : "that is not JSON; ", wanted);
        mid__process_refuse(p, what, wish);
    }
    yyjson_doc_free(doc);
    return status;
}

mid_status mid__ask(mid__process *p, const char *what, const char *wanted, mid__wire *w, uint32_t timeout_ms,
                    yyjson_doc **out)
{
    size_t n = 0;
    char *line = mid__wire_line(w, &n);
    mid_status status = line ? mid__ask_line(p, what, wanted, line, n, timeout_ms, out) : MID_ENOMEM;

    free(line);
    return status;
}

mid_status mid__tell(mid__process *p, const char *what, mid__wire *w, uint32_t timeout_ms)
{
    yyjson_doc *doc = NULL;
    mid_status status = mid__ask(p, what, "ok", w, timeout_ms, &doc);

    yyjson_doc_free(doc);
    return status;
}

mid_status mid__told(mid_ctx *ctx, const mid__process *p, mid_status status)
{
    if (status == MID_ENOMEM)
        return mid__oom(ctx, "a message to a plug-in");
    return status == MID_OK ? status : mid__fail(ctx, status, "%s", p->trouble);
}

mid_status mid__greet(mid_ctx *ctx, const mid__plugin_run *run, mid__process *p, yyjson_doc **ready)
{
    mid__wire w;

    *ready = NULL;
    if (!mid__process_start(p, run->what, run->argv))
        return mid__fail(ctx, MID_EPLUGIN, "%s", p->trouble);
    mid__wire_open(&w, "hello");
    yyjson_mut_obj_add_int(w.doc, w.root, "protocol", MID__WIRE_PROTOCOL);
    yyjson_mut_obj_add_str(w.doc, w.root, "midstream", mid_version());
    yyjson_mut_obj_add_uint(w.doc, w.root, "timeout_ms", run->timeout_ms);
    return mid__told(ctx, p, mid__ask(p, "hello", "ready", &w, MID__BEGIN_TIMES * run->timeout_ms, ready));
}
