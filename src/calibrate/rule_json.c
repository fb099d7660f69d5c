/* Rule files as JSON: read by people and other programs, so names are those of midstream/rule.h. One object; numbers
 * that JSON does not have are null (NaN: there is none) and the texts "inf" and "-inf". What is read may be a
 * stranger's: every value is checked before it is used, texts that could steer a terminal are refused, since promises
 * get printed, and a rule must be what its own answers and parameters give. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yyjson.h"

#include "base/ctx.h"
#include "base/file.h"
#include "calibrate/rule_file.h"
#include "midstream/trace.h"

enum { FILE_VERSION = 1, FILE_LIMIT_BYTES = 256 << 20 };

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static yyjson_mut_val *number(yyjson_mut_doc *doc, double x)
{
    if (isnan(x))
        return yyjson_mut_null(doc);
    if (isinf(x))
        return yyjson_mut_str(doc, x > 0 ? "inf" : "-inf");
    return yyjson_mut_real(doc, x);
}

static bool put_number(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double x)
{
    return yyjson_mut_obj_add_val(doc, object, key, number(doc, x));
}

static bool put_rule(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *by_value, const mid_rule *r)
{
    yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

    return o && (!by_value || yyjson_mut_obj_add_str(doc, o, "value", by_value)) &&
           yyjson_mut_obj_add_str(doc, o, "promise", r->promise) &&
           yyjson_mut_obj_add_str(doc, o, "kind", mid_promise_name(r->kind)) &&
           put_number(doc, o, "false_alarm", r->false_alarm) && put_number(doc, o, "miss", r->miss) &&
           put_number(doc, o, "confidence", r->confidence) && put_number(doc, o, "threshold", r->threshold) &&
           put_number(doc, o, "lowest", r->lowest) && put_number(doc, o, "highest", r->highest) &&
           put_number(doc, o, "clear", r->clear) && put_number(doc, o, "hold", r->can_hold ? r->hold : NAN) &&
           yyjson_mut_obj_add_bool(doc, o, "hold_alarms", r->hold_alarms) &&
           yyjson_mut_obj_add_uint(doc, o, "n_safe", r->n_safe) &&
           yyjson_mut_obj_add_uint(doc, o, "n_unsafe", r->n_unsafe) &&
           yyjson_mut_obj_add_uint(doc, o, "max_tok", r->max_tok);
}

static bool put_extremes(yyjson_mut_doc *doc, yyjson_mut_val *root, const mid_rule_extremes *e)
{
    yyjson_mut_val *extreme = yyjson_mut_obj_add_arr(doc, root, "extreme");
    yyjson_mut_val *label = yyjson_mut_obj_add_arr(doc, root, "label");
    yyjson_mut_val *group = yyjson_mut_obj_add_arr(doc, root, "group");
    yyjson_mut_val *rule = yyjson_mut_obj_add_arr(doc, root, "rule_of");
    bool ok = extreme && label && group && rule;
    size_t i;

    for (i = 0; ok && i < e->n; i++)
        ok = yyjson_mut_arr_append(extreme, number(doc, e->extreme[i])) &&
             yyjson_mut_arr_add_uint(doc, label, e->label[i]) &&
             yyjson_mut_arr_add_uint(doc, group, e->group[i]) && yyjson_mut_arr_add_uint(doc, rule, e->by[i]);
    return ok;
}

static bool put_file(yyjson_mut_doc *doc, const mid_rule_file *file)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc), *params, *rules;
    const mid_param *p;
    bool ok = root && yyjson_mut_obj_add_uint(doc, root, "midstream_rule", FILE_VERSION) &&
              yyjson_mut_obj_add_str(doc, root, "rule", file->rule);
    size_t i;

    yyjson_mut_doc_set_root(doc, root);
    params = ok ? yyjson_mut_obj_add_obj(doc, root, "params") : NULL;
    ok = params != NULL;
    for (p = file->param; ok && p->name; p++)
        ok = isnan(p->number) || put_number(doc, params, p->name, p->number);
    ok = ok && yyjson_mut_obj_add_str(doc, root, "monitor", file->subject.monitor) &&
         yyjson_mut_obj_add_str(doc, root, "version", file->subject.version) &&
         yyjson_mut_obj_add_str(doc, root, "observer", file->subject.observer) &&
         yyjson_mut_obj_add_str(doc, root, "fitted", file->subject.fitted) &&
         yyjson_mut_obj_add_str(doc, root, "population", file->population);
    if (ok && file->by)
        ok = yyjson_mut_obj_add_str(doc, root, "by", file->by);
    rules = ok ? yyjson_mut_obj_add_arr(doc, root, "rules") : NULL;
    ok = rules != NULL;
    for (i = 0; ok && i < file->n; i++)
        ok = put_rule(doc, rules, file->by_value[i], &file->at[i]);
    return ok && put_extremes(doc, root, &file->extremes);
}

mid_status mid_rule_file_pack(mid_ctx *ctx, const mid_rule_file *file, void **bytes, size_t *n)
{
    yyjson_mut_doc *doc;
    char *text = NULL;
    size_t i, n_text = 0;

    for (i = 0; i < file->n; i++)
        if (!file->at[i].feasible)
            return mid__fail(ctx, MID_EUNDEFINED, "the rule%s%s is infeasible: %s", file->by ? " of " : "",
                             file->by ? file->by_value[i] : "", file->at[i].promise);
    doc = yyjson_mut_doc_new(NULL);
    if (doc && put_file(doc, file))
        text = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, &n_text);
    yyjson_mut_doc_free(doc);
    if (!text)
        return mid__oom(ctx, "a rule file");
    *bytes = text;
    *n = n_text;
    return MID_OK;
}

mid_status mid_rule_file_save(mid_ctx *ctx, const mid_rule_file *file, const char *path)
{
    void *bytes;
    size_t n;
    mid_status status = mid_rule_file_pack(ctx, file, &bytes, &n);

    if (status != MID_OK)
        return status;
    status = mid__file_write(ctx, path, bytes, n);
    mid_free(bytes);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* An object and what went wrong with it first; later reads give zeros. */
