/* midstream recommend-holdback: how many tokens to show behind the monitor, and what each window costs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { N_WINDOW = MID_HOLDBACK_MAX + 2 };   /* 0 .. the most, and the whole answer */

typedef struct figures { mid_holdback holdback; mid_returns returns; } figures;

typedef struct recommendation {
    mid_outcome *outcome;           /* (n) */
    size_t n, n_cut;                /* n_cut: left out, the unsafe part lies behind where the answer was cut */
    double threshold;
    figures at[N_WINDOW];
    mid_holdback_advice advice;
} recommendation;

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

/* --threshold, or the one rule of a file. */
static int read_rule(const cli *c, mid_rule *rule, mid_rule_file **file)
{
    const cli_args *a = &c->args;
    mid_status status;

    *file = NULL;
    *rule = (mid_rule){ .name = "threshold", .threshold = a->threshold };
    if (!a->rule == isnan(a->threshold))
        return cli_usage(c, "give one of --rule FILE and --threshold X");
    if (!a->rule)
        return CLI_OK;
    status = mid_rule_file_load(c->ctx, a->rule, file);
    if (status != MID_OK)
        return cli_end(c, status);
    if (mid_rule_file_by(*file))
        return cli_fail(c, "%s has a rule for each %s: a window is for one rule; give the --threshold of one", a->rule,
                        mid_rule_file_by(*file));
    *rule = *mid_rule_file_at(*file, 0, NULL);
    return CLI_OK;
}

/* The rule must be for these scores, as score sees to when it uses it. */
static int check_subject(const cli *c, const mid_rule_file *file, const cli_joined *joined)
{
    mid_rule_subject subject = { .monitor = "" };

    if (!file)
        return CLI_OK;
    if (!joined->scores.scored_by)
        return cli_fail(c, "%s does not say whose scores it has (scored_by), so nobody knows that %s is for them; give "
                        "the rule's --threshold", c->args.scores, c->args.rule);
    if (!cli_subject_read(joined->scores.scored_by, &subject))
        return cli_fail(c, "%s: scored_by is not as midstream score prints it", c->args.scores);
    if (mid_rule_file_check(c->ctx, file, &subject) != MID_OK)
        return cli_fail(c, "%s: %s", c->args.rule, mid_ctx_message(c->ctx));
    return CLI_OK;
}

/* What is left of an answer in a rule file. */
typedef struct mark { double extreme; uint8_t unsafe; } mark;

static int by_mark(const void *a, const void *b)
{
    const mark *p = a, *q = b;

    return p->extreme != q->extreme ? (p->extreme > q->extreme) - (p->extreme < q->extreme) : p->unsafe - q->unsafe;
}

