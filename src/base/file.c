/* Whole-file reading and atomic writing. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/hash.h"

static mid_status io_fail(mid_ctx *ctx, const char *path, const char *doing)
{
    const mid_status status = errno == ENOENT ? MID_ENOTFOUND : MID_EIO;

    return mid__fail(ctx, status, "%s: cannot %s: %s%s", path, doing, strerror(errno),
                     errno == ENOSPC ? " (free some space and run again; nothing stored is lost)" : "");
}

mid_status mid__file_read(mid_ctx *ctx, const char *path, size_t limit_bytes, char **bytes, size_t *n)
{
    mid_status status = MID_OK;
    char *at = NULL;
    size_t cap = 0, have = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;

    if (fd < 0)
        return io_fail(ctx, path, "open");
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        status = io_fail(ctx, path, "read");
        goto out;
    }
    for (;;) {
        ssize_t got;
        if (limit_bytes && have > limit_bytes) {
            status = mid__fail(ctx, MID_ELIMIT, "%s: larger than the limit of %zu bytes", path, limit_bytes);
            goto out;
        }
        if (have + 1 >= cap) {
            char *more = realloc(at, cap = cap ? 2 * cap : 65536);
            if (!more) {
                status = mid__oom(ctx, path);
                goto out;
            }
            at = more;
        }
        got = read(fd, at + have, cap - have - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = io_fail(ctx, path, "read");
            goto out;
        }
        if (got == 0)
            break;
        have += (size_t)got;
    }
    at[have] = 0;
    *bytes = at;
    *n = have;
    at = NULL;
out:
    free(at);
    close(fd);
    return status;
}

mid_status mid__file_write(mid_ctx *ctx, const char *path, const void *bytes, size_t n)
{
    const char *at = bytes;
    char *temp = malloc(strlen(path) + 40);
    mid_status status = MID_OK;
    int fd;

    if (!temp)
        return mid__oom(ctx, path);
    sprintf(temp, "%s.tmp-%ld-%ld", path, (long)getpid(), (long)syscall(SYS_gettid));     /* two writers never share one */
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        status = io_fail(ctx, temp, "create");
        goto out;
    }
    while (n) {
        ssize_t put = write(fd, at, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            status = io_fail(ctx, temp, "write");
            break;
        }
        at += put;
        n -= (size_t)put;
    }
    if (status == MID_OK && fsync(fd) != 0 && errno != EINVAL)
        status = io_fail(ctx, temp, "sync");
    if (close(fd) != 0 && status == MID_OK)
        status = io_fail(ctx, temp, "close");
    if (status == MID_OK && rename(temp, path) != 0)
        status = io_fail(ctx, path, "rename to");
    if (status != MID_OK)
        unlink(temp);
out:
    free(temp);
    return status;
}

/* mkdir() to which a folder that is there already is fine, but not a file of that name. */
static int make_folder(const char *path)
{
    struct stat info;

    if (mkdir(path, 0777) == 0)
        return 0;
    if (errno == EEXIST && stat(path, &info) == 0)
        errno = S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    return errno ? -1 : 0;
}

mid_status mid__file_mkdir(mid_ctx *ctx, const char *path)
{
    char *part = strdup(path), *slash;
    mid_status status = MID_OK;

    if (!part)
        return mid__oom(ctx, path);
    for (slash = part; (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = 0;
        if (make_folder(part) != 0) {
            status = io_fail(ctx, part, "make folder");
            goto out;
        }
    }
    if (make_folder(part) != 0)
        status = io_fail(ctx, part, "make folder");
out:
    free(part);
    return status;
}

mid_status mid__file_hash(mid_ctx *ctx, const char *path, char hex[65])
{
    static const size_t n_chunk = 1 << 18;
    mid_status status = MID_OK;
    mid__sha256 sha;
    FILE *f = fopen(path, "rb");
    char *chunk = malloc(n_chunk);
    size_t got;

    if (!f) {
        status = io_fail(ctx, path, "open");
        goto out;
    }
    if (!chunk) {
        status = mid__oom(ctx, path);
        goto out;
    }
    mid__sha256_init(&sha);
    while ((got = fread(chunk, 1, n_chunk, f)) > 0)
        mid__sha256_put(&sha, chunk, got);
    if (ferror(f))
        status = io_fail(ctx, path, "read");
    else
        mid__sha256_hex(&sha, hex);
out:
    free(chunk);
    if (f)
        fclose(f);
    return status;
}
