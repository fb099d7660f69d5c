/* A judge in process: a GGUF model of its own, read with full softmax at the end of the question. Every question is
 * read from its beginning, so a verdict never depends on what was asked before. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "source/engine.h"
#include "source/judge.h"

enum { CONTEXT_TOK = 2048 };

static const char plain_form[] = "{prompt}\nReply:";    /* for a model without a chat template */

struct local { mid_model *model; mid__decode batch; };

static void close_local(void *self)
{
    struct local *l = self;

    mid_model_close(l->model);
    free(l);
}

/* Read the question and leave the logits behind its last token, which is the i-th of the last batch. */
static mid_status read_question(mid_ctx *ctx, struct local *l, const llama_token *token, int n, int *i)
{
    mid__decode *b = &l->batch;
    mid_status status = MID_OK;
    int at, k;

    mid__engine_forget(l->model, 0);
    for (at = 0; status == MID_OK && at < n; at += b->n) {
        b->n = n - at < MID__CHUNK_TOK ? n - at : MID__CHUNK_TOK;
        for (k = 0; k < b->n; k++) {
            b->token[k] = token[at + k];
            b->pos[k] = at + k;
            b->seq[k] = 0;
            b->want[k] = at + k == n - 1;
        }
        status = mid__engine_decode(ctx, l->model, b);
    }
    *i = b->n - 1;
    return status;
}

static void say(const mid_model *model, const mid__softmax *top, mid__said *said)
{
    char piece[MID__PIECE_MAX];
    size_t i;

    for (i = 0; i < top->n_top; i++) {
        const size_t n = (size_t)mid__token_piece(model, top->top_token[i], piece);
        const size_t room = sizeof said->word[i].text - 1;
        memcpy(said->word[i].text, piece, n < room ? n : room);
        said->word[i].text[n < room ? n : room] = 0;
        said->word[i].lp = (double)top->top_lp[i];
    }
    said->n = top->n_top;
}

static mid_status ask_local(mid_ctx *ctx, void *self, const char *question, mid__said *said)
{
    struct local *l = self;
    const mid_source_opts form = { .format = mid_model_has_template(l->model) ? NULL : plain_form };
    llama_token *token = NULL;
    mid__softmax top;
    int n = 0, i;
    mid_status status = mid__prompt_tokens(ctx, l->model, question, &form, &token, &n);

    if (status == MID_OK && n <= CONTEXT_TOK) {         /* a longer one is no question to this model */
        status = read_question(ctx, l, token, n, &i);
        if (status == MID_OK)
            status = mid__engine_softmax(ctx, l->model, i, &top);
        if (status == MID_OK)
            say(l->model, &top, said);
    }
    free(token);
    return status;
}

mid_status mid__judge_local(mid_ctx *ctx, const char *spec, const mid_judge_opts *opts, mid__oracle *oracle,
                            char **name)
{
    mid_model_opts m = mid_model_opts_default();
    struct local *l = calloc(1, sizeof *l);
    char *path = NULL;
    mid_status status = l ? mid_model_resolve(ctx, spec, opts->cache_dir, &path) : mid__oom(ctx, spec);

    m.n_layer = -1;
    m.n_seq = 1;
    m.n_ctx_seq = CONTEXT_TOK;
    m.n_threads = opts->n_threads;
    if (status == MID_OK)
        status = mid_model_open(ctx, path, &m, &l->model);
    if (status == MID_OK && !(*name = strdup(mid_model_hash(l->model))))
        status = mid__oom(ctx, spec);
    mid_free(path);
    if (status != MID_OK) {
        if (l)
            close_local(l);
        return status;
    }
    oracle->self = l;
    oracle->ask = ask_local;
    oracle->close = close_local;
    return MID_OK;
}
