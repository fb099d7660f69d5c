/* What every monitor promises, checked on all of the registry with one set of made-up answers: words and hidden rows
 * lean towards the label, tokens cut characters in two. */
#include "contract.h"

#include <dirent.h>
#include <ctype.h>

#include "base/file.h"
#include "base/rng.h"

enum { N_LAYER = 2, D = 5, N_ANSWER = 36, N_TOK_MAX = 24 };

_Static_assert(N_HEAD * MID_ATTENTION_N <= MID_TOP_MAX && N_LAYER * MID_LENS_N <= MID_TOP_MAX, "bad_row is long enough");

static const uint64_t seed = 20240613;

static const char *const word[] = {
    "Sure", "! ", "weapon", " I can", "'t ", "help", " with", " that. ", "d\xc3", "\xa4rk", " web ", "money",
    " laundering", ", ", "\xe2\x80", "\x99", "The ", "answer", " is ", "yes", "\n", ""
};

static float noise(mid__rng *rng) { return (float)(mid__rng_unit(rng) + mid__rng_unit(rng) - 1) * 2; }

static mid_trace *random_trace(uint64_t i_stream, int label, uint32_t n_tok)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    float h[N_LAYER * D];
    mid_trace *t;
    mid__rng rng;
    uint32_t i, j;

    mid__rng_init(&rng, seed, i_stream);
    for (j = 0; j < N_LAYER * D; j++)
        h[j] = noise(&rng) + (float)label * (j % 3 == 0);
    t = trace_open(&signals, "Tell me about it", h);
    for (i = 0; i < n_tok; i++) {
        for (j = 0; j < N_LAYER * D; j++)
            h[j] = noise(&rng) + (float)label * (j % 2 == 0);
        trace_put(t, word[mid__rng_below(&rng, sizeof word / sizeof word[0])], -3 * (float)mid__rng_unit(&rng),
                  4 * (float)mid__rng_unit(&rng), h);
    }
    return t;
}

static void fill(answers *a)
{
    mid__rng rng;
    size_t i;

    mid__rng_init(&rng, seed, 999);
    for (i = 0; i < N_ANSWER; i++) {
        answers_put(a, random_trace(i, i % 3 == 0, 1 + mid__rng_below(&rng, N_TOK_MAX)), i % 3 == 0);
        a->answer[i].group = (uint32_t)(i / 2);
    }
}

/* One monitor ready for use, and what it was made from. */
struct ready { const mid_monitor_ops *ops; answers a; mid_weights *w; mid_monitor *m; mid_stream *s; };

