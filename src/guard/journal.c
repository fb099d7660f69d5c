/* What is written down about an exchange: whom it was about, which policy, what was found where, what was let through.
 * No text of anybody's. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "guard/exchange.h"

static void put_time(mid__buf *out)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    mid__buf_fmt(out, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static void put_text(mid__buf *out, const char *key, const char *text)
{
    mid__buf_fmt(out, ",\"%s\":", key);
    mid__framing_put_text(out, text, strlen(text));
}

/* NaN and infinities: null */
static void put_number(mid__buf *out, const char *key, double x)
{
    if (isfinite(x))
        mid__buf_fmt(out, ",\"%s\":%.6g", key, x);
    else
        mid__buf_fmt(out, ",\"%s\":null", key);
}

static void put_reading(mid__buf *out, const mid__watch *w, const mid__reading *r)
{
    mid__buf_text(out, "{\"monitor\":");
    mid__framing_put_text(out, w->name, strlen(w->name));
    put_text(out, "rule", w->rule.name);
    put_number(out, "threshold", w->rule.threshold);
    put_number(out, "score_max", r->highest);
    mid__buf_fmt(out, ",\"score_max_byte\":%llu,\"failed\":%s}", (unsigned long long)r->highest_byte,
                 r->dead ? "true" : "false");
}

static void put_lane(mid__buf *out, const mid__lane *lane)
{
    const bool observes = lane->policy->mode == MID__MODE_OBSERVE;
    const char *verdict = lane->alarm ? observes ? "alarm" : "stop" : lane->unscanned ? "unscanned" : "pass";
    size_t i;

    mid__buf_text(out, "{");
    if (lane->i_choice != MID__NO_CHOICE)
        mid__buf_fmt(out, "\"choice\":%u,", lane->i_choice);
    mid__buf_fmt(out, "\"channel\":\"%s\",\"verdict\":\"%s\",\"bytes\":%llu,\"released\":%llu,\"pieces\":%llu",
                 mid__channel_name(lane->channel), verdict, (unsigned long long)lane->n_byte,
                 (unsigned long long)(observes ? lane->n_byte : lane->n_free), (unsigned long long)lane->n_piece);
    if (lane->alarm)
        mid__buf_fmt(out, ",\"stop_byte\":%llu,\"stop_by\":%u", (unsigned long long)lane->stop_byte, lane->i_watch);
    if (lane->unscanned)
        put_text(out, "trouble", lane->trouble);
    mid__buf_fmt(out, ",\"promise\":%s,\"monitors\":[", mid__lane_promise(lane) ? "true" : "false");
    for (i = 0; i < lane->policy->n_watch; i++) {
        mid__buf_text(out, i ? "," : "");
        put_reading(out, &lane->policy->watch[i], &lane->reading[i]);
    }
    mid__buf_text(out, "]}");
}

void mid__journal_put(const mid__account *a, mid__buf *out)
{
    const size_t n_lane = a->filter ? mid__filter_n_lane(a->filter) : 0;
    size_t i;

    put_time(out);
    put_text(out, "request_id", a->request_id);
    put_text(out, "path", a->path);
    put_text(out, "model", a->model);
    if (a->policy) {
        put_text(out, "policy", a->policy->name);
        put_text(out, "policy_digest", a->policy->digest);
        put_text(out, "mode", a->policy->mode_name);
    }
    mid__buf_fmt(out, ",\"stream\":%s,\"http\":%d", a->stream ? "true" : "false", a->http);
    put_text(out, "end", a->end);
    if (n_lane)
        put_text(out, "verdict", mid__found_name(mid__filter_found(a->filter)));
    else
        mid__buf_text(out, ",\"verdict\":null");
    if (a->trouble[0])
        put_text(out, "trouble", a->trouble);
    put_number(out, "ms", a->ms);
    put_number(out, "first_ms", a->first_ms < 0 ? NAN : a->first_ms);
    if (a->filter)
        mid__buf_fmt(out, ",\"deltas\":%llu", (unsigned long long)mid__filter_n_delta(a->filter));
    mid__buf_text(out, ",\"texts\":[");
    for (i = 0; i < n_lane; i++) {
        mid__buf_text(out, i ? "," : "");
        put_lane(out, mid__filter_lane(a->filter, i));
    }
    mid__buf_text(out, "]}");
}
