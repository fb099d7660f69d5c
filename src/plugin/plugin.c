/* Plug-ins as monitors. A mid_monitor of a plug-in has one process, which holds one answer at a time; a stream's state
 * is only which answer it is on and how many tokens it has given. What was sent for the last few answers is kept, so
 * that when another stream's turn comes, or a stream was restored, the process is given that answer's tokens again.
 * A plug-in that breaks stays broken: what it did is said once, and every later call fails at once. */
#include "midstream/plugin.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"
#include "plugin/ask.h"
#include "plugin/kept.h"
#include "plugin/ready.h"

enum { HASH_WHOLE_BYTES = 16 << 20 };

struct mid_plugin {
    mid_monitor_ops ops;            /* its self is the plug-in */
    mid__plugin_run run;
    mid__arena room;                /* all texts */
};

struct plan {
    const struct mid_plugin *plugin;
    mid_signals signals;
    pthread_mutex_t lock;           /* over everything below */
    mid__process process;
    mid__kept_all kept;
    uint64_t held_id;               /* the answer that the process holds, 0: none */
    uint32_t held_tok;              /* and how many of its tokens */
};

/* A stream: zeroed before start. */
struct state { uint64_t id; uint32_t n_tok; };

/* ---- start and push ---------------------------------------------------------------------------------------------- */

/* A score, or what is wrong with the message that should hold one. i_tok and id may be missing, but not be others. */
static const char *read_score(yyjson_val *root, uint32_t i_tok, uint64_t wire_id, double *score)
{
    yyjson_val *at = yyjson_obj_get(root, "i_tok"), *id = yyjson_obj_get(root, "id");
    yyjson_val *v = yyjson_obj_get(root, "score");

    if (at && !(yyjson_is_uint(at) && yyjson_get_uint(at) == i_tok))
        return "its i_tok is not the one asked for";
    if (id && !(yyjson_is_uint(id) && yyjson_get_uint(id) == wire_id))
        return "its id is not the one asked for";
    if (!yyjson_is_num(v) && !yyjson_is_null(v))
        return "a number \"score\" is wanted";
    *score = yyjson_is_null(v) ? -INFINITY : yyjson_get_num(v);     /* null: nothing to say yet */
    return NULL;
}

static mid_status send_start(struct plan *p, const char *text, size_t n)
{
    yyjson_doc *doc = NULL;
    mid_status status = mid__ask_line(&p->process, "start", "ok", text, n, p->plugin->run.timeout_ms, &doc);

    yyjson_doc_free(doc);
    return status;
}

static mid_status send_step(struct plan *p, const mid__kept *a, uint32_t i_tok, const char *text, size_t n,
                            double *score)
{
    const char *wrong = NULL;
    yyjson_doc *doc = NULL;
    mid_status status = mid__ask_line(&p->process, "step", "score", text, n, p->plugin->run.timeout_ms, &doc);

    if (status == MID_OK)
        wrong = read_score(yyjson_doc_get_root(doc), i_tok, a->wire_id, score);
    if (wrong) {
        mid__process_refuse(&p->process, "step", wrong);
        status = MID_EPLUGIN;
    }
    yyjson_doc_free(doc);
    return status;
}

/* See to it that the process holds this answer as far as it is kept. */
static mid_status hold(struct plan *p, mid__kept *a)
{
    double ignored;
    mid_status status;
    uint32_t i;

    if (p->held_id == a->id && p->held_tok == a->n_tok)
        return MID_OK;
    p->held_id = 0;
    status = send_start(p, a->sent.at, a->line[0].end);
    for (i = 1; status == MID_OK && i <= a->n_tok; i++)
        status = send_step(p, a, a->line[i].i_tok, a->sent.at + a->line[i - 1].end,
                           a->line[i].end - a->line[i - 1].end, &ignored);
    if (status != MID_OK)
        return status;
    p->held_id = a->id;
    p->held_tok = a->n_tok;
    return MID_OK;
}

static mid_status start_locked(struct plan *p, struct state *s, const mid_prompt *prompt)
{
    mid__kept *a = mid__kept_new(&p->kept);
    size_t n = 0;
    mid__wire w;
    char *line;
    mid_status status;

    mid__wire_open(&w, "start");
    yyjson_mut_obj_add_uint(w.doc, w.root, "id", a->wire_id);
    mid__wire_put_prompt(&w, w.root, "prompt", p->plugin->ops.needs, &p->signals, prompt);
    line = mid__wire_line(&w, &n);
    p->held_id = 0;
    status = line && mid__kept_add(a, 0, line, n) ? send_start(p, line, n) : MID_ENOMEM;
    if (status == MID_OK) {
        s->id = p->held_id = a->id;
        p->held_tok = 0;
    } else {
        a->id = 0;
    }
    free(line);
    return status;
}

