/* Names of members, rows by hand, and the two promises of fitting: no score of an answer that a member was fitted on,
 * and nothing done twice. */
#include "monitor/contract.h"

#include "base/rng.h"
#include "hybrid/members.h"

static mid__members parsed(const char *of)
{
    mid__members m;

    CHECK_OK(mid__members_parse(test_ctx(), of, &m));
    return m;
}

static void refused(const char *of, const char *says)
{
    mid__members m;

    CHECK_FAILS(mid__members_parse(test_ctx(), of, &m), MID_EINVAL);
    CHECK_SAYS(says);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

TEST(members, as_they_are_written)
{
    const mid__members m = parsed("  probe_linear + cusum( 0.1 ) + max,ngram_lr ,beside:surprisal_mean+ema(0.5)");

    CHECK_INT(m.n, 3);
    CHECK_TEXT(m.text[0], "probe_linear+cusum(0.1)+max");
    CHECK_TEXT(m.text[1], "ngram_lr");
    CHECK_TEXT(m.text[2], "beside:surprisal_mean+ema(0.5)");
    CHECK_INT(m.spec[0].n_aggregate, 2);
    CHECK(!m.beside[0] && !m.beside[1] && m.beside[2]);
}

/* A comma within brackets belongs to the member, though no aggregator takes two numbers so far. */
TEST(members, commas_inside_brackets)
{
    refused("probe_linear+cusum(0.1,2), ngram_lr", "'probe_linear+cusum(0.1,2)': cusum takes one number");
}

TEST(members, refuses_what_is_no_list)
{
    char many[2000] = "length", long_name[600];
    int i;

    refused("", "");
    refused("length", "at least two");
    refused("length,", "");
    refused(",length", "");
    refused("length, , random", "");
    refused("length, no_such_monitor", "no_such_monitor");
    refused("length, random+no_such(1)", "no_such");
    refused("length, random, length", "'length' is named twice");
    refused("random, surprisal_mean+ema(0.90), surprisal_mean+ema(.9)", "named twice");     /* two ways to write one */
    refused("length+cusum(0.1,2, random", "");
    refused("length), random", "");
    refused("length; random", "");
    for (i = 1; i <= MID__MEMBER_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ",length+ema(0.%02d)", i);
    refused(many, "at most 16");
    memset(long_name, 'x', sizeof long_name);
    memcpy(long_name + sizeof long_name - 9, ", length", 9);
    refused(long_name, "longer than 255");
}

/* The same monitor read by two observers is two members. */
TEST(members, beside_is_another_member)
{
    const mid__members m = parsed("surprisal_mean, beside:surprisal_mean");

    CHECK_INT(m.n, 2);
    CHECK(m.spec[0].monitor == m.spec[1].monitor);
}

TEST(members, what_they_read_together)
{
    mid__members m = parsed("surprisal_mean, entropy_mean");
    mid_monitor_reads grey, white, again;

    CHECK_OK(mid__members_reads(test_ctx(), &m, &grey));
    CHECK_INT(grey.needs, MID_SIG_LOGPROB | MID_SIG_ENTROPY);
    CHECK_INT(grey.box, MID_BOX_GREY);
    CHECK_INT(strlen(grey.members), 64);
    m = parsed("surprisal_mean, probe_linear, ngram_lr");
    CHECK_OK(mid__members_reads(test_ctx(), &m, &white));
    CHECK_INT(white.needs, MID_SIG_LOGPROB | MID_SIG_HIDDEN | MID_SIG_TEXT);
    CHECK_INT(white.shares, MID_SHARE_NGRAMS);
    CHECK_INT(white.box, MID_BOX_WHITE);
    m = parsed("entropy_mean, surprisal_mean");         /* another order: another hybrid */
    CHECK_OK(mid__members_reads(test_ctx(), &m, &again));
    CHECK(strcmp(grey.members, again.members) != 0);
}

/* ---- rows by hand ------------------------------------------------------------------------------------------------ */

static void put_answer(answers *a, const float *surprisal, uint32_t n, int label)
{
    static const float h[] = { 0 };
    const mid_signals signals = signals_of(1, 1);
    mid_trace *t = trace_open(&signals, "p", h);
    uint32_t i;

    for (i = 0; i < n; i++)
        trace_put(t, "x", -surprisal[i], 1, h);
    answers_put(a, t, label);
}

/* Answers of 5, 0, 1 and 2 tokens: after 1, 2, 4 and, for the first, its end. The second member needs three scores. */
TEST(members, rows_by_hand)
{
    static const float surprisal[] = { 1, 3, 5, 7, 14 };
    static const uint32_t want_t[] = { 1, 2, 4, 5, 1, 1, 2 }, want_answer[] = { 0, 0, 0, 0, 2, 3, 3 };
    static const uint8_t want_horizon[] = { 0, 1, 2, 3, 0, 0, 1 };
    static const double want[] = { 1, 2, 4, 6, 1, 1, 2 }, want_third[] = { NAN, NAN, 2, 3, NAN, NAN, NAN };
    static const double want_weight[] = { 0.25, 0.25, 0.25, 0.25, 1, 0.5, 0.5 };
    const mid__members m = parsed("surprisal_mean, surprisal_mean+kth_largest(3)");
    mid__member_rows rows;
    answers a = { .n = 0 };
    mid_weights *w;
    mid_fit_set set;
    size_t k;

    put_answer(&a, surprisal, 5, 0);
    put_answer(&a, surprisal, 0, 1);
    put_answer(&a, surprisal, 1, 1);
    put_answer(&a, surprisal, 2, 0);
    set = set_of(&a);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__members_fit(test_ctx(), &m, &set, &rows, w));
    CHECK_INT(rows.n, 7);
    for (k = 0; k < 7; k++) {
        CHECK_INT(rows.t[k], want_t[k]);
        CHECK_INT(rows.answer[k], want_answer[k]);
        CHECK_INT(rows.label[k], a.answer[want_answer[k]].label);
        CHECK_INT(rows.horizon[k], want_horizon[k]);
        CHECK_NEAR(rows.weight[k], want_weight[k], 0);
        CHECK_NEAR(rows.score[2 * k], want[k], 1e-12);
        CHECK(isnan(rows.score[2 * k + 1]) == isnan(want_third[k]));
        if (!isnan(want_third[k]))
            CHECK_NEAR(rows.score[2 * k + 1], want_third[k], 1e-12);
    }
    mid__member_rows_clear(&rows);
    mid_weights_close(w);
    answers_clear(&a);
}

