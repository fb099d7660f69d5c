/* JSON Lines read back: of each line's object the keys id, group, label, onset, onset_tok, score, i_tok, at_byte, last
 * and the length of text, what --by names, and whose scores they are; all else is passed over.
 * What is read was written by anyone, so a line that is not JSON is refused with its place. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { DEPTH_MAX = 64 };

typedef struct scan {
    const char *start, *at;         /* zero-terminated line */
    const char *wrong;              /* what is the matter at `at`, or NULL */
    const char *by;                 /* --by, or NULL */
    char **scored_by;               /* of all lines */
} scan;

static char peek(scan *s)
{
    s->at += strspn(s->at, " \t\r\n");
    return *s->at;
}

static bool expect(scan *s, char want)
{
    if (!s->wrong && peek(s) != want)
        s->wrong = want == ':' ? "expected ':'" : want == '"' ? "expected a text in quotes" : "expected '{'";
    if (!s->wrong)
        s->at += 1;
    return !s->wrong;
}

/* Code unit of \uXXXX; at stands behind the u. */
static unsigned hex4(scan *s)
{
    unsigned x = 0;
    int i;

    for (i = 0; i < 4; i++, s->at++) {
        const int ch = (unsigned char)*s->at;
        if (!isxdigit(ch)) {
            s->wrong = "bad \\u escape";
            return 0;
        }
        x = 16 * x + (unsigned)(isdigit(ch) ? ch - '0' : tolower(ch) - 'a' + 10);
    }
    return x;
}

static char *put_utf8(char *to, unsigned u)
{
    if (u < 0x80) {
        *to++ = (char)u;
    } else if (u < 0x800) {
        *to++ = (char)(0xc0 | u >> 6);
        *to++ = (char)(0x80 | (u & 0x3f));
    } else if (u < 0x10000) {
        *to++ = (char)(0xe0 | u >> 12);
        *to++ = (char)(0x80 | (u >> 6 & 0x3f));
        *to++ = (char)(0x80 | (u & 0x3f));
    } else {
        *to++ = (char)(0xf0 | u >> 18);
        *to++ = (char)(0x80 | (u >> 12 & 0x3f));
        *to++ = (char)(0x80 | (u >> 6 & 0x3f));
        *to++ = (char)(0x80 | (u & 0x3f));
    }
    return to;
}

static char *read_escape(scan *s, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *known = *s->at ? strchr(from, *s->at) : NULL;
    unsigned u, low;

    if (known) {
        s->at += 1;
        *to = into[known - from];
        return to + 1;
    }
    if (*s->at != 'u') {
        s->wrong = "bad escape";
        return to;
    }
    s->at += 1;
    u = hex4(s);
    if (u >= 0xd800 && u < 0xdc00 && !s->wrong) {
        if (strncmp(s->at, "\\u", 2) != 0) {
            s->wrong = "half of a surrogate pair";
            return to;
        }
        s->at += 2;
        low = hex4(s);
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
        if (low < 0xdc00 || low > 0xdfff)
            s->wrong = "half of a surrogate pair";
    } else if ((u >= 0xdc00 && u < 0xe000) || u == 0) {
        s->wrong = u ? "half of a surrogate pair" : "a zero byte in a text";
    }
    return s->wrong ? to : put_utf8(to, u);
}

/* A string, decoded into to (room for what is left of the line; NULL: passed over). */
static void read_string(scan *s, char *to)
{
    char passed[8];

    if (!expect(s, '"'))
        return;
    while (!s->wrong && *s->at != '"') {
        if ((unsigned char)*s->at < 0x20) {
            s->wrong = *s->at ? "control character in a text" : "the text has no end";
        } else if (*s->at == '\\') {
            s->at += 1;
            to = to ? read_escape(s, to) : (read_escape(s, passed), NULL);
        } else {
            if (to)
                *to++ = *s->at;
            s->at += 1;
        }
    }
    if (to)
        *to = 0;
    s->at += !s->wrong;
}

static double read_number(scan *s)
{
    char *end;
    double x;

    if (*s->at != '-' && (*s->at < '0' || *s->at > '9')) {
        s->wrong = "expected a value";
        return NAN;
    }
    x = strtod(s->at, &end);
    s->at = end;
    return x;
}

