/* A prior from the prompt and the evidence of the answer so far, H8. The first member is the prior and should read no
 * more than the prompt; the others make the stream's posterior q_t:
 *   S_t = logit pi + c [logit q_t - logit pi_bar]
 *   logit pi   = a s_1 + a_0                                              (Platt 1999)
 *   logit q_t  = sum_i (w_i + u_i min(ln t / ln 128, 1)) z_i,t + w_0      i from the second member on
 * z: z scores by position band (normal.h), 0 where a member is silent; u_i lets it weigh more the longer it has read.
 * Both are logistic regressions on out-of-fold rows (C = 1 on standardised columns; an answer weighs 1 in all). pi_bar
 * is the share of unsafe fit answers. The bracket is the evidence so far, since q_t has read all of it; it is not added
 * up over t.
 * c in 0 .. 1, by logistic regression of the label on the bracket with logit pi as a given offset (capped.h), both from
 * the other inner folds: it is fitted on what the prior leaves unexplained, so a q_t that has itself read the prompt is
 * believed less, and one that knows the prompt alone not at all.
 * A silent prior is pi_bar; without any other member that speaks the bracket is 0.
 * Source: Bayes' rule in log odds; c is ours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"
#include "hybrid/capped.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"
#include "monitor/rows_lr.h"

enum { STREAM_MAX = 2 * (MID__MEMBER_MAX - 1) };        /* columns of the stream's regression */
static const double c_platt = 1;

static size_t n_stream(size_t n_member) { return 2 * (n_member - 1); }

/* Columns of the stream's regression from the members' scores s (n). @return does any of them speak? */
static bool stream_columns(const mid__normal *normal, const double *s, uint32_t t, double *x)
{
    bool said = false;
    size_t i;

    for (i = 1; i < normal->n; i++) {
        const double z = mid__normal_of(normal, i, s[i], t);
        said |= !isnan(z);
        x[2 * i - 2] = isnan(z) ? 0 : z;
        x[2 * i - 1] = x[2 * i - 2] * mid__position(t);
    }
    return said;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* Rows of one regression: d columns at x, given, and all else borrowed. */
static mid__rows rows_with(const mid__member_rows *rows, size_t d, float *x)
{
    return (mid__rows){ rows->n, d, x, rows->answer, rows->label, rows->weight, rows->horizon };
}

static mid_status prior_rows(mid_ctx *ctx, const mid__member_rows *rows, mid__rows *out)
{
    double sum = 0;
    size_t k, n = 0;

    *out = rows_with(rows, 1, malloc((rows->n + 1) * sizeof(float)));
    if (!out->x)
        return mid__oom(ctx, "a hybrid");
    for (k = 0; k < rows->n; k++)
        if (!isnan(rows->score[k * rows->n_member])) {
            sum += rows->score[k * rows->n_member];
            n++;
        }
    for (k = 0; k < rows->n; k++) {
        const double s = rows->score[k * rows->n_member];
        out->x[k] = (float)(isnan(s) ? sum / (double)n : s);
    }
    return MID_OK;
}

static mid_status stream_rows(mid_ctx *ctx, const mid__normal *normal, const mid__member_rows *rows, mid__rows *out)
{
    const size_t d = n_stream(rows->n_member);
    double x[STREAM_MAX];
    size_t k, j;

    *out = rows_with(rows, d, malloc((rows->n + 1) * d * sizeof(float)));
    if (!out->x)
        return mid__oom(ctx, "a hybrid");
    for (k = 0; k < rows->n; k++) {
        stream_columns(normal, rows->score + k * rows->n_member, rows->t[k], x);
        for (j = 0; j < d; j++)
            out->x[k * d + j] = (float)x[j];
    }
    return MID_OK;
}

/* Each row's logit by a regression without its inner fold. */
static mid_status held_out_logits(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, double *logit)
{
    mid_status status = MID_OK;
    size_t k;
    int fold;

    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        float w[STREAM_MAX], b;
        mid__rows rest;
        status = mid__rows_outside(ctx, set, rows, fold, &rest);
        if (status == MID_OK)
            status = mid__rows_lr_fit(ctx, set, &rest, c_platt, w, &b);
        for (k = 0; status == MID_OK && k < rows->n; k++)
            if (mid__inner_fold(set, rows->answer[k]) == fold)
                logit[k] = mid__dot(w, rows->x + k * rows->d, rows->d) + (double)b;
        mid__rows_clear(&rest);
    }
    return status;
}

