/* Chunks of completions, in the two shapes that servers send.
 *   chat.completion.chunk  choices[0].delta.content; choices[0].logprobs.content[] = { token, bytes, logprob,
 *                          top_logprobs[] = { token, bytes, logprob } }
 *   text_completion        choices[0].text; choices[0].logprobs = { tokens[], token_logprobs[],
 *                          top_logprobs[] = { token: logprob } }, or as above
 * Source: OpenAI's API reference (chat/streaming; legacy completions) and what llama.cpp's server sends. A token
 * without a number for its log-probability, or with -9999, which means "very unlikely" there, has lp NaN: not known. So
 * has a character of several tokens of llama.cpp's server, which tells ln p of the last one under the bytes of all:
 * there the same id stands among the alternatives with other bytes. */
#include "source/chunk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "yyjson.h"

#include "base/ctx.h"
#include "base/hash.h"

enum { TEXT_LIMIT_BYTES = 4 << 20, TOKEN_LIMIT_BYTES = 4096 };

void mid__chunks_init(mid__chunks *c)
{
    memset(c, 0, sizeof *c);
    mid__buf_init(&c->text, TEXT_LIMIT_BYTES);
    mid__buf_init(&c->bytes, TEXT_LIMIT_BYTES);
}

void mid__chunks_clear(mid__chunks *c)
{
    mid__buf_clear(&c->text);
    mid__buf_clear(&c->bytes);
    free(c->tok);
    mid__chunks_init(c);
}

void mid__chunks_take(mid__chunks *c, uint32_t n)
{
    const uint32_t n_bytes = n == c->n_tok ? (uint32_t)c->bytes.n : c->tok[n].at;
    uint32_t i;

    if (n == 0)
        return;
    memmove(c->bytes.at, c->bytes.at + n_bytes, c->bytes.n - n_bytes);
    c->bytes.n -= n_bytes;
    memmove(c->tok, c->tok + n, (c->n_tok - n) * sizeof *c->tok);
    c->n_tok -= n;
    for (i = 0; i < c->n_tok; i++)
        c->tok[i].at -= n_bytes;
}

