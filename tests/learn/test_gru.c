/* The recurrent unit: one step by hand, packed and alone, derivatives, a task of order, the same bits twice. */
#include "gradient.h"

#include "learn/dense.h"
#include "learn/gru.h"

static const uint64_t seed = 20260120;

/* One wide: U_z = .5, U_r = -1, U_c = 2, m = .4, a = (.1, .2, -.3).
 *   z = sigmoid(.3) = .574443   r = sigmoid(-.2) = .450166   c = tanh(-.3 + 2 * .450166 * .4) = tanh(.060133) = .060061
 *   m' = .425557 * .4 + .574443 * .060061 = .204724;  with dt = .5: .204724 + .5 (.204724 - .4) = .107086 */
TEST(gru, golden)
{
    const mid__gru plain = { 1, 0 }, kelp = { 1, 0.5f };
    const float u[] = { 0.5f, -1, 2 }, a[] = { 0.1f, 0.2f, -0.3f };
    float m = 0.4f;

    mid__gru_step(&plain, u, a, &m);
    CHECK_NEAR(m, 0.204724, 1e-6);
    m = 0.4f;
    mid__gru_step(&kelp, u, a, &m);
    CHECK_NEAR(m, 0.107086, 1e-6);
}

enum { N_SEQ = 4, D = 3, H = 5 };
static const size_t length[N_SEQ] = { 3, 7, 0, 7 };

static void fill(mid__rng *rng, mid__seqs *s)
{
    size_t i;

    CHECK_OK(mid__seqs_open(test_ctx(), N_SEQ, 17, D, s));
    for (i = 0; i < N_SEQ; i++) {
        s->at[i + 1] = s->at[i] + length[i];
        s->label[i] = i & 1;
    }
    scatter(rng, s->x, 17 * D, 1);
}

TEST(gru, gradient)
{
    static const uint32_t item[] = { 2, 0, 3, 1 };
    const mid__head head = mid__gru_head(H);
    mid__head_task task;
    mid__seqs seqs;
    mid__rng rng;
    float w[200];

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    fill(&rng, &seqs);
    CHECK_OK(mid__head_task_open(test_ctx(), &head, &seqs, N_SEQ, &task));
    CHECK(task.loss.n_weight <= 200);
    scatter(&rng, w, task.loss.n_weight, 0.8);
    check_gradient(&task.loss, w, item, N_SEQ);
    check_gradient(&task.loss, w, item + 1, 2);
    mid__head_task_clear(&task);
    mid__seqs_clear(&seqs);
}

/* By the state before the first step and by the inputs, with dt: sum_t c_t . m_t as the loss. */
TEST(gru, gradient_of_start_and_inputs)
{
    enum { N_STEP = 4 };
    const mid__gru gru = { H, 0.25f };
    const size_t at[] = { 0, 2, 4, 5, 6 };                  /* two sequences, of 4 and 2 */
    const mid__pack pack = { 2, N_STEP, at };
    float u[3 * H * H], d_u[3 * H * H] = { 0 }, a[6 * 3 * H], d_a[6 * 3 * H], m0[2 * H], d_m0[2 * H], c[6 * H], m[6 * H];
    float *work = malloc(mid__gru_n_work(&gru, 6, 2) * sizeof *work), *const part[] = { a, m0 };
    const float *const slope[] = { d_a, d_m0 };
    const size_t n[] = { 6 * 3 * H, 2 * H };
    mid__rng rng;
    size_t p, i, k;

    assert_non_null(work);
    mid__rng_init(&rng, seed, 1);
    scatter(&rng, u, 3 * H * H, 0.8);
    scatter(&rng, a, 6 * 3 * H, 1);
    scatter(&rng, m0, 2 * H, 1);
    scatter(&rng, c, 6 * H, 1);
    mid__gru_forward(&gru, u, &pack, a, m0, m, work);
    mid__gru_backward(&gru, u, &pack, c, d_a, d_m0, d_u, work);
    for (p = 0; p < 2; p++)
        for (i = 0; i < n[p]; i++) {
            const float old = part[p][i];
            double sum[2] = { 0, 0 };
            int side;
            for (side = 0; side < 2; side++) {
                part[p][i] = old + (side ? -2e-3f : 2e-3f);
                mid__gru_forward(&gru, u, &pack, a, m0, m, work);
                for (k = 0; k < 6 * H; k++)
                    sum[side] += (double)c[k] * (double)m[k];
            }
            part[p][i] = old;
            CHECK_NEAR(slope[p][i], (sum[0] - sum[1]) / 4e-3, 1e-3);
        }
    free(work);
}

