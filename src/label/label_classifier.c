/* A linear text classifier over hashed n-grams (base/ngram.h): x = ln(1 + count) per bucket, scaled to length 1, then
 * p(unsafe) = 1 / (1 + e^-(w x + b)), fitted by L2-regularised logistic regression.
 * C is the one of 1, 10, 100 with the least log-loss over three folds of the texts given, drawn by the seed; with fewer
 * than 30 texts of either label it is 10. */
#include "label/labeler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/logistic_sparse.h"
#include "base/ngram.h"
#include "base/rng.h"
#include "monitor/monitor.h"

enum { N_FOLD = 3, CHOICE_MIN = 30 };

static const double choices[] = { 1, 10, 100 };
static const double C_PLAIN = 10;

/* ---- a text's features ------------------------------------------------------------------------------------------ */

static void note(void *user, uint32_t bucket) { mid__buf_put(user, &bucket, sizeof bucket); }

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Append one text's columns, ascending, and values. */
static bool add_features(const char *text, size_t n, mid__buf *col, mid__buf *value)
{
    mid__buf all = { 0 };
    mid__ngram ngram;
    uint32_t *bucket;
    double squares = 0;
    float *made, x;
    size_t i, j, n_all, n_made = 0;

    mid__ngram_init(&ngram);
    mid__ngram_put(&ngram, text, n, note, &all);
    mid__ngram_put(&ngram, "\n", 1, note, &all);
    bucket = (uint32_t *)(void *)all.at;
    n_all = all.n / sizeof *bucket;
    if (n_all)
        qsort(bucket, n_all, sizeof *bucket, by_number);
    for (i = 0; i < n_all; i = j, n_made++) {
        for (j = i; j < n_all && bucket[j] == bucket[i]; j++)
            ;
        x = (float)log1p((double)(j - i));
        squares += (double)x * (double)x;
        mid__buf_put(col, &bucket[i], sizeof *bucket);
        mid__buf_put(value, &x, sizeof x);
    }
    if (!all.failed && !value->failed && n_made) {
        made = (float *)(void *)(value->at + value->n) - n_made;
        for (i = 0; i < n_made; i++)
            made[i] = (float)((double)made[i] / sqrt(squares));
    }
    mid__buf_clear(&all);
    return !all.failed && !col->failed && !value->failed;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

struct rows { mid__buf at, col, value; };       /* of size_t, uint32_t, float */

static mid__sparse as_sparse(const struct rows *r)
{
    return (mid__sparse){ r->at.n / sizeof(size_t) - 1, MID__NGRAM_BUCKETS, (const size_t *)(void *)r->at.at,
                          (const uint32_t *)(void *)r->col.at, (const float *)(void *)r->value.at };
}

static void clear_rows(struct rows *r)
{
    mid__buf_clear(&r->value);
    mid__buf_clear(&r->col);
    mid__buf_clear(&r->at);
}

static bool make_rows(const char *const *text, size_t n, struct rows *out)
{
    size_t i, at = 0;
    bool ok = mid__buf_put(&out->at, &at, sizeof at);

    for (i = 0; i < n && ok; i++) {
        ok = add_features(text[i], strlen(text[i]), &out->col, &out->value);
        at = out->col.n / sizeof(uint32_t);
        ok = ok && mid__buf_put(&out->at, &at, sizeof at);
    }
    return ok;
}

static double log_loss(double logit, uint8_t label)
{
    const double margin = label ? logit : -logit;

    return log1p(exp(-fabs(margin))) + (margin < 0 ? -margin : 0);
}

/* Total log-loss of the rows of fold i, fitted on the others. weight (n_row) and w (n_col) are room to work in. */
static mid_status held_out_loss(mid_ctx *ctx, const mid__sparse *x, const uint8_t *label, const uint8_t *fold,
                                int i_fold, double c, double *weight, double *w, double *loss)
{
    mid_status status;
    double b;
    size_t i;

    for (i = 0; i < x->n_row; i++)
        weight[i] = fold[i] != i_fold;
    status = mid__logistic_sparse_fit(ctx, x, label, weight, c, w, &b);
    for (i = 0; i < x->n_row && status == MID_OK; i++)
        if (fold[i] == i_fold)
            *loss += log_loss(mid__logistic_sparse_logit(x, i, w, b), label[i]);
    return status;
}

/* Texts of each label are dealt to the folds in turn, in an order drawn by the seed. order (n) is room to work in. */
static void deal(const uint8_t *label, size_t n, uint64_t seed, uint32_t *order, uint8_t *fold)
{
    size_t i, j, n_dealt[2] = { 0, 0 };
    uint32_t keep;
    mid__rng rng;

    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < n; i++) {
        j = mid__rng_below(&rng, (uint32_t)i + 1);
        order[i] = (uint32_t)i;
        keep = order[j];
        order[j] = order[i];
        order[i] = keep;
    }
    for (i = 0; i < n; i++)
        fold[order[i]] = (uint8_t)(n_dealt[label[order[i]]]++ % N_FOLD);
}

