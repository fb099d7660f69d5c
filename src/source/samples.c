/* Sampled answers. All of a group's are made before the run proper, n_seq at a time in the run's own context, which is
 * empty then. Of their hidden rows only the inner products at 1, 2, 4, ... 128 tokens are kept
 * (mid_prompt.sample_gram): they are all that a score of the samples' agreement needs, and a thousandth of the rows.
 * */
#include "source/samples.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/linalg.h"
#include "source/engine.h"

enum { N_DEFAULT = 5, N_MAX = 64 };

struct drawn { mid__buf text; uint32_t n_tok; };

struct mid__samples {
    mid_sink ours;
    const mid_sink *next;
    size_t n_prompt, n_each;
    int n_layer, n_embd;
    struct drawn *drawn;            /* (n_prompt, n_each) */
    float *row;                     /* (n_prompt, n_each, MID_SAMPLE_AT_N, n_layer, n_embd) or NULL: entry k holds the
                                       rows after the answer's token min(2^k, n_tok), each less its mean */
    const char **text;              /* (n_each) */
    float *gram;                    /* (MID_SAMPLE_AT_N, n_layer, n_each, n_each) */
    size_t i_first;                 /* of drawn: where the batch under way begins */
    uint64_t n_tok;
};

static float *row_of(const mid__samples *s, size_t i_drawn, int i_at, int i_layer)
{
    const size_t i = (i_drawn * MID_SAMPLE_AT_N + (size_t)i_at) * (size_t)s->n_layer + (size_t)i_layer;

    return s->row + i * (size_t)s->n_embd;
}

static void centre(float *row, int n)
{
    double mean = 0;
    int i;

    for (i = 0; i < n; i++)
        mean += (double)row[i];
    mean /= n;
    for (i = 0; i < n; i++)
        row[i] = (float)((double)row[i] - mean);
}

/* The entry that a token's rows belong to: the least k with 2^k >= t. */
static int entry_of(uint32_t t)
{
    int k = 0;

    while (1u << k < t)
        k++;
    return k;
}

/* A token of a sampled answer. Its rows take the place of an earlier token's in the same entry. */
static mid_status see(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    mid__samples *s = user;
    const size_t i_drawn = s->i_first + i_seq;
    struct drawn *d = &s->drawn[i_drawn];
    int l, k;

    (void)stop;
    mid__buf_put(&d->text, step->text, step->n_text);
    d->n_tok++;
    s->n_tok++;
    k = entry_of(d->n_tok);
    for (l = 0; s->row && k < MID_SAMPLE_AT_N && l < s->n_layer; l++) {
        float *row = row_of(s, i_drawn, k, l);
        memcpy(row, step->hidden + (size_t)l * (size_t)s->n_embd, (size_t)s->n_embd * sizeof *row);
        centre(row, s->n_embd);
    }
    return d->text.failed ? MID_ENOMEM : MID_OK;
}

/* The last rows of an answer stand for the counts it did not reach. */
static void extend(mid__samples *s, size_t i_drawn)
{
    const size_t n = (size_t)s->n_layer * (size_t)s->n_embd * sizeof(float);
    int k = entry_of(s->drawn[i_drawn].n_tok) + 1;

    for (; k < MID_SAMPLE_AT_N; k++)
        memcpy(row_of(s, i_drawn, k, 0), row_of(s, i_drawn, k - 1, 0), n);
}

/* One batch of answers: the next n of the group's. */
static mid_status draw(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, const mid_source_opts *opts,
                       mid__samples *s, size_t n)
{
    const mid_sink sink = { .user = s, .step = see };
    mid_sample *one = calloc(n, sizeof *one);
    const mid_sample **list = calloc(n, sizeof *list);
    mid__buf name = { 0 };
    size_t *at = calloc(n, sizeof *at);
    size_t i;
    mid_status status = one && list && at ? MID_OK : mid__oom(ctx, "sampled answers");

    for (i = 0; status == MID_OK && i < n; i++) {
        const size_t k = s->i_first + i;
        one[i] = *sample[k / s->n_each];
        at[i] = name.n;
        if (!mid__buf_fmt(&name, "%s sample %zu", one[i].id, k % s->n_each) || !mid__buf_put(&name, "", 1))
            status = mid__oom(ctx, "sampled answers");
        list[i] = &one[i];
    }
    for (i = 0; status == MID_OK && i < n; i++)
        one[i].id = name.at + at[i];        /* names the stream of random numbers */
    if (status == MID_OK)
        status = mid__source_llama(ctx, model, list, n, opts, &sink);
    mid__buf_clear(&name);
    free(at);
    free(list);
    free(one);
    return status;
}

