/* What learning costs: one fit on the data of a file, timed once, its outcome written to another file. bench_fits.py
 * makes the data, lets scikit-learn, numpy and PyTorch do the same, and judges what either side found.
 * usage: bench_fits WHAT IN.safetensors OUT.safetensors      prints seconds of processor time
 *   logistic   x (n, d), label (1, n), number c                  -> w (1, d), b
 *   sweep      x.0, x.1, ... (n, d), answer, label, horizon (1, n), of mid__rows; number n_answer
 *                                                                -> c, auroc (1, layers)
 *   kmeans     x (n, d), centre (k, d) to start from             -> centre
 *   seeding    x (n, d), numbers k, seed                         -> centre
 *   gauss      x (n, d)                                          -> mu (1, d), whiten (d, d)
 *   box        x (n, d)                                          -> lo, hi (1, d)
 *   gru        x (n * t, d), label (1, n), order (epochs, n), numbers h, batch, rate, decay   -> loss (1, epochs) */
#include "midstream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/linalg.h"
#include "base/logistic.h"
#include "learn/adam.h"
#include "learn/gru.h"
#include "learn/kmeans.h"
#include "learn/shrink.h"
#include "monitor/rows_lr.h"

static mid_ctx *ctx;
static mid_weights *in, *out;

static void must(mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "bench_fits: %s: %s\n", mid_status_name(status), mid_ctx_message(ctx));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        must(MID_ENOMEM);
    return p;
}

static const float *tensor(const char *name, size_t *n_row, size_t *n_col)
{
    const float *data;

    must(mid_weights_get(ctx, in, name, &data, n_row, n_col));
    return data;
}

static uint8_t *bytes_of(const char *name, size_t n)
{
    size_t n_row, n_col, i;
    const float *x = tensor(name, &n_row, &n_col);
    uint8_t *b = room(n, 1);

    for (i = 0; i < n && i < n_row * n_col; i++)
        b[i] = (uint8_t)x[i];
    return b;
}

static size_t count(const char *name) { return (size_t)mid_weights_number(in, name); }

static void keep(const char *name, const float *x, size_t n_row, size_t n_col)
{
    must(mid_weights_set(ctx, out, name, x, n_row, n_col));
}

/* ---- the fits, each giving its seconds --------------------------------------------------------------------------- */

static double logistic(void)
{
    size_t n, d, j;
    const float *x = tensor("x", &n, &d);
    uint8_t *label = bytes_of("label", n);
    double *w = room(d, sizeof *w), b = 0, start = now_s(), s;
    float *w_float = room(d, sizeof *w_float), b_float;

    must(mid__logistic_fit(ctx, x, n, d, label, NULL, mid_weights_number(in, "c"), w, &b));
    s = now_s() - start;
    for (j = 0; j < d; j++)
        w_float[j] = (float)w[j];
    b_float = (float)b;
    keep("w", w_float, 1, d);
    keep("b", &b_float, 1, 1);
    return s;
}

/* C and AUROC for every layer, as the fit of probe_linear finds them. */
static double sweep(void)
{
    const size_t n_answer = count("n_answer");
    mid_fit_answer *answer = room(n_answer, sizeof *answer);
    const mid_fit_set set = { .answer = answer, .n = n_answer, .seed = 1 };
    float c_float[MID_LAYER_MAX], auroc_float[MID_LAYER_MAX];
    double s = 0, c, auroc, start;
    char name[16];
    size_t l, i, n, d, n_row, n_col;

    tensor("x.0", &n, &d);
    {
        const float *of = tensor("answer", &n_row, &n_col);
        mid__rows rows = { .n = n, .d = d, .x = room(n * d, sizeof *rows.x), .answer = room(n, sizeof *rows.answer),
                           .label = bytes_of("label", n), .weight = room(n, sizeof *rows.weight),
                           .horizon = bytes_of("horizon", n) };
        for (i = 0; i < n_answer; i++)
            answer[i].group = (uint32_t)i;
        for (i = 0; i < n; i++) {
            rows.answer[i] = (uint32_t)of[i];
            rows.weight[i] = (double)n_answer / (double)n;
        }
        for (l = 0; l < MID_LAYER_MAX; l++) {
            const float *x;
            snprintf(name, sizeof name, "x.%zu", l);
            if (mid_weights_get(NULL, in, name, &x, &n_row, &n_col) != MID_OK)
                break;
            memcpy(rows.x, x, n * d * sizeof *x);
            start = now_s();
            must(mid__rows_lr_choose(ctx, &set, &rows, &mid__c_grid_rows, &c, &auroc));
            s += now_s() - start;
            c_float[l] = (float)c;
            auroc_float[l] = (float)auroc;
        }
        mid__rows_clear(&rows);
    }
    keep("c", c_float, 1, l);
    keep("auroc", auroc_float, 1, l);
    return s;
}

