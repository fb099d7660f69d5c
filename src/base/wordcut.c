/* Words are named by FNV-1a over their lower-cased code points (simple mapping), 4 bytes each, low byte first.
 * Sentences are cut by the marks that end them alone: no list of abbreviations, no look ahead. */
#include "base/wordcut.h"

#include <utf8proc.h>

#include "base/hash.h"

static int32_t lower(int32_t cp)
{
    return cp >= 0x80 ? utf8proc_tolower(cp) : cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
}

static uint64_t add_letter(uint64_t word, int32_t cp)
{
    uint8_t low_first[4];
    int i;

    for (i = 0; i < 4; i++)
        low_first[i] = (uint8_t)((uint32_t)cp >> 8 * i);
    word = mid__fnv(word ? word : MID__FNV_START, low_first, sizeof low_first);
    return word ? word : 1;
}

void mid__wordcut_put(mid__wordcut *cut, const char *text, size_t n, mid__wordcut_fn emit, void *user)
{
    int32_t cp[2];
    size_t i;
    int k, n_cp;

    for (i = 0; i < n; i++) {
        n_cp = mid__decode_put(&cut->decode, (uint8_t)text[i], cp);
        for (k = 0; k < n_cp; k++) {
            if (mid__is_word(cp[k]))
                cut->word = add_letter(cut->word, lower(cp[k]));
            else
                mid__wordcut_end(cut, emit, user);
        }
    }
}

void mid__wordcut_end(mid__wordcut *cut, mid__wordcut_fn emit, void *user)
{
    const uint64_t word = cut->word;

    cut->word = 0;
    if (word)
        emit(user, word);
}

static bool ends_sentence(int32_t cp)
{
    return cp == '.' || cp == '?' || cp == '!' || cp == '\n' || cp == 0x3002 || cp == 0xff01 || cp == 0xff1f;
}

bool mid__sentence_put(mid__sentence *s, const char *text, size_t n)
{
    bool ended = false;
    int32_t cp[2];
    size_t i;
    int k, n_cp;

    s->n_tok++;
    for (i = 0; i < n; i++) {
        n_cp = mid__decode_put(&s->decode, (uint8_t)text[i], cp);
        for (k = 0; k < n_cp; k++) {
            const bool is_word = mid__is_word(cp[k]);
            s->n_word += is_word && !s->in_word;
            s->in_word = is_word;
            if (ends_sentence(cp[k]) && s->n_word >= MID__SENTENCE_MIN_WORD) {
                ended = true;
                s->n_word = s->n_tok = 0;
            }
        }
    }
    if (s->n_tok >= MID__SENTENCE_MAX_TOK) {
        ended = true;
        s->n_word = s->n_tok = 0;
    }
    return ended;
}
