/* Sides. Sorting goes by digits of the numbers' bits, since a calibration set of 100k answers should cost
 * milliseconds. Lines are found by bisection, since a bound changes its mind once along a side. "score >= threshold"
 * alarms, so a line above an extreme is the next double above it: with scores of few values, ties would break the
 * promise. */
#include "calibrate/side.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* Digits of a key, the last first; bit 32 is in two of them, which does no harm. Those from TOP on are its upper
 * half. */
enum { DIGIT_N = 6, TOP = 3, BUCKET_N = 1 << 11, RUN_MAX = 32 };
static const int shift[DIGIT_N] = { 0, 11, 22, 32, 43, 54 };

/* Keys with what moves along; carry NULL: nothing does. */
typedef struct pairs { uint64_t *key; uint32_t *carry; } pairs;

static unsigned digit(uint64_t key, int d) { return (unsigned)(key >> shift[d]) & (BUCKET_N - 1); }

/* By one digit, equal ones keeping their order. place: where each bucket begins. */
static void scatter(pairs from, size_t n, int d, uint32_t *place, pairs to)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const uint32_t at = place[digit(from.key[i], d)]++;
        to.key[at] = from.key[i];
        if (from.carry)
            to.carry[at] = from.carry[i];
    }
}

/* By the digits from `first` on; digits that are all equal are skipped. *at and *room may change places. */
static void sort_digits(pairs *at, pairs *room, size_t n, int first, uint32_t (*place)[BUCKET_N])
{
    size_t i;
    int d, b;

    memset(place, 0, DIGIT_N * sizeof *place);
    for (i = 0; i < n; i++)
        for (d = first; d < DIGIT_N; d++)
            place[d][digit(at->key[i], d)]++;
    for (d = first; d < DIGIT_N && n > 0; d++) {
        uint32_t sum = 0;
        pairs swap = *at;
        if (place[d][digit(at->key[0], d)] == n)
            continue;
        for (b = 0; b < BUCKET_N; b++) {
            const uint32_t here = place[d][b];
            place[d][b] = sum;
            sum += here;
        }
        scatter(*at, n, d, place[d], *room);
        *at = *room;
        *room = swap;
    }
}

/* The upper halves are in order: put in order those that share one, by insertion. false: too many share one. */
static bool sort_runs(pairs p, size_t n)
{
    size_t i, j, start = 0;

    for (i = 1; i < n; i++) {
        const uint64_t key = p.key[i];
        const uint32_t carry = p.carry ? p.carry[i] : 0;
        if (key >> 32 != p.key[i - 1] >> 32)
            start = i;
        if (key >= p.key[i - 1])
            continue;
        if (i - start > RUN_MAX)
            return false;
        for (j = i; j > start && p.key[j - 1] > key; j--) {
            p.key[j] = p.key[j - 1];
            if (p.carry)
                p.carry[j] = p.carry[j - 1];
        }
        p.key[j] = key;
        if (p.carry)
            p.carry[j] = carry;
    }
    return true;
}

/* Keys rising. Most numbers differ in their upper halves, so that half of the work is mostly enough. */
static mid_status sort(mid_ctx *ctx, uint64_t *key, uint32_t *carry, size_t n)
{
    uint32_t (*place)[BUCKET_N] = malloc(DIGIT_N * sizeof *place);
    pairs own = { malloc((n + 1) * sizeof *own.key), carry ? malloc((n + 1) * sizeof *own.carry) : NULL };
    pairs at = { key, carry }, room = own;
    mid_status status = place && own.key && (own.carry || !carry) ? MID_OK : mid__oom(ctx, "sorting");

    if (status != MID_OK)
        goto out;
    sort_digits(&at, &room, n, TOP, place);
    if (!sort_runs(at, n))
        sort_digits(&at, &room, n, 0, place);
    if (at.key != key) {
        memcpy(key, at.key, n * sizeof *key);
        if (carry)
            memcpy(carry, at.carry, n * sizeof *carry);
    }
out:
    free(place);
    free(own.key);
    free(own.carry);
    return status;
}

/* Bits whose order as whole numbers is that of the doubles. */
static uint64_t key_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static double double_of(uint64_t key)
{
    double x;

    key = key >> 63 ? key & ~(1ull << 63) : ~key;
    memcpy(&x, &key, sizeof x);
    return x;
}

