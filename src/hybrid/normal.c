/* Three ways to make scores comparable. Every one is learned from out-of-fold rows and kept in float32, which the fit
 * itself uses again, so that a run and a fitted file give the same bits. */
#include "hybrid/normal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

enum { N_QUANTILE = 129, N_BAND_MIN = 30, N_BLOCK_MAX = 512 };

int mid__band(uint32_t t)
{
    int b = 0;

    while (b + 1 < MID__N_BAND && t >> (b + 1))
        b++;
    return b;
}

/* A score as the maps keep it: as float32, or equal scores would not count as equal to what was learned from them. */
static double kept(double s) { return (double)(float)fmax(-FLT_MAX, fmin(s, FLT_MAX)); }

double mid__position(uint32_t t) { return fmin(log((double)t) / log(128), 1); }

/* How many of x (n, every `step`-th) lie below s: the first that does not. */
static size_t lower(const float *x, size_t n, size_t step, double s)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if ((double)x[mid * step] < s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static double rank_of(const float *q, double s)
{
    const size_t last = N_QUANTILE - 1, tenth = last - last / 10;
    const double width = (double)q[last] - (double)q[tenth];
    const size_t lo = lower(q, N_QUANTILE, 1, s);
    size_t hi = lo;

    if (lo > last)                  /* above all that is safe */
        return 1 + 0.1 * (s - (double)q[last]) / (width > 0 ? width : 1);
    while (hi < N_QUANTILE && (double)q[hi] == s)
        hi++;
    if (hi > lo)                    /* equals some: the middle of them */
        return ((double)lo + (double)(hi - 1)) / 2 / (double)last;
    if (lo == 0)
        return 0;
    return ((double)(lo - 1) + (s - (double)q[lo - 1]) / ((double)q[lo] - (double)q[lo - 1])) / (double)last;
}

/* Columns of a member's tensor. */
static size_t n_col_of(mid__normal_kind kind) { return kind == MID__NORMAL_RANK ? N_QUANTILE : 2; }

/* z or rank after t tokens, by the band there or, if there is one, by that. */
static double by_position(mid__normal_kind kind, const float *x, size_t n_band, double s, uint32_t t)
{
    const float *at = x + (n_band > 1 ? (size_t)mid__band(t) : 0) * n_col_of(kind);

    if (isnan(s))
        return s;
    s = kept(s);
    return kind == MID__NORMAL_RANK ? rank_of(at, s) : (s - (double)at[0]) / (double)at[1];
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Rows of a band (all rows, if there is one) and, while they are too few, of those before it (of those behind for the
 * first). safe: only those. */
static size_t band_scores(const mid__member_rows *rows, size_t i, int band, int n_band, bool safe, double *into)
{
    int first = band, last = n_band > 1 ? band : MID__N_BAND - 1;
    size_t n, k;

    for (;;) {
        for (n = k = 0; k < rows->n; k++) {
            const int b = mid__band(rows->t[k]);
            const double s = rows->score[k * rows->n_member + i];
            if (b >= first && b <= last && !isnan(s) && !(safe && rows->label[k]))
                into[n++] = kept(s);
        }
        if (n >= N_BAND_MIN || (first == 0 && last == MID__N_BAND - 1))
            return n;
        if (first > 0)
            first--;
        else
            last++;
    }
}

/* (n_band, 2): mean and deviation, at least a little. */
static mid_status learn_z(const mid__member_rows *rows, size_t i, int n_band, double *room, float *out)
{
    size_t n, k;
    int b;

    for (b = 0; b < n_band; b++) {
        double sum = 0, square = 0;
        n = band_scores(rows, i, b, n_band, false, room);
        if (!n)
            return MID_EUNDEFINED;
        for (k = 0; k < n; k++)
            sum += room[k];
        for (k = 0; k < n; k++)
            square += (room[k] - sum / (double)n) * (room[k] - sum / (double)n);
        out[2 * b] = (float)(sum / (double)n);
        out[2 * b + 1] = (float)sqrt(square / (double)n);
        if (!(out[2 * b + 1] > 0))
            out[2 * b + 1] = 1;
    }
    return MID_OK;
}

/* (n_band, N_QUANTILE): the safe rows' quantiles, the first the least and the last the largest. */
static mid_status learn_rank(const mid__member_rows *rows, size_t i, int n_band, double *room, float *out)
{
    size_t n, q;
    int b;

    for (b = 0; b < n_band; b++) {
        n = band_scores(rows, i, b, n_band, true, room);
        if (!n)
            return MID_EUNDEFINED;
        qsort(room, n, sizeof *room, by_score);
        for (q = 0; q < N_QUANTILE; q++) {
            const double at = (double)q / (N_QUANTILE - 1) * (double)(n - 1), whole = floor(at);
            const double lo = room[(size_t)whole], hi = room[(size_t)whole + (at > whole)];
            out[b * N_QUANTILE + (int)q] = (float)(lo + (at - whole) * (hi - lo));
        }
    }
    return MID_OK;
}

struct row { double s, weight, unsafe; };      /* a row, then a block of rows: s its mean, the others sums */

static int by_row_score(const void *a, const void *b) { return by_score(a, b); }    /* a row begins with its score */

static void merge(struct row *into, const struct row *from)
{
    const double weight = into->weight + from->weight;

    into->s += (from->s - into->s) * from->weight / weight;
    into->weight = weight;
    into->unsafe += from->unsafe;
}

/* Sorted rows to blocks of equal scores, then to blocks of rising rate (pool adjacent violators, Ayer et al. 1955). */
static size_t pool(struct row *row, size_t n)
{
    size_t k, n_tied = 0, m = 0;

    for (k = 0; k < n; k++)
        if (n_tied && row[k].s == row[n_tied - 1].s)
            merge(&row[n_tied - 1], &row[k]);
        else
            row[n_tied++] = row[k];
    for (k = 0; k < n_tied; k++) {
        row[m++] = row[k];
        for (; m > 1 && row[m - 2].unsafe * row[m - 1].weight >= row[m - 1].unsafe * row[m - 2].weight; m--)
            merge(&row[m - 2], &row[m - 1]);
    }
    return m;
}

/* (n_block, 2): centre and rate. More blocks than can be kept are thinned evenly, the ends staying. */
static mid_status learn_isotonic(const mid__member_rows *rows, size_t i, struct row *room, float *out, size_t *n_block)
{
    size_t n = 0, k, at;

    for (k = 0; k < rows->n; k++) {
        const double s = rows->score[k * rows->n_member + i];
        if (!isnan(s))
            room[n++] = (struct row){ kept(s), rows->weight[k], rows->weight[k] * rows->label[k] };
    }
    if (!n)
        return MID_EUNDEFINED;
    qsort(room, n, sizeof *room, by_row_score);
    n = pool(room, n);
    *n_block = n < N_BLOCK_MAX ? n : N_BLOCK_MAX;
    for (k = 0; k < *n_block; k++) {
        at = *n_block > 1 ? k * (n - 1) / (*n_block - 1) : 0;
        out[2 * k] = (float)room[at].s;
        out[2 * k + 1] = (float)(room[at].unsafe / room[at].weight);
    }
    return MID_OK;
}

static mid_status learn_bands(mid__normal_kind kind, const mid__member_rows *rows, size_t i, int n_band, double *room,
                              float *out)
{
    return kind == MID__NORMAL_RANK ? learn_rank(rows, i, n_band, room, out) : learn_z(rows, i, n_band, room, out);
}

/* By position bands, unless they order the member's own answers worse than its plain scores do: then all rows as one. */
static mid_status learn_positions(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set,
                                  const mid__member_rows *rows, size_t i, double *room, float *out, size_t *n_band)
{
    mid_status status = learn_bands(kind, rows, i, MID__N_BAND, room, out);
    double plain = NAN, banded = NAN;
    size_t k;

    if (status != MID_OK)
        return status;
    mid__member_column(rows, i, room);
    status = mid__member_rows_auroc(ctx, set, rows, room, &plain);
    for (k = 0; k < rows->n; k++)
        room[k] = by_position(kind, out, MID__N_BAND, room[k], rows->t[k]);
    if (status == MID_OK)
        status = mid__member_rows_auroc(ctx, set, rows, room, &banded);
    *n_band = banded < plain ? 1 : MID__N_BAND;
    return status == MID_OK && *n_band == 1 ? learn_bands(kind, rows, i, 1, room, out) : status;
}

mid_status mid__normal_learn(mid_ctx *ctx, mid__normal_kind kind, const mid_fit_set *set, const mid__member_rows *rows,
                             mid_weights *out)
{
    float *x = malloc(MID__N_BAND * N_QUANTILE * sizeof *x);
    struct row *room = malloc((rows->n + 1) * sizeof *room);
    mid_status status = x && room ? MID_OK : mid__oom(ctx, "a hybrid");
    char name[32];
    size_t i, n_row = 0;

    for (i = 0; status == MID_OK && i < rows->n_member; i++) {
        status = kind == MID__NORMAL_ISOTONIC ? learn_isotonic(rows, i, room, x, &n_row)
                                              : learn_positions(ctx, kind, set, rows, i, &room->s, x, &n_row);
        if (status != MID_OK && status != MID_ENOMEM)
            status = mid__fail(ctx, status, "member %zu has no score on any %sanswer: nothing to compare it by", i,
                               kind == MID__NORMAL_RANK ? "safe " : "");
        snprintf(name, sizeof name, "normal.%zu", i);
        if (status == MID_OK)
            status = mid_weights_set(ctx, out, name, x, n_row, n_col_of(kind));
    }
    free(x);
    free(room);
    return status;
}

/* ---- using it ---------------------------------------------------------------------------------------------------- */

/* Is what a file says such as learning leaves? */
static bool accepts(mid__normal_kind kind, const float *x, size_t n_row, size_t n_col)
{
    size_t r, c;

    if (n_col != n_col_of(kind))
        return false;
    if (kind == MID__NORMAL_ISOTONIC) {
        for (r = 0; r < n_row; r++)
            if (!(x[2 * r + 1] >= 0 && x[2 * r + 1] <= 1) ||
                (r && !(x[2 * r] >= x[2 * r - 2] && x[2 * r + 1] >= x[2 * r - 1])))
                return false;
        return n_row <= N_BLOCK_MAX;
    }
    for (r = 0; r < n_row; r++)
        for (c = 1; c < n_col; c++)
            if (kind == MID__NORMAL_Z ? !(x[2 * r + 1] > 0) : !(x[r * n_col + c] >= x[r * n_col + c - 1]))
                return false;
    return n_row == MID__N_BAND || n_row == 1;
}

mid_status mid__normal_open(mid_ctx *ctx, mid__normal_kind kind, const mid_weights *weights, size_t n, mid__normal **out)
{
    mid__normal found = { .kind = kind, .n = n }, *normal;
    size_t i, n_float = 0;
    char name[32];
    float *to;

    for (i = 0; i < n; i++) {
        mid_status status;
        snprintf(name, sizeof name, "normal.%zu", i);
        status = mid_weights_get(ctx, weights, name, &found.member[i].x, &found.member[i].n_row, &found.member[i].n_col);
        if (status != MID_OK)
            return status;
        if (!accepts(kind, found.member[i].x, found.member[i].n_row, found.member[i].n_col))
            return mid__fail(ctx, MID_EFORMAT, "tensor '%s' does not hold what makes scores comparable", name);
        n_float += found.member[i].n_row * found.member[i].n_col;
    }
    normal = malloc(sizeof *normal + n_float * sizeof *to);
    if (!normal)
        return mid__oom(ctx, "a hybrid");
    *normal = found;
    to = (float *)(normal + 1);
    for (i = 0; i < n; i++) {
        const size_t k = found.member[i].n_row * found.member[i].n_col;
        memcpy(to, found.member[i].x, k * sizeof *to);
        normal->member[i].x = to;
        to += k;
    }
    *out = normal;
    return MID_OK;
}

static double isotonic_of(const float *x, size_t n, double s)
{
    const size_t at = lower(x, n, 2, s);
    double share;

    if (at == 0)
        return (double)x[1];
    if (at == n)
        return (double)x[2 * n - 1];
    share = (s - (double)x[2 * at - 2]) / ((double)x[2 * at] - (double)x[2 * at - 2]);
    return (double)x[2 * at - 1] + share * ((double)x[2 * at + 1] - (double)x[2 * at - 1]);
}

double mid__normal_of(const mid__normal *normal, size_t i_member, double s, uint32_t t)
{
    const float *x = normal->member[i_member].x;
    const size_t n_row = normal->member[i_member].n_row;

    if (normal->kind != MID__NORMAL_ISOTONIC)
        return by_position(normal->kind, x, n_row, s, t);
    return isnan(s) ? s : isotonic_of(x, n_row, kept(s));
}

void mid__normal_rows(const mid__normal *normal, const mid__member_rows *rows, double *out)
{
    const size_t n = rows->n_member;
    size_t k;

    for (k = 0; k < rows->n * n; k++)
        out[k] = mid__normal_of(normal, k % n, rows->score[k], rows->t[k / n]);
}

void mid__normal_close(void *plan)
{
    free(*(mid__normal **)plan);
    free(plan);
}
