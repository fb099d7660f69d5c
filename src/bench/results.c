/* results.json: plan, provenance, one cell per figure, curves. docs/results-format.md describes every field. */
#include "bench/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/file.h"
#include "bench/agreement.h"
#include "bench/json.h"
#include "bench/onset.h"
#include "bench/pool.h"
#include "bench/statistics.h"
#include "midstream/metric.h"
#include "source/engine.h"

enum { LANG_MAX = 64 };             /* languages of a dataset that are named */

void mid__results_init(mid__results *r, mid__run *run)
{
    memset(r, 0, sizeof *r);            /* a zeroed buffer is an empty one */
    r->run = run;
}

void mid__results_clear(mid__results *r)
{
    mid__buf_clear(&r->cells);
    mid__buf_clear(&r->curves);
    mid__buf_clear(&r->answers);
    mid__buf_clear(&r->datasets);
    mid__buf_clear(&r->stages);
    mid__buf_clear(&r->index);
}

static void comma(mid__buf *b)
{
    if (b->n)
        mid__buf_text(b, ",\n");
}

static void text_entry(mid__buf *b, const char *name, const char *value, const char *after)
{
    mid__buf_fmt(b, "\"%s\":", name);
    mid__json_text(b, value);
    mid__buf_text(b, after);
}

void mid__results_stage(mid__results *r, const char *set, const char *what, double seconds)
{
    char name[200];

    snprintf(name, sizeof name, "%s: %s", set, what);
    comma(&r->stages);
    mid__buf_put(&r->stages, "{", 1);
    text_entry(&r->stages, "name", name, ",");
    mid__buf_fmt(&r->stages, "\"seconds\":%.2f}", seconds);
}

void mid__results_cells(mid__results *r, const char *cells, const char *curves)
{
    if (cells[0]) {
        comma(&r->cells);
        mid__buf_text(&r->cells, cells);
    }
    if (curves[0]) {
        comma(&r->curves);
        mid__buf_text(&r->curves, curves);
    }
}

static void leakage(mid__buf *b, const mid__set *set)
{
    const mid__leak *l = &set->leak;
    size_t i;

    if (set->skipped) {
        mid__buf_text(b, "null");
        return;
    }
    mid__buf_fmt(b, "{\"n_prompts\":%zu,\"n_split_groups\":%zu,\"n_near\":%zu,\"overlap\":%g,\"pairs\":[", l->n_prompt,
                 l->n_split, l->n_near, MID__LEAK_OVERLAP);
    for (i = 0; i < l->n_pair; i++) {
        mid__buf_text(b, i ? ",{" : "{");
        text_entry(b, "a", set->answer[l->pair[i].i].sample->id, ",");
        text_entry(b, "b", set->answer[l->pair[i].j].sample->id, ",");
        mid__buf_fmt(b, "\"overlap\":%.3f}", l->pair[i].overlap);
    }
    mid__buf_text(b, "]}");
}

/* Languages of the answers, each once, in the order they first come. There are few, so a list will do. */
static void langs(mid__buf *b, const mid__set *set)
{
    const char *seen[LANG_MAX];
    size_t i, k, n = 0;

    mid__buf_text(b, "\"langs\":[");
    for (i = 0; i < set->n && n < LANG_MAX; i++) {
        const char *lang = set->answer[i].sample->lang;
        for (k = 0; lang && k < n && strcmp(seen[k], lang) != 0; k++)
            ;
        if (!lang || k < n)
            continue;
        if (n)
            mid__buf_text(b, ",");
        mid__json_text(b, lang);
        seen[n++] = lang;
    }
    mid__buf_text(b, "],");
}

