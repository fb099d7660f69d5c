/* Plans: the three that ship load as written; every kind of mistake is refused at its place, with what to do. */
#include "test.h"

#define HEAD "name: t\n"
#define MODELS "models:\n  - {name: m, path: smollm2}\n"
#define DATA "data:\n  - {dataset: own_qa, model: m, source: llama}\n"
#define MONITORS "monitors: [random]\n"

static mid_plan *load(const char *path)
{
    mid_plan *plan = NULL;

    CHECK_OK(mid_plan_load(test_ctx(), path, &plan));
    return plan;
}

static mid_plan *load_text(const char *yaml) { return load(test_write("plan.yaml", yaml, strlen(yaml))); }

/* Refused, with this behind the file's name. */
static void refuse(const char *yaml, const char *message)
{
    mid_plan *plan = NULL;
    const char *path = test_write("plan.yaml", yaml, strlen(yaml)), *said;

    CHECK_FAILS(mid_plan_load(test_ctx(), path, &plan), MID_EFORMAT);
    CHECK(plan == NULL);
    said = mid_ctx_message(test_ctx());
    CHECK(strncmp(said, path, strlen(path)) == 0);
    CHECK_TEXT(said + strlen(path) + 1, message);
}

TEST(plan, defaults)
{
    mid_plan *p = load_text(HEAD MODELS DATA MONITORS);

    CHECK_TEXT(p->name, "t");
    CHECK_TEXT(p->title, "t");
    CHECK(strstr(p->file, "/plan.yaml") != NULL);
    CHECK_INT(p->seed, 0);
    CHECK_INT(p->n_fold, 5);
    CHECK_INT(p->n_inner, 3);
    CHECK_INT(p->n_draw, 2000);
    CHECK_INT(p->n_show, 40);
    CHECK_INT(p->n_at_tok, 8);
    CHECK_INT(p->at_tok[0], 1);
    CHECK_INT(p->at_tok[7], 128);
    CHECK_INT(p->n_at_frac, 10);
    CHECK_NEAR(p->at_frac[0], 0.1, 0);
    CHECK_NEAR(p->at_frac[9], 1, 0);
    CHECK_INT(p->n_rule, 0);
    CHECK_INT(p->n_model, 1);
    CHECK_TEXT(p->model[0].path, "smollm2");
    CHECK(p->model[0].format == NULL && p->model[0].quantise == NULL);
    CHECK_INT(p->model[0].n_layer, 0);
    CHECK_INT(p->model[0].line, 3);
    CHECK_TEXT(p->data[0].group, "prompt");
    CHECK_INT(p->data[0].max_tok, 128);
    CHECK_INT(p->data[0].min_tok, 1);
    CHECK_INT(p->data[0].limit, 0);
    CHECK_INT(p->data[0].line, 5);
    CHECK(!p->data[0].optional && !p->data[0].contrast && !p->data[0].labeler && !p->data[0].as);
    CHECK(p->monitor[0].params[0].name == NULL);
    CHECK_INT(p->monitor[0].line, 6);
    mid_plan_close(p);
    mid_plan_close(NULL);
}

TEST(plan, every_key)
{
    mid_plan *p = load_text(
        "name: t\ntitle: All keys\nseed: 7\nfolds: 4\ninner_folds: 2\ndraws: 0\nat_tok: [3, 9]\nat_frac: [0.25, 1]\n"
        "show: 0\nprevalence: [0.01, 0.1]\n"
        "models:\n  - {name: m, path: a.gguf, format: \"Q: {prompt}\\nA:\", quantise: q8_0, layers: [2, 5]}\n"
        "data:\n  - {dataset: sets/own_qa, as: qa, model: m, source: recorded, format: chat, labeler: data,\n"
        "     response_models: [x, \"y (z)\"], group: id:2, max_tok: 9, min_tok: 2, limit: 10, stratify: true, stop: \"\\n\",\n"
        "     temperature: 0.5, optional: true, contrast: true, attack: [delay(16), rot13]}\n"
        "monitors:\n  - {monitor: probe_ema, as: p, only: [qa], layer: 5, beta: 0.75}\n"
        "rules:\n  - {rule: conformal, alpha: 0.1}\n  - best_f1\n");

    CHECK_TEXT(p->title, "All keys");
    CHECK_INT(p->seed, 7);
    CHECK_INT(p->n_fold, 4);
    CHECK_INT(p->n_inner, 2);
    CHECK_INT(p->n_draw, 0);
    CHECK_INT(p->n_at_tok, 2);
    CHECK_INT(p->at_tok[1], 9);
    CHECK_INT(p->n_at_frac, 2);
    CHECK_NEAR(p->at_frac[0], 0.25, 0);
    CHECK_INT(p->n_show, 0);
    CHECK_INT(p->n_prevalence, 2);
    CHECK_NEAR(p->prevalence[0], 0.01, 0);
    CHECK_NEAR(p->prevalence[1], 0.1, 0);
    CHECK_TEXT(p->model[0].format, "Q: {prompt}\nA:");
    CHECK_TEXT(p->model[0].quantise, "q8_0");
    CHECK_INT(p->model[0].n_layer, 2);
    CHECK_INT(p->model[0].layer[1], 5);
    CHECK_TEXT(p->data[0].dataset, "sets/own_qa");
    CHECK_TEXT(p->data[0].as, "qa");
    CHECK_TEXT(p->data[0].labeler, "data");
    CHECK_INT(p->data[0].n_response_model, 2);
    CHECK_TEXT(p->data[0].response_model[1], "y (z)");
    CHECK_TEXT(p->data[0].group, "id:2");
    CHECK_INT(p->data[0].max_tok, 9);
    CHECK_INT(p->data[0].min_tok, 2);
    CHECK_INT(p->data[0].limit, 10);
    CHECK_TEXT(p->data[0].stop, "\n");
    CHECK_NEAR(p->data[0].temperature, 0.5, 0);
    CHECK(p->data[0].stratify && p->data[0].optional && p->data[0].contrast);
    CHECK_INT(p->data[0].n_attack, 2);
    CHECK_TEXT(p->data[0].attack[1], "rot13");
    CHECK_TEXT(p->monitor[0].as, "p");
    CHECK_INT(p->monitor[0].n_only, 1);
    CHECK_TEXT(p->monitor[0].params[0].name, "layer");
    CHECK_NEAR(p->monitor[0].params[0].number, 5, 0);
    CHECK_TEXT(p->monitor[0].params[1].name, "beta");
    CHECK(p->monitor[0].params[2].name == NULL);
    CHECK_INT(p->n_rule, 2);
    CHECK_NEAR(p->rule[0].params[0].number, 0.1, 0);
    CHECK(p->rule[1].params[0].name == NULL);
    mid_plan_close(p);
}

