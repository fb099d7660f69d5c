/* Chains of aggregators: learning, opening and pushing through them. What is learned goes through float32 in weights
 * even when nothing is saved, so that a run and a fitted file give the same bits. */
#include "monitor/chain.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

/* A parameter whose default is NaN is learned unless it is given; without such a parameter fit always learns. */
static bool learns(const mid_aggregate *a)
{
    const mid_aggregator_param *p = a->ops->params;
    bool may_be_given = false;
    size_t i;

    if (!a->ops->fit)
        return false;
    for (i = 0; p && p[i].name; i++) {
        if (isnan(p[i].number) && isnan(a->param[i]))
            return true;
        may_be_given |= isnan(p[i].number);
    }
    return !may_be_given;
}

bool mid__chain_learns(const mid_monitor_spec *spec)
{
    size_t i;

    for (i = 0; i < spec->n_aggregate; i++)
        if (learns(&spec->aggregate[i]))
            return true;
    return false;
}

bool mid_monitor_spec_learns(const mid_monitor_spec *spec) { return spec->monitor->fit || mid__chain_learns(spec); }

static size_t state_bytes(const mid_aggregate *a)
{
    const size_t n = a->ops->state_size + (a->ops->state_per ? a->ops->state_per * (size_t)a->param[0] : 0);
    const size_t unit = _Alignof(max_align_t);

    return (n + unit - 1) / unit * unit;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* Scores of a set, copied, without those that say nothing yet; each aggregator's output takes its input's place. */
struct scores { mid_scored_answer *answer; double *score; size_t n; };

static mid_status copy_scores(mid_ctx *ctx, const mid_score_set *set, struct scores *s)
{
    size_t i, t, n = 0;
    double *put;

    for (i = 0; i < set->n; i++)
        n += set->answer[i].n;
    *s = (struct scores){ malloc((set->n + 1) * sizeof *s->answer), malloc((n + 1) * sizeof *s->score), set->n };
    if (!s->answer || !s->score)
        return mid__oom(ctx, "scores to learn from");
    for (i = 0, put = s->score; i < set->n; i++) {
        s->answer[i] = (mid_scored_answer){ put, 0, set->answer[i].label };
        for (t = 0; t < set->answer[i].n; t++)
            if (set->answer[i].score[t] > -INFINITY)
                put[s->answer[i].n++] = set->answer[i].score[t];
        put += s->answer[i].n;
    }
    return MID_OK;
}

static void scores_clear(struct scores *s)
{
    free(s->answer);
    free(s->score);
}

/* Replace each answer's scores by what a link makes of them, again without those that say nothing. */
static void advance(const mid__link *link, void *state, struct scores *s)
{
    size_t i, t, n;

    for (i = 0; i < s->n; i++) {
        double *score = (double *)(uintptr_t)s->answer[i].score;        /* ours: it lies in s->score */
        const mid__chain one = { 1, state_bytes(&link->use), { *link } };
        mid__chain_score(&one, state, score, s->answer[i].n, score);
        for (t = n = 0; t < s->answer[i].n; t++)
            if (score[t] > -INFINITY)
                score[n++] = score[t];
        s->answer[i].n = n;
    }
}

static mid_status check_classes(mid_ctx *ctx, const mid_aggregate *a, const struct scores *s)
{
    size_t n[2] = { 0, 0 }, i;

    for (i = 0; i < s->n; i++)
        n[s->answer[i].label == 1] += s->answer[i].n > 0;
    if (n[0] && n[1])
        return MID_OK;
    return mid__fail(ctx, MID_EUNDEFINED, "%s learns from scores of both classes: %zu safe and %zu unsafe answers have "
                     "any", a->ops->name, n[0], n[1]);
}

static mid_status fit_link(mid_ctx *ctx, const mid_aggregate *a, size_t i, const struct scores *s, mid_weights *out)
{
    double learned[MID_AGGREGATOR_LEARN_MAX];
    float kept[MID_AGGREGATOR_LEARN_MAX];
    const mid_score_set set = { s->answer, s->n };
    char key[48];
    size_t k;
    mid_status status = check_classes(ctx, a, s);

    if (status == MID_OK)
        status = a->ops->fit(ctx, &set, a->param, learned);
    if (status != MID_OK)
        return status;
    for (k = 0; k < a->ops->n_learned; k++)
        kept[k] = (float)learned[k];
    snprintf(key, sizeof key, "agg.%zu.learned", i);
    return mid_weights_set(ctx, out, key, kept, 1, a->ops->n_learned);
}

static mid_status open_link(mid_ctx *ctx, const mid_aggregate *a, size_t i, const mid_weights *weights, mid__link *out);

/* The links one after the other: the second learns from what the first gives. */
static mid_status fit_links(mid_ctx *ctx, const mid_monitor_spec *spec, struct scores *s, mid_weights *out)
{
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; status == MID_OK && i < spec->n_aggregate; i++) {
        const mid_aggregate *a = &spec->aggregate[i];
        mid__link link = { .learned = NULL };
        void *state = malloc(state_bytes(a) + 1);
        status = state ? MID_OK : mid__oom(ctx, a->ops->name);
        if (status == MID_OK && learns(a))
            status = fit_link(ctx, a, i, s, out);
        if (status == MID_OK)
            status = open_link(ctx, a, i, out, &link);
        if (status == MID_OK && i + 1 < spec->n_aggregate)
            advance(&link, state, s);
        free(link.learned);
        free(state);
    }
    return status;
}