mid_status mid__results_set(mid__results *r, const mid__set *set)
{
    mid__buf *b = &r->datasets, params = { 0 };
    mid_status status = MID_OK;
    size_t k, i;

    comma(b);
    mid__buf_put(b, "{", 1);
    text_entry(b, "name", set->name, ",");
    text_entry(b, "dataset", set->data->dataset, ",");
    text_entry(b, "sha256", set->dataset ? mid_dataset_hash(set->dataset) : NULL, ",");
    text_entry(b, "group", set->data->group ? set->data->group : "prompt", ",");
    text_entry(b, "task", set->n ? set->answer[0].sample->task : NULL, ",");
    text_entry(b, "source", set->data->source, ",");
    text_entry(b, "model", set->data->model, ",");
    text_entry(b, "observer", set->data->observer, ",");
    text_entry(b, "labeler", set->labeler, ",");
    text_entry(b, "labeler_id", set->opened && set->opened[0] ? mid__labeler_id(set->opened[0]) : NULL, ",");
    mid__labeler_params(&params, set->data->label_by);
    text_entry(b, "labeler_params", params.n ? params.at : NULL, ",");
    mid__buf_clear(&params);
    mid__labeler_counts(b, &set->labelled);
    mid__buf_text(b, ",");
    text_entry(b, "who", set->who, ",");
    text_entry(b, "skipped", set->skipped ? set->why : NULL, ",");
    mid__buf_fmt(b, "\"n\":%zu,\"n_unsafe\":%zu,\"n_prompts\":%zu,\"n_left_out\":%zu,\"skips\":[",
                 set->n - set->n_attacked, set->n_unsafe, set->n_group, set->n_left_out);
    mid__buf_put(b, set->skips.at, set->skips.n);
    mid__buf_text(b, "],");
    langs(b, set);
    mid__buf_text(b, "\"authors\":[");
    for (k = 0; k < set->n_author; k++) {
        size_t n = 0, n_unsafe = 0;
        for (i = 0; i < set->n; i++)
            if (set->answer[i].i_author == k && !set->answer[i].attack) {
                n++;
                n_unsafe += set->answer[i].label.unsafe == 1;
            }
        mid__buf_text(b, k ? ",{" : "{");
        text_entry(b, "name", set->author[k], ",");
        mid__buf_fmt(b, "\"n\":%zu,\"n_unsafe\":%zu}", n, n_unsafe);
    }
    mid__buf_text(b, "],\"onset\":");
    if (set->skipped)
        mid__buf_text(b, "null");
    else
        status = mid__onset_json(r->run, set, b);
    mid__buf_text(b, ",\"leakage\":");
    leakage(b, set);
    mid__buf_text(b, ",\"agreement\":");
    mid__buf_text(b, set->agreement.n ? set->agreement.at : "null");
    mid__buf_put(b, "}", 1);
    return status;
}

static void models(mid__results *r, mid__buf *out)
{
    const mid_plan *plan = r->run->plan;
    size_t i;

    for (i = 0; i < plan->n_model; i++) {
        const mid_plan_model *m = &plan->model[i];
        char fact[160], *value = NULL, *desc = NULL;
        snprintf(fact, sizeof fact, "model.%.100s", m->name);
        if (mid_store_get_fact(r->run->ctx, r->run->store, fact, &value) == MID_OK && (desc = strchr(value, '\n')))
            *desc++ = 0;
        mid__buf_text(out, i ? ",{" : "{");
        text_entry(out, "name", m->name, ",");
        text_entry(out, "desc", desc, ",");
        text_entry(out, "sha256", desc && value[0] ? value : NULL, ",");
        text_entry(out, "quantise", m->quantise, ",");
        text_entry(out, "format", m->format ? m->format : "chat", "}");
        mid_free(value);
    }
}

/* "AMD EPYC ..." from the kernel's own list; "" where there is none. */
static void cpu_name(char *name, size_t cap)
{
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "r");

    name[0] = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            snprintf(name, cap, "%s", strchr(line, ':') + 2);
            name[strcspn(name, "\n")] = 0;
            break;
        }
    if (f)
        fclose(f);
}

