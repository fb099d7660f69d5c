/* Streaming latent dynamics head with anchored temporal consistency: W9, Kelp.
 *   x_t = attention of one head, 32 wide, over the last 64 tokens' rows
 *   m_0 = tanh(W_p h_0 + b_p), h_0 the last prompt position's row
 *   z, r = sigmoid(W x_t + U m + b)   c = tanh(W_c x_t + U_c (r o m) + b_c)   h' = (1 - z) m + z c   m <- h' + dt (h' - m)
 *   S_t = W_o m + b_o, a logit; m is 32 wide
 * Loss: mean cross-entropy of the first 10 tokens (target: safe) and the last 10 (target: the label), + .01 mean |dp_t|
 * + .01 mean max(-dp_t, 0), p the probability and dp_t = p_t - p_{t-1}: an answer begins safe and its risk does not fall.
 * Where an answer is so short that the two meet, a token counts as one of the last.
 * Source: Li et al. 2025 (arXiv 2510.09694). Ours is smaller (theirs is 1024 wide) and causal: their attention reaches back
 * to the beginning, and their dt is 1 / (T - 1), which knows how long the answer will be; here it is 1 / 128 throughout.
 * They pool all prompt positions, of which a trace keeps the last. For training, rows are reduced to their 64 principal
 * axes, each to variance 1; prompt rows are scaled among themselves, as they lie far from tokens'. The safe beginning is
 * a prior, and false where an answer is unsafe from the start: parameter start. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "learn/attend.h"
#include "learn/dense.h"
#include "learn/gru.h"
#include "monitor/trained.h"
#include "monitor/trained_heads.h"

enum { WIDTH = 32, N_WINDOW = 64, N_END = 10, N_START_MAX = 128, N_AXIS = 64 };
static const double weigh_change = 0.01, weigh_fall = 0.01;
static const mid__gru cell = { WIDTH, 1.0f / MID__TOKEN_MAX };

/* A row of the map: q, k, v, and the start of m (of use in the prompt's row only). */
enum { AT_Q, AT_K = WIDTH, AT_V = 2 * WIDTH, AT_START = 3 * WIDTH, N_OUT = 4 * WIDTH };
/* Further weights: x -> gates (width, 3 width) and bias (3 width); the cell's; W_o (width), b_o. */
enum { N_IN = 3 * WIDTH * WIDTH, N_BIAS = 3 * WIDTH, N_CELL = 3 * WIDTH * WIDTH,
       N_EXTRA = N_IN + N_BIAS + N_CELL + WIDTH + 1 };

static const mid__attend attend = { WIDTH, N_WINDOW, N_OUT };

/* ---- the head --------------------------------------------------------------------------------------------------- */

/* Room for one sequence of n tokens. */
struct work {
    float *x, *gate, *m, *m0;       /* (n, width), (n, 3 width), (n, width), (width) */
    float *d_x, *d_gate, *d_m, *d_m0;
    float *weight, *turned, *cell;  /* attention (n, window); (3 width, width); the cell's own */
    double *p, *slope;              /* (n) probability; derivative of the loss by the logit */
    size_t *at;                     /* (n + 1) a pack of one */
};

static struct work work_in(float *room, size_t n)
{
    struct work w;

    w.p = (double *)(void *)room;       /* malloc'ed, so aligned; what needs most comes first */
    w.slope = w.p + n;
    w.at = (size_t *)(void *)(w.slope + n);
    w.x = (float *)(void *)(w.at + n + 1);
    w.gate = w.x + n * WIDTH;
    w.m = w.gate + n * 3 * WIDTH;
    w.d_x = w.m + n * WIDTH;
    w.d_gate = w.d_x + n * WIDTH;
    w.d_m = w.d_gate + n * 3 * WIDTH;
    w.m0 = w.d_m + n * WIDTH;
    w.d_m0 = w.m0 + WIDTH;
    w.weight = w.d_m0 + WIDTH;
    w.turned = w.weight + (n + 1) * N_WINDOW;
    w.cell = w.turned + 3 * WIDTH * WIDTH;
    return w;
}

static size_t head_n_work(const mid__head *head, size_t n, size_t n_row)
{
    const size_t longest = n ? n_row / n : 0;

    (void)head;
    return (2 * longest * sizeof(double) + (longest + 1) * sizeof(size_t)) / sizeof(float) + 1
        + longest * 10 * WIDTH + 2 * WIDTH + (longest + 1) * N_WINDOW + 3 * WIDTH * WIDTH
        + mid__gru_n_work(&cell, longest, 1);
}

