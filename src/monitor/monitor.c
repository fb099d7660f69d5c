/* Monitors and streams: the checks every monitor would otherwise repeat. A descriptor's functions see complete
 * parameters, a source that has what they need, and steps that carry it. */
#include "monitor/monitor.h"

#include "monitor/chain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

struct mid_monitor {
    const mid_monitor_ops *ops;
    void *plan;
    mid_monitor_spec spec;          /* ops, and the aggregators that chain holds ready */
    mid_monitor_reads reads;
    mid__chain chain;
    size_t chain_at, state_size;    /* where the chain's state lies in a stream's; of that, all in all */
};

struct mid_stream {
    const mid_monitor *monitor;
    _Alignas(max_align_t) unsigned char state[];
};

static const char *const signal_name[] = {
    "text", "log-probability", "entropy", "top-k", "hidden rows", "time", "spread", "attention", "the logit lens",
    "log-probability without the prompt", "the affirmative pass", "sampled answers", "a judge's verdicts",
    "a second observer"
};

const char *mid_box_name(mid_box box)
{
    static const char *const name[] = { "control", "black", "grey", "white" };
    return name[box];
}

/* The first signal in `missing`, by name. */
static const char *first_signal(uint32_t missing)
{
    size_t i = 0;

    while (i + 1 < sizeof signal_name / sizeof signal_name[0] && !(missing >> i & 1))
        i++;
    return signal_name[i];
}

/* The second observer's identity, where the monitor hears one. */
static const char *beside_of(const mid_monitor_reads *reads, const mid_signals *signals)
{
    return ((reads->needs | reads->fit_needs) & MID_SIG_BESIDE) && signals->beside ? signals->beside->observer : "";
}

/* Text is the same whoever reads it; every other signal belongs to the observer it came from. */
static bool reads_observer(const mid_monitor_reads *reads)
{
    return (reads->needs | reads->fit_needs) & ~(uint32_t)MID_SIG_TEXT;
}

/* params are complete. */
static mid_status reads_of(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params, mid_monitor_reads *out)
{
    *out = (mid_monitor_reads){ ops->needs, ops->fit_needs, ops->shares, ops->box, "" };
    return ops->reads ? ops->reads(ops->self, ctx, params, out) : MID_OK;
}

mid_status mid_monitor_reads_of(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params, mid_monitor_reads *out)
{
    mid_param *all = NULL;
    mid_status status = mid__param_merge(ctx, ops->name, ops->params, params, &all);

    if (status == MID_OK)
        status = reads_of(ctx, ops, all, out);
    free(all);
    return status;
}

mid_status mid__fit_set_check(mid_ctx *ctx, const mid_fit_set *set)
{
    size_t i, n_unsafe = 0;

    for (i = 0; i < set->n; i++) {
        if (set->answer[i].label != 0 && set->answer[i].label != 1)
            return mid__fail(ctx, MID_EINVAL, "answer %zu has label %d; labels are 0 and 1", i, set->answer[i].label);
        n_unsafe += set->answer[i].label == 1;
    }
    if (n_unsafe == 0 || n_unsafe == set->n)
        return mid__fail(ctx, MID_EUNDEFINED, "%zu answers to fit on, %zu unsafe: both classes are needed; "
                         "use more data or another split", set->n, n_unsafe);
    return MID_OK;
}

/* Figures of two observers cannot be mixed, and rows are read as the first trace says they are laid out. */
static mid_status check_traces(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_monitor_reads *reads,
                               const mid_fit_set *set)
{
    const mid_signals *first = mid_trace_signals(set->answer[0].trace);
    size_t i;

    for (i = 0; i < set->n; i++) {
        const mid_signals *s = mid_trace_signals(set->answer[i].trace);
        const uint32_t missing = (reads->needs | reads->fit_needs) & ~s->have;
        if (missing)
            return mid__fail(ctx, MID_ESIGNAL, "%s needs %s, which answer %zu does not carry", ops->name,
                             first_signal(missing), i);
        if (!reads_observer(reads))
            continue;
        if (strcmp(s->observer, first->observer) != 0)
            return mid__fail(ctx, MID_EMISMATCH, "answer %zu is of observer %.12s, answer 0 of %.12s: fit on one",
                             i, s->observer, first->observer);
        if (strcmp(beside_of(reads, s), beside_of(reads, first)) != 0)
            return mid__fail(ctx, MID_EMISMATCH, "answer %zu was also read by observer %.12s, answer 0 by %.12s: fit on one",
                             i, beside_of(reads, s), beside_of(reads, first));
        if (s->n_embd != first->n_embd || s->n_layer != first->n_layer ||
            memcmp(s->layer, first->layer, (size_t)s->n_layer * sizeof s->layer[0]) != 0)
            return mid__fail(ctx, MID_EMISMATCH, "answer %zu has hidden rows of %d layers of width %d, answer 0 of %d "
                             "of width %d: fit on one kind", i, s->n_layer, s->n_embd, first->n_layer, first->n_embd);
    }
    return MID_OK;
}