static void provenance(mid__results *r, mid__buf *out)
{
    char cpu[128], date[40] = "";
    const time_t now = time(NULL);
    double load[1] = { NAN };
    struct tm tm;

    cpu_name(cpu, sizeof cpu);
    if (gmtime_r(&now, &tm))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)!getloadavg(load, 1);
    mid__buf_text(out, "\"provenance\":{");
    text_entry(out, "midstream", mid_version(), ",");
    text_entry(out, "engine", r->run->engine, ",");
    text_entry(out, "cpu", cpu, ",");
    text_entry(out, "date", date, ",");
    mid__buf_fmt(out, "\"n_cores\":%ld,\"n_threads\":%d,\"load\":", sysconf(_SC_NPROCESSORS_ONLN), mid__pool_size(r->run->opts->n_threads, SIZE_MAX));
    mid__json_number(out, load[0]);
    mid__buf_fmt(out, ",\"seed\":%llu,\"seconds\":%.1f,\n\"models\":[", (unsigned long long)r->run->plan->seed,
                 mid__now_s() - r->run->spent->start.wall_s);
    models(r, out);
    mid__buf_text(out, "],\n\"datasets\":[");
    mid__buf_put(out, r->datasets.at, r->datasets.n);
    mid__buf_text(out, "],\n\"stages\":[");
    mid__buf_put(out, r->stages.at, r->stages.n);
    mid__buf_text(out, "],\n\"work\":[");
    mid__spent_json(r->run->spent, out);
    mid__buf_text(out, "]}");
}

static void monitors(mid__results *r, mid__buf *out)
{
    const mid_plan *plan = r->run->plan;
    size_t i;

    for (i = 0; i < plan->n_monitor; i++) {
        const mid_monitor_spec *spec = &plan->monitor[i].spec;
        const mid_monitor_ops *ops = plan->monitor[i].ops;
        mid__buf summary = { 0 };
        size_t k;
        mid__buf_text(out, i ? ",\n{" : "{");
        text_entry(out, "name", mid__monitor_label(&plan->monitor[i]), ",");
        text_entry(out, "monitor", ops->name, ",");
        text_entry(out, "box", mid_box_name(plan->monitor[i].reads.box), ",");
        mid__buf_text(&summary, ops->summary);
        for (k = 0; k < spec->n_aggregate; k++)
            mid__buf_fmt(&summary, "; of that: %s", spec->aggregate[k].ops->summary);
        text_entry(out, "summary", summary.at, ",");
        mid__buf_clear(&summary);
        text_entry(out, "unit", mid_monitor_spec_unit(spec), ",");
        text_entry(out, "build", ops->build, ",");
        mid__buf_fmt(out, "\"version\":%u}", ops->version);
    }
}

/* What sg, rh and ac are means of. */
static void returns(mid__buf *out)
{
    const mid_return_info *info = mid_return_list(), *i;

    for (i = info; i->name; i++) {
        mid__buf_text(out, i == info ? "{" : ",\n{");
        text_entry(out, "name", i->name, ",");
        text_entry(out, "safety", i->safety, ",");
        text_entry(out, "mission", i->mission, "}");
    }
}

/* Labelled recorded answers of the dataset that are not in the set, for whatever reason. */
static size_t n_passed_over(const mid__set *set)
{
    size_t i, n = 0;

    for (i = 0; i < mid_dataset_n(set->dataset); i++) {
        const mid_sample *s = mid_dataset_at(set->dataset, i);
        n += s->response && s->label >= 0;
    }
    return n > set->n - set->n_attacked ? n - (set->n - set->n_attacked) : 0;
}

void mid__results_index(mid__results *r, const mid__set *set, const mid__scores *scores)
{
    mid__buf *b = &r->index;
    const mid_plan *plan = r->run->plan;
    const char *between = "";
    size_t i;

    comma(b);
    mid__buf_text(b, "{");
    text_entry(b, "dataset", set->name, ",");
    mid__buf_fmt(b, "\"n_passed_over\":%zu,\"answers\":[", n_passed_over(set));
    for (i = 0; i < set->n; i++) {
        const mid__answer *a = &set->answer[i];
        mid__buf_text(b, i ? ",{" : "{");
        text_entry(b, "id", a->sample->id, ",");
        text_entry(b, "trace", a->key.hex, ",");
        mid__buf_fmt(b, "\"label\":%d,\"onset\":%lld,\"onset_tok\":%d,\"n_tok\":%u,\"fold\":%d,\"attacked\":%s}",
                     a->label.unsafe, (long long)a->label.onset_byte, (int)a->onset_tok, mid_trace_n_tok(a->trace),
                     a->fold, a->attack ? "true" : "false");
    }
    mid__buf_text(b, "],\"scores\":[");
    for (i = 0; i < plan->n_monitor; i++) {
        if (!scores[i].defined)
            continue;
        mid__buf_fmt(b, "%s{", between);
        text_entry(b, "monitor", mid__monitor_label(&plan->monitor[i]), ",");
        text_entry(b, "key", mid__scores_key(r->run, set, &plan->monitor[i]).hex, "}");
        between = ",";
    }
    mid__buf_text(b, "]}");
}