static mid_status choose_c(mid_ctx *ctx, const mid__sparse *x, const uint8_t *label, uint64_t seed, double *w,
                           double *c)
{
    const size_t n = x->n_row;
    double *weight = calloc(n, sizeof *weight), least = INFINITY, loss;
    uint32_t *order = calloc(n, sizeof *order);
    uint8_t *fold = calloc(n, sizeof *fold);
    mid_status status = weight && order && fold ? MID_OK : mid__oom(ctx, "labeler classifier");
    size_t i;
    int i_fold;

    if (status == MID_OK)
        deal(label, n, seed, order, fold);
    for (i = 0; i < sizeof choices / sizeof choices[0] && status == MID_OK; i++) {
        for (i_fold = 0, loss = 0; i_fold < N_FOLD && status == MID_OK; i_fold++)
            status = held_out_loss(ctx, x, label, fold, i_fold, choices[i], weight, w, &loss);
        if (loss < least) {
            least = loss;
            *c = choices[i];
        }
    }
    free(fold);
    free(order);
    free(weight);
    return status;
}

static mid_status keep(mid_ctx *ctx, const double *w, double b, double c, size_t n_text, mid_weights **out)
{
    float *narrow = calloc(MID__NGRAM_BUCKETS, sizeof *narrow);
    mid_weights *weights = NULL;
    mid_status status;
    size_t i;

    if (!narrow)
        return mid__oom(ctx, "labeler classifier");
    for (i = 0; i < MID__NGRAM_BUCKETS; i++)
        narrow[i] = (float)w[i];
    if ((status = mid_weights_open(ctx, &weights)) == MID_OK
        && (status = mid_weights_set_text(ctx, weights, "labeler", "classifier")) == MID_OK
        && (status = mid_weights_set_number(ctx, weights, "ngram_version", MID__NGRAM_VERSION)) == MID_OK
        && (status = mid_weights_set_number(ctx, weights, "bias", b)) == MID_OK
        && (status = mid_weights_set_number(ctx, weights, "c", c)) == MID_OK
        && (status = mid_weights_set_number(ctx, weights, "n_text", (double)n_text)) == MID_OK
        && (status = mid_weights_set(ctx, weights, "weight", narrow, 1, MID__NGRAM_BUCKETS)) == MID_OK) {
        *out = weights;
        weights = NULL;
    }
    mid_weights_close(weights);
    free(narrow);
    return status;
}

