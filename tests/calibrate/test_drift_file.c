/* A drift check that outlives a run: stopped and resumed at any place it is bit for bit the one that never stopped, so
 * its alpha is that of one stream (test_exchangeable.c counts those); files of something else, damaged, or in use are
 * refused; a killed run costs what came since it last wrote. */
#include "test.h"

#include "base/hash.h"
#include "base/rng.h"
#include "calibrate/drift_state.h"
#include "calibrate/rule_file.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_CALIBRATION = 30 };

static const double *calibration(void)
{
    static double extreme[N_CALIBRATION];
    mid__rng rng;
    int i;

    mid__rng_init(&rng, 5, 0);
    for (i = 0; i < N_CALIBRATION; i++)
        extreme[i] = floor(20 * mid__rng_unit(&rng));           /* ties */
    return extreme;
}

static mid_drift_opts opts_of(const char *path)
{
    mid_drift_opts opts = mid_drift_opts_default();

    opts.path = path;
    opts.of = "a rule";
    opts.keep_max = 40;
    return opts;
}

static mid_drift *begin(const char *path)
{
    const mid_drift_opts opts = opts_of(path);
    mid_drift *d = NULL;

    CHECK_OK(mid_drift_open(test_ctx(), calibration(), NULL, N_CALIBRATION, &opts, &d));
    return d;
}

static mid_status begins(const char *path)
{
    const mid_drift_opts opts = opts_of(path);
    mid_drift *d = NULL;
    const mid_status status = mid_drift_open(test_ctx(), calibration(), NULL, N_CALIBRATION, &opts, &d);

    mid_drift_close(d);
    return status;
}

static mid_drift_verdict verdict_of(const mid_drift *d)
{
    mid_drift_verdict v;

    memset(&v, 0, sizeof v);
    mid_drift_read(d, &v);
    return v;
}

/* What one run does: go on, hear n answers, write, end. */
static mid_drift_verdict one_run(const char *path, const double *extreme, size_t n)
{
    mid_drift *d = begin(path);
    mid_drift_verdict v;
    size_t i;

    for (i = 0; i < n; i++)
        CHECK_OK(mid_drift_push(d, extreme[i], NULL));
    CHECK_OK(mid_drift_write(test_ctx(), d));
    v = verdict_of(d);
    mid_drift_close(d);
    return v;
}

/* Scores that shift at 150, in runs of random length (none is one of them), well past a full bag of 70. */
TEST(drift_file, many_runs_are_one)
{
    enum { SEED = 91, N = 400 };
    double z[N];
    mid_drift *whole = begin(NULL);
    mid__rng rng;
    size_t from, n, i;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N; i++)
        z[i] = floor(20 * mid__rng_unit(&rng)) + (i < 150 ? 0 : 6);
    for (from = 0; from < N; from += n) {
        mid_drift_verdict a, b;
        n = mid__rng_below(&rng, 40);
        n = n < N - from ? n : N - from;
        b = one_run(test_path("many"), z + from, n);
        for (i = from; i < from + n; i++)
            CHECK_OK(mid_drift_push(whole, z[i], NULL));
        a = verdict_of(whole);
        CHECK_INT(a.n, from + n);
        CHECK(memcmp(&a, &b, sizeof a) == 0);
    }
    CHECK(verdict_of(whole).state == MID_DRIFT_WITHDRAWN);
    CHECK(verdict_of(whole).n_at_alarm > 150);
    mid_drift_close(whole);
}

/* Once withdrawn, withdrawn in every later run. */
TEST(drift_file, withdrawn_stays)
{
    double z[200];
    mid_drift_verdict v;
    mid_drift *d;
    size_t i;

    for (i = 0; i < 200; i++)
        z[i] = 100;
    v = one_run(test_path("gone"), z, 200);
    CHECK(v.state == MID_DRIFT_WITHDRAWN);
    d = begin(test_path("gone"));
    v = verdict_of(d);
    CHECK(v.state == MID_DRIFT_WITHDRAWN && v.n == 200);
    CHECK_TEXT(v.shift, "higher");
    CHECK(strstr(v.words, "the promise is withdrawn"));
    mid_drift_close(d);
}

/* The prompts heard come back too. */
TEST(drift_file, a_prompt_is_heard_once)
{
    mid_drift *d = begin(test_path("prompts"));
    mid_drift_state state;
    bool heard = false;

    CHECK_OK(mid_drift_push_prompt(d, "How are you?", 3, NULL, &heard));
    CHECK(heard);
    CHECK_OK(mid_drift_push_prompt(d, "How are you?", 9, &state, &heard));
    CHECK(!heard && state == MID_DRIFT_HOLDS);
    CHECK_OK(mid_drift_write(test_ctx(), d));
    mid_drift_close(d);
    d = begin(test_path("prompts"));
    CHECK_OK(mid_drift_push_prompt(d, "How are you?", 9, NULL, &heard));
    CHECK(!heard);
    CHECK_INT(verdict_of(d).n, 1);
    CHECK_FAILS(mid_drift_push_prompt(d, "And you?", NAN, NULL, &heard), MID_ENUMERIC);
    CHECK_OK(mid_drift_push_prompt(d, "And you?", 4, NULL, &heard));    /* the failure did not mark it */
    CHECK(heard);
    mid_drift_close(d);
}