typedef struct reader {
    mid_ctx *ctx;
    yyjson_val *object;
    char where[32];                 /* "", "rules[3]." */
    mid_status status;
} reader;

static void wrong(reader *r, const char *key, const char *fmt, ...) MID_PRINTF(3, 4);
static void wrong(reader *r, const char *key, const char *fmt, ...)
{
    char why[200];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    if (r->status == MID_OK)
        r->status = mid__fail(r->ctx, MID_EFORMAT, "%s%s %s", r->where, key, why);
}

/* A number, null or "inf". */
static bool to_number(yyjson_val *value, double *x)
{
    const char *text = yyjson_get_str(value);

    if (yyjson_is_null(value))
        *x = NAN;
    else if (text && strcmp(text, "inf") == 0)
        *x = INFINITY;
    else if (text && strcmp(text, "-inf") == 0)
        *x = -INFINITY;
    else if (yyjson_is_num(value))
        *x = yyjson_get_num(value);
    else
        return false;
    return true;
}

static double read_number(reader *r, const char *key)
{
    double x = 0;

    if (!to_number(yyjson_obj_get(r->object, key), &x))
        wrong(r, key, "is missing or no number");
    return x;
}

/* Not null, infinities allowed. */
static double read_line(reader *r, const char *key)
{
    const double x = read_number(r, key);

    if (isnan(x))
        wrong(r, key, "is null, want a number");
    return x;
}

/* A share strictly between 0 and 1, or null. */
static double read_share(reader *r, const char *key)
{
    const double x = read_number(r, key);

    if (x <= 0 || x >= 1)
        wrong(r, key, "is %g, want above 0 and below 1, or null", x);
    return x;
}

static uint32_t read_whole(reader *r, const char *key, uint32_t most)
{
    yyjson_val *value = yyjson_obj_get(r->object, key);

    if (!yyjson_is_uint(value) || yyjson_get_uint(value) > most) {
        wrong(r, key, "is missing or no whole number up to %u", most);
        return 0;
    }
    return (uint32_t)yyjson_get_uint(value);
}

/* Lives as long as the document. limit_bytes counts the final zero. */
static const char *read_text(reader *r, const char *key, size_t limit_bytes)
{
    yyjson_val *value = yyjson_obj_get(r->object, key);

    if (!yyjson_is_str(value))
        wrong(r, key, "is missing or no text");
    else if (yyjson_get_len(value) >= limit_bytes)
        wrong(r, key, "has %zu bytes, at most %zu", yyjson_get_len(value), limit_bytes - 1);
    else if (!mid__rule_text_ok(yyjson_get_str(value), yyjson_get_len(value)))
        wrong(r, key, "has a control character in it");
    else
        return yyjson_get_str(value);
    return "";
}

