/* lm-evaluation-harness, samples_TASK_TIME.jsonl of --log_samples: of each line doc_id, arguments (what the model was
 * asked; a list of lists, or {"gen_args_0": {"arg_0": ...}}), resps (what it answered: a list a request), target,
 * filter (one line a filter), metrics (their names) and each metric's value.
 * A metric of 1 is a right answer, so our label is 1 minus it. Without map label=METRIC the label is the line's only
 * metric, if it is one of those below and 0 or 1; of a word error rate 0 would be right. The second argument tells an
 * answer from a log-likelihood, whose resps are also written as texts ("-13.875"): for an answer it is the options of
 * generating, an object; for multiple choice it is the choice, and for a rolling likelihood there is none. These are
 * skipped. */
#include "exchange/import.h"

#include <string.h>

#include "base/ctx.h"

/* The first element of a list or object, level by level, down to something else. */
static yyjson_val *innermost(yyjson_val *value)
{
    while (value && yyjson_is_ctn(value)) {
        yyjson_obj_iter pairs;
        if (yyjson_is_arr(value)) {
            value = yyjson_arr_get_first(value);
        } else {
            yyjson_obj_iter_init(value, &pairs);
            value = yyjson_obj_iter_get_val(yyjson_obj_iter_next(&pairs));
        }
    }
    return value;
}

/* Was the model asked for text? All of a line's requests are of one kind. */
static bool is_generated(yyjson_val *arguments)
{
    yyjson_val *first = yyjson_arr_get_first(arguments);

    if (!first)
        first = yyjson_obj_get(arguments, "gen_args_0");
    return yyjson_is_obj(yyjson_is_arr(first) ? yyjson_arr_get(first, 1) : yyjson_obj_get(first, "arg_1"));
}

static bool is_right_at_1(const char *metric)
{
    static const char *const names[] = { "acc", "em", "exact_match", "pass@1", "pass_at_1" };
    size_t i;

    for (i = 0; metric && i < sizeof names / sizeof *names; i++)
        if (strcmp(metric, names[i]) == 0)
            return true;
    return false;
}

/* The value of the metric that makes the label; NULL: there is none to be sure of. */
static yyjson_val *metric_of(const mid__import *im, yyjson_val *object)
{
    const char *asked = mid__import_source(im, "label");
    yyjson_val *names = yyjson_obj_get(object, "metrics");
    const char *only = yyjson_arr_size(names) == 1 ? yyjson_get_str(yyjson_arr_get_first(names)) : NULL;

    if (asked)
        return yyjson_obj_get(object, asked);
    return is_right_at_1(only) ? yyjson_obj_get(object, only) : NULL;
}

static mid_status add_label(mid__import *im, const mid__lines *l, yyjson_val *object, mid__row *row)
{
    const char *asked = mid__import_source(im, "label");
    yyjson_val *value = metric_of(im, object);
    const double x = yyjson_is_bool(value) ? yyjson_get_bool(value) : yyjson_get_num(value);
    const bool is_verdict = (yyjson_is_bool(value) || yyjson_is_num(value)) && (x == 0 || x == 1);
    char shown[64];

    if (asked && !is_verdict)
        return mid__jsonl_fail(im->ctx, &l->json, NULL, asked, "\"%s\" is %s; a label needs a metric of 0 or 1", asked,
                               value ? mid__jsonl_show(value, shown) : "missing");
    if (is_verdict) {
        row->label = yyjson_mut_uint(row->doc, x == 0);
        row->label_source = yyjson_mut_str(row->doc, "rule");
    }
    return MID_OK;
}

/* target: a text, a list of texts, or a number. */
static void add_target(mid__row *row, yyjson_val *target)
{
    yyjson_val *item;
    char shown[64];
    size_t i, n;

    if (!target || yyjson_is_null(target))
        return;
    row->references = yyjson_mut_arr(row->doc);
    if (yyjson_is_str(target))
        yyjson_mut_arr_append(row->references, yyjson_val_mut_copy(row->doc, target));
    else if (!yyjson_is_arr(target))
        yyjson_mut_arr_add_strcpy(row->doc, row->references, mid__jsonl_show(target, shown));
    yyjson_arr_foreach(target, i, n, item)
        if (yyjson_is_str(item))
            yyjson_mut_arr_append(row->references, yyjson_val_mut_copy(row->doc, item));
}

static mid_status take(mid__import *im, const mid__lines *l, yyjson_val *object, const void *user, mid__row *row)
{
    static const char *const kept[] = { "doc", "metrics", "filter", "filtered_resps", "doc_hash" };
    yyjson_val *prompt = innermost(yyjson_obj_get(object, "arguments"));
    yyjson_val *response = innermost(yyjson_obj_get(object, "resps"));
    yyjson_val *doc_id = yyjson_obj_get(object, "doc_id"), *filter = yyjson_obj_get(object, "filter");
    char shown[64];
    mid_status status;
    size_t i;

    (void)user;
    if (!doc_id)
        return mid__jsonl_fail(im->ctx, &l->json, NULL, "doc_id", "\"doc_id\" is missing; is this a file of "
                               "--log_samples?");
    if (!yyjson_is_str(prompt)) {
        mid__import_skip(im, "no prompt in \"arguments\"");
        return MID_OK;
    }
    if (!yyjson_is_str(response) || !is_generated(yyjson_obj_get(object, "arguments"))) {
        mid__import_skip(im, "no generated text in \"resps\" (multiple choice)");
        return MID_OK;
    }
    if (yyjson_is_str(filter) && !yyjson_equals_str(filter, "none"))
        mid__row_name(im, row, "%s-%s", yyjson_is_str(doc_id) ? yyjson_get_str(doc_id) : mid__jsonl_show(doc_id, shown),
                      yyjson_get_str(filter));
    else
        mid__row_name(im, row, "%s", yyjson_is_str(doc_id) ? yyjson_get_str(doc_id) : mid__jsonl_show(doc_id, shown));
    row->prompt = mid__row_copy(row, prompt);
    row->response = mid__row_copy(row, response);
    add_target(row, yyjson_obj_get(object, "target"));
    for (i = 0; i < sizeof kept / sizeof *kept; i++)
        mid__row_meta(row, kept[i], yyjson_obj_get(object, kept[i]));
    status = add_label(im, l, object, row);
    return status == MID_OK ? mid__import_put(im, l->json.path, l->json.i_line, row) : status;
}

static mid_status read_samples(mid__import *im) { return mid__import_each(im, im->in, take, NULL); }

static const char *const maps[] = { "label", NULL };

const mid__import_ops mid__import_lm_eval = {
    .info = { .name = "lm-eval", .summary = "samples_*.jsonl of lm-evaluation-harness --log_samples", .task = "qa",
              .map = maps },
    .read = read_samples,
};
