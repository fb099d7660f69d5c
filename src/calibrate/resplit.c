/* Does a rule do what it promises on these prompts? The prompts are cut in half at random R times; the rule is
 * calibrated on one half, and on the other its errors are counted as the promise counts them: prompts with a false
 * alarm or a miss, or their share of answers (hoeffding_bentkus).
 *
 * On average: given the prompts, a cut is a random draw, and in it every prompt of a class is as likely as any other to
 * stand at any place in the order of scores. So for a rule that keeps its promise by that order alone the mean over
 * cuts is at most the rate, whatever the scores are, and cuts are independent of each other given the prompts: the mean
 * of R is off by its standard error, in which the tried half's binomial noise is. Each cut's variance is taken to be at
 * least that noise, rate (1 - rate) / prompts, so that a few cuts that came out alike do not pass for certainty.
 *
 * With confidence 1 - delta: the true rate is not known, and on m tried prompts a rule whose true rate is just what was
 * asked for is above it about every second time. So a resplit counts only when the tried half by itself proves, at
 * NOISE, that the rate is above: P[Bin(m, rate) >= errors] <= NOISE (for shares the same of Hoeffding-Bentkus, both
 * being the calibration's own bound turned round), NOISE / 2 each where two rates are promised. That happens where the
 * calibration went wrong, in at most delta of cuts, or else by chance, in at most NOISE of the others; of R independent
 * cuts in R q + 3 sqrt(R q (1 - q)), q = delta + (1 - delta) NOISE. What is known for each cut is known of the average
 * set of prompts; for one answer per prompt without ties it is so for every set, since only the order matters.
 *
 * A check, no proof: it cannot see what the cut destroys. Prompts that will come later and are different are in neither
 * half, and drift between two halves of the data is dealt out to both. */
#include "calibrate/resplit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "base/rng.h"

#define NOISE 0.05                  /* how often chance alone may look like a broken promise */
#define GUARD 1e-12                 /* sums of shares are not exact */

/* ---- halves ------------------------------------------------------------------------------------------------------ */

static size_t n_rate(const mid__ask *ask) { return (size_t)!isnan(ask->false_alarm) + !isnan(ask->miss); }

static mid_resplit_rate rate_of(double asked)
{
    return (mid_resplit_rate){ .asked = asked, .mean = NAN, .sd = NAN, .lowest = NAN, .highest = NAN, .level = NAN,
                               .tolerance = NAN };
}

static mid_status make_room(mid_ctx *ctx, mid__resplit *r)
{
    const size_t n = r->set->n + 1;

    r->number = malloc(n * sizeof *r->number);
    r->extreme = malloc(n * sizeof *r->extreme);
    r->label = malloc(n);
    r->group = malloc(n * sizeof *r->group);
    r->score = malloc(n * sizeof *r->score);
    r->onset_tok = malloc(n * sizeof *r->onset_tok);
    r->count = malloc(n * sizeof *r->count);
    r->wrong = malloc(n * sizeof *r->wrong);
    if (!r->number || !r->extreme || !r->label || !r->group || !r->score || !r->onset_tok || !r->count || !r->wrong)
        return mid__oom(ctx, "resplits");
    r->half = (mid_rule_set){ .extreme = r->extreme, .label = r->label, .group = r->group,
                              .score = r->set->score ? r->score : NULL,
                              .onset_tok = r->set->onset_tok ? r->onset_tok : NULL, .max_tok = r->set->max_tok };
    return MID_OK;
}

/* Rates that calibration keeps, and two prompts of each class they are about. */
static mid_status check(mid_ctx *ctx, const mid__resplit *r, const mid_rule *whole)
{
    const mid__ask *ask = &r->ask;

    if (n_rate(ask) == 0)
        return mid__fail(ctx, MID_EUNDEFINED, "%s as it is asked for keeps no rate by calibration, so resplits have "
                         "nothing to check", r->name);
    if ((!isnan(ask->false_alarm) && whole->n_safe < 2) || (!isnan(ask->miss) && whole->n_unsafe < 2))
        return mid__fail(ctx, MID_EUNDEFINED, "%zu safe and %zu unsafe prompts: to cut in half, it takes 2 of each "
                         "class that %s promises something about", whole->n_safe, whole->n_unsafe, r->name);
    return MID_OK;
}

mid_status mid__resplit_open(mid_ctx *ctx, const char *name, const mid_param *params, const mid_rule_set *set,
                             mid__resplit *out)
{
    mid__resplit r = { .name = name, .params = params, .set = set };
    mid_rule whole;
    mid_status status = mid__rule_ask(ctx, name, params, &r.ask);

    if (status == MID_OK)           /* which checks the answers, too */
        status = mid_rule_fit(ctx, name, params, set, &whole);
    if (status == MID_OK)
        status = check(ctx, &r, &whole);
    if (status == MID_OK)
        status = make_room(ctx, &r);
    if (status == MID_OK)
        status = mid__prompt_number(ctx, set->group, set->n, r.number, &r.n_prompt);
    if (status != MID_OK) {
        mid__resplit_clear(&r);
        return status;
    }
    r.out = (mid_resplit){ .n_prompt = r.n_prompt, .confidence = r.ask.confidence,
                           .kind = r.ask.bound.method == MID__MEAN ? MID_PROMISE_MEAN : MID_PROMISE_CONFIDENT,
                           .false_alarm = rate_of(r.ask.false_alarm), .miss = rate_of(r.ask.miss) };
    *out = r;
    return MID_OK;
}

