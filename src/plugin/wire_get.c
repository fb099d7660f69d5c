/* The protocol's words, heard: in the order of wire_put.c, and with nothing taken for granted. */
#include "plugin/wire.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/jsonl.h"

enum { EMBD_MAX = 1 << 16, HEAD_MAX = 1 << 16, VOCAB_MAX = 1 << 28 };

static mid_status wrong(mid_ctx *ctx, const char *key, const char *wanted, yyjson_val *got)
{
    char text[64];

    return got ? mid__fail(ctx, MID_EFORMAT, "\"%.40s\" is %s; %s is wanted", key, mid__jsonl_show(got, text), wanted)
               : mid__fail(ctx, MID_EFORMAT, "\"%.40s\" is missing; %s is wanted", key, wanted);
}

static mid_status get_whole(mid_ctx *ctx, yyjson_val *from, const char *key, int64_t max, int64_t *out)
{
    yyjson_val *v = yyjson_obj_get(from, key);

    if (!yyjson_is_int(v) || yyjson_get_sint(v) < 0 || yyjson_get_sint(v) > max)
        return wrong(ctx, key, "a whole number in range", v);
    *out = yyjson_get_sint(v);
    return MID_OK;
}

static bool to_float(yyjson_val *v, float *out)
{
    const double x = yyjson_get_num(v);

    if (!yyjson_is_num(v) || fabs(x) > FLT_MAX)
        return false;
    *out = (float)x;
    return true;
}

static mid_status get_float(mid_ctx *ctx, yyjson_val *from, const char *key, float *out)
{
    yyjson_val *v = yyjson_obj_get(from, key);

    return to_float(v, out) ? MID_OK : wrong(ctx, key, "a number", v);
}

/* Numbers of a list, n of them. */
static mid_status read_floats(mid_ctx *ctx, yyjson_val *list, const char *key, size_t n, float *out)
{
    yyjson_val *v;
    size_t i, max;

    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != n)
        return mid__fail(ctx, MID_EFORMAT, "\"%.40s\": %zu numbers are wanted here", key, n);
    yyjson_arr_foreach(list, i, max, v)
        if (!to_float(v, &out[i]))
            return wrong(ctx, key, "a number", v);
    return MID_OK;
}

static float *room_for(mid__arena *room, size_t n) { return mid__arena_get(room, (n ? n : 1) * sizeof(float)); }

static mid_status get_floats(mid_ctx *ctx, yyjson_val *from, const char *key, size_t n, mid__arena *room,
                             const float **out)
{
    float *x = room_for(room, n);

    if (!x)
        return mid__oom(ctx, key);
    *out = x;
    return read_floats(ctx, yyjson_obj_get(from, key), key, n, x);
}

static mid_status get_rows(mid_ctx *ctx, yyjson_val *from, const char *key, int n_row, int n_col, mid__arena *room,
                           const float **out)
{
    yyjson_val *list = yyjson_obj_get(from, key), *row;
    float *x;
    mid_status status = MID_OK;
    size_t i, max;

    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != (size_t)n_row)
        return mid__fail(ctx, MID_EFORMAT, "\"%.40s\": %d rows are wanted", key, n_row);
    x = room_for(room, (size_t)n_row * (size_t)n_col);
    if (!x)
        return mid__oom(ctx, key);
    *out = x;
    yyjson_arr_foreach(list, i, max, row)
        if (status == MID_OK)
            status = read_floats(ctx, row, key, (size_t)n_col, x + i * (size_t)n_col);
    return status;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Zero-terminated behind its n bytes. */
static mid_status get_bytes(mid_ctx *ctx, yyjson_val *from, mid__arena *room, const char **text, size_t *n)
{
    yyjson_val *v = yyjson_obj_get(from, "text"), *hex = yyjson_obj_get(from, "hex");
    const char *digit = yyjson_get_str(hex);
    size_t i;
    char *bytes;

    if (!yyjson_is_str(v) || yyjson_get_len(v) > UINT32_MAX / 4)
        return wrong(ctx, "text", "a text", v);
    *text = yyjson_get_str(v);
    *n = yyjson_get_len(v);
    if (!hex)
        return MID_OK;
    if (!digit || yyjson_get_len(hex) % 2)
        return wrong(ctx, "hex", "pairs of hexadecimal digits", hex);
    *n = yyjson_get_len(hex) / 2;
    bytes = mid__arena_get(room, *n + 1);
    if (!bytes)
        return mid__oom(ctx, "text");
    for (i = 0; i < *n; i++) {
        if (hex_value(digit[2 * i]) < 0 || hex_value(digit[2 * i + 1]) < 0)
            return wrong(ctx, "hex", "pairs of hexadecimal digits", hex);
        bytes[i] = (char)(hex_value(digit[2 * i]) << 4 | hex_value(digit[2 * i + 1]));
    }
    *text = bytes;
    return MID_OK;
}

