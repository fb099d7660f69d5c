/* Plans: YAML in, a checked mid_plan out.
 *
 * The grammar is the tables below: one row per key with its reader, where its value goes and its limits
 * (base/fields.h). After reading, check() looks at what no single value can tell: names used twice, and names of models
 * and data that do not exist. */
#include "midstream/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/fields.h"
#include "bench/author.h"
#include "midstream/label.h"
#include "midstream/rule.h"
#include "task/attack.h"

enum { AS_MAX_BYTES = 80, SEED_MAX = 100 };

typedef struct owned_plan {
    mid_plan plan;                  /* first: what the caller holds is a pointer to it */
    mid__arena arena;
} owned_plan;

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *rule_name(size_t i) { return mid_rule_list()[i].name; }
static const char *source_name(size_t i) { return mid_source_list()[i].name; }

static const char *labeler_name(size_t i)
{
    const mid_labeler_info *info = mid_labeler_list()[i];

    return info ? info->name : NULL;
}

static const char *quantise_name(size_t i)
{
    static const char *const name[] = { "bf16", "q4_0", "q8_0", NULL };
    return name[i];
}

/* ---- readers of single values ------------------------------------------------------------------------------------ */

/* A monitor with its aggregators, of which there may be none; or the control that only runs have. */
static mid_status read_spec(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_plan_monitor *m = (mid_plan_monitor *)(void *)object;
    char text[MID_SPEC_BYTES];
    const char *given;
    mid_status status = mid__yaml_text(file, value, &given);

    (void)f;
    if (status != MID_OK)
        return status;
    if (strcmp(given, mid__author.name) == 0)
        m->spec.monitor = &mid__author;
    else if (strncmp(given, "author+", 7) == 0)
        return mid__yaml_fail(file, value, "'author' stays the same over an answer: aggregators have nothing to add");
    else if (mid_monitor_spec_parse(file->ctx, given, &m->spec) != MID_OK)
        return mid__yaml_fail(file, value, "%s", mid_ctx_message(file->ctx));
    m->ops = m->spec.monitor;
    m->name = m->ops->name;
    mid_monitor_spec_text(&m->spec, text);
    m->text = mid__arena_text(file->arena, text, strlen(text));
    return m->text ? MID_OK : mid__oom(file->ctx, "a monitor");
}

static mid_status read_format(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_status status = mid__field_text(file, value, f, object);

    if (status == MID_OK && strcmp(value->text, "chat") != 0 && !strstr(value->text, "{prompt}"))
        return mid__yaml_fail(file, value, "format '%.60s' is neither \"chat\" nor a text with {prompt} in it",
                              value->text);
    return status;
}

static mid_status read_group(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_status status = mid__field_text(file, value, f, object);
    const char *t = value->text;

    if (status == MID_OK && strcmp(t, "prompt") != 0
        && !(strncmp(t, "id:", 3) == 0 && t[3] >= '1' && t[3] <= '9' && !t[4]))
        return mid__yaml_fail(file, value, "group '%.60s' is neither \"prompt\" nor \"id:N\" with N from 1 to 9 (the "
                              "part of the sample id behind its N-th hyphen)", t);
    return status;
}

static mid_status check_question(const mid__yaml_file *file, const mid__yaml *value)
{
    if (!strstr(value->text, "{prompt}") || !strstr(value->text, "{answer}") || !strstr(value->text, "{options}"))
        return mid__yaml_fail(file, value, "'%s' needs {prompt}, {answer} and {options} in it; the last becomes "
                              "\"yes or no\"", value->key);
    return MID_OK;
}

/* A question to a judge. */
static mid_status read_question(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_status status = mid__field_text(file, value, f, object);

    return status == MID_OK ? check_question(file, value) : status;
}

/* ---- readers of lists -------------------------------------------------------------------------------------------- */

static mid_status read_attacks(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_status status = mid__field_texts(file, value, f, object);
    const mid__yaml *e, *other;
    mid__attack attack;

    for (e = value->first; e && status == MID_OK; e = e->next) {
        if (mid__attack_parse(file->ctx, e->text, &attack) != MID_OK)
            return mid__yaml_fail(file, e, "%s", mid_ctx_message(file->ctx));
        for (other = value->first; other != e; other = other->next)
            if (strcmp(other->text, e->text) == 0)
                return mid__yaml_fail(file, e, "attack '%s' is there twice", e->text);
    }
    return status;
}

static mid_status check_rising(const mid__yaml_file *file, const mid__yaml *e, const mid__field *f, double before,
                               double now)
{
    return now > before ? MID_OK : mid__yaml_fail(file, e, "'%s' must rise: %g stands after %g", f->key, now, before);
}

static mid_status read_at_tok(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    uint32_t *tok;
    mid_status status = mid__field_list(file, value, f, object, sizeof *tok, &tok);
    const mid__yaml *e;
    int64_t number;

    for (e = value->first; e && status == MID_OK; e = e->next, tok++) {
        status = mid__field_whole(file, e, f, &number);
        if (status == MID_OK && e != value->first)
            status = check_rising(file, e, f, tok[-1], (double)number);
        if (status == MID_OK)
            *tok = (uint32_t)number;
    }
    return status;
}

static mid_status read_at_frac(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    double *frac;
    mid_status status = mid__field_list(file, value, f, object, sizeof *frac, &frac);
    const mid__yaml *e;

    for (e = value->first; e && status == MID_OK; e = e->next, frac++) {
        status = mid__yaml_number(file, e, f->lo, f->hi, frac);
        if (status == MID_OK && e != value->first)
            status = check_rising(file, e, f, frac[-1], *frac);
    }
    return status;
}

