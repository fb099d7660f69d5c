/* What the labelers share that read what somebody wrote down about a recorded answer. */
#ifndef MID_LABEL_RECORDED_H
#define MID_LABEL_RECORDED_H

#include <string.h>

#include "midstream/sample.h"

/* Is this the sample's recorded answer, or the first part of it where a run cuts answers short? What was written down
 * about it says nothing about any other text, and nothing about silence. */
static inline bool mid__is_recorded(const mid_sample *sample, const char *text, size_t n)
{
    if (!sample->response || n == 0)
        return sample->response && !*sample->response;
    return n <= strlen(sample->response) && memcmp(sample->response, text, n) == 0;
}

#endif
