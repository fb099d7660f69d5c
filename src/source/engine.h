/* The engine room: one GGUF model, one context with several sequences, taps on layer outputs and attention.
 * Only this folder includes llama.h. */
#ifndef MID_SOURCE_ENGINE_H
#define MID_SOURCE_ENGINE_H

#include <llama.h>

#include "midstream/source.h"
#include "signal/softmax.h"

enum { MID__CHUNK_TOK = 512 };      /* most tokens in one decode */

/* One decode: tokens of one or more sequences. want[i] asks for token i's logits (and its last-layer row). */
typedef struct mid__decode {
    int n;
    llama_token token[MID__CHUNK_TOK];
    llama_pos pos[MID__CHUNK_TOK];
    llama_seq_id seq[MID__CHUNK_TOK];
    int8_t want[MID__CHUNK_TOK];
    int n_prompt[MID__CHUNK_TOK];   /* of a token of an answer: tokens of its prompt; else 0 */
} mid__decode;

typedef struct mid__lens mid__lens;
typedef struct mid__server mid__server;

struct mid_model {
    mid__server *server;            /* openai.c; then only signals and desc below are filled in. NULL: a file */
    struct llama_model *llama;
    bool forked;                    /* llama belongs to another mid_model */
    struct llama_context *lctx;
    const struct llama_vocab *vocab;
    struct ggml_threadpool *pool;
    mid_signals signals;
    int n_layer, n_seq, n_ctx_seq, n_threads, n_head_layer;
    char desc[128], hash[65], path[1024];
    /* the tap: rows of one decode, in batch order. The last layer comes only for tokens that asked for logits. */
    float *row[MID_LAYER_MAX];      /* (MID__CHUNK_TOK, n_embd) each */
    int n_row[MID_LAYER_MAX];
    /* attention; NULL if the context was opened without it */
    float *seen;                    /* (MID__CHUNK_TOK, n_layer * n_head_layer, MID_ATTENTION_N) of one decode */
    float *weight;                  /* (n_ctx_seq) of one head */
    int *n_seen;                    /* (n_layer) tokens of the decode whose attention has come by */
    bool wants_attention;           /* this run */
    const mid__decode *decoding;    /* while attention is to be read from it; else NULL */
    mid__lens *lens;                /* made when first wanted */
};

mid_status mid__engine_decode(mid_ctx *ctx, mid_model *model, const mid__decode *batch);
/* Hidden rows of the i-th token of the last decode, rounded to float16. i_want: how many tokens before it asked for
 * logits. hidden (n_layer, n_embd). */
void mid__engine_hidden(const mid_model *model, int i, int i_want, float *hidden);
mid_status mid__engine_softmax(mid_ctx *ctx, mid_model *model, int i, mid__softmax *out);
/* Of the i-th token of the last decode, rounded to float16. out (n_layer * n_head_layer, MID_ATTENTION_N). */
mid_status mid__engine_attention(mid_ctx *ctx, const mid_model *model, int i, float *out);
/* Read a whole text into an empty sequence; logits wait for the last token, or are given for all to `each`. */
typedef mid_status (*mid__each_fn)(void *user, int i_tok, int i);       /* the i_tok-th token, i-th of this decode */
mid_status mid__engine_read(mid_ctx *ctx, mid_model *model, int seq, const llama_token *token, int n,
                            mid__each_fn each, void *user);
void mid__engine_forget(mid_model *model, int seq);             /* empty one sequence */
void mid__engine_move(mid_model *model, int from, int to);      /* sequence `from` becomes `to`; `to` was forgotten */

/* Prompt in its form as tokens. token owned. The user's text is never read as control tokens. */
mid_status mid__prompt_tokens(mid_ctx *ctx, const mid_model *model, const char *prompt, const mid_source_opts *opts,
                              llama_token **token, int *n);
mid_status mid__text_tokens(mid_ctx *ctx, const mid_model *model, const char *text, bool control,
                            llama_token **token, int *n);
/* What a text without a prompt begins with: the vocabulary's first token, or its end token where it has none. */
llama_token mid__first_token(const mid_model *model);
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
mid_status mid__source_openai(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                              const mid_source_opts *opts, const mid_sink *sink);
mid_status mid__source_recorded(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                                const mid_source_opts *opts, const mid_sink *sink);
/* openai.c: what is behind a model that is a server. */
void mid__server_close(mid__server *server);
mid_status mid__server_fork(mid_ctx *ctx, const mid__server *server, mid__server **out);

/* extra.c: per-token signals made only when asked for (opts->want). One per run; zeroed is closed. */
typedef struct mid__extra {
    mid_ctx *ctx;
    mid_model *model;
    uint32_t want;
    float *attention;               /* (n_layer * n_head_layer, MID_ATTENTION_N) of one step */
    float *lens;                    /* (MID__CHUNK_TOK, n_layer, MID_LENS_N) of one decode */
} mid__extra;
mid_status mid__want_check(mid_ctx *ctx, const mid_model *model, const mid_source_opts *opts);
mid_status mid__extra_open(mid_ctx *ctx, mid_model *model, const mid_source_opts *opts, mid__extra *out);
void mid__extra_close(mid__extra *extra);
/* After a decode: the lens of all answer tokens in it. */
mid_status mid__extra_decoded(mid__extra *extra, const mid__decode *batch);
/* Attention and lens of the batch's i-th token. */
mid_status mid__extra_step(mid__extra *extra, int i, mid_step *step);
/* Of the i-th token's logits, with the rank of the token drawn from them. spread (MID_SPREAD_N). */
void mid__extra_spread(const mid__extra *extra, int i, const mid__softmax *of, llama_token token, float *spread);

/* affirm.c: stands in front of a sink and adds what one more pass over each prompt says (METHODS G14). As
 * mid__samples_open(). */
typedef struct mid__affirm mid__affirm;
mid_status mid__affirm_open(mid_ctx *ctx, mid_model *model, const mid_sample *const *sample, size_t n,
                            const mid_source_opts *opts, const mid_sink **sink, mid__affirm **affirm);
void mid__affirm_close(mid__affirm *affirm);
/* alone.c: give a finished answer to a sink, each step with MID_SIG_ALONE added. The model reads it on sequence 0. */
mid_status mid__alone_give(mid_ctx *ctx, mid_model *model, const mid_trace *trace, size_t i_seq, const mid_sink *sink);
/* lens.c: the model's own head, read from its file. MID_ESIGNAL if it is not norm and matrix alone. */
mid_status mid__lens_check(mid_ctx *ctx, const mid_model *model);
mid_status mid__lens_open(mid_ctx *ctx, const mid_model *model, mid__lens **out);
void mid__lens_close(mid__lens *lens);
/* For each answer token of the decode: out[(i * n_layer + l) * MID_LENS_N]. */
mid_status mid__lens_read(mid_ctx *ctx, mid__lens *lens, mid_model *model, const mid__decode *batch, float *out);

/* The step for token x drawn from distribution `from` (its logits' softmax; lp given apart). */
void mid__step_fill(mid_step *step, const mid__softmax *from, llama_token token, float lp);

#endif
