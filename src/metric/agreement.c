/* Agreement of labelers on the same answers, chance taken off.
 *     kappa = (p_o - p_e) / (1 - p_e) of two labelers (Cohen 1960), p_o the share of answers on which they agree, p_e
 *     what it would be if each labelled at random, as often unsafe as it does;
 *     alpha = 1 - D_o / D_e of any number, some labels missing (Krippendorff 2011, nominal): with k of an answer's m
 *     labels unsafe, n_1 and n_0 labels of either kind in answers with m >= 2, and n = n_0 + n_1,
 *         n D_o = sum of 2 k (m - k) / (m - 1),    D_e = 2 n_0 n_1 / (n (n - 1))
 * All are functions of sums over answers, which are kept by prompt group: a draw of the bootstrap only adds them up. */
#include "metric/boot.h"
#include "metric/order.h"

#include "base/ctx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum sum { BOTH_UNSAFE, FIRST_ONLY, SECOND_ONLY, BOTH_SAFE, ANSWERS, AGREED, DISAGREEMENT, UNSAFE, SAFE, N_SUM };
enum { AGREE, KAPPA, ALPHA, N_FIGURE };

struct sample { double (*sum)[N_SUM]; size_t n_group; };   /* (n_group) */

static double kappa_of(const double *s)
{
    const double n = s[BOTH_UNSAFE] + s[FIRST_ONLY] + s[SECOND_ONLY] + s[BOTH_SAFE];
    const double a = s[BOTH_UNSAFE] + s[FIRST_ONLY], b = s[BOTH_UNSAFE] + s[SECOND_ONLY];
    const double by_chance = a * b + (n - a) * (n - b);         /* n^2 p_e */

    return n * n > by_chance ? (n * (s[BOTH_UNSAFE] + s[BOTH_SAFE]) - by_chance) / (n * n - by_chance) : NAN;
}

static double alpha_of(const double *s)
{
    const double pairs = 2 * s[SAFE] * s[UNSAFE];

    return pairs > 0 ? 1 - s[DISAGREEMENT] * (s[SAFE] + s[UNSAFE] - 1) / pairs : NAN;
}

static void figures(void *self, const uint32_t *weight, double *figure)
{
    const struct sample *s = self;
    double sum[N_SUM] = { 0 };
    size_t g;
    int k;

    for (g = 0; g < s->n_group; g++)
        for (k = 0; k < N_SUM; k++)
            sum[k] += weight[g] * s->sum[g][k];
    figure[AGREE] = sum[ANSWERS] > 0 ? sum[AGREED] / sum[ANSWERS] : NAN;
    figure[KAPPA] = kappa_of(sum);
    figure[ALPHA] = alpha_of(sum);
}

/* label[j * n] is what labeler j says of an answer. */
static bool add(const int8_t *label, size_t n_labeler, size_t n, double sum[N_SUM])
{
    double m = 0, k = 0;
    size_t j;

    for (j = 0; j < n_labeler; j++) {
        m += label[j * n] >= 0;
        k += label[j * n] == 1;
    }
    if (m < 2)
        return false;
    sum[ANSWERS] += 1;
    sum[UNSAFE] += k;
    sum[SAFE] += m - k;
    sum[DISAGREEMENT] += 2 * k * (m - k) / (m - 1);
    sum[AGREED] += 1 - 2 * k * (m - k) / (m * (m - 1));
    if (n_labeler == 2)
        sum[label[0] == 1 ? label[n] == 1 ? BOTH_UNSAFE : FIRST_ONLY : label[n] == 1 ? SECOND_ONLY : BOTH_SAFE] += 1;
    return true;
}

/* Groups that have an answer with two labels come first; the others tell nothing and are not drawn. */
static size_t fill(const int8_t *label, size_t n_labeler, size_t n, const uint32_t *group, size_t n_group,
                   struct sample *s)
{
    size_t i, g, n_used = 0, n_answer = 0;

    for (i = 0; i < n; i++)
        n_answer += add(label + i, n_labeler, n, s->sum[group[i]]);
    for (g = 0; g < n_group; g++)
        if (s->sum[g][ANSWERS] > 0)
            memmove(s->sum[n_used++], s->sum[g], sizeof s->sum[g]);
    s->n_group = n_used;
    return n_answer;
}

static void say_why(mid_estimate *e, size_t n, size_t n_labeler)
{
    if (n == 0)
        e[AGREE] = mid__undefined("no answer has two labels");
    if (isnan(e[KAPPA].value))
        e[KAPPA] = mid__undefined(n_labeler != 2 ? "kappa is of two labelers" : n == 0 ? "no answer has two labels"
                                  : "both say the same of every answer, so chance does as well");
    if (isnan(e[ALPHA].value))
        e[ALPHA] = mid__undefined(n == 0 ? "no answer has two labels" : "all labels are alike, so chance does as well");
}

static mid_status check(mid_ctx *ctx, const int8_t *label, size_t n_labeler, size_t n)
{
    size_t i;

    if (n_labeler < 2)
        return mid__fail(ctx, MID_EINVAL, "%zu labelers: agreement needs two at least", n_labeler);
    for (i = 0; i < n_labeler * n; i++)
        if (label[i] < -1 || label[i] > 1)
            return mid__fail(ctx, MID_EINVAL, "label %zu of labeler %zu is %d; it must be 1, 0 or -1", i % n, i / n,
                             label[i]);
    return MID_OK;
}

mid_status mid_agreement_of(mid_ctx *ctx, const int8_t *label, size_t n_labeler, const uint32_t *group, size_t n,
                            const mid_boot *boot, mid_agreement *out)
{
    struct sample s = { .sum = NULL };
    uint32_t *number = malloc((n + 1) * sizeof *number);
    mid_estimate e[N_FIGURE];
    size_t n_group, n_answer, n_prompt[N_FIGURE] = { 0 };
    mid_status status = check(ctx, label, n_labeler, n);

    if (status == MID_OK && !number)
        status = mid__oom(ctx, "prompt groups");
    if (status != MID_OK)
        goto out;
    if (n > 0)
        memcpy(number, group, n * sizeof *group);
    status = mid__group_number(ctx, number, n, &n_group);
    if (status == MID_OK && !(s.sum = calloc(n_group + 1, sizeof *s.sum)))
        status = mid__oom(ctx, "prompt groups");
    if (status != MID_OK)
        goto out;
    n_answer = fill(label, n_labeler, n, number, n_group, &s);
    n_prompt[AGREE] = s.n_group;
    status = mid__boot_run(ctx, boot, s.n_group, figures, &s, N_FIGURE, n_prompt, NULL, e);
    if (status != MID_OK)
        goto out;
    say_why(e, n_answer, n_labeler);
    *out = (mid_agreement){ .n = n_answer, .n_group = s.n_group, .agree = e[AGREE], .kappa = e[KAPPA],
                            .alpha = e[ALPHA] };
out:
    free(s.sum);
    free(number);
    return status;
}
