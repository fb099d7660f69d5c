/* Typed loading of YAML: a table of keys, each with its reader, where its value goes and its limits. mid__field_map()
 * walks a map against a table; whatever the table does not name is an error that lists what it does. Plans and the
 * guard's config are such tables; a reader of their own has the same form. */
#ifndef MID_BASE_FIELDS_H
#define MID_BASE_FIELDS_H

#include "base/yaml.h"

enum { MID__FIELD_LIST_MAX = 1000 };

typedef const char *(*mid__name_fn)(size_t i);      /* i-th allowed name, NULL behind the last */

typedef struct mid__field mid__field;
typedef mid_status (*mid__field_fn)(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f,
                                    char *object);
typedef mid_status (*mid__entry_fn)(const mid__yaml_file *file, const mid__yaml *e, void *entry);
struct mid__field {
    const char *key;
    mid__field_fn read;
    size_t at, n_at;                /* offset of the member; of its count, for lists */
    double lo, hi;                  /* of numbers */
    mid__name_fn names;             /* of choices */
    mid__entry_fn entry;            /* of mid__field_each: reads one entry of entry_size bytes, which arrive zeroed */
    size_t entry_size;
    bool required;
};
#define MID__MEMBER(type, member) .at = offsetof(type, member)
#define MID__MEMBERS(type, member, count) .at = offsetof(type, member), .n_at = offsetof(type, count)
#define MID__LIST_OF(reader, type) .entry = reader, .entry_size = sizeof(type)

/* Read a map by its table. Keys of params, if any, are collected in given, which has room for the map's entries + 1. */
mid_status mid__field_map(const mid__yaml_file *file, const mid__yaml *map, const mid__field *fields, void *object,
                          const mid_param *params, mid_param *given);

/* ---- readers ---- */
#define MID__FIELD_READER(name) \
    mid_status name(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object)
MID__FIELD_READER(mid__field_text);             /* const char * */
MID__FIELD_READER(mid__field_choice);           /* the same, one of names */
MID__FIELD_READER(mid__field_path);             /* the same, ${VAR} and a leading ~ replaced */
MID__FIELD_READER(mid__field_url);              /* the same, http or https, without a user or password */
MID__FIELD_READER(mid__field_u32);
MID__FIELD_READER(mid__field_int);
MID__FIELD_READER(mid__field_seed);             /* uint64_t */
MID__FIELD_READER(mid__field_float);
MID__FIELD_READER(mid__field_double);
MID__FIELD_READER(mid__field_flag);             /* bool */
MID__FIELD_READER(mid__field_texts);            /* const char **, size_t */
MID__FIELD_READER(mid__field_each);             /* entries, size_t: MID__MEMBERS and MID__LIST_OF */
#undef MID__FIELD_READER

/* ---- for readers ---- */
/* Is the text at a value one of the names? */
mid_status mid__field_named(const mid__yaml_file *file, const mid__yaml *at, const char *what, mid__name_fn names);
/* A whole number within the field's limits. */
mid_status mid__field_whole(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, int64_t *number);
/* Room for a list's entries, put with their number into object. entries receives the same. */
mid_status mid__field_list(const mid__yaml_file *file, const mid__yaml *value, const mid__field *f, char *object,
                           size_t entry_size, void *entries);

#endif
