/* One line of a dataset made into a sample. */
#ifndef MID_TASK_RECORD_H
#define MID_TASK_RECORD_H

#include "base/buf.h"
#include "base/jsonl.h"
#include "midstream/sample.h"

/* object is the reader's present record. The sample's strings go to text. MID_EFORMAT, MID_ENOMEM. */
mid_status mid__record_read(mid_ctx *ctx, const mid__jsonl *lines, yyjson_val *object, mid__arena *text,
                            mid_sample *out);

#endif