TEST(plan, aggregators)
{
    mid_plan *p = load_text(HEAD MODELS DATA "monitors:\n  - random\n  - random + ema\n  - random+ema(0.5)\n"
                            "  - {monitor: probe_linear+window(8)+max, as: p, layer: 5}\n");
    char *text = NULL;

    CHECK_INT(p->n_monitor, 4);
    CHECK_TEXT(p->monitor[0].text, "random");
    CHECK_INT(p->monitor[0].spec.n_aggregate, 0);
    CHECK_TEXT(p->monitor[1].name, "random");
    CHECK_TEXT(p->monitor[1].text, "random+ema(0.9)");
    CHECK(p->monitor[1].ops == mid_monitor_find("random") && p->monitor[1].spec.monitor == p->monitor[1].ops);
    CHECK_NEAR(p->monitor[2].spec.aggregate[0].param[0], 0.5, 0);
    CHECK_TEXT(p->monitor[3].as, "p");
    CHECK_INT(p->monitor[3].spec.n_aggregate, 2);
    CHECK_TEXT(p->monitor[3].params[0].name, "layer");
    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK(strstr(text, "{\"monitor\":\"random+ema(0.9)\"}") != NULL);
    CHECK(strstr(text, "{\"monitor\":\"probe_linear+window(8)+max\",\"as\":\"p\",\"layer\":5.0}") != NULL);
    mid_free(text);
    mid_plan_close(p);
    refuse(HEAD "monitors: [random+emma]\n", "2:12: unknown aggregator 'emma': did you mean 'ema'? (there are: cusum, ema, "
           "in_a_row, kth_largest, last, max, mean, noisy_or, position_norm, top_mean, window)");
    refuse(HEAD "monitors: [{monitor: random+window(0)}]\n",
           "2:22: 'random+window(0)': w is 0; it must be from 1 to 256");
    refuse(HEAD "monitors: [{monitor: random+ema, beta: 0.5}]\n",
           "2:34: unknown key 'beta' (allowed here: monitor, as, only)");
    refuse(HEAD MODELS DATA "monitors:\n  - random+ema\n  - random+ema(0.9)\n",
           "8:5: monitor 'random+ema(0.9)' is there already (line 7); give this one another name with 'as'");
}

/* The control that a stream cannot have: of plans alone. */
TEST(plan, author)
{
    mid_plan *p = load_text(HEAD MODELS DATA "monitors: [length, {monitor: author, as: who}]\n");
    char *text = NULL;

    CHECK_TEXT(p->monitor[1].name, "author");
    CHECK_TEXT(p->monitor[1].as, "who");
    CHECK_INT(p->monitor[1].reads.box, MID_BOX_CONTROL);
    CHECK(mid_monitor_find("author") == NULL);
    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK(strstr(text, "{\"monitor\":\"author\",\"as\":\"who\"}") != NULL);
    mid_free(text);
    mid_plan_close(p);
    refuse(HEAD "monitors: [author+max]\n",
           "2:12: 'author' stays the same over an answer: aggregators have nothing to add");
    refuse(HEAD "monitors: [{monitor: author, layer: 3}]\n", "2:30: unknown key 'layer' (allowed here: monitor, as, only)");
}

/* What a hybrid is made of is known before any work, and told with its line. */
TEST(plan, hybrids)
{
    mid_plan *p = load_text(HEAD MODELS DATA "monitors:\n  - {monitor: vote, of: \"length, random\", k: 2}\nbaseline: vote\n");

    CHECK_INT(p->monitor[0].reads.needs, 0);
    CHECK_INT(p->monitor[0].reads.box, MID_BOX_CONTROL);
    CHECK_INT(strlen(p->monitor[0].reads.members), 64);
    CHECK_TEXT(p->baseline, "vote");
    mid_plan_close(p);
    refuse(HEAD "monitors: [{monitor: vote, of: \"length, random\", k: 9}]\n", "2:12: k is 9 of 2 members; it is a whole number from 1 to 2, or 0 for most of them");
    refuse(HEAD "monitors: [{monitor: mean_z, of: \"length\"}]\n", "2:12: 'length' is one member; a hybrid has at least two");
    refuse(HEAD MODELS DATA "monitors: [length]\nbaseline: lenght\n",
           "7:11: unknown monitor of this plan 'lenght': did you mean 'length'? (there are: length)");
}

#define JUDGED(judge) HEAD MODELS "data:\n  - {dataset: own_qa, model: m, source: llama, judge: " judge "}\n" MONITORS