mid_status mid_labeler_fit_classifier(mid_ctx *ctx, const char *const *text, const uint8_t *label, size_t n,
                                      uint64_t seed, mid_weights **out)
{
    struct rows rows = { { 0 }, { 0 }, { 0 } };
    double *w = calloc(MID__NGRAM_BUCKETS, sizeof *w), b, c = C_PLAIN;
    mid_status status = MID_OK;
    mid__sparse x;
    size_t i, n_unsafe = 0;

    for (i = 0; i < n; i++) {
        if (label[i] > 1) {
            status = mid__fail(ctx, MID_EINVAL, "label %zu is %d; it must be 0 or 1", i, label[i]);
            goto out;
        }
        n_unsafe += label[i];
    }
    if (!w || !make_rows(text, n, &rows)) {
        status = mid__oom(ctx, "labeler classifier");
        goto out;
    }
    x = as_sparse(&rows);
    if (n_unsafe >= CHOICE_MIN && n - n_unsafe >= CHOICE_MIN)
        status = choose_c(ctx, &x, label, seed, w, &c);
    if (status == MID_OK)
        status = mid__logistic_sparse_fit(ctx, &x, label, NULL, c, w, &b);
    if (status == MID_OK)
        status = keep(ctx, w, b, c, n, out);
out:
    clear_rows(&rows);
    free(w);
    return status;
}

/* ---- judging ---------------------------------------------------------------------------------------------------- */

struct classifier {
    mid_weights *weights;
    const float *w;                 /* (MID__NGRAM_BUCKETS) */
    double bias, threshold;
};

static void close_classifier(void *self)
{
    struct classifier *s = self;

    mid_weights_close(s->weights);
    free(s);
}

static mid_status open_classifier(mid_ctx *ctx, const mid_param *params, const char *data_dir, void **self)
{
    const char *file = mid__param_text(params, "file"), *owner;
    struct classifier *s;
    mid_status status;

    (void)data_dir;
    if (!*file)
        return mid__fail(ctx, MID_EINVAL, "labeler classifier: parameter 'file' must name its fitted weights");
    s = *self = calloc(1, sizeof *s);
    if (!s)
        return mid__oom(ctx, "labeler classifier");
    s->threshold = mid__param_number(params, "threshold");
    status = mid_weights_load(ctx, file, &s->weights);
    if (status != MID_OK)
        return status;
    owner = mid_weights_text(s->weights, "labeler");
    if (!owner || strcmp(owner, "classifier") != 0)
        return mid__fail(ctx, MID_EFORMAT, "%s: not the weights of labeler classifier", file);
    if (mid_weights_number(s->weights, "ngram_version") != MID__NGRAM_VERSION)
        return mid__fail(ctx, MID_EFORMAT, "%s: fitted on n-grams of another version; fit it again", file);
    s->bias = mid_weights_number(s->weights, "bias");
    if (!isfinite(s->bias))
        return mid__fail(ctx, MID_EFORMAT, "%s: 'bias' is missing or no number", file);
    status = mid_weights_expect(ctx, s->weights, "weight", 1, MID__NGRAM_BUCKETS, &s->w);
    return status == MID_OK ? MID_OK : mid__within(ctx, status, "%s", file);
}

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    const struct classifier *s = self;
    mid__buf col = { 0 }, value = { 0 };
    mid_status status = MID_OK;
    double logit = s->bias;
    size_t i;

    (void)sample;
    if (add_features(text, n, &col, &value)) {
        for (i = 0; i < col.n / sizeof(uint32_t); i++)
            logit += (double)s->w[((uint32_t *)(void *)col.at)[i]] * (double)((float *)(void *)value.at)[i];
        label->score = 1 / (1 + exp(-logit));
        label->unsafe = label->score >= s->threshold;
    } else {
        status = mid__oom(ctx, "labeler classifier");
    }
    mid__buf_clear(&value);
    mid__buf_clear(&col);
    return status;
}

static const mid_param params[] = {
    { "file", 0, "", "fitted weights, a safetensors file" },
    { "threshold", 0.5, NULL, "p(unsafe) from which an answer is unsafe" },
    { NULL, 0, NULL, NULL },
};

const mid__labeler_ops mid__labeler_classifier = {
    .info = {
        .name = "classifier", .summary = "unsafe by a linear classifier over hashed n-grams, fitted on labelled texts",
        .source = "feature hashing, arXiv 0902.2206; logistic regression", .who = "model", .shares = MID_SHARE_NGRAMS,
        .params = params,
    },
    .open = open_classifier, .close = close_classifier, .judge = judge,
};