/* A hybrid that learns whom to trust joins its members here, however little that brings: it reads them all. */
static const mid_param *fit_params(const mid_monitor_ops *ops)
{
    static const mid_param joined[] = { { "margin", -1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_param *p;

    for (p = ops->reads ? ops->params : NULL; p && p->name; p++)
        if (strcmp(p->name, "margin") == 0)
            return joined;
    return NULL;
}

/* Fitted once for all tests: fits take most of the time. Packed weights, or n_byte 0: nothing to learn. */
struct kept { const mid_monitor_ops *ops; void *bytes; size_t n_byte; };

static mid_status fit_once(const mid_monitor_ops *ops, const mid_fit_set *set, mid_weights **out)
{
    static struct kept kept[256];       /* lives as long as the program */
    size_t i;
    mid_status status;

    *out = NULL;
    for (i = 0; kept[i].ops && kept[i].ops != ops; i++)
        assert_true(i + 1 < sizeof kept / sizeof kept[0]);
    if (kept[i].ops)
        return kept[i].n_byte ? mid_weights_unpack(test_ctx(), kept[i].bytes, kept[i].n_byte, out) : MID_OK;
    status = mid_monitor_fit(test_ctx(), ops, fit_params(ops), set, out);
    if (status == MID_OK) {
        kept[i].ops = ops;
        if (*out)
            CHECK_OK(mid_weights_pack(test_ctx(), *out, &kept[i].bytes, &kept[i].n_byte));
    }
    return status;
}

/* False: what it learns with is not on this machine. */
static bool ready_open(struct ready *r, const mid_monitor_ops *ops)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    mid_fit_set set;
    mid_status status;

    memset(r, 0, sizeof *r);
    r->ops = ops;
    fill(&r->a);
    set = set_of(&r->a);
    status = fit_once(ops, &set, &r->w);
    if (status == MID_EPLUGIN) {
        print_message("    skipped: %s\n", mid_ctx_message(test_ctx()));
        return false;
    }
    CHECK_OK(status);
    CHECK((r->w != NULL) == (ops->fit != NULL));
    CHECK_OK(mid_monitor_open(test_ctx(), ops, NULL, r->w, &signals, &r->m));
    CHECK(mid_monitor_info(r->m) == ops);
    CHECK_OK(mid_stream_open(test_ctx(), r->m, &r->s));
    return true;
}

static void ready_close(struct ready *r)
{
    mid_stream_close(r->s);
    mid_monitor_close(r->m);
    mid_weights_close(r->w);
    answers_clear(&r->a);
}

/* Score into score (N_TOK_MAX) and check that all are finite. */
static void score_trace(struct ready *r, const mid_trace *t, double *score)
{
    uint32_t i;

    CHECK_OK(mid_stream_score(test_ctx(), r->s, t, score, NULL));
    for (i = 0; i < mid_trace_n_tok(t); i++)
        CHECK(isfinite(score[i]));
}

/* All of the registry, or the one that $MIDSTREAM_TEST_MONITOR names. */
static void for_each(void (*check)(struct ready *))
{
    const char *only = getenv("MIDSTREAM_TEST_MONITOR");
    const mid_monitor_ops *const *ops;
    struct ready r;

    print_message("seed %llu\n", (unsigned long long)seed);
    CHECK(!only || mid_monitor_find(only));
    for (ops = mid_monitor_list(); *ops; ops++) {
        if (only && strcmp((*ops)->name, only) != 0)
            continue;
        print_message("  %s\n", (*ops)->name);
        if (ready_open(&r, *ops))
            check(&r);
        ready_close(&r);
    }
}

static void replay(struct ready *r)
{
    double a[N_TOK_MAX], b[N_TOK_MAX], other[N_TOK_MAX];
    float cost_us[N_TOK_MAX];
    size_t i;

    for (i = 0; i < 6; i++) {
        const mid_trace *t = r->a.answer[i].trace;
        const size_t n = mid_trace_n_tok(t);
        score_trace(r, t, a);
        score_trace(r, r->a.answer[i + 1].trace, other);
        CHECK_OK(mid_stream_score(test_ctx(), r->s, t, b, cost_us));
        assert_memory_equal(a, b, n * sizeof *a);
    }
}
TEST(contract, replay_gives_the_same_bits) { for_each(replay); }

/* Two answers whose first 7 tokens are alike and whose later ones are not; and those 7 alone. */
static void causal(struct ready *r)
{
    enum { N_SHARED = 7 };
    mid_trace *full = random_trace(7000, 1, N_TOK_MAX), *cut, *other;
    double a[N_TOK_MAX], b[N_TOK_MAX];
    float h[SCRATCH_N(N_LAYER, D)];
    mid_prompt prompt;
    mid_step step;
    uint32_t i;

    mid_trace_prompt(full, h, &prompt);
    CHECK_OK(mid_trace_open(test_ctx(), mid_trace_signals(full), &prompt, &cut));
    CHECK_OK(mid_trace_open(test_ctx(), mid_trace_signals(full), &prompt, &other));
    for (i = 0; i < N_TOK_MAX; i++) {
        mid_trace_step(full, i, h, &step);
        if (i < N_SHARED)
            CHECK_OK(mid_trace_append(cut, &step));
        if (i < N_SHARED)
            CHECK_OK(mid_trace_append(other, &step));
        else
            trace_put(other, " quite otherwise", -9, 4, h);
    }
    score_trace(r, full, a);
    score_trace(r, cut, b);
    assert_memory_equal(a, b, N_SHARED * sizeof *a);
    score_trace(r, other, b);
    assert_memory_equal(a, b, N_SHARED * sizeof *a);
    mid_trace_close(full);
    mid_trace_close(cut);
    mid_trace_close(other);
}
TEST(contract, later_tokens_never_change_earlier_scores) { for_each(causal); }

static void snapshot(struct ready *r)
{
    mid_trace *t = random_trace(8000, 0, N_TOK_MAX);

    check_snapshot(r->m, r->s, t);
    mid_trace_close(t);
}
TEST(contract, snapshot_goes_on_with_the_same_bits) { for_each(snapshot); }

/* Pushed one by one, taking turns with another answer's stream: the same as each scored as a whole. */
static void turns(struct ready *r)
{
    mid_trace *t[2] = { random_trace(8100, 0, N_TOK_MAX), random_trace(8101, 1, N_TOK_MAX) };
    double *whole[2];
    mid_stream *s[2];
    uint32_t i;
    int k;

    for (k = 0; k < 2; k++) {
        whole[k] = scores_of(r->s, t[k]);
        CHECK_OK(mid_stream_open(test_ctx(), r->m, &s[k]));
        start_on(s[k], t[k]);
    }
    for (i = 0; i < N_TOK_MAX; i++)
        for (k = 0; k < 2; k++)
            push_some(s[k], t[k], i, i + 1, whole[k]);
    for (k = 0; k < 2; k++) {
        mid_stream_close(s[k]);
        mid_trace_close(t[k]);
        free(whole[k]);
    }
}
TEST(contract, token_by_token_is_the_whole) { for_each(turns); }

static void not_finite(struct ready *r)
{
    static const float bad_value[] = { NAN, INFINITY, -INFINITY };
    const mid_trace *t = r->a.answer[1].trace;
    const bool reads_rows = strcmp(r->ops->name, "prompt_only") != 0;   /* it reads the prompt's row alone */
    float h[SCRATCH_N(N_LAYER, D)], bad_h[N_LAYER * D], prompt_h[SCRATCH_N(N_LAYER, D)], bad_row[MID_TOP_MAX];
    mid_prompt prompt;
    mid_step good, bad;
    size_t i, j;

    mid_trace_prompt(t, prompt_h, &prompt);
    CHECK_OK(mid_stream_start(r->s, &prompt));
    mid_trace_step(t, 0, h, &good);
    push(r->s, &good);
    good.i_tok = 1;
    for (i = 0; i < 3; i++) {
        bad = good;
        bad.lp = bad_value[i];
        if (r->ops->needs & MID_SIG_LOGPROB)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        bad = good;
        bad.entropy_nats = bad_value[i];
        if (r->ops->needs & MID_SIG_ENTROPY)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        for (j = 0; j < MID_TOP_MAX; j++)
            bad_row[j] = bad_value[i];
        bad = good;
        bad.top_lp = bad_row;
        if (r->ops->needs & MID_SIG_TOP)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        bad = good;
        bad.spread = bad_row;
        if (r->ops->needs & MID_SIG_SPREAD)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        bad = good;
        bad.attention = bad_row;        /* of all heads, and of all layers: one of them is read */
        if (r->ops->needs & MID_SIG_ATTENTION)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        bad = good;
        bad.lens = bad_row;
        if (r->ops->needs & MID_SIG_LENS)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        bad = good;
        bad.lp_alone = bad_value[i];
        if (r->ops->needs & MID_SIG_ALONE)
            check_step_refused(r->s, &bad, MID_ENUMERIC);
        bad = good;
        bad.hidden = bad_h;
        for (j = 0; j < D; j++) {
            memcpy(bad_h, h, sizeof bad_h);
            bad_h[j] = bad_h[D + j] = bad_value[i];                     /* in both layers: one of them is read */
            if ((r->ops->needs & MID_SIG_HIDDEN) && reads_rows)
                check_step_refused(r->s, &bad, MID_ENUMERIC);
        }
    }
    if (!reads_rows) {
        prompt.hidden = bad_h;
        CHECK_FAILS(mid_stream_start(r->s, &prompt), MID_ENUMERIC);
    }
    bad = good;
    bad.have |= MID_SIG_JUDGE;
    bad.judge = NAN;
    if (r->ops->needs & MID_SIG_JUDGE)
        check_step_refused(r->s, &bad, MID_ENUMERIC);
    if (r->ops->needs & MID_SIG_AFFIRM) {
        prompt.affirm = NAN;
        CHECK_FAILS(mid_stream_start(r->s, &prompt), MID_ENUMERIC);
    }
}
TEST(contract, not_a_number_changes_nothing) { for_each(not_finite); }

static void missing(struct ready *r)
{
    const mid_trace *t = r->a.answer[1].trace;
    mid_signals signals = signals_of(N_LAYER, D);
    float h[SCRATCH_N(N_LAYER, D)], prompt_h[SCRATCH_N(N_LAYER, D)];
    mid_prompt prompt;
    mid_step step, bad;
    mid_monitor *m = NULL;
    uint32_t bit;

    mid_trace_prompt(t, prompt_h, &prompt);
    CHECK_OK(mid_stream_start(r->s, &prompt));
    mid_trace_step(t, 0, h, &step);
    push(r->s, &step);
    for (bit = 1; bit <= MID_SIG_JUDGE; bit <<= 1) {
        if (!(r->ops->needs & bit))
            continue;
        bad = step;
        bad.have &= ~bit;
        if (!(bit & MID_SIG_SPARSE))
            check_step_refused(r->s, &bad, MID_ESIGNAL);
        signals.have = ALL_SIGNALS & ~bit;
        CHECK_FAILS(mid_monitor_open(test_ctx(), r->ops, NULL, r->w, &signals, &m), MID_ESIGNAL);
        CHECK_SAYS(r->ops->name);
    }
    CHECK(m == NULL);
}
TEST(contract, missing_signal_is_refused) { for_each(missing); }

static void deterministic(struct ready *r)
{
    const mid_fit_set set = set_of(&r->a);
    mid_weights *again;

    if (!r->w)
        return;
    CHECK_OK(mid_monitor_fit(test_ctx(), r->ops, fit_params(r->ops), &set, &again));
    check_same_weights(r->w, again);
    mid_weights_close(again);
}
TEST(contract, fit_is_deterministic) { for_each(deterministic); }

/* Opening with these weights, given, fails so. */
static void refuses_weights(const struct ready *r, mid_weights *given, mid_status want)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    mid_monitor *m = NULL;

    CHECK_FAILS(mid_monitor_open(test_ctx(), r->ops, NULL, given, &signals, &m), want);
    CHECK(m == NULL);
    mid_weights_close(given);
}

