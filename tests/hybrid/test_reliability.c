/* 2 AUROC - 1, averaged over positions, by hand. */
#include "monitor/traces.h"

#include "hybrid/reliability.h"

enum { N_ROW = 8, N_MEMBER = 4 };

/* Four answers after 1 and 2 tokens; the first two are safe.
 *   member 0  right at both                     (1 + 1) / 2, so r = 1
 *   member 1  a score that only grows           1/2 at both: 0, though over all rows together it would be too
 *   member 2  right after 1 token, wrong after 2: (1 + 0) / 2, so 0
 *   member 3  silent but for one unsafe answer: half the pairs right, half tied, AUROC 3/4, so 1/2 */
TEST(reliability, by_hand)
{
    static double score[N_ROW * N_MEMBER] = {
        0, 1, 0, NAN,   0, 2, 5, NAN,
        1, 1, 0, NAN,   1, 2, 5, NAN,
        5, 1, 3, NAN,   6, 2, 4, NAN,
        7, 1, 3, -9,    8, 2, 3, -9
    };
    static uint32_t answer[N_ROW] = { 0, 0, 1, 1, 2, 2, 3, 3 }, t[N_ROW] = { 1, 2, 1, 2, 1, 2, 1, 2 };
    static uint8_t label[N_ROW] = { 0, 0, 0, 0, 1, 1, 1, 1 }, horizon[N_ROW] = { 0, 1, 0, 1, 0, 1, 0, 1 };
    static double weight[N_ROW] = { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 };
    static const double want[N_MEMBER] = { 1, 0, 0, 0.5 };
    const mid__member_rows rows = { .n = N_ROW, .n_member = N_MEMBER, .score = score, .answer = answer, .t = t,
                                    .label = label, .horizon = horizon, .weight = weight };
    const mid_fit_answer of[4] = { { NULL, 0, 0 }, { NULL, 0, 1 }, { NULL, 1, 2 }, { NULL, 1, 3 } };
    const mid_fit_set set = { of, 4, 1, 3, NULL };
    float r[N_MEMBER];
    int i;

    CHECK_OK(mid__reliability(test_ctx(), &set, &rows, r));
    for (i = 0; i < N_MEMBER; i++)
        CHECK_NEAR(r[i], want[i], 1e-7);
}
