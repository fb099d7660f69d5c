/* Rule files: a rule, or one per value of a field, with whose score it belongs to and the extremes it was calibrated
 * on. Rules with a confidence hold jointly over the values: each gets its part of what may be wrong (Bonferroni).
 * Promises on average stay one statement per value, since averages need no sharing and say nothing about all values
 * at once. */
#include "calibrate/rule_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "calibrate/side.h"

/* ---- whose score ------------------------------------------------------------------------------------------------- */

static void hash_of(const void *bytes, size_t n, char hex[65])
{
    mid__sha256 sha;

    mid__sha256_init(&sha);
    mid__sha256_put(&sha, bytes, n);
    mid__sha256_hex(&sha, hex);
}

/* What was given for a parameter, or its default. Of two the last one counts, as when a monitor is opened. */
static const mid_param *in_force(const mid_param *known, const mid_param *given)
{
    const mid_param *force = known;

    for (; given && given->name; given++)
        if (strcmp(given->name, known->name) == 0)
            force = given;
    return force;
}

/* A hash of the parameters that are not the defaults, so that one which the monitor gains later changes nothing; "" if
 * all are. */
static void changed_of(const mid_monitor_ops *ops, const mid_param *given, char hex[65])
{
    const mid_param *p;
    mid__sha256 sha;
    char number[40];
    bool changed = false;

    mid__sha256_init(&sha);
    for (p = ops->params; p && p->name; p++) {
        const mid_param *force = in_force(p, given);
        const char *text = force->text ? force->text : number;
        if (p->text ? strcmp(force->text, p->text) == 0 : memcmp(&force->number, &p->number, sizeof p->number) == 0)
            continue;
        snprintf(number, sizeof number, "%.17g", force->number);
        mid__sha256_put(&sha, p->name, strlen(p->name) + 1);
        mid__sha256_put(&sha, text, strlen(text) + 1);
        changed = true;
    }
    if (changed)
        mid__sha256_hex(&sha, hex);
}

/* "1", "1+2"; of a monitor made at run time also what it was made from. */
static void version_of(const mid_monitor_spec *spec, const mid_param *params, char version[64])
{
    char built[65] = "", changed[65] = "";
    size_t i, n;

    changed_of(spec->monitor, params, changed);
    if (spec->monitor->build)
        hash_of(spec->monitor->build, strlen(spec->monitor->build), built);
    n = (size_t)snprintf(version, 64, "%u%s%.12s%s%.12s", spec->monitor->version, built[0] ? "@" : "", built,
                         changed[0] ? ":" : "", changed);
    for (i = 0; i < spec->n_aggregate && n < 64; i++)
        n += (size_t)snprintf(version + n, 64 - n, "+%u", spec->aggregate[i].ops->version);
}

/* The observer; of two, a hash of both, so that one is not taken for the pair. */
static void observer_of(const mid_signals *signals, char observer[65])
{
    char both[2 * 65];

    memcpy(observer, signals->observer, 65);
    if (!signals->beside)
        return;
    snprintf(both, sizeof both, "%s %s", signals->observer, signals->beside->observer);
    hash_of(both, strlen(both), observer);
}

mid_status mid_rule_subject_of(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                               const mid_signals *signals, const mid_weights *weights, mid_rule_subject *out)
{
    mid_rule_subject subject = { .monitor = "" };
    void *bytes = NULL;
    size_t n;
    mid_monitor_reads reads;
    mid_status status = weights ? mid_weights_pack(ctx, weights, &bytes, &n)
                        : mid_monitor_reads_of(ctx, spec->monitor, params, &reads);     /* refuses what is wrong */

    if (status != MID_OK)
        return status;
    mid_monitor_spec_text(spec, subject.monitor);
    version_of(spec, weights ? NULL : params, subject.version);
    observer_of(signals, subject.observer);
    if (weights)
        hash_of(bytes, n, subject.fitted);
    mid_free(bytes);
    *out = subject;
    return MID_OK;
}

