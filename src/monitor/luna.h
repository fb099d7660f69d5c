/* LUNA monitors: what abstract states (luna_map.h) say about an answer. A monitor brings how it learns from sequences of
 * states and what it makes of the next one; reading rows, choosing the layer, files and streams are shared. */
#ifndef MID_MONITOR_LUNA_H
#define MID_MONITOR_LUNA_H

#include "monitor/luna_data.h"

typedef struct mid__luna_method {
    size_t model_size;
    size_t state_size;              /* of what step carries along; zeroed = before the first state */
    /* Learn from the answers marked in use. model arrives zeroed. */
    mid_status (*learn)(mid_ctx *ctx, const mid__luna_data *data, const uint8_t *use, const mid_param *params, void *model);
    double (*step)(const void *model, void *state, uint32_t q);        /* S_t after the next state; finite */
    mid_status (*keep)(mid_ctx *ctx, const void *model, mid_weights *out);
    /* A model from a file, checked: states go up to n_state, the one never seen. */
    mid_status (*restore)(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n_state, void *model);
    void (*forget)(void *model);    /* fine on a zeroed or half-made model */
} mid__luna_method;

/* For descriptors. Fitting also computes the map's quality figures (luna_quality.h). */
mid_status mid__luna_fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, const mid__luna_method *method,
                         mid_weights *out);
mid_status mid__luna_open(mid_ctx *ctx, const char *monitor, const mid_weights *weights, const mid_param *params,
                          const mid_signals *signals, const mid__luna_method *method, void **plan);
void mid__luna_close(void *plan);
size_t mid__luna_state_size(const void *plan);
mid_status mid__luna_push(const void *plan, void *self, const mid_step *step, double *score);

/* Parameter "kappa": how many answers' worth of prior each state gets. MID_EINVAL unless > 0. */
mid_status mid__luna_kappa(mid_ctx *ctx, const mid_param *params, double *kappa);
#define MID__LUNA_KAPPA_PARAM { "kappa", 5, NULL, "weight of the prior in a state's share, in visits; > 0" }

#endif
