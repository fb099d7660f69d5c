/* What a hostile program finds in the sandbox: nothing. Each program tries something and prints what came of it. */
#include "test.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

#define PYTHON "/usr/bin/python3"

enum { MIB = 1 << 20 };

static const mid__sandbox_limits limits = { 20, 60, 512u * MIB, 4096, "/usr/bin/bwrap" };

/* Runs a Python program to its end; skips the test where this machine gives no sandbox. */
static mid__sandbox_end run(const mid__sandbox_limits *l, const char *program)
{
    const char *const argv[] = { PYTHON, "-S", "-s", "-c", program, NULL };
    const char *const true_[] = { "/usr/bin/true", NULL };
    mid__sandbox_end end;

    if (mid__sandbox_run(test_ctx(), &limits, true_, NULL, NULL, 0, &end) != MID_OK || end.exit_code != 0) {
        print_message("no sandbox on this machine: %s\n", end.err.n ? end.err.at : mid_ctx_message(test_ctx()));
        mid__sandbox_end_clear(&end);
        skip();
    }
    mid__sandbox_end_clear(&end);
    CHECK_OK(mid__sandbox_run(test_ctx(), l, argv, NULL, "hello\n", 6, &end));
    return end;
}

static void check_prints(const char *program, const char *out)
{
    mid__sandbox_end end = run(&limits, program);

    if (!end.out.at || strcmp(end.out.at, out) != 0 || end.exit_code != 0)
        fail_msg("exit code %d, said '%s' and '%s', should say '%s':\n%s", end.exit_code, end.out.at ? end.out.at : "",
                 end.err.at ? end.err.at : "", out, program);
    mid__sandbox_end_clear(&end);
}

/* A program that prints "refused" for each attempt that raised an OSError or MemoryError, or what came of it. */
static void check_refused(const char *imports, const char *const *attempt)
{
    char program[2000];
    size_t i;

    for (i = 0; attempt[i]; i++) {
        snprintf(program, sizeof program, "import os, sys\n%s\ntry:\n    print(%s)\n"
                 "except (OSError, MemoryError, RuntimeError, ValueError):\n    print('refused')\n", imports,
                 attempt[i]);
        check_prints(program, "refused\n");
    }
}

#define NUMBER(call) DIGITS(call)
#define DIGITS(number) #number

/* The kernel does not have this call, error ENOSYS, where a call that is let through would say something else. */
static void check_no_call(const char *number)
{
    char program[200];

    snprintf(program, sizeof program, "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
             "print(libc.syscall(%s, 17, 0, 0, 0, 0), ctypes.get_errno())", number);
    check_prints(program, "-1 38\n");
}

TEST(sandbox, runs)
{
    mid__sandbox_end end = run(&limits, "import sys; print(input()); print('no', file=sys.stderr); sys.exit(7)");

    CHECK_TEXT(end.out.at, "hello\n");
    CHECK_TEXT(end.err.at, "no\n");
    CHECK_INT(end.exit_code, 7);
    CHECK(!end.timed_out);
    mid__sandbox_end_clear(&end);
}

TEST(sandbox, joined)
{
    static const char *const front[] = {
        PYTHON, "-S", "-c", "import os; os.write(3, b'ping'); print(os.read(3, 9), os.read(3, 9))", NULL
    };
    static const char *const behind[] = { PYTHON, "-S", "-c", "import os; os.write(1, os.read(0, 9) + b'pong')", NULL };
    mid__sandbox_end end = run(&limits, "");

    mid__sandbox_end_clear(&end);
    CHECK_OK(mid__sandbox_run(test_ctx(), &limits, front, behind, NULL, 0, &end));
    CHECK_TEXT(end.out.at, "b'pingpong' b''\n");
    mid__sandbox_end_clear(&end);
}

TEST(sandbox, fork_bomb)
{
    static const char *const attempt[] = {
        "os.fork()", "os.posix_spawn('/usr/bin/true', ['true'], {})", "pty.fork()",
        "_thread.start_new_thread(print, ())", NULL
    };

    check_refused("import _thread, pty", attempt);
    check_no_call(NUMBER(SYS_clone));
    check_no_call(NUMBER(SYS_clone3));
}

TEST(sandbox, memory)
{
    static const char *const attempt[] = {
        "len(bytearray(1 << 30))", "mmap.mmap(-1, 1 << 30)", "os.memfd_create('x')",
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))", NULL
    };

    check_refused("import mmap, resource", attempt);
    check_no_call(NUMBER(SYS_shmget));
}

TEST(sandbox, disk)
{
    static const char *const attempt[] = {
        "open('/x', 'w')", "open('/tmp/x', 'w')", "open('/usr/x', 'w')", "open('/dev/shm/x', 'w')",
        "open('/dev/x', 'w')", "os.mkdir('/d')", "os.open('/', os.O_TMPFILE | os.O_RDWR)", "os.unlink('/usr/bin/true')",
        "os.chmod('/usr/bin/true', 0)", NULL
    };

    check_refused("", attempt);
}

