/* The protocol's words, said. */
#include "plugin/wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/weights.h"

const mid__wire_name mid__wire_signal[MID__WIRE_SIGNAL_N] = {
    { MID_SIG_TEXT, "text" },           { MID_SIG_LOGPROB, "logprob" }, { MID_SIG_ENTROPY, "entropy" },
    { MID_SIG_TOP, "top" },             { MID_SIG_HIDDEN, "hidden" },   { MID_SIG_TIME, "time" },
    { MID_SIG_SPREAD, "spread" },       { MID_SIG_ATTENTION, "attention" }, { MID_SIG_LENS, "lens" },
    { MID_SIG_ALONE, "alone" },         { MID_SIG_AFFIRM, "affirm" },   { MID_SIG_SAMPLES, "samples" },
    { MID_SIG_JUDGE, "judge" },
};

/* yyjson's calls say one by one whether they had memory; asking here once is easier to get right. */
static void *get_memory(void *user, size_t n)
{
    void *at = malloc(n);

    if (!at)
        ((mid__wire *)user)->failed = true;
    return at;
}

static void *get_more(void *user, void *old, size_t n_old, size_t n)
{
    void *at = realloc(old, n);

    (void)n_old;
    if (!at)
        ((mid__wire *)user)->failed = true;
    return at;
}

static void give_back(void *user, void *at)
{
    (void)user;
    free(at);
}

void mid__wire_open(mid__wire *w, const char *type)
{
    const yyjson_alc memory = { get_memory, get_more, give_back, w };

    w->failed = false;
    w->doc = yyjson_mut_doc_new(&memory);
    w->root = yyjson_mut_obj(w->doc);
    yyjson_mut_doc_set_root(w->doc, w->root);
    yyjson_mut_obj_add_strcpy(w->doc, w->root, "type", type);
}

char *mid__wire_line(mid__wire *w, size_t *n)
{
    char *line = w->failed ? NULL : yyjson_mut_write(w->doc, YYJSON_WRITE_NEWLINE_AT_END, n);

    yyjson_mut_doc_free(w->doc);
    w->doc = NULL;
    return line;
}

static yyjson_mut_val *put_object(mid__wire *w, yyjson_mut_val *to, const char *key)
{
    yyjson_mut_val *object = yyjson_mut_obj(w->doc);

    yyjson_mut_obj_add_val(w->doc, to, key, object);
    return object;
}

static yyjson_mut_val *put_list(mid__wire *w, yyjson_mut_val *to, const char *key)
{
    yyjson_mut_val *list = yyjson_mut_arr(w->doc);

    yyjson_mut_obj_add_val(w->doc, to, key, list);
    return list;
}

/* As double, so that whoever reads it has the very same value; yyjson_mut_float would write fewer digits. */
static void add_floats(mid__wire *w, yyjson_mut_val *list, const float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        yyjson_mut_arr_add_real(w->doc, list, (double)x[i]);
}

static void put_rows(mid__wire *w, yyjson_mut_val *to, const char *key, const float *x, int n_row, int n_col)
{
    yyjson_mut_val *list = put_list(w, to, key);
    int i;

    for (i = 0; i < n_row; i++)
        add_floats(w, yyjson_mut_arr_add_arr(w->doc, list), x + (size_t)i * (size_t)n_col, (size_t)n_col);
}

/* Bytes that are no UTF-8, as when a token ends inside a character, go in hexadecimal beside it. */
static void put_bytes(mid__wire *w, yyjson_mut_val *to, const char *text, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    char *hex;
    size_t i;

    yyjson_mut_obj_add_strncpy(w->doc, to, "text", text, mid__utf8_valid(text, n));
    if (mid__utf8_valid(text, n) == n)
        return;
    hex = get_memory(w, 2 * n + 1);
    if (!hex)
        return;
    for (i = 0; i < n; i++) {
        hex[2 * i] = digit[(unsigned char)text[i] >> 4];
        hex[2 * i + 1] = digit[(unsigned char)text[i] & 15];
    }
    yyjson_mut_obj_add_strncpy(w->doc, to, "hex", hex, 2 * n);
    free(hex);
}

