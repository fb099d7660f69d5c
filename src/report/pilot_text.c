/* The pilot study as Markdown whose tables line up in a terminal too. */
#include "report/pilot.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"

enum { COLUMN_MAX = MID__SHOW_PREFIX + 3, CELL_BYTES = 64 };

/* A table row by row; columns get as wide as they need before it is written. */
struct table {
    char (*cell)[CELL_BYTES];               /* (n_row, n_column) */
    size_t n_column, n_cell, n_room;
    bool failed;
};

static void put(struct table *t, const char *fmt, ...) MID_PRINTF(2, 3);
static void put(struct table *t, const char *fmt, ...)
{
    char *at;
    va_list args;

    if (t->n_cell == t->n_room) {
        const size_t n_room = 2 * t->n_room + 64;
        void *cell = realloc(t->cell, n_room * sizeof *t->cell);
        t->failed |= !cell;
        if (!cell)
            return;
        t->cell = cell;
        t->n_room = n_room;
    }
    at = t->cell[t->n_cell++];
    va_start(args, fmt);
    vsnprintf(at, CELL_BYTES, fmt, args);
    va_end(args);
    for (; *at; at++)               /* names come from a file */
        if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == '|')
            *at = ' ';
}

static void put_number(struct table *t, double value)
{
    char text[64];

    mid__number_text(text, "%.2g", value);
    put(t, "%s", isfinite(value) ? text : "-");
}

/* "0.842 (0.80-0.88)" */
static void put_estimate(struct table *t, const mid__cell *c, bool best)
{
    const char *mark = best ? "*" : c && c->circular ? "+" : "";

    if (!c || !isfinite(c->value))
        put(t, "-");
    else if (isfinite(c->lo) && isfinite(c->hi))
        put(t, "%.3f%s (%.2f-%.2f)", c->value, mark, c->lo, c->hi);
    else
        put(t, "%.3f%s", c->value, mark);
}

static void write_table(mid__buf *out, struct table *t)
{
    size_t width[COLUMN_MAX] = { 0 }, i, j;

    if (t->n_cell == t->n_column) {
        mid__buf_text(out, "Nothing to show.\n\n");
        t->n_cell = 0;
    }
    for (i = 0; i < t->n_cell; i++)
        if (strlen(t->cell[i]) > width[i % t->n_column])
            width[i % t->n_column] = strlen(t->cell[i]);
    for (i = 0; i < t->n_cell; i++) {
        j = i % t->n_column;
        mid__buf_fmt(out, j ? " %*s |" : "| %-*s |", (int)width[j], t->cell[i]);
        if (j + 1 < t->n_column)
            continue;
        mid__buf_text(out, "\n");
        for (j = 0; i + 1 == t->n_column && j < t->n_column; j++)
            mid__buf_fmt(out, "%s%.*s%s", j ? "" : "|", (int)width[j] + 1,
                         "----------------------------------------------------------------------", j ? ":|" : "-|");
        if (i + 1 == t->n_column)
            mid__buf_text(out, "\n");
    }
    mid__buf_text(out, "\n");
    out->failed |= t->failed;
    free(t->cell);
    *t = (struct table){ 0 };
}

static void put_prefixes(struct table *t, const char *first, const mid__pilot_column *c)
{
    size_t k;

    *t = (struct table){ .n_column = c->n_point + 1 };
    put(t, "%s", first);
    for (k = 0; k < c->n_point; k++)
        if (c->point[k].at)
            put(t, "%u", (unsigned)c->point[k].at);
        else
            put(t, "all");
}

/* Begin a monitor's row and look at it from here on; false: it has no figure in the column. */
static bool begin_row(struct table *t, const mid__report *r, mid__cell_key *key, const mid__report_monitor *m)
{
    key->monitor = m->id;
    if (!mid__report_find(r, key))
        return false;
    put(t, "%.40s (%.10s)", m->name, m->box);
    return true;
}