TEST(sandbox, files)
{
    static const char *const attempt[] = {
        "open('/etc/passwd')", "open('/proc/self/environ')", "os.listdir('/proc')", "os.listdir('/root')",
        "os.listdir('/home')", "os.listdir('/sys')", "os.symlink('/etc/passwd', '/tmp/s')",
        "os.link('/usr/bin/true', '/l')", "open('/dev/mem')", "os.listdir('/usr/../etc')", "os.chroot('/usr')", NULL
    };

    check_refused("", attempt);
    check_prints("import os; print(sorted(set(os.listdir('/')) - {'bin', 'lib', 'lib64'}), sorted(os.listdir('/dev')))",
               "['dev', 'usr'] ['null', 'urandom']\n");
}

TEST(sandbox, others)
{
    static const char *const attempt[] = {
        "socket.socket()", "socket.socket(socket.AF_UNIX)", "socket.socketpair()", "os.kill(-1, 9)", "os.kill(1, 9)",
        "os.pipe()", "os.setuid(0)", NULL
    };

    check_refused("import socket", attempt);
    check_no_call(NUMBER(SYS_ptrace));
    check_no_call(NUMBER(SYS_process_vm_readv));
    check_no_call(NUMBER(SYS_unshare));
    check_no_call(NUMBER(SYS_mount));
    check_no_call(NUMBER(SYS_io_uring_setup));
    check_no_call(NUMBER(SYS_bpf));
    check_no_call(NUMBER(SYS_keyctl));
    check_prints("import os; print(os.getuid() > 0, os.geteuid() > 0)", "True True\n");
}

/* Neither the environment nor an open file of the caller's. */
TEST(sandbox, nothing_inherited)
{
    const char *path = test_write("secret", "secret", 6);
    const int fd = open(path, O_RDONLY);

    CHECK(fd >= 0);
    setenv("MID_SECRET", "secret", 1);
    check_prints("import os\nfound = []\n"
               "for fd in range(4, 64):\n    try:\n        os.fstat(fd)\n        found.append(fd)\n"
               "    except OSError:\n        pass\n"
               "print(found, sorted(set(os.environ) - {'PWD', 'LC_CTYPE'}))", "[] ['PYTHONHASHSEED']\n");
    unsetenv("MID_SECRET");
    close(fd);
}

TEST(sandbox, output_flood)
{
    const mid__sandbox_limits short_ = { 1, 300, 512u * MIB, 4096, "/usr/bin/bwrap" };
    mid__sandbox_end end = run(&short_, "import os\n"
                                "while True:\n    os.write(1, b'x' * 65536)\n    os.write(2, b'y' * 65536)");

    CHECK_INT(end.out.n, 4096);
    CHECK_INT(end.err.n, 4096);
    CHECK_INT(end.exit_code, 137);
    CHECK(!end.timed_out);
    mid__sandbox_end_clear(&end);
}

TEST(sandbox, processor_time)
{
    const mid__sandbox_limits short_ = { 1, 30, 512u * MIB, 4096, "/usr/bin/bwrap" };
    mid__sandbox_end end = run(&short_, "import signal\n"
                                "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass");

    CHECK_INT(end.exit_code, 137);
    CHECK(!end.timed_out);
    mid__sandbox_end_clear(&end);
}

TEST(sandbox, clock)
{
    const mid__sandbox_limits short_ = { 20, 1, 512u * MIB, 4096, "/usr/bin/bwrap" };
    mid__sandbox_end end = run(&short_, "import os, time\n"
                                "print('here', flush=True)\nos.close(1)\nos.close(2)\ntime.sleep(600)");

    CHECK(end.timed_out);
    CHECK_INT(end.exit_code, 137);
    CHECK_TEXT(end.out.at, "here\n");
    mid__sandbox_end_clear(&end);
}

TEST(sandbox, cannot_start)
{
    const mid__sandbox_limits none = { 1, 1, 512u * MIB, 4096, "/no/bwrap" };
    const char *const argv[] = { "/usr/bin/no-such-program", NULL };
    mid__sandbox_end end = run(&limits, "");

    mid__sandbox_end_clear(&end);
    CHECK_FAILS(mid__sandbox_run(test_ctx(), &none, argv, NULL, NULL, 0, &end), MID_EIO);
    CHECK_SAYS("apt-get install bubblewrap");
    mid__sandbox_end_clear(&end);
    CHECK_OK(mid__sandbox_run(test_ctx(), &limits, argv, NULL, NULL, 0, &end));
    CHECK(end.exit_code != 0);
    CHECK(strstr(end.err.at, "no-such-program"));
    mid__sandbox_end_clear(&end);
}
