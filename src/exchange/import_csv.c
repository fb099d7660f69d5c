/* CSV as RFC 4180 has it, with a header: commas, fields in double quotes where they hold commas, quotes (doubled) or
 * line ends. A column makes the record's field of its name, or the one that map FIELD=COLUMN gives it; a row without an
 * id gets its number. Columns that make none are kept in meta.columns, as texts. references and bad_references are one
 * text, or a JSON list of texts; label is 0, 1 or empty; an empty field is null. */
#include "exchange/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/utf8.h"
#include "midstream/sample.h"

enum { COLUMN_MAX = 1000 };

enum field { ID, PROMPT, RESPONSE, RESPONSE_MODEL, REFERENCES, BAD_REFERENCES, LABEL, LABEL_SOURCE, CATEGORY, LANG,
             SPLIT, FIELD_N };
static const char *const fields[FIELD_N + 1] = {
    "id", "prompt", "response", "response_model", "references", "bad_references", "label", "label_source", "category",
    "lang", "split", NULL,
};

typedef struct csv {
    mid__import *im;
    FILE *f;
    mid__buf text;                  /* a row's fields, each with a zero behind it */
    size_t begin[COLUMN_MAX], n;    /* where they begin */
    size_t i_line, i_row_line;      /* the line read last, and the one on which the row begins */
    char *header;                   /* the names, each with a zero behind it */
    const char *column[COLUMN_MAX]; /* (n_column) in header */
    size_t n_column;
    int column_of[FIELD_N];         /* -1: none */
} csv;

static mid_status fail(const csv *c, const char *what)
{
    return mid__fail(c->im->ctx, MID_EFORMAT, "%s:%zu: %s", c->im->in, c->i_row_line, what);
}

static void add_char(csv *c, int ch)
{
    const char byte = (char)ch;

    mid__buf_put(&c->text, &byte, 1);
}

/* One field that begins with the character ch; *next is what ended it: ',', '\n' or EOF. */
static mid_status read_field(csv *c, int ch, int *next)
{
    const size_t begin = c->text.n;
    const bool bare = ch != '"';
    bool quoted = !bare;

    if (quoted)
        ch = getc_unlocked(c->f);
    for (;; ch = getc_unlocked(c->f)) {
        if (c->text.n > MID_LINE_LIMIT_BYTES)
            return mid__fail(c->im->ctx, MID_ELIMIT, "%s:%zu: the row has more than %u bytes; is a quote not closed?",
                             c->im->in, c->i_row_line, MID_LINE_LIMIT_BYTES);
        if (ch == 0)
            return fail(c, "a NUL byte; remove it");
        if (quoted && ch == EOF)
            return fail(c, "a field that begins with a quote has no end");
        c->i_line += ch == '\n';
        if (quoted && ch == '"') {
            ch = getc_unlocked(c->f);
            if (ch == '"') {
                add_char(c, '"');
                continue;
            }
            quoted = false;
            ch = ch == '\r' ? getc_unlocked(c->f) : ch;
            if (ch != ',' && ch != '\n' && ch != EOF)
                return fail(c, "something stands behind a closing quote; quotes inside a field are doubled");
            c->i_line += ch == '\n';
        }
        if (!quoted && (ch == ',' || ch == '\n' || ch == EOF))
            break;
        add_char(c, ch);
    }
    while (bare && ch != ',' && c->text.n > begin && c->text.at[c->text.n - 1] == '\r')
        c->text.n -= 1;
    *next = ch;
    return MID_OK;
}

