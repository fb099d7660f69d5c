/* Aggregated forms: from one monitor's scores to those of what stands behind it, without fitting it again. */
#include "bench/forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "monitor/monitor.h"

bool mid__about_data(mid_status status)
{
    return status == MID_EUNDEFINED || status == MID_ESIGNAL || status == MID_ENUMERIC || status == MID_EPLUGIN;
}

/* What a fit's monitor says on the answers it was fitted on. answer has room for the set's, score for all their tokens. */
static mid_status score_fitted(mid__run *run, const mid__set *set, const mid_monitor *monitor, mid__fit_id fit,
                               mid_scored_answer *answer, double *score, size_t *n)
{
    mid_stream *stream = NULL;
    mid_status status = mid_stream_open(run->ctx, monitor, &stream);
    size_t i;

    for (i = *n = 0; status == MID_OK && i < set->n; i++) {
        const mid__answer *a = &set->answer[i];
        const size_t n_tok = mid_trace_n_tok(a->trace);
        if (a->fold == fit.fold || a->fold == fit.cal || a->attack)
            continue;
        status = mid_stream_score(run->ctx, stream, a->trace, score, NULL);
        answer[(*n)++] = (mid_scored_answer){ score, n_tok, a->label.unsafe };
        score += n_tok;
    }
    mid_stream_close(stream);
    return status;
}

static mid_status learn_one(mid__run *run, const mid__set *set, mid__form *form, const mid_weights *w,
                            const mid_score_set *scores, bool hand_on)
{
    const mid_monitor_spec *spec = &form->m->spec;
    mid_weights *composed = NULL;
    mid_status status = mid__monitor_compose(run->ctx, spec, form->m->params, &set->signals, w, scores, &composed);

    mid__chain_close(&form->chain);
    if (status == MID_OK)
        status = mid__chain_open(run->ctx, spec, composed, &form->chain);
    if (status == MID_OK && hand_on)
        status = mid__weights_keep(run, &form->key, composed);
    mid_weights_close(composed);
    return status;
}

mid_status mid__forms_learn(mid__run *run, const mid__set *set, mid__form *form, size_t n, const mid_monitor *monitor,
                            const mid_weights *w, mid__fit_id fit, bool hand_on)
{
    mid_scored_answer *answer = NULL;
    double *score = NULL;
    mid_score_set scores = { 0 };
    mid_status status = MID_OK;
    size_t i, n_learn = 0;

    for (i = 0; i < n; i++)
        n_learn += form[i].pending && form[i].learns;
    if (n_learn == 0)
        return MID_OK;
    answer = malloc((set->n + 1) * sizeof *answer);
    score = malloc((form[0].out->n_tok + 1) * sizeof *score);
    if (!answer || !score)
        status = mid__oom(run->ctx, "scores to learn from");
    if (status == MID_OK)
        status = score_fitted(run, set, monitor, fit, answer, score, &scores.n);
    scores.answer = answer;
    for (i = 0; status == MID_OK && i < n; i++) {
        if (!form[i].pending || !form[i].learns)
            continue;
        status = learn_one(run, set, &form[i], w, &scores, hand_on);
        if (mid__about_data(status)) {          /* this one's trouble alone */
            snprintf(form[i].out->why, sizeof form[i].out->why, "%s", mid_ctx_message(run->ctx));
            form[i].pending = false;
            status = MID_OK;
        }
    }
    free(answer);
    free(score);
    return status;
}

mid_status mid__form_apply(mid__run *run, const mid__set *set, mid__form *form, int fold, const double *from,
                           double *into)
{
    void *state = malloc(form->chain.state_size + 1);
    const size_t *at = form->out->at;
    size_t i;

    if (!state)
        return mid__oom(run->ctx, "a state");
    for (i = 0; i < set->n; i++) {
        const size_t n = at[i + 1] - at[i];
        double start_s;
        if ((fold >= 0 && set->answer[i].fold != fold) || n == 0)
            continue;
        start_s = mid__now_s();
        mid__chain_score(&form->chain, state, from + at[i], n, into + at[i]);
        if (form->n_us < set->n)
            form->us[form->n_us++] = 1e6 * (mid__now_s() - start_s) / (double)n;
    }
    free(state);
    return MID_OK;
}