static void strangers(struct ready *r)
{
    static const char *const tensor[] = {
        "w", "b", "mu", "whiten", "mu_other", "whiten_other", "lo", "hi", "width", "centre", "radius", "area", "head",
        "mean", "axis", "theta", "cost", "emit", "safe", "unsafe", "start", "move", "sigma", "word", "pair", "unknown",
        "w1", "b1", "w2", "b2", "w3", "b3", "w4", "b4", "more", "layers", "u", "c", "lambda",
        "normal.0", "auroc"
    };
    static const char *const orientation[] = { "0", "nan", "2", "-1e300", "" };
    static const char *const layer[] = { "7", "nan", "1e300", "-1e300", "0.5", "" };
    static const float zero[6] = { 0 };
    const float *data;
    size_t i, n_row, n_col, n_tensor = 0;
    mid_weights *w;

    if (!r->w)
        return;
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "monitor", "another"));
    refuses_weights(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "monitor_version", r->ops->version + 1));
    refuses_weights(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "observer", "observer-b"));
    refuses_weights(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "param.c", "many"));
    if (mid_weights_text(r->w, "param.c"))
        refuses_weights(r, w, MID_EFORMAT);
    else
        mid_weights_close(w);
    for (i = 0; i < sizeof tensor / sizeof tensor[0]; i++) {
        if (mid_weights_get(NULL, r->w, tensor[i], &data, &n_row, &n_col) != MID_OK)
            continue;
        n_tensor++;
        w = copy_of(r->w);
        CHECK_OK(mid_weights_set(test_ctx(), w, tensor[i], zero, 2, 3));
        refuses_weights(r, w, MID_EFORMAT);
    }
    CHECK(n_tensor >= 1 || mid_weights_text(r->w, "orientation"));
    for (i = 0; mid_weights_text(r->w, "orientation") && i < sizeof orientation / sizeof orientation[0]; i++) {
        w = copy_of(r->w);
        CHECK_OK(mid_weights_set_text(test_ctx(), w, "orientation", orientation[i]));
        refuses_weights(r, w, MID_EFORMAT);
    }
    for (i = 0; mid_weights_text(r->w, "layer") && i < sizeof layer / sizeof layer[0]; i++) {
        w = copy_of(r->w);
        CHECK_OK(mid_weights_set_text(test_ctx(), w, "layer", layer[i]));
        refuses_weights(r, w, MID_ESIGNAL);
    }
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    refuses_weights(r, w, MID_EFORMAT);
}
TEST(contract, weights_refuse_strangers) { for_each(strangers); }

