/* Framings: how an interface writes an answer down. A framing finds the texts in an event or a body and writes the
 * events that end an answer; everything else (judging, holding back, cutting) is the same for all. One file each,
 * listed in framing_registry.c. */
#ifndef MID_GUARD_FRAMING_H
#define MID_GUARD_FRAMING_H

#include "yyjson.h"

#include "base/buf.h"

/* Whose text it is. Each channel of each choice is a text of its own. */
typedef enum mid__channel {
    MID__CHANNEL_CONTENT, MID__CHANNEL_REASONING, MID__CHANNEL_REFUSAL,
    MID__CHANNEL_TOOL_NAME, MID__CHANNEL_TOOL_ARGUMENTS,
    MID__CHANNEL_ERROR,             /* what a server says went wrong */
    MID__CHANNEL_N
} mid__channel;
/* "content", "reasoning", ... Static. */
const char *mid__channel_name(mid__channel channel);

enum { MID__SPAN_MAX = 256, MID__NO_CHOICE = UINT32_MAX };

typedef struct mid__span {
    yyjson_val *value;              /* a string */
    uint32_t i_choice;              /* MID__NO_CHOICE: of no choice */
    mid__channel channel;
    uint32_t i_call;                /* which of several tool calls */
} mid__span;

typedef struct mid__ending {
    uint32_t i_choice;
    yyjson_val *finish;             /* the string that says why; NULL: the choice goes on */
    yyjson_val *content;            /* of a whole body: what its reader looks at; NULL: it has none */
    yyjson_val *beside;             /* what repeats its text, such as log-probabilities; NULL: nothing */
} mid__ending;

/* What an event says, in the order in which it says it. Values are those of the event's JSON. */
typedef struct mid__view {
    uint32_t n_span, n_ending;
    mid__span span[MID__SPAN_MAX];
    mid__ending ending[MID__SPAN_MAX];      /* one for each choice that is there */
    bool is_error;                  /* the server gives up; its words are spans of MID__CHANNEL_ERROR */
    bool changed;                   /* text in fields that nobody knows was emptied */
} mid__view;

/* What the events that end an answer repeat from those before. */
typedef struct mid__ids { char id[128], model[256]; int64_t created; } mid__ids;

/* How an answer ends that was not let to its end. */
typedef struct mid__stop {
    uint32_t i_choice;
    const char *say;                /* last words; "": none */
    const char *finish;             /* why, in the framing's own words */
} mid__stop;

typedef struct mid__framing {
    const char *name, *path;        /* "/v1/chat/completions" */
    const char *const *asks;        /* the fields that a request may have, ends with NULL; others are left out */
    /* whole: a body instead of an event. @return MID_EFORMAT for what no reader of this framing expects, MID_ELIMIT */
    mid_status (*read)(mid_ctx *ctx, yyjson_val *root, bool whole, mid__view *view);
    void (*note_ids)(yyjson_val *root, mid__ids *ids);
    const char *content_filter, *stopped;           /* reasons to finish: judged unsafe; as if nothing had been */
    /* Append events, each with its line ends. */
    void (*put_stop)(const mid__ids *ids, const mid__stop *stop, mid__buf *out);
    void (*put_usage)(const mid__ids *ids, uint64_t n_tok, mid__buf *out);
    void (*put_end)(mid__buf *out);                 /* what says that the stream is over */
    bool (*is_end)(const char *data, size_t n);
} mid__framing;

extern const mid__framing mid__framing_chat;
/* By path; NULL: no framing of ours, so it is refused. */
const mid__framing *mid__framing_find(const char *path, size_t n);

/* {"error": {...}} as this family of interfaces writes it. kind: its type; code: which one. */
void mid__framing_put_error(mid__buf *out, const char *message, const char *kind, const char *code);
/* The text as a JSON string with its quotes; what is not UTF-8 as U+FFFD. */
void mid__framing_put_text(mid__buf *out, const char *text, size_t n);

#endif