mid_status mid_rule_file_check(mid_ctx *ctx, const mid_rule_file *file, const mid_rule_subject *subject)
{
    const mid_rule_subject *own = &file->subject;

    if (!own->monitor[0])
        return mid__fail(ctx, MID_EMISMATCH, "the rule does not say whose scores it was calibrated on, this is %s",
                         subject->monitor);
    if (strcmp(own->monitor, subject->monitor) != 0 || strcmp(own->version, subject->version) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "the rule was calibrated for %s version %s, this is %s version %s",
                         own->monitor, own->version, subject->monitor, subject->version);
    if (strcmp(own->observer, subject->observer) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "the rule was calibrated with observer %.12s, this is observer %.12s",
                         own->observer[0] ? own->observer : "(none)",
                         subject->observer[0] ? subject->observer : "(none)");
    if (strcmp(own->fitted, subject->fitted) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "the rule was calibrated for the fitted file %.12s, this is %.12s",
                         own->fitted[0] ? own->fitted : "(none)", subject->fitted[0] ? subject->fitted : "(none)");
    return MID_OK;
}

/* ---- making one -------------------------------------------------------------------------------------------------- */

const mid_rule_info *mid__rule_info(const char *name)
{
    const mid_rule_info *info = mid_rule_list();

    while (info->name && strcmp(info->name, name) != 0)
        info++;
    return info->name ? info : NULL;
}

const mid_param *mid__rule_param_info(const mid_rule_info *info, const char *name)
{
    const mid_param *p = info->params;

    while (p && p->name && strcmp(p->name, name) != 0)
        p++;
    return p && p->name ? p : NULL;
}

mid_status mid__rule_file_room(mid_ctx *ctx, mid_rule_file *file, size_t n, size_t n_answer)
{
    file->n = n;
    file->at = mid__arena_get(&file->arena, (n + 1) * sizeof *file->at);
    file->by_value = mid__arena_get(&file->arena, (n + 1) * sizeof *file->by_value);
    file->extreme = mid__arena_get(&file->arena, (n_answer + 1) * sizeof *file->extreme);
    file->label = mid__arena_get(&file->arena, n_answer + 1);
    file->group = mid__arena_get(&file->arena, (n_answer + 1) * sizeof *file->group);
    file->by_of = mid__arena_get(&file->arena, (n_answer + 1) * sizeof *file->by_of);
    if (!file->at || !file->by_value || !file->extreme || !file->label || !file->group || !file->by_of)
        return mid__oom(ctx, "a rule file");
    file->extremes = (mid_rule_extremes){ n_answer, file->extreme, file->label, file->group, file->by_of };
    return MID_OK;
}

mid_rule_file_opts mid_rule_file_opts_default(void)
{
    return (mid_rule_file_opts){ .size = sizeof(mid_rule_file_opts) };
}

bool mid__rule_text_ok(const char *text, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const unsigned char b = (unsigned char)text[i], next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
        if (b < 0x20 || b == 0x7f || (b == 0xc2 && next >= 0x80 && next < 0xa0))
            return false;
    }
    return mid__utf8_valid(text, n) == n;
}

static mid_status check_text(mid_ctx *ctx, const char *what, const char *text)
{
    const size_t n = text ? strlen(text) : 0;

    if (n >= MID__RULE_TEXT_BYTES)
        return mid__fail(ctx, MID_EINVAL, "%s has %zu bytes, at most %d", what, n, MID__RULE_TEXT_BYTES - 1);
    if (n && !mid__rule_text_ok(text, n))
        return mid__fail(ctx, MID_EINVAL, "%s has a control character in it, or is not UTF-8", what);
    return MID_OK;
}

static mid_status check_by(mid_ctx *ctx, const mid_rule_file_opts *opts)
{
    size_t i, j;
    mid_status status = check_text(ctx, "the field", opts->by);

    if (status == MID_OK && (opts->n_by < 1 || opts->n_by > MID_RULE_BY_MAX))
        return mid__fail(ctx, MID_EINVAL, "%s has %zu values, want 1 to %d", opts->by, opts->n_by, MID_RULE_BY_MAX);
    for (i = 0; status == MID_OK && i < opts->n_by; i++) {
        status = check_text(ctx, opts->by, opts->by_value[i]);
        for (j = 0; status == MID_OK && j < i; j++)
            if (strcmp(opts->by_value[i], opts->by_value[j]) == 0)
                return mid__fail(ctx, MID_EINVAL, "%s has the value '%s' twice", opts->by, opts->by_value[i]);
    }
    return status;
}

