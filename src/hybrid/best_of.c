/* The best of several ways to join the same members, and of the members alone. Each candidate is learned on the rows
 * outside an inner fold and scores the rows within it; the one with the best AUROC, averaged over 1, 2, 4, ... 128
 * tokens, is then learned on all rows; a hybrid only if it beats the best member by `margin` (hybrid.h). Its score is
 * shown as a rank among safe answers (normal.h), since candidates have units of their own and two fits that choose
 * differently would not be comparable. Of equals the first named wins;
 * members stand behind the hybrids. No candidate has seen an answer that it is judged by; but the rows it learned from
 * were scored by members that had, since members are fitted without one fold at a time. On pure noise that favours
 * hybrids which learn weights by some hundredths of AUROC. All of it is inside the fit answers: the choice may lean,
 * figures on other answers do not. Source: standard (model selection by cross-validation; Cawley & Talbot 2010 on why the
 * choice belongs inside). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/weights.h"
#include "hybrid/held_out.h"
#include "hybrid/hybrid.h"
#include "monitor/rows.h"

enum { CANDIDATE_MAX = 32, NAME_BYTES = 64, STATE_MAX_BYTES = 1024 };

/* fusion NULL: the member `i_member` alone. */
struct candidate { const mid_monitor_ops *ops; const mid__fusion *fusion; size_t i_member; };

struct candidates { struct candidate at[CANDIDATE_MAX]; size_t n; };

static mid_status add_fusion(mid_ctx *ctx, const char *name, struct candidates *c)
{
    const mid_monitor_ops *ops = mid_monitor_find(name);
    const mid__fusion *fusion = ops && ops->reads ? ops->self : NULL;

    if (c->n == CANDIDATE_MAX)
        return mid__fail(ctx, MID_EINVAL, "best_of chooses among %d at most, members included", CANDIDATE_MAX);
    if (!fusion || fusion->state_size > STATE_MAX_BYTES || fusion->calls || strcmp(name, "best_of") == 0)
        return mid__fail(ctx, MID_EINVAL, "among: '%.60s' is no hybrid that joins members it has all heard", name);
    c->at[c->n++] = (struct candidate){ ops, fusion, 0 };
    return MID_OK;
}

/* Those that `among` names, then the n members. */
static mid_status candidates_of(mid_ctx *ctx, const mid_param *params, size_t n, struct candidates *c)
{
    const char *at = mid__param_text(params, "among");
    mid_status status = MID_OK;
    size_t i;

    c->n = 0;
    while (status == MID_OK && *at) {
        char name[NAME_BYTES];
        const size_t length = strcspn(at, ", ");
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), at);
        if (length)
            status = add_fusion(ctx, name, c);
        at += length + (at[length] != 0);
    }
    for (i = 0; status == MID_OK && i < n; i++) {
        if (c->n == CANDIDATE_MAX)
            return mid__fail(ctx, MID_EINVAL, "best_of chooses among %d at most, members included", CANDIDATE_MAX);
        c->at[c->n++] = (struct candidate){ NULL, NULL, i };
    }
    return status;
}

/* Before anything is fitted: are the names right, and can each of them join so many? */
static mid_status check(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit)
{
    struct candidates c;
    mid_status status = candidates_of(ctx, params, n, &c);
    size_t k;

    for (k = 0; status == MID_OK && k < c.n; k++)
        if (c.at[k].fusion && c.at[k].fusion->check)
            status = c.at[k].fusion->check(ctx, c.at[k].ops->params, n, to_fit);
    return status;
}

