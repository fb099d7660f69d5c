/* Windows are short, so each position is worked out by itself. Dot products in lanes, in one fixed order. */
#include "learn/attend.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"

#define INLINE static inline __attribute__((always_inline))

INLINE float dot(const float *a, const float *b, size_t n)
{
    mid__lanes sum = { 0 };
    float rest = 0;
    size_t i;

    for (i = 0; i + MID__N_LANE <= n; i += MID__N_LANE)
        sum += mid__lanes_at(a + i) * mid__lanes_at(b + i);
    for (; i < n; i++)
        rest += a[i] * b[i];
    for (i = 0; i < MID__N_LANE; i++)
        rest += sum[i];
    return rest;
}

INLINE void axpy(float a, const float *x, float *y, size_t n)
{
    size_t i;

    for (i = 0; i + MID__N_LANE <= n; i += MID__N_LANE) {
        const mid__lanes sum = mid__lanes_at(y + i) + mid__lanes_at(x + i) * a;
        memcpy(y + i, &sum, sizeof sum);
    }
    for (; i < n; i++)
        y[i] += a * x[i];
}

INLINE void one(const mid__attend *s, const float *q, const float *k, const float *v, size_t n, float *weight, float *o)
{
    const float scale = 1 / sqrtf((float)s->d);
    float top = -INFINITY;
    double sum = 0;
    size_t j;

    for (j = 0; j < n; j++) {
        weight[j] = dot(q, k + j * s->apart, s->d) * scale;
        top = weight[j] > top ? weight[j] : top;
    }
    for (j = 0; j < n; j++)
        sum += exp((double)weight[j] - (double)top);
    memset(o, 0, s->d * sizeof *o);
    for (j = 0; j < n; j++) {
        weight[j] = (float)(exp((double)weight[j] - (double)top) / sum);
        axpy(weight[j], v + j * s->apart, o, s->d);
    }
}

MID__CLONES
void mid__attend_one(const mid__attend *s, const float *q, const float *k, const float *v, size_t n,
                     float *weight, float *o)
{
    one(s, q, k, v, n, weight, o);
}

MID__CLONES
void mid__attend_forward(const mid__attend *s, const float *q, const float *k, const float *v, size_t n,
                         float *weight, float *o)
{
    size_t t;

    for (t = 0; t < n; t++) {
        const size_t first = t + 1 > s->window ? t + 1 - s->window : 0;
        one(s, q + t * s->apart, k + first * s->apart, v + first * s->apart, t + 1 - first, weight + t * s->window,
            o + t * s->d);
    }
}

MID__CLONES
void mid__attend_backward(const mid__attend *s, const float *q, const float *k, const float *v, size_t n,
                          const float *weight, const float *d_o, float *d_q, float *d_k, float *d_v, float *scratch)
{
    const float scale = 1 / sqrtf((float)s->d);
    size_t t, j;

    for (t = 0; t < n; t++) {
        const size_t first = t + 1 > s->window ? t + 1 - s->window : 0, m = t + 1 - first;
        const float *w = weight + t * s->window, *d_row = d_o + t * s->d;
        float mean = 0;
        for (j = 0; j < m; j++) {
            scratch[j] = dot(d_row, v + (first + j) * s->apart, s->d);      /* by the weight */
            mean += w[j] * scratch[j];
            axpy(w[j], d_row, d_v + (first + j) * s->apart, s->d);
        }
        for (j = 0; j < m; j++) {
            const float slope = w[j] * (scratch[j] - mean) * scale;         /* by q.k */
            axpy(slope, k + (first + j) * s->apart, d_q + t * s->apart, s->d);
            axpy(slope, q + t * s->apart, d_k + (first + j) * s->apart, s->d);
        }
    }
}