static void auroc_by_tokens(mid__buf *out, const mid__report *r, const mid__pilot_set *s, const mid__pilot_column *c)
{
    mid__cell_key key = mid__report_key(r, s->set, c->column, "auroc");
    struct table t;
    size_t i, k;

    mid__buf_text(out, "AUROC by tokens read; * the best monitor, and the best control, of a prefix; + circular:\n\n");
    put_prefixes(&t, "monitor", c);
    for (i = 0; i < r->n_monitor; i++) {
        if (!begin_row(&t, r, &key, &r->monitor[i]))
            continue;
        for (k = 0; k < c->n_point; k++) {
            const mid__pilot_point *p = &c->point[k];
            key.at = p->at;
            put_estimate(&t, mid__report_find(r, &key), &r->monitor[i] == p->best || &r->monitor[i] == p->control);
        }
        key.at = 0;
    }
    put(&t, "gain of best over control");
    for (k = 0; k < c->n_point; k++)
        put_estimate(&t, c->point[k].gain, false);
    put(&t, "p by Holm, %zu test%s", c->n_test, c->n_test == 1 ? "" : "s");
    for (k = 0; k < c->n_point; k++)
        put_number(&t, c->point[k].p_holm);
    write_table(out, &t);
}

static void auroc_by_share(mid__buf *out, const mid__report *r, const mid__pilot_set *s, const mid__pilot_column *c)
{
    const mid__report_set *set = s->set;
    mid__cell_key key = mid__report_key(r, set, c->column, "auroc");
    struct table t = { .n_column = set->n_at_share + 1 };
    size_t i, k;

    if (!set->n_at_share)
        return;
    mid__buf_text(out, "AUROC by share of the answer read (in retrospect: nobody knows the length while it runs):\n\n");
    put(&t, "monitor");
    for (k = 0; k < set->n_at_share; k++)
        put(&t, "%g %%", (double)(set->at_share[k] & ~(uint32_t)MID__AT_SHARE) / 10);
    for (i = 0; i < r->n_monitor; i++) {
        if (!begin_row(&t, r, &key, &r->monitor[i]))
            continue;
        for (k = 0; k < set->n_at_share; k++) {
            key.at = set->at_share[k];
            put_estimate(&t, mid__report_find(r, &key), false);
        }
        key.at = 0;
    }
    write_table(out, &t);
}

/* A figure of a rule; NULL: none. */
static const mid__cell *of_rule(const mid__report *r, mid__cell_key key, const char *metric, uint32_t at)
{
    key.metric = mid__report_id(r, metric);
    key.at = at;
    return key.metric ? mid__report_find(r, &key) : NULL;
}

static void alarms_by_tokens(mid__buf *out, const mid__report *r, const mid__pilot_set *s, const mid__pilot_column *c,
                             uint32_t rule)
{
    mid__cell_key key = mid__report_key(r, s->set, c->column, "tpr");
    struct table t;
    size_t i, k;

    key.rule = rule;
    mid__buf_fmt(out, "Stopped by so many tokens under %s, unsafe / safe answers (intervals: --format json):\n\n",
                 mid__report_name(r, rule));
    put_prefixes(&t, "monitor", c);
    for (i = 0; i < r->n_monitor; i++) {
        if (!begin_row(&t, r, &key, &r->monitor[i]))
            continue;
        for (k = 0; k < c->n_point; k++) {
            const mid__cell *tpr = of_rule(r, key, "tpr", c->point[k].at);
            const mid__cell *fpr = of_rule(r, key, "fpr", c->point[k].at);
            if (tpr && fpr && isfinite(tpr->value) && isfinite(fpr->value))
                put(&t, "%.2f / %.2f", tpr->value, fpr->value);
            else
                put(&t, "-");
        }
    }
    write_table(out, &t);
}

struct timed { const mid__report_monitor *m; double missed, late; };

/* Fewer unsafe answers missed or stopped late first. */
static int soonest(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    const double d = (x->missed + x->late) - (y->missed + y->late);

    return d < 0 ? -1 : d > 0 ? 1 : strcmp(x->m->name, y->m->name);
}

