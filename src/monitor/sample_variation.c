/* Variation of sampled answers: B8. With d(a, b) = 1 - F1 of ROUGE-L over words, N samples:
 *   sample_vr    S_t = mean_{i<j} d(sample_i, sample_j)  for every t: what the prompt alone gives away
 *   sample_vro   S_t = mean_i d(sample_i, answer), all cut after the answer's whole words so far;  VR before its first
 * both in [0, 1]. A model that does not know says something else each time, and something else than its samples.
 * The stream keeps, for each sample, the last line of the table of common subsequences, so a word of the answer costs
 * one pass over each sample's words. Samples past 10 and words past 256 are left out.
 * Source: variation ratio (for original prediction), Look Before You Leap (Huang et al. 2023, arXiv 2307.10236); they
 * compare finished texts, we cut them all at the same count, since a beginning is unlike any whole text. */
#include <string.h>

#include "base/rouge.h"
#include "base/wordcut.h"
#include "monitor/sample_words.h"

static mid_status start_vr(const void *plan, void *self, const mid_prompt *prompt)
{
    mid__sample_words words;

    (void)plan;
    if (prompt->n_sample < 2)
        return MID_ESIGNAL;
    mid__sample_words_of(prompt, &words);
    *(double *)self = mid__sample_variation(&words);
    return MID_OK;
}

static mid_status push_vr(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan; (void)step;
    *score = *(const double *)self;
    return MID_OK;
}

struct vro {
    double score;
    mid__wordcut cut;
    uint32_t n_word;                /* of the answer */
    mid__sample_words sample;
    uint32_t common[MID__SAMPLE_MAX][MID__SAMPLE_WORD_MAX + 1];
};

static mid_status start_vro(const void *plan, void *self, const mid_prompt *prompt)
{
    struct vro *s = self;

    (void)plan;
    if (prompt->n_sample < 2)
        return MID_ESIGNAL;
    mid__sample_words_of(prompt, &s->sample);
    s->score = mid__sample_variation(&s->sample);
    return MID_OK;
}

static void add_word(void *user, uint64_t word)
{
    struct vro *s = user;
    double sum = 0;
    uint32_t i;

    if (s->n_word == MID__SAMPLE_WORD_MAX)
        return;
    s->n_word++;
    for (i = 0; i < s->sample.n; i++) {
        const uint32_t n = s->sample.n_word[i], n_cut = n < s->n_word ? n : s->n_word;
        mid__lcs_word(word, s->sample.word[i], n, s->common[i]);
        sum += mid__word_distance(s->common[i][n_cut], s->n_word, n_cut);
    }
    s->score = sum / s->sample.n;
}

static mid_status push_vro(const void *plan, void *self, const mid_step *step, double *score)
{
    struct vro *s = self;

    (void)plan;
    mid__wordcut_put(&s->cut, step->text, step->n_text, add_word, s);
    *score = s->score;
    return MID_OK;
}

const mid_monitor_ops mid__monitor_sample_vr = {
    .name = "sample_vr", .version = 1,
    .summary = "how unlike each other sampled answers to the prompt are", .unit = "distance",
    .source = "Huang et al. 2023, arXiv 2307.10236",
    .box = MID_BOX_BLACK, .needs = MID_SIG_SAMPLES,
    .state_size = sizeof(double), .start = start_vr, .push = push_vr,
};

const mid_monitor_ops mid__monitor_sample_vro = {
    .name = "sample_vro", .version = 1,
    .summary = "how unlike the sampled answers this one is", .unit = "distance",
    .source = "Huang et al. 2023, arXiv 2307.10236",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT | MID_SIG_SAMPLES,
    .state_size = sizeof(struct vro), .start = start_vro, .push = push_vro,
};
