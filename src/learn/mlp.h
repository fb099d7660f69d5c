/* A dense net: ReLU between layers, logits at the end (one: sigmoid; several: softmax over classes). */
#ifndef MID_LEARN_MLP_H
#define MID_LEARN_MLP_H

#include "base/rng.h"
#include "learn/train.h"

enum { MID__MLP_LAYER_MAX = 6 };

/* Weights are one array: for each layer its matrix (width[l], width[l + 1]), then its bias (width[l + 1]). */
typedef struct mid__mlp {
    int n_layer;
    size_t width[MID__MLP_LAYER_MAX + 1];   /* input, hidden layers, output */
} mid__mlp;

size_t mid__mlp_n_weight(const mid__mlp *net);
/* He et al. 2015: uniform in +-sqrt(6 / inputs), biases 0. */
void mid__mlp_init(const mid__mlp *net, mid__rng *rng, float *w);

/* Room for a batch. */
typedef struct mid__mlp_work {
    size_t n_max;
    float *act[MID__MLP_LAYER_MAX + 1];     /* (n_max, width[l]) what each layer gives; [0] is the input */
    float *slope, *slope_before;            /* (n_max, widest) */
    float *turned;                          /* the largest matrix, transposed */
} mid__mlp_work;

mid_status mid__mlp_work_open(mid_ctx *ctx, const mid__mlp *net, size_t n_max, mid__mlp_work *work);
void mid__mlp_work_clear(mid__mlp_work *work);

/* Logits (n, width[n_layer]) of the n rows in work->act[0], which are borrowed from work. */
const float *mid__mlp_forward(const mid__mlp *net, const float *w, mid__mlp_work *work, size_t n);
/* Loss of the n rows in work->act[0]: sum of weight_i times -ln P(label_i), labels 0 .. n_class - 1. Adds the gradient to
 * grad unless it is NULL. */
double mid__mlp_loss(const mid__mlp *net, const float *w, mid__mlp_work *work, size_t n, const uint8_t *label,
                     const double *weight, float *grad);

/* Learn from rows x (n, width[0]) from seeded weights on. w, w_inner, found: as in mid__train_fit(). */
mid_status mid__mlp_fit(mid_ctx *ctx, const mid__mlp *net, const mid__train *train, const float *x, size_t n,
                        const uint8_t *label, const double *weight, const uint8_t *held_out,
                        float *w, float *w_inner, mid__found *found);

#endif