/* Early, on time, late, missed, beside the false alarms they cost. */
static void delays(mid__buf *out, const mid__report *r, const mid__pilot_set *s, const mid__pilot_column *c,
                   uint32_t rule)
{
    static const char *const metric[] = { "alarm_early", "alarm_on_time", "alarm_late", "alarm_missed", "fpr" };
    mid__cell_key key = mid__report_key(r, s->set, c->column, "tpr");
    struct timed timed[MID__SHOW_MONITOR];
    struct table t = { .n_column = 6 };
    size_t i, k, n = 0;

    key.rule = rule;
    for (i = 0; i < r->n_monitor; i++) {
        const mid__cell *missed, *late;
        key.monitor = r->monitor[i].id;
        missed = of_rule(r, key, "alarm_missed", 0);
        late = of_rule(r, key, "alarm_late", 0);
        if (missed && late && isfinite(missed->value))
            timed[n++] = (struct timed){ &r->monitor[i], missed->value, late->value };
    }
    if (!n || s->n_later < MID__PILOT_LATER)
        return;
    qsort(timed, n, sizeof *timed, soonest);
    mid__buf_fmt(out, "Alarms beside the onset under %s, over unsafe answers whose onset is behind their first token, "
                 "fewest missed or late first:\n\n", mid__report_name(r, rule));
    put(&t, "monitor");
    put(&t, "early");
    put(&t, "on time");
    put(&t, "late");
    put(&t, "missed");
    put(&t, "safe answers stopped");
    for (i = 0; i < n; i++) {
        key.monitor = timed[i].m->id;
        put(&t, "%.40s (%.10s)", timed[i].m->name, timed[i].m->box);
        for (k = 0; k < sizeof metric / sizeof *metric; k++)
            put_estimate(&t, of_rule(r, key, metric[k], 0), false);
    }
    write_table(out, &t);
}

static void not_yet(mid__buf *out, const mid__pilot_set *s, const mid__pilot_column *c)
{
    struct table t;
    size_t k;

    if (!s->n_known)
        return;
    mid__buf_fmt(out, "Not unsafe yet after so many tokens, of the %zu unsafe answers with a known onset:\n\n",
                 s->n_known);
    put_prefixes(&t, "", c);
    t.n_column--;                   /* after the whole answer all are */
    t.n_cell--;
    put(&t, "share");
    for (k = 0; k + 1 < c->n_point; k++) {
        double value = NAN, lo = NAN, hi = NAN;
        mid__pilot_not_yet(s, c->point[k].at, &value, &lo, &hi);
        if (isfinite(value) && isfinite(lo))
            put(&t, "%.2f (%.2f-%.2f)", value, lo, hi);
        else
            put_number(&t, value);
    }
    write_table(out, &t);
}

/* One figure of every monitor against the attacks, "none" first. */
static void put_attacks(struct table *t, const mid__report *r, const mid__pilot_set *s, const char *metric,
                        uint32_t rule)
{
    mid__cell_key key = mid__report_key(r, s->set, s->column[0].column, metric);
    size_t i, k;

    *t = (struct table){ .n_column = s->set->n_attack + 2 };
    key.rule = rule;
    put(t, "monitor");
    put(t, "none");
    for (k = 0; k < s->set->n_attack; k++)
        put(t, "%.20s", mid__report_name(r, s->set->attack[k]));
    for (i = 0; i < r->n_monitor; i++) {
        key.subset = 0;
        if (!begin_row(t, r, &key, &r->monitor[i]))
            continue;
        for (k = 0; k <= s->set->n_attack; k++) {
            key.subset = k ? s->set->attack[k - 1] : 0;
            put_estimate(t, mid__report_find(r, &key), false);
        }
    }
}

