/* A head: a linear map from rows to a few numbers, and a small differentiable function of the sequence of these numbers.
 * The map and the loop over sequences are shared; a head brings its function, whose gradient it works out by hand. */
#ifndef MID_LEARN_HEAD_H
#define MID_LEARN_HEAD_H

#include "base/rng.h"
#include "learn/seqs.h"
#include "learn/train.h"

/* Sequences packed by time: those still running at step t, longest first, are rows at[t] .. at[t + 1] - 1. */
typedef struct mid__pack {
    size_t n_seq, n_step;
    const size_t *at;               /* (n_step + 1) */
} mid__pack;

/* The sequences of a batch. Row r of sequence i, from 0, is row seqs->at[item[i]] + r of seqs and row at[i] + r of a. */
typedef struct mid__batch {
    const mid__seqs *seqs;
    size_t n;
    const uint32_t *item;           /* (n) */
    const size_t *at;               /* (n + 1) */
    mid__pack pack;
    const uint32_t *order;          /* (n) the pack's sequences: row at[t] + k of the pack is row t of sequence order[k] */
} mid__batch;

/* Rows (at[n], d) of a batch into the order of its pack, and back. */
void mid__batch_pack(const mid__batch *batch, size_t d, const float *rows, float *packed);
void mid__batch_unpack(const mid__batch *batch, size_t d, const float *packed, float *rows);

typedef struct mid__head mid__head;
struct mid__head {
    size_t n_out;                   /* numbers per row: the linear map's */
    size_t n_prompt_out;            /* the last so many are of use in the prompt's row only, the others in tokens' */
    size_t n_extra;                 /* further weights */
    double reach;                   /* the map starts uniform in +-reach / sqrt(d) */
    bool no_bias;                   /* the map's bias stays 0 */
    double setting[2];              /* the head's own */
    const void *user;               /* and borrowed */
    /* Start of the map's bias (n_out) and of the further weights, which arrive zeroed. prior: log-odds of label 1, where
     * the output's bias had better begin; NULL: zeros are right. */
    void (*init)(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra);
    /* Floats of work for a batch of n sequences with n_row rows. */
    size_t (*n_work)(const mid__head *head, size_t n, size_t n_row);
    /* Sum of the losses of a batch; a (at[n], n_out) is what the map gives. Unless d_a is NULL the derivatives are added to
     * d_a and d_extra. */
    double (*loss)(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                   float *d_a, float *d_extra, float *work);
};

/* All weights as one array: the map w (n_out, d), its bias (n_out), then the further weights. */
static inline size_t mid__head_n_weight(const mid__head *head, size_t d) { return head->n_out * (d + 1) + head->n_extra; }

/* One row through the map: a (n_out) = w x + bias. x (d). */
void mid__head_map(const float *w, size_t n_out, size_t d, const float *x, float *a);

/* Everything a loss needs at hand: open it, give its loss to a trainer (or check its gradient), clear it. */
typedef struct mid__head_task {
    const mid__head *head;
    const mid__seqs *seqs;
    size_t n_max;                   /* sequences in a batch */
    size_t *at, *step_at;           /* (n_max + 1), (longest sequence + 1) */
    uint32_t *order;                /* (n_max) */
    float *turned, *a, *d_a, *work;
    mid__loss loss;                 /* its user is this task: do not move it */
} mid__head_task;

mid_status mid__head_task_open(mid_ctx *ctx, const mid__head *head, const mid__seqs *seqs, size_t n_max,
                               mid__head_task *task);
void mid__head_task_clear(mid__head_task *task);

/* (label-1 sequences + 1/2) / (others + 1/2), as log-odds. */
double mid__seqs_prior(const mid__seqs *seqs);

/* Learn from seeded weights on. w, w_inner, found (both may be NULL): as in mid__train_fit(). */
mid_status mid__head_fit(mid_ctx *ctx, const mid__head *head, const mid__train *train, const mid__seqs *seqs,
                         const uint8_t *held_out, float *w, float *w_inner, mid__found *found);

#endif
