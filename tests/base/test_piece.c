/* Pieces: by hand, and that no cut of a text changes them. */
#include "test.h"

#include "base/piece.h"
#include "base/rng.h"

struct pieces { char text[2000]; uint64_t end[400]; size_t n, n_max; };

static bool note(void *user, const char *text, size_t n, uint64_t end_byte)
{
    struct pieces *p = user;

    snprintf(p->text + strlen(p->text), sizeof p->text - strlen(p->text), "%.*s|", (int)n, text);
    p->end[p->n++] = end_byte;
    return p->n < p->n_max;
}

static void cut(const char *text, size_t n, mid__rng *rng, struct pieces *p)
{
    mid__pieces cutter = { 0 };
    size_t at = 0;

    *p = (struct pieces){ .n_max = 400 };
    while (at < n) {
        size_t now = rng ? 1 + mid__rng_below(rng, 4) : n;
        now = now < n - at ? now : n - at;
        CHECK(mid__pieces_put(&cutter, text + at, now, note, p));
        at += now;
    }
    CHECK(mid__pieces_end(&cutter, note, p));
    CHECK(n == 0 || p->end[p->n - 1] == n);
}

static void check_pieces(const char *text, const char *want)
{
    struct pieces p;

    cut(text, strlen(text), NULL, &p);
    CHECK_TEXT(p.text, want);
}

TEST(piece, by_hand)
{
    struct pieces p;
    mid__pieces cutter = { 0 };

    check_pieces("", "");
    check_pieces("The tea, 2  cups.", "The| tea|,| 2|  cups|.|");
    check_pieces("don't\n\n-- a_b", "don|'|t|\n|\n|-|-| a|_|b|");
    check_pieces("caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac ", "caf\xc3\xa9| \xe6\x97\xa5\xe6\x9c\xac| |");
    check_pieces("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKLMNOP|QRSTUVWXYZ|");
    check_pieces("                  x", "                |  x|");
    check_pieces("a\xff" "b\xe2\x82", "a|\xef\xbf\xbd|b|\xef\xbf\xbd|");            /* what is no UTF-8, once each */
    check_pieces("\xe2\x82\xc3\xa9", "\xef\xbf\xbd|\xc3\xa9|");                     /* broken by the next character */
    cut("x\xe2\x82 y", 5, NULL, &p);
    CHECK(p.n == 3 && p.end[0] == 1 && p.end[1] == 3 && p.end[2] == 5);
    p = (struct pieces){ .n_max = 2 };                                              /* enough is enough */
    CHECK(!mid__pieces_put(&cutter, "a b c d", 7, note, &p));
    CHECK_TEXT(p.text, "a| b|");
}

TEST(piece, cuts_change_nothing)
{
    enum { SEED = 3, N_TEXT = 300, N_CUT = 10, N_BYTE = 120 };
    static const char some[] = "ab 1.\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\xed\xa0\x80";
    struct pieces whole, parts;
    char text[N_BYTE];
    mid__rng rng;
    size_t i, k;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N_TEXT; i++) {
        for (k = 0; k < N_BYTE; k++)
            text[k] = some[mid__rng_below(&rng, sizeof some - 1)];
        cut(text, N_BYTE, NULL, &whole);
        for (k = 0; k < N_CUT; k++) {
            cut(text, N_BYTE, &rng, &parts);
            CHECK(memcmp(&whole, &parts, sizeof whole) == 0);
        }
    }
}