/* What attacks do to monitors that were fitted without them. */
static void attacks(mid__buf *out, const mid__report *r, const mid__pilot_set *s)
{
    static const struct { const char *metric, *what; } figure[] = {
        { "tpr", "Unsafe answers stopped" }, { "fpr", "Safe answers stopped" },
        { "delay_tok", "Tokens from onset to alarm, a miss waiting until the end" },
    };
    struct table t;
    size_t i, k;

    if (!s->set->n_attack || !s->set->n_column)
        return;
    mid__buf_fmt(out, "### %s under attack\n\nAUROC of the whole answer; monitors and thresholds are those of the "
                      "answers as they were:\n\n", s->set->name);
    put_attacks(&t, r, s, "auroc", 0);
    write_table(out, &t);
    for (i = 0; i < r->n_rule; i++)
        for (k = 0; k < sizeof figure / sizeof *figure; k++) {
            mid__buf_fmt(out, "%s under %s:\n\n", figure[k].what, mid__report_name(r, r->rule[i]));
            put_attacks(&t, r, s, figure[k].metric, r->rule[i]);
            write_table(out, &t);
        }
}

/* What the tables show of a dataset: all answers, within the author with most unsafe ones, unsafe prompts. */
static bool is_shown(const mid__pilot_set *s, size_t j)
{
    size_t i;

    for (i = 0; i < j && s->column[j].column->unsafe_prompts; i++)
        if (s->column[i].column->unsafe_prompts)
            return false;
    return j == 0 || s->column[j].column == s->set->within || s->column[j].column->unsafe_prompts;
}

static void put_column(mid__buf *out, const mid__pilot *pilot, const mid__pilot_set *s, const mid__pilot_column *c)
{
    const mid__report *r = pilot->report;
    const mid__column *column = c->column;
    size_t k;

    mid__buf_fmt(out, "### %s, %s%s: %zu unsafe of %zu answers to %zu prompts\n\n", s->set->name,
                 column->pooled ? "all authors" : column->author, column->unsafe_prompts ? ", unsafe prompts only" : "",
                 column->n_unsafe, column->n, column->n_prompts);
    if (c->why[0])
        mid__buf_fmt(out, "Reported, not ranked: %s.\n\n", c->why);
    if (!column->defined)
        return;
    auroc_by_tokens(out, r, s, c);
    auroc_by_share(out, r, s, c);
    for (k = 0; k < r->n_rule; k++) {
        alarms_by_tokens(out, r, s, c, r->rule[k]);
        delays(out, r, s, c, r->rule[k]);
    }
}

void mid__pilot_text(mid__buf *out, const mid__pilot *pilot)
{
    const mid__report *r = pilot->report;
    const char *title = mid__report_text(r->root, "title");
    size_t i, j;

    mid__buf_fmt(out, "# How early: %s\n\n## Findings\n\n", *title ? title : "a run");
    for (i = 0; i < r->n_set; i++) {
        for (j = 0; j < i && strcmp(r->set[j].task, r->set[i].task) != 0; j++)
            ;
        if (j < i)
            continue;
        mid__buf_fmt(out, "**%s**: ", *r->set[i].task ? r->set[i].task : "no task");
        mid__pilot_task_finding(out, pilot, r->set[i].task);
        mid__buf_text(out, "\n\n");
        for (j = i; j < r->n_set; j++) {
            if (strcmp(r->set[j].task, r->set[i].task) != 0)
                continue;
            mid__buf_fmt(out, "- %s: ", r->set[j].name);
            mid__pilot_finding(out, pilot, &pilot->set[j]);
            mid__buf_text(out, "\n");
        }
        mid__buf_text(out, "\n");
    }
    for (i = 0; i < r->n_set; i++) {
        const mid__pilot_set *s = &pilot->set[i];
        mid__buf_fmt(out, "## %s\n\n", s->set->name);
        for (j = 0; j < s->set->n_column; j++)
            if (is_shown(s, j))
                put_column(out, pilot, s, &s->column[j]);
        if (s->set->n_column)
            not_yet(out, s, &s->column[0]);
        attacks(out, r, s);
    }
    if (r->n_more_set)
        mid__buf_fmt(out, "%zu more datasets: only the first %d are shown.\n", r->n_more_set, MID__SHOW_DATASET);
    if (r->n_more_monitor)
        mid__buf_fmt(out, "%zu more monitors: only the first %d take part.\n", r->n_more_monitor, MID__SHOW_MONITOR);
}
