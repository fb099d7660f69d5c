/* How far the labelers of a data entry agree, as JSON for results: each labeler with what it labelled, each pair and
 * all together with the shares, kappa and alpha of metric/agreement.c. Only answers with two labels count, whether or
 * not the entry's own labeler is among them; figures of monitors rest on that labeler alone. */
#include "bench/agreement.h"

#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "bench/json.h"
#include "midstream/metric.h"

void mid__labeler_params(mid__buf *out, const mid_plan_labeler *by)
{
    const mid_param *p;

    if (by && (by->model || by->url))
        mid__buf_fmt(out, "%s=%s", by->model ? "model" : "url", by->model ? by->model : by->url);
    for (p = by ? by->params : NULL; p && p->name; p++) {
        mid__buf_fmt(out, "%s%s=", out->n ? ", " : "", p->name);
        if (p->text)
            mid__buf_text(out, p->text);
        else
            mid__buf_fmt(out, "%g", p->number);
    }
}

void mid__labeler_counts(mid__buf *out, const mid_labeler_counts *c)
{
    mid__buf_fmt(out, "\"n_failed\":%llu,\"n_unparsable\":%llu,\"n_swayed\":%llu", (unsigned long long)c->n_failed,
                 (unsigned long long)c->n_unparsable, (unsigned long long)c->n_swayed);
}

/* "judge", or with parameters "judge(model=gemma)": one labeler may be there twice. */
static void put_name(mid__buf *b, const mid__set *set, size_t k)
{
    const mid_plan_labeler *by = mid__plan_labeler(set->data, k);
    mid__buf params = { 0 }, name = { 0 };

    mid__labeler_params(&params, by);
    mid__buf_fmt(&name, params.n ? "%s(%s)" : "%s", by ? by->name : set->labeler, params.n ? params.at : "");
    mid__json_text(b, name.at);
    b->failed |= params.failed || name.failed;
    mid__buf_clear(&params);
    mid__buf_clear(&name);
}

static void put_estimate(mid__buf *b, const char *key, const mid_estimate *e)
{
    mid__buf_fmt(b, ",\"%s\":{\"value\":", key);
    mid__json_number(b, e->value);
    mid__buf_text(b, ",\"lo\":");
    mid__json_number(b, e->lo);
    mid__buf_text(b, ",\"hi\":");
    mid__json_number(b, e->hi);
    mid__buf_text(b, ",\"why\":");
    mid__json_text(b, e->why);
    mid__buf_text(b, "}");
}

static void put_labeler(mid__buf *b, const mid__set *set, size_t k, const int8_t *label, const mid__said_by *said)
{
    const mid_labeler *labeler = set->opened[k];
    size_t n = 0, n_unsafe = 0, i;

    for (i = 0; i < set->n; i++) {
        n += label[i] >= 0;
        n_unsafe += label[i] == 1;
    }
    mid__buf_text(b, k ? ",{\"labeler\":" : "{\"labeler\":");
    put_name(b, set, k);
    mid__buf_text(b, ",\"id\":");
    mid__json_text(b, labeler ? mid__labeler_id(labeler) : NULL);
    mid__buf_text(b, ",\"who\":");
    mid__json_text(b, k == 0 ? set->who : labeler ? mid_labeler_about(labeler)->who : NULL);
    mid__buf_fmt(b, ",\"n_labelled\":%zu,\"n_unsafe\":%zu,", n, n_unsafe);
    mid__labeler_counts(b, &said->counts);
    mid__buf_text(b, "}");
}

/* What the labels, groups and figures of one entry share. */
struct comparing { mid__run *run; mid__set *set; int8_t *label, *pair; uint32_t *group; mid_boot boot; };

static mid_status put_agreement(struct comparing *c, const int8_t *label, size_t n_labeler)
{
    mid__buf *b = &c->set->agreement;
    mid_agreement of;
    const mid_status status = mid_agreement_of(c->run->ctx, label, n_labeler, c->group, c->set->n, &c->boot, &of);

    if (status != MID_OK)
        return status;
    mid__buf_fmt(b, "\"n\":%zu,\"n_prompts\":%zu", of.n, of.n_group);
    put_estimate(b, "agree", &of.agree);
    if (n_labeler == 2)
        put_estimate(b, "kappa", &of.kappa);
    put_estimate(b, "alpha", &of.alpha);
    mid__buf_text(b, "}");
    return MID_OK;
}

static mid_status put_pair(struct comparing *c, size_t first, size_t second)
{
    const size_t n = c->set->n;
    mid__buf *b = &c->set->agreement;

    memcpy(c->pair, c->label + first * n, n);
    memcpy(c->pair + n, c->label + second * n, n);
    mid__buf_text(b, first || second > 1 ? ",{\"a\":" : "{\"a\":");
    put_name(b, c->set, first);
    mid__buf_text(b, ",\"b\":");
    put_name(b, c->set, second);
    mid__buf_text(b, ",");
    return put_agreement(c, c->pair, 2);
}

static mid_status put_all(struct comparing *c, const mid__said_by *said)
{
    const size_t n_labeler = 1 + c->set->data->n_other_labeler;
    mid__buf *b = &c->set->agreement;
    mid_status status = MID_OK;
    size_t k, i;

    mid__buf_text(b, "{\"labelers\":[");
    for (k = 0; k < n_labeler; k++)
        put_labeler(b, c->set, k, c->label + k * c->set->n, &said[k]);
    mid__buf_text(b, "],\"pairs\":[");
    for (k = 0; k < n_labeler; k++)
        for (i = k + 1; status == MID_OK && i < n_labeler; i++)
            status = put_pair(c, k, i);
    mid__buf_text(b, "],\"all\":{");
    if (status == MID_OK)
        status = put_agreement(c, c->label, n_labeler);
    mid__buf_text(b, "}");
    return status == MID_OK && b->failed ? mid__oom(c->run->ctx, "agreement") : status;
}

mid_status mid__agreement(mid__run *run, mid__set *set, const mid__said_by *said)
{
    const size_t n_labeler = 1 + set->data->n_other_labeler;
    struct comparing c = {
        .run = run, .set = set, .boot = { run->plan->seed, run->plan->n_draw },
        .label = malloc(n_labeler * set->n + 1), .pair = malloc(2 * set->n + 1),
        .group = calloc(set->n + 1, sizeof *c.group),
    };
    mid_status status = c.label && c.pair && c.group ? MID_OK : mid__oom(run->ctx, "agreement");
    size_t k, i;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        c.group[i] = set->answer[i].group;
        for (k = 0; k < n_labeler; k++)
            c.label[k * set->n + i] = (int8_t)(set->answer[i].attack ? -1 : said[k].label[i].unsafe);
    }
    if (status == MID_OK)
        status = put_all(&c, said);
    free(c.label);
    free(c.pair);
    free(c.group);
    return status;
}
