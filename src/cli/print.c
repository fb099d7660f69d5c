/* Printing results: JSON as it is written, and tables as aligned text or as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_utf8_length(const char *text, size_t n)
{
    const unsigned char *b = (const unsigned char *)text;
    const unsigned char first = n ? b[0] : 0;
    const size_t need = first < 0x80 ? 1 : first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    size_t i;

    for (i = 1; i < need && i < n; i++) {
        /* the second byte rules out overlong forms, surrogates and what is beyond U+10FFFF */
        const unsigned char lo = i > 1 ? 0x80 : first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        const unsigned char hi = i > 1 ? 0xbf : first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (b[i] < lo || b[i] > hi)
            return 0;
    }
    return need > n ? -1 : (int)need;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_string(FILE *to, const char *text, size_t n)
{
    size_t i = 0;

    fputc('"', to);
    while (i < n) {
        const int length = cli_utf8_length(text + i, n - i);
        const unsigned char b = (unsigned char)text[i];
        if (length <= 0)
            fputs("\\ufffd", to);
        else if (b == '"' || b == '\\')
            fprintf(to, "\\%c", b);
        else if (b == '\n')
            fputs("\\n", to);
        else if (b == '\t')
            fputs("\\t", to);
        else if (b < 0x20)
            fprintf(to, "\\u%04x", b);
        else
            fwrite(text + i, 1, (size_t)length, to);
        i += length > 0 ? (size_t)length : 1;
    }
    fputc('"', to);
}

static void put_key(cli_json *j, const char *key)
{
    if (j->more)
        fputc(',', j->to);
    j->more = true;
    if (key) {
        put_string(j->to, key, strlen(key));
        fputc(':', j->to);
    }
}

void cli_json_open(cli_json *j, const char *key, char bracket)
{
    put_key(j, key);
    fputc(bracket, j->to);
    j->more = false;
}

void cli_json_close(cli_json *j, char bracket)
{
    fputc(bracket, j->to);
    j->more = true;
}

void cli_json_text(cli_json *j, const char *key, const char *text, size_t n)
{
    put_key(j, key);
    put_string(j->to, text, n);
}

void cli_json_string(cli_json *j, const char *key, const char *text)
{
    put_key(j, key);
    if (text)
        put_string(j->to, text, strlen(text));
    else
        fputs("null", j->to);
}

void cli_json_number(cli_json *j, const char *key, double x)
{
    put_key(j, key);
    if (isfinite(x))
        fprintf(j->to, "%.9g", x);
    else
        fputs("null", j->to);
}

void cli_json_exact(cli_json *j, const char *key, double x)
{
    char text[40];
    int digits;

    for (digits = 9; digits <= 17 && isfinite(x); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    put_key(j, key);
    fputs(isfinite(x) ? text : "null", j->to);
}

void cli_json_whole(cli_json *j, const char *key, int64_t x)
{
    put_key(j, key);
    fprintf(j->to, "%" PRId64, x);
}

void cli_json_flag(cli_json *j, const char *key, bool x)
{
    put_key(j, key);
    fputs(x ? "true" : "false", j->to);
}

void cli_json_estimate(cli_json *j, const char *key, const mid_estimate *e)
{
    cli_json_open(j, key, '{');
    cli_json_number(j, "value", e->value);
    cli_json_number(j, "lo", e->lo);
    cli_json_number(j, "hi", e->hi);
    if (e->why)
        cli_json_string(j, "why", e->why);
    cli_json_close(j, '}');
}

void cli_estimate_text(const mid_estimate *e, int n_decimal, char text[64])
{
    if (!isfinite(e->value))
        snprintf(text, 64, "-");
    else if (!isfinite(e->lo))
        snprintf(text, 64, "%.*f", n_decimal, e->value);
    else
        snprintf(text, 64, "%.*f [%.*f, %.*f]", n_decimal, e->value, n_decimal, e->lo, n_decimal, e->hi);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

int cli_table_row(const cli *c, cli_table *t, ...)
{
    char **more = realloc(t->cell, (t->n_cell + t->n_column) * sizeof *more);
    va_list args;
    size_t i;
    int code = CLI_OK;

    if (!more)
        return cli_fail(c, "out of memory");
    t->cell = more;
    va_start(args, t);
    for (i = 0; i < t->n_column; i++) {
        const char *text = va_arg(args, const char *);
        t->cell[t->n_cell + i] = text ? strdup(text) : NULL;
        if (text && !t->cell[t->n_cell + i])
            code = cli_fail(c, "out of memory");
    }
    va_end(args);
    t->n_cell += t->n_column;
    return code;
}

static void print_json(const cli_table *t)
{
    cli_json j = { .to = stdout };
    size_t i;

    cli_json_open(&j, NULL, '[');
    for (i = 0; i < t->n_cell; i++) {
        const char *column = t->column[i % t->n_column], *cell = t->cell[i];
        if (i % t->n_column == 0)
            cli_json_open(&j, NULL, '{');
        if (*column == '#')
            cli_json_number(&j, column + 1, cell ? strtod(cell, NULL) : NAN);
        else
            cli_json_string(&j, column + (*column == '+'), cell);
        if (i % t->n_column == t->n_column - 1)
            cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    putchar('\n');
}

/* Width on a terminal, near enough: code points. */
static int width(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static int column_width(const cli_table *t, size_t column)
{
    int wide = width(t->column[column]) - (t->column[column][0] == '#');
    size_t i;

    for (i = column; i < t->n_cell; i += t->n_column)
        if (t->cell[i] && width(t->cell[i]) > wide)
            wide = width(t->cell[i]);
    return wide;
}

/* Numbers to the right, texts to the left; the last column is not padded. */
static void print_text(const cli_table *t)
{
    size_t row, i, last = t->n_column - 1;

    while (t->column[last][0] == '+')
        last--;
    for (row = 0; row <= t->n_cell / t->n_column; row++)
        for (i = 0; i <= last; i++) {
            const char *name = t->column[i], *cell = row ? t->cell[(row - 1) * t->n_column + i] : name + (*name == '#');
            const int pad = column_width(t, i) - width(cell ? cell : "-");
            if (*name == '+')
                continue;
            printf("%*s%s%*s", *name == '#' ? pad : 0, "", cell ? cell : "-", *name == '#' || i == last ? 0 : pad, "");
            fputs(i == last ? "\n" : "  ", stdout);
        }
}

void cli_table_print(const cli *c, cli_table *t)
{
    size_t i;

    if (c->json)
        print_json(t);
    else
        print_text(t);
    for (i = 0; i < t->n_cell; i++)
        free(t->cell[i]);
    free(t->cell);
    t->cell = NULL;
    t->n_cell = 0;
}
