/* Quality figures by hand. Six answers of two rows, prompt groups 0..5, one value a row; states have centres 0 and 10. */
#include "traces.h"

#include "monitor/luna_quality.h"
#include "monitor/rows.h"

enum { N = 6 };

/* Row values and states of answer i; the distance from the centre is the row's last digit. */
struct made {
    answers a;
    mid_fit_set set;
    size_t first[N + 1];
    float point[2 * N];
    uint32_t state[2 * N];
    mid__luna_data data;
};

static float mean[] = { 0 }, axis[] = { 1 }, centre[] = { 0, 10 };

static mid__luna_map map_of(void)
{
    return (mid__luna_map){ .shape = { MID__LUNA_KMEANS, 1, 2, 0, 0 }, .d = 1, .mean = mean, .axis = axis,
                            .centre = centre };
}

static void make(struct made *m, const float *row)
{
    const mid_signals signals = signals_of(1, 1);
    const mid__luna_map map = map_of();
    mid__luna_cursor cursor = { 0 };
    size_t i, t;

    memset(m, 0, sizeof *m);
    for (i = 0; i < N; i++) {
        mid_trace *trace = trace_open(&signals, "p", NULL);
        for (t = 2 * i; t < 2 * i + 2; t++) {
            trace_put(trace, "x", -1, 1, &row[t]);
            m->point[t] = row[t];
            m->state[t] = mid__luna_next(&map, &cursor, &row[t]);
        }
        answers_put(&m->a, trace, i % 2);
        m->first[i + 1] = 2 * i + 2;
    }
    m->set = set_of(&m->a);
    m->data = (mid__luna_data){ &m->set, N, m->first, m->point, m->state, 1, 2 };
}

/* Safe answers stay at 0, unsafe ones at 10. Nudged by a tenth of their deviation of 5 no row leaves its state. */
TEST(luna_quality, clean_states)
{
    static const float row[2 * N] = { 0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 10 };
    const mid__luna_map map = map_of();
    mid__luna_quality q;
    struct made m;
    double n_safe, n_unsafe, sum = 0, most = 0;
    int fold;
    size_t i;

    make(&m, row);
    CHECK_OK(mid__luna_quality_of(test_ctx(), &map, &m.data, 0, &q));
    CHECK_NEAR(q.coverage, 1, 0);
    CHECK_NEAR(q.succinctness, 2.0 / 12, 1e-15);
    CHECK_NEAR(q.sensitivity, 0, 0);
    CHECK_NEAR(q.stationary_entropy, log(2), 1e-15);
    for (i = 0; i < N; i++) {           /* theta of the other folds, kappa 5: pi = u / (s + u) */
        const int label = m.a.answer[i].label, own = mid__inner_fold(&m.set, i);
        size_t j;
        double theta;
        for (j = 0, n_safe = n_unsafe = 0, fold = own; j < N; j++)
            if (mid__inner_fold(&m.set, j) != fold)
                *(m.a.answer[j].label ? &n_unsafe : &n_safe) += 1;
        theta = label ? (n_unsafe + 5 * n_unsafe / (n_safe + n_unsafe)) / (n_unsafe + 5)
                      : 5 * n_unsafe / (n_safe + n_unsafe) / (n_safe + 5);
        sum += fabs(theta - label);
        most = fmax(most, fabs(theta - label));
    }
    CHECK_NEAR(q.preciseness, sum / N, 1e-12);
    CHECK_NEAR(q.preciseness_max, most, 1e-12);
    answers_clear(&m.a);
}

/* One answer lies 3 from its centre where all others lie at most 1: whatever fold it is in, its rows are not covered; and
 * one answer alone is in the second state. 8 of 12 rows are covered. */
TEST(luna_quality, coverage_counts_what_is_new)
{
    static const float row[2 * N] = { 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 10, 10 };
    const mid__luna_map map = map_of();
    mid__luna_quality q;
    struct made m;

    make(&m, row);
    CHECK_OK(mid__luna_quality_of(test_ctx(), &map, &m.data, 0, &q));
    CHECK_NEAR(q.coverage, 8.0 / 12, 1e-15);
    CHECK_NEAR(q.stationary_entropy, -(10.0 / 12 * log(10.0 / 12) + 2.0 / 12 * log(2.0 / 12)), 1e-15);
    answers_clear(&m.a);
}

/* Rows on the border between two states: a nudge to the upper side moves them, about every second one. */
TEST(luna_quality, sensitivity_sees_borders)
{
    static const float row[2 * N] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5.5f };
    const mid__luna_map map = map_of();
    mid__luna_quality q;
    struct made m;

    make(&m, row);
    CHECK_OK(mid__luna_quality_of(test_ctx(), &map, &m.data, 0, &q));
    CHECK(q.sensitivity > 0.1 && q.sensitivity < 0.95);
    answers_clear(&m.a);
}

TEST(luna_quality, kept_as_numbers)
{
    const mid__luna_quality q = { 0.9, 0.01, 0.2, 3.5, 0.3, NAN };
    mid_weights *w;

    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid__luna_quality_keep(test_ctx(), &q, w));
    CHECK_NEAR(mid_weights_number(w, "quality.coverage"), 0.9, 1e-15);
    CHECK_NEAR(mid_weights_number(w, "quality.stationary_entropy"), 3.5, 1e-15);
    CHECK(mid_weights_text(w, "quality.preciseness_max") == NULL);
    mid_weights_close(w);
}