/* Packed states are those of each sequence alone, step by step, bit for bit. */
TEST(gru, packed_is_alone)
{
    const mid__gru gru = { 21, 0 };                         /* not a multiple of a vector */
    const size_t at[] = { 0, 3, 6, 8, 9 };                  /* of 4, 3 and 2 */
    const mid__pack pack = { 3, 4, at };
    static float u[3 * 21 * 21], a[9 * 63], m[9 * 21], alone[21];
    float *work = malloc(mid__gru_n_work(&gru, 9, 3) * sizeof *work);
    mid__rng rng;
    size_t s, t;

    assert_non_null(work);
    mid__rng_init(&rng, seed, 2);
    scatter(&rng, u, 3 * 21 * 21, 0.5);
    scatter(&rng, a, 9 * 63, 2);
    mid__gru_forward(&gru, u, &pack, a, NULL, m, work);
    for (s = 0; s < 3; s++) {
        memset(alone, 0, sizeof alone);
        for (t = 0; t < 4 && at[t] + s < at[t + 1]; t++) {
            mid__gru_step(&gru, u, a + (at[t] + s) * 63, alone);
            assert_memory_equal(alone, m + (at[t] + s) * 21, sizeof alone);
        }
    }
    free(work);
}

/* Label 1: a +1 somewhere before a -1; label 0: the other way round. The mean says nothing, only the order does. */
static void ordered(mid__rng *rng, size_t n, mid__seqs *s)
{
    size_t i, r;

    CHECK_OK(mid__seqs_open(test_ctx(), n, n * 16, 1, s));
    for (i = 0; i < n; i++) {
        const size_t n_tok = 8 + mid__rng_below(rng, 9);
        const size_t first = mid__rng_below(rng, 4), second = 4 + mid__rng_below(rng, 4);
        s->at[i + 1] = s->at[i] + n_tok;
        s->label[i] = mid__rng_u64(rng) & 1;
        for (r = 0; r < n_tok; r++)
            s->x[s->at[i] + r] = (float)(0.1 * (mid__rng_unit(rng) - 0.5));
        s->x[s->at[i] + first] += s->label[i] ? 1 : -1;
        s->x[s->at[i] + second] += s->label[i] ? -1 : 1;
    }
}

TEST(gru, learns_an_order)
{
    enum { N_FIT = 300, N_TEST = 150, WIDTH = 16 };
    const mid__head head = mid__gru_head(WIDTH);
    const mid__gru gru = { WIDTH, 0 };
    const mid__train how = { .rate = { 0.02 }, .clip = 1, .n_batch = 16, .n_epoch_max = 30, .patience = 6,
                             .seed = 3 };
    const size_t n_weight = mid__head_n_weight(&head, 1);
    float *w = malloc(n_weight * sizeof *w), *again = malloc(n_weight * sizeof *w);
    const float *u = w + 2 * 3 * WIDTH, *v = u + mid__gru_n_weight(&gru);
    uint8_t held_out[N_FIT];
    double score[N_TEST], auroc;
    mid__seqs fit, test;
    mid__rng rng;
    mid__found found;
    size_t i, r, j;

    assert_true(w && again);
    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 3);
    ordered(&rng, N_FIT, &fit);
    ordered(&rng, N_TEST, &test);
    for (i = 0; i < N_FIT; i++)
        held_out[i] = i % 3 == 1;
    CHECK_OK(mid__head_fit(test_ctx(), &head, &how, &fit, held_out, w, NULL, &found));
    for (i = 0; i < N_TEST; i++) {
        float m[WIDTH] = { 0 }, a[3 * WIDTH];
        for (r = test.at[i]; r < test.at[i + 1]; r++) {
            mid__head_map(w, 3 * WIDTH, 1, test.x + r, a);
            mid__gru_step(&gru, u, a, m);
        }
        for (score[i] = (double)v[WIDTH], j = 0; j < WIDTH; j++)
            score[i] += (double)v[j] * (double)m[j];
    }
    CHECK_OK(mid_auroc(test_ctx(), score, test.label, N_TEST, &auroc));
    print_message("  %u epochs, AUROC %.3f\n", found.n_epoch, auroc);
    CHECK(auroc > 0.98);
    CHECK_OK(mid__head_fit(test_ctx(), &head, &how, &fit, held_out, again, NULL, NULL));
    assert_memory_equal(w, again, n_weight * sizeof *w);
    mid__seqs_clear(&fit);
    mid__seqs_clear(&test);
    free(w);
    free(again);
}
