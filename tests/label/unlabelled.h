/* Labelers that ask a server: what they warn of, and what becomes of an answer whose verdict does not come back. */
#ifndef TESTS_LABEL_UNLABELLED_H
#define TESTS_LABEL_UNLABELLED_H

#include "source/scripted.h"

enum { LOG_MAX = 8 };
static char log_line[LOG_MAX][1024];
static size_t n_log;

static void keep_log(void *user, mid_log_level level, const char *line)
{
    (void)user;
    if (level == MID_LOG_WARN && n_log < LOG_MAX)
        snprintf(log_line[n_log++], sizeof log_line[0], "%s", line);
}

/* A labeler of this name; its warnings are kept from here on. */
static mid_labeler *open_warned(const char *name, const mid_param *params)
{
    mid_labeler *l = NULL;

    CHECK_OK(mid_labeler_open(test_ctx(), name, params, NULL, &l));
    n_log = 0;
    mid_ctx_set_log(test_ctx(), keep_log, NULL);
    return l;
}

/* Sample s-1 got no label, and the one line in the log says this, and no key, which holds "secret". */
static void check_unlabelled(const mid_labeler *l, const mid_label *label, const char *says)
{
    mid_labeler_counts counts;

    CHECK_INT(label->unsafe, -1);
    CHECK(isnan(label->score));
    CHECK_INT(n_log, 1);
    if (!strstr(log_line[0], says))
        print_message("  '%s' lacks '%s'\n", log_line[0], says);
    CHECK(strstr(log_line[0], says) != NULL);
    CHECK(strstr(log_line[0], ": sample s-1 is left unlabelled: http://127.0.0.1:") != NULL);
    CHECK(strstr(log_line[0], "secret") == NULL && strchr(log_line[0], '\n') == NULL);
    mid_labeler_count(l, &counts);
    CHECK_INT(counts.n_failed, 1);
}

#endif
