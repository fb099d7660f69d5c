/* Is advice worth following? Each dataset in turn takes no part, the advice for its task is made from the others and
 * followed there. What that loses is told in AUROC after 16 tokens, against the best method in hindsight and against
 * always taking the overall best, which is chosen without the dataset, too. "First by rank" is what one would take who
 * did not ask whether there is enough evidence. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "bench/json.h"
#include "report/advice_words.h"

/* What each way of choosing comes to on one dataset. */
enum { TAKEN, FIRST, OVERALL, HINDSIGHT, N_WAY };
struct trial { size_t i_set, method[N_WAY]; double auroc[N_WAY]; bool other_task; };

struct summary { double mean, lo, hi; size_t n; };   /* lo, hi: the smallest and the largest */

static void hindsight(const mid__evidence *e, const mid__ask *ask, struct trial *t)
{
    size_t j;

    for (j = 0; j < e->n_method; j++) {
        const double value = mid__evidence_early(e, t->i_set, j);
        if (isnan(value) || !mid__allows(ask, &e->method[j], mid__evidence_proof(e, t->i_set, j)->us_per_tok) ||
            (t->method[HINDSIGHT] != MID__NOBODY && value <= t->auroc[HINDSIGHT]))
            continue;
        t->method[HINDSIGHT] = j;
        t->auroc[HINDSIGHT] = value;
    }
}

/* *here: there was something to advise. */
static mid_status try_set(mid_ctx *ctx, const mid__evidence *e, const mid__ask *ask, size_t i_set, struct trial *t,
                          bool *here)
{
    mid__ask without = *ask;
    mid__advice a;
    mid_status status;
    size_t k;

    without.task = e->set[i_set].task;
    without.i_without = i_set;
    *t = (struct trial){ .i_set = i_set, .method = { MID__NOBODY, MID__NOBODY, MID__NOBODY, MID__NOBODY } };
    status = mid__advise(ctx, e, &without, &a);
    if (status == MID_OK) {
        t->method[TAKEN] = a.take;
        t->method[FIRST] = a.first;
        t->method[OVERALL] = a.best;
        t->other_task = a.here.other_task;
    }
    *here = status == MID_OK && a.take != MID__NOBODY && a.best != MID__NOBODY;
    for (k = 0; *here && k < HINDSIGHT; k++) {
        t->auroc[k] = mid__evidence_early(e, i_set, t->method[k]);
        *here = !isnan(t->auroc[k]);
    }
    mid__advice_clear(&a);
    hindsight(e, ask, t);
    *here = *here && t->method[HINDSIGHT] != MID__NOBODY;
    return status;
}

/* What way a loses against way b. */
static struct summary lost(const struct trial *t, size_t n, int a, int b)
{
    struct summary s = { 0, INFINITY, -INFINITY, n };
    size_t i;

    for (i = 0; i < n; i++) {
        const double x = t[i].auroc[b] - t[i].auroc[a];
        s.mean += x / (double)n;
        s.lo = fmin(s.lo, x);
        s.hi = fmax(s.hi, x);
    }
    return s;
}

/* ---- saying it --------------------------------------------------------------------------------------------------- */

static const char *const way_name[N_WAY] = { "advice", "first_by_rank", "overall_best", "hindsight" };

/* Counts rather than a test: a handful of datasets shows no more. */
static void honest(mid__buf *out, const struct trial *t, size_t n)
{
    const struct summary best = lost(t, n, TAKEN, HINDSIGHT), gained = lost(t, n, OVERALL, TAKEN);
    size_t i, better = 0, worse = 0, alone = 0;

    for (i = 0; i < n; i++) {
        better += t[i].auroc[TAKEN] > t[i].auroc[OVERALL];
        worse += t[i].auroc[TAKEN] < t[i].auroc[OVERALL];
        alone += t[i].other_task;
    }
    mid__buf_fmt(out, "Following the advice loses %.3f AUROC on average against the best method in hindsight. Against "
                 "always taking the overall best it is better on %zu, worse on %zu and the same on %zu of %zu "
                 "datasets, by %+.3f on average", best.mean, better, worse, n - better - worse, n, gained.mean);
    if (alone)
        mid__buf_fmt(out, "; %zu %s no other dataset of %s task, so nothing of the task was known", alone,
                     alone == 1 ? "has" : "have", alone == 1 ? "its" : "their");
    mid__buf_fmt(out, ". %s", better + worse < 6 ? "Too few differ to say that looking at the task helps, or that it "
                 "does not." : "How it does on another dataset is for another dataset to say.");
}

static bool is_tried(const struct trial *t, size_t n, size_t i_set)
{
    size_t i;

    for (i = 0; i < n && t[i].i_set != i_set; i++)
        ;
    return i < n;
}

static void not_tried(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const struct trial *t, size_t n)
{
    size_t i;

    for (i = 0; i < e->n_set; i++)
        if (mid__asks_for(e, ask, i) && !is_tried(t, n, i))
            mid__buf_fmt(out, "%s: no method with a figure there has one on the others\n", e->set[i].name);
}