TEST(drift_file, of_something_else)
{
    const char *path = test_path("mine");
    mid_drift_opts opts = opts_of(path);
    double other[N_CALIBRATION];
    mid_drift *d = NULL;
    size_t i;

    one_run(path, calibration(), 3);
    opts.of = "another rule";
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration(), NULL, N_CALIBRATION, &opts, &d), MID_EMISMATCH);
    CHECK_SAYS("/mine: state of a drift check of something else");
    CHECK_SAYS("give each rule a file of its own");
    opts = opts_of(path);
    opts.alpha = 0.02;
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration(), NULL, N_CALIBRATION, &opts, &d), MID_EMISMATCH);
    opts = opts_of(path);
    for (i = 0; i < N_CALIBRATION; i++)
        other[i] = calibration()[i] + (i == 7);
    CHECK_FAILS(mid_drift_open(test_ctx(), other, NULL, N_CALIBRATION, &opts, &d), MID_EMISMATCH);
    CHECK(!d);
    for (i = 0; i < N_CALIBRATION; i++)                         /* their order says nothing */
        other[i] = calibration()[N_CALIBRATION - 1 - i];
    CHECK_OK(mid_drift_open(test_ctx(), other, NULL, N_CALIBRATION, &opts, &d));
    CHECK_INT(verdict_of(d).n, 3);
    mid_drift_close(d);
}

TEST(drift_file, held_while_open)
{
    const char *path = test_path("held");
    mid_drift_opts look = opts_of(path);
    mid_drift *d = begin(path), *seen = NULL;

    look.look_only = true;
    CHECK_FAILS(begins(path), MID_EIO);
    CHECK_SAYS("/held: another run goes on with this drift check");
    CHECK_FAILS(mid_drift_open(test_ctx(), calibration(), NULL, N_CALIBRATION, &look, &seen), MID_ENOTFOUND);
    CHECK_SAYS("nothing is known of drift");
    CHECK(!seen);
    CHECK_OK(mid_drift_push(d, 2, NULL));
    CHECK_OK(mid_drift_write(test_ctx(), d));
    CHECK_OK(mid_drift_open(test_ctx(), calibration(), NULL, N_CALIBRATION, &look, &seen));
    CHECK_INT(verdict_of(seen).n, 1);
    CHECK_FAILS(mid_drift_write(test_ctx(), seen), MID_EINVAL);
    mid_drift_close(seen);
    mid_drift_close(d);
    CHECK_OK(begins(path));
    d = begin(NULL);
    CHECK_FAILS(mid_drift_write(test_ctx(), d), MID_EINVAL);
    mid_drift_close(d);
    CHECK_FAILS(begins(test_path("no/such/folder")), MID_EIO);
}

/* The child writes after 5 answers, hears 7 more, begins to write and is killed: the file has 5, nobody holds it. */
TEST(drift_file, killed)
{
    const char *path = test_path("killed");
    mid_drift_verdict v;
    mid_drift *d;
    pid_t child;
    int how, i;

    child = fork();
    if (child == 0) {
        d = begin(path);
        for (i = 0; i < 12; i++) {
            mid_drift_push(d, i, NULL);
            if (i == 4)
                mid_drift_write(test_ctx(), d);
        }
        test_write("killed.tmp-1-1", "MIDS half", 9);
        kill(getpid(), SIGKILL);
    }
    CHECK(waitpid(child, &how, 0) == child && WIFSIGNALED(how));
    d = begin(path);
    v = verdict_of(d);
    CHECK_INT(v.n, 5);
    mid_drift_close(d);
}

/* Any byte changed, any length cut: refused, and the check that was open is as it was. */
TEST(drift_file, damaged)
{
    enum { SEED = 92 };
    mid_drift *d = begin(NULL), *same = begin(NULL);
    const char of[65] = "0000000000000000000000000000000000000000000000000000000000000000";
    char *bytes, *bad;
    mid__rng rng;
    size_t n, i;

    CHECK_OK(mid_drift_push(d, 4, NULL));
    CHECK_OK(mid__drift_pack(test_ctx(), d, of, &bytes, &n));
    CHECK_OK(mid__drift_unpack(test_ctx(), bytes, n, of, same));
    CHECK(memcmp(&d->mind, &same->mind, sizeof d->mind) == 0);
    bad = malloc(n);
    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < 2000; i++) {
        const size_t at = i < 400 ? i : mid__rng_below(&rng, (uint32_t)n);
        memcpy(bad, bytes, n);
        bad[at] ^= (char)(1 + mid__rng_below(&rng, 255));
        CHECK(mid__drift_unpack(test_ctx(), bad, n, of, same) != MID_OK);
        CHECK(mid__drift_unpack(test_ctx(), bytes, at, of, same) == MID_EFORMAT);
    }
    memcpy(bad, bytes, n);
    bad[4] = 9;
    CHECK_FAILS(mid__drift_unpack(test_ctx(), bad, n, of, same), MID_EVERSION);
    CHECK_SAYS("format 9");
    CHECK(memcmp(&d->mind, &same->mind, sizeof d->mind) == 0);
    CHECK_FAILS(begins(test_write("text", "hello", 5)), MID_EFORMAT);
    CHECK_SAYS("/text: 5 bytes that do not begin as the state of a drift check");
    free(bad);
    free(bytes);
    mid_drift_close(same);
    mid_drift_close(d);
}

