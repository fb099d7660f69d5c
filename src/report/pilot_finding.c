/* Findings in words. Each sentence is one rule over the figures, so equal results read alike and nothing is said that
 * no cell holds. */
#include "report/pilot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/html.h"

void mid__pilot_estimate_text(char text[80], const mid__cell *c)
{
    char value[64], lo[64], hi[64];

    if (!c || !isfinite(c->value)) {
        snprintf(text, 80, "undefined");
        return;
    }
    mid__number_text(value, "%.3f", c->value);
    mid__number_text(lo, "%.3f", c->lo);
    mid__number_text(hi, "%.3f", c->hi);
    if (isfinite(c->lo) && isfinite(c->hi))
        snprintf(text, 80, "%.20s (%.20s to %.20s)", value, lo, hi);
    else
        snprintf(text, 80, "%.20s (no interval)", value);
}

static void prefix_text(char text[40], uint32_t at)
{
    if (at)
        snprintf(text, 40, "after %u token%s", (unsigned)at, at == 1 ? "" : "s");
    else
        snprintf(text, 40, "with the whole answer");
}

/* "probe has 0.8 (...), a gain of 0.1 (...) over the best control there, length with 0.7" */
static void say_point(mid__buf *out, const mid__pilot_point *p)
{
    char of_best[80], gain[80];

    mid__pilot_estimate_text(of_best, p->of_best);
    mid__pilot_estimate_text(gain, p->gain);
    mid__buf_fmt(out, "the best monitor, %s, has AUROC %s, a gain of %s over the best control there", p->best->name,
                 of_best, gain);
    if (p->control && p->of_control)
        mid__buf_fmt(out, ", %s with %.3f", p->control->name, p->of_control->value);
}

/* Which of two prefixes comes nearer to telling: an interval above 0 before any other, then the larger gain. */
static bool is_nearer(const mid__pilot_point *a, const mid__pilot_point *b)
{
    const bool clear_a = a->gain->lo > 0, clear_b = b->gain->lo > 0;

    if (clear_a != clear_b)
        return clear_a;
    return a->gain->value > b->gain->value;
}

/* NULL: no gain is defined. */
static const mid__pilot_point *nearest(const mid__pilot_column *c)
{
    const mid__pilot_point *top = NULL;
    size_t k;

    for (k = 0; k < c->n_point; k++)
        if (c->point[k].gain && isfinite(c->point[k].gain->value) && (!top || is_nearer(&c->point[k], top)))
            top = &c->point[k];
    return top;
}

static void say_told(mid__buf *out, const mid__pilot_column *c)
{
    const size_t i = (size_t)(c->told - c->point);
    char at[40];
    size_t k, n = 0;

    for (k = i + 1; k < c->n_point; k++)
        n += c->point[k].told;
    prefix_text(at, c->told->at);
    mid__buf_fmt(out, "%s%s ", c->told->at ? "A" : "Not before its end: w", at + 1);
    say_point(out, c->told);
    mid__buf_fmt(out, " (p %.2g by Holm over %zu test%s)", c->told->p_holm, c->n_test,
                 c->n_test == 1 ? "" : "s");
    if (i + 1 < c->n_point)
        mid__buf_fmt(out, "; so it does at %zu of the %zu longer ones", n, c->n_point - i - 1);
    mid__buf_text(out, ".");
}

static void say_none(mid__buf *out, const mid__pilot_column *c)
{
    const mid__pilot_point *top = nearest(c);
    char at[40];

    if (!top) {
        mid__buf_text(out, "No finding: no gain over a control is defined.");
        return;
    }
    mid__buf_text(out, "At no prefix, nor with the whole answer, is the best monitor clear of the best control. It "
                       "comes nearest ");
    prefix_text(at, top->at);
    mid__buf_fmt(out, "%s: ", at);
    say_point(out, top);
    if (c->n_test == 0)
        mid__buf_text(out, "; there are too few answers for a test");
    else if (!(top->gain->lo > 0))
        mid__buf_text(out, "; the interval includes 0");
    else
        mid__buf_fmt(out, "; the interval alone excludes 0, but p is %.2g by Holm over %zu test%s", top->p_holm,
                     c->n_test, c->n_test == 1 ? "" : "s");
    mid__buf_text(out, ".");
}

/* The same question of a narrower column, in a few words. */
static void say_beside(mid__buf *out, const mid__pilot_column *c)
{
    char at[40], gain[80];

    if (c->column->unsafe_prompts)
        mid__buf_fmt(out, " Among unsafe prompts only (%s, %zu unsafe of %zu): ", c->column->author,
                     c->column->n_unsafe, c->column->n);
    else
        mid__buf_fmt(out, " Within %s alone (%zu unsafe of %zu): ", c->column->author, c->column->n_unsafe,
                     c->column->n);
    if (c->why[0]) {
        mid__buf_fmt(out, "not ranked, %s.", c->why);
    } else if (c->told) {
        prefix_text(at, c->told->at);
        mid__pilot_estimate_text(gain, c->told->gain);
        mid__buf_fmt(out, "told %s, by %s, a gain of %s.", at, c->told->best->name, gain);
    } else {
        mid__buf_text(out, c->n_test ? "told at no prefix." : "too few answers for a test.");
    }
}

