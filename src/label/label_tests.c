/* A program is unsafe when it fails its tests: meta.tests, with meta.entry_point as the function they check and
 * meta.mode: "continuation" runs the prompt and the answer behind it, "standalone" (also where there is none) the
 * answer. In a chat answer the program is what stands in its fence (label/fence.h). Tests as in HumanEval (Chen et al.
 * 2021, arXiv 2107.03374): statements, and a function check(candidate) that is called if they do not call it
 * themselves. The answer and its tests run in two sandboxes joined by a socket (sandbox/sandbox.h,
 * data/harness/python.py): the verdict is made where no line of the answer ever runs, so the answer can only return
 * values, right or wrong. Ending itself, using up its time or its memory is failing. Where no sandbox can be had, that
 * is an error and never a label. No label: samples without tests, in another language, or whose tests are broken, need
 * a package, or hand over or compare what has no copy. */
#include "label/labeler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yyjson.h"

#include "base/buf.h"
#include "base/ctx.h"
#include "base/file.h"
#include "label/fence.h"
#include "label/recorded.h"
#include "monitor/monitor.h"
#include "sandbox/sandbox.h"

#define PYTHON "/usr/bin/python3"

enum { HARNESS_LIMIT_BYTES = 100 << 10, OUTPUT_LIMIT_BYTES = 4096, WALL_FACTOR = 3 };

struct tests { char *harness, *bwrap, *preamble; mid__sandbox_limits limits; };

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* The last line of what was said, to stand in a message. */
static const char *last_line(const mid__buf *said, char text[160])
{
    size_t end = said->n, begin, i;

    while (end && (unsigned char)said->at[end - 1] <= ' ')
        end--;
    for (begin = end; begin && said->at[begin - 1] != '\n'; begin--)
        ;
    snprintf(text, 160, "%.*s", (int)(end - begin), end ? said->at + begin : "");
    for (i = 0; text[i]; i++)
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
            text[i] = '?';
    return end ? text : "it ended without a word";
}

static mid_status no_sandbox(mid_ctx *ctx, const mid__sandbox_end *end)
{
    char text[160];

    if (end->timed_out)
        return mid__fail(ctx, MID_EIO, "no sandbox: nothing in it had started when the time was up; raise 'seconds', "
                         "or run less beside it");
    return mid__fail(ctx, MID_EIO, "no sandbox: %s (exit code %d). It needs bubblewrap, /usr/bin/python3 and user "
                     "namespaces: apt-get install bubblewrap python3; sysctl kernel.unprivileged_userns_clone=1, "
                     "kernel.apparmor_restrict_unprivileged_userns=0 and user.max_user_namespaces=10000 where the "
                     "system has these; a container must be allowed to make namespaces, as with docker run "
                     "--privileged. Code is never run without a sandbox",
                     last_line(end->behind_err.n ? &end->behind_err : &end->err, text), end->exit_code);
}

/* What the tests' side said behind its "ready", which it says before it has sent a byte of the answer; NULL: not even
 * that, so that whatever went wrong is no fault of the answer's. */
static const char *verdict(const mid__sandbox_end *end)
{
    static const char ready[] = "ready\n";

    return end->out.n >= sizeof ready - 1 && memcmp(end->out.at, ready, sizeof ready - 1) == 0
        ? end->out.at + sizeof ready - 1 : NULL;
}

static mid_status run(mid_ctx *ctx, const struct tests *t, const mid__buf *job, mid_label *label)
{
    const char *const tests[] = { PYTHON, "-S", "-s", "-B", "-c", t->harness, "tests", NULL };
    const char *const answer[] = { PYTHON, "-S", "-s", "-B", "-c", t->harness, "answer", NULL };
    mid__sandbox_end end;
    const char *said = NULL;
    mid_status status = mid__sandbox_run(ctx, &t->limits, tests, answer, job->at, job->n, &end);

    if (status == MID_OK)
        said = verdict(&end);
    if (status == MID_OK && !said)
        status = no_sandbox(ctx, &end);
    if (status == MID_OK && strcmp(said, "cannot\n") != 0) {
        label->unsafe = strcmp(said, "pass\n") != 0;
        label->score = label->unsafe;
    }
    mid__sandbox_end_clear(&end);
    return status;
}

/* The program: preamble, prompt where the answer goes on from it, answer. Code from a fence begins a line of its own;
 * without a fence it stands where the prompt ends. */
static bool put_program(mid__buf *to, const struct tests *t, const mid_sample *sample, const char *entry_point,
                        bool goes_on, const char *text, size_t n)
{
    size_t n_code = n;
    const char *fenced = mid__fence_find(text, n, entry_point, &n_code);

    return mid__buf_text(to, t->preamble) && mid__buf_text(to, t->preamble[0] ? "\n" : "")
        && mid__buf_text(to, goes_on ? sample->prompt : "") && mid__buf_text(to, goes_on && fenced ? "\n" : "")
        && mid__buf_put(to, fenced ? fenced : text, n_code);
}