void mid__resplit_clear(mid__resplit *r)
{
    free(r->number);
    free(r->extreme);
    free(r->label);
    free(r->group);
    free(r->score);
    free(r->onset_tok);
    free(r->count);
    free(r->wrong);
    *r = (mid__resplit){ 0 };
}

static void take_half(mid__resplit *r, const uint8_t *is_tried)
{
    const mid_rule_set *set = r->set;
    size_t i, n = 0;

    for (i = 0; i < set->n; i++) {
        if (is_tried[r->number[i]])
            continue;
        r->extreme[n] = set->extreme[i];
        r->label[n] = set->label[i];
        r->group[n] = r->number[i];
        if (set->score)
            r->score[n] = set->score[i];
        if (set->onset_tok)
            r->onset_tok[n] = set->onset_tok[i];
        n += 1;
    }
    r->half.n = n;
}

/* ---- trying ------------------------------------------------------------------------------------------------------ */

/* Whether an answer raises what its class is judged by: an alarm, of unsafe ones also a hold. Only a walk that begins
 * again needs to be run; else the extreme says it all. */
static bool raises(const mid_rule *rule, const mid_rule_set *set, size_t i)
{
    if (rule->clear < 0 && set->score)
        return mid_rule_alarm(rule, set->score[i].score, set->score[i].n) < set->score[i].n;
    return mid_rule_alarm(rule, &set->extreme[i], 1) == 0;
}

static void judge(mid__resplit *r, const mid_rule *rule, const uint8_t *is_tried)
{
    mid_rule by_class[2] = { *rule, *rule };
    size_t i;

    by_class[0].hold_alarms = false;
    by_class[1].hold_alarms = true;
    for (i = 0; i < r->n_prompt; i++)
        r->count[i][0] = r->count[i][1] = r->wrong[i][0] = r->wrong[i][1] = 0;
    for (i = 0; i < r->set->n; i++) {
        const uint8_t label = r->set->label[i];
        if (!is_tried[r->number[i]])
            continue;
        r->count[r->number[i]][label] += 1;
        r->wrong[r->number[i]][label] += raises(&by_class[label], r->set, i) != label;
    }
}

/* Loss of the tried prompts of a class, and how many there are. */
static double loss_of(const mid__resplit *r, int label, size_t *n)
{
    double loss = 0;
    size_t i;

    *n = 0;
    for (i = 0; i < r->n_prompt; i++) {
        const uint32_t count = r->count[i][label], wrong = r->wrong[i][label];
        if (count == 0)
            continue;
        *n += 1;
        loss += r->ask.by_answer ? (double)wrong / count : wrong > 0;
    }
    return loss;
}

/* Counts one class's rate. true: it is above what was asked by more than noise. */
static bool measure(mid__resplit *r, int label, mid_resplit_rate *rate)
{
    mid__realised *sums = &r->realised[label];
    const mid__bound proof = { r->ask.bound.method, NOISE / (double)n_rate(&r->ask) };
    size_t n;
    const double loss = loss_of(r, label, &n), realised = loss / (double)n;

    if (n == 0) {
        sums->n_without += 1;
        return false;
    }
    sums->sum += realised;
    sums->square += realised * realised;
    sums->noise += rate->asked * (1 - rate->asked) / (double)n;
    rate->n += 1;
    rate->n_above += realised > rate->asked + GUARD;
    rate->lowest = fmin(rate->lowest, realised);
    rate->highest = fmax(rate->highest, realised);
    return proof.method != MID__MEAN && mid__bound_keeps(&proof, (double)n - loss, n, 1 - rate->asked);
}

mid_status mid__resplit_try(mid_ctx *ctx, mid__resplit *r, const uint8_t *is_tried)
{
    bool beyond = false;
    mid_rule rule;
    mid_status status;

    take_half(r, is_tried);
    status = mid_rule_fit(ctx, r->name, r->params, &r->half, &rule);
    if (status != MID_OK && status != MID_EUNDEFINED)   /* a half may lack a class that the whole has */
        return status;
    r->out.n += 1;
    if (status == MID_EUNDEFINED || !rule.feasible) {
        r->out.n_infeasible += 1;
        return MID_OK;
    }
    judge(r, &rule, is_tried);
    if (!isnan(r->ask.false_alarm))
        beyond = measure(r, 0, &r->out.false_alarm);
    if (!isnan(r->ask.miss))
        beyond |= measure(r, 1, &r->out.miss);
    r->out.n_beyond += beyond;
    return MID_OK;
}