TEST(plan, judge)
{
    mid_plan *p = load_text(JUDGED("{model: m}"));
    const mid_plan_judge *j = p->data[0].judge;

    CHECK_TEXT(j->model, "m");
    CHECK(!j->url && !j->server_model && !j->key_env && !j->key && !j->form && !j->by_sentence);
    CHECK_INT(j->every_tok, 32);
    CHECK_INT(j->line, 5);
    CHECK_FAILS(mid_plan_set_key(test_ctx(), p, 0, "sesame"), MID_EINVAL);
    CHECK_SAYS("data entry 0 has no judge with a 'key_env'");
    CHECK_FAILS(mid_plan_set_key(test_ctx(), p, 1, "sesame"), MID_EINVAL);
    mid_plan_close(p);

    p = load_text(JUDGED("{url: \"https://example.org/v1\", server_model: guard-1, key_env: GUARD_KEY,\n"
                         "     by_sentence: true, form: \"{prompt} {answer} {options}?\"}"));
    j = p->data[0].judge;
    CHECK(!j->model && !j->key && j->by_sentence);
    CHECK_TEXT(j->url, "https://example.org/v1");
    CHECK_TEXT(j->server_model, "guard-1");
    CHECK_TEXT(j->key_env, "GUARD_KEY");
    CHECK_TEXT(j->form, "{prompt} {answer} {options}?");
    CHECK_OK(mid_plan_set_key(test_ctx(), p, 0, "open"));
    CHECK_OK(mid_plan_set_key(test_ctx(), p, 0, "sesame"));
    CHECK_TEXT(j->key, "sesame");
    mid_plan_close(p);
}

TEST(plan, judge_json)
{
    mid_plan *p = load_text(JUDGED("{url: \"http://localhost:8080\", key_env: K, every_tok: 8}"));
    char *text = NULL;

    CHECK_OK(mid_plan_set_key(test_ctx(), p, 0, "sesame"));
    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK(strstr(text, "\"contrast\":false,\"judge\":{\"url\":\"http://localhost:8080\",\"key_env\":\"K\","
                 "\"every_tok\":8}}") != NULL);
    CHECK(strstr(text, "sesame") == NULL);
    mid_free(text);
    mid_plan_close(p);
    p = load_text(JUDGED("{model: m, by_sentence: true}"));
    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK(strstr(text, "\"judge\":{\"model\":\"m\",\"by_sentence\":true}}") != NULL);
    mid_free(text);
    mid_plan_close(p);
}

#define LABELED(labeler) HEAD MODELS "data:\n  - {dataset: own_qa, model: m, source: llama, labeler: " labeler "}\n" MONITORS

TEST(plan, labelers)
{
    mid_plan *p = load_text(LABELED("{labeler: lexicon, threshold: 0.7}, other_labelers: [data, {labeler: judge, url: "
                                    "\"http://localhost:1\", server_model: g, key_env: K, agree: 0}, {labeler: "
                                    "moderation, url: \"https://example.org/m\", key_env: K}]"));
    const mid_plan_data *d = &p->data[0];
    char *text = NULL;

    CHECK_TEXT(d->labeler, "lexicon");
    CHECK_TEXT(d->label_by->params[0].name, "threshold");
    CHECK_NEAR(d->label_by->params[0].number, 0.7, 0);
    CHECK(d->label_by->params[1].name == NULL && !d->label_by->model && !d->label_by->url);
    CHECK_INT(d->label_by->line, 5);
    CHECK_INT(d->n_other_labeler, 3);
    CHECK_TEXT(d->other_labeler[0].name, "data");
    CHECK(d->other_labeler[0].params[0].name == NULL);
    CHECK_TEXT(d->other_labeler[1].url, "http://localhost:1");
    CHECK_TEXT(d->other_labeler[1].params[0].text, "g");
    CHECK_FAILS(mid_plan_set_labeler_key(test_ctx(), p, "OTHER", "x"), MID_EINVAL);
    CHECK_SAYS("no labeler has the 'key_env' OTHER");
    CHECK_OK(mid_plan_set_labeler_key(test_ctx(), p, "K", "sesame"));
    CHECK_TEXT(d->other_labeler[1].key, "sesame");
    CHECK_TEXT(d->other_labeler[2].key, "sesame");
    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK(strstr(text, "\"labeler\":{\"labeler\":\"lexicon\",\"threshold\":0.7},\"other_labelers\":[\"data\",{\"labeler\":"
                 "\"judge\",\"url\":\"http://localhost:1\",\"key_env\":\"K\",\"server_model\":\"g\",\"agree\":0.0},"
                 "{\"labeler\":\"moderation\",\"url\":\"https://example.org/m\",\"key_env\":\"K\"}]") != NULL);
    CHECK(strstr(text, "sesame") == NULL);
    mid_free(text);
    mid_plan_close(p);

    p = load_text(LABELED("{labeler: moderation, url: \"http://localhost:1\", model: theirs}"));   /* not one of ours */
    CHECK_TEXT(p->data[0].label_by->params[0].text, "theirs");
    mid_plan_close(p);
    p = load_text(LABELED("{labeler: judge, model: m, threshold: 0.4}"));
    CHECK_TEXT(p->data[0].label_by->model, "m");
    mid_plan_close(p);
    p = load_text(LABELED("lexicon"));
    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK(strstr(text, "\"labeler\":\"lexicon\",") != NULL);    /* as ever: stored figures keep their key */
    mid_free(text);
    mid_plan_close(p);
}

