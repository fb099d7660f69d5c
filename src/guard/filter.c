/* The filter.
 *
 *   bytes -> sse: events -> strict: JSON -> framing: spans -> lanes: judged -> queue -> out
 *
 * Every event waits in a queue until the texts in it may leave, and then leaves as it came. Events of one choice keep
 * their order; a choice that waits makes no other wait. When a choice is stopped, its lanes free nothing more: its
 * waiting events leave with what their texts still may say, cut within one if need be (that is the only time an event
 * is written anew), and behind them the events that end the choice. An event whose text is all gone does not leave.
 * A fault of the upstream is the same with an error instead of an end: we never end an answer that did not. */
#include "guard/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/sse.h"
#include "guard/strict.h"

enum { LANE_MAX = 1024 };

/* A text in a waiting event. */
struct part { uint32_t i_lane; uint32_t n; uint64_t end; };

/* A waiting event. */
struct held {
    struct held *next;
    uint64_t choices[MID__CHOICE_MAX / 64];     /* that it speaks of, a bit each; none: it waits for all before it */
    uint64_t ends[MID__CHOICE_MAX / 64];        /* of those, the ones that it says are over */
    bool ours;                      /* data is written as it leaves, with its line ends */
    size_t n, n_part;
    char *data;                     /* (n) in this block, behind the parts */
    struct part part[];             /* (n_part) in the order of the framing's spans */
};

enum choice_state { CHOICE_NEW, CHOICE_OPEN, CHOICE_FINISHED, CHOICE_STOPPED };

struct mid__filter {
    mid_ctx *ctx;
    mid__filter_opts opts;
    mid__sse sse;
    mid__ids ids;
    mid__view view;
    mid__lane **lane;               /* (n_lane) */
    size_t n_lane, cap_lane;
    struct held *first, **last;
    size_t n_held;
    uint8_t choice[MID__CHOICE_MAX];            /* enum choice_state */
    uint64_t n_delta;
    bool whole;                     /* a body, not events */
    mid__outcome outcome;
    char trouble[240];
    mid__buf *out;                  /* of the call under way */
};

const char *mid__outcome_name(mid__outcome outcome)
{
    static const char *const name[] = { "open", "complete", "truncated", "upstream_error", "malformed", "unscanned" };

    return name[outcome];
}

