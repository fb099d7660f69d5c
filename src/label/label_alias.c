/* Question answering with short references: an answer is right when it holds one of them as a whole phrase.
 *
 * Both sides are normalised like answers to SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250) and TriviaQA (Joshi et al.
 * 2017, arXiv 1705.03551): lower case, no punctuation, no articles (a, an, the), single spaces; here for all scripts,
 * by Unicode NFKC with case folding. The two differ on punctuation; we drop apostrophes, full stops and commas (U.S.,
 * O'Neill, 1,000) and read every other sign as a space (twenty-one, and/or).
 * Numbers in digits and in words are the same only if the references list both. An answer that names the right thing
 * in order to deny it counts as right. */
#include "label/labeler.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/decode.h"

/* text in compatibility form and case-folded; free it. What is not UTF-8, which utf8proc would refuse, reads as U+FFFD,
 * and so does a NUL. */
static char *fold(const char *text, size_t n)
{
    mid__buf clean = { 0 };
    mid__decode d = { 0 };
    utf8proc_uint8_t byte[4], *folded = NULL;
    int32_t cp[2];
    size_t i;
    int k, n_cp;

    mid__buf_put(&clean, "", 0);
    for (i = 0; i < n; i++) {
        n_cp = mid__decode_put(&d, (uint8_t)text[i], cp);
        for (k = 0; k < n_cp; k++)
            mid__buf_put(&clean, byte, (size_t)utf8proc_encode_char(cp[k] ? cp[k] : MID__REPLACEMENT, byte));
    }
    if (!clean.failed)
        utf8proc_map((const utf8proc_uint8_t *)clean.at, (utf8proc_ssize_t)clean.n, &folded, UTF8PROC_STABLE
                     | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    mid__buf_clear(&clean);
    return (char *)folded;
}

static bool is_silent(int32_t cp) { return cp == '\'' || cp == '.' || cp == ',' || cp == 0x2018 || cp == 0x2019; }

static bool is_article(const char *word, size_t n)
{
    return (n == 1 && *word == 'a') || (n == 2 && memcmp(word, "an", 2) == 0)
           || (n == 3 && memcmp(word, "the", 3) == 0);
}

/* " word word ... " into out, with a space at both ends, so that strstr finds whole phrases; " " if it has no word. */
static bool normalise(const char *text, size_t n, bool keep_articles, mid__buf *out)
{
    char *folded = fold(text, n), *at = folded;
    size_t n_left, begin;
    int32_t cp;
    utf8proc_ssize_t n_byte;

    if (!folded)
        return false;
    mid__buf_text(out, " ");
    begin = out->n;
    for (n_left = strlen(folded); n_left; at += n_byte, n_left -= (size_t)n_byte) {
        n_byte = utf8proc_iterate((utf8proc_uint8_t *)at, (utf8proc_ssize_t)n_left, &cp);
        if (mid__is_word(cp)) {
            mid__buf_put(out, at, (size_t)n_byte);
        } else if (!is_silent(cp) && out->n > begin) {
            if (!keep_articles && is_article(out->at + begin, out->n - begin))
                out->n = begin;
            else
                mid__buf_text(out, " ");
            begin = out->n;
        }
    }
    if (out->n > begin && !keep_articles && is_article(out->at + begin, out->n - begin))
        out->n = begin;
    mid__buf_text(out, out->n > begin ? " " : "");
    free(folded);
    return !out->failed;
}

/* Is the reference in the answer? A reference of nothing but articles (blood group A) is looked for with articles kept;
 * one without any word is in no answer. answer[1] has its articles. */
static bool holds(const mid__buf answer[2], const char *reference, bool *found)
{
    bool ok = true;
    int keep;

    for (keep = 0, *found = false; ok && keep < 2; keep++) {
        mid__buf phrase = { 0 };
        ok = normalise(reference, strlen(reference), keep, &phrase);
        if (ok && phrase.n > 1) {
            *found = strstr(answer[keep].at, phrase.at) != NULL;
            keep = 2;
        }
        mid__buf_clear(&phrase);
    }
    return ok;
}

static mid_status judge(mid_ctx *ctx, const void *self, const mid_sample *sample, const char *text, size_t n,
                        mid_label *label)
{
    mid__buf answer[2] = { { 0 }, { 0 } };
    bool found = false, ok;
    size_t i;

    (void)self;
    if (!sample->n_reference)
        return MID_OK;
    ok = normalise(text, n, false, &answer[0]) && normalise(text, n, true, &answer[1]);
    for (i = 0; ok && i < sample->n_reference && !found; i++)
        ok = holds(answer, sample->reference[i], &found);
    mid__buf_clear(&answer[1]);
    mid__buf_clear(&answer[0]);
    if (!ok)
        return mid__oom(ctx, "labeler alias");
    label->unsafe = !found;
    label->score = label->unsafe;
    return MID_OK;
}

const mid__labeler_ops mid__labeler_alias = {
    .info = {
        .name = "alias", .summary = "unsafe when the answer holds none of the references as a phrase",
        .source = "SQuAD and TriviaQA normalisation, arXiv 1606.05250, 1705.03551", .who = "rule",
    },
    .judge = judge,
};
