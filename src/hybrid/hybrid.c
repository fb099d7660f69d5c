/* A hybrid's state: its own, the members' one behind the other, the largest at the end, and room for a copy of all before
 * that one. A member that fails leaves its own state as it was, so with the largest pushed last the copy is all it takes
 * for an error to change nothing. */
#include "hybrid/hybrid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "hybrid/held_out.h"

struct plan {
    const mid__fusion *fusion;
    void *fused;                    /* the fusion's plan */
    bool degrade;                   /* go on without members that are missing */
    uint32_t absent;                /* members whose signals this source does not deliver, a bit each */
    size_t n, largest;              /* members; the one pushed last, n: none */
    size_t first, n_heard;          /* those that are heard: all, or one alone */
    mid_monitor *member[MID__MEMBER_MAX];
    bool beside[MID__MEMBER_MAX];   /* it reads the second observer's steps */
    size_t at[MID__MEMBER_MAX];     /* (n) where a member's state lies; the fusion's lies behind struct head */
    size_t copied, copy_at, size;   /* so many bytes are copied, to there, of so many */
};

/* The beginning of a state. last: of members that read the second observer, whose steps do not come with every step. */
struct head { uint32_t t, gone, said; double last[MID__MEMBER_MAX]; };

static size_t rounded(size_t n)
{
    const size_t unit = _Alignof(max_align_t);

    return (n + unit - 1) / unit * unit;
}

/* ---- fitting and opening ----------------------------------------------------------------------------------------- */

static mid_status policy_of(mid_ctx *ctx, const mid_param *params, bool *degrade)
{
    const char *missing = mid__param_text(params, "missing");

    *degrade = strcmp(missing, "degrade") == 0;
    if (!*degrade && strcmp(missing, "refuse") != 0)
        return mid__fail(ctx, MID_EINVAL, "missing is '%.40s'; it is 'refuse' or 'degrade'", missing);
    return MID_OK;
}

mid_status mid__hybrid_reads(void *self, mid_ctx *ctx, const mid_param *params, mid_monitor_reads *out)
{
    const mid__fusion *fusion = self;
    mid__members members;
    mid__sha256 hash;
    bool degrade;
    mid_status status = policy_of(ctx, params, &degrade);

    if (status == MID_OK)
        status = mid__members_parse(ctx, mid__param_text(params, "of"), &members);
    if (status == MID_OK && fusion->check)
        status = fusion->check(ctx, params, members.n, false);
    if (status == MID_OK)
        status = mid__members_reads(ctx, &members, out);
    if (status == MID_OK && degrade) {      /* scoring can do without any of them, fitting cannot */
        out->fit_needs |= out->needs;
        out->needs = 0;
    }
    if (status == MID_OK && fusion->mark) {
        mid__sha256_init(&hash);
        mid__sha256_put(&hash, out->members, strlen(out->members));
        fusion->mark(params, &hash);
        mid__sha256_hex(&hash, out->members);
    }
    return status;
}

/* Only says that there is something to learn: with a fit_self, fit is never called. */
mid_status mid__hybrid_learns(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    (void)set; (void)params; (void)out;
    return mid__fail(ctx, MID_EINVAL, "a hybrid is fitted by mid_monitor_fit()");
}

void mid__fusion_close(const mid__fusion *fusion, void *plan)
{
    if (plan && fusion->close)
        fusion->close(plan);
    else
        free(plan);
}

/* The member with the largest AUROC. @param[out] column (rows->n) its scores */
static mid_status best_alone(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, double *column,
                             size_t *best)
{
    double most = -1, auroc = NAN;
    mid_status status = MID_OK;
    size_t i;

    *best = 0;
    for (i = 0; status == MID_OK && i < rows->n_member; i++) {
        mid__member_column(rows, i, column);
        status = mid__member_rows_auroc(ctx, set, rows, column, &auroc);
        if (status == MID_OK && auroc > most) {
            most = auroc;
            *best = i;
        }
    }
    mid__member_column(rows, *best, column);
    return status;
}

/* Where joining all is not better by the margin, on answers it was not learned from: only the best member's column
 * stays, and its number is noted. */
