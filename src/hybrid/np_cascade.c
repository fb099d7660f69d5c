/* Cascade under two budgets, H6: what members cost, and false alarms.
 *   S_t = ln P(cell | unsafe) / P(cell | safe)      the cell: what the members that were asked said at token t
 *         + .001 r / (1 + r), r >= 0 the rank of the one asked last: an order within the cell
 * A member's score falls into one of 6 bins, cut where .5 .75 .9 .95 .99 of the safe rows of the position band lie
 * below (normal.h); having nothing to say is a bin of its own. Members are asked in one order. After each, the policy
 * stops or asks the next, so it is a tree of bins whose every node is a cell. Learned for each order of the members:
 *   1. the first is always asked
 *   2. of the cells that stop, that one asks the next member whose gain per cost is the largest and whose cost fits
 *      what is left of the budget; until none gains anything
 *      gain   recall that finer cells add, a false alarm being priced at lambda, the likelihood ratio at which alarms,
 *             taken from the highest ratio down, have used up `false_alarm` (Neyman & Pearson 1933)
 *      cost   tokens the member has to read for it that it has not read yet (cascade.c), times its price
 * All but the first read the first H tokens only, and what they said there stands: an answer's beginning tells most of
 * it for a part of the price. The order and H (1, 2, 4, ... 128, all) with the most recall within both budgets stay. Budgets are means over the fit answers' tokens and rows.
 * P is smoothed after Laplace: a cell begins with one answer, which lies as its parent's do, so one that nobody has
 * seen says what its parent says. A member that was never silent on the fit answers and then is, is passed over: cells
 * behind it are counted as if it had not been asked, and all members after it are.
 * Source: Hua et al. 2025 (arXiv 2507.15886): which monitors to call when, alarms by likelihood ratio. They search all
 * policies for one finished output; ours is greedy within an order, decides at every token, and counts what is read
 * late. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "hybrid/cascade.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"

static const double rank_cut[] = { 0.5, 0.75, 0.9, 0.95, 0.99 };
enum { N_CUT = sizeof rank_cut / sizeof rank_cut[0], SILENT = N_CUT + 1, N_BIN = SILENT + 1, N_MOST = 4 };
#define READS_ALL UINT32_MAX
#define LEAST 1e-9                      /* gains, costs and recalls that differ by less are rounding */

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

/* Nodes of the full tree over n members, root first: a node's children lie behind it, one for each bin. */
static size_t n_node_of(size_t n)
{
    size_t all = 1, level = 1;

    while (n--)
        all += level *= N_BIN;
    return all;
}

static size_t child(size_t node, int bin) { return node * N_BIN + 1 + (size_t)bin; }