TEST(plan, labelers_refused)
{
    refuse(LABELED("{labeler: lexicon, treshold: 1}"),
           "5:76: unknown key 'treshold': did you mean 'threshold'? (allowed here: labeler, threshold)");
    refuse(LABELED("{labeler: judge, model: m, key: sesame}"), "5:84: unknown key 'key' (allowed here: labeler, model, url, "
           "key_env, threshold, agree, form, server_model, retry_ms)");
    refuse(LABELED("{labeler: refusal, url: \"http://x\"}"),
           "5:76: unknown key 'url' (allowed here: labeler, first_bytes, cue_weight, assume_unsafe)");
    refuse(LABELED("{labeler: lexicon, threshold: much}"), "5:87: 'threshold' must be a number, not 'much'");
    refuse(LABELED("{threshold: 1}"), "5:57: a labeler is a name, or a map with 'labeler' in it");
    refuse(LABELED("{labeler: jugde, model: m}"), "5:67: unknown labeler 'jugde': did you mean 'judge'? (there are: alias, "
           "bleu, bleu_diff, chrf, classifier, data, grounded, judge, lexicon, moderation, mqm, perspective, refusal, "
           "rouge, spans, tests)");
    refuse(LABELED("judge"), "5:57: labeler judge needs 'model', one of the plan's, or the 'url' of a server: {labeler: "
           "judge, model: ...}");
    refuse(LABELED("moderation"), "5:57: labeler moderation needs the 'url' of a service: {labeler: moderation, url: ...}");
    refuse(LABELED("{labeler: judge, model: n}"), "5:81: unknown model 'n' (there are: m)");
    refuse(LABELED("{labeler: judge, model: m, url: \"http://x\"}"), "5:57: labeler judge asks either one of the plan's "
           "models ('model') or a server ('url'), not both; what a server calls its model is 'server_model'");
    refuse(LABELED("{labeler: judge, model: m, server_model: g}"),
           "5:98: 'server_model' is for a server; this labeler has no 'url'");
    refuse(LABELED("{labeler: judge, url: \"http://me:pw@x\"}"), "5:79: 'url' has a user or password in it; name a variable "
           "with the key in 'key_env'");
    refuse(LABELED("{labeler: judge, model: m, form: \"{answer}?\"}"), "5:90: 'form' needs {prompt}, {answer} and {options} "
           "in it; the last becomes \"yes or no\"");
    refuse(LABELED("data, other_labelers: [refussal]"), "5:80: unknown labeler 'refussal': did you mean 'refusal'? (there "
           "are: alias, bleu, bleu_diff, chrf, classifier, data, grounded, judge, lexicon, moderation, mqm, perspective, "
           "refusal, rouge, spans, tests)");
    refuse(HEAD "models:\n  - {name: m, path: smollm2, quantise: q4_0}\ndata:\n  - {dataset: own_qa, model: m, source: llama,\n"
           "     labeler: {labeler: judge, model: m}}\n" MONITORS,
           "6:39: a judge reads its file as it is, but model 'm' (line 3) has 'quantise'; name the file once more without it");
}

TEST(plan, judge_refused)
{
    refuse(JUDGED("m"), "5:55: 'judge' must be a map of keys, not a single value");
    refuse(JUDGED("{modle: m}"), "5:56: unknown key 'modle': did you mean 'model'? (allowed here: model, url, "
           "server_model, key_env, every_tok, by_sentence, form)");
    refuse(JUDGED("{every_tok: 8}"), "5:55: a judge needs 'model', one of the plan's models, or 'url', a server");
    refuse(JUDGED("{model: m, url: \"http://localhost\"}"), "5:55: a judge is either one of the plan's models ('model') "
           "or a server ('url'), not both; what a server calls its model is 'server_model'");
    refuse(JUDGED("{model: n}"), "5:63: unknown model 'n' (there are: m)");
    refuse(JUDGED("{model: m, key_env: K}"), "5:75: 'key_env' is for a server; this judge has no 'url'");
    refuse(JUDGED("{model: m, server_model: x}"), "5:80: 'server_model' is for a server; this judge has no 'url'");
    refuse(JUDGED("{url: localhost}"), "5:61: 'url' is 'localhost'; it must begin with http:// or https://");
    refuse(JUDGED("{url: \"http://me:sesame@localhost\"}"),
           "5:61: 'url' has a user or password in it; name a variable with the key in 'key_env'");
    refuse(JUDGED("{model: m, every_tok: 8, by_sentence: true}"),
           "5:55: a judge is asked either after 'every_tok' tokens or 'by_sentence', not both");
    refuse(JUDGED("{model: m, every_tok: 0}"), "5:77: 'every_tok' is 0; it must be from 1 to 4096");
    refuse(JUDGED("{model: m, form: \"{prompt} {answer}\"}"),
           "5:72: 'form' needs {prompt}, {answer} and {options} in it; the last becomes \"yes or no\"");
    refuse(HEAD "models:\n  - {name: m, path: smollm2, quantise: q8_0}\n"
           "data:\n  - {dataset: own_qa, model: m, source: llama, judge: {model: m}}\n" MONITORS,
           "5:63: a judge reads its file as it is, but model 'm' (line 3) has 'quantise'; name the file once more "
           "without it");
}

/* The example in docs/plan.md is a plan that loads. */
TEST(plan, documented_example)
{
    static char text[40000];
    FILE *f = fopen("docs/plan.md", "rb");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    char *begin = strstr(text, "```yaml\n"), *end = begin ? strstr(begin + 8, "```\n") : NULL;
    mid_plan *p;

    assert_true(n > 0 && end);
    fclose(f);
    *end = 0;
    p = load_text(begin + 8);
    CHECK_INT(p->n_model, 3);
    CHECK_TEXT(p->data[0].judge->model, "judge");
    CHECK(p->data[1].judge->by_sentence);
    CHECK_TEXT(p->data[1].judge->key_env, "JUDGE_KEY");
    CHECK_TEXT(p->data[3].observer, "small");
    CHECK_TEXT(p->monitor[0].text, "judge_chunk");
    mid_plan_close(p);
}

TEST(plan, shipped_demo)
{
    mid_plan *p = load("plans/demo.yaml");
    size_t i;

    CHECK_TEXT(p->name, "demo");
    CHECK_INT(p->n_model, 2);
    CHECK_TEXT(p->model[0].format, "chat");
    CHECK_TEXT(p->model[1].quantise, "bf16");
    CHECK_INT(p->n_data, 4);
    for (i = 0; i < 4; i++)
        CHECK_INT(p->data[i].max_tok, 64);
    CHECK_INT(p->data[0].limit, 60);
    CHECK_TEXT(p->data[1].format, "{prompt}");
    CHECK_TEXT(p->data[2].labeler, "refusal");
    CHECK(p->data[3].optional && p->data[3].contrast);
    CHECK_INT(p->data[3].limit, 150);
    CHECK_INT(p->n_monitor, 15);
    CHECK_INT(p->n_rule, 2);
    mid_plan_close(p);
}

