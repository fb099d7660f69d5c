/* The stored answers and traces of data/rescore, fitted, scored and measured again by the whole program: every AUROC must
 * be that of data/rescore/expected.csv within .002. scripts/make-rescore made both. First from the traces, which needs no
 * model; then from the answers, which the observer reads anew. Traces that are not the stored ones must not pass. */
#include "bench/read_json.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"

#define STORED   "data/rescore/run.db"
#define EXPECTED "data/rescore/expected.csv"
#define PLAN     "plans/rescore.yaml"

enum { ROW_MAX = 400 };

/* Of AUROCs. An engine that was built for another processor rounds differently, and bf16 makes much of it: read by one for
 * AVX2 instead of AVX-512, the same answers had AUROCs that were off by up to .009 for what is not fitted (3 of 336 pairs)
 * and .083 for what is: on 32 or 48 answers a fit may choose other parameters. */
typedef struct tolerance { double unfitted, fitted; } tolerance;

static const tolerance SAME = { 0.002, 0.002 }, OTHER_ENGINE = { 0.02, 0.15 };

/* One AUROC of data, monitor and at_tok tokens, 0 for whole answers. */
typedef struct row { char data[40], monitor[60]; int at_tok, n, n_unsafe; double auroc; } row;

static size_t read_expected(row *rows)
{
    FILE *f = fopen(EXPECTED, "r");
    char line[300];
    size_t n = 0;

    CHECK(f != NULL);
    CHECK(fgets(line, sizeof line, f) != NULL);
    CHECK_TEXT(line, "dataset,monitor,at_tok,auroc,n,n_unsafe\n");
    while (fgets(line, sizeof line, f)) {
        row *r = &rows[n++];
        CHECK(n < ROW_MAX);
        CHECK_INT(sscanf(line, "%39[^,],%59[^,],%d,%lf,%d,%d", r->data, r->monitor, &r->at_tok, &r->auroc, &r->n,
                         &r->n_unsafe), 6);
    }
    fclose(f);
    return n;
}

static const char *text(yyjson_val *cell, const char *key) { return yyjson_get_str(yyjson_obj_get(cell, key)); }

static int whole(yyjson_val *cell, const char *key) { return yyjson_get_int(yyjson_obj_get(cell, key)); }

static size_t read_results(const char *dir, row *rows)
{
    yyjson_doc *doc = read_json(dir, "results.json");
    yyjson_val *cell;
    size_t i, max, n = 0;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "cells"), i, max, cell) {
        row *r = &rows[n];
        if (strcmp(text(cell, "metric"), "auroc") != 0 || !yyjson_is_null(yyjson_obj_get(cell, "at_frac")))
            continue;
        CHECK(++n < ROW_MAX);
        snprintf(r->data, sizeof r->data, "%s", text(cell, "dataset"));
        snprintf(r->monitor, sizeof r->monitor, "%s", text(cell, "monitor"));
        r->at_tok = whole(cell, "at_tok");              /* 0 for null */
        r->n = whole(cell, "n");
        r->n_unsafe = whole(cell, "n_unsafe");
        r->auroc = yyjson_get_num(yyjson_obj_get(cell, "value"));
    }
    yyjson_doc_free(doc);
    return n;
}

static bool is_fitted(const char *monitor)
{
    mid_monitor_spec spec;

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), monitor, &spec));
    return mid_monitor_spec_learns(&spec);
}

/* How many expected rows a run does not have, or has with another figure; each is told if that is unexpected. `only`: of
 * that monitor. *largest difference. */
static size_t compare(const char *dir, const char *only, bool tell, tolerance allowed, double *largest)
{
    static row want[ROW_MAX], got[ROW_MAX];
    const size_t n_want = read_expected(want), n_got = read_results(dir, got);
    size_t i, k, n_off = 0;

    *largest = 0;
    CHECK(n_want >= 60);
    CHECK_INT(n_got, n_want);
    for (i = 0; i < n_want; i++) {
        const row *w = &want[i];
        double off = 1;
        if (only && strcmp(w->monitor, only) != 0)
            continue;
        for (k = 0; k < n_got; k++)
            if (strcmp(got[k].data, w->data) == 0 && strcmp(got[k].monitor, w->monitor) == 0 &&
                got[k].at_tok == w->at_tok && got[k].n == w->n && got[k].n_unsafe == w->n_unsafe)
                off = fabs(got[k].auroc - w->auroc);
        *largest = fmax(*largest, off);
        if (off <= (is_fitted(w->monitor) ? allowed.fitted : allowed.unfitted))
            continue;
        n_off++;
        if (tell)
            print_error("%s, %s, %d tokens: AUROC of %d answers, %d unsafe, is off by %.4f from %.6f\n", w->data,
                        w->monitor, w->at_tok, w->n, w->n_unsafe, off, w->auroc);
    }
    return n_off;
}

