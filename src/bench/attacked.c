/* Attacked copies of a set's answers. They stand in their answer's prompt group and fold, so the monitor that scores
 * one was fitted, and its threshold chosen, on other prompts' answers as they were: the attacker moves, the monitor
 * does not. Benign words come from safe answers to other prompts of the set, and safe answers get as many of them as
 * unsafe ones, so that neither length nor their presence tells anything. */
#include <stdio.h>
#include <string.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"
#include "bench/set.h"
#include "task/attack.h"

/* n_word words of safe answers to other prompts, from a drawn one on. MID_EUNDEFINED: there are not that many. */
static mid_status benign_words(mid__run *run, const mid__set *set, size_t n, size_t i_answer, uint32_t n_word,
                               mid__buf *out)
{
    const mid__answer *a = &set->answer[i_answer];
    mid__rng rng;
    size_t i, from, n_there = 0;

    mid__rng_init(&rng, run->plan->seed, mid__fnv(MID__FNV_START, a->sample->id, strlen(a->sample->id)));
    from = mid__rng_below(&rng, (uint32_t)n);
    for (i = 0; i < n && n_there < n_word; i++) {
        const mid__answer *other = &set->answer[(from + i) % n];
        if (other->sample->label != 0 || other->group == a->group)
            continue;
        mid__buf_text(out, out->n ? " " : "");
        mid__buf_text(out, other->sample->response);
        n_there += mid__attack_words(other->sample->response);
    }
    if (out->failed)
        return mid__oom(run->ctx, "an attacked answer");
    return n_there >= n_word ? MID_OK
         : mid__fail(run->ctx, MID_EUNDEFINED, "%s:%d: an attack wants %u words of safe answers to other prompts, '%s' "
                                               "has %zu",
                     run->plan->file, set->data->line, (unsigned)n_word, set->name, n_there);
}

/* The attacked copy of a sample, in the set's arena. */
static mid_status copy_of(mid__run *run, mid__set *set, size_t n, size_t i, const char *spec, const mid_sample **out)
{
    const mid_sample *from = set->answer[i].sample;
    mid_sample *s = mid__arena_get(&set->said, sizeof *s);
    mid__buf benign = { 0 }, text = { 0 }, id = { 0 };
    mid__attack attack;
    mid_status status = mid__attack_parse(run->ctx, spec, &attack);

    if (status == MID_OK && attack.n_word)
        status = benign_words(run, set, n, i, attack.n_word, &benign);
    if (status != MID_OK)
        goto out;
    if (!s) {
        status = mid__oom(run->ctx, "an attacked answer");
        goto out;
    }
    *s = *from;
    s->sentence = NULL;             /* their places are not those of the new text */
    s->n_sentence = 0;
    mid__buf_fmt(&id, "%s+%s", from->id, spec);
    mid__attack_apply(&attack, from->response, benign.at, &text, &s->onset_byte);
    if (from->label != 1)
        s->onset_byte = from->onset_byte;
    s->id = id.failed ? NULL : mid__arena_text(&set->said, id.at, id.n);
    s->response = text.failed ? NULL : mid__arena_text(&set->said, text.at ? text.at : "", text.n);
    if (!s->id || !s->response)
        status = mid__oom(run->ctx, "an attacked answer");
    *out = s;
out:
    mid__buf_clear(&benign);
    mid__buf_clear(&text);
    mid__buf_clear(&id);
    return status;
}

mid_status mid__set_attack(mid__run *run, mid__set *set)
{
    const mid_plan_data *data = set->data;
    const size_t n = set->n;
    mid_status status = MID_OK;
    size_t i, k;

    for (k = 0; k < data->n_attack; k++)
        for (i = 0; status == MID_OK && i < n; i++) {
            mid__answer *a = &set->answer[set->n];
            *a = set->answer[i];
            a->attack = k + 1;
            status = copy_of(run, set, n, i, data->attack[k], &a->sample);
            set->n += status == MID_OK;
        }
    return status;
}
