/* The sign of a monitor's signal where theory gives none: chosen once on the fit answers, kept in the weights. */
#ifndef MID_MONITOR_ORIENTATION_H
#define MID_MONITOR_ORIENTATION_H

#include "monitor/monitor.h"

/**
 * Add "orientation" (+1 or -1) to weights that are otherwise ready: the monitor is opened on them under either sign and
 * run over the fit answers; the sign whose score after 16 tokens (or at the end of a shorter answer) has the higher
 * AUROC is kept, fallback where they tie. Adds "orientation_auroc" too. The monitor's open() reads the sign with
 * mid__orientation_of() and turns the per-token signal by it, before anything like a maximum.
 * Steps that the monitor refuses (MID_ENUMERIC, MID_ESIGNAL) are left out, and answers without a step that counts.
 */
mid_status mid__orientation_fit(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_fit_set *set,
                                const mid_param *params, int fallback, mid_weights *out);

/* As above after horizon_tok tokens, for a signal that 16 tokens hardly hold. */
mid_status mid__orientation_fit_at(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_fit_set *set,
                                   const mid_param *params, int fallback, uint32_t horizon_tok, mid_weights *out);

/* @param[out] orientation +1 or -1. MID_EFORMAT if the weights hold anything else, or nothing. */
mid_status mid__orientation_of(mid_ctx *ctx, const mid_weights *weights, double *orientation);

#endif