/* Numbers, and ranges of them: [1..10], [3, 7, 20..25]. */
static mid_status read_seeds(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_plan *plan = (mid_plan *)(void *)object;
    mid_status status = mid__yaml_expect(file, value, MID__YAML_LIST);
    uint64_t *seed = mid__arena_get(file->arena, SEED_MAX * sizeof *seed);
    const mid__yaml *e;
    size_t n = 0, i;

    if (status == MID_OK && !seed)
        return mid__oom(file->ctx, f->key);
    for (e = value->first; e && status == MID_OK; e = e->next) {
        unsigned long long lo, hi;
        char rest;
        const int got = e->kind == MID__YAML_SCALAR && strspn(e->text, "0123456789.") == strlen(e->text)
            ? sscanf(e->text, "%18llu..%18llu%c", &lo, &hi, &rest) : 0;
        int64_t number = 0;
        if (got != 2)
            status = mid__yaml_whole(file, e, 0, INT64_MAX, &number);
        if (got != 2)
            lo = hi = (unsigned long long)number;
        if (status == MID_OK && (lo > hi || hi - lo >= SEED_MAX - n))
            status = mid__yaml_fail(file, e, "seeds '%.40s': a range rises, and there are at most %d seeds", e->text,
                                    SEED_MAX);
        for (; status == MID_OK && lo <= hi; lo++) {
            for (i = 0; i < n && seed[i] != lo; i++)
                ;
            if (i < n)
                status = mid__yaml_fail(file, e, "seed %llu stands twice in 'seeds'", lo);
            seed[n++] = lo;
        }
    }
    if (status == MID_OK && n < 2)
        status = mid__yaml_fail(file, value, "'seeds' has %zu; it needs at least 2, and a single one is 'seed'", n);
    plan->seeds = seed;
    plan->n_seed = n;
    return status;
}

static const char *ranked_metric(size_t i)
{
    static const char *const name[] = { "auroc", "auprc", "tpr_at_fpr1", "tpr_at_fpr5", NULL };
    return name[i];
}

/* "auroc" or "auroc@16". */
static mid_status read_metric(const mid__yaml_file *file, const mid__yaml *e, void *entry)
{
    mid_plan_metric *metric = entry;
    const char *text, *at;
    mid__yaml name = *e, tok = *e;
    int64_t number = 0;
    mid_status status = mid__yaml_text(file, e, &text);

    if (status != MID_OK)
        return status;
    at = strchr(text, '@');
    if (at) {
        name.text = mid__arena_text(file->arena, text, (size_t)(at - text));
        tok.text = at + 1;
        if (!name.text)
            return mid__oom(file->ctx, "a metric");
        status = mid__yaml_whole(file, &tok, 1, 4096, &number);
    }
    if (status == MID_OK)
        status = mid__field_named(file, &name, "metric to compare by", ranked_metric);
    *metric = (mid_plan_metric){ name.text, (uint32_t)number };
    return status;
}

/* One share or a rising list of shares, each above 0 and below 1. */
static mid_status read_prevalence(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    const bool is_list = value->kind == MID__YAML_LIST;
    const mid__yaml *e = is_list ? value->first : value;
    const size_t one = 1;
    double *share = is_list ? NULL : mid__arena_get(file->arena, sizeof *share);
    mid_status status = MID_OK;

    if (is_list)
        status = mid__field_list(file, value, f, object, sizeof *share, &share);
    else if (!share)
        status = mid__oom(file->ctx, f->key);
    if (status == MID_OK && !is_list) {
        memcpy(object + f->at, &share, sizeof share);
        memcpy(object + f->n_at, &one, sizeof one);
    }
    for (; e && status == MID_OK; e = is_list ? e->next : NULL, share++) {
        status = mid__yaml_number(file, e, f->lo, f->hi, share);
        if (status == MID_OK && (*share == f->lo || *share == f->hi))
            return mid__yaml_fail(file, e, "'%s' is %g; it must be above %g and below %g", f->key, *share, f->lo,
                                  f->hi);
        if (status == MID_OK && is_list && e != value->first)
            status = check_rising(file, e, f, share[-1], *share);
    }
    return status;
}

