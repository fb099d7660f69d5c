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

mid_status mid__file_begin(mid_ctx *ctx, const char *path, mid__file_out *out)
{
    const size_t n = strlen(path) + 40;

    *out = (mid__file_out){ .path = strdup(path), .temp = malloc(n) };
    if (!out->path || !out->temp)
        return mid__oom(ctx, path);
    /* two writers never share one */
    snprintf(out->temp, n, "%s.tmp-%ld-%ld", path, (long)getpid(), (long)syscall(SYS_gettid));
    out->fd = open(out->temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    out->open = out->fd >= 0;
    return out->open ? MID_OK : io_fail(ctx, out->temp, "create");
}

mid_status mid__file_put(mid_ctx *ctx, mid__file_out *out, const void *bytes, size_t n)
{
    const char *at = bytes;

    while (n) {
        ssize_t put = write(out->fd, at, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return io_fail(ctx, out->temp, "write");
        at += put;
        n -= (size_t)put;
    }
    return MID_OK;
}

mid_status mid__file_commit(mid_ctx *ctx, mid__file_out *out)
{
    mid_status status = MID_OK;

    if (fsync(out->fd) != 0 && errno != EINVAL)
        status = io_fail(ctx, out->temp, "sync");
    if (close(out->fd) != 0 && status == MID_OK)
        status = io_fail(ctx, out->temp, "close");
    if (status == MID_OK && rename(out->temp, out->path) != 0)
        status = io_fail(ctx, out->path, "rename to");
    if (status != MID_OK)
        unlink(out->temp);
    out->open = false;
    return status;
}

void mid__file_discard(mid__file_out *out)
{
    if (out->open) {
        close(out->fd);
        unlink(out->temp);
    }
    free(out->temp);
    free(out->path);
    *out = (mid__file_out){ .fd = -1 };
}

mid_status mid__file_write(mid_ctx *ctx, const char *path, const void *bytes, size_t n)
{
    mid__file_out out;
    mid_status status = mid__file_begin(ctx, path, &out);

    if (status == MID_OK)
        status = mid__file_put(ctx, &out, bytes, n);
    if (status == MID_OK)
        status = mid__file_commit(ctx, &out);
    mid__file_discard(&out);
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
