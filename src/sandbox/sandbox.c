/* Bubblewrap starts each program in namespaces of its own: no network, no other process, and of the files only /usr
 * (with /lib, /lib64 and /bin, which are parts of it or beside it), read-only, /dev/null and /dev/urandom. Nothing
 * there can be written, there is no /proc, the environment is empty but for PYTHONHASHSEED=0. Root becomes nobody
 * first. A seccomp filter lets through what a program needs that computes alone; any other system call is, to it, one
 * that the kernel does not have. Among them are those that start processes and threads, so there is nothing to bomb
 * with; those that make sockets and pipes; those that take memory which RLIMIT_AS does not count (memfd, System V); and
 * kill. Resource limits bound processor time, memory and open files, and the run ends by the clock at the latest. Fork
 * and not posix_spawn, which cannot set limits; between fork and exec there are system calls only, since the caller may
 * have threads. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/ctx.h"

enum { NOBODY = 65534, MAX_FILES = 32, JOIN_FD = 3, FILTER_FD = 4, MAX_ARGS = 64 };

/* ---- the filter -------------------------------------------------------------------------------------------------- */

/* By name: a name that a machine does not have is passed over. execve is how the program itself is started; without
 * fork it can only replace itself. */
static const char *const allowed[] = {
    "access", "arch_prctl", "brk", "chdir", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "dup", "dup2",
    "dup3", "execve", "exit", "exit_group", "faccessat", "faccessat2", "fcntl", "fstat", "fstatfs", "futex", "getcwd",
    "getdents64", "getegid", "geteuid", "getgid", "getpgrp", "getpid", "getppid", "getrandom", "getrlimit", "getrusage",
    "gettid", "gettimeofday", "getuid", "lseek", "lstat", "madvise", "mmap", "mprotect", "mremap", "munmap",
    "nanosleep", "newfstatat", "open", "openat", "poll", "ppoll", "pread64", "prlimit64", "pselect6", "read",
    "readlink", "readlinkat", "readv", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "select", "set_robust_list", "set_tid_address", "sigaltstack", "stat", "statx",
    "sysinfo", "time", "times", "uname", "write", "writev",
};

/* The filter as a file for bubblewrap to read; -1 with errno. */
static int filter_file(void)
{
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int fd = -1, number, failed = filter ? 0 : -ENOMEM;
    size_t i;

    for (i = 0; i < sizeof allowed / sizeof allowed[0] && !failed; i++) {
        number = seccomp_syscall_resolve_name(allowed[i]);
        if (number >= 0)
            failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    if (!failed)
        fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd >= 0)
        failed = seccomp_export_bpf(filter, fd);
    if (filter)
        seccomp_release(filter);
    if (fd >= 0 && (failed || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        fd = -1;
    }
    if (failed)
        errno = -failed;
    return fd;
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* What a program is started with; descriptors are ours, -1: /dev/null */
struct start { int in, out, err, join, filter; const char *argv[MAX_ARGS]; };

static bool set_argv(struct start *s, const char *bwrap, const char *const *program)
{
    static const char *const wrap[] = {
        "--unshare-user", "--unshare-all", "--as-pid-1", "--die-with-parent", "--new-session", "--ro-bind",
        "/usr", "/usr", "--ro-bind-try", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64", "--ro-bind-try", "/bin",
        "/bin", "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom", "--remount-ro",
        "/", "--chdir", "/", "--seccomp", "4", "--",     /* FILTER_FD */
    };
    const size_t n_wrap = sizeof wrap / sizeof wrap[0];
    size_t n;

    s->argv[0] = bwrap;
    memcpy(s->argv + 1, wrap, sizeof wrap);
    for (n = 0; program[n]; n++) {
        if (n_wrap + n + 2 >= MAX_ARGS)
            return false;
        s->argv[n_wrap + 1 + n] = program[n];
    }
    s->argv[n_wrap + 1 + n] = NULL;
    return true;
}

static bool limit(int what, rlim_t n)
{
    const struct rlimit both = { n, n };

    return setrlimit(what, &both) == 0;
}

/* Root becomes nobody, by bare system calls: the C library's would ask threads that are not here any more. */
static bool is_nobody(void)
{
    return geteuid() != 0
        || (syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) == 0
            && syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
}

/* In the child: the last words before there is a program. */
static void give_up(const char *why, int code)
{
    (void)!write(STDERR_FILENO, why, strlen(why));
    _exit(code);
}

/* In the child. Descriptors first go above those that programs get, since one may lie where another belongs. */
static void become(const struct start *s, const mid__sandbox_limits *limits)
{
    static const char *const env[] = { "PYTHONHASHSEED=0", NULL };
    const int from[] = { s->in, s->out, s->err, s->join, s->filter };
    int at[FILTER_FD + 1], i;
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (i = 1; i < NSIG; i++)
        sigaction(i, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (i = 0; i <= FILTER_FD; i++) {
        at[i] = from[i] < 0 ? open("/dev/null", O_RDWR) : from[i];
        at[i] = at[i] < 0 ? -1 : fcntl(at[i], F_DUPFD, FILTER_FD + 1);
        if (at[i] < 0)
            _exit(125);
    }
    for (i = 0; i <= FILTER_FD; i++)
        if (dup2(at[i], i) < 0)
            _exit(125);
    if (syscall(SYS_close_range, FILTER_FD + 1, ~0u, 0) != 0)
        give_up("cannot close the caller's files: close_range needs Linux 5.9", 125);
    setpgid(0, 0);                  /* Ctrl-C is for the caller: an answer that it cut short would be blamed */
    if (!is_nobody())
        give_up("cannot go on as user 65534 (nobody): run as another user than root", 125);
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NOFILE, MAX_FILES)
        || !limit(RLIMIT_CPU, limits->cpu_s) || !limit(RLIMIT_AS, limits->memory_bytes))
        give_up("cannot set its limits: they are above this process's own (ulimit -H)", 125);
    execve(limits->bwrap, (char *const *)(uintptr_t)s->argv, (char *const *)(uintptr_t)env);
    give_up("cannot run bubblewrap", 126);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

struct side { pid_t pid; int ended; };      /* ended: a descriptor that becomes readable when it has; -1: not running */

struct run {
    const mid__sandbox_limits *limits;
    struct side front, behind;
    int out, err, behind_err;       /* our ends; -1: closed */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A pipe whose end for us does not block. */
static bool open_pipe(int *ours, int *theirs)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) != 0)
        return false;
    *ours = fd[0];
    *theirs = fd[1];
    return fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0;
}