mid_status mid__rise(mid_ctx *ctx, double *value, uint32_t *carry, size_t n)
{
    uint64_t *key = malloc((n + 1) * sizeof *key);
    size_t i;
    mid_status status = key ? MID_OK : mid__oom(ctx, "sorting");

    for (i = 0; status == MID_OK && i < n; i++)
        key[i] = key_of(value[i]);
    if (status == MID_OK)
        status = sort(ctx, key, carry, n);
    for (i = 0; status == MID_OK && i < n; i++)
        value[i] = double_of(key[i]);
    free(key);
    return status;
}

/* Groups in rising order, as most callers number them: nothing to sort. */
static bool number_rising(const uint32_t *group, size_t n, uint32_t *number)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (i > 0 && group[i] < group[i - 1])
            return false;
        number[i] = i > 0 ? number[i - 1] + (group[i] > group[i - 1]) : 0;
    }
    return true;
}

/* Groups that fill their range well, as numbers given out one by one do in whatever order: by a table of them. */
static mid_status number_dense(mid_ctx *ctx, const uint32_t *group, size_t n, uint32_t most, uint32_t *number,
                               size_t *n_prompt)
{
    uint32_t *rank = calloc(most + (size_t)1, sizeof *rank), n_rank = 0, g;
    size_t i;

    if (!rank)
        return mid__oom(ctx, "prompts");
    for (i = 0; i < n; i++)
        rank[group[i]] = 1;
    for (g = 0; g <= most; g++) {
        const uint32_t here = rank[g];
        rank[g] = n_rank;
        n_rank += here;
    }
    for (i = 0; i < n; i++)
        number[i] = rank[group[i]];
    *n_prompt = n_rank;
    free(rank);
    return MID_OK;
}

/* Groups all over the place, as hashes are. A group and its answer make one key, so that nothing has to move along. */
static mid_status number_sparse(mid_ctx *ctx, const uint32_t *group, size_t n, uint32_t *number, size_t *n_prompt)
{
    uint64_t *key = malloc((n + 1) * sizeof *key);
    uint32_t last = 0;
    size_t i;
    mid_status status = key ? MID_OK : mid__oom(ctx, "prompts");

    for (i = 0; status == MID_OK && i < n; i++)
        key[i] = (uint64_t)group[i] << 32 | i;
    if (status == MID_OK)
        status = sort(ctx, key, NULL, n);
    for (i = 0; status == MID_OK && i < n; i++) {
        last += i > 0 && key[i] >> 32 != key[i - 1] >> 32;
        number[(uint32_t)key[i]] = last;
    }
    *n_prompt = last + (size_t)1;
    free(key);
    return status;
}

mid_status mid__prompt_number(mid_ctx *ctx, const uint32_t *group, size_t n, uint32_t *number, size_t *n_prompt)
{
    uint32_t most = 0;
    size_t i;

    if (number_rising(group, n, number)) {
        *n_prompt = n ? number[n - 1] + (size_t)1 : 0;
        return MID_OK;
    }
    for (i = 0; i < n; i++)
        most = group[i] > most ? group[i] : most;
    return most / 4 <= n ? number_dense(ctx, group, n, most, number, n_prompt)
                         : number_sparse(ctx, group, n, number, n_prompt);
}

/* ---- sides ------------------------------------------------------------------------------------------------------- */

/* How many answers of the class each prompt has; the number of prompts that have any. Labels come in no order, so here
 * and in take_prompts() nothing branches on them. */
static size_t count_answers(const mid__rule_set *set, uint8_t label, uint32_t *count)
{
    size_t i, n_prompt = 0;

    for (i = 0; i < set->given->n; i++)
        count[set->number[i]] += set->given->label[i] == label;
    for (i = 0; i < set->n_prompt; i++)
        n_prompt += count[i] > 0;
    return n_prompt;
}

/* at (n_prompt) by number of the prompt; then closed up. */
static void take_prompts(const mid__rule_set *set, uint8_t label, const uint32_t *count, mid__side *side)
{
    const double none = label ? INFINITY : -INFINITY;
    size_t i;

    for (i = 0; i < set->n_prompt; i++)
        side->at[i] = none;
    for (i = 0; i < set->given->n; i++) {
        double *at = &side->at[set->number[i]];
        const double x = set->given->label[i] == label ? set->extreme[i] : none;
        *at = (label ? x < *at : x > *at) ? x : *at;
    }
    for (i = 0; i < set->n_prompt; i++) {
        side->at[side->n] = side->at[i];
        side->n += count[i] > 0;
    }
}