static void needs_weights(struct ready *r)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    mid_weights *stray;
    mid_monitor *m = NULL;

    CHECK_OK(mid_weights_open(test_ctx(), &stray));
    CHECK_FAILS(mid_monitor_open(test_ctx(), r->ops, NULL, r->w ? NULL : stray, &signals, &m), MID_EINVAL);
    CHECK(m == NULL);
    mid_weights_close(stray);
}
TEST(contract, weights_come_with_monitors_that_learn) { for_each(needs_weights); }

static void unknown_param(struct ready *r)
{
    static const mid_param params[] = { { "no_such_thing", 1, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_signals signals = signals_of(N_LAYER, D);
    const mid_fit_set set = set_of(&r->a);
    mid_weights *w = NULL;
    mid_monitor *m = NULL;

    if (r->ops->fit)
        CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, params, &set, &w), MID_EINVAL);
    CHECK_FAILS(mid_monitor_open(test_ctx(), r->ops, params, r->w, &signals, &m), MID_EINVAL);
    CHECK_SAYS("no parameter 'no_such_thing'");
    CHECK(w == NULL && m == NULL);
}
TEST(contract, unknown_parameter_is_refused) { for_each(unknown_param); }

static void bad_sets(struct ready *r)
{
    mid_signals other = signals_of(N_LAYER, D + 3);
    mid_fit_set set = set_of(&r->a);
    float h[N_LAYER * (D + 3)] = { 0 };
    mid_trace *wide;
    mid_weights *w = NULL;
    size_t i;

    if (!r->ops->fit)
        return;
    set.n = 0;
    CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, NULL, &set, &w), MID_EUNDEFINED);
    set = set_of(&r->a);
    if (r->ops->needs & MID_SIG_HIDDEN) {               /* an answer read by another observer, or laid out otherwise */
        const mid_trace *own = r->a.answer[5].trace;
        wide = trace_open(&other, "p", h);
        trace_put(wide, "x", -1, 1, h);
        r->a.answer[5].trace = wide;
        CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, NULL, &set, &w), MID_EMISMATCH);
        CHECK_SAYS("answer 5");
        mid_trace_close(wide);
        other = signals_of(N_LAYER, D);
        snprintf(other.observer, sizeof other.observer, "observer-b");
        wide = trace_open(&other, "p", h);
        trace_put(wide, "x", -1, 1, h);
        r->a.answer[5].trace = wide;
        CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, NULL, &set, &w), MID_EMISMATCH);
        mid_trace_close(wide);
        r->a.answer[5].trace = own;
    }
    r->a.answer[2].label = 2;
    CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, NULL, &set, &w), MID_EINVAL);
    CHECK_SAYS("answer 2 has label 2");
    for (i = 0; i < r->a.n; i++)
        r->a.answer[i].label = 1;
    CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, NULL, &set, &w), MID_EUNDEFINED);
    for (i = 0; i < r->a.n; i++)
        r->a.answer[i].label = 0;
    CHECK_FAILS(mid_monitor_fit(test_ctx(), r->ops, NULL, &set, &w), MID_EUNDEFINED);
    CHECK(w == NULL);
}
TEST(contract, fit_sets_are_checked) { for_each(bad_sets); }

