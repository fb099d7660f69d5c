/* What all hybrids share, on the plainest: mean_z with z scores that change nothing (mean 0, deviation 1), so that its
 * score is the mean of its members' scores. */
#include "hand_hybrid.h"
#include "monitor/contract.h"

enum { N_TOK = 6 };

static const float surprisal[N_TOK] = { 1, 3, 5, 7, 9, 11 }, entropy[N_TOK] = { 2, 2, 5, 1, 0, 2 };
static const double mean_surprisal[N_TOK] = { 1, 2, 3, 4, 5, 6 };

/* n members, of that many. */
static mid_weights *mean_of(const char *of, const char *missing, int n)
{
    const mid_param params[] = { { "of", 0, of, NULL }, { "missing", 0, missing, NULL }, { NULL, 0, NULL, NULL } };
    mid_weights *w = hybrid_weights("mean_z", params);

    while (n--)
        put_z(w, n, 0, 1);
    return w;
}

static mid_monitor *open_mean(const char *of, const char *missing, int n)
{
    const mid_signals signals = signals_of(1, 1);

    return hand_monitor(mean_of(of, missing, n), "mean_z", &signals);
}

/* Step i of the answer, without these signals; its floats live until the next call. */
static mid_step step_at(const mid_trace *t, uint32_t i, uint32_t without)
{
    static float scratch[SCRATCH_N(1, 1)];
    mid_step step;

    mid_trace_step(t, i, scratch, &step);
    step.have &= ~without;
    return step;
}

static double push_without(mid_stream *s, const mid_trace *t, uint32_t i, uint32_t without)
{
    const mid_step step = step_at(t, i, without);

    return push(s, &step);
}

