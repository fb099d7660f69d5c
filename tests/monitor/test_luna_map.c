/* Maps by hand: one axis, so that a point is the row's first value less 1; the second value is left out. */
#include "hand_weights.h"

#include "monitor/luna_map.h"

static const mid_param shape_params[] = {
    { "map", 0, "grid", NULL }, { "dims", 1, NULL, NULL }, { "states", 4, NULL, NULL }, { "cells", 4, NULL, NULL },
    { "history", 1, NULL, NULL }, { NULL, 0, NULL, NULL }
};

static float mean[] = { 1, 0 }, axis[] = { 1, 0 };

TEST(luna_map, kmeans_by_hand)
{
    float centre[] = { -2, 0, 5 };
    const mid__luna_map map = { .shape = { MID__LUNA_KMEANS, 1, 3, 0, 0 }, .d = 2, .mean = mean, .axis = axis,
                                .centre = centre };
    const float row[][2] = { { 0, 99 }, { 1, 0 }, { 9, 0 } }, bad[] = { 0, NAN };
    mid__luna_cursor cursor = { 0 };
    float point;
    uint32_t i;

    for (i = 0; i < 3; i++) {           /* -1 is nearest to -2 (and to 0: the first of equals), 0 to 0, 8 to 5 */
        CHECK(mid__luna_point(&map, row[i], &point));
        CHECK_INT(mid__luna_next(&map, &cursor, &point), i);
    }
    CHECK(!mid__luna_point(&map, bad, &point));         /* though the axis gives its second value no weight */
}

/* Two components at 0 and 4 with variances 1 and 16: at 1.5 the narrow one is likelier, at -5 the wide one. */
TEST(luna_map, gmm_by_hand)
{
    float centre[] = { 0, 4 }, precision[] = { 1, 1.0f / 16 }, offset[] = { 0, -1.3862944f };  /* -ln of the deviations */
    const mid__luna_map map = { .shape = { MID__LUNA_GMM, 1, 2, 0, 0 }, .d = 2, .mean = mean, .axis = axis,
                                .centre = centre, .precision = precision, .offset = offset };
    mid__luna_cursor cursor = { 0 };
    float point = 1.5f;

    CHECK_INT(mid__luna_next(&map, &cursor, &point), 0);
    point = -5;
    CHECK_INT(mid__luna_next(&map, &cursor, &point), 1);
}

/* Four cells of [0, 4), one cell of history: code = own + 4 * the cell before, which at first is the own. */
TEST(luna_map, grid_by_hand)
{
    float lo[] = { 0 }, hi[] = { 4 };
    mid__luna_map map = { .shape = { MID__LUNA_GRID, 1, 0, 4, 1 }, .d = 2, .mean = mean, .axis = axis, .lo = lo, .hi = hi };
    const float point[] = { 0.5f, 1.5f, 99, -7, 1.5f }, code[] = { 0, 1, 7, 12, 1 };
    const float seen[] = { 7, 0, 1, 7 };
    mid__luna_cursor cursor = { 0 };
    uint32_t state[] = { 0, 1, 2, 3, 1 };       /* known are 0, 1, 7; 12 was never seen: state 3 of 0 .. 2 */
    int i;

    for (i = 0; i < 5; i++)
        CHECK_NEAR(mid__luna_code(&map, &cursor, &point[i]), code[i], 0);
    CHECK_OK(mid__luna_map_see(test_ctx(), &map, seen, 4));
    CHECK_INT(map.shape.n_state, 3);
    memset(&cursor, 0, sizeof cursor);
    for (i = 0; i < 5; i++)
        CHECK_INT(mid__luna_next(&map, &cursor, &point[i]), state[i]);
    free(map.code);
}

TEST(luna_map, shapes_are_checked)
{
    static const mid_param bad[] = {
        { "map", 0, "tree", NULL }, { "dims", 0, NULL, NULL }, { "dims", 65, NULL, NULL }, { "states", 1, NULL, NULL },
        { "cells", 2.5, NULL, NULL }, { "history", 4, NULL, NULL }, { "dims", 7, NULL, NULL }   /* 4^14 cells: too many */
    };
    mid_param params[6];
    mid__luna_shape shape;
    size_t i, j;

    CHECK_OK(mid__luna_shape_of(test_ctx(), shape_params, &shape));
    CHECK(shape.kind == MID__LUNA_GRID && shape.n_dim == 1 && shape.n_cell == 4 && shape.n_history == 1);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memcpy(params, shape_params, sizeof params);
        for (j = 0; j < 5; j++)
            if (strcmp(params[j].name, bad[i].name) == 0)
                params[j] = bad[i];
        CHECK_FAILS(mid__luna_shape_of(test_ctx(), params, &shape), MID_EINVAL);
    }
    CHECK_SAYS("below 2^24");
}

/* Kept and opened again, every kind gives the same states. */
TEST(luna_map, survives_a_file)
{
    static const char *const kind[] = { "kmeans", "gmm", "grid" };
    enum { N = 60, D = 3 };
    float x[N * D], point[MID__LUNA_DIM_MAX], code[N];
    int i, k;

    for (i = 0; i < N * D; i++)
        x[i] = (float)((i * 37) % 23) / 4 + (float)(i / D % 3 * 8);
    for (k = 0; k < 3; k++) {
        const mid_param params[] = {
            { "map", 0, kind[k], NULL }, { "dims", 2, NULL, NULL }, { "states", 5, NULL, NULL },
            { "cells", 3, NULL, NULL }, { "history", 1, NULL, NULL }, { NULL, 0, NULL, NULL }
        };
        mid__luna_cursor a = { 0 }, b = { 0 }, c = { 0 };
        mid__luna_map map, again;
        mid__luna_shape shape;
        mid_weights *w;
        CHECK_OK(mid_weights_open(test_ctx(), &w));
        CHECK_OK(mid__luna_shape_of(test_ctx(), params, &shape));
        CHECK_OK(mid__luna_map_fit(test_ctx(), &shape, x, N, D, 1, &map));
        for (i = 0; k == 2 && i < N; i++) {
            CHECK(mid__luna_point(&map, x + i * D, point));
            code[i] = mid__luna_code(&map, &c, point);
        }
        if (k == 2)
            CHECK_OK(mid__luna_map_see(test_ctx(), &map, code, N));
        CHECK_OK(mid__luna_map_keep(test_ctx(), &map, w));
        CHECK_OK(mid__luna_map_open(test_ctx(), w, params, D, &again));
        CHECK_INT(again.shape.n_state, map.shape.n_state);
        for (i = 0; i < N; i++) {
            CHECK(mid__luna_point(&map, x + i * D, point));
            CHECK_INT(mid__luna_next(&map, &a, point), mid__luna_next(&again, &b, point));
        }
        mid__luna_map_clear(&map);
        mid__luna_map_clear(&again);
        CHECK_FAILS(mid__luna_map_open(test_ctx(), w, params, D + 1, &again), MID_EFORMAT);
        mid__luna_map_clear(&again);
        mid_weights_close(w);
    }
}
