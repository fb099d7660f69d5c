/* Steps and traces: everything known just after one token, and the steps of one answer kept together.
 * Replaying a trace gives the same steps bit for bit. */
#ifndef MIDSTREAM_TRACE_H
#define MIDSTREAM_TRACE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a step can carry. A monitor names what it needs, a source what it delivers, a step what it has:
 * an absent or untrusted signal is missing (its bit is off), never zero and never "safe". */
enum {
    MID_SIG_TEXT    = 1u << 0,      /* the token's bytes */
    MID_SIG_LOGPROB = 1u << 1,      /* ln p of the token under the distribution it was drawn from */
    MID_SIG_ENTROPY = 1u << 2,      /* that distribution's entropy over the full vocabulary */
    MID_SIG_TOP     = 1u << 3,      /* its most likely tokens */
    MID_SIG_HIDDEN  = 1u << 4,      /* layer outputs after the token has been read; and of the last prompt token */
    MID_SIG_TIME    = 1u << 5,      /* wall time the source spent on the token */
    /* below: made only when somebody asks for them (mid_source_opts.want), since each costs extra work */
    MID_SIG_SPREAD  = 1u << 6,      /* distances of the distribution from uniform, and the token's rank */
    MID_SIG_ATTENTION = 1u << 7,    /* where each head looked */
    MID_SIG_LENS    = 1u << 8,      /* what each tapped layer would have predicted through the model's own head */
    MID_SIG_ALONE   = 1u << 9,      /* ln p of the token without the prompt: a second pass */
    MID_SIG_AFFIRM  = 1u << 10,     /* of the prompt: confidence after an affirmative system message; one extra pass */
    MID_SIG_SAMPLES = 1u << 11,     /* of the prompt: other answers sampled for it; as many generations */
    MID_SIG_JUDGE   = 1u << 12,     /* a judge model's verdict on the text so far, at some steps only */
    MID_SIG_BESIDE  = 1u << 13      /* steps of a second observer, which reads the same answer in tokens of its own */
};
#define MID_SIG_ALWAYS 0x3fu        /* what a source with a model delivers unasked */
/* Of the prompt, or of some steps only: a source announces them, but not every step has their bit. */
#define MID_SIG_SPARSE (MID_SIG_AFFIRM | MID_SIG_SAMPLES | MID_SIG_JUDGE | MID_SIG_BESIDE)

/* Columns of mid_step.spread, of a head's entry in mid_step.attention, of a layer's entry in mid_step.lens. */
enum { MID_SPREAD_RENYI_NATS,       /* D_1/2(P || U) at temperature 2, 0..ln n_vocab (METHODS G10) */
       MID_SPREAD_FISHER_RAO,       /* (2/pi) arccos sum sqrt(P/V) at temperature 2, in [0, 1) */
       MID_SPREAD_KL_UNIFORM_NATS,  /* KL(U || P) at temperature 1, masked logits left out */
       MID_SPREAD_LN_RANK,          /* ln of the token's rank, 0 = the most likely */
       MID_SPREAD_N };
enum { MID_ATTENTION_CONTEXT,       /* weight on all prompt tokens together */
       MID_ATTENTION_SELF,          /* weight on the token itself */
       MID_ATTENTION_PREVIOUS,      /* weight on the token before it */
       MID_ATTENTION_N };
enum { MID_LENS_KL_NATS,            /* KL(P || Q), P the final layer's next-token distribution, Q the lens's */
       MID_LENS_SAME_TOP,           /* 1 if both have the same most likely token, else 0 */
       MID_LENS_REFUSAL_COS,        /* cosine of the lens logits with the 0/1 vector of refusal tokens */
       MID_LENS_N };

#define MID_TOP_MAX   20            /* kept alternatives per step */
#define MID_LAYER_MAX 64            /* tapped layers per source */
#define MID_SAMPLE_AT_N 8           /* token counts at which sampled answers are compared: 1, 2, 4, ... 128 */

/** What a source delivers; the same for all its steps. */
typedef struct mid_signals {
    uint32_t have;                  /* MID_SIG_* */
    int n_layer, layer[MID_LAYER_MAX];  /* tapped layers, ascending; layer l is the output of block l, from 0 */
    int n_embd;                     /* width of a hidden row */
    int n_vocab, n_top;
    int n_head, n_head_layer;       /* attention heads: in all, and per layer; head k of layer l is l * n_head_layer + k */
    char observer[65];              /* identity: hash of model file, quantisation and prompt form; "" for text only */
    const struct mid_signals *beside;   /* of the second observer; NULL: there is none */
} mid_signals;