static mid_status check_opts(mid_ctx *ctx, const mid_rule_file_opts *opts, const mid_rule_set *set)
{
    const mid_rule_subject *subject = opts->subject;
    size_t i;
    mid_status status = check_text(ctx, "the population", opts->population);

    if (!opts->rule || !mid__rule_info(opts->rule))
        return mid__fail(ctx, MID_ENOTFOUND, "no rule '%s'", opts->rule ? opts->rule : "");
    if (subject && status == MID_OK)
        status = check_text(ctx, "the monitor's name", subject->monitor);
    if (subject && status == MID_OK)
        status = check_text(ctx, "the monitor's version", subject->version);
    if (subject && status == MID_OK)
        status = check_text(ctx, "the observer", subject->observer);
    if (subject && status == MID_OK)
        status = check_text(ctx, "the fitted file's hash", subject->fitted);
    if (opts->by && (!opts->by_value || (set->n && !opts->by_of)))
        return mid__fail(ctx, MID_EINVAL, "%s without by_value or by_of", opts->by);
    if (opts->by && status == MID_OK)
        status = check_by(ctx, opts);
    if (!opts->by || status != MID_OK)
        return status;
    for (i = 0; i < set->n; i++)
        if (opts->by_of[i] >= opts->n_by)
            return mid__fail(ctx, MID_EINVAL, "answer %zu has value %u of %s, there are %zu", i, opts->by_of[i],
                             opts->by, opts->n_by);
    return MID_OK;
}

/* The given parameters under their registry names, and the number of joint statements. */
static mid_status keep_params(mid_ctx *ctx, const mid_rule_file_opts *opts, mid_rule_file *file)
{
    const mid_rule_info *info = mid__rule_info(opts->rule);
    const mid_param *known, *p;
    size_t n = 0, i_joint;

    file->rule = info->name;
    for (p = opts->params; p && p->name; p++) {
        known = mid__rule_param_info(info, p->name);
        if (!known || p->text || n == MID__RULE_PARAM_MAX)     /* mid_rule_fit() says it well */
            return mid__fail(ctx, MID_EINVAL, "rule %s: '%s' is no parameter with a number", info->name, p->name);
        file->param[n++] = (mid_param){ .name = known->name, .number = p->number };
    }
    known = mid__rule_param_info(info, "joint");
    if (!known || !opts->by)
        return MID_OK;
    for (i_joint = 0; i_joint < n && strcmp(file->param[i_joint].name, "joint") != 0; i_joint++)
        ;
    if (i_joint == n)
        file->param[i_joint] = (mid_param){ .name = known->name, .number = known->number };
    file->param[i_joint].number *= (double)opts->n_by;
    return MID_OK;
}

static mid_status keep_words(mid_ctx *ctx, const mid_rule_file_opts *opts, mid_rule_file *file)
{
    const char *population = opts->population ? opts->population : "prompts like the calibration prompts";
    size_t i;

    if (opts->subject)
        file->subject = *opts->subject;
    file->population = mid__arena_text(&file->arena, population, strlen(population));
    if (!file->population)
        return mid__oom(ctx, "a rule file");
    if (!opts->by)
        return MID_OK;
    file->by = mid__arena_text(&file->arena, opts->by, strlen(opts->by));
    for (i = 0; file->by && i < file->n; i++) {
        file->by_value[i] = mid__arena_text(&file->arena, opts->by_value[i], strlen(opts->by_value[i]));
        if (!file->by_value[i])
            break;
    }
    return file->by && i == file->n ? MID_OK : mid__oom(ctx, "a rule file");
}

/* All answers, sorted by extreme. */
static mid_status keep_extremes(mid_ctx *ctx, const mid_rule_file_opts *opts, const mid_rule_set *set,
                                mid_rule_file *file)
{
    uint32_t *order = malloc((set->n + 1) * sizeof *order), *number = malloc((set->n + 1) * sizeof *number);
    size_t i, n_prompt;
    mid_status status = order && number ? MID_OK : mid__oom(ctx, "a rule file");

    for (i = 0; status == MID_OK && i < set->n; i++) {
        file->extreme[i] = set->extreme[i];
        order[i] = (uint32_t)i;
    }
    if (status == MID_OK)
        status = mid__rise(ctx, file->extreme, order, set->n);
    if (status == MID_OK)
        status = mid__prompt_number(ctx, set->group, set->n, number, &n_prompt);
    for (i = 0; status == MID_OK && i < set->n; i++) {
        file->label[i] = set->label[order[i]];
        file->group[i] = number[order[i]];
        file->by_of[i] = opts->by ? opts->by_of[order[i]] : 0;
    }
    free(order);
    free(number);
    return status;
}

/* The answers with one value of the field. */
typedef struct part {
    mid_rule_set set;
    double *extreme;
    uint8_t *label;
    uint32_t *group;
    mid_scored_answer *score;
    int32_t *onset_tok;
} part;

