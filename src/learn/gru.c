/* Back-propagation through time over packed sequences: each step is one product for all sequences that are still running.
 * Derivatives by hand; tests/learn/test_gru.c holds them against finite differences. */
#include "learn/gru.h"

#include <math.h>
#include <string.h>

#include "base/kernel.h"
#include "learn/dense.h"

void mid__gru_init(const mid__gru *gru, mid__rng *rng, float *u)
{
    const size_t n = mid__gru_n_weight(gru);
    const double reach = 1 / sqrt((double)gru->h);
    size_t i;

    for (i = 0; i < n; i++)
        u[i] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
}

/* rm = r o before for h values of one stream. */
MID__CLONES
static void reset(size_t h, const float *r, const float *before, float *rm)
{
    size_t j;

    for (j = 0; j + MID__N_LANE <= h; j += MID__N_LANE) {
        const mid__lanes x = mid__lanes_at(r + j) * mid__lanes_at(before + j);
        memcpy(rm + j, &x, sizeof x);
    }
    for (; j < h; j++)
        rm[j] = r[j] * before[j];
}

/* next = (1 - z) before + z c, and dt of the way on: for h values of one stream. */
MID__CLONES
static void move(size_t h, float dt, const float *z, const float *c, const float *before, float *m)
{
    size_t j;

    for (j = 0; j + MID__N_LANE <= h; j += MID__N_LANE) {
        const mid__lanes old = mid__lanes_at(before + j), gate = mid__lanes_at(z + j);
        const mid__lanes next = (1 - gate) * old + gate * mid__lanes_at(c + j), x = next + dt * (next - old);
        memcpy(m + j, &x, sizeof x);
    }
    for (; j < h; j++) {
        const float next = (1 - z[j]) * before[j] + z[j] * c[j];
        m[j] = next + dt * (next - before[j]);
    }
}

/* n streams at once. zr (n, 2 h) and c (n, h) arrive as inputs and leave as gates; rm (n, h) is room; m (n, h) gets the new
 * states, and may be before. */
static void step(const mid__gru *gru, const float *u, size_t n, float *zr, float *c, float *rm,
                 const float *before, float *m)
{
    const size_t h = gru->h;
    size_t i;

    mid__gemm(n, 2 * h, h, before, h, 1, u, zr);
    mid__sigmoid(zr, n * 2 * h);
    for (i = 0; i < n; i++)
        reset(h, zr + i * 2 * h + h, before + i * h, rm + i * h);
    mid__gemm(n, h, h, rm, h, 1, u + 2 * h * h, c);
    mid__tanh(c, n * h);
    for (i = 0; i < n; i++)
        move(h, gru->dt, zr + i * 2 * h, c + i * h, before + i * h, m + i * h);
}

void mid__gru_step(const mid__gru *gru, const float *u, const float *a, float *m)
{
    float zr[2 * MID__GRU_MAX], c[MID__GRU_MAX], rm[MID__GRU_MAX];

    memcpy(zr, a, 2 * gru->h * sizeof *a);
    memcpy(c, a + 2 * gru->h, gru->h * sizeof *a);
    step(gru, u, 1, zr, c, rm, m, m);
}

/* What forward leaves for backward, and what backward works with. */
struct work {
    float *zr, *c, *rm, *before;    /* (n_row, 2 h), (n_row, h) each */
    float *d_zr, *d_c;              /* (n_row, 2 h), (n_row, h) */
    float *turned_zr, *turned_c;    /* (2 h, h), (h, h) */
    float *carry, *d_next, *d_rm;   /* (n_seq, h): derivative by the state before; of m'; of r o m */
};

size_t mid__gru_n_work(const mid__gru *gru, size_t n_row, size_t n_seq)
{
    return gru->h * (8 * n_row + 3 * gru->h + 3 * n_seq);
}

static struct work work_in(const mid__gru *gru, size_t n_row, size_t n_seq, float *room)
{
    const size_t h = gru->h, rows = n_row * h;
    struct work w;

