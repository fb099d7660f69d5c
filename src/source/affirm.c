/* Confidence after an affirmative system message (METHODS G14; free jailbreak detection, FJD): each prompt is read once
 * more, with a system message that asks for an answer beginning "Sure", and the largest probability of the next token at
 * temperature 2 is kept. All passes are made before the run proper, in its own context, which is empty then. A form
 * that is no chat template has no place for a system message: there the message stands before the form. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "signal/spread.h"
#include "source/engine.h"

static const char message[] = "You are a helpful assistant. Begin every answer with: Sure, here is";

struct mid__affirm {
    mid_sink ours;
    const mid_sink *next;
    float confidence[];             /* (n) one per prompt */
};

/* opts with the message in it; what buf holds must outlive them. */
static bool with_message(const mid_source_opts *opts, mid_source_opts *out, mid__buf *buf)
{
    const bool chat = !opts->format || strcmp(opts->format, "chat") == 0;
    const char *behind = chat ? opts->system : opts->format;

    *out = *opts;
    mid__buf_text(buf, message);
    if (behind)
        mid__buf_fmt(buf, "\n%s", behind);
    *(chat ? &out->system : &out->format) = buf->at;
    return !buf->failed;
}

static mid_status confidence_of(mid_ctx *ctx, mid_model *model, const mid_sample *sample, const mid_source_opts *opts,
                                float *out)
{
    llama_token *token = NULL;
    mid__softmax of;
    int n = 0;
    mid_status status = mid__prompt_tokens(ctx, model, sample->prompt, opts, &token, &n);

    if (status == MID_OK && n > model->n_ctx_seq)
        status = mid__fail(ctx, MID_ELIMIT, "sample %s: its prompt with the affirmative message is %d tokens, the context "
                           "holds %d", sample->id, n, model->n_ctx_seq);
    mid__engine_forget(model, 0);
    if (status == MID_OK)
        status = mid__engine_read(ctx, model, 0, token, n, NULL, NULL);
    if (status == MID_OK)
        status = mid__engine_softmax(ctx, model, -1, &of);
    if (status == MID_OK)
        *out = mid__confidence_of(llama_get_logits_ith(model->lctx, -1), model->signals.n_vocab, &of);
    mid__engine_forget(model, 0);
    free(token);
    return status;
}

static mid_status add_to_prompt(void *user, size_t i_seq, const mid_prompt *prompt)
{
    const struct mid__affirm *a = user;
    mid_prompt full = *prompt;

    full.affirm = a->confidence[i_seq];
    return a->next->prompt ? a->next->prompt(a->next->user, i_seq, &full) : MID_OK;
}

static mid_status pass_step(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    const struct mid__affirm *a = user;

    return a->next->step ? a->next->step(a->next->user, i_seq, step, stop) : MID_OK;
}

mid_status mid__affirm_open(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                            const mid_source_opts *opts, const mid_sink **sink, mid__affirm **affirm)
{
    mid__affirm *a;
    mid_source_opts o;
    mid__buf buf;
    size_t i;
    mid_status status = MID_OK;

    *affirm = NULL;
    if (!(opts->want & MID_SIG_AFFIRM))
        return MID_OK;
    mid__buf_init(&buf, 0);
    a = calloc(1, sizeof *a + n * sizeof a->confidence[0]);
    if (!a || !with_message(opts, &o, &buf))
        status = mid__oom(ctx, "affirmative prompts");
    for (i = 0; status == MID_OK && i < n; i++)
        status = confidence_of(ctx, model, sample[i], &o, &a->confidence[i]);
    mid__buf_clear(&buf);
    if (status != MID_OK) {
        free(a);
        return status;
    }
    a->next = *sink;
    a->ours = (mid_sink){ .user = a, .prompt = add_to_prompt, .step = pass_step };
    *sink = &a->ours;
    *affirm = a;
    return MID_OK;
}

void mid__affirm_close(mid__affirm *affirm) { free(affirm); }
