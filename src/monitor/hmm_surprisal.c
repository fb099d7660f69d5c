/* Two-state hidden Markov model over the tokens' surprisal: G16.
 *   x_t = -ln p_t ~ N(mu_k, sigma_k) in state k,   P(next state j | i) = A_ij
 *   alpha_t(k) prop. to N(x_t; mu_k, sigma_k) sum_j alpha_{t-1}(j) A_jk,   alpha_1(k) prop. to N(x_1; ...) pi_k
 *   S_t = alpha_t(bad),   in [0, 1]:  the filtered probability of the state that unsafe answers are in more often
 * pi, A, mu, sigma by Baum-Welch on the first 128 tokens of all fit answers, labels unseen; then the mean occupation of
 * either state is compared between unsafe and safe answers (each answer weighing 1) to name the bad one. It starts from
 * the halves below and above the median and stops when a round adds less than 1e-6 nats per token, or after 200. sigma
 * is held at 0.1 nats or more: many tokens are all but certain, and a state could shrink onto them.
 * Source: Rabiner 1989; filtered online instead of decoded offline, after LUNA's HMM (Song et al. 2023, arXiv
 * 2310.14211). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/monitor.h"

enum { FIT_TOK = 128, N_ROUND = 200 };

static const double sigma_min = 0.1, p_min = 1e-10, least_gain = 1e-6;

struct hmm { double start[2], move[2][2], mu[2], sigma[2]; };

/* Densities of x in both states without 1 / sqrt(2 pi), the larger one scaled to 1; the logarithm of the scale. */
static double densities(const struct hmm *h, double x, double b[2])
{
    double ln[2], scale;
    int k;

    for (k = 0; k < 2; k++)
        ln[k] = -0.5 * (x - h->mu[k]) / h->sigma[k] * ((x - h->mu[k]) / h->sigma[k]) - log(h->sigma[k]);
    scale = fmax(ln[0], ln[1]);
    for (k = 0; k < 2; k++)
        b[k] = exp(ln[k] - scale);
    return scale;
}