/* What weights say about themselves, so that they refuse to be used for anything else. */
static mid_status stamp(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_monitor_reads *reads,
                        const mid_param *params, const mid_signals *signals, mid_weights *w)
{
    mid_status status = mid_weights_set_text(ctx, w, "monitor", ops->name);
    char key[80];

    if (status == MID_OK)
        status = mid_weights_set_number(ctx, w, "monitor_version", ops->version);
    if (status == MID_OK)
        status = mid_weights_set_text(ctx, w, "observer", reads_observer(reads) ? signals->observer : "");
    if (status == MID_OK && reads->members[0])
        status = mid_weights_set_text(ctx, w, "members", reads->members);
    if (status == MID_OK && beside_of(reads, signals)[0])
        status = mid_weights_set_text(ctx, w, "observer_beside", beside_of(reads, signals));
    for (; status == MID_OK && params->name; params++) {
        snprintf(key, sizeof key, "param.%s", params->name);
        status = params->text ? mid_weights_set_text(ctx, w, key, params->text)
                              : mid_weights_set_number(ctx, w, key, params->number);
    }
    return status;
}

mid_status mid_monitor_fit(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params, const mid_fit_set *set,
                           mid_weights **out)
{
    mid_param *all = NULL;
    mid_monitor_reads reads;
    mid_weights *w = NULL;
    mid_status status;

    if (!ops->fit) {
        *out = NULL;
        return MID_OK;
    }
    status = mid__param_merge(ctx, ops->name, ops->params, params, &all);
    if (status == MID_OK)
        status = mid__fit_set_check(ctx, set);
    if (status == MID_OK)
        status = reads_of(ctx, ops, all, &reads);
    if (status == MID_OK)
        status = check_traces(ctx, ops, &reads, set);
    if (status == MID_OK)
        status = mid_weights_open(ctx, &w);
    if (status == MID_OK)
        status = ops->fit_self ? ops->fit_self(ops->self, ctx, set, all, w) : ops->fit(ctx, set, all, w);
    if (status == MID_OK)
        status = stamp(ctx, ops, &reads, all, mid_trace_signals(set->answer[0].trace), w);
    if (status == MID_OK) {
        *out = w;
        w = NULL;
    }
    mid_weights_close(w);
    free(all);
    return status;
}

/* A copy of a monitor's own weights; of one that learns nothing, weights that say no more than what it is. */
static mid_status own_weights(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params,
                              const mid_signals *signals, const mid_weights *own, mid_weights **out)
{
    mid_monitor_reads reads;
    mid_param *all = NULL;
    void *bytes = NULL;
    size_t n = 0;
    mid_status status;

    if (own) {
        status = mid_weights_pack(ctx, own, &bytes, &n);
        if (status == MID_OK)
            status = mid_weights_unpack(ctx, bytes, n, out);
        mid_free(bytes);
        return status;
    }
    status = mid__param_merge(ctx, ops->name, ops->params, params, &all);
    if (status == MID_OK)
        status = reads_of(ctx, ops, all, &reads);
    if (status == MID_OK)
        status = mid_weights_open(ctx, out);
    if (status == MID_OK)
        status = stamp(ctx, ops, &reads, all, signals, *out);
    free(all);
    return status;
}

mid_status mid__monitor_compose(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                const mid_signals *signals, const mid_weights *own, const mid_score_set *scores,
                                mid_weights **out)
{
    mid_weights *w = NULL;
    mid_status status = own_weights(ctx, spec->monitor, params, signals, own, &w);

    if (status == MID_OK)
        status = mid__chain_fit(ctx, spec, scores, w);
    if (status == MID_OK) {
        *out = w;
        w = NULL;
    }
    mid_weights_close(w);
    return status;
}