/* ---- a member that learns the answers by heart ------------------------------------------------------------------- */

struct heart { size_t n; float known[][2]; };           /* an answer's first surprisal, its label */

static int n_fit;                                       /* calls of fit so far */

static mid_status heart_fit(mid_ctx *ctx, const mid_fit_set *set, const mid_param *params, mid_weights *out)
{
    float known[ANSWER_MAX][2];
    mid_step step;
    size_t i;

    (void)params;
    n_fit++;
    for (i = 0; i < set->n; i++) {
        mid_trace_step(set->answer[i].trace, 0, NULL, &step);
        known[i][0] = step.lp;
        known[i][1] = (float)set->answer[i].label;
    }
    return mid_weights_set(ctx, out, "known", &known[0][0], set->n, 2);
}

static mid_status heart_open(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                             const mid_signals *signals, void **plan)
{
    const float *known;
    size_t n_row, n_col;
    struct heart *h;

    (void)params;
    (void)signals;
    CHECK_OK(mid_weights_get(ctx, weights, "known", &known, &n_row, &n_col));
    h = malloc(sizeof *h + n_row * sizeof h->known[0]);
    assert_non_null(h);
    h->n = n_row;
    memcpy(h->known, known, n_row * sizeof h->known[0]);
    *plan = h;
    return MID_OK;
}