TEST(plan, shipped_demo_short)
{
    mid_plan *p = load("plans/demo-short.yaml");

    CHECK_INT(p->n_draw, 500);
    CHECK_INT(p->n_data, 4);
    CHECK_INT(p->data[3].limit, 120);
    CHECK_INT(p->data[0].max_tok, 24);
    mid_plan_close(p);
}

TEST(plan, shipped_aggregators)
{
    mid_plan *p = load("plans/aggregators.yaml");
    const mid_aggregator_ops *const *a;
    size_t k;

    for (a = mid_aggregator_list(); *a; a++) {              /* each of them is in it */
        for (k = 0; k < p->n_monitor && !(p->monitor[k].as && p->monitor[k].spec.n_aggregate &&
                                          p->monitor[k].spec.aggregate[0].ops == *a); k++)
            ;
        CHECK(k < p->n_monitor);
    }
    mid_plan_close(p);
}

TEST(plan, shipped_xstest)
{
    mid_plan *p = load("plans/xstest.yaml");
    const mid_plan_data *d = &p->data[0];
    const mid_plan_monitor *last = &p->monitor[21];

    CHECK_INT(p->n_fold, 5);
    CHECK_INT(p->n_data, 1);
    CHECK_TEXT(d->source, "recorded");
    CHECK_TEXT(d->format, "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n");
    CHECK_INT(d->n_response_model, 3);
    CHECK_TEXT(d->response_model[2], "llama-2-70b-chat (original system prompt)");
    CHECK_TEXT(d->labeler, "data");
    CHECK_TEXT(d->group, "id:2");
    CHECK_INT(d->max_tok, 128);
    CHECK_INT(d->min_tok, 2);
    CHECK(d->contrast && !d->optional && d->limit == 0);
    CHECK_INT(p->n_monitor, 22);
    CHECK_TEXT(last->name, "probe_linear");
    CHECK_TEXT(last->as, "reference_128");
    CHECK_NEAR(last->params[0].number, 14, 0);
    CHECK_NEAR(last->params[1].number, 0.01, 0);
    CHECK_NEAR(last->params[2].number, 128, 0);
    mid_plan_close(p);
}

TEST(plan, paths_are_expanded)
{
    const char *home = getenv("HOME");
    char want[600];
    mid_plan *p;

    setenv("MID_TEST_DIR", "/models", 1);
    p = load_text(HEAD "models:\n  - {name: m, path: \"${MID_TEST_DIR}/a-${MID_TEST_DIR}.gguf\"}\n"
                  "  - {name: n, path: ~/b.gguf}\n" DATA MONITORS);
    CHECK_TEXT(p->model[0].path, "/models/a-/models.gguf");
    snprintf(want, sizeof want, "%s/b.gguf", home ? home : "~");
    CHECK_TEXT(p->model[1].path, want);
    mid_plan_close(p);
    unsetenv("MID_TEST_DIR");
    refuse(HEAD "models: [{name: m, path: \"${MID_TEST_DIR}/a\"}]\n",
           "2:26: 'path' uses ${MID_TEST_DIR}, which is not set in the environment");
    refuse(HEAD "models: [{name: m, path: \"${MID_TEST\"}]\n", "2:26: 'path' has a ${ without its }");
    setenv("MID_TEST_DIR", "\xff", 1);
    refuse(HEAD "models: [{name: m, path: \"${MID_TEST_DIR}\"}]\n",
           "2:26: 'path' is not UTF-8 once its ${...} are replaced");
    setenv("MID_TEST_DIR", "", 1);
    refuse(HEAD "models: [{name: m, path: \"${MID_TEST_DIR}\"}]\n",
           "2:26: 'path' is empty once its ${...} are replaced");
    unsetenv("MID_TEST_DIR");
}

TEST(plan, unknown_key)
{
    refuse(HEAD "fold: 3\n", "2:1: unknown key 'fold': did you mean 'folds'? (allowed here: name, title, seed, seeds, folds, "
           "inner_folds, draws, at_tok, at_frac, baseline, prevalence, show, models, data, monitors, rules, statistics)");
    refuse(HEAD "elephants: 3\n", "2:1: unknown key 'elephants' (allowed here: name, title, seed, seeds, folds, "
           "inner_folds, draws, at_tok, at_frac, baseline, prevalence, show, models, data, monitors, rules, statistics)");
    refuse(HEAD "models:\n  - name: m\n    pth: x\n",
           "4:5: unknown key 'pth': did you mean 'path'? (allowed here: name, path, url, format, quantise, layers, model, key_env, top_logprobs, rpm, tpm, timeout_s)");
    refuse(HEAD "monitors:\n  - {monitor: probe_linear, laier: 3}\n",
           "3:29: unknown key 'laier': did you mean 'layer'? (allowed here: monitor, as, only, layer, c, prefix)");
    refuse(HEAD "monitors:\n  - {monitor: random, layer: 3}\n",
           "3:23: unknown key 'layer' (allowed here: monitor, as, only)");
    refuse(HEAD "rules:\n  - {rule: conformal, alhpa: 3}\n",
           "3:23: unknown key 'alhpa': did you mean 'alpha'? (allowed here: rule, alpha)");
}

TEST(plan, unknown_name)
{
    refuse(HEAD "models: [{name: m, path: p, quantise: q4}]\n",
           "2:39: unknown quantise 'q4': did you mean 'q4_0'? (there are: bf16, q4_0, q8_0)");
    refuse(HEAD "data: [{dataset: a, model: m, source: lama}]\n",
           "2:39: unknown source 'lama': did you mean 'llama'? (there are: llama, openai, recorded)");
    refuse(HEAD MODELS "data: [{dataset: a, model: n, source: llama}]\n" MONITORS,
           "4:28: unknown model 'n' (there are: m)");
    refuse(HEAD MODELS DATA "monitors: [{monitor: random, only: [own_qq]}]\n",
           "6:37: unknown dataset 'own_qq': did you mean 'own_qa'? (there are: own_qa)");
}