/** Everything known just after one token. Pointers are borrowed for the call. */
typedef struct mid_step {
    uint32_t have;                  /* MID_SIG_* present in this very step */
    uint32_t i_tok;                 /* 0 for the answer's first token */
    int32_t token;                  /* id in the source's vocabulary */
    uint32_t at_byte, n_text;       /* where the token starts in the answer, and its length, in bytes */
    const char *text;               /* (n_text) not zero-terminated, may cut a UTF-8 sequence */
    float lp;                       /* ln p of this token, <= 0 */
    float entropy_nats;             /* of the distribution the token was drawn from, 0..ln n_vocab */
    uint32_t n_top;
    const int32_t *top_token;       /* (n_top) most likely first */
    const float *top_lp;            /* (n_top) natural log */
    const float *hidden;            /* (n_layer, n_embd) values already rounded to float16 */
    float time_us;
    const float *spread;            /* (MID_SPREAD_N) */
    const float *attention;         /* (n_head, MID_ATTENTION_N) of the position that read this token; float16-rounded */
    const float *lens;              /* (n_layer, MID_LENS_N) of that position: the next token's distribution */
    float lp_alone;                 /* ln p of the token given only the answer before it */
    float judge;                    /* probability of unsafe, in [0, 1]; its bit is on only where the judge was asked */
    uint32_t n_beside;
    const struct mid_step *beside;  /* (n_beside) the second observer's steps that ended since the step before, none of
                                       them behind this token's last byte */
} mid_step;

/** What is known before the first token: t = 0. */
typedef struct mid_prompt {
    const char *text;               /* zero-terminated user prompt, without the template */
    const float *hidden;            /* (n_layer, n_embd) rows of the last prompt position, or NULL */
    uint32_t n_tok;                 /* tokens of the prompt in its form; 0: unknown */
    float affirm;                   /* max next-token probability, temperature 2, after an affirmative system message; 0: none */
    const char *const *sample;      /* (n_sample) other answers sampled for this prompt; NULL: none */
    size_t n_sample;
    const float *sample_gram;       /* (MID_SAMPLE_AT_N, n_layer, n_sample, n_sample) or NULL: entry k holds the inner
                                       products of the samples' rows after their token min(2^k, length), k = 0, 1, ...,
                                       each row less the mean of its n_embd values; a sample without tokens has zeros */
    const struct mid_prompt *beside;    /* as the second observer read it; NULL: there is none */
} mid_prompt;

/** The steps of one answer. Hidden rows and attention are float16 inside. */
typedef struct mid_trace mid_trace;

/** @param signals copied. @param prompt copied. @param[out] out owned. @return MID_OK, MID_EINVAL, MID_ENOMEM. */
MID_API mid_status mid_trace_open(mid_ctx *ctx, const mid_signals *signals, const mid_prompt *prompt, mid_trace **out);
MID_API void mid_trace_close(mid_trace *trace);
/** Append a copy of a step; its i_tok and at_byte must continue the trace. @return MID_OK, MID_EINVAL, MID_ENOMEM. */
MID_API mid_status mid_trace_append(mid_trace *trace, const mid_step *step);

MID_API uint32_t mid_trace_n_tok(const mid_trace *trace);
MID_API const mid_signals *mid_trace_signals(const mid_trace *trace);
/** The answer's bytes so far, zero-terminated. @param[out] n may be NULL. */
MID_API const char *mid_trace_text(const mid_trace *trace, size_t *n);

/** Floats a caller must provide for mid_trace_step()'s and mid_trace_prompt()'s @c scratch:
 *  n_layer * n_embd + n_head * MID_ATTENTION_N, may be 0. */
MID_API size_t mid_trace_scratch(const mid_trace *trace);
/** Read one step. @param scratch (mid_trace_scratch()) receives hidden rows and, behind them, attention; NULL: the step
 *  comes without both.
 *  @param[out] step its pointers live until the trace is closed or scratch is used again. */
MID_API void mid_trace_step(const mid_trace *trace, uint32_t i_tok, float *scratch, mid_step *step);
MID_API void mid_trace_prompt(const mid_trace *trace, float *scratch, mid_prompt *prompt);
/** One hidden row as float32. @param i_layer index into signals->layer. @param i_tok -1 for the last prompt position.
 *  @param[out] row (n_embd). */
MID_API void mid_trace_hidden(const mid_trace *trace, int i_layer, int32_t i_tok, float *row);

/** Let a second observer's trace of the same answer stand beside this one: its signals become signals->beside.
 *  @param beside  given, unless this fails. @return MID_EINVAL if there is one already, if it has one beside itself, or if
 *  neither text begins with the other. */
MID_API mid_status mid_trace_put_beside(mid_ctx *ctx, mid_trace *trace, mid_trace *beside);
/** NULL: there is none. Borrowed. */
MID_API const mid_trace *mid_trace_beside(const mid_trace *trace);
/** How many of the second observer's tokens have ended by the end of a token of the first. */
MID_API uint32_t mid_trace_n_beside(const mid_trace *trace, uint32_t i_tok);

/** A trace as bytes, without what stands beside it: the form the store keeps. @param[out] bytes owned, free with mid_free(). */
MID_API mid_status mid_trace_pack(mid_ctx *ctx, const mid_trace *trace, void **bytes, size_t *n);
/** @return MID_EFORMAT or MID_EVERSION for bytes that are not a trace of this version; never reads past n. */
MID_API mid_status mid_trace_unpack(mid_ctx *ctx, const void *bytes, size_t n, mid_trace **out);
/** Free what the library gave as plain bytes. */
MID_API void mid_free(void *bytes);

#ifdef __cplusplus
}
#endif
#endif
