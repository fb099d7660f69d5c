/* What every aggregator promises, checked on all of the registry, alone and in every chain of two; and behind monitors,
 * as streams: one that learns and one that does not. */
#include "aggregates.h"
#include "contract.h"

#include <ctype.h>

#include "base/file.h"
#include "base/rng.h"

enum { N_ANSWER = 80, N_TOK_MAX = 24, D = 3 };

static const uint64_t seed = 20240618;

/* ---- made-up scores: those of unsafe answers lie higher ---- */

typedef struct scored { double score[N_ANSWER][N_TOK_MAX]; mid_scored_answer answer[N_ANSWER]; mid_score_set set; } scored;

static void fill_scores(scored *s)
{
    mid__rng rng;
    size_t i, t;

    mid__rng_init(&rng, seed, 1);
    s->set = (mid_score_set){ s->answer, N_ANSWER };
    for (i = 0; i < N_ANSWER; i++) {
        s->answer[i] = (mid_scored_answer){ s->score[i], 1 + mid__rng_below(&rng, N_TOK_MAX), i % 3 == 0 };
        for (t = 0; t < N_TOK_MAX; t++)
            s->score[i][t] = 4 * mid__rng_unit(&rng) - 2 + s->answer[i].label;
    }
}

/* Every aggregator, and every one behind every one. */
static void for_each_chain(void (*check)(aggregated *, const scored *))
{
    const mid_aggregator_ops *const *a, *const *b;
    char text[MID_SPEC_BYTES];
    aggregated chain;
    scored s;

    fill_scores(&s);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (a = mid_aggregator_list(); *a; a++) {
        aggregated_open(&chain, (*a)->name, &s.set);
        check(&chain, &s);
        aggregated_close(&chain);
        for (b = mid_aggregator_list(); *b; b++) {
            snprintf(text, sizeof text, "%s+%s", (*a)->name, (*b)->name);
            aggregated_open(&chain, text, &s.set);
            check(&chain, &s);
            aggregated_close(&chain);
        }
    }
}

static void same_bits(aggregated *a, const scored *s)
{
    double first[N_TOK_MAX], again[N_TOK_MAX];
    size_t i, t;

    for (i = 0; i < 5; i++) {
        mid__chain_score(&a->chain, a->state, s->score[i], N_TOK_MAX, first);
        for (t = 0; t < N_TOK_MAX; t++)
            CHECK(!isnan(first[t]) && first[t] < INFINITY);
        mid__chain_score(&a->chain, a->state, s->score[i + 1], N_TOK_MAX, again);
        mid__chain_score(&a->chain, a->state, s->score[i], N_TOK_MAX / 2, again);
        assert_memory_equal(first, again, N_TOK_MAX / 2 * sizeof *first);
    }
}
TEST(aggregators, replay_gives_the_same_bits) { for_each_chain(same_bits); }

/* A state that was copied in the middle goes on as the original does. */
static void copied(aggregated *a, const scored *s)
{
    const size_t n = a->chain.state_size;
    void *copy = malloc(n + 1);
    double whole[N_TOK_MAX];
    size_t t, at;

    assert_non_null(copy);
    mid__chain_score(&a->chain, a->state, s->score[0], N_TOK_MAX, whole);
    for (at = 0; at <= N_TOK_MAX; at += 5) {
        memset(a->state, 0, n);
        for (t = 0; t < at; t++)
            aggregated_push(a, s->score[0][t]);
        memcpy(copy, a->state, n);
        for (t = 0; t < 9; t++)
            aggregated_push(a, s->score[1][t]);
        memcpy(a->state, copy, n);
        for (t = at; t < N_TOK_MAX; t++)
            CHECK(aggregated_push(a, s->score[0][t]) == whole[t]);
    }
    free(copy);
}
TEST(aggregators, states_can_be_copied) { for_each_chain(copied); }

/* Nothing yet, wherever it comes: nothing is given, and the state does not move. */
static void nothing_yet(aggregated *a, const scored *s)
{
    const size_t n = a->chain.state_size;
    void *before = malloc(n + 1);
    size_t t;

    assert_non_null(before);
    memset(a->state, 0, n);
    for (t = 0; t < 9; t++) {
        memcpy(before, a->state, n);
        CHECK(aggregated_push(a, -INFINITY) == -INFINITY);
        assert_memory_equal(before, a->state, n);
        aggregated_push(a, s->score[0][t]);
    }
    free(before);
}
TEST(aggregators, nothing_in_nothing_out) { for_each_chain(nothing_yet); }

