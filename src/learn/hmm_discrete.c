/* Discrete hidden Markov model. Forward and backward passes are scaled at each symbol (Rabiner 1989, V.A), so lengths do
 * not matter; expected counts are summed in the sequences' order. */
#include "learn/hmm_discrete.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/rng.h"

static void normalise(double *p, size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += p[i];
    for (i = 0; i < n; i++)
        p[i] = sum > 0 ? p[i] / sum : 1.0 / (double)n;
}

/* Rows drawn evenly from all distributions (exponential draws, normalised), a share `stay` kept for the
 * diagonal. */
static void draw_rows(mid__rng *rng, double *p, size_t n_row, size_t n, double stay)
{
    size_t i, j;

    for (i = 0; i < n_row; i++) {
        for (j = 0; j < n; j++)
            p[i * n + j] = -log(1 - mid__rng_unit(rng));
        normalise(p + i * n, n);
        for (j = 0; j < n; j++)
            p[i * n + j] = (1 - stay) * p[i * n + j] + (i == j ? stay : 0);
    }
}

mid_status mid__hmm_open(mid_ctx *ctx, size_t n, size_t k, uint64_t seed, mid__hmm *out)
{
    mid__rng rng;
    size_t i;

    memset(out, 0, sizeof *out);
    if (n == 0 || k == 0 || n > MID__HMM_STATE_MAX)
        return mid__fail(ctx, MID_EINVAL, "a hidden Markov model of %zu states and %zu symbols: 1 to %d states", n, k,
                         MID__HMM_STATE_MAX);
    out->n = n;
    out->k = k;
    out->start = malloc(n * sizeof *out->start);
    out->move = malloc(n * n * sizeof *out->move);
    out->emit = malloc(n * k * sizeof *out->emit);
    if (!out->start || !out->move || !out->emit)
        return mid__oom(ctx, "a hidden Markov model");
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < n; i++)
        out->start[i] = 1.0 / (double)n;
    draw_rows(&rng, out->move, n, n, 0.5);
    draw_rows(&rng, out->emit, n, k, 0);
    return MID_OK;
}

void mid__hmm_clear(mid__hmm *hmm)
{
    free(hmm->start);
    free(hmm->move);
    free(hmm->emit);
    memset(hmm, 0, sizeof *hmm);
}

/* alpha <- alpha after one symbol, scaled to sum 1; gives the scale, P(symbol | before). next (n) is work space. */
static double advance(const mid__hmm *h, const double *alpha, bool is_first, uint32_t symbol, double *next)
{
    const double even = 1.0 / (double)h->k;
    double scale = 0;
    size_t i, j;

    for (j = 0; j < h->n; j++) {
        double p = 0;
        for (i = 0; !is_first && i < h->n; i++)
            p += alpha[i] * h->move[i * h->n + j];
        next[j] = (is_first ? h->start[j] : p) * (symbol < h->k ? h->emit[j * h->k + symbol] : even);
        scale += next[j];
    }
    for (j = 0; j < h->n; j++)
        next[j] = scale > 0 ? next[j] / scale : 1.0 / (double)h->n;
    return scale;
}

double mid__hmm_filter(const mid__hmm *hmm, double *alpha, bool is_first, uint32_t symbol)
{
    double next[MID__HMM_STATE_MAX];
    const double scale = advance(hmm, alpha, is_first, symbol, next);

    memcpy(alpha, next, hmm->n * sizeof *alpha);
    return log(fmax(scale, 1e-300));
}

/* Work space of one sequence, and the counts of all. */
struct counts { double *alpha, *beta, *scale, *ahead, *start, *move, *emit; };

/* Forward pass: alpha (n_sym, n), scale (n_sym); gives the log-likelihood. */
static double forward(const mid__hmm *h, const uint32_t *symbol, size_t n_sym, struct counts *c)
{
    double total = 0;
    size_t t;

    for (t = 0; t < n_sym; t++) {
        c->scale[t] = fmax(advance(h, c->alpha + (t ? t - 1 : 0) * h->n, t == 0, symbol[t], c->alpha + t * h->n), 1e-300);
        total += log(c->scale[t]);
    }
    return total;
}