void mid__wire_put_names(mid__wire *w, yyjson_mut_val *to, const char *key, uint32_t signals)
{
    yyjson_mut_val *list = put_list(w, to, key);
    size_t i;

    for (i = 0; i < MID__WIRE_SIGNAL_N; i++)
        if (signals & mid__wire_signal[i].bit)
            yyjson_mut_arr_add_str(w->doc, list, mid__wire_signal[i].name);
}

void mid__wire_put_params(mid__wire *w, yyjson_mut_val *to, const char *key, const mid_param *params)
{
    yyjson_mut_val *object = put_object(w, to, key);

    for (; params->name; params++)
        if (params->text)
            yyjson_mut_obj_add_strcpy(w->doc, object, params->name, params->text);
        else
            yyjson_mut_obj_add_real(w->doc, object, params->name, params->number);
}

void mid__wire_put_signals(mid__wire *w, yyjson_mut_val *to, const char *key, const mid_signals *s)
{
    yyjson_mut_val *object = put_object(w, to, key), *list = put_list(w, object, "layers");
    int i;

    for (i = 0; i < s->n_layer; i++)
        yyjson_mut_arr_add_int(w->doc, list, s->layer[i]);
    mid__wire_put_names(w, object, "have", s->have);
    yyjson_mut_obj_add_int(w->doc, object, "n_embd", s->n_embd);
    yyjson_mut_obj_add_int(w->doc, object, "n_vocab", s->n_vocab);
    yyjson_mut_obj_add_int(w->doc, object, "n_top", s->n_top);
    yyjson_mut_obj_add_int(w->doc, object, "n_head", s->n_head);
    yyjson_mut_obj_add_int(w->doc, object, "n_head_layer", s->n_head_layer);
    yyjson_mut_obj_add_strcpy(w->doc, object, "observer", s->observer);
}

void mid__wire_put_weights(mid__wire *w, yyjson_mut_val *to, const mid_weights *weights)
{
    yyjson_mut_val *part = put_object(w, to, "tensors"), *one;
    const mid__item *item = weights->tensor.at;
    size_t i;

    for (i = 0; i < weights->tensor.n; i++, item++) {
        one = yyjson_mut_obj(w->doc);
        yyjson_mut_obj_add(part, yyjson_mut_strcpy(w->doc, item->name), one);
        yyjson_mut_obj_add_uint(w->doc, one, "rows", item->n_row);
        yyjson_mut_obj_add_uint(w->doc, one, "cols", item->n_col);
        add_floats(w, put_list(w, one, "data"), item->data, item->n_row * item->n_col);
    }
    part = put_object(w, to, "text");
    for (i = 0, item = weights->entry.at; i < weights->entry.n; i++, item++)
        yyjson_mut_obj_add(part, yyjson_mut_strcpy(w->doc, item->name), yyjson_mut_strcpy(w->doc, item->text));
}

void mid__wire_put_prompt(mid__wire *w, yyjson_mut_val *to, const char *key, uint32_t needs, const mid_signals *s,
                          const mid_prompt *p)
{
    yyjson_mut_val *object = put_object(w, to, key), *list, *one;
    size_t i;

    put_bytes(w, object, p->text ? p->text : "", p->text ? strlen(p->text) : 0);
    yyjson_mut_obj_add_uint(w->doc, object, "n_tok", p->n_tok);
    if ((needs & MID_SIG_HIDDEN) && p->hidden)
        put_rows(w, object, "hidden", p->hidden, s->n_layer, s->n_embd);
    if (needs & MID_SIG_AFFIRM)
        yyjson_mut_obj_add_real(w->doc, object, "affirm", (double)p->affirm);
    if (!(needs & MID_SIG_SAMPLES) || !p->sample)
        return;
    list = put_list(w, object, "samples");
    for (i = 0; i < p->n_sample; i++) {
        one = yyjson_mut_arr_add_obj(w->doc, list);
        put_bytes(w, one, p->sample[i], strlen(p->sample[i]));
    }
    if (p->sample_gram)
        add_floats(w, put_list(w, object, "sample_gram"), p->sample_gram, mid__wire_gram_n(s, p->n_sample));
}