/* Higher means more unsafe, in and out: raising one score lowers no aggregate. */
static void monotone(aggregated *a, const scored *s)
{
    double score[N_TOK_MAX], low[N_TOK_MAX], high[N_TOK_MAX];
    size_t t, i;

    mid__chain_score(&a->chain, a->state, s->score[2], N_TOK_MAX, low);
    for (i = 0; i < N_TOK_MAX; i += 3) {
        memcpy(score, s->score[2], sizeof score);
        score[i] += 0.75;
        mid__chain_score(&a->chain, a->state, score, N_TOK_MAX, high);
        for (t = 0; t < N_TOK_MAX; t++)
            CHECK(high[t] >= low[t] - 1e-12);
    }
}
TEST(aggregators, keep_the_sign) { for_each_chain(monotone); }

/* The largest and smallest numbers there are: no NaN, and never an infinity that another link would choke on. */
static void extreme(aggregated *a, const scored *s)
{
    static const double score[] = { 1.7e308, 1.7e308, -1.7e308, -1.7e308, 0, 1.7e308, 5e-324, -1.7e308, 1.7e308 };
    size_t t;

    (void)s;
    memset(a->state, 0, a->chain.state_size);
    for (t = 0; t < sizeof score / sizeof score[0]; t++) {
        const double g = aggregated_push(a, score[t]);
        CHECK(!isnan(g) && g < INFINITY);
    }
}
TEST(aggregators, bear_the_largest_numbers) { for_each_chain(extreme); }

static void small(aggregated *a, const scored *s)
{
    (void)s;
    CHECK(a->chain.state_size <= 2 * (MID_AGGREGATOR_KEEP_MAX * sizeof(double) + 32));
}
TEST(aggregators, states_are_small) { for_each_chain(small); }

/* ---- behind monitors ---- */

static mid_trace *random_trace(uint64_t i_stream, int label, uint32_t n_tok)
{
    const mid_signals signals = signals_of(1, D);
    float h[D] = { 0 };
    mid_trace *t = trace_open(&signals, "p", h);
    mid__rng rng;
    uint32_t i, j;

    mid__rng_init(&rng, seed, i_stream);
    for (i = 0; i < n_tok; i++) {
        for (j = 0; j < D; j++)
            h[j] = (float)(2 * mid__rng_unit(&rng) - 1) + (float)(label * (j == 1));
        trace_put(t, "x", -1, (float)(2 * mid__rng_unit(&rng)) + (float)label, h);
    }
    return t;
}

static void fill_answers(answers *a)
{
    size_t i;

    for (i = 0; i < 24; i++)
        answers_put(a, random_trace(i, i % 2, 3 + (uint32_t)i % 9), i % 2);
}

struct ready { mid_monitor_spec spec; answers a; mid_weights *w; mid_monitor *m; mid_stream *s; };

static void ready_open(struct ready *r, const char *text)
{
    const mid_signals signals = signals_of(1, D);
    mid_fit_set set;

    memset(r, 0, sizeof *r);
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), text, &r->spec));
    fill_answers(&r->a);
    set = set_of(&r->a);
    CHECK_OK(mid_monitor_spec_fit(test_ctx(), &r->spec, NULL, &set, &r->w));
    CHECK((r->w != NULL) == mid_monitor_spec_learns(&r->spec));
    CHECK_OK(mid_monitor_spec_open(test_ctx(), &r->spec, NULL, r->w, &signals, &r->m));
    CHECK(mid_monitor_info(r->m) == r->spec.monitor);
    CHECK_INT(mid_monitor_spec_of(r->m)->n_aggregate, r->spec.n_aggregate);
    CHECK_OK(mid_stream_open(test_ctx(), r->m, &r->s));
}

static void ready_close(struct ready *r)
{
    mid_stream_close(r->s);
    mid_monitor_close(r->m);
    mid_weights_close(r->w);
    answers_clear(&r->a);
}

