/* A member that is consulted at token t has to have read all tokens up to t, whether as they came or, asked late, all
 * at once. So its price in an answer is the last token it is consulted at, not how often; deciding on the rows after 1,
 * 2, 4, ... tokens, a consultation there is taken to last until the next row. */
#include "hybrid/cascade.h"

uint64_t mid__cascade_calls(const void *state, size_t i_member)
{
    return ((const mid__cascade_state *)state)->calls[i_member];
}

void mid__row_ends(const mid_fit_set *set, const mid__member_rows *rows, uint32_t *end)
{
    size_t k;

    for (k = 0; k < rows->n; k++)
        end[k] = k + 1 < rows->n && rows->answer[k + 1] == rows->answer[k]
            ? rows->t[k + 1] - 1 : mid_trace_n_tok(set->answer[rows->answer[k]].trace);
}

uint64_t mid__set_tokens(const mid_fit_set *set)
{
    uint64_t n = 0;
    size_t i;

    for (i = 0; i < set->n; i++)
        n += mid_trace_n_tok(set->answer[i].trace);
    return n;
}
