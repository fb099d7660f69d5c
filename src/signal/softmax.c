/* Log-sum-exp, entropy and the top 20 of one row of logits, in two passes and without a copy.
 *   m = max z     S = sum e^{z-m}     T = sum (z-m) e^{z-m}     lse = m + ln S     H = ln S - T / S
 * Pass 1 cuts the row into chunks of 1024 and each chunk into 16 strands of 64 logits (every 16th one), and keeps the
 * largest of each strand: no step ever looks across a vector. The 20th largest of these maxima is a floor under the 20
 * largest logits, so only the strands that reach it (about twenty) are looked into. Pass 2 sums in float within a chunk
 * and in double across chunks: relative error about 1e-7 of S. */
#include "signal/softmax.h"

#include <math.h>
#include <string.h>

#include "signal/exp.h"

enum { N_LANE = MID__N_LANE, N_CHUNK = 1024, VOCAB_MAX = 1 << 20 };

/* Largest logit of each strand; strand s of chunk c is max[16 c + s]. What is left behind the last whole chunk makes
 * one more, in max[16 n_chunk]. Both halves of a chunk are walked at once, so that one comparison need not wait for
 * another. False on NaN. */
MID__CLONES
static bool strand_max(const float *z, int n, float *max)
{
    int_lanes bad = { 0 }, bad_back = { 0 };
    int i, k, n_bad = 0;

    for (i = 0; i + N_CHUNK <= n; i += N_CHUNK) {
        const float *front = z + i, *back = front + N_CHUNK / 2;
        lanes a = mid__lanes_at(front), b = mid__lanes_at(back);
        bad |= a != a;
        bad_back |= b != b;
        for (k = N_LANE; k < N_CHUNK / 2; k += N_LANE) {
            const lanes c = mid__lanes_at(front + k), d = mid__lanes_at(back + k);
            bad |= c != c;
            bad_back |= d != d;
            a = pick(c > a, c, a);
            b = pick(d > b, d, b);
        }
        a = pick(b > a, b, a);
        memcpy(max + i / N_CHUNK * N_LANE, &a, sizeof a);
    }
    for (k = 0; k < N_LANE; k++)
        n_bad |= bad[k] | bad_back[k];
    max += i / N_CHUNK * N_LANE;
    for (*max = -INFINITY; i < n; i++) {
        n_bad |= z[i] != z[i];
        if (z[i] > *max)
            *max = z[i];
    }
    return n_bad == 0;
}

/* Sums of e^{z-m} and (z-m) e^{z-m}. */
MID__CLONES
static void sums(const float *z, int n, float m, double *sum, double *dot)
{
    double s = 0, t = 0;
    int i, k;

    for (i = 0; i + N_CHUNK <= n; i += N_CHUNK) {
        lanes s1 = { 0 }, t1 = { 0 };
        for (k = 0; k < N_CHUNK; k += N_LANE) {
            const lanes y = at_least(mid__lanes_at(z + i + k) - m, -87), e = exp_of(y);
            s1 += e;
            t1 += y * e;
        }
        s += lanes_sum(s1);
        t += lanes_sum(t1);
    }
    for (; i < n; i++) {
        const double x = (double)z[i] - (double)m, e = exp(x);
        s += e;
        if (e > 0)
            t += x * e;
    }
    *sum = s;
    *dot = t;
}

/* The floor under the top: the MID_TOP_MAX-th largest maximum (-INFINITY with fewer). */
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

/* Put a logit into the list, by logit and then by token, if it belongs there. top_lp holds logits until the end. */
static void offer(mid__softmax *out, float z, int token)
{
    int k = (int)out->n_top;

    if (k == MID_TOP_MAX) {
        const float last = out->top_lp[k - 1];
        if (z < last || (z == last && token > out->top_token[k - 1]))
            return;
        k--;
    } else {
        out->n_top++;
    }
    for (; k > 0 && (out->top_lp[k - 1] < z || (out->top_lp[k - 1] == z && out->top_token[k - 1] > token)); k--) {
        out->top_lp[k] = out->top_lp[k - 1];
        out->top_token[k] = out->top_token[k - 1];
    }
    out->top_lp[k] = z;
    out->top_token[k] = token;
}

static void top(const float *z, int n, const float *max, float floor, mid__softmax *out)
{
    const int n_whole = n / N_CHUNK * N_LANE;
    int s, i;

    out->n_top = 0;
    for (s = 0; s <= n_whole; s++) {
        const int first = s < n_whole ? s / N_LANE * N_CHUNK + s % N_LANE : n / N_CHUNK * N_CHUNK;
        const int end = s < n_whole ? s / N_LANE * N_CHUNK + N_CHUNK : n, step = s < n_whole ? N_LANE : 1;
        if (max[s] < floor || max[s] == -INFINITY)
            continue;
        for (i = first; i < end; i += step)
            if (z[i] >= floor && z[i] > -INFINITY)
                offer(out, z[i], i);
    }
    for (i = 0; i < (int)out->n_top; i++)
        out->top_lp[i] -= out->lse;
}

bool mid__softmax_of(const float *logits, int n_vocab, mid__softmax *out)
{
    float max[VOCAB_MAX / N_CHUNK * N_LANE + 1], m = -INFINITY;
    const int n_max = n_vocab / N_CHUNK * N_LANE + 1;
    double s, t;
    int i;

    if (n_vocab < 1 || n_vocab > VOCAB_MAX || !strand_max(logits, n_vocab, max))
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
