/* The Aho-Corasick automaton (Aho & Corasick 1975) as a full transition table, over the bytes of normalised text.
 *
 * Whole words need no look-behind here: wherever a word begins or ends, the normaliser puts the symbol EDGE (it drops
 * control characters, so a text has none of its own). A term is compiled from its normalised form, edges included:
 * "shut up" is |shut| |up|. It ends with an edge, which appears when the following character is known, or at the end.
 *
 * The leet view runs through the same automaton. It would find every plain term a second time, so there a term counts
 * only if it spans a character that reads differently. */
#include "base/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/file.h"
#include "base/jsonl.h"

enum {
    EDGE = 1,
    FOLD_MAX = 32,                      /* code points one code point may become; Unicode's longest is 18 */
    SYMBOL_MAX = 5                      /* an edge and the bytes of one code point */
};

struct mid__words {
    mid__arena arena;                   /* the terms' text */
    size_t n, n_class;
    uint32_t n_node;
    const char **term;                  /* (n) as given */
    double *weight;                     /* (n) */
    uint32_t *n_symbol;                 /* (n) of the compiled term */
    uint8_t class_of[256];              /* symbols of no term share class 0 */
    uint32_t *next;                     /* (n_node, n_class) */
    uint32_t *term_at;                  /* (n_node) 1 + the term that ends here; 0: none */
    uint32_t *shorter;                  /* (n_node) the longest proper suffix where a term ends; 0: none */
};

/* ---- the normaliser ------------------------------------------------------------------------------------------- */

/* What one code point reads as; 0 code points for one that counts as absent. */
static int fold(int32_t cp, int32_t out[FOLD_MAX])
{
    int n, i, n_kept = 0, last_class = 0;

    if (cp < 0x80) {
        out[0] = cp >= 'A' && cp <= 'Z' ? cp + 32 : cp == '\t' || (cp >= '\n' && cp <= '\r') ? ' ' : cp;
        return out[0] >= ' ' && cp != 0x7f;
    }
    n = (int)utf8proc_decompose_char(cp, out, FOLD_MAX, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
                                     UTF8PROC_IGNORE, &last_class);
    for (i = 0; i < n && i < FOLD_MAX; i++) {
        switch (utf8proc_category(out[i])) {
        case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_ME: case UTF8PROC_CATEGORY_CF:
            break;
        case UTF8PROC_CATEGORY_CC:
            if (out[i] == 0x85)
                out[n_kept++] = ' ';
            break;
        case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP:
            out[n_kept++] = ' ';
            break;
        default:
            out[n_kept++] = out[i] == 0x2018 || out[i] == 0x2019 || out[i] == 0x201b || out[i] == 0x2bc ? '\'' : out[i];
        }
    }
    return n_kept;
}

/* The symbols that a folded code point adds to a view; 0 for a further space. */
static int symbols(mid__words_view *v, int32_t cp, uint8_t out[SYMBOL_MAX])
{
    const bool word = mid__is_word(cp);
    int n = 0;

    if (cp == ' ' && v->after_space)
        return 0;
    v->after_space = cp == ' ';
    if (word != v->in_word)
        out[n++] = EDGE;
    v->in_word = word;
    return n + (int)utf8proc_encode_char(cp, out + n);
}

static int32_t as_leet(int32_t cp)
{
    switch (cp) {
    case '@': return 'a';
    case '0': return 'o';
    case '1': return 'i';
    case '3': return 'e';
    case '$': return 's';
    default: return cp;
    }
}

/* ---- matching --------------------------------------------------------------------------------------------------- */

static void step(const mid__words *w, mid__words_view *v, uint8_t symbol)
{
    v->node = w->next[v->node * w->n_class + w->class_of[symbol]];
    v->n_swap_left -= v->n_swap_left > 0;
}

/* Report what ends at the view's node. */
static void report(const mid__words *w, const mid__words_view *v, bool leet, uint64_t end_byte, mid__words_fn hit,
                   void *user)
{
    uint32_t at;

    for (at = w->term_at[v->node] ? v->node : w->shorter[v->node]; at; at = w->shorter[at]) {
        const size_t i = w->term_at[at] - 1;
        if (!leet || v->n_swap_left + w->n_symbol[i] > MID__TERM_LIMIT_BYTES)
            hit(user, i, w->weight[i], end_byte);
    }
}