/* The candidates' versions. */
static void mark(const mid_param *params, mid__sha256 *hash)
{
    struct candidates c;
    size_t k;

    if (candidates_of(NULL, params, 0, &c) != MID_OK)
        return;
    for (k = 0; k < c.n; k++) {
        mid__sha256_put(hash, c.at[k].ops->name, strlen(c.at[k].ops->name) + 1);
        mid__sha256_put(hash, &c.at[k].ops->version, sizeof c.at[k].ops->version);
    }
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* A candidate's scores of answers it was not learned from (rows->n); NaN where it cannot be learned without a fold. */
static mid_status held_out(mid_ctx *ctx, const struct candidate *c, const mid_fit_set *set, const mid__member_rows *rows,
                           double *fused)
{
    mid_status status;
    size_t k;

    if (!c->fusion) {
        mid__member_column(rows, c->i_member, fused);
        return MID_OK;
    }
    status = mid__fused_held_out(ctx, c->fusion, c->ops->params, set, rows, fused);
    for (k = 0; status == MID_EUNDEFINED && k < rows->n; k++)
        fused[k] = NAN;
    return status == MID_EUNDEFINED ? MID_OK : status;
}

/* Ranks of the winner's held-out scores, under "scale.". */
static mid_status learn_scale(mid_ctx *ctx, const mid_fit_set *set, mid__member_rows rows, double *fused,
                              mid_weights *out)
{
    mid_weights *w = NULL;
    mid_status status = mid_weights_open(ctx, &w);

    rows.n_member = 1;
    rows.score = fused;
    if (status == MID_OK)
        status = mid__normal_learn(ctx, MID__NORMAL_RANK, set, &rows, w);
    if (status == MID_OK)
        status = mid__weights_put_all(ctx, out, "scale.", w);
    mid_weights_close(w);
    return status;
}

/* The best so far of one sort: its place among the candidates, AUROC and held-out scores. */
struct leader { size_t at; double auroc, *fused; };

static mid_status try_all(mid_ctx *ctx, const struct candidates *c, const mid_fit_set *set, const mid__member_rows *rows,
                          float *auroc, struct leader *hybrid, struct leader *member)
{
    double *trial = malloc((rows->n + 1) * sizeof *trial);
    mid_status status = trial ? MID_OK : mid__oom(ctx, "a hybrid");
    size_t k;

    for (k = 0; status == MID_OK && k < c->n; k++) {
        struct leader *lead = c->at[k].fusion ? hybrid : member;
        double a = NAN;
        status = held_out(ctx, &c->at[k], set, rows, trial);
        if (status == MID_OK)
            status = mid__member_rows_auroc(ctx, set, rows, trial, &a);
        auroc[k] = isnan(a) ? 0 : (float)a;
        if (status == MID_OK && (lead->at == c->n || auroc[k] > lead->auroc)) {
            lead->at = k;
            lead->auroc = auroc[k];
            memcpy(lead->fused, trial, rows->n * sizeof *trial);
        }
    }
    free(trial);
    return status;
}

static mid_status learn_best(mid_ctx *ctx, const struct candidates *c, const mid_fit_set *set,
                             const mid__member_rows *rows, double margin, struct leader *hybrid, struct leader *member,
                             mid_weights *out)
{
    float auroc[CANDIDATE_MAX];
    const struct leader *best = member;
    double gain = NAN;
    mid_status status = try_all(ctx, c, set, rows, auroc, hybrid, member);

    if (status == MID_OK && hybrid->at < c->n)
        status = mid__gain_in_errors(ctx, set, rows, hybrid->fused, member->fused, &gain);
    if (gain > margin)
        best = hybrid;
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "auroc", auroc, 1, c->n);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "best", (double)best->at);
    if (status == MID_OK)
        status = learn_scale(ctx, set, *rows, best->fused, out);
    if (status == MID_OK && best == hybrid)
        status = c->at[best->at].fusion->learn(ctx, set, rows, c->at[best->at].ops->params, out);
    return status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    struct candidates c;
    mid_status status = candidates_of(ctx, params, rows->n_member, &c);
    struct leader hybrid = { c.n, 0, malloc((rows->n + 1) * sizeof(double)) };
    struct leader member = { c.n, 0, malloc((rows->n + 1) * sizeof(double)) };

    if (status == MID_OK && !(hybrid.fused && member.fused))
        status = mid__oom(ctx, "a hybrid");
    if (status == MID_OK)
        status = learn_best(ctx, &c, set, rows, mid__param_number(params, "margin"), &hybrid, &member, out);
    free(hybrid.fused);
    free(member.fused);
    return status;
}

/* ---- using it ---------------------------------------------------------------------------------------------------- */

struct plan { struct candidate best; void *fused; mid__normal *scale; };

static void close_plan(void *plan)
{
    struct plan *p = plan;

    if (p->best.fusion)
        mid__fusion_close(p->best.fusion, p->fused);
    free(p->scale);
    free(p);
}

static mid_status open_scale(mid_ctx *ctx, const mid_weights *weights, mid__normal **scale)
{
    mid_weights *w = NULL;
    mid_status status = mid__weights_take(ctx, weights, "scale.", &w);

    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_RANK, w, 1, scale);
    mid_weights_close(w);
    return status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    const double best = mid_weights_number(weights, "best");
    struct candidates c = { .n = 0 };
    const float *auroc;
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? candidates_of(ctx, params, n, &c) : mid__oom(ctx, "a hybrid");

    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "auroc", 1, c.n, &auroc);
    if (status == MID_OK && !(best >= 0 && best < (double)c.n && best == floor(best)))
        status = mid__fail(ctx, MID_EFORMAT, "'best' is %g, and there are %zu candidates", best, c.n);
    if (status == MID_OK)
        p->best = c.at[(size_t)best];
    if (status == MID_OK)
        status = open_scale(ctx, weights, &p->scale);
    if (status == MID_OK && p->best.fusion)
        status = p->best.fusion->open(ctx, weights, p->best.ops->params, n, &p->fused);
    if (status == MID_OK) {
        *plan = p;
        return MID_OK;
    }
    if (p)
        free(p->scale);
    free(p);
    return status;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    const double score = p->best.fusion ? p->best.fusion->fuse(p->fused, state, s, t) : s[p->best.i_member];

    return isfinite(score) ? mid__normal_of(p->scale, 0, score, t) : -INFINITY;
}

static const mid__fusion fusion = { .check = check, .learn = learn, .open = open_plan, .close = close_plan,
                                    .state_size = STATE_MAX_BYTES, .fuse = fuse, .mark = mark };

static const mid_param params_[] = {
    MID__HYBRID_PARAMS,
    MID__HYBRID_MARGIN,
    { "among", 0, "mean_z, mean_rank, max_rank, mean_isotonic, max_isotonic, weighted_rank, stack_logistic, naive_bayes, vote, "
      "dempster_shafer, noisy_or, hedge", "hybrids to choose among; the members alone are candidates, too" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_best_of = {
    .name = "best_of", .version = 3, .summary = "hybrid: the best of several hybrids and of the members, by inner folds",
    .unit = "rank in 0..1 and above", .source = "standard: model selection by cross-validation", .params = params_, MID__HYBRID(fusion)
};
