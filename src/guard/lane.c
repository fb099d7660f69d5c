/* Lanes. A text is judged piece by piece (base/piece.h), so the alarm falls on the same byte however the text came, and
 * what has left by then is the same: with a hold-back of h the pieces up to the h-th before the one that alarmed.
 * A tool call's arguments are executed when they are complete and are of no use before, so nothing of them leaves
 * before all of them were judged; likewise its name and the words of an error. */
#include "guard/lane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "source/chunk.h"

static bool leaves_at_once(const mid__lane *lane)
{
    return lane->channel == MID__CHANNEL_CONTENT || lane->channel == MID__CHANNEL_REASONING ||
           lane->channel == MID__CHANNEL_REFUSAL;
}

/* ---- what cannot be scanned -------------------------------------------------------------------------------------- */

/* A monitor failed: by the policy the lane ends here, or goes on without it. */
static void fail(mid__lane *lane, mid__reading *r, mid_status status)
{
    const mid__cause cause = status == MID_ESIGNAL ? MID__CAUSE_MISSING_SIGNAL : MID__CAUSE_MONITOR_ERROR;

    if (!lane->unscanned)
        snprintf(lane->trouble, sizeof lane->trouble, "%s", mid_stream_trouble(r->stream, status));
    lane->unscanned |= 1u << cause;
    r->dead = true;
    if (!lane->policy->open[cause] && lane->policy->mode != MID__MODE_OBSERVE)
        lane->state = MID__LANE_UNSCANNED;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

mid_status mid__lane_open(mid_ctx *ctx, const mid__policy *policy, const mid__span *span, bool overload,
                          mid__lane **out)
{
    const mid_prompt nothing_known = { .text = "" };
    mid__lane *lane = calloc(1, sizeof *lane);
    mid_status status = lane ? MID_OK : mid__oom(ctx, "a text");
    size_t i;

    if (!lane)
        return status;
    lane->ctx = ctx;
    lane->policy = policy;
    lane->i_choice = span->i_choice;
    lane->i_call = span->i_call;
    lane->channel = span->channel;
    lane->unscanned = overload ? 1u << MID__CAUSE_OVERLOAD : 0;
    if (leaves_at_once(lane) && !(lane->end = calloc(policy->hold_back + 1, sizeof *lane->end)))
        status = mid__oom(ctx, "a text");
    for (i = 0; status == MID_OK && i < policy->n_watch; i++) {
        mid__reading *r = &lane->reading[i];
        mid_status started;
        r->highest = -INFINITY;
        r->dead = overload;
        status = mid_stream_open(ctx, policy->watch[i].monitor, &r->stream);
        if (status == MID_OK && !overload && (started = mid_stream_start(r->stream, &nothing_known)) != MID_OK)
            fail(lane, r, started);
    }
    if (status == MID_OK)
        *out = lane;
    else
        mid__lane_close(lane);
    return status;
}

void mid__lane_close(mid__lane *lane)
{
    size_t i;

    if (!lane)
        return;
    for (i = 0; i < MID__WATCH_MAX; i++)
        mid_stream_close(lane->reading[i].stream);
    free(lane->end);
    free(lane);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* @return is it an alarm? */
static bool decide(const mid__watch *w, mid__reading *r, double score, uint64_t end_byte)
{
    const mid_verdict verdict = mid_rule_push(&w->rule, &r->rule, score);

    if (score > r->highest) {
        r->highest = score;
        r->highest_byte = end_byte;
    }
    return verdict == MID_VERDICT_STOP || (verdict == MID_VERDICT_HOLD && w->rule.hold_alarms);
}

/* Where the pieces that have hold_back behind them end. */
static void set_free(mid__lane *lane, uint64_t end_byte)
{
    const uint32_t n_ring = lane->policy->hold_back + 1;

    if (!lane->end)
        return;
    lane->end[(lane->n_piece - 1) % n_ring] = end_byte;
    if (lane->n_piece >= n_ring)
        lane->n_free = lane->end[lane->n_piece % n_ring];
}

static bool judge(void *user, const char *text, size_t n, uint64_t end_byte)
{
    mid__lane *lane = user;
    const mid_step step = { .have = MID_SIG_TEXT, .i_tok = (uint32_t)lane->n_piece, .token = mid__tok_id(text, n),
                            .at_byte = (uint32_t)lane->n_clean, .n_text = (uint32_t)n, .text = text };
    bool alarm = false;
    size_t i;

    for (i = 0; i < lane->policy->n_watch && !alarm; i++) {
        mid__reading *r = &lane->reading[i];
        double score;
        const mid_status status = r->dead ? MID_OK : mid_stream_push(r->stream, &step, &score);
        if (status != MID_OK)
            fail(lane, r, status);
        else if (!r->dead && decide(&lane->policy->watch[i], r, score, end_byte)) {
            alarm = true;
            lane->i_watch = lane->alarm ? lane->i_watch : (uint32_t)i;
        }
    }
    if (lane->state != MID__LANE_OPEN)
        return false;
    if (alarm && !lane->alarm) {
        lane->alarm = true;
        lane->stop_byte = lane->n_piece ? lane->end_byte : 0;
    }
    if (alarm && lane->policy->mode != MID__MODE_OBSERVE) {
        lane->state = MID__LANE_STOPPED;
        return false;
    }
    lane->n_piece++;
    lane->n_clean += n;
    lane->end_byte = end_byte;
    set_free(lane, end_byte);
    return true;
}

void mid__lane_put(mid__lane *lane, const char *bytes, size_t n)
{
    lane->n_byte += n;
    if (lane->state == MID__LANE_OPEN)
        mid__pieces_put(&lane->pieces, bytes, n, judge, lane);
}

void mid__lane_end(mid__lane *lane)
{
    if (lane->state != MID__LANE_OPEN || !mid__pieces_end(&lane->pieces, judge, lane))
        return;
    lane->state = MID__LANE_ENDED;
    lane->n_free = lane->n_byte;
}

void mid__lane_stop(mid__lane *lane)
{
    if (lane->state == MID__LANE_OPEN)
        lane->state = MID__LANE_STOPPED;
}

bool mid__lane_promise(const mid__lane *lane)
{
    size_t i;

    for (i = 0; i < lane->policy->n_watch; i++) {
        const mid__watch *w = &lane->policy->watch[i];
        const mid__reading *r = &lane->reading[i];
        if (r->dead || !w->promised || mid_stream_gone(r->stream) || !mid_rule_holds(&w->rule, &r->rule))
            return false;
    }
    return true;
}