/* One folded code point, which ends at byte s->n_byte, into one view. */
static void put_view(const mid__words *w, const mid__words_state *s, mid__words_view *v, int32_t cp, bool leet,
                     mid__words_fn hit, void *user)
{
    const int32_t read_as = leet ? as_leet(cp) : cp;
    uint8_t symbol[SYMBOL_MAX];
    const int n = symbols(v, read_as, symbol);
    int i;

    for (i = 0; i < n; i++) {
        if (i == (symbol[0] == EDGE) && read_as != cp)
            v->n_swap_left = MID__TERM_LIMIT_BYTES + 1;
        step(w, v, symbol[i]);
        report(w, v, leet, symbol[i] == EDGE ? s->end_byte : s->n_byte, hit, user);
    }
}

static void put_point(const mid__words *w, mid__words_state *s, int32_t cp, mid__words_fn hit, void *user)
{
    int32_t folded[FOLD_MAX];
    const int n = fold(cp, folded);
    int i;

    for (i = 0; i < n; i++) {
        put_view(w, s, &s->plain, folded[i], false, hit, user);
        put_view(w, s, &s->leet, folded[i], true, hit, user);
        s->end_byte = s->n_byte;
    }
}

void mid__words_put(const mid__words *w, mid__words_state *s, const char *bytes, size_t n, mid__words_fn hit,
                    void *user)
{
    int32_t cp[2];
    size_t i;
    int k, n_cp;

    for (i = 0; i < n; i++) {
        n_cp = mid__decode_put(&s->decode, (uint8_t)bytes[i], cp);
        for (k = 0; k < n_cp; k++) {
            s->n_byte += k == n_cp - 1;             /* the first of two is a sequence that this byte broke off */
            put_point(w, s, cp[k], hit, user);
        }
        s->n_byte += n_cp == 0;
    }
}

void mid__words_end(const mid__words *w, mid__words_state *s, mid__words_fn hit, void *user)
{
    if (mid__decode_end(&s->decode))
        put_point(w, s, MID__REPLACEMENT, hit, user);
    if (s->plain.in_word) {
        step(w, &s->plain, EDGE);
        report(w, &s->plain, false, s->end_byte, hit, user);
    }
    if (s->leet.in_word) {
        step(w, &s->leet, EDGE);
        report(w, &s->leet, true, s->end_byte, hit, user);
    }
    s->plain.in_word = s->leet.in_word = false;
}

struct wanted { size_t i_term; bool seen; };

static void want(void *user, size_t i_term, double weight, uint64_t end_byte)
{
    struct wanted *wanted = user;

    (void)weight; (void)end_byte;
    wanted->seen |= i_term == wanted->i_term;
}

/* The latest place from which a fresh reader sees the term. */
uint64_t mid__words_begin(const mid__words *w, size_t i_term, const char *text, uint64_t end_byte)
{
    uint64_t at;

    for (at = end_byte; at-- > 0; ) {
        mid__words_state s = { 0 };
        struct wanted wanted = { i_term, false };
        mid__words_put(w, &s, text + at, (size_t)(end_byte - at), want, &wanted);
        mid__words_end(w, &s, want, &wanted);
        if (wanted.seen)
            return at;
        if (end_byte - at > 10 * MID__TERM_LIMIT_BYTES)
            break;
    }
    return end_byte;
}

/* ---- compiling -------------------------------------------------------------------------------------------------- */

/* A term's symbols; 0 if there are none, -1 if there are too many. */
static int compile_term(const char *term, uint8_t out[MID__TERM_LIMIT_BYTES])
{
    mid__words_view v = { .after_space = true };    /* spaces around a term are no part of it */
    mid__decode d = { 0 };
    int32_t cp[2], folded[FOLD_MAX];
    uint8_t symbol[SYMBOL_MAX];
    int n = 0, k, n_cp, i, n_fold, n_symbol;

    for (; *term; term++) {
        n_cp = mid__decode_put(&d, (uint8_t)*term, cp);
        for (k = 0; k < n_cp; k++) {
            n_fold = fold(cp[k], folded);
            for (i = 0; i < n_fold; i++) {
                n_symbol = symbols(&v, folded[i], symbol);
                if (n + n_symbol >= MID__TERM_LIMIT_BYTES)
                    return -1;
                memcpy(out + n, symbol, (size_t)n_symbol);
                n += n_symbol;
            }
        }
    }
    if (n && out[n - 1] == ' ')
        n--;
    if (v.in_word)
        out[n++] = EDGE;
    return n;
}

