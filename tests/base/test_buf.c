/* Buffers with a ceiling, and arenas. */
#include "test.h"

#include "base/buf.h"

TEST(buf, grows_and_stays_terminated)
{
    mid__buf b;
    int i;

    mid__buf_init(&b, 0);
    for (i = 0; i < 1000; i++)
        CHECK(mid__buf_fmt(&b, "%d,", i % 10));
    CHECK(mid__buf_put(&b, "a\0b", 3));
    CHECK(mid__buf_text(&b, "end"));
    CHECK_INT(b.n, 2006);
    CHECK(memcmp(b.at, "0,1,2,", 6) == 0);
    CHECK(memcmp(b.at + 2000, "a\0bend", 7) == 0);
    mid__buf_clear(&b);
    CHECK(b.at == NULL && b.n == 0);
}

TEST(buf, limit_is_exact_and_failure_sticks)
{
    mid__buf b;

    mid__buf_init(&b, 10);
    CHECK(mid__buf_text(&b, "0123456789"));
    CHECK(!mid__buf_put(&b, "x", 1));
    CHECK(b.failed);
    CHECK_TEXT(b.at, "0123456789");                 /* what was there is kept */
    CHECK(!mid__buf_put(&b, "", 0));                /* and a chain of appends needs one check at its end */
    CHECK(mid__buf_take(&b, NULL) == NULL);
    mid__buf_clear(&b);
    CHECK(!b.failed);
    CHECK_INT(b.limit, 10);
    CHECK(!mid__buf_fmt(&b, "%s", "01234567890"));
    mid__buf_clear(&b);
}

TEST(buf, formats_longer_than_its_scratch)
{
    char text[1000];
    mid__buf b;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    mid__buf_init(&b, 2000);
    CHECK(mid__buf_fmt(&b, "<%s>", text));
    CHECK_INT(b.n, 1001);
    CHECK(b.at[0] == '<' && b.at[1000] == '>' && b.at[1001] == 0);
    CHECK(!mid__buf_fmt(&b, "<%s>", text));         /* 2002 bytes */
    CHECK_INT(b.n, 1001);
    mid__buf_clear(&b);
}

TEST(buf, take_hands_over_and_empties)
{
    mid__buf b;
    size_t n = 99;
    char *at;

    mid__buf_init(&b, 0);
    at = mid__buf_take(&b, &n);                     /* never NULL for an empty one */
    CHECK_TEXT(at, "");
    CHECK_INT(n, 0);
    mid_free(at);
    mid__buf_text(&b, "abc");
    at = mid__buf_take(&b, &n);
    CHECK_TEXT(at, "abc");
    CHECK_INT(n, 3);
    CHECK(b.at == NULL && b.n == 0);
    mid_free(at);
}

TEST(buf, arena_gives_zeroed_aligned_room)
{
    mid__arena arena = { NULL };
    const char *words[2000];
    size_t i, k;

    for (i = 0; i < 2000; i++) {
        const size_t n = i % 67;
        char *at = mid__arena_get(&arena, n);
        CHECK(at != NULL && (uintptr_t)at % _Alignof(max_align_t) == 0);
        for (k = 0; k < n; k++)
            CHECK(at[k] == 0);
        memset(at, 0xff, n);
        words[i] = mid__arena_text(&arena, "word and more", 4);
    }
    for (i = 0; i < 2000; i++)
        CHECK_TEXT(words[i], "word");
    CHECK(mid__arena_get(&arena, 1 << 20) != NULL);     /* larger than a block */
    CHECK(mid__arena_get(&arena, SIZE_MAX) == NULL);
    CHECK_TEXT(mid__arena_text(&arena, NULL, 0), "");
    mid__arena_clear(&arena);
    CHECK(arena.last == NULL);
    mid__arena_clear(&arena);
}
