/* BLEU, chrF2 and chrF++ of segments: reads bench_bleu.py's lines, a JSON list of a text and its reference each, from
 * standard input and prints the seconds that each of the three took, the best of 5 rounds, and its figure for all. */
#include "base/bleu.h"
#include "base/chrf.h"
#include "base/ctx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yyjson.h"

enum { N_ROUND = 5, N_KIND = 3 };

struct segments { yyjson_doc **doc; size_t n; };

static double figure(const struct segments *s, int kind)
{
    mid__bleu bleu = { 0 };
    mid__chrf chrf = { { 0 }, { 0 }, { 0 } };
    size_t i;

    for (i = 0; i < s->n; i++) {
        const char *text = yyjson_get_str(yyjson_arr_get(yyjson_doc_get_root(s->doc[i]), 0));
        const char *reference = yyjson_get_str(yyjson_arr_get(yyjson_doc_get_root(s->doc[i]), 1));
        const mid_status status = kind == 0 ? mid__bleu_add(NULL, text, strlen(text), &reference, 1, &bleu)
                                  : mid__chrf_add(NULL, text, strlen(text), &reference, 1, kind == 2, &chrf);
        if (status != MID_OK)
            exit(1);
    }
    return kind == 0 ? mid__bleu_score(&bleu, false) : mid__chrf_score(&chrf);
}

int main(void)
{
    struct segments s = { NULL, 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int kind, i;

    while ((n = getline(&line, &cap, stdin)) > 0) {
        yyjson_doc **more = realloc(s.doc, (s.n + 1) * sizeof *more);
        if (!more || !(more[s.n] = yyjson_read(line, (size_t)n, 0)))
            return 1;
        s.doc = more;
        s.n++;
    }
    for (kind = 0; kind < N_KIND; kind++) {
        double best_s = 1e9, value = 0;
        for (i = 0; i < N_ROUND; i++) {
            const double start_s = mid__now_s();
            value = figure(&s, kind);
            best_s = mid__now_s() - start_s < best_s ? mid__now_s() - start_s : best_s;
        }
        printf("%.9f %.17g\n", best_s, value);
    }
    while (s.n)
        yyjson_doc_free(s.doc[--s.n]);
    free(s.doc);
    free(line);
    return 0;
}
