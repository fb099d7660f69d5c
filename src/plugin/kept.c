/* Answers kept as they were sent. */
#include "plugin/kept.h"

#include <stdlib.h>
#include <string.h>

void mid__kept_clear(mid__kept_all *all)
{
    size_t i;

    for (i = 0; i < MID__KEPT_N; i++) {
        mid__buf_clear(&all->at[i].sent);
        free(all->at[i].line);
    }
    memset(all, 0, sizeof *all);
}

mid__kept *mid__kept_find(mid__kept_all *all, uint64_t id)
{
    size_t i;

    for (i = 0; i < MID__KEPT_N; i++)
        if (id && all->at[i].id == id)
            return &all->at[i];
    return NULL;
}

void mid__kept_turn(mid__kept_all *all, mid__kept *a) { a->used = ++all->clock; }

/* The place of the one whose turn was longest ago, but not that of `keep`. */
static mid__kept *make(mid__kept_all *all, const mid__kept *keep)
{
    mid__kept *a = NULL;
    size_t i;

    for (i = 0; i < MID__KEPT_N; i++)
        if (&all->at[i] != keep && (!a || all->at[i].used < a->used))
            a = &all->at[i];
    a->id = a->wire_id = ++all->last_id;
    a->n_tok = 0;
    a->sent.n = 0;
    mid__kept_turn(all, a);
    return a;
}

mid__kept *mid__kept_new(mid__kept_all *all) { return make(all, NULL); }

bool mid__kept_add(mid__kept *a, uint32_t i_tok, const char *text, size_t n)
{
    const size_t i = a->sent.n ? a->n_tok + 1 : 0;      /* a start is never empty */
    struct mid__kept_line *more;

    if (i >= a->cap) {
        more = realloc(a->line, (2 * a->cap + 64) * sizeof *more);
        if (!more)
            return false;
        a->line = more;
        a->cap = 2 * a->cap + 64;
    }
    a->sent.failed = false;
    if (!mid__buf_put(&a->sent, text, n))
        return false;
    a->line[i] = (struct mid__kept_line){ a->sent.n, i_tok };
    a->n_tok = (uint32_t)i;
    return true;
}

mid__kept *mid__kept_branch(mid__kept_all *all, mid__kept *from, uint32_t n_tok)
{
    mid__kept *a = make(all, from);
    size_t begin = 0;
    uint32_t i;

    a->wire_id = from->wire_id;
    for (i = 0; i <= n_tok; begin = from->line[i++].end)
        if (!mid__kept_add(a, from->line[i].i_tok, from->sent.at + begin, from->line[i].end - begin)) {
            a->id = 0;
            return NULL;
        }
    return a;
}