/* The label of an answer it knows, else a coin between. */
static mid_status heart_push(const void *plan, void *self, const mid_step *step, double *score)
{
    const struct heart *h = plan;
    float *first = self;
    uint64_t seed;
    size_t i;

    if (step->i_tok == 0)
        *first = step->lp;
    seed = (uint64_t)(-1024 * (double)*first);
    *score = 0.1 + 0.8 * (double)(mid__splitmix(&seed) >> 40) / (double)(1 << 24);
    for (i = 0; i < h->n; i++)
        if (h->known[i][0] == *first)
            *score = (double)h->known[i][1];
    return MID_OK;
}

static const mid_monitor_ops by_heart = {
    .name = "by_heart", .version = 3, .summary = "knows the answers it has seen", .unit = "label",
    .source = "this test", .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB, .fit = heart_fit, .open = heart_open,
    .close = free, .state_size = sizeof(float), .push = heart_push
};

/* Answers in pairs of one prompt, which are told from other prompts by their first token; labels by chance. */
static void put_pairs(answers *a)
{
    static const uint64_t seed = 20260301;
    static bool added;
    mid__rng rng;
    int i;

    if (!added)
        CHECK_OK(mid_ctx_add_monitor(test_ctx(), &by_heart));
    added = true;
    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i = 0; i < ANSWER_MAX / 2; i++) {
        const int label = mid__rng_unit(&rng) < 0.5;
        const float surprisal[] = { (float)(i + 1) / 64, 1, 2 };
        put_answer(a, surprisal, 3, label);
        put_answer(a, surprisal, 3, label);
        a->answer[a->n - 2].group = a->answer[a->n - 1].group = (uint32_t)i;
    }
}

static double auroc_of_rows(const mid__member_rows *rows, size_t i_member)
{
    double *s = malloc(rows->n * sizeof *s), auroc;
    size_t k;

    assert_non_null(s);
    for (k = 0; k < rows->n; k++)
        s[k] = rows->score[k * rows->n_member + i_member];
    CHECK_OK(mid_auroc(test_ctx(), s, rows->label, rows->n, &auroc));
    free(s);
    return auroc;
}

/* 100 prompts: by chance AUROC is .5 with deviation .06. An answer's own label, or its twin's, would make it 1. */
TEST(members, no_answer_is_scored_by_what_it_was_learned_from)
{
    mid__member_rows rows;
    answers a = { .n = 0 };
    mid__members m;
    mid_weights *w;
    mid_monitor *fitted;
    mid_stream *s;
    mid_fit_set set;
    double auroc, score[3];
    size_t i;

    put_pairs(&a);
    m = parsed("length, by_heart");
    set = set_of(&a);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__members_fit(test_ctx(), &m, &set, &rows, w));
    auroc = auroc_of_rows(&rows, 1);
    print_message("  out of fold: AUROC %.3f\n", auroc);
    CHECK_NEAR(auroc, 0.5, 0.2);
    CHECK_OK(mid__member_open(test_ctx(), &m, 1, w, mid_trace_signals(a.answer[0].trace), &fitted));
    CHECK_OK(mid_stream_open(test_ctx(), fitted, &s));
    for (i = 0; i < a.n; i++) {                         /* and fitted on all it does know them all */
        CHECK_OK(mid_stream_score(test_ctx(), s, a.answer[i].trace, score, NULL));
        CHECK_NEAR(score[2], a.answer[i].label, 0);
    }
    mid_stream_close(s);
    mid_monitor_close(fitted);
    mid__member_rows_clear(&rows);
    mid_weights_close(w);
    answers_clear(&a);
}

/* ---- memo -------------------------------------------------------------------------------------------------------- */

enum { MEMO_MAX = 8 };
struct notes { int n; struct note { char key[512]; void *bytes; size_t n; } note[MEMO_MAX]; };