mid_status mid__wire_get_names(mid_ctx *ctx, yyjson_val *from, uint32_t *signals)
{
    yyjson_val *v;
    size_t i, k, max;

    if (!yyjson_is_arr(from))
        return wrong(ctx, "needs", "a list of signals", from);
    *signals = 0;
    yyjson_arr_foreach(from, i, max, v) {
        for (k = 0; k < MID__WIRE_SIGNAL_N && !yyjson_equals_str(v, mid__wire_signal[k].name); k++)
            ;
        if (k == MID__WIRE_SIGNAL_N)
            return wrong(ctx, "needs", "a signal's name", v);
        *signals |= mid__wire_signal[k].bit;
    }
    return MID_OK;
}

mid_status mid__wire_get_params(mid_ctx *ctx, yyjson_val *from, const mid_param *known, mid__arena *room,
                                mid_param **out)
{
    size_t n = 0, i;
    mid_param *p;
    yyjson_val *v;

    while (known && known[n].name)
        n++;
    p = *out = mid__arena_get(room, (n + 1) * sizeof *p);
    if (!p)
        return mid__oom(ctx, "parameters");
    for (i = 0; i < n; i++, p++) {
        *p = known[i];
        v = yyjson_obj_get(from, p->name);
        if (v && (p->text ? !yyjson_is_str(v) : !yyjson_is_num(v)))
            return wrong(ctx, p->name, p->text ? "a text" : "a number", v);
        if (v && p->text)
            p->text = mid__arena_text(room, yyjson_get_str(v), yyjson_get_len(v));
        if (known[i].text && !p->text)
            return mid__oom(ctx, p->name);
        if (v && !p->text)
            p->number = yyjson_get_num(v);
    }
    return MID_OK;
}

mid_status mid__wire_get_signals(mid_ctx *ctx, yyjson_val *from, mid_signals *out)
{
    const struct { const char *key; int64_t max; int *to; } number[] = {
        { "n_embd", EMBD_MAX, &out->n_embd }, { "n_vocab", VOCAB_MAX, &out->n_vocab },
        { "n_top", MID_TOP_MAX, &out->n_top }, { "n_head", HEAD_MAX, &out->n_head },
        { "n_head_layer", HEAD_MAX, &out->n_head_layer },
    };
    yyjson_val *layers = yyjson_obj_get(from, "layers"), *observer = yyjson_obj_get(from, "observer"), *v;
    size_t i, max;
    int64_t whole;
    mid_status status;

    memset(out, 0, sizeof *out);
    status = mid__wire_get_names(ctx, yyjson_obj_get(from, "have"), &out->have);
    for (i = 0; status == MID_OK && i < sizeof number / sizeof *number; i++) {
        status = get_whole(ctx, from, number[i].key, number[i].max, &whole);
        if (status == MID_OK)
            *number[i].to = (int)whole;
    }
    if (status != MID_OK)
        return status;
    if (!yyjson_is_str(observer) || yyjson_get_len(observer) >= sizeof out->observer)
        return wrong(ctx, "observer", "a text of at most 64 bytes", observer);
    strcpy(out->observer, yyjson_get_str(observer));
    if (!yyjson_is_arr(layers) || yyjson_arr_size(layers) > MID_LAYER_MAX)
        return wrong(ctx, "layers", "a list of layers", layers);
    yyjson_arr_foreach(layers, i, max, v) {
        if (!yyjson_is_int(v) || yyjson_get_sint(v) < 0 || yyjson_get_sint(v) > 1000000)
            return wrong(ctx, "layers", "a layer's number", v);
        out->layer[out->n_layer++] = (int)yyjson_get_sint(v);
    }
    return MID_OK;
}

