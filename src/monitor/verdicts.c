/* A judge's verdicts, held: B5 and B6. j_t in [0, 1] is P(unsafe) of the judge asked after token t, where it was asked.
 *   judge_chunk     S_t = j of the last verdict at or before t
 *   sentence_gate   at the end of a sentence (base/wordcut.h; at the latest after 64 tokens):
 *                   S_t = max(S_{t-1}, last j)  (monotone 1)  or  last j  (monotone 0);  between ends S_t = S_{t-1}
 * S_t = 0 before the first verdict. That does not call the answer safe: a rule looks at the highest score so far, so
 * any other number would stand above every verdict below it. The gate never falls by default, since a sentence that
 * was held back stays held back whatever follows it.
 * Source: a guard model per chunk, Qwen3Guard and SentGuard; sentence buffering, SentGuard. How the judge is asked and
 * what it costs: midstream/judge.h. */
#include "base/ctx.h"
#include "base/wordcut.h"
#include "monitor/monitor.h"

/* Take this step's verdict, if it has one. */
static bool see(const mid_step *step, double *last)
{
    if (!(step->have & MID_SIG_JUDGE))
        return true;
    if (!(step->judge >= 0 && step->judge <= 1))
        return false;
    *last = (double)step->judge;
    return true;
}

static mid_status push_chunk(const void *plan, void *self, const mid_step *step, double *score)
{
    (void)plan;
    if (!see(step, self))
        return MID_ENUMERIC;
    *score = *(const double *)self;
    return MID_OK;
}

const mid_monitor_ops mid__monitor_judge_chunk = {
    .name = "judge_chunk", .version = 1,
    .summary = "the last verdict of a judge model that is asked now and then", .unit = "probability",
    .source = "Qwen3Guard 2025, arXiv 2510.14276",
    .box = MID_BOX_BLACK, .needs = MID_SIG_JUDGE,
    .state_size = sizeof(double), .push = push_chunk,
};

struct gate { mid__sentence sentence; double last, score; };

static mid_status open_gate(mid_ctx *ctx, const mid_weights *weights, const mid_param *params,
                            const mid_signals *signals, void **plan)
{
    static const bool monotone[] = { false, true };
    const double x = mid__param_number(params, "monotone");

    (void)weights; (void)signals;
    if (x != 0 && x != 1)
        return mid__fail(ctx, MID_EINVAL, "monotone %g: 1 to keep the highest verdict, 0 for the latest", x);
    *plan = (void *)(uintptr_t)&monotone[x == 1];
    return MID_OK;
}

static mid_status push_gate(const void *plan, void *self, const mid_step *step, double *score)
{
    const bool monotone = *(const bool *)plan;
    struct gate *s = self;

    if (!see(step, &s->last))
        return MID_ENUMERIC;
    if (mid__sentence_put(&s->sentence, step->text, step->n_text) && (!monotone || s->last > s->score))
        s->score = s->last;
    *score = s->score;
    return MID_OK;
}

static const mid_param gate_params[] = {
    { "monotone", 1, NULL, "1: the highest verdict so far; 0: the latest" },
    { NULL, 0, NULL, NULL }
};

const mid_monitor_ops mid__monitor_sentence_gate = {
    .name = "sentence_gate", .version = 1,
    .summary = "the worst verdict of a judge model at a sentence's end", .unit = "probability",
    .source = "SentGuard; sentence-buffered release",
    .box = MID_BOX_BLACK, .needs = MID_SIG_TEXT | MID_SIG_JUDGE, .params = gate_params,
    .open = open_gate,
    .state_size = sizeof(struct gate), .push = push_gate,
};
