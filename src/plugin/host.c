/* The process that a shared object runs in: the protocol on one side, a descriptor's functions on the other. Everything
 * about monitors is mid_monitor's and mid_stream's, as in any program; here messages become calls and back.
 * An alarm stands over every call, so that a plug-in that never returns ends even when nobody is left to end it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/jsonl.h"
#include "midstream/plugin.h"
#include "plugin/wire.h"

struct host {
    mid_ctx *ctx;
    FILE *in, *out;
    const mid_monitor_ops *ops;
    mid__arena room;                /* of the message at hand */
    uint32_t timeout_s;
    mid_signals signals;            /* of open or fit */
    mid_monitor *monitor;
    mid_stream *stream;
    mid_fit_answer *answer;         /* (n_answer) owned traces */
    size_t n_answer, cap_answer;
    uint64_t seed;
    int n_fold;
    mid_param *params;              /* of fit */
    mid__arena kept;                /* parameters */
};

typedef mid_status (*handler)(struct host *h, yyjson_val *message, mid__wire *answer);

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static mid_status send_line(struct host *h, mid__wire *w)
{
    size_t n = 0;
    char *line = mid__wire_line(w, &n);
    const bool sent = line && fwrite(line, 1, n, h->out) == n && fflush(h->out) == 0;

    free(line);
    return sent ? MID_OK : mid__fail(h->ctx, MID_EIO, "cannot answer on standard output");
}

static mid_status send_error(struct host *h, mid_status status)
{
    mid__wire w;

    mid__wire_open(&w, "error");
    yyjson_mut_obj_add_str(w.doc, w.root, "status", mid_status_name(status));
    yyjson_mut_obj_add_strcpy(w.doc, w.root, "message", mid_ctx_message(h->ctx));
    return send_line(h, &w);
}

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static mid_status on_hello(struct host *h, yyjson_val *message, mid__wire *answer)
{
    const mid_monitor_ops *ops = h->ops;
    yyjson_mut_val *list, *one;
    const mid_param *p;

    mid__wire_open(answer, "ready");
    h->timeout_s = (uint32_t)(yyjson_get_uint(yyjson_obj_get(message, "timeout_ms")) / 1000);
    yyjson_mut_obj_add_strcpy(answer->doc, answer->root, "name", ops->name);
    yyjson_mut_obj_add_uint(answer->doc, answer->root, "version", ops->version);
    yyjson_mut_obj_add_strcpy(answer->doc, answer->root, "summary", ops->summary ? ops->summary : "");
    yyjson_mut_obj_add_strcpy(answer->doc, answer->root, "unit", ops->unit ? ops->unit : "score");
    if (ops->source)
        yyjson_mut_obj_add_strcpy(answer->doc, answer->root, "source", ops->source);
    yyjson_mut_obj_add_str(answer->doc, answer->root, "box", mid_box_name(ops->box));
    mid__wire_put_names(answer, answer->root, "needs", ops->needs);
    mid__wire_put_names(answer, answer->root, "fit_needs", ops->fit_needs);
    yyjson_mut_obj_add_uint(answer->doc, answer->root, "shares", ops->shares);
    yyjson_mut_obj_add_bool(answer->doc, answer->root, "learns", ops->fit != NULL);
    list = yyjson_mut_arr(answer->doc);
    yyjson_mut_obj_add_val(answer->doc, answer->root, "params", list);
    for (p = ops->params; p && p->name; p++) {
        one = yyjson_mut_arr_add_obj(answer->doc, list);
        yyjson_mut_obj_add_strcpy(answer->doc, one, "name", p->name);
        if (p->text)
            yyjson_mut_obj_add_strcpy(answer->doc, one, "default", p->text);
        else
            yyjson_mut_obj_add_real(answer->doc, one, "default", p->number);
        yyjson_mut_obj_add_strcpy(answer->doc, one, "help", p->help ? p->help : "");
    }
    return MID_OK;
}

static mid_status on_open(struct host *h, yyjson_val *message, mid__wire *answer)
{
    yyjson_val *given = yyjson_obj_get(message, "weights");
    mid_weights *w = NULL;
    mid_param *params = NULL;
    mid_status status = mid__wire_get_signals(h->ctx, yyjson_obj_get(message, "signals"), &h->signals);

    mid_stream_close(h->stream);
    mid_monitor_close(h->monitor);
    h->stream = NULL;
    h->monitor = NULL;
    if (status == MID_OK)
        status = mid__wire_get_params(h->ctx, yyjson_obj_get(message, "params"), h->ops->params, &h->kept, &params);
    if (status == MID_OK && yyjson_is_obj(given)) {
        status = mid_weights_open(h->ctx, &w);
        if (status == MID_OK)
            status = mid__wire_get_weights(h->ctx, given, w);
    }
    if (status == MID_OK)
        status = mid_monitor_open(h->ctx, h->ops, params, w, &h->signals, &h->monitor);
    if (status == MID_OK)
        status = mid_stream_open(h->ctx, h->monitor, &h->stream);
    mid_weights_close(w);
    mid__wire_open(answer, "ok");
    return status;
}

