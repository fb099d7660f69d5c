/* Monitor specs: a monitor's name and the aggregators behind it, as people write them.
 *     spec = monitor { "+" aggregator [ "(" number { "," number } ")" ] }        blanks may stand between the parts
 * There is one way to write a spec back, so that a text can stand for it in keys, results and file names. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/names.h"
#include "monitor/chain.h"

enum { NAME_BYTES = 64, NUMBER_BYTES = 32, REGISTRY_MAX = 512 };

struct reader { mid_ctx *ctx; const char *text, *at; };

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

/* What is not understood here, in its whole text. */
static mid_status fail(const struct reader *r, const char *why)
{
    return mid__fail(r->ctx, MID_EINVAL, "'%.100s': %s at '%.20s'", r->text, why, r->at);
}

static mid_status read_name(struct reader *r, const char *what, char name[NAME_BYTES])
{
    size_t n = 0;
    char why[80];

    skip_blanks(r);
    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' || r->at[n] == '-' || r->at[n] == '.')
        n++;
    snprintf(why, sizeof why, "the name of %s is missing", what);
    if (n == 0)
        return fail(r, why);
    snprintf(name, NAME_BYTES, "%.*s", (int)(n < NAME_BYTES ? n : NAME_BYTES - 1), r->at);
    r->at += n;
    return MID_OK;
}

/* A name that is in neither registry; all (n): those that are. */
static mid_status unknown(mid_ctx *ctx, const char *what, const char *name, const char *const *all, size_t n)
{
    mid__buf said = { 0 };
    mid_status status;

    mid__names_unknown(&said, what, name, "there are", all, n);
    status = said.failed ? mid__oom(ctx, "a list of names") : mid__fail(ctx, MID_EINVAL, "%s", said.at);
    mid__buf_clear(&said);
    return status;
}

static mid_status unknown_monitor(mid_ctx *ctx, const char *name)
{
    const mid_monitor_ops *const *list = mid_monitor_list();
    const char *all[REGISTRY_MAX];
    size_t n, i;

    for (n = 0; n < REGISTRY_MAX && list[n]; n++)
        all[n] = list[n]->name;
    for (i = 0; n < REGISTRY_MAX && mid__ctx_monitor(ctx, i); i++)      /* added to the context */
        all[n++] = mid__ctx_monitor(ctx, i)->name;
    return unknown(ctx, "monitor", name, all, n);
}

static mid_status unknown_aggregator(mid_ctx *ctx, const char *name)
{
    const mid_aggregator_ops *const *list = mid_aggregator_list();
    const char *all[REGISTRY_MAX];
    size_t n;

    for (n = 0; n < REGISTRY_MAX && list[n]; n++)
        all[n] = list[n]->name;
    return unknown(ctx, "aggregator", name, all, n);
}

/* Digits with sign, point and exponent: no hexadecimal, no "inf". */
static mid_status read_number(struct reader *r, const mid_aggregator_param *p, double *number)
{
    char digits[NUMBER_BYTES], *end;
    size_t n;

    skip_blanks(r);
    n = strspn(r->at, "+-.0123456789eE");
    snprintf(digits, sizeof digits, "%.*s", (int)(n < sizeof digits ? n : sizeof digits - 1), r->at);
    *number = strtod(digits, &end);
    if (n == 0 || n >= sizeof digits || *end)
        return fail(r, "a number is expected");
    r->at += n;
    if (p->whole && *number != floor(*number))
        return mid__fail(r->ctx, MID_EINVAL, "'%.100s': %s is %s; it must be a whole number", r->text, p->name, digits);
    if (!(*number >= p->lo && *number <= p->hi))
        return mid__fail(r->ctx, MID_EINVAL, "'%.100s': %s is %s; it must be from %g to %g", r->text, p->name, digits,
                         p->lo, p->hi);
    return MID_OK;
}

/* "(1,2)", or nothing: what is not given keeps its default. */
static mid_status read_params(struct reader *r, mid_aggregate *a)
{
    const mid_aggregator_param *p = a->ops->params;
    mid_status status;
    size_t n, i = 0;

    for (n = 0; p && p[n].name; n++)
        a->param[n] = p[n].number;
    if (!take(r, '('))
        return MID_OK;
    do {
        if (i == n)
            return mid__fail(r->ctx, MID_EINVAL, "'%.100s': %s takes %s", r->text, a->ops->name,
                             n == 0 ? "no number" : n == 1 ? "one number" : "two numbers");
        status = read_number(r, &p[i], &a->param[i]);
        if (status != MID_OK)
            return status;
        i++;
    } while (take(r, ','));
    return take(r, ')') ? MID_OK : fail(r, "a closing bracket is expected");
}