/* alpha from the last one (NULL: none) and the densities b; the sum it was divided by. */
static double filter(const struct hmm *h, const double *last, const double b[2], double alpha[2])
{
    double sum = 0, p[2];
    int k;

    for (k = 0; k < 2; k++) {
        p[k] = b[k] * (last ? last[0] * h->move[0][k] + last[1] * h->move[1][k] : h->start[k]);
        sum += p[k];
    }
    for (k = 0; k < 2; k++)
        alpha[k] = p[k] / sum;
    return sum;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

struct sequence { size_t first, n; int label; };
struct data { double *x; struct sequence *seq; size_t n, n_seq; };

/* What a round of Baum-Welch adds up, and the mean occupation of state 1 by label. */
struct sums { double ln_likelihood, start[2], move[2][2], weight[2], x[2], square[2], occupied[2]; };

static mid_status gather(mid_ctx *ctx, const mid_fit_set *set, struct data *d)
{
    mid_step step;
    size_t i;
    uint32_t t;

    d->x = malloc((set->n * FIT_TOK + 1) * sizeof *d->x);
    d->seq = malloc((set->n + 1) * sizeof *d->seq);
    if (!d->x || !d->seq)
        return mid__oom(ctx, "surprisals");
    for (i = 0; i < set->n; i++) {
        struct sequence *s = &d->seq[d->n_seq];
        *s = (struct sequence){ d->n, 0, set->answer[i].label };
        for (t = 0; t < mid_trace_n_tok(set->answer[i].trace) && t < FIT_TOK; t++) {
            mid_trace_step(set->answer[i].trace, t, NULL, &step);
            if (isfinite(step.lp))
                d->x[d->n++] = -(double)step.lp;
        }
        s->n = d->n - s->first;
        d->n_seq += s->n > 0;
    }
    return d->n ? MID_OK : mid__fail(ctx, MID_EUNDEFINED, "no tokens to fit on");
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void moments(const double *x, size_t n, double *mean, double *sd)
{
    double sum = 0, square = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += x[i];
    *mean = n ? sum / (double)n : 0;
    for (i = 0; i < n; i++)
        square += (x[i] - *mean) * (x[i] - *mean);
    *sd = fmax(n ? sqrt(square / (double)n) : 0, sigma_min);
}

static mid_status begin(mid_ctx *ctx, const struct data *d, struct hmm *h)
{
    double *sorted = malloc(d->n * sizeof *sorted);
    const size_t half = d->n / 2;

    if (!sorted)
        return mid__oom(ctx, "surprisals");
    memcpy(sorted, d->x, d->n * sizeof *sorted);
    qsort(sorted, d->n, sizeof *sorted, by_value);
    *h = (struct hmm){ .start = { .5, .5 }, .move = { { .9, .1 }, { .1, .9 } } };
    moments(sorted, half, &h->mu[0], &h->sigma[0]);
    moments(sorted + half, d->n - half, &h->mu[1], &h->sigma[1]);
    free(sorted);
    return MID_OK;
}

/* The backward pass: beta_t from beta_{t+1}, b and the sum of token t + 1. */
static void step_back(const struct hmm *h, const double b[2], double sum, const double next[2], double beta[2])
{
    int i;

    for (i = 0; i < 2; i++)
        beta[i] = (h->move[i][0] * b[0] * next[0] + h->move[i][1] * b[1] * next[1]) / sum;
}

static void add_sequence(const struct hmm *h, const double *x, size_t n, int label, struct sums *to)
{
    double b[FIT_TOK][2], alpha[FIT_TOK][2], sum[FIT_TOK], beta[2] = { 1, 1 }, next[2], occupied = 0, gamma;
    size_t t;
    int i, j;

    for (t = 0; t < n; t++) {
        const double scale = densities(h, x[t], b[t]);
        sum[t] = filter(h, t ? alpha[t - 1] : NULL, b[t], alpha[t]);
        to->ln_likelihood += log(sum[t]) + scale;
    }
    for (t = n; t-- > 0;) {
        if (t + 1 < n) {
            memcpy(next, beta, sizeof next);
            for (i = 0; i < 2; i++)
                for (j = 0; j < 2; j++)
                    to->move[i][j] += alpha[t][i] * h->move[i][j] * b[t + 1][j] * next[j] / sum[t + 1];
            step_back(h, b[t + 1], sum[t + 1], next, beta);
        }
        for (i = 0; i < 2; i++) {
            gamma = alpha[t][i] * beta[i];
            to->weight[i] += gamma;
            to->x[i] += gamma * x[t];
            to->square[i] += gamma * x[t] * x[t];
            to->start[i] += t == 0 ? gamma : 0;
            occupied += i == 1 ? gamma / (double)n : 0;
        }
    }
    to->occupied[label] += occupied;
}

static struct sums expect(const struct hmm *h, const struct data *d)
{
    struct sums s = { 0 };
    size_t i;

    for (i = 0; i < d->n_seq; i++)
        add_sequence(h, d->x + d->seq[i].first, d->seq[i].n, d->seq[i].label, &s);
    return s;
}

/* Two numbers as shares, neither below p_min. */
static void normalise(const double from[2], double to[2])
{
    const double sum = from[0] + from[1];

    to[0] = sum > 0 ? fmin(fmax(from[0] / sum, p_min), 1 - p_min) : 0.5;
    to[1] = 1 - to[0];
}

static void maximise(const struct sums *s, struct hmm *h)
{
    double variance;
    int k;

    normalise(s->start, h->start);
    for (k = 0; k < 2; k++) {
        normalise(s->move[k], h->move[k]);
        if (s->weight[k] < 1e-6)        /* a state that nobody is in stays where it was */
            continue;
        h->mu[k] = s->x[k] / s->weight[k];
        variance = s->square[k] / s->weight[k] - h->mu[k] * h->mu[k];
        h->sigma[k] = fmax(sqrt(fmax(variance, 0)), sigma_min);
    }
}

static mid_status keep(mid_ctx *ctx, const struct hmm *h, int bad, int n_round, mid_weights *out)
{
    const float start[] = { (float)h->start[0], (float)h->start[1] };
    const float move[] = { (float)h->move[0][0], (float)h->move[0][1], (float)h->move[1][0], (float)h->move[1][1] };
    const float mu[] = { (float)h->mu[0], (float)h->mu[1] }, sigma[] = { (float)h->sigma[0], (float)h->sigma[1] };
    mid_status status = mid_weights_set(ctx, out, "start", start, 1, 2);

    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "move", move, 2, 2);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "mu", mu, 1, 2);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "sigma", sigma, 1, 2);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "bad", bad);
    return status == MID_OK ? mid_weights_set_number(ctx, out, "n_round", n_round) : status;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    struct data d = { 0 };
    struct sums sums;
    struct hmm h;
    double before = -INFINITY, n_by_label[2] = { 0, 0 };
    int n_round = 0;
    size_t i;
    mid_status status = gather(ctx, set, &d);

    (void)params;
    if (status == MID_OK)
        status = begin(ctx, &d, &h);
    if (status == MID_OK) {
        sums = expect(&h, &d);
        while (n_round < N_ROUND && sums.ln_likelihood - before >= least_gain * (double)d.n) {
            before = sums.ln_likelihood;
            maximise(&sums, &h);
            sums = expect(&h, &d);
            n_round++;
        }
        for (i = 0; i < d.n_seq; i++)
            n_by_label[d.seq[i].label] += 1;
        status = keep(ctx, &h, sums.occupied[1] * n_by_label[0] >= sums.occupied[0] * n_by_label[1], n_round, out);
    }
    free(d.x);
    free(d.seq);
    return status;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------- */

