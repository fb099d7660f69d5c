/* Two language models, one of unsafe and one of safe answers: B4.
 *   S_t = mean over the last w words of ln P_unsafe(word | two words before it) - ln P_safe(...),   nats;  w = 32
 * The models are interpolated Kneser-Ney trigrams over words (monitor/kneser_ney.h), learned from the whole text of
 * the fit answers; punctuation is no word. A word counts when the character behind it is there (base/wordcut.h), so
 * the score is 0 until the first word is over.
 * Source: the usual likelihood ratio of two language models; Kneser & Ney 1995. The catalogue's w counts tokens, ours
 * words, so that models and scores do not depend on an observer's tokenizer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/wordcut.h"
#include "monitor/kneser_ney.h"
#include "monitor/monitor.h"

enum { WINDOW_MAX = 128 };

static mid_status keep_table(mid_ctx *ctx, const char *name, const mid__gram_table *t, mid_weights *out)
{
    return mid_weights_set(ctx, out, name, t->at, t->n_slot, t->n_col);
}

static mid_status keep(mid_ctx *ctx, const mid__kneser_ney *kn, mid_weights *out)
{
    mid_status status = keep_table(ctx, "word", &kn->word, out);

    if (status == MID_OK)
        status = keep_table(ctx, "pair", &kn->pair, out);
    if (status == MID_OK)
        status = keep_table(ctx, "triple", &kn->triple, out);
    return status == MID_OK ? mid_weights_set(ctx, out, "unknown", kn->unknown, 1, 2) : status;
}

static mid_status window_of(mid_ctx *ctx, const mid_param *params, size_t *window)
{
    const double n = mid__param_number(params, "window");

    if (!(n >= 1 && n <= WINDOW_MAX && n == floor(n)))
        return mid__fail(ctx, MID_EINVAL, "window %g: must be a whole number of words, 1 to %d", n, WINDOW_MAX);
    *window = (size_t)n;
    return MID_OK;
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    mid__word_grams grams = { .k = 0 };
    mid__kneser_ney kn = { 0 };
    size_t i, n, window;
    mid_status status = window_of(ctx, params, &window);

    for (i = 0; status == MID_OK && i < set->n; i++) {
        const char *text = mid_trace_text(set->answer[i].trace, &n);
        mid__wordcut cut = { 0 };
        mid__word_grams_begin(&grams, set->answer[i].label);
        mid__wordcut_put(&cut, text, n, mid__word_grams_put, &grams);
        mid__wordcut_end(&cut, mid__word_grams_put, &grams);
    }
    if (status == MID_OK)
        status = mid__kneser_ney_fit(ctx, &grams, &kn);
    if (status == MID_OK)
        status = keep(ctx, &kn, out);
    mid__kneser_ney_clear(&kn);
    mid__buf_clear(&grams.grams);
    return status;
}

struct plan { mid__kneser_ney kn; size_t window; };
struct state { mid__wordcut cut; uint64_t history[2], n_word; double ratio[WINDOW_MAX]; };
struct reader { const struct plan *plan; struct state *state; };

static void close_plan(void *plan)
{
    struct plan *p = plan;

    if (p)
        mid__kneser_ney_clear(&p->kn);
    free(p);
}

/* Values of a row lie where a fit leaves them, so that every product of them is a probability. */
static bool row_is_sound(const float *row, size_t n_col, bool is_word)
{
    size_t j;

    for (j = 1; j < n_col; j++)
        if (!(row[j] >= 0 && row[j] <= 1) || ((is_word || j > 2) && row[j] <= 0))
            return false;
    return true;
}

static mid_status take_table(mid_ctx *ctx, const mid_weights *weights, const char *name, size_t n_col,
                             mid__gram_table *t)
{
    const float *data;
    size_t i, n_col_there;
    mid_status status = mid_weights_get(ctx, weights, name, &data, &t->n_slot, &n_col_there);

    if (status != MID_OK)
        return status;
    if (n_col_there != n_col || t->n_slot == 0)
        return mid__fail(ctx, MID_EFORMAT, "tensor '%s' is %zu x %zu: must have %zu columns", name, t->n_slot,
                         n_col_there, n_col);
    for (i = 0; i < t->n_slot; i++)
        if (data[i * n_col] != 0 && !row_is_sound(data + i * n_col, n_col, strcmp(name, "word") == 0))
            return mid__fail(ctx, MID_EFORMAT, "tensor '%s', row %zu: not a probability", name, i);
    t->n_col = n_col;
    t->at = malloc(t->n_slot * n_col * sizeof *t->at);
    if (!t->at)
        return mid__oom(ctx, "word n-grams");
    memcpy(t->at, data, t->n_slot * n_col * sizeof *t->at);
    return MID_OK;
}

static mid_status take(mid_ctx *ctx, const mid_weights *weights, mid__kneser_ney *kn)
{
    const float *unknown;
    mid_status status = mid_weights_expect(ctx, weights, "unknown", 1, 2, &unknown);

    if (status == MID_OK && !(unknown[0] > 0 && unknown[0] <= 1 && unknown[1] > 0 && unknown[1] <= 1))
        status = mid__fail(ctx, MID_EFORMAT, "tensor 'unknown': not a probability");
    if (status != MID_OK)
        return status;
    memcpy(kn->unknown, unknown, sizeof kn->unknown);
    status = take_table(ctx, weights, "word", 5, &kn->word);
    if (status == MID_OK)
        status = take_table(ctx, weights, "pair", 5, &kn->pair);
    return status == MID_OK ? take_table(ctx, weights, "triple", 3, &kn->triple) : status;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    mid_status status = p ? window_of(ctx, params, &p->window) : mid__oom(ctx, "two language models");

    (void)signals;
    if (status == MID_OK)
        status = take(ctx, weights, &p->kn);
    if (status != MID_OK) {
        close_plan(p);
        return status;
    }
    *plan = p;
    return MID_OK;
}

static void read_word(void *user, uint64_t word)
{
    const struct reader *r = user;
    const mid__kneser_ney *kn = &r->plan->kn;
    struct state *s = r->state;
    const double safe = mid__kneser_ney_p(kn, 0, s->history, word), unsafe = mid__kneser_ney_p(kn, 1, s->history, word);

    s->ratio[s->n_word % r->plan->window] = log(unsafe / safe);
    s->n_word += 1;
    s->history[0] = s->history[1];
    s->history[1] = word;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    struct reader reader = { p, s };
    double sum = 0;
    size_t i, n;

    mid__wordcut_put(&s->cut, step->text, step->n_text, read_word, &reader);
    n = s->n_word < p->window ? (size_t)s->n_word : p->window;
    for (i = 0; i < n; i++)
        sum += s->ratio[i];
    *score = n ? sum / (double)n : 0;
    return MID_OK;
}

static const mid_param params_[] = {
    { "window", 32, NULL, "words that count, the last ones" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_lm_ratio = {
    .name = "lm_ratio", .version = 1,
    .summary = "log-likelihood ratio per word of a language model of unsafe answers and one of safe ones",
    .unit = "nats",
    .source = "likelihood ratio of two language models; Kneser & Ney 1995",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT, .shares = MID_SHARE_NGRAMS, .params = params_,
    .fit = fit, .open = open_plan, .close = close_plan,
    .state_size = sizeof(struct state), .push = push,
};
