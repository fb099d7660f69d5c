/* Distances of a row of logits z from uniform, in one pass (METHODS G10-G12). With V the vocabulary and m = max z:
 *   P = softmax(z / 2), and ln sum_v sqrt(P_v / V) = LSE(z / 4) - LSE(z / 2) / 2 - (ln V) / 2 =: ln BC
 *   Renyi  D_1/2(P || U) = -2 ln BC           Fisher-Rao  (2 / pi) arccos BC
 *   KL(U || softmax(z)) = LSE(z) - mean z - ln V, over the tokens that are not masked out (-INFINITY)
 * e^{(z-m)/2} is the square of e^{(z-m)/4}, so one exponential serves both sums. The shift by m cancels in ln BC.
 *
 * And of a layer's prediction q beside the final p, both logits: KL(P || Q) = sum_v P_v (p_v - q_v) - LSE(p) + LSE(q);
 * the cosine of q itself with the 0/1 vector of the refusal tokens (METHODS W18). Sums as in softmax.c. */
#include "signal/spread.h"

#include <math.h>

#include "signal/exp.h"

enum { N_LANE = MID__N_LANE, N_CHUNK = 1024 };

struct sums { double quarter, half, z; int n_open; };

MID__CLONES
static void spread_sums(const float *z, int n, float m, struct sums *out)
{
    struct sums s = { 0, 0, 0, 0 };
    int i, k;

    for (i = 0; i + N_CHUNK <= n; i += N_CHUNK) {
        lanes quarter = { 0 }, half = { 0 }, sum = { 0 };
        int_lanes open = { 0 };
        for (k = 0; k < N_CHUNK; k += N_LANE) {
            const lanes x = mid__lanes_at(z + i + k), e = exp_of(at_least((x - m) * 0.25f, -43));
            const int_lanes is_open = x > mid__lanes_of(-INFINITY);
            quarter += e;
            half += e * e;
            sum += pick(is_open, x, (lanes){ 0 });
            open -= is_open;
        }
        s.quarter += lanes_sum(quarter);
        s.half += lanes_sum(half);
        s.z += lanes_sum(sum);
        for (k = 0; k < N_LANE; k++)
            s.n_open += open[k];
    }
    for (; i < n; i++) {
        const double e = exp(((double)z[i] - (double)m) / 4);
        s.quarter += e;
        s.half += e * e;
        s.z += z[i] > -INFINITY ? (double)z[i] : 0;
        s.n_open += z[i] > -INFINITY;
    }
    *out = s;
}

MID__CLONES
static int n_above(const float *z, int n, float floor)
{
    int_lanes count = { 0 };
    int i, k, sum = 0;

    for (i = 0; i + N_LANE <= n; i += N_LANE)
        count -= mid__lanes_at(z + i) > mid__lanes_of(floor);
    for (k = 0; k < N_LANE; k++)
        sum += count[k];
    for (; i < n; i++)
        sum += z[i] > floor;
    return sum;
}

/* From 1. Of equal logits the lower token stands first, as in the softmax's top. */
static int rank_of(const float *z, int n, int32_t token)
{
    const float below = nextafterf(z[token], -INFINITY);    /* above it: equal to the token's, or larger */

    return 1 + n_above(z, token, below) + n_above(z + token, n - token, z[token]);
}

void mid__spread_of(const float *logits, int n_vocab, const mid__softmax *of, int32_t token, float *out)
{
    struct sums s;
    double ln_bc;

    spread_sums(logits, n_vocab, logits[of->top_token[0]], &s);
    ln_bc = fmin(log(s.quarter) - (log(s.half) + log(n_vocab)) / 2, 0);
    out[MID_SPREAD_RENYI_NATS] = (float)(-2 * ln_bc);
    out[MID_SPREAD_FISHER_RAO] = (float)(acos(exp(ln_bc)) * 2 / acos(-1));
    out[MID_SPREAD_KL_UNIFORM_NATS] = (float)fmax((double)of->lse - s.z / s.n_open - log(s.n_open), 0);
    out[MID_SPREAD_LN_RANK] = (float)log(rank_of(logits, n_vocab, token));
}

float mid__confidence_of(const float *logits, int n_vocab, const mid__softmax *of)
{
    struct sums s;

    spread_sums(logits, n_vocab, logits[of->top_token[0]], &s);
    return (float)(1 / s.half);
}

MID__CLONES
static float max_of(const float *z, int n)
{
    lanes max = mid__lanes_of(-INFINITY);
    float m = -INFINITY;
    int i, k;

    for (i = 0; i + N_LANE <= n; i += N_LANE) {
        const lanes x = mid__lanes_at(z + i);
        max = pick(x > max, x, max);
    }
    for (k = 0; k < N_LANE; k++)
        m = max[k] > m ? max[k] : m;
    for (; i < n; i++)
        m = z[i] > m ? z[i] : m;
    return m;
}

/* sum e^{q-mq}; sum (p-q) e^{p-mp}; sum q^2. */
struct lens_sums { double q, dot, square; };

MID__CLONES
static void lens_sums(const float *p, float mp, const float *q, float mq, int n, struct lens_sums *out)
{
    struct lens_sums s = { 0, 0, 0 };
    int i, k;

    for (i = 0; i + N_CHUNK <= n; i += N_CHUNK) {
        lanes sum = { 0 }, dot = { 0 }, square = { 0 };
        for (k = 0; k < N_CHUNK; k += N_LANE) {
            const lanes y = at_least(mid__lanes_at(p + i + k) - mp, -87), x = mid__lanes_at(q + i + k);
            sum += exp_of(at_least(x - mq, -87));
            dot += (y + mp - x) * exp_of(y);
            square += x * x;
        }
        s.q += lanes_sum(sum);
        s.dot += lanes_sum(dot);
        s.square += lanes_sum(square);
    }
    for (; i < n; i++) {
        const double y = fmax((double)p[i] - (double)mp, -87);
        s.q += exp((double)q[i] - (double)mq);
        s.dot += (y + (double)mp - (double)q[i]) * exp(y);
        s.square += (double)q[i] * (double)q[i];
    }
    *out = s;
}

bool mid__lens_of(const float *final, const mid__softmax *final_of, const float *lens, int n_vocab,
                  const int32_t *refusal, int n_refusal, float *out)
{
    const int32_t top = final_of->top_token[0];
    const double ln_sum = (double)final_of->lse - (double)final[top];       /* of e^{p-mp} */
    const float max = max_of(lens, n_vocab);
    struct lens_sums s;
    double toward = 0, kl;
    int i;

    lens_sums(final, final[top], lens, max, n_vocab, &s);
    for (i = 0; i < n_refusal; i++)
        toward += (double)lens[refusal[i]];
    kl = s.dot / exp(ln_sum) - (double)final_of->lse + (double)max + log(s.q);
    out[MID_LENS_KL_NATS] = (float)fmax(kl, 0);
    out[MID_LENS_SAME_TOP] = lens[top] == max;
    out[MID_LENS_REFUSAL_COS] = (float)(s.square > 0 && n_refusal ? toward / sqrt(s.square * n_refusal) : 0);
    return isfinite(kl) && isfinite(s.square);
}
