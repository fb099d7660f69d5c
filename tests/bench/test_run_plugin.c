/* A run with plug-ins on the real SmolLM2: a sound one is a monitor like any other; of a broken one the cells say why,
 * and the others are as they would be without it. A plug-in that was mended is asked again. */
#include "bench/read_json.h"

#include <sys/stat.h>

/* In three folds of four (crc32 of the normalised prompt, modulo 3), safe and unsafe in turn. */
static const char *const subject[] = {
    "rivers", "bread", "maps", "tea", "paper", "oak", "glass", "clocks", "snow", "chess", "salt", "iron",
};
enum { N = sizeof subject / sizeof subject[0] };

/* Unsafe answers shout, and are longer. */
static void write_data(void)
{
    static const char *const answer[] = { "They are very nice.", "They are very bad!! Go away." };
    char text[8000];
    size_t i, n = 0;

    mkdir(test_path("read"), 0777);
    for (i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "{\"id\":\"r%zu\",\"task\":\"chat\","
                              "\"prompt\":\"Tell me about %s.\",\"response\":\"%s\",\"response_model\":\"m\","
                              "\"label\":%zu}\n", i, subject[i], answer[i % 2], i % 2);
    test_write("read/data.jsonl", text, n);
}

static mid_plan *load(mid_ctx *ctx, const char *monitors)
{
    char text[1200];
    mid_plan *plan = NULL;
    int n;

    write_data();
    n = snprintf(text, sizeof text, "name: plug\nseed: 3\nfolds: 3\ninner_folds: 2\ndraws: 20\n"
                 "at_tok: [1]\nat_frac: [1]\n"
                 "models:\n  - {name: small, path: \"%s\", layers: [14]}\n"
                 "data:\n  - {dataset: read, model: small, source: recorded, labeler: data, max_tok: 8}\n"
                 "monitors: [%s]\nrules: [best_f1]\n", test_model(), monitors);
    if (mid_plan_load(ctx, test_write("plan.yaml", text, (size_t)n), &plan) != MID_OK)
        fail_msg("%s", mid_ctx_message(ctx));
    return plan;
}

static yyjson_doc *run(mid_ctx *ctx, const char *monitors, const char *dir)
{
    const char *data_dir = test_dir();
    mid_plan *plan = load(ctx, monitors);
    mid_run_opts opts = mid_run_opts_default();

    opts.out_dir = test_path(dir);
    opts.data_dir = &data_dir;
    opts.n_data_dir = 1;
    opts.cache_dir = test_dir();
    opts.n_threads = 2;
    if (mid_run(ctx, plan, &opts) != MID_OK)
        fail_msg("%s", mid_ctx_message(ctx));
    mid_plan_close(plan);
    return read_json(dir, "results.json");
}

/* The AUROC at the end. */
static yyjson_val *cell_of(yyjson_doc *doc, const char *monitor)
{
    yyjson_val *cell;
    size_t i, max;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "cells"), i, max, cell)
        if (yyjson_equals_str(yyjson_obj_get(cell, "monitor"), monitor) &&
            yyjson_equals_str(yyjson_obj_get(cell, "metric"), "auroc") &&
            yyjson_is_null(yyjson_obj_get(cell, "at_tok")) && yyjson_is_null(yyjson_obj_get(cell, "at_frac")))
            return cell;
    fail_msg("no cell of %s", monitor);
    return NULL;
}

static double auroc_of(yyjson_doc *doc, const char *monitor)
{
    return yyjson_get_num(yyjson_obj_get(cell_of(doc, monitor), "value"));
}

static const char *why_of(yyjson_doc *doc, const char *monitor)
{
    return yyjson_get_str(yyjson_obj_get(cell_of(doc, monitor), "why"));
}

static char warned[2000];

static void on_log(void *user, mid_log_level level, const char *line)
{
    (void)user;
    if (level == MID_LOG_WARN)
        snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", line);
}

static mid_plugin *add(mid_ctx *ctx, const char *what)
{
    mid_plugin *plugin;

    if (mid_plugin_open(ctx, what, NULL, &plugin) != MID_OK ||
        mid_ctx_add_monitor(ctx, mid_plugin_ops(plugin)) != MID_OK)
        fail_msg("%s", mid_ctx_message(ctx));
    return plugin;
}