static const char *keep_text(reader *r, const char *key, mid_rule_file *file)
{
    const char *text = read_text(r, key, MID__RULE_TEXT_BYTES);
    const char *kept = mid__arena_text(&file->arena, text, strlen(text));

    if (!kept && r->status == MID_OK)
        r->status = mid__oom(r->ctx, "a rule file");
    return kept;
}

static yyjson_val *read_list(reader *r, const char *key, size_t n_least, size_t n_most)
{
    yyjson_val *list = yyjson_obj_get(r->object, key);

    if (!yyjson_is_arr(list))
        wrong(r, key, "is missing or no list");
    else if (yyjson_arr_size(list) < n_least || yyjson_arr_size(list) > n_most)
        wrong(r, key, "has %zu entries, want %zu to %zu", yyjson_arr_size(list), n_least, n_most);
    return r->status == MID_OK ? list : NULL;
}

static mid_promise read_kind(reader *r)
{
    const char *word = read_text(r, "kind", 32);
    mid_promise kind;

    for (kind = MID_PROMISE_NONE; kind <= MID_PROMISE_CONFIDENT; kind++)
        if (strcmp(word, mid_promise_name(kind)) == 0)
            return kind;
    wrong(r, "kind", "is '%s', want none, assumed, mean or confident", word);
    return MID_PROMISE_NONE;
}

static void check_rule(reader *r, const mid_rule *rule)
{
    const bool open = isnan(rule->lowest) || isnan(rule->highest);

    if (rule->lowest > rule->highest || (open && rule->kind != MID_PROMISE_NONE))
        wrong(r, "lowest", "and highest enclose no threshold");
    if (rule->threshold < rule->lowest || rule->threshold > rule->highest)
        wrong(r, "threshold", "is %g, outside %g to %g, where the promise holds", rule->threshold, rule->lowest,
              rule->highest);
    if (rule->can_hold && rule->hold > rule->threshold)
        wrong(r, "hold", "is %g, above the threshold of %g", rule->hold, rule->threshold);
    if (!(rule->clear <= 0 && rule->clear > -INFINITY))
        wrong(r, "clear", "is %g, want 0 or below, finite", rule->clear);
    if (rule->kind != MID_PROMISE_NONE && isnan(rule->false_alarm) && isnan(rule->miss))
        wrong(r, "kind", "is %s without false_alarm or miss", mid_promise_name(rule->kind));
    if ((rule->kind == MID_PROMISE_CONFIDENT) == isnan(rule->confidence))
        wrong(r, "confidence", "and a promise of kind %s do not go together", mid_promise_name(rule->kind));
}

static void read_rule(reader *r, mid_rule_file *file, size_t i)
{
    yyjson_val *hold = yyjson_obj_get(r->object, "hold");
    mid_rule *rule = &file->at[i];

    *rule = (mid_rule){
        .name = file->rule, .feasible = true, .kind = read_kind(r), .threshold = read_line(r, "threshold"),
        .lowest = read_number(r, "lowest"), .highest = read_number(r, "highest"), .clear = read_line(r, "clear"),
        .can_hold = !yyjson_is_null(hold), .hold_alarms = yyjson_is_true(yyjson_obj_get(r->object, "hold_alarms")),
        .hold = yyjson_is_null(hold) ? INFINITY : read_line(r, "hold"), .false_alarm = read_share(r, "false_alarm"),
        .miss = read_share(r, "miss"), .confidence = read_share(r, "confidence"), .nearest_false_alarm = NAN,
        .nearest_miss = NAN,
        .n_safe = read_whole(r, "n_safe", INT32_MAX), .n_unsafe = read_whole(r, "n_unsafe", INT32_MAX),
        .max_tok = read_whole(r, "max_tok", UINT32_MAX),
    };
    snprintf(rule->promise, sizeof rule->promise, "%s", read_text(r, "promise", sizeof rule->promise));
    check_rule(r, rule);
    if (file->by)
        file->by_value[i] = keep_text(r, "value", file);
}

