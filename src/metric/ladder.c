/* The ladder: see its header for why figures are computed from counts. */
#include "metric/ladder.h"

#include "base/ctx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct place { double score; uint32_t i_answer; };

static int from_the_top(const void *a, const void *b)
{
    const double x = ((const struct place *)a)->score, y = ((const struct place *)b)->score;

    return (x < y) - (x > y);
}

static mid_status check(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n)
{
    size_t i;

    if (n > INT32_MAX)              /* a slot is 2 * rung + label in 32 bits */
        return mid__fail(ctx, MID_ELIMIT, "%zu answers, at most %d at once: measure them in parts", n, INT32_MAX);
    for (i = 0; i < n; i++) {
        if (isnan(score[i]))
            return mid__fail(ctx, MID_ENUMERIC, "score %zu of %zu is not a number", i, n);
        if (label[i] > 1)
            return mid__fail(ctx, MID_EINVAL, "label %zu of %zu is %d, want 0 (safe) or 1 (unsafe)", i, n, label[i]);
    }
    return MID_OK;
}

static void build(mid__ladder *l, struct place *place, const double *score, const uint8_t *label)
{
    size_t i;

    for (i = 0; i < l->n; i++)
        place[i] = (struct place){ score[i], (uint32_t)i };
    if (l->n > 1)
        qsort(place, l->n, sizeof *place, from_the_top);
    for (i = 0; i < l->n; i++) {
        const uint32_t i_answer = place[i].i_answer;
        if (i == 0 || place[i].score != place[i - 1].score)
            l->score[l->n_rung++] = place[i].score;
        l->slot[i_answer] = 2 * (uint32_t)(l->n_rung - 1) + label[i_answer];
        l->count[l->slot[i_answer]] += 1;
        l->n_unsafe += label[i_answer];
    }
}

mid_status mid__ladder_open(mid_ctx *ctx, const double *score, const uint8_t *label, size_t n, mid__ladder *out)
{
    mid__ladder l = { .n = n };
    struct place *place = NULL;
    mid_status status = check(ctx, score, label, n);

    if (status)
        return status;
    place = malloc((n + 1) * sizeof *place);
    l.score = malloc((n + 1) * sizeof *l.score);
    l.slot = malloc((n + 1) * sizeof *l.slot);
    l.count = calloc(n + 1, 2 * sizeof *l.count);
    if (!place || !l.score || !l.slot || !l.count) {
        status = mid__oom(ctx, "sorted scores");
        mid__ladder_clear(&l);
        goto out;
    }
    build(&l, place, score, label);
    *out = l;
out:
    free(place);
    return status;
}

void mid__ladder_clear(mid__ladder *ladder)
{
    free(ladder->score);
    free(ladder->slot);
    free(ladder->count);
    *ladder = (mid__ladder){ 0 };
}

mid_status mid__ladder_open_both(mid_ctx *ctx, const char *figure, const double *score, const uint8_t *label, size_t n,
                                 mid__ladder *out)
{
    mid_status status = mid__ladder_open(ctx, score, label, n, out);

    if (status || (out->n_unsafe > 0 && out->n_unsafe < n))
        return status;
    status = mid__fail(ctx, MID_EUNDEFINED, "%s of %zu safe and %zu unsafe answers: it needs both", figure,
                       n - out->n_unsafe, out->n_unsafe);
    mid__ladder_clear(out);
    return status;
}

static void clear_counts(mid__ladder *ladder)
{
    memset(ladder->count, 0, 2 * ladder->n_rung * sizeof *ladder->count);
}

void mid__ladder_index(mid__ladder *ladder, const uint32_t *index)
{
    size_t i;

    clear_counts(ladder);
    for (i = 0; i < ladder->n; i++)
        ladder->count[ladder->slot[index[i]]] += 1;
}

void mid__ladder_weigh(mid__ladder *ladder, const uint32_t *group, const uint32_t *weight)
{
    size_t i;

    clear_counts(ladder);
    for (i = 0; i < ladder->n; i++)
        ladder->count[ladder->slot[i]] += weight[group[i]];
}
