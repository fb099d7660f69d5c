/* Hashed n-grams. The buckets of a short text are counted by hand; their hashes are computed a second time here. */
#include "test.h"

#include "base/hash.h"
#include "base/ngram.h"
#include "base/rng.h"

struct list { uint32_t bucket[4000]; size_t n; };

static void note(void *user, uint32_t bucket)
{
    struct list *list = user;

    assert_true(bucket < MID__NGRAM_BUCKETS && list->n < 4000);
    list->bucket[list->n++] = bucket;
}

/* FNV-1a of a kind and ASCII characters, each as 4 bytes, folded to 18 bits. */
static uint64_t hash_of(char kind, const char *text)
{
    uint64_t h = (0xcbf29ce484222325ull ^ (uint8_t)kind) * 0x100000001b3ull;
    int i;

    for (; *text; text++)
        for (i = 0; i < 4; i++)
            h = (h ^ (i == 0 ? (uint8_t)*text : 0)) * 0x100000001b3ull;
    return h;
}

static uint32_t fold(uint64_t h) { return (uint32_t)((h ^ h >> 32) % MID__NGRAM_BUCKETS); }

static uint32_t fold_pair(uint64_t before, uint64_t word)
{
    uint64_t h = (0xcbf29ce484222325ull ^ 'p') * 0x100000001b3ull;
    int i;

    for (i = 0; i < 8; i++)
        h = (h ^ (before >> 8 * i & 255)) * 0x100000001b3ull;
    for (i = 0; i < 8; i++)
        h = (h ^ (word >> 8 * i & 255)) * 0x100000001b3ull;
    return fold(h);
}

/* " a " has one 3-gram; " the " has " th" "the" "he ", " the" "the ", " the ". */
TEST(ngram, golden)
{
    static const char *const gram[] = { " a ", NULL, " th", "the", " the", "he ", "the ", " the " };
    struct list list = { .n = 0 };
    mid__ngram s;
    size_t i;

    mid__ngram_init(&s);
    mid__ngram_put(&s, "A, tHe", 6, note, &list);
    CHECK_INT(list.n, 5);                           /* what "the" still lacks waits for the character behind it */
    mid__ngram_put(&s, "\n", 1, note, &list);
    CHECK_INT(list.n, 10);
    for (i = 0; i < 8; i++)
        CHECK_INT(list.bucket[i], gram[i] ? fold(hash_of('c', gram[i])) : fold(hash_of('w', "a")));
    CHECK_INT(list.bucket[8], fold(hash_of('w', "the")));
    CHECK_INT(list.bucket[9], fold_pair(hash_of('w', "a"), hash_of('w', "the")));
}

TEST(ngram, case_and_script)
{
    static const char lower[] = "\xc3\xa4\xc3\xb6 \xd0\xb4\xd0\xb0\n", upper[] = "\xc3\x84\xc3\x96 \xd0\x94\xd0\x90\n";
    struct list a = { .n = 0 }, b = { .n = 0 };
    mid__ngram s;

    mid__ngram_init(&s);
    mid__ngram_put(&s, lower, sizeof lower - 1, note, &a);
    mid__ngram_init(&s);
    mid__ngram_put(&s, upper, sizeof upper - 1, note, &b);
    CHECK_INT(a.n, 9);                      /* two words: 3 n-grams of 4 characters and the word, each; a pair */
    CHECK_INT(a.n, b.n);
    CHECK(memcmp(a.bucket, b.bucket, a.n * sizeof a.bucket[0]) == 0);
}

/* Property: how a text is cut, inside characters too, changes no bucket. A zeroed state is an open one. */
TEST(ngram, any_split)
{
    static const char letters[] = "aB1 .\xc3\xa4\xe2\x80\x99\xf0\x9f\x98\x80\xff";
    const uint64_t seed = 20240607;
    static struct list whole, parts;
    char text[200];
    size_t i, at, end, i_run;
    mid__rng rng;

    print_message("seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    for (i_run = 0; i_run < 1000; i_run++) {
        mid__ngram one = { 0 }, many = { 0 };
        for (i = 0; i < sizeof text; i++)
            text[i] = letters[mid__rng_below(&rng, sizeof letters - 1)];
        whole.n = parts.n = 0;
        mid__ngram_put(&one, text, sizeof text, note, &whole);
        for (at = 0; at < sizeof text; at = end) {
            end = at + 1 + mid__rng_below(&rng, (uint32_t)(sizeof text - at));
            mid__ngram_put(&many, text + at, end - at, note, &parts);
        }
        CHECK_INT(parts.n, whole.n);
        CHECK(memcmp(parts.bucket, whole.bucket, whole.n * sizeof whole.bucket[0]) == 0);
    }
}