/* A value passed over; of a number its value, of true 1, of false 0, else NaN. */
static double read_value(scan *s)
{
    static const struct { const char *word; double value; } word[] = { { "true", 1 }, { "false", 0 }, { "null", NAN } };
    int depth = 0;
    size_t i;

    switch (peek(s)) {
    case '"':
        read_string(s, NULL);
        return NAN;
    case '{':
    case '[':
        do {                        /* brackets only need to balance here: nobody reads what is inside */
            if (*s->at == '"')
                read_string(s, NULL);
            else {
                depth += (*s->at == '{' || *s->at == '[') - (*s->at == '}' || *s->at == ']');
                s->at += *s->at != 0;
            }
            if (!*s->at && depth && !s->wrong)
                s->wrong = "a bracket is not closed";
            if (depth > DEPTH_MAX)
                s->wrong = "nested too deep";
        } while (depth && !s->wrong);
        return NAN;
    default:
        for (i = 0; i < 3; i++)
            if (strncmp(s->at, word[i].word, strlen(word[i].word)) == 0) {
                s->at += strlen(word[i].word);
                return word[i].value;
            }
        return read_number(s);
    }
}

/* A text as it is, a number as it is spelled: ids and groups may be either. */
static char *read_name(scan *s)
{
    char *name;
    const char *start;

    peek(s);
    name = malloc(strlen(s->at) + 1);
    if (!name) {
        s->wrong = "out of memory";
        return NULL;
    }
    if (*s->at == '"') {
        read_string(s, name);
        return name;
    }
    start = s->at;
    read_value(s);
    memcpy(name, start, (size_t)(s->at - start));
    name[s->at - start] = 0;
    return name;
}

/* Bytes of a text, decoded; NaN of any other value. */
static double text_length(scan *s)
{
    const bool is_text = peek(s) == '"';
    char *text = read_name(s);
    const double n = is_text && text ? (double)strlen(text) : NAN;

    free(text);
    return n;
}

static void clear_record(cli_record *r)
{
    free(r->id);
    free(r->group);
    free(r->by);
}

/* 1 or true, 0 or false, null: anything else, such as the -1 and 0.5 of other tools, would have to be guessed at. */
static double read_label(scan *s)
{
    const char first = peek(s), *start = s->at;
    const double label = read_value(s);

    if (!s->wrong && (isnan(label) ? first != 'n' : label != 0 && label != 1)) {
        s->at = start;
        s->wrong = "a label must be 0, 1 or null";
    }
    return label;
}

/* A text that all lines have alike if they have it: whose scores they are. */
static void read_scored_by(scan *s)
{
    char *text = read_name(s);

    if (s->wrong || (*s->scored_by && strcmp(*s->scored_by, text) == 0)) {
        free(text);
    } else if (*s->scored_by) {
        s->wrong = "this is another monitor's score than on the lines before";
        free(text);
    } else {
        *s->scored_by = text;
    }
}

static void read_pair(scan *s, cli_record *r)
{
    char key[16] = "";
    const char *start;
    bool is_by;

    peek(s);
    start = s->at;
    read_string(s, NULL);
    is_by = !s->wrong && s->by && strlen(s->by) == (size_t)(s->at - start - 2) &&
            strncmp(start + 1, s->by, strlen(s->by)) == 0;
    if (!s->wrong && s->at - start < (long)sizeof key)
        snprintf(key, sizeof key, "%.*s", (int)(s->at - start - 2), start + 1);
    if (!expect(s, ':'))
        return;
    if (is_by && peek(s) != 'n' && !r->by)
        r->by = read_name(s);
    else if (strcmp(key, "id") == 0 && !r->id)
        r->id = read_name(s);
    else if (strcmp(key, "group") == 0 && !r->group)
        r->group = read_name(s);
    else if (strcmp(key, "label") == 0)
        r->label = read_label(s);
    else if (strcmp(key, "score") == 0) {
        const bool is_null = peek(s) == 'n';
        r->score = read_value(s);
        if (is_null)
            r->score = -INFINITY;       /* nothing to say yet */
    } else if (strcmp(key, "i_tok") == 0)
        r->i_tok = read_value(s);
    else if (strcmp(key, "at_byte") == 0)
        r->at_byte = read_value(s);
    else if (strcmp(key, "text") == 0)
        r->n_text = text_length(s);
    else if (strcmp(key, "onset") == 0)
        r->onset = read_value(s);
    else if (strcmp(key, "onset_tok") == 0)
        r->onset_tok = read_value(s);
    else if (strcmp(key, "last") == 0)
        r->last = read_value(s) == 1;
    else if (strcmp(key, "scored_by") == 0)
        read_scored_by(s);
    else
        read_value(s);
}

static void read_object(scan *s, cli_record *r)
{
    bool more;

    if (!expect(s, '{'))
        return;
    for (more = peek(s) != '}'; more && !s->wrong; s->at += more && !s->wrong) {
        read_pair(s, r);
        more = peek(s) == ',';
        if (!s->wrong && !more && *s->at != '}')
            s->wrong = "expected ',' or '}'";
    }
    if (s->wrong)
        return;
    s->at += 1;
    if (peek(s))
        s->wrong = "something stands behind the object";
    else if (!r->id)
        s->wrong = "there is no id";
}