const char *mid__found_name(mid__found found)
{
    static const char *const name[] = { "pass", "unscanned", "alarm", "stop" };

    return name[found];
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

mid_status mid__filter_open(mid_ctx *ctx, const mid__filter_opts *opts, mid__filter **out)
{
    mid__filter *f = calloc(1, sizeof *f);

    if (!f)
        return mid__oom(ctx, "an answer");
    f->ctx = ctx;
    f->opts = *opts;
    f->last = &f->first;
    mid__sse_init(&f->sse);
    *out = f;
    return MID_OK;
}

void mid__filter_close(mid__filter *f)
{
    struct held *e;
    size_t i;

    if (!f)
        return;
    while ((e = f->first)) {
        f->first = e->next;
        free(e);
    }
    for (i = 0; i < f->n_lane; i++)
        mid__lane_close(f->lane[i]);
    free(f->lane);
    mid__sse_clear(&f->sse);
    free(f);
}

/* ---- lanes ------------------------------------------------------------------------------------------------------- */

static bool observes(const mid__filter *f) { return f->opts.policy->mode == MID__MODE_OBSERVE; }

static bool is_in(const mid__filter *f, uint32_t i_choice, enum choice_state state)
{
    return i_choice != MID__NO_CHOICE && f->choice[i_choice] == state;
}

static mid_status find_lane(mid__filter *f, const mid__span *span, uint32_t *i_lane)
{
    mid__lane **more;
    mid_status status;
    size_t i;

    for (i = f->n_lane; i-- > 0; ) {
        const mid__lane *lane = f->lane[i];
        if (lane->i_choice == span->i_choice && lane->channel == span->channel && lane->i_call == span->i_call) {
            *i_lane = (uint32_t)i;
            return MID_OK;
        }
    }
    if (f->n_lane == LANE_MAX)
        return mid__fail(f->ctx, MID_ELIMIT, "an answer in more than %d parts", LANE_MAX);
    if (f->n_lane == f->cap_lane) {
        f->cap_lane = f->cap_lane ? 2 * f->cap_lane : 4;
        more = realloc(f->lane, f->cap_lane * sizeof(*f->lane));
        if (!more)
            return mid__oom(f->ctx, "an answer");
        f->lane = more;
    }
    status = mid__lane_open(f->ctx, f->opts.policy, span, f->opts.overload, &f->lane[f->n_lane]);
    if (status != MID_OK)
        return status;
    if (is_in(f, span->i_choice, CHOICE_STOPPED))
        mid__lane_stop(f->lane[f->n_lane]);
    *i_lane = (uint32_t)f->n_lane++;
    return MID_OK;
}

/* ---- what leaves ------------------------------------------------------------------------------------------------- */

static void put_event(mid__filter *f, const char *data, size_t n)
{
    mid__buf_text(f->out, "data: ");
    mid__buf_put(f->out, data, n);
    mid__buf_text(f->out, "\n\n");
}

/* Bytes of a part that may be seen. */
static size_t shown(const mid__filter *f, const struct part *p)
{
    const mid__lane *lane = f->lane[p->i_lane];
    const uint64_t begin = p->end - p->n;

    return lane->n_free >= p->end ? p->n : lane->n_free > begin ? (size_t)(lane->n_free - begin) : 0;
}

static bool may_leave(const mid__filter *f, const struct held *e)
{
    size_t i;

    if (observes(f))
        return true;
    for (i = 0; i < e->n_part; i++)
        if (f->lane[e->part[i].i_lane]->n_free < e->part[i].end && f->lane[e->part[i].i_lane]->state == MID__LANE_OPEN)
            return false;
    return true;
}

/* Cut the texts of an event's JSON to what may be seen. @return is there anything left to be told? */
static bool cut_texts(mid__filter *f, const struct part *part, mid__view *view)
{
    bool left = false;
    uint32_t i;

    for (i = 0; i < view->n_span; i++) {
        const size_t n = shown(f, &part[i]);
        left |= n > 0;
        yyjson_set_strn(view->span[i].value, yyjson_get_str(view->span[i].value), n);
    }
    for (i = 0; i < view->n_ending; i++) {
        const mid__ending *ending = &view->ending[i];
        const bool over = is_in(f, ending->i_choice, CHOICE_FINISHED);
        left |= over && ending->finish;
        if (!over && ending->finish)
            yyjson_set_null(ending->finish);
        if (ending->beside && !mid__strict_drop_text(ending->beside))
            return false;
    }
    return left;
}

static void leave_cut(mid__filter *f, const struct held *e)
{
    mid__view *view = &f->view;
    yyjson_doc *doc = NULL;
    bool mended;
    char *text = NULL;
    size_t n;

    if (mid__strict_read(f->ctx, e->data, e->n, &doc, &mended) == MID_OK &&
        f->opts.framing->read(f->ctx, yyjson_doc_get_root(doc), false, view) == MID_OK && view->n_span == e->n_part &&
        cut_texts(f, e->part, view))
        text = yyjson_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n);
    if (text)
        put_event(f, text, n);
    free(text);
    yyjson_doc_free(doc);
}

/* Does it say more than may be said: a text that was not freed, or that a choice is over which is not? */
static bool says_too_much(const mid__filter *f, const struct held *e)
{
    size_t i;

    for (i = 0; i < e->n_part; i++)
        if (shown(f, &e->part[i]) < e->part[i].n)
            return true;
    for (i = 0; i < f->opts.n_choice; i++)
        if ((e->ends[i / 64] >> i % 64 & 1) && f->choice[i] != CHOICE_FINISHED)
            return true;
    return false;
}