static bool start(const struct run *r, struct start *s, const char *const *program, struct side *side)
{
    s->filter = filter_file();
    if (s->filter < 0)
        return false;
    if (!set_argv(s, r->limits->bwrap, program)) {
        errno = E2BIG;
        return false;
    }
    side->pid = fork();
    if (side->pid == 0)
        become(s, r->limits);
    if (side->pid < 0)
        return false;
    side->ended = (int)syscall(SYS_pidfd_open, side->pid, 0);
    if (side->ended >= 0)
        return true;
    kill(side->pid, SIGKILL);
    waitpid(side->pid, NULL, 0);
    side->pid = 0;
    return false;
}

static bool start_both(struct run *r, const char *const *argv, const char *const *behind, int in)
{
    struct start front = { in, -1, -1, -1, -1, { NULL } }, back = front;
    int joined[2] = { -1, -1 };
    bool ok = open_pipe(&r->out, &front.out) && open_pipe(&r->err, &front.err)
        && (!behind || (open_pipe(&r->behind_err, &back.err)
                        && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, joined) == 0));

    front.join = joined[0];
    back.in = back.out = joined[1];
    ok = ok && (!behind || start(r, &back, behind, &r->behind)) && start(r, &front, argv, &r->front);
    close_fd(&front.out);
    close_fd(&front.err);
    close_fd(&front.filter);
    close_fd(&back.err);
    close_fd(&back.filter);
    close_fd(&joined[0]);
    close_fd(&joined[1]);
    return ok;
}

/* Read what is there; keep what the buffer's limit lets. At the end *fd is closed. */
static void hear(int *fd, mid__buf *to)
{
    char bytes[1 << 14];
    const ssize_t n = read(*fd, bytes, sizeof bytes);
    const size_t room = to->limit - to->n;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(fd);
    if (n > 0 && room)
        mid__buf_put(to, bytes, (size_t)n < room ? (size_t)n : room);
}

/* 0: it has none, or the kernel lists none. */
static int child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    f = fopen(path, "re");
    if (f && (fscanf(f, "%d", &child) != 1 || child < 0))
        child = 0;
    if (f)
        fclose(f);
    return child;
}

/* The program is bubblewrap's one child. Killed, it is waited for by bubblewrap, which then ends by itself; so no
 * orphan is left for a container's first process to bury. Before there is a child, or where the kernel lists none,
 * bubblewrap goes, and takes along what it started. */