/* How many of both lists, sorted, are the same. */
static size_t n_shared(const mark *a, size_t n_a, const mark *b, size_t n_b)
{
    size_t i = 0, j = 0, n = 0;

    while (i < n_a && j < n_b) {
        const int order = by_mark(&a[i], &b[j]);
        n += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return n;
}

static mark mark_of(const cli_answer *a, uint32_t max_tok)
{
    mark m = { -INFINITY, a->unsafe };
    size_t t;

    for (t = 0; t < a->n_tok && (max_tok == 0 || t < max_tok); t++)
        m.extreme = fmax(m.extreme, a->score[t].score);
    return m;
}

/* Are these the calibration answers themselves? Ids are not kept, but labels and extremes are. */
static int check_new(const cli *c, const mid_rule_file *file, const mid_rule *rule, const cli_joined *joined)
{
    const mid_rule_extremes *e = mid_rule_file_extremes(file);
    mark *old = malloc((e->n + 1) * sizeof *old), *new = malloc((joined->n + 1) * sizeof *new);
    size_t i, n = 0, n_longer = 0;
    int code = old && new ? CLI_OK : cli_fail(c, "out of memory");

    for (i = 0; code == CLI_OK && i < e->n; i++)
        old[i] = (mark){ e->extreme[i], e->label[i] };
    for (i = 0; code == CLI_OK && i < joined->n; i++) {
        new[i] = mark_of(&joined->at[i], rule->max_tok);
        n_longer += rule->max_tok && joined->at[i].n_tok > rule->max_tok;
    }
    if (code == CLI_OK) {
        qsort(old, e->n, sizeof *old, by_mark);
        qsort(new, joined->n, sizeof *new, by_mark);
        n = n_shared(old, e->n, new, joined->n);
    }
    if (n >= 0.9 * (double)joined->n && n)
        cli_note(c, "%zu of %zu answers have the label and the very extreme of one that %s was calibrated on: if they "
                 "are the same, all figures flatter it; use others", n, joined->n, c->args.rule);
    if (n_longer)
        cli_note(c, "%zu of %zu answers are longer than the %u tokens that %s promises anything about", n_longer,
                 joined->n, rule->max_tok, c->args.rule);
    free(old);
    free(new);
    return code;
}

static int outcome_of(const cli *c, const cli_answer *a, const mid_rule *rule, double *score, mid_outcome *out)
{
    size_t t;

    for (t = 0; t < a->n_tok; t++)
        score[t] = a->score[t].score;
    *out = (mid_outcome){ .label = a->unsafe, .group = a->group, .n_tok = (uint32_t)a->n_tok, .onset_tok = -1,
                          .alarm_tok = (uint32_t)mid_rule_alarm(rule, score, a->n_tok) };
    return a->unsafe ? cli_onset(c, a, &out->onset_tok) : CLI_OK;
}

static int outcomes(const cli *c, const cli_joined *joined, const mid_rule *rule, recommendation *r)
{
    double *score = malloc((joined->scores.n + 1) * sizeof *score);
    size_t i;
    int code = CLI_OK;

    r->outcome = calloc(joined->n + 1, sizeof *r->outcome);
    if (!score || !r->outcome)
        code = cli_fail(c, "out of memory");
    for (i = 0; i < joined->n && code == CLI_OK; i++) {
        mid_outcome *o = &r->outcome[r->n];
        code = outcome_of(c, &joined->at[i], rule, score, o);
        if (code == CLI_OK && o->onset_tok == (int32_t)o->n_tok)
            r->n_cut += 1;
        else
            r->n += 1;
    }
    r->threshold = rule->threshold;
    if (code == CLI_OK && r->n_cut)
        cli_note(c, "left out, for they were cut before they became unsafe: %zu of %zu answers", r->n_cut, joined->n);
    free(score);
    return code;
}

static int measure(cli *c, recommendation *r)
{
    const mid_boot boot = { .seed = c->args.seed, .n_draw = 1000 };
    mid_holdback curve[MID_HOLDBACK_MAX + 1];
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; i < N_WINDOW && status == MID_OK; i++) {
        const uint32_t window_tok = i <= MID_HOLDBACK_MAX ? (uint32_t)i : UINT32_MAX;
        cli_progress_show(c, "try windows", i, N_WINDOW, "windows");
        status = mid_holdback_of(c->ctx, r->outcome, r->n, window_tok, &boot, &r->at[i].holdback);
        if (status == MID_OK)
            status = mid_returns_of(c->ctx, r->outcome, r->n, c->args.prevalence, window_tok, &boot,
                                    &r->at[i].returns);
        if (i <= MID_HOLDBACK_MAX)
            curve[i] = r->at[i].holdback;
    }
    cli_progress_show(c, "try windows", i, N_WINDOW, "windows");
    if (status == MID_OK)
        status = mid_holdback_advise(c->ctx, curve, MID_HOLDBACK_MAX + 1, c->args.max_exposed, c->args.max_false_alarm,
                                     &r->advice);
    return cli_end(c, status);
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void print_window(const cli *c, cli_json *j, size_t i, const figures *f)
{
    const mid_holdback *h = &f->holdback;
    const mid_returns *m = &f->returns;

    cli_json_open(j, NULL, '{');
    if (i <= MID_HOLDBACK_MAX)
        cli_json_whole(j, "window_tok", (int64_t)i);
    else
        cli_json_string(j, "window_tok", NULL);
    cli_json_number(j, "wait_ms", h->wait_tok.value * c->args.ms_per_tok);
    cli_json_estimate(j, "wait_tok", &h->wait_tok);
    cli_json_estimate(j, "exposed_tok", &h->exposed_tok);
    cli_json_estimate(j, "exposed_tok_p95", &h->exposed_tok_p95);
    cli_json_estimate(j, "exposed_share", &h->exposed_share);
    cli_json_estimate(j, "withheld_tok", &h->withheld_tok);
    cli_json_estimate(j, "early_lost_tok", &h->early_lost_tok);
    cli_json_estimate(j, "fpr", &h->fpr);
    cli_json_estimate(j, "sg_time", &m->sg_time);
    cli_json_estimate(j, "rh_time", &m->rh_time);
    cli_json_estimate(j, "ac_time", &m->ac_time);
    cli_json_estimate(j, "early_lost", &m->early_lost);
    cli_json_close(j, '}');
}

static void print_json(const cli *c, const recommendation *r)
{
    const mid_holdback *h = &r->at[0].holdback;
    const mid_holdback_advice *a = &r->advice;
    cli_json j = { .to = stdout };
    size_t i;

    cli_json_open(&j, NULL, '{');
    cli_json_whole(&j, "n", (int64_t)h->n);
    cli_json_whole(&j, "n_unsafe", (int64_t)h->n_unsafe);
    cli_json_whole(&j, "n_prompts", (int64_t)h->n_group);
    cli_json_whole(&j, "n_onset_known", (int64_t)h->n_onset_known);
    cli_json_whole(&j, "n_cut_before_onset", (int64_t)r->n_cut);
    cli_json_number(&j, "threshold", r->threshold);
    cli_json_number(&j, "prevalence", r->at[0].returns.prevalence);
    cli_json_open(&j, "advice", '{');
    cli_json_whole(&j, "kept", a->kept);
    cli_json_whole(&j, "sure", a->sure);
    cli_json_whole(&j, "window_tok", (int64_t)a->i_window);
    if (a->i_sure <= MID_HOLDBACK_MAX)
        cli_json_whole(&j, "window_tok_sure", (int64_t)a->i_sure);
    else
        cli_json_string(&j, "window_tok_sure", NULL);
    cli_json_string(&j, "words", a->words);
    cli_json_close(&j, '}');
    cli_json_open(&j, "windows", '[');
    for (i = 0; i < N_WINDOW; i++)
        print_window(c, &j, i, &r->at[i]);
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
    putchar('\n');
}

/* 0, 1, 2, 4 .. 64, the whole answer, and what is advised. */
static bool is_shown(const recommendation *r, size_t i)
{
    return (i & (i - 1)) == 0 || i > MID_HOLDBACK_MAX || i == r->advice.i_window || i == r->advice.i_sure;
}

static const char *number(char text[32], int n_decimal, double x)
{
    snprintf(text, 32, "%.*f", n_decimal, x);
    return isfinite(x) ? text : NULL;
}

static int table_row(const cli *c, cli_table *t, size_t i, const figures *f)
{
    const mid_holdback *h = &f->holdback;
    const mid_returns *m = &f->returns;
    char window[24], text[8][32], exposed[64], withheld[64];

    snprintf(window, sizeof window, i <= MID_HOLDBACK_MAX ? "%zu" : "all", i);
    cli_estimate_text(&h->exposed_tok, 2, exposed);
    cli_estimate_text(&h->withheld_tok, 2, withheld);
    return cli_table_row(c, t, window, number(text[0], 1, h->wait_tok.value),
                         number(text[1], 0, h->wait_tok.value * c->args.ms_per_tok), exposed,
                         number(text[2], 1, h->exposed_tok_p95.value), number(text[3], 3, h->exposed_share.value),
                         withheld, number(text[4], 2, h->early_lost_tok.value), number(text[5], 3, m->sg_time.value),
                         number(text[6], 3, m->rh_time.value), number(text[7], 3, m->ac_time.value));
}

static int print_text(const cli *c, const recommendation *r)
{
    static const char *const column[] = { "#window", "#wait tok", "#ms", "exposed tok", "#p95", "#any", "withheld tok",
                                          "#lost early", "#SG", "#RH", "#AC" };
    cli_table t = { column, sizeof column / sizeof *column, 0, NULL };
    const mid_holdback *h = &r->at[0].holdback;
    char fpr[64];
    size_t i;
    int code = CLI_OK;

    cli_estimate_text(&h->fpr, 3, fpr);
    printf("%zu answers to %zu prompts, %zu unsafe, the onset known of %zu (the others count from token 0)\n"
           "threshold %g; safe answers stopped, whatever the window: %s\n"
           "exposed and lost early per unsafe answer, withheld per safe one, in tokens\n"
           "SG, RH, AC by tokens, for a prevalence of %.3f\n"
           "95 %% intervals from 1000 bootstrap draws over prompts\n\n",
           h->n, h->n_group, h->n_unsafe, h->n_onset_known, r->threshold, fpr, r->at[0].returns.prevalence);
    for (i = 0; i < N_WINDOW && code == CLI_OK; i++)
        if (is_shown(r, i))
            code = table_row(c, &t, i, &r->at[i]);
    cli_table_print(c, &t);
    printf("\n%s\n", r->advice.words);
    return code;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static int check(const cli *c)
{
    const cli_args *a = &c->args;

    if (a->max_exposed < 0)
        return cli_usage(c, "--max-exposed %g: 0 or more", a->max_exposed);
    if (a->max_false_alarm < 0 || a->max_false_alarm > 1)
        return cli_usage(c, "--max-false-alarm %g: a share, 0 to 1", a->max_false_alarm);
    if (a->prevalence < 0 || a->prevalence > 1)
        return cli_usage(c, "--prevalence %g: a share, 0 to 1", a->prevalence);
    if (a->ms_per_tok < 0)
        return cli_usage(c, "--ms-per-tok %g: 0 or more", a->ms_per_tok);
    return CLI_OK;
}

static int run(cli *c)
{
    recommendation r = { 0 };
    cli_joined joined = { .n = 0 };
    mid_rule_file *file = NULL;
    mid_rule rule;
    int code = check(c);

    if (code == CLI_OK)
        code = read_rule(c, &rule, &file);
    if (code == CLI_OK)
        code = cli_join(c, &joined);
    if (code == CLI_OK)
        code = check_subject(c, file, &joined);
    if (code == CLI_OK && file)
        code = check_new(c, file, &rule, &joined);
    if (code == CLI_OK)
        code = outcomes(c, &joined, &rule, &r);
    if (code == CLI_OK)
        code = measure(c, &r);
    if (code == CLI_OK && c->json)
        print_json(c, &r);
    else if (code == CLI_OK)
        code = print_text(c, &r);
    free(r.outcome);
    cli_joined_clear(&joined);
    mid_rule_file_close(file);
    return code;
}

const cli_verb cli_verb_recommend_holdback = {
    .name = "recommend-holdback", .words = "",
    .takes = "!scores !labels rule threshold !max-exposed !max-false-alarm ms-per-tok prevalence group seed format "
             "quiet help",
    .summary = "how many tokens to show behind the monitor, so that an alarm comes in time",
    .about = "Token j is shown when the score of token j + window is known and no alarm came; what was shown stays\n"
             "shown. Of all windows from 0 to 64 the smallest is named that shows few enough unsafe tokens (those of\n"
             "an unsafe answer from its onset on: the labels' onset, a byte, or onset_tok; without either, token 0),\n"
             "or it is said that none does. No window changes how many safe answers are stopped. Use answers that\n"
             "the rule was not calibrated on, scored by the monitor it is for.",
    .example = "midstream recommend-holdback --scores scores.jsonl --labels labels.jsonl --threshold 0.9 \\\n"
               "      --max-exposed 4 --max-false-alarm 0.05 --ms-per-tok 20",
    .run = run,
};
