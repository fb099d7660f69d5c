/* Confidence of the first token after an affirmative system message: G14.
 *   S_t = -max_v softmax(z_1 / 2)_v   for every t,   in [-1, 0)
 * A model that has been told to answer politely and positively, and is then unsure how to begin, has met a prompt it
 * would rather refuse. The figure is one extra pass over the prompt, made by the source (mid_prompt.affirm): the answer
 * adds nothing, so this is a prompt monitor and its score stands from the first token on.
 * Source: Free Jailbreak Detection (Chen et al. 2025, arXiv 2509.14558), temperature 2. */
#include <math.h>

#include "monitor/monitor.h"

static mid_status start(const void *plan, void *self, const mid_prompt *prompt)
{
    (void)plan;
    if (!isfinite(prompt->affirm))
        return MID_ENUMERIC;
    if (!(prompt->affirm > 0))
        return MID_ESIGNAL;
    *(double *)self = -(double)prompt->affirm;
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan; (void)step;
    *score = *(const double *)self;
    return MID_OK;
}

const mid_monitor_ops mid__monitor_first_token_confidence = {
    .name = "first_token_confidence", .version = 1,
    .summary = "minus the confidence of the first token after an affirmative system message", .unit = "-probability",
    .source = "Free Jailbreak Detection, Chen et al. 2025, arXiv 2509.14558",
    .box = MID_BOX_GREY, .needs = MID_SIG_AFFIRM,
    .state_size = sizeof(double), .start = start, .push = push,
};
