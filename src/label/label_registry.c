/* The labelers, alphabetical, and what is the same for all of them: finding one, its parameters, its life. */
#include "label/labeler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/hash.h"
#include "monitor/monitor.h"

struct mid_labeler {
    const mid__labeler_ops *ops;
    void *self;
    char id[64];
};

static const mid_labeler_info *const labelers[] = {
    &mid__labeler_alias.info, &mid__labeler_bleu.info, &mid__labeler_bleu_diff.info, &mid__labeler_chrf.info,
    &mid__labeler_classifier.info, &mid__labeler_data.info, &mid__labeler_grounded.info, &mid__labeler_judge.info,
    &mid__labeler_lexicon.info,
    &mid__labeler_moderation.info, &mid__labeler_mqm.info, &mid__labeler_perspective.info, &mid__labeler_refusal.info,
    &mid__labeler_rouge.info, &mid__labeler_spans.info, &mid__labeler_tests.info, NULL,
};

const mid_labeler_info *const *mid_labeler_list(void) { return labelers; }

static mid_status find(mid_ctx *ctx, const char *name, const mid__labeler_ops **out)
{
    mid__buf known = { 0 };
    mid_status status;
    size_t i;

    for (i = 0; labelers[i]; i++) {
        if (strcmp(labelers[i]->name, name) == 0) {
            *out = (const mid__labeler_ops *)(const void *)labelers[i];     /* info is its first member */
            mid__buf_clear(&known);
            return MID_OK;
        }
        mid__buf_fmt(&known, "%s%s", i ? ", " : "", labelers[i]->name);
    }
    status = known.failed ? mid__oom(ctx, "a labeler")
             : mid__fail(ctx, MID_ENOTFOUND, "no labeler '%s'; there are %s", name, known.at);
    mid__buf_clear(&known);
    return status;
}

static mid_status check_numbers(mid_ctx *ctx, const char *name, const mid_param *params)
{
    for (; params->name; params++)
        if (!params->text && !isfinite(params->number))
            return mid__fail(ctx, MID_EINVAL, "labeler %s: parameter '%s' is %g; it must be a finite number", name,
                             params->name, params->number);
    return MID_OK;
}

/* Parameters that say how to ask, not what; a judge's model is known by what is in its file. */
static bool is_how(const mid_param *p, bool asks)
{
    static const char *const how[] = { "key", "cache", "threads", "retry_ms" };
    size_t i;

    for (i = 0; i < sizeof how / sizeof *how; i++)
        if (strcmp(p->name, how[i]) == 0)
            return true;
    return asks && strcmp(p->name, "model") == 0;
}

/* params are complete, in the descriptor's order. */
static void make_id(mid_labeler *l, const mid_param *params)
{
    const mid_param *usual = l->ops->info.params;
    const char *asks = mid__labeler_asks(l);
    char number[40], hex[65];
    bool is_own = asks != NULL;
    mid__sha256 s;

    mid__sha256_init(&s);
    mid__sha256_put(&s, asks ? asks : "", asks ? strlen(asks) + 1 : 1);
    for (; params && params->name; params++, usual++) {
        const char *value = params->text ? params->text : number;
        snprintf(number, sizeof number, "%.17g", params->number);
        if (is_how(params, asks != NULL)
            || (params->text ? strcmp(params->text, usual->text) == 0 : params->number == usual->number))
            continue;
        mid__sha256_put(&s, params->name, strlen(params->name) + 1);
        mid__sha256_put(&s, value, strlen(value) + 1);
        is_own = true;
    }
    mid__sha256_hex(&s, hex);
    snprintf(l->id, sizeof l->id, is_own ? "%.40s-%.16s" : "%.40s", l->ops->info.name, hex);
}

mid_status mid_labeler_open(mid_ctx *ctx, const char *name, const mid_param *params, const char *data_dir,
                            mid_labeler **out)
{
    mid_labeler *l = calloc(1, sizeof *l);
    mid_param *all = NULL;
    mid_status status;

    if (!l)
        return mid__oom(ctx, "a labeler");
    status = find(ctx, name, &l->ops);
    if (status == MID_OK)
        status = mid__param_merge(ctx, l->ops->info.name, l->ops->info.params, params, &all);
    if (status == MID_OK)
        status = check_numbers(ctx, name, all);
    if (status == MID_OK && l->ops->open)
        status = l->ops->open(ctx, all, data_dir ? data_dir : "data", &l->self);
    if (status == MID_OK)
        make_id(l, all);
    free(all);
    if (status == MID_OK)
        *out = l;
    else
        mid_labeler_close(l);
    return status;
}

void mid_labeler_close(mid_labeler *l)
{
    if (!l)
        return;
    if (l->self)
        l->ops->close(l->self);
    free(l);
}

const mid_labeler_info *mid_labeler_about(const mid_labeler *l) { return &l->ops->info; }

const char *mid__labeler_id(const mid_labeler *l) { return l->id; }
const char *mid__labeler_asks(const mid_labeler *l) { return l->ops->asks ? l->ops->asks(l->self) : NULL; }
bool mid__labeler_is_dear(const mid_labeler *l) { return l->ops->count != NULL; }

void mid_labeler_count(const mid_labeler *l, mid_labeler_counts *out)
{
    *out = (mid_labeler_counts){ .n_failed = 0 };
    if (l->ops->count)
        l->ops->count(l->self, out);
}

mid_status mid_labeler_judge(mid_ctx *ctx, const mid_labeler *l, const mid_sample *sample, const char *text, size_t n,
                             mid_label *label)
{
    mid_label said = { -1, NAN, -1 };
    const mid_status status = l->ops->judge(ctx, l->self, sample, text, n, &said);

    if (status == MID_OK)
        *label = said;
    return status;
}