static mid_status part_open(mid_ctx *ctx, const mid_rule_set *set, part *p)
{
    *p = (part){ .extreme = malloc((set->n + 1) * sizeof *p->extreme), .label = malloc(set->n + 1),
                 .group = malloc((set->n + 1) * sizeof *p->group), .score = malloc((set->n + 1) * sizeof *p->score),
                 .onset_tok = malloc((set->n + 1) * sizeof *p->onset_tok) };
    p->set = (mid_rule_set){ .extreme = p->extreme, .label = p->label, .group = p->group,
                             .score = set->score ? p->score : NULL,
                             .onset_tok = set->onset_tok ? p->onset_tok : NULL, .max_tok = set->max_tok };
    return p->extreme && p->label && p->group && p->score && p->onset_tok ? MID_OK : mid__oom(ctx, "a rule's answers");
}

static void part_close(part *p)
{
    free(p->extreme);
    free(p->label);
    free(p->group);
    free(p->score);
    free(p->onset_tok);
}

static void part_take(const mid_rule_set *set, const uint32_t *by_of, uint32_t value, part *p)
{
    size_t i, n = 0;

    for (i = 0; i < set->n; i++) {
        if (by_of[i] != value)
            continue;
        p->extreme[n] = set->extreme[i];
        p->label[n] = set->label[i];
        p->group[n] = set->group[i];
        if (set->score)
            p->score[n] = set->score[i];
        if (set->onset_tok)
            p->onset_tok[n] = set->onset_tok[i];
        n += 1;
    }
    p->set.n = n;
}

static mid_status fit_parts(mid_ctx *ctx, const mid_rule_file_opts *opts, const mid_rule_set *set, mid_rule_file *file)
{
    part p;
    uint32_t i;
    mid_status status = part_open(ctx, set, &p);

    for (i = 0; status == MID_OK && i < opts->n_by; i++) {
        part_take(set, opts->by_of, i, &p);
        status = mid_rule_fit(ctx, opts->rule, file->param, &p.set, &file->at[i]);
        if (status != MID_OK)
            mid__within(ctx, status, "%s %s", opts->by, opts->by_value[i]);
    }
    part_close(&p);
    return status;
}

mid_status mid_rule_file_fit(mid_ctx *ctx, const mid_rule_file_opts *opts, const mid_rule_set *set, mid_rule_file **out)
{
    mid_rule_file *file = NULL;
    mid_status status = check_opts(ctx, opts, set);

    if (status != MID_OK)
        return status;
    file = calloc(1, sizeof *file);
    if (!file)
        return mid__oom(ctx, "a rule file");
    status = keep_params(ctx, opts, file);
    if (status == MID_OK)
        status = mid__rule_file_room(ctx, file, opts->by ? opts->n_by : 1, set->n);
    if (status == MID_OK)
        status = keep_words(ctx, opts, file);
    if (status == MID_OK)           /* before sorting, which wants what this checks */
        status = opts->by ? fit_parts(ctx, opts, set, file) : mid_rule_fit(ctx, opts->rule, file->param, set, file->at);
    if (status == MID_OK)
        status = keep_extremes(ctx, opts, set, file);
    if (status == MID_OK)
        *out = file;
    else
        mid_rule_file_close(file);
    return status;
}

void mid_rule_file_close(mid_rule_file *file)
{
    if (!file)
        return;
    mid__arena_clear(&file->arena);
    free(file);
}

/* ---- what it has ------------------------------------------------------------------------------------------------- */

const char *mid_rule_file_by(const mid_rule_file *file) { return file->by; }
size_t mid_rule_file_n(const mid_rule_file *file) { return file->n; }
const mid_rule_subject *mid_rule_file_subject(const mid_rule_file *file) { return &file->subject; }
const char *mid_rule_file_population(const mid_rule_file *file) { return file->population; }
const mid_rule_extremes *mid_rule_file_extremes(const mid_rule_file *file) { return &file->extremes; }

const mid_rule *mid_rule_file_at(const mid_rule_file *file, size_t i, const char **by_value)
{
    if (by_value)
        *by_value = file->by_value[i];
    return &file->at[i];
}

const mid_rule *mid_rule_file_find(const mid_rule_file *file, const char *by_value)
{
    size_t i;

    if (!file->by)
        return &file->at[0];
    for (i = 0; by_value && i < file->n; i++)
        if (strcmp(file->by_value[i], by_value) == 0)
            return &file->at[i];
    return NULL;
}