static mid_status refuse(mid_ctx *ctx, const char *const *term, size_t i, int n_symbol, double weight)
{
    if (!isfinite(weight))
        return mid__fail(ctx, MID_EINVAL, "term %zu, \"%.60s\": its weight is not a finite number", i + 1, term[i]);
    if (n_symbol < 0)
        return mid__fail(ctx, MID_EINVAL, "term %zu, \"%.60s...\": longer than %d bytes; shorten it", i + 1, term[i],
                         MID__TERM_LIMIT_BYTES);
    return mid__fail(ctx, MID_EINVAL, "term %zu, \"%.60s\": nothing to look for; remove it", i + 1, term[i]);
}

/* Put one compiled term into the trie. Its classes were assigned before. */
static mid_status add_term(mid_ctx *ctx, mid__words *w, size_t i, const uint8_t *symbol, int n_symbol)
{
    uint32_t at = 0, *next;
    int k;

    for (k = 0; k < n_symbol; k++) {
        next = &w->next[at * w->n_class + w->class_of[symbol[k]]];
        if (!*next)
            *next = w->n_node++;
        at = *next;
    }
    if (w->term_at[at])
        return mid__fail(ctx, MID_EINVAL, "term %zu, \"%.60s\": reads the same as term %u; remove one", i + 1,
                         w->term[i], w->term_at[at]);
    w->term_at[at] = (uint32_t)i + 1;
    w->n_symbol[i] = (uint32_t)n_symbol;
    return MID_OK;
}

/* Breadth first: a missing transition is the one of the longest proper suffix, which is complete by then. */
static mid_status complete(mid_ctx *ctx, mid__words *w)
{
    uint32_t *queue = calloc(w->n_node, sizeof *queue), *suffix = calloc(w->n_node, sizeof *suffix);
    size_t n_done, n_seen = 1, c;           /* the queue begins with the root, 0 */
    const bool ok = queue && suffix;

    for (n_done = 0; ok && n_done < n_seen; n_done++) {
        const uint32_t at = queue[n_done], fallback = suffix[at];
        for (c = 0; c < w->n_class; c++) {
            uint32_t *next = &w->next[at * w->n_class + c];
            const uint32_t otherwise = at ? w->next[fallback * w->n_class + c] : 0;
            if (!*next) {
                *next = otherwise;
                continue;
            }
            suffix[*next] = otherwise;
            w->shorter[*next] = w->term_at[otherwise] ? otherwise : w->shorter[otherwise];
            queue[n_seen++] = *next;
        }
    }
    free(suffix);
    free(queue);
    return ok ? MID_OK : mid__oom(ctx, "a word list");
}

/* Copy the terms, give each symbol that they use a class, and add up how many nodes they can need. */
static mid_status take_terms(mid_ctx *ctx, mid__words *w, const char *const *term, const double *weight, size_t *n_node)
{
    uint8_t symbol[MID__TERM_LIMIT_BYTES];
    size_t i;
    int n_symbol, k;

    for (i = 0; i < w->n; i++) {
        n_symbol = compile_term(term[i], symbol);
        if (n_symbol <= 0 || !isfinite(weight[i]))
            return refuse(ctx, term, i, n_symbol, weight[i]);
        for (k = 0; k < n_symbol; k++)
            if (!w->class_of[symbol[k]])
                w->class_of[symbol[k]] = (uint8_t)w->n_class++;
        *n_node += (size_t)n_symbol;
        w->weight[i] = weight[i];
        w->term[i] = mid__arena_text(&w->arena, term[i], strlen(term[i]));
        if (!w->term[i])
            return mid__oom(ctx, "a word list");
    }
    return *n_node <= UINT32_MAX ? MID_OK : mid__oom(ctx, "a word list");
}