static mid_status push_locked(struct plan *p, struct state *s, const mid_step *step, double *score)
{
    mid__kept *a = mid__kept_find(&p->kept, s->id);
    size_t n = 0;
    mid__wire w;
    char *line;
    mid_status status;

    if (!a || a->n_tok < s->n_tok)
        return MID_ELIMIT;          /* more answers at once than are kept */
    if (a->n_tok > s->n_tok && !(a = mid__kept_branch(&p->kept, a, s->n_tok)))
        return MID_ENOMEM;
    mid__kept_turn(&p->kept, a);
    status = hold(p, a);
    if (status != MID_OK)
        return status;
    mid__wire_open(&w, "step");
    mid__wire_put_step(&w, w.root, p->plugin->ops.needs, &p->signals, step);
    line = mid__wire_line(&w, &n);
    status = line ? send_step(p, a, step->i_tok, line, n, score) : MID_ENOMEM;
    if (status == MID_OK && mid__kept_add(a, step->i_tok, line, n)) {
        p->held_tok = a->n_tok;
        s->id = a->id;
        s->n_tok = a->n_tok;
    } else if (status == MID_OK) {
        p->held_id = a->id = 0;     /* it has read a token that could not be kept */
        status = MID_ENOMEM;
    }
    free(line);
    return status;
}

/* ---- the monitor's functions ------------------------------------------------------------------------------------- */

static mid_status start(const void *plan, void *state, const mid_prompt *prompt)
{
    struct plan *p = (struct plan *)(uintptr_t)plan;        /* shared by threads, under its lock */
    mid_status status;

    if (!mid__wire_prompt_is_finite(p->plugin->ops.needs, &p->signals, prompt))
        return MID_ENUMERIC;
    pthread_mutex_lock(&p->lock);
    status = start_locked(p, state, prompt);
    pthread_mutex_unlock(&p->lock);
    return status;
}

static mid_status push(const void *plan, void *state, const mid_step *step, double *score)
{
    struct plan *p = (struct plan *)(uintptr_t)plan;
    mid_status status;

    if (!mid__wire_is_finite(p->plugin->ops.needs, &p->signals, step))
        return MID_ENUMERIC;
    pthread_mutex_lock(&p->lock);
    status = push_locked(p, state, step, score);
    pthread_mutex_unlock(&p->lock);
    return status;
}

static const char *trouble(const void *plan)
{
    const struct plan *p = plan;

    return p->process.trouble[0] ? p->process.trouble : mid_status_text(MID_EPLUGIN);
}