static void forget_answers(struct host *h)
{
    while (h->n_answer)
        mid_trace_close((mid_trace *)(uintptr_t)h->answer[--h->n_answer].trace);
}

static mid_status on_fit(struct host *h, yyjson_val *message, mid__wire *answer)
{
    mid_status status = mid__wire_get_signals(h->ctx, yyjson_obj_get(message, "signals"), &h->signals);

    forget_answers(h);
    h->seed = yyjson_get_uint(yyjson_obj_get(message, "seed"));
    h->n_fold = (int)yyjson_get_sint(yyjson_obj_get(message, "n_fold"));
    if (status == MID_OK)
        status = mid__wire_get_params(h->ctx, yyjson_obj_get(message, "params"), h->ops->params, &h->kept, &h->params);
    mid__wire_open(answer, "ok");
    return status;
}

/* The steps of an answer to learn from. Text may be missing, so positions are counted anew. */
static mid_status read_steps(struct host *h, yyjson_val *steps, mid_trace *trace)
{
    yyjson_val *v;
    mid_step step;
    mid_status status = MID_OK;
    size_t i, max, n;

    yyjson_arr_foreach(steps, i, max, v) {
        status = mid__wire_get_step(h->ctx, v, &h->signals, &h->room, &step);
        if (status != MID_OK)
            break;
        mid_trace_text(trace, &n);
        step.at_byte = (uint32_t)n;
        status = mid_trace_append(trace, &step);
        if (status != MID_OK) {
            status = mid__fail(h->ctx, status, "step %zu does not continue its answer", i);
            break;
        }
    }
    return status;
}

static mid_status on_answer(struct host *h, yyjson_val *message, mid__wire *answer)
{
    mid_trace *trace = NULL;
    mid_prompt prompt;
    mid_status status = mid__wire_get_prompt(h->ctx, yyjson_obj_get(message, "prompt"), &h->signals, &h->room, &prompt);

    if (status == MID_OK)
        status = mid_trace_open(h->ctx, &h->signals, &prompt, &trace);
    if (status == MID_OK)
        status = read_steps(h, yyjson_obj_get(message, "steps"), trace);
    if (status == MID_OK && h->n_answer == h->cap_answer) {
        mid_fit_answer *more = realloc(h->answer, (2 * h->cap_answer + 64) * sizeof *more);
        if (more) {
            h->answer = more;
            h->cap_answer = 2 * h->cap_answer + 64;
        } else {
            status = mid__oom(h->ctx, "answers");
        }
    }
    if (status == MID_OK)
        h->answer[h->n_answer++] = (mid_fit_answer){
            .trace = trace, .label = (int)yyjson_get_sint(yyjson_obj_get(message, "label")),
            .group = (uint32_t)yyjson_get_uint(yyjson_obj_get(message, "group")),
        };
    else
        mid_trace_close(trace);
    mid__wire_open(answer, "ok");
    return status;
}

static mid_status on_learn(struct host *h, yyjson_val *message, mid__wire *answer)
{
    const mid_fit_set set = { .answer = h->answer, .n = h->n_answer, .seed = h->seed, .n_fold = h->n_fold };
    mid_weights *w = NULL;
    mid_status status;

    (void)message;
    alarm(120 * h->timeout_s + 10);
    status = mid_monitor_fit(h->ctx, h->ops, h->params, &set, &w);
    mid__wire_open(answer, "weights");
    if (status == MID_OK && w)
        mid__wire_put_weights(answer, answer->root, w);
    if (status == MID_OK && !w)
        status = mid__fail(h->ctx, MID_EINVAL, "this monitor has nothing to learn");
    mid_weights_close(w);
    forget_answers(h);
    return status;
}

static mid_status on_start(struct host *h, yyjson_val *message, mid__wire *answer)
{
    mid_prompt prompt;
    mid_status status = h->stream ? MID_OK : mid__fail(h->ctx, MID_EINVAL, "\"start\" before \"open\"");

    if (status == MID_OK)
        status = mid__wire_get_prompt(h->ctx, yyjson_obj_get(message, "prompt"), &h->signals, &h->room, &prompt);
    if (status == MID_OK) {
        status = mid_stream_start(h->stream, &prompt);
        if (status != MID_OK)
            mid__fail(h->ctx, status, "%s", mid_stream_trouble(h->stream, status));
    }
    mid__wire_open(answer, "ok");
    return status;
}

