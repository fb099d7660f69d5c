/* A run of ours handed in as others hand in theirs (docs/submissions.md): results.json with the datasets, monitors,
 * cells and curves that the check can follow, and scores.jsonl from the run's store, which its fact "index" leads to
 * (bench/results.c). Ids and numbers only: no prompt, no answer.
 *
 * Left out are attacked copies, figures that nobody can compute from scores, cells of several seeds together, and the
 * rules that alarm at more than one line (sprt, three_way). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ctx.h"
#include "base/file.h"
#include "bench/json.h"
#include "bench/submission.h"
#include "midstream/store.h"
#include "report/report_json.h"

enum { PENDING_BYTES = 1 << 16 };

typedef struct writing {
    mid_ctx *ctx;
    const char *monitor;            /* NULL: all */
    mid_store *store;
    mid__json json;                 /* the run's results.json */
    yyjson_doc *index;
    mid__file_out scores;
    mid__buf line, results;         /* what is still to be written of scores.jsonl; all of results.json */
    mid_submission seen;
} writing;

static bool is_wanted(const writing *w, const char *monitor)
{
    return *monitor && (!w->monitor || strcmp(w->monitor, monitor) == 0);
}

static yyjson_val *indexed(const writing *w, const char *dataset)
{
    yyjson_val *set;
    size_t i, n;

    yyjson_arr_foreach(yyjson_doc_get_root(w->index), i, n, set)
        if (strcmp(mid__report_text(set, "dataset"), dataset) == 0)
            return set;
    return NULL;
}

/* The monitor was wanted, and could be scored there; NULL: some was. */
static bool has_scores(const writing *w, const char *dataset, const char *monitor)
{
    yyjson_val *entry;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(indexed(w, dataset), "scores"), i, n, entry) {
        const char *name = mid__report_text(entry, "monitor");
        if (is_wanted(w, name) && (!monitor || strcmp(name, monitor) == 0))
            return true;
    }
    return false;
}

/* ---- scores.jsonl ------------------------------------------------------------------------------------------------ */

static mid_status flush(writing *w, size_t above)
{
    mid_status status = w->line.failed ? mid__oom(w->ctx, "scores") : MID_OK;

    if (status == MID_OK && w->line.n > above) {
        status = mid__file_put(w->ctx, &w->scores, w->line.at, w->line.n);
        w->line.n = 0;
    }
    return status;
}

static void put_numbers(mid__buf *out, const char *name, const double *at, size_t n)
{
    size_t i;

    mid__buf_fmt(out, ",\"%s\":[", name);
    for (i = 0; i < n; i++) {
        mid__buf_text(out, i ? "," : "");
        mid__json_number(out, at[i]);
    }
    mid__buf_text(out, "]");
}

/* @param rank,rule (n_tok) */
static mid_status put_line(writing *w, const char *dataset, const char *monitor, yyjson_val *answer, const double *rank,
                           const double *rule, size_t n_tok)
{
    mid__buf *b = &w->line;

    mid__buf_text(b, "{\"monitor\":");
    mid__json_text(b, monitor);
    mid__buf_text(b, ",\"dataset\":");
    mid__json_text(b, dataset);
    mid__buf_text(b, ",\"id\":");
    mid__json_text(b, mid__report_text(answer, "id"));
    mid__buf_fmt(b, ",\"label\":%.0f,\"fold\":%.0f,\"onset_tok\":%.0f", mid__report_number(answer, "label"),
                 mid__report_number(answer, "fold"), mid__report_number(answer, "onset_tok"));
    put_numbers(b, "scores", rank, n_tok);
    if (memcmp(rank, rule, n_tok * sizeof *rank) != 0)
        put_numbers(b, "rule_scores", rule, n_tok);
    mid__buf_text(b, "}\n");
    return flush(w, PENDING_BYTES);
}

/* One monitor on one dataset. The store has two costs, then scores of all tokens three times: by the model that ranks,
 * by the one that rules, and of the calibration (bench/score.c). */
static mid_status put_scores(writing *w, yyjson_val *set, yyjson_val *entry)
{
    const char *dataset = mid__report_text(set, "dataset"), *monitor = mid__report_text(entry, "monitor");
    yyjson_val *answers = yyjson_obj_get(set, "answers"), *answer;
    double *all = NULL;
    size_t i, n, n_all = 0, from = 0;
    mid_key key;
    mid_status status;

    snprintf(key.hex, sizeof key.hex, "%s", mid__report_text(entry, "key"));
    status = mid_store_get_blob(w->ctx, w->store, "scores", &key, (void **)&all, &n);
    if (status == MID_OK)
        n_all = n / sizeof *all < 2 ? 0 : (n / sizeof *all - 2) / 3;
    yyjson_arr_foreach(answers, i, n, answer) {
        const double n_tok = mid__report_number(answer, "n_tok");
        if (status == MID_OK && !(n_tok >= 1 && n_tok <= (double)(n_all - from)))
            status = mid__fail(w->ctx, MID_EFORMAT, "%s on %s has scores of %zu tokens, its answers have more; run the "
                               "plan again", monitor, dataset, n_all);
        if (status != MID_OK)
            break;
        if (!yyjson_get_bool(yyjson_obj_get(answer, "attacked")))
            status = put_line(w, dataset, monitor, answer, all + 2 + from, all + 2 + n_all + from, (size_t)n_tok);
        from += (size_t)n_tok;
    }
    mid_free(all);
    return status;
}

