/* MQM: errors that translators marked in a recorded translation, weighed and added up, averaged over its raters.
 *   major 5, minor 1, a minor punctuation error 0.1, "Non-translation!" 25 (Freitag et al. 2021, TACL 9, table 3);
 *   critical 25, which they do not have: MQM's own multiplier (Lommel et al. 2024, arXiv 2405.16969). Others weigh 0.
 * Read from meta.spans[{start, severity, label, rater}] and meta.raters{NAME: {minor, major, critical}}: an error that
 * a rater counted but that has no span, as an omission has none, weighs as its severity says. Without raters the
 * spans' own raters are those there are.
 * Unsafe from a threshold on; the onset is where the first major or critical error of any rater begins. Of an answer
 * that is cut short, only errors that begin before the cut count. */
#include "label/labeler.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "yyjson.h"

#include "base/ctx.h"
#include "label/recorded.h"
#include "monitor/monitor.h"

enum { MINOR, MAJOR, CRITICAL, N_SEVERITY, NEUTRAL = N_SEVERITY };

static const char *const severity_name[N_SEVERITY] = { "minor", "major", "critical" };
static const double PUNCTUATION = 0.1, NON_TRANSLATION = 25;

struct mqm { double weight[N_SEVERITY], threshold; };

static void close_mqm(void *self) { free(self); }

static mid_status open_mqm(mid_ctx *ctx, const mid_param *params, const char *data_dir, void **self)
{
    struct mqm *m = *self = malloc(sizeof *m);
    int i;

    (void)data_dir;
    if (!m)
        return mid__oom(ctx, "labeler mqm");
    for (i = 0; i < N_SEVERITY; i++)
        m->weight[i] = mid__param_number(params, severity_name[i]);
    m->threshold = mid__param_number(params, "threshold");
    return MID_OK;
}

static int severity_of(yyjson_val *span)
{
    const char *name = yyjson_get_str(yyjson_obj_get(span, "severity"));
    int i;

    for (i = 0; name && i < N_SEVERITY; i++)
        if (strcasecmp(name, severity_name[i]) == 0)
            return i;
    return NEUTRAL;
}

static double weight_of(const struct mqm *m, yyjson_val *span, int severity)
{
    const char *label = yyjson_get_str(yyjson_obj_get(span, "label"));

    if (severity == NEUTRAL)
        return 0;
    if (label && strncasecmp(label, "Non-translation", 15) == 0)
        return NON_TRANSLATION;
    if (label && severity == MINOR && strcasecmp(label, "Fluency/Punctuation") == 0)
        return PUNCTUATION * m->weight[MINOR];
    return m->weight[severity];
}

/* Different raters among the spans; one where none is named. */
static size_t raters_of(yyjson_val *spans)
{
    size_t i, j, n, n_rater = 0;
    yyjson_val *span;

    yyjson_arr_foreach(spans, i, n, span) {
        const char *name = yyjson_get_str(yyjson_obj_get(span, "rater")), *other;
        for (j = 0; name && j < i; j++)
            if ((other = yyjson_get_str(yyjson_obj_get(yyjson_arr_get(spans, j), "rater"))) && strcmp(name, other) == 0)
                break;
        n_rater += name && j == i;
    }
    return n_rater ? n_rater : 1;
}

/* Errors that raters counted, less those with a span: what their weights add. */
static double unplaced(const struct mqm *m, yyjson_val *raters, const double *n_placed)
{
    double counted, sum = 0;
    yyjson_val *name, *rater;
    size_t i, n;
    int k;

    for (k = 0; k < N_SEVERITY && yyjson_is_obj(raters); k++) {
        counted = 0;
        yyjson_obj_foreach(raters, i, n, name, rater)
            counted += yyjson_get_num(yyjson_obj_get(rater, severity_name[k]));
        sum += counted > n_placed[k] ? (counted - n_placed[k]) * m->weight[k] : 0;
    }
    return sum;
}

static void weigh(const struct mqm *m, yyjson_val *meta, size_t n, bool whole, mid_label *label)
{
    yyjson_val *spans = yyjson_obj_get(meta, "spans"), *raters = yyjson_obj_get(meta, "raters"), *span;
    double sum = 0, n_placed[N_SEVERITY + 1] = { 0 };
    int64_t onset = -1;
    size_t i, n_span;

    yyjson_arr_foreach(spans, i, n_span, span) {
        const uint64_t start = yyjson_get_uint(yyjson_obj_get(span, "start"));
        const int severity = severity_of(span);
        n_placed[severity]++;
        if (start >= n && !whole)
            continue;
        sum += weight_of(m, span, severity);
        if ((severity == MAJOR || severity == CRITICAL) && start < n && (onset < 0 || (int64_t)start < onset))
            onset = (int64_t)start;
    }
    if (whole)
        sum += unplaced(m, raters, n_placed);
    label->score = sum / (double)(yyjson_obj_size(raters) ? yyjson_obj_size(raters) : raters_of(spans));
    label->unsafe = label->score >= m->threshold;
    label->onset_byte = label->unsafe ? onset : -1;
}

/* Spans without a severity are no MQM. */
static bool is_mqm(yyjson_val *meta)
{
    yyjson_val *spans = yyjson_obj_get(meta, "spans");

    if (!yyjson_arr_size(spans))
        return yyjson_is_arr(spans) && yyjson_is_obj(yyjson_obj_get(meta, "raters"));
    return yyjson_obj_get(yyjson_arr_get_first(spans), "severity") != NULL;
}

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    yyjson_doc *doc;

    if (!sample->meta || !mid__is_recorded(sample, text, n))
        return MID_OK;
    doc = yyjson_read(sample->meta, strlen(sample->meta), 0);
    if (!doc)
        return mid__oom(ctx, "labeler mqm");
    if (is_mqm(yyjson_doc_get_root(doc)))
        weigh(self, yyjson_doc_get_root(doc), n, n == strlen(sample->response), label);
    yyjson_doc_free(doc);
    return MID_OK;
}

static const mid_param params[] = {
    { "minor", 1, NULL, "weight of a minor error; one of punctuation weighs a tenth" },
    { "major", 5, NULL, "weight of a major error" },
    { "critical", 25, NULL, "weight of a critical error" },
    { "threshold", 5, NULL, "mean penalty of the raters from which a translation is unsafe" },
    { NULL, 0, NULL, NULL },
};

const mid__labeler_ops mid__labeler_mqm = {
    .info = {
        .name = "mqm",
        .summary = "unsafe when the errors that translators marked weigh enough; knows where the first major one is",
        .source = "MQM: Freitag et al. 2021, arXiv 2104.14478", .who = "human", .params = params,
    },
    .open = open_mqm, .close = close_mqm, .judge = judge,
};