static double kmeans(bool seeding)
{
    size_t n, d, k = seeding ? count("k") : 0, n_col;
    const float *x = tensor("x", &n, &d), *from = seeding ? NULL : tensor("centre", &k, &n_col);
    float *centre = room(k * d, sizeof *centre);
    uint32_t *of = room(n, sizeof *of);
    double inertia, start;

    if (from)
        memcpy(centre, from, k * d * sizeof *centre);
    start = now_s();
    if (from)
        must(mid__kmeans_lloyd(ctx, x, n, d, k, centre, of, &inertia));
    else
        must(mid__kmeans_fit(ctx, x, n, d, &k, count("seed"), centre, of, &inertia));
    start = now_s() - start;
    keep("centre", centre, k, d);
    return start;
}

static double gauss(void)
{
    size_t n, d;
    const float *x = tensor("x", &n, &d);
    mid__gauss g;
    double start = now_s();

    must(mid__gauss_fit(ctx, x, n, d, "safe", &g));
    start = now_s() - start;
    keep("mu", g.mu, 1, d);
    keep("whiten", g.whiten, d, d);
    mid__gauss_clear(&g);
    return start;
}

static double box(void)
{
    size_t n, d;
    const float *x = tensor("x", &n, &d);
    float *lo = room(d, sizeof *lo), *hi = room(d, sizeof *hi);
    double start = now_s();

    must(mid__column_tails(x, n, d, 0.01, lo, hi) ? MID_OK : MID_ENOMEM);
    start = now_s() - start;
    keep("lo", lo, 1, d);
    keep("hi", hi, 1, d);
    return start;
}

/* Epochs in the order given; a step takes the mean gradient of its batch. */
static double gru(void)
{
    size_t n_row, d, n_epoch, n, e, i, j;
    const float *x = tensor("x", &n_row, &d), *order = tensor("order", &n_epoch, &n);
    const size_t h = count("h"), n_batch = count("batch"), n_tok = n_row / n;
    const mid__head head = mid__gru_head(h);
    const size_t n_map = head.n_out * (d + 1), n_weight = mid__head_n_weight(&head, d);
    float *w = room(n_weight, sizeof *w), *grad = room(n_weight, sizeof *grad), *loss = room(n_epoch, sizeof *loss);
    uint32_t *item = room(n, sizeof *item);
    mid__head_task task;
    mid__seqs seqs;
    mid__adam adam;
    mid__rng rng;
    double start, sum;

    must(mid__seqs_open(ctx, n, n_row, d, &seqs));
    memcpy(seqs.x, x, n_row * d * sizeof *x);
    free(seqs.label);
    seqs.label = bytes_of("label", n);
    for (i = 0; i <= n; i++)
        seqs.at[i] = i * n_tok;
    for (i = 0; i < n_row; i++) {
        seqs.t[i] = (uint32_t)(i % n_tok) + 1;
        seqs.count[i] = 1;
    }
    mid__rng_init(&rng, 1, 0);
    for (i = 0; i < n_map; i++)
        w[i] = (float)((2 * mid__rng_unit(&rng) - 1) * head.reach / sqrt((double)h));     /* as PyTorch begins */
    head.init(&head, 0, &rng, w + head.n_out * d, w + n_map);
    must(mid__head_task_open(ctx, &head, &seqs, n_batch, &task));
    must(mid__adam_open(ctx, n_weight, &adam));
    start = now_s();
    for (e = 0; e < n_epoch; e++) {
        for (sum = 0, i = 0; i < n; i += n_batch) {
            for (j = 0; j < n_batch; j++)
                item[j] = (uint32_t)order[e * n + i + j];
            memset(grad, 0, n_weight * sizeof *grad);
            sum += task.loss.of(&task, w, item, n_batch, grad);
            for (j = 0; j < n_weight; j++)
                grad[j] /= (float)n_batch;
            mid__adam_step(&adam, mid_weights_number(in, "rate"), mid_weights_number(in, "decay"), grad, w);
        }
        loss[e] = (float)(sum / (double)n);
    }
    start = now_s() - start;
    keep("loss", loss, 1, n_epoch);
    mid__adam_clear(&adam);
    mid__head_task_clear(&task);
    mid__seqs_clear(&seqs);
    return start;
}

int main(int argc, char **argv)
{
    const char *what = argc == 4 ? argv[1] : "";
    double s;

    must(mid_ctx_open(&ctx));
    if (argc == 4)
        must(mid_weights_load(ctx, argv[2], &in));
    must(mid_weights_open(ctx, &out));
    s = strcmp(what, "logistic") == 0 ? logistic()
        : strcmp(what, "sweep") == 0 ? sweep()
        : strcmp(what, "kmeans") == 0 ? kmeans(false)
        : strcmp(what, "seeding") == 0 ? kmeans(true)
        : strcmp(what, "gauss") == 0 ? gauss()
        : strcmp(what, "box") == 0 ? box()
        : strcmp(what, "gru") == 0 ? gru()
        : NAN;
    if (isnan(s)) {
        fprintf(stderr, "usage: bench_fits logistic|sweep|kmeans|seeding|gauss|box|gru IN OUT\n");
        return 2;
    }
    must(mid_weights_save(ctx, out, argv[3]));
    printf("%.6f\n", s);
    return 0;
}
