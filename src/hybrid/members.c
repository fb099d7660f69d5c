/* Members are fitted as they would be alone. For what is learned from their scores they are fitted again without each
 * inner fold (stacking, Wolpert 1992): a member's score of an answer it was fitted on is too good to weigh it by. The
 * shorter fits get seeds of their own, since an inner fold that is cut away must not be the fold they choose on. */
#include "hybrid/members.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/weights.h"
#include "monitor/rows.h"

enum { MEMO_KEY_BYTES = 80, ALL_FOLDS = -1 };
static const char beside_mark[] = "beside:";

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* One past the member that begins at text: the comma outside brackets, or the end. */
static const char *member_end(const char *text)
{
    int depth = 0;

    for (; *text && !(*text == ',' && depth == 0); text++)
        depth += (*text == '(') - (*text == ')');
    return text;
}

static mid_status add(mid_ctx *ctx, const char *from, const char *end, mid__members *m)
{
    char text[MID_SPEC_BYTES];
    mid_status status;
    size_t i;

    if (m->n == MID__MEMBER_MAX)
        return mid__fail(ctx, MID_EINVAL, "a hybrid has at most %d members", MID__MEMBER_MAX);
    if ((size_t)(end - from) >= sizeof text)
        return mid__fail(ctx, MID_EINVAL, "member '%.40s...' is longer than %zu bytes", from, sizeof text - 1);
    while (*from == ' ')
        from++;
    m->beside[m->n] = strncmp(from, beside_mark, sizeof beside_mark - 1) == 0;
    if (m->beside[m->n])
        from += sizeof beside_mark - 1;
    snprintf(text, sizeof text, "%.*s", (int)(end - from), from);
    status = mid_monitor_spec_parse(ctx, text, &m->spec[m->n]);
    if (status != MID_OK)
        return status;
    mid_monitor_spec_text(&m->spec[m->n], text);
    if (snprintf(m->text[m->n], sizeof m->text[m->n], "%s%s", m->beside[m->n] ? beside_mark : "", text) >= MID_SPEC_BYTES)
        return mid__fail(ctx, MID_EINVAL, "member '%.40s...' is longer than %d bytes", text, MID_SPEC_BYTES - 1);
    for (i = 0; i < m->n; i++)
        if (strcmp(m->text[i], m->text[m->n]) == 0)
            return mid__fail(ctx, MID_EINVAL, "member '%s' is named twice", m->text[i]);
    m->n++;
    return MID_OK;
}

mid_status mid__members_parse(mid_ctx *ctx, const char *of, mid__members *out)
{
    const char *at = of, *end;
    mid_status status = MID_OK;

    out->n = 0;
    do {
        end = member_end(at);
        status = add(ctx, at, end, out);
        at = end + 1;
    } while (status == MID_OK && *end);
    if (status == MID_OK && out->n < 2)
        status = mid__fail(ctx, MID_EINVAL, "'%.100s' is one member; a hybrid has at least two", of);
    return status;
}

/* All that a member's scores depend on beside the answers: what it is called, its version, a plug-in's build, a hybrid's
 * own members, its aggregators' versions. */
static void put_identity(const mid__members *members, size_t i, const mid_monitor_reads *reads, mid__sha256 *hash)
{
    const mid_monitor_spec *spec = &members->spec[i];
    char said[MID_SPEC_BYTES + 40];
    size_t k;

    snprintf(said, sizeof said, "%s %u", members->text[i], spec->monitor->version);
    mid__sha256_put(hash, said, strlen(said) + 1);
    mid__sha256_put(hash, reads->members, strlen(reads->members) + 1);
    if (spec->monitor->build)
        mid__sha256_put(hash, spec->monitor->build, strlen(spec->monitor->build) + 1);
    for (k = 0; k < spec->n_aggregate; k++)
        mid__sha256_put(hash, &spec->aggregate[k].ops->version, sizeof spec->aggregate[k].ops->version);
}

