/* A dense net: forward by hand, derivatives by differences, a task no linear probe can learn, the same bits twice. */
#include "gradient.h"

#include "learn/mlp.h"

static const uint64_t seed = 20260119;

/* 2 -> 2 -> 1. Hidden: (1 + 2 x - y, 3 y - x) through ReLU; out: .5 + h_0 - 2 h_1. At (1, 2): (1, 5) -> -8.5. At (2, 0):
 * (5, -2 -> 0) -> 5.5. */
TEST(mlp, golden)
{
    const mid__mlp net = { 2, { 2, 2, 1 } };
    const float w[] = { 2, -1, -1, 3, 1, 0, 1, -2, 0.5f }, x[] = { 1, 2, 2, 0 };
    const uint8_t label[] = { 0, 1 };
    const double weight[] = { 1, 2 };
    mid__mlp_work work;
    const float *logit;

    CHECK_INT(mid__mlp_n_weight(&net), 9);
    CHECK_OK(mid__mlp_work_open(test_ctx(), &net, 2, &work));
    memcpy(work.act[0], x, sizeof x);
    logit = mid__mlp_forward(&net, w, &work, 2);
    CHECK_NEAR(logit[0], -8.5, 0);
    CHECK_NEAR(logit[1], 5.5, 0);
    CHECK_NEAR(mid__mlp_loss(&net, w, &work, 2, label, weight, NULL), log1p(exp(-8.5)) + 2 * log1p(exp(-5.5)), 1e-12);
    mid__mlp_work_clear(&work);
}

enum { N = 6, D = 4 };
struct batch { mid__mlp net; mid__mlp_work work; float x[N * D]; uint8_t label[N]; double weight[N]; };

static double batch_loss(void *user, const float *w, const uint32_t *item, size_t n, float *grad)
{
    struct batch *b = user;

    (void)item; (void)n;
    memcpy(b->work.act[0], b->x, sizeof b->x);
    return mid__mlp_loss(&b->net, w, &b->work, N, b->label, b->weight, grad);
}

/* One output: sigmoid. Three: softmax, which for two equals a sigmoid of the difference. */
TEST(mlp, gradient)
{
    static const mid__mlp net[] = { { 1, { D, 1 } }, { 3, { D, 7, 5, 1 } }, { 3, { D, 7, 5, 3 } }, { 2, { D, 6, 2 } } };
    struct batch b = { .label = { 0, 1, 1, 0, 1, 0 }, .weight = { 1, 0.5, 2, 1, 1, 0.25 } };
    mid__loss loss = { N, 0, batch_loss, &b };
    mid__rng rng;
    float w[200];
    size_t i;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    scatter(&rng, b.x, N * D, 1);
    for (i = 0; i < sizeof net / sizeof net[0]; i++) {
        b.net = net[i];
        b.label[2] = net[i].width[net[i].n_layer] == 3 ? 2 : 1;
        loss.n_weight = mid__mlp_n_weight(&b.net);
        CHECK_OK(mid__mlp_work_open(test_ctx(), &b.net, N, &b.work));
        mid__mlp_init(&b.net, &rng, w);
        check_gradient(&loss, w, NULL, N);
        mid__mlp_work_clear(&b.work);
    }
}

/* Is the point in the first or third quadrant? */
static void quadrants(mid__rng *rng, float *x, uint8_t *label, size_t n)
{
    size_t i;

    scatter(rng, x, 2 * n, 1);
    for (i = 0; i < n; i++)
        label[i] = x[2 * i] * x[2 * i + 1] > 0;
}

TEST(mlp, learns_quadrants)
{
    enum { N_FIT = 600, N_TEST = 300 };
    const mid__mlp net = { 3, { 2, 16, 8, 1 } };
    const mid__train how = { .rate = { 0.01 }, .n_batch = 32, .n_epoch_max = 80, .patience = 10, .seed = 5 };
    static float x[2 * N_FIT], test_x[2 * N_TEST];
    static uint8_t label[N_FIT], test_label[N_TEST], held_out[N_FIT];
    static double weight[N_FIT], score[N_TEST];
    float w[400], again[400], inner[400];
    mid__mlp_work work;
    double auroc;
    mid__rng rng;
    mid__found found;
    size_t i;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 1);
    quadrants(&rng, x, label, N_FIT);
    quadrants(&rng, test_x, test_label, N_TEST);
    for (i = 0; i < N_FIT; i++) {
        weight[i] = 1;
        held_out[i] = i % 3 == 0;
    }
    CHECK_OK(mid__mlp_fit(test_ctx(), &net, &how, x, N_FIT, label, weight, held_out, w, inner, &found));
    CHECK_OK(mid__mlp_work_open(test_ctx(), &net, 1, &work));
    for (i = 0; i < N_TEST; i++) {
        memcpy(work.act[0], test_x + 2 * i, 2 * sizeof *test_x);
        score[i] = (double)*mid__mlp_forward(&net, w, &work, 1);
    }
    CHECK_OK(mid_auroc(test_ctx(), score, test_label, N_TEST, &auroc));
    print_message("  %u epochs, AUROC %.3f\n", found.n_epoch, auroc);
    CHECK(auroc > 0.98);
    CHECK_OK(mid__mlp_fit(test_ctx(), &net, &how, x, N_FIT, label, weight, held_out, again, NULL, NULL));
    assert_memory_equal(w, again, mid__mlp_n_weight(&net) * sizeof *w);
    CHECK(memcmp(w, inner, mid__mlp_n_weight(&net) * sizeof *w) != 0);
    mid__mlp_work_clear(&work);
}
