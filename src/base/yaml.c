/* libyaml's events become a tree in an arena. Containers that are still open lie on a fixed stack, so depth is bounded
 * and nothing recurses; since aliases are refused, the tree is never larger than the file. */
#include "base/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/names.h"
#include "base/utf8.h"

typedef struct builder {
    const mid__yaml_file *file;
    mid__yaml *open[MID__YAML_DEPTH];
    int n_open;
    const char *key;                /* read, its value not yet */
    int key_line, key_column;
    mid__yaml *root;
} builder;

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static mid_status fail_at(const mid__yaml_file *file, int line, int column, const char *fmt, va_list args)
{
    char text[800];

    vsnprintf(text, sizeof text, fmt, args);
    return mid__fail(file->ctx, MID_EFORMAT, "%s:%d:%d: %s", file->path, line, column, text);
}

mid_status mid__yaml_fail(const mid__yaml_file *file, const mid__yaml *at, const char *fmt, ...)
{
    mid_status status;
    va_list args;

    va_start(args, fmt);
    status = fail_at(file, at->line, at->column, fmt, args);
    va_end(args);
    return status;
}

static MID_PRINTF(3, 4) mid_status fail_event(const builder *b, const yaml_event_t *event, const char *fmt, ...)
{
    mid_status status;
    va_list args;

    va_start(args, fmt);
    status = fail_at(b->file, (int)event->start_mark.line + 1, (int)event->start_mark.column + 1, fmt, args);
    va_end(args);
    return status;
}

mid_status mid__yaml_unknown(const mid__yaml_file *file, const mid__yaml *at, const char *what, const char *word,
                             const char *const *name, size_t n)
{
    const bool is_key = strcmp(what, "key") == 0;
    mid__yaml place = *at;
    mid__buf said = { 0 };
    mid_status status;

    if (is_key) {
        place.line = at->key_line;
        place.column = at->key_column;
    }
    mid__names_unknown(&said, what, word, is_key ? "allowed here" : "there are", name, n);
    status = said.failed ? mid__oom(file->ctx, "a list of names") : mid__yaml_fail(file, &place, "%s", said.at);
    mid__buf_clear(&said);
    return status;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

const mid__yaml *mid__yaml_find(const mid__yaml *map, const char *key)
{
    const mid__yaml *entry;

    for (entry = map->kind == MID__YAML_MAP ? map->first : NULL; entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0)
            break;
    return entry;
}

static mid_status copy_text(const builder *b, const yaml_event_t *event, const char **text)
{
    const char *value = (const char *)event->data.scalar.value;
    const size_t n = event->data.scalar.length;

    if (memchr(value, 0, n))
        return fail_event(b, event, "a text with a zero byte in it");
    *text = mid__arena_text(b->file->arena, value, n);
    return *text ? MID_OK : mid__oom(b->file->ctx, "a text");
}

static mid_status take_key(builder *b, const yaml_event_t *event, const mid__yaml *map)
{
    const mid__yaml *before;
    mid_status status;

    if (event->type != YAML_SCALAR_EVENT)
        return fail_event(b, event, "a key must be a word");
    status = copy_text(b, event, &b->key);
    if (status != MID_OK)
        return status;
    b->key_line = (int)event->start_mark.line + 1;
    b->key_column = (int)event->start_mark.column + 1;
    before = mid__yaml_find(map, b->key);
    if (before)
        return fail_event(b, event, "key '%.60s' is given twice (first in line %d)", b->key, before->key_line);
    return MID_OK;
}

static mid_status take_value(builder *b, const yaml_event_t *event, mid__yaml_kind kind)
{
    mid__yaml *parent = b->n_open ? b->open[b->n_open - 1] : NULL, *node;
    mid_status status = MID_OK;

    if (parent && parent->kind == MID__YAML_MAP && !b->key)
        return take_key(b, event, parent);
    if (kind != MID__YAML_SCALAR && b->n_open == MID__YAML_DEPTH)
        return fail_event(b, event, "nested deeper than %d levels", MID__YAML_DEPTH);
    node = mid__arena_get(b->file->arena, sizeof *node);
    if (!node)
        return mid__oom(b->file->ctx, b->file->path);
    node->kind = kind;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    node->key = b->key;
    node->key_line = b->key_line;
    node->key_column = b->key_column;
    b->key = NULL;
    if (kind == MID__YAML_SCALAR) {
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        status = copy_text(b, event, &node->text);
    } else {
        b->open[b->n_open++] = node;
    }
    if (!parent) {
        b->root = node;
    } else {
        if (parent->last)
            parent->last->next = node;
        else
            parent->first = node;
        parent->last = node;
        parent->n += 1;
    }
    return status;
}

static mid_status take(builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    mid__yaml_kind kind;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        kind = MID__YAML_SCALAR;
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        kind = MID__YAML_LIST;
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        kind = MID__YAML_MAP;
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->n_open -= 1;
        return MID_OK;
    case YAML_ALIAS_EVENT:
        return fail_event(b, event, "alias '*%.60s': write the value out", (const char *)event->data.alias.anchor);
    case YAML_DOCUMENT_START_EVENT:
        return b->root ? fail_event(b, event, "a second document; one file holds one") : MID_OK;
    default:
        return MID_OK;
    }
    if (anchor)
        return fail_event(b, event, "anchor '&%.60s': write the value out each time", (const char *)anchor);
    if (tag)
        return fail_event(b, event, "tag '%.60s': leave it out, every key has one type", (const char *)tag);
    return take_value(b, event, kind);
}

