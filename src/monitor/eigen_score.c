/* EigenScore: W23. z_i is the row of one layer after token min(n, length) of sample i, less the mean of its entries.
 *   G_ij = z_i . z_j,   i, j = 1..N
 *   S_t = (1/N) ln det(G + alpha I),   n the largest of 1, 2, 4, ... 128 that is <= t,   alpha = 1e-3
 * Samples that mean the same have rows that point the same way, so their volume is small. The answer itself is not
 * looked at: it is a prompt score whose samples are looked at further and further in. G comes with the prompt
 * (mid_prompt.sample_gram).
 * Source: INSIDE (Chen et al. 2024, arXiv 2402.03744), which takes each sample's last token and a middle layer,
 * divides G by the row's width and uses log10. A pivot of the factorisation is at least alpha, as it would be exactly. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "monitor/rows.h"

enum { N_MAX = 16 };

static const double alpha = 1e-3;

struct plan { int i_layer, n_layer; };
struct state { double score[MID_SAMPLE_AT_N]; uint32_t n_tok; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    struct plan *p;
    int first, last;
    mid_status status;

    (void)weights;
    if (signals->n_layer == 0)
        return mid__fail(ctx, MID_ESIGNAL, "eigen_score needs hidden rows, and this source taps no layer");
    status = mid__layer_range(ctx, signals, mid__param_number(params, "layer"), &first, &last);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "eigen_score");
    *p = (struct plan){ (first + last) / 2, signals->n_layer };
    *plan = p;
    return MID_OK;
}

/* ln det(G + alpha I) of the leading n_used samples by Cholesky; g is (n, n). NaN if G is not finite. */
static double log_volume(const float *g, size_t n, size_t n_used)
{
    double l[N_MAX][N_MAX], sum = 0;
    size_t i, j, k;

    for (i = 0; i < n_used; i++)
        for (j = 0; j <= i; j++) {
            double x = (double)g[i * n + j] + (i == j ? alpha : 0);
            if (!isfinite(g[i * n + j]))
                return NAN;
            for (k = 0; k < j; k++)
                x -= l[i][k] * l[j][k];
            if (i == j) {
                x = x > alpha ? x : alpha;      /* float32 products of rows that are almost alike may fall below */
                l[i][i] = sqrt(x);
                sum += log(x);
            } else {
                l[i][j] = x / l[j][j];
            }
        }
    return sum;
}

static mid_status start(const void *plan, void *self, const mid_prompt *prompt)
{
    const struct plan *p = plan;
    struct state *s = self;
    const size_t n = prompt->n_sample, n_used = n < N_MAX ? n : N_MAX;
    int k;

    if (n < 2 || !prompt->sample_gram)
        return MID_ESIGNAL;
    for (k = 0; k < MID_SAMPLE_AT_N; k++) {
        const float *gram = prompt->sample_gram + ((size_t)k * p->n_layer + p->i_layer) * n * n;
        s->score[k] = log_volume(gram, n, n_used) / (double)n_used;
        if (isnan(s->score[k]))
            return MID_ENUMERIC;
    }
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    struct state *s = self;
    int k = 0;

    (void)plan; (void)step;
    s->n_tok++;
    while (k < MID_SAMPLE_AT_N - 1 && s->n_tok >= 2u << k)
        k++;
    *score = s->score[k];
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: the middle one of those tapped" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_eigen_score = {
    .name = "eigen_score", .version = 1,
    .summary = "volume that the hidden rows of sampled answers span", .unit = "nats",
    .source = "INSIDE, Chen et al. 2024, arXiv 2402.03744",
    .box = MID_BOX_WHITE, .needs = MID_SIG_SAMPLES, .params = params_,
    .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .start = start, .push = push,
};
