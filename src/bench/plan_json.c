/* A plan as JSON: the same keys as in the file, defaults filled in, what was not given left out. */
#include "midstream/plan.h"

#include <stdio.h>

#include "base/ctx.h"
#include "yyjson.h"

static void put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text)
{
    if (text)
        yyjson_mut_obj_add_str(doc, object, key, text);
}

static void put_texts(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *const *text, size_t n)
{
    yyjson_mut_val *list = n ? yyjson_mut_obj_add_arr(doc, object, key) : NULL;
    size_t i;

    for (i = 0; i < n; i++)
        yyjson_mut_arr_add_str(doc, list, text[i]);
}

static void put_params(yyjson_mut_doc *doc, yyjson_mut_val *object, const mid_param *p)
{
    for (; p->name; p++)
        if (p->text)
            yyjson_mut_obj_add_str(doc, object, p->name, p->text);
        else
            yyjson_mut_obj_add_real(doc, object, p->name, p->number);
}

static void put_model(yyjson_mut_doc *doc, yyjson_mut_val *list, const mid_plan_model *m)
{
    yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list), *layers;
    int i;

    put_text(doc, o, "name", m->name);
    put_text(doc, o, "path", m->path);
    put_text(doc, o, "format", m->format);
    put_text(doc, o, "quantise", m->quantise);
    layers = m->n_layer ? yyjson_mut_obj_add_arr(doc, o, "layers") : NULL;
    for (i = 0; i < m->n_layer; i++)
        yyjson_mut_arr_add_int(doc, layers, m->layer[i]);
    if (!m->url)
        return;
    put_text(doc, o, "url", m->url);
    put_text(doc, o, "model", m->server_model);
    put_text(doc, o, "key_env", m->key_env);            /* its name; the key itself is nowhere */
    yyjson_mut_obj_add_uint(doc, o, "top_logprobs", m->top_logprobs);
    if (m->rpm)
        yyjson_mut_obj_add_uint(doc, o, "rpm", m->rpm);
    if (m->tpm)
        yyjson_mut_obj_add_uint(doc, o, "tpm", m->tpm);
    yyjson_mut_obj_add_uint(doc, o, "timeout_s", m->timeout_s);
}

/* key_env is a name; the key itself is nowhere. */
static void put_judge(yyjson_mut_doc *doc, yyjson_mut_val *data, const mid_plan_judge *j)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(doc, data, "judge");

    put_text(doc, o, "model", j->model);
    put_text(doc, o, "url", j->url);
    put_text(doc, o, "server_model", j->server_model);
    put_text(doc, o, "key_env", j->key_env);
    if (j->by_sentence)
        yyjson_mut_obj_add_bool(doc, o, "by_sentence", true);
    else
        yyjson_mut_obj_add_uint(doc, o, "every_tok", j->every_tok);
    put_text(doc, o, "form", j->form);
}

/* A bare name where nothing is set. */
static yyjson_mut_val *labeler_json(yyjson_mut_doc *doc, const mid_plan_labeler *l)
{
    yyjson_mut_val *o;

    if (!l->params->name && !l->model && !l->url)
        return yyjson_mut_str(doc, l->name);
    o = yyjson_mut_obj(doc);
    put_text(doc, o, "labeler", l->name);
    put_text(doc, o, "model", l->model);
    put_text(doc, o, "url", l->url);
    put_text(doc, o, "key_env", l->key_env);
    put_params(doc, o, l->params);
    return o;
}

static void put_data(yyjson_mut_doc *doc, yyjson_mut_val *data, const mid_plan_data *d)
{
    yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, data), *list;
    size_t i;

    put_text(doc, o, "dataset", d->dataset);
    put_text(doc, o, "as", d->as);
    put_text(doc, o, "model", d->model);
    put_text(doc, o, "observer", d->observer);
    put_text(doc, o, "beside", d->beside);
    put_text(doc, o, "source", d->source);
    put_text(doc, o, "format", d->format);
    if (d->label_by)
        yyjson_mut_obj_add_val(doc, o, "labeler", labeler_json(doc, d->label_by));
    list = d->n_other_labeler ? yyjson_mut_obj_add_arr(doc, o, "other_labelers") : NULL;
    for (i = 0; i < d->n_other_labeler; i++)
        yyjson_mut_arr_append(list, labeler_json(doc, &d->other_labeler[i]));
    put_texts(doc, o, "response_models", d->response_model, d->n_response_model);
    put_text(doc, o, "group", d->group);
    yyjson_mut_obj_add_uint(doc, o, "max_tok", d->max_tok);
    yyjson_mut_obj_add_uint(doc, o, "min_tok", d->min_tok);
    yyjson_mut_obj_add_uint(doc, o, "limit", d->limit);
    put_text(doc, o, "stop", d->stop);
    yyjson_mut_obj_add_float(doc, o, "temperature", d->temperature);
    yyjson_mut_obj_add_bool(doc, o, "optional", d->optional);
    yyjson_mut_obj_add_bool(doc, o, "contrast", d->contrast);
    /* A plan without these keeps the text, and so the stored figures, that it had. */
    if (d->stratify)
        yyjson_mut_obj_add_bool(doc, o, "stratify", true);
    if (d->n_attack)
        put_texts(doc, o, "attack", d->attack, d->n_attack);
    if (d->judge)
        put_judge(doc, o, d->judge);
}