static void file(struct ready *r)
{
    const mid_signals signals = signals_of(N_LAYER, D);
    const char *path = test_path(r->ops->name);
    mid_monitor *m;

    if (!r->w)
        return;
    CHECK_OK(mid_weights_save(test_ctx(), r->w, path));
    CHECK_OK(mid_monitor_load(test_ctx(), path, &signals, &m));
    CHECK(mid_monitor_info(m) == r->ops);
    check_same_scores(r->s, m, r->a.answer[0].trace);
    mid_monitor_close(m);
}
TEST(contract, file_gives_the_same_scores) { for_each(file); }

/* Streams are copied and kept by the thousand. */
static void small(struct ready *r)
{
    CHECK(r->ops->state_size_of || mid_stream_size(r->s) == r->ops->state_size);
    CHECK(mid_stream_size(r->s) <= 50000);
}
TEST(contract, state_is_small) { for_each(small); }

/* The build links this program with --wrap, so that what the library allocates passes here. */
static volatile size_t n_allocated;     /* or the compiler, which knows malloc, would not look again */
void *__real_malloc(size_t n) __attribute__((weak));
void *__real_calloc(size_t n, size_t size) __attribute__((weak));
void *__real_realloc(void *at, size_t n) __attribute__((weak));
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t n);
void *__wrap_malloc(size_t n) { n_allocated++; return __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { n_allocated++; return __real_calloc(n, size); }
void *__wrap_realloc(void *at, size_t n) { n_allocated++; return __real_realloc(at, n); }

/* What a token costs does not grow with the tokens before it: a push can look back only as far as its state, whose size
 * is fixed, since it asks for no memory, on the first token or the 600th. */
static void bounded(struct ready *r)
{
    enum { N_LONG = 600 };
    const size_t n_state = mid_stream_size(r->s);
    mid_trace *t = random_trace(9000, 1, N_TOK_MAX);
    float h[SCRATCH_N(N_LAYER, D)];
    uint32_t at_byte = 0, i;
    mid_prompt prompt;
    mid_step step;
    mid_status status = MID_OK;
    double score;

    mid_trace_prompt(t, h, &prompt);
    CHECK_OK(mid_stream_start(r->s, &prompt));
    n_allocated = 0;
    for (i = 0; status == MID_OK && i < N_LONG; i++) {
        mid_trace_step(t, i % N_TOK_MAX, h, &step);
        step.i_tok = i;
        step.at_byte = at_byte;
        at_byte += step.n_text;
        status = mid_stream_push(r->s, &step, &score);
        if (n_allocated)
            fail_msg("%s asks for memory at token %u", r->ops->name, i);
    }
    CHECK_INT(status, MID_OK);
    CHECK_INT(mid_stream_size(r->s), n_state);
    mid_trace_close(t);
}

TEST(contract, a_token_costs_the_same_wherever_it_stands)
{
    void *volatile probe;

    n_allocated = 0;
    probe = malloc(1);
    free(probe);
    if (!n_allocated) {
        print_message("skipped: not linked with --wrap=malloc,--wrap=calloc,--wrap=realloc\n");
        skip();
    }
    for_each(bounded);
}

static void described(struct ready *r)
{
    const mid_monitor_ops *ops = r->ops;
    const mid_param *p;
    const char *c;

    CHECK(mid_monitor_find(ops->name) == ops);
    for (c = ops->name; *c; c++)
        CHECK(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    CHECK(ops->version >= 1);
    CHECK(ops->summary && ops->summary[0] && ops->unit && ops->unit[0] && ops->source && ops->source[0]);
    CHECK_TEXT(mid_box_name(ops->box), ops->box == MID_BOX_CONTROL ? "control" : ops->box == MID_BOX_BLACK ? "black"
                                     : ops->box == MID_BOX_GREY ? "grey" : "white");
    if (ops->box == MID_BOX_BLACK)
        CHECK(ops->needs && !(ops->needs & ~(uint32_t)(MID_SIG_TEXT | MID_SIG_SAMPLES | MID_SIG_JUDGE)));
    if (ops->box == MID_BOX_WHITE)
        CHECK(ops->needs & (MID_SIG_HIDDEN | MID_SIG_ATTENTION | MID_SIG_LENS | MID_SIG_SAMPLES));
    for (p = ops->reads ? ops->params : NULL; p && p->name; p++)
        CHECK(p->help && p->help[0]);
}
TEST(contract, is_described) { for_each(described); }

TEST(contract, registry_is_sorted)
{
    const mid_monitor_ops *const *ops;

    for (ops = mid_monitor_list(); ops[0] && ops[1]; ops++)
        CHECK(strcmp(ops[0]->name, ops[1]->name) < 0);
    CHECK(mid_monitor_find("no_such_monitor") == NULL);
}

/* Does any test of this folder but this one name the monitor, in quotes? */
/* Does a test file of the folder name it? */
static bool is_tested_in(const char *folder, const char *name)
{
    char quoted[64], path[512];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool found = false;

    assert_non_null(dir);
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    while ((entry = readdir(dir)) && !found) {
        char *bytes;
        size_t n;
        if (strncmp(entry->d_name, "test_", 5) != 0 || strcmp(entry->d_name, "test_contract.c") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%.255s", folder, entry->d_name);
        CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
        found = memmem(bytes, n, quoted, strlen(quoted)) != NULL;
        mid_free(bytes);
    }
    closedir(dir);
    return found;
}

static void has_test_and_card(struct ready *r)
{
    char path[128], *bytes;
    size_t n;

    CHECK(is_tested_in(r->ops->reads ? "tests/hybrid" : "tests/monitor", r->ops->name));
    snprintf(path, sizeof path, "docs/monitors/%s.md", r->ops->name);
    CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
    assert_memory_equal(bytes, "# ", 2);
    CHECK(strncmp(bytes + 2, r->ops->name, strlen(r->ops->name)) == 0);
    mid_free(bytes);
    CHECK_OK(mid__file_read(test_ctx(), "docs/monitors/README.md", 0, &bytes, &n));
    snprintf(path, sizeof path, "(%s.md)", r->ops->name);
    CHECK(memmem(bytes, n, path, strlen(path)) != NULL);
    mid_free(bytes);
}
TEST(contract, has_a_test_and_a_card) { for_each(has_test_and_card); }