static mid_status run(const char *dir, const char *cache_dir, bool stored_only)
{
    const char *data_dir = "data";
    mid_run_opts opts = mid_run_opts_default();
    mid_plan *plan;
    mid_status status;

    CHECK_OK(mid_plan_load(test_ctx(), PLAN, &plan));
    opts.out_dir = test_path(dir);
    opts.data_dir = &data_dir;
    opts.n_data_dir = 1;
    opts.cache_dir = cache_dir;
    opts.stored_only = stored_only;
    status = mid_run(test_ctx(), plan, &opts);
    mid_plan_close(plan);
    return status;
}

/* ---- traces that are changed on their way into a folder ---- */

/* Change the step'th token of a sample's trace; NULL: none is changed. */
typedef void (*change_fn)(const mid_signals *signals, const char *sample_id, mid_step *step);

struct copying { mid_store *from, *to; change_fn change; };

static mid_status copy_trace(void *user, const mid_key *key, const char *sample_id)
{
    struct copying *c = user;
    mid_trace *trace, *changed;
    float *scratch;
    mid_prompt prompt;
    mid_step step;
    uint32_t i;

    CHECK_OK(mid_store_get_trace(test_ctx(), c->from, key, &trace));
    scratch = calloc(mid_trace_scratch(trace) + 1, sizeof *scratch);
    mid_trace_prompt(trace, scratch, &prompt);
    CHECK_OK(mid_trace_open(test_ctx(), mid_trace_signals(trace), &prompt, &changed));
    for (i = 0; i < mid_trace_n_tok(trace); i++) {
        mid_trace_step(trace, i, scratch, &step);
        if (c->change)
            c->change(mid_trace_signals(trace), sample_id, &step);
        CHECK_OK(mid_trace_append(changed, &step));
    }
    CHECK_OK(mid_store_put_trace(test_ctx(), c->to, key, sample_id, changed));
    mid_trace_close(changed);
    mid_trace_close(trace);
    free(scratch);
    return MID_OK;
}

static mid_status copy_fact(void *user, mid_ctx *ctx, const char *name, const char *value)
{
    return mid_store_put_fact(ctx, user, name, value);
}

/* The stored traces in dir/run.db, as they are or changed. SQLite wants to write where it reads, so they are copied before
 * they are opened. */
static void take_stored(const char *dir, change_fn change)
{
    struct copying c = { .change = change };
    char path[100];
    FILE *f = fopen(STORED, "rb");
    char *bytes = malloc(8 << 20);
    size_t n;

    CHECK(f && bytes);
    n = fread(bytes, 1, 8 << 20, f);
    fclose(f);
    CHECK(n > 0 && n < 8 << 20);
    snprintf(path, sizeof path, "%s.db", dir);
    CHECK_OK(mid_store_open(test_ctx(), test_write(path, bytes, n), &c.from));
    free(bytes);
    mkdir(test_path(dir), 0777);
    snprintf(path, sizeof path, "%s/run.db", dir);
    CHECK_OK(mid_store_open(test_ctx(), test_path(path), &c.to));
    CHECK_OK(mid_store_begin(test_ctx(), c.to));
    CHECK_OK(mid__store_facts(test_ctx(), c.from, copy_fact, c.to));
    CHECK_OK(mid_store_each_trace(test_ctx(), c.from, copy_trace, &c));
    CHECK_OK(mid_store_commit(test_ctx(), c.to));
    mid_store_close(c.from);
    mid_store_close(c.to);
}

TEST(rescore, stored_traces_give_the_committed_figures)
{
    double largest;

    take_stored("as_it_is", NULL);
    CHECK_OK(run("as_it_is", "no such folder", true));      /* so no model is opened */
    CHECK_INT(compare("as_it_is", NULL, true, SAME, &largest), 0);
    print_message("largest difference from the traces: %.6f\n", largest);
}

/* A sign that is lost where entropies are made: certain counts as uncertain. Monitors that do not look at them stay. */
static void turn_entropy(const mid_signals *signals, const char *sample_id, mid_step *step)
{
    (void)sample_id;
    step->entropy_nats = logf((float)signals->n_vocab) - step->entropy_nats;
}

TEST(rescore, a_wrong_sign_is_found)
{
    double largest;

    take_stored("turned", turn_entropy);
    CHECK_OK(run("turned", NULL, true));
    CHECK(compare("turned", "entropy_mean", false, SAME, &largest) >= 4);
    print_message("largest difference with entropy's sign turned: %.3f\n", largest);
    CHECK(largest > 0.4);
    CHECK_INT(compare("turned", "surprisal_max", true, SAME, &largest), 0);
    CHECK_INT(compare("turned", "probe_linear", true, SAME, &largest), 0);
}

/* The seventh token of one answer of a hundred, a safe one, is made the most surprising of all. */
static void surprise_once(const mid_signals *signals, const char *sample_id, mid_step *step)
{
    (void)signals;
    if (strcmp(sample_id, "own_qa-body-021") == 0 && step->i_tok == 6)
        step->lp = -30;
}

