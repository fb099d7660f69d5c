/* Naive-Bayes log-odds walk over the answer's words: B3.
 *   form walk  S_t = sum over the words w so far of d(w)         form root  S_t = the same / sqrt(words)
 *   d(w) = ln P(w | unsafe) - ln P(w | safe), clipped to [-4, 4];  P(w | c) = (n_wc + alpha) / (n_c + alpha V)
 * n_wc counts the word in the fit answers of class c, n_c sums it over words, V is the number of words in either
 * class; a word that is in neither says nothing. Words are hashed into 2^18 buckets, a bucket being one word. A word
 * counts when the character behind it is there (base/wordcut.h), so the score is 0 until the first word is over.
 * The walk grows with the answer; root is the form for a threshold that long and short answers share.
 * Source: multinomial naive Bayes, e.g. McCallum & Nigam 1998; the running sum is Wald's likelihood walk. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/wordcut.h"
#include "monitor/monitor.h"

enum { N_BUCKET = 1 << 18 };

static const double clip = 4;

static uint32_t bucket_of(uint64_t word) { return (uint32_t)(word ^ word >> 32) & (N_BUCKET - 1); }

struct counts { uint32_t *of; double n; };      /* of (N_BUCKET); of one class */

static void count(void *user, uint64_t word)
{
    struct counts *c = user;

    c->of[bucket_of(word)] += 1;
    c->n += 1;
}

static void count_answer(const mid_trace *trace, struct counts *c)
{
    mid__wordcut cut = { 0 };
    size_t n;
    const char *text = mid_trace_text(trace, &n);

    mid__wordcut_put(&cut, text, n, count, c);
    mid__wordcut_end(&cut, count, c);
}

/* d of every bucket; 0 where neither class has it. */
static void log_odds(const struct counts c[2], double alpha, float *d)
{
    double n_word = 0, odds;
    size_t i;

    for (i = 0; i < N_BUCKET; i++)
        n_word += c[0].of[i] || c[1].of[i];
    for (i = 0; i < N_BUCKET; i++) {
        if (!c[0].of[i] && !c[1].of[i])
            continue;
        odds = log((c[1].of[i] + alpha) / (c[1].n + alpha * n_word)) -
               log((c[0].of[i] + alpha) / (c[0].n + alpha * n_word));
        d[i] = (float)fmin(fmax(odds, -clip), clip);
    }
}

static mid_status check_form(mid_ctx *ctx, const mid_param *params)
{
    const char *form = mid__param_text(params, "form");

    if (strcmp(form, "walk") == 0 || strcmp(form, "root") == 0)
        return MID_OK;
    return mid__fail(ctx, MID_EINVAL, "form '%.40s': walk or root", form);
}

static mid_status fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    const double alpha = mid__param_number(params, "alpha");
    struct counts c[2] = { { calloc(N_BUCKET, sizeof *c->of), 0 }, { calloc(N_BUCKET, sizeof *c->of), 0 } };
    float *d = calloc(N_BUCKET, sizeof *d);
    mid_status status = check_form(ctx, params);
    size_t i;

    if (status == MID_OK && !(alpha > 0 && alpha <= 1000))
        status = mid__fail(ctx, MID_EINVAL, "alpha %g: must be > 0 and at most 1000", alpha);
    if (status == MID_OK && (!c[0].of || !c[1].of || !d))
        status = mid__oom(ctx, "word counts");
    for (i = 0; status == MID_OK && i < set->n; i++)
        count_answer(set->answer[i].trace, &c[set->answer[i].label]);
    if (status == MID_OK) {
        log_odds(c, alpha, d);
        status = mid_weights_set(ctx, out, "w", d, 1, N_BUCKET);
    }
    free(c[0].of);
    free(c[1].of);
    free(d);
    return status;
}

struct plan { bool takes_root; float d[N_BUCKET]; };
struct state { mid__wordcut cut; uint64_t n_word; double sum; };
struct reader { const struct plan *plan; struct state *state; };

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const float *d;
    struct plan *p;
    mid_status status = check_form(ctx, params);

    (void)signals;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "w", 1, N_BUCKET, &d);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "log-odds of words");
    p->takes_root = mid__param_text(params, "form")[0] == 'r';
    memcpy(p->d, d, sizeof p->d);
    *plan = p;
    return MID_OK;
}

static void walk(void *user, uint64_t word)
{
    const struct reader *r = user;

    r->state->sum += (double)r->plan->d[bucket_of(word)];
    r->state->n_word += 1;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    struct reader reader = { p, s };

    mid__wordcut_put(&s->cut, step->text, step->n_text, walk, &reader);
    *score = p->takes_root && s->n_word ? s->sum / sqrt((double)s->n_word) : s->sum;
    return MID_OK;
}

static const mid_param params_[] = {
    { "alpha", 0.5, NULL, "added to every count" },
    { "form", 0, "walk", "walk: the sum; root: the sum / sqrt(words)" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_nb_walk = {
    .name = "nb_walk", .version = 1,
    .summary = "sum of the naive-Bayes log-odds of the answer's words", .unit = "nats",
    .source = "multinomial naive Bayes, McCallum & Nigam 1998",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT, .shares = MID_SHARE_NGRAMS, .params = params_,
    .fit = fit, .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .push = push,
};
