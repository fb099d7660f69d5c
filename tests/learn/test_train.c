/* The trainer on losses made to measure: when it stops, what it gives back, and what it does without items held out. */
#include "test.h"

#include "learn/head.h"
#include "learn/train.h"

/* One weight. Items with label 0 want it at 3; those with label 1 are held out and want it at 1: from 0 on, their loss
 * falls, then rises. */
static double pull(void *user, const float *w, const uint32_t *item, size_t n, float *grad)
{
    const uint8_t *held_out = user;
    double loss = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        const double off = (double)w[0] - (held_out[item[i]] ? 1 : 3);
        loss += off * off;
        if (grad)
            grad[0] += (float)(2 * off);
    }
    return loss;
}

TEST(train, stops_where_the_held_out_loss_is_least)
{
    uint8_t held_out[12] = { 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1 };
    const mid__loss loss = { 12, 1, pull, held_out };
    mid__train how = { .rate = { 0.1 }, .n_batch = 9, .n_epoch_max = 100, .patience = 3, .seed = 1 };
    float w = 0, inner;
    mid__found found;

    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, held_out, &w, &inner, &found));
    CHECK_NEAR(inner, 1, 0.06);                             /* one step an epoch, each of .1 at first */
    CHECK(found.n_epoch >= 9 && found.n_epoch <= 11);
    CHECK(w != inner);                                      /* the second part had all items */
    how.n_epoch_max = 4;
    w = 0;
    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, held_out, &w, &inner, &found));
    CHECK_INT(found.n_epoch, 4);
    CHECK_NEAR(inner, 0.4, 0.02);
}

/* Already at the best place: nothing is learned, and w is what it was. */
TEST(train, may_learn_nothing)
{
    uint8_t held_out[6] = { 0, 1, 0, 1, 0, 1 };
    const mid__loss loss = { 6, 1, pull, held_out };
    const mid__train how = { .rate = { 0.1 }, .n_batch = 2, .n_epoch_max = 50, .patience = 3, .seed = 1 };
    float w = 1;
    mid__found found = { .n_epoch = 7 };

    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, held_out, &w, NULL, &found));
    CHECK_INT(found.n_epoch, 0);
    CHECK_NEAR(w, 1, 0);
}

TEST(train, without_items_on_both_sides)
{
    uint8_t none[4] = { 0 }, all[4] = { 1, 1, 1, 1 };
    const mid__train how = { .rate = { 0.1 }, .n_batch = 4, .n_epoch_max = 50, .patience = 3, .seed = 1 };
    mid__loss loss = { 4, 1, pull, none };
    float w = 2, inner = 9;
    mid__found found;

    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, none, &w, &inner, &found));
    CHECK_INT(found.n_epoch, 0);
    CHECK_NEAR(w, 2, 0);
    CHECK_NEAR(inner, 2, 0);                                /* where it started */
    loss.user = all;
    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, all, &w, NULL, &found));
    CHECK_INT(found.n_epoch, 0);
    CHECK_NEAR(w, 2, 0);
    loss.n_item = 0;
    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, all, &w, NULL, NULL));
    CHECK_NEAR(w, 2, 0);
}

/* Ten epochs of one step each, the weight wanted at 3 by all: a step is about the rate. The slow rate does not get there,
 * the fast one leaps over. */
TEST(train, chooses_the_rate)
{
    uint8_t zeros[6] = { 0 };
    const uint8_t held_out[6] = { 0, 0, 0, 0, 1, 1 };
    const mid__loss loss = { 6, 1, pull, zeros };
    mid__train how = { .rate = { 0.01, 0.3, 8 }, .n_batch = 8, .n_epoch_max = 10, .patience = 10, .seed = 1 };
    float w = 0;
    mid__found found;

    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, held_out, &w, NULL, &found));
    CHECK_NEAR(found.rate, 0.3, 0);
    CHECK_NEAR(w, 3, 0.5);
    CHECK(found.loss < 0.5);
}

/* A rate that ends in no number is passed over, whether slower ones worked or faster ones do. */
static double brittle(void *user, const float *w, const uint32_t *item, size_t n, float *grad)
{
    return fabsf(w[0]) > 5 ? NAN : pull(user, w, item, n, grad);
}

