/* Weights keep their numbers and texts through a safetensors file; a stranger's file is taken apart with care. */
#include "test.h"

#include <locale.h>

static mid_weights *open_some(void)
{
    static const float w[6] = { 1, -2, 0.5f, 4, 5, 6 }, bias[2] = { 0.1f, -0.0f };
    mid_weights *weights = NULL;

    CHECK_OK(mid_weights_open(test_ctx(), &weights));
    CHECK_OK(mid_weights_set(test_ctx(), weights, "w", w, 2, 3));
    CHECK_OK(mid_weights_set(test_ctx(), weights, "bias", bias, 1, 2));
    CHECK_OK(mid_weights_set_text(test_ctx(), weights, "monitor", "probe \"linear\"\n\xc3\xa9"));
    CHECK_OK(mid_weights_set_number(test_ctx(), weights, "threshold", 0.1));
    return weights;
}

static void check_some(const mid_weights *weights)
{
    const float *data;
    size_t n_row, n_col;

    CHECK_OK(mid_weights_get(test_ctx(), weights, "w", &data, &n_row, &n_col));
    CHECK_INT(n_row, 2);
    CHECK_INT(n_col, 3);
    CHECK(data[0] == 1 && data[1] == -2 && data[2] == 0.5f && data[5] == 6);
    CHECK_OK(mid_weights_expect(test_ctx(), weights, "bias", 1, 2, &data));
    CHECK(data[0] == 0.1f && data[1] == 0 && signbit(data[1]));
    CHECK_TEXT(mid_weights_text(weights, "monitor"), "probe \"linear\"\n\xc3\xa9");
    CHECK(mid_weights_number(weights, "threshold") == 0.1);
    CHECK(mid_weights_text(weights, "other") == NULL);
    CHECK(isnan(mid_weights_number(weights, "other")));
    CHECK(isnan(mid_weights_number(weights, "monitor")));
}

TEST(weights, keeps_what_it_is_given)
{
    mid_weights *weights = open_some(), *again = NULL;
    const char *path = test_path("w.safetensors");
    const float one = 9, *data;

    check_some(weights);
    CHECK_OK(mid_weights_save(test_ctx(), weights, path));
    CHECK_OK(mid_weights_load(test_ctx(), path, &again));
    check_some(again);
    CHECK_OK(mid_weights_set(test_ctx(), again, "w", &one, 1, 1));     /* replaces */
    CHECK_OK(mid_weights_expect(test_ctx(), again, "w", 1, 1, &data));
    CHECK(data[0] == 9);
    CHECK_OK(mid_weights_set_text(test_ctx(), again, "monitor", ""));
    CHECK_TEXT(mid_weights_text(again, "monitor"), "");
    mid_weights_close(again);
    mid_weights_close(weights);
    mid_weights_close(NULL);
}

/* By hand from the format's description: tensors sorted by name, data in that order, header padded to 8. */
TEST(weights, bytes_golden)
{
    static const char json[] = "{\"__metadata__\":{\"a\":\"3\"},"
                               "\"x\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
                               "\"y\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]}}";
    const float x = 1, y = -2;
    mid_weights *weights = NULL;
    void *packed;
    const char *bytes;
    size_t n, n_header = (sizeof json - 1 + 7) / 8 * 8, i;

    CHECK_OK(mid_weights_open(test_ctx(), &weights));
    CHECK_OK(mid_weights_set(test_ctx(), weights, "y", &y, 1, 1));
    CHECK_OK(mid_weights_set(test_ctx(), weights, "x", &x, 1, 1));
    CHECK_OK(mid_weights_set_number(test_ctx(), weights, "a", 3));
    CHECK_OK(mid_weights_pack(test_ctx(), weights, &packed, &n));
    bytes = packed;
    CHECK_INT(n, 8 + n_header + 8);
    CHECK_INT((uint8_t)bytes[0], n_header);
    CHECK_INT(bytes[1] | bytes[2] | bytes[3] | bytes[4] | bytes[5] | bytes[6] | bytes[7], 0);
    assert_memory_equal(bytes + 8, json, sizeof json - 1);
    for (i = sizeof json - 1; i < n_header; i++)
        CHECK_INT(bytes[8 + i], ' ');
    assert_memory_equal(bytes + 8 + n_header, "\0\0\x80\x3f\0\0\0\xc0", 8);
    mid_free(packed);
    mid_weights_close(weights);
}

