/* What a run left in a folder of the tests', as JSON. */
#ifndef TESTS_BENCH_READ_JSON_H
#define TESTS_BENCH_READ_JSON_H

#include "test.h"

#include <yyjson.h>

/* The caller frees it. */
static yyjson_doc *read_json(const char *dir, const char *name)
{
    char path[100];
    yyjson_doc *doc;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    doc = yyjson_read_file(test_path(path), 0, NULL, NULL);
    assert_non_null(doc);
    return doc;
}

#endif