/* Every aggregator behind a monitor that learns and one that does not; and two in a chain. */
static void for_each_spec(void (*check)(struct ready *))
{
    static const char *const monitor[] = { "entropy_mean", "probe_linear" };
    const mid_aggregator_ops *const *a;
    char text[MID_SPEC_BYTES];
    struct ready r;
    size_t i;

    for (a = mid_aggregator_list(); *a; a++)
        for (i = 0; i < 3; i++) {
            snprintf(text, sizeof text, "%s+%s%s", monitor[i % 2], (*a)->name, i == 2 ? "+position_norm" : "");
            print_message("  %s\n", text);
            ready_open(&r, text);
            check(&r);
            ready_close(&r);
        }
}

/* A stream gives what the monitor's own scores give when they are pushed through the aggregators. */
static void composed(struct ready *r)
{
    const mid_signals signals = signals_of(1, D);
    const mid_fit_set set = set_of(&r->a);
    const mid_trace *t = r->a.answer[11].trace;
    const size_t n = mid_trace_n_tok(t);
    double got[N_TOK_MAX], want[N_TOK_MAX];
    mid_weights *w;
    mid_monitor *m;
    mid_stream *s;
    mid__chain chain;
    void *state;

    CHECK_OK(mid_monitor_fit(test_ctx(), r->spec.monitor, NULL, &set, &w));
    CHECK_OK(mid_monitor_open(test_ctx(), r->spec.monitor, NULL, w, &signals, &m));
    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    CHECK_OK(mid_stream_score(test_ctx(), s, t, want, NULL));
    CHECK_OK(mid__chain_open(test_ctx(), &r->spec, r->w, &chain));
    state = calloc(1, chain.state_size + 1);
    mid__chain_score(&chain, state, want, n, want);
    CHECK_OK(mid_stream_score(test_ctx(), r->s, t, got, NULL));
    assert_memory_equal(got, want, n * sizeof *got);
    free(state);
    mid__chain_close(&chain);
    mid_stream_close(s);
    mid_monitor_close(m);
    mid_weights_close(w);
}
TEST(aggregators, a_stream_is_monitor_and_chain) { for_each_spec(composed); }

static void snapshot(struct ready *r) { check_snapshot(r->m, r->s, r->a.answer[23].trace); }
TEST(aggregators, snapshot_goes_on_with_the_same_bits) { for_each_spec(snapshot); }

static void not_a_number(struct ready *r)
{
    float bad[D] = { NAN, NAN, NAN }, h[D] = { 0 };
    const mid_step good = { .have = ALL_SIGNALS, .text = "x", .n_text = 1, .entropy_nats = 1, .hidden = h };
    const mid_step wrong = { .have = ALL_SIGNALS, .i_tok = 1, .text = "x", .n_text = 1, .entropy_nats = NAN,
                             .hidden = bad };

    CHECK_OK(mid_stream_start(r->s, NULL));
    push(r->s, &good);
    check_step_refused(r->s, &wrong, MID_ENUMERIC);
}
TEST(aggregators, not_a_number_changes_nothing) { for_each_spec(not_a_number); }

/* Saved, loaded under its name alone, and the same bits; the monitor's tensors are as they were. */
static void file(struct ready *r)
{
    const mid_signals signals = signals_of(1, D);
    const char *path = test_path("aggregated.safetensors");
    char text[MID_SPEC_BYTES], want[MID_SPEC_BYTES];
    mid_monitor *m;

    if (!r->w)
        return;
    CHECK_OK(mid_weights_save(test_ctx(), r->w, path));
    CHECK_OK(mid_monitor_load(test_ctx(), path, &signals, &m));
    mid_monitor_spec_text(mid_monitor_spec_of(m), text);
    mid_monitor_spec_text(&r->spec, want);
    CHECK_TEXT(text, want);
    check_same_scores(r->s, m, r->a.answer[3].trace);
    mid_monitor_close(m);
}
TEST(aggregators, file_gives_the_same_scores) { for_each_spec(file); }

static void deterministic(struct ready *r)
{
    const mid_fit_set set = set_of(&r->a);
    mid_weights *again;

    if (!r->w)
        return;
    CHECK_OK(mid_monitor_spec_fit(test_ctx(), &r->spec, NULL, &set, &again));
    check_same_weights(r->w, again);
    mid_weights_close(again);
}
TEST(aggregators, fit_is_deterministic) { for_each_spec(deterministic); }

