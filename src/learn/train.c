/* Early stopping in two parts. The first, without the items held out, only tells how fast and how many epochs (as in
 * Goodfellow, Bengio & Courville 2016, algorithm 7.2); the second uses every item. */
#include "learn/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/rng.h"
#include "learn/adam.h"

struct run {
    const mid__train *train;
    const mid__loss *loss;
    mid__adam adam;
    double rate;
    uint32_t *item, n_item;         /* the items trained on, in the order of the last epoch */
    float *grad;
    mid__rng rng;
};

static void shuffle(uint32_t *item, uint32_t n, mid__rng *rng)
{
    uint32_t i;

    for (i = n; i > 1; i--) {
        const uint32_t j = mid__rng_below(rng, i), swap = item[j];
        item[j] = item[i - 1];
        item[i - 1] = swap;
    }
}

/* Mean over the batch, shortened to length clip. */
static void temper(float *grad, size_t n, double clip, uint32_t n_batch)
{
    double square = 0, scale = 1.0 / n_batch;
    size_t i;

    for (i = 0; clip > 0 && i < n; i++)
        square += (double)grad[i] * (double)grad[i];
    if (sqrt(square) * scale > clip)
        scale = clip / sqrt(square);
    for (i = 0; i < n; i++)
        grad[i] *= (float)scale;
}

static bool epoch(struct run *r, float *w)
{
    const mid__loss *loss = r->loss;
    double sum = 0;
    uint32_t i, n;

    shuffle(r->item, r->n_item, &r->rng);
    for (i = 0; i < r->n_item; i += n) {
        n = r->n_item - i < r->train->n_batch ? r->n_item - i : r->train->n_batch;
        memset(r->grad, 0, loss->n_weight * sizeof *r->grad);
        sum += loss->of(loss->user, w, r->item + i, n, r->grad);
        temper(r->grad, loss->n_weight, r->train->clip, n);
        mid__adam_step(&r->adam, r->rate, r->train->decay, r->grad, w);
    }
    return isfinite(sum);
}

/* Items whose held_out is so, in order; those of either kind for -1. */
static uint32_t choose_items(const uint8_t *held_out, size_t n, int side, uint32_t *item)
{
    uint32_t k = 0;
    size_t i;

    for (i = 0; i < n; i++)
        if (side < 0 || held_out[i] == side)
            item[k++] = (uint32_t)i;
    return k;
}

static double loss_of(const mid__loss *loss, const float *w, const uint32_t *item, uint32_t n_item, uint32_t n_batch)
{
    double sum = 0;
    uint32_t i, n;

    for (i = 0; i < n_item; i += n) {
        n = n_item - i < n_batch ? n_item - i : n_batch;
        sum += loss->of(loss->user, w, item + i, n, NULL);
    }
    return sum;
}

static mid_status begin(mid_ctx *ctx, struct run *r, const uint8_t *held_out, int side)
{
    r->n_item = choose_items(held_out, r->loss->n_item, side, r->item);
    mid__rng_init(&r->rng, r->train->seed, 1);
    mid__adam_clear(&r->adam);
    return mid__adam_open(ctx, r->loss->n_weight, &r->adam);
}

/* One rate: epochs until the smallest held-out loss; best (n_weight) gets the weights of that moment. w is used up.
 * MID_ENUMERIC: not a rate to train at. */
static mid_status search(mid_ctx *ctx, struct run *r, const uint8_t *held_out, const uint32_t *test, uint32_t n_test,
                         float *w, float *best, mid__found *found)
{
    const mid__loss *loss = r->loss;
    double now;
    uint32_t e;
    mid_status status = begin(ctx, r, held_out, 0);

    if (status != MID_OK)
        return status;
    memcpy(best, w, loss->n_weight * sizeof *w);
    *found = (mid__found){ r->rate, loss_of(loss, w, test, n_test, r->train->n_batch), 0 };
    for (e = 1; e <= r->train->n_epoch_max && e <= found->n_epoch + r->train->patience; e++) {
        if (!epoch(r, w))
            return MID_ENUMERIC;
        now = loss_of(loss, w, test, n_test, r->train->n_batch);
        if (now < found->loss) {
            found->loss = now;
            found->n_epoch = e;
            memcpy(best, w, loss->n_weight * sizeof *w);
        }
    }
    return isfinite(found->loss) ? MID_OK : MID_ENUMERIC;
}

/* All rates from the same start; room (2 n_weight). */
static mid_status search_rates(mid_ctx *ctx, struct run *r, const uint8_t *held_out, const float *start, float *best,
                               float *room, mid__found *found)
{
    const size_t n = r->loss->n_weight, n_bytes = n * sizeof *best;
    uint32_t *test = malloc((r->loss->n_item + 1) * sizeof *test), n_test;
    mid__found now;
    mid_status status = test ? MID_OK : mid__oom(ctx, "training");
    size_t k;

    *found = (mid__found){ 0, INFINITY, 0 };
    memcpy(best, start, n_bytes);
    n_test = test ? choose_items(held_out, r->loss->n_item, 1, test) : 0;
    for (k = 0; status == MID_OK && n_test && n_test < r->loss->n_item && r->train->rate[k] > 0; k++) {
        memcpy(room, start, n_bytes);
        r->rate = r->train->rate[k];
        status = search(ctx, r, held_out, test, n_test, room, room + n, &now);
        if (status == MID_OK && now.loss < found->loss) {
            *found = now;
            memcpy(best, room + n, n_bytes);
        }
        if (status == MID_ENUMERIC && (isfinite(found->loss) || r->train->rate[k + 1] > 0))
            status = MID_OK;
    }
    free(test);
    return status;
}

mid_status mid__train_fit(mid_ctx *ctx, const mid__train *train, const mid__loss *loss, const uint8_t *held_out,
                          float *w, float *w_inner, mid__found *found)
{
    const size_t n_bytes = (loss->n_weight + 1) * sizeof(float);
    struct run r = { .train = train, .loss = loss };
    float *room = malloc(2 * n_bytes), *best = malloc(n_bytes);
    mid__found chosen = { 0 };
    uint32_t e;
    mid_status status = MID_OK;

    r.item = malloc((loss->n_item + 1) * sizeof *r.item);
    r.grad = malloc(n_bytes);
    if (!room || !best || !r.item || !r.grad) {
        status = mid__oom(ctx, "training");
        goto out;
    }
    status = search_rates(ctx, &r, held_out, w, best, room, &chosen);
    if (status == MID_OK)
        status = begin(ctx, &r, held_out, -1);
    r.rate = chosen.rate;
    for (e = 0; status == MID_OK && e < chosen.n_epoch; e++)
        if (!epoch(&r, w))
            status = MID_ENUMERIC;
    if (status == MID_OK && w_inner)
        memcpy(w_inner, best, loss->n_weight * sizeof *w);
    if (status == MID_OK && found)
        *found = chosen;
    if (status == MID_ENUMERIC)
        mid__fail(ctx, status, "training: the loss is no longer a number; are there huge values in the rows?");
out:
    mid__adam_clear(&r.adam);
    free(r.item);
    free(r.grad);
    free(room);
    free(best);
    return status;
}
