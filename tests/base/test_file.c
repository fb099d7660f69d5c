/* Whole files: limits, and that a write which fails leaves the old file as it was. */
#include "test.h"

#include <dirent.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static void check_file(const char *path, const char *want)
{
    char *bytes = NULL;
    size_t n;

    CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
    CHECK_TEXT(bytes, want);
    CHECK_INT(n, strlen(want));
    mid_free(bytes);
}

/* Half-written neighbours in the test's folder. */
static int n_temporary(void)
{
    DIR *dir = opendir(test_dir());
    struct dirent *e;
    int n = 0;

    assert_non_null(dir);
    while ((e = readdir(dir)))
        n += strstr(e->d_name, ".tmp") != NULL;
    closedir(dir);
    return n;
}

TEST(file, writes_and_reads)
{
    const char *path = test_path("a.txt");

    CHECK_OK(mid__file_write(test_ctx(), path, "first", 5));
    check_file(path, "first");
    CHECK_OK(mid__file_write(test_ctx(), path, "2nd", 3));
    check_file(path, "2nd");
    CHECK_OK(mid__file_write(test_ctx(), path, "", 0));
    check_file(path, "");
    CHECK_INT(n_temporary(), 0);
}

TEST(file, reads_up_to_its_limit)
{
    static char big[200000];
    char *bytes = NULL;
    const char *path;
    size_t n = 0;

    memset(big, 'x', sizeof big);
    path = test_write("big", big, sizeof big);
    CHECK_OK(mid__file_read(test_ctx(), path, sizeof big, &bytes, &n));
    CHECK_INT(n, sizeof big);
    CHECK(memcmp(bytes, big, n) == 0 && bytes[n] == 0);
    mid_free(bytes);
    bytes = NULL;
    CHECK_FAILS(mid__file_read(test_ctx(), path, sizeof big - 1, &bytes, &n), MID_ELIMIT);
    CHECK_SAYS("199999");
    CHECK_FAILS(mid__file_read(test_ctx(), "/dev/zero", 1 << 16, &bytes, &n), MID_ELIMIT);   /* a file without end */
    CHECK(bytes == NULL);
}

TEST(file, says_what_it_cannot_do)
{
    char *bytes = NULL, hex[65];
    size_t n;

    CHECK_FAILS(mid__file_read(test_ctx(), test_path("none"), 0, &bytes, &n), MID_ENOTFOUND);
    CHECK_SAYS("none: cannot open");
    CHECK_FAILS(mid__file_read(test_ctx(), test_dir(), 0, &bytes, &n), MID_EIO);
    CHECK_FAILS(mid__file_hash(test_ctx(), test_path("none"), hex), MID_ENOTFOUND);
    CHECK_FAILS(mid__file_write(test_ctx(), test_path("no/folder/a"), "x", 1), MID_ENOTFOUND);
    CHECK_FAILS(mid__file_mkdir(test_ctx(), test_write("plain", "x", 1)), MID_EIO);
    CHECK_FAILS(mid__file_mkdir(test_ctx(), test_path("plain/b")), MID_EIO);
    CHECK_SAYS("plain");
}

/* A child whose files may not grow beyond 4 kB meets what a full disk gives, after some of the bytes are written. */
TEST(file, failed_write_keeps_the_old_file)
{
    static char big[1 << 16];
    const char *path = test_write("kept", "old", 3);
    pid_t pid = fork();
    int how;

    CHECK(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = { 4096, 4096 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(mid__file_write(test_ctx(), path, big, sizeof big) == MID_EIO ? 0 : 1);
    }
    CHECK(waitpid(pid, &how, 0) == pid && WIFEXITED(how));
    CHECK_INT(WEXITSTATUS(how), 0);
    check_file(path, "old");
    CHECK_INT(n_temporary(), 0);                            /* nor is rubbish left */
}

TEST(file, makes_folders)
{
    struct stat info;

    CHECK_OK(mid__file_mkdir(test_ctx(), test_path("x/y/z")));
    CHECK_OK(mid__file_mkdir(test_ctx(), test_path("x/y/z")));
    CHECK(stat(test_path("x/y/z"), &info) == 0 && S_ISDIR(info.st_mode));
    CHECK_OK(mid__file_mkdir(test_ctx(), test_path("trailing/")));
}

TEST(file, hash)
{
    char hex[65];

    CHECK_OK(mid__file_hash(test_ctx(), test_write("abc", "abc", 3), hex));     /* FIPS 180-4's own example */
    CHECK_TEXT(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