/* Opening with these weights, given, fails so. */
static void refuses(const struct ready *r, mid_weights *given, mid_status want)
{
    const mid_signals signals = signals_of(1, D);
    mid_monitor *m = NULL;

    CHECK_FAILS(mid_monitor_spec_open(test_ctx(), &r->spec, NULL, given, &signals, &m), want);
    CHECK(m == NULL);
    mid_weights_close(given);
}

static void strangers(struct ready *r)
{
    static const float zero[6] = { 0 };
    const mid_signals signals = signals_of(1, D);
    const float *data;
    mid_monitor *m = NULL;
    size_t n_row, n_col;
    mid_weights *w;

    if (!r->w)
        return;
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "aggregate", "last+last+last"));
    refuses(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "agg.0.version", 99));
    refuses(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "monitor", "another"));
    refuses(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "observer", "observer-b"));
    refuses(r, w, MID_EMISMATCH);
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "aggregate", "no_such(1e"));
    CHECK_FAILS(mid_monitor_open(test_ctx(), r->spec.monitor, NULL, w, &signals, &m), MID_EFORMAT);
    mid_weights_close(w);
    if (mid_weights_get(NULL, r->w, "agg.0.learned", &data, &n_row, &n_col) != MID_OK)
        return;
    w = copy_of(r->w);
    CHECK_OK(mid_weights_set(test_ctx(), w, "agg.0.learned", zero, 2, 3));
    refuses(r, w, MID_EFORMAT);
}
TEST(aggregators, weights_refuse_strangers) { for_each_spec(strangers); }

/* Weights of the monitor alone are not those of the monitor with an aggregator, nor the other way round. */
TEST(aggregators, weights_know_their_chain)
{
    const mid_signals signals = signals_of(1, D);
    mid_monitor_spec alone;
    mid_monitor *m = NULL;
    mid_weights *w;
    mid_fit_set set;
    struct ready r;

    ready_open(&r, "probe_linear+ema(0.5)");
    CHECK_TEXT(mid_weights_text(r.w, "aggregate"), "ema(0.5)");
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "probe_linear", &alone));
    set = set_of(&r.a);
    CHECK_OK(mid_monitor_spec_fit(test_ctx(), &alone, NULL, &set, &w));
    CHECK(mid_weights_text(w, "aggregate") == NULL);
    CHECK_FAILS(mid_monitor_spec_open(test_ctx(), &r.spec, NULL, w, &signals, &m), MID_EMISMATCH);
    CHECK_FAILS(mid_monitor_spec_open(test_ctx(), &alone, NULL, r.w, &signals, &m), MID_EMISMATCH);
    CHECK_SAYS("'ema(0.5)'");
    CHECK_FAILS(mid_monitor_spec_open(test_ctx(), &r.spec, NULL, NULL, &signals, &m), MID_EINVAL);
    CHECK_SAYS("probe_linear+ema(0.5) has to be fitted first");
    CHECK(m == NULL);
    CHECK_OK(mid_monitor_open(test_ctx(), alone.monitor, NULL, r.w, &signals, &m));     /* weights bring their chain along */
    CHECK_INT(mid_monitor_spec_of(m)->n_aggregate, 1);
    mid_monitor_close(m);
    mid_weights_close(w);
    ready_close(&r);
}

/* The second aggregator learns from what the first gives: kappa behind a maximum is half way between mean maxima. */
TEST(aggregators, a_chain_learns_link_by_link)
{
    const double s[] = { 0, 1, 0 }, u[] = { 2, 0, 5 };      /* maxima 0 1 1 and 2 2 5: means 2/3 and 3 */
    const mid_scored_answer answer[] = { { s, 3, 0 }, { u, 3, 1 } };
    const mid_score_set set = { answer, 2 };
    const float *kappa;
    aggregated a;

    aggregated_open(&a, "max+cusum", &set);
    CHECK_OK(mid_weights_expect(test_ctx(), a.w, "agg.1.learned", 1, 1, &kappa));
    CHECK_NEAR(kappa[0], (2.0 / 3 + 3) / 2, 1e-6);
    aggregated_close(&a);
    aggregated_open(&a, "in_a_row(3)+cusum", &set);         /* one score each: 0 and 0 */
    CHECK_OK(mid_weights_expect(test_ctx(), a.w, "agg.1.learned", 1, 1, &kappa));
    CHECK_NEAR(kappa[0], 0, 0);
    aggregated_close(&a);
    CHECK_OK(mid__chain_parse(test_ctx(), "in_a_row(4)+cusum", &a.spec));
    a.spec.monitor = mid_monitor_find("random");
    CHECK_OK(mid_weights_open(test_ctx(), &a.w));
    CHECK_FAILS(mid__chain_fit(test_ctx(), &a.spec, &set, a.w), MID_EUNDEFINED);        /* no answer is that long */
    mid_weights_close(a.w);
}