static mid_status build(mid_ctx *ctx, mid__words *w, size_t n_node)
{
    uint8_t symbol[MID__TERM_LIMIT_BYTES];
    mid_status status = MID_OK;
    size_t i;

    w->next = calloc(n_node, w->n_class * sizeof *w->next);
    w->term_at = calloc(n_node, sizeof *w->term_at);
    w->shorter = calloc(n_node, sizeof *w->shorter);
    if (!w->next || !w->term_at || !w->shorter)
        return mid__oom(ctx, "a word list");
    for (i = 0; i < w->n && status == MID_OK; i++)
        status = add_term(ctx, w, i, symbol, compile_term(w->term[i], symbol));
    return status == MID_OK ? complete(ctx, w) : status;
}

mid_status mid__words_open(mid_ctx *ctx, const char *const *term, const double *weight, size_t n, mid__words **out)
{
    mid__words *w = calloc(1, sizeof *w);
    mid_status status = mid__oom(ctx, "a word list");
    size_t n_node = 1;              /* the root */

    if (!w)
        return status;
    w->n = n;
    w->n_class = w->n_node = 1;
    w->term = calloc(n + 1, sizeof *w->term);
    w->weight = calloc(n + 1, sizeof *w->weight);
    w->n_symbol = calloc(n + 1, sizeof *w->n_symbol);
    if (w->term && w->weight && w->n_symbol)
        status = take_terms(ctx, w, term, weight, &n_node);
    if (status == MID_OK)
        status = build(ctx, w, n_node);
    if (status == MID_OK)
        *out = w;
    else
        mid__words_close(w);
    return status;
}

void mid__words_close(mid__words *w)
{
    if (!w)
        return;
    free(w->shorter);
    free(w->term_at);
    free(w->next);
    free(w->n_symbol);
    free(w->weight);
    free(w->term);
    mid__arena_clear(&w->arena);
    free(w);
}

size_t mid__words_n(const mid__words *w) { return w->n; }

const char *mid__words_term(const mid__words *w, size_t i) { return w->term[i]; }

/* ---- loading ---------------------------------------------------------------------------------------------------- */

struct list { mid__arena text; mid__buf term, weight; };    /* term: const char *, weight: double */

static mid_status read_term(mid_ctx *ctx, const mid__jsonl *lines, yyjson_val *object, struct list *list)
{
    yyjson_val *term = yyjson_obj_get(object, "term"), *weight = yyjson_obj_get(object, "weight");
    char shown[64];
    const char *text;
    double number;

    if (!yyjson_is_str(term) || strlen(yyjson_get_str(term)) != yyjson_get_len(term))
        return mid__jsonl_fail(ctx, lines, NULL, "term", "\"term\" is %s; it must be a text without NUL characters",
                               term ? mid__jsonl_show(term, shown) : "missing");
    if (!yyjson_is_num(weight))
        return mid__jsonl_fail(ctx, lines, NULL, "weight", "\"weight\" is %s; it must be a number",
                               weight ? mid__jsonl_show(weight, shown) : "missing");
    text = mid__arena_text(&list->text, yyjson_get_str(term), yyjson_get_len(term));
    number = yyjson_get_num(weight);
    if (!text || !mid__buf_put(&list->term, &text, sizeof text) || !mid__buf_put(&list->weight, &number, sizeof number))
        return mid__oom(ctx, lines->path);
    return MID_OK;
}

mid_status mid__words_load(mid_ctx *ctx, const char *path, mid__words **out)
{
    struct list list = { { 0 }, { 0 }, { 0 } };
    mid__jsonl lines;
    yyjson_val *object;
    char *bytes = NULL;
    size_t n;
    mid_status status = mid__file_read(ctx, path, 0, &bytes, &n);

    if (status != MID_OK)
        return status;
    mid__jsonl_init(&lines, path, bytes, n);
    do {
        status = mid__jsonl_next(ctx, &lines, &object);
        if (status == MID_OK && object)
            status = read_term(ctx, &lines, object, &list);
    } while (status == MID_OK && object);
    if (status == MID_OK) {
        status = mid__words_open(ctx, (const char *const *)(void *)list.term.at, (const double *)(void *)list.weight.at,
                                 list.term.n / sizeof(char *), out);
        if (status == MID_EINVAL)
            status = mid__within(ctx, MID_EFORMAT, "%s", path);
    }
    mid__jsonl_clear(&lines);
    mid__buf_clear(&list.weight);
    mid__buf_clear(&list.term);
    mid__arena_clear(&list.text);
    free(bytes);
    return status;
}
