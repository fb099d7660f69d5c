/* Models and sources: where tokens come from.
 *   llama     generate in process, several sequences in one context
 *   openai    generate behind an OpenAI-compatible server; its tokens with what it tells of their probabilities
 *   recorded  an answer somebody saved, read by an observer model token by token (teacher forcing) */
#ifndef MIDSTREAM_SOURCE_H
#define MIDSTREAM_SOURCE_H

#include "sample.h"
#include "trace.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MID_GROUP_N 16              /* answers worked on together; fixed, so that a result never depends on timing */

/** A GGUF model with its context and tokenizer, or a model behind a server. */
typedef struct mid_model mid_model;

typedef struct mid_model_opts {
    size_t size;                    /* sizeof(mid_model_opts) */
    const char *quantise;           /* "bf16", "q4_0", "q8_0": use a copy in that format, made once in cache_dir */
    const char *cache_dir;          /* where such copies are kept; needed with quantise */
    int n_layer, layer[MID_LAYER_MAX];  /* hidden rows to tap; n_layer 0: four spread over the depth; -1: none */
    int n_threads;                  /* 0: all cores */
    int n_seq;                      /* sequences in one context; 0: MID_GROUP_N */
    int n_ctx_seq;                  /* tokens per sequence, prompt and answer; 0: 1024 */
    bool attention;                 /* open the context so that attention can be read: without flash attention */
} mid_model_opts;
MID_API mid_model_opts mid_model_opts_default(void);

/** @return MID_ENOTFOUND; MID_EFORMAT for a file that is not GGUF or is cut short; MID_EMODEL if the engine refuses it;
 *          MID_EINVAL for a layer the model does not have; MID_EIO if the copy cannot be written. @param[out] out owned. */
MID_API mid_status mid_model_open(mid_ctx *ctx, const char *path, const mid_model_opts *opts, mid_model **out);
MID_API void mid_model_close(mid_model *model);
/** Another context on the same weights, for another thread; opts as for mid_model_open (quantise is ignored).
 *  @param model  borrowed until *out is closed. @return MID_EMODEL, MID_EINVAL, MID_ENOMEM. @param[out] out owned. */
MID_API mid_status mid_model_fork(mid_ctx *ctx, mid_model *model, const mid_model_opts *opts, mid_model **out);

typedef struct mid_server_opts {
    size_t size;                    /* sizeof(mid_server_opts) */
    const char *model;              /* what the server is asked for; NULL: its own */
    const char *key;                /* sent as a bearer token, in no message, log or identity; NULL: none */
    bool text_only;                 /* ask for no log-probabilities: steps are what comes at a time, text and time */
    uint32_t n_top;                 /* alternatives per token, up to MID_TOP_MAX; 0: 5 */
    uint32_t rpm, tpm;              /* requests and tokens a minute, of the model and all its forks; 0: no limit */
    uint32_t timeout_ms;            /* longest time without text; 0: 60000 */
    uint32_t retry_ms;              /* wait before the first of 3 retries, about doubled each time; 0: 500 */
    uint64_t seed;                  /* of how waits differ from that */
} mid_server_opts;
MID_API mid_server_opts mid_server_opts_default(void);
/**
 * A model behind an OpenAI-compatible server, for source "openai" only. Nothing is asked before the first run. Its
 * steps carry text, ln p, the likeliest alternatives and time, which is that between arrivals; a token's id is a hash
 * of its bytes. The entropy of a distribution of which only the top is told is not known, and left out.
 * @param url  http:// or https://; /v1/chat/completions is added, for a form that is not "chat" /v1/completions
 * @param[out] out  owned. @return MID_EINVAL for a malformed URL, a key with a line break or n_top over the limit;
 *             MID_ENOMEM.
 */
MID_API mid_status mid_server_open(mid_ctx *ctx, const char *url, const mid_server_opts *opts, mid_model **out);
/** What its steps carry. Borrowed. @c observer covers file and quantisation; a run adds the prompt form. */
MID_API const mid_signals *mid_model_signals(const mid_model *model);
MID_API int mid_model_n_layer(const mid_model *model);
/** "SmolLM2 135M Instruct Q4_1": as the file describes itself. Borrowed. */
MID_API const char *mid_model_desc(const mid_model *model);
/** SHA-256 of the file that was asked for (not of the copy); "" for a server. Borrowed. */
MID_API const char *mid_model_hash(const mid_model *model);
MID_API bool mid_model_has_template(const mid_model *model);

