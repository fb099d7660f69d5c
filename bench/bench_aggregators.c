/* What an aggregator costs: nanoseconds a score and bytes of state, at its defaults and, where it keeps scores, with the
 * most it may keep. Argument: rounds; the median counts. */
#include "midstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "monitor/chain.h"

enum { N_ANSWER = 40, N_TOK = 2000, ROUND_MAX = 101 };

static double score[N_ANSWER][N_TOK];
static mid_scored_answer answer[N_ANSWER];

static void ok(mid_status status)
{
    if (status != MID_OK) {
        fprintf(stderr, "bench_aggregators: %s\n", mid_status_name(status));
        exit(2);
    }
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_double(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void one(const char *text, int n_round)
{
    const mid_score_set set = { answer, N_ANSWER };
    mid_monitor_spec spec;
    mid_weights *w = NULL;
    mid__chain chain;
    double ns[ROUND_MAX], out[N_TOK];
    char whole[MID_SPEC_BYTES];
    void *state;
    int r, i;

    snprintf(whole, sizeof whole, "random+%s", text);
    ok(mid_monitor_spec_parse(NULL, whole, &spec));
    if (mid__chain_learns(&spec)) {
        ok(mid_weights_open(NULL, &w));
        ok(mid__chain_fit(NULL, &spec, &set, w));
    }
    ok(mid__chain_open(NULL, &spec, w, &chain));
    state = malloc(chain.state_size + 1);
    if (!state)
        exit(2);
    for (r = 0; r < n_round; r++) {
        const double start = now_ns();
        for (i = 0; i < N_ANSWER; i++)
            mid__chain_score(&chain, state, score[i], N_TOK, out);
        ns[r] = (now_ns() - start) / (N_ANSWER * N_TOK);
    }
    qsort(ns, (size_t)n_round, sizeof *ns, by_double);
    printf("%-18s %7.1f ns a score  %5zu bytes\n", text, ns[n_round / 2], chain.state_size);
    free(state);
    mid__chain_close(&chain);
    mid_weights_close(w);
}

int main(int argc, char **argv)
{
    const int asked = argc > 1 ? atoi(argv[1]) : 5, n_round = asked < 1 ? 1 : asked > ROUND_MAX ? ROUND_MAX : asked;
    const mid_aggregator_ops *const *a;
    mid__rng rng;
    char text[40];
    int i, t;

    mid__rng_init(&rng, 1, 0);
    for (i = 0; i < N_ANSWER; i++) {
        for (t = 0; t < N_TOK; t++)
            score[i][t] = mid__rng_unit(&rng);
        answer[i] = (mid_scored_answer){ score[i], N_TOK, i % 2 };
    }
    for (a = mid_aggregator_list(); *a; a++) {
        one((*a)->name, n_round);
        snprintf(text, sizeof text, "%s(%d)", (*a)->name, MID_AGGREGATOR_KEEP_MAX);
        if ((*a)->state_per)
            one(text, n_round);
    }
    return 0;
}
