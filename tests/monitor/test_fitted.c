/* What plans take out of weights. */
#include "hand_weights.h"

#include "monitor/fitted.h"

TEST(fitted, tensors)
{
    static const float x[] = { 1, 2, 3, 4, 5, 6 };
    mid_weights *w;
    float *copy = NULL;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    put(w, "x", x, 2, 3);
    CHECK_OK(mid__tensor_copy(test_ctx(), w, "x", 2, 3, &copy));
    mid_weights_close(w);
    assert_memory_equal(copy, x, sizeof x);             /* it is a copy */
    free(copy);
}

TEST(fitted, tensors_of_another_shape)
{
    static const float x[] = { 1, 2, 3, 4, 5, 6 };
    mid_weights *w;
    float *copy = NULL;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    put(w, "x", x, 2, 3);
    CHECK_FAILS(mid__tensor_copy(test_ctx(), w, "x", 3, 2, &copy), MID_EFORMAT);
    CHECK_SAYS("'x'");
    CHECK_FAILS(mid__tensor_copy(test_ctx(), w, "y", 2, 3, &copy), MID_EFORMAT);
    CHECK_SAYS("'y'");
    CHECK(copy == NULL);
    mid_weights_close(w);
}

/* Layers 3 and 8 are tapped, each of 5 values. */
TEST(fitted, layers)
{
    static const double absent[] = { 0, 1, 3.5, -1, NAN };
    mid_signals signals = signals_of(2, 5);
    mid_weights *w;
    size_t at = 42, i;

    signals.layer[0] = 3;
    signals.layer[1] = 8;
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_FAILS(mid__layer_at(test_ctx(), "x", w, &signals, 5, &at), MID_ESIGNAL);
    for (i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        put_number(w, "layer", absent[i]);
        CHECK_FAILS(mid__layer_at(test_ctx(), "x", w, &signals, 5, &at), MID_ESIGNAL);
        CHECK_INT(at, 42);
    }
    put_number(w, "layer", 8);
    CHECK_OK(mid__layer_at(test_ctx(), "x", w, &signals, 5, &at));
    CHECK_INT(at, 5);
    put_number(w, "layer", 3);
    CHECK_OK(mid__layer_at(test_ctx(), "x", w, &signals, 5, &at));
    CHECK_INT(at, 0);
    put_number(w, "layer", 4);
    CHECK_FAILS(mid__layer_at(test_ctx(), "x", w, &signals, 5, &at), MID_ESIGNAL);
    CHECK_SAYS("x reads layer 4, which this source does not tap");
    mid_weights_close(w);
}
