/* Thin macros over cmocka: a TEST registers itself, so a test file is just tests.
 *   TEST(entropy_mean, golden) { CHECK_OK(...); CHECK_NEAR(s, 0.5, 1e-9); }
 * A test is named file-noun.case; needs(...) skips visibly where an optional part is not at hand. */
#ifndef MID_TEST_H
#define MID_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "midstream.h"

typedef void (*mid_test_fn)(void **state);
void mid_test_add(const char *name, mid_test_fn fn);
/* One context for all tests of a program; its message is printed by CHECK_OK. */
mid_ctx *test_ctx(void);
/* A fresh folder under the system's temporary folder, removed when the program ends. Static text. */
const char *test_dir(void);
/* Path of a file in it; good until the 8th later call. */
const char *test_path(const char *name);
/* Write a text file there and give its path. */
const char *test_write(const char *name, const void *bytes, size_t n);
/* The SmolLM2 file, or skip; the outside datasets' folder, or skip. */
const char *test_model(void);
const char *test_data(void);

#define TEST(noun, what)                                                                        \
    static void test_##noun##_##what(void **state_);                                            \
    __attribute__((constructor)) static void add_##noun##_##what(void)                          \
    { mid_test_add(#noun "." #what, test_##noun##_##what); }                                    \
    static void test_##noun##_##what(void **state_ __attribute__((unused)))

#define CHECK(x) assert_true(x)
#define CHECK_INT(a, b) assert_int_equal((long long)(a), (long long)(b))
#define CHECK_TEXT(a, b) assert_string_equal(a, b)
#define CHECK_OK(call) check_status((call), MID_OK, #call, __FILE__, __LINE__)
#define CHECK_FAILS(call, code) check_status((call), (code), #call, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance) check_near((a), (b), (tolerance), #a, __FILE__, __LINE__)
/* The last message holds this text. */
#define CHECK_SAYS(part) check_says((part), __FILE__, __LINE__)

void check_status(mid_status got, mid_status want, const char *what, const char *file, int line);
void check_near(double got, double want, double tolerance, const char *what, const char *file, int line);
void check_says(const char *part, const char *file, int line);

#endif