static int bin_of(double rank)
{
    int b = 0;

    if (isnan(rank))
        return SILENT;
    while (b < N_CUT && rank >= rank_cut[b])
        b++;
    return b;
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

/* Prices in the members' order: exactly n of them. */
static mid_status prices(mid_ctx *ctx, const mid_param *params, size_t n, double *price)
{
    const char *text = mid__param_text(params, "cost"), *at = text;
    char *end;
    size_t i;

    for (i = 0; i < n; i++) {
        price[i] = strtod(at, &end);
        if (end == at || !(price[i] > 0 && price[i] < INFINITY) || *end != (i + 1 < n ? ',' : '\0'))
            return mid__fail(ctx, MID_EINVAL, "cost is '%.80s'; give a number above 0 for each of the %zu members, in "
                             "their order, separated by commas", text, n);
        at = end + 1;
    }
    return MID_OK;
}

/* What may be spent per token. */
static double allowed(const mid_param *params, const double *price, size_t n)
{
    double most = 0;
    size_t i;

    for (i = 0; i < n; i++)
        most = fmax(most, price[i]);
    return mid__param_number(params, "budget") * most;
}

static mid_status check(mid_ctx *ctx, const mid_param *params, size_t n, bool to_fit)
{
    const double alpha = mid__param_number(params, "false_alarm"), budget = mid__param_number(params, "budget");
    double price[N_MOST], least = INFINITY;
    mid_status status;
    size_t i;

    (void)to_fit;
    if (n > N_MOST)
        return mid__fail(ctx, MID_EINVAL, "np_cascade tries all orders of at most %d members, not of %zu", N_MOST, n);
    if (!(alpha > 0 && alpha < 1))
        return mid__fail(ctx, MID_EINVAL, "false_alarm is %g; it lies between 0 and 1", alpha);
    if (!(budget > 0 && budget < INFINITY))
        return mid__fail(ctx, MID_EINVAL, "budget is %g; it is a share of the dearest member's cost, above 0", budget);
    status = prices(ctx, params, n, price);
    for (i = 0; status == MID_OK && i < n; i++)
        least = fmin(least, price[i]);
    if (status == MID_OK && least > allowed(params, price, n))
        status = mid__fail(ctx, MID_EINVAL, "a budget of %g per token does not pay for the cheapest member, at %g",
                           allowed(params, price, n), least);
    return status;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* Shares of a class are of its rows' weight. mark and read serve count_costs(). */
struct cell {
    double p_unsafe, p_safe;        /* shares of the classes' rows */
    double ratio;                   /* smoothed likelihood ratio */
    double cost;                    /* of opening it, per token */
    size_t mark;
    uint32_t read;
    uint8_t depth, open;            /* members asked before it; is the next one asked? */
};

struct ranked { double ratio; size_t node; };

/* The policy for one order, while it grows. */
struct policy {
    const mid__member_rows *rows;
    const uint8_t *bin;             /* (rows->n, n) each member's bin */
    uint8_t *stands;                /* (rows->n, n) the same, from what it said within the first tokens */
    uint32_t reads;                 /* how many first tokens those are */
    const uint32_t *end;            /* (rows->n) last token a row stands for */
    const bool *never_silent;       /* (n) */
    const double *price;            /* (n) */
    size_t n, n_node, order[N_MOST];
    double alpha, n_tok;
    struct cell *cell;              /* (n_node) */
    struct ranked *rank;            /* (n_node) the cells that stop, by falling ratio */
    size_t n_stop;
    uint32_t *at;                   /* (rows->n) the cell a row stops at */
    uint32_t *upto;                 /* (n, rows->n) what a member has read of an answer, at the answer's first row */
    double spent, recall;
};

static bool can_reach(const struct policy *p, size_t member, int bin)
{
    return bin != SILENT || !p->never_silent[member];
}

static uint8_t bin_at(const struct policy *p, size_t k, size_t member)
{
    return member == p->order[0] ? p->bin[k * p->n + member] : p->stands[k * p->n + member];
}

/* How far a member has to read for a row. */
static uint32_t reads_to(const struct policy *p, size_t k, size_t member)
{
    return member == p->order[0] || p->end[k] < p->reads ? p->end[k] : p->reads;
}

/* What members said last within so many tokens. */
static void stand(struct policy *p, uint32_t n_tok)
{
    size_t k;

    p->reads = n_tok;
    for (k = 0; k < p->rows->n; k++)
        memcpy(p->stands + k * p->n, p->rows->t[k] <= n_tok ? p->bin + k * p->n : p->stands + (k - 1) * p->n, p->n);
}

/* Add a row to a cell and to all below it that hold it: those of its bins, and those that pass over a member. */
static void count_row(struct policy *p, size_t k, size_t node, double unsafe, double safe)
{
    struct cell *c = &p->cell[node];
    size_t member;

    c->p_unsafe += unsafe;
    c->p_safe += safe;
    if (c->depth == p->n)
        return;
    member = p->order[c->depth];
    count_row(p, k, child(node, bin_at(p, k, member)), unsafe, safe);
    if (p->never_silent[member])
        count_row(p, k, child(node, SILENT), unsafe, safe);
}

static void count_rows(struct policy *p)
{
    double sum[2] = { 0, 0 };
    size_t k;

    for (k = 0; k < p->rows->n; k++)
        sum[p->rows->label[k]] += p->rows->weight[k];
    for (k = 0; k < p->rows->n; k++) {
        const double share = p->rows->weight[k] / sum[p->rows->label[k]];
        count_row(p, k, 0, p->rows->label[k] ? share : 0, p->rows->label[k] ? 0 : share);
    }
}

/* An empty tree; what lies behind a member that is passed over is open to the end. */
static void set_up(struct policy *p, size_t node, size_t depth, bool passed_over)
{
    int b;

    p->cell[node] = (struct cell){ .depth = (uint8_t)depth, .open = passed_over && depth < p->n };
    for (b = 0; depth < p->n && b < N_BIN; b++)
        set_up(p, child(node, b), depth + 1, passed_over || !can_reach(p, p->order[depth], b));
}

static void smooth(struct policy *p, size_t node, double one, double parent_ratio)
{
    struct cell *c = &p->cell[node];
    int b;

    c->ratio = (c->p_unsafe + one * parent_ratio) / (c->p_safe + one);
    for (b = 0; c->depth < p->n && b < N_BIN; b++)
        smooth(p, child(node, b), one, c->ratio);
}

/* Cost of opening each cell that stops. An answer's rows follow each other, so one pass finds how far it would be
 * read. */
static void count_costs(struct policy *p)
{
    const mid__member_rows *rows = p->rows;
    size_t k, node, first = 0;

    for (node = 0; node < p->n_node; node++) {
        p->cell[node].cost = 0;
        p->cell[node].mark = SIZE_MAX;
    }
    for (k = 0; k < rows->n; k++) {
        struct cell *c = &p->cell[p->at[k]];
        size_t member;
        uint32_t from;
        if (rows->answer[k] != rows->answer[first])
            first = k;
        if (c->depth == p->n)
            continue;
        member = p->order[c->depth];
        from = c->mark == first ? c->read : p->upto[member * rows->n + first];
        c->mark = first;
        c->read = reads_to(p, k, member) > from ? reads_to(p, k, member) : from;
        c->cost += p->price[member] * (double)(c->read - from) / p->n_tok;
    }
}

/* The next member is asked in this cell: its rows go on. */
static void open_cell(struct policy *p, size_t node)
{
    const mid__member_rows *rows = p->rows;
    const size_t member = p->order[p->cell[node].depth];
    size_t k, first = 0;

    p->cell[node].open = 1;
    p->spent += p->cell[node].cost;
    for (k = 0; k < rows->n; k++) {
        uint32_t *upto;
        if (rows->answer[k] != rows->answer[first])
            first = k;
        if (p->at[k] != node)
            continue;
        upto = &p->upto[member * rows->n + first];
        *upto = reads_to(p, k, member) > *upto ? reads_to(p, k, member) : *upto;
        p->at[k] = (uint32_t)child(node, bin_at(p, k, member));
    }
}

/* The cells that stop and that rows can reach, into rank. */
static void find_stopping(struct policy *p, size_t node)
{
    const struct cell *c = &p->cell[node];
    int b;

    if (!c->open)
        p->rank[p->n_stop++] = (struct ranked){ c->ratio, node };
    for (b = 0; c->open && b < N_BIN; b++)
        if (can_reach(p, p->order[c->depth], b))
            find_stopping(p, child(node, b));
}

static int by_falling_ratio(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->ratio != y->ratio)
        return x->ratio < y->ratio ? 1 : -1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Recall of alarming from the highest ratio down until false alarms are used up, the last cell in part. @return
 * lambda */
static double spend_alarms(struct policy *p)
{
    const struct cell *c;
    double safe = 0;
    size_t i;

    p->n_stop = 0;
    find_stopping(p, 0);
    qsort(p->rank, p->n_stop, sizeof *p->rank, by_falling_ratio);
    for (p->recall = 0, i = 0; i < p->n_stop; i++) {
        c = &p->cell[p->rank[i].node];
        if (safe + c->p_safe > p->alpha) {
            p->recall += (p->alpha - safe) / c->p_safe * c->p_unsafe;
            return c->ratio;
        }
        safe += c->p_safe;
        p->recall += c->p_unsafe;
    }
    return 0;
}

/* What a cell's alarms are worth at this price of a false one. */
static double worth(const struct cell *c, double lambda)
{
    return c->ratio >= lambda ? c->p_unsafe - lambda * c->p_safe : 0;
}

static double gain(const struct policy *p, size_t node, double lambda)
{
    double sum = -worth(&p->cell[node], lambda);
    int b;

    for (b = 0; b < N_BIN; b++)
        if (can_reach(p, p->order[p->cell[node].depth], b))
            sum += worth(&p->cell[child(node, b)], lambda);
    return sum;
}

/* The cell that should be opened next; n_node: none. */
static size_t best_cell(const struct policy *p, double lambda, double limit)
{
    double best = 0;
    size_t i, chosen = p->n_node;

    for (i = 0; i < p->n_stop; i++) {
        const struct cell *c = &p->cell[p->rank[i].node];
        double g;
        if (c->depth == p->n || p->spent + c->cost > limit)
            continue;
        g = gain(p, p->rank[i].node, lambda);
        if (g > LEAST && g / fmax(c->cost, LEAST) > best) {
            best = g / fmax(c->cost, LEAST);
            chosen = p->rank[i].node;
        }
    }
    return chosen;
}

/* Learn the policy for p->order. False: its first member alone is too dear. */
static bool grow(struct policy *p, double limit, double one)
{
    size_t node = 0;

    memset(p->at, 0, p->rows->n * sizeof *p->at);
    memset(p->upto, 0, p->n * p->rows->n * sizeof *p->upto);
    p->spent = 0;
    set_up(p, 0, 0, false);
    count_rows(p);
    smooth(p, 0, one, 1);
    count_costs(p);
    if (p->cell[0].cost > limit)
        return false;
    while (node < p->n_node) {
        double lambda;
        open_cell(p, node);
        lambda = spend_alarms(p);
        count_costs(p);
        node = best_cell(p, lambda, limit);
    }
    return true;
}

/* The next order of n members after this one; false after the last. */
static bool next_order(size_t *order, size_t n)
{
    size_t i = n - 1, j = n - 1, kept;

    while (i > 0 && order[i - 1] >= order[i])
        i--;
    if (i == 0)
        return false;
    while (order[j] <= order[i - 1])
        j--;
    kept = order[i - 1];
    order[i - 1] = order[j];
    order[j] = kept;
    for (j = n - 1; i < j; i++, j--) {
        kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    return true;
}

/* Each cell: does it ask on, and its score, (n_node, 2); and the order (n). */
static void keep(const struct policy *p, float *cell, float *order)
{
    size_t i;

    for (i = 0; i < p->n_node; i++) {
        cell[2 * i] = p->cell[i].open;
        cell[2 * i + 1] = (float)log(p->cell[i].ratio);
    }
    for (i = 0; i < p->n; i++)
        order[i] = (float)p->order[i];
}

/* More recall, or as much for less. */
static bool is_better(const struct policy *p, double recall, double spent)
{
    return p->recall > recall + LEAST || (p->recall > recall - LEAST && p->spent < spent - LEAST);
}

static mid_status best_order(mid_ctx *ctx, struct policy *p, double limit, double one, mid_weights *out)
{
    float *cell = malloc(p->n_node * 2 * sizeof *cell), order[N_MOST] = { 0 };
    double recall = -1, spent = 0;
    uint32_t reads = 0, n_tok;
    bool more = true;
    mid_status status = cell ? MID_OK : mid__oom(ctx, "a hybrid");

    for (; status == MID_OK && more; more = next_order(p->order, p->n))
        for (n_tok = 1; n_tok; n_tok = n_tok == READS_ALL ? 0 : n_tok < 128 ? 2 * n_tok : READS_ALL) {
            stand(p, n_tok);
            if (!grow(p, limit, one) || !is_better(p, recall, spent))
                continue;
            recall = p->recall;
            spent = p->spent;
            reads = n_tok;
            keep(p, cell, order);
        }
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "order", order, 1, p->n);
    if (status == MID_OK)
        status = mid_weights_set(ctx, out, "cell", cell, p->n_node, 2);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "reads", reads);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "fit_recall", recall);
    if (status == MID_OK)
        status = mid_weights_set_number(ctx, out, "fit_cost", spent);
    free(cell);
    return status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    const size_t n = rows->n_member;
    uint8_t *bin = malloc(rows->n * n + 1);
    uint32_t *end = malloc((rows->n + 1) * sizeof *end);
    bool never_silent[N_MOST] = { true, true, true, true };
    double price[N_MOST];
    struct policy p = { .rows = rows, .bin = bin, .end = end, .never_silent = never_silent, .price = price, .n = n,
                        .n_node = n_node_of(n), .order = { 0, 1, 2, 3 },
                        .alpha = mid__param_number(params, "false_alarm"), .n_tok = (double)mid__set_tokens(set) };
    mid__normal *normal = NULL;
    mid_status status = MID_OK;
    size_t k, i;

    p.cell = malloc(p.n_node * sizeof *p.cell);
    p.rank = malloc(p.n_node * sizeof *p.rank);
    p.at = malloc((rows->n + 1) * sizeof *p.at);
    p.upto = malloc((rows->n * n + 1) * sizeof *p.upto);
    p.stands = malloc(rows->n * n + 1);
    if (!bin || !end || !p.stands || !p.cell || !p.rank || !p.at || !p.upto)
        status = mid__oom(ctx, "a hybrid");
    if (status == MID_OK)
        status = mid__normal_learn(ctx, MID__NORMAL_RANK, set, rows, out);
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_RANK, out, n, &normal);
    if (status == MID_OK)
        status = prices(ctx, params, n, price);
    for (k = 0; status == MID_OK && k < rows->n; k++)
        for (i = 0; i < n; i++) {
            bin[k * n + i] = (uint8_t)bin_of(mid__normal_of(normal, i, rows->score[k * n + i], rows->t[k]));
            never_silent[i] &= bin[k * n + i] != SILENT;
        }
    if (status == MID_OK) {
        mid__row_ends(set, rows, end);
        status = best_order(ctx, &p, allowed(params, price, n) * (1 + LEAST), 1 / (double)set->n, out);
    }
    free(p.cell);
    free(p.rank);
    free(p.at);
    free(p.upto);
    free(p.stands);
    free(normal);
    free(bin);
    free(end);
    return status;
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

