/* Processes behind plug-ins. Each is a process group of its own, so that what it starts ends with it. Its input is a
 * socket, because a write to a socket can be told not to raise SIGPIPE; its output and error are pipes that are read
 * while its input is written, so that neither side waits for the other. Posix_spawn and not fork: the caller may have
 * threads, and its memory is none of the plug-in's business. */
#include "plugin/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/utf8.h"
#include "midstream/sample.h"

enum { READ_BYTES = 1 << 16, QUOTE_BYTES = 90, REASON_BYTES = 240, LEAVE_MS = 500 };

extern char **environ;

/* ---- saying what happened ---------------------------------------------------------------------------------------- */

/* Somebody else's bytes, fit to stand in a message: one line, valid UTF-8, cut. text (limit + 4) */
static const char *quote_some(const char *bytes, size_t n, size_t limit, char *text)
{
    const size_t n_kept = n <= limit ? n : mid__utf8_whole(bytes, limit);
    size_t i = 0, end;

    memcpy(text, bytes, n_kept);
    while (i < n_kept) {
        for (end = i + mid__utf8_valid(text + i, n_kept - i); i < end; i++)
            if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                text[i] = ' ';
        if (i < n_kept)
            text[i++] = '?';
    }
    strcpy(text + n_kept, n_kept < n ? "..." : "");
    return text;
}

static const char *quote(const char *bytes, size_t n, char text[QUOTE_BYTES + 4])
{
    return quote_some(bytes, n, QUOTE_BYTES, text);
}

