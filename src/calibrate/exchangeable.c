/* A conformal test martingale (Vovk, Gammerman & Shafer 2005, ch. 7; Vovk et al. 2021, arXiv 2102.10439): bet against
 * "nothing has changed" and see whether the bet makes money.
 *   p-value   N answers in the bag, the new one z among them: p = (#{above z} + U #{equal to z}) / N, U uniform. Then
 *             z stays in the bag. If all answers are exchangeable the p are independent and uniform, ties or not. Held
 *             against one fixed calibration set they would not be: each is right on average over such sets, but they
 *             lean the same way together, and a bet on that wins without any drift (100 calibration answers, 1,000 new
 *             ones, alpha .05: in 42 % of 400 streams).
 *   full bag  of the N + 1 answers, the new one too, a random one goes. Which one that is tells nothing of which one
 *             was new, so the p stay independent and uniform: memory has a limit, the stream has none. What is lost is
 *             power against a shift so slow that the bag follows it.
 *   bet       Simple Jumper: three accounts, e = -1, 0, 1, each multiplied by 1 + e (u - 1/2), whose mean is 1; before
 *             that a share J of the capital is dealt out anew. Ours are the mean of six: J = .0001, .001, .01, since
 *             nobody knows when a shift will come, and u = p, which sees scores rise and fall, or u = |2p - 1|, just as
 *             uniform, which sees them move to both ends or to the middle and leave the mean of p alone.
 *   alarm     capital that begins at 1 and gains nothing on average ever reaches 1/alpha with a probability of at most
 *             alpha (Ville 1939).
 * Capital is kept as its logarithm and the accounts as shares of it, so neither overflows in a long stream. */
#include "calibrate/drift_state.h"
#include "metric/order.h"

#include "base/ctx.h"
#include "base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE, SPREAD, N_VIEW = MID__N_VIEW };   /* u = p; u = |2p - 1| */
enum { N_RATE = MID__N_RATE, N_SIDE = MID__N_SIDE, KEEP_DEFAULT = 4096 };
#define ALPHA_DEFAULT 0.01

static const double rate[N_RATE] = { 0.0001, 0.001, 0.01 };

static const struct { int view, side; const char *name, *words; } shifts[MID__N_SHIFT] = {
    { PLACE,  0, "higher",   "run higher than" },       /* a small p is a high score */
    { PLACE,  2, "lower",    "run lower than" },
    { SPREAD, 2, "apart",    "lie further apart than" },
    { SPREAD, 0, "together", "lie closer together than" },
};

mid_drift_opts mid_drift_opts_default(void)
{
    return (mid_drift_opts){ .size = sizeof(mid_drift_opts), .alpha = ALPHA_DEFAULT, .keep_max = KEEP_DEFAULT };
}

static mid_status check(mid_ctx *ctx, const double *extreme, size_t n, const mid_drift_opts *opts)
{
    size_t i;

    if (n == 0)
        return mid__fail(ctx, MID_EUNDEFINED, "no calibration answers to compare with: give their extremes");
    if (!(opts->alpha > 0 && opts->alpha < 1))
        return mid__fail(ctx, MID_EINVAL, "alpha is %g, want above 0 and below 1", opts->alpha);
    if (n > INT32_MAX || opts->keep_max > INT32_MAX - n)
        return mid__fail(ctx, MID_ELIMIT, "%zu calibration answers and %u to keep, at most %d in all: keep fewer", n,
                         (unsigned)opts->keep_max, INT32_MAX);
    for (i = 0; i < n; i++)
        if (isnan(extreme[i]))
            return mid__fail(ctx, MID_ENUMERIC, "extreme %zu of %zu is not a number", i, n);
    return MID_OK;
}

/* One extreme of each prompt, drawn; *n_prompt of them, in place. */
static mid_status draw_prompts(mid_ctx *ctx, const uint32_t *group, size_t n, mid__rng *rng, double *extreme,
                               size_t *n_prompt)
{
    uint32_t *number = malloc(n * sizeof *number), *n_seen = NULL;
    double *drawn = NULL;
    mid_status status = number ? MID_OK : mid__oom(ctx, "calibration prompts");
    size_t i;

    if (status)
        goto out;
    memcpy(number, group, n * sizeof *number);
    status = mid__group_number(ctx, number, n, n_prompt);
    if (status)
        goto out;
    n_seen = calloc(*n_prompt, sizeof *n_seen);
    drawn = malloc(*n_prompt * sizeof *drawn);
    if (!n_seen || !drawn) {
        status = mid__oom(ctx, "calibration prompts");
        goto out;
    }
    for (i = 0; i < n; i++)             /* the k-th answer to a prompt takes over with probability 1/k */
        if (mid__rng_below(rng, ++n_seen[number[i]]) == 0)
            drawn[number[i]] = extreme[i];
    memcpy(extreme, drawn, *n_prompt * sizeof *drawn);
out:
    free(drawn);
    free(n_seen);
    free(number);
    return status;
}