static mid_status get_tensor(mid_ctx *ctx, const char *name, yyjson_val *from, mid_weights *into)
{
    int64_t n_row = 0, n_col = 0;
    mid_status status = get_whole(ctx, from, "rows", 1 << 30, &n_row);
    float *x;

    if (status == MID_OK)
        status = get_whole(ctx, from, "cols", 1 << 30, &n_col);
    if (status != MID_OK)
        return status;
    if (yyjson_arr_size(yyjson_obj_get(from, "data")) != (uint64_t)n_row * (uint64_t)n_col)
        return mid__fail(ctx, MID_EFORMAT, "tensor \"%.40s\" has %zu numbers, not %lld rows of %lld", name,
                         yyjson_arr_size(yyjson_obj_get(from, "data")), (long long)n_row, (long long)n_col);
    x = malloc((size_t)(n_row * n_col + 1) * sizeof *x);
    if (!x)
        return mid__oom(ctx, name);
    status = read_floats(ctx, yyjson_obj_get(from, "data"), name, (size_t)(n_row * n_col), x);
    if (status == MID_OK)
        status = mid_weights_set(ctx, into, name, x, (size_t)n_row, (size_t)n_col);
    free(x);
    return status;
}

mid_status mid__wire_get_weights(mid_ctx *ctx, yyjson_val *from, mid_weights *into)
{
    yyjson_val *tensors = yyjson_obj_get(from, "tensors"), *texts = yyjson_obj_get(from, "text"), *key, *v;
    size_t i, max;
    mid_status status = MID_OK;

    if (tensors)                        /* the macro reckons with its address */
        yyjson_obj_foreach(tensors, i, max, key, v)
            if (status == MID_OK)
                status = get_tensor(ctx, yyjson_get_str(key), v, into);
    if (!texts)
        return status;
    yyjson_obj_foreach(texts, i, max, key, v)
        if (status == MID_OK)
            status = yyjson_is_str(v) ? mid_weights_set_text(ctx, into, yyjson_get_str(key), yyjson_get_str(v))
                                      : wrong(ctx, yyjson_get_str(key), "a text", v);
    return status;
}

static mid_status get_samples(mid_ctx *ctx, yyjson_val *list, mid__arena *room, mid_prompt *out)
{
    const char **sample;
    yyjson_val *v;
    mid_status status = MID_OK;
    size_t i, max, n;

    if (!yyjson_is_arr(list))
        return wrong(ctx, "samples", "a list", list);
    sample = mid__arena_get(room, (yyjson_arr_size(list) + 1) * sizeof *sample);
    if (!sample)
        return mid__oom(ctx, "samples");
    yyjson_arr_foreach(list, i, max, v)
        if (status == MID_OK)
            status = get_bytes(ctx, v, room, &sample[i], &n);
    out->sample = sample;
    out->n_sample = yyjson_arr_size(list);
    return status;
}

mid_status mid__wire_get_prompt(mid_ctx *ctx, yyjson_val *from, const mid_signals *s, mid__arena *room, mid_prompt *out)
{
    yyjson_val *samples = yyjson_obj_get(from, "samples");
    int64_t n_tok = 0;
    size_t n;
    mid_status status;

    memset(out, 0, sizeof *out);
    status = get_bytes(ctx, from, room, &out->text, &n);
    if (status == MID_OK)
        status = get_whole(ctx, from, "n_tok", UINT32_MAX, &n_tok);
    out->n_tok = (uint32_t)n_tok;
    if (status == MID_OK && yyjson_obj_get(from, "hidden"))
        status = get_rows(ctx, from, "hidden", s->n_layer, s->n_embd, room, &out->hidden);
    if (status == MID_OK && yyjson_obj_get(from, "affirm"))
        status = get_float(ctx, from, "affirm", &out->affirm);
    if (status == MID_OK && samples)
        status = get_samples(ctx, samples, room, out);
    if (status == MID_OK && yyjson_obj_get(from, "sample_gram"))
        status = get_floats(ctx, from, "sample_gram", mid__wire_gram_n(s, out->n_sample), room, &out->sample_gram);
    return status;
}