/* Score the fit answers with the monitor just fitted. answer (set->n) arrives zeroed; its scores are to be freed. */
static mid_status score_fitted(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params, const mid_fit_set *set,
                               const mid_weights *own, mid_scored_answer *answer)
{
    mid_monitor *m = NULL;
    mid_stream *stream = NULL;
    mid_status status = mid_monitor_open(ctx, ops, params, own, mid_trace_signals(set->answer[0].trace), &m);
    size_t i;

    if (status == MID_OK)
        status = mid_stream_open(ctx, m, &stream);
    for (i = 0; status == MID_OK && i < set->n; i++) {
        const mid_trace *trace = set->answer[i].trace;
        double *score = malloc((mid_trace_n_tok(trace) + 1) * sizeof *score);
        answer[i] = (mid_scored_answer){ score, mid_trace_n_tok(trace), set->answer[i].label };
        status = score ? mid_stream_score(ctx, stream, trace, score, NULL) : mid__oom(ctx, "scores to learn from");
    }
    mid_stream_close(stream);
    mid_monitor_close(m);
    return status;
}

mid_status mid_monitor_spec_fit(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                const mid_fit_set *set, mid_weights **out)
{
    const mid_monitor_ops *ops = spec->monitor;
    mid_scored_answer *answer = NULL;
    mid_monitor_reads reads;
    mid_weights *own = NULL;
    mid_status status = mid_monitor_fit(ctx, ops, params, set, &own);
    size_t i;

    if (status != MID_OK || spec->n_aggregate == 0 || !mid_monitor_spec_learns(spec)) {
        if (status == MID_OK)
            *out = own;
        return status;
    }
    answer = calloc(set->n + 1, sizeof *answer);
    if (!answer)
        status = mid__oom(ctx, "scores to learn from");
    if (status == MID_OK && !own)
        status = mid__fit_set_check(ctx, set);
    if (status == MID_OK && !own)
        status = mid_monitor_reads_of(ctx, ops, params, &reads);
    if (status == MID_OK && !own)
        status = check_traces(ctx, ops, &reads, set);
    if (status == MID_OK && mid__chain_learns(spec))
        status = score_fitted(ctx, ops, params, set, own, answer);
    if (status == MID_OK) {
        const mid_score_set scores = { answer, set->n };
        status = mid__monitor_compose(ctx, spec, params, mid_trace_signals(set->answer[0].trace), own, &scores, out);
    }
    for (i = 0; answer && i < set->n; i++)
        free((void *)(uintptr_t)answer[i].score);
    free(answer);
    mid_weights_close(own);
    return status;
}

/* Are these weights of this monitor, as it is now? */
static mid_status is_of(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_weights *w)
{
    const char *name = mid_weights_text(w, "monitor");
    const double version = mid_weights_number(w, "monitor_version");

    if (!name || !mid_weights_text(w, "observer"))
        return mid__fail(ctx, MID_EFORMAT, "these weights are no fitted monitor (no 'monitor' or 'observer' entry)");
    if (strcmp(name, ops->name) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "weights of monitor %.60s given to %s", name, ops->name);
    if (version != (double)ops->version)
        return mid__fail(ctx, MID_EMISMATCH, "%s was fitted by version %g of the monitor, this is version %u: fit it again",
                         ops->name, version, ops->version);
    return MID_OK;
}

/* Do they belong to these members and this source? */
static mid_status belongs(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_monitor_reads *reads, const mid_weights *w,
                          const mid_signals *signals)
{
    const char *members = mid_weights_text(w, "members"), *observer = mid_weights_text(w, "observer");
    const char *beside = mid_weights_text(w, "observer_beside");

    if (strcmp(members ? members : "", reads->members) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "%s was fitted with members of other versions: fit it again", ops->name);
    if (beside && strcmp(beside, beside_of(reads, signals)) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "%s was fitted with observer %.12s beside the first, here it is %.12s: fit it "
                         "again", ops->name, beside, beside_of(reads, signals));
    if (observer[0] && strcmp(observer, signals->observer) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "%s was fitted on observer %.12s, this source is %.12s: another model, "
                         "quantisation or prompt form; fit it again", ops->name, observer, signals->observer);
    return MID_OK;
}

/* The parameters a monitor was fitted with, as a complete list; free it, its texts are the weights' or the monitor's.
 * One that the file does not have came later, with a default that changes no score: else there were a new version. */