TEST(weights, numbers_come_back_exactly)
{
    static const double number[] = { 0.1, -0.0, 3, 1e-300, 5e-324, 1.7976931348623157e308, 123456789012345678.0,
                                     INFINITY, -INFINITY, 2.2250738585072014e-308, 1.0 / 3 };
    mid_weights *weights = NULL;
    size_t i;

    CHECK_OK(mid_weights_open(test_ctx(), &weights));
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        print_message("no German locale here: tested with \"C\" only\n");
    for (i = 0; i < sizeof number / sizeof number[0]; i++) {
        CHECK_OK(mid_weights_set_number(test_ctx(), weights, "x", number[i]));
        CHECK(mid_weights_number(weights, "x") == number[i]);
    }
    setlocale(LC_NUMERIC, "C");
    CHECK_OK(mid_weights_set_number(test_ctx(), weights, "x", NAN));
    CHECK(isnan(mid_weights_number(weights, "x")));
    CHECK_OK(mid_weights_set_text(test_ctx(), weights, "x", "1.5 "));
    CHECK(isnan(mid_weights_number(weights, "x")));
    CHECK_OK(mid_weights_set_text(test_ctx(), weights, "x", ""));
    CHECK(isnan(mid_weights_number(weights, "x")));
    mid_weights_close(weights);
}

TEST(weights, refuses_bad_arguments)
{
    mid_weights *weights = open_some();
    const float bad[2] = { 1, NAN }, *data;
    size_t n_row, n_col;

    CHECK_FAILS(mid_weights_set(test_ctx(), weights, "w", bad, 1, 2), MID_ENUMERIC);
    CHECK_SAYS("number 1 of 2 is nan");
    CHECK_FAILS(mid_weights_set(test_ctx(), weights, "w", bad, 0, 2), MID_EINVAL);
    CHECK_FAILS(mid_weights_set(test_ctx(), weights, "w", bad, SIZE_MAX / 2, 4), MID_EINVAL);
    CHECK_FAILS(mid_weights_set(test_ctx(), weights, "", bad, 1, 1), MID_EINVAL);
    CHECK_FAILS(mid_weights_set(test_ctx(), weights, "__metadata__", bad, 1, 1), MID_EINVAL);
    CHECK_FAILS(mid_weights_set(test_ctx(), weights, "\xff", bad, 1, 1), MID_EINVAL);
    CHECK_FAILS(mid_weights_set_text(test_ctx(), weights, "monitor", "\xc3"), MID_EINVAL);
    CHECK_FAILS(mid_weights_get(test_ctx(), weights, "v", &data, &n_row, &n_col), MID_EFORMAT);
    CHECK_SAYS("no tensor 'v'");
    CHECK_FAILS(mid_weights_expect(test_ctx(), weights, "w", 3, 2, &data), MID_EFORMAT);
    CHECK_SAYS("'w' is (2, 3), and (3, 2) is needed");
    check_some(weights);
    mid_weights_close(weights);
}

/* A file with this header, n_data bytes of data (each float 1.0), in memory of exactly its size. */
static mid_status unpack(const char *json, size_t n_json, size_t n_data)
{
    const size_t n = 8 + n_json + n_data;
    const uint64_t n_header = n_json;
    char *bytes = malloc(n);
    mid_weights *weights = NULL;
    mid_status status;
    size_t i;

    assert_non_null(bytes);
    memcpy(bytes, &n_header, 8);
    memcpy(bytes + 8, json, n_json);
    for (i = 0; i < n_data; i++)
        bytes[8 + n_json + i] = "\0\0\x80\x3f"[i % 4];
    status = mid_weights_unpack(test_ctx(), bytes, n, &weights);
    CHECK((weights != NULL) == (status == MID_OK));
    mid_weights_close(weights);
    free(bytes);
    return status;
}

#define X(offsets) "\"x\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":" offsets "}"
#define Y(offsets) "\"y\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":" offsets "}"