static mid_status get_top(mid_ctx *ctx, yyjson_val *from, mid__arena *room, mid_step *out)
{
    yyjson_val *list = yyjson_obj_get(from, "top"), *one;
    const size_t n = yyjson_arr_size(list);
    int32_t *token = mid__arena_get(room, (n + 1) * sizeof *token);
    float *lp = room_for(room, n);
    size_t i, max;

    if (!token || !lp)
        return mid__oom(ctx, "top");
    if (!yyjson_is_arr(list) || n > MID_TOP_MAX)
        return wrong(ctx, "top", "a list", list);
    yyjson_arr_foreach(list, i, max, one) {
        if (!yyjson_is_int(yyjson_arr_get(one, 0)) || !to_float(yyjson_arr_get(one, 1), &lp[i]))
            return wrong(ctx, "top", "[token, ln p]", one);
        token[i] = (int32_t)yyjson_get_sint(yyjson_arr_get(one, 0));
    }
    out->n_top = (uint32_t)n;
    out->top_token = token;
    out->top_lp = lp;
    return MID_OK;
}

/* One signal of a step. */
static mid_status get_signal(mid_ctx *ctx, yyjson_val *from, uint32_t bit, const mid_signals *s, mid__arena *room,
                             mid_step *out)
{
    mid_status status;
    size_t n = 0;

    switch (bit) {
    case MID_SIG_TEXT:
        status = get_bytes(ctx, from, room, &out->text, &n);
        out->n_text = (uint32_t)n;
        return status;
    case MID_SIG_LOGPROB: return get_float(ctx, from, "lp", &out->lp);
    case MID_SIG_ENTROPY: return get_float(ctx, from, "entropy_nats", &out->entropy_nats);
    case MID_SIG_TOP: return get_top(ctx, from, room, out);
    case MID_SIG_HIDDEN: return get_rows(ctx, from, "hidden", s->n_layer, s->n_embd, room, &out->hidden);
    case MID_SIG_TIME: return get_float(ctx, from, "time_us", &out->time_us);
    case MID_SIG_SPREAD: return get_floats(ctx, from, "spread", MID_SPREAD_N, room, &out->spread);
    case MID_SIG_ATTENTION: return get_rows(ctx, from, "attention", s->n_head, MID_ATTENTION_N, room, &out->attention);
    case MID_SIG_LENS: return get_rows(ctx, from, "lens", s->n_layer, MID_LENS_N, room, &out->lens);
    case MID_SIG_ALONE: return get_float(ctx, from, "lp_alone", &out->lp_alone);
    default: return get_float(ctx, from, "judge", &out->judge);
    }
}

mid_status mid__wire_get_step(mid_ctx *ctx, yyjson_val *from, const mid_signals *s, mid__arena *room, mid_step *out)
{
    static const struct { uint32_t bit; const char *key; } signal[] = {
        { MID_SIG_TEXT, "text" }, { MID_SIG_LOGPROB, "lp" }, { MID_SIG_ENTROPY, "entropy_nats" },
        { MID_SIG_TOP, "top" }, { MID_SIG_HIDDEN, "hidden" }, { MID_SIG_TIME, "time_us" }, { MID_SIG_SPREAD, "spread" },
        { MID_SIG_ATTENTION, "attention" }, { MID_SIG_LENS, "lens" }, { MID_SIG_ALONE, "lp_alone" },
        { MID_SIG_JUDGE, "judge" },
    };
    int64_t i_tok = 0, at_byte = 0;
    mid_status status;
    size_t i;

    memset(out, 0, sizeof *out);
    status = get_whole(ctx, from, "i_tok", UINT32_MAX, &i_tok);
    if (status == MID_OK)
        status = get_whole(ctx, from, "at_byte", UINT32_MAX, &at_byte);
    out->i_tok = (uint32_t)i_tok;
    out->at_byte = (uint32_t)at_byte;
    out->token = (int32_t)yyjson_get_sint(yyjson_obj_get(from, "token"));
    for (i = 0; status == MID_OK && i < sizeof signal / sizeof *signal; i++)
        if (yyjson_obj_get(from, signal[i].key)) {
            status = get_signal(ctx, from, signal[i].bit, s, room, out);
            out->have |= signal[i].bit;
        }
    return status;
}
