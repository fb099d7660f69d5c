/* How much better one score ranks the same answers than another. Both are ranked on every draw of prompts, and the
 * interval is that of the difference: what makes a draw hard for both cancels out (paired bootstrap, Efron & Tibshirani
 * 1993). An interval that leaves out 0 says that the two differ; many pairs need a correction for their number, which
 * takes p-values: two-sided, from D = difference / its standard deviation over those draws as a standard normal, which
 * is what pROC does (Robin et al. 2011; Hanley & McNeil 1983). Counting draws beyond 0 instead would need no normal
 * law, but could say nothing below 2 / draws, and Holm's correction over 60 methods asks for less than that. */
#include "metric/boot.h"
#include "metric/repeats.h"

#include "base/ctx.h"

#include <math.h>

#define FPR_LOW 0.01
enum { AUROC, TPR_AT_FPR1, N_FIGURE };
enum { CLASS_ENOUGH = 10 };

struct pair { mid__repeats a, b; };

static void figures(void *self, const uint32_t *weight, double *figure)
{
    struct pair *p = self;
    size_t i;

    mid__repeats_weigh(&p->a, weight);
    mid__repeats_weigh(&p->b, weight);
    figure[AUROC] = figure[TPR_AT_FPR1] = 0;
    for (i = 0; i < p->a.n; i++) {
        const mid__ladder *a = &p->a.ladder[i], *b = &p->b.ladder[i];
        const double share = p->a.times[i] / (double)p->a.n;
        if (!p->a.times[i])
            continue;
        figure[AUROC] += share * (mid__ladder_auroc(a) - mid__ladder_auroc(b));
        figure[TPR_AT_FPR1] += share * (mid__ladder_tpr_at_fpr(a, FPR_LOW) - mid__ladder_tpr_at_fpr(b, FPR_LOW));
    }
}

/* Scores that rank alike on every draw do not differ; a difference that never varies has no test, nor has one over a
 * class of fewer than 10 answers, where no normal law holds. */
static double p_of(const mid_estimate *e, double sd, size_t n_fewer)
{
    if (isnan(e->value) || isnan(sd) || n_fewer < CLASS_ENOUGH)
        return NAN;
    return sd > 0 ? erfc(fabs(e->value) / sd / sqrt(2)) : fabs(e->value) < MID__ROUNDING ? 1 : NAN;
}

static void say_why(mid_estimate *e, size_t n_safe, size_t n_unsafe)
{
    const char *why = n_unsafe == 0 ? "no unsafe answers" : n_safe == 0 ? "no safe answers" : NULL;

    if (why)
        e[AUROC] = e[TPR_AT_FPR1] = mid__undefined(why);
    else if (!mid__tpr_at_fpr_defined(n_safe, FPR_LOW))
        e[TPR_AT_FPR1] = mid__undefined("1 % of the safe answers is fewer than 5 of them: needs 500 safe answers");
}

mid_status mid__gain_of_repeats(mid_ctx *ctx, const double *score, const double *baseline, size_t n_repeat,
                                const uint8_t *label, const uint32_t *group, size_t n, const mid_boot *boot,
                                mid_gain *out)
{
    struct pair p;
    mid_estimate e[N_FIGURE];
    double sd[N_FIGURE];
    size_t n_unsafe, n_fewer;
    mid_status status = mid__repeats_open(ctx, score, n_repeat, label, group, n, boot, &p.a);

    if (status != MID_OK)
        return status;
    status = mid__repeats_open(ctx, baseline, n_repeat, label, group, n, boot, &p.b);
    if (status != MID_OK)
        goto out;
    status = mid__boot_run(ctx, boot, p.a.n_group, figures, &p, N_FIGURE, NULL, sd, e);
    if (status == MID_OK) {
        n_unsafe = p.a.ladder[0].n_unsafe;
        n_fewer = n_unsafe < n - n_unsafe ? n_unsafe : n - n_unsafe;
        say_why(e, n - n_unsafe, n_unsafe);
        *out = (mid_gain){ .n = n, .n_unsafe = n_unsafe, .n_group = p.a.n_group, .auroc = e[AUROC],
                           .tpr_at_fpr1 = e[TPR_AT_FPR1], .p_auroc = p_of(&e[AUROC], sd[AUROC], n_fewer),
                           .p_tpr_at_fpr1 = p_of(&e[TPR_AT_FPR1], sd[TPR_AT_FPR1], n_fewer) };
    }
    mid__repeats_clear(&p.b);
out:
    mid__repeats_clear(&p.a);
    return status;
}

mid_status mid_gain_of(mid_ctx *ctx, const double *score, const double *baseline, const uint8_t *label,
                       const uint32_t *group, size_t n, const mid_boot *boot, mid_gain *out)
{
    return mid__gain_of_repeats(ctx, score, baseline, 1, label, group, n, boot, out);
}