    w.zr = room;
    w.c = w.zr + 2 * rows;
    w.rm = w.c + rows;
    w.before = w.rm + rows;
    w.d_zr = w.before + rows;
    w.d_c = w.d_zr + 2 * rows;
    w.turned_zr = w.d_c + rows;
    w.turned_c = w.turned_zr + 2 * h * h;
    w.carry = w.turned_c + h * h;
    w.d_next = w.carry + n_seq * h;
    w.d_rm = w.d_next + n_seq * h;
    return w;
}

void mid__gru_forward(const mid__gru *gru, const float *u, const mid__pack *pack, const float *a, const float *m0,
                      float *m, float *room)
{
    const size_t h = gru->h, n_row = pack->at[pack->n_step];
    const struct work w = work_in(gru, n_row, pack->n_seq, room);
    size_t t, i;

    for (i = 0; i < n_row; i++) {
        memcpy(w.zr + i * 2 * h, a + i * 3 * h, 2 * h * sizeof *a);
        memcpy(w.c + i * h, a + i * 3 * h + 2 * h, h * sizeof *a);
    }
    for (t = 0; t < pack->n_step; t++) {
        const size_t first = pack->at[t], n = pack->at[t + 1] - first;
        if (t > 0)
            memcpy(w.before + first * h, m + pack->at[t - 1] * h, n * h * sizeof *m);
        else if (m0)
            memcpy(w.before, m0, n * h * sizeof *m);
        else
            memset(w.before, 0, n * h * sizeof *m);
        step(gru, u, n, w.zr + first * 2 * h, w.c + first * h, w.rm + first * h, w.before + first * h, m + first * h);
    }
}

/* Through one step for n sequences whose derivative by the new state is in w->carry; leaves that by the old state there. */
static void step_back(const mid__gru *gru, const struct work *w, size_t first, size_t n)
{
    const size_t h = gru->h;
    const float *zr = w->zr + first * 2 * h, *c = w->c + first * h, *before = w->before + first * h;
    float *d_zr = w->d_zr + first * 2 * h, *d_c = w->d_c + first * h;
    size_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < h; j++) {
            const size_t k = i * h + j;
            const float z = zr[i * 2 * h + j], d_next = (1 + gru->dt) * w->carry[k];
            w->carry[k] = (1 - z) * d_next - gru->dt * w->carry[k];
            d_zr[i * 2 * h + j] = d_next * (c[k] - before[k]) * z * (1 - z);
            d_c[k] = d_next * z * (1 - c[k] * c[k]);
        }
    memset(w->d_rm, 0, n * h * sizeof *w->d_rm);
    mid__gemm(n, h, h, d_c, h, 1, w->turned_c, w->d_rm);
    for (i = 0; i < n; i++)
        for (j = 0; j < h; j++) {
            const size_t k = i * h + j;
            const float r = zr[i * 2 * h + h + j];
            w->carry[k] += w->d_rm[k] * r;
            d_zr[i * 2 * h + h + j] = w->d_rm[k] * before[k] * r * (1 - r);
        }
    mid__gemm(n, h, 2 * h, d_zr, 2 * h, 1, w->turned_zr, w->carry);
}

void mid__gru_backward(const mid__gru *gru, const float *u, const mid__pack *pack, const float *d_m,
                       float *d_a, float *d_m0, float *d_u, float *room)
{
    const size_t h = gru->h, n_row = pack->at[pack->n_step];
    const struct work w = work_in(gru, n_row, pack->n_seq, room);
    size_t t, i;

    mid__transpose(u, h, 2 * h, w.turned_zr);
    mid__transpose(u + 2 * h * h, h, h, w.turned_c);
    memset(w.carry, 0, pack->n_seq * h * sizeof *w.carry);
    for (t = pack->n_step; t-- > 0;) {
        const size_t first = pack->at[t], n = pack->at[t + 1] - first;
        for (i = 0; i < n * h; i++)
            w.carry[i] += d_m[first * h + i];
        step_back(gru, &w, first, n);
    }
    mid__gemm(h, 2 * h, n_row, w.before, 1, h, w.d_zr, d_u);
    mid__gemm(h, h, n_row, w.rm, 1, h, w.d_c, d_u + 2 * h * h);
    for (i = 0; i < n_row; i++) {
        memcpy(d_a + i * 3 * h, w.d_zr + i * 2 * h, 2 * h * sizeof *d_a);
        memcpy(d_a + i * 3 * h + 2 * h, w.d_c + i * h, h * sizeof *d_a);
    }
    if (d_m0)
        memcpy(d_m0, w.carry, pack->n_seq * h * sizeof *d_m0);
}

