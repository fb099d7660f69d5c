/* The store: one SQLite file per run (WAL). Everything is kept under the hash of what it was made from, so that identical
 * work is never done twice and a run killed at any point continues where it was. */
#ifndef MIDSTREAM_STORE_H
#define MIDSTREAM_STORE_H

#include "label.h"
#include "trace.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_store mid_store;

#define MID_KEY_N 65
/** SHA-256 of a piece of work's inputs, as hex. */
typedef struct mid_key { char hex[MID_KEY_N]; } mid_key;
/** Key of a list of parts, each a text; NULL ends the list. The parts' borders count. */
MID_API mid_key mid_key_of(const char *part, ...);

/** Open or create. @return MID_EVERSION for a store of another version; MID_EFORMAT for a file that is no store;
 *  MID_EIO. Nothing that is stored is changed by a failed open. @param[out] out owned. */
MID_API mid_status mid_store_open(mid_ctx *ctx, const char *path, mid_store **out);
MID_API void mid_store_close(mid_store *store);

/* A batch is all or nothing; without one, each put is a batch of its own. */
MID_API mid_status mid_store_begin(mid_ctx *ctx, mid_store *store);
MID_API mid_status mid_store_commit(mid_ctx *ctx, mid_store *store);
MID_API void mid_store_rollback(mid_store *store);

/** Traces. Putting what is there already is fine and changes nothing. get: MID_ENOTFOUND. */
MID_API mid_status mid_store_put_trace(mid_ctx *ctx, mid_store *store, const mid_key *key, const char *sample_id,
                                       const mid_trace *trace);
MID_API mid_status mid_store_get_trace(mid_ctx *ctx, mid_store *store, const mid_key *key, mid_trace **out);
MID_API bool mid_store_has_trace(mid_store *store, const mid_key *key);
/** Every trace's key and sample, by sample; a status other than MID_OK from fn ends it and is returned. fn may get, but
 *  not put, nor call this. */
typedef mid_status (*mid_store_trace_fn)(void *user, const mid_key *key, const char *sample_id);
MID_API mid_status mid_store_each_trace(mid_ctx *ctx, mid_store *store, mid_store_trace_fn fn, void *user);

MID_API mid_status mid_store_put_label(mid_ctx *ctx, mid_store *store, const mid_key *trace, const char *labeler,
                                       const mid_label *label);
MID_API mid_status mid_store_get_label(mid_ctx *ctx, mid_store *store, const mid_key *trace, const char *labeler,
                                       mid_label *label);

/** Anything else kept by key: fitted weights ("weights"), scores of one trace set ("scores"), results ("cells").
 *  @param[out] bytes owned, free with mid_free(). get: MID_ENOTFOUND. */
MID_API mid_status mid_store_put_blob(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                                      const void *bytes, size_t n);
MID_API mid_status mid_store_get_blob(mid_ctx *ctx, mid_store *store, const char *kind, const mid_key *key,
                                      void **bytes, size_t *n);

/** Small named facts about the run: versions, machine, plan. get: MID_ENOTFOUND. @param[out] value owned, mid_free(). */
MID_API mid_status mid_store_put_fact(mid_ctx *ctx, mid_store *store, const char *name, const char *value);
MID_API mid_status mid_store_get_fact(mid_ctx *ctx, mid_store *store, const char *name, char **value);

typedef struct mid_store_count { uint64_t n_trace, n_label, n_blob, n_tok, bytes; } mid_store_count;
MID_API mid_status mid_store_counts(mid_ctx *ctx, mid_store *store, mid_store_count *out);

#ifdef __cplusplus
}
#endif
#endif