/* The next row that is not blank; n is 0 at the end. */
static mid_status read_row(csv *c)
{
    int ch, next = ',';
    mid_status status = MID_OK;

    c->text.n = c->n = 0;
    while ((ch = getc_unlocked(c->f)) == '\n' || ch == '\r')
        c->i_line += ch == '\n';
    c->i_row_line = c->i_line;
    if (ferror(c->f))
        return mid__fail(c->im->ctx, MID_EIO, "%s: cannot read: %s", c->im->in, strerror(errno));
    if (ch == EOF)
        return MID_OK;
    for (; next == ','; ch = next == ',' ? getc_unlocked(c->f) : ch) {
        if (c->n == COLUMN_MAX)
            return fail(c, "more than 1000 columns");
        c->begin[c->n++] = c->text.n;
        status = read_field(c, ch, &next);
        if (status != MID_OK)
            return status;
        add_char(c, 0);
    }
    if (c->text.failed)
        return mid__oom(c->im->ctx, c->im->in);
    return mid__utf8_valid(c->text.at, c->text.n) == c->text.n ? MID_OK : fail(c, "not UTF-8; save the file as UTF-8");
}

/* ---- the header -------------------------------------------------------------------------------------------------- */

static int find_column(const csv *c, const char *name)
{
    size_t i;

    for (i = 0; i < c->n_column; i++)
        if (strcmp(c->column[i], name) == 0)
            return (int)i;
    return -1;
}

static mid_status no_column(const csv *c, const char *field, const char *name)
{
    mid__buf all = { 0 };
    mid_status status;
    size_t i;

    for (i = 0; i < c->n_column; i++)
        mid__buf_fmt(&all, "%s%s", i ? ", " : "", c->column[i]);
    status = mid__fail(c->im->ctx, MID_EFORMAT, "%s:1: no column '%s' for field %s; there are %.400s; name one with a "
                       "map of %s", c->im->in, name, field, all.n ? all.at : "none", field);
    mid__buf_clear(&all);
    return status;
}

static mid_status read_header(csv *c)
{
    mid_status status = read_row(c);
    const char *name;
    size_t i;

    if (status != MID_OK)
        return status;
    c->n_column = c->n;
    c->header = mid__buf_take(&c->text, &i);
    if (!c->header)
        return mid__oom(c->im->ctx, c->im->in);
    for (i = 0; i < c->n; i++)
        c->column[i] = c->header + c->begin[i];
    for (i = 0; i < FIELD_N; i++) {
        name = mid__import_source(c->im, fields[i]);
        c->column_of[i] = find_column(c, name ? name : fields[i]);
        if (c->column_of[i] < 0 && (name || i == PROMPT))
            return no_column(c, fields[i], name ? name : fields[i]);
    }
    return MID_OK;
}

/* ---- a row ------------------------------------------------------------------------------------------------------- */

/* NULL: no such column, or empty. */
static const char *value_of(const csv *c, enum field field)
{
    const char *text = c->column_of[field] < 0 ? "" : c->text.at + c->begin[c->column_of[field]];

    return *text ? text : NULL;
}

static yyjson_mut_val *text_of(const csv *c, mid__row *row, enum field field)
{
    const char *text = value_of(c, field);

    return text ? yyjson_mut_strcpy(row->doc, text) : NULL;
}

static mid_status list_of(const csv *c, mid__row *row, enum field field, yyjson_mut_val **out)
{
    const char *text = value_of(c, field);
    yyjson_doc *doc = text && *text == '[' ? yyjson_read(text, strlen(text), 0) : NULL;

    if (text && *text == '[' && !yyjson_is_arr(yyjson_doc_get_root(doc)))
        return mid__fail(c->im->ctx, MID_EFORMAT, "%s:%zu: column '%s' begins like a JSON list and is none", c->im->in,
                         c->i_row_line, c->column[c->column_of[field]]);
    *out = doc ? yyjson_val_mut_copy(row->doc, yyjson_doc_get_root(doc)) : text ? yyjson_mut_arr(row->doc) : NULL;
    if (text && !doc)
        yyjson_mut_arr_add_strcpy(row->doc, *out, text);
    yyjson_doc_free(doc);
    return MID_OK;
}

