/* A trace from inside: what trace.c (in memory) and trace_pack.c (as bytes) share.
 *
 * In memory a trace is growing lists; a token's entry says which part of each list is its own. What comes in rows of
 * one width (hidden rows, attention, ...) has a list per signal, and only steps that have the signal take a row, so a
 * missing signal costs nothing and stays missing. Hidden rows and attention are float16 inside. */
#ifndef MID_SIGNAL_TRACE_LISTS_H
#define MID_SIGNAL_TRACE_LISTS_H

#include "midstream/trace.h"

enum { SAMPLE_MAX = 1 << 12 };      /* sampled answers of a prompt */

/* Signals that come in rows, those kept as float16 first. */
enum { ROW_HIDDEN, ROW_ATTENTION, ROW_SPREAD, ROW_LENS, ROW_ALONE, ROW_JUDGE, N_ROW, N_HALF_ROW = ROW_SPREAD };
static const uint32_t mid__row_signal[N_ROW] = {
    MID_SIG_HIDDEN, MID_SIG_ATTENTION, MID_SIG_SPREAD, MID_SIG_LENS, MID_SIG_ALONE, MID_SIG_JUDGE
};

enum { LIST_TOK, LIST_TEXT, LIST_TOP_TOKEN, LIST_TOP_LP, LIST_ROW, N_LIST = LIST_ROW + N_ROW };

struct list {
    void *at;
    size_t n, cap, item_bytes;
};

struct packed {                     /* of a token, as bytes */
    uint32_t have;
    int32_t token;
    uint32_t n_text, n_top;
    float lp, entropy_nats, time_us;
};

struct tok {
    struct packed is;
    uint32_t at_byte;               /* of LIST_TEXT */
    uint32_t i_top;                 /* of LIST_TOP_TOKEN and LIST_TOP_LP */
    uint32_t i_row[N_ROW];          /* of LIST_ROW + k: its row, or where its row would be */
};

struct mid_trace {
    mid_signals signals;
    char *prompt;                   /* zero-terminated */
    uint16_t *prompt_hidden;        /* (n_layer, n_embd) or NULL */
    uint32_t n_prompt_tok;
    float affirm;
    char *samples;                  /* the sampled answers one behind the other, each with its zero; NULL: none */
    size_t n_samples_bytes;
    const char **sample;            /* (n_sample) into samples */
    size_t n_sample;
    float *gram;                    /* mid_prompt.sample_gram or NULL */
    size_t width[N_ROW];            /* values of a row; 0: this source has no such rows */
    struct list list[N_LIST];
    mid_trace *beside;
};

/* An empty trace: signals are checked, the prompt still to come. */
mid_status mid__trace_begin(mid_ctx *ctx, const mid_signals *signals, mid_trace **out);
/* Room for a prompt of n bytes, if asked its rows, and sampled answers, if asked with products; all zeroed. */
bool mid__trace_prompt_room(mid_trace *t, size_t n, bool rows, size_t n_sample, size_t n_samples_bytes, bool gram);
/* Point t->sample into t->samples, in which each text ends with its zero. */
void mid__trace_share_samples(mid_trace *t);
size_t mid__trace_gram_floats(const mid_trace *t, size_t n_sample);
/* Room for n more items. False: no memory, or more than 32 bits can count. */
bool mid__list_reserve(struct list *list, size_t n_more);
/* Where the next item goes; the room for it is there. */
void *mid__list_take(struct list *list, size_t n);

#endif