mid_status mid__chain_fit(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_score_set *set, mid_weights *out)
{
    struct scores s = { NULL, NULL, 0 };
    char text[MID_SPEC_BYTES], key[48];
    mid_status status;
    size_t i;

    mid__chain_text(spec, text);
    status = mid_weights_set_text(ctx, out, "aggregate", text);
    for (i = 0; status == MID_OK && i < spec->n_aggregate; i++) {
        snprintf(key, sizeof key, "agg.%zu.version", i);
        status = mid_weights_set_number(ctx, out, key, spec->aggregate[i].ops->version);
    }
    if (status != MID_OK || !mid__chain_learns(spec))
        return status;
    status = copy_scores(ctx, set, &s);
    if (status == MID_OK)
        status = fit_links(ctx, spec, &s, out);
    scores_clear(&s);
    return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static mid_status open_link(mid_ctx *ctx, const mid_aggregate *a, size_t i, const mid_weights *weights, mid__link *out)
{
    const size_t n = a->ops->n_learned;
    const float *data;
    char key[48];
    size_t k;
    mid_status status;

    *out = (mid__link){ .use = *a };
    if (!learns(a))
        return MID_OK;
    snprintf(key, sizeof key, "agg.%zu.learned", i);
    status = mid_weights_expect(ctx, weights, key, 1, n, &data);
    if (status != MID_OK)
        return status;
    out->learned = malloc(n * sizeof *out->learned);
    if (!out->learned)
        return mid__oom(ctx, a->ops->name);
    for (k = 0; k < n; k++)
        out->learned[k] = (double)data[k];
    if (!a->ops->accepts || a->ops->accepts(out->learned))
        return MID_OK;
    free(out->learned);
    out->learned = NULL;
    return mid__fail(ctx, MID_EFORMAT, "tensor '%s' holds numbers that %s cannot have learned", key, a->ops->name);
}

/* Were these weights fitted with this chain, by this version of its aggregators? */
static mid_status belongs(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_weights *weights)
{
    const char *fitted = mid_weights_text(weights, "aggregate");
    char text[MID_SPEC_BYTES], key[48];
    size_t i;

    mid__chain_text(spec, text);
    if (strcmp(fitted ? fitted : "", text) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "%s was fitted with the aggregators '%.80s', asked for are '%.80s': fit it "
                         "again", spec->monitor->name, fitted ? fitted : "", text);
    for (i = 0; i < spec->n_aggregate; i++) {
        const mid_aggregator_ops *ops = spec->aggregate[i].ops;
        snprintf(key, sizeof key, "agg.%zu.version", i);
        if (mid_weights_number(weights, key) != (double)ops->version)
            return mid__fail(ctx, MID_EMISMATCH, "fitted with version %g of aggregator %s, this is version %u: fit it "
                             "again", mid_weights_number(weights, key), ops->name, ops->version);
    }
    return MID_OK;
}

mid_status mid__chain_open(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_weights *weights, mid__chain *out)
{
    mid_status status = weights ? belongs(ctx, spec, weights) : MID_OK;

    *out = (mid__chain){ 0 };
    for (; status == MID_OK && out->n < spec->n_aggregate; out->n++) {
        mid__link *link = &out->link[out->n];
        status = open_link(ctx, &spec->aggregate[out->n], out->n, weights, link);
        if (status != MID_OK)
            break;
        link->at = out->state_size;
        out->state_size += state_bytes(&link->use);
    }
    if (status != MID_OK)
        mid__chain_close(out);
    return status;
}

void mid__chain_close(mid__chain *chain)
{
    size_t i;

    for (i = 0; i < chain->n; i++)
        free(chain->link[i].learned);
    *chain = (mid__chain){ 0 };
}

/* ---- pushing ----------------------------------------------------------------------------------------------------- */

double mid__chain_push(const mid__chain *chain, void *state, double score)
{
    size_t i;

    for (i = 0; i < chain->n && score > -INFINITY; i++) {
        const mid__link *link = &chain->link[i];
        score = link->use.ops->push(link->use.param, link->learned, (char *)state + link->at, score);
        if (score == INFINITY)
            score = DBL_MAX;            /* a sum beyond what a double holds; the next link adds up too */
    }
    return score;
}

void mid__chain_score(const mid__chain *chain, void *state, const double *score, size_t n, double *out)
{
    size_t t;

    memset(state, 0, chain->state_size);
    for (t = 0; t < n; t++)
        out[t] = mid__chain_push(chain, state, score[t]);
}
