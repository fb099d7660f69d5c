/* answers.json: a few answers of each class, drawn by hashed id, with every monitor's score after every token. Tokens are
 * shown as text, so bytes of a cut UTF-8 sequence wait for the token that completes it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "bench/json.h"
#include "bench/results.h"
#include "midstream/rule.h"

struct pick { uint64_t hash; size_t i; };

static int by_hash(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;

    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void tokens(mid__buf *b, const mid_trace *trace)
{
    const uint32_t n = mid_trace_n_tok(trace);
    const char *text = mid_trace_text(trace, NULL);
    size_t shown = 0;
    uint32_t t;
    mid_step step;

    mid__buf_text(b, ",\"tokens\":[");
    for (t = 0; t < n; t++) {
        size_t end;
        mid_trace_step(trace, t, NULL, &step);
        end = step.at_byte + step.n_text;
        if (t + 1 < n)
            end = shown + mid__utf8_whole(text + shown, end - shown);
        if (t)
            mid__buf_put(b, ",", 1);
        mid__json_bytes(b, text + shown, end - shown);
        shown = end;
    }
    mid__buf_put(b, "]", 1);
}

/* Variants under another name are for the tables; the browser shows each method once. */
static bool is_shown(const mid_plan_monitor *m, const mid__scores *s) { return !m->as && s->defined; }

static void scores_of(mid__buf *b, const mid_plan *plan, const mid__scores *scores, size_t i)
{
    size_t k, t, n = 0;

    mid__buf_text(b, ",\"scores\":{");
    for (k = 0; k < plan->n_monitor; k++) {
        const mid__scores *s = &scores[k];
        if (!is_shown(&plan->monitor[k], s))
            continue;
        mid__buf_fmt(b, n++ ? ",\"%s\":[" : "\"%s\":[", mid__monitor_label(&plan->monitor[k]));
        for (t = s->at[i]; t < s->at[i + 1]; t++) {
            mid__buf_text(b, t > s->at[i] ? "," : "");
            if (isfinite(s->rule[t]))
                mid__buf_fmt(b, "%.4g", s->rule[t]);
            else
                mid__buf_text(b, "null");       /* nothing to say yet */
        }
        mid__buf_put(b, "]", 1);
    }
    mid__buf_put(b, "}", 1);
}

/* Alarms and thresholds of every shown monitor under every rule, as two objects. */
static mid_status alarms_of(mid__results *r, const mid__set *set, const mid__scores *scores, size_t i)
{
    const mid_plan *plan = r->run->plan;
    const int fold = set->answer[i].fold;
    mid__buf alarms = { 0 }, thresholds = { 0 };
    size_t k, j, n_shown = 0;
    mid_status status = MID_OK;

    for (k = 0; status == MID_OK && k < plan->n_monitor; k++) {
        const mid__scores *s = &scores[k];
        size_t n = 0;
        if (!is_shown(&plan->monitor[k], s))
            continue;
        mid__buf_fmt(&alarms, n_shown ? ",\"%s\":{" : "\"%s\":{", mid__monitor_label(&plan->monitor[k]));
        mid__buf_fmt(&thresholds, n_shown++ ? ",\"%s\":{" : "\"%s\":{", mid__monitor_label(&plan->monitor[k]));
        for (j = 0; status == MID_OK && j < plan->n_rule; j++) {
            const size_t n_tok = s->at[i + 1] - s->at[i];
            mid_rule rule;
            size_t alarm;
            status = mid__fold_rule(r->run, set, s, &plan->rule[j], fold, &rule);
            if (status == MID_EUNDEFINED) {
                status = MID_OK;
                continue;
            }
            if (status != MID_OK)
                break;
            alarm = mid_rule_alarm(&rule, s->rule + s->at[i], n_tok);
            mid__buf_fmt(&alarms, n ? ",\"%s\":" : "\"%s\":", rule.name);
            mid__json_number(&alarms, alarm < n_tok ? (double)alarm : NAN);
            mid__buf_fmt(&thresholds, n++ ? ",\"%s\":" : "\"%s\":", rule.name);
            mid__json_number(&thresholds, rule.threshold);
        }
        mid__buf_put(&alarms, "}", 1);
        mid__buf_put(&thresholds, "}", 1);
    }
    if (status == MID_OK) {
        mid__buf_text(&r->answers, ",\"alarms\":{");
        mid__buf_put(&r->answers, alarms.at, alarms.n);
        mid__buf_text(&r->answers, "},\"thresholds\":{");
        mid__buf_put(&r->answers, thresholds.at, thresholds.n);
        mid__buf_text(&r->answers, "}");
        r->answers.failed |= alarms.failed || thresholds.failed;
    }
    mid__buf_clear(&alarms);
    mid__buf_clear(&thresholds);
    return status;
}

static mid_status one_answer(mid__results *r, const mid__set *set, const mid__scores *scores, size_t i)
{
    const mid__answer *a = &set->answer[i];
    const struct { const char *name, *text; } entry[] = {
        { "{\"id\":", a->sample->id }, { ",\"dataset\":", set->name }, { ",\"task\":", a->sample->task },
        { ",\"author\":", a->author }, { ",\"prompt\":", a->sample->prompt }, { ",\"labeler\":", set->labeler },
    };
    mid__buf *b = &r->answers;
    mid_status status;
    size_t k;

    if (b->n)
        mid__buf_text(b, ",\n");
    for (k = 0; k < sizeof entry / sizeof entry[0]; k++) {
        mid__buf_text(b, entry[k].name);
        mid__json_text(b, entry[k].text);
    }
    mid__buf_fmt(b, ",\"label\":%d,\"onset_byte\":%lld", a->label.unsafe, (long long)a->label.onset_byte);
    tokens(b, a->trace);
    scores_of(b, r->run->plan, scores, i);
    status = alarms_of(r, set, scores, i);
    mid__buf_put(b, "}", 1);
    return status;
}

mid_status mid__results_answers(mid__results *r, const mid__set *set, const mid__scores *scores)
{
    struct pick *pick = malloc((set->n + 1) * sizeof *pick);
    const uint32_t n_show = r->run->plan->n_show;
    uint32_t left[2] = { n_show - n_show / 2, n_show / 2 };
    mid_status status = pick ? MID_OK : mid__oom(r->run->ctx, "answers");
    size_t i;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        uint64_t x = mid__fnv(MID__FNV_START, set->answer[i].sample->id, strlen(set->answer[i].sample->id));
        pick[i] = (struct pick){ mid__splitmix(&x), i };
    }
    if (status == MID_OK)
        qsort(pick, set->n, sizeof *pick, by_hash);
    for (i = 0; status == MID_OK && i < set->n; i++) {
        const int label = set->answer[pick[i].i].label.unsafe == 1;
        if (left[label] == 0 || set->answer[pick[i].i].attack)
            continue;
        left[label]--;
        status = one_answer(r, set, scores, pick[i].i);
    }
    free(pick);
    return status;
}