/* The loss as it depends on the logits of n tokens, which arrive in p; p and slope (n) leave as in struct work. */
static double logits_loss(size_t n_start, int label, size_t n, double *p, double *slope)
{
    const size_t first_end = n > N_END ? n - N_END : 0;
    const size_t n_counted = n - first_end + (n_start < first_end ? n_start : first_end);
    double loss = 0, s;
    size_t t;

    for (t = 0; t < n; t++) {
        const bool at_end = t >= first_end;
        slope[t] = 0;
        if (at_end || t < n_start) {
            loss += mid__logit_loss(p[t], at_end ? label : 0, &s) / (double)n_counted;
            slope[t] = s / (double)n_counted;
        }
        p[t] = mid__logistic(p[t]);
    }
    for (t = 1; t < n; t++) {
        const double change = p[t] - p[t - 1], share = 1 / (double)(n - 1);
        const double by_change = share * (weigh_change * ((change > 0) - (change < 0)) - weigh_fall * (change < 0));
        loss += share * (weigh_change * fabs(change) + weigh_fall * fmax(-change, 0));
        slope[t] += by_change * p[t] * (1 - p[t]);
        slope[t - 1] -= by_change * p[t - 1] * (1 - p[t - 1]);
    }
    return loss;
}

/* Rows a (n, N_OUT) of the tokens and start (width) of the prompt -> states and logits. */
static void forward(const float *extra, const float *a, const float *start, size_t n, const mid__pack *pack, struct work *w)
{
    const float *in_bias = extra + N_IN, *v = extra + N_IN + N_BIAS + N_CELL;
    size_t t, j;

    mid__attend_forward(&attend, a + AT_Q, a + AT_K, a + AT_V, n, w->weight, w->x);
    mid__fill_rows(in_bias, n, 3 * WIDTH, w->gate);
    mid__gemm(n, 3 * WIDTH, WIDTH, w->x, WIDTH, 1, extra, w->gate);
    memcpy(w->m0, start, WIDTH * sizeof *start);
    mid__tanh(w->m0, WIDTH);
    mid__gru_forward(&cell, extra + N_IN + N_BIAS, pack, w->gate, w->m0, w->m, w->cell);
    for (t = 0; t < n; t++)
        for (w->p[t] = (double)v[WIDTH], j = 0; j < WIDTH; j++)
            w->p[t] += (double)v[j] * (double)w->m[t * WIDTH + j];
}

static void backward(const float *extra, const float *a, size_t n, const mid__pack *pack, struct work *w,
                     float *d_a, float *d_start, float *d_extra)
{
    const float *v = extra + N_IN + N_BIAS + N_CELL;
    float *d_v = d_extra + N_IN + N_BIAS + N_CELL;
    size_t t, j;

    for (t = 0; t < n; t++) {
        for (j = 0; j < WIDTH; j++) {
            w->d_m[t * WIDTH + j] = (float)w->slope[t] * v[j];
            d_v[j] += (float)w->slope[t] * w->m[t * WIDTH + j];
        }
        d_v[WIDTH] += (float)w->slope[t];
    }
    mid__gru_backward(&cell, extra + N_IN + N_BIAS, pack, w->d_m, w->d_gate, w->d_m0, d_extra + N_IN + N_BIAS, w->cell);
    for (j = 0; j < WIDTH; j++)
        d_start[j] += w->d_m0[j] * (1 - w->m0[j] * w->m0[j]);
    mid__gemm(WIDTH, 3 * WIDTH, n, w->x, 1, WIDTH, w->d_gate, d_extra);
    mid__add_rows(w->d_gate, n, 3 * WIDTH, d_extra + N_IN);
    mid__transpose(extra, WIDTH, 3 * WIDTH, w->turned);
    memset(w->d_x, 0, n * WIDTH * sizeof *w->d_x);
    mid__gemm(n, WIDTH, 3 * WIDTH, w->d_gate, 3 * WIDTH, 1, w->turned, w->d_x);
    mid__attend_backward(&attend, a + AT_Q, a + AT_K, a + AT_V, n, w->weight, w->d_x, d_a + AT_Q, d_a + AT_K, d_a + AT_V,
                         w->weight + n * N_WINDOW);
}

static double head_loss(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                        float *d_a, float *d_extra, float *room)
{
    double loss = 0;
    size_t i, t;

    for (i = 0; i < batch->n; i++) {
        const size_t first = batch->at[i], n = batch->at[i + 1] - first - 1;    /* the prompt's row, then n tokens */
        const float *start = a + first * N_OUT + AT_START, *rows = a + (first + 1) * N_OUT;
        struct work w = work_in(room, n);
        const mid__pack pack = { 1, n, w.at };
        if (!n)
            continue;
        for (t = 0; t <= n; t++)
            w.at[t] = t;
        forward(extra, rows, start, n, &pack, &w);
        loss += logits_loss((size_t)head->setting[0], batch->seqs->label[batch->item[i]], n, w.p, w.slope);
        if (d_a)
            backward(extra, rows, n, &pack, &w, d_a + (first + 1) * N_OUT, d_a + first * N_OUT + AT_START, d_extra);
    }
    return loss;
}