static mid_status on_step(struct host *h, yyjson_val *message, mid__wire *answer)
{
    double score = NAN;
    mid_step step;
    mid_status status = h->stream ? MID_OK : mid__fail(h->ctx, MID_EINVAL, "\"step\" before \"open\"");

    if (status == MID_OK)
        status = mid__wire_get_step(h->ctx, message, &h->signals, &h->room, &step);
    if (status == MID_OK) {
        status = mid_stream_push(h->stream, &step, &score);
        if (status != MID_OK)
            mid__fail(h->ctx, status, "%s", mid_stream_trouble(h->stream, status));
    }
    mid__wire_open(answer, "score");
    if (status != MID_OK)
        return status;
    yyjson_mut_obj_add_uint(answer->doc, answer->root, "i_tok", step.i_tok);
    if (score > -INFINITY)
        yyjson_mut_obj_add_real(answer->doc, answer->root, "score", score);
    else
        yyjson_mut_obj_add_null(answer->doc, answer->root, "score");
    return MID_OK;
}

static const struct { const char *type; handler on; } question[] = {
    { "hello", on_hello }, { "open", on_open },   { "fit", on_fit },   { "answer", on_answer },
    { "learn", on_learn }, { "start", on_start }, { "step", on_step },
};

/* ---- the conversation -------------------------------------------------------------------------------------------- */

/* One message, answered. Only what ends the conversation is a failure. */
static mid_status answer_line(struct host *h, char *line, size_t n)
{
    yyjson_doc *doc = yyjson_read(line, n, YYJSON_READ_NOFLAG);
    yyjson_val *message = yyjson_doc_get_root(doc);
    const char *type = yyjson_get_str(yyjson_obj_get(message, "type"));
    mid__wire answer = { .doc = NULL };
    mid_status status;
    size_t i;

    for (i = 0; type && i < sizeof question / sizeof *question && strcmp(question[i].type, type) != 0; i++)
        ;
    if (type && i < sizeof question / sizeof *question) {
        alarm(12 * h->timeout_s + 10);
        status = question[i].on(h, message, &answer);
        alarm(0);
    } else {
        status = type ? mid__fail(h->ctx, MID_EFORMAT, "no question \"%.40s\"", type)
                      : mid__fail(h->ctx, MID_EFORMAT, "no JSON object with a \"type\"");
    }
    if (status == MID_OK) {
        status = send_line(h, &answer);
    } else {
        yyjson_mut_doc_free(answer.doc);
        status = send_error(h, status);
    }
    yyjson_doc_free(doc);
    mid__arena_clear(&h->room);
    return status;
}

/* What the object exports, if it is for this ABI and looks like a monitor. */
static mid_status find_ops(mid_ctx *ctx, void *object, const mid_monitor_ops **out)
{
    const mid_monitor_ops *(*monitor_of)(uint32_t);
    void *symbol = object ? dlsym(object, "mid_plugin_monitor") : NULL;
    const mid_monitor_ops *ops;

    if (!object)
        return mid__fail(ctx, MID_EPLUGIN, "cannot be loaded: %s", dlerror());
    if (!symbol)
        return mid__fail(ctx, MID_EPLUGIN, "exports no mid_plugin_monitor");
    memcpy(&monitor_of, &symbol, sizeof monitor_of);    /* ISO C has no cast from an object pointer to a function's */
    ops = monitor_of(MID_PLUGIN_ABI);
    if (!ops)
        return mid__fail(ctx, MID_EPLUGIN, "was compiled for another MID_PLUGIN_ABI than %u", MID_PLUGIN_ABI);
    if (!ops->name || !ops->push || ops->box > MID_BOX_WHITE)
        return mid__fail(ctx, MID_EPLUGIN, "its monitor has no name, no push or no box");
    *out = ops;
    return MID_OK;
}

/* Standard output becomes standard error, so that a plug-in may print; the protocol keeps copies of both. */
static mid_status open_files(struct host *h)
{
    int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    h->in = in >= 0 ? fdopen(in, "r") : NULL;
    h->out = out >= 0 ? fdopen(out, "w") : NULL;
    if (!h->in || !h->out || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return mid__fail(h->ctx, MID_EIO, "cannot set up standard input and output");
    close(null);
    return MID_OK;
}

mid_status mid_plugin_host(mid_ctx *ctx, const char *path)
{
    struct host h = { .ctx = ctx, .timeout_s = 5 };
    mid_status status = open_files(&h), found = MID_OK;
    void *object = NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    if (status == MID_OK) {
        alarm(12 * h.timeout_s + 10);
        object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        found = find_ops(ctx, object, &h.ops);
        alarm(0);
    }
    while (status == MID_OK && (n = getline(&line, &cap, h.in)) > 0)
        status = found == MID_OK ? answer_line(&h, line, (size_t)n) : send_error(&h, found);
    if (status == MID_OK)
        status = found;
    free(line);
    forget_answers(&h);
    free(h.answer);
    mid_stream_close(h.stream);
    mid_monitor_close(h.monitor);
    mid__arena_clear(&h.room);
    mid__arena_clear(&h.kept);
    if (h.in)
        fclose(h.in);
    if (h.out)
        fclose(h.out);
    return status;                  /* the object stays: unloading it would run more of its code */
}