struct plan { mid__normal *normal; size_t order[N_MOST]; double reads; float cell[][2]; };

/* seen first: mid__cascade_calls() reads it. rank: what each member but the first said last within p->reads tokens. */
struct state { mid__cascade_state seen; double rank[N_MOST]; };

/* An order is each member once; a cell asks or it does not, the root does, and the last members' cells do not. */
static mid_status accept(mid_ctx *ctx, const float *order, const float *cell, size_t n, struct plan *p)
{
    const size_t n_node = n_node_of(n), first_leaf = n_node_of(n - 1);
    uint32_t named = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (!(order[i] >= 0 && order[i] < (float)n) || order[i] != floorf(order[i]))
            return mid__fail(ctx, MID_EFORMAT, "order %zu is %g: no member", i, (double)order[i]);
        p->order[i] = (size_t)order[i];
        named |= 1u << p->order[i];
    }
    if (named != (1u << n) - 1)
        return mid__fail(ctx, MID_EFORMAT, "the order names a member twice");
    for (i = 0; i < n_node; i++)
        if ((cell[2 * i] != 0 && cell[2 * i] != 1) || (i == 0 && cell[0] == 0) || (i >= first_leaf && cell[2 * i] != 0))
            return mid__fail(ctx, MID_EFORMAT, "cell %zu asks %g members; it asks none or the next", i,
                             (double)cell[2 * i]);
    memcpy(p->cell, cell, n_node * sizeof *p->cell);
    return MID_OK;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p + n_node_of(n) * sizeof *p->cell);
    const float *order, *cell;
    mid_status status = p ? mid_weights_expect(ctx, weights, "order", 1, n, &order) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "cell", n_node_of(n), 2, &cell);
    if (status == MID_OK)
        status = accept(ctx, order, cell, n, p);
    if (status == MID_OK) {
        p->reads = mid_weights_number(weights, "reads");
        if (!(p->reads >= 1))
            status = mid__fail(ctx, MID_EFORMAT, "'reads' is %g tokens; it is at least one", p->reads);
    }
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_RANK, weights, n, &p->normal);
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