static void close_plan(void *plan)
{
    struct plan *p = plan;

    if (!p)
        return;
    mid__process_stop(&p->process);
    mid__kept_clear(&p->kept);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Start it again and see that it is still what it was. */
static mid_status greet_again(mid_ctx *ctx, const struct mid_plugin *plugin, mid__process *process)
{
    mid_monitor_ops now = { .name = NULL };
    mid__arena room = { NULL };
    yyjson_doc *ready = NULL;
    mid_status status = mid__greet(ctx, &plugin->run, process, &ready);

    if (status == MID_OK && (mid__ready_read(&room, yyjson_doc_get_root(ready), plugin->run.what, &now) ||
                             strcmp(now.name, plugin->ops.name) != 0 || now.version != plugin->ops.version ||
                             now.needs != plugin->ops.needs)) {
        mid__process_refuse(process, "hello", "it said otherwise the first time");
        status = mid__told(ctx, process, MID_EPLUGIN);
    }
    yyjson_doc_free(ready);
    mid__arena_clear(&room);
    return status;
}

static mid_status open_self(void *self, mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const struct mid_plugin *plugin = self;
    struct plan *p = calloc(1, sizeof *p);
    mid__wire w;
    mid_status status;

    if (!p)
        return mid__oom(ctx, plugin->run.what);
    p->plugin = plugin;
    p->signals = *signals;
    pthread_mutex_init(&p->lock, NULL);
    status = greet_again(ctx, plugin, &p->process);
    if (status == MID_OK) {
        mid__wire_open(&w, "open");
        mid__wire_put_params(&w, w.root, "params", params);
        mid__wire_put_signals(&w, w.root, "signals", signals);
        if (weights)
            mid__wire_put_weights(&w, yyjson_mut_obj_add_obj(w.doc, w.root, "weights"), weights);
        status = mid__tell(&p->process, "open", &w, MID__BEGIN_TIMES * plugin->run.timeout_ms);
        status = mid__told(ctx, &p->process, status);
    }
    if (status == MID_OK)
        *plan = p;
    else
        close_plan(p);
    return status;
}

/* One answer to learn from. scratch (mid_trace_scratch()) */
static mid_status give_answer(const struct mid_plugin *plugin, mid__process *process, const mid_fit_answer *from,
                              float *scratch)
{
    const uint32_t needs = plugin->ops.needs | plugin->ops.fit_needs, n = mid_trace_n_tok(from->trace);
    const mid_signals *signals = mid_trace_signals(from->trace);
    yyjson_mut_val *steps, *one;
    mid_prompt prompt;
    mid_step step;
    mid__wire w;
    uint32_t i;

    mid__wire_open(&w, "answer");
    mid_trace_prompt(from->trace, scratch, &prompt);
    mid__wire_put_prompt(&w, w.root, "prompt", needs, signals, &prompt);
    yyjson_mut_obj_add_int(w.doc, w.root, "label", from->label);
    yyjson_mut_obj_add_uint(w.doc, w.root, "group", from->group);
    steps = yyjson_mut_arr(w.doc);
    yyjson_mut_obj_add_val(w.doc, w.root, "steps", steps);
    for (i = 0; i < n; i++) {
        mid_trace_step(from->trace, i, scratch, &step);
        if (!mid__wire_is_finite(needs, signals, &step)) {
            yyjson_mut_doc_free(w.doc);
            return MID_ENUMERIC;
        }
        one = yyjson_mut_arr_add_obj(w.doc, steps);
        mid__wire_put_step(&w, one, needs, signals, &step);
    }
    return mid__tell(process, "answer", &w, plugin->run.timeout_ms);
}

static mid_status give_answers(mid_ctx *ctx, const struct mid_plugin *plugin, mid__process *process,
                               const mid_fit_set *set)
{
    float *scratch = NULL, *more;
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        more = realloc(scratch, (mid_trace_scratch(set->answer[i].trace) + 1) * sizeof *scratch);
        if (!more) {
            status = mid__oom(ctx, "rows");
            break;
        }
        scratch = more;
        status = give_answer(plugin, process, &set->answer[i], scratch);
        if (status == MID_ENUMERIC)
            mid__fail(ctx, status, "%s: answer %zu holds a number that is not finite", plugin->ops.name, i);
        else
            status = mid__told(ctx, process, status);
    }
    free(scratch);
    return status;
}

static mid_status fit_self(void *self, mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const struct mid_plugin *plugin = self;
    mid__process process;
    yyjson_doc *doc = NULL;
    mid__wire w;
    mid_status status = greet_again(ctx, plugin, &process);

    if (status == MID_OK) {
        mid__wire_open(&w, "fit");
        mid__wire_put_params(&w, w.root, "params", params);
        mid__wire_put_signals(&w, w.root, "signals", mid_trace_signals(set->answer[0].trace));
        yyjson_mut_obj_add_uint(w.doc, w.root, "seed", set->seed);
        yyjson_mut_obj_add_int(w.doc, w.root, "n_fold", set->n_fold ? set->n_fold : 3);
        yyjson_mut_obj_add_uint(w.doc, w.root, "n", set->n);
        status = mid__told(ctx, &process, mid__tell(&process, "fit", &w, plugin->run.timeout_ms));
    }
    if (status == MID_OK)
        status = give_answers(ctx, plugin, &process, set);
    if (status == MID_OK) {
        mid__wire_open(&w, "learn");
        status = mid__ask(&process, "learn", "weights", &w, MID__LEARN_TIMES * plugin->run.timeout_ms, &doc);
        status = mid__told(ctx, &process, status);
    }
    if (status == MID_OK) {
        status = mid__wire_get_weights(ctx, yyjson_doc_get_root(doc), out);
        if (status != MID_OK && status != MID_ENOMEM)
            status = mid__within(ctx, MID_EPLUGIN, "plug-in '%.90s': its weights", plugin->run.what);
    }
    yyjson_doc_free(doc);
    mid__process_stop(&process);
    return status;
}