static mid_status read_layers(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_plan_model *model = (mid_plan_model *)(void *)object;
    mid_status status = mid__yaml_expect(file, value, MID__YAML_LIST);
    const mid__yaml *e;
    int64_t number;

    if (status == MID_OK && (value->n == 0 || value->n > MID_LAYER_MAX))
        return mid__yaml_fail(file, value, "'layers' has %zu entries; it needs 1 to %d", value->n, MID_LAYER_MAX);
    for (e = value->first; e && status == MID_OK; e = e->next) {
        status = mid__field_whole(file, e, f, &number);
        if (status == MID_OK && model->n_layer)
            status = check_rising(file, e, f, model->layer[model->n_layer - 1], (double)number);
        if (status == MID_OK)
            model->layer[model->n_layer++] = (int)number;
    }
    return status;
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

static const mid__field model_fields[] = {
    { "name", mid__field_text, MID__MEMBER(mid_plan_model, name), .required = true },
    { "path", mid__field_path, MID__MEMBER(mid_plan_model, path) },
    { "url", mid__field_url, MID__MEMBER(mid_plan_model, url) },
    { "format", read_format, MID__MEMBER(mid_plan_model, format) },
    { "quantise", mid__field_choice, MID__MEMBER(mid_plan_model, quantise), .names = quantise_name },
    { "layers", read_layers, MID__MEMBER(mid_plan_model, layer), .lo = 0, .hi = 999 },
    { "model", mid__field_text, MID__MEMBER(mid_plan_model, server_model) },
    { "key_env", mid__field_text, MID__MEMBER(mid_plan_model, key_env) },
    { "top_logprobs", mid__field_u32, MID__MEMBER(mid_plan_model, top_logprobs), .lo = 0, .hi = MID_TOP_MAX },
    { "rpm", mid__field_u32, MID__MEMBER(mid_plan_model, rpm), .lo = 1, .hi = 1e6 },
    { "tpm", mid__field_u32, MID__MEMBER(mid_plan_model, tpm), .lo = 1, .hi = 1e9 },
    { "timeout_s", mid__field_u32, MID__MEMBER(mid_plan_model, timeout_s), .lo = 1, .hi = 3600 },
    { 0 }
};

/* A file and a server have keys of their own. */
static mid_status check_model(const mid__yaml_file *file, const mid__yaml *map, const mid_plan_model *model)
{
    static const char *const of_server[] = { "model", "key_env", "top_logprobs", "rpm", "tpm", "timeout_s", NULL };
    static const char *const of_file[] = { "quantise", "layers", NULL };
    const char *const *key = model->url ? of_file : of_server;

    if (!model->path == !model->url)
        return mid__yaml_fail(file, map, "a model has either 'path', a file, or 'url', a server%s",
                              model->url ? ", not both" : "");
    for (; *key; key++)
        if (mid__yaml_find(map, *key))
            return mid__yaml_fail(file, mid__yaml_find(map, *key), "'%s' is for a %s; this model has '%s'", *key,
                                  model->url ? "file" : "server", model->url ? "url" : "path");
    return MID_OK;
}

static const mid__field judge_fields[] = {
    { "model", mid__field_text, MID__MEMBER(mid_plan_judge, model) },
    { "url", mid__field_url, MID__MEMBER(mid_plan_judge, url) },
    { "server_model", mid__field_text, MID__MEMBER(mid_plan_judge, server_model) },
    { "key_env", mid__field_text, MID__MEMBER(mid_plan_judge, key_env) },
    { "every_tok", mid__field_u32, MID__MEMBER(mid_plan_judge, every_tok), .lo = 1, .hi = 4096 },
    { "by_sentence", mid__field_flag, MID__MEMBER(mid_plan_judge, by_sentence) },
    { "form", read_question, MID__MEMBER(mid_plan_judge, form) },
    { 0 }
};

/* Keys that may not stand together. */
static mid_status check_judge(const mid__yaml_file *file, const mid__yaml *map, const mid_plan_judge *judge)
{
    static const char *const of_server[] = { "server_model", "key_env" };
    size_t i;

    if (judge->model && judge->url)
        return mid__yaml_fail(file, map, "a judge is either one of the plan's models ('model') or a server ('url'), "
                              "not both; what a server calls its model is 'server_model'");
    if (!judge->model && !judge->url)
        return mid__yaml_fail(file, map, "a judge needs 'model', one of the plan's models, or 'url', a server");
    for (i = 0; i < 2; i++)
        if (judge->model && mid__yaml_find(map, of_server[i]))
            return mid__yaml_fail(file, mid__yaml_find(map, of_server[i]), "'%s' is for a server; this judge has no "
                                  "'url'", of_server[i]);
    if (judge->by_sentence && mid__yaml_find(map, "every_tok"))
        return mid__yaml_fail(file, map, "a judge is asked either after 'every_tok' tokens or 'by_sentence', not both");
    return MID_OK;
}

static mid_status read_judge(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_plan_judge *judge = mid__arena_get(file->arena, sizeof *judge);
    mid_status status;

    if (!judge)
        return mid__oom(file->ctx, f->key);
    judge->line = value->line;
    judge->every_tok = 32;
    memcpy(object + f->at, &judge, sizeof judge);
    status = mid__field_map(file, value, judge_fields, judge, NULL, NULL);
    return status == MID_OK ? check_judge(file, value, judge) : status;
}

/* ---- labelers ---- */

static const mid_param no_params[] = { { 0 } };

static const mid__field labeler_fields[] = {
    { "labeler", mid__field_choice, MID__MEMBER(mid_plan_labeler, name), .names = labeler_name, .required = true },
    { 0 }
};

static const mid__field service_fields[] = {
    { "labeler", mid__field_choice, MID__MEMBER(mid_plan_labeler, name), .names = labeler_name, .required = true },
    { "url", mid__field_url, MID__MEMBER(mid_plan_labeler, url) },
    { "key_env", mid__field_text, MID__MEMBER(mid_plan_labeler, key_env) },
    { 0 }
};

static const mid__field judge_labeler_fields[] = {
    { "labeler", mid__field_choice, MID__MEMBER(mid_plan_labeler, name), .names = labeler_name, .required = true },
    { "model", mid__field_text, MID__MEMBER(mid_plan_labeler, model) },
    { "url", mid__field_url, MID__MEMBER(mid_plan_labeler, url) },
    { "key_env", mid__field_text, MID__MEMBER(mid_plan_labeler, key_env) },
    { 0 }
};

static bool has_param(const mid_param *p, const char *name)
{
    while (p && p->name && strcmp(p->name, name) != 0)
        p++;
    return p && p->name;
}

/* Does it ask a model, which may be a file in process? */
static bool is_judge(const mid_labeler_info *info) { return has_param(info->params, "cache"); }

/* Who asks a model or a service has keys of its own for whom. */
static const mid__field *labeler_fields_of(const mid_labeler_info *info)
{
    if (is_judge(info))
        return judge_labeler_fields;
    return has_param(info->params, "url") ? service_fields : labeler_fields;
}

/* What a plan may set: not what has a key of its own, nor what the run itself brings. NULL: out of memory. */
static const mid_param *labeler_params(const mid__yaml_file *file, const mid_labeler_info *info)
{
    static const char *const brought[] = { "key", "cache", "threads" };
    const mid__field *fields = labeler_fields_of(info), *f;
    const mid_param *p;
    mid_param *out;
    size_t n = 0, i;

    for (p = info->params; p && p->name; p++)
        n++;
    out = mid__arena_get(file->arena, (n + 1) * sizeof *out);
    for (p = info->params, n = 0; out && p && p->name; p++) {
        for (i = 0; i < sizeof brought / sizeof *brought && strcmp(brought[i], p->name) != 0; i++)
            ;
        for (f = fields; f->key && strcmp(f->key, p->name) != 0; f++)
            ;
        if (i == sizeof brought / sizeof *brought && !f->key)
            out[n++] = *p;
    }
    return out;
}

/* What its keys cannot tell one by one. */
static mid_status check_labeler(const mid__yaml_file *file, const mid__yaml *e, const mid_labeler_info *info,
                                const mid_plan_labeler *l)
{
    static const char *const of_server[] = { "server_model", "key_env", "retry_ms" };
    const bool judges = is_judge(info), asks = judges || has_param(info->params, "url");
    const mid__yaml *form = mid__yaml_find(e, "form");
    size_t i;

    if (judges && l->model && l->url)
        return mid__yaml_fail(file, e, "labeler %s asks either one of the plan's models ('model') or a server ('url'), "
                              "not both; what a server calls its model is 'server_model'", l->name);
    if (asks && !l->model && !l->url)
        return mid__yaml_fail(file, e, "labeler %s needs %s: {labeler: %s, %s: ...}", l->name,
                              judges ? "'model', one of the plan's, or the 'url' of a server" : "the 'url' of a service",
                              l->name, judges ? "model" : "url");
    for (i = 0; l->model && i < sizeof of_server / sizeof *of_server; i++)
        if (mid__yaml_find(e, of_server[i]))
            return mid__yaml_fail(file, mid__yaml_find(e, of_server[i]), "'%s' is for a server; this labeler has no "
                                  "'url'", of_server[i]);
    return judges && form ? check_question(file, form) : MID_OK;
}

/* A bare name, or a map with parameters. */
static mid_status read_labeler_into(const mid__yaml_file *file, const mid__yaml *e, mid_plan_labeler *l)
{
    const mid__yaml *named = e->kind == MID__YAML_SCALAR ? e : mid__yaml_find(e, labeler_fields->key);
    const mid_labeler_info *const *info = mid_labeler_list();
    const mid_param *known;
    mid_param *given;
    mid_status status;

    l->line = e->line;
    l->params = no_params;
    if (!named)
        return mid__yaml_fail(file, e, "a labeler is a name, or a map with 'labeler' in it");
    status = mid__field_choice(file, named, labeler_fields, (char *)l);
    if (status != MID_OK)
        return status;
    while (strcmp((*info)->name, l->name) != 0)
        info++;
    if (named != e) {
        known = labeler_params(file, *info);
        given = mid__arena_get(file->arena, (e->n + 1) * sizeof *given);
        if (!known || !given)
            return mid__oom(file->ctx, "a labeler");
        l->params = given;
        status = mid__field_map(file, e, labeler_fields_of(*info), l, known, given);
    }
    return status == MID_OK ? check_labeler(file, e, *info, l) : status;
}

static mid_status read_labeler(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_plan_data *data = (mid_plan_data *)(void *)object;
    mid_plan_labeler *l = mid__arena_get(file->arena, sizeof *l);
    mid_status status = l ? read_labeler_into(file, value, l) : mid__oom(file->ctx, f->key);

    if (status != MID_OK)
        return status;
    memcpy(object + f->at, &l, sizeof l);
    data->labeler = l->name;
    return MID_OK;
}

static mid_status read_labelers(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid_plan_labeler *l;
    mid_status status = mid__field_list(file, value, f, object, sizeof *l, &l);
    const mid__yaml *e;

    for (e = value->first; e && status == MID_OK; e = e->next)
        status = read_labeler_into(file, e, l++);
    return status;
}

static const mid__field data_fields[] = {
    { "dataset", mid__field_text, MID__MEMBER(mid_plan_data, dataset), .required = true },
    { "as", mid__field_text, MID__MEMBER(mid_plan_data, as) },
    { "model", mid__field_text, MID__MEMBER(mid_plan_data, model), .required = true },
    { "observer", mid__field_text, MID__MEMBER(mid_plan_data, observer) },
    { "beside", mid__field_text, MID__MEMBER(mid_plan_data, beside) },
    { "source", mid__field_choice, MID__MEMBER(mid_plan_data, source), .names = source_name, .required = true },
    { "format", read_format, MID__MEMBER(mid_plan_data, format) },
    { "labeler", read_labeler, MID__MEMBER(mid_plan_data, label_by) },
    { "other_labelers", read_labelers, MID__MEMBERS(mid_plan_data, other_labeler, n_other_labeler) },
    { "response_models", mid__field_texts, MID__MEMBERS(mid_plan_data, response_model, n_response_model) },
    { "group", read_group, MID__MEMBER(mid_plan_data, group) },
    { "max_tok", mid__field_u32, MID__MEMBER(mid_plan_data, max_tok), .lo = 1, .hi = 4096 },
    { "min_tok", mid__field_u32, MID__MEMBER(mid_plan_data, min_tok), .lo = 1, .hi = 4096 },
    { "limit", mid__field_u32, MID__MEMBER(mid_plan_data, limit), .lo = 0, .hi = 1e9 },
    { "stratify", mid__field_flag, MID__MEMBER(mid_plan_data, stratify) },
    { "stop", mid__field_text, MID__MEMBER(mid_plan_data, stop) },
    { "temperature", mid__field_float, MID__MEMBER(mid_plan_data, temperature), .lo = 0, .hi = 10 },
    { "optional", mid__field_flag, MID__MEMBER(mid_plan_data, optional) },
    { "contrast", mid__field_flag, MID__MEMBER(mid_plan_data, contrast) },
    { "judge", read_judge, MID__MEMBER(mid_plan_data, judge) },
    { "attack", read_attacks, MID__MEMBERS(mid_plan_data, attack, n_attack) },
    { 0 }
};

static const mid__field monitor_fields[] = {
    { "monitor", read_spec, .required = true },
    { "as", mid__field_text, MID__MEMBER(mid_plan_monitor, as) },
    { "only", mid__field_texts, MID__MEMBERS(mid_plan_monitor, only, n_only) },
    { 0 }
};

static const mid__field rule_fields[] = {
    { "rule", mid__field_choice, MID__MEMBER(mid_plan_rule, name), .names = rule_name, .required = true },
    { 0 }
};

static mid_status read_model(const mid__yaml_file *file, const mid__yaml *e, void *entry)
{
    mid_plan_model *model = entry;
    mid_status status;

    model->line = e->line;
    model->top_logprobs = 5;
    model->timeout_s = 60;
    status = mid__field_map(file, e, model_fields, model, NULL, NULL);
    return status == MID_OK ? check_model(file, e, model) : status;
}

static mid_status read_data(const mid__yaml_file *file, const mid__yaml *e, void *entry)
{
    mid_plan_data *data = entry;
    mid_status status;

    data->line = e->line;
    data->group = "prompt";
    data->max_tok = 128;
    data->min_tok = 1;
    status = mid__field_map(file, e, data_fields, data, NULL, NULL);
    if (status == MID_OK && data->min_tok > data->max_tok)
        status = mid__yaml_fail(file, e, "min_tok %u is larger than max_tok %u: no answer is left", data->min_tok,
                                data->max_tok);
    return status;
}

/* A monitor or rule: its bare name, or a map that names it under `key` and sets parameters. */
static mid_status read_use(const mid__yaml_file *file, const mid__yaml *e, const mid__field *fields,
                           const mid_param *(*params_of)(const void *object), void *object, const mid_param **params)
{
    const mid__yaml *named = e->kind == MID__YAML_SCALAR ? e : mid__yaml_find(e, fields->key);
    mid_param *given;
    mid_status status;

    if (!named)
        return mid__yaml_fail(file, e, "an entry here is a name, or a map with '%s' in it", fields->key);
    status = fields->read(file, named, fields, object);
    if (status != MID_OK || named == e)
        return status;
    given = mid__arena_get(file->arena, (e->n + 1) * sizeof *given);
    if (!given)
        return mid__oom(file->ctx, fields->key);
    *params = given;
    return mid__field_map(file, e, fields, object, params_of(object), given);
}

static const mid_param *monitor_params(const void *object) { return ((const mid_plan_monitor *)object)->ops->params; }

static const mid_param *rule_params(const void *object)
{
    const mid_rule_info *rule = mid_rule_list();

    while (strcmp(rule->name, ((const mid_plan_rule *)object)->name) != 0)
        rule++;
    return rule->params;
}

/* What a hybrid reads is a matter of its members, which are thereby checked. */
static mid_status find_reads(const mid__yaml_file *file, const mid__yaml *e, mid_plan_monitor *monitor)
{
    const mid_status status = mid_monitor_reads_of(file->ctx, monitor->ops, monitor->params, &monitor->reads);

    return status == MID_EINVAL ? mid__yaml_fail(file, e, "%s", mid_ctx_message(file->ctx)) : status;
}

static mid_status read_monitor(const mid__yaml_file *file, const mid__yaml *e, void *entry)
{
    mid_plan_monitor *monitor = entry;
    mid_status status;

    monitor->line = e->line;
    monitor->params = no_params;
    status = read_use(file, e, monitor_fields, monitor_params, monitor, &monitor->params);
    return status == MID_OK ? find_reads(file, e, monitor) : status;
}

static mid_status read_rule(const mid__yaml_file *file, const mid__yaml *e, void *entry)
{
    mid_plan_rule *rule = entry;

    rule->line = e->line;
    rule->params = no_params;
    return read_use(file, e, rule_fields, rule_params, rule, &rule->params);
}

static const mid__field statistics_fields[] = {
    { "alpha", mid__field_double, MID__MEMBER(mid_plan_statistics, alpha), .lo = 1e-6, .hi = 0.5 },
    { "metric", mid__field_each, MID__MEMBERS(mid_plan_statistics, metric, n_metric),
      MID__LIST_OF(read_metric, mid_plan_metric) },
    { 0 }
};

static mid_status read_statistics(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    return mid__field_map(file, value, statistics_fields, object + f->at, NULL, NULL);
}

static const mid__field plan_fields[] = {
    { "name", mid__field_text, MID__MEMBER(mid_plan, name), .required = true },
    { "title", mid__field_text, MID__MEMBER(mid_plan, title) },
    { "seed", mid__field_seed, MID__MEMBER(mid_plan, seed) },
    { "seeds", read_seeds, MID__MEMBERS(mid_plan, seeds, n_seed) },
    { "folds", mid__field_int, MID__MEMBER(mid_plan, n_fold), .lo = 3, .hi = 100 },
    { "inner_folds", mid__field_int, MID__MEMBER(mid_plan, n_inner), .lo = 2, .hi = 20 },
    { "draws", mid__field_u32, MID__MEMBER(mid_plan, n_draw), .lo = 0, .hi = 100000 },
    { "at_tok", read_at_tok, MID__MEMBERS(mid_plan, at_tok, n_at_tok), .lo = 1, .hi = 4096 },
    { "at_frac", read_at_frac, MID__MEMBERS(mid_plan, at_frac, n_at_frac), .lo = 0.001, .hi = 1 },
    { "baseline", mid__field_text, MID__MEMBER(mid_plan, baseline) },
    { "prevalence", read_prevalence, MID__MEMBERS(mid_plan, prevalence, n_prevalence), .lo = 0, .hi = 1 },
    { "show", mid__field_u32, MID__MEMBER(mid_plan, n_show), .lo = 0, .hi = 10000 },
    { "models", mid__field_each, MID__MEMBERS(mid_plan, model, n_model), MID__LIST_OF(read_model, mid_plan_model),
      .required = true },
    { "data", mid__field_each, MID__MEMBERS(mid_plan, data, n_data), MID__LIST_OF(read_data, mid_plan_data), .required = true },
    { "monitors", mid__field_each, MID__MEMBERS(mid_plan, monitor, n_monitor),
      MID__LIST_OF(read_monitor, mid_plan_monitor), .required = true },
    { "rules", mid__field_each, MID__MEMBERS(mid_plan, rule, n_rule), MID__LIST_OF(read_rule, mid_plan_rule) },
    { "statistics", read_statistics, MID__MEMBER(mid_plan, statistics) },
    { 0 }
};

static void set_defaults(mid_plan *plan)
{
    static const uint32_t at_tok[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
    static const double at_frac[] = { .1, .2, .3, .4, .5, .6, .7, .8, .9, 1 };

    plan->n_fold = 5;
    plan->n_inner = 3;
    plan->n_draw = 2000;
    plan->n_show = 40;
    plan->statistics.alpha = 0.05;
    plan->at_tok = at_tok;
    plan->n_at_tok = sizeof at_tok / sizeof *at_tok;
    plan->at_frac = at_frac;
    plan->n_at_frac = sizeof at_frac / sizeof *at_frac;
}

/* ---- what single values cannot tell ----------------------------------------------------------------------------- */

static mid_status twice(const mid__yaml_file *file, const mid__yaml *at, const char *what, const char *name, int line)
{
    return mid__yaml_fail(file, at, "%s '%.60s' is there already (line %d); give this one another name with '%s'", what,
                          name, line, strcmp(what, "model") == 0 ? "name" : "as");
}

static mid_status check_models(const mid__yaml_file *file, const mid__yaml *e, const mid_plan *plan)
{
    size_t i, j;

    for (i = 0; i < plan->n_model; i++, e = e->next)
        for (j = 0; j < i; j++)
            if (strcmp(plan->model[i].name, plan->model[j].name) == 0)
                return twice(file, e, "model", plan->model[i].name, plan->model[j].line);
    return MID_OK;
}

/* A name in results may become part of a file's name. */
static mid_status check_as(const mid__yaml_file *file, const mid__yaml *e, const char *as)
{
    if (as && (as[0] == '.' || as[0] == 0 || strchr(as, '/') || strlen(as) > AS_MAX_BYTES))
        return mid__yaml_fail(file, mid__yaml_find(e, "as"), "as '%.60s': a name has 1 to %d bytes, no '/' and no '.' in front",
                              as, AS_MAX_BYTES);
    return MID_OK;
}

/* The model that an entry, or its judge, names under a key: a server where that can be one, else a file. */
static mid_status find_model(const mid__yaml_file *file, const mid__yaml *map, const char *key, const mid_plan *plan,
                             bool server, size_t *i_model)
{
    const mid__yaml *named = mid__yaml_find(map, key);
    const char *name[MID__FIELD_LIST_MAX];
    size_t i;

    for (i = 0; i < plan->n_model; i++) {
        name[i] = plan->model[i].name;
        if (strcmp(named->text, name[i]) != 0)
            continue;
        if (!plan->model[i].url != !server)
            return mid__yaml_fail(file, named, "model '%.60s' (line %d) is a %s; %s", name[i],
                                  plan->model[i].line, server ? "file" : "server",
                                  server ? "source openai asks a server" : "a file is needed here");
        *i_model = i;
        return MID_OK;
    }
    return mid__yaml_unknown(file, named, "model", named->text, name, plan->n_model);
}

static mid_status check_judge_model(const mid__yaml_file *file, const mid__yaml *map, const mid_plan *plan)
{
    size_t i;
    mid_status status = find_model(file, map, "model", plan, false, &i);

    if (status == MID_OK && plan->model[i].quantise)
        return mid__yaml_fail(file, mid__yaml_find(map, "model"), "a judge reads its file as it is, but model '%.60s' "
                              "(line %d) has 'quantise'; name the file once more without it", plan->model[i].name,
                              plan->model[i].line);
    return status;
}

static mid_status check_labeler_models(const mid__yaml_file *file, const mid__yaml *e, const mid_plan_data *d,
                                       const mid_plan *plan)
{
    const mid__yaml *others = mid__yaml_find(e, "other_labelers"), *other = others ? others->first : NULL;
    mid_status status = MID_OK;
    size_t i;

    if (d->label_by && d->label_by->model)
        status = check_judge_model(file, mid__yaml_find(e, "labeler"), plan);
    for (i = 0; status == MID_OK && i < d->n_other_labeler; i++, other = other->next)
        if (d->other_labeler[i].model)
            status = check_judge_model(file, other, plan);
    return status;
}

/* Whose steps monitors see. */
static const char *reader_of(const mid_plan_data *data) { return data->observer ? data->observer : data->model; }

static mid_status check_data(const mid__yaml_file *file, const mid__yaml *e, const mid_plan *plan)
{
    size_t i, j;

    for (i = 0; i < plan->n_data; i++, e = e->next) {
        const mid_plan_data *d = &plan->data[i];
        const bool asks = strcmp(d->source, "openai") == 0;
        mid_status status = check_as(file, e, d->as);
        if (status == MID_OK)
            status = find_model(file, e, "model", plan, asks, &j);
        if (status == MID_OK && d->observer && !asks)
            status = mid__yaml_fail(file, mid__yaml_find(e, "observer"), "'observer' reads what a server answered: source: "
                                    "openai; recorded answers are read by 'model'");
        if (status == MID_OK && d->observer)
            status = find_model(file, e, "observer", plan, false, &j);
        if (status == MID_OK && d->beside)
            status = find_model(file, e, "beside", plan, false, &j);
        if (status == MID_OK && d->beside && (strcmp(d->source, "llama") == 0 || strcmp(d->beside, reader_of(d)) == 0))
            status = mid__yaml_fail(file, mid__yaml_find(e, "beside"), "'beside' is a second observer of answers that are "
                                    "read: another model than '%s', and source: recorded or openai",
                                    d->observer ? "observer" : "model");
        if (status == MID_OK && d->n_attack &&
            (strcmp(d->source, "recorded") != 0 || !d->labeler || strcmp(d->labeler, "data") != 0))
            status = mid__yaml_fail(file, mid__yaml_find(e, "attack"), "'attack' rewrites recorded answers and keeps "
                                                                       "their labels: it needs source: recorded and "
                                                                       "labeler: data");
        if (status == MID_OK && d->judge && d->judge->model)
            status = check_judge_model(file, mid__yaml_find(e, "judge"), plan);
        if (status == MID_OK)
            status = check_labeler_models(file, e, d, plan);
        if (status != MID_OK)
            return status;
        for (j = 0; j < i; j++)
            if (strcmp(mid__data_name(d), mid__data_name(&plan->data[j])) == 0)
                return twice(file, e, "dataset", mid__data_name(d), plan->data[j].line);
    }
    return MID_OK;
}

static mid_status check_baseline(const mid__yaml_file *file, const mid__yaml *at, const mid_plan *plan)
{
    const char *name[MID__FIELD_LIST_MAX];
    size_t i;

    for (i = 0; i < plan->n_monitor; i++) {
        name[i] = mid__monitor_label(&plan->monitor[i]);
        if (strcmp(name[i], plan->baseline) == 0)
            return MID_OK;
    }
    return mid__yaml_unknown(file, at, "monitor of this plan", plan->baseline, name, plan->n_monitor);
}

static mid_status check_monitors(const mid__yaml_file *file, const mid__yaml *e, const mid_plan *plan)
{
    const char *name[MID__FIELD_LIST_MAX];
    const mid__yaml *only;
    size_t i, j;

    for (j = 0; j < plan->n_data; j++)
        name[j] = mid__data_name(&plan->data[j]);
    for (i = 0; i < plan->n_monitor; i++, e = e->next) {
        const mid_plan_monitor *m = &plan->monitor[i];
        for (j = 0; j < i; j++)
            if (strcmp(mid__monitor_label(m), mid__monitor_label(&plan->monitor[j])) == 0)
                return twice(file, e, "monitor", mid__monitor_label(m), plan->monitor[j].line);
        only = mid__yaml_find(e, "only");
        for (only = only ? only->first : NULL; only; only = only->next) {
            for (j = 0; j < plan->n_data && strcmp(only->text, name[j]) != 0; j++)
                ;
            if (j == plan->n_data)
                return mid__yaml_unknown(file, only, "dataset", only->text, name, plan->n_data);
        }
    }
    return MID_OK;
}

static bool is_measured_at(const mid_plan *plan, uint32_t at_tok)
{
    size_t i;

    for (i = 0; i < plan->n_at_tok; i++)
        if (plan->at_tok[i] == at_tok)
            return true;
    return at_tok == 0;
}

static mid_status check_metrics(const mid__yaml_file *file, const mid__yaml *statistics, const mid_plan *plan)
{
    const mid__yaml *metric = statistics ? mid__yaml_find(statistics, "metric") : NULL, *e = metric ? metric->first : NULL;
    const mid_plan_metric *m = plan->statistics.metric;
    size_t i, j;

    for (i = 0; e; i++, e = e->next) {
        if (!is_measured_at(plan, m[i].at_tok))
            return mid__yaml_fail(file, e, "metric '%.60s': nothing is measured after %u tokens; add it to 'at_tok'",
                                  e->text, m[i].at_tok);
        for (j = 0; j < i; j++)
            if (m[j].at_tok == m[i].at_tok && strcmp(m[j].name, m[i].name) == 0)
                return mid__yaml_fail(file, e, "metric '%.60s' is there twice", e->text);
    }
    return MID_OK;
}

/* What is not said but follows from the rest. */
static void complete(mid_plan *plan)
{
    static const mid_plan_metric after_16 = { "auroc", 16 }, whole = { "auroc", 0 };

    if (plan->n_seed)
        plan->seed = plan->seeds[0];
    if (!plan->statistics.n_metric) {
        plan->statistics.metric = is_measured_at(plan, 16) ? &after_16 : &whole;
        plan->statistics.n_metric = 1;
    }
    if (!plan->title)
        plan->title = plan->name;
}

static mid_status check(const mid__yaml_file *file, const mid__yaml *root, const mid_plan *plan)
{
    mid_status status = check_models(file, mid__yaml_find(root, "models")->first, plan);

    if (status == MID_OK)
        status = check_data(file, mid__yaml_find(root, "data")->first, plan);
    if (status == MID_OK)
        status = check_monitors(file, mid__yaml_find(root, "monitors")->first, plan);
    if (status == MID_OK && plan->baseline)
        status = check_baseline(file, mid__yaml_find(root, "baseline"), plan);
    if (status == MID_OK)
        status = check_metrics(file, mid__yaml_find(root, "statistics"), plan);
    if (status == MID_OK && plan->n_seed && mid__yaml_find(root, "seed"))
        status = mid__yaml_fail(file, mid__yaml_find(root, "seed"), "'seed' and 'seeds' stand for the same; drop one");
    return status;
}

mid_status mid_plan_load(mid_ctx *ctx, const char *path, mid_plan **out)
{
    owned_plan *own = calloc(1, sizeof *own);
    mid__yaml_file file = { ctx, path, own ? &own->arena : NULL };
    mid__yaml *root = NULL;
    mid_status status;

    if (!own)
        return mid__oom(ctx, path);
    set_defaults(&own->plan);
    status = mid__yaml_load(&file, &root);
    if (status == MID_OK)
        status = mid__field_map(&file, root, plan_fields, &own->plan, NULL, NULL);
    if (status == MID_OK)
        status = check(&file, root, &own->plan);
    if (status == MID_OK) {
        own->plan.file = mid__arena_text(&own->arena, path, strlen(path));
        if (!own->plan.file)
            status = mid__oom(ctx, path);
    }
    if (status != MID_OK) {
        mid_plan_close(&own->plan);
        return status;
    }
    complete(&own->plan);
    *out = &own->plan;
    return MID_OK;
}

mid_status mid_plan_set_key(mid_ctx *ctx, mid_plan *plan, size_t i_data, const char *key)
{
    owned_plan *own = (owned_plan *)plan;
    const mid_plan_judge *judge = i_data < plan->n_data ? plan->data[i_data].judge : NULL;
    const char *copy;

    if (!judge || !judge->key_env)
        return mid__fail(ctx, MID_EINVAL, "%s: data entry %zu has no judge with a 'key_env'", plan->file, i_data);
    copy = mid__arena_text(&own->arena, key, strlen(key));
    if (!copy)
        return mid__oom(ctx, "a key");
    ((mid_plan_judge *)judge)->key = copy;              /* its memory is the plan's own */
    return MID_OK;
}

mid_status mid_plan_set_labeler_key(mid_ctx *ctx, mid_plan *plan, const char *key_env, const char *key)
{
    owned_plan *own = (owned_plan *)plan;
    const char *copy = mid__arena_text(&own->arena, key, strlen(key));
    bool found = false;
    size_t i, k;

    if (!copy)
        return mid__oom(ctx, "a key");
    for (i = 0; i < plan->n_data; i++)
        for (k = 0; k <= plan->data[i].n_other_labeler; k++) {
            const mid_plan_labeler *l = mid__plan_labeler(&plan->data[i], k);
            if (!l || !l->key_env || strcmp(l->key_env, key_env) != 0)
                continue;
            ((mid_plan_labeler *)l)->key = copy;        /* its memory is the plan's own */
            found = true;
        }
    return found ? MID_OK : mid__fail(ctx, MID_EINVAL, "%s: no labeler has the 'key_env' %.60s", plan->file, key_env);
}

mid_status mid_plan_set_model_key(mid_ctx *ctx, mid_plan *plan, size_t i_model, const char *key)
{
    owned_plan *own = (owned_plan *)plan;
    const mid_plan_model *model = i_model < plan->n_model ? &plan->model[i_model] : NULL;
    const char *copy;

    if (!model || !model->key_env)
        return mid__fail(ctx, MID_EINVAL, "%s: model %zu has no 'key_env'", plan->file, i_model);
    copy = mid__arena_text(&own->arena, key, strlen(key));
    if (!copy)
        return mid__oom(ctx, "a key");
    ((mid_plan_model *)model)->key = copy;              /* its memory is the plan's own */
    return MID_OK;
}

void mid_plan_close(mid_plan *plan)
{
    owned_plan *own = (owned_plan *)plan;

    if (!own)
        return;
    mid__arena_clear(&own->arena);
    free(own);
}
