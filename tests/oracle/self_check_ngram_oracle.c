/* Scores of self_check_ngram for self_check_ngram.py. Standard input, one case after the other: a line with order, k,
 * word_mean, sentence_max and the number of samples; the samples, one a line; the answer's tokens, one a line, each
 * with a bar before it; an empty line. "\n" inside a text is spelt \x01. A case's scores come out on one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midstream.h"

enum { N_SAMPLE_MAX = 16 };

/* The next line without its end, owned; NULL at the end. */
static char *next_line(void)
{
    char *line = NULL, *at;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, stdin);

    if (n < 0) {
        free(line);
        return NULL;
    }
    line[n - 1] = 0;
    for (at = line; *at; at++)
        *at = *at == 1 ? '\n' : *at;
    return line;
}

static int score_answer(mid_stream *s)
{
    uint32_t i;

    for (i = 0; ; i++) {
        char *line = next_line();
        mid_step step = { .have = MID_SIG_TEXT, .i_tok = i };
        double score;
        if (!line || line[0] != '|') {
            free(line);
            printf("\n");
            return 0;
        }
        step.text = line + 1;
        step.n_text = (uint32_t)strlen(line + 1);
        if (mid_stream_push(s, &step, &score) != MID_OK)
            return 1;
        printf("%.17g ", score);
        free(line);
    }
}

static int one_case(mid_ctx *ctx, const char *head)
{
    const mid_signals signals = { .have = MID_SIG_TEXT | MID_SIG_SAMPLES };
    double order, k, word_mean, sentence_max;
    char *sample[N_SAMPLE_MAX] = { NULL };
    size_t n, i;
    mid_monitor *m;
    mid_stream *s;
    int failed;

    if (sscanf(head, "%lf %lf %lf %lf %zu", &order, &k, &word_mean, &sentence_max, &n) != 5 || n > N_SAMPLE_MAX)
        return 1;
    for (i = 0; i < n; i++)
        if (!(sample[i] = next_line()))
            return 1;
    {
        const mid_param params[] = { { "order", order, NULL, NULL }, { "k", k, NULL, NULL },
                                     { "word_mean", word_mean, NULL, NULL },
                                     { "sentence_max", sentence_max, NULL, NULL }, { NULL, 0, NULL, NULL } };
        const mid_prompt prompt = { .text = "", .sample = (const char *const *)sample, .n_sample = n };
        if (mid_monitor_open(ctx, mid_monitor_find("self_check_ngram"), params, NULL, &signals, &m) != MID_OK ||
            mid_stream_open(ctx, m, &s) != MID_OK || mid_stream_start(s, &prompt) != MID_OK)
            return 1;
    }
    failed = score_answer(s);
    mid_stream_close(s);
    mid_monitor_close(m);
    for (i = 0; i < n; i++)
        free(sample[i]);
    return failed;
}

int main(void)
{
    mid_ctx *ctx;
    char *head;
    int failed = mid_ctx_open(&ctx) != MID_OK;

    while (!failed && (head = next_line())) {
        failed = one_case(ctx, head);
        free(head);
    }
    mid_ctx_close(ctx);
    return failed;
}