/* ---- the classifier --------------------------------------------------------------------------------------------- */

/* Packed a and its derivatives, states and theirs, and the GRU's own. */
static size_t head_n_work(const mid__head *head, size_t n, size_t n_row)
{
    const mid__gru gru = { (size_t)head->setting[0], 0 };

    return 8 * gru.h * n_row + mid__gru_n_work(&gru, n_row, n);
}

static void head_init(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra)
{
    const mid__gru gru = { (size_t)head->setting[0], 0 };
    const double reach = 1 / sqrt((double)gru.h);
    size_t i;

    (void)bias;
    mid__gru_init(&gru, rng, extra);
    extra += mid__gru_n_weight(&gru);
    for (i = 0; i < gru.h; i++)
        extra[i] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
    extra[gru.h] = (float)prior;
}

/* Loss of the logits v.m + b after every packed row; unless d_m is NULL, their derivatives by m, and by v and b (added). */
static double read_out(const mid__batch *batch, size_t h, const float *v, const float *m, float *d_m, float *d_v)
{
    const size_t *at = batch->pack.at;
    double loss = 0, slope, z;
    size_t t, k, j;

    for (t = 0; t < batch->pack.n_step; t++)
        for (k = 0; k < at[t + 1] - at[t]; k++) {
            const uint32_t i = batch->order[k];
            const double weight = 1 / (double)(batch->at[i + 1] - batch->at[i]);
            const float *state = m + (at[t] + k) * h;
            for (z = (double)v[h], j = 0; j < h; j++)
                z += (double)v[j] * (double)state[j];
            loss += weight * mid__logit_loss(z, batch->seqs->label[batch->item[i]], &slope);
            if (!d_m)
                continue;
            for (j = 0; j < h; j++) {
                d_m[(at[t] + k) * h + j] = (float)(weight * slope) * v[j];
                d_v[j] += (float)(weight * slope) * state[j];
            }
            d_v[h] += (float)(weight * slope);
        }
    return loss;
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *work)
{
    const mid__gru gru = { (size_t)head->setting[0], 0 };
    const size_t rows = batch->at[batch->n] * gru.h, n_u = mid__gru_n_weight(&gru);
    float *packed = work, *d_packed = packed + 3 * rows, *m = d_packed + 3 * rows, *d_m = m + rows;
    double loss;

    mid__batch_pack(batch, 3 * gru.h, a, packed);
    mid__gru_forward(&gru, extra, &batch->pack, packed, NULL, m, d_m + rows);
    loss = read_out(batch, gru.h, extra + n_u, m, d_a ? d_m : NULL, d_a ? d_extra + n_u : NULL);
    if (!d_a)
        return loss;
    mid__gru_backward(&gru, extra, &batch->pack, d_m, d_packed, NULL, d_extra, d_m + rows);
    mid__batch_unpack(batch, 3 * gru.h, d_packed, d_a);
    return loss;
}

mid__head mid__gru_head(size_t h)
{
    const mid__gru gru = { h, 0 };

    return (mid__head){ .n_out = 3 * h, .n_extra = mid__gru_n_weight(&gru) + h + 1, .reach = 1, .setting = { (double)h },
                        .init = head_init, .n_work = head_n_work, .loss = head_loss };
}
