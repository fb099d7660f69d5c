/* What to say about a name that is not known: the nearest one, and which there are. */
#include "base/names.h"

#include <string.h>

/* Edits that make a into b: a letter put in, taken out, changed, or swapped with its neighbour (optimal string
 * alignment). Long words are never close. */
static size_t distance(const char *a, const char *b)
{
    enum { LONG = 40 };
    uint8_t d[LONG + 1][LONG + 1];  /* d[i][j]: from a's first i letters to b's first j */
    const size_t n_a = strlen(a), n_b = strlen(b);
    size_t i, j;

    if (n_a > LONG || n_b > LONG)
        return LONG;
    for (i = 0; i <= n_a; i++)
        d[i][0] = (uint8_t)i;
    for (j = 0; j <= n_b; j++)
        d[0][j] = (uint8_t)j;
    for (i = 1; i <= n_a; i++)
        for (j = 1; j <= n_b; j++) {
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1u < best)
                best = d[i - 1][j] + 1u;
            if (d[i][j - 1] + 1u < best)
                best = d[i][j - 1] + 1u;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1u < best)
                best = d[i - 2][j - 2] + 1u;
            d[i][j] = (uint8_t)best;
        }
    return d[n_a][n_b];
}

void mid__names_unknown(mid__buf *out, const char *what, const char *word, const char *intro,
                        const char *const *name, size_t n)
{
    const char *nearest = NULL;
    size_t i, d, best = MID__NAMES_NEAR + 1;

    for (i = 0; i < n; i++) {
        d = distance(word, name[i]);
        if (d < best && d < strlen(name[i])) {
            best = d;
            nearest = name[i];
        }
    }
    mid__buf_fmt(out, "unknown %s '%.60s'", what, word);
    if (nearest)
        mid__buf_fmt(out, ": did you mean '%s'?", nearest);
    mid__buf_fmt(out, " (%s: %s", intro, n ? name[0] : "none");
    for (i = 1; i < n; i++)
        mid__buf_fmt(out, ", %s", name[i]);
    mid__buf_text(out, ")");
}
