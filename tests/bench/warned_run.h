/* A plan run in the tests' folder, and what it warns of. */
#ifndef TESTS_BENCH_WARNED_RUN_H
#define TESTS_BENCH_WARNED_RUN_H

#include "test.h"

static char warned[4000];               /* lines of the last run */

static void on_log(void *user, mid_log_level level, const char *line)
{
    (void)user;
    if (level == MID_LOG_WARN)
        snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", line);
}

static mid_status run(const mid_plan *plan, const char *dir, int n_threads)
{
    const char *data_dir = test_dir();
    mid_run_opts opts = mid_run_opts_default();
    mid_status status;

    opts.out_dir = test_path(dir);
    opts.data_dir = &data_dir;
    opts.n_data_dir = 1;
    opts.cache_dir = test_dir();
    opts.n_threads = n_threads;
    warned[0] = 0;
    mid_ctx_set_log(test_ctx(), on_log, NULL);
    status = mid_run(test_ctx(), plan, &opts);
    mid_ctx_set_log(test_ctx(), NULL, NULL);
    return status;
}

#endif
