/* Token rows of answers, thinned: neighbours resemble each other, and early tokens matter most. */
#include "monitor/token_seqs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/linalg.h"

/* Is token t (from 1) kept? All up to 2 dense, then every 2nd up to 4 dense, every 4th up to 8 dense, ... and the last. */
static bool is_kept(uint32_t t, uint32_t n_tok, uint32_t dense)
{
    uint32_t apart = 1;

    while (dense < MID__TOKEN_MAX && t > 2 * apart * dense)
        apart *= 2;
    return t % apart == 0 || t == n_tok;
}

static uint32_t n_used(const mid_trace *trace)
{
    const uint32_t n = mid_trace_n_tok(trace);

    return n < MID__TOKEN_MAX ? n : MID__TOKEN_MAX;
}

struct reader {
    const mid__token_choice *choice;
    size_t d_layer;                 /* columns from layers */
    int first, last;                /* tapped layers to read */
    uint32_t needs;                 /* of a step */
    float *ring;                    /* (window, d_layer) the last rows; entry t % window */
    double *sum;                    /* (d_layer) of the ring */
    uint64_t n_seen;
};

static void read_layers(const struct reader *r, const mid_trace *trace, int32_t i_tok, float *row)
{
    const size_t n_embd = (size_t)mid_trace_signals(trace)->n_embd;
    int l;

    for (l = r->first; l <= r->last; l++, row += n_embd)
        mid_trace_hidden(trace, l, i_tok, row);
}

static bool all_finite(const float *x, size_t n)
{
    float sum = 0;
    size_t j;

    for (j = 0; j < n; j++)
        sum += x[j] * 0;                /* NaN as soon as one is not finite */
    return sum == 0;
}

/* row becomes the mean of the last rows, itself included. */
static void smooth(struct reader *r, float *row)
{
    const uint64_t window = r->choice->window;
    float *oldest = r->ring + r->n_seen % window * r->d_layer;
    size_t j;

    for (j = 0; j < r->d_layer; j++)
        r->sum[j] += (double)row[j] - (r->n_seen >= window ? (double)oldest[j] : 0);
    memcpy(oldest, row, r->d_layer * sizeof *row);
    r->n_seen++;
    for (j = 0; j < r->d_layer; j++)
        row[j] = (float)(r->sum[j] / (double)(r->n_seen < window ? r->n_seen : window));
}

/* A token's row into out's next place; false if it has to be left out. */
static bool read_token(struct reader *r, const mid_trace *trace, uint32_t t, float *row)
{
    const mid__token_choice *c = r->choice;
    mid_step step;

    if (r->d_layer) {
        read_layers(r, trace, (int32_t)t - 1, row);
        if (!all_finite(row, r->d_layer))
            return false;
    }
    if (c->n_scalar) {
        mid_trace_step(trace, t - 1, NULL, &step);
        if (!c->scalars(&step, row + r->d_layer))
            return false;
    }
    if (c->window > 1)
        smooth(r, row);
    return true;
}

static void put_row(mid__seqs *out, size_t i, uint32_t t, uint32_t count)
{
    out->t[out->at[i + 1]] = t;
    out->count[out->at[i + 1]] = (float)count;
    out->at[i + 1]++;
}

/* False if the prompt's row is asked for and missing. */
static bool read_answer(struct reader *r, const mid_fit_answer *a, size_t i, mid__seqs *out)
{
    const uint32_t n_tok = n_used(a->trace);
    uint32_t t, n_new = 0;

    out->at[i + 1] = out->at[i];
    out->label[i] = (uint8_t)a->label;
    r->n_seen = 0;
    if (r->sum)
        memset(r->sum, 0, r->d_layer * sizeof *r->sum);
    if (r->choice->prompt) {
        float *row = out->x + out->at[i + 1] * out->d;
        memset(row, 0, out->d * sizeof *row);
        read_layers(r, a->trace, -1, row);
        if (!all_finite(row, r->d_layer))
            return false;
        put_row(out, i, 0, 0);
    }
    for (t = 1; t <= n_tok; t++) {
        if (!read_token(r, a->trace, t, out->x + out->at[i + 1] * out->d))
            continue;
        n_new++;
        if (!is_kept(t, n_tok, r->choice->dense))
            continue;
        put_row(out, i, t, n_new);
        n_new = 0;
    }
    return true;
}

static size_t count_rows(const mid_fit_set *set, const mid__token_choice *choice)
{
    size_t i, n = 0;
    uint32_t t;

    for (i = 0; i < set->n; i++) {
        const uint32_t n_tok = n_used(set->answer[i].trace);
        for (t = 1; t <= n_tok; t++)
            n += is_kept(t, n_tok, choice->dense);
        n += 1 + choice->prompt;        /* a row is read into the next place before it is known to be kept */
    }
    return n;
}

