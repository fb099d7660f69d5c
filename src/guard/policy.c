/* Reading the guard's config. The tables say which keys there are; load() then opens what they name, so that whatever
 * is wrong is found before the first answer, and told with the place in the file. */
#include "guard/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/fields.h"
#include "base/file.h"
#include "base/hash.h"
#include "source/http.h"

typedef struct own_config {
    mid__config config;             /* first: what others hold is a pointer to it */
    mid__arena arena;
} own_config;

const char *mid__cause_name(mid__cause cause)
{
    static const char *const name[MID__CAUSE_N] = { "monitor_error", "missing_signal", "overload" };

    return name[cause];
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static const char *const mode_names[] = { "observe", "block", "redact-tail", NULL };
static const char *mode_name(size_t i) { return mode_names[i]; }

static const char *const fail_names[] = { "closed", "open", NULL };
static const char *fail_name(size_t i) { return fail_names[i]; }

static mid_status read_listen(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid__config *c = (mid__config *)(void *)object;
    mid_status status = mid__field_text(file, value, f, object);
    const char *colon = status == MID_OK ? strrchr(c->listen, ':') : NULL;
    char *end = NULL;
    const long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : -1;

    if (status != MID_OK)
        return status;
    if (!colon || colon == c->listen || port < 0 || port > 65535 || *end)
        return mid__yaml_fail(file, value, "listen '%.60s': write an address and a port, such as 127.0.0.1:8080",
                              c->listen);
    c->host = mid__arena_text(file->arena, c->listen, (size_t)(colon - c->listen));
    c->port = (uint16_t)port;
    c->listen_line = value->line;
    c->listen_column = value->column;
    return c->host ? MID_OK : mid__oom(file->ctx, "an address");
}

static const mid__field upstream_fields[] = {
    { "url", mid__field_url, MID__MEMBER(mid__config, url), .required = true },
    { "key_env", mid__field_text, MID__MEMBER(mid__config, key_env) },
    { "connect_ms", mid__field_u32, MID__MEMBER(mid__config, connect_ms), .lo = 1, .hi = 600000 },
    { "silence_ms", mid__field_u32, MID__MEMBER(mid__config, silence_ms), .lo = 1, .hi = 3600000 },
    { 0 }
};

static const mid__field limit_fields[] = {
    { "request_bytes", mid__field_u32, MID__MEMBER(mid__config, body_bytes), .lo = 1024, .hi = 1 << 30 },
    { "answer_bytes", mid__field_u32, MID__MEMBER(mid__config, answer_bytes), .lo = 1024, .hi = 1 << 30 },
    { "choices", mid__field_u32, MID__MEMBER(mid__config, n_choice), .lo = 1, .hi = MID__CHOICE_MAX },
    { "max_tok", mid__field_u32, MID__MEMBER(mid__config, max_tok), .lo = 1, .hi = 1e9 },
    { "answers", mid__field_u32, MID__MEMBER(mid__config, n_stream), .lo = 1, .hi = 100000 },
    { "connections", mid__field_u32, MID__MEMBER(mid__config, n_connection), .lo = 1, .hi = 100000 },
    { 0 }
};

static const mid__field watch_fields[] = {
    { "monitor", mid__field_text, MID__MEMBER(mid__watch, spec) },
    { "fitted", mid__field_path, MID__MEMBER(mid__watch, fitted) },
    { "rule", mid__field_path, MID__MEMBER(mid__watch, rule_path) },
    { "threshold", mid__field_double, MID__MEMBER(mid__watch, threshold), .lo = -1e300, .hi = 1e300 },
    { 0 }
};

/* closed or open, into a bool */
static mid_status read_fail(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    const char *text;
    mid_status status = mid__yaml_text(file, value, &text);

    if (status == MID_OK)
        status = mid__field_named(file, value, f->key, fail_name);
    if (status == MID_OK)
        *(bool *)(void *)(object + f->at) = strcmp(text, "open") == 0;
    return status;
}

static const mid__field fail_fields[] = {
    { "monitor_error", read_fail, MID__MEMBER(mid__policy, open[MID__CAUSE_MONITOR_ERROR]) },
    { "missing_signal", read_fail, MID__MEMBER(mid__policy, open[MID__CAUSE_MISSING_SIGNAL]) },
    { "overload", read_fail, MID__MEMBER(mid__policy, open[MID__CAUSE_OVERLOAD]) },
    { 0 }
};

static mid_status open_watch(const mid__yaml_file *file, const mid__yaml *at, mid__watch *w);

/* An entry may set parameters of the monitor that it names. */
static mid_status read_watch(const mid__yaml_file *file, const mid__yaml *e, mid__watch *w)
{
    const mid__yaml *named = mid__yaml_find(e, "monitor");
    mid_param *given = mid__arena_get(file->arena, (e->n + 1) * sizeof *given);
    mid_monitor_spec spec = { .monitor = NULL };
    mid_status status;

    if (!given)
        return mid__oom(file->ctx, "a monitor");
    w->threshold = NAN;
    w->params = given;
    if (named && (status = mid__yaml_expect(file, named, MID__YAML_SCALAR)) != MID_OK)
        return status;
    if (named && mid_monitor_spec_parse(file->ctx, named->text, &spec) != MID_OK)
        return mid__yaml_fail(file, named, "%s", mid_ctx_message(file->ctx));
    status = mid__field_map(file, e, watch_fields, w, spec.monitor ? spec.monitor->params : NULL, given);
    return status == MID_OK ? open_watch(file, e, w) : status;
}

static mid_status read_watches(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    mid__watch *watch;
    mid_status status = mid__field_list(file, value, f, object, sizeof *watch, &watch);
    const mid__yaml *e;

    if (status == MID_OK && value->n > MID__WATCH_MAX)
        return mid__yaml_fail(file, value, "'monitors' has %zu entries; at most %d read along, and a hybrid is one",
                              value->n, MID__WATCH_MAX);
    for (e = value->first; e && status == MID_OK; e = e->next)
        status = read_watch(file, e, watch++);
    return status;
}

static mid_status read_fails(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    (void)f;
    return mid__field_map(file, value, fail_fields, object, NULL, NULL);
}

static const mid__field policy_fields[] = {
    { "name", mid__field_text, MID__MEMBER(mid__policy, name), .required = true },
    { "models", mid__field_texts, MID__MEMBERS(mid__policy, model, n_model) },
    { "mode", mid__field_choice, MID__MEMBER(mid__policy, mode_name), .names = mode_name },
    { "hold_back", mid__field_u32, MID__MEMBER(mid__policy, hold_back), .lo = 0, .hi = MID__HOLD_BACK_MAX },
    { "say", mid__field_text, MID__MEMBER(mid__policy, say) },
    { "monitors", read_watches, MID__MEMBERS(mid__policy, watch, n_watch), .required = true },
    { "cannot_scan", read_fails, MID__MEMBER(mid__policy, open) },
    { 0 }
};

static mid_status read_policy(const mid__yaml_file *file, const mid__yaml *e, void *entry)
{
    mid__policy *policy = entry;
    mid_status status;

    policy->mode_name = "block";
    policy->hold_back = 8;
    status = mid__field_map(file, e, policy_fields, policy, NULL, NULL);
    while (strcmp(mode_names[policy->mode], policy->mode_name) != 0)
        policy->mode++;
    if (!policy->say)
        policy->say = policy->mode == MID__MODE_REDACT ? " [...]" : "";
    return status;
}

/* A map whose keys are the config's own. */
static mid_status read_upstream(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    (void)f;
    return mid__field_map(file, value, upstream_fields, object, NULL, NULL);
}

static mid_status read_limits(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
{
    (void)f;
    return mid__field_map(file, value, limit_fields, object, NULL, NULL);
}

static const mid__field config_fields[] = {
    { "listen", read_listen, MID__MEMBER(mid__config, listen), .required = true },
    { "upstream", read_upstream, .required = true },
    { "limits", read_limits, .required = false },
    { "drain_ms", mid__field_u32, MID__MEMBER(mid__config, drain_ms), .lo = 0, .hi = 3600000 },
    { "policies", mid__field_each, MID__MEMBERS(mid__config, policy, n_policy), MID__LIST_OF(read_policy, mid__policy),
      .required = true },
    { 0 }
};

/* ---- monitors and rules ------------------------------------------------------------------------------------------ */

/* What a text alone gives. A rule or a file of another observer is one of tokens, for which pieces stand in. */
static const mid_signals text_signals = { .have = MID_SIG_TEXT };

static mid_status open_monitor(mid_ctx *ctx, mid__watch *w, mid_weights **weights, mid_monitor_spec *spec)
{
    mid_status status = MID_OK;

    if (w->fitted)
        status = mid_weights_load(ctx, w->fitted, weights);
    if (status == MID_OK)
        status = w->fitted ? mid_monitor_spec_read(ctx, *weights, spec) : mid_monitor_spec_parse(ctx, w->spec, spec);
    if (status == MID_OK && !w->fitted && mid_monitor_spec_learns(spec))
        status = mid__fail(ctx, MID_EINVAL, "%s has to be fitted first: name the file that midstream fit wrote as "
                           "'fitted'", w->spec);
    if (status == MID_OK)
        status = w->fitted ? mid_monitor_load(ctx, w->fitted, &text_signals, &w->monitor)
                 : mid_monitor_spec_open(ctx, spec, w->params, NULL, &text_signals, &w->monitor);
    if (status == MID_OK)
        mid_monitor_spec_text(spec, w->name);
    return status;
}

/* The rule's threshold holds for whoever reads the text; its promise for the pieces it was calibrated on alone. */
static mid_status open_rule(mid_ctx *ctx, mid__watch *w, const mid_weights *weights, const mid_monitor_spec *spec)
{
    mid_rule_subject subject;
    const mid_rule *rule;
    mid_status status = mid_rule_file_load(ctx, w->rule_path, &w->file);

    if (status == MID_OK)
        status = mid_rule_subject_of(ctx, spec, w->params, &text_signals, weights, &subject);
    if (status != MID_OK)
        return status;
    w->promised = strcmp(mid_rule_file_subject(w->file)->observer, subject.observer) == 0;
    memcpy(subject.observer, mid_rule_file_subject(w->file)->observer, sizeof subject.observer);
    status = mid_rule_file_check(ctx, w->file, &subject);
    if (status != MID_OK)
        return status;
    rule = mid_rule_file_find(w->file, NULL);
    if (!rule)
        return mid__fail(ctx, MID_EMISMATCH, "it has a rule for each %s, which is not known of an answer here; "
                         "calibrate one without --by", mid_rule_file_by(w->file));
    w->rule = *rule;
    return MID_OK;
}

static void set_threshold(mid__watch *w, double threshold)
{
    w->rule = (mid_rule){ .name = "threshold", .threshold = threshold, .lowest = NAN, .highest = NAN, .feasible = true,
                          .false_alarm = NAN, .miss = NAN, .confidence = NAN };
}

static mid_status open_watch(const mid__yaml_file *file, const mid__yaml *at, mid__watch *w)
{
    mid_weights *weights = NULL;
    mid_monitor_spec spec;
    double own;
    mid_status status;

    if (!w->spec == !w->fitted)
        return mid__yaml_fail(file, at, "an entry names one of 'monitor' and 'fitted'");
    if (w->rule_path && !isnan(w->threshold))
        return mid__yaml_fail(file, at, "a rule has a threshold of its own: give one of 'rule' and 'threshold'");
    status = open_monitor(file->ctx, w, &weights, &spec);
    if (status == MID_OK && w->rule_path) {
        status = open_rule(file->ctx, w, weights, &spec);
        if (status != MID_OK)
            mid__within(file->ctx, status, "%s", w->rule_path);
    } else if (status == MID_OK) {
        own = weights ? mid_weights_number(weights, "threshold") : NAN;
        set_threshold(w, isnan(w->threshold) ? own : w->threshold);
        if (isnan(w->rule.threshold))
            status = mid__fail(file->ctx, MID_EINVAL, "%s needs a 'rule' (midstream calibrate) or a 'threshold'",
                               w->name);
    }
    mid_weights_close(weights);
    if (status == MID_OK || status == MID_ENOMEM)
        return status;
    mid__within(file->ctx, status, "%s:%d:%d", file->path, at->line, at->column);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* What the policy was made from: the config and every file that it names. */
static mid_status find_digest(mid_ctx *ctx, const char *path, mid__policy *policy)
{
    mid__sha256 hash;
    char file[65];
    mid_status status = mid__file_hash(ctx, path, file);
    size_t i;

    mid__sha256_init(&hash);
    mid__sha256_put(&hash, policy->name, strlen(policy->name) + 1);
    mid__sha256_put(&hash, file, status == MID_OK ? 64 : 0);
    for (i = 0; i < policy->n_watch; i++) {
        const mid__watch *w = &policy->watch[i];
        if (status == MID_OK && w->fitted && (status = mid__file_hash(ctx, w->fitted, file)) == MID_OK)
            mid__sha256_put(&hash, file, 64);
        if (status == MID_OK && w->rule_path && (status = mid__file_hash(ctx, w->rule_path, file)) == MID_OK)
            mid__sha256_put(&hash, file, 64);
    }
    mid__sha256_hex(&hash, policy->digest);
    return status;
}

static void set_defaults(mid__config *c)
{
    c->connect_ms = 5000;
    c->silence_ms = 60000;
    c->body_bytes = 8 << 20;
    c->answer_bytes = 8 << 20;
    c->n_choice = 8;
    c->max_tok = 1 << 20;
    c->n_stream = 1024;
    c->n_connection = 4096;
    c->drain_ms = 30000;
}

static mid_status find_upstream(const mid__yaml_file *file, const mid__yaml *root, const mid_guard_opts *opts,
                                mid__config *c)
{
    const mid__yaml *upstream = mid__yaml_find(root, "upstream"), *url = mid__yaml_find(upstream, "url");
    const char *key = NULL;

    if (mid__http_url_of(file->ctx, c->url, "chat/completions", &c->chat_url) != MID_OK ||
        mid__http_url_of(file->ctx, c->url, "models", &c->models_url) != MID_OK)
        return mid__yaml_fail(file, url, "%s", mid_ctx_message(file->ctx));
    if (!c->key_env)
        return MID_OK;
    if (opts->secret)
        key = opts->secret(opts->user, c->key_env);
    if (!key || !key[0] || strpbrk(key, "\r\n"))
        return mid__yaml_fail(file, mid__yaml_find(upstream, "key_env"), "'key_env' names %s, which %s", c->key_env,
                              key && key[0] ? "has a line break in it" : "is not set in the environment");
    c->key = strdup(key);
    return c->key ? MID_OK : mid__oom(file->ctx, "a key");
}

mid_status mid__config_load(mid_ctx *ctx, const char *path, const mid_guard_opts *opts, mid__config **out)
{
    own_config *own = calloc(1, sizeof *own);
    mid__yaml_file file = { ctx, path, own ? &own->arena : NULL };
    mid__yaml *root = NULL;
    mid__config *c = own ? &own->config : NULL;
    mid_status status;
    size_t i;

    if (!own)
        return mid__oom(ctx, path);
    c->n_ref = 1;
    set_defaults(c);
    status = mid__yaml_load(&file, &root);
    if (status == MID_OK)
        status = mid__field_map(&file, root, config_fields, c, NULL, NULL);
    if (status == MID_OK)
        status = find_upstream(&file, root, opts, c);
    for (i = 0; status == MID_OK && i < c->n_policy; i++)
        status = find_digest(ctx, path, &c->policy[i]);
    if (status == MID_OK && !(c->path = mid__arena_text(&own->arena, path, strlen(path))))
        status = mid__oom(ctx, path);
    if (status == MID_OK)
        *out = c;
    else
        mid__config_drop(c);
    return status;
}

mid__config *mid__config_keep(mid__config *config)
{
    config->n_ref++;
    return config;
}

void mid__config_drop(mid__config *c)
{
    size_t i, k;

    if (!c || --c->n_ref)
        return;
    for (i = 0; i < c->n_policy; i++)
        for (k = 0; c->policy[i].watch && k < c->policy[i].n_watch; k++) {
            mid_monitor_close(c->policy[i].watch[k].monitor);
            mid_rule_file_close(c->policy[i].watch[k].file);
        }
    mid_free(c->chat_url);
    mid_free(c->models_url);
    free(c->key);
    mid__arena_clear(&((own_config *)c)->arena);
    free(c);
}

const mid__policy *mid__config_policy(const mid__config *c, const char *model)
{
    size_t i, k;

    for (i = 0; i < c->n_policy; i++) {
        for (k = 0; k < c->policy[i].n_model; k++)
            if (strcmp(c->policy[i].model[k], model) == 0)
                return &c->policy[i];
        if (c->policy[i].n_model == 0)
            return &c->policy[i];
    }
    return NULL;
}
