/* The label that comes with the record. It was given to the recorded answer, so it says nothing about another one: a
 * text that is not the response, or the first part of it where a run cuts answers short, is not judged. */
#include "label/labeler.h"

#include <string.h>

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    (void)ctx; (void)self;
    if (!sample->response || n > strlen(sample->response) || (n && memcmp(sample->response, text, n) != 0))
        return MID_OK;
    label->unsafe = sample->label;
    if (sample->label == 1 && sample->onset_byte < (int64_t)n)
        label->onset_byte = sample->onset_byte;
    return MID_OK;
}

const mid__labeler_ops mid__labeler_data = {
    .info = {
        .name = "data", .summary = "the label that comes with the record, for its recorded answer",
        .source = "the dataset's card", .who = "record",    /* its label_source says human, rule or model */
    },
    .judge = judge,
};
