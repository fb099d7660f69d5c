/* The guard's config: where it listens, whom it asks, and by which policy answers are judged. Immutable once read;
 * shared by all answers that began under it, so a reload changes none that runs. */
#ifndef MID_GUARD_POLICY_H
#define MID_GUARD_POLICY_H

#include "midstream/guard.h"
#include "midstream/rule.h"

enum { MID__WATCH_MAX = 8, MID__HOLD_BACK_MAX = 1024, MID__CHOICE_MAX = 128 };

typedef enum mid__mode { MID__MODE_OBSERVE, MID__MODE_BLOCK, MID__MODE_REDACT } mid__mode;

/* Why a text could not be judged. */
typedef enum mid__cause {
    MID__CAUSE_MONITOR_ERROR, MID__CAUSE_MISSING_SIGNAL, MID__CAUSE_OVERLOAD, MID__CAUSE_N
} mid__cause;
const char *mid__cause_name(mid__cause cause);

/* A monitor that reads along, and the rule that decides on its score. */
typedef struct mid__watch {
    const char *spec, *fitted;      /* a monitor by name, or a fitted file; one is NULL */
    const char *rule_path;          /* NULL: the threshold alone, without a promise */
    double threshold;               /* NaN: not given */
    const mid_param *params;        /* the monitor's own, those that are given */
    char name[MID_SPEC_BYTES];
    mid_monitor *monitor;
    mid_rule_file *file;            /* NULL: none */
    mid_rule rule;
    bool promised;                  /* the rule was calibrated on pieces of text, as they are judged here */
} mid__watch;

typedef struct mid__policy {
    const char *name;
    const char **model;             /* (n_model) whom it is about; n_model 0: all */
    size_t n_model;
    const char *mode_name;
    mid__mode mode;
    uint32_t hold_back;             /* pieces that must have been judged behind a byte before it leaves */
    const char *say;                /* to the client at a stop; "": nothing */
    mid__watch *watch;              /* (n_watch) any alarm is one */
    size_t n_watch;
    bool open[MID__CAUSE_N];        /* text that could not be judged for this cause goes on all the same */
    char digest[65];                /* of the config, the fitted files and the rules */
} mid__policy;

typedef struct mid__config {
    const char *path;
    const char *listen, *host;
    uint16_t port;
    int listen_line, listen_column;
    const char *url, *key_env;
    char *chat_url, *models_url, *key;  /* owned */
    uint32_t connect_ms, silence_ms;
    uint32_t body_bytes, answer_bytes, n_choice, n_stream, n_connection, max_tok, drain_ms;
    mid__policy *policy;            /* (n_policy) the first that is about a model */
    size_t n_policy;
    uint32_t n_ref;
} mid__config;

/* @param opts  whom to ask for the key. @return MID_EFORMAT, MID_ENOTFOUND, ... with path:line:column. */
mid_status mid__config_load(mid_ctx *ctx, const char *path, const mid_guard_opts *opts, mid__config **out);
mid__config *mid__config_keep(mid__config *config);
void mid__config_drop(mid__config *config);         /* the last one frees it */
/* NULL: no policy is about this model. */
const mid__policy *mid__config_policy(const mid__config *config, const char *model);

#endif