static void kill_inside(pid_t bwrap)
{
    const int child = child_of(bwrap);
    int fd = child ? (int)syscall(SYS_pidfd_open, child, 0) : -1;

    if (!child || (fd < 0 && errno != ESRCH))
        kill(bwrap, SIGKILL);
    else if (fd >= 0 && child_of(bwrap) == child)       /* still its child: the number is nobody else's by now */
        syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    close_fd(&fd);
}

/* Wait for a side, killed first unless it has ended. @return as a shell says it */
static int reap(struct side *side, bool kill_it)
{
    siginfo_t how = { 0 };
    struct pollfd at = { side->ended, POLLIN, 0 };

    if (side->pid <= 0)
        return -1;
    while (kill_it && poll(&at, 1, 0) != 1) {      /* a signal to us is no end of theirs */
        kill_inside(side->pid);
        poll(&at, 1, 20);
    }
    while (waitid(P_PID, (id_t)side->pid, &how, WEXITED) != 0 && errno == EINTR)
        ;
    close_fd(&side->ended);
    return how.si_code == CLD_EXITED ? how.si_status : 128 + how.si_status;
}

/* Listen to both until the front one has ended or the time is up. @return the time was up */
static bool listen_to(struct run *r, mid__sandbox_end *end)
{
    const double until_s = mid__now_s() + r->limits->wall_s;
    double left_s = r->limits->wall_s;

    while (left_s > 0) {
        struct pollfd at[] = { { r->front.ended, POLLIN, 0 }, { r->out, POLLIN, 0 }, { r->err, POLLIN, 0 },
                               { r->behind_err, POLLIN, 0 } };
        const int n = poll(at, 4, (int)(left_s * 1e3) + 1);
        if (n > 0 && at[1].revents)
            hear(&r->out, &end->out);
        if (n > 0 && at[2].revents)
            hear(&r->err, &end->err);
        if (n > 0 && at[3].revents)
            hear(&r->behind_err, &end->behind_err);
        if (n > 0 && at[0].revents && !at[1].revents && !at[2].revents)
            return false;           /* ended, and all it said has been read */
        left_s = until_s - mid__now_s();
    }
    return true;
}

/* A file of so many bytes, ready to be read; -1 with errno. */
static int input_file(const void *in, size_t n)
{
    const int fd = memfd_create("input", MFD_CLOEXEC);
    size_t done = 0;
    ssize_t put = 0;

    while (fd >= 0 && done < n && put >= 0) {
        put = write(fd, (const char *)in + done, n - done);
        done += put > 0 ? (size_t)put : 0;
    }
    if (fd >= 0 && (put < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

mid_status mid__sandbox_run(mid_ctx *ctx, const mid__sandbox_limits *limits, const char *const *argv,
                            const char *const *behind, const void *in, size_t n, mid__sandbox_end *end)
{
    struct run r = { limits, { 0, -1 }, { 0, -1 }, -1, -1, -1 };
    mid_status status = MID_OK;
    int file;

    memset(end, 0, sizeof *end);
    mid__buf_init(&end->out, limits->output_bytes);
    mid__buf_init(&end->err, limits->output_bytes);
    mid__buf_init(&end->behind_err, limits->output_bytes);
    if (access(limits->bwrap, X_OK) != 0)
        return mid__fail(ctx, MID_EIO, "no sandbox: %s: %s; install bubblewrap (apt-get install bubblewrap); code is "
                         "never run without a sandbox", limits->bwrap, strerror(errno));
    file = input_file(in, n);
    if (file < 0 || !start_both(&r, argv, behind, file))
        status = mid__fail(ctx, MID_EIO, "no sandbox: the system gives no process for it: %s", strerror(errno));
    else
        end->timed_out = listen_to(&r, end);
    end->exit_code = reap(&r.front, end->timed_out || status != MID_OK);
    reap(&r.behind, true);
    if (r.behind_err >= 0)
        hear(&r.behind_err, &end->behind_err);
    close_fd(&file);
    close_fd(&r.out);
    close_fd(&r.err);
    close_fd(&r.behind_err);
    if (status == MID_OK && (end->out.failed || end->err.failed || end->behind_err.failed))
        status = mid__oom(ctx, "a sandbox's output");
    return status;
}

void mid__sandbox_end_clear(mid__sandbox_end *end)
{
    mid__buf_clear(&end->out);
    mid__buf_clear(&end->err);
    mid__buf_clear(&end->behind_err);
}