/* The fact "index": what export follows from a set's name to its traces and scores. */
static mid_status write_index(mid__results *r)
{
    mid__buf out = { 0 };
    mid_status status;

    mid__buf_fmt(&out, "[%s]", r->index.n ? r->index.at : "");
    status = out.failed || r->index.failed ? mid__oom(r->run->ctx, "an index")
             : mid_store_put_fact(r->run->ctx, r->run->store, "index", out.at);
    mid__buf_clear(&out);
    return status;
}

static mid_status write_file(mid__results *r, const char *name, mid__buf *text)
{
    mid__buf path;
    mid_status status;

    mid__buf_init(&path, 0);
    mid__buf_fmt(&path, "%s/%s", r->run->opts->out_dir, name);
    status = path.failed || text->failed ? mid__oom(r->run->ctx, name)
                                         : mid__file_write(r->run->ctx, path.at, text->at, text->n);
    mid__buf_clear(&path);
    return status;
}

mid_status mid__results_write(mid__results *r)
{
    mid__buf out, comparisons, ranks;
    char *plan = NULL;
    mid__moment start = mid__moment_now();
    mid_status status = mid_plan_json(r->run->ctx, r->run->plan, &plan);

    mid__buf_init(&comparisons, 0);
    mid__buf_init(&ranks, 0);
    if (status == MID_OK)
        status = mid__statistics(r->run->ctx, r->run->plan, &r->cells, &comparisons, &ranks);
    mid__spent_add(r->run->spent, MID__TASK_MEASURE, start);
    start = mid__moment_now();
    if (status != MID_OK)
        goto out;
    mid__buf_init(&out, 0);
    mid__buf_text(&out, "{\"schema\":1,\"title\":");
    mid__json_text(&out, r->run->plan->title ? r->run->plan->title : r->run->plan->name);
    mid__buf_text(&out, ",\n\"plan\":");
    mid__buf_text(&out, plan);
    mid__buf_text(&out, ",\n");
    provenance(r, &out);
    mid__buf_text(&out, ",\n\"monitors\":[");
    monitors(r, &out);
    mid__buf_text(&out, "],\n\"returns\":[");
    returns(&out);
    mid__buf_text(&out, "],\n\"comparisons\":[");
    mid__buf_put(&out, comparisons.at, comparisons.n);
    mid__buf_text(&out, "],\n\"ranks\":[");
    mid__buf_put(&out, ranks.at, ranks.n);
    mid__buf_text(&out, "],\n\"cells\":[");
    mid__buf_put(&out, r->cells.at, r->cells.n);
    mid__buf_text(&out, "],\n\"curves\":[");
    mid__buf_put(&out, r->curves.at, r->curves.n);
    mid__buf_text(&out, "]}\n");
    out.failed |= r->cells.failed || r->curves.failed || r->datasets.failed || r->stages.failed || comparisons.failed ||
                  ranks.failed;
    status = write_file(r, "results.json", &out);
    mid__buf_clear(&out);
    if (status == MID_OK) {
        mid__buf_text(&out, "{\"schema\":1,\"answers\":[");
        mid__buf_put(&out, r->answers.at, r->answers.n);
        mid__buf_text(&out, "]}\n");
        out.failed |= r->answers.failed;
        status = write_file(r, "answers.json", &out);
    }
    mid__buf_clear(&out);
    if (status == MID_OK)
        status = write_index(r);
out:
    mid__spent_add(r->run->spent, MID__TASK_REPORT, start);
    mid__buf_clear(&comparisons);
    mid__buf_clear(&ranks);
    mid_free(plan);
    return status;
}