static void head_init(const mid__head *head, double prior, mid__rng *rng, float *bias, float *extra)
{
    const double reach = 1 / sqrt(WIDTH);
    size_t i;

    (void)head; (void)bias;
    for (i = 0; i < N_IN; i++)
        extra[i] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
    mid__gru_init(&cell, rng, extra + N_IN + N_BIAS);
    for (i = 0; i < WIDTH; i++)
        extra[N_IN + N_BIAS + N_CELL + i] = (float)(reach * (2 * mid__rng_unit(rng) - 1));
    extra[N_EXTRA - 1] = (float)prior;
}

mid__head mid__kelp_head(size_t n_start)
{
    return (mid__head){ .n_out = N_OUT, .n_prompt_out = WIDTH, .n_extra = N_EXTRA, .reach = 1,
                        .setting = { (double)n_start }, .init = head_init, .n_work = head_n_work, .loss = head_loss };
}

/* ---- the monitor ------------------------------------------------------------------------------------------------ */

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const double start = mid__param_number(params, "start");
    mid__trained_spec spec = { .train = mid__train_of(set), .n_axis = N_AXIS,
                               .rows = { .dense = MID__TOKEN_MAX, .prompt = true } };

    if (!(start >= 0 && start <= N_START_MAX && start == floor(start)))
        return mid__fail(ctx, MID_EINVAL, "start %g: must be a whole number of tokens up to %d", start, N_START_MAX);
    spec.head = mid__kelp_head((size_t)start);
    return mid__trained_fit(ctx, set, mid__param_number(params, "layer"), &spec, out);
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const mid__head head = mid__kelp_head(0);
    mid__trained *p;
    mid_status status = mid__trained_open(ctx, weights, signals, &head, MID__ONE_LAYER, 0, &p);

    (void)params;
    if (status == MID_OK)
        *plan = p;
    return status;
}

/* The last rows' k and v in a ring of pairs, token t at t % window; as k and v only enter a sum, their order is free. */
struct state { uint64_t n; float m[WIDTH], pair[N_WINDOW][2 * WIDTH]; };

/* Without the prompt's row m starts at 0. */
static mid_status start_plan(const void *plan, void *self, const mid_prompt *prompt)
{
    const mid__trained *p = plan;
    struct state *s = self;
    float a[N_OUT];

    memset(a, 0, sizeof a);
    if (prompt->hidden && !mid__trained_map(p, prompt->hidden, NULL, a))
        return MID_ENUMERIC;
    memcpy(s->m, a + AT_START, sizeof s->m);
    mid__tanh(s->m, WIDTH);
    return MID_OK;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    static const mid__attend ring = { WIDTH, N_WINDOW, 2 * WIDTH };
    const mid__trained *p = plan;
    const float *v = p->more + N_IN + N_BIAS + N_CELL;
    struct state *s = self;
    float a[N_OUT], x[WIDTH], gate[3 * WIDTH], weight[N_WINDOW];
    double logit = (double)v[WIDTH];
    size_t j;

    if (!mid__trained_map(p, step->hidden, NULL, a))
        return MID_ENUMERIC;
    memcpy(s->pair[s->n++ % N_WINDOW], a + AT_K, 2 * WIDTH * sizeof *a);
    mid__attend_one(&ring, a + AT_Q, s->pair[0], s->pair[0] + WIDTH, s->n < N_WINDOW ? s->n : N_WINDOW, weight, x);
    memcpy(gate, p->more + N_IN, sizeof gate);
    mid__gemm(1, 3 * WIDTH, WIDTH, x, WIDTH, 1, p->more, gate);
    mid__gru_step(&cell, p->more + N_IN + N_BIAS, gate, s->m);
    for (j = 0; j < WIDTH; j++)
        logit += (double)v[j] * (double)s->m[j];
    *score = logit;
    return MID_OK;
}

static const mid_param params_[] = {
    { "layer", -1, NULL, "layer to read; -1: chosen by a linear probe on the fit answers among those tapped" },
    { "start", 10, NULL, "first tokens that training holds to be safe in every answer, up to 128; 0: none" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_kelp = {
    .name = "kelp", .version = 3,
    .summary = "windowed attention and a recurrent memory that starts from the prompt and seldom takes a risk back",
    .unit = "logit", .source = "Li et al. 2025 (Kelp), arXiv 2510.09694",
    .box = MID_BOX_WHITE, .needs = MID_SIG_HIDDEN, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .start = start_plan, .push = push,
};