int32_t mid__tok_id(const char *bytes, size_t n)
{
    const uint64_t h = mid__fnv(MID__FNV_START, bytes, n);

    return (int32_t)((h ^ h >> 32) & INT32_MAX);
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Legacy completions show a token that is no character as "bytes:\xe2\x80". @return its bytes' number; 0: it is
 * none. */
static size_t spelled_bytes(const char *token, size_t n, char out[TOKEN_LIMIT_BYTES])
{
    size_t i, n_out = 0;

    if (n < 10 || memcmp(token, "bytes:", 6) != 0)
        return 0;
    for (i = 6; i + 4 <= n && n_out < TOKEN_LIMIT_BYTES; i += 4) {
        const int high = hex_digit(token[i + 2]), low = hex_digit(token[i + 3]);
        if (token[i] != '\\' || token[i + 1] != 'x' || high < 0 || low < 0)
            return 0;
        out[n_out++] = (char)(high * 16 + low);
    }
    return i == n ? n_out : 0;
}

/* The bytes of a token: a list of numbers where there is one, else its text. @return their number, -1: neither. */
static int token_bytes(yyjson_val *token, yyjson_val *list, char out[TOKEN_LIMIT_BYTES])
{
    const char *text = yyjson_get_str(token);
    yyjson_val *byte;
    size_t i, n, n_out;

    if (yyjson_is_arr(list) && yyjson_arr_size(list) <= TOKEN_LIMIT_BYTES) {
        yyjson_arr_foreach(list, i, n, byte) {
            if (!yyjson_is_uint(byte) || yyjson_get_uint(byte) > 255)
                return -1;
            out[i] = (char)yyjson_get_uint(byte);
        }
        return (int)n;
    }
    if (!text || yyjson_get_len(token) > TOKEN_LIMIT_BYTES)
        return -1;
    n_out = spelled_bytes(text, yyjson_get_len(token), out);
    if (n_out == 0)
        memcpy(out, text, n_out = yyjson_get_len(token));
    return (int)n_out;
}

/* ln p; NaN: not known. A probability a rounding above 1 is 1. */
static float lp_of(yyjson_val *value)
{
    const double lp = yyjson_is_num(value) ? yyjson_get_num(value) : NAN;

    return lp > -9999 && lp < 1e-3 ? (float)(lp < 0 ? lp : 0) : NAN;
}

static bool add_token(mid__chunks *c, const char *bytes, size_t n, float lp)
{
    if (c->n_tok == c->cap) {
        const uint32_t cap = c->cap ? 2 * c->cap : 16;
        mid__said_tok *tok = realloc(c->tok, cap * sizeof *tok);
        if (!tok)
            return false;
        c->tok = tok;
        c->cap = cap;
    }
    c->tok[c->n_tok] = (mid__said_tok){ .at = (uint32_t)c->bytes.n, .n = (uint32_t)n, .lp = lp };
    if (!mid__buf_put(&c->bytes, bytes, n))
        return false;
    c->n_tok++;
    return true;
}

/* Put an alternative in its place; of more than n_top the likeliest stay. */
static void add_top(mid__said_tok *tok, uint32_t n_top, int32_t id, float lp)
{
    uint32_t i = tok->n_top;

    if (isnan(lp) || (i == n_top && (i == 0 || lp <= tok->top_lp[i - 1])))
        return;
    i -= i == n_top;
    tok->n_top = i + 1;
    for (; i > 0 && tok->top_lp[i - 1] < lp; i--) {
        tok->top[i] = tok->top[i - 1];
        tok->top_lp[i] = tok->top_lp[i - 1];
    }
    tok->top[i] = id;
    tok->top_lp[i] = lp;
}

static mid_status odd(mid_ctx *ctx, const char *what) { return mid__fail(ctx, MID_EFORMAT, "a chunk with %s", what); }

static mid_status full(mid_ctx *ctx, const mid__chunks *c)
{
    if (!c->text.failed && !c->bytes.failed)
        return mid__oom(ctx, "an answer");
    return mid__fail(ctx, MID_ELIMIT, "an answer of more than %d bytes", TEXT_LIMIT_BYTES);
}

static bool has_bytes(const mid__chunks *c, const mid__said_tok *tok, const char *bytes, size_t n)
{
    return n == tok->n && memcmp(bytes, c->bytes.at + tok->at, n) == 0;
}

static bool same_id(yyjson_val *a, yyjson_val *b)
{
    return yyjson_is_int(yyjson_obj_get(a, "id")) && yyjson_equals(yyjson_obj_get(a, "id"), yyjson_obj_get(b, "id"));
}

/* logprobs.content[] */
static mid_status read_content(mid_ctx *ctx, mid__chunks *c, yyjson_val *content, uint32_t n_top)
{
    char bytes[TOKEN_LIMIT_BYTES];
    yyjson_val *entry, *other;
    mid__said_tok *tok;
    size_t i, k, n, m;

    yyjson_arr_foreach(content, i, n, entry) {
        int n_bytes = token_bytes(yyjson_obj_get(entry, "token"), yyjson_obj_get(entry, "bytes"), bytes);
        if (n_bytes < 0)
            return odd(ctx, "a token that has no text");
        if (!add_token(c, bytes, (size_t)n_bytes, lp_of(yyjson_obj_get(entry, "logprob"))))
            return full(ctx, c);
        tok = &c->tok[c->n_tok - 1];
        yyjson_arr_foreach(yyjson_obj_get(entry, "top_logprobs"), k, m, other) {
            n_bytes = token_bytes(yyjson_obj_get(other, "token"), yyjson_obj_get(other, "bytes"), bytes);
            if (n_bytes < 0)
                continue;
            add_top(tok, n_top, mid__tok_id(bytes, (size_t)n_bytes), lp_of(yyjson_obj_get(other, "logprob")));
            if (same_id(entry, other) && !has_bytes(c, tok, bytes, (size_t)n_bytes))
                tok->lp = NAN;
        }
    }
    return MID_OK;
}

/* logprobs.tokens[] and its companions */
static mid_status read_arrays(mid_ctx *ctx, mid__chunks *c, yyjson_val *logprobs, uint32_t n_top)
{
    yyjson_arr_iter lps = yyjson_arr_iter_with(yyjson_obj_get(logprobs, "token_logprobs"));
    yyjson_arr_iter tops = yyjson_arr_iter_with(yyjson_obj_get(logprobs, "top_logprobs"));
    char bytes[TOKEN_LIMIT_BYTES];
    yyjson_val *token, *top, *other, *lp;
    size_t i, k, n, m;

    yyjson_arr_foreach(yyjson_obj_get(logprobs, "tokens"), i, n, token) {
        int n_bytes = token_bytes(token, NULL, bytes);
        if (n_bytes < 0)
            return odd(ctx, "a token that has no text");
        if (!add_token(c, bytes, (size_t)n_bytes, lp_of(yyjson_arr_iter_next(&lps))))
            return full(ctx, c);
        top = yyjson_arr_iter_next(&tops);
        if (!top)                       /* the macro below reckons with its address */
            continue;
        yyjson_obj_foreach(top, k, m, other, lp) {
            n_bytes = token_bytes(other, NULL, bytes);
            if (n_bytes >= 0)
                add_top(&c->tok[c->n_tok - 1], n_top, mid__tok_id(bytes, (size_t)n_bytes), lp_of(lp));
        }
    }
    return MID_OK;
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static bool has_text(yyjson_val *delta, const char *key) { return yyjson_get_len(yyjson_obj_get(delta, key)) > 0; }

static mid_status read_choice(mid_ctx *ctx, mid__chunks *c, yyjson_val *choice, uint32_t n_top)
{
    yyjson_val *delta = yyjson_obj_get(choice, "delta"), *logprobs = yyjson_obj_get(choice, "logprobs");
    yyjson_val *text = delta ? yyjson_obj_get(delta, "content") : yyjson_obj_get(choice, "text");
    yyjson_val *content = yyjson_obj_get(logprobs, "content");
    const char *finish = yyjson_get_str(yyjson_obj_get(choice, "finish_reason"));
    mid_status status = MID_OK;

    if (!yyjson_is_obj(choice) || (text && !yyjson_is_str(text) && !yyjson_is_null(text)))
        return odd(ctx, "neither delta.content nor text");
    if (finish)
        snprintf(c->finish, sizeof c->finish, "%s", finish[0] ? finish : "stop");
    if (yyjson_get_len(text) == 0 && (has_text(delta, "reasoning_content") || has_text(delta, "reasoning"))) {
        c->n_thought++;
        return MID_OK;
    }
    if (yyjson_get_len(text) && !mid__buf_put(&c->text, yyjson_get_str(text), yyjson_get_len(text)))
        return full(ctx, c);
    if (n_top)
        status = yyjson_is_arr(content) ? read_content(ctx, c, content, n_top) : read_arrays(ctx, c, logprobs, n_top);
    if (status == MID_OK && c->n_tok > MID__CHUNK_HELD_MAX)
        status = mid__fail(ctx, MID_ELIMIT, "%u tokens whose text has not come, at most %d are kept", c->n_tok,
                           MID__CHUNK_HELD_MAX);
    return status;
}

mid_status mid__chunks_read(mid_ctx *ctx, mid__chunks *c, const char *json, size_t n, uint32_t n_top)
{
    /* half a character in one chunk and its end in the next is a text all the same */
    yyjson_doc *doc = n ? yyjson_read_opts((char *)json, n, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc), *error = yyjson_obj_get(root, "error");
    yyjson_val *choices = yyjson_obj_get(root, "choices");
    const char *said = yyjson_get_str(yyjson_is_str(error) ? error : yyjson_obj_get(error, "message"));
    mid_status status;

    if (error && !yyjson_is_null(error))
        status = mid__fail(ctx, MID_EIO, "%.200s", said ? said : "an error without a word");
    else if (!yyjson_is_arr(choices))
        status = mid__fail(ctx, MID_EFORMAT, "an event that is no chunk of a completion: '%.*s'", n < 80 ? (int)n : 80,
                           n ? json : "");
    else if (yyjson_arr_size(choices) == 0)
        status = MID_OK;                /* what it cost, and other remarks */
    else
        status = read_choice(ctx, c, yyjson_arr_get_first(choices), n_top);
    yyjson_doc_free(doc);
    return status;
}
