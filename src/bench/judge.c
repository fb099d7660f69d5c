/* Labels for a set's answers. Each run judges anew: that costs little, and a label depends on more than its trace's key
 * tells, on references and word lists. The store keeps the labels for other programs to read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "bench/pool.h"
#include "bench/set.h"
#include "midstream/label.h"

static const char *labeler_of(const mid__set *set)
{
    const char *task = set->answer[0].sample->task;
    const mid_task_info *t;

    if (set->data->labeler)
        return set->data->labeler;
    for (t = mid_task_list(); t->name; t++)
        if (strcmp(t->name, task) == 0)
            return t->default_labeler;
    return "data";
}

/* Token in which a byte of the answer lies; -1 for none. */
static int32_t token_at(const mid_trace *trace, int64_t byte)
{
    mid_step step;
    uint32_t t;

    for (t = 0; byte >= 0 && t < mid_trace_n_tok(trace); t++) {
        mid_trace_step(trace, t, NULL, &step);
        if (byte < (int64_t)step.at_byte + step.n_text)
            return (int32_t)t;
    }
    return -1;
}

/* What is unsafe about the answer lies behind where it was cut: its label says nothing about what was read. */
static bool is_cut_before_onset(const mid__answer *a)
{
    size_t n;

    mid_trace_text(a->trace, &n);
    return a->label.unsafe == 1 && a->label.onset_byte >= (int64_t)n;
}

struct judging { mid__set *set; const mid_labeler *labeler; };

static mid_status judge_one(void *user, mid_ctx *ctx, int i_worker, size_t i)
{
    const struct judging *j = user;
    mid__answer *a = &j->set->answer[i];
    size_t n;
    const char *text = mid_trace_text(a->trace, &n);

    (void)i_worker;
    return mid_labeler_judge(ctx, j->labeler, a->sample, text, n, &a->label);
}

/* All answers, several at a time: a labeler that runs programs or asks a model takes its time. */
static mid_status judge_all(mid__run *run, mid__set *set, const mid_labeler *labeler)
{
    struct judging j = { set, labeler };
    mid__stage stage;

    mid__stage_begin(&stage, run->ctx, set->n, "answers", "labelling %s with %s", set->name, set->labeler);
    return mid__pool_run(run->ctx, mid__pool_size(run->opts->n_threads, set->n), set->n, judge_one, &j, &stage, 1);
}

void mid__set_key(mid__set *set)
{
    mid__sha256 s, sentences;
    char hex[65], numbers[80];
    size_t i, k;

    mid__sha256_init(&s);
    mid__sha256_init(&sentences);
    for (i = 0; i < set->n; i++) {
        const mid__answer *a = &set->answer[i];
        snprintf(numbers, sizeof numbers, " %d %d %u %d %u %d\n", a->label.unsafe, a->fold, a->group, (int)a->onset_tok,
                 a->i_author, a->sample->prompt_label);
        mid__sha256_put(&s, a->key.hex, 64);
        mid__sha256_put(&s, a->beside_key.hex, strlen(a->beside_key.hex));
        mid__sha256_put(&s, numbers, strlen(numbers));
        if (a->attack)
            mid__sha256_put(&s, "attacked\n", 9);
        for (k = 0; k < a->sample->n_sentence; k++) {
            const mid_sentence *sentence = &a->sample->sentence[k];
            snprintf(numbers, sizeof numbers, "%zu %u %d\n", i, sentence->end, sentence->label);
            mid__sha256_put(&sentences, numbers, strlen(numbers));
        }
    }
    mid__sha256_hex(&s, hex);
    set->key = mid_key_of("set", "1", hex, NULL);
    mid__sha256_hex(&sentences, hex);
    set->sentences = mid_key_of("sentences", "1", hex, NULL);
}

mid_status mid__set_judge(mid__run *run, mid__set *set)
{
    mid_labeler *labeler = NULL;
    mid__answer kept;
    mid_status status;
    size_t i, n = 0;

    if (set->n == 0) {
        set->skipped = true;
        if (set->n_skipped)
            return MID_OK;              /* why says what the server said */
        snprintf(set->why, sizeof set->why, "none of %zu answers is left: their prompts are too long for max_tok %u, or they have "
                 "fewer than %u tokens", set->n_left_out, set->data->max_tok, set->data->min_tok ? set->data->min_tok : 1);
        return MID_OK;
    }
    set->labeler = labeler_of(set);
    for (i = 0, status = MID_ENOTFOUND; status == MID_ENOTFOUND && i <= run->opts->n_data_dir; i++)   /* the first with lists */
        status = mid_labeler_open(run->ctx, set->labeler, NULL, i < run->opts->n_data_dir ? run->opts->data_dir[i] : NULL,
                                  &labeler);
    if (status != MID_OK)
        return mid__within(run->ctx, status, "%s:%d: labeler '%s'", run->plan->file, set->data->line, set->labeler);
    set->who = mid_labeler_about(labeler)->who;
    if (strcmp(set->labeler, "data") == 0 && set->answer[0].sample->label_source)
        set->who = set->answer[0].sample->label_source;
    set->labeler_shares = mid_labeler_about(labeler)->shares;
    status = judge_all(run, set, labeler);
    if (status == MID_OK)
        status = mid_store_begin(run->ctx, run->store);
    for (i = 0; status == MID_OK && i < set->n; i++) {
        mid__answer *a = &set->answer[i];
        status = mid_store_put_label(run->ctx, run->store, &a->key, set->labeler, &a->label);
        if (status == MID_OK && a->label.unsafe >= 0 && !is_cut_before_onset(a)) {
            a->onset_tok = a->label.unsafe ? token_at(a->trace, a->label.onset_byte) : -1;
            set->n_unsafe += a->label.unsafe == 1 && !a->attack;
            set->n_attacked += a->attack > 0;
            kept = *a;
            a->trace = NULL;
            set->answer[n++] = kept;
        } else if (status == MID_OK) {
            mid_trace_close(a->trace);
            a->trace = NULL;
            set->n_left_out++;
        }
    }
    if (status == MID_OK)
        status = mid_store_commit(run->ctx, run->store);
    if (status != MID_OK)
        mid_store_rollback(run->store);
    mid_labeler_close(labeler);
    if (status == MID_OK) {
        set->n = n;
        mid__set_key(set);
    }
    return status;
}
