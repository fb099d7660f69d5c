/* Choosing among hybrids and members on answers made so that it is clear what is best. */
#include "hand_hybrid.h"

#include "base/rng.h"
#include "base/weights.h"
#include "midstream/metric.h"

enum { N_ANSWER = 120, N_TOK = 6 };
static const uint64_t seed = 20261124;

static const mid_param two[] = { { "of", 0, "surprisal_mean, entropy_mean", NULL }, { 0 } };

/* Surprisal and entropy rise with the label by so much, with independent noise of deviation about .4. */
static void fill(answers *a, float by_surprisal, float by_entropy)
{
    float surprisal[N_TOK], entropy[N_TOK];
    mid__rng rng;
    int i, t;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    for (i = 0; i < N_ANSWER; i++) {
        const float u = (float)mid__rng_unit(&rng), v = (float)mid__rng_unit(&rng);
        for (t = 0; t < N_TOK; t++) {
            surprisal[t] = 2 + 1.4f * u + by_surprisal * (float)(i % 2);
            entropy[t] = 2 + 1.4f * v + by_entropy * (float)(i % 2);
        }
        answers_put(a, answer_of(surprisal, entropy, N_TOK), i % 2);
    }
}

static mid_weights *fit(const answers *a, const mid_param *params)
{
    const mid_fit_set set = set_of(a);
    mid_weights *w;

    CHECK_OK(mid_monitor_fit(test_ctx(), mid_monitor_find("best_of"), params, &set, &w));
    return w;
}

static double auroc_of(const answers *a, const char *name, const mid_param *params, const mid_weights *w)
{
    double score[N_TOK], last[N_ANSWER], value;
    uint8_t label[N_ANSWER];
    mid_monitor *m;
    mid_stream *s;
    size_t i;

    CHECK_OK(mid_monitor_open(test_ctx(), mid_monitor_find(name), params, w, mid_trace_signals(a->answer[0].trace), &m));
    CHECK_OK(mid_stream_open(test_ctx(), m, &s));
    for (i = 0; i < a->n; i++) {
        CHECK_OK(mid_stream_score(test_ctx(), s, a->answer[i].trace, score, NULL));
        last[i] = score[N_TOK - 1];
        label[i] = (uint8_t)a->answer[i].label;
    }
    CHECK_OK(mid_auroc(test_ctx(), last, label, a->n, &value));
    mid_stream_close(s);
    mid_monitor_close(m);
    return value;
}

/* Two members that know half each: some hybrid hears both and beats them. */
TEST(best_of, joins_members_that_complete_each_other)
{
    const float *auroc;
    size_t n_row, n;
    double best;
    answers a = { .n = 0 };
    mid_weights *w;

    fill(&a, 0.5f, 0.5f);
    w = fit(&a, two);
    best = mid_weights_number(w, "best");
    CHECK_OK(mid_weights_get(test_ctx(), w, "auroc", &auroc, &n_row, &n));
    CHECK_INT(n, 12 + 2);
    print_message("  candidate %g: %.3f; members %.3f %.3f\n", best, (double)auroc[(size_t)best],
                  (double)auroc[12], (double)auroc[13]);
    CHECK(best < 12);
    CHECK(auroc[(size_t)best] > auroc[12] && auroc[(size_t)best] > auroc[13]);
    CHECK(auroc_of(&a, "best_of", two, w) > auroc_of(&a, "surprisal_mean", NULL, NULL) + 0.03);
    CHECK(auroc_of(&a, "best_of", two, w) > auroc_of(&a, "entropy_mean", NULL, NULL) + 0.03);
    mid_weights_close(w);
    answers_clear(&a);
}

/* One member tells the classes apart without fail, the other knows nothing: with hybrids among the candidates that hear
 * both alike, the member alone is best, and the hybrid puts answers in its order. */
TEST(best_of, a_member_alone_may_be_best)
{
    static const mid_param params[] = { { "of", 0, "surprisal_mean, entropy_mean", NULL },
                                        { "among", 0, "mean_z, max_rank", NULL }, { 0 } };
    answers a = { .n = 0 };
    mid_weights *w;

    fill(&a, 1.2f, 0);
    w = fit(&a, params);
    CHECK_NEAR(mid_weights_number(w, "best"), 2, 0);        /* behind the two hybrids: the first member */
    CHECK_NEAR(auroc_of(&a, "best_of", params, w), auroc_of(&a, "surprisal_mean", NULL, NULL), 0.002);  /* ties at the bottom */
    mid_weights_close(w);
    answers_clear(&a);
}

TEST(best_of, refuses)
{
    static const mid_param unknown[] = { { "among", 0, "mean_z, nothing", NULL }, { 0 } };
    static const mid_param itself[] = { { "among", 0, "best_of", NULL }, { 0 } };
    static const mid_param single[] = { { "among", 0, "probe_linear", NULL }, { 0 } };
    const mid_param *const params[] = { unknown, itself, single };
    const char *const name[] = { "'nothing'", "'best_of'", "'probe_linear'" };
    answers a = { .n = 0 };
    mid_fit_set set;
    mid_weights *w = NULL;
    size_t i;

    fill(&a, 1, 1);
    set = set_of(&a);
    for (i = 0; i < 3; i++) {
        CHECK_FAILS(mid_monitor_fit(test_ctx(), mid_monitor_find("best_of"), params[i], &set, &w), MID_EINVAL);
        CHECK_SAYS(name[i]);
        CHECK_SAYS("is no hybrid");
    }
    answers_clear(&a);
}

/* A stranger's file that names a candidate which is not there. */
TEST(best_of, refuses_a_strange_choice)
{
    static const double best[] = { -1, 99, 0.5, NAN };
    answers a = { .n = 0 };
    mid_weights *w;
    mid_monitor *m;
    size_t i;

    fill(&a, 1, 1);
    w = fit(&a, two);
    for (i = 0; i < sizeof best / sizeof best[0]; i++) {
        CHECK_OK(mid_weights_set_number(test_ctx(), w, "best", best[i]));
        CHECK_FAILS(mid_monitor_open(test_ctx(), mid_monitor_find("best_of"), two, w,
                                     mid_trace_signals(a.answer[0].trace), &m), MID_EFORMAT);
    }
    mid_weights_close(w);
    answers_clear(&a);
}