/* Stands for "it learns"; mid_monitor_fit() calls fit_self. */
static mid_status fit_by_itself(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    (void)set; (void)params; (void)out;
    return mid__fail(ctx, MID_EINVAL, "a plug-in is fitted by mid_monitor_fit()");
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

mid_plugin_opts mid_plugin_opts_default(void) { return (mid_plugin_opts){ .size = sizeof(mid_plugin_opts) }; }

const mid_monitor_ops *mid_plugin_ops(const mid_plugin *plugin) { return &plugin->ops; }

void mid_plugin_close(mid_plugin *plugin)
{
    if (!plugin)
        return;
    mid__arena_clear(&plugin->room);
    free(plugin);
}

static bool is_object(const char *what)
{
    const size_t n = strlen(what);

    return n > 3 && strcmp(what + n - 3, ".so") == 0 && !strchr(what, ' ');
}

/* Take a file into the hash: its bytes, or of a large one, say a model, its size and time. */
static void hash_file(mid__sha256 *hash, const char *path)
{
    char hex[65] = "";
    struct stat info;

    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return;
    if (info.st_size <= HASH_WHOLE_BYTES && mid__file_hash(NULL, path, hex) == MID_OK)
        mid__sha256_put(hash, hex, 64);
    else
        mid__sha256_put(hash, (long long[]){ info.st_size, info.st_mtime }, 2 * sizeof(long long));
}

/* "plug-in 5fd924625f6a...: python3 my_monitor.py": the hash is of the command and of every file that it names. */
static const char *build_of(mid__arena *room, const char *what)
{
    char *words = mid__arena_text(room, what, strlen(what)), *rest = NULL, *word, hex[65], text[400];
    mid__sha256 hash;

    if (!words)
        return NULL;
    mid__sha256_init(&hash);
    mid__sha256_put(&hash, what, strlen(what));
    for (word = strtok_r(words, " \t\n'\"", &rest); word; word = strtok_r(NULL, " \t\n'\"", &rest))
        hash_file(&hash, word);
    mid__sha256_hex(&hash, hex);
    snprintf(text, sizeof text, "plug-in %.32s: %.300s", hex, what);
    return mid__arena_text(room, text, strlen(text));
}

/* How it is run: a command by the shell, an object by the host. */
static mid_status choose_argv(mid_ctx *ctx, struct mid_plugin *plugin, const char *host)
{
    char *path;

    if (!is_object(plugin->run.what)) {
        plugin->run.argv[0] = "/bin/sh";
        plugin->run.argv[1] = "-c";
        plugin->run.argv[2] = plugin->run.what;
        return MID_OK;
    }
    path = realpath(plugin->run.what, NULL);
    if (!path)
        return mid__fail(ctx, MID_ENOTFOUND, "%s: no such plug-in", plugin->run.what);
    plugin->run.argv[0] = mid__arena_text(&plugin->room, host, strlen(host));
    plugin->run.argv[1] = "plugin-host";
    plugin->run.argv[2] = mid__arena_text(&plugin->room, path, strlen(path));
    free(path);
    return plugin->run.argv[0] && plugin->run.argv[2] ? MID_OK : mid__oom(ctx, plugin->run.what);
}

static mid_status describe(mid_ctx *ctx, struct mid_plugin *plugin)
{
    mid_monitor_ops *ops = &plugin->ops;
    mid__process process;
    yyjson_doc *ready = NULL;
    const char *wrong;
    mid_status status = mid__greet(ctx, &plugin->run, &process, &ready);

    if (status == MID_OK) {
        wrong = mid__ready_read(&plugin->room, yyjson_doc_get_root(ready), plugin->run.what, ops);
        if (wrong) {
            mid__process_refuse(&process, "hello", wrong);
            status = mid__told(ctx, &process, MID_EPLUGIN);
        }
        ops->fit = yyjson_get_bool(yyjson_obj_get(yyjson_doc_get_root(ready), "learns")) ? fit_by_itself : NULL;
    }
    ops->self = plugin;
    ops->fit_self = ops->fit ? fit_self : NULL;
    ops->open_self = open_self;
    ops->close = close_plan;
    ops->state_size = sizeof(struct state);
    ops->start = start;
    ops->push = push;
    ops->trouble = trouble;
    yyjson_doc_free(ready);
    mid__process_stop(&process);
    return status;
}

mid_status mid_plugin_open(mid_ctx *ctx, const char *what, const mid_plugin_opts *opts, mid_plugin **out)
{
    struct mid_plugin *plugin = calloc(1, sizeof *plugin);
    mid_status status = MID_OK;

    if (!plugin)
        return mid__oom(ctx, "a plug-in");
    plugin->run.timeout_ms = opts && opts->timeout_ms ? opts->timeout_ms : 5000;
    plugin->run.what = mid__arena_text(&plugin->room, what, strlen(what));
    plugin->ops.build = plugin->run.what ? build_of(&plugin->room, what) : NULL;
    if (!plugin->ops.build)
        status = mid__oom(ctx, "a plug-in");
    else if (plugin->run.timeout_ms > 3600000)
        status = mid__fail(ctx, MID_EINVAL, "a plug-in's timeout of %u ms: at most an hour", plugin->run.timeout_ms);
    if (status == MID_OK)
        status = choose_argv(ctx, plugin, opts && opts->host ? opts->host : "midstream");
    if (status == MID_OK)
        status = describe(ctx, plugin);
    if (status == MID_OK)
        *out = plugin;
    else
        mid_plugin_close(plugin);
    return status;
}