static mid_status hear_one(mid_ctx *ctx, const mid__fusion *fusion, const mid_fit_set *set, const mid_param *params,
                           mid__member_rows *rows, mid_weights *out)
{
    double *alone = malloc((rows->n + 1) * sizeof *alone), *joined = malloc((rows->n + 1) * sizeof *joined);
    double gain = NAN;                  /* stays so where the fusion cannot be learned without one of the folds */
    size_t best = 0;
    mid_status status = alone && joined ? best_alone(ctx, set, rows, alone, &best) : mid__oom(ctx, "a hybrid");

    if (status == MID_OK) {
        status = mid__fused_held_out(ctx, fusion, params, set, rows, joined);
        if (status == MID_OK)
            status = mid__gain_in_errors(ctx, set, rows, joined, alone, &gain);
        else if (status == MID_EUNDEFINED)
            status = MID_OK;
    }
    if (status == MID_OK && !(gain > mid__param_number(params, "margin"))) {
        status = mid_weights_set_number(ctx, out, "alone", (double)best);
        memcpy(rows->score, alone, rows->n * sizeof *alone);
        rows->n_member = 1;
    }
    free(alone);
    free(joined);
    return status;
}

mid_status mid__hybrid_fit(void *self, mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const mid__fusion *fusion = self;
    mid__members members;
    mid__member_rows rows = { 0 };
    mid_status status = mid__members_parse(ctx, mid__param_text(params, "of"), &members);

    if (status == MID_OK && fusion->check)
        status = fusion->check(ctx, params, members.n, true);
    if (status == MID_OK)
        status = mid__members_fit(ctx, &members, set, &rows, out);
    if (status == MID_OK && fusion->weighs && mid__param_number(params, "margin") >= 0)
        status = hear_one(ctx, fusion, set, params, &rows, out);
    if (status == MID_OK)
        status = fusion->learn(ctx, set, &rows, params, out);
    mid__member_rows_clear(&rows);
    return status;
}

static size_t state_bytes(const struct plan *p, size_t i)
{
    return p->member[i] ? rounded(mid__monitor_state_size(p->member[i])) : 0;
}

static void lay_out(struct plan *p)
{
    size_t i, at = rounded(sizeof(struct head)) + rounded(p->fusion->state_size);

    for (p->largest = p->n, i = 0; i < p->n; i++)   /* one of several steps may fail: a copy it needs all the same */
        if (!p->beside[i] && (p->largest == p->n || state_bytes(p, i) > state_bytes(p, p->largest)))
            p->largest = i;
    for (i = 0; i < p->n; i++)
        if (i != p->largest) {
            p->at[i] = at;
            at += state_bytes(p, i);
        }
    p->copied = at;
    if (p->largest < p->n) {
        p->at[p->largest] = at;
        at += state_bytes(p, p->largest);
    }
    p->copy_at = at;
    p->size = p->copy_at + p->copied;
}

/* A bit for each member that is heard. */
static uint32_t all_heard(const struct plan *p) { return ((1u << p->n_heard) - 1) << p->first; }

static mid_status who_is_heard(mid_ctx *ctx, const mid_weights *weights, size_t n, struct plan *p)
{
    const double alone = weights ? mid_weights_number(weights, "alone") : NAN;

    p->n = p->n_heard = n;
    if (isnan(alone))
        return MID_OK;
    if (!(alone >= 0 && alone < (double)n && alone == floor(alone)))
        return mid__fail(ctx, MID_EFORMAT, "'alone' is %g, and there are %zu members", alone, n);
    p->first = (size_t)alone;
    p->n_heard = 1;
    return MID_OK;
}

static mid_status open_members(mid_ctx *ctx, const mid__members *members, const mid_weights *weights,
                               const mid_signals *signals, struct plan *p)
{
    mid_status status = MID_OK;
    size_t i;

    for (i = p->first; status == MID_OK && i < p->first + p->n_heard; i++) {
        p->beside[i] = members->beside[i];
        status = mid__member_open(ctx, members, i, weights, signals, &p->member[i]);
        if (status == MID_ESIGNAL && p->degrade) {
            mid__log(ctx, MID_LOG_WARN, "%s: left out, the promise is withdrawn", mid_ctx_message(ctx));
            p->absent |= 1u << i;
            status = MID_OK;
        }
    }
    if (status == MID_OK && p->absent == all_heard(p))
        status = mid__fail(ctx, MID_ESIGNAL, "this source delivers what no member needs");
    if (status == MID_OK)
        lay_out(p);
    return status;
}

mid_status mid__hybrid_open(void *self, mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__fusion *fusion = self;
    mid__members members;
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? MID_OK : mid__oom(ctx, "a hybrid");

    if (status != MID_OK)
        return status;
    p->fusion = fusion;
    status = policy_of(ctx, params, &p->degrade);
    if (status == MID_OK)
        status = mid__members_parse(ctx, mid__param_text(params, "of"), &members);
    if (status == MID_OK && fusion->check)
        status = fusion->check(ctx, params, members.n, false);
    if (status == MID_OK)
        status = who_is_heard(ctx, weights, members.n, p);
    if (status == MID_OK)
        status = open_members(ctx, &members, weights, signals, p);
    if (status == MID_OK)
        status = fusion->open(ctx, weights, params, p->n_heard, &p->fused);
    if (status != MID_OK) {
        mid__hybrid_close(p);
        return status;
    }
    *plan = p;
    return MID_OK;
}

