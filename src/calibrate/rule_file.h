/* A rule file in memory. */
#ifndef MID_CALIBRATE_RULE_FILE_H
#define MID_CALIBRATE_RULE_FILE_H

#include "base/buf.h"
#include "midstream/rule.h"

enum { MID__RULE_PARAM_MAX = 12, MID__RULE_TEXT_BYTES = 4096 };    /* of a text with its final zero */

struct mid_rule_file {
    const char *rule;               /* registry name, static */
    mid_param param[MID__RULE_PARAM_MAX + 2];   /* those given, and joint; ends with name NULL */
    mid_rule_subject subject;
    const char *population, *by;    /* by NULL: one rule for all */
    size_t n;
    mid_rule *at;                   /* (n) */
    const char **by_value;          /* (n) NULL where by is */
    mid_rule_extremes extremes;     /* its arrays are the following */
    double *extreme;
    uint8_t *label;
    uint32_t *group, *by_of;
    mid__arena arena;               /* all of the above */
};

/* Room for n rules and n_answer extremes. */
mid_status mid__rule_file_room(mid_ctx *ctx, mid_rule_file *file, size_t n, size_t n_answer);
/* NULL: the registry has none of that name. */
const mid_rule_info *mid__rule_info(const char *name);
const mid_param *mid__rule_param_info(const mid_rule_info *info, const char *name);

/* UTF-8 without control characters, neither ASCII's nor U+0080 .. U+009F: promises get printed on terminals. */
bool mid__rule_text_ok(const char *text, size_t n);

#endif
