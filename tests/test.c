/* main() of every test program: runs what TEST registered. An argument runs only tests whose name holds it. */
#include "test.h"

#include <ftw.h>
#include <unistd.h>

enum { TEST_MAX = 400 };

static struct CMUnitTest all[TEST_MAX];
static size_t n_all;
static mid_ctx *the_ctx;
static char the_dir[64];

void mid_test_add(const char *name, mid_test_fn fn)
{
    if (n_all == TEST_MAX) {
        fprintf(stderr, "more than %d tests in one program\n", TEST_MAX);
        exit(2);
    }
    all[n_all++] = (struct CMUnitTest){ .name = name, .test_func = fn };
}

mid_ctx *test_ctx(void)
{
    if (!the_ctx && mid_ctx_open(&the_ctx) != MID_OK)
        exit(2);
    return the_ctx;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info; (void)kind; (void)ftw;
    return remove(path);
}

const char *test_dir(void)
{
    if (!the_dir[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(the_dir, sizeof the_dir, "%s/midstream-test-XXXXXX", base && strlen(base) < 30 ? base : "/tmp");
        if (!mkdtemp(the_dir)) {
            perror(the_dir);
            exit(2);
        }
    }
    return the_dir;
}

const char *test_path(const char *name)
{
    static char path[8][512];
    static unsigned i;
    char *at = path[i++ % 8];

    snprintf(at, sizeof path[0], "%s/%s", test_dir(), name);
    return at;
}

const char *test_write(const char *name, const void *bytes, size_t n)
{
    const char *path = test_path(name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

const char *test_model(void)
{
    const char *path = getenv("MIDSTREAM_TEST_MODEL");

    if (!path || access(path, R_OK) != 0) {
        print_message("skipped: no model file ($MIDSTREAM_TEST_MODEL)\n");
        skip();
    }
    return path;
}

const char *test_data(void)
{
    const char *path = getenv("MIDSTREAM_DATA");

    if (!path || access(path, R_OK) != 0) {
        print_message("skipped: no outside datasets ($MIDSTREAM_DATA)\n");
        skip();
    }
    return path;
}

void check_status(mid_status got, mid_status want, const char *what, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s\n  gave %s, wanted %s: %s\n", what, mid_status_name(got), mid_status_name(want),
                mid_ctx_message(test_ctx()));
    _fail(file, line);
}

void check_near(double got, double want, double tolerance, const char *what, const char *file, int line)
{
    if (fabs(got - want) <= tolerance)
        return;
    print_error("%s\n  is %.17g, wanted %.17g within %g\n", what, got, want, tolerance);
    _fail(file, line);
}

void check_says(const char *part, const char *file, int line)
{
    if (strstr(mid_ctx_message(test_ctx()), part))
        return;
    print_error("message '%s'\n  does not say '%s'\n", mid_ctx_message(test_ctx()), part);
    _fail(file, line);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(int argc, char **argv)
{
    size_t i, n = 0;
    int n_failed;

    for (i = 0; i < n_all; i++)
        if (argc < 2 || strstr(all[i].name, argv[1]))
            all[n++] = all[i];
    qsort(all, n, sizeof all[0], by_name);
    n_failed = _cmocka_run_group_tests(argv[0], all, n, NULL, NULL);
    mid_ctx_close(the_ctx);
    if (the_dir[0])
        nftw(the_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return n_failed ? 1 : 0;
}
