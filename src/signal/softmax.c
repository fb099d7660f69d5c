/* Log-sum-exp, entropy and the top 20 of one row of logits, in two passes and without a copy.
 *   m = max z     S = sum e^{z-m}     T = sum (z-m) e^{z-m}     lse = m + ln S     H = ln S - T / S
 * Pass 1 keeps the largest logit of every block of 64. The 20th largest of these block maxima is a floor under the 20
 * largest logits, so pass 3 looks only into the blocks above it (about twenty). Pass 2 sums in float within a block of
 * 1024 and in double across blocks: relative error about 1e-7 of S.
 * e^x for x <= 0 is 2^n * p(r), |r| <= ln(2)/2, p the degree-6 Taylor polynomial (error < 2^-23); below -87 it is 0. */
#include "signal/softmax.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

enum { N_LANE = MID__N_LANE, N_BLOCK = 64, N_SUM = 1024, VOCAB_MAX = 1 << 20 };

typedef mid__lanes lanes;
typedef mid__int_lanes int_lanes;

static inline __attribute__((always_inline)) lanes pick(int_lanes mask, lanes yes, lanes no)
{
    return (lanes)((mask & (int_lanes)yes) | (~mask & (int_lanes)no));
}

static inline __attribute__((always_inline)) lanes exp_of(lanes x)
{
    const lanes magic = mid__lanes_of(12582912.0f);         /* 1.5 * 2^23: adding it rounds to an integer */
    const lanes floor_x = mid__lanes_of(-87.0f);
    const int_lanes zero = x < floor_x;                     /* all ones where e^x is taken as 0 */
    const lanes y = pick(zero, floor_x, x);
    const lanes n = (y * 1.44269504f + magic) - magic;
    const lanes r = (y - n * 0.693359375f) + n * 2.12194440e-4f;
    const int_lanes bits = (__builtin_convertvector(n, int_lanes) + 127) << 23;
    lanes p = mid__lanes_of(1.0f / 720.0f);

    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return (lanes)(~zero & (int_lanes)(p * (lanes)bits));
}

/* Largest logit of each block of 64; the rest behind the last whole block counts as one. False on NaN. */
MID__CLONES
static bool block_max(const float *z, int n, float *max)
{
    int i, k, n_bad = 0;

    for (i = 0; i + N_BLOCK <= n; i += N_BLOCK) {
        lanes a = mid__lanes_at(z + i);
        int_lanes bad = a != a;
        for (k = N_LANE; k < N_BLOCK; k += N_LANE) {
            const lanes b = mid__lanes_at(z + i + k);
            bad |= b != b;
            a = pick(b > a, b, a);
        }
        max[i / N_BLOCK] = a[0];
        for (k = 0; k < N_LANE; k++) {
            n_bad |= bad[k];
            if (a[k] > max[i / N_BLOCK])
                max[i / N_BLOCK] = a[k];
        }
    }
    if (i < n) {
        float *last = &max[i / N_BLOCK];
        for (*last = -INFINITY; i < n; i++) {
            n_bad |= z[i] != z[i];
            if (z[i] > *last)
                *last = z[i];
        }
    }
    return n_bad == 0;
}

/* Sums of e^{z-m} and (z-m) e^{z-m}. A masked logit adds nothing to either. */
MID__CLONES
static void sums(const float *z, int n, float m, double *sum, double *dot)
{
    double s = 0, t = 0;
    int i, j, k;

    for (i = 0; i < n; i = j) {
        lanes s1 = { 0 }, t1 = { 0 };
        const int end = n - i < N_SUM ? n : i + N_SUM;
        for (j = i; j + N_LANE <= end; j += N_LANE) {
            const lanes x = mid__lanes_at(z + j) - m;
            const lanes e = exp_of(x);
            s1 += e;
            t1 += pick(x < -87.0f, e, x * e);
        }
        for (k = 0; k < N_LANE; k++) {
            s += (double)s1[k];
            t += (double)t1[k];
        }
        for (; j < end; j++) {
            const double x = (double)z[j] - (double)m, e = exp(x);
            s += e;
            if (e > 0)
                t += x * e;
        }
    }
    *sum = s;
    *dot = t;
}

/* The floor under the top: the MID_TOP_MAX-th largest block maximum (-INFINITY with fewer blocks). */
static float top_floor(const float *max, int n_max)
{
    float best[MID_TOP_MAX];
    int i, k, n = 0;

    for (i = 0; i < n_max; i++) {
        if (n == MID_TOP_MAX && max[i] <= best[n - 1])
            continue;
        for (k = n < MID_TOP_MAX ? n++ : n - 1; k > 0 && best[k - 1] < max[i]; k--)
            best[k] = best[k - 1];
        best[k] = max[i];
    }
    return n == MID_TOP_MAX ? best[n - 1] : -INFINITY;
}

static void top(const float *z, int n_vocab, const float *max, float floor, mid__softmax *out)
{
    int i, j, k;

    out->n_top = 0;
    for (i = 0; i < n_vocab; i += N_BLOCK) {
        const int end = n_vocab - i < N_BLOCK ? n_vocab : i + N_BLOCK;
        if (max[i / N_BLOCK] < floor || max[i / N_BLOCK] == -INFINITY)
            continue;
        for (j = i; j < end; j++) {
            if (z[j] < floor || z[j] == -INFINITY)
                continue;
            if (out->n_top == MID_TOP_MAX && z[j] <= out->top_lp[MID_TOP_MAX - 1])
                continue;
            for (k = out->n_top < MID_TOP_MAX ? (int)out->n_top++ : MID_TOP_MAX - 1;
                 k > 0 && out->top_lp[k - 1] < z[j]; k--) {
                out->top_lp[k] = out->top_lp[k - 1];
                out->top_token[k] = out->top_token[k - 1];
            }
            out->top_lp[k] = z[j];
            out->top_token[k] = j;
        }
    }
    for (k = 0; k < (int)out->n_top; k++)
        out->top_lp[k] -= out->lse;
}

bool mid__softmax_of(const float *logits, int n_vocab, mid__softmax *out)
{
    float max[VOCAB_MAX / N_BLOCK], m = -INFINITY;
    const int n_max = (n_vocab + N_BLOCK - 1) / N_BLOCK;
    double s, t;
    int i;

    if (n_vocab < 1 || n_vocab > VOCAB_MAX || !block_max(logits, n_vocab, max))
        return false;
    for (i = 0; i < n_max; i++)
        if (max[i] > m)
            m = max[i];
    if (!isfinite(m))
        return false;
    sums(logits, n_vocab, m, &s, &t);
    out->lse = (float)((double)m + log(s));
    out->entropy_nats = (float)fmax(log(s) - t / s, 0);
    top(logits, n_vocab, max, top_floor(max, n_max), out);
    return true;
}
