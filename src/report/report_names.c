/* A hash table of texts, never more than half full. */
#include "report/report_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static uint32_t slot_of(const mid__names *names, const char *text)
{
    uint32_t i = (uint32_t)mid__fnv(MID__FNV_START, text, strlen(text)) & (names->n_slot - 1);

    while (names->slot[i] && strcmp(names->text[names->slot[i]], text) != 0)
        i = (i + 1) & (names->n_slot - 1);
    return i;
}

static bool grow_names(mid__names *names)
{
    const uint32_t n_slot = names->n_slot ? 2 * names->n_slot : 256;
    uint32_t *slot = calloc(n_slot, sizeof *slot), i;
    const char **text = realloc(names->text, n_slot / 2 * sizeof *text);

    if (text)
        names->text = text;
    if (!slot || !text) {
        free(slot);
        return false;
    }
    free(names->slot);
    names->slot = slot;
    names->n_slot = n_slot;
    if (!names->n)
        names->text[names->n++] = "";
    for (i = 1; i < names->n; i++)
        names->slot[slot_of(names, names->text[i])] = i;
    return true;
}

bool mid__names_add(mid__names *names, const char *text, uint32_t *id)
{
    uint32_t i;

    *id = 0;
    if (!text || !*text)
        return true;
    if (names->n >= names->n_slot / 2 && !grow_names(names))
        return false;
    i = slot_of(names, text);
    if (!names->slot[i]) {
        names->text[names->n] = text;
        names->slot[i] = names->n++;
    }
    *id = names->slot[i];
    return true;
}

uint32_t mid__names_find(const mid__names *names, const char *text)
{
    return names->n_slot && *text ? names->slot[slot_of(names, text)] : 0;
}

void mid__names_clear(mid__names *names)
{
    free(names->slot);
    free(names->text);
    memset(names, 0, sizeof *names);
}
