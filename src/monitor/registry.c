/* All monitors, alphabetical. A new one is a file, a line here, a test and a card. */
#include <string.h>

#include "midstream/monitor.h"

#define MONITORS(X)               \
    X(attention_log_diag)         \
    X(attention_probe)            \
    X(band_cascade)               \
    X(best_of)                    \
    X(box)                        \
    X(box_cluster)                \
    X(centroid_drift)             \
    X(cluster_distance)           \
    X(dempster_shafer)            \
    X(diff_means)                 \
    X(dual_head)                  \
    X(eigen_score)                \
    X(embedding_drift)            \
    X(entropy_jump)               \
    X(entropy_max)                \
    X(entropy_mean)               \
    X(entropy_sentence)           \
    X(first_token_confidence)     \
    X(fisher_rao)                 \
    X(gru_probe)                  \
    X(halo_scope)                 \
    X(hedge)                      \
    X(hidden_detect)              \
    X(hmm_surprisal)              \
    X(huq)                        \
    X(judge_chunk)                \
    X(kelp)                       \
    X(length)                     \
    X(lens_depth)                 \
    X(lens_kl)                    \
    X(lexicon)                    \
    X(lm_ratio)                   \
    X(log_volume)                 \
    X(logprob_gru)                \
    X(logprob_lr)                 \
    X(lookback_ratio)             \
    X(luna_hmm)                   \
    X(luna_state)                 \
    X(luna_transition)            \
    X(mahalanobis)                \
    X(mahalanobis_relative)       \
    X(margin)                     \
    X(max_isotonic)               \
    X(max_rank)                   \
    X(mean_isotonic)              \
    X(mean_rank)                  \
    X(mean_z)                     \
    X(min_k)                      \
    X(mlp_probe)                  \
    X(naive_bayes)                \
    X(nb_walk)                    \
    X(neuron_indicator)           \
    X(ngram_lr)                   \
    X(noisy_or)                   \
    X(np_cascade)                 \
    X(perplexity)                 \
    X(pmi)                        \
    X(polynomial_probe)           \
    X(probe_ema)                  \
    X(probe_linear)               \
    X(probe_streaming)            \
    X(prompt_only)                \
    X(prompt_prior)               \
    X(random)                     \
    X(rauq)                       \
    X(refusal_cue)                \
    X(renyi_uniform)              \
    X(repetition)                 \
    X(sample_vr)                  \
    X(sample_vro)                 \
    X(self_certainty)             \
    X(self_check_ngram)           \
    X(semantic_entropy_probe)     \
    X(sentence_gate)              \
    X(stack_boosted)              \
    X(stack_logistic)             \
    X(surprisal_max)              \
    X(surprisal_mean)             \
    X(surprisal_sentence)         \
    X(td_forecast)                \
    X(token_rank)                 \
    X(topk_entropy)               \
    X(traj_guard)                 \
    X(two_head_guard)             \
    X(vote)                       \
    X(weighted_rank)              \
    X(window_entropy)

#define X(name) extern const mid_monitor_ops mid__monitor_##name;
MONITORS(X)
#undef X

static const mid_monitor_ops *const all[] = {
#define X(name) &mid__monitor_##name,
    MONITORS(X)
#undef X
    NULL
};

const mid_monitor_ops *const *mid_monitor_list(void) { return all; }

const mid_monitor_ops *mid_monitor_find(const char *name)
{
    size_t i;

    for (i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
