/* Surprisal and entropy per sentence, then over sentences: the "doc" forms of G1 and G3.
 *   S_t = (1/m) sum_{k<=m} mean over the tokens of sentence k that are there,   nats
 * m counts sentences begun: the open one stands with what it has. A sentence ends with its . ? ! or line break once it
 * has five words, or with its 64th token (base/wordcut.h). A short sentence weighs as much as a long one.
 * Source: Look Before You Leap (Huang et al. 2023, arXiv 2307.10236); they score a finished text, we every prefix. */
#include <math.h>

#include "base/wordcut.h"
#include "monitor/running.h"

struct state {
    mid__sentence sentence;
    mid__running open, closed;      /* the open sentence's tokens; the means of those over */
};

static mid_status push(void *self, const mid_step *step, double x, double *score)
{
    struct state *s = self;
    double mean;

    if (!isfinite(x))
        return MID_ENUMERIC;
    mean = mid__running_mean(&s->open, x);
    *score = (s->closed.value + mean) / (double)(s->closed.n + 1);
    if (mid__sentence_put(&s->sentence, step->text, step->n_text)) {
        mid__running_mean(&s->closed, mean);
        s->open = (mid__running){ 0, 0 };
    }
    return MID_OK;
}

static mid_status push_surprisal(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan;
    return push(self, step, -(double)step->lp, score);
}

static mid_status push_entropy(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan;
    return push(self, step, (double)step->entropy_nats, score);
}

const mid_monitor_ops mid__monitor_surprisal_sentence = {
    .name = "surprisal_sentence", .version = 1,
    .summary = "mean over sentences of their mean -ln p", .unit = "nats",
    .source = "Huang et al. 2023, arXiv 2307.10236",
    .box = MID_BOX_GREY, .needs = MID_SIG_TEXT | MID_SIG_LOGPROB,
    .state_size = sizeof(struct state), .push = push_surprisal,
};

const mid_monitor_ops mid__monitor_entropy_sentence = {
    .name = "entropy_sentence", .version = 1,
    .summary = "mean over sentences of their mean entropy", .unit = "nats",
    .source = "Huang et al. 2023, arXiv 2307.10236",
    .box = MID_BOX_GREY, .needs = MID_SIG_TEXT | MID_SIG_ENTROPY,
    .state_size = sizeof(struct state), .push = push_entropy,
};