static int add(const cli *c, cli_records *all, const cli_record *r, size_t *cap)
{
    if (all->n == *cap) {
        cli_record *more = realloc(all->at, (*cap = *cap ? 2 * *cap : 256) * sizeof *more);
        if (!more)
            return cli_fail(c, "out of memory");
        all->at = more;
    }
    all->at[all->n++] = *r;
    return CLI_OK;
}

int cli_records_read(const cli *c, const char *path, cli_records *out)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0, i_line = 0, cap = 0;
    int code = CLI_OK;
    ssize_t n;

    if (!f)
        return cli_fail(c, "%s: cannot open", path);
    while (code == CLI_OK && (n = getline(&line, &room, f)) >= 0) {
        cli_record r = { NULL, NULL, NULL, NAN, NAN, NAN, NAN, NAN, NAN, NAN, false };
        scan s = { line, line, NULL, c->args.by, &out->scored_by };
        i_line += 1;
        if (!peek(&s) && (size_t)n == strlen(line))
            continue;
        read_object(&s, &r);
        if (!s.wrong && (size_t)n != strlen(line))
            s.wrong = "a zero byte";
        code = s.wrong ? cli_fail(c, "%s:%zu:%zu: %s", path, i_line, (size_t)(s.at - s.start) + 1, s.wrong)
               : add(c, out, &r, &cap);
        out->has_last |= r.last;
        if (code != CLI_OK)
            clear_record(&r);
    }
    free(line);
    fclose(f);
    if (code != CLI_OK)
        cli_records_clear(out);
    return code;
}

int cli_labels_read(const cli *c, const char *path, cli_records *out)
{
    int code = cli_records_read(c, path, out);
    size_t i;

    if (code != CLI_OK)
        return code;
    cli_records_sort(out);
    for (i = 1; i < out->n && code == CLI_OK; i++)
        if (strcmp(out->at[i].id, out->at[i - 1].id) == 0)
            code = cli_fail(c, "%s: '%s' has two lines: an answer has one label", path, out->at[i].id);
    if (code != CLI_OK)
        cli_records_clear(out);
    return code;
}

void cli_records_clear(cli_records *r)
{
    size_t i;

    for (i = 0; i < r->n; i++)
        clear_record(&r->at[i]);
    free(r->at);
    free(r->scored_by);
    *r = (cli_records){ .n = 0 };
}

static int by_id(const void *a, const void *b)
{
    const cli_record *p = a, *q = b;
    const int order = strcmp(p->id, q->id);

    return order ? order : (p->i_tok > q->i_tok) - (p->i_tok < q->i_tok);
}

void cli_records_sort(cli_records *r)
{
    if (r->n)
        qsort(r->at, r->n, sizeof *r->at, by_id);
}

const cli_record *cli_records_find(const cli_records *sorted, const char *id)
{
    size_t lo = 0, hi = sorted->n;

    while (lo < hi) {
        const size_t middle = lo + (hi - lo) / 2;
        if (strcmp(sorted->at[middle].id, id) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < sorted->n && strcmp(sorted->at[lo].id, id) == 0 ? &sorted->at[lo] : NULL;
}

bool cli_record_key(const char *name)
{
    static const char *const key[] = { "id", "group", "label", "onset", "onset_tok", "score", "i_tok", "at_byte",
                                       "text", "last", "scored_by" };
    size_t i;

    for (i = 0; i < sizeof key / sizeof *key && strcmp(key[i], name) != 0; i++)
        ;
    return i < sizeof key / sizeof *key;
}

/* ---- what a rule may go by --------------------------------------------------------------------------------------- */

const char *const cli_field[] = { "task", "lang", "category", "model", "prompt_bytes", NULL };

/* Bands that double, open at both ends, so that a live prompt is never longer or shorter than all of them. */
static const char *length_band(size_t n_byte)
{
    static const char *const name[] = { "0-63", "64-127", "128-255", "256-511", "512-1023", "1024-2047", "2048-4095",
                                        "4096-" };
    size_t i;

    for (i = 0; i < 7 && n_byte >= (size_t)64 << i; i++)
        ;
    return name[i];
}

const char *cli_field_of(const mid_sample *sample, const char *field)
{
    const char *const value[] = { sample->task, sample->lang, sample->category, sample->response_model,
                                  length_band(strlen(sample->prompt)) };
    size_t i;

    for (i = 0; cli_field[i] && strcmp(cli_field[i], field) != 0; i++)
        ;
    return cli_field[i] ? value[i] : NULL;
}