TEST(train, passes_over_rates_that_diverge)
{
    uint8_t zeros[6] = { 0 };
    const uint8_t held_out[6] = { 0, 0, 0, 0, 1, 1 };
    const mid__loss loss = { 6, 1, brittle, zeros };
    const mid__train how = { .rate = { 0.3, 50 }, .n_batch = 4, .n_epoch_max = 10, .patience = 10, .seed = 1 };
    float w = 0;
    mid__found found;

    CHECK_OK(mid__train_fit(test_ctx(), &how, &loss, held_out, &w, NULL, &found));
    CHECK_NEAR(found.rate, 0.3, 0);
}

static double diverge(void *user, const float *w, const uint32_t *item, size_t n, float *grad)
{
    (void)user; (void)w; (void)item; (void)n; (void)grad;
    return NAN;
}

TEST(train, says_when_it_diverges)
{
    const uint8_t held_out[4] = { 0, 1, 0, 1 };
    const mid__train how = { .rate = { 0.1 }, .n_batch = 4, .n_epoch_max = 9, .patience = 3, .seed = 1 };
    const mid__loss loss = { 4, 1, diverge, NULL };
    float w = 0;

    CHECK_FAILS(mid__train_fit(test_ctx(), &how, &loss, held_out, &w, NULL, NULL), MID_ENUMERIC);
    CHECK_SAYS("no longer a number");
}

/* A head with two outputs on rows of two, a = W x + bias, by hand; and the pack of sequences of 1, 3, 0 and 2 rows. */
static double look(const mid__head *head, const float *extra, const mid__batch *batch, const float *a,
                   float *d_a, float *d_extra, float *work)
{
    static const uint32_t order[] = { 1, 3, 0, 2 };
    static const size_t at[] = { 0, 3, 5, 6 };
    float packed[12], back[12];
    size_t i;

    (void)head; (void)extra; (void)d_extra; (void)work;
    CHECK_INT(batch->n, 4);
    CHECK_INT(batch->at[4], 6);
    CHECK_INT(batch->pack.n_step, 3);
    for (i = 0; i < 4; i++) {
        CHECK_INT(batch->order[i], order[i]);
        CHECK_INT(batch->pack.at[i], at[i]);
    }
    mid__batch_pack(batch, 2, a, packed);
    assert_memory_equal(packed, a + 2, 2 * sizeof *a);      /* step 0 begins with the longest's first row, row 1 */
    assert_memory_equal(packed + 2, a + 8, 2 * sizeof *a);  /* then that of the sequence of two, row 4 */
    assert_memory_equal(packed + 10, a + 6, 2 * sizeof *a); /* and ends with the longest's last, row 3 */
    mid__batch_unpack(batch, 2, packed, back);
    assert_memory_equal(back, a, sizeof back);
    CHECK_NEAR(a[0], 0.5 + 1 * 1 + 2 * 10, 0);              /* row 0 is (1, 10) */
    CHECK_NEAR(a[1], -0.5 + 3 * 1 + 4 * 10, 0);
    if (d_a)
        d_a[2 * 3] = 1;                                     /* by the first output at row 3, which is (4, 40) */
    return 0;
}

static size_t no_work(const mid__head *head, size_t n, size_t n_row)
{
    (void)head; (void)n; (void)n_row;
    return 0;
}

TEST(train, head_and_pack)
{
    static const size_t length[] = { 1, 3, 0, 2 };
    static const uint32_t item[] = { 0, 1, 2, 3 };
    const mid__head head = { .n_out = 2, .n_work = no_work, .loss = look };
    const float w[] = { 1, 2, 3, 4, 0.5f, -0.5f };
    float grad[6] = { 0 };
    mid__head_task task;
    mid__seqs s;
    size_t i;

    CHECK_OK(mid__seqs_open(test_ctx(), 4, 6, 2, &s));
    for (i = 0; i < 4; i++)
        s.at[i + 1] = s.at[i] + length[i];
    for (i = 0; i < 6; i++) {
        s.x[2 * i] = (float)(i + 1);
        s.x[2 * i + 1] = (float)(10 * (i + 1));
    }
    CHECK_OK(mid__head_task_open(test_ctx(), &head, &s, 4, &task));
    task.loss.of(&task, w, item, 4, grad);
    CHECK(grad[0] == 4 && grad[1] == 40 && grad[4] == 1);   /* d w = d a x, d bias = d a */
    CHECK(grad[2] == 0 && grad[3] == 0 && grad[5] == 0);
    mid__head_task_clear(&task);
    mid__seqs_clear(&s);
}