/* Who is asked late for the first time has to read its first tokens then, and is counted as if it read all so far. */
static double fuse(const void *plan, void *self, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    struct state *state = self;
    const bool reads = t <= p->reads;
    double rank = NAN;
    size_t node = 0, depth, i;

    for (i = 0; reads && i < p->normal->n; i++)
        state->rank[i] = mid__normal_of(p->normal, i, s[i], t);
    for (depth = 0; p->cell[node][0] > 0; depth++) {
        i = p->order[depth];
        rank = depth || reads ? state->rank[i] : mid__normal_of(p->normal, i, s[i], t);
        state->seen.calls[i] += !isnan(rank) && (depth == 0 || reads || !state->seen.calls[i]);
        node = child(node, bin_of(rank));
    }
    return (double)p->cell[node][1] + (isnan(rank) ? 0 : 0.001 * rank / (1 + rank));
}

static const mid__fusion fusion = { .check = check, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .state_size = sizeof(struct state), .fuse = fuse,
                                    .calls = mid__cascade_calls };

static const mid_param params_[] = {
    MID__HYBRID_PARAMS_OF("surprisal_mean, ngram_lr, probe_linear", "members, at most 4, separated by commas"),
    { "cost", 0, "0.1, 1, 10", "what each member costs per token it reads, in any one unit, separated by commas" },
    { "budget", 0.1, NULL, "mean cost per token, as a share of the dearest member's" },
    { "false_alarm", 0.05, NULL, "share of safe rows that may alarm where recall is compared" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_np_cascade = {
    .name = "np_cascade", .version = 2,
    .summary = "hybrid: asks where recall per cost is highest; likelihood ratio of the answers",
    .unit = "ln likelihood ratio", .source = "Hua et al. 2025 (arXiv 2507.15886)", .params = params_,
    MID__HYBRID(fusion)
};