static mid_status read_aggregate(struct reader *r, mid_aggregate *out)
{
    char name[NAME_BYTES];
    mid_status status = read_name(r, "an aggregator", name);

    if (status != MID_OK)
        return status;
    *out = (mid_aggregate){ .ops = mid_aggregator_find(name) };
    return out->ops ? read_params(r, out) : unknown_aggregator(r->ctx, name);
}

static mid_status read_chain(struct reader *r, mid_monitor_spec *spec)
{
    mid_status status = MID_OK;

    do {
        if (spec->n_aggregate == MID_AGGREGATE_MAX)
            return mid__fail(r->ctx, MID_EINVAL, "'%.100s': at most %d aggregators stand behind a monitor", r->text,
                             MID_AGGREGATE_MAX);
        status = read_aggregate(r, &spec->aggregate[spec->n_aggregate]);
        spec->n_aggregate += status == MID_OK;
    } while (status == MID_OK && take(r, '+'));
    skip_blanks(r);
    return status == MID_OK && *r->at ? fail(r, "a '+' is expected") : status;
}

mid_status mid__chain_parse(mid_ctx *ctx, const char *text, mid_monitor_spec *spec)
{
    struct reader r = { ctx, text, text };

    spec->n_aggregate = 0;
    return text[0] ? read_chain(&r, spec) : MID_OK;
}

mid_status mid_monitor_spec_parse(mid_ctx *ctx, const char *text, mid_monitor_spec *out)
{
    struct reader r = { ctx, text, text };
    mid_monitor_spec spec = { .monitor = NULL };
    char name[NAME_BYTES];
    mid_status status = read_name(&r, "a monitor", name);

    if (status != MID_OK)
        return status;
    spec.monitor = mid_ctx_find_monitor(ctx, name);
    if (!spec.monitor)
        return unknown_monitor(ctx, name);
    if (take(&r, '+'))
        status = read_chain(&r, &spec);
    else if (skip_blanks(&r), *r.at)
        status = fail(&r, "a '+' is expected");
    if (status == MID_OK)
        *out = spec;
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Digits that read back as the same number. */
static void number_text(double number, char text[NUMBER_BYTES])
{
    int digits;

    for (digits = 6; digits <= 17; digits++) {
        snprintf(text, NUMBER_BYTES, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
}

static size_t put(char *text, size_t n, const char *a, const char *b)
{
    const int more = n < MID_SPEC_BYTES ? snprintf(text + n, MID_SPEC_BYTES - n, "%s%s", a, b) : 0;

    return n + (size_t)more;
}

static size_t put_aggregate(char *text, size_t n, const mid_aggregate *a)
{
    const mid_aggregator_param *p = a->ops->params;
    const char *before = "(";
    char number[NUMBER_BYTES];
    size_t i;

    n = put(text, n, a->ops->name, "");
    for (i = 0; p && p[i].name && !isnan(a->param[i]); i++) {
        number_text(a->param[i], number);
        n = put(text, n, before, number);
        before = ",";
    }
    return i ? put(text, n, ")", "") : n;
}

static void put_chain(const mid_monitor_spec *spec, char *text, size_t n)
{
    size_t i;

    for (i = 0; i < spec->n_aggregate; i++) {
        n = put(text, n, n ? "+" : "", "");
        n = put_aggregate(text, n, &spec->aggregate[i]);
    }
}

void mid__chain_text(const mid_monitor_spec *spec, char *text)
{
    text[0] = 0;
    put_chain(spec, text, 0);
}

void mid_monitor_spec_text(const mid_monitor_spec *spec, char *text)
{
    put_chain(spec, text, put(text, 0, spec->monitor->name, ""));
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

const char *mid_monitor_spec_unit(const mid_monitor_spec *spec)
{
    size_t i = spec->n_aggregate;

    while (i-- > 0)
        if (spec->aggregate[i].ops->unit)
            return spec->aggregate[i].ops->unit;
    return spec->monitor->unit;
}

mid_status mid_monitor_spec_read(mid_ctx *ctx, const mid_weights *weights, mid_monitor_spec *out)
{
    const char *name = mid_weights_text(weights, "monitor"), *chain = mid_weights_text(weights, "aggregate");
    mid_monitor_spec spec = { .monitor = name ? mid_ctx_find_monitor(ctx, name) : NULL };

    if (!spec.monitor)
        return mid__fail(ctx, MID_EFORMAT, "names no monitor of this version ('%.60s')", name ? name : "");
    if (chain && mid__chain_parse(ctx, chain, &spec) != MID_OK)
        return mid__within(ctx, MID_EFORMAT, "'aggregate'");
    *out = spec;
    return MID_OK;
}
