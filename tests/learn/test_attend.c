/* Attention by hand and its derivatives by differences; the window and the order of a ring. */
#include "gradient.h"

#include "learn/attend.h"

static const uint64_t seed = 20260121;

/* One wide, so that weights are softmax(q k). q = 1, k = (0, ln 3), v = (4, 8): weights 1/4 and 3/4, o = 7. */
TEST(attend, golden)
{
    const mid__attend s = { 1, 8, 1 };
    const float q[] = { 5, 1 }, k[] = { 0, 1.0986122887f }, v[] = { 4, 8 };
    float weight[16], o[2];

    mid__attend_forward(&s, q, k, v, 2, weight, o);
    CHECK_NEAR(o[0], 4, 0);                                 /* nothing to choose from yet */
    CHECK_NEAR(o[1], 7, 1e-5);
    CHECK_NEAR(weight[8], 0.25, 1e-6);
    CHECK_NEAR(weight[9], 0.75, 1e-6);
}

enum { N = 7, D = 18, WINDOW = 3, APART = 3 * D };
struct all { float row[N * APART], slope[N * APART], c[N * D], weight[(N + 1) * WINDOW], o[N * D]; };
static const mid__attend shape = { D, WINDOW, APART };

static double value(struct all *a)
{
    double sum = 0;
    size_t i;

    mid__attend_forward(&shape, a->row, a->row + D, a->row + 2 * D, N, a->weight, a->o);
    for (i = 0; i < N * D; i++)
        sum += (double)a->c[i] * (double)a->o[i];
    return sum;
}

TEST(attend, gradient)
{
    static struct all a;
    mid__rng rng;
    double up, down;
    size_t i;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    scatter(&rng, a.row, N * APART, 1.5);
    scatter(&rng, a.c, N * D, 1);
    value(&a);
    mid__attend_backward(&shape, a.row, a.row + D, a.row + 2 * D, N, a.weight, a.c, a.slope, a.slope + D, a.slope + 2 * D,
                         a.weight + N * WINDOW);
    for (i = 0; i < N * APART; i++) {
        const float old = a.row[i];
        a.row[i] = old + 4e-3f;
        up = value(&a);
        a.row[i] = old - 4e-3f;
        down = value(&a);
        a.row[i] = old;
        CHECK_NEAR(a.slope[i], (up - down) / 8e-3, 2e-3);
    }
}

/* A position sees its window only, and a ring that has turned gives the same, whatever the order of its rows. */
TEST(attend, window)
{
    static struct all a;
    float o[D], weight[WINDOW], ring[WINDOW * 2 * D], before;
    const mid__attend in_ring = { D, WINDOW, 2 * D };
    mid__rng rng;
    size_t t, j;

    mid__rng_init(&rng, seed, 1);
    scatter(&rng, a.row, N * APART, 1.5);
    value(&a);
    before = a.o[5 * D];
    a.row[2 * APART + D] += 1;                              /* k of token 2, which token 5 no longer sees */
    a.row[2 * APART + 2 * D] += 1;
    value(&a);
    CHECK(a.o[5 * D] == before && a.o[4 * D] != before);
    for (t = 0; t < N; t++) {
        memcpy(ring + t % WINDOW * 2 * D, a.row + t * APART + D, 2 * D * sizeof *ring);
        mid__attend_one(&in_ring, a.row + t * APART, ring, ring + D, t + 1 < WINDOW ? t + 1 : WINDOW, weight, o);
        for (j = 0; j < D; j++)
            CHECK_NEAR(o[j], a.o[t * D + j], 1e-6);
    }
}
