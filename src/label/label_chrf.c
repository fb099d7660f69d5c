/* A translation is unsafe when its chrF2 (base/chrf.h) to the nearest reference is below a threshold. The score is
 * 1 - chrF/100. No threshold is published: the default is the middle, tuned on nothing. It needs no words, so it serves
 * every script; like BLEU it knows wording, not meaning. */
#include "label/labeler.h"

#include <stdlib.h>

#include "base/chrf.h"
#include "base/ctx.h"
#include "monitor/monitor.h"

struct chrf { double threshold; bool words; };

static void close_chrf(void *self) { free(self); }

static mid_status open_chrf(mid_ctx *ctx, const mid_param *params, const char *data_dir, void **self)
{
    struct chrf *c = *self = malloc(sizeof *c);

    (void)data_dir;
    if (!c)
        return mid__oom(ctx, "labeler chrf");
    c->threshold = mid__param_number(params, "threshold");
    c->words = mid__param_number(params, "words") != 0;
    return MID_OK;
}

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    const struct chrf *c = self;
    mid__chrf chrf = { { 0 }, { 0 }, { 0 } };
    mid_status status;

    if (!sample->n_reference)
        return MID_OK;
    status = mid__chrf_add(ctx, text, n, sample->reference, sample->n_reference, c->words, &chrf);
    if (status != MID_OK)
        return status;
    label->unsafe = mid__chrf_score(&chrf) < c->threshold;
    label->score = 1 - mid__chrf_score(&chrf) / 100;
    return MID_OK;
}

static const mid_param params[] = {
    { "threshold", 50, NULL, "chrF, 0 to 100, below which a translation is unsafe" },
    { "words", 0, NULL, "1: chrF++, which counts words too" },
    { NULL, 0, NULL, NULL },
};

const mid__labeler_ops mid__labeler_chrf = {
    .info = {
        .name = "chrf", .summary = "unsafe when a translation's chrF to the nearest reference is below a threshold",
        .source = "Popovic 2015, 2017; as sacrebleu, arXiv 1804.08771", .who = "rule", .params = params,
    },
    .open = open_chrf, .close = close_chrf, .judge = judge,
};
