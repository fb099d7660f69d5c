/* The engine room: one GGUF model, one context with several sequences, taps on layer outputs.
 * Only this folder includes llama.h. */
#ifndef MID_SOURCE_ENGINE_H
#define MID_SOURCE_ENGINE_H

#include <llama.h>

#include "midstream/source.h"
#include "signal/softmax.h"

enum { MID__CHUNK_TOK = 512 };      /* most tokens in one decode */

struct mid_model {
    struct llama_model *llama;
    bool forked;                    /* llama belongs to another mid_model */
    struct llama_context *lctx;
    const struct llama_vocab *vocab;
    struct ggml_threadpool *pool;
    mid_signals signals;
    int n_layer, n_seq, n_ctx_seq;
    char desc[128], hash[65];
    /* the tap: rows of one decode, in batch order. The last layer comes only for tokens that asked for logits. */
    float *row[MID_LAYER_MAX];      /* (MID__CHUNK_TOK, n_embd) each */
    int n_row[MID_LAYER_MAX];
};

/* One decode: tokens of one or more sequences. want[i] asks for token i's logits (and its last-layer row). */
typedef struct mid__decode {
    int n;
    llama_token token[MID__CHUNK_TOK];
    llama_pos pos[MID__CHUNK_TOK];
    llama_seq_id seq[MID__CHUNK_TOK];
    int8_t want[MID__CHUNK_TOK];
} mid__decode;

mid_status mid__engine_decode(mid_ctx *ctx, mid_model *model, const mid__decode *batch);
/* Hidden rows of the i-th token of the last decode, rounded to float16. i_want: how many tokens before it asked for
 * logits. hidden (n_layer, n_embd). */
void mid__engine_hidden(const mid_model *model, int i, int i_want, float *hidden);
mid_status mid__engine_softmax(mid_ctx *ctx, mid_model *model, int i, mid__softmax *out);
void mid__engine_forget(mid_model *model, int seq);             /* empty one sequence */
void mid__engine_move(mid_model *model, int from, int to);      /* sequence `from` becomes `to`; `to` was forgotten */

/* Prompt in its form as tokens. token owned. The user's text is never read as control tokens. */
mid_status mid__prompt_tokens(mid_ctx *ctx, const mid_model *model, const char *prompt, const mid_source_opts *opts,
                              llama_token **token, int *n);
mid_status mid__text_tokens(mid_ctx *ctx, const mid_model *model, const char *text, bool control,
                            llama_token **token, int *n);
/* Bytes of a token; control tokens have none. piece must hold MID__PIECE_MAX. */
enum { MID__PIECE_MAX = 512 };
int mid__token_piece(const mid_model *model, llama_token token, char *piece);

const char *mid__engine_version(void);

/* Check a GGUF file before the engine sees it. */
mid_status mid__gguf_check(mid_ctx *ctx, const char *path);

/* One row of the source registry. */
typedef mid_status (*mid__source_run)(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                                      const mid_source_opts *opts, const mid_sink *sink);
mid_status mid__source_llama(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                             const mid_source_opts *opts, const mid_sink *sink);
mid_status mid__source_recorded(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                                const mid_source_opts *opts, const mid_sink *sink);
/* The step for token x drawn from distribution `from` (its logits' softmax; lp given apart). */
void mid__step_fill(mid_step *step, const mid__softmax *from, llama_token token, float lp);

#endif