/* The job as data/harness/python.py reads it: sizes on a line, then the parts. */
static bool put_job(mid__buf *job, const mid_sample *sample, const char *entry_point, const mid__buf *program,
                    yyjson_val *tests)
{
    return mid__buf_fmt(job, "%zu %zu %zu %zu\n%s%s", strlen(entry_point), strlen(sample->prompt), program->n,
                        yyjson_get_len(tests), entry_point, sample->prompt)
        && mid__buf_put(job, program->at, program->n)
        && mid__buf_put(job, yyjson_get_str(tests), yyjson_get_len(tests));
}

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    const struct tests *t = self;
    yyjson_doc *doc = sample->meta ? yyjson_read(sample->meta, strlen(sample->meta), 0) : NULL;
    yyjson_val *meta = yyjson_doc_get_root(doc);
    yyjson_val *tests = yyjson_obj_get(meta, "tests");
    const char *entry_point = yyjson_get_str(yyjson_obj_get(meta, "entry_point"));
    const char *mode = yyjson_get_str(yyjson_obj_get(meta, "mode"));
    const bool goes_on = mode && strcmp(mode, "continuation") == 0;
    mid_status status = MID_OK;
    mid__buf program = { 0 }, job = { 0 };
    if (!entry_point)
        entry_point = "";
    if (mid__is_recorded(sample, text, n)) {
        text = sample->response;    /* a recorded answer that a run cuts short: half a program is no program */
        n = strlen(text);
    }
    if (mode && !goes_on && strcmp(mode, "standalone") != 0)
        status = mid__fail(ctx, MID_EFORMAT, "sample '%s': meta.mode is '%s'; it must be continuation or standalone",
                           sample->id, mode);
    else if (yyjson_is_str(tests) && (!sample->lang || strcmp(sample->lang, "python") == 0))
        status = put_program(&program, t, sample, entry_point, goes_on, text, n)
            && put_job(&job, sample, entry_point, &program, tests)
            ? run(ctx, t, &job, label) : mid__oom(ctx, "a program and its tests");
    mid__buf_clear(&job);
    mid__buf_clear(&program);
    yyjson_doc_free(doc);
    return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void close_tests(void *self)
{
    struct tests *t = self;

    free(t->harness);
    free(t->bwrap);
    free(t->preamble);
    free(t);
}

static mid_status load_harness(mid_ctx *ctx, const char *data_dir, char **out)
{
    mid__buf path = { 0 };
    size_t n;
    mid_status status;

    if (!mid__buf_fmt(&path, "%s/harness/python.py", data_dir))
        return mid__oom(ctx, "labeler tests");
    status = mid__file_read(ctx, path.at, HARNESS_LIMIT_BYTES, out, &n);
    mid__buf_clear(&path);
    return status;
}

/* A program whose tests are known, so that a machine that cannot run any is told of before the first answer. */
static mid_status try_out(mid_ctx *ctx, const struct tests *t)
{
    static const mid_sample sample = {
        .id = "try", .prompt = "", .meta = "{\"tests\":\"assert one() == 1\",\"entry_point\":\"one\"}"
    };
    static const char program[] = "def one(): return 1";
    mid_label label = { -1, 0, -1 };
    mid_status status;

    if (access(PYTHON, X_OK) != 0)
        return mid__fail(ctx, MID_EIO, "no %s to run programs with; apt-get install python3", PYTHON);
    status = judge(ctx, t, &sample, program, sizeof program - 1, &label);
    if (status == MID_OK && label.unsafe != 0)
        status = mid__fail(ctx, MID_EIO, "no sandbox: a program that is right does not pass in it; does it have enough "
                           "memory (%zu bytes) and time (%u s)?", t->limits.memory_bytes, t->limits.cpu_s);
    return status;
}

static mid_status open_tests(mid_ctx *ctx, const mid_param *params, const char *data_dir, void **self)
{
    struct tests *t = *self = calloc(1, sizeof *t);
    const double seconds = mid__param_number(params, "seconds"), memory_mb = mid__param_number(params, "memory_mb");
    mid_status status;

    if (!t || !(t->bwrap = strdup(mid__param_text(params, "bwrap")))
        || !(t->preamble = strdup(mid__param_text(params, "preamble"))))
        return mid__oom(ctx, "labeler tests");
    if (!(seconds >= 1 && seconds <= 3600) || !(memory_mb >= 64 && memory_mb <= 65536))
        return mid__fail(ctx, MID_EINVAL, "labeler tests: 'seconds' is %g and 'memory_mb' %g; they must be 1 to 3600 "
                         "and 64 to 65536", seconds, memory_mb);
    t->limits = (mid__sandbox_limits){
        .cpu_s = (uint32_t)seconds, .wall_s = WALL_FACTOR * (uint32_t)seconds,
        .memory_bytes = (size_t)memory_mb << 20, .output_bytes = OUTPUT_LIMIT_BYTES, .bwrap = t->bwrap,
    };
    status = load_harness(ctx, data_dir, &t->harness);
    return status == MID_OK ? try_out(ctx, t) : status;
}

static const mid_param params[] = {
    { "seconds", 10, NULL, "processor time a program may take, whole seconds; by the clock it may be 3 times that" },
    { "memory_mb", 1024, NULL, "memory a program may take, MiB" },
    { "preamble", 0, "", "put before each program, as \"import math, re\": what it forgot to import" },
    { "bwrap", 0, "/usr/bin/bwrap", "where bubblewrap is" },
    { NULL, 0, NULL, NULL },
};

const mid__labeler_ops mid__labeler_tests = {
    .info = {
        .name = "tests", .summary = "unsafe when a program fails its tests, run in a sandbox",
        .source = "HumanEval, arXiv 2107.03374; meta.tests of the sample", .who = "rule", .params = params,
    },
    .open = open_tests, .close = close_tests, .judge = judge,
};
