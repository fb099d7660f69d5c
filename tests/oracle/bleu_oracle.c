/* BLEU and chrF for bleu.py: each line of standard input is a segment, a JSON list of a text and its references. A line
 * of three figures a segment comes out, sentence BLEU, chrF2 and chrF++, and then one of the same for the corpus. */
#include "oracle/driver.h"

#include "yyjson.h"

#include "base/bleu.h"
#include "base/chrf.h"

struct sums { mid__bleu bleu; mid__chrf chrf, chrf_words; };

static void add(const char *text, const char *const *reference, size_t n, struct sums *s)
{
    ok(NULL, mid__bleu_add(NULL, text, strlen(text), reference, n, &s->bleu));
    ok(NULL, mid__chrf_add(NULL, text, strlen(text), reference, n, false, &s->chrf));
    ok(NULL, mid__chrf_add(NULL, text, strlen(text), reference, n, true, &s->chrf_words));
}

static void print(const struct sums *s, bool single)
{
    const double all[] = { mid__bleu_score(&s->bleu, single), mid__chrf_score(&s->chrf), mid__chrf_score(&s->chrf_words) };

    row(all, 3);
}

int main(void)
{
    struct sums corpus = { 0 };
    char *line = NULL;
    size_t cap = 0, i, n, n_all;
    ssize_t n_line;

    while ((n_line = getline(&line, &cap, stdin)) > 0) {
        yyjson_doc *doc = yyjson_read(line, (size_t)n_line, 0);
        yyjson_val *list = yyjson_doc_get_root(doc), *one;
        const char **text = room(yyjson_arr_size(list), sizeof *text);
        struct sums single = { 0 };
        yyjson_arr_foreach(list, i, n_all, one)
            text[i] = yyjson_get_str(one);
        n = yyjson_arr_size(list);
        add(text[0], text + 1, n - 1, &single);
        add(text[0], text + 1, n - 1, &corpus);
        print(&single, true);
        free(text);
        yyjson_doc_free(doc);
    }
    print(&corpus, false);
    free(line);
    return 0;
}