mid_status mid__token_seqs(mid_ctx *ctx, const mid_fit_set *set, const mid__token_choice *choice, mid__seqs *out)
{
    const mid_signals *signals = mid_trace_signals(set->answer[0].trace);
    struct reader r = { .choice = choice, .first = choice->i_layer, .last = choice->i_layer };
    size_t i;
    mid_status status;

    if (choice->i_layer == MID__ALL_LAYERS) {
        r.first = 0;
        r.last = signals->n_layer - 1;
    }
    if (choice->i_layer != MID__NO_LAYER)
        r.d_layer = (size_t)signals->n_embd * (size_t)(r.last - r.first + 1);
    status = mid__seqs_open(ctx, set->n, count_rows(set, choice), r.d_layer + choice->n_scalar, out);
    if (status == MID_OK && choice->window > 1) {
        r.ring = malloc(choice->window * r.d_layer * sizeof *r.ring);
        r.sum = malloc(r.d_layer * sizeof *r.sum);
        if (!r.ring || !r.sum)
            status = mid__oom(ctx, "training sequences");
    }
    for (i = 0; status == MID_OK && i < set->n; i++)
        if (!read_answer(&r, &set->answer[i], i, out))
            status = mid__fail(ctx, MID_ESIGNAL, "answer %zu has no row of its prompt", i);
    if (status != MID_OK)
        mid__seqs_clear(out);
    free(r.ring);
    free(r.sum);
    return status;
}

void mid__held_out(const mid_fit_set *set, int fold, uint8_t *held_out)
{
    size_t i;

    for (i = 0; i < set->n; i++)
        held_out[i] = mid__inner_fold(set, i) == fold;
}

mid_status mid__seqs_reduce(mid_ctx *ctx, mid__seqs *seqs, const mid__pca *pca)
{
    const size_t n_scalar = seqs->d - pca->d, d = pca->k + n_scalar, n_row = seqs->at[seqs->n];
    float *scratch = malloc(pca->d * sizeof *scratch), *point = malloc((d + 1) * sizeof *point);
    size_t i;

    if (!scratch || !point) {
        free(scratch);
        free(point);
        return mid__oom(ctx, "reduced rows");
    }
    for (i = 0; i < n_row; i++) {       /* rows only become narrower, so each may be written before the next is read */
        const float *row = seqs->x + i * seqs->d;
        mid__pca_project(pca->mean, pca->axis, pca->k, pca->d, row, scratch, point);
        memcpy(point + pca->k, row + pca->d, n_scalar * sizeof *point);
        memcpy(seqs->x + i * d, point, d * sizeof *point);
    }
    seqs->d = d;
    free(scratch);
    free(point);
    return MID_OK;
}

void mid__map_expand(const mid__pca *pca, size_t n_scalar, size_t k, const float *w, float *w_whole)
{
    const size_t d = pca->k + n_scalar, d_whole = pca->d + n_scalar;
    const float *bias = w + k * d;
    float *bias_whole = w_whole + k * d_whole;
    size_t i, j, a;

    for (i = 0; i < k; i++) {
        float *to = w_whole + i * d_whole;
        double shift = 0;
        for (j = 0; j < pca->d; j++) {
            double sum = 0;
            for (a = 0; a < pca->k; a++)
                sum += (double)w[i * d + a] * (double)pca->axis[a * pca->d + j];
            to[j] = (float)sum;
            shift += sum * (double)pca->mean[j];
        }
        memcpy(to + pca->d, w + i * d + pca->k, n_scalar * sizeof *to);
        bias_whole[i] = (float)((double)bias[i] - shift);
    }
}

void mid__seqs_scale(mid__seqs *seqs, bool prompt, double *mean, double *sd)
{
    const size_t d = seqs->d, n_row = seqs->at[seqs->n];
    size_t i, j, n = 0;

    memset(mean, 0, d * sizeof *mean);
    memset(sd, 0, d * sizeof *sd);
    for (i = 0; i < n_row; i++)
        if ((seqs->t[i] == 0) == prompt) {
            n++;
            mid__axpy_wide(1, seqs->x + i * d, mean, d);
        }
    for (j = 0; j < d; j++)
        mean[j] /= n ? (double)n : 1;
    for (i = 0; i < n_row; i++)
        for (j = 0; (seqs->t[i] == 0) == prompt && j < d; j++)
            sd[j] += ((double)seqs->x[i * d + j] - mean[j]) * ((double)seqs->x[i * d + j] - mean[j]);
    for (j = 0; j < d; j++) {
        sd[j] = sqrt(sd[j] / (n ? (double)n : 1));
        if (!(sd[j] > 0))
            sd[j] = 1;
    }
    for (i = 0; i < n_row; i++)
        for (j = 0; (seqs->t[i] == 0) == prompt && j < d; j++)
            seqs->x[i * d + j] = (float)(((double)seqs->x[i * d + j] - mean[j]) / sd[j]);
}

void mid__map_unscale(const double *mean, const double *sd, size_t k, size_t d, float *w, float *bias)
{
    size_t i, j;

    for (i = 0; i < k; i++) {
        double shift = 0;
        for (j = 0; j < d; j++) {
            const double a = (double)w[i * d + j] / sd[j];
            shift += a * mean[j];
            w[i * d + j] = (float)a;
        }
        bias[i] = (float)((double)bias[i] - shift);
    }
}
