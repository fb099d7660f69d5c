/* Processes that answer lines with lines: what goes through whole, and what ends them. */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ctx.h"
#include "plugin/process.h"

static void start(mid__process *p, const char *command)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };

    if (!mid__process_start(p, command, argv))
        fail_msg("%s", p->trouble);
}

static const char *ask(mid__process *p, const char *line)
{
    return mid__process_ask(p, "it", line, strlen(line), 4000);
}

/* Within so many ms: few where silence is what is waited for, many where the machine may be busy. */
static void fails_within(mid__process *p, int ms, const char *line, const char *trouble)
{
    if (mid__process_ask(p, "it", line, strlen(line), ms))
        fail_msg("it answered '%s'", p->said.at);
    if (!strstr(p->trouble, trouble))
        fail_msg("'%s' does not say '%s'", p->trouble, trouble);
    CHECK_INT(p->pid, 0);
    CHECK(mid__process_ask(p, "it", line, strlen(line), ms) == NULL);       /* and it stays like that */
    mid__process_stop(p);
}

static void fails(mid__process *p, const char *line, const char *trouble) { fails_within(p, 20000, line, trouble); }

/* No child is left, not even as a zombie. */
static void none_left(void) { CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); }

TEST(process, lines_go_through)
{
    mid__process p;

    start(&p, "cat");
    CHECK_TEXT(ask(&p, "one\n"), "one");
    CHECK_TEXT(ask(&p, "\n"), "");
    CHECK_TEXT(ask(&p, "two\r\n"), "two");
    mid__process_stop(&p);
    CHECK_TEXT(p.trouble, "");
    none_left();
}

/* Larger than any pipe or socket, both ways at once. */
TEST(process, long_lines_go_through)
{
    enum { N = 5 << 20 };
    char *line = malloc(N + 2), *got;
    mid__process p;
    size_t i;

    assert_non_null(line);
    for (i = 0; i < N; i++)
        line[i] = (char)('a' + i * 7 % 26);
    strcpy(line + N, "\n");
    start(&p, "cat");
    got = mid__process_ask(&p, "it", line, N + 1, 20000);
    assert_non_null(got);
    CHECK_INT(strlen(got), N);
    CHECK(memcmp(got, line, N) == 0);
    CHECK_TEXT(ask(&p, "after\n"), "after");
    mid__process_stop(&p);
    free(line);
}

TEST(process, it_ends)
{
    mid__process p;

    start(&p, "exit 3");
    fails(&p, "x\n", "ended with exit code 3 at \"it\"");
    start(&p, "kill -SEGV $$");
    fails(&p, "x\n", "ended by signal 11 (Segmentation fault)");
    start(&p, "sh -c 'kill -ABRT $$'; exit $?");
    fails(&p, "x\n", "ended by signal 6 (Aborted)");
    start(&p, "no-such-command");
    fails(&p, "x\n", "exit code 127");
    start(&p, "echo a >&2; echo 'the reason' >&2; exit 1");
    fails(&p, "x\n", "; on stderr: 'the reason'");
    none_left();
}

TEST(process, it_hangs)
{
    const double before_s = mid__now_s();
    mid__process p;

    start(&p, "sleep 60");
    fails_within(&p, 300, "x\n", "plug-in 'sleep 60': no answer to \"it\" within 300 ms");
    start(&p, "trap '' TERM INT HUP; while :; do :; done");
    fails_within(&p, 300, "x\n", "no answer");
    start(&p, "printf 'no end of line'; sleep 60");
    fails_within(&p, 300, "x\n", "no answer");
    start(&p, "exec >&-; sleep 60");
    fails(&p, "x\n", "closed its output");
    CHECK(mid__now_s() - before_s < 20);
    none_left();
}

/* A child of the process keeps its output open: it is ended too. */
TEST(process, its_children_end_with_it)
{
    const char *path = test_path("alive");
    char command[600];
    mid__process p;

    snprintf(command, sizeof command, "(sleep 1; touch %s) & read x; echo yes; read x", path);
    start(&p, command);
    CHECK_TEXT(ask(&p, "x\n"), "yes");
    mid__process_stop(&p);
    poll(NULL, 0, 1300);
    CHECK(access(path, F_OK) != 0);
}

TEST(process, it_says_too_much)
{
    mid__process p;

    start(&p, "read x; yes | tr -d '\\n'");
    if (mid__process_ask(&p, "it", "x\n", 2, 20000))
        fail_msg("it answered");
    CHECK(strstr(p.trouble, "with more than 8388608 bytes, beginning 'yyyy") != NULL);
    start(&p, "read x; echo one; echo two; sleep 1");
    CHECK_TEXT(ask(&p, "x\n"), "one");
    poll(NULL, 0, 100);
    fails(&p, "x\n", "said 'two' without being asked");
    start(&p, "read x; yes");
    CHECK_TEXT(ask(&p, "x\n"), "y");
    fails(&p, "x\n", "said 'y' without being asked");
    none_left();
}

/* It answers without reading, or stops reading: a write must neither raise SIGPIPE nor wait for ever. */
TEST(process, it_does_not_read)
{
    enum { N = 4 << 20 };
    char *line = calloc(1, N + 1);
    mid__process p;

    assert_non_null(line);
    memset(line, 'x', N - 1);
    line[N - 1] = '\n';
    start(&p, "exec <&-; sleep 0.1; echo early; sleep 60");
    CHECK_TEXT(mid__process_ask(&p, "it", line, N, 4000), "early");     /* it cannot be told more anyway */
    mid__process_stop(&p);
    start(&p, "echo early; sleep 60");
    fails(&p, line, "no answer to \"it\"");
    start(&p, "head -c 10 > /dev/null");
    fails(&p, line, "ended with exit code 0");
    free(line);
    none_left();
}

TEST(process, stderr_is_heard)
{
    const double before_s = mid__now_s();
    mid__process p;

    start(&p, "head -c 100000000 /dev/zero >&2; read x; echo done; read x; "
          "printf 'bad \\377 byte\\nand \\001 end\\n\\n' >&2; exit 2");
    CHECK_TEXT(mid__process_ask(&p, "it", "x\n", 2, 60000), "done");
    fails(&p, "x\n", "exit code 2 at \"it\"; on stderr: 'and   end'");
    CHECK(mid__now_s() - before_s < 60);
    start(&p, "read x; yes >&2; true");
    fails_within(&p, 300, "x\n", "no answer to \"it\" within 300 ms; on stderr: 'y'");
    none_left();
}

/* Odd bytes are quoted as one line of UTF-8. */
TEST(process, what_it_said_is_quoted)
{
    mid__process p;

    start(&p, "printf '\\377caf\\303\\251 \\001\\n'; sleep 60");
    CHECK(ask(&p, "x\n") != NULL);
    mid__process_refuse(&p, "it", "sense is wanted");
    CHECK(strstr(p.trouble, "answered \"it\" with '?caf\xc3\xa9  '; sense is wanted") != NULL);
    start(&p, "head -c 300 /dev/zero | tr '\\0' z; echo; sleep 60");
    CHECK(ask(&p, "x\n") != NULL);
    mid__process_refuse(&p, "it", "sense is wanted");
    CHECK(strstr(p.trouble, "zzz...'; sense is wanted") != NULL);
    none_left();
}

TEST(process, a_program_that_is_not_there)
{
    const char *const argv[] = { "/no/such/program", NULL };
    mid__process p;

    CHECK(!mid__process_start(&p, "name", argv));
    CHECK(strstr(p.trouble, "plug-in 'name': cannot run /no/such/program: No such file") != NULL);
    mid__process_stop(&p);
    none_left();
}
