/* Advice for people: the sentence, the order, and the figures of the first methods. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ctx.h"
#include "report/advice_words.h"

enum { N_ORDER = 10, N_EVIDENCE = 3 };

static void figure_text(mid__buf *out, const char *name, const mid__cell *c)
{
    if (!c || !isfinite(c->value))
        mid__buf_fmt(out, "%s -", name);
    else if (isfinite(c->lo) && isfinite(c->hi))
        mid__buf_fmt(out, "%s %.3f [%.3f, %.3f]", name, c->value, c->lo, c->hi);
    else
        mid__buf_fmt(out, "%s %.3f (no interval)", name, c->value);
}

static void us_text(char text[24], double us)
{
    if (isnan(us))
        snprintf(text, 24, "-");
    else
        snprintf(text, 24, "%.3g", us);
}

static void controls(mid__buf *out, const mid__evidence *e, size_t i_set)
{
    const char *name;
    size_t k;

    mid__buf_text(out, "      controls after 16 tokens:");
    for (k = 0; (name = mid__advice_control(e, k)); k++) {
        const double value = mid__advice_control_early(e, i_set, name);
        mid__buf_fmt(out, "%s %s ", k ? "," : "", name);
        if (isnan(value))
            mid__buf_text(out, "not run");
        else
            mid__buf_fmt(out, "%.3f", value);
    }
    mid__buf_text(out, "\n");
}

static void rules(mid__buf *out, const mid__evidence *e, const mid__ask *ask, size_t i_set, size_t i_method)
{
    bool kept = false, any = false;
    uint32_t k;

    for (k = 1; k < e->rules.n; k++) {
        const char *rule = e->rules.text[k];
        const mid__cell *fpr = mid__evidence_rule(e, i_set, i_method, rule, "fpr");
        const mid__cell *tpr = mid__evidence_rule(e, i_set, i_method, rule, "tpr");
        if (!fpr || !tpr)
            continue;
        mid__buf_fmt(out, any ? "; %s " : "      rules: %s ", rule);
        figure_text(out, "stops safe", fpr);
        figure_text(out, ", unsafe", tpr);
        kept = kept || fpr->value <= ask->max_false_alarm;
        any = true;
    }
    if (any)
        mid__buf_text(out, "\n");
    if (!isnan(ask->max_false_alarm) && !kept)
        mid__buf_fmt(out, "      no rule of this run stops at most %g of the safe answers: calibrate one for that "
                     "(midstream calibrate)\n", ask->max_false_alarm);
}

static void proof_on(mid__buf *out, const mid__evidence *e, const mid__ask *ask, size_t i_set, size_t i_method)
{
    const mid__evidence_set *set = &e->set[i_set];
    const mid__proof *p = mid__evidence_proof(e, i_set, i_method);
    const size_t control = mid__evidence_control(e, i_set);
    char us[24];
    mid__edge edge;

    us_text(us, p->us_per_tok);
    mid__buf_fmt(out, "    %s (%s): %zu answers, %.1f %% unsafe, %s us/token\n", set->name, set->task, p->early->n,
                 100 * (double)p->early->n_unsafe / (double)p->early->n, us);
    figure_text(out, "      AUROC after 16 tokens", p->early);
    figure_text(out, ", whole answer", p->whole);
    figure_text(out, "; its TPR at 1 % FPR", p->tpr);
    mid__buf_text(out, "\n      gain over the best control");
    if (control == MID__NOBODY) {
        mid__buf_text(out, ": no control was run\n");
    } else {
        edge = mid__evidence_edge(e, i_set, i_method, control);
        mid__buf_fmt(out, ", %s: ", e->method[control].name);
        mid__edge_text(out, &edge);
        mid__buf_text(out, "\n");
    }
    controls(out, e, i_set);
    rules(out, e, ask, i_set, i_method);
}

static void proof(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__ranking *r, size_t i_rank)
{
    const mid__ranked *m = &r->at[i_rank];
    size_t i;

    mid__buf_fmt(out, "\n  %zu. %s (%s)\n", i_rank + 1, e->method[m->i_method].name, e->method[m->i_method].box);
    for (i = 0; i < r->n_set; i++)
        proof_on(out, e, ask, r->set[i], m->i_method);
}

/* Beside the methods, what they have to beat: means over the same datasets. */
static void control_order(mid__buf *out, const mid__evidence *e, const mid__ranking *r, size_t width)
{
    const char *name;
    size_t i, k;

    for (k = 0; (name = mid__advice_control(e, k)); k++) {
        double mean = 0;
        for (i = 0; i < r->n_set; i++)
            mean += mid__advice_control_early(e, r->set[i], name) / (double)r->n_set;
        mid__buf_fmt(out, "   -  %-*s  %-7s          -  ", (int)width, name, "control");
        if (isnan(mean))
            mid__buf_text(out, "      not run\n");
        else
            mid__buf_fmt(out, "%13.3f\n", mean);
    }
}