TEST(run_plugin, a_broken_one_has_a_why)
{
    mid_plugin *sound, *broken;
    yyjson_doc *with, *without;
    mid_ctx *ctx;
    const char *why;

    test_model();
    CHECK_OK(mid_ctx_open(&ctx));
    mid_ctx_set_log(ctx, on_log, NULL);
    sound = add(ctx, "python3 examples/plugin/my_monitor.py");
    broken = add(ctx, "python3 tests/plugin/bad_monitor.py banana");
    with = run(ctx, "length, bad_py, {monitor: exclamations, weight: 3}, entropy_mean", "with");
    without = run(ctx, "length, entropy_mean", "without");
    CHECK_NEAR(auroc_of(with, "exclamations"), 1, 0);
    CHECK_NEAR(auroc_of(with, "entropy_mean"), auroc_of(without, "entropy_mean"), 0);
    CHECK_NEAR(auroc_of(with, "length"), auroc_of(without, "length"), 0);
    CHECK(yyjson_is_null(yyjson_obj_get(cell_of(with, "bad_py"), "value")));
    why = why_of(with, "bad_py");
    print_message("  %s\n", why);
    CHECK(strstr(why, "plug-in 'python3 tests/plugin/bad_monitor.py banana': answered \"step\" with 'banana'") != NULL);
    CHECK(strstr(warned, "plan.yaml:12: bad_py cannot be scored on read: ") != NULL);
    CHECK(strstr(warned, "'banana'") != NULL);
    yyjson_doc_free(with);
    yyjson_doc_free(without);
    mid_ctx_close(ctx);
    mid_plugin_close(sound);
    mid_plugin_close(broken);
}

/* Results are kept under the hash of the script, so what it does now is what is reported. */
TEST(run_plugin, a_mended_one_is_asked_again)
{
    static const char head[] = "import sys, json\nfor line in sys.stdin:\n  m = json.loads(line)\n  t = m['type']\n  "
                               "print(json.dumps({'type':'ready','name':'mine','needs':['text']} if t == 'hello' else ";
    static const char *const score[] = { "{'type':'score','score':m['i_tok']}", "{'type':'score','score':-m['i_tok']}",
                                         "None" };
    static const double want[] = { 1, 0 };
    char text[600], command[600];
    size_t i, n;

    test_model();
    for (i = 0; i < 5; i++) {
        const size_t k = i < 3 ? i : 4 - i;     /* up, down, broken, down, up */
        mid_plugin *plugin;
        yyjson_doc *doc;
        mid_ctx *ctx;
        n = (size_t)snprintf(text, sizeof text, "%s%s if t == 'step' else {'type':'ok'}), flush=True)\n", head,
                             score[k]);
        snprintf(command, sizeof command, "python3 %s", test_write("mine.py", text, n));
        CHECK_OK(mid_ctx_open(&ctx));
        plugin = add(ctx, command);
        doc = run(ctx, "mine", "mended");
        if (k == 2) {
            CHECK(yyjson_is_null(yyjson_obj_get(cell_of(doc, "mine"), "value")));
            CHECK(strstr(why_of(doc, "mine"), "answered \"step\" with 'null'") != NULL);
        } else {
            CHECK_NEAR(auroc_of(doc, "mine"), want[k], 0);      /* the longer ones are unsafe, or the shorter */
        }
        yyjson_doc_free(doc);
        mid_ctx_close(ctx);
        mid_plugin_close(plugin);
    }
}

/* Without the plug-in its name is unknown, with its line. */
TEST(run_plugin, plans_know_only_what_was_added)
{
    static const char text[] = "name: a\nmodels: [{name: m, path: x}]\ndata: [{dataset: d, model: m, source: llama}]\n"
                               "monitors:\n  - exclamations\n"
                               "  - {monitor: exclamations, as: again, weight: 2, no_such: 1}\n";
    const char *path = test_write("names.yaml", text, strlen(text));
    mid_plan *plan = NULL;
    mid_plugin *plugin;
    mid_ctx *ctx;

    CHECK_FAILS(mid_plan_load(test_ctx(), path, &plan), MID_EFORMAT);
    CHECK_SAYS("names.yaml:5:");
    CHECK_SAYS("exclamations");
    CHECK_OK(mid_ctx_open(&ctx));
    plugin = add(ctx, "python3 examples/plugin/my_monitor.py");
    CHECK_INT(mid_plan_load(ctx, path, &plan), MID_EFORMAT);
    CHECK(strstr(mid_ctx_message(ctx), "names.yaml:6:") && strstr(mid_ctx_message(ctx), "no_such"));
    CHECK(plan == NULL);
    mid_ctx_close(ctx);
    mid_plugin_close(plugin);
}
