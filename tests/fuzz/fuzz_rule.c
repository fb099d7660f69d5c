/* Rule files from anywhere: refused, or a rule that decides, packs, reads back and packs the same. */
#include <stdlib.h>
#include <string.h>

#include "midstream/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const uint8_t *mid_fuzz_seed(size_t *n);

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const double score[] = { -3, 0, 1, 1e300 };
    const mid_rule_subject subject = { "entropy_mean", "1", "", "" };
    mid_rule_file *file = NULL, *again = NULL;
    void *packed = NULL, *twice = NULL;
    size_t n_packed, n_twice, i;
    const char *value;

    if (mid_rule_file_unpack(NULL, bytes, n, &file) != MID_OK)
        return 0;
    for (i = 0; i < mid_rule_file_n(file); i++) {
        const mid_rule *rule = mid_rule_file_at(file, i, &value);
        must(mid_rule_alarm(rule, score, 4) <= 4 && strlen(rule->promise) < MID_PROMISE_BYTES);
        must(mid_rule_file_find(file, value) == rule);
    }
    (void)mid_rule_file_check(NULL, file, &subject);
    must(mid_rule_file_pack(NULL, file, &packed, &n_packed) == MID_OK);
    must(mid_rule_file_unpack(NULL, packed, n_packed, &again) == MID_OK);
    must(mid_rule_file_pack(NULL, again, &twice, &n_twice) == MID_OK);
    must(n_packed == n_twice && memcmp(packed, twice, n_packed) == 0);
    mid_free(packed);
    mid_free(twice);
    mid_rule_file_close(file);
    mid_rule_file_close(again);
    return 0;
}

const uint8_t *mid_fuzz_seed(size_t *n)
{
    static uint8_t seed[4096];
    static const double extreme[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const uint8_t label[] = { 0, 0, 0, 0, 1, 1, 1, 1 };
    static const uint32_t group[] = { 0, 1, 2, 3, 4, 5, 6, 7 }, by_of[] = { 0, 1, 0, 1, 0, 1, 0, 1 };
    static const char *const value[] = { "de", "en" };
    static const mid_param params[] = { { "false_alarm", 0.5, NULL, NULL }, { NULL, 0, NULL, NULL } };
    static const mid_rule_subject subject = { "entropy_mean", "1", "abc", "" };
    const mid_rule_set set = { .n = 8, .extreme = extreme, .label = label, .group = group };
    mid_rule_file_opts opts = mid_rule_file_opts_default();
    mid_rule_file *file = NULL;
    void *packed = NULL;

    opts.rule = "crc";
    opts.params = params;
    opts.subject = &subject;
    opts.by = "lang";
    opts.by_value = value;
    opts.n_by = 2;
    opts.by_of = by_of;
    must(mid_rule_file_fit(NULL, &opts, &set, &file) == MID_OK);
    must(mid_rule_file_pack(NULL, file, &packed, n) == MID_OK && *n <= sizeof seed);
    memcpy(seed, packed, *n);
    mid_free(packed);
    mid_rule_file_close(file);
    return seed;
}
