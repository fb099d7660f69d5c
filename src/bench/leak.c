/* Near duplicates by the 5-grams of letters that prompts have in common (words alone would say little of a question of
 * ten words): overlap = |A and B| / |A or B| of their sets, lower case, whatever is no letter or digit being one space;
 * of long prompts the first 2000 bytes. Pairs to look at come from min-hashing (Broder 1997): two prompts share one
 * hash's minimum with a chance equal to their overlap, so of 8 bands of 2 hashes at least one agrees with a chance of
 * 99.97 % at an overlap of .8, of 90 % at .5. What is found is then counted exactly, but in each band only against the
 * last 64, so that a thousand like prompts do not cost a million looks. */
#include "bench/leak.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"

enum { GRAM = 5, TEXT_MAX = 2000, N_BAND = 8, N_ROW = 2, LOOK_MAX = 64, NONE = -1 };

/* A prompt, once per group. */
struct prompt {
    size_t i_answer, at, n;         /* its grams are at .. at + n */
    uint32_t next[N_BAND];          /* in the same bucket: prompt + 1 */
    bool near;
};

struct looking {
    const uint32_t *group;
    const int *fold;
    struct prompt *prompt;
    uint32_t *gram;                 /* of all prompts, sorted and once each within one */
    uint32_t *head;                 /* (N_BAND, n_slot) prompt + 1 */
    size_t n, n_slot;
};