static void read_rules(reader *r, yyjson_val *list, mid_rule_file *file)
{
    yyjson_val *entry;
    size_t i, j, n;

    yyjson_arr_foreach(list, i, n, entry) {
        reader one = { .ctx = r->ctx, .object = entry };
        snprintf(one.where, sizeof one.where, "rules[%zu].", i);
        if (!yyjson_is_obj(entry))
            wrong(r, "rules", "has an entry that is no object");
        else
            read_rule(&one, file, i);
        for (j = 0; file->by && one.status == MID_OK && j < i; j++)
            if (strcmp(file->by_value[j], file->by_value[i]) == 0)
                wrong(&one, "value", "is '%s' a second time", file->by_value[i]);
        if (r->status == MID_OK)
            r->status = one.status;
        if (r->status != MID_OK)
            return;
    }
}

static void read_params(reader *r, mid_rule_file *file)
{
    yyjson_val *params = yyjson_obj_get(r->object, "params"), *key, *value;
    size_t i, n;

    if (!yyjson_is_obj(params)) {
        wrong(r, "params", "is missing or no object");
        return;
    }
    if (yyjson_obj_size(params) > MID__RULE_PARAM_MAX) {
        wrong(r, "params", "has %zu entries, at most %d", yyjson_obj_size(params), MID__RULE_PARAM_MAX);
        return;
    }
    yyjson_obj_foreach(params, i, n, key, value) {
        const mid_param *known = mid__rule_param_info(mid__rule_info(file->rule), yyjson_get_str(key));
        double x;
        size_t j;
        if (!known || !to_number(value, &x) || isnan(x)) {
            const bool plain = mid__rule_text_ok(yyjson_get_str(key), yyjson_get_len(key));
            wrong(r, "params", "has '%.40s', which is no parameter of %s with a number",
                  plain ? yyjson_get_str(key) : "(a control character)", file->rule);
            return;
        }
        for (j = 0; j < i; j++)
            if (file->param[j].name == known->name)
                wrong(r, "params", "has '%s' twice", known->name);
        file->param[i] = (mid_param){ .name = known->name, .number = x };
    }
}

/* Whole numbers of a list that is as long as the extremes. */
static void read_indices(reader *r, const char *key, size_t n_answer, uint32_t below, uint32_t *out)
{
    yyjson_val *list = read_list(r, key, n_answer, n_answer), *value;
    size_t i, n;

    if (!list)
        return;
    yyjson_arr_foreach(list, i, n, value) {
        if (!yyjson_is_uint(value) || yyjson_get_uint(value) >= below) {
            wrong(r, key, "has an entry %zu that is no whole number below %u", i, below);
            return;
        }
        out[i] = (uint32_t)yyjson_get_uint(value);
    }
}

static void read_extremes(reader *r, yyjson_val *list, mid_rule_file *file)
{
    yyjson_val *value;
    size_t i, n;

    yyjson_arr_foreach(list, i, n, value) {
        if (!to_number(value, &file->extreme[i]) || isnan(file->extreme[i])) {
            wrong(r, "extreme", "has an entry %zu that is no number", i);
            return;
        }
        if (i > 0 && file->extreme[i] < file->extreme[i - 1]) {
            wrong(r, "extreme", "falls at entry %zu, want rising numbers", i);
            return;
        }
    }
    n = file->extremes.n;
    read_indices(r, "label", n, 2, file->group);        /* borrowed for a moment */
    for (i = 0; i < n; i++)
        file->label[i] = (uint8_t)file->group[i];
    read_indices(r, "group", n, (uint32_t)n, file->group);
    read_indices(r, "rule_of", n, (uint32_t)file->n, file->by_of);
}

/* ---- does it say what its answers give? -------------------------------------------------------------------------- */

/* The answers of each rule, one rule's behind the other's. */
typedef struct parts {
    size_t *end;                    /* (n rules + 1) where each one's end; those of rule k begin at end[k - 1] */
    double *extreme;                /* (n) as are the following */
    uint8_t *label;
    uint32_t *group;
} parts;

static void parts_clear(parts *p)
{
    free(p->end);
    free(p->extreme);
    free(p->label);
    free(p->group);
}