/* The last line on stderr that is not blank, as "; on stderr: '...'". */
static void add_heard(mid__process *p)
{
    const size_t at = strlen(p->trouble);
    char text[QUOTE_BYTES + 4];
    size_t end = p->n_heard, begin;

    while (end && (unsigned char)p->heard[end - 1] <= ' ')
        end--;
    for (begin = end; begin && p->heard[begin - 1] != '\n'; begin--)
        ;
    if (end > begin)
        snprintf(p->trouble + at, sizeof p->trouble - at, "; on stderr: '%s'",
                 quote(p->heard + begin, end - begin, text));
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Has it ended, within so many ms? The process stays to be waited for, so that its number still means its group. */
static bool has_ended(const mid__process *p, int wait_ms, siginfo_t *how)
{
    const double until_s = mid__now_s() + 1e-3 * wait_ms;

    for (;;) {
        memset(how, 0, sizeof *how);
        if (waitid(P_PID, (id_t)p->pid, how, WEXITED | WNOHANG | WNOWAIT) < 0 && errno != EINTR)
            return true;            /* a program that ignores SIGCHLD has no child to ask about */
        if (how->si_pid)
            return true;
        if (mid__now_s() >= until_s)
            return false;
        poll(NULL, 0, 2);
    }
}

static void end(mid__process *p)
{
    if (p->pid) {
        kill(-p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    p->pid = 0;
    close_fd(&p->in);
    close_fd(&p->out);
    close_fd(&p->err);
    mid__buf_clear(&p->said);
}

static bool trouble(mid__process *p, const char *fmt, ...) MID_PRINTF(2, 3);
static bool trouble(mid__process *p, const char *fmt, ...)
{
    char text[QUOTE_BYTES + 4];
    size_t at;
    va_list args;

    at = (size_t)snprintf(p->trouble, sizeof p->trouble, "plug-in '%s': ", quote(p->name, strlen(p->name), text));
    va_start(args, fmt);
    vsnprintf(p->trouble + at, sizeof p->trouble - at, fmt, args);
    va_end(args);
    add_heard(p);
    end(p);
    return false;
}

void mid__process_refuse(mid__process *p, const char *what, const char *wanted)
{
    char text[QUOTE_BYTES + 4];

    trouble(p, "answered \"%s\" with '%s'; %s", what, quote(p->said.at, strlen(p->said.at), text), wanted);
}

void mid__process_refused(mid__process *p, const char *what, const char *reason)
{
    char text[REASON_BYTES + 4];

    trouble(p, "refused \"%s\": %s", what, quote_some(reason, strlen(reason), REASON_BYTES, text));
}

/* ---- starting and stopping --------------------------------------------------------------------------------------- */

/* Three channels, ours in fd[0] and the child's in fd[1]. */
static bool open_channels(int fd[3][2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd[0]) == 0 && pipe2(fd[1], O_CLOEXEC) == 0 &&
           pipe2(fd[2], O_CLOEXEC) == 0 && fcntl(fd[1][0], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(fd[2][0], F_SETFL, O_NONBLOCK) == 0;
}

static int spawn(pid_t *pid, const char *const *argv, int fd[3][2])
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t all, none;
    int i, error;

    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&how) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    sigfillset(&all);               /* what we catch or ignore is not the plug-in's to inherit */
    sigemptyset(&none);
    error = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setsigmask(&how, &none);
    for (i = 0; i < 3 && !error; i++)
        error = posix_spawn_file_actions_adddup2(&files, fd[i][1], i);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(&files, 3);
#endif
    if (!error)
        error = posix_spawnp(pid, argv[0], &files, &how, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

bool mid__process_start(mid__process *p, const char *name, const char *const *argv)
{
    int fd[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, i, error;

    memset(p, 0, sizeof *p);
    p->name = name;
    mid__buf_init(&p->said, MID_LINE_LIMIT_BYTES);
    error = open_channels(fd) ? spawn(&p->pid, argv, fd) : errno;
    for (i = 0; i < 3; i++)
        close_fd(&fd[i][1]);
    p->in = fd[0][0];
    p->out = fd[1][0];
    p->err = fd[2][0];
    if (error) {
        p->pid = 0;
        return trouble(p, "cannot run %s: %s", argv[0], strerror(error));
    }
    return true;
}

void mid__process_stop(mid__process *p)
{
    siginfo_t how;

    if (!p->pid)
        return;
    close_fd(&p->in);
    has_ended(p, LEAVE_MS, &how);
    end(p);
}

/* ---- a question and its answer ----------------------------------------------------------------------------------- */

/* It closed its output: it is ending, or has ended. */
static bool gone(mid__process *p, const char *what)
{
    siginfo_t how;

    if (!has_ended(p, LEAVE_MS, &how))
        return trouble(p, "closed its output at \"%s\"", what);
    if (how.si_pid == 0)
        return trouble(p, "ended at \"%s\"", what);
    if (how.si_code == CLD_EXITED && how.si_status > 128 && how.si_status < 128 + NSIG)
        how.si_status -= 128;       /* as a shell says it */
    else if (how.si_code == CLD_EXITED)
        return trouble(p, "ended with exit code %d at \"%s\"", how.si_status, what);
    return trouble(p, "ended by signal %d (%s) at \"%s\"", how.si_status, strsignal(how.si_status), what);
}

/* Keep the end of what is on stderr; what is not read for a while waits in the pipe, and its writer with it.
 * @return false when nothing more is there. */
static bool hear(mid__process *p)
{
    char bytes[4096];
    const size_t cap = sizeof p->heard;
    const ssize_t n = read(p->err, bytes, sizeof bytes);
    size_t n_new, n_old;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&p->err);
    if (n <= 0)
        return false;
    n_new = (size_t)n < cap ? (size_t)n : cap;
    n_old = p->n_heard < cap - n_new ? p->n_heard : cap - n_new;
    memmove(p->heard, p->heard + p->n_heard - n_old, n_old);
    memcpy(p->heard + n_old, bytes + n - n_new, n_new);
    p->n_heard = n_old + n_new;
    return true;
}

/* Its last words stand behind all that the pipe still holds; a child of its own may write on for ever. */
static void hear_out(mid__process *p)
{
    enum { READ_MAX = 512 };        /* twice what the largest pipe holds by default */
    int i;

    for (i = 0; i < READ_MAX && p->err >= 0 && hear(p); i++)
        ;
}

/* More of its output. @return false when it ended, or says too much at once. */
static bool listen_to(mid__process *p, const char *what)
{
    char bytes[READ_BYTES], text[QUOTE_BYTES + 4];
    const ssize_t n = read(p->out, bytes, sizeof bytes);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        hear_out(p);
        return gone(p, what);
    }
    if (mid__buf_put(&p->said, bytes, (size_t)n))
        return true;
    return trouble(p, "answered \"%s\" with more than %u bytes, beginning '%s'", what, MID_LINE_LIMIT_BYTES,
                   quote(p->said.at, p->said.n, text));
}

/* Is a whole line in said? Its end becomes a zero. */
static bool has_line(mid__process *p)
{
    char *lf;

    if (p->n_line)
        return true;
    lf = p->said.n > p->n_seen ? memchr(p->said.at + p->n_seen, '\n', p->said.n - p->n_seen) : NULL;
    p->n_seen = p->said.n;
    if (!lf)
        return false;
    p->n_line = (size_t)(lf - p->said.at) + 1;
    *lf = 0;
    if (lf > p->said.at && lf[-1] == '\r')
        lf[-1] = 0;
    return true;
}

/* Whatever is there before a question is sent was said unasked. */
static bool is_quiet(mid__process *p, const char *what)
{
    char text[QUOTE_BYTES + 4];
    size_t n;

    memmove(p->said.at, p->said.at + p->n_line, p->said.n - p->n_line);
    p->said.n -= p->n_line;
    p->n_line = p->n_seen = 0;
    if (p->said.n == 0 && !listen_to(p, what))
        return false;
    n = p->said.n;
    return n == 0 || trouble(p, "said '%s' without being asked", quote(p->said.at, strcspn(p->said.at, "\n"), text));
}

static void send_more(mid__process *p, const char **line, size_t *n)
{
    const ssize_t sent = send(p->in, *line, *n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent > 0) {
        *line += sent;
        *n -= (size_t)sent;
    } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        *n = 0;                     /* it does not read any more: maybe it answers still, else it is gone */
    }
}

char *mid__process_ask(mid__process *p, const char *what, const char *line, size_t n, uint32_t timeout_ms)
{
    const double until_s = mid__now_s() + 1e-3 * timeout_ms;

    if (!p->pid || (p->said.at && !is_quiet(p, what)))
        return NULL;
    send_more(p, &line, &n);
    while (!has_line(p) || n) {
        struct pollfd at[3] = { { p->out, POLLIN, 0 }, { p->err, POLLIN, 0 }, { n ? p->in : -1, POLLOUT, 0 } };
        const double left_s = until_s - mid__now_s();
        if (left_s <= 0) {
            trouble(p, "no answer to \"%s\" within %u ms", what, timeout_ms);
            return NULL;
        }
        if (poll(at, 3, (int)(left_s * 1e3) + 1) <= 0)
            continue;
        if (at[1].revents)
            hear(p);
        if (at[2].revents)
            send_more(p, &line, &n);
        if (at[0].revents && !listen_to(p, what))
            return NULL;
    }
    return p->said.at;
}