static mid_drift *new_drift(const double *extreme, size_t n, const mid_drift_opts *opts, const mid__rng *rng)
{
    const size_t room = n + opts->keep_max;
    mid_drift *d = calloc(1, sizeof *d + (room + 1) * sizeof *d->bag);
    size_t i;

    if (!d)
        return NULL;
    d->alpha = opts->alpha;
    d->n_calibration = (uint32_t)n;
    d->n_room = (uint32_t)room;
    d->mind.rng = *rng;
    d->mind.p = NAN;
    for (i = 0; i < N_VIEW * N_RATE * N_SIDE; i++)
        (&d->mind.share[0][0][0])[i] = 1.0 / (N_VIEW * N_RATE * N_SIDE);
    for (i = 0; i < n; i++)
        mid__bag_add(d->bag, (uint32_t)i + 1, extreme[i], (uint32_t)(mid__rng_u64(&d->mind.rng) >> 32));
    return d;
}

mid_status mid_drift_open(mid_ctx *ctx, const double *extreme, const uint32_t *group, size_t n,
                          const mid_drift_opts *given, mid_drift **out)
{
    mid_drift_opts opts = given ? *given : mid_drift_opts_default();
    double *of_prompt = NULL;
    mid__rng rng;
    mid_drift *d = NULL;
    mid_status status;

    opts.alpha = opts.alpha == 0 ? ALPHA_DEFAULT : opts.alpha;
    opts.keep_max = opts.keep_max ? opts.keep_max : KEEP_DEFAULT;
    status = check(ctx, extreme, n, &opts);
    if (status)
        return status;
    of_prompt = malloc(n * sizeof *of_prompt);
    if (!of_prompt)
        return mid__oom(ctx, "calibration extremes");
    memcpy(of_prompt, extreme, n * sizeof *of_prompt);
    mid__rng_init(&rng, opts.seed, 0);
    if (group)
        status = draw_prompts(ctx, group, n, &rng, of_prompt, &n);
    if (!status) {
        d = new_drift(of_prompt, n, &opts, &rng);
        status = d ? MID_OK : mid__oom(ctx, "a drift check");
    }
    free(of_prompt);
    if (!status && opts.path)
        status = mid__drift_file_open(ctx, &opts, d);
    if (!status)
        *out = d;
    else
        mid_drift_close(d);
    return status;
}

void mid_drift_close(mid_drift *drift)
{
    if (drift)
        mid__drift_file_close(drift->file);
    free(drift);
}

static double p_value(mid_drift *d, double extreme)
{
    const uint32_t n = mid__bag_n(d->bag) + 1, n_above = mid__bag_above(d->bag, extreme);
    const uint32_t n_equal = n - n_above - mid__bag_below(d->bag, extreme);     /* the new one too */

    return (n_above + mid__rng_unit(&d->mind.rng) * n_equal) / n;
}

/* By rank, so that what goes does not depend on how the bag came to be. */
static void keep(mid_drift *d, double extreme)
{
    const uint32_t n = mid__bag_n(d->bag), order = (uint32_t)(mid__rng_u64(&d->mind.rng) >> 32);
    uint32_t slot = n + 1, rank;

    if (n == d->n_room) {
        rank = mid__rng_below(&d->mind.rng, n + 1);
        if (rank == n)                  /* the new one has to go */
            return;
        slot = mid__bag_take(d->bag, mid__bag_at(d->bag, rank));
    }
    mid__bag_add(d->bag, slot, extreme, order);
}

/* Deal out, then bet. Returns what the capital is multiplied by. */
static double bet(double share[N_RATE][N_SIDE], double u)
{
    double all = 0;
    int j, e;

    for (j = 0; j < N_RATE; j++) {
        const double sum = share[j][0] + share[j][1] + share[j][2];
        for (e = 0; e < N_SIDE; e++) {
            share[j][e] = (1 - rate[j]) * share[j][e] + rate[j] * sum / N_SIDE;
            share[j][e] *= 1 + (e - 1) * (u - 0.5);
            all += share[j][e];
        }
    }
    return all;
}

