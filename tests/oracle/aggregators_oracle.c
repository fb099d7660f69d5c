/* Aggregators on score series read from standard input, for aggregators.py to compare with NumPy and SciPy.
 *     AGGREGATOR n_answer, then of each answer: label n, n scores; at last n, n scores to aggregate
 * answers with two lines: the numbers it learned ("none" without any); the aggregate after each score. */
#include "driver.h"

#include "monitor/chain.h"

static void one(const char *text)
{
    mid_scored_answer *answer;
    mid_score_set set = { .n = count() };
    mid_monitor_spec spec = { .monitor = mid_monitor_find("random") };
    mid_weights *w = NULL;
    mid__chain chain;
    double *score;
    void *state;
    size_t i, n;

    set.answer = answer = room(set.n, sizeof *answer);
    for (i = 0; i < set.n; i++) {
        answer[i].label = (int)number();
        answer[i].n = count();
        answer[i].score = numbers(answer[i].n);
    }
    n = count();
    score = numbers(n);
    ok(NULL, mid__chain_parse(NULL, text, &spec));
    if (mid__chain_learns(&spec)) {
        ok(NULL, mid_weights_open(NULL, &w));
        ok(NULL, mid__chain_fit(NULL, &spec, &set, w));
    }
    ok(NULL, mid__chain_open(NULL, &spec, w, &chain));
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