static mid_status fitted_params(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_weights *w, mid_param **out)
{
    mid_param *p;
    char key[80];
    mid_status status = mid__param_merge(ctx, ops->name, ops->params, NULL, out);

    for (p = *out; status == MID_OK && p->name; p++) {
        const char *stored;
        snprintf(key, sizeof key, "param.%s", p->name);
        stored = mid_weights_text(w, key);
        if (stored && p->text)
            p->text = stored;
        else if (stored)
            p->number = mid_weights_number(w, key);
        if (stored && !p->text && isnan(p->number))
            status = mid__fail(ctx, MID_EFORMAT, "parameter '%s' is no number", p->name);
    }
    return status;
}

mid_status mid_monitor_reads_fitted(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_weights *weights,
                                    mid_monitor_reads *out)
{
    mid_param *params = NULL;
    mid_status status = is_of(ctx, ops, weights);

    if (status == MID_OK)
        status = fitted_params(ctx, ops, weights, &params);
    if (status == MID_OK)
        status = reads_of(ctx, ops, params, out);
    free(params);
    return status;
}

/* asked was made from fitted by overrides: none may have changed anything. */
static mid_status same_params(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *fitted, const mid_param *asked)
{
    for (; fitted->name; fitted++, asked++)
        if (fitted->text ? strcmp(fitted->text, asked->text) != 0 : fitted->number != asked->number)
            return mid__fail(ctx, MID_EMISMATCH, "%s was fitted with another '%s' than is asked for: fit it again",
                             ops->name, fitted->name);
    return MID_OK;
}

/* Bind both parts of m to what they learned, and lay their states out one behind the other. */
static mid_status bind(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                       mid_monitor *m)
{
    const mid_monitor_ops *ops = m->ops;
    const mid_weights *own = ops->fit ? weights : NULL;
    const size_t unit = _Alignof(max_align_t);
    mid_status status = mid__chain_open(ctx, &m->spec, weights, &m->chain);

    if (status == MID_OK && ops->open_self)
        status = ops->open_self(ops->self, ctx, own, params, signals, &m->plan);
    else if (status == MID_OK && ops->open)
        status = ops->open(ctx, own, params, signals, &m->plan);
    if (status != MID_OK) {
        mid__chain_close(&m->chain);
        return status;
    }
    m->state_size = mid__state_size(ops, m->plan);
    if (m->chain.n) {
        m->chain_at = (m->state_size + unit - 1) / unit * unit;
        m->state_size = m->chain_at + m->chain.state_size;
    }
    return MID_OK;
}

mid_status mid_monitor_spec_open(mid_ctx *ctx, const mid_monitor_spec *spec, const mid_param *params,
                                 const mid_weights *weights, const mid_signals *signals, mid_monitor **out)
{
    const mid_monitor_ops *ops = spec->monitor;
    mid_param *fitted = NULL, *all = NULL;
    mid_monitor_reads reads;
    mid_monitor *m = NULL;
    mid_status status = MID_OK;

    if (mid_monitor_spec_learns(spec) != (weights != NULL)) {
        char text[MID_SPEC_BYTES];
        mid_monitor_spec_text(spec, text);
        return mid__fail(ctx, MID_EINVAL, weights ? "%s has nothing to learn, but weights were given"
                                                  : "%s has to be fitted first (midstream fit)", text);
    }
    if (weights)
        status = is_of(ctx, ops, weights);
    if (status == MID_OK && weights)
        status = fitted_params(ctx, ops, weights, &fitted);
    if (status == MID_OK)
        status = mid__param_merge(ctx, ops->name, weights ? fitted : ops->params, params, &all);
    if (status == MID_OK && weights)
        status = same_params(ctx, ops, fitted, all);
    if (status == MID_OK)
        status = reads_of(ctx, ops, all, &reads);
    if (status == MID_OK && (reads.needs & ~signals->have))
        status = mid__fail(ctx, MID_ESIGNAL, "%s needs %s, which this source does not deliver", ops->name,
                           first_signal(reads.needs & ~signals->have));
    if (status == MID_OK && weights)
        status = belongs(ctx, ops, &reads, weights, signals);
    if (status == MID_OK) {
        m = calloc(1, sizeof *m);
        status = m ? MID_OK : mid__oom(ctx, ops->name);
    }
    if (status == MID_OK) {
        m->ops = ops;
        m->reads = reads;
        m->spec = *spec;
        status = bind(ctx, weights, all, signals, m);
    }
    if (status == MID_OK) {
        *out = m;
        m = NULL;
    }
    free(m);
    free(all);
    free(fitted);
    return status;
}

