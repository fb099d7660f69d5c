/* The report of a large run: a made-up results.json of about a million cells (24 datasets, 72 monitors, 9 views, 6
 * prefixes, 2 rules), with curves and answers.json, as big as a run would make them. Prints seconds of wall and of processor
 * time for a report, the least of a few rounds, and the page's size. bench_report DIR [N_ROUND] */
#include "midstream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { N_SET = 24, N_MONITOR = 72, N_AUTHOR = 4, N_ANSWER = 20, N_TOK = 80, N_SHOWN = 14 };

static const char *const box[] = { "white", "grey", "white", "black", "white", "control" };
static const char *const whole[] = { "auroc", "auprc", "tpr_at_fpr1", "tpr_at_fpr5" };
static const char *const by_rule[] = {
    "tpr", "fpr", "precision", "f1", "sg", "rh", "ac", "sg_time", "rh_time", "ac_time", "early_lost", "delay_tok",
    "delay_frac", "delay_tok_detected", "delay_frac_detected", "exposed_tok",
};
static const int at_tok[] = { 1, 4, 16, 32, 64, 128 };
static const double at_frac[] = { 0.25, 0.5, 1 };

static uint64_t state = 7;
static size_t n_cell;

/* 0 .. 1 */
static double draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0;
}

static FILE *create(const char *dir, const char *name)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

static void cell(FILE *f, int set, int monitor, int view, const char *rule, const char *metric, int tok, double frac)
{
    const double v = 0.4 + 0.6 * draw();
    char at[2][32] = { "null", "null" }, model[32] = "all", quoted[32] = "null";

    if (view)
        snprintf(model, sizeof model, "author-%d", (view - 1) / 2);
    if (tok)
        snprintf(at[0], sizeof at[0], "%d", tok);
    if (frac > 0)
        snprintf(at[1], sizeof at[1], "%g", frac);
    if (rule)
        snprintf(quoted, sizeof quoted, "\"%s\"", rule);
    fprintf(f, "%s{\"task\":\"chat\",\"dataset\":\"dataset_%d\",\"model\":\"%s\",\"observer\":\"smollm2\",\"monitor\":\"monitor_%d\","
            "\"box\":\"%s\",\"rule\":%s,\"metric\":\"%s\",\"labeler\":\"data\",\"split\":\"cv\",\"access\":\"observer\",\"subset\":\"%s\","
            "\"why\":null,\"value\":%.16g,\"lo\":%.16g,\"hi\":%.16g,\"n\":600,\"n_unsafe\":200,\"n_prompts\":300,"
            "\"n_still_running\":null,\"fold\":null,\"seed\":1,\"n_seeds\":null,\"p\":null,\"at_tok\":%s,\"at_frac\":%s,"
            "\"circular\":false,\"retrospective\":false}", n_cell++ ? ",\n" : "", set, model, monitor, box[monitor % 6], quoted,
            metric, view && view % 2 ? "unsafe_prompts" : "all", v, v - 0.05, v + 0.03, at[0], at[1]);
}

static void cells(FILE *f, int set, int monitor, int view)
{
    static const char *const rule[] = { "best_f1", "conformal" };
    size_t i, k;

    for (k = 0; k < 4; k++) {
        cell(f, set, monitor, view, NULL, whole[k], 0, 0);
        for (i = 0; i < 6; i++)
            cell(f, set, monitor, view, NULL, whole[k], at_tok[i], 0);
        for (i = 0; i < 3; i++)
            cell(f, set, monitor, view, NULL, whole[k], 0, at_frac[i]);
    }
    for (i = 0; i < 2; i++)
        for (k = 0; k < 16; k++)
            cell(f, set, monitor, view, rule[i], by_rule[k], 0, 0);
    if (view)
        return;
    cell(f, set, monitor, view, NULL, "us_per_token_p50", 0, 0);
    cell(f, set, monitor, view, NULL, "us_per_token_p95", 0, 0);
    cell(f, set, monitor, view, NULL, "decode_share", 0, 0);
}

static void curve(FILE *f, int set, int monitor, const char *kind, bool more)
{
    int i, k;

    fprintf(f, "%s{\"dataset\":\"dataset_%d\",\"model\":\"all\",\"subset\":\"all\",\"kind\":\"%s\",\"monitor\":\"monitor_%d\"",
            more ? ",\n" : "", set, kind, monitor);
    for (k = 0; k < 2; k++) {
        fprintf(f, ",\"%c\":[", k ? 'y' : 'x');
        for (i = 0; i <= 60; i++)
            fprintf(f, "%s%.5g", i ? "," : "", k && *kind == 'd' ? 1 - sqrt(i / 60.0) : k ? sqrt(i / 60.0) : i / 60.0);
        fputc(']', f);
    }
    fputc('}', f);
}

