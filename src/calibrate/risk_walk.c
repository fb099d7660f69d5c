/* Losses that are no alarms: from the mean loss at each of a fixed order of thresholds, how far one may go.
 *  - on average: (n loss + B) / (n + 1) <= level, conformal risk control; wants each prompt's loss to rise along the
 *    order, else its maximum so far has to be taken first
 *  - with confidence: Hoeffding-Bentkus p <= 1 - confidence at each step up to the first failure (fixed sequence
 *    testing), for any loss. Losses are divided by B, so that they lie in 0 .. 1. */
#include <math.h>

#include "calibrate/bound.h"
#include "midstream/rule.h"

#include "base/ctx.h"

mid_status mid_risk_walk(mid_ctx *ctx, const mid_risk *risk, size_t *n_kept)
{
    const double top = risk->bound == 0 ? 1 : risk->bound, level = risk->level / top;
    const mid__bound bound = { risk->confidence == 0 ? MID__MEAN : MID__HOEFFDING_BENTKUS, 1 - risk->confidence };
    size_t i;

    if (!(top > 0 && isfinite(top)))
        return mid__fail(ctx, MID_EINVAL, "the losses' bound is %g, want above 0", top);
    if (!(level > 0 && level < 1))
        return mid__fail(ctx, MID_EINVAL, "the level is %g, want above 0 and below the losses' bound of %g",
                         risk->level, top);
    if (!(risk->confidence >= 0 && risk->confidence < 1))
        return mid__fail(ctx, MID_EINVAL, "confidence is %g, want 0 (on average), or above 0 and below 1",
                         risk->confidence);
    for (i = 0; i < risk->n_threshold; i++)
        if (!(risk->mean_loss[i] >= 0 && risk->mean_loss[i] <= top))
            return mid__fail(ctx, MID_ENUMERIC, "mean loss %zu is %g, want 0 to %g", i, risk->mean_loss[i], top);
    for (i = 0; i < risk->n_threshold; i++)
        if (!mid__bound_keeps(&bound, risk->mean_loss[i] / top * (double)risk->n_prompt, risk->n_prompt, level))
            break;
    *n_kept = i;
    return MID_OK;
}