static void put_top(mid__wire *w, yyjson_mut_val *to, const mid_step *step)
{
    yyjson_mut_val *list = put_list(w, to, "top"), *one;
    uint32_t i;

    for (i = 0; i < step->n_top; i++) {
        one = yyjson_mut_arr_add_arr(w->doc, list);
        yyjson_mut_arr_add_int(w->doc, one, step->top_token[i]);
        yyjson_mut_arr_add_real(w->doc, one, (double)step->top_lp[i]);
    }
}

void mid__wire_put_step(mid__wire *w, yyjson_mut_val *to, uint32_t needs, const mid_signals *s, const mid_step *step)
{
    const uint32_t give = needs & step->have;
    yyjson_mut_val *object = to;

    yyjson_mut_obj_add_uint(w->doc, object, "i_tok", step->i_tok);
    yyjson_mut_obj_add_int(w->doc, object, "token", step->token);
    yyjson_mut_obj_add_uint(w->doc, object, "at_byte", step->at_byte);
    if (give & MID_SIG_TEXT)
        put_bytes(w, object, step->text, step->n_text);
    if (give & MID_SIG_LOGPROB)
        yyjson_mut_obj_add_real(w->doc, object, "lp", (double)step->lp);
    if (give & MID_SIG_ENTROPY)
        yyjson_mut_obj_add_real(w->doc, object, "entropy_nats", (double)step->entropy_nats);
    if (give & MID_SIG_TOP)
        put_top(w, object, step);
    if (give & MID_SIG_HIDDEN)
        put_rows(w, object, "hidden", step->hidden, s->n_layer, s->n_embd);
    if (give & MID_SIG_TIME)
        yyjson_mut_obj_add_real(w->doc, object, "time_us", (double)step->time_us);
    if (give & MID_SIG_SPREAD)
        add_floats(w, put_list(w, object, "spread"), step->spread, MID_SPREAD_N);
    if (give & MID_SIG_ATTENTION)
        put_rows(w, object, "attention", step->attention, s->n_head, MID_ATTENTION_N);
    if (give & MID_SIG_LENS)
        put_rows(w, object, "lens", step->lens, s->n_layer, MID_LENS_N);
    if (give & MID_SIG_ALONE)
        yyjson_mut_obj_add_real(w->doc, object, "lp_alone", (double)step->lp_alone);
    if (give & MID_SIG_JUDGE)
        yyjson_mut_obj_add_real(w->doc, object, "judge", (double)step->judge);
}

static bool finite_floats(const float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

bool mid__wire_is_finite(uint32_t needs, const mid_signals *s, const mid_step *step)
{
    const uint32_t give = needs & step->have;

    return (!(give & MID_SIG_LOGPROB) || isfinite(step->lp)) &&
           (!(give & MID_SIG_ENTROPY) || isfinite(step->entropy_nats)) &&
           (!(give & MID_SIG_TOP) || finite_floats(step->top_lp, step->n_top)) &&
           (!(give & MID_SIG_HIDDEN) || finite_floats(step->hidden, (size_t)s->n_layer * (size_t)s->n_embd)) &&
           (!(give & MID_SIG_TIME) || isfinite(step->time_us)) &&
           (!(give & MID_SIG_SPREAD) || finite_floats(step->spread, MID_SPREAD_N)) &&
           (!(give & MID_SIG_ATTENTION) || finite_floats(step->attention, (size_t)s->n_head * MID_ATTENTION_N)) &&
           (!(give & MID_SIG_LENS) || finite_floats(step->lens, (size_t)s->n_layer * MID_LENS_N)) &&
           (!(give & MID_SIG_ALONE) || isfinite(step->lp_alone)) &&
           (!(give & MID_SIG_JUDGE) || isfinite(step->judge));
}

bool mid__wire_prompt_is_finite(uint32_t needs, const mid_signals *s, const mid_prompt *p)
{
    return (!(needs & MID_SIG_HIDDEN) || !p->hidden ||
            finite_floats(p->hidden, (size_t)s->n_layer * (size_t)s->n_embd)) &&
           (!(needs & MID_SIG_AFFIRM) || isfinite(p->affirm)) &&
           (!(needs & MID_SIG_SAMPLES) || !p->sample_gram ||
            finite_floats(p->sample_gram, mid__wire_gram_n(s, p->n_sample)));
}