static size_t plain(const char *text, char out[TEXT_MAX + 1])
{
    size_t n = 0;

    for (; *text && n < TEXT_MAX; text++) {
        const unsigned char c = (unsigned char)*text;
        if (isalnum(c) || c >= 0x80)
            out[n++] = (char)tolower(c);
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    n -= n > 0 && out[n - 1] == ' ';
    return n;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The set of a text's grams; a text shorter than one is its own. */
static size_t grams(const char *text, size_t n_text, uint32_t *gram)
{
    const size_t n_all = n_text < GRAM ? 1 : n_text - GRAM + 1, n_each = n_text < GRAM ? n_text : GRAM;
    size_t i, n = 0;

    for (i = 0; i < n_all; i++) {
        const uint64_t h = mid__fnv(MID__FNV_START, text + i, n_each);
        gram[i] = (uint32_t)(h >> 32 ^ h);
    }
    qsort(gram, n_all, sizeof *gram, by_number);
    for (i = 0; i < n_all; i++)
        if (i == 0 || gram[i] != gram[n - 1])
            gram[n++] = gram[i];
    return n;
}

static double overlap(const struct looking *l, const struct prompt *a, const struct prompt *b)
{
    const uint32_t *x = l->gram + a->at, *y = l->gram + b->at;
    size_t i = 0, j = 0, both = 0;

    while (i < a->n && j < b->n) {
        both += x[i] == y[j];
        if (x[i] <= y[j])
            j += x[i++] == y[j];
        else
            j++;
    }
    return (double)both / (double)(a->n + b->n - both);
}

/* Where the prompt stands in a band's table. */
static uint32_t *bucket(const struct looking *l, const struct prompt *p, int band)
{
    uint64_t key = (uint64_t)band, least, x;
    size_t i;
    int row;

    for (row = 0; row < N_ROW; row++) {
        for (i = 0, least = UINT64_MAX; i < p->n; i++) {
            x = l->gram[p->at + i] ^ (uint64_t)(band * N_ROW + row + 1) << 32;
            x = mid__splitmix(&x);
            least = x < least ? x : least;
        }
        key = mid__fnv(key, &least, sizeof least);
    }
    return &l->head[(size_t)band * l->n_slot + (mid__splitmix(&key) & (l->n_slot - 1))];
}

static void look(struct looking *l, struct prompt *p, mid__leak *out)
{
    int band;

    for (band = 0; band < N_BAND; band++) {
        uint32_t *head = bucket(l, p, band), at;
        int n_look = 0;
        for (at = *head; at && n_look < LOOK_MAX; at = l->prompt[at - 1].next[band], n_look++) {
            struct prompt *q = &l->prompt[at - 1];
            double share;
            if (l->fold[q->i_answer] == l->fold[p->i_answer] || (p->near && q->near))
                continue;
            share = overlap(l, p, q);
            if (share < MID__LEAK_OVERLAP)
                continue;
            out->n_near += !p->near;
            out->n_near += !q->near;
            p->near = q->near = true;
            if (out->n_pair < MID__LEAK_PAIR) {
                out->pair[out->n_pair].i = q->i_answer;
                out->pair[out->n_pair].j = p->i_answer;
                out->pair[out->n_pair++].overlap = share;
            }
        }
        p->next[band] = *head;
        *head = (uint32_t)(p - l->prompt) + 1;
    }
}

/* Groups in two folds, and each group's different prompts. seen (n_slot): open addressing over prompts, + 1. */
static void take_prompts(const char *const *text, size_t n, size_t n_group, struct looking *l, uint32_t *seen,
                         int *fold_of, mid__leak *out)
{
    char a[TEXT_MAX + 1];
    size_t i, at = 0, slot;

    for (i = 0; i < n_group; i++)
        fold_of[i] = NONE;
    for (i = 0; i < n; i++) {
        int *of = &fold_of[l->group[i]];
        const size_t n_text = plain(text[i], a);
        struct prompt *p = &l->prompt[l->n];
        uint64_t key = mid__fnv(MID__FNV_START ^ l->group[i], a, n_text);
        if (*of >= 0 && *of != l->fold[i]) {
            out->n_split++;
            *of = -2;                                       /* counted */
        } else if (*of == NONE) {
            *of = l->fold[i];
        }
        if (n_text == 0)                                    /* no prompt: nothing that could be alike */
            continue;
        *p = (struct prompt){ .i_answer = i, .at = at, .n = grams(a, n_text, l->gram + at) };
        slot = mid__splitmix(&key) & (l->n_slot - 1);
        while (seen[slot] && (l->group[l->prompt[seen[slot] - 1].i_answer] != l->group[i] ||
                              overlap(l, &l->prompt[seen[slot] - 1], p) < 1))
            slot = (slot + 1) & (l->n_slot - 1);
        if (seen[slot])
            continue;
        seen[slot] = (uint32_t)++l->n;
        at += p->n;
    }
}

mid_status mid__leak_of(mid_ctx *ctx, const char *const *prompt, const uint32_t *group, const int *fold, size_t n,
                        mid__leak *out)
{
    struct looking l = { .group = group, .fold = fold, .n_slot = 16 };
    mid__leak found = { 0 };
    uint32_t *seen;
    int *fold_of;
    size_t i, n_gram = 0, n_group = 0;
    mid_status status = MID_OK;

    while (l.n_slot < 2 * n)
        l.n_slot *= 2;
    for (i = 0; i < n; i++) {
        n_gram += 1 + strnlen(prompt[i], TEXT_MAX);
        n_group = group[i] >= n_group ? (size_t)group[i] + 1 : n_group;
    }
    fold_of = malloc((n_group + 1) * sizeof *fold_of);
    l.prompt = malloc((n + 1) * sizeof *l.prompt);
    l.gram = malloc((n_gram + TEXT_MAX) * sizeof *l.gram);
    l.head = calloc(N_BAND * l.n_slot, sizeof *l.head);
    seen = calloc(l.n_slot, sizeof *seen);
    if (!l.prompt || !l.gram || !l.head || !seen || !fold_of)
        status = mid__oom(ctx, "prompts to compare");
    if (status == MID_OK)
        take_prompts(prompt, n, n_group, &l, seen, fold_of, &found);
    for (i = 0; status == MID_OK && i < l.n; i++)
        look(&l, &l.prompt[i], &found);
    found.n_prompt = l.n;
    if (status == MID_OK)
        *out = found;
    free(l.prompt);
    free(l.gram);
    free(l.head);
    free(seen);
    free(fold_of);
    return status;
}
