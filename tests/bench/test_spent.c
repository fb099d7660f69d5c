/* What workers spend their time on: tasks, pools and the rest add up to the workers' time. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/pool.h"

static void rest_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* What a name's "seconds" or "cpu_s" is in the JSON. */
static double number_of(const char *json, const char *name, const char *field)
{
    char entry[60], key[20];
    const char *at;

    snprintf(entry, sizeof entry, "{\"name\":\"%s\",", name);
    snprintf(key, sizeof key, "\"%s\":", field);
    at = strstr(json, entry);
    CHECK(at && strstr(at, key));
    return strtod(strstr(at, key) + strlen(key), NULL);
}

static mid_status sleep_item(void *user, mid_ctx *ctx, int i_worker, size_t i)
{
    const mid__moment start = mid__moment_now();

    (void)ctx;
    (void)i_worker;
    rest_ms(i == 0 ? 100 : 10);         /* whoever has the other item waits */
    mid__spent_add(user, MID__TASK_FIT, start);
    return MID_OK;
}

/* A machine with other work makes every sleep longer, never shorter. */
TEST(spent, adds_up)
{
    mid__spent spent;
    mid__stage stage;
    mid__buf json = { 0 };
    mid__moment start;
    double pool_s, all_s;

    mid__spent_init(&spent);
    start = mid__moment_now();
    rest_ms(20);
    mid__spent_add(&spent, MID__TASK_DATA, start);
    mid__stage_begin(&stage, test_ctx(), 2, "items", "sleeping");
    start = mid__moment_now();
    CHECK_OK(mid__pool_run(test_ctx(), 2, 2, sleep_item, &spent, &stage, 1, &spent));
    pool_s = mid__moment_now().wall_s - start.wall_s;
    rest_ms(30);                        /* nobody's */
    mid__spent_json(&spent, &json);
    all_s = mid__now_s() - spent.start.wall_s + spent.beside_s;
    CHECK_INT(spent.n_worker, 2);
    CHECK(spent.beside_s <= pool_s && spent.beside_s >= 0.1);
    CHECK(number_of(json.at, "data", "seconds") >= 0.02);
    CHECK(number_of(json.at, "fits", "seconds") >= 0.11);
    CHECK(number_of(json.at, "orchestration", "seconds") >= 0.029);
    CHECK(number_of(json.at, "waiting for a worker", "seconds") <= spent.beside_s);
    CHECK(number_of(json.at, "data", "seconds") + number_of(json.at, "fits", "seconds") +
          number_of(json.at, "waiting for a worker", "seconds") + number_of(json.at, "orchestration", "seconds") <= all_s + 0.003);
    CHECK(number_of(json.at, "fits", "cpu_s") < number_of(json.at, "fits", "seconds"));     /* it slept */
    mid__buf_clear(&json);
    mid__spent_clear(&spent);
}

/* One who asks nothing gives no book. */
TEST(spent, nobody_asks)
{
    mid__stage stage;

    mid__spent_add(NULL, MID__TASK_DATA, mid__moment_now());
    mid__stage_begin(&stage, test_ctx(), 2, "items", "sleeping");
    CHECK_OK(mid__pool_run(test_ctx(), 2, 2, sleep_item, NULL, &stage, 1, NULL));
}
