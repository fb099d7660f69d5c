/* Hidden Markov models over symbols. */
#ifndef MID_LEARN_HMM_DISCRETE_H
#define MID_LEARN_HMM_DISCRETE_H

#include "midstream/base.h"

enum { MID__HMM_STATE_MAX = 64 };

typedef struct mid__hmm {
    size_t n, k;                    /* hidden states, symbols */
    double *start;                  /* (n) */
    double *move;                   /* (n, n) from row to column */
    double *emit;                   /* (n, k) */
} mid__hmm;

/* Sequences one behind the other: sequence i is symbol[first[i]] .. symbol[first[i + 1] - 1]. */
typedef struct mid__symbols { const uint32_t *symbol; const size_t *first; size_t n; } mid__symbols;

/* A model to start from: emissions drawn by seed, moves that stay half the time (tokens of one regime follow each other;
 * without it Baum-Welch often ends with states that are all alike). @return MID_ENOMEM; MID_EINVAL for no states, no
 * symbols or more than MID__HMM_STATE_MAX states. Clear *out whatever comes back. */
mid_status mid__hmm_open(mid_ctx *ctx, size_t n, size_t k, uint64_t seed, mid__hmm *out);
void mid__hmm_clear(mid__hmm *hmm);

/**
 * Baum-Welch (Rabiner 1989) from the parameters in *hmm: until the log-likelihood per symbol grows by less than tolerance,
 * or step_max steps. pseudo is added to each expected count (a Dirichlet prior), so that what was never seen is not
 * impossible.
 * @param use  (sequences->n) which take part, or NULL: all. @param[out] log_likelihood  per symbol, before the last step
 * @return MID_EUNDEFINED without symbols, MID_EINVAL for a symbol >= k, MID_ENOMEM
 */
mid_status mid__hmm_learn(mid_ctx *ctx, const mid__symbols *sequences, const uint8_t *use, double pseudo, double tolerance,
                          int step_max, mid__hmm *hmm, double *log_likelihood);

/* The forward filter: alpha (n) is P(state | symbols so far), replaced; is_first says that there were none. A symbol the
 * model does not know is as likely as any: 1 / k in every state. Gives ln P(symbol | symbols before). */
double mid__hmm_filter(const mid__hmm *hmm, double *alpha, bool is_first, uint32_t symbol);

#endif
