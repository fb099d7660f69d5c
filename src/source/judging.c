/* The sink that asks a judge while a source runs: each answer's text is kept, and where a verdict is due the step goes
 * on with it. Due is every c tokens or at sentence ends (base/wordcut.h); the end of an answer is not known to a sink,
 * so an answer that ends between two verdicts goes on without a last one. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/wordcut.h"
#include "source/judge.h"

struct answer { mid__buf text; mid__sentence sentence; uint32_t n_tok; };

struct mid__judging {
    mid_ctx *ctx;
    mid_sink ours;
    const mid_sink *next;
    const mid_judge *judge;
    const mid_sample *const *sample;    /* (n) */
    struct answer *answer;              /* (n) */
    size_t n;
};

static mid_status pass_prompt(void *user, size_t i_seq, const mid_prompt *prompt)
{
    const mid__judging *j = user;

    return j->next->prompt ? j->next->prompt(j->next->user, i_seq, prompt) : MID_OK;
}

static bool due(const mid__judging *j, struct answer *a, const mid_step *step)
{
    const bool ended = mid__sentence_put(&a->sentence, step->text, step->n_text);

    a->n_tok++;
    return mid__judge_by_sentence(j->judge) ? ended : a->n_tok % mid__judge_every_tok(j->judge) == 0;
}

static mid_status add_verdict(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    mid__judging *j = user;
    struct answer *a = &j->answer[i_seq];
    mid_step full = *step;
    double p = NAN;
    mid_status status = MID_OK;

    if (!mid__buf_put(&a->text, step->text, step->n_text))
        return mid__oom(j->ctx, "an answer to judge");
    if (due(j, a, step))
        status = mid_judge_ask(j->ctx, j->judge, j->sample[i_seq]->prompt, a->text.at, a->text.n, &p);
    if (status != MID_OK)
        return mid__within(j->ctx, status, "sample %s: judge after token %u", j->sample[i_seq]->id, a->n_tok);
    if (!isnan(p)) {
        full.judge = (float)p;
        full.have |= MID_SIG_JUDGE;
    }
    return j->next->step ? j->next->step(j->next->user, i_seq, &full, stop) : MID_OK;
}

mid_status mid__judging_open(mid_ctx *ctx, const mid_sample *const *sample, size_t n, const mid_source_opts *opts,
                             const mid_sink **sink, mid__judging **judging)
{
    mid__judging *j;

    *judging = NULL;
    if (!(opts->want & MID_SIG_JUDGE))
        return MID_OK;
    j = calloc(1, sizeof *j);
    if (!j || !(j->answer = calloc(n + 1, sizeof *j->answer))) {
        free(j);
        return mid__oom(ctx, "answers to judge");
    }
    j->ctx = ctx;
    j->next = *sink;
    j->judge = opts->judge;
    j->sample = sample;
    j->n = n;
    j->ours = (mid_sink){ .user = j, .prompt = pass_prompt, .step = add_verdict };
    *sink = &j->ours;
    *judging = j;
    return MID_OK;
}

void mid__judging_close(mid__judging *judging)
{
    size_t i;

    if (!judging)
        return;
    for (i = 0; i < judging->n; i++)
        mid__buf_clear(&judging->answer[i].text);
    free(judging->answer);
    free(judging);
}
