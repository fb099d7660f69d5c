/* A translation is unsafe when its sentence BLEU (base/bleu.h) to the references is below a threshold. The score is
 * 1 - BLEU/100. The default threshold is where a common reading of BLEU has the gist become hard to get; it is tuned on
 * nothing. A rough label: sentence BLEU knows wording, not meaning, and 13a does not cut Chinese, Japanese or Thai. */
#include "label/labeler.h"

#include <stdlib.h>

#include "base/bleu.h"
#include "base/ctx.h"
#include "monitor/monitor.h"

static void close_bleu(void *self) { free(self); }

static mid_status open_bleu(mid_ctx *ctx, const mid_param *params, const char *data_dir, void **self)
{
    double *threshold = *self = malloc(sizeof *threshold);

    (void)data_dir;
    if (!threshold)
        return mid__oom(ctx, "labeler bleu");
    *threshold = mid__param_number(params, "threshold");
    return MID_OK;
}

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    const double *threshold = self;
    mid__bleu bleu = { 0 };
    mid_status status;

    if (!sample->n_reference)
        return MID_OK;
    status = mid__bleu_add(ctx, text, n, sample->reference, sample->n_reference, &bleu);
    if (status != MID_OK)
        return status;
    label->unsafe = mid__bleu_score(&bleu, true) < *threshold;
    label->score = 1 - mid__bleu_score(&bleu, true) / 100;
    return MID_OK;
}

static const mid_param params[] = {
    { "threshold", 20, NULL, "BLEU, 0 to 100, below which a translation is unsafe" },
    { NULL, 0, NULL, NULL },
};

const mid__labeler_ops mid__labeler_bleu = {
    .info = {
        .name = "bleu", .summary = "unsafe when a translation's sentence BLEU to the references is below a threshold",
        .source = "Papineni et al. 2002; as sacrebleu, arXiv 1804.08771", .who = "rule", .params = params,
    },
    .open = open_bleu, .close = close_bleu, .judge = judge,
};