static mid_status put_set_scores(writing *w, yyjson_val *set)
{
    yyjson_val *answers = yyjson_obj_get(set, "answers"), *scores = yyjson_obj_get(set, "scores"), *item;
    size_t i, n;
    mid_status status = MID_OK;

    if (yyjson_arr_size(answers) && !yyjson_obj_get(yyjson_arr_get_first(answers), "n_tok"))
        return mid__fail(w->ctx, MID_EVERSION, "the run was made before runs noted the folds that a submission needs; "
                         "run the plan again into the same folder, nothing is computed twice");
    yyjson_arr_foreach(scores, i, n, item)
        if (status == MID_OK && is_wanted(w, mid__report_text(item, "monitor")))
            status = put_scores(w, set, item);
    yyjson_arr_foreach(answers, i, n, item)
        w->seen.n_answer += has_scores(w, mid__report_text(set, "dataset"), NULL) &&
                            !yyjson_get_bool(yyjson_obj_get(item, "attacked"));
    return status;
}

/* ---- results.json ------------------------------------------------------------------------------------------------ */

static void comma(mid__buf *out)
{
    if (out->n && out->at[out->n - 1] != '[')
        mid__buf_text(out, ",\n");
}

/* As it stands in the run's results. */
static void put_value(writing *w, yyjson_val *value)
{
    size_t n;
    char *text = value ? yyjson_val_write(value, 0, &n) : NULL;

    if (text)
        mid__buf_put(&w->results, text, n);
    else
        w->results.failed = true;
    free(text);
}

static void put_datasets(writing *w, yyjson_val *provenance)
{
    static const char *const text[] = { "name", "dataset", "sha256", "group", "task", "source", "model", "labeler" };
    yyjson_val *d;
    size_t i, k, n;

    yyjson_arr_foreach(yyjson_obj_get(provenance, "datasets"), i, n, d) {
        const char *name = mid__report_text(d, "name");
        if (!has_scores(w, name, NULL))
            continue;
        comma(&w->results);
        for (k = 0; k < sizeof text / sizeof *text; k++) {
            mid__buf_fmt(&w->results, "%s\"%s\":", k ? "," : "{", text[k]);
            mid__json_text(&w->results, yyjson_get_str(yyjson_obj_get(d, text[k])));
        }
        mid__buf_fmt(&w->results, ",\"n\":%.0f,\"n_left_out\":%.0f}", mid__report_number(d, "n"),
                     mid__report_number(indexed(w, name), "n_passed_over"));
        w->seen.n_dataset++;
    }
}

static void put_monitors(writing *w, yyjson_val *list)
{
    yyjson_val *m;
    size_t i, n;

    yyjson_arr_foreach(list, i, n, m)
        if (is_wanted(w, mid__report_text(m, "name"))) {
            comma(&w->results);
            put_value(w, m);
            w->seen.n_monitor++;
        }
}

static bool is_of_whole_answers(yyjson_val *cell)
{
    const char *subset = mid__report_text(cell, "subset");

    return strcmp(subset, "all") == 0 || strcmp(subset, "unsafe_prompts") == 0;
}

static bool is_one_line(const char *rule) { return strcmp(rule, "sprt") != 0 && strcmp(rule, "three_way") != 0; }

static bool is_kept(const writing *w, yyjson_val *cell, double seed)
{
    const char *rule = mid__report_text(cell, "rule");

    return has_scores(w, mid__report_text(cell, "dataset"), mid__report_text(cell, "monitor")) &&
           is_of_whole_answers(cell) && mid__report_number(cell, "seed") == seed && is_one_line(rule) &&
           mid__submission_knows(cell) &&
           (!*rule || !isnan(mid__report_number(cell, "n_prompts")));    /* without: the rule could not be fitted */
}

static void put_cells(writing *w, yyjson_val *root)
{
    const double seed = mid__report_number(yyjson_obj_get(root, "provenance"), "seed");
    yyjson_val *item;
    size_t i, n;

    mid__buf_text(&w->results, "],\n\"cells\":[");
    yyjson_arr_foreach(yyjson_obj_get(root, "cells"), i, n, item)
        if (is_kept(w, item, seed)) {
            comma(&w->results);
            put_value(w, item);
            w->seen.n_cell++;
        }
    mid__buf_text(&w->results, "],\n\"curves\":[");
    yyjson_arr_foreach(yyjson_obj_get(root, "curves"), i, n, item)
        if (has_scores(w, mid__report_text(item, "dataset"), mid__report_text(item, "monitor")) &&
            is_of_whole_answers(item)) {
            comma(&w->results);
            put_value(w, item);
        }
    mid__buf_text(&w->results, "]}\n");
}

