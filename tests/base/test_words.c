/* The word matcher: expected hits by hand, "term@end" in the order of their report. */
#include "test.h"

#include "base/buf.h"
#include "base/rng.h"
#include "base/words.h"

static const char *const terms[] = { "shut up", "up", "idiot", "can't", "half-wit", "sure! here", "step 1", "shit" };
static const double weights[] = { 0.5, 0.1, 0.3, 1.0, 0.4, 0.2, 0.6, 0.7 };
enum { N_TERM = sizeof terms / sizeof terms[0] };

struct hits { const mid__words *words; mid__buf text; };

static void note(void *user, size_t i_term, double weight, uint64_t end_byte)
{
    struct hits *hits = user;

    assert_true(weight == weights[i_term]);
    mid__buf_fmt(&hits->text, "%s@%u ", mid__words_term(hits->words, i_term), (unsigned)end_byte);
}

/* All hits of a text that is put in pieces: cut (n_cut) ends of pieces, ascending. Free with mid_free. */
static char *hits_of(const mid__words *words, const char *text, size_t n, const size_t *cut, size_t n_cut)
{
    struct hits hits = { words, { 0 } };
    mid__words_state state = { 0 };
    size_t i, at = 0;

    for (i = 0; i < n_cut; at = cut[i++])
        mid__words_put(words, &state, text + at, cut[i] - at, note, &hits);
    mid__words_put(words, &state, text + at, n - at, note, &hits);
    mid__words_end(words, &state, note, &hits);
    return mid__buf_take(&hits.text, NULL);
}

static mid__words *open_words(void)
{
    mid__words *words;

    CHECK_OK(mid__words_open(test_ctx(), terms, weights, N_TERM, &words));
    CHECK_INT(mid__words_n(words), N_TERM);
    return words;
}

TEST(words, golden)
{
    static const struct { const char *text, *hits; } row[] = {
        { "", "" },
        { "Shut  UP!", "shut up@8 up@8 " },
        { "shut\n\tup", "shut up@8 up@8 " },
        { "shutup supper up2", "" },
        { "idiot", "idiot@5 " },
        { "idiots, anidiot", "" },
        { "an (idiot).", "idiot@9 " },
        { "I can\xe2\x80\x99t", "can't@9 " },                       /* curly apostrophe */
        { "i\xe2\x80\x8b" "di\xc2\xado\xef\xb8\x8ft", "idiot@13 " },  /* zero-width, soft hyphen, variation selector */
        { "i\x01" "diot\x02.", "idiot@6 " },                        /* control characters */
        { "\xef\xbd\x89\xef\xbd\x84\xef\xbd\x89\xef\xbd\x8f\xef\xbd\x94", "idiot@15 " },        /* fullwidth */
        { "\xc3\xaf" "di\xc3\xb4t", "idiot@7 " },                      /* composed accents */
        { "idio\xcc\x82t", "idiot@7 " },                         /* combining accent */
        { "a half-wit.", "half-wit@10 " },
        { "half wit", "" },
        { "Sure! Here", "sure! here@10 " },
        { "step 1, step 10", "step 1@6 " },
        { "1d10t $h1t sh1t", "idiot@5 shit@10 shit@15 " },
        { "sh1ts a$hit", "" },
        { "shit sh1t", "shit@4 shit@9 " },                      /* one report each, although two views see the first */
        { "id\xff" "iot idiot\xff", "idiot@12 " },                  /* a broken byte is no letter */
        { "idiot\xc3", "idiot@5 " },                                /* cut off inside a character */
    };
    mid__words *words = open_words();
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        char *hits = hits_of(words, row[i].text, strlen(row[i].text), NULL, 0);
        CHECK_TEXT(hits, row[i].hits);
        mid_free(hits);
    }
    mid__words_close(words);
}

/* A term waits for the character behind it, and no longer. */
TEST(words, reports_when_known)
{
    mid__words *words = open_words();
    struct hits hits = { words, { 0 } };
    mid__words_state state = { 0 };

    mid__words_put(words, &state, "idiot", 5, note, &hits);
    CHECK_INT(hits.text.n, 0);
    mid__words_put(words, &state, ".", 1, note, &hits);
    CHECK_TEXT(hits.text.at, "idiot@5 ");
    mid__words_end(words, &state, note, &hits);
    CHECK_TEXT(hits.text.at, "idiot@5 ");
    mid__buf_clear(&hits.text);
    mid__words_close(words);
}

TEST(words, begin)
{
    mid__words *words = open_words();

    CHECK_INT(mid__words_begin(words, 2, "an idiot", 8), 3);
    CHECK_INT(mid__words_begin(words, 0, "shut up, shut \n up", 18), 9);
    CHECK_INT(mid__words_begin(words, 7, "x $\xe2\x80\x8bh1t", 9), 2);
    CHECK_INT(mid__words_begin(words, 7, "nothing", 7), 7);
    mid__words_close(words);
}

