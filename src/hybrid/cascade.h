/* What cascades share: which members were consulted, and how far a member has to have read for that. */
#ifndef MID_HYBRID_CASCADE_H
#define MID_HYBRID_CASCADE_H

#include "hybrid/members.h"

/* A cascade's state. */
typedef struct mid__cascade_state { uint32_t calls[MID__MEMBER_MAX]; } mid__cascade_state;
uint64_t mid__cascade_calls(const void *state, size_t i_member);

/* For each row the last token that a decision there stands for: the one before the answer's next row, or its last.
 * @param[out] end (rows->n) */
void mid__row_ends(const mid_fit_set *set, const mid__member_rows *rows, uint32_t *end);
/* Tokens in all fit answers. */
uint64_t mid__set_tokens(const mid_fit_set *set);

#endif