static mid_status add_label(const csv *c, mid__row *row)
{
    const char *text = value_of(c, LABEL);

    if (text && strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
        return mid__fail(c->im->ctx, MID_EFORMAT, "%s:%zu: column '%s' is \"%.40s\"; a label is 0, 1 or empty",
                         c->im->in, c->i_row_line, c->column[c->column_of[LABEL]], text);
    row->label = text ? yyjson_mut_uint(row->doc, *text == '1') : NULL;
    return MID_OK;
}

/* What no field took. */
static void add_rest(const csv *c, mid__row *row)
{
    yyjson_mut_val *rest = yyjson_mut_obj(row->doc);
    size_t i, k;

    for (i = 0; i < c->n_column; i++) {
        for (k = 0; k < FIELD_N && c->column_of[k] != (int)i; k++)
            ;
        if (k == FIELD_N)
            yyjson_mut_obj_add_strcpy(row->doc, rest, c->column[i], c->text.at + c->begin[i]);
    }
    if (yyjson_mut_obj_size(rest))
        yyjson_mut_obj_add_val(row->doc, row->meta, "columns", rest);
}

static mid_status take_row(csv *c, mid__row *row)
{
    mid_status status;

    if (c->n != c->n_column)
        return mid__fail(c->im->ctx, MID_EFORMAT, "%s:%zu: the row has %zu fields, the header %zu", c->im->in,
                         c->i_row_line, c->n, c->n_column);
    if (!value_of(c, PROMPT)) {
        mid__import_skip(c->im, "no prompt");
        return MID_OK;
    }
    row->id = text_of(c, row, ID);
    if (!row->id)
        mid__row_name(c->im, row, "%llu", (unsigned long long)c->im->count->n_row);
    row->prompt = text_of(c, row, PROMPT);
    row->response = text_of(c, row, RESPONSE);
    row->response_model = text_of(c, row, RESPONSE_MODEL);
    row->label_source = text_of(c, row, LABEL_SOURCE);
    row->category = text_of(c, row, CATEGORY);
    row->lang = text_of(c, row, LANG);
    if (value_of(c, SPLIT))
        yyjson_mut_obj_add_val(row->doc, row->meta, "split", text_of(c, row, SPLIT));
    add_rest(c, row);
    if ((status = list_of(c, row, REFERENCES, &row->references)) != MID_OK
        || (status = list_of(c, row, BAD_REFERENCES, &row->bad_references)) != MID_OK
        || (status = add_label(c, row)) != MID_OK)
        return status;
    return mid__import_put(c->im, c->im->in, c->i_row_line, row);
}

static mid_status read_rows(csv *c)
{
    mid__row row;
    mid_status status = read_header(c);

    do {
        if (status == MID_OK)
            status = read_row(c);
        if (status == MID_OK && c->n) {
            status = mid__row_begin(c->im, &row);
            if (status == MID_OK)
                status = take_row(c, &row);
            mid__row_clear(&row);
        }
    } while (status == MID_OK && c->n);
    return status;
}

/* The bytes are put back, not gone back to: a pipe cannot. */
static void pass_mark(FILE *f)
{
    unsigned char mark[3];
    size_t n = fread(mark, 1, 3, f);

    if (n != 3 || memcmp(mark, "\xef\xbb\xbf", 3) != 0)
        while (n)
            ungetc(mark[--n], f);
}

static mid_status read_csv(mid__import *im)
{
    csv *c = calloc(1, sizeof *c);
    mid_status status;

    if (!c)
        return mid__oom(im->ctx, im->in);
    c->im = im;
    c->i_line = 1;
    c->f = fopen(im->in, "rb");
    if (c->f)
        pass_mark(c->f);
    status = c->f ? read_rows(c) : mid__fail(im->ctx, errno == ENOENT ? MID_ENOTFOUND : MID_EIO, "%s: cannot open: %s",
                                             im->in, strerror(errno));
    if (c->f)
        fclose(c->f);
    mid__buf_clear(&c->text);
    mid_free(c->header);
    free(c);
    return status;
}

const mid__import_ops mid__import_csv = {
    .info = { .name = "csv", .summary = "CSV with a header, whose columns are named like our fields or mapped to them",
              .task = "qa", .map = fields },
    .read = read_csv,
};