static void leave(mid__filter *f, const struct held *e)
{
    if (!observes(f) && says_too_much(f, e))
        leave_cut(f, e);
    else if (e->ours)
        mid__buf_put(f->out, e->data, e->n);
    else
        put_event(f, e->data, e->n);
}

/* Let go what may go: of each choice in its order, of no choice only behind all that is before it. */
static void release(mid__filter *f)
{
    uint64_t waits[MID__CHOICE_MAX / 64] = { 0 };
    struct held **at = &f->first, *e;

    while ((e = *at)) {
        const bool of_none = !(e->choices[0] | e->choices[1]);
        const bool behind = of_none ? (waits[0] | waits[1]) != 0
                            : ((waits[0] & e->choices[0]) | (waits[1] & e->choices[1])) != 0;
        if (!behind && may_leave(f, e)) {
            leave(f, e);
            *at = e->next;
            f->n_held -= e->n;
            free(e);
            continue;
        }
        waits[0] |= of_none ? UINT64_MAX : e->choices[0];
        waits[1] |= of_none ? UINT64_MAX : e->choices[1];
        at = &e->next;
    }
    f->last = at;
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

/* The answer ends here with an error; what was freed by then still leaves. */
static void end_badly(mid__filter *f, mid__outcome outcome, const char *code, const char *why)
{
    size_t i;

    snprintf(f->trouble, sizeof f->trouble, "%s", why);
    for (i = 0; i < f->n_lane; i++)
        mid__lane_stop(f->lane[i]);
    release(f);
    mid__buf_text(f->out, f->whole ? "" : "data: ");
    mid__framing_put_error(f->out, why, outcome == MID__OUTCOME_UNSCANNED ? "guard_error" : "upstream_error", code);
    mid__buf_text(f->out, f->whole ? "" : "\n\n");
    f->outcome = outcome;
}

/* Something failed that is told in the context. */
static void end_failed(mid__filter *f, mid_status status)
{
    char why[240];

    snprintf(why, sizeof why, "%s", mid_ctx_message(f->ctx));
    if (status == MID_ENOMEM)
        end_badly(f, MID__OUTCOME_UNSCANNED, "guard_out_of_memory", why);
    else
        end_badly(f, MID__OUTCOME_MALFORMED, status == MID_ELIMIT ? "upstream_too_large" : "upstream_malformed", why);
}

/* Put an event of n bytes behind those that wait. */
static mid_status hold(mid__filter *f, const char *data, size_t n, size_t n_part, struct held **out)
{
    struct held *e;

    if (n > f->opts.limit_bytes - f->n_held)
        return mid__fail(f->ctx, MID_ELIMIT, "more than %zu bytes of an answer would wait", f->opts.limit_bytes);
    e = calloc(1, sizeof *e + n_part * sizeof *e->part + n + 1);
    if (!e)
        return mid__oom(f->ctx, "an event");
    e->data = (char *)&e->part[n_part];
    e->n_part = n_part;
    e->n = n;
    memcpy(e->data, data, n);
    *f->last = e;
    f->last = &e->next;
    f->n_held += n;
    *out = e;
    return MID_OK;
}

static void set_bit(uint64_t bits[MID__CHOICE_MAX / 64], uint32_t i) { bits[i / 64] |= 1ull << i % 64; }

static bool all_over(const mid__filter *f)
{
    uint32_t i;

    for (i = 0; i < f->opts.n_choice; i++)
        if (f->choice[i] < CHOICE_FINISHED)
            return false;
    return true;
}

/* All choices are over, and one was stopped: what the upstream goes on to say is not wanted, and we end the answer. */
static void end_stopped(mid__filter *f)
{
    release(f);
    if (f->opts.usage)
        f->opts.framing->put_usage(&f->ids, f->n_delta, f->out);
    f->opts.framing->put_end(f->out);
    f->outcome = MID__OUTCOME_COMPLETE;
}

/* An alarm: the choice ends behind what its lanes have freed. */
static mid_status stop_choice(mid__filter *f, uint32_t i_choice)
{
    const mid__policy *policy = f->opts.policy;
    const mid__framing *framing = f->opts.framing;
    const mid__stop stop = { i_choice, policy->say,
                             policy->mode == MID__MODE_REDACT ? framing->stopped : framing->content_filter };
    mid__buf text = { 0 };
    struct held *e;
    mid_status status;
    size_t i;

    for (i = 0; i < f->n_lane; i++)
        if (f->lane[i]->i_choice == i_choice)
            mid__lane_stop(f->lane[i]);
    f->choice[i_choice] = CHOICE_STOPPED;
    if (f->whole)
        return MID_OK;
    framing->put_stop(&f->ids, &stop, &text);
    status = text.failed ? mid__oom(f->ctx, "an event") : hold(f, text.at, text.n, 0, &e);
    mid__buf_clear(&text);
    if (status != MID_OK)
        return status;
    e->ours = true;
    set_bit(e->choices, i_choice);
    return MID_OK;
}

/* What a lane's state means for its choice. */
static mid_status heed(mid__filter *f, const mid__lane *lane)
{
    const bool of_choice = lane->i_choice != MID__NO_CHOICE;

    if (lane->state == MID__LANE_UNSCANNED)
        end_badly(f, MID__OUTCOME_UNSCANNED, "guard_cannot_scan", "the answer could not be judged and is withheld");
    else if (lane->state == MID__LANE_STOPPED && of_choice && !is_in(f, lane->i_choice, CHOICE_STOPPED))
        return stop_choice(f, lane->i_choice);
    return MID_OK;
}

/* A choice has said all: its last pieces are judged, and the verdict is there. */
static mid_status finish_choice(mid__filter *f, uint32_t i_choice)
{
    mid_status status = MID_OK;
    size_t i;

    for (i = 0; i < f->n_lane && status == MID_OK && f->outcome == MID__OUTCOME_OPEN; i++)
        if (f->lane[i]->i_choice == i_choice) {
            mid__lane_end(f->lane[i]);
            status = heed(f, f->lane[i]);
        }
    if (f->outcome == MID__OUTCOME_OPEN && is_in(f, i_choice, CHOICE_OPEN))
        f->choice[i_choice] = CHOICE_FINISHED;
    return status;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static mid_status check_choice(mid__filter *f, uint32_t i_choice)
{
    if (i_choice >= f->opts.n_choice)
        return mid__fail(f->ctx, MID_EFORMAT, "choice %u of an answer that has %u", i_choice, f->opts.n_choice);
    if (f->choice[i_choice] == CHOICE_NEW)
        f->choice[i_choice] = CHOICE_OPEN;
    return MID_OK;
}

/* The lanes of the event's texts. Nothing is judged yet, so nothing of a text may leave: its end is out of reach. */
static mid_status find_parts(mid__filter *f, struct part *part)
{
    const mid__view *view = &f->view;
    mid_status status = MID_OK;
    uint32_t i;

    for (i = 0; i < view->n_span && status == MID_OK; i++) {
        const mid__span *span = &view->span[i];
        if (is_in(f, span->i_choice, CHOICE_FINISHED))
            return mid__fail(f->ctx, MID_EFORMAT, "more text of choice %u behind its end", span->i_choice);
        part[i].n = (uint32_t)yyjson_get_len(span->value);
        part[i].end = UINT64_MAX;
        status = find_lane(f, span, &part[i].i_lane);
    }
    return status;
}

/* Give the texts to their lanes, in the order in which they stand. What holds them waits already, so what a stop adds
 * comes behind it. */
static mid_status judge_texts(mid__filter *f, struct part *part)
{
    const mid__view *view = &f->view;
    mid_status status = MID_OK;
    uint32_t i;

    for (i = 0; status == MID_OK && f->outcome == MID__OUTCOME_OPEN && i < view->n_span; i++) {
        mid__lane *lane = f->lane[part[i].i_lane];
        part[i].end = lane->n_byte + part[i].n;
        mid__lane_put(lane, yyjson_get_str(view->span[i].value), part[i].n);
        status = heed(f, lane);
    }
    return status;
}

/* Put an event into the queue as it would leave whole: as it came, unless something in it had to be taken out. */
static mid_status hold_event(mid__filter *f, yyjson_doc *doc, const char *data, size_t n, bool mended, struct held **e)
{
    const mid__view *view = &f->view;
    const bool anew = (mended || view->changed) && !observes(f);
    char *text = anew ? yyjson_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n) : NULL;
    char *line;
    struct part part[MID__SPAN_MAX];
    mid_status status = !anew || text ? find_parts(f, part) : mid__oom(f->ctx, "an event");
    uint32_t i;

    if (status == MID_OK)
        status = hold(f, text ? text : data, n, view->n_span, e);
    free(text);
    if (status != MID_OK)
        return status;
    for (; (line = memchr((*e)->data, '\n', (*e)->n)); *line = ' ')
        ;                                   /* several lines of data: between two tokens of JSON a blank will do */
    memcpy((*e)->part, part, view->n_span * sizeof *part);
    for (i = 0; i < view->n_ending; i++) {
        set_bit((*e)->choices, view->ending[i].i_choice);
        if (view->ending[i].finish)
            set_bit((*e)->ends, view->ending[i].i_choice);
    }
    return MID_OK;
}

/* The server gives up. Its words are read like any other text. */
static mid_status end_in_error(mid__filter *f, struct held *e)
{
    mid_status status = judge_texts(f, e->part);
    bool safe = status == MID_OK;
    size_t i;

    if (safe)
        status = finish_choice(f, MID__NO_CHOICE);
    for (i = 0; i < f->n_lane; i++) {
        safe &= f->lane[i]->i_choice != MID__NO_CHOICE || f->lane[i]->state == MID__LANE_ENDED;
        mid__lane_stop(f->lane[i]);
    }
    if (status != MID_OK || f->outcome != MID__OUTCOME_OPEN)
        return status;
    if (!safe && !observes(f)) {
        end_badly(f, MID__OUTCOME_ERROR, "upstream_failed", "the upstream failed; its message is withheld");
        return MID_OK;
    }
    release(f);
    snprintf(f->trouble, sizeof f->trouble, "the upstream sent an error");
    f->outcome = MID__OUTCOME_ERROR;
    return MID_OK;
}

static mid_status take_json(mid__filter *f, const char *data, size_t n)
{
    mid__view *view = &f->view;
    yyjson_doc *doc = NULL;
    struct held *e = NULL;
    bool mended;
    uint32_t i;
    mid_status status = mid__strict_read(f->ctx, data, n, &doc, &mended);

    if (status == MID_OK)
        status = f->opts.framing->read(f->ctx, yyjson_doc_get_root(doc), false, view);
    for (i = 0; status == MID_OK && i < view->n_ending; i++)
        status = check_choice(f, view->ending[i].i_choice);
    if (status == MID_OK)
        status = hold_event(f, doc, data, n, mended, &e);
    if (status == MID_OK && view->is_error) {
        status = end_in_error(f, e);
    } else if (status == MID_OK) {
        if (!f->ids.id[0])
            f->opts.framing->note_ids(yyjson_doc_get_root(doc), &f->ids);
        f->n_delta += view->n_span > 0;
        status = judge_texts(f, e->part);
        for (i = 0; status == MID_OK && f->outcome == MID__OUTCOME_OPEN && i < view->n_ending; i++)
            if (view->ending[i].finish && is_in(f, view->ending[i].i_choice, CHOICE_OPEN))
                status = finish_choice(f, view->ending[i].i_choice);
    }
    yyjson_doc_free(doc);
    return status;
}

/* The stream says that it is over: choices that did not say so are over too. */
static mid_status take_end(mid__filter *f)
{
    mid_status status = MID_OK;
    uint32_t i;

    for (i = 0; i < f->opts.n_choice && status == MID_OK && f->outcome == MID__OUTCOME_OPEN; i++)
        if (f->choice[i] == CHOICE_OPEN)
            status = finish_choice(f, i);
    if (status != MID_OK || f->outcome != MID__OUTCOME_OPEN)
        return status;
    release(f);
    f->opts.framing->put_end(f->out);
    f->outcome = MID__OUTCOME_COMPLETE;
    return MID_OK;
}

static bool any_stopped(const mid__filter *f)
{
    return memchr(f->choice, CHOICE_STOPPED, f->opts.n_choice) != NULL;
}

static bool take_event(void *user, const char *data, size_t n)
{
    mid__filter *f = user;
    const mid_status status = f->opts.framing->is_end(data, n) ? take_end(f) : take_json(f, data, n);

    if (f->outcome == MID__OUTCOME_OPEN && status != MID_OK)
        end_failed(f, status);
    else if (f->outcome == MID__OUTCOME_OPEN && all_over(f) && any_stopped(f))
        end_stopped(f);
    else if (f->outcome == MID__OUTCOME_OPEN)
        release(f);
    return f->outcome == MID__OUTCOME_OPEN;
}

mid__outcome mid__filter_events(mid__filter *f, const char *bytes, size_t n, mid__buf *out)
{
    const uint32_t n_comment = f->sse.n_comment;
    mid_status status;

    if (f->outcome != MID__OUTCOME_OPEN)
        return f->outcome;
    f->out = out;
    status = mid__sse_push(f->ctx, &f->sse, bytes, n, take_event, f);
    if (status != MID_OK && status != MID_ECANCEL)
        end_failed(f, status);
    if (f->outcome == MID__OUTCOME_OPEN && f->sse.n_comment != n_comment)
        mid__buf_text(out, ":\n\n");        /* a sign of life; its words, if any, stay here */
    return f->outcome;
}

mid__outcome mid__filter_end(mid__filter *f, mid__buf *out)
{
    if (f->outcome != MID__OUTCOME_OPEN)
        return f->outcome;
    f->out = out;
    if (all_over(f)) {                      /* each choice said why it ended: nothing is missing but a remark */
        release(f);
        f->outcome = MID__OUTCOME_COMPLETE;
    } else {
        end_badly(f, MID__OUTCOME_TRUNCATED, "upstream_truncated",
                  "the upstream broke off in the middle of the answer");
    }
    return f->outcome;
}

/* ---- whole bodies ------------------------------------------------------------------------------------------------ */

/* A body is one event in which every choice ends; what may be seen of it is seen when all of it was judged. */
static mid_status judge_body(mid__filter *f, struct part *part)
{
    mid_status status = judge_texts(f, part);
    uint32_t i;

    for (i = 0; status == MID_OK && f->outcome == MID__OUTCOME_OPEN && i < f->view.n_ending; i++)
        if (is_in(f, f->view.ending[i].i_choice, CHOICE_OPEN))
            status = finish_choice(f, f->view.ending[i].i_choice);
    if (status == MID_OK && f->outcome == MID__OUTCOME_OPEN)
        status = finish_choice(f, MID__NO_CHOICE);
    return status;
}

/* Cut the stopped choices' texts and say why they end. last: (n_ending) room for last words, empty. */
static bool cut_body(mid__filter *f, const struct part *part, mid__buf *last)
{
    const mid__policy *policy = f->opts.policy;
    const mid__framing *framing = f->opts.framing;
    const char *why = policy->mode == MID__MODE_REDACT ? framing->stopped : framing->content_filter;
    bool cut = false;
    uint32_t i;

    for (i = 0; i < f->view.n_span; i++)
        if (shown(f, &part[i]) < part[i].n) {
            yyjson_set_strn(f->view.span[i].value, yyjson_get_str(f->view.span[i].value), shown(f, &part[i]));
            cut = true;
        }
    for (i = 0; i < f->view.n_ending; i++) {
        const mid__ending *ending = &f->view.ending[i];
        if (!is_in(f, ending->i_choice, CHOICE_STOPPED))
            continue;
        if (ending->content && policy->say[0]) {
            mid__buf_put(&last[i], yyjson_get_str(ending->content), yyjson_get_len(ending->content));
            if (mid__buf_text(&last[i], policy->say))
                yyjson_set_strn(ending->content, last[i].at, last[i].n);
        }
        if (ending->finish)
            yyjson_set_str(ending->finish, why);
        if (ending->beside)
            mid__strict_drop_text(ending->beside);
        cut = true;
    }
    return cut;
}

static mid_status write_body(mid__filter *f, yyjson_doc *doc, const struct part *part, bool mended, const char *body,
                             size_t n)
{
    mid__buf last[MID__SPAN_MAX] = { { 0 } };
    const bool cut = !observes(f) && cut_body(f, part, last);
    char *text = NULL;
    uint32_t i;

    if (cut || ((mended || f->view.changed) && !observes(f))) {
        text = yyjson_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n);
        body = text;
    }
    if (body)
        mid__buf_put(f->out, body, n);
    free(text);
    for (i = 0; i < f->view.n_ending; i++)
        mid__buf_clear(&last[i]);
    return body ? MID_OK : mid__oom(f->ctx, "a body");
}