/* Lists that grow with the registries: only the beginning is fixed. */
TEST(plan, unknown_registry_name)
{
    mid_plan *plan = NULL;
    const char *yaml = HEAD "monitors: [entropy_maen]\n";

    CHECK_FAILS(mid_plan_load(test_ctx(), test_write("p.yaml", yaml, strlen(yaml)), &plan), MID_EFORMAT);
    CHECK_SAYS("p.yaml:2:12: unknown monitor 'entropy_maen': did you mean 'entropy_mean'? (there are: ");
    yaml = HEAD "rules: [best_f2]\n";
    CHECK_FAILS(mid_plan_load(test_ctx(), test_write("p.yaml", yaml, strlen(yaml)), &plan), MID_EFORMAT);
    CHECK_SAYS("p.yaml:2:9: unknown rule 'best_f2': did you mean 'best_f1'? (there are: ");
    yaml = HEAD "data: [{labeler: refussal}]\n";
    CHECK_FAILS(mid_plan_load(test_ctx(), test_write("p.yaml", yaml, strlen(yaml)), &plan), MID_EFORMAT);
    CHECK_SAYS("p.yaml:2:18: unknown labeler 'refussal': did you mean 'refusal'? (there are: alias, ");
}

TEST(plan, wrong_type)
{
    refuse("- a\n", "1:1: an entry here must be a map of keys, not a list");
    refuse(HEAD "folds: five\n", "2:8: 'folds' must be a whole number, not 'five'");
    refuse(HEAD "folds: \"5\"\n", "2:8: 'folds' must be a whole number, not '5' in quotes");
    refuse(HEAD "folds: 5.5\n", "2:8: 'folds' must be a whole number, not '5.5'");
    refuse(HEAD "folds: 0x5\n", "2:8: 'folds' must be a whole number, not '0x5'");
    refuse(HEAD "folds: [5]\n", "2:8: 'folds' must be a whole number, not a list");
    refuse(HEAD "folds:\n", "2:7: 'folds' must be a whole number, not ''");
    refuse(HEAD "title: [x]\n", "2:8: 'title' must be a text, not a list");
    refuse(HEAD "title:\n", "2:7: 'title' is empty; give a text or leave the key out");
    refuse(HEAD "models: m\n", "2:9: 'models' must be a list, not a single value");
    refuse(HEAD "models: [m]\n", "2:10: an entry here must be a map of keys, not a single value");
    refuse(HEAD "at_frac: [.nan]\n", "2:11: an entry here must be a number, not '.nan'");
    refuse(HEAD "data: [{optional: yes}]\n", "2:19: 'optional' must be true or false, not 'yes'");
    refuse(HEAD "data: [{optional: {}}]\n", "2:19: 'optional' must be true or false, not a map of keys");
    refuse(HEAD "monitors: [[random]]\n", "2:12: an entry here is a name, or a map with 'monitor' in it");
    refuse(HEAD "monitors: [{as: x}]\n", "2:12: an entry here is a name, or a map with 'monitor' in it");
    refuse(HEAD "monitors: [{monitor: probe_ema, beta: fast}]\n", "2:39: 'beta' must be a number, not 'fast'");
}

TEST(plan, attacks_refused)
{
    refuse(HEAD "data: [{dataset: d, model: m, source: recorded, labeler: data, attack: [delay]}]\n",
           "2:73: unknown attack 'delay': it is delay(N) or pad(N), N from 1 to 4096 words, base64, leet, rot13 or "
           "split");
    refuse(HEAD "data: [{dataset: d, model: m, source: recorded, labeler: data, attack: [leet, leet]}]\n",
           "2:79: attack 'leet' is there twice");
    refuse(HEAD MODELS "data: [{dataset: d, model: m, source: llama, attack: [leet]}]\nmonitors: [random]\n",
           "4:54: 'attack' rewrites recorded answers and keeps their labels: it needs source: recorded and labeler: "
           "data");
}

TEST(plan, out_of_range)
{
    refuse(HEAD "folds: 2\n", "2:8: 'folds' is 2; it must be from 3 to 100");
    refuse(HEAD "seed: -1\n", "2:7: 'seed' is -1; it must be from 0 to 9223372036854775807");
    refuse(HEAD "seed: 99999999999999999999\n",
           "2:7: 'seed' is 99999999999999999999; it must be from 0 to 9223372036854775807");
    refuse(HEAD "at_frac: [0.5, 1.5]\n", "2:16: an entry here is 1.5; it must be from 0.001 to 1");
    refuse(HEAD "at_tok: [4, 2]\n", "2:13: 'at_tok' must rise: 2 stands after 4");
    refuse(HEAD "at_tok: []\n", "2:9: 'at_tok' has 0 entries; it needs 1 to 1000");
    refuse(HEAD "prevalence: 0\n", "2:13: 'prevalence' is 0; it must be above 0 and below 1");
    refuse(HEAD "prevalence: [0.1, 1]\n", "2:19: 'prevalence' is 1; it must be above 0 and below 1");
    refuse(HEAD "prevalence: 5\n", "2:13: 'prevalence' is 5; it must be from 0 to 1");
    refuse(HEAD "prevalence: [-0.1]\n", "2:14: an entry here is -0.1; it must be from 0 to 1");
    refuse(HEAD "prevalence: rare\n", "2:13: 'prevalence' must be a number, not 'rare'");
    refuse(HEAD "prevalence: [0.1, 0.1]\n", "2:19: 'prevalence' must rise: 0.1 stands after 0.1");
    refuse(HEAD "prevalence: []\n", "2:13: 'prevalence' has 0 entries; it needs 1 to 1000");
    refuse(HEAD "models: [{name: m, path: p, layers: [3, 3]}]\n", "2:41: 'layers' must rise: 3 stands after 3");
    refuse(HEAD "data: [{dataset: a, model: m, source: llama, max_tok: 4, min_tok: 5}]\n",
           "2:8: min_tok 5 is larger than max_tok 4: no answer is left");
    refuse(HEAD "data: [{temperature: -0.5}]\n", "2:22: 'temperature' is -0.5; it must be from 0 to 10");
    refuse(HEAD "data: [{format: ask}]\n", "2:17: format 'ask' is neither \"chat\" nor a text with {prompt} in it");
    refuse(HEAD "data: [{group: id:0}]\n", "2:16: group 'id:0' is neither \"prompt\" nor \"id:N\" with N from 1 to 9 "
           "(the part of the sample id behind its N-th hyphen)");
}