typedef struct mid_source_opts {
    size_t size;
    const char *format;             /* NULL or "chat": the file's chat template, no system message;
                                       else a text with {prompt} in it, e.g. "Question: {prompt}\nAnswer:" */
    const char *system;             /* system message for format "chat"; NULL: none */
    const char *stop;               /* end an answer before this text; NULL: only at the model's own end */
    uint32_t max_tok;               /* longest answer; 0: 128 */
    float temperature;              /* 0: greedy */
    uint64_t seed;                  /* of the sampler; sequence i of a group uses its own stream */
    uint32_t want;                  /* MID_SIG_* beyond MID_SIG_ALWAYS to make as well */
    uint32_t n_sample;              /* answers to sample per prompt for MID_SIG_SAMPLES; 0: 5 */
    float sample_temperature;       /* of these; 0: 1 */
    const struct mid_judge *judge;  /* for MID_SIG_JUDGE; borrowed for the run */
} mid_source_opts;
MID_API mid_source_opts mid_source_opts_default(void);

/** What the steps of a run carry: the model's signals and those of opts->want; the observer's identity now covers the
 *  prompt form too, and is the same whatever is wanted.
 *  @return MID_ESIGNAL for a wanted signal that this model, opened as it is, cannot give: attention without
 *          mid_model_opts.attention, a lens without tapped layers or on a head that is not the usual one; MID_EINVAL
 *          for an unknown bit or form, or a judge's verdicts without opts->judge. */
MID_API mid_status mid_source_signals(mid_ctx *ctx, const mid_model *model, const mid_source_opts *opts, mid_signals *out);

/** Who receives the steps. Each function may be NULL. i_seq counts the samples of the call from 0. */
typedef struct mid_sink {
    void *user;
    mid_status (*prompt)(void *user, size_t i_seq, const mid_prompt *prompt);
    /** Set *stop to end this answer after this token; the others go on. */
    mid_status (*step)(void *user, size_t i_seq, const mid_step *step, bool *stop);
} mid_sink;

/** A place tokens come from. */
typedef struct mid_source_info {
    const char *name, *summary;
    uint32_t have;                  /* MID_SIG_* it delivers */
} mid_source_info;
/** Registry, alphabetical, ends with name NULL. Static. */
MID_API const mid_source_info *mid_source_list(void);

/**
 * Run up to mid_model_opts.n_seq samples as one group and give every step to a sink. Steps of one answer come in order;
 * answers are interleaved. What the model computes depends on the group as a whole, so keep groups fixed.
 *
 * With MID_SIG_ALONE a second pass reads each answer without its prompt. It uses tokens <= t only, so its values are those
 * of a second context that runs along; but as it is made when a group's answers are complete, the steps come then, and
 * stopping one ends only what is given. Steps that must be seen live cost a decode more per token: not offered here.
 *
 * "openai" asks for one answer after the other and gives each token as it comes. What fails there is one answer, and
 * the next may succeed: MID_EIO no response after the retries, or one cut short; MID_EINVAL the server refuses this
 * prompt; MID_EFORMAT what came is no stream of chunks, or its tokens do not spell its text; MID_ESIGNAL
 * log-probabilities are missing; MID_EUNDEFINED its content filter cut the answer; MID_ELIMIT. Only MID_EMODEL (401,
 * 403, 404) is about all of them.
 *
 * @param source  "llama", "openai" or "recorded"
 * @param sample  (n) borrowed; "recorded" needs each response
 * @return MID_OK; MID_ENOTFOUND no such source; MID_EINVAL n too large, a sample without response, or a server taken
 *         for a file; MID_ELIMIT a prompt that leaves no room for an answer; MID_ESIGNAL as for
 *         mid_source_signals(); MID_EMODEL; of "openai" as above; or what the sink returned
 */
MID_API mid_status mid_source_run(mid_ctx *ctx, mid_model *model, const char *source,
                                  const mid_sample *const *sample, size_t n,
                                  const mid_source_opts *opts, const mid_sink *sink);

/** As above, each answer into a trace. @param[out] trace (n) owned; all NULL on error. */
MID_API mid_status mid_source_trace(mid_ctx *ctx, mid_model *model, const char *source,
                                    const mid_sample *const *sample, size_t n,
                                    const mid_source_opts *opts, mid_trace **trace);

/** The file behind a model's name: "smollm2" and "gemma" are files that scripts/setup keeps in cache_dir's models/; anything
 *  else is a path already. Whether the file is there, mid_model_open() tells.
 *  @param cache_dir  NULL only where name is a path. @param[out] path owned, mid_free(). @return MID_EINVAL, MID_ENOMEM. */
MID_API mid_status mid_model_resolve(mid_ctx *ctx, const char *name, const char *cache_dir, char **path);

#ifdef __cplusplus
}
#endif
#endif