void mid__hybrid_close(void *plan)
{
    struct plan *p = plan;
    size_t i;

    if (!p)
        return;
    for (i = 0; i < MID__MEMBER_MAX; i++)
        mid_monitor_close(p->member[i]);
    mid__fusion_close(p->fusion, p->fused);
    free(p);
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

size_t mid__hybrid_state_size(const void *plan) { return ((const struct plan *)plan)->size; }

uint32_t mid__hybrid_gone(const void *plan, const void *state)
{
    (void)plan;
    return ((const struct head *)state)->gone;
}

uint64_t mid__hybrid_calls(const void *plan, const void *state, size_t i_member)
{
    const struct plan *p = plan;

    if (i_member < p->first || i_member >= p->first + p->n_heard)
        return 0;
    return p->fusion->calls ? p->fusion->calls((const char *)state + rounded(sizeof(struct head)), i_member)
                            : ((const struct head *)state)->t;
}

/* What a member's failure means: it is gone, or (false) the whole step fails. */
static bool goes_on_without(const struct plan *p, mid_status status)
{
    return p->degrade && (status == MID_ESIGNAL || status == MID_ENUMERIC || status == MID_EPLUGIN);
}

mid_status mid__hybrid_start(const void *plan, void *state, const mid_prompt *prompt)
{
    const struct plan *p = plan;
    struct head *head = state;
    size_t i;

    head->gone = p->absent;
    for (i = 0; i < p->n; i++) {
        const mid_prompt *own = p->beside[i] && prompt ? prompt->beside : prompt;
        const mid_status status = p->member[i] ? mid__monitor_start(p->member[i], (char *)state + p->at[i], own)
                                               : MID_OK;
        if (status != MID_OK && !goes_on_without(p, status))
            return status;
        if (status != MID_OK)
            head->gone |= 1u << i;
        if (head->gone == all_heard(p))
            return status != MID_OK ? status : MID_ESIGNAL;
    }
    return MID_OK;
}

/* The second observer's steps since the step before; without any the last score stands. */
static mid_status push_beside(const struct plan *p, char *state, size_t i, const mid_step *step, double *s)
{
    struct head *head = (struct head *)(void *)state;
    mid_status status = MID_OK;
    uint32_t k;

    for (k = 0; status == MID_OK && k < step->n_beside; k++) {
        status = mid__monitor_push(p->member[i], state + p->at[i], &step->beside[k], &head->last[i]);
        head->said |= (uint32_t)(status == MID_OK) << i;
    }
    *s = head->said >> i & 1 ? head->last[i] : NAN;
    return status;
}

/* A member's score of the step; NaN where it says nothing. */
static mid_status push_member(const struct plan *p, char *state, size_t i, const mid_step *step, double *s)
{
    struct head *head = (struct head *)(void *)state;
    mid_status status;

    *s = NAN;
    if (!p->member[i] || head->gone >> i & 1)
        return MID_OK;
    status = p->beside[i] ? push_beside(p, state, i, step, s)
                          : mid__monitor_push(p->member[i], state + p->at[i], step, s);
    if (status != MID_OK) {
        *s = NAN;
        if (!goes_on_without(p, status))
            return status;
        head->gone |= 1u << i;
        return head->gone == all_heard(p) ? status : MID_OK;
    }
    if (*s == -INFINITY)
        *s = NAN;
    return MID_OK;
}

static bool any_said(const double *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!isnan(s[i]))
            return true;
    return false;
}

mid_status mid__hybrid_push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    char *state = self;
    struct head *head = self;
    double s[MID__MEMBER_MAX];
    mid_status status = MID_OK;
    size_t i;

    memcpy(state + p->copy_at, state, p->copied);
    for (i = 0; status == MID_OK && i < p->n; i++)
        if (i != p->largest)
            status = push_member(p, state, i, step, &s[i]);
    if (status == MID_OK && p->largest < p->n)
        status = push_member(p, state, p->largest, step, &s[p->largest]);
    if (status != MID_OK)
        memcpy(state, state + p->copy_at, p->copied);
    memset(state + p->copy_at, 0, p->copied);       /* no part of what a snapshot means */
    if (status != MID_OK)
        return status;
    head->t += 1;
    *score = any_said(s, p->n) ? p->fusion->fuse(p->fused, state + rounded(sizeof *head), s + p->first, head->t) : -INFINITY;
    return MID_OK;
}