struct plan { struct hmm h; int bad; };
struct state { uint64_t n; double alpha[2]; };

/* Two probabilities that sum to 1, neither 0. */
static bool are_shares(const float p[2]) { return p[0] >= 1e-12f && p[1] >= 1e-12f && fabsf(p[0] + p[1] - 1) < 1e-3f; }

static mid_status take(mid_ctx *ctx, const mid_weights *weights, struct plan *p)
{
    const double bad = mid_weights_number(weights, "bad");
    const float *start, *move, *mu, *sigma;
    int i, j;
    mid_status status = mid_weights_expect(ctx, weights, "start", 1, 2, &start);

    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "move", 2, 2, &move);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "mu", 1, 2, &mu);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "sigma", 1, 2, &sigma);
    if (status != MID_OK)
        return status;
    if (!are_shares(start) || !are_shares(move) || !are_shares(move + 2))
        return mid__fail(ctx, MID_EFORMAT, "start and move: must be probabilities that sum to 1");
    if (!(sigma[0] > 0 && sigma[1] > 0) || (bad != 0 && bad != 1))
        return mid__fail(ctx, MID_EFORMAT, "sigma %g, %g: must be > 0; bad %g: must be 0 or 1", (double)sigma[0],
                         (double)sigma[1], bad);
    p->bad = (int)bad;
    for (i = 0; i < 2; i++) {
        p->h.start[i] = (double)start[i];
        p->h.mu[i] = (double)mu[i];
        p->h.sigma[i] = (double)sigma[i];
        for (j = 0; j < 2; j++)
            p->h.move[i][j] = (double)move[2 * i + j];
    }
    return MID_OK;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    struct plan *p = malloc(sizeof *p);
    mid_status status = p ? take(ctx, weights, p) : mid__oom(ctx, "a hidden Markov model");

    (void)params; (void)signals;
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    double b[2], alpha[2];

    if (!isfinite(step->lp))
        return MID_ENUMERIC;
    densities(&p->h, -(double)step->lp, b);
    filter(&p->h, s->n ? s->alpha : NULL, b, alpha);
    memcpy(s->alpha, alpha, sizeof alpha);
    s->n += 1;
    *score = alpha[p->bad];
    return MID_OK;
}

const mid_monitor_ops mid__monitor_hmm_surprisal = {
    .name = "hmm_surprisal", .version = 1,
    .summary = "filtered probability of the bad state of a two-state Markov model of -ln p", .unit = "probability",
    .source = "Rabiner 1989; after LUNA's HMM, Song et al. 2023, arXiv 2310.14211",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