mid_status mid_monitor_open(mid_ctx *ctx, const mid_monitor_ops *ops, const mid_param *params,
                            const mid_weights *weights, const mid_signals *signals, mid_monitor **out)
{
    const char *chain = weights ? mid_weights_text(weights, "aggregate") : NULL;
    mid_monitor_spec spec = { .monitor = ops };

    if (chain && mid__chain_parse(ctx, chain, &spec) != MID_OK)
        return mid__within(ctx, MID_EFORMAT, "'aggregate'");
    return mid_monitor_spec_open(ctx, &spec, params, weights, signals, out);
}

mid_status mid_monitor_load(mid_ctx *ctx, const char *path, const mid_signals *signals, mid_monitor **out)
{
    mid_monitor_spec spec;
    mid_weights *w = NULL;
    mid_status status = mid_weights_load(ctx, path, &w);

    if (status != MID_OK)
        return status;
    status = mid_monitor_spec_read(ctx, w, &spec);
    if (status == MID_OK && !mid_monitor_spec_learns(&spec))
        status = mid__fail(ctx, MID_EFORMAT, "names %s, which has nothing to learn", spec.monitor->name);
    if (status == MID_OK)
        status = mid_monitor_spec_open(ctx, &spec, NULL, w, signals, out);
    if (status != MID_OK)
        status = mid__within(ctx, status, "%s", path);
    mid_weights_close(w);
    return status;
}

void mid_monitor_close(mid_monitor *monitor)
{
    if (!monitor)
        return;
    if (monitor->ops->close)
        monitor->ops->close(monitor->plan);
    mid__chain_close(&monitor->chain);
    free(monitor);
}

const mid_monitor_ops *mid_monitor_info(const mid_monitor *monitor) { return monitor->ops; }
const mid_monitor_spec *mid_monitor_spec_of(const mid_monitor *monitor) { return &monitor->spec; }

mid_status mid_stream_open(mid_ctx *ctx, const mid_monitor *monitor, mid_stream **out)
{
    mid_stream *s = calloc(1, sizeof *s + monitor->state_size);

    if (!s)
        return mid__oom(ctx, monitor->ops->name);
    s->monitor = monitor;
    *out = s;
    return MID_OK;
}

void mid_stream_close(mid_stream *stream) { free(stream); }

size_t mid__monitor_state_size(const mid_monitor *monitor) { return monitor->state_size; }

mid_status mid__monitor_start(const mid_monitor *m, void *state, const mid_prompt *prompt)
{
    static const mid_prompt unknown = { .text = "" };

    memset(state, 0, m->state_size);
    return m->ops->start ? m->ops->start(m->plan, state, prompt ? prompt : &unknown) : MID_OK;
}

mid_status mid__monitor_push(const mid_monitor *m, void *state, const mid_step *step, double *score)
{
    double s;
    mid_status status;

    if (m->reads.needs & ~(step->have | MID_SIG_SPARSE))
        return MID_ESIGNAL;
    status = m->ops->push(m->plan, state, step, &s);
    if (status == MID_OK && !(s < INFINITY))
        status = MID_ENUMERIC;          /* before any aggregator sees it; -INFINITY only says that there is nothing yet */
    if (status == MID_OK)
        *score = mid__chain_push(&m->chain, (unsigned char *)state + m->chain_at, s);
    return status;
}

mid_status mid_stream_start(mid_stream *stream, const mid_prompt *prompt)
{
    return mid__monitor_start(stream->monitor, stream->state, prompt);
}

mid_status mid_stream_push(mid_stream *stream, const mid_step *step, double *score)
{
    return mid__monitor_push(stream->monitor, stream->state, step, score);
}

uint32_t mid_stream_gone(const mid_stream *stream)
{
    const mid_monitor *m = stream->monitor;

    return m->ops->gone ? m->ops->gone(m->plan, stream->state) : 0;
}

uint64_t mid_stream_calls(const mid_stream *stream, size_t i_member)
{
    const mid_monitor *m = stream->monitor;

    return m->ops->calls ? m->ops->calls(m->plan, stream->state, i_member) : 0;
}

const char *mid_stream_trouble(const mid_stream *stream, mid_status status)
{
    const mid_monitor *m = stream->monitor;

    return status == MID_EPLUGIN && m->ops->trouble ? m->ops->trouble(m->plan) : mid_status_text(status);
}

size_t mid_stream_size(const mid_stream *stream) { return stream->monitor->state_size; }

void mid_stream_save(const mid_stream *stream, void *snapshot)
{
    memcpy(snapshot, stream->state, mid_stream_size(stream));
}

void mid_stream_restore(mid_stream *stream, const void *snapshot)
{
    memcpy(stream->state, snapshot, mid_stream_size(stream));
}

