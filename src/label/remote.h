/* What the labelers share that ask a service or a judge model. A reply that is no verdict leaves the answer unlabelled,
 * with one line in the log that says why, and the work goes on. */
#ifndef MID_LABEL_REMOTE_H
#define MID_LABEL_REMOTE_H

#include "yyjson.h"

#include "label/labeler.h"
#include "source/http.h"

/* What comes of asking, counted; shared by threads. */
typedef struct mid__asking mid__asking;
mid__asking *mid__asking_open(void);                /* NULL: no memory */
void mid__asking_close(mid__asking *asking);
/* Is it not worth asking any more? Then one more answer is left unlabelled. A service that refuses us, or 5 failures in a
 * row, end the asking. */
bool mid__asking_over(mid__asking *asking);
/* A failure, of which the context's message tells: log that the sample is left unlabelled, and why. */
void mid__asking_failed(mid_ctx *ctx, mid__asking *asking, const char *labeler, const mid_sample *sample, bool refused);
void mid__asking_heard(mid__asking *asking, bool unparsable, bool swayed);
void mid__asking_count(mid__asking *asking, mid_labeler_counts *out);

/* A service, asked about one answer at a time. */
typedef struct mid__remote mid__remote;
/* name: the labeler's. An empty url is MID_EINVAL, with example in the message; all else as for mid__http_open(). */
mid_status mid__remote_open(mid_ctx *ctx, const char *name, const char *url, const char *example,
                            const mid__http_opts *opts, mid__remote **out);
void mid__remote_close(mid__remote *remote);
void mid__remote_count(const mid__remote *remote, mid_labeler_counts *out);

/* Read a verdict into label; NULL: done, else what the reply lacks, static. */
typedef const char *(*mid__verdict_fn)(const void *self, yyjson_val *reply, const char *text, size_t n,
                                       mid_label *label);
/* Send request (given; NULL: no memory) and have the reply read. MID_ENOMEM; all else is MID_OK. */
mid_status mid__remote_judge(mid_ctx *ctx, mid__remote *remote, yyjson_mut_doc *request, const mid_sample *sample,
                             const char *text, size_t n, mid__verdict_fn verdict, const void *self, mid_label *label);

/* A text for a request: what is not UTF-8 becomes U+FFFD. False: no memory. */
bool mid__remote_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text, size_t n);

#endif