/* share (n): how many answers share each one's prompt. */
static void take_answers(const mid__rule_set *set, uint8_t label, const uint32_t *count, mid__side *side,
                         uint32_t *share)
{
    size_t i;

    for (i = 0; i < set->given->n; i++)
        if (set->given->label[i] == label) {
            share[side->n] = count[set->number[i]];
            side->at[side->n++] = set->extreme[i];
        }
}

mid_status mid__side_open(mid_ctx *ctx, const mid__rule_set *set, uint8_t label, bool by_answer, mid__side *out)
{
    const size_t n = by_answer ? set->given->n : set->n_prompt;
    uint32_t *count = calloc(set->n_prompt + 1, sizeof *count);
    uint32_t *share = by_answer ? malloc((n + 1) * sizeof *share) : NULL;
    mid__side side = { .at = malloc((n + 1) * sizeof *side.at) };
    size_t i;
    mid_status status = count && (share || !by_answer) && side.at ? MID_OK : mid__oom(ctx, "calibration extremes");

    if (status != MID_OK)
        goto out;
    side.n_prompt = count_answers(set, label, count);
    if (by_answer)
        take_answers(set, label, count, &side, share);
    else
        take_prompts(set, label, count, &side);
    by_answer &= side.n != side.n_prompt;
    status = mid__rise(ctx, side.at, by_answer ? share : NULL, side.n);
    if (status == MID_OK && by_answer) {
        side.before = malloc((side.n + 1) * sizeof *side.before);
        if (!side.before)
            status = mid__oom(ctx, "calibration losses");
    }
    for (i = 0; status == MID_OK && by_answer && i <= side.n; i++)
        side.before[i] = i ? side.before[i - 1] + 1.0 / share[i - 1] : 0;
out:
    free(count);
    free(share);
    if (status == MID_OK)
        *out = side;
    else
        mid__side_clear(&side);
    return status;
}

void mid__side_clear(mid__side *side)
{
    free(side->at);
    free(side->before);
    *side = (mid__side){ 0 };
}

/* ---- cuts -------------------------------------------------------------------------------------------------------- */

static double loss_before(const mid__side *side, size_t i) { return side->before ? side->before[i] : (double)i; }

/* The first at or above the threshold. */
static size_t place_of(const mid__side *side, double threshold)
{
    size_t lo = 0, hi = side->n;

    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (side->at[middle] < threshold)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

double mid__side_under(const mid__side *side, double threshold) { return loss_before(side, place_of(side, threshold)); }

double mid__side_from(const mid__side *side, double threshold)
{
    return threshold == INFINITY ? 0            /* never, not even at an infinite score */
           : loss_before(side, side->n) - loss_before(side, place_of(side, threshold));
}

/* The i-th extreme keeps: a threshold just above it on the safe side, at it on the unsafe one. Of extremes that tie,
 * those in the middle are judged as if the rest of them were on the wrong side, which moves no line. */
static bool keeps(const mid__side *side, const mid__bound *bound, double rate, bool above, size_t i)
{
    const double error = above ? loss_before(side, side->n) - loss_before(side, i + 1) : loss_before(side, i);

    return mid__bound_keeps(bound, error, side->n_prompt, rate);
}

bool mid__side_lowest(const mid__side *safe, const mid__bound *bound, double rate, double *threshold)
{
    size_t lo = 0, hi = safe->n;

    while (lo < hi) {               /* the first that keeps: all behind it do */
        const size_t middle = lo + (hi - lo) / 2;
        if (keeps(safe, bound, rate, true, middle))
            hi = middle;
        else
            lo = middle + 1;
    }
    if (lo < safe->n)
        *threshold = nextafter(safe->at[lo], INFINITY);
    return lo < safe->n;
}

bool mid__side_highest(const mid__side *unsafe, const mid__bound *bound, double rate, double *threshold)
{
    size_t lo = 0, hi = unsafe->n;

    while (lo < hi) {               /* the first that does not keep: all before it do */
        const size_t middle = lo + (hi - lo) / 2;
        if (keeps(unsafe, bound, rate, false, middle))
            lo = middle + 1;
        else
            hi = middle;
    }
    if (lo == 0 || unsafe->at[lo - 1] == -INFINITY)
        return false;
    *threshold = fmin(unsafe->at[lo - 1], DBL_MAX);     /* a threshold of infinity never alarms */
    return true;
}