static mid_status put_results(writing *w)
{
    yyjson_val *root = yyjson_doc_get_root(w->json.doc), *provenance = yyjson_obj_get(root, "provenance");
    mid__buf *b = &w->results;

    mid__buf_text(b, "{\"schema\":1,\"title\":");
    mid__json_text(b, mid__report_text(root, "title"));
    mid__buf_text(b, ",\n\"plan\":{\"draws\":");
    mid__json_number(b, mid__report_number(yyjson_obj_get(root, "plan"), "draws"));
    mid__buf_text(b, "},\n\"provenance\":{\"midstream\":");
    mid__json_text(b, mid__report_text(provenance, "midstream"));
    mid__buf_text(b, ",\"date\":");
    mid__json_text(b, mid__report_text(provenance, "date"));
    mid__buf_text(b, ",\"datasets\":[");
    put_datasets(w, provenance);
    mid__buf_text(b, "]},\n\"monitors\":[");
    put_monitors(w, yyjson_obj_get(root, "monitors"));
    put_cells(w, root);
    if (b->failed)
        return mid__oom(w->ctx, "results");
    return MID_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static mid_status knows_monitor(const writing *w)
{
    yyjson_val *m;
    size_t i, n;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(w->json.doc), "monitors"), i, n, m)
        if (is_wanted(w, mid__report_text(m, "name")))
            return MID_OK;
    return mid__fail(w->ctx, MID_ENOTFOUND, "the run has no monitor '%.80s'; its results.md lists those it has",
                     w->monitor ? w->monitor : "");
}

static mid_status open_run(writing *w, const char *run_dir)
{
    char path[4096], *fact = NULL;
    struct stat info;
    mid_status status;

    if (strlen(run_dir) > sizeof path - 32)
        return mid__fail(w->ctx, MID_EINVAL, "%.40s...: a folder's path may have %zu bytes", run_dir, sizeof path - 32);
    snprintf(path, sizeof path, "%s/results.json", run_dir);
    status = mid__json_read(w->ctx, path, &w->json);
    if (status == MID_OK)
        status = knows_monitor(w);
    snprintf(path, sizeof path, "%s/run.db", run_dir);
    if (status == MID_OK && stat(path, &info) != 0)             /* mid_store_open() would make one */
        status = mid__fail(w->ctx, MID_ENOTFOUND, "%s: no such store", path);
    if (status == MID_OK)
        status = mid_store_open(w->ctx, path, &w->store);
    if (status == MID_OK)
        status = mid_store_get_fact(w->ctx, w->store, "index", &fact);
    if (status == MID_OK && !yyjson_is_arr(yyjson_doc_get_root(w->index = yyjson_read(fact, strlen(fact), 0))))
        status = mid__fail(w->ctx, MID_EFORMAT, "%s: the fact 'index' is no JSON list; run the plan again", path);
    mid_free(fact);
    return status;
}

static mid_status write_both(writing *w, const char *out_dir)
{
    char path[4096];
    yyjson_val *set;
    size_t i, n;
    mid_status status;

    if (strlen(out_dir) > sizeof path - 32)
        return mid__fail(w->ctx, MID_EINVAL, "%.40s...: a folder's path may have %zu bytes", out_dir, sizeof path - 32);
    status = mid__file_mkdir(w->ctx, out_dir);
    snprintf(path, sizeof path, "%s/scores.jsonl", out_dir);
    if (status == MID_OK)
        status = mid__file_begin(w->ctx, path, &w->scores);
    yyjson_arr_foreach(yyjson_doc_get_root(w->index), i, n, set)
        if (status == MID_OK)
            status = put_set_scores(w, set);
    if (status == MID_OK)
        status = flush(w, 0);
    if (status == MID_OK)
        status = put_results(w);
    if (status == MID_OK)
        status = mid__file_commit(w->ctx, &w->scores);
    snprintf(path, sizeof path, "%s/results.json", out_dir);
    return status == MID_OK ? mid__file_write(w->ctx, path, w->results.at, w->results.n) : status;
}

mid_status mid_submission_write(mid_ctx *ctx, const char *run_dir, const char *monitor, const char *out_dir,
                                mid_submission *out)
{
    writing w = { .ctx = ctx, .monitor = monitor };
    struct stat run, to;
    mid_status status = open_run(&w, run_dir);

    if (status == MID_OK && stat(run_dir, &run) == 0 && stat(out_dir, &to) == 0 && run.st_dev == to.st_dev &&
        run.st_ino == to.st_ino)
        status = mid__fail(ctx, MID_EINVAL, "%s is the run itself, whose results.json would be lost; give another "
                           "folder", out_dir);
    if (status == MID_OK)
        status = write_both(&w, out_dir);
    if (status == MID_OK)
        *out = w.seen;
    mid__file_discard(&w.scores);
    mid__buf_clear(&w.line);
    mid__buf_clear(&w.results);
    yyjson_doc_free(w.index);
    mid_store_close(w.store);
    mid__json_clear(&w.json);
    return status;
}