static mid_status take_body(mid__filter *f, const char *body, size_t n)
{
    struct part part[MID__SPAN_MAX];
    yyjson_doc *doc = NULL;
    bool mended;
    uint32_t i;
    mid_status status = mid__strict_read(f->ctx, body, n, &doc, &mended);

    if (status == MID_OK)
        status = f->opts.framing->read(f->ctx, yyjson_doc_get_root(doc), true, &f->view);
    for (i = 0; status == MID_OK && i < f->view.n_ending; i++)
        status = check_choice(f, f->view.ending[i].i_choice);
    if (status == MID_OK)
        status = find_parts(f, part);
    if (status == MID_OK)
        status = judge_body(f, part);
    if (status == MID_OK && f->outcome == MID__OUTCOME_OPEN)
        status = write_body(f, doc, part, mended, body, n);
    if (status == MID_OK && f->outcome == MID__OUTCOME_OPEN)
        f->outcome = f->view.is_error ? MID__OUTCOME_ERROR : MID__OUTCOME_COMPLETE;
    yyjson_doc_free(doc);
    return status;
}

mid__outcome mid__filter_body(mid__filter *f, const char *body, size_t n, mid__buf *out)
{
    mid_status status;

    f->out = out;
    f->whole = true;
    status = take_body(f, body, n);
    if (status != MID_OK && f->outcome == MID__OUTCOME_OPEN)
        end_failed(f, status);
    return f->outcome;
}

/* ---- what was found ---------------------------------------------------------------------------------------------- */

mid__found mid__filter_found(const mid__filter *f)
{
    mid__found found = MID__FOUND_PASS;
    size_t i;

    for (i = 0; i < f->n_lane; i++) {
        const mid__lane *lane = f->lane[i];
        const mid__found here = lane->alarm ? observes(f) ? MID__FOUND_ALARM : MID__FOUND_STOP
                                : lane->unscanned ? MID__FOUND_UNSCANNED : MID__FOUND_PASS;
        found = here > found ? here : found;
    }
    return found;
}

const char *mid__filter_trouble(const mid__filter *f) { return f->trouble; }
size_t mid__filter_n_lane(const mid__filter *f) { return f->n_lane; }
const mid__lane *mid__filter_lane(const mid__filter *f, size_t i) { return f->lane[i]; }
uint64_t mid__filter_n_delta(const mid__filter *f) { return f->n_delta; }
size_t mid__filter_n_held(const mid__filter *f) { return f->n_held; }