/* Backward pass, adding expected visits and moves on the way. beta (n); ahead (n): emission times beta, next symbol. */
static void backward(const mid__hmm *h, const uint32_t *symbol, size_t n_sym, struct counts *c)
{
    size_t t, i, j;

    for (i = 0; i < h->n; i++)
        c->beta[i] = 1;
    for (t = n_sym; t-- > 0; ) {
        const double *alpha = c->alpha + t * h->n;
        for (i = 0; i < h->n; i++) {
            c->emit[i * h->k + symbol[t]] += alpha[i] * c->beta[i];
            if (t == 0)
                c->start[i] += alpha[i] * c->beta[i];
        }
        if (t == 0)
            break;
        for (j = 0; j < h->n; j++)
            c->ahead[j] = h->emit[j * h->k + symbol[t]] * c->beta[j] / c->scale[t];
        for (i = 0; i < h->n; i++) {
            c->beta[i] = 0;
            for (j = 0; j < h->n; j++) {
                const double p = h->move[i * h->n + j] * c->ahead[j];
                c->beta[i] += p;
                c->move[i * h->n + j] += c->alpha[(t - 1) * h->n + i] * p;
            }
        }
    }
}

static void maximise(const struct counts *c, mid__hmm *h)
{
    size_t i;

    memcpy(h->start, c->start, h->n * sizeof *h->start);
    memcpy(h->move, c->move, h->n * h->n * sizeof *h->move);
    memcpy(h->emit, c->emit, h->n * h->k * sizeof *h->emit);
    normalise(h->start, h->n);
    for (i = 0; i < h->n; i++) {
        normalise(h->move + i * h->n, h->n);
        normalise(h->emit + i * h->k, h->k);
    }
}

/* One step over all sequences in use; gives the log-likelihood of all symbols under the parameters before it. */
static double step(const mid__symbols *s, const uint8_t *use, double pseudo, struct counts *c, mid__hmm *h)
{
    double total = 0;
    size_t i;

    for (i = 0; i < h->n + h->n * h->n + h->n * h->k; i++)
        c->start[i] = pseudo;           /* start, move and emit lie one behind the other */
    for (i = 0; i < s->n; i++) {
        const size_t n_sym = s->first[i + 1] - s->first[i];
        if (n_sym == 0 || (use && !use[i]))
            continue;
        total += forward(h, s->symbol + s->first[i], n_sym, c);
        backward(h, s->symbol + s->first[i], n_sym, c);
    }
    maximise(c, h);
    return total;
}

mid_status mid__hmm_learn(mid_ctx *ctx, const mid__symbols *sequences, const uint8_t *use, double pseudo, double tolerance,
                          int step_max, mid__hmm *hmm, double *log_likelihood)
{
    const size_t n = hmm->n;
    size_t i, j, n_all = 0, n_longest = 0;
    double *all, last = -INFINITY;
    struct counts c;
    int k;

    for (i = 0; i < sequences->n; i++) {
        const size_t n_sym = use && !use[i] ? 0 : sequences->first[i + 1] - sequences->first[i];
        n_all += n_sym;
        n_longest = n_sym > n_longest ? n_sym : n_longest;
        for (j = 0; j < n_sym; j++)
            if (sequences->symbol[sequences->first[i] + j] >= hmm->k)
                return mid__fail(ctx, MID_EINVAL, "symbol %u of %zu", sequences->symbol[sequences->first[i] + j], hmm->k);
    }
    if (n_all == 0)
        return mid__fail(ctx, MID_EUNDEFINED, "a hidden Markov model of no symbols");
    all = malloc((n_longest * (n + 1) + 3 * n + n * n + n * hmm->k) * sizeof *all);
    if (!all)
        return mid__oom(ctx, "Baum-Welch");
    c = (struct counts){ .alpha = all, .scale = all + n_longest * n, .beta = all + n_longest * (n + 1) };
    c.ahead = c.beta + n;
    c.start = c.ahead + n;
    c.move = c.start + n;
    c.emit = c.move + n * n;
    for (k = 0; k < step_max; k++) {
        *log_likelihood = step(sequences, use, pseudo, &c, hmm) / (double)n_all;
        if (*log_likelihood - last < tolerance)
            break;
        last = *log_likelihood;
    }
    free(all);
    return MID_OK;
}