/* A monitor that breaks its word and calls NaN a score. */
static mid_status give_nan(const void *plan, void *state, const mid_step *step, double *score)
{
    (void)plan; (void)state;
    *score = step->i_tok == 1 ? NAN : step->i_tok == 2 ? INFINITY : 1;
    return MID_OK;
}

TEST(aggregators, are_never_given_nan)
{
    static const mid_monitor_ops ops = { .name = "liar", .version = 1, .push = give_nan };
    const mid_signals signals = { .have = 0 };
    mid_monitor_spec spec = { .monitor = &ops };
    double score = 42;
    mid_monitor *m;
    mid_stream *s;
    uint32_t i;

    CHECK_OK(mid__chain_parse(test_ctx(), "mean+max", &spec));
    CHECK_OK(mid_monitor_spec_open(test_ctx(), &spec, NULL, NULL, &signals, &m));
    s = stream_of(m, NULL);
    for (i = 0; i < 4; i++) {
        const mid_step step = { .i_tok = i };
        CHECK_FAILS(mid_stream_push(s, &step, &score), i == 1 || i == 2 ? MID_ENUMERIC : MID_OK);
        CHECK_NEAR(score, 1, 0);
    }
    mid_stream_close(s);
    mid_monitor_close(m);
}

/* ---- the registry ---- */

TEST(aggregators, are_described)
{
    const mid_aggregator_ops *const *a;
    const mid_aggregator_param *p;
    const char *c;

    for (a = mid_aggregator_list(); *a; a++) {
        CHECK(mid_aggregator_find((*a)->name) == *a);
        CHECK(!a[1] || strcmp((*a)->name, a[1]->name) < 0);
        for (c = (*a)->name; *c; c++)
            CHECK(islower((unsigned char)*c) || *c == '_');
        CHECK((*a)->version >= 1 && (*a)->summary[0] && (*a)->source[0] && (*a)->push);
        CHECK(((*a)->fit != NULL) == ((*a)->n_learned > 0) && (*a)->n_learned <= MID_AGGREGATOR_LEARN_MAX);
        for (p = (*a)->params; p && p->name; p++) {
            CHECK(p->help[0] && p->lo < p->hi && p - (*a)->params < MID_AGGREGATOR_PARAM_MAX);
            CHECK(isnan(p->number) ? (*a)->fit != NULL : p->number >= p->lo && p->number <= p->hi);
        }
        CHECK(!(*a)->state_per || ((*a)->params[0].whole && (*a)->params[0].hi <= MID_AGGREGATOR_KEEP_MAX));
    }
    CHECK(mid_aggregator_find("no_such") == NULL);
}

TEST(aggregators, have_a_test_and_a_card)
{
    const mid_aggregator_ops *const *a;
    char text[200], *card, *bytes;
    size_t n_card, n;

    CHECK_OK(mid__file_read(test_ctx(), "docs/monitors/aggregators.md", 0, &card, &n_card));
    for (a = mid_aggregator_list(); *a; a++) {
        snprintf(text, sizeof text, "tests/monitor/test_agg_%s.c", (*a)->name);
        CHECK_OK(mid__file_read(test_ctx(), text, 0, &bytes, &n));
        snprintf(text, sizeof text, "\"%s", (*a)->name);
        CHECK(memmem(bytes, n, text, strlen(text)) != NULL);
        mid_free(bytes);
        snprintf(text, sizeof text, "\n## %s\n", (*a)->name);
        CHECK(memmem(card, n_card, text, strlen(text)) != NULL);
    }
    mid_free(card);
}
