/* Prompt forms: how a sample's prompt becomes what the model reads. "chat" is the template in the model file; any other
 * form is a text around {prompt}. Control tokens are read in the form's own text only: a prompt that spells
 * "<|im_end|>" stays plain text. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/hash.h"
#include "source/engine.h"

static const char mark[] = "{prompt}";

mid_source_opts mid_source_opts_default(void) { return (mid_source_opts){ .size = sizeof(mid_source_opts), .max_tok = 128 }; }

/* The form as text with {prompt} in it; owned. */
static mid_status form_text(mid_ctx *ctx, const mid_model *model, const mid_source_opts *opts, char **out)
{
    struct llama_chat_message message[2];
    const char *template = model->llama ? llama_model_chat_template(model->llama, NULL) : NULL;
    mid__buf messages = { 0 };
    size_t n = 0;
    int32_t need;
    char *text;

    if (opts->format && strcmp(opts->format, "chat") != 0) {
        if (!strstr(opts->format, mark))
            return mid__fail(ctx, MID_EINVAL, "prompt form '%.60s' has no {prompt} in it", opts->format);
        *out = strdup(opts->format);
        return *out ? MID_OK : mid__oom(ctx, "the prompt form");
    }
    if (model->server) {                            /* its template is its own affair */
        mid__buf_fmt(&messages, "%s\n%s", opts->system ? opts->system : "", mark);
        *out = mid__buf_take(&messages, NULL);
        return *out ? MID_OK : mid__oom(ctx, "the prompt form");
    }
    if (!template)
        return mid__fail(ctx, MID_EINVAL, "%s has no chat template: give a form such as \"Question: {prompt}\\nAnswer:\"",
                         model->desc);
    if (opts->system)
        message[n++] = (struct llama_chat_message){ "system", opts->system };
    message[n++] = (struct llama_chat_message){ "user", mark };
    need = llama_chat_apply_template(template, message, n, true, NULL, 0);
    text = need > 0 ? calloc(1, (size_t)need + 1) : NULL;
    if (!text)
        return mid__fail(ctx, MID_EMODEL, "%s: its chat template is not one the engine knows; give a form with {prompt}",
                         model->desc);
    llama_chat_apply_template(template, message, n, true, text, need + 1);
    *out = text;
    return MID_OK;
}

mid_status mid__text_tokens(mid_ctx *ctx, const mid_model *model, const char *text, bool control,
                            llama_token **token, int *n)
{
    const size_t n_text = strlen(text);
    llama_token *at;

    if (n_text > 4u << 20)
        return mid__fail(ctx, MID_ELIMIT, "a text of %zu bytes is over the limit of 4 MiB", n_text);
    at = malloc((n_text + 8) * sizeof *at);         /* a token is at least a byte */
    if (!at)
        return mid__oom(ctx, "tokens");
    *n = llama_tokenize(model->vocab, text, (int32_t)n_text, at, (int32_t)n_text + 8, false, control);
    if (*n < 0) {
        free(at);
        return mid__fail(ctx, MID_EMODEL, "%s cannot tokenize a text of %zu bytes", model->desc, n_text);
    }
    *token = at;
    return MID_OK;
}

mid_status mid__prompt_tokens(mid_ctx *ctx, const mid_model *model, const char *prompt, const mid_source_opts *opts,
                              llama_token **token, int *n)
{
    llama_token *part[3] = { NULL, NULL, NULL }, *all = NULL;
    int n_part[3] = { 0, 0, 0 }, i, total = 0;
    char *form = NULL, *at;
    mid_status status = form_text(ctx, model, opts, &form);

    if (status != MID_OK)
        return status;
    at = strstr(form, mark);
    *at = 0;
    status = mid__text_tokens(ctx, model, form, true, &part[0], &n_part[0]);
    if (status == MID_OK)
        status = mid__text_tokens(ctx, model, prompt, false, &part[1], &n_part[1]);
    if (status == MID_OK)
        status = mid__text_tokens(ctx, model, at + strlen(mark), true, &part[2], &n_part[2]);
    if (status != MID_OK)
        goto out;
    all = malloc(((size_t)n_part[0] + n_part[1] + n_part[2] + 1) * sizeof *all);
    if (!all) {
        status = mid__oom(ctx, "tokens");
        goto out;
    }
    if (llama_vocab_get_add_bos(model->vocab))
        all[total++] = llama_vocab_bos(model->vocab);
    for (i = 0; i < 3; i++) {
        memcpy(all + total, part[i], (size_t)n_part[i] * sizeof *all);
        total += n_part[i];
    }
    if (total == 0)                                 /* nothing to condition on: the model still needs one token */
        all[total++] = mid__first_token(model);
    *token = all;
    *n = total;
    all = NULL;
out:
    free(all);
    for (i = 0; i < 3; i++)
        free(part[i]);
    free(form);
    return status;
}

llama_token mid__first_token(const mid_model *model)
{
    const llama_token bos = llama_vocab_bos(model->vocab);

    return bos >= 0 ? bos : llama_vocab_eos(model->vocab);
}

int mid__token_piece(const mid_model *model, llama_token token, char *piece)
{
    const int32_t n = llama_token_to_piece(model->vocab, token, piece, MID__PIECE_MAX, 0, false);

    return n > 0 ? n : 0;
}

mid_status mid_source_signals(mid_ctx *ctx, const mid_model *model, const mid_source_opts *opts, mid_signals *out)
{
    const mid_source_opts defaults = mid_source_opts_default();
    char *form = NULL;
    mid__sha256 s;
    mid_status status = mid__want_check(ctx, model, opts ? opts : &defaults);

    if (status == MID_OK)
        status = form_text(ctx, model, opts ? opts : &defaults, &form);
    if (status != MID_OK)
        return status;
    *out = model->signals;
    if (opts && (opts->want & MID_SIG_ATTENTION)) {
        out->n_head = model->n_layer * model->n_head_layer;
        out->n_head_layer = model->n_head_layer;
    }
    out->have |= opts ? opts->want : 0;
    mid__sha256_init(&s);
    mid__sha256_put(&s, model->signals.observer, 64);
    mid__sha256_put(&s, form, strlen(form));
    mid__sha256_hex(&s, out->observer);
    free(form);
    return MID_OK;
}
