/* The label that comes with the record, for its recorded answer. */
#include "label/labeler.h"
#include "label/recorded.h"

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    (void)ctx; (void)self;
    if (!mid__is_recorded(sample, text, n))
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
