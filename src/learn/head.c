/* The shared part of heads: rows through the map, the head's function, and the derivatives back into the map. */
#include "learn/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "learn/dense.h"

mid_status mid__seqs_open(mid_ctx *ctx, size_t n, size_t n_row, size_t d, mid__seqs *seqs)
{
    *seqs = (mid__seqs){ .n = n, .d = d };
    seqs->at = calloc(n + 1, sizeof *seqs->at);
    seqs->x = malloc((n_row * d + 1) * sizeof *seqs->x);
    seqs->t = malloc((n_row + 1) * sizeof *seqs->t);
    seqs->count = malloc((n_row + 1) * sizeof *seqs->count);
    seqs->label = malloc(n + 1);
    if (seqs->at && seqs->x && seqs->t && seqs->count && seqs->label)
        return MID_OK;
    mid__seqs_clear(seqs);
    return mid__oom(ctx, "training sequences");
}

void mid__seqs_clear(mid__seqs *seqs)
{
    free(seqs->at);
    free(seqs->x);
    free(seqs->t);
    free(seqs->count);
    free(seqs->label);
    memset(seqs, 0, sizeof *seqs);
}

void mid__head_map(const float *w, size_t n_out, size_t d, const float *x, float *a)
{
    const float *bias = w + n_out * d;
    size_t j;

    for (j = 0; j < n_out; j++)
        a[j] = (float)(mid__dot(w + j * d, x, d) + (double)bias[j]);
}

enum { N_OUT_VECTOR = 16 };         /* from so many outputs on a transposed map is faster than dot products */

/* Sequences lie apart in seqs->x, so each goes through the map by itself. */
static void map_batch(mid__head_task *task, const float *w, const mid__batch *batch)
{
    const mid__seqs *s = task->seqs;
    const size_t k = task->head->n_out, d = s->d;
    size_t i, r;

    if (k >= N_OUT_VECTOR)
        mid__transpose(w, k, d, task->turned);
    for (i = 0; i < batch->n; i++) {
        const float *x = s->x + s->at[batch->item[i]] * d;
        const size_t n = batch->at[i + 1] - batch->at[i];
        float *a = task->a + batch->at[i] * k;
        if (k >= N_OUT_VECTOR) {
            mid__fill_rows(w + k * d, n, k, a);
            mid__gemm(n, k, d, x, d, 1, task->turned, a);
        } else {
            for (r = 0; r < n; r++)
                mid__head_map(w, k, d, x + r * d, a + r * k);
        }
    }
}

static size_t length_of(const mid__batch *batch, size_t i) { return batch->at[i + 1] - batch->at[i]; }

/* Where the rows of the items start, and the pack: sequences by falling length, ties in their order. */
static mid__batch batch_of(mid__head_task *task, const uint32_t *item, size_t n)
{
    const mid__seqs *s = task->seqs;
    mid__batch batch = { s, n, item, task->at, { n, 0, task->step_at }, task->order };
    size_t i, j, t;

    for (task->at[0] = i = 0; i < n; i++)
        task->at[i + 1] = task->at[i] + s->at[item[i] + 1] - s->at[item[i]];
    for (i = 0; i < n; i++) {
        for (j = i; j > 0 && length_of(&batch, task->order[j - 1]) < length_of(&batch, i); j--)
            task->order[j] = task->order[j - 1];
        task->order[j] = (uint32_t)i;
    }
    batch.pack.n_step = n ? length_of(&batch, task->order[0]) : 0;
    for (task->step_at[0] = t = 0, i = n; t < batch.pack.n_step; t++) {
        while (length_of(&batch, task->order[i - 1]) <= t)
            i--;
        task->step_at[t + 1] = task->step_at[t] + i;
    }
    return batch;
}

void mid__batch_pack(const mid__batch *batch, size_t d, const float *rows, float *packed)
{
    const size_t *at = batch->pack.at;
    size_t t, k;

    for (t = 0; t < batch->pack.n_step; t++)
        for (k = 0; k < at[t + 1] - at[t]; k++)
            memcpy(packed + (at[t] + k) * d, rows + (batch->at[batch->order[k]] + t) * d, d * sizeof *rows);
}

void mid__batch_unpack(const mid__batch *batch, size_t d, const float *packed, float *rows)
{
    const size_t *at = batch->pack.at;
    size_t t, k;

    for (t = 0; t < batch->pack.n_step; t++)
        for (k = 0; k < at[t + 1] - at[t]; k++)
            memcpy(rows + (batch->at[batch->order[k]] + t) * d, packed + (at[t] + k) * d, d * sizeof *rows);
}