/* Property: how a text is cut, inside characters too, changes no hit. */
TEST(words, any_split)
{
    static const char *const piece[] = {
        "shut", " ", "\n", "up", "idiot", "!", "can", "\xe2\x80\x99", "t", "half", "-", "wit", "1", "@", "$", "h",
        "\xe2\x80\x8b", "\xc3\xaf", "\xcc\x82", "\xff", "\xe2\x80", "\xef\xb7\xba", "\xef\xbd\x89", "sure", "here",
        "step", "\x01", "\xc2\xbd",
    };
    const uint64_t seed = 20240607;
    mid__words *words = open_words();
    size_t i_run, i, n_piece, cut[8], n_cut, n_hit = 0;
    mid__rng rng;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i_run = 0; i_run < 1000; i_run++) {
        mid__buf text = { 0 };
        char *whole, *parts;
        n_piece = 1 + mid__rng_below(&rng, 30);
        for (i = 0; i < n_piece; i++) {
            mid__buf_text(&text, piece[mid__rng_below(&rng, sizeof piece / sizeof piece[0])]);
            mid__buf_text(&text, i % 2 ? " " : "");
        }
        n_cut = mid__rng_below(&rng, 9);
        for (i = 0; i < n_cut; i++)
            cut[i] = mid__rng_below(&rng, (uint32_t)text.n + 1);
        for (i = 1; i < n_cut; i++)
            if (cut[i] < cut[i - 1])
                cut[i] = cut[i - 1];
        whole = hits_of(words, text.at, text.n, NULL, 0);
        parts = hits_of(words, text.at, text.n, cut, n_cut);
        CHECK_TEXT(parts, whole);
        n_hit += *whole != 0;
        mid_free(parts);
        mid_free(whole);
        mid__buf_clear(&text);
    }
    CHECK(n_hit > 300);
    mid__words_close(words);
}

TEST(words, refuses)
{
    static const char *const same[] = { "it\xe2\x80\x99s", "IT'S" }, *const blank[] = { "ok", " \xe2\x80\x8b" };
    static const double weight[] = { 1, 1 }, endless[] = { 1, INFINITY };
    static char longer[300];
    const char *const too_long[] = { longer };
    mid__words *words = NULL;

    CHECK_FAILS(mid__words_open(test_ctx(), same, weight, 2, &words), MID_EINVAL);
    CHECK_SAYS("term 2, \"IT'S\": reads the same as term 1");
    CHECK_FAILS(mid__words_open(test_ctx(), blank, weight, 2, &words), MID_EINVAL);
    CHECK_SAYS("term 2");
    CHECK_FAILS(mid__words_open(test_ctx(), terms, endless, 2, &words), MID_EINVAL);
    CHECK_SAYS("\"up\": its weight is not a finite number");
    memset(longer, 'a', sizeof longer - 1);
    CHECK_FAILS(mid__words_open(test_ctx(), too_long, weight, 1, &words), MID_EINVAL);
    CHECK_SAYS("longer than 200 bytes");
    CHECK(words == NULL);
}

TEST(words, load)
{
    static const char good[] = "{\"term\":\"shut up\",\"weight\":0.5,\"kind\":\"insult\"}\n\n"
                               "{\"term\":\"up\",\"weight\":1}\n";
    static const char no_weight[] = "{\"term\":\"a\",\"weight\":1}\n{\"term\":\"b\"}\n";
    static const char number[] = "{\"weight\":1, \"term\": 7}";
    static const char twice[] = "{\"term\":\"a\",\"weight\":1}\n{\"term\":\"A\",\"weight\":1}\n";
    mid__words *words = NULL;

    CHECK_OK(mid__words_load(test_ctx(), test_write("good.jsonl", good, sizeof good - 1), &words));
    CHECK_INT(mid__words_n(words), 2);
    CHECK_TEXT(mid__words_term(words, 1), "up");
    mid__words_close(words);
    CHECK_FAILS(mid__words_load(test_ctx(), test_write("a.jsonl", no_weight, sizeof no_weight - 1), &words),
                MID_EFORMAT);
    CHECK_SAYS("a.jsonl:2:1: \"weight\" is missing");
    CHECK_FAILS(mid__words_load(test_ctx(), test_write("b.jsonl", number, sizeof number - 1), &words), MID_EFORMAT);
    CHECK_SAYS("b.jsonl:1:22: \"term\" is 7");
    CHECK_FAILS(mid__words_load(test_ctx(), test_write("c.jsonl", twice, sizeof twice - 1), &words), MID_EFORMAT);
    CHECK_SAYS("c.jsonl: term 2, \"A\": reads the same as term 1");
    CHECK_FAILS(mid__words_load(test_ctx(), test_path("none.jsonl"), &words), MID_ENOTFOUND);
}