static void put_monitor(yyjson_mut_doc *doc, yyjson_mut_val *list, const mid_plan_monitor *m)
{
    yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

    put_text(doc, o, "monitor", m->text);
    put_text(doc, o, "as", m->as);
    put_texts(doc, o, "only", m->only, m->n_only);
    put_params(doc, o, m->params);
}

static void put_statistics(yyjson_mut_doc *doc, yyjson_mut_val *plan, const mid_plan_statistics *s)
{
    yyjson_mut_val *o = yyjson_mut_obj_add_obj(doc, plan, "statistics"), *list;
    char text[60];
    size_t i;

    yyjson_mut_obj_add_real(doc, o, "alpha", s->alpha);
    list = yyjson_mut_obj_add_arr(doc, o, "metric");
    for (i = 0; i < s->n_metric; i++) {
        snprintf(text, sizeof text, s->metric[i].at_tok ? "%s@%u" : "%s", s->metric[i].name, s->metric[i].at_tok);
        yyjson_mut_arr_add_strcpy(doc, list, text);
    }
}

static void put_plan(yyjson_mut_doc *doc, yyjson_mut_val *o, const mid_plan *plan)
{
    yyjson_mut_val *list;
    size_t i;

    put_text(doc, o, "name", plan->name);
    put_text(doc, o, "title", plan->title);
    yyjson_mut_obj_add_uint(doc, o, "seed", plan->seed);
    list = plan->n_seed ? yyjson_mut_obj_add_arr(doc, o, "seeds") : NULL;
    for (i = 0; i < plan->n_seed; i++)
        yyjson_mut_arr_add_uint(doc, list, plan->seeds[i]);
    yyjson_mut_obj_add_int(doc, o, "folds", plan->n_fold);
    yyjson_mut_obj_add_int(doc, o, "inner_folds", plan->n_inner);
    yyjson_mut_obj_add_uint(doc, o, "draws", plan->n_draw);
    list = yyjson_mut_obj_add_arr(doc, o, "at_tok");
    for (i = 0; i < plan->n_at_tok; i++)
        yyjson_mut_arr_add_uint(doc, list, plan->at_tok[i]);
    list = yyjson_mut_obj_add_arr(doc, o, "at_frac");
    for (i = 0; i < plan->n_at_frac; i++)
        yyjson_mut_arr_add_real(doc, list, plan->at_frac[i]);
    put_text(doc, o, "baseline", plan->baseline);
    list = plan->n_prevalence ? yyjson_mut_obj_add_arr(doc, o, "prevalence") : NULL;
    for (i = 0; i < plan->n_prevalence; i++)
        yyjson_mut_arr_add_real(doc, list, plan->prevalence[i]);
    yyjson_mut_obj_add_uint(doc, o, "show", plan->n_show);
    list = yyjson_mut_obj_add_arr(doc, o, "models");
    for (i = 0; i < plan->n_model; i++)
        put_model(doc, list, &plan->model[i]);
    list = yyjson_mut_obj_add_arr(doc, o, "data");
    for (i = 0; i < plan->n_data; i++)
        put_data(doc, list, &plan->data[i]);
    list = yyjson_mut_obj_add_arr(doc, o, "monitors");
    for (i = 0; i < plan->n_monitor; i++)
        put_monitor(doc, list, &plan->monitor[i]);
    list = yyjson_mut_obj_add_arr(doc, o, "rules");
    for (i = 0; i < plan->n_rule; i++) {
        yyjson_mut_val *rule = yyjson_mut_arr_add_obj(doc, list);
        put_text(doc, rule, "rule", plan->rule[i].name);
        put_params(doc, rule, plan->rule[i].params);
    }
    put_statistics(doc, o, &plan->statistics);
}

mid_status mid_plan_json(mid_ctx *ctx, const mid_plan *plan, char **text)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = doc ? yyjson_mut_obj(doc) : NULL;
    char *json = NULL;

    if (root) {
        yyjson_mut_doc_set_root(doc, root);
        put_plan(doc, root, plan);
        json = yyjson_mut_write(doc, 0, NULL);
    }
    yyjson_mut_doc_free(doc);
    if (!json)
        return mid__oom(ctx, "the plan as JSON");
    *text = json;
    return MID_OK;
}
