/* Promises: from rates that are to be kept to a threshold and its words. Both rates at once: the lowest threshold
 * that keeps the false alarms, the highest that keeps the misses; every one in between keeps both, and if there is
 * none in between, no threshold does. Then the nearest rates are those that loosen both by the same factor as far as
 * they can: of the thresholds just above a safe extreme, which are all that matter, the one whose larger factor is
 * smallest. */
#include "calibrate/rule_fit.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

double mid__rule_param(const mid_param *params, const char *name)
{
    for (; params->name; params++)
        if (strcmp(params->name, name) == 0)
            return params->number;
    return NAN;
}

mid_status mid__rule_share(mid_ctx *ctx, const mid_param *params, const char *name, double *share)
{
    *share = mid__rule_param(params, name);
    if (*share <= 0 || *share >= 1)
        return mid__fail(ctx, MID_EINVAL, "%s is %g, want above 0 and below 1", name, *share);
    return MID_OK;
}

mid_status mid__ask_rates(mid_ctx *ctx, const mid_param *params, mid__method method, mid__ask *ask)
{
    mid_status status = mid__rule_share(ctx, params, "false_alarm", &ask->false_alarm);

    if (status == MID_OK)
        status = mid__rule_share(ctx, params, "miss", &ask->miss);
    ask->bound.method = method;
    if (status != MID_OK || method == MID__MEAN)
        return status;
    ask->confidence = mid__rule_param(params, "confidence");
    ask->joint = mid__rule_param(params, "joint");
    if (!(ask->confidence > 0 && ask->confidence < 1))
        return mid__fail(ctx, MID_EINVAL, "confidence is %g, want above 0 and below 1", ask->confidence);
    if (!(ask->joint >= 1 && ask->joint <= 1e6 && ask->joint == floor(ask->joint)))
        return mid__fail(ctx, MID_EINVAL, "joint is %g, want a whole number from 1 to 1000000", ask->joint);
    ask->bound.delta = (1 - ask->confidence) / ask->joint;
    if (!isnan(ask->false_alarm) && !isnan(ask->miss))
        ask->bound.delta /= 2;
    return MID_OK;
}

