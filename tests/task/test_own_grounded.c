/* data/own_grounded is what its card says. */
#include "test.h"

#define WORD_BYTES " \n"

static const char head[] = "Text:\n", question[] = "\n\nQuestion: ", order[] = "\nAnswer in one short sentence, from the "
    "text only. If the text does not say, answer: The text does not say.";

static mid_dataset *open_own(void)
{
    static const char *const dirs[] = { "data" };
    mid_dataset *d;

    CHECK_OK(mid_dataset_open(test_ctx(), dirs, 1, "own_grounded", &d));
    return d;
}

/* A copy of the sample's passage; free it. */
static char *passage_of(const mid_sample *s)
{
    const char *end = strstr(s->prompt, question);

    CHECK(strncmp(s->prompt, head, sizeof head - 1) == 0);
    CHECK(end && strcmp(strstr(end, order), order) == 0);       /* all three parts, and nothing behind them */
    return strndup(s->prompt + sizeof head - 1, (size_t)(end - s->prompt) - (sizeof head - 1));
}

static size_t count_words(const char *text)
{
    size_t n = 0;

    while (*(text += strspn(text, WORD_BYTES))) {
        n += 1;
        text += strcspn(text, WORD_BYTES);
    }
    return n;
}

TEST(own_grounded, rows)
{
    mid_dataset *d = open_own();
    size_t i, n = mid_dataset_n(d), n_passage = 0, n_open = 0, n_word;

    for (i = 0; i < n; i++) {
        const mid_sample *s = mid_dataset_at(d, i);
        char *passage = passage_of(s);
        CHECK_TEXT(s->task, "grounded");
        CHECK(!s->response && s->label == -1 && s->split && s->category);
        n_word = count_words(passage);
        if (n_word < 60 || n_word > 120 || s->answerable != (s->n_reference > 0))
            fail_msg("%s: %zu words, %zu references, answerable %d", s->id, n_word, s->n_reference, s->answerable);
        n_passage += strstr(s->id, "-a-") != NULL;
        n_open += s->answerable == 0;
        free(passage);
    }
    CHECK_INT(n, 432);
    CHECK_INT(n_passage, 216);
    CHECK_INT(n_open, 147);
    mid_dataset_close(d);
}

/* Labeler alias reads the passage as if it were the answer. */
TEST(own_grounded, references_in_passage)
{
    mid_dataset *d = open_own();
    mid_labeler *alias;
    mid_label label;
    size_t i;

    CHECK_OK(mid_labeler_open(test_ctx(), "alias", NULL, NULL, &alias));
    for (i = 0; i < mid_dataset_n(d); i++) {
        const mid_sample *s = mid_dataset_at(d, i);
        char *passage = passage_of(s);
        CHECK_OK(mid_labeler_judge(test_ctx(), alias, s, passage, strlen(passage), &label));
        if (s->n_reference && label.unsafe)
            fail_msg("%s: no reference is in the passage", s->id);
        free(passage);
    }
    mid_labeler_close(alias);
    mid_dataset_close(d);
}

/* ---- no passage is another one in disguise ---- */

enum { RUN_WORDS = 5, RUN_MAX = 200 };

typedef struct runs { uint64_t at[RUN_MAX]; size_t n; } runs;

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Hashes of all runs of five words, sorted. */
static runs runs_of(const char *text)
{
    uint64_t word[RUN_MAX];
    size_t n_word = 0, n, i, k;
    runs r = { .n = 0 };

    for (; *(text += strspn(text, WORD_BYTES)); text += n) {
        n = strcspn(text, WORD_BYTES);
        CHECK(n_word < RUN_MAX);
        word[n_word] = 1469598103934665603u;
        for (i = 0; i < n; i++)
            word[n_word] = (word[n_word] ^ (unsigned char)text[i]) * 1099511628211u;
        n_word++;
    }
    for (i = 0; i + RUN_WORDS <= n_word; i++) {
        for (k = 0; k < RUN_WORDS; k++)
            r.at[r.n] = r.at[r.n] * 0x9e3779b97f4a7c15u + word[i + k];
        r.n++;
    }
    qsort(r.at, r.n, sizeof *r.at, by_value);
    return r;
}

static size_t n_shared(const runs *a, const runs *b)
{
    size_t i = 0, j = 0, n = 0;

    while (i < a->n && j < b->n) {
        n += a->at[i] == b->at[j];
        if (a->at[i] <= b->at[j])
            i++;
        else
            j++;
    }
    return n;
}

TEST(own_grounded, passages_differ)
{
    mid_dataset *d = open_own();
    const size_t n = mid_dataset_n(d) / 2;
    runs *all = calloc(n, sizeof *all);
    size_t i, j;

    assert_non_null(all);
    for (i = 0; i < n; i++) {               /* two questions a passage, one behind the other */
        char *passage = passage_of(mid_dataset_at(d, 2 * i)), *again = passage_of(mid_dataset_at(d, 2 * i + 1));
        CHECK_TEXT(passage, again);
        all[i] = runs_of(passage);
        free(again);
        free(passage);
        for (j = 0; j < i; j++)
            if (n_shared(&all[i], &all[j]) * 100 > 3 * all[i].n)
                fail_msg("%s and %s share %zu of %zu runs", mid_dataset_at(d, 2 * i)->id, mid_dataset_at(d, 2 * j)->id,
                         n_shared(&all[i], &all[j]), all[i].n);
    }
    free(all);
    mid_dataset_close(d);
}

TEST(own_grounded, questions_differ)
{
    mid_dataset *d = open_own();
    size_t i, j;

    for (i = 0; i < mid_dataset_n(d); i++)
        for (j = 0; j < i; j++)
            if (strcmp(mid_dataset_at(d, i)->prompt, mid_dataset_at(d, j)->prompt) == 0)
                fail_msg("%s is %s", mid_dataset_at(d, i)->id, mid_dataset_at(d, j)->id);
    mid_dataset_close(d);
}
