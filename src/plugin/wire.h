/* The protocol's words: what a monitor is given and gives, as JSON and back. docs/plugins.md describes every field.
 * A number goes over as the shortest text that reads back to the same bits, so nothing is lost on the way.
 * put: into a message under way; when memory runs out it cannot be written, so one check at its end is enough.
 * get: out of a stranger's document; MID_EFORMAT says what is wrong. What is got lives in `room` or the document. */
#ifndef MID_PLUGIN_WIRE_H
#define MID_PLUGIN_WIRE_H

#include "yyjson.h"

#include "base/buf.h"
#include "midstream/monitor.h"

#define MID__WIRE_PROTOCOL 1

/* Signals by the names they have in the protocol. */
enum { MID__WIRE_SIGNAL_N = 13 };
typedef struct mid__wire_name { uint32_t bit; const char *name; } mid__wire_name;
extern const mid__wire_name mid__wire_signal[MID__WIRE_SIGNAL_N];

/* Numbers in mid_prompt.sample_gram. */
static inline size_t mid__wire_gram_n(const mid_signals *signals, size_t n_sample)
{
    return (size_t)MID_SAMPLE_AT_N * (size_t)signals->n_layer * n_sample * n_sample;
}

typedef struct mid__wire {
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    bool failed;                    /* out of memory on the way */
} mid__wire;

/* Begin a message of this type. w must stay where it is. */
void mid__wire_open(mid__wire *w, const char *type);
/* End it: a line with its end, owned; NULL: out of memory. */
char *mid__wire_line(mid__wire *w, size_t *n);

/* Each under `key` of an object. needs: which signals to put. */
void mid__wire_put_names(mid__wire *w, yyjson_mut_val *to, const char *key, uint32_t signals);
void mid__wire_put_params(mid__wire *w, yyjson_mut_val *to, const char *key, const mid_param *params);
void mid__wire_put_signals(mid__wire *w, yyjson_mut_val *to, const char *key, const mid_signals *signals);
void mid__wire_put_prompt(mid__wire *w, yyjson_mut_val *to, const char *key, uint32_t needs, const mid_signals *signals,
                          const mid_prompt *prompt);
/* Into the object itself. */
void mid__wire_put_weights(mid__wire *w, yyjson_mut_val *to, const mid_weights *weights);
void mid__wire_put_step(mid__wire *w, yyjson_mut_val *to, uint32_t needs, const mid_signals *signals,
                        const mid_step *step);

mid_status mid__wire_get_names(mid_ctx *ctx, yyjson_val *from, uint32_t *signals);
/* A complete list by the known ones, with what is given in place of the defaults. */
mid_status mid__wire_get_params(mid_ctx *ctx, yyjson_val *from, const mid_param *known, mid__arena *room,
                                mid_param **out);
mid_status mid__wire_get_signals(mid_ctx *ctx, yyjson_val *from, mid_signals *out);
mid_status mid__wire_get_weights(mid_ctx *ctx, yyjson_val *from, mid_weights *into);
mid_status mid__wire_get_prompt(mid_ctx *ctx, yyjson_val *from, const mid_signals *signals, mid__arena *room,
                                mid_prompt *out);
mid_status mid__wire_get_step(mid_ctx *ctx, yyjson_val *from, const mid_signals *signals, mid__arena *room,
                              mid_step *out);

/* Are all the numbers that would be put finite? JSON has no others. */
bool mid__wire_is_finite(uint32_t needs, const mid_signals *signals, const mid_step *step);
bool mid__wire_prompt_is_finite(uint32_t needs, const mid_signals *signals, const mid_prompt *prompt);

#endif
