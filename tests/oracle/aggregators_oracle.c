/* Aggregators on score series read from standard input, for aggregators.py to compare with NumPy and SciPy.
 *     AGGREGATOR n_answer, then of each answer: label n, n scores; at last n, n scores to aggregate
 * answers with two lines: the numbers it learned ("none" without any); the aggregate after each score. */
#include "midstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/chain.h"

static void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        exit(2);
    return p;
}

static void ok(mid_status status)
{
    if (status != MID_OK) {
        fprintf(stderr, "aggregators_oracle: %s\n", mid_status_name(status));
        exit(2);
    }
}

static double number(void)
{
    double x;

    if (scanf("%lf", &x) != 1)
        exit(2);
    return x;
}

static double *series(size_t *n)
{
    double *x;
    size_t i;

    *n = (size_t)number();
    x = room(*n, sizeof *x);
    for (i = 0; i < *n; i++)
        x[i] = number();
    return x;
}

static void row(const double *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf("%.17g%c", x[i], i + 1 < n ? ' ' : '\n');
}

static void one(const char *text)
{
    mid_scored_answer *answer;
    mid_score_set set = { .n = (size_t)number() };
    mid_monitor_spec spec = { .monitor = mid_monitor_find("random") };
    mid_weights *w = NULL;
    mid__chain chain;
    double *score;
    void *state;
    size_t i, n;

    set.answer = answer = room(set.n, sizeof *answer);
    for (i = 0; i < set.n; i++) {
        answer[i].label = (int)number();
        answer[i].score = series(&answer[i].n);
    }
    score = series(&n);
    ok(mid__chain_parse(NULL, text, &spec));
    if (mid__chain_learns(&spec)) {
        ok(mid_weights_open(NULL, &w));
        ok(mid__chain_fit(NULL, &spec, &set, w));
    }
    ok(mid__chain_open(NULL, &spec, w, &chain));
    if (w)
        row(chain.link[0].learned, chain.link[0].use.ops->n_learned);
    else
        puts("none");
    state = room(chain.state_size, 1);
    mid__chain_score(&chain, state, score, n, score);
    row(score, n);
    for (i = 0; i < set.n; i++)
        free((void *)(uintptr_t)answer[i].score);
    free(answer);
    free(state);
    free(score);
    mid__chain_close(&chain);
    mid_weights_close(w);
}

int main(void)
{
    char text[64];

    while (scanf("%63s", text) == 1)
        one(text);
    return 0;
}
