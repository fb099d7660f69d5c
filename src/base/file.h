/* Whole files: read with a ceiling, write so that a crash leaves the old file or the new one, never half. */
#ifndef MID_BASE_FILE_H
#define MID_BASE_FILE_H

#include "midstream/base.h"

/* @param limit_bytes 0: none. bytes is owned, zero-terminated behind its n bytes. MID_ENOTFOUND, MID_EIO, MID_ELIMIT. */
mid_status mid__file_read(mid_ctx *ctx, const char *path, size_t limit_bytes, char **bytes, size_t *n);
/* Writes a neighbour of its own, syncs, renames. A full disk is MID_EIO and leaves the old file whole. */
mid_status mid__file_write(mid_ctx *ctx, const char *path, const void *bytes, size_t n);
/* The same for what is written piece by piece. Whatever begin, put and commit return, discard comes last: it frees, and
 * undoes what was not committed. */
typedef struct mid__file_out { char *path, *temp; int fd; bool open; } mid__file_out;
mid_status mid__file_begin(mid_ctx *ctx, const char *path, mid__file_out *out);
mid_status mid__file_put(mid_ctx *ctx, mid__file_out *out, const void *bytes, size_t n);
mid_status mid__file_commit(mid_ctx *ctx, mid__file_out *out);
void mid__file_discard(mid__file_out *out);
/* mkdir -p. */
mid_status mid__file_mkdir(mid_ctx *ctx, const char *path);
/* SHA-256 of a file's bytes. */
mid_status mid__file_hash(mid_ctx *ctx, const char *path, char hex[65]);

#endif