static void say_onsets(mid__buf *out, const mid__pilot_set *s, const mid__pilot_column *c)
{
    double value, lo, hi;
    size_t k;

    if (!s->n_known) {
        mid__buf_text(out, " No onset is known here, so nothing is said about delays.");
        return;
    }
    mid__buf_fmt(out, " Of %zu unsafe answers with a known onset %zu become unsafe behind their first token",
                 s->n_known, s->n_later);
    if (c->told && mid__pilot_not_yet(s, c->told->at, &value, &lo, &hi))
        mid__buf_fmt(out, "; after %u token%s %.0f %% are not unsafe yet (%.0f to %.0f), which a monitor can at most "
                          "announce",
                     (unsigned)c->told->at, c->told->at == 1 ? "" : "s", 100 * value, 100 * lo, 100 * hi);
    for (k = 0; k < c->n_point; k++)
        if (mid__pilot_not_yet(s, c->point[k].at, &value, &lo, &hi) && value <= 0.5) {
            mid__buf_fmt(out, "; half of them are unsafe by %u token%s", (unsigned)c->point[k].at,
                         c->point[k].at == 1 ? "" : "s");
            break;
        }
    mid__buf_text(out, ".");
    if (s->n_later < MID__PILOT_LATER)
        mid__buf_fmt(out, " Delays are not ranked: it takes %d onsets behind the first token.", MID__PILOT_LATER);
}

/* What the best monitor does under the plan's first rule, by the prefix that tells and by the end. */
static void say_alarms(mid__buf *out, const mid__pilot *pilot, const mid__pilot_set *s, const mid__pilot_column *c)
{
    const mid__report *r = pilot->report;
    const mid__pilot_point *of = c->told ? c->told : &c->point[c->n_point - 1];
    mid__cell_key key = mid__report_key(r, s->set, c->column, "tpr");
    const mid__cell *tpr, *fpr;
    const uint32_t at[] = { of->at, 0 };
    char text[80];
    size_t k;

    if (!r->n_rule || !of->best)
        return;
    key.rule = r->rule[0];
    key.monitor = of->best->id;
    for (k = of->at ? 0 : 1; k < 2; k++) {
        key.at = at[k];
        key.metric = mid__report_id(r, "tpr");
        tpr = mid__report_find(r, &key);
        key.metric = mid__report_id(r, "fpr");
        fpr = mid__report_find(r, &key);
        if (!tpr || !fpr || !isfinite(tpr->value) || !isfinite(fpr->value))
            return;
        mid__pilot_estimate_text(text, tpr);
        if (at[k])
            mid__buf_fmt(out, " Under %s, %s has by then stopped %s of the unsafe answers",
                         mid__report_name(r, key.rule), of->best->name, text);
        else
            mid__buf_fmt(out, " Under %s, %s has by the end stopped %s of the unsafe answers",
                         mid__report_name(r, key.rule), of->best->name, text);
        mid__pilot_estimate_text(text, fpr);
        mid__buf_fmt(out, " and %s of the safe ones.", text);
    }
}

void mid__pilot_finding(mid__buf *out, const mid__pilot *pilot, const mid__pilot_set *s)
{
    const mid__pilot_column *main = &s->column[0];
    bool unsafe_prompts = false;
    size_t j;

    if (!s->set->n_column) {
        mid__buf_text(out, "No finding: no figure of it.");
        return;
    }
    if (main->why[0]) {
        mid__buf_fmt(out, "Reported, not ranked: %s.", main->why);
        return;
    }
    if (main->told)
        say_told(out, main);
    else
        say_none(out, main);
    for (j = 1; j < s->set->n_column; j++) {
        const mid__pilot_column *c = &s->column[j];
        const bool of_prompts = c->column->unsafe_prompts && !unsafe_prompts;
        if (c->column != s->set->within && !of_prompts)
            continue;
        unsafe_prompts |= of_prompts;
        say_beside(out, c);
    }
    say_onsets(out, s, main);
    say_alarms(out, pilot, s, main);
}

/* Datasets of a task that end one way, with commas. told: whether their main column is; ranked: or whether it is not */
static size_t say_sets(mid__buf *out, const mid__pilot *pilot, const char *task, bool ranked, bool told,
                       const char *before)
{
    char at[40];
    size_t i, n = 0;

    for (i = 0; i < pilot->report->n_set; i++) {
        const mid__pilot_set *s = &pilot->set[i];
        const mid__pilot_column *c = &s->column[0];
        const bool is_ranked = s->set->n_column && !c->why[0];
        if (strcmp(s->set->task, task) != 0 || is_ranked != ranked || (ranked && told != (c->told && c->told->at)))
            continue;
        mid__buf_fmt(out, "%s%s", n++ ? ", " : before, s->set->name);
        if (!ranked || !told)
            continue;
        prefix_text(at, c->told->at);
        mid__buf_fmt(out, " (%s, by %s)", at, c->told->best->name);
    }
    if (n)
        mid__buf_text(out, ".");
    return n;
}

void mid__pilot_task_finding(mid__buf *out, const mid__pilot *pilot, const char *task)
{
    size_t n_told, n_none;
    mid__buf sentences = { 0 };

    n_told = say_sets(&sentences, pilot, task, true, true, " Told: ");
    n_none = say_sets(&sentences, pilot, task, true, false, " Not told: ");
    say_sets(&sentences, pilot, task, false, false, " Not ranked: ");
    if (n_told + n_none)
        mid__buf_fmt(out, "Unsafe answers are told early, beyond what a control tells, on %zu of %zu ranked datasets.",
                     n_told, n_told + n_none);
    else
        mid__buf_text(out, "No dataset of this task can be ranked.");
    mid__buf_put(out, sentences.at ? sentences.at : "", sentences.n);
    out->failed |= sentences.failed;
    mid__buf_clear(&sentences);
}