/* What a stored answer is read into. */
struct reading {
    const mid_trace *trace, *beside;    /* beside NULL: there is none, or nobody reads it */
    float *scratch, *prompt_scratch;    /* of the trace's step; of the second observer's prompt */
    mid_prompt prompt;                  /* the second observer's */
    mid_step *step;                     /* (room) the second observer's steps, each with its own scratch */
    float *step_scratch;
    uint32_t n_read, room;
};

static mid_status reading_open(mid_ctx *ctx, const mid_monitor *m, const mid_trace *trace, struct reading *r)
{
    const uint32_t all = m->reads.needs | m->reads.fit_needs;
    const mid_trace *beside = all & MID_SIG_BESIDE ? mid_trace_beside(trace) : NULL;
    const bool wants_rows = all & (MID_SIG_HIDDEN | MID_SIG_ATTENTION);
    uint32_t i;

    *r = (struct reading){ .trace = trace, .beside = beside };
    for (i = 0; beside && i < mid_trace_n_tok(trace); i++) {
        const uint32_t n = mid_trace_n_beside(trace, i) - (i ? mid_trace_n_beside(trace, i - 1) : 0);
        r->room = n > r->room ? n : r->room;
    }
    if (wants_rows)
        r->scratch = malloc((mid_trace_scratch(trace) + 1) * sizeof *r->scratch);
    if (beside) {
        r->prompt_scratch = malloc((mid_trace_scratch(beside) + 1) * sizeof *r->prompt_scratch);
        r->step = malloc(((size_t)r->room + 1) * sizeof *r->step);
        r->step_scratch = malloc((r->room * mid_trace_scratch(beside) + 1) * sizeof *r->step_scratch);
    }
    if ((wants_rows && !r->scratch) || (beside && (!r->prompt_scratch || !r->step || !r->step_scratch)))
        return mid__oom(ctx, m->ops->name);
    return MID_OK;
}

static void reading_clear(struct reading *r)
{
    free(r->scratch);
    free(r->prompt_scratch);
    free(r->step);
    free(r->step_scratch);
}

static void read_prompt(struct reading *r, mid_prompt *prompt)
{
    mid_trace_prompt(r->trace, r->scratch, prompt);
    if (!r->beside)
        return;
    mid_trace_prompt(r->beside, r->prompt_scratch, &r->prompt);
    prompt->beside = &r->prompt;
}

static void read_step(struct reading *r, uint32_t i_tok, mid_step *step)
{
    const uint32_t end = r->beside ? mid_trace_n_beside(r->trace, i_tok) : 0;
    uint32_t k;

    mid_trace_step(r->trace, i_tok, r->scratch, step);
    for (k = 0; r->n_read < end; k++)
        mid_trace_step(r->beside, r->n_read++, r->step_scratch + k * mid_trace_scratch(r->beside), &r->step[k]);
    step->beside = r->step;
    step->n_beside = k;
}

mid_status mid__stream_score(mid_ctx *ctx, mid_stream *stream, const mid_trace *trace, double *score, float *cost_us,
                             mid__seen_fn seen, void *user)
{
    const char *name = stream->monitor->ops->name;
    const uint32_t n = mid_trace_n_tok(trace);
    struct reading r;
    mid_prompt prompt;
    mid_step step;
    mid_status status = reading_open(ctx, stream->monitor, trace, &r);
    uint32_t i;

    if (status == MID_OK) {
        read_prompt(&r, &prompt);
        status = mid_stream_start(stream, &prompt);
        if (status != MID_OK)
            status = mid__fail(ctx, status, "%s: %s at the prompt", name, mid_stream_trouble(stream, status));
    }
    for (i = 0; status == MID_OK && i < n; i++) {
        double before = 0;
        read_step(&r, i, &step);
        if (cost_us)
            before = mid__now_s();
        status = mid_stream_push(stream, &step, &score[i]);
        if (cost_us)
            cost_us[i] = (float)((mid__now_s() - before) * 1e6);
        if (status != MID_OK)
            status = mid__fail(ctx, status, "%s: %s at token %u", name, mid_stream_trouble(stream, status), i);
        else if (seen)
            seen(user, stream, i);
    }
    reading_clear(&r);
    return status;
}

mid_status mid_stream_score(mid_ctx *ctx, mid_stream *stream, const mid_trace *trace, double *score, float *cost_us)
{
    return mid__stream_score(ctx, stream, trace, score, cost_us, NULL, NULL);
}