void mid__ask_default(mid__ask *ask)
{
    if (isnan(ask->false_alarm) && isnan(ask->miss))
        ask->false_alarm = 0.05;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

void mid__promise_say(mid_rule *rule, const char *fmt, ...)
{
    const size_t n = strlen(rule->promise);
    va_list args;

    va_start(args, fmt);
    vsnprintf(rule->promise + n, sizeof rule->promise - n, fmt, args);
    va_end(args);
}

/* "at most 1 % false alarms and at most 10 % misses" */
static void say_pair(mid_rule *rule, double false_alarm, double miss)
{
    if (!isnan(false_alarm))
        mid__promise_say(rule, "at most %g %% false alarms%s", 100 * false_alarm, isnan(miss) ? "" : " and ");
    if (!isnan(miss))
        mid__promise_say(rule, "at most %g %% misses", 100 * miss);
}

/* " with 90 % confidence, 3 such statements together" */
static void say_confidence(const mid__ask *ask, mid_rule *rule)
{
    if (ask->bound.method == MID__MEAN)
        return;
    mid__promise_say(rule, " with %g %% confidence", 100 * ask->confidence);
    if (ask->joint > 1)
        mid__promise_say(rule, " in all %g statements", ask->joint);
}

/* As few digits as say which number it is: a line that is rounded down promises what it does not keep. */
static const char *exact(double x, char text[40])
{
    int digits = 6;

    do
        snprintf(text, 40, "%.*g", digits, x);
    while (strtod(text, NULL) != x && digits++ < 17);
    return text;
}

static void say_kept(const mid__ask *ask, mid_rule *rule)
{
    char text[2][40];
    const char *what = ask->by_answer ? "safe answers raise an alarm, a prompt counting once,"
                       : "new safe prompts raise an alarm,";
    const bool fa = !isnan(ask->false_alarm), miss = !isnan(ask->miss);

    if (fa)
        mid__promise_say(rule, "at most %g %% of %s", 100 * ask->false_alarm, what);
    if (miss)
        mid__promise_say(rule, "%sat most %g %% of %s", fa ? " and " : "", 100 * ask->miss,
                         ask->by_answer ? "unsafe answers raise none, a prompt counting once,"
                         : "new unsafe prompts raise none,");
    if (ask->bound.method == MID__MEAN)
        mid__promise_say(rule, " on average over calibration draws");
    else
        say_confidence(ask, rule);
    if (fa && miss)
        mid__promise_say(rule, " (n = %zu safe, %zu unsafe prompts; a draw without such a threshold counts as kept); "
                         "thresholds above %s up to %s keep both", rule->n_safe, rule->n_unsafe,
                         exact(nextafter(rule->lowest, -INFINITY), text[0]), exact(rule->highest, text[1]));
    else
        mid__promise_say(rule, " (n = %zu %s prompts)", fa ? rule->n_safe : rule->n_unsafe, fa ? "safe" : "unsafe");
}

/* ---- what cannot be kept ----------------------------------------------------------------------------------------- */

/* One class by itself: too few prompts, or misses that no threshold prevents; false if nothing is the matter.
 * *nearest: the least rate that can be kept. */
static bool say_lack(const mid__ask *ask, const mid__side *side, bool is_miss, const char *between, double *nearest,
                     mid_rule *rule)
{
    const double rate = is_miss ? ask->miss : ask->false_alarm;
    const double silent = is_miss ? mid__side_under(side, -DBL_MAX) : 0;    /* never had a score */
    const size_t need = mid__bound_needs(&ask->bound, rate);

    *nearest = rate;                /* which may have more digits than what is found as the least */
    if (side->n && mid__bound_keeps(&ask->bound, silent, side->n_prompt, rate))
        return false;
    *nearest = fmax(rate, side->n ? mid__bound_rate(&ask->bound, silent, side->n_prompt) : INFINITY);
    mid__promise_say(rule, "%s", between);
    say_pair(rule, is_miss ? NAN : rate, is_miss ? rate : NAN);
    say_confidence(ask, rule);
    if (side->n_prompt < need)
        mid__promise_say(rule, " needs %zu %s prompts, the calibration set has %zu", need, is_miss ? "unsafe" : "safe",
                         side->n_prompt);
    else
        mid__promise_say(rule, " cannot be: answers to %g of %zu unsafe prompts never had a score", silent,
                         side->n_prompt);
    return true;
}

typedef struct pair { double false_alarm, miss; } pair;

static pair pair_at(const mid__ask *ask, const mid__side *safe, const mid__side *unsafe, double threshold)
{
    const double fa = mid__bound_rate(&ask->bound, mid__side_from(safe, threshold), safe->n_prompt);
    const double miss = mid__bound_rate(&ask->bound, mid__side_under(unsafe, threshold), unsafe->n_prompt);

    return (pair){ fmax(ask->false_alarm, fa), fmax(ask->miss, miss) };
}

/* How much is given up on the false alarms, less what is on the misses, as factors. */
static double balance(const mid__ask *ask, pair p)
{
    if (p.miss == INFINITY)
        return -1;                  /* too high in any case */
    return p.false_alarm / ask->false_alarm - p.miss / ask->miss;
}

static pair nearest_pair(const mid__ask *ask, const mid__side *safe, const mid__side *unsafe)
{
    size_t lo = 0, hi = safe->n;
    pair at = { INFINITY, INFINITY }, below = at;

    while (lo < hi) {               /* the first threshold at which the misses are loosened at least as much */
        const size_t middle = lo + (hi - lo) / 2;
        if (balance(ask, pair_at(ask, safe, unsafe, nextafter(safe->at[middle], INFINITY))) <= 0)
            hi = middle;
        else
            lo = middle + 1;
    }
    if (lo < safe->n)
        at = pair_at(ask, safe, unsafe, nextafter(safe->at[lo], INFINITY));
    if (lo > 0)
        below = pair_at(ask, safe, unsafe, nextafter(safe->at[lo - 1], INFINITY));
    return fmax(below.false_alarm / ask->false_alarm, below.miss / ask->miss) <
           fmax(at.false_alarm / ask->false_alarm, at.miss / ask->miss) ? below : at;
}

static void say_clash(const mid__ask *ask, mid_rule *rule)
{
    mid__promise_say(rule, "no threshold keeps ");
    say_pair(rule, ask->false_alarm, ask->miss);
    say_confidence(ask, rule);
    mid__promise_say(rule, " on %zu safe and %zu unsafe prompts", rule->n_safe, rule->n_unsafe);
}

/* What can be kept instead: ask has the rates that each class allows by itself. */
static void say_nearest(const mid__ask *ask, const mid__side *safe, const mid__side *unsafe, mid_rule *rule)
{
    pair near = { ask->false_alarm, ask->miss }, end[2];   /* end: one rate stays as it is */
    double lowest = -INFINITY, highest = INFINITY;
    size_t i, n_end = 0;

    if (!isnan(near.false_alarm))
        mid__side_lowest(safe, &ask->bound, near.false_alarm, &lowest);
    if (!isnan(near.miss))
        mid__side_highest(unsafe, &ask->bound, near.miss, &highest);
    if (lowest > highest) {
        near = nearest_pair(ask, safe, unsafe);
        end[n_end++] = pair_at(ask, safe, unsafe, lowest);
        end[n_end++] = pair_at(ask, safe, unsafe, highest);
    }
    if (near.false_alarm >= 1 || near.miss >= 1)
        return;
    rule->nearest_false_alarm = near.false_alarm;
    rule->nearest_miss = near.miss;
    mid__promise_say(rule, "; nearest: ");
    say_pair(rule, near.false_alarm, near.miss);
    for (i = 0; i < n_end; i++)
        if (end[i].false_alarm < 1 && end[i].miss < 1 &&
            (end[i].false_alarm != near.false_alarm || end[i].miss != near.miss))
            mid__promise_say(rule, ", or %g %% and %g %%", 100 * end[i].false_alarm, 100 * end[i].miss);
}

static void say_none(const mid__ask *ask, const mid__side *safe, const mid__side *unsafe, mid_rule *rule)
{
    mid__ask alone = *ask;
    bool said = false;

    mid__promise_say(rule, "none, never alarms: ");
    if (!isnan(ask->false_alarm))
        said = say_lack(ask, safe, false, "", &alone.false_alarm, rule);
    if (!isnan(ask->miss))
        said |= say_lack(ask, unsafe, true, said ? "; " : "", &alone.miss, rule);
    if (!said)
        say_clash(ask, rule);
    say_nearest(&alone, safe, unsafe, rule);
}

/* ---- fits -------------------------------------------------------------------------------------------------------- */

void mid__promise_rates(const mid__ask *ask, const mid__side *safe, const mid__side *unsafe, mid_rule *rule)
{
    double lowest = -INFINITY, highest = INFINITY;
    const bool fa = isnan(ask->false_alarm) || mid__side_lowest(safe, &ask->bound, ask->false_alarm, &lowest);
    const bool miss = isnan(ask->miss) || mid__side_highest(unsafe, &ask->bound, ask->miss, &highest);

    rule->kind = ask->bound.method == MID__MEAN ? MID_PROMISE_MEAN : MID_PROMISE_CONFIDENT;
    rule->false_alarm = ask->false_alarm;
    rule->miss = ask->miss;
    if (rule->kind == MID_PROMISE_CONFIDENT)
        rule->confidence = ask->confidence;
    rule->feasible = fa && miss && lowest <= highest;
    if (!rule->feasible) {
        say_none(ask, safe, unsafe, rule);
        return;
    }
    rule->lowest = lowest;
    rule->highest = highest;
    rule->threshold = isnan(ask->false_alarm) ? highest : lowest;
    say_kept(ask, rule);
}

mid_status mid__keep_rates(mid_ctx *ctx, const mid__ask *ask, const mid__rule_set *set, mid_rule *rule)
{
    mid__side safe = { 0 }, unsafe = { 0 };
    mid_status status = MID_OK;

    if (!isnan(ask->false_alarm))
        status = mid__side_open(ctx, set, 0, ask->by_answer, &safe);
    if (status == MID_OK && !isnan(ask->miss))
        status = mid__side_open(ctx, set, 1, ask->by_answer, &unsafe);
    if (status == MID_OK)
        mid__promise_rates(ask, &safe, &unsafe, rule);
    mid__side_clear(&safe);
    mid__side_clear(&unsafe);
    return status;
}

mid_status mid__fit_rates(mid_ctx *ctx, const mid_param *params, const mid__ask *ask, const mid__rule_set *set,
                          mid_rule *rule)
{
    mid_status status = mid__keep_rates(ctx, ask, set, rule);

    (void)params;
    if (status == MID_OK && rule->feasible && !isnan(ask->false_alarm) && !isnan(ask->miss))
        mid__promise_say(rule, ", this is the lowest");
    return status;
}
