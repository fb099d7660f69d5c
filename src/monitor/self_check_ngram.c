/* SelfCheck with an n-gram model: B7. Words of the sampled answers and of the answer so far are counted, c(.) in all N
 * words, V of them different; a word of the answer is as surprising as the counts make it:
 *   order 1   -ln p(w)     = -ln (c(w) + k)/(N + k V)
 *   order 2   -ln p(w | v) = -ln (c(v w) + k)/(c(v) + k V),  v the word before, or the start of the text
 * A sentence's score is the largest (or the mean) over its words, when it ends (base/wordcut.h); the open one counts
 * as it stands, with the counts of now.  S_t = mean (or largest) over sentences, nats;  0 before the first whole word.
 * A claim the model makes each time is in all samples and scores low; one it makes up is only in this answer.
 * Source: SelfCheckGPT (Manakul et al. 2023, arXiv 2303.08896), whose best is order 1, largest over words. They score a
 * finished passage and count it whole; we count what is there.
 *
 * Counts live in a flat table of 4096 slots named by 32-bit hashes. When three quarters are taken, after about two
 * thousand different words and pairs, new ones stay uncounted. A sentence's words past 128 are counted but not scored.
 * */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/wordcut.h"
#include "monitor/monitor.h"
#include "monitor/running.h"

enum { N_SLOT = 4096, N_SLOT_TAKEN_MAX = N_SLOT / 4 * 3, N_OPEN_MAX = 128 };

struct plan { bool pairs, word_mean, sentence_max; double k; };

struct slot { uint32_t key, count; };           /* key 0: free */
struct state {
    struct slot slot[N_SLOT];
    uint32_t n_taken, n_word, n_distinct;       /* n_word: N, n_distinct: V */
    uint64_t before;                            /* the last word; 0: none in this text */
    mid__wordcut cut;
    mid__sentence sentence;
    uint32_t n_open;
    struct { uint32_t gram, context; } open[N_OPEN_MAX];    /* words of the open sentence */
    mid__running closed;                        /* scores of the sentences before */
};
struct reader { const struct plan *plan; struct state *state; bool is_answer; };

static struct slot *find(struct state *s, uint32_t key)
{
    uint32_t i = key & (N_SLOT - 1);

    while (s->slot[i].key && s->slot[i].key != key)
        i = (i + 1) & (N_SLOT - 1);
    return &s->slot[i];
}

static uint32_t count_of(struct state *s, uint32_t key) { return find(s, key)->count; }

static void count_up(struct state *s, uint32_t key)
{
    struct slot *slot = find(s, key);

    if (!slot->key) {
        if (s->n_taken == N_SLOT_TAKEN_MAX)
            return;
        s->n_taken++;
        slot->key = key;
    }
    slot->count++;
}

static uint32_t fold(uint64_t h)
{
    const uint32_t key = (uint32_t)(h ^ h >> 32);

    return key ? key : 1;
}

static uint32_t word_key(uint64_t word) { return fold(mid__fnv(MID__FNV_START, &word, sizeof word)); }

static uint32_t pair_key(uint64_t before, uint64_t word)
{
    return fold(mid__fnv(mid__fnv(MID__FNV_START, &before, sizeof before), &word, sizeof word));
}

static void add_word(void *user, uint64_t word)
{
    const struct reader *r = user;
    struct state *s = r->state;
    const uint32_t key = word_key(word), pair = r->plan->pairs ? pair_key(s->before, word) : 0;

    s->n_word++;
    s->n_distinct += count_of(s, key) == 0;
    count_up(s, key);
    if (pair)
        count_up(s, pair);
    if (r->is_answer && s->n_open < N_OPEN_MAX) {
        s->open[s->n_open].gram = pair ? pair : key;
        s->open[s->n_open++].context = word_key(s->before);
    }
    s->before = word;
}

/* A text begins; its start is counted as a context. */
static void begin_text(const struct plan *plan, struct state *s)
{
    s->before = 0;
    if (plan->pairs)
        count_up(s, word_key(0));
}