static mid_status fail_parser(const builder *b, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return mid__oom(b->file->ctx, b->file->path);
    return mid__fail(b->file->ctx, MID_EFORMAT, "%s:%zu:%zu: %s", b->file->path, parser->problem_mark.line + 1,
                     parser->problem_mark.column + 1, parser->problem ? parser->problem : "not YAML");
}

static mid_status build(builder *b, const char *bytes, size_t n)
{
    mid_status status = MID_OK;
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;

    if (!yaml_parser_initialize(&parser))
        return mid__oom(b->file->ctx, b->file->path);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, n);
    while (more && status == MID_OK) {
        if (!yaml_parser_parse(&parser, &event)) {
            status = fail_parser(b, &parser);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        status = take(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* libyaml reports bad bytes without a place, so they are looked for first. */
static mid_status check_utf8(const mid__yaml_file *file, const char *bytes, size_t n)
{
    const size_t bad = mid__utf8_valid(bytes, n);
    size_t i, line = 1, start = 0;

    if (bad == n)
        return MID_OK;
    for (i = 0; i < bad; i++)
        if (bytes[i] == '\n') {
            line += 1;
            start = i + 1;
        }
    return mid__fail(file->ctx, MID_EFORMAT, "%s:%zu:%zu: byte 0x%02x is not UTF-8", file->path, line, bad - start + 1,
                     (unsigned char)bytes[bad]);
}

mid_status mid__yaml_load(const mid__yaml_file *file, mid__yaml **root)
{
    builder b = { .file = file };
    mid_status status;
    char *bytes = NULL;
    size_t n = 0;

    status = mid__file_read(file->ctx, file->path, MID__YAML_LIMIT_BYTES, &bytes, &n);
    if (status != MID_OK)
        return status;
    status = check_utf8(file, bytes, n);
    if (status == MID_OK)
        status = build(&b, bytes, n);
    if (status == MID_OK && !b.root)
        status = mid__fail(file->ctx, MID_EFORMAT, "%s:1:1: the file is empty", file->path);
    if (status == MID_OK)
        *root = b.root;
    free(bytes);
    return status;
}

/* ---- typed values ------------------------------------------------------------------------------------------------ */

static const char *const kind_name[] = { "a single value", "a list", "a map of keys" };

/* "'limit'" for an entry of a map, "an entry" in a list. */
static const char *subject(const mid__yaml *at, char room[80])
{
    if (!at->key)
        return "an entry here";
    snprintf(room, 80, "'%.70s'", at->key);
    return room;
}

mid_status mid__yaml_expect(const mid__yaml_file *file, const mid__yaml *at, mid__yaml_kind kind)
{
    char room[80];

    if (at->kind == kind)
        return MID_OK;
    return mid__yaml_fail(file, at, "%s must be %s, not %s", subject(at, room), kind_name[kind], kind_name[at->kind]);
}

mid_status mid__yaml_text(const mid__yaml_file *file, const mid__yaml *at, const char **text)
{
    char room[80];

    if (at->kind != MID__YAML_SCALAR)
        return mid__yaml_fail(file, at, "%s must be a text, not %s", subject(at, room), kind_name[at->kind]);
    if (!at->text[0])
        return mid__yaml_fail(file, at, "%s is empty; give a text or leave the key out", subject(at, room));
    *text = at->text;
    return MID_OK;
}

/* What stands there instead: "'abc'" or "a list". */
static const char *found(const mid__yaml *at, char room[80])
{
    if (at->kind != MID__YAML_SCALAR)
        return kind_name[at->kind];
    snprintf(room, 80, "'%.60s'%s", at->text, at->quoted ? " in quotes" : "");
    return room;
}

/* Digits with sign, point and exponent: no hexadecimal, no "inf", no blanks. */
static bool read_number(const mid__yaml *at, double *number)
{
    char *end;

    if (at->kind != MID__YAML_SCALAR || at->quoted || !at->text[0] || at->text[strspn(at->text, "+-.0123456789eE")])
        return false;
    *number = strtod(at->text, &end);
    return !*end && isfinite(*number);
}

mid_status mid__yaml_number(const mid__yaml_file *file, const mid__yaml *at, double lo, double hi, double *number)
{
    char room[80], other[80];
    double x;

    if (!read_number(at, &x))
        return mid__yaml_fail(file, at, "%s must be a number, not %s", subject(at, room), found(at, other));
    if (x < lo || x > hi)
        return mid__yaml_fail(file, at, "%s is %.60s; it must be from %g to %g", subject(at, room), at->text, lo, hi);
    *number = x;
    return MID_OK;
}

mid_status mid__yaml_whole(const mid__yaml_file *file, const mid__yaml *at, int64_t lo, int64_t hi, int64_t *number)
{
    char room[80], other[80], *end = "?";
    long long x = 0;
    double d;

    errno = 0;
    if (read_number(at, &d))
        x = strtoll(at->text, &end, 10);
    if (*end)
        return mid__yaml_fail(file, at, "%s must be a whole number, not %s", subject(at, room), found(at, other));
    if (errno == ERANGE || x < lo || x > hi)
        return mid__yaml_fail(file, at, "%s is %.60s; it must be from %lld to %lld", subject(at, room), at->text,
                              (long long)lo, (long long)hi);
    *number = x;
    return MID_OK;
}

mid_status mid__yaml_flag(const mid__yaml_file *file, const mid__yaml *at, bool *flag)
{
    char room[80], other[80];

    if (at->kind == MID__YAML_SCALAR && !at->quoted
        && (strcmp(at->text, "true") == 0 || strcmp(at->text, "false") == 0)) {
        *flag = at->text[0] == 't';
        return MID_OK;
    }
    return mid__yaml_fail(file, at, "%s must be true or false, not %s", subject(at, room), found(at, other));
}
