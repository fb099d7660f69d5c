/* Losses that are no alarms, by hand. */
#include "test.h"

static size_t walk(mid_risk risk)
{
    size_t n_kept = 99;

    CHECK_OK(mid_risk_walk(test_ctx(), &risk, &n_kept));
    return n_kept;
}

/* (9 r + 1) / 10 <= .2: 0 gives .1, .1 gives .19, .2 gives .28; the .05 behind it comes too late. */
TEST(risk_walk, on_average)
{
    static const double loss[] = { 0, 0.1, 0.2, 0.05 }, twice[] = { 0, 0.2, 0.4, 0.1 };

    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 4, .n_prompt = 9, .level = 0.2 }), 2);
    CHECK_INT(walk((mid_risk){ .mean_loss = twice, .n_threshold = 4, .n_prompt = 9, .level = 0.4, .bound = 2 }), 2);
    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 4, .n_prompt = 3, .level = 0.2 }), 0);
    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 0, .n_prompt = 3, .level = 0.2 }), 0);
    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 4, .n_prompt = 0, .level = 0.2 }), 0);
}

/* n = 10, level 1/2, as in test_hoeffding_bentkus.c: .1 gives .0252, .2 gives .1455. */
TEST(risk_walk, with_confidence)
{
    static const double loss[] = { 0, 0.1, 0.2 };

    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 3, .n_prompt = 10, .level = 0.5, .confidence = 0.9 }),
              2);
    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 3, .n_prompt = 10, .level = 0.5,
                               .confidence = 0.98 }), 1);
    CHECK_INT(walk((mid_risk){ .mean_loss = loss, .n_threshold = 3, .n_prompt = 10, .level = 0.5, .confidence = 0.8 }),
              3);
}

TEST(risk_walk, bad_input)
{
    static const double loss[] = { 0, NAN }, high[] = { 1.5 };
    static const mid_risk wrong[] = {
        { loss, 1, 9, 0, 0, 0 }, { loss, 1, 9, 0, 1, 0 }, { loss, 1, 9, 0, NAN, 0 }, { loss, 1, 9, -1, 0.5, 0 },
        { loss, 1, 9, INFINITY, 0.5, 0 }, { loss, 1, 9, 0, 0.5, 1 }, { loss, 1, 9, 0, 0.5, NAN },
    };
    const mid_risk nan = { loss, 2, 9, 0, 0.5, 0 }, above = { high, 1, 9, 0, 0.5, 0 };
    size_t i, n_kept = 42;

    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_FAILS(mid_risk_walk(test_ctx(), &wrong[i], &n_kept), MID_EINVAL);
    CHECK_FAILS(mid_risk_walk(test_ctx(), &nan, &n_kept), MID_ENUMERIC);
    CHECK_SAYS("mean loss 1 is");
    CHECK_FAILS(mid_risk_walk(test_ctx(), &above, &n_kept), MID_ENUMERIC);
    CHECK_INT(n_kept, 42);
}