TEST(plan, missing_or_twice)
{
    refuse(MODELS DATA MONITORS, "1:1: 'name' is missing here");
    refuse(HEAD MODELS DATA, "1:1: 'monitors' is missing here");
    refuse(HEAD "models: [{name: m}]\n", "2:10: a model has either 'path', a file, or 'url', a server");
    refuse(HEAD "data: [{dataset: a, model: m}]\n", "2:8: 'source' is missing here");
    refuse(HEAD "seed: 1\nname: u\n", "3:1: key 'name' is given twice (first in line 1)");
    refuse(HEAD "models: [{name: m, path: a}, {name: m, path: b}]\n" DATA MONITORS,
           "2:30: model 'm' is there already (line 2); give this one another name with 'name'");
    refuse(HEAD MODELS DATA "  - {dataset: x/own_qa, model: m, source: llama}\n" MONITORS,
           "6:5: dataset 'own_qa' is there already (line 5); give this one another name with 'as'");
    refuse(HEAD MODELS DATA "monitors:\n  - random\n  - {monitor: length, as: random}\n",
           "8:5: monitor 'random' is there already (line 7); give this one another name with 'as'");
}

TEST(plan, not_yaml)
{
    char deep[200] = "name: ";
    int i;

    refuse("", "1:1: the file is empty");
    refuse("name: 'x\n", "2:1: found unexpected end of stream");
    refuse("name: x\n\ty: 1\n", "2:1: found a tab character that violates indentation");
    refuse("name: \xff\n", "1:7: byte 0xff is not UTF-8");
    refuse("name: \"a\\0b\"\n", "1:7: a text with a zero byte in it");
    refuse("name: &a x\n", "1:7: anchor '&a': write the value out each time");
    refuse("name: *a\n", "1:7: alias '*a': write the value out");
    refuse("name: !!str x\n", "1:7: tag 'tag:yaml.org,2002:str': leave it out, every key has one type");
    refuse("name: x\n---\nname: y\n", "2:1: a second document; one file holds one");
    refuse("? [a]\n: b\n", "1:3: a key must be a word");
    for (i = 0; i < 16; i++)
        strcat(deep, "[");
    refuse(deep, "1:22: nested deeper than 16 levels");
}

TEST(plan, not_readable)
{
    static char big[(1 << 20) + 2];
    mid_plan *plan = NULL;

    memset(big, '#', sizeof big);
    CHECK_FAILS(mid_plan_load(test_ctx(), test_path("no-such-plan.yaml"), &plan), MID_ENOTFOUND);
    CHECK_SAYS("no-such-plan.yaml: cannot open");
    CHECK_FAILS(mid_plan_load(test_ctx(), test_write("big.yaml", big, sizeof big), &plan), MID_ELIMIT);
    CHECK_SAYS("big.yaml: larger than the limit of 1048576 bytes");
    CHECK(plan == NULL);
}