static void results(const char *dir)
{
    FILE *f = create(dir, "results.json");
    int i, k, view;

    fprintf(f, "{\"schema\":1,\"title\":\"A million cells\",\"plan\":{},\"provenance\":{\"datasets\":[");
    for (i = 0; i < N_SET; i++)
        fprintf(f, "%s{\"name\":\"dataset_%d\",\"dataset\":\"dataset_%d\",\"task\":\"chat\",\"source\":\"recorded\",\"n\":600,"
                "\"n_unsafe\":200,\"n_prompts\":300}", i ? "," : "", i, i);
    fprintf(f, "]},\"monitors\":[");
    for (i = 0; i < N_MONITOR; i++)
        fprintf(f, "%s{\"name\":\"monitor_%d\",\"monitor\":\"monitor_%d\",\"box\":\"%s\",\"summary\":\"what it does\",\"unit\":\"nats\"}",
                i ? "," : "", i, i, box[i % 6]);
    fprintf(f, "],\"cells\":[");
    for (i = 0; i < N_SET; i++)
        for (k = 0; k < N_MONITOR; k++)
            for (view = 0; view <= 2 * N_AUTHOR; view++)
                cells(f, i, k, view);
    fprintf(f, "],\"curves\":[");
    for (i = 0; i < N_SET; i++)
        for (k = 0; k < N_MONITOR; k++) {
            curve(f, i, k, "roc", i || k);
            curve(f, i, k, "delay", true);
        }
    fprintf(f, "]}\n");
    fclose(f);
}

static void answers(const char *dir)
{
    FILE *f = create(dir, "answers.json");
    int i, k, t;

    fprintf(f, "{\"schema\":1,\"answers\":[");
    for (i = 0; i < N_SET * N_ANSWER; i++) {
        fprintf(f, "%s{\"id\":\"answer-%d\",\"dataset\":\"dataset_%d\",\"task\":\"chat\",\"author\":\"author-0\",\"prompt\":\"What is "
                "said here?\",\"labeler\":\"data\",\"label\":%d,\"onset_byte\":-1,\"tokens\":[", i ? ",\n" : "", i, i / N_ANSWER, i % 2);
        for (t = 0; t < N_TOK; t++)
            fprintf(f, "%s\" word\"", t ? "," : "");
        fprintf(f, "],\"scores\":{");
        for (k = 0; k < N_SHOWN; k++) {
            fprintf(f, "%s\"monitor_%d\":[", k ? "," : "", k);
            for (t = 0; t < N_TOK; t++)
                fprintf(f, "%s%.4g", t ? "," : "", draw());
            fputc(']', f);
        }
        fprintf(f, "},\"alarms\":{},\"thresholds\":{}}");
    }
    fprintf(f, "]}\n");
    fclose(f);
}

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const int n_round = argc > 2 ? atoi(argv[2]) : 3;
    double wall = INFINITY, cpu = INFINITY;
    char path[4096];
    struct stat page;
    mid_ctx *ctx;
    int i;

    if (argc < 2 || mid_ctx_open(&ctx) != MID_OK) {
        fprintf(stderr, "usage: bench_report DIR [N_ROUND]\n");
        return 2;
    }
    results(argv[1]);
    answers(argv[1]);
    for (i = 0; i < n_round; i++) {
        const double wall_start = seconds(CLOCK_MONOTONIC), cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
        if (mid_report_write(ctx, argv[1]) != MID_OK) {
            fprintf(stderr, "bench_report: %s\n", mid_ctx_message(ctx));
            return 1;
        }
        wall = fmin(wall, seconds(CLOCK_MONOTONIC) - wall_start);
        cpu = fmin(cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
    }
    mid_ctx_close(ctx);
    snprintf(path, sizeof path, "%s/report.html", argv[1]);
    if (stat(path, &page) != 0)
        return 1;
    printf("report_cells %zu  wall_s %.2f (limit 5)  cpu_s %.2f  page_mb %.2f (limit 5)\n", n_cell, wall, cpu,
           (double)page.st_size / 1e6);
    return wall > 5 || page.st_size > 5e6;
}