static void order(mid__buf *out, const mid__evidence *e, const mid__advice *a)
{
    const mid__ranking *r = &a->here;
    size_t k, width = 11;
    mid__edge edge;
    char us[24];

    for (k = 0; k < r->n; k++)
        width = strlen(e->method[r->at[k].i_method].name) > width ? strlen(e->method[r->at[k].i_method].name) : width;
    mid__buf_fmt(out, "\n   #  %-*s  box      mean rank  mean AUROC@16  us/token  gain over the best control\n",
                 (int)width, "method");
    for (k = 0; k < r->n; k++) {
        const mid__ranked *m = &r->at[k];
        if (k >= N_ORDER && m->i_method != a->take)
            continue;
        us_text(us, m->us_per_tok);
        edge = mid__ranking_control_edge(e, r, m->i_method);
        mid__buf_fmt(out, "%4zu  %-*s  %-7s  %9.2f  %13.3f  %8s  ", k + 1, (int)width, e->method[m->i_method].name,
                     e->method[m->i_method].box, m->mean_rank, m->mean_auroc, us);
        mid__edge_text(out, &edge);
        mid__buf_text(out, m->i_method == a->take ? "  <- take\n" : "\n");
    }
    control_order(out, e, r, width);
    if (r->n > N_ORDER)
        mid__buf_fmt(out, "      %zu methods in all; --format json has every one\n", r->n);
}

static void list(mid__buf *out, const char *title, const mid__buf *lines)
{
    const char *at = lines->at;

    if (!lines->n)
        return;
    mid__buf_fmt(out, "\n%s\n", title);
    while (*at) {
        const size_t n = strcspn(at, "\n");
        mid__buf_fmt(out, "  - %.*s\n", (int)n, at);
        at += n + (at[n] == '\n');
    }
}

static void question(mid__buf *out, const mid__evidence *e, const mid__ask *ask, const mid__ranking *r)
{
    size_t i;

    mid__buf_fmt(out, "task %s, %s access", ask->task ? ask->task : "any", mid_access_name(ask->access));
    if (ask->lang)
        mid__buf_fmt(out, ", language %s", ask->lang);
    if (!isnan(ask->max_us_per_tok))
        mid__buf_fmt(out, ", at most %g us per token", ask->max_us_per_tok);
    if (!isnan(ask->max_false_alarm))
        mid__buf_fmt(out, ", at most %g of the safe answers stopped", ask->max_false_alarm);
    mid__buf_fmt(out, "\n%zu method%s on", r->n, r->n == 1 ? "" : "s");
    for (i = 0; i < r->n_set; i++)
        mid__buf_fmt(out, "%s %s", i ? "," : "", e->set[r->set[i]].name);
    mid__buf_text(out, r->n_set ? "\n\n" : " no dataset\n\n");
}

mid_status mid__advice_text(mid_ctx *ctx, mid__buf *out, const mid__evidence *e, const mid__ask *ask,
                            const mid__advice *a)
{
    mid__buf lines;
    mid_status status;
    size_t k;

    mid__buf_init(&lines, 0);
    question(out, e, ask, &a->here);
    if (a->take != MID__NOBODY)
        mid__buf_fmt(out, "take%s: %s\n", a->verdict == MID__NOT_ENOUGH ? " (not enough evidence)" : "",
                     e->method[a->take].name);
    mid__advice_why(out, e, ask, a);
    mid__buf_text(out, "\n");
    mid__advice_warnings(&lines, e, ask, a);
    list(out, "note:", &lines);
    mid__buf_clear(&lines);
    status = mid__advice_changes(ctx, &lines, e, ask, a);
    list(out, "what would change this:", &lines);
    if (lines.failed && status == MID_OK)
        status = mid__oom(ctx, "advice");
    if (a->here.n) {
        order(out, e, a);
        mid__buf_text(out, "\nevidence (95 % intervals over prompts):\n");
        for (k = 0; k < a->here.n; k++)
            if (k < N_EVIDENCE || a->here.at[k].i_method == a->take)
                proof(out, e, ask, &a->here, k);
    }
    mid__buf_clear(&lines);
    return status;
}