static mid_status start(const void *plan, void *self, const mid_prompt *prompt)
{
    struct reader reader = { plan, self, false };
    size_t i;

    if (prompt->n_sample == 0)
        return MID_ESIGNAL;
    for (i = 0; i < prompt->n_sample; i++) {
        mid__wordcut cut = { 0 };
        begin_text(plan, self);
        mid__wordcut_put(&cut, prompt->sample[i], strlen(prompt->sample[i]), add_word, &reader);
        mid__wordcut_end(&cut, add_word, &reader);
    }
    begin_text(plan, self);
    return MID_OK;
}

/* The open sentence as it stands; it has a word. */
static double open_score(const struct plan *p, struct state *s)
{
    double sum = 0, largest = 0;
    uint32_t i;

    for (i = 0; i < s->n_open; i++) {
        const double n = p->pairs ? count_of(s, s->open[i].context) : s->n_word;
        const double x = log((n + p->k * s->n_distinct) / (count_of(s, s->open[i].gram) + p->k));
        sum += x;
        largest = x > largest ? x : largest;
    }
    return p->word_mean ? sum / s->n_open : largest;
}

static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct plan *p = plan;
    struct state *s = self;
    struct reader reader = { p, s, true };
    mid__running all;
    bool ended;

    mid__wordcut_put(&s->cut, step->text, step->n_text, add_word, &reader);
    ended = mid__sentence_put(&s->sentence, step->text, step->n_text);
    all = s->closed;
    if (s->n_open) {
        const double open = open_score(p, s);
        if (p->sentence_max)
            mid__running_max(&all, open);
        else
            mid__running_mean(&all, open);
    }
    *score = all.n == 0 ? 0 : p->sentence_max ? all.value : all.value / (double)all.n;
    if (ended) {
        s->closed = all;
        s->n_open = 0;
    }
    return MID_OK;
}

static mid_status choice(mid_ctx *ctx, const mid_param *params, const char *name, double lo, double hi, double *x)
{
    *x = mid__param_number(params, name);
    if (*x != lo && *x != hi)
        return mid__fail(ctx, MID_EINVAL, "%s %g: must be %g or %g", name, *x, lo, hi);
    return MID_OK;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    const double k = mid__param_number(params, "k");
    double order, mean, max;
    struct plan *p;
    mid_status status = choice(ctx, params, "order", 1, 2, &order);

    (void)weights; (void)signals;
    if (status == MID_OK)
        status = choice(ctx, params, "word_mean", 0, 1, &mean);
    if (status == MID_OK)
        status = choice(ctx, params, "sentence_max", 0, 1, &max);
    if (status == MID_OK && !(k > 0 && k <= 1000))
        status = mid__fail(ctx, MID_EINVAL, "k %g: must be above 0 and at most 1000", k);
    if (status != MID_OK)
        return status;
    p = malloc(sizeof *p);
    if (!p)
        return mid__oom(ctx, "self_check_ngram");
    *p = (struct plan){ order == 2, mean == 1, max == 1, k };
    *plan = p;
    return MID_OK;
}

static const mid_param params_[] = {
    { "order", 1, NULL, "1: words; 2: words after the word before" },
    { "k", .1, NULL, "added to every count" },
    { "word_mean", 0, NULL, "over a sentence's words: 0 the largest, 1 the mean" },
    { "sentence_max", 0, NULL, "over sentences: 0 the mean, 1 the largest" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_self_check_ngram = {
    .name = "self_check_ngram", .version = 1,
    .summary = "how surprising the answer's words are to an n-gram model of sampled answers", .unit = "nats",
    .source = "SelfCheckGPT, Manakul et al. 2023, arXiv 2303.08896",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT | MID_SIG_SAMPLES, .params = params_,
    .open = open_plan, .close = free,
    .state_size = sizeof(struct state), .start = start, .push = push,
};