TEST(rescore, one_perturbed_token_is_found)
{
    double largest;

    take_stored("perturbed", surprise_once);
    CHECK_OK(run("perturbed", NULL, true));
    CHECK_INT(compare("perturbed", "entropy_mean", true, SAME, &largest), 0);
    CHECK_INT(compare("perturbed", "surprisal_max", false, SAME, &largest), 2);   /* 16 tokens, and the whole answer */
    print_message("largest difference with one token perturbed: %.3f\n", largest);
    CHECK(largest > 0.01 && largest < 0.04);                                /* at most 1 of 27 safe answers */
}

/* A plan of one monitor on the stored answers, whose model and entry have these keys more. */
static mid_plan *small_plan(const char *of_model, const char *of_entry)
{
    char text_of[600];
    mid_plan *plan;
    const int n = snprintf(text_of, sizeof text_of,
        "name: other\nseed: 1\nmodels:\n  - {name: smollm2, path: smollm2, %s}\n"
        "data:\n  - {dataset: data/rescore/own_qa.jsonl, model: smollm2, source: recorded, labeler: alias, %s}\n"
        "monitors: [length]\n", of_model, of_entry);

    CHECK_OK(mid_plan_load(test_ctx(), test_write("other.yaml", text_of, (size_t)n), &plan));
    return plan;
}

#define FORM "format: \"<|im_start|>user\\n{prompt}<|im_end|>\\n<|im_start|>assistant\\n\""

/* What is stored is what the plan asks for: read in another form, by a model in another format or with other layers, or
 * cut at another length, there is nothing, and that is said. */
TEST(rescore, other_answers_are_not_stored)
{
    static const struct { const char *of_model, *of_entry; mid_status status; } ask[] = {
        { FORM ", quantise: bf16, layers: [14]", "max_tok: 24", MID_OK },
        { FORM ", quantise: bf16", "max_tok: 24", MID_OK },             /* no layers are named: those that are there */
        { FORM ", quantise: bf16, layers: [14]", "max_tok: 9", MID_ENOTFOUND },
        { FORM ", quantise: bf16, layers: [15]", "max_tok: 24", MID_ENOTFOUND },
        { FORM ", layers: [14]", "max_tok: 24", MID_ENOTFOUND },
        { "quantise: bf16, layers: [14]", "max_tok: 24", MID_ENOTFOUND },
    };
    mid_run_opts opts = mid_run_opts_default();
    mid_plan *plan;
    size_t i;

    opts.stored_only = true;
    take_stored("other", NULL);
    for (i = 0; i < sizeof ask / sizeof *ask; i++) {
        plan = small_plan(ask[i].of_model, ask[i].of_entry);
        opts.out_dir = test_path("other");
        CHECK_FAILS(mid_run(test_ctx(), plan, &opts), ask[i].status);
        if (ask[i].status != MID_OK) {
            CHECK_SAYS("other.yaml:6: ");
            CHECK_SAYS("no answer of 'own_qa.jsonl' as this entry asks for it");
        }
        mid_plan_close(plan);
    }
}

TEST(rescore, stored_answers_need_a_store)
{
    mid_run_opts opts = mid_run_opts_default();
    mid_plan *plan = small_plan("layers: [14]", "max_tok: 24");

    opts.stored_only = true;
    opts.out_dir = test_path("nobody");
    CHECK_FAILS(mid_run(test_ctx(), plan, &opts), MID_ENOTFOUND);
    CHECK_SAYS("no such store");
    CHECK(access(test_path("nobody"), F_OK) != 0);
    opts.n_shard = 2;
    CHECK_FAILS(mid_run(test_ctx(), plan, &opts), MID_EINVAL);
    mid_plan_close(plan);
}

static bool was_read_by_this_engine(const char *dir)
{
    char path[100], *stored, *mine;
    mid_store *store;
    bool same;

    CHECK_OK(mid_store_open(test_ctx(), test_path("as_read.db"), &store));
    CHECK_OK(mid_store_get_fact(test_ctx(), store, "engine", &stored));
    mid_store_close(store);
    snprintf(path, sizeof path, "%s/run.db", dir);
    CHECK_OK(mid_store_open(test_ctx(), test_path(path), &store));
    CHECK_OK(mid_store_get_fact(test_ctx(), store, "engine", &mine));
    mid_store_close(store);
    same = strcmp(stored, mine) == 0;
    mid_free(stored);
    mid_free(mine);
    return same;
}

/* The same answers, read again by the same observer: another decode, maybe by another engine on another processor. */
TEST(rescore, answers_read_again_give_the_committed_figures)
{
    char cache[400];
    double largest;
    bool same;
    int i;

    snprintf(cache, sizeof cache, "%s", test_model());
    for (i = 0; i < 2 && strrchr(cache, '/'); i++)      /* CACHE/models/FILE */
        *strrchr(cache, '/') = 0;
    CHECK_OK(run("again", cache, false));
    take_stored("as_read", NULL);
    same = was_read_by_this_engine("again");
    CHECK_INT(compare("again", NULL, true, same ? SAME : OTHER_ENGINE, &largest), 0);
    print_message("largest difference, read again by %s engine: %.6f\n", same ? "the same" : "another", largest);
}