/* Inner products of one prompt's samples into s->gram. */
static void gram_of(mid__samples *s, size_t i_prompt)
{
    const size_t n = s->n_each, first = i_prompt * n;
    float *to = s->gram;
    size_t i, j;
    int at, l;

    for (at = 0; at < MID_SAMPLE_AT_N; at++)
        for (l = 0; l < s->n_layer; l++, to += n * n)
            for (i = 0; i < n; i++)
                for (j = 0; j <= i; j++) {
                    const float *a = row_of(s, first + i, at, l), *b = row_of(s, first + j, at, l);
                    to[i * n + j] = to[j * n + i] = (float)mid__dot(a, b, (size_t)s->n_embd);
                }
}

static mid_status add_to_prompt(void *user, size_t i_seq, const mid_prompt *prompt)
{
    mid__samples *s = user;
    mid_prompt full = *prompt;
    size_t i;

    if (!s->next->prompt)
        return MID_OK;
    for (i = 0; i < s->n_each; i++)
        s->text[i] = s->drawn[i_seq * s->n_each + i].text.at;
    full.sample = s->text;
    full.n_sample = s->n_each;
    if (s->row) {
        gram_of(s, i_seq);
        full.sample_gram = s->gram;
    }
    return s->next->prompt(s->next->user, i_seq, &full);
}

static mid_status pass_step(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    const mid__samples *s = user;

    return s->next->step ? s->next->step(s->next->user, i_seq, step, stop) : MID_OK;
}

static mid_status make_room(mid_ctx *ctx, const mid_model *model, size_t n, mid__samples *s)
{
    size_t n_row;

    s->n_prompt = n;
    s->n_layer = model->signals.n_layer;
    s->n_embd = model->signals.n_embd;
    n_row = n * s->n_each * MID_SAMPLE_AT_N * (size_t)s->n_layer * (size_t)s->n_embd;
    s->drawn = calloc(n * s->n_each + 1, sizeof *s->drawn);
    s->text = calloc(s->n_each, sizeof *s->text);
    s->gram = calloc(MID_SAMPLE_AT_N * (size_t)s->n_layer * s->n_each * s->n_each + 1, sizeof *s->gram);
    if (n_row)
        s->row = calloc(n_row, sizeof *s->row);
    return s->drawn && s->text && s->gram && (s->row || !n_row) ? MID_OK : mid__oom(ctx, "sampled answers");
}

mid_status mid__samples_open(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                             const mid_source_opts *opts, const mid_sink **sink, mid__samples **samples)
{
    const double start_s = mid__now_s();
    mid_source_opts o = *opts;
    mid__samples *s;
    size_t i, n_all, n_batch;
    mid_status status;

    *samples = NULL;
    if (!(opts->want & MID_SIG_SAMPLES))
        return MID_OK;
    if (opts->n_sample > N_MAX)
        return mid__fail(ctx, MID_EINVAL, "%u samples a prompt, the limit is %d", opts->n_sample, N_MAX);
    s = calloc(1, sizeof *s);
    if (!s)
        return mid__oom(ctx, "sampled answers");
    s->n_each = opts->n_sample ? opts->n_sample : N_DEFAULT;
    o.want = 0;
    o.temperature = opts->sample_temperature > 0 ? opts->sample_temperature : 1;
    status = make_room(ctx, model, n, s);
    for (i = 0, n_all = n * s->n_each; status == MID_OK && i < n_all; i += n_batch) {
        n_batch = n_all - i < (size_t)model->n_seq ? n_all - i : (size_t)model->n_seq;
        s->i_first = i;
        status = draw(ctx, model, sample, &o, s, n_batch);
    }
    for (i = 0; status == MID_OK && i < n_all; i++) {
        if (s->row)
            extend(s, i);
        if (!mid__buf_text(&s->drawn[i].text, ""))     /* an answer without a byte is a text too */
            status = mid__oom(ctx, "sampled answers");
    }
    if (status != MID_OK) {
        mid__samples_close(s);
        return status;
    }
    mid__log(ctx, MID_LOG_INFO, "sampled %zu answers to %zu prompts: %llu tokens in %.1f s", n_all, n,
             (unsigned long long)s->n_tok, mid__now_s() - start_s);
    s->next = *sink;
    s->ours = (mid_sink){ .user = s, .prompt = add_to_prompt, .step = pass_step };
    *sink = &s->ours;
    *samples = s;
    return MID_OK;
}

void mid__samples_close(mid__samples *samples)
{
    size_t i;

    if (!samples)
        return;
    for (i = 0; samples->drawn && i < samples->n_prompt * samples->n_each; i++)
        mid__buf_clear(&samples->drawn[i].text);
    free(samples->drawn);
    free(samples->row);
    free(samples->text);
    free(samples->gram);
    free(samples);
}
