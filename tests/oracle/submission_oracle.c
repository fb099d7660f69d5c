/* submission_oracle PATH DATA_DIR: the faults of a submission, one a line, then how many figures were computed again. */
#include "midstream.h"

#include <stdio.h>

static void say(void *user, const char *line)
{
    (void)user;
    puts(line);
}

int main(int argc, char **argv)
{
    const char *const dirs[] = { argc == 3 ? argv[2] : "" };
    mid_submission s;
    mid_ctx *ctx;

    if (argc != 3 || mid_ctx_open(&ctx) != MID_OK)
        return 2;
    if (mid_submission_check(ctx, argv[1], dirs, 1, say, NULL, &s) != MID_OK)
        printf("failed: %s\n", mid_ctx_message(ctx));
    else
        printf("recomputed %zu, stated %zu, answers %zu, faults %zu\n", s.n_recomputed, s.n_stated, s.n_answer, s.n_fault);
    mid_ctx_close(ctx);
    return 0;
}