/* ---- concluding -------------------------------------------------------------------------------------------------- */

/* Of n numbers; NaN of a single one. */
static double variance(double sum, double square, double n)
{
    return n < 2 ? NAN : fmax(0, (square - sum * sum / n) / (n - 1));
}

static void conclude_rate(const mid__resplit *r, int label, mid_resplit_rate *rate)
{
    const mid__realised *sums = &r->realised[label];
    const double n = (double)(r->out.n - sums->n_without), n_measured = (double)rate->n;

    if (isnan(rate->asked) || rate->n == 0)
        return;
    rate->mean = sums->sum / n_measured;
    rate->sd = sqrt(variance(sums->sum, sums->square, n_measured));
    if (r->out.kind != MID_PROMISE_MEAN)
        return;
    rate->level = sums->sum / n;
    rate->tolerance = 3 * sqrt(fmax(variance(sums->sum, sums->square, n), sums->noise / n) / n);
}

/* NaN, where nothing was measured, breaks nothing. */
static bool is_above(const mid_resplit_rate *rate) { return rate->level > rate->asked + rate->tolerance; }

static void say(mid_resplit *out)
{
    char why[256];

    if (out->n_infeasible == out->n)
        snprintf(why, sizeof why, "nothing to see: no resplit had a threshold");
    else if (!out->false_alarm.n && !out->miss.n)
        snprintf(why, sizeof why, "nothing to see: no tried half had prompts that the promise is about");
    else if (out->kind == MID_PROMISE_MEAN)
        snprintf(why, sizeof why, "%s: mean realised rates, 0 where there was no threshold, are %s most what was "
                 "promised + 3 standard errors", out->kept ? "kept" : "NOT kept", out->kept ? "at" : "not at");
    else
        snprintf(why, sizeof why, "%s: a realised rate was above the promised one by more than the tried half's noise "
                 "(one-sided test at %g %%) in %zu of %zu resplits, of which %zu may be",
                 out->kept ? "kept" : "NOT kept", 100 * NOISE, out->n_beyond, out->n, out->n_allowed);
    snprintf(out->words, sizeof out->words, "%s; a check, no proof: all resplits share these prompts, and a random "
             "cut makes both halves alike, which prompts that come later need not be", why);
}

void mid__resplit_conclude(const mid__resplit *r, mid_resplit *out)
{
    const double n = (double)r->out.n, q = 1 - r->ask.confidence * (1 - NOISE);
    mid_resplit sum = r->out;

    conclude_rate(r, 0, &sum.false_alarm);
    conclude_rate(r, 1, &sum.miss);
    sum.kept = !is_above(&sum.false_alarm) && !is_above(&sum.miss);
    if (sum.kind == MID_PROMISE_CONFIDENT) {
        sum.n_allowed = (size_t)fmin(n, n * q + 3 * sqrt(n * q * (1 - q)));
        sum.kept = sum.n_beyond <= sum.n_allowed;
    }
    say(&sum);
    *out = sum;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* The first half of a shuffled deck is calibrated on, the middle one of an odd number, too. */
static void cut(uint64_t seed, size_t i_resplit, uint32_t *deck, size_t n, uint8_t *is_tried)
{
    mid__rng rng;
    size_t i;

    mid__rng_init(&rng, seed, i_resplit);
    for (i = 0; i < n; i++)
        deck[i] = (uint32_t)i;
    for (i = n; i > 1; i--) {
        const uint32_t k = mid__rng_below(&rng, (uint32_t)i), swap = deck[i - 1];
        deck[i - 1] = deck[k];
        deck[k] = swap;
    }
    for (i = 0; i < n; i++)
        is_tried[deck[i]] = i >= (n + 1) / 2;
}

mid_status mid_rule_resplit(mid_ctx *ctx, const char *name, const mid_param *params, const mid_rule_set *set,
                            size_t n_resplit, uint64_t seed, mid_resplit *out)
{
    mid__resplit r = { 0 };
    uint8_t *is_tried = NULL;
    uint32_t *deck = NULL;
    size_t i;
    mid_status status;

    if (n_resplit < 1 || n_resplit > MID_RESPLIT_MAX)
        return mid__fail(ctx, MID_EINVAL, "%zu resplits, want 1 to %d", n_resplit, MID_RESPLIT_MAX);
    status = mid__resplit_open(ctx, name, params, set, &r);
    if (status != MID_OK)
        return status;
    is_tried = malloc(r.n_prompt);
    deck = malloc(r.n_prompt * sizeof *deck);
    if (!is_tried || !deck)
        status = mid__oom(ctx, "resplits");
    for (i = 0; i < n_resplit && status == MID_OK; i++) {
        cut(seed, i, deck, r.n_prompt, is_tried);
        status = mid__resplit_try(ctx, &r, is_tried);
    }
    if (status == MID_OK)
        mid__resplit_conclude(&r, out);
    free(is_tried);
    free(deck);
    mid__resplit_clear(&r);
    return status;
}