/* Where the money was made. */
static int shift_of(const mid_drift *d)
{
    double most = -1;
    int best = 0, k, j;

    for (k = 0; k < MID__N_SHIFT; k++) {
        double sum = 0;
        for (j = 0; j < N_RATE; j++)
            sum += d->mind.share[shifts[k].view][j][shifts[k].side];
        if (sum > most) {
            most = sum;
            best = k;
        }
    }
    return best;
}

mid_status mid_drift_push(mid_drift *d, double extreme, mid_drift_state *state)
{
    double gain;
    int i;

    if (isnan(extreme))
        return MID_ENUMERIC;
    d->mind.p = p_value(d, extreme);
    keep(d, extreme);
    gain = bet(d->mind.share[PLACE], d->mind.p) + bet(d->mind.share[SPREAD], fabs(2 * d->mind.p - 1));
    for (i = 0; i < N_VIEW * N_RATE * N_SIDE; i++)
        (&d->mind.share[0][0][0])[i] /= gain;
    d->mind.ln_capital += log(gain);
    d->mind.ln_capital_max = fmax(d->mind.ln_capital_max, d->mind.ln_capital);
    d->mind.n += 1;
    if (!d->mind.n_at_alarm && d->mind.ln_capital >= -log(d->alpha)) {
        d->mind.n_at_alarm = d->mind.n;
        d->mind.shift = (uint64_t)shift_of(d);
    }
    if (state)
        *state = d->mind.n_at_alarm ? MID_DRIFT_WITHDRAWN : MID_DRIFT_HOLDS;
    return MID_OK;
}

mid_status mid_drift_push_prompt(mid_drift *d, const char *prompt, double extreme, mid_drift_state *state, bool *heard)
{
    const uint32_t at = (uint32_t)(mid__fnv(MID__FNV_START, prompt, strlen(prompt)) % MID__PROMPT_N);
    const uint8_t bit = (uint8_t)(1u << at % 8);
    const bool is_new = !(d->heard[at / 8] & bit);
    mid_status status = MID_OK;

    if (is_new)
        status = mid_drift_push(d, extreme, state);
    else if (state)
        *state = d->mind.n_at_alarm ? MID_DRIFT_WITHDRAWN : MID_DRIFT_HOLDS;
    if (status)
        return status;
    d->heard[at / 8] |= bit;
    if (heard)
        *heard = is_new;
    return MID_OK;
}

static void write_words(const mid_drift *d, char *to, size_t room)
{
    const double evidence = exp(fmin(d->mind.ln_capital_max, 600)), limit = 1 / d->alpha;

    if (!d->mind.n_at_alarm) {
        snprintf(to, room, "the promise stands: %llu answer%s since calibration, and no proof of a shift (evidence at "
                 "most %.3g to 1, limit %.3g to 1)", (unsigned long long)d->mind.n, d->mind.n == 1 ? "" : "s", evidence,
                 limit);
        return;
    }
    snprintf(to, room, "the promise is withdrawn: after %llu answers it was clear that their scores %s those of the %u "
             "calibration answers (evidence %.3g to 1, limit %.3g to 1: without a change the chance of this ever "
             "happening is at most %.3g %%). Other prompts, another model or another share of unsafe prompts can be "
             "the cause; calibrate anew on answers like today's", (unsigned long long)d->mind.n_at_alarm,
             shifts[d->mind.shift].words, (unsigned)d->n_calibration, evidence, limit, 100 * d->alpha);
}

void mid_drift_read(const mid_drift *d, mid_drift_verdict *out)
{
    *out = (mid_drift_verdict){
        .state = d->mind.n_at_alarm ? MID_DRIFT_WITHDRAWN : MID_DRIFT_HOLDS,
        .n = d->mind.n, .n_at_alarm = d->mind.n_at_alarm, .p = d->mind.p,
        .ln_evidence = d->mind.ln_capital, .ln_evidence_max = d->mind.ln_capital_max,
        .shift = d->mind.n_at_alarm ? shifts[d->mind.shift].name : NULL,
    };
    write_words(d, out->words, sizeof out->words);
}

size_t mid_drift_size(const mid_drift *d) { return sizeof *d + ((size_t)d->n_room + 1) * sizeof *d->bag; }
void mid_drift_save(const mid_drift *d, void *snapshot) { memcpy(snapshot, d, mid_drift_size(d)); }

void mid_drift_restore(mid_drift *d, const void *snapshot)
{
    mid__drift_file *file = d->file;    /* stays where it is */

    memcpy(d, snapshot, mid_drift_size(d));
    d->file = file;
}