/* Bytes whose checksum is right and whose numbers cannot be. */
TEST(drift_file, impossible)
{
    const char of[65] = "0000000000000000000000000000000000000000000000000000000000000000";
    mid_drift *d = begin(NULL), *to = begin(NULL);
    char *bytes;
    double nan = NAN;
    uint32_t crc;
    size_t n, k;

    CHECK_OK(mid_drift_push(d, 4, NULL));
    for (k = 0; k < 7; k++) {
        const mid__drift_mind was = d->mind;
        d->mind.n = k == 0 ? 2 : was.n;                         /* the bag has one more */
        d->mind.n_at_alarm = k == 1 ? 2 : 0;
        d->mind.shift = k == 2 ? MID__N_SHIFT : 0;
        d->mind.p = k == 3 ? NAN : was.p;
        d->mind.ln_capital = k == 4 ? INFINITY : was.ln_capital;
        d->mind.share[0][0][0] += k == 5 ? 0.5 : 0;
        CHECK_OK(mid__drift_pack(test_ctx(), d, of, &bytes, &n));
        if (k == 6) {
            memcpy(bytes + n - sizeof nan, &nan, sizeof nan);
            crc = mid__crc32(bytes + 12, n - 12);
            memcpy(bytes + 8, &crc, sizeof crc);
        }
        CHECK_FAILS(mid__drift_unpack(test_ctx(), bytes, n, of, to), MID_EFORMAT);
        CHECK_INT(verdict_of(to).n, 0);
        free(bytes);
        d->mind = was;
    }
    mid_drift_close(to);
    mid_drift_close(d);
}

/* A rule file's check begins with its extremes, and its state is for no other rule. */
TEST(drift_file, of_a_rule)
{
    static const uint8_t label[N_CALIBRATION];
    uint32_t group[N_CALIBRATION];
    const mid_param loose[] = { { .name = "false_alarm", .number = 0.2 }, { 0 } };
    mid_rule_set set = { .n = N_CALIBRATION, .extreme = calibration(), .label = label, .group = group, .max_tok = 8 };
    mid_rule_file_opts rule_opts = mid_rule_file_opts_default();
    mid_drift_opts opts = mid_drift_opts_default();
    mid_rule_file *rule[2];
    mid_drift *d = NULL;
    uint32_t i;

    for (i = 0; i < N_CALIBRATION; i++)
        group[i] = i;
    rule_opts.rule = "crc";
    CHECK_OK(mid_rule_file_fit(test_ctx(), &rule_opts, &set, &rule[0]));
    rule_opts.params = loose;
    CHECK_OK(mid_rule_file_fit(test_ctx(), &rule_opts, &set, &rule[1]));
    opts.path = test_path("of-rule");
    CHECK_OK(mid_drift_open_rule(test_ctx(), rule[0], &opts, &d));
    CHECK_OK(mid_drift_push(d, 100, NULL));
    CHECK_NEAR(verdict_of(d).p, 0, 1.0 / (N_CALIBRATION + 1));
    CHECK_OK(mid_drift_write(test_ctx(), d));
    mid_drift_close(d);
    CHECK_FAILS(mid_drift_open_rule(test_ctx(), rule[1], &opts, &d), MID_EMISMATCH);
    CHECK_OK(mid_drift_open_rule(test_ctx(), rule[0], &opts, &d));
    CHECK_INT(verdict_of(d).n, 1);
    mid_drift_close(d);
    snprintf(rule[0]->at[0].promise, sizeof rule[0]->at[0].promise, "the same in other words");
    CHECK_OK(mid_drift_open_rule(test_ctx(), rule[0], &opts, &d));
    CHECK_INT(verdict_of(d).n, 1);
    mid_drift_close(d);
    rule[0]->at[0].threshold += 1;
    CHECK_FAILS(mid_drift_open_rule(test_ctx(), rule[0], &opts, &d), MID_EMISMATCH);
    mid_rule_file_close(rule[0]);
    mid_rule_file_close(rule[1]);
}