static mid_status parts_open(mid_ctx *ctx, const mid_rule_file *file, parts *p)
{
    const size_t n = file->extremes.n;
    size_t i, k, n_before = 0;

    *p = (parts){ calloc(file->n + 1, sizeof *p->end), malloc((n + 1) * sizeof *p->extreme), malloc(n + 1),
                  malloc((n + 1) * sizeof *p->group) };
    if (!p->end || !p->extreme || !p->label || !p->group)
        return mid__oom(ctx, "a rule's answers");
    for (i = 0; i < n; i++)
        p->end[file->by_of[i]] += 1;
    for (k = 0; k < file->n; k++) {             /* first where each begins; filling moves it to its end */
        const size_t n_here = p->end[k];
        p->end[k] = n_before;
        n_before += n_here;
    }
    for (i = 0; i < n; i++) {
        const size_t at = p->end[file->by_of[i]]++;
        p->extreme[at] = file->extreme[i];
        p->label[at] = file->label[i];
        p->group[at] = file->group[i];
    }
    return MID_OK;
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* The words are taken from the fit, so that nobody else's are printed. */
static void compare(reader *r, const mid_rule *fitted, mid_rule *rule)
{
    const struct { const char *key; double is, want; } number[] = {
        { "threshold", rule->threshold, fitted->threshold }, { "lowest", rule->lowest, fitted->lowest },
        { "highest", rule->highest, fitted->highest }, { "clear", rule->clear, fitted->clear },
        { "hold", rule->hold, fitted->hold }, { "false_alarm", rule->false_alarm, fitted->false_alarm },
        { "miss", rule->miss, fitted->miss }, { "confidence", rule->confidence, fitted->confidence },
        { "n_safe", (double)rule->n_safe, (double)fitted->n_safe },
        { "n_unsafe", (double)rule->n_unsafe, (double)fitted->n_unsafe },
        { "max_tok", rule->max_tok, fitted->max_tok },
    };
    size_t i;

    if (!fitted->feasible)
        wrong(r, "threshold", "is %g, but on the answers in the file no threshold keeps what its params ask for",
              rule->threshold);
    for (i = 0; i < sizeof number / sizeof *number; i++)
        if (!same(number[i].is, number[i].want))
            wrong(r, number[i].key, "is %.9g, but the answers and params in the file give %.9g: calibrate again",
                  number[i].is, number[i].want);
    if (rule->kind != fitted->kind)
        wrong(r, "kind", "is %s, but the answers and params in the file give %s: calibrate again",
              mid_promise_name(rule->kind), mid_promise_name(fitted->kind));
    if (rule->can_hold != fitted->can_hold || rule->hold_alarms != fitted->hold_alarms)
        wrong(r, "hold", "and hold_alarms are not what params ask for: calibrate again");
    if (r->status == MID_OK)
        *rule = *fitted;
}

/* No rule can rest on more prompts than there are answers of the class. */
static void check_counts(reader *r, const mid_rule_set *set, const mid_rule *rule)
{
    size_t i, n_unsafe = 0;

    for (i = 0; i < set->n; i++)
        n_unsafe += set->label[i];
    if (rule->n_safe > set->n - n_unsafe || rule->n_unsafe > n_unsafe)
        wrong(r, "n_safe", "is %zu and n_unsafe %zu, but there are %zu and %zu answers", rule->n_safe, rule->n_unsafe,
              set->n - n_unsafe, n_unsafe);
}

/* Fit each rule again. One that read whole answers, which the file does not have, can only be checked for sense. */
static void check_fits(reader *r, mid_rule_file *file)
{
    parts p = { NULL };
    size_t k;

    if (r->status == MID_OK)
        r->status = parts_open(r->ctx, file, &p);
    for (k = 0; k < file->n && r->status == MID_OK; k++) {
        const size_t from = k ? p.end[k - 1] : 0;
        const mid_rule_set set = { .n = p.end[k] - from, .extreme = p.extreme + from, .label = p.label + from,
                                   .group = p.group + from, .max_tok = file->at[k].max_tok };
        reader one = { .ctx = r->ctx };
        mid_rule fitted;
        mid_status status = mid_rule_fit(r->ctx, file->rule, file->param, &set, &fitted);
        snprintf(one.where, sizeof one.where, "rules[%zu].", k);
        if (status == MID_OK)
            compare(&one, &fitted, &file->at[k]);
        else if (status == MID_EUNDEFINED && mid__rule_info(file->rule)->reads_scores)
            check_counts(&one, &set, &file->at[k]);
        else
            one.status = mid__within(r->ctx, status == MID_ENOMEM ? status : MID_EFORMAT, "rules[%zu]", k);
        r->status = one.status;
    }
    parts_clear(&p);
}

/* ---- the whole file ---------------------------------------------------------------------------------------------- */

static void read_head(reader *r, mid_rule_file *file)
{
    const uint32_t version = read_whole(r, "midstream_rule", UINT32_MAX);
    const mid_rule_info *info;

    if (r->status == MID_OK && version != FILE_VERSION) {
        r->status = mid__fail(r->ctx, MID_EVERSION, "a rule file of version %u, this program reads version %d", version,
                              FILE_VERSION);
        return;
    }
    info = mid__rule_info(read_text(r, "rule", 64));
    if (!info) {
        wrong(r, "rule", "is '%s', which this version does not have", read_text(r, "rule", 64));
        return;
    }
    file->rule = info->name;
    snprintf(file->subject.monitor, sizeof file->subject.monitor, "%s",
             read_text(r, "monitor", sizeof file->subject.monitor));
    snprintf(file->subject.version, sizeof file->subject.version, "%s",
             read_text(r, "version", sizeof file->subject.version));
    snprintf(file->subject.observer, sizeof file->subject.observer, "%s",
             read_text(r, "observer", sizeof file->subject.observer));
    snprintf(file->subject.fitted, sizeof file->subject.fitted, "%s",
             read_text(r, "fitted", sizeof file->subject.fitted));
    file->population = keep_text(r, "population", file);
    if (yyjson_obj_get(r->object, "by"))
        file->by = keep_text(r, "by", file);
}

static void read_file(reader *r, mid_rule_file *file)
{
    yyjson_val *rules, *extremes;

    read_head(r, file);
    if (r->status == MID_OK)
        read_params(r, file);
    rules = read_list(r, "rules", 1, file->by ? MID_RULE_BY_MAX : 1);
    extremes = read_list(r, "extreme", 0, INT32_MAX);
    if (r->status == MID_OK)
        r->status = mid__rule_file_room(r->ctx, file, yyjson_arr_size(rules), yyjson_arr_size(extremes));
    if (r->status == MID_OK)
        read_rules(r, rules, file);
    if (r->status == MID_OK)
        read_extremes(r, extremes, file);
    check_fits(r, file);
}

mid_status mid_rule_file_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_rule_file **out)
{
    reader r = { .ctx = ctx };
    yyjson_read_err err;
    yyjson_doc *doc;
    mid_rule_file *file;

    if (n > FILE_LIMIT_BYTES)
        return mid__fail(ctx, MID_ELIMIT, "a rule file of %zu bytes, at most %d", n, FILE_LIMIT_BYTES);
    doc = yyjson_read_opts((char *)(uintptr_t)bytes, n, 0, NULL, &err);    /* reads only, without the in-situ flag */
    if (!doc)
        return mid__fail(ctx, err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? MID_ENOMEM : MID_EFORMAT,
                         "not JSON at byte %zu: %s", err.pos, err.msg);
    r.object = yyjson_doc_get_root(doc);
    file = calloc(1, sizeof *file);
    if (!file)
        r.status = mid__oom(ctx, "a rule file");
    else if (!yyjson_is_obj(r.object))
        r.status = mid__fail(ctx, MID_EFORMAT, "not a rule file: no JSON object");
    else
        read_file(&r, file);
    yyjson_doc_free(doc);
    if (r.status == MID_OK)
        *out = file;
    else
        mid_rule_file_close(file);
    return r.status;
}

mid_status mid_rule_file_load(mid_ctx *ctx, const char *path, mid_rule_file **out)
{
    char *bytes = NULL;
    size_t n;
    mid_status status = mid__file_read(ctx, path, FILE_LIMIT_BYTES, &bytes, &n);

    if (status != MID_OK)
        return status;
    status = mid_rule_file_unpack(ctx, bytes, n, out);
    mid_free(bytes);
    return status ? mid__within(ctx, status, "%s", path) : MID_OK;
}