TEST(weights, strangers_bytes)
{
    static const struct { const char *json; size_t n_data; mid_status status; const char *says; } row[] = {
        { "{}", 0, MID_OK, "" },
        { "{" X("[0,8]") "," Y("[8,16]") "}  ", 16, MID_OK, "" },
        { "{" X("[8,16]") "," Y("[0,8]") "}", 16, MID_OK, "" },
        { "{\"x\":{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, MID_OK, "" },
        { "{\"x\":{\"shape\":[],\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, MID_OK, "" },
        { "{" X("[0,8]") "," Y("[4,12]") "}", 12, MID_EFORMAT, "overlap" },
        { "{" X("[0,8]") "," Y("[0,8]") "}", 8, MID_EFORMAT, "overlap" },
        { "{" X("[0,8]") "," Y("[12,20]") "}", 20, MID_EFORMAT, "gap" },
        { "{" X("[0,8]") "}", 12, MID_EFORMAT, "12 bytes of data" },
        { "{" X("[0,8]") "}", 4, MID_EFORMAT, "0 to 8 of 4" },
        { "{" X("[8,0]") "}", 8, MID_EFORMAT, "data_offsets" },
        { "{" X("[-8,0]") "}", 8, MID_EFORMAT, "data_offsets" },
        { "{" X("[0,18446744073709551615]") "}", 8, MID_EFORMAT, "data_offsets" },
        { "{" X("[0,8.0]") "}", 8, MID_EFORMAT, "data_offsets" },
        { "{" X("[0]") "}", 8, MID_EFORMAT, "data_offsets" },
        { "{" X("[0,8]") "," X("[8,16]") "}", 16, MID_EFORMAT, "twice" },
        { "{\"x\":{\"dtype\":\"F16\",\"shape\":[1,4],\"data_offsets\":[0,8]}}", 8, MID_EFORMAT, "F32" },
        { "{\"x\":{\"dtype\":\"F32\",\"shape\":[1,1,2],\"data_offsets\":[0,8]}}", 8, MID_EFORMAT, "shape" },
        { "{\"x\":{\"dtype\":\"F32\",\"shape\":[0,2],\"data_offsets\":[0,0]}}", 0, MID_EFORMAT, "no numbers" },
        { "{\"x\":{\"dtype\":\"F32\",\"shape\":[1073741824,1073741824],\"data_offsets\":[0,8]}}", 8,
          MID_EFORMAT, "numbers" },
        { "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}", 8, MID_EFORMAT, "object of" },
        { "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2]}}", 8, MID_EFORMAT, "data_offsets" },
        { "{\"x\":1}", 0, MID_EFORMAT, "'x'" },
        { "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, MID_EFORMAT, "name" },
        { "{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, MID_EFORMAT, "zero byte" },
        { "{\"__metadata__\":{\"a\":1}}", 0, MID_EFORMAT, "must be a text" },
        { "{\"__metadata__\":{\"a\":\"x\\u0000y\"}}", 0, MID_EFORMAT, "zero bytes" },
        { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, MID_EFORMAT, "twice" },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, MID_EFORMAT, "twice" },
        { "{\"__metadata__\":[]}", 0, MID_EFORMAT, "object of texts" },
        { "[]", 0, MID_EFORMAT, "object" },
        { "", 0, MID_EFORMAT, "header" },
        { "{\"x\":", 0, MID_EFORMAT, "header byte" },
        { "{} x", 0, MID_EFORMAT, "header byte" },
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const mid_status got = unpack(row[i].json, strlen(row[i].json), row[i].n_data);

        if (got != row[i].status)
            print_error("%s\n", row[i].json);
        CHECK_INT(got, row[i].status);
        if (got != MID_OK)
            CHECK_SAYS(row[i].says);
    }
}

TEST(weights, strangers_length_and_depth)
{
    enum { DEPTH = 500000 };
    mid_weights *weights = NULL;
    char *deep = malloc(2 * DEPTH);
    const uint8_t huge[9] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{' };

    CHECK_FAILS(mid_weights_unpack(test_ctx(), huge, 0, &weights), MID_EFORMAT);
    CHECK_FAILS(mid_weights_unpack(test_ctx(), huge, 7, &weights), MID_EFORMAT);
    CHECK_FAILS(mid_weights_unpack(test_ctx(), huge, 9, &weights), MID_EFORMAT);
    CHECK_SAYS("the limit is 1048576");
    assert_non_null(deep);
    memset(deep, '[', DEPTH);
    memset(deep + DEPTH, ']', DEPTH);
    CHECK_FAILS(unpack(deep, 2 * DEPTH, 0), MID_EFORMAT);
    free(deep);
}

TEST(weights, refuses_what_is_no_number)
{
    mid_weights *weights = open_some(), *again = NULL;
    void *bytes;
    size_t n;

    CHECK_OK(mid_weights_pack(test_ctx(), weights, &bytes, &n));
    memcpy((char *)bytes + n - 4, "\0\0\x80\x7f", 4);       /* the last float becomes infinite */
    CHECK_FAILS(mid_weights_unpack(test_ctx(), bytes, n, &again), MID_ENUMERIC);
    CHECK_SAYS("'w'");
    mid_free(bytes);
    mid_weights_close(weights);
}

TEST(weights, no_such_file)
{
    mid_weights *weights = NULL;

    CHECK_FAILS(mid_weights_load(test_ctx(), test_path("none"), &weights), MID_ENOTFOUND);
    CHECK_FAILS(mid_weights_load(test_ctx(), test_write("short", "abc", 3), &weights), MID_EFORMAT);
    CHECK_SAYS("/short: weights of 3 bytes");
}