/* Property: any beginning of a good plan either loads or is refused with a place, and nothing leaks. */
TEST(plan, cut_anywhere)
{
    char bytes[8192];
    FILE *f = fopen("plans/demo-short.yaml", "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0, i;

    assert_non_null(f);
    fclose(f);
    for (i = 0; i < n; i += 7) {
        mid_plan *plan = NULL;
        if (mid_plan_load(test_ctx(), test_write("cut.yaml", bytes, i), &plan) != MID_OK)
            CHECK_SAYS("cut.yaml:");
        mid_plan_close(plan);
    }
}

TEST(plan, json)
{
    mid_plan *p = load_text(
        "name: t\nat_tok: [1]\nat_frac: [0.5]\nprevalence: 0.25\n" MODELS
        "data:\n  - {dataset: d, model: m, source: llama, temperature: 0.7, response_models: [a]}\n"
        "monitors: [random, {monitor: probe_linear, as: p, only: [d], c: 0.5}]\n"
        "rules: [{rule: conformal, alpha: 0.1}]\n");
    char *text = NULL;

    CHECK_OK(mid_plan_json(test_ctx(), p, &text));
    CHECK_TEXT(text, "{\"name\":\"t\",\"title\":\"t\",\"seed\":0,\"folds\":5,\"inner_folds\":3,\"draws\":2000,"
               "\"at_tok\":[1],\"at_frac\":[0.5],\"prevalence\":[0.25],\"show\":40,\"models\":[{\"name\":\"m\",\"path\":\"smollm2\"}],"
               "\"data\":[{\"dataset\":\"d\",\"model\":\"m\",\"source\":\"llama\",\"response_models\":[\"a\"],"
               "\"group\":\"prompt\",\"max_tok\":128,\"min_tok\":1,\"limit\":0,\"temperature\":0.7,\"optional\":false,"
               "\"contrast\":false}],\"monitors\":[{\"monitor\":\"random\"},"
               "{\"monitor\":\"probe_linear\",\"as\":\"p\",\"only\":[\"d\"],\"c\":0.5}],"
               "\"rules\":[{\"rule\":\"conformal\",\"alpha\":0.1}],"
               "\"statistics\":{\"alpha\":0.05,\"metric\":[\"auroc\"]}}");
    mid_free(text);
    mid_plan_close(p);
}

#define SERVED "models:\n  - {name: m, path: smollm2}\n  - {name: s, url: \"http://x/v1\", model: gpt, key_env: K, rpm: 60}\n"

TEST(plan, servers)
{
    mid_plan *p = load_text(HEAD SERVED "data:\n  - {dataset: own_qa, model: s, source: openai, observer: m}\n"
                            "  - {dataset: own_qa, as: b, model: s, source: openai, beside: m}\n" MONITORS);
    const mid_plan_model *m = &p->model[1];

    CHECK(p->model[0].url == NULL && m->path == NULL && m->key == NULL);
    CHECK_TEXT(m->url, "http://x/v1");
    CHECK_TEXT(m->server_model, "gpt");
    CHECK_TEXT(m->key_env, "K");
    CHECK(m->top_logprobs == 5 && m->rpm == 60 && m->tpm == 0 && m->timeout_s == 60);
    CHECK_TEXT(p->data[0].observer, "m");
    mid_plan_close(p);
}

TEST(plan, servers_and_files_are_told_apart)
{
    refuse(HEAD "models: [{name: m, path: a, url: \"http://x\"}]\n", "2:10: a model has either 'path', a file, or 'url', a server, "
           "not both");
    refuse(HEAD "models: [{name: m, path: a, rpm: 6}]\n", "2:34: 'rpm' is for a server; this model has 'path'");
    refuse(HEAD "models: [{name: m, url: \"http://x\", layers: [1]}]\n", "2:45: 'layers' is for a file; this model has 'url'");
    refuse(HEAD "models: [{name: m, url: \"http://me:pw@x\"}]\n", "2:25: 'url' has a user or password in it; name a variable with "
           "the key in 'key_env'");
    refuse(HEAD SERVED "data:\n  - {dataset: own_qa, model: s, source: llama}\n" MONITORS,
           "6:30: model 's' (line 4) is a server; a file is needed here");
    refuse(HEAD SERVED "data:\n  - {dataset: own_qa, model: m, source: openai}\n" MONITORS,
           "6:30: model 'm' (line 3) is a file; source openai asks a server");
    refuse(HEAD SERVED "data:\n  - {dataset: own_qa, model: m, source: recorded, observer: m}\n" MONITORS,
           "6:61: 'observer' reads what a server answered: source: openai; recorded answers are read by 'model'");
    refuse(HEAD SERVED "data:\n  - {dataset: own_qa, model: s, source: openai, observer: s}\n" MONITORS,
           "6:59: model 's' (line 4) is a server; a file is needed here");
    refuse(HEAD SERVED "data:\n  - {dataset: own_qa, model: s, source: openai, observer: m, beside: m}\n" MONITORS,
           "6:70: 'beside' is a second observer of answers that are read: another model than 'observer', and source: recorded "
           "or openai");
}

TEST(plan, seeds_and_statistics)
{
    mid_plan *p = load_text(HEAD "seeds: [7, 1..3, 20]\nat_tok: [4, 8]\n"
                            "statistics: {alpha: 0.1, metric: [auroc@8, auprc]}\n"
                            MODELS DATA MONITORS);

    CHECK_INT(p->n_seed, 5);
    CHECK_INT(p->seeds[0], 7);
    CHECK_INT(p->seeds[1], 1);
    CHECK_INT(p->seeds[3], 3);
    CHECK_INT(p->seeds[4], 20);
    CHECK_INT(p->seed, 7);                                  /* the first is that of what is made once */
    CHECK_NEAR(p->statistics.alpha, 0.1, 0);
    CHECK_INT(p->statistics.n_metric, 2);
    CHECK_TEXT(p->statistics.metric[0].name, "auroc");
    CHECK_INT(p->statistics.metric[0].at_tok, 8);
    CHECK_TEXT(p->statistics.metric[1].name, "auprc");
    CHECK_INT(p->statistics.metric[1].at_tok, 0);
    mid_plan_close(p);
    p = load_text(HEAD MODELS DATA MONITORS);               /* measured after 16 tokens, so compared there */
    CHECK_INT(p->statistics.metric[0].at_tok, 16);
    CHECK_INT(p->n_seed, 0);
    mid_plan_close(p);
}

TEST(plan, wrong_seeds_and_statistics)
{
#define REST MODELS DATA MONITORS
    refuse(HEAD "seeds: [1, 1..3]\n" REST, "2:12: seed 1 stands twice in 'seeds'");
    refuse(HEAD "seeds: [3..1]\n" REST, "2:9: seeds '3..1': a range rises, and there are at most 100 seeds");
    refuse(HEAD "seeds: [0..100]\n" REST, "2:9: seeds '0..100': a range rises, and there are at most 100 seeds");
    refuse(HEAD "seeds: [-1..-1]\n" REST, "2:9: an entry here must be a whole number, not '-1..-1'");
    refuse(HEAD "seeds: [1, -5..3]\n" REST, "2:12: an entry here must be a whole number, not '-5..3'");
    refuse(HEAD "seeds: [9999999999999999999..9999999999999999999]\n" REST,
           "2:9: an entry here must be a whole number, not '9999999999999999999..9999999999999999999'");
    refuse(HEAD "seeds: [4]\n" REST, "2:8: 'seeds' has 1; it needs at least 2, and a single one is 'seed'");
    refuse(HEAD "seed: 1\nseeds: [1, 2]\n" REST, "2:7: 'seed' and 'seeds' stand for the same; drop one");
    refuse(HEAD "at_tok: [4]\nstatistics: {metric: [auroc@8]}\n" REST,
           "3:23: metric 'auroc@8': nothing is measured after 8 tokens; add it to 'at_tok'");
    refuse(HEAD "statistics: {metric: [auprc, auroc, auprc]}\n" REST, "2:37: metric 'auprc' is there twice");
    refuse(HEAD "statistics: {metric: [f1]}\n" REST, "2:23: unknown metric to compare by 'f1' (there are: auroc, "
           "auprc, tpr_at_fpr1, tpr_at_fpr5)");
#undef REST
}
