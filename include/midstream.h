/* midstream: judge a language model's answer while it is being generated.
 * This header is the whole public API; it pulls in one header per noun.
 *
 *   sample   -> source -> step, trace -> monitor -> rule -> metric -> run, report
 *   (data)      (tokens)  (signals)      (scores)   (alarm)
 *
 * Conventions that hold everywhere:
 *  - what can fail returns mid_status: 0 is fine, negatives are failures; the sentence for a person is
 *    mid_ctx_message(ctx). After a failure every argument is as it was before, unless an entry says else.
 *  - higher score = more unsafe; alarm when score >= threshold.
 *  - "owned": you close it. "borrowed": the callee (or you) may look at it, for the call unless said else.
 *    "given": the callee takes it. Closing NULL is fine.
 *  - an object is used by one thread at a time; a mid_monitor is immutable and may be shared.
 *  - option structs: start from X_default(); a zero field means its default. */
#ifndef MIDSTREAM_H
#define MIDSTREAM_H

#include "midstream/base.h"
#include "midstream/sample.h"
#include "midstream/trace.h"
#include "midstream/judge.h"
#include "midstream/source.h"
#include "midstream/weights.h"
#include "midstream/monitor.h"
#include "midstream/plugin.h"
#include "midstream/aggregator.h"
#include "midstream/label.h"
#include "midstream/rule.h"
#include "midstream/drift.h"
#include "midstream/holdback.h"
#include "midstream/metric.h"
#include "midstream/store.h"
#include "midstream/exchange.h"
#include "midstream/plan.h"
#include "midstream/run.h"
#include "midstream/report.h"
#include "midstream/submission.h"
#include "midstream/guard.h"

#endif