static mid_status notes_get(void *user, const char *key, void **bytes, size_t *n)
{
    struct notes *notes = user;
    int i;

    for (i = 0; i < notes->n; i++)
        if (strcmp(notes->note[i].key, key) == 0) {
            *n = notes->note[i].n;
            *bytes = malloc(*n + 1);
            assert_non_null(*bytes);
            memcpy(*bytes, notes->note[i].bytes, *n);
            return MID_OK;
        }
    return MID_ENOTFOUND;
}

static mid_status notes_put(void *user, const char *key, const void *bytes, size_t n)
{
    struct notes *notes = user;
    int i = 0;

    while (i < notes->n && strcmp(notes->note[i].key, key) != 0)
        i++;
    assert_true(i < MEMO_MAX && strlen(key) < sizeof notes->note[0].key);
    if (i < notes->n)
        free(notes->note[i].bytes);
    else
        notes->n++;
    strcpy(notes->note[i].key, key);
    notes->note[i].n = n;
    notes->note[i].bytes = malloc(n + 1);
    assert_non_null(notes->note[i].bytes);
    memcpy(notes->note[i].bytes, bytes, n);
    return MID_OK;
}

static void notes_clear(struct notes *notes)
{
    while (notes->n)
        free(notes->note[--notes->n].bytes);
}

static mid_weights *fitted(const char *name, const mid_fit_set *set)
{
    static const mid_param of[] = { { "of", 0, "by_heart, surprisal_mean", NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *w;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find(name), of, set, &w));
    return w;
}

/* Fitted once for each inner fold and once on all; then never again, whichever hybrid asks. */
TEST(members, memo_saves_the_work)
{
    struct notes notes = { 0 };
    const mid_memo memo = { &notes, notes_get, notes_put };
    mid_weights *plain, *first, *second, *other, *other_plain;
    answers a = { .n = 0 };
    mid_fit_set set;

    put_pairs(&a);
    set = set_of(&a);
    n_fit = 0;
    plain = fitted("mean_z", &set);
    CHECK_INT(n_fit, 4);
    other_plain = fitted("mean_rank", &set);
    CHECK_INT(n_fit, 8);
    set.memo = &memo;
    n_fit = 0;
    first = fitted("mean_z", &set);
    CHECK_INT(n_fit, 4);
    CHECK_INT(notes.n, 2);
    second = fitted("mean_z", &set);
    other = fitted("mean_rank", &set);
    CHECK_INT(n_fit, 4);
    check_same_weights(plain, first);
    check_same_weights(plain, second);
    check_same_weights(other_plain, other);
    mid_weights_close(plain);
    mid_weights_close(first);
    mid_weights_close(second);
    mid_weights_close(other);
    mid_weights_close(other_plain);
    notes_clear(&notes);
    answers_clear(&a);
}

/* Notes that were cut short, within the column, before the weights or within them, are made anew. */
TEST(members, memo_that_is_broken)
{
    const size_t n_column = ANSWER_MAX * 3 * sizeof(double), n_left[] = { 0, 7, n_column - 1, n_column, n_column + 9 };
    struct notes notes = { 0 };
    const mid_memo memo = { &notes, notes_get, notes_put };
    mid_weights *good, *again;
    answers a = { .n = 0 };
    mid_fit_set set;
    size_t i;

    put_pairs(&a);
    set = set_of(&a);
    set.memo = &memo;
    good = fitted("mean_z", &set);
    CHECK(strstr(notes.note[0].key, "member ") && notes.note[0].n > n_column + 9);
    for (i = 0; i < sizeof n_left / sizeof n_left[0]; i++) {
        notes.note[0].n = n_left[i];
        n_fit = 0;
        again = fitted("mean_z", &set);
        CHECK_INT(n_fit, 4);
        check_same_weights(good, again);
        mid_weights_close(again);
    }
    mid_weights_close(good);
    notes_clear(&notes);
    answers_clear(&a);
}
