/* Status codes, the context, logging and progress. Everything else stands on this. */
#ifndef MIDSTREAM_BASE_H
#define MIDSTREAM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MID_API __attribute__((visibility("default")))
#define MID_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MID_API
#define MID_PRINTF(fmt, args)
#endif

#define MID_VERSION_MAJOR 0
#define MID_VERSION_MINOR 1
#define MID_VERSION_PATCH 0
#define MID_VERSION "0.1.0"

/** The version of the library that runs, e.g. "0.1.0". Static. */
MID_API const char *mid_version(void);

/* name, value, what it means: one table, so that neither a code nor its text can exist alone */
#define MID_STATUS_TABLE(X)                                                             \
    X(OK,          0, "ok")                                                             \
    X(EINVAL,     -1, "an argument is outside what the function accepts")               \
    X(ENOMEM,     -2, "out of memory")                                                  \
    X(EIO,        -3, "reading or writing failed")                                      \
    X(EFORMAT,    -4, "input is malformed")                                             \
    X(EVERSION,   -5, "made by another version of midstream")                           \
    X(ENOTFOUND,  -6, "no such file or name")                                           \
    X(ESIGNAL,    -7, "a signal this monitor needs is missing")                         \
    X(ENUMERIC,   -8, "not a number where a number is needed")                          \
    X(EUNDEFINED, -9, "the value asked for is not defined on this input")               \
    X(EMODEL,    -10, "the model cannot be loaded or run")                              \
    X(EMISMATCH, -11, "fitted for another observer, monitor or version")                \
    X(ELIMIT,    -12, "input is larger than a stated limit")                            \
    X(ECANCEL,   -13, "stopped on request")                                             \
    X(EPLUGIN,   -14, "a plug-in crashed, hung or gave no sensible answer")

typedef enum mid_status {
#define X(name, value, text) MID_##name = value,
    MID_STATUS_TABLE(X)
#undef X
    MID_STATUS_MAX_ = 0x7fffffff    /* an int wide, whatever the compiler */
} mid_status;

/** "MID_EINVAL" for MID_EINVAL; "MID_UNKNOWN" for a value outside the table. Static. */
MID_API const char *mid_status_name(mid_status status);
/** The table's text for a code. Static. */
MID_API const char *mid_status_text(mid_status status);

/** What a piece of work remembers: its last message, where its log lines and progress go. */
typedef struct mid_ctx mid_ctx;

typedef enum mid_log_level { MID_LOG_DEBUG, MID_LOG_INFO, MID_LOG_WARN, MID_LOG_ERROR } mid_log_level;

/** Progress of a long piece of work. @c total 0 means unknown; @c eta_s < 0 means not yet known. */
typedef struct mid_progress {
    const char *stage;      /* borrowed for the call: "read xstest with SmolLM2" */
    uint64_t done, total;   /* in @c unit */
    const char *unit;       /* "answers", "fits", ... */
    double elapsed_s, eta_s;
} mid_progress;

typedef void (*mid_log_fn)(void *user, mid_log_level level, const char *line);
/** May come from a worker's thread, but never two at a time.
 *  @return true to go on, false to stop: the running call then returns MID_ECANCEL, having lost nothing stored. */
typedef bool (*mid_progress_fn)(void *user, const mid_progress *progress);

/** @param[out] out owned; untouched on error. @return MID_OK, MID_ENOMEM. */
MID_API mid_status mid_ctx_open(mid_ctx **out);
MID_API void mid_ctx_close(mid_ctx *ctx);

/** One line about the last failure on this context: the offending value, its limit, and for parsed input
 *  where ("plan.yaml:12:3: ..."). "" before any failure. Lives until the next failing call or close. */
MID_API const char *mid_ctx_message(const mid_ctx *ctx);

/** Where log lines and progress go; fn NULL: nowhere. user comes back with each call. */
MID_API void mid_ctx_set_log(mid_ctx *ctx, mid_log_fn fn, void *user);
MID_API void mid_ctx_set_progress(mid_ctx *ctx, mid_progress_fn fn, void *user);

/** A named value handed to a monitor, labeler or rule: a number, or a text when @c text is not NULL.
 *  In a registry it is the default and @c help says what it does; lists end with name NULL. */
typedef struct mid_param {
    const char *name;
    double number;
    const char *text;
    const char *help;
} mid_param;

#ifdef __cplusplus
}
#endif
#endif