static double task_loss(void *user, const float *w, const uint32_t *item, size_t n, float *grad)
{
    mid__head_task *task = user;
    const mid__head *head = task->head;
    const mid__seqs *s = task->seqs;
    const size_t k = head->n_out, d = s->d, n_map = k * (d + 1);
    const mid__batch batch = batch_of(task, item, n);
    double loss;
    size_t i;

    map_batch(task, w, &batch);
    if (!grad)
        return head->loss(head, w + n_map, &batch, task->a, NULL, NULL, task->work);
    memset(task->d_a, 0, task->at[n] * k * sizeof *task->d_a);
    loss = head->loss(head, w + n_map, &batch, task->a, task->d_a, grad + n_map, task->work);
    for (i = 0; i < n; i++) {
        const size_t n_row = task->at[i + 1] - task->at[i];
        mid__gemm(k, d, n_row, task->d_a + task->at[i] * k, 1, k, s->x + s->at[item[i]] * d, grad);
    }
    if (!head->no_bias)
        mid__add_rows(task->d_a, task->at[n], k, grad + k * d);
    return loss;
}

mid_status mid__head_task_open(mid_ctx *ctx, const mid__head *head, const mid__seqs *seqs, size_t n_max,
                               mid__head_task *task)
{
    size_t i, longest = 0, n_row;

    for (i = 0; i < seqs->n; i++)
        if (seqs->at[i + 1] - seqs->at[i] > longest)
            longest = seqs->at[i + 1] - seqs->at[i];
    n_row = n_max * longest;
    *task = (mid__head_task){ .head = head, .seqs = seqs, .n_max = n_max };
    task->at = malloc((n_max + 1) * sizeof *task->at);
    task->step_at = malloc((longest + 1) * sizeof *task->step_at);
    task->order = malloc((n_max + 1) * sizeof *task->order);
    task->turned = malloc((head->n_out * seqs->d + 1) * sizeof *task->turned);
    task->a = malloc((n_row * head->n_out + 1) * sizeof *task->a);
    task->d_a = malloc((n_row * head->n_out + 1) * sizeof *task->d_a);
    task->work = malloc((head->n_work(head, n_max, n_row) + 1) * sizeof *task->work);
    if (!task->at || !task->step_at || !task->order || !task->turned || !task->a || !task->d_a || !task->work) {
        mid__head_task_clear(task);
        return mid__oom(ctx, "a head");
    }
    task->loss = (mid__loss){ seqs->n, mid__head_n_weight(head, seqs->d), task_loss, task };
    return MID_OK;
}

void mid__head_task_clear(mid__head_task *task)
{
    free(task->at);
    free(task->step_at);
    free(task->order);
    free(task->turned);
    free(task->a);
    free(task->d_a);
    free(task->work);
    memset(task, 0, sizeof *task);
}

double mid__seqs_prior(const mid__seqs *seqs)
{
    size_t i, n = 0;

    for (i = 0; i < seqs->n; i++)
        n += seqs->label[i];
    return log(((double)n + 0.5) / ((double)(seqs->n - n) + 0.5));
}

static void start(const mid__head *head, const mid__seqs *seqs, uint64_t seed, float *w)
{
    const double reach = head->reach / sqrt((double)seqs->d);
    const size_t n = head->n_out * seqs->d;
    mid__rng rng;
    size_t i;

    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < n; i++)
        w[i] = (float)(reach * (2 * mid__rng_unit(&rng) - 1));
    memset(w + n, 0, (head->n_out + head->n_extra) * sizeof *w);
    if (head->init)
        head->init(head, mid__seqs_prior(seqs), &rng, w + n, w + n + head->n_out);
}

mid_status mid__head_fit(mid_ctx *ctx, const mid__head *head, const mid__train *train, const mid__seqs *seqs,
                         const uint8_t *held_out, float *w, float *w_inner, mid__found *found)
{
    mid__head_task task;
    mid_status status = mid__head_task_open(ctx, head, seqs, train->n_batch, &task);

    if (status != MID_OK)
        return status;
    start(head, seqs, train->seed, w);
    status = mid__train_fit(ctx, train, &task.loss, held_out, w, w_inner, found);
    mid__head_task_clear(&task);
    return status;
}
