/* Advice from results: reads the evidence, asks, and says the answer as text or JSON. */
#include <math.h>

#include "base/ctx.h"
#include "report/advice_words.h"

const char *mid_access_name(mid_access access)
{
    static const char *const name[] = { "black", "grey", "white", "observer" };

    return (unsigned)access < sizeof name / sizeof *name ? name[access] : NULL;
}

mid_recommend_opts mid_recommend_default(void)
{
    return (mid_recommend_opts){ .size = sizeof(mid_recommend_opts), .access = MID_ACCESS_OBSERVER,
                                 .max_us_per_tok = NAN, .max_false_alarm = NAN };
}

static mid_status check(mid_ctx *ctx, const mid_recommend_opts *o)
{
    if (!o->results)
        return mid__fail(ctx, MID_EINVAL, "no results file: give the results.json that midstream run wrote");
    if (!mid_access_name(o->access))
        return mid__fail(ctx, MID_EINVAL, "access %d: it is 0 to %d", (int)o->access, MID_ACCESS_OBSERVER);
    if (o->max_us_per_tok < 0)
        return mid__fail(ctx, MID_EINVAL, "%g us per token: 0 or more", o->max_us_per_tok);
    if (o->max_false_alarm < 0 || o->max_false_alarm > 1)
        return mid__fail(ctx, MID_EINVAL, "%g of the safe answers: a share, 0 to 1", o->max_false_alarm);
    return MID_OK;
}

static mid_status check_evidence(mid_ctx *ctx, const mid__evidence *e)
{
    size_t i;

    for (i = 0; i < e->n_set; i++)
        if (!e->set[i].why)
            return MID_OK;
    return mid__fail(ctx, MID_EUNDEFINED, "none of %zu datasets can be ranked on%s%s: the plan's at_tok needs 16, and "
                     "a generated dataset 10-90 %% unsafe answers", e->n_set, e->n_set ? "; the first has " : "",
                     e->n_set ? e->set[0].why : "");
}

static mid_status advise(mid_ctx *ctx, const mid__evidence *e, const mid__ask *ask, bool json, mid__buf *out)
{
    mid__advice advice;
    mid_status status = mid__advise(ctx, e, ask, &advice);

    if (status == MID_OK)
        status = (json ? mid__advice_json : mid__advice_text)(ctx, out, e, ask, &advice);
    mid__advice_clear(&advice);
    return status;
}

mid_status mid_recommend(mid_ctx *ctx, const mid_recommend_opts *o, char **text)
{
    const mid__ask ask = { o->task, o->lang, o->access, o->max_us_per_tok, o->max_false_alarm, MID__NOBODY };
    mid__evidence e = { .n_file = 0 };
    mid_status status = check(ctx, o);
    mid__buf out;
    char *taken;

    mid__buf_init(&out, 0);
    if (status == MID_OK)
        status = mid__evidence_read(ctx, o->results, &e);
    if (status == MID_OK)
        status = check_evidence(ctx, &e);
    if (status == MID_OK && o->evaluate)
        status = mid__advice_evaluate(ctx, &out, &e, &ask, o->json);
    else if (status == MID_OK)
        status = advise(ctx, &e, &ask, o->json, &out);
    if (status != MID_OK)
        goto out;
    taken = mid__buf_take(&out, NULL);
    status = taken ? MID_OK : mid__oom(ctx, "advice");
    if (taken)
        *text = taken;
out:
    mid__buf_clear(&out);
    mid__evidence_clear(&e);
    return status;
}