/* A regression on all rows, as one tensor: the weights, then the intercept. */
static mid_status put_regression(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *rows, const char *name,
                                 mid_weights *out)
{
    float w[STREAM_MAX + 1];
    const mid_status status = mid__rows_lr_fit(ctx, set, rows, c_platt, w, &w[rows->d]);

    return status == MID_OK ? mid_weights_set(ctx, out, name, w, 1, rows->d + 1) : status;
}

static double logit_of_base(const mid__member_rows *rows)
{
    double unsafe = 0, all = 0;
    size_t k;

    for (k = 0; k < rows->n; k++) {
        all += rows->weight[k];
        unsafe += rows->weight[k] * rows->label[k];
    }
    return log(unsafe / (all - unsafe));
}

/* How much of the bracket to believe; room (rows->n, 2). */
static mid_status learn_c(mid_ctx *ctx, const mid_fit_set *set, const mid__rows *prior, const mid__rows *stream,
                          double base, double *room, float *c)
{
    double *logit_pi = room, *bracket = room + prior->n, fitted = 1;
    mid_status status = held_out_logits(ctx, set, prior, logit_pi);
    size_t k;

    if (status == MID_OK)
        status = held_out_logits(ctx, set, stream, bracket);
    if (status != MID_OK)
        return status;
    for (k = 0; k < stream->n; k++)
        bracket[k] -= base;
    mid__capped_fit(&(mid__capped){ prior->n, 1, bracket, logit_pi, prior->label, prior->weight }, &fitted);
    *c = (float)fitted;
    return MID_OK;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    double *room = malloc((2 * rows->n + 1) * sizeof *room);
    mid__normal *normal = NULL;
    mid__rows prior = { 0 }, stream = { 0 };
    float base = 0, c = 0;
    mid_status status = room ? mid__normal_learn(ctx, MID__NORMAL_Z, set, rows, out) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, out, rows->n_member, &normal);
    if (status == MID_OK)
        status = prior_rows(ctx, rows, &prior);
    if (status == MID_OK)
        status = stream_rows(ctx, normal, rows, &stream);
    if (status == MID_OK)
        status = put_regression(ctx, set, &prior, "prior", out);
    if (status == MID_OK)
        status = put_regression(ctx, set, &stream, "stream", out);
    if (status == MID_OK) {
        base = (float)logit_of_base(rows);
        status = learn_c(ctx, set, &prior, &stream, (double)base, room, &c);
    }
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "base", &base, 1, 1);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "c", &c, 1, 1);
    free(prior.x);
    free(stream.x);
    free(normal);
    free(room);
    return status;
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

struct plan { mid__normal *normal; double base, c; float prior[2], stream[STREAM_MAX + 1]; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    const float *prior, *stream, *base, *c;
    mid_status status = p ? mid_weights_expect(ctx, weights, "prior", 1, 2, &prior) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "stream", 1, n_stream(n) + 1, &stream);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "base", 1, 1, &base);
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "c", 1, 1, &c);
    if (status == MID_OK && !(*c >= 0 && *c <= 1))
        status = mid__fail(ctx, MID_EFORMAT, "c is %g; it lies in 0 .. 1", (double)*c);
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, weights, n, &p->normal);
    if (status != MID_OK) {
        free(p);
        return status;
    }
    p->base = (double)*base;
    p->c = (double)*c;
    memcpy(p->prior, prior, sizeof p->prior);
    memcpy(p->stream, stream, (n_stream(n) + 1) * sizeof *stream);
    *plan = p;
    return MID_OK;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    const size_t d = n_stream(p->normal->n);
    const double logit_pi = isnan(s[0]) ? p->base : (double)p->prior[0] * s[0] + (double)p->prior[1];
    double x[STREAM_MAX];

    (void)state;
    if (!stream_columns(p->normal, s, t, x))
        return logit_pi;
    return logit_pi + p->c * (mid__dot_wide(p->stream, x, d) + (double)p->stream[d] - p->base);
}

static const mid__fusion fusion = { .learn = learn, .open = open_plan, .close = mid__normal_close, .fuse = fuse };

static const mid_param params_[] = {
    MID__HYBRID_PARAMS_OF("prompt_only, probe_linear", "a prior that reads the prompt alone, then others"),
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_prompt_prior = {
    .name = "prompt_prior", .version = 2, .summary = "hybrid: a prior from the prompt and the answer's evidence so far",
    .unit = "logit", .source = "Bayes' rule in log odds", .params = params_, .needs = MID_SIG_HIDDEN,
    MID__HYBRID_OPS(fusion)
};