mid_status mid__members_reads(mid_ctx *ctx, const mid__members *members, mid_monitor_reads *out)
{
    mid__sha256 hash;
    size_t i;

    *out = (mid_monitor_reads){ .box = MID_BOX_CONTROL };
    mid__sha256_init(&hash);
    for (i = 0; i < members->n; i++) {
        mid_monitor_reads one;
        mid_status status = mid_monitor_reads_of(ctx, members->spec[i].monitor, NULL, &one);
        if (status != MID_OK)
            return status;
        if (members->beside[i] && ((one.needs | one.fit_needs) & ~MID_SIG_ALWAYS))
            return mid__fail(ctx, MID_EINVAL, "member %s: a second observer gives what every source gives unasked, and "
                             "this monitor needs more", members->text[i]);
        out->needs |= members->beside[i] ? (uint32_t)MID_SIG_BESIDE : one.needs;
        out->fit_needs |= members->beside[i] ? 0 : one.fit_needs;
        out->shares |= one.shares;
        out->box = one.box > out->box ? one.box : out->box;
        put_identity(members, i, &one, &hash);
    }
    mid__sha256_hex(&hash, out->members);
    return MID_OK;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

void mid__member_rows_clear(mid__member_rows *rows)
{
    free(rows->score);
    free(rows->answer);
    free(rows->t);
    free(rows->label);
    free(rows->horizon);
    free(rows->weight);
    memset(rows, 0, sizeof *rows);
}

/* Room for so many rows, none there yet. */
static mid_status rows_room(mid_ctx *ctx, size_t most, size_t n_member, mid__member_rows *rows)
{
    *rows = (mid__member_rows){ .n_member = n_member, .score = malloc(most * n_member * sizeof *rows->score),
                                .answer = malloc(most * sizeof *rows->answer), .t = malloc(most * sizeof *rows->t),
                                .label = malloc(most), .horizon = malloc(most),
                                .weight = malloc(most * sizeof *rows->weight) };
    return rows->score && rows->answer && rows->t && rows->label && rows->horizon && rows->weight
        ? MID_OK : mid__oom(ctx, "members' scores");
}

mid_status mid__member_rows_outside(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, int fold,
                                    mid__member_rows *out)
{
    const size_t m = rows->n_member;
    const mid_status status = rows_room(ctx, rows->n + 1, m, out);
    size_t k;

    for (k = 0; status == MID_OK && k < rows->n; k++) {
        if (mid__inner_fold(set, rows->answer[k]) == fold)
            continue;
        memcpy(out->score + out->n * m, rows->score + k * m, m * sizeof *out->score);
        out->answer[out->n] = rows->answer[k];
        out->t[out->n] = rows->t[k];
        out->label[out->n] = rows->label[k];
        out->horizon[out->n] = rows->horizon[k];
        out->weight[out->n++] = rows->weight[k];
    }
    return status;
}

void mid__member_column(const mid__member_rows *rows, size_t i_member, double *column)
{
    size_t k;

    for (k = 0; k < rows->n; k++)
        column[k] = rows->score[k * rows->n_member + i_member];
}

mid_status mid__member_rows_auroc(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows,
                                  const double *column, double *auroc)
{
    const mid__rows as_rows = { .n = rows->n, .answer = rows->answer, .label = rows->label, .weight = rows->weight,
                                .horizon = rows->horizon };
    double *said = malloc((rows->n + 1) * sizeof *said);
    mid_status status;
    size_t k;

    for (k = 0; said && k < rows->n; k++)
        said[k] = isnan(column[k]) ? -INFINITY : column[k];
    status = said ? mid__rows_auroc(ctx, set, &as_rows, said, auroc) : mid__oom(ctx, "a hybrid");
    free(said);
    return status;
}

static mid_status rows_init(mid_ctx *ctx, const mid_fit_set *set, size_t n_member, mid__member_rows *rows)
{
    const mid_status status = rows_room(ctx, set->n * (MID__N_HORIZON + 1) + 1, n_member, rows);
    size_t i, k;
    uint32_t t;

    for (i = 0; status == MID_OK && i < set->n; i++) {
        const uint32_t n_tok = mid_trace_n_tok(set->answer[i].trace);
        const size_t first = rows->n;
        for (t = 1; t <= n_tok; t++) {
            if (!mid__is_row(t, n_tok, 0, &rows->horizon[rows->n]))
                continue;
            rows->answer[rows->n] = (uint32_t)i;
            rows->t[rows->n] = t;
            rows->label[rows->n++] = (uint8_t)set->answer[i].label;
        }
        for (k = first; k < rows->n; k++)
            rows->weight[k] = 1.0 / (double)(rows->n - first);
    }
    return status;
}

/* A member to be fitted, and the observer it reads. */
struct member { const mid_monitor_spec *spec; bool beside; };

static const mid_trace *own_trace(const struct member *member, const mid_trace *trace)
{
    return member->beside ? mid_trace_beside(trace) : trace;
}

/* ---- fitting ----------------------------------------------------------------------------------------------------- */

/* Of which of its own tokens a member's score is the latest after t tokens; 0: of none. */
static uint32_t own_t(const mid_trace *trace, bool beside, uint32_t t)
{
    return beside ? mid_trace_n_beside(trace, t - 1) : t;
}

/* The rows of an inner fold (or of all), column (n). */
static mid_status score_rows(mid_ctx *ctx, const struct member *member, const mid_weights *w, const mid_fit_set *set,
                             int fold, const mid__member_rows *rows, double *column)
{
    mid_monitor *m = NULL;
    mid_stream *stream = NULL;
    double *score = NULL;
    size_t k = 0, room = 0;
    mid_status status = mid_monitor_spec_open(ctx, member->spec, NULL, w,
                                              mid_trace_signals(own_trace(member, set->answer[0].trace)), &m);

    if (status == MID_OK)
        status = mid_stream_open(ctx, m, &stream);
    while (status == MID_OK && k < rows->n) {
        const uint32_t i = rows->answer[k];
        const mid_trace *trace = set->answer[i].trace, *own = own_trace(member, trace);
        const bool wanted = fold == ALL_FOLDS || mid__inner_fold(set, i) == fold;
        if (mid_trace_n_tok(own) > room) {
            free(score);
            room = mid_trace_n_tok(own);
            score = malloc(room * sizeof *score);
            status = score ? MID_OK : mid__oom(ctx, "members' scores");
        }
        if (status == MID_OK && wanted)
            status = mid_stream_score(ctx, stream, own, score, NULL);
        for (; status == MID_OK && k < rows->n && rows->answer[k] == i; k++) {
            const uint32_t t = own_t(trace, member->beside, rows->t[k]);
            if (wanted)
                column[k] = t && score[t - 1] > -INFINITY ? score[t - 1] : NAN;
        }
    }
    mid_stream_close(stream);
    mid_monitor_close(m);
    free(score);
    return status;
}

/* Fit on an inner fold's complement, or on all. */
static mid_status fit_outside(mid_ctx *ctx, const struct member *member, const mid_fit_set *set, int fold,
                              mid_weights **out)
{
    mid_fit_answer *rest = malloc((set->n + 1) * sizeof *rest);
    uint64_t seed = set->seed + (uint64_t)(fold + 1);
    mid_fit_set part = { .answer = rest, .seed = fold == ALL_FOLDS ? set->seed : mid__splitmix(&seed),
                         .n_fold = set->n_fold };
    mid_status status = rest ? MID_OK : mid__oom(ctx, "an inner fold");
    size_t i;

    for (i = 0; status == MID_OK && i < set->n; i++)
        if (fold == ALL_FOLDS || mid__inner_fold(set, i) != fold) {
            rest[part.n] = set->answer[i];
            rest[part.n++].trace = own_trace(member, set->answer[i].trace);
        }
    if (status == MID_OK)
        status = mid_monitor_spec_fit(ctx, member->spec, NULL, &part, out);
    free(rest);
    return status;
}

static mid_status fit_member(mid_ctx *ctx, const struct member *member, const mid_fit_set *set,
                             const mid__member_rows *rows, double *column, mid_weights **out)
{
    mid_status status = MID_OK;
    size_t i;
    int fold;

    for (i = 0; i < set->n; i++)
        if (!own_trace(member, set->answer[i].trace))
            return mid__fail(ctx, MID_ESIGNAL, "answer %zu was not read by a second observer", i);
    if (!mid_monitor_spec_learns(member->spec))
        return score_rows(ctx, member, NULL, set, ALL_FOLDS, rows, column);
    for (fold = 0; status == MID_OK && fold < mid__n_inner(set); fold++) {
        mid_weights *w = NULL;
        status = fit_outside(ctx, member, set, fold, &w);
        if (status == MID_OK)
            status = score_rows(ctx, member, w, set, fold, rows, column);
        mid_weights_close(w);
    }
    return status == MID_OK ? fit_outside(ctx, member, set, ALL_FOLDS, out) : status;
}

/* ---- memo: the column, then the weights' bytes -------------------------------------------------------------------- */

static mid_status memo_key(mid_ctx *ctx, const mid__members *members, size_t i, char key[MEMO_KEY_BYTES])
{
    mid_monitor_reads reads;
    mid__sha256 hash;
    char hex[65];
    const mid_status status = mid_monitor_reads_of(ctx, members->spec[i].monitor, NULL, &reads);

    if (status != MID_OK)
        return status;
    mid__sha256_init(&hash);
    put_identity(members, i, &reads, &hash);
    mid__sha256_hex(&hash, hex);
    snprintf(key, MEMO_KEY_BYTES, "member 2 %s", hex);
    return MID_OK;
}

static bool remember(mid_ctx *ctx, const mid_memo *memo, const char *key, bool learns, size_t n_row, double *column,
                     mid_weights **out)
{
    const size_t n_column = n_row * sizeof *column;
    void *bytes = NULL;
    size_t n = 0;
    bool found = memo && memo->get(memo->user, key, &bytes, &n) == MID_OK;

    found &= learns ? n > n_column : n == n_column;
    if (found)
        memcpy(column, bytes, n_column);
    if (found && learns)
        found = mid_weights_unpack(ctx, (char *)bytes + n_column, n - n_column, out) == MID_OK;
    mid_free(bytes);
    return found;
}

static mid_status note(mid_ctx *ctx, const mid_memo *memo, const char *key, size_t n_row, const double *column,
                       const mid_weights *w)
{
    const size_t n_column = n_row * sizeof *column;
    void *packed = NULL;
    size_t n = 0;
    char *bytes;
    mid_status status = memo && w ? mid_weights_pack(ctx, w, &packed, &n) : MID_OK;

    if (!memo || status != MID_OK)
        return status;
    bytes = malloc(n_column + n + 1);
    if (bytes) {
        memcpy(bytes, column, n_column);
        memcpy(bytes + n_column, packed ? packed : "", n);
        status = memo->put(memo->user, key, bytes, n_column + n);
    } else {
        status = mid__oom(ctx, "a member's scores");
    }
    free(bytes);
    mid_free(packed);
    return status;
}

mid_status mid__members_fit(mid_ctx *ctx, const mid__members *members, const mid_fit_set *set, mid__member_rows *rows,
                            mid_weights *out)
{
    mid_status status = rows_init(ctx, set, members->n, rows);
    double *column = malloc((rows->n + 1) * sizeof *column);
    char key[MEMO_KEY_BYTES], prefix[8];
    size_t i, k;

    if (status == MID_OK && !column)
        status = mid__oom(ctx, "members' scores");
    for (i = 0; status == MID_OK && i < members->n; i++) {
        const struct member member = { &members->spec[i], members->beside[i] };
        mid_weights *w = NULL;
        status = memo_key(ctx, members, i, key);
        if (status == MID_OK && !remember(ctx, set->memo, key, mid_monitor_spec_learns(member.spec), rows->n, column, &w)) {
            status = fit_member(ctx, &member, set, rows, column, &w);
            if (status == MID_OK)
                status = note(ctx, set->memo, key, rows->n, column, w);
        }
        for (k = 0; status == MID_OK && k < rows->n; k++)
            rows->score[k * members->n + i] = column[k];
        snprintf(prefix, sizeof prefix, "m%zu.", i);
        if (status == MID_OK && w)
            status = mid__weights_put_all(ctx, out, prefix, w);
        if (status != MID_OK)
            status = mid__within(ctx, status, "member %s", members->text[i]);
        mid_weights_close(w);
    }
    free(column);
    return status;
}

mid_status mid__member_open(mid_ctx *ctx, const mid__members *members, size_t i, const mid_weights *weights,
                            const mid_signals *signals, mid_monitor **out)
{
    const mid_monitor_spec *spec = &members->spec[i];
    const mid_signals *own = members->beside[i] ? signals->beside : signals;
    mid_weights *w = NULL;
    char prefix[8];
    mid_status status = MID_OK;

    snprintf(prefix, sizeof prefix, "m%zu.", i);
    if (mid_monitor_spec_learns(spec))
        status = mid__weights_take(ctx, weights, prefix, &w);
    if (status == MID_OK && !own)
        status = mid__fail(ctx, MID_ESIGNAL, "no second observer reads here");
    if (status == MID_OK)
        status = mid_monitor_spec_open(ctx, spec, NULL, w, own, out);
    if (status != MID_OK)
        status = mid__within(ctx, status, "member %s", members->text[i]);
    mid_weights_close(w);
    return status;
}