TEST(hybrid, mean_of_three_by_hand)
{
    static const double want[] = { (1 + 2 + 1) / 3.0, (2 + 2 + 2) / 3.0, (3 + 3 + 3) / 3.0, (4 + 2.5 + 4) / 3.0 };
    mid_monitor *m = open_mean("surprisal_mean, entropy_mean, length", "refuse", 3);
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s = stream_of(m, NULL);
    uint32_t i;

    for (i = 0; i < 4; i++)
        CHECK_NEAR(push_without(s, t, i, 0), want[i], 1e-12);
    CHECK_INT(mid_stream_gone(s), 0);
    CHECK_INT(mid_stream_calls(s, 0), 4);
    CHECK_INT(mid_stream_calls(s, 2), 4);
    CHECK_INT(mid_stream_calls(s, 3), 0);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* ---- refuse ------------------------------------------------------------------------------------------------------ */

/* At every token each signal is once missing and once not a number, and each time the stream is as it was. Members'
 * states are of different sizes, and the one that fails stands at each place. */
TEST(hybrid, refused_step_changes_nothing)
{
    static const char *const of[] = {
        "surprisal_mean, entropy_mean+window(8), length", "entropy_mean, surprisal_mean+window(8), length",
        "length+window(16), surprisal_mean, entropy_mean", "length, entropy_mean, surprisal_mean",
        "surprisal_max, length+window(4), entropy_mean"
    };
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    size_t k;
    uint32_t i;

    for (k = 0; k < sizeof of / sizeof of[0]; k++) {
        mid_monitor *m = open_mean(of[k], "refuse", 3);
        mid_stream *s = stream_of(m, NULL);
        double *want = scores_of(s, t);
        start_on(s, t);
        for (i = 0; i < N_TOK; i++) {
            mid_step bad = step_at(t, i, MID_SIG_LOGPROB);
            check_step_refused(s, &bad, MID_ESIGNAL);
            bad = step_at(t, i, MID_SIG_ENTROPY);
            check_step_refused(s, &bad, MID_ESIGNAL);
            bad = step_at(t, i, 0);
            bad.lp = NAN;
            check_step_refused(s, &bad, MID_ENUMERIC);
            bad = step_at(t, i, 0);
            bad.entropy_nats = NAN;
            check_step_refused(s, &bad, MID_ENUMERIC);
            CHECK_INT(mid_stream_gone(s), 0);
            push_some(s, t, i, i + 1, want);
        }
        free(want);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

TEST(hybrid, refuses_a_source_that_lacks_a_signal)
{
    const mid_signals poor = signals_without(MID_SIG_ENTROPY);

    hand_refused(mean_of("surprisal_mean, entropy_mean", "refuse", 2), "mean_z", &poor, MID_ESIGNAL, "entropy");
}

/* ---- degrade ----------------------------------------------------------------------------------------------------- */

/* The second of three goes missing at token 2, and stays away although its signal comes back. */
static void goes_missing(bool not_a_number)
{
    mid_monitor *m = open_mean("surprisal_mean, entropy_mean, length", "degrade", 3);
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s = stream_of(m, NULL);
    mid_step step;
    uint32_t i;

    CHECK_NEAR(push_without(s, t, 0, 0), (1 + 2 + 1) / 3.0, 1e-12);
    CHECK_NEAR(push_without(s, t, 1, 0), 2, 1e-12);
    CHECK_INT(mid_stream_gone(s), 0);
    step = step_at(t, 2, not_a_number ? 0 : MID_SIG_ENTROPY);
    step.entropy_nats = NAN;
    CHECK_NEAR(push(s, &step), (3 + 3) / 2.0, 1e-12);
    CHECK_INT(mid_stream_gone(s), 2);
    for (i = 3; i < N_TOK; i++)
        CHECK_NEAR(push_without(s, t, i, 0), (mean_surprisal[i] + (i + 1)) / 2, 1e-12);
    CHECK_INT(mid_stream_gone(s), 2);
    CHECK_OK(mid_stream_start(s, NULL));                /* the next answer begins with all members */
    CHECK_INT(mid_stream_gone(s), 0);
    CHECK_NEAR(push_without(s, t, 0, 0), (1 + 2 + 1) / 3.0, 1e-12);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}
TEST(hybrid, goes_on_without_a_signal) { goes_missing(false); }
TEST(hybrid, goes_on_after_not_a_number) { goes_missing(true); }

TEST(hybrid, goes_on_where_a_source_lacks_a_signal)
{
    const mid_signals poor = signals_without(MID_SIG_LOGPROB);
    mid_monitor *m = hand_monitor(mean_of("surprisal_mean, entropy_mean, length", "degrade", 3), "mean_z", &poor);
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s = stream_of(m, NULL);

    CHECK_INT(mid_stream_gone(s), 1);
    CHECK_NEAR(push_without(s, t, 0, MID_SIG_LOGPROB), (2 + 1) / 2.0, 1e-12);
    CHECK_INT(mid_stream_gone(s), 1);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* With the last member its score goes, as an error and never as a low score; the stream is as it was, so when a signal
 * comes back it goes on. */
TEST(hybrid, without_all_members_there_is_no_score)
{
    const mid_signals none = signals_without(MID_SIG_LOGPROB | MID_SIG_ENTROPY);
    mid_monitor *m = open_mean("surprisal_mean, entropy_mean", "degrade", 2);
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s = stream_of(m, NULL);
    mid_step bad;

    CHECK_NEAR(push_without(s, t, 0, 0), 1.5, 1e-12);
    bad = step_at(t, 1, MID_SIG_LOGPROB | MID_SIG_ENTROPY);
    check_step_refused(s, &bad, MID_ESIGNAL);
    CHECK_INT(mid_stream_gone(s), 0);
    CHECK_NEAR(push_without(s, t, 1, MID_SIG_ENTROPY), 2, 1e-12);
    CHECK_INT(mid_stream_gone(s), 2);
    bad = step_at(t, 2, MID_SIG_LOGPROB);
    check_step_refused(s, &bad, MID_ESIGNAL);
    bad = step_at(t, 2, 0);
    bad.lp = NAN;
    check_step_refused(s, &bad, MID_ENUMERIC);
    CHECK_INT(mid_stream_gone(s), 2);
    CHECK_NEAR(push_without(s, t, 2, 0), 3, 1e-12);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
    hand_refused(mean_of("surprisal_mean, entropy_mean", "degrade", 2), "mean_z", &none, MID_ESIGNAL, "no member");
}

/* A member that reads the prompt alone can be lost there. */
TEST(hybrid, lost_at_the_prompt)
{
    const mid_prompt bad = { .text = "p", .affirm = NAN };
    mid_monitor *m[] = { open_mean("first_token_confidence, surprisal_mean", "refuse", 2),
                         open_mean("first_token_confidence, surprisal_mean", "degrade", 2),
                         open_mean("first_token_confidence, first_token_confidence+max", "degrade", 2) };
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s;
    int i;

    for (i = 0; i < 3; i++) {
        CHECK_OK(mid_stream_open(test_ctx(), m[i], &s));
        CHECK_FAILS(mid_stream_start(s, &bad), i == 1 ? MID_OK : MID_ENUMERIC);
        if (i == 1) {
            CHECK_INT(mid_stream_gone(s), 1);
            CHECK_NEAR(push_without(s, t, 0, 0), 1, 1e-12);
        }
        mid_stream_close(s);
        mid_monitor_close(m[i]);
    }
    mid_trace_close(t);
}

/* Having nothing to say yet is not being lost. */
TEST(hybrid, silent_members)
{
    mid_monitor *m = open_mean("surprisal_mean+kth_largest(3), entropy_mean+kth_largest(2)", "degrade", 2);
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s = stream_of(m, NULL);

    CHECK(push_without(s, t, 0, 0) == -INFINITY);
    CHECK_NEAR(push_without(s, t, 1, 0), 2, 1e-12);
    CHECK_NEAR(push_without(s, t, 2, 0), (1 + 2) / 2.0, 1e-12);
    CHECK_INT(mid_stream_gone(s), 0);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* What no policy covers, such as memory that runs out, is an error all the same, and the others' states are as they
 * were. */
static mid_status faulty_push(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan;
    (void)self;
    *score = 0;
    return step->lp < -100 ? MID_ENOMEM : MID_OK;
}

static const mid_monitor_ops faulty = {
    .name = "faulty", .version = 1, .summary = "fails at will", .unit = "none", .source = "this test",
    .box = MID_BOX_GREY, .needs = MID_SIG_LOGPROB, .push = faulty_push
};

TEST(hybrid, other_failures_stay_failures)
{
    static const char *const of[] = { "faulty, surprisal_mean", "surprisal_mean, faulty",
                                      "entropy_mean+window(4), faulty" };
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    int i;

    CHECK_OK(mid_ctx_add_monitor(test_ctx(), &faulty));
    for (i = 0; i < 3; i++) {
        mid_monitor *m = open_mean(of[i], "degrade", 2);
        mid_stream *s = stream_of(m, NULL);
        double *want = scores_of(s, t);
        mid_step bad = step_at(t, 1, 0);
        start_on(s, t);
        push_some(s, t, 0, 1, want);
        bad.lp = -101;
        check_step_refused(s, &bad, MID_ENOMEM);
        CHECK_INT(mid_stream_gone(s), 0);
        push_some(s, t, 1, N_TOK, want);
        free(want);
        mid_stream_close(s);
        mid_monitor_close(m);
    }
    mid_trace_close(t);
}

/* ---- snapshots, files -------------------------------------------------------------------------------------------- */

/* Saved at every token, in the middle of what members keep; and who is gone is kept too. */
TEST(hybrid, snapshot)
{
    mid_monitor *m = open_mean("surprisal_mean+window(3), entropy_mean+kth_largest(2), length", "degrade", 3);
    mid_trace *t = answer_of(surprisal, entropy, N_TOK);
    mid_stream *s = stream_of(m, NULL), *other = stream_of(m, NULL);
    char saved[4096];

    check_snapshot(m, s, t);
    CHECK(mid_stream_size(s) <= sizeof saved);
    CHECK_OK(mid_stream_start(s, NULL));
    push_without(s, t, 0, 0);
    push_without(s, t, 1, MID_SIG_LOGPROB);
    mid_stream_save(s, saved);
    mid_stream_restore(other, saved);
    CHECK_INT(mid_stream_gone(other), 1);
    CHECK_NEAR(push_without(other, t, 2, 0), (2 + 3) / 2.0, 1e-12);     /* entropy means 2, 2, 3: second largest 2 */
    mid_stream_close(other);
    mid_stream_close(s);
    mid_trace_close(t);
    mid_monitor_close(m);
}

/* Words, surprisal and rows that lean towards the label. */
static void lean(mid__rng *rng, mid_trace *t, int label)
{
    static const char *const word[] = { "yes ", "no ", "perhaps " };
    uint32_t i, n = some_tok(rng);

    for (i = 0; i < n; i++) {
        const float h[] = { about_normal(rng) + (float)label, about_normal(rng) };
        trace_put(t, word[mid__rng_unit(rng) < 0.3 + 0.3 * label ? 0 : 1 + mid__rng_below(rng, 2)],
                  (float)(-2 * mid__rng_unit(rng) - label), (float)mid__rng_unit(rng), h);
    }
}

/* A fitted hybrid gives the same bits from its file; so does one that has a hybrid among its members. */
TEST(hybrid, file_gives_the_same_bits)
{
    static const uint64_t seed = 20260302;
    static const char *const of[] = { "probe_linear, ngram_lr+ema(0.5), surprisal_mean+position_norm",
                                      "mean_rank+max, length" };
    const mid_signals signals = signals_of(1, 2);
    const mid_monitor_ops *ops = mid_monitor_find("mean_z");
    answers a = { .n = 0 };
    mid_fit_set set;
    size_t i, k;

    print_message("  seed %llu\n", (unsigned long long)seed);
    put_task(&a, &signals, lean, 60, seed, 0);
    set = set_of(&a);
    for (k = 0; k < 2; k++) {
        const mid_param params[] = { { "of", 0, of[k], NULL }, { NULL, 0, NULL, NULL } };
        const char *path = test_path("hybrid.safetensors");
        mid_monitor *m, *loaded;
        mid_weights *w;
        mid_stream *s;
        CHECK_OK(mid_monitor_fit(test_ctx(), ops, params, &set, &w));
        CHECK_OK(mid_weights_save(test_ctx(), w, path));
        CHECK_OK(mid_monitor_open(test_ctx(), ops, params, w, &signals, &m));
        CHECK_OK(mid_monitor_load(test_ctx(), path, &signals, &loaded));
        CHECK_OK(mid_stream_open(test_ctx(), m, &s));
        for (i = 0; i < a.n; i++)
            check_same_scores(s, loaded, a.answer[i].trace);
        mid_stream_close(s);
        mid_monitor_close(loaded);
        mid_monitor_close(m);
        mid_weights_close(w);
    }
    answers_clear(&a);
}

TEST(hybrid, file_of_other_members)
{
    const mid_signals signals = signals_of(1, 1);
    mid_weights *w = mean_of("surprisal_mean, length", "refuse", 2);

    CHECK_OK(mid_weights_set_text(test_ctx(), w, "param.of", "surprisal_mean, entropy_mean"));
    hand_refused(w, "mean_z", &signals, MID_EMISMATCH, "members of other versions");
    w = mean_of("surprisal_mean, length", "refuse", 2);
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "param.of", "surprisal_mean"));
    hand_refused(w, "mean_z", &signals, MID_EINVAL, "at least two");
    hand_refused(mean_of("surprisal_mean, length", "refuse", 1), "mean_z", &signals, MID_EFORMAT, "'normal.1'");
    hand_refused(mean_of("probe_linear, length", "refuse", 2), "mean_z", &signals, MID_EFORMAT, "m0.");
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

static void reads_with(const char *of, const char *missing, mid_monitor_reads *out)
{
    const mid_param params[] = { { "of", 0, of, NULL }, { "missing", 0, missing, NULL }, { NULL, 0, NULL, NULL } };

    CHECK_OK(mid_monitor_reads_of(test_ctx(), mid_monitor_find("mean_z"), params, out));
}

/* Scoring can do without any member that may be left out; fitting cannot. */
TEST(hybrid, reads_what_its_members_read)
{
    const uint32_t both = MID_SIG_LOGPROB | MID_SIG_TEXT;
    mid_monitor_reads reads;

    reads_with("ngram_lr, surprisal_mean", "refuse", &reads);
    CHECK_INT(reads.needs, both);
    CHECK_INT(reads.fit_needs, 0);
    CHECK_INT(reads.box, MID_BOX_GREY);
    reads_with("ngram_lr, surprisal_mean", "degrade", &reads);
    CHECK_INT(reads.needs, 0);
    CHECK_INT(reads.fit_needs, both);
}

TEST(hybrid, refuses_parameters)
{
    answers a = { .n = 0 };

    answers_put(&a, answer_of(surprisal, entropy, 2), 0);
    answers_put(&a, answer_of(surprisal, entropy, 2), 1);
    param_refused("mean_z", &a, (mid_param){ "missing", 0, "perhaps", NULL }, "missing is 'perhaps'");
    param_refused("mean_z", &a, (mid_param){ "of", 0, "length", NULL }, "at least two");
    param_refused("mean_z", &a, (mid_param){ "of", 0, "length, length", NULL }, "named twice");
    param_refused("mean_z", &a, (mid_param){ "of", 0, "length, no_such_monitor", NULL }, "no_such_monitor");
    answers_clear(&a);
}

/* A member's failure to fit names the member. */
TEST(hybrid, says_which_member_failed)
{
    static const mid_param params[] = { { "of", 0, "length, probe_linear", NULL }, { NULL, 0, NULL, NULL } };
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w = NULL;

    answers_put(&a, answer_of(surprisal, entropy, 2), 0);
    answers_put(&a, answer_of(surprisal, entropy, 2), 1);
    set = set_of(&a);
    CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("mean_z"), params, &set, &w), MID_EUNDEFINED);
    CHECK_SAYS("member probe_linear");
    CHECK(w == NULL);
    answers_clear(&a);
}
