/* A drift check from inside: what it knows, and the file that it may live in. */
#ifndef MID_CALIBRATE_DRIFT_STATE_H
#define MID_CALIBRATE_DRIFT_STATE_H

#include "base/rng.h"
#include "calibrate/bag.h"
#include "midstream/drift.h"

enum { MID__N_VIEW = 2, MID__N_RATE = 3, MID__N_SIDE = 3, MID__N_SHIFT = 4 };
enum { MID__PROMPT_N = 1 << 20 };       /* prompts that can be told apart, a bit each */

/* What changes as answers come; all of it, with the bag and `heard`, goes into a file. No padding. */
typedef struct mid__drift_mind {
    mid__rng rng;
    uint64_t n, n_at_alarm;
    double p, ln_capital, ln_capital_max;
    double share[MID__N_VIEW][MID__N_RATE][MID__N_SIDE];    /* of the capital; they add up to 1 */
    uint64_t shift;                     /* once n_at_alarm is set */
} mid__drift_mind;

typedef struct mid__drift_file {
    char of[65];                        /* SHA-256 of what the check was opened with */
    int lock_fd;                        /* -1: only to be looked at */
    char path[];
} mid__drift_file;

struct mid_drift {
    mid__drift_file *file;              /* owned; NULL: none */
    double alpha;
    uint32_t n_calibration, n_room;     /* of the bag */
    mid__drift_mind mind;
    uint8_t heard[MID__PROMPT_N / 8];   /* prompts, by their hash */
    mid__bag_slot bag[];                /* (n_room + 1); slots 1 .. n are used */
};

/* Hold opts->path for a check that was just opened, and take the state that is there, if any. */
mid_status mid__drift_file_open(mid_ctx *ctx, const mid_drift_opts *opts, mid_drift *drift);
void mid__drift_file_close(mid__drift_file *file);

/* As bytes, and back into a check that was opened with the same. @param of  as in mid__drift_file */
mid_status mid__drift_pack(mid_ctx *ctx, const mid_drift *drift, const char of[65], char **bytes, size_t *n);
mid_status mid__drift_unpack(mid_ctx *ctx, const void *bytes, size_t n, const char of[65], mid_drift *drift);

#endif
