/* Scores and labels of the same answers, joined by id. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int group_of(const cli *c, const cli_record *label, uint32_t *group)
{
    const char *at = label->id, *option = c->args.group;
    int n;

    if (!option) {
        *group = cli_hash(label->group ? label->group : label->id);
        return CLI_OK;
    }
    if (strncmp(option, "id:", 3) != 0 || !isdigit((unsigned char)option[3]) || option[4])
        return cli_usage(c, "--group %s: write it id:N", option);
    for (n = option[3] - '0'; n && at; n--)
        at = strchr(at, '-') ? strchr(at, '-') + 1 : NULL;
    if (!at)
        return cli_fail(c, "--group %s: id '%s' has fewer hyphens", option, label->id);
    *group = cli_hash(at);
    return CLI_OK;
}

/* Labels without a line of scores: an empty answer, or scoring that was broken off. */
static size_t n_unscored(const cli_joined *joined)
{
    size_t i, n = 0;

    for (i = 0; i < joined->labels.n; i++)
        n += !isnan(joined->labels.at[i].label) && !cli_records_find(&joined->scores, joined->labels.at[i].id);
    return n;
}

/* What was passed over, and what an answer that was not looks like from afar. */
typedef struct tally { size_t n_unlabelled, n_broken, n_silent, n_gap; } tally;

/* The lines of one answer, from the first token on. */
static int check_lines(const cli *c, const cli_record *score, size_t n)
{
    size_t t;

    for (t = 0; t < n; t++) {
        if (isnan(score[t].score) || isnan(score[t].i_tok))
            return cli_fail(c, "%s: '%s' has a line without score or i_tok", c->args.scores, score[t].id);
        if (score[t].i_tok != (double)t)
            return cli_fail(c, "%s: '%s': i_tok %g where %zu was expected (a line twice, or missing)", c->args.scores,
                            score[t].id, score[t].i_tok, t);
    }
    return CLI_OK;
}

/* A null says that there is nothing to say yet. Behind a number it is rather a token that could not be scored. */
static void look_for_nulls(const cli_record *score, size_t n, tally *k)
{
    size_t t, first = 0;

    while (first < n && score[first].score == -INFINITY)
        first++;
    for (t = first; t < n && score[t].score > -INFINITY; t++)
        ;
    k->n_silent += first == n;
    k->n_gap += t < n;
}

static void say_left_out(const cli *c, const cli_joined *joined, const tally *k)
{
    const size_t n = joined->n, n_missing = n ? n_unscored(joined) : 0;

    if (k->n_unlabelled)
        cli_note(c, "left out, for want of a label: %zu of %zu answers", k->n_unlabelled, k->n_unlabelled + n);
    if (n_missing)
        cli_note(c, "left out, for want of scores: %zu of %zu labelled answers", n_missing, n_missing + n);
    if (k->n_broken)
        cli_note(c, "left out, for their scores were broken off (no line is marked last): %zu of %zu answers",
                 k->n_broken, k->n_broken + n);
    if (k->n_silent)
        cli_note(c, "without a score at any token, so that they never alarm: %zu of %zu answers", k->n_silent, n);
    if (k->n_gap)
        cli_note(c, "with a null behind a score, which raises no alarm but may be a token that could not be scored: "
                 "%zu of %zu answers", k->n_gap, n);
}

/* out->scores and out->labels, both sorted by id. */
static int join(const cli *c, cli_joined *out)
{
    const cli_record *scores = out->scores.at;
    size_t i, end;
    tally k = { 0 };
    int code = CLI_OK;

    for (i = 0; i < out->scores.n && code == CLI_OK; i = end) {
        const cli_record *label = cli_records_find(&out->labels, scores[i].id);
        for (end = i; end < out->scores.n && strcmp(scores[end].id, scores[i].id) == 0; end++)
            ;
        code = check_lines(c, &scores[i], end - i);
        if (code != CLI_OK)
            break;
        if (!label || isnan(label->label)) {
            k.n_unlabelled += 1;
            continue;
        }
        if (out->scores.has_last && !scores[end - 1].last) {
            k.n_broken += 1;
            continue;
        }
        look_for_nulls(&scores[i], end - i, &k);
        out->at[out->n] = (cli_answer){ &scores[i], label, end - i, 0, label->label > 0 };
        code = group_of(c, label, &out->at[out->n].group);
        out->n += 1;
    }
    if (code == CLI_OK)
        say_left_out(c, out, &k);
    if (code == CLI_OK && out->n == 0)
        code = cli_fail(c, "no id of %s has a label in %s", c->args.scores, c->args.labels);
    return code;
}

int cli_join(const cli *c, cli_joined *out)
{
    int code;

    *out = (cli_joined){ .n = 0 };
    code = cli_records_read(c, c->args.scores, &out->scores);
    if (code == CLI_OK)
        code = cli_labels_read(c, c->args.labels, &out->labels);
    if (code != CLI_OK)
        return code;
    cli_records_sort(&out->scores);
    out->at = calloc(out->scores.n + 1, sizeof *out->at);
    return out->at ? join(c, out) : cli_fail(c, "out of memory");
}

void cli_joined_clear(cli_joined *j)
{
    free(j->at);
    cli_records_clear(&j->labels);
    cli_records_clear(&j->scores);
}

void cli_subject_text(const mid_rule_subject *subject, char text[CLI_SUBJECT_BYTES])
{
    snprintf(text, CLI_SUBJECT_BYTES, "%s %s %s %s", subject->monitor, subject->version,
             subject->observer[0] ? subject->observer : "-", subject->fitted[0] ? subject->fitted : "-");
}

bool cli_subject_read(const char *text, mid_rule_subject *subject)
{
    int end = 0;

    if (sscanf(text, "%255s %63s %64s %64s%n", subject->monitor, subject->version, subject->observer, subject->fitted,
               &end) != 4 || text[end])
        return false;
    if (strcmp(subject->observer, "-") == 0)
        subject->observer[0] = 0;
    if (strcmp(subject->fitted, "-") == 0)
        subject->fitted[0] = 0;
    return true;
}

int cli_onset(const cli *c, const cli_answer *a, int32_t *onset_tok)
{
    const double tok = a->label->onset_tok, byte = a->label->onset;
    const cli_record *last = &a->score[a->n_tok - 1];
    size_t t;

    *onset_tok = -1;
    if (tok >= 0) {
        if (tok != floor(tok))
            return cli_fail(c, "%s: '%s': onset_tok %g is no token", c->args.labels, a->label->id, tok);
        *onset_tok = tok < (double)a->n_tok ? (int32_t)tok : (int32_t)a->n_tok;
        return CLI_OK;
    }
    if (!(byte >= 0))
        return CLI_OK;
    for (t = 0; t < a->n_tok && a->score[t].at_byte <= byte; t++)
        ;
    if (t == 0 || isnan(last->at_byte))
        return cli_fail(c, "%s: '%s': its onset is byte %g, but the scores in %s do not say where its tokens are "
                        "(at_byte); give onset_tok", c->args.labels, a->label->id, byte, c->args.scores);
    *onset_tok = byte >= last->at_byte + last->n_text ? (int32_t)a->n_tok : (int32_t)t - 1;
    return CLI_OK;
}