static void text_of(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const struct trial *t, size_t n)
{
    static const char *const title[] = { "advice", "first by rank", "overall best" };
    size_t i, k, width[N_WAY + 1] = { 7, 6, 13, 12, 9 };

    for (i = 0; i < n; i++) {
        const size_t w = strlen(e->set[t[i].i_set].name);
        width[0] = w > width[0] ? w : width[0];
        for (k = 0; k < N_WAY; k++) {
            const size_t m = strlen(e->method[t[i].method[k]].name);
            width[k + 1] = m > width[k + 1] ? m : width[k + 1];
        }
    }
    mid__buf_fmt(out, "%-*s  %-12s", (int)width[0], "dataset", "task");
    for (k = 0; k < N_WAY; k++)
        mid__buf_fmt(out, "  %-*s  AUROC", (int)width[k + 1], k == HINDSIGHT ? "hindsight" : title[k]);
    mid__buf_text(out, "  lost  lost to overall\n");
    for (i = 0; i < n; i++) {
        mid__buf_fmt(out, "%-*s  %-12s", (int)width[0], e->set[t[i].i_set].name, e->set[t[i].i_set].task);
        for (k = 0; k < N_WAY; k++)
            mid__buf_fmt(out, "  %-*s  %.3f", (int)width[k + 1], e->method[t[i].method[k]].name, t[i].auroc[k]);
        mid__buf_fmt(out, "  %.3f  %+.3f\n", t[i].auroc[HINDSIGHT] - t[i].auroc[TAKEN],
                     t[i].auroc[OVERALL] - t[i].auroc[TAKEN]);
    }
    not_tried(out, e, ask, t, n);
    mid__buf_text(out, "\nAUROC after 16 tokens lost, mean (smallest to largest) over the datasets:\n");
    for (k = 0; k < HINDSIGHT; k++) {
        const struct summary h = lost(t, n, (int)k, HINDSIGHT), o = lost(t, n, (int)k, OVERALL);
        mid__buf_fmt(out, "  %-13s  against hindsight %.3f (%.3f to %.3f)", title[k], h.mean, h.lo, h.hi);
        if (k != OVERALL)
            mid__buf_fmt(out, ", against the overall best %+.3f (%+.3f to %+.3f)", o.mean, o.lo, o.hi);
        mid__buf_text(out, "\n");
    }
    mid__buf_text(out, "\n");
    honest(out, t, n);
    mid__buf_text(out, "\n");
}

static void put_lost(mid__buf *out, const struct trial *t, size_t n, int a, int b)
{
    const struct summary s = lost(t, n, a, b);

    mid__buf_fmt(out, "{\"way\":\"%s\",\"against\":\"%s\",\"mean\":", way_name[a], way_name[b]);
    mid__json_number(out, s.mean);
    mid__buf_text(out, ",\"lo\":");
    mid__json_number(out, s.lo);
    mid__buf_text(out, ",\"hi\":");
    mid__json_number(out, s.hi);
    mid__buf_text(out, "}");
}

static void json_of(mid__buf *out, const mid__evidence *e, const struct trial *t, size_t n)
{
    mid__buf words;
    size_t i, k;

    mid__buf_init(&words, 0);
    mid__buf_fmt(out, "{\"schema\":1,\"n\":%zu,\"datasets\":[", n);
    for (i = 0; i < n; i++) {
        mid__buf_text(out, i ? ",\n{\"dataset\":" : "\n{\"dataset\":");
        mid__json_text(out, e->set[t[i].i_set].name);
        mid__buf_text(out, ",\"task\":");
        mid__json_text(out, e->set[t[i].i_set].task);
        for (k = 0; k < N_WAY; k++) {
            mid__buf_fmt(out, ",\"%s\":{\"monitor\":", way_name[k]);
            mid__json_text(out, e->method[t[i].method[k]].name);
            mid__buf_text(out, ",\"auroc_16\":");
            mid__json_number(out, t[i].auroc[k]);
            mid__buf_text(out, "}");
        }
        mid__buf_text(out, "}");
    }
    mid__buf_text(out, "],\n\"lost\":[");
    put_lost(out, t, n, TAKEN, HINDSIGHT);
    mid__buf_text(out, ",");
    put_lost(out, t, n, FIRST, HINDSIGHT);
    mid__buf_text(out, ",");
    put_lost(out, t, n, OVERALL, HINDSIGHT);
    mid__buf_text(out, ",");
    put_lost(out, t, n, TAKEN, OVERALL);
    mid__buf_text(out, ",");
    put_lost(out, t, n, FIRST, OVERALL);
    mid__buf_text(out, "],\n\"words\":");
    honest(&words, t, n);
    mid__json_text(out, words.at);
    mid__buf_text(out, "}\n");
    mid__buf_clear(&words);
}

mid_status mid__advice_evaluate(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask, bool json)
{
    struct trial *trial = calloc(e->n_set + 1, sizeof *trial);
    mid_status status = trial ? MID_OK : mid__oom(ctx, "advice");
    size_t i, n = 0;
    bool here;

    for (i = 0; status == MID_OK && i < e->n_set; i++) {
        if (!mid__asks_for(e, ask, i))
            continue;
        status = try_set(ctx, e, ask, i, &trial[n], &here);
        n += here;
    }
    if (status == MID_OK && n < 2)
        status = mid__fail(ctx, MID_EUNDEFINED, "advice could be followed on %zu dataset%s: leaving one out needs at "
                           "least 2 with methods of this access within the budget", n, n == 1 ? "" : "s");
    if (status == MID_OK && json)
        json_of(out, e, trial, n);
    else if (status == MID_OK)
        text_of(out, e, ask, trial, n);
    free(trial);
    return status;
}
