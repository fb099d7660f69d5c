/* Reading a "ready": only name and needs must be there, but everything that is there must make sense. */
#include "plugin/ready.h"

#include <ctype.h>

enum { PARAM_MAX = 32 };
static const uint64_t all_shares = MID_SHARE_TOXIC_WORDS | MID_SHARE_MONITOR_WORDS | MID_SHARE_REFUSAL_CUES |
                                   MID_SHARE_NGRAMS;

static bool is_name(const char *name)
{
    size_t i;

    if (!name || !islower((unsigned char)name[0]))
        return false;
    for (i = 0; name[i]; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '_')
            return false;
    return i <= 60;
}

static const char *text_of(mid__arena *room, yyjson_val *v, const char *otherwise)
{
    const char *text = yyjson_get_str(v);

    return text && text[0] ? mid__arena_text(room, text, yyjson_get_len(v)) : otherwise;
}

static bool read_box(yyjson_val *v, uint32_t needs, mid_box *box)
{
    const uint32_t white = MID_SIG_HIDDEN | MID_SIG_ATTENTION | MID_SIG_LENS;

    if (!v) {
        *box = needs & white ? MID_BOX_WHITE : needs & ~(uint32_t)MID_SIG_TEXT ? MID_BOX_GREY
               : needs ? MID_BOX_BLACK : MID_BOX_CONTROL;
        return true;
    }
    for (*box = MID_BOX_CONTROL; *box <= MID_BOX_WHITE; (*box)++)
        if (yyjson_equals_str(v, mid_box_name(*box)))
            return true;
    return false;
}

/* [{"name", "default", "help"}] as a list that ends with name NULL; NULL: it is none, or out of memory. */
static const mid_param *read_params(mid__arena *room, yyjson_val *list)
{
    mid_param *all = mid__arena_get(room, (PARAM_MAX + 1) * sizeof *all), *p = all;
    yyjson_val *one, *value;
    size_t i, max;

    if (!all || (list && !yyjson_is_arr(list)) || yyjson_arr_size(list) > PARAM_MAX)
        return NULL;
    yyjson_arr_foreach(list, i, max, one) {
        value = yyjson_obj_get(one, "default");
        p->name = text_of(room, yyjson_obj_get(one, "name"), NULL);
        p->help = text_of(room, yyjson_obj_get(one, "help"), "(the plug-in says nothing about it)");
        if (!is_name(p->name) || (!yyjson_is_str(value) && !yyjson_is_num(value)))
            return NULL;
        p->number = yyjson_get_num(value);
        if (yyjson_is_str(value))
            p->text = mid__arena_text(room, yyjson_get_str(value), yyjson_get_len(value));
        p++;
    }
    return all;
}

const char *mid__ready_read(mid__arena *room, yyjson_val *ready, const char *what, mid_monitor_ops *ops)
{
    yyjson_val *version = yyjson_obj_get(ready, "version"), *learns = yyjson_obj_get(ready, "learns");
    const uint64_t shares = yyjson_get_uint(yyjson_obj_get(ready, "shares"));

    ops->name = text_of(room, yyjson_obj_get(ready, "name"), NULL);
    ops->summary = text_of(room, yyjson_obj_get(ready, "summary"), "(the plug-in says nothing about itself)");
    ops->unit = text_of(room, yyjson_obj_get(ready, "unit"), "score");
    ops->source = text_of(room, yyjson_obj_get(ready, "source"), what);
    ops->params = read_params(room, yyjson_obj_get(ready, "params"));
    ops->version = version ? (uint32_t)yyjson_get_uint(version) : 1;
    ops->shares = (uint32_t)shares;
    if (!is_name(ops->name))
        return "a \"name\" of at most 60 lower-case letters, digits and _ is wanted";
    if (mid__wire_get_names(NULL, yyjson_obj_get(ready, "needs"), &ops->needs) != MID_OK)
        return "a list \"needs\" of signals is wanted";
    if (yyjson_obj_get(ready, "fit_needs") &&
        mid__wire_get_names(NULL, yyjson_obj_get(ready, "fit_needs"), &ops->fit_needs) != MID_OK)
        return "\"fit_needs\" is a list of signals";
    if (!read_box(yyjson_obj_get(ready, "box"), ops->needs, &ops->box))
        return "its \"box\" is control, black, grey or white";
    if (ops->version == 0 || shares & ~all_shares)
        return "its \"version\" is a number from 1 on, \"shares\" a sum of 1, 2, 4 and 8";
    if (!ops->params)
        return "its \"params\" are at most 32 objects with name, default and help";
    if (learns && !yyjson_is_bool(learns))
        return "\"learns\" is true or false";
    return NULL;
}
