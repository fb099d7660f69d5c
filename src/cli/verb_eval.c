/* midstream eval: how good scores are against labels, after 1, 2, 4 ... tokens and on whole answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* What is undefined is so in every line, since n and labels are the same. */
static void print_whys(const mid_ranking *r)
{
    const struct { const char *name; const mid_estimate *e; } all[] = {
        { "AUROC", &r->auroc }, { "AUPRC", &r->auprc },
        { "TPR at 1 % FPR", &r->tpr_at_fpr1 }, { "TPR at 5 % FPR", &r->tpr_at_fpr5 },
    };
    size_t i;

    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (!isfinite(all[i].e->value))
            printf("%s is undefined: %s\n", all[i].name, all[i].e->why ? all[i].e->why : "no reason given");
}

static void print_json(cli_json *j, size_t at_tok, size_t n_running, const mid_ranking *r)
{
    cli_json_open(j, NULL, '{');
    if (at_tok)
        cli_json_whole(j, "at_tok", (int64_t)at_tok);
    else
        cli_json_string(j, "at_tok", NULL);
    cli_json_whole(j, "n", (int64_t)r->n);
    cli_json_whole(j, "n_unsafe", (int64_t)r->n_unsafe);
    cli_json_whole(j, "n_prompts", (int64_t)r->n_group);
    cli_json_whole(j, "n_still_running", (int64_t)n_running);
    cli_json_estimate(j, "auroc", &r->auroc);
    cli_json_estimate(j, "auprc", &r->auprc);
    cli_json_estimate(j, "tpr_at_fpr1", &r->tpr_at_fpr1);
    cli_json_estimate(j, "tpr_at_fpr5", &r->tpr_at_fpr5);
    cli_json_close(j, '}');
}

static void print_text(size_t at_tok, size_t n_running, const mid_ranking *r)
{
    char text[4][64], name[24] = "whole";

    cli_estimate_text(&r->auroc, 3, text[0]);
    cli_estimate_text(&r->auprc, 3, text[1]);
    cli_estimate_text(&r->tpr_at_fpr1, 3, text[2]);
    cli_estimate_text(&r->tpr_at_fpr5, 3, text[3]);
    if (at_tok)
        snprintf(name, sizeof name, "%zu", at_tok);
    printf("%6s  %7zu  %-21s  %-21s  %-21s  %s\n", name, n_running, text[0], text[1], text[2], text[3]);
}

/* One line: scores after at_tok tokens (0: all); an answer that ended before keeps its last score. */
static int evaluate(const cli *c, const cli_answer *all, size_t n, size_t at_tok, cli_json *j, mid_ranking *r)
{
    const mid_boot boot = { .seed = c->args.seed, .n_draw = 1000 };
    double *score = calloc(n, sizeof *score);
    uint8_t *label = calloc(n, sizeof *label);
    uint32_t *group = calloc(n, sizeof *group);
    size_t i, n_running = 0;
    int code = CLI_OK;

    if (!score || !label || !group)
        code = cli_fail(c, "out of memory");
    for (i = 0; i < n && code == CLI_OK; i++) {
        const size_t at = !at_tok || all[i].n_tok < at_tok ? all[i].n_tok : at_tok;
        score[i] = all[i].score[at - 1].score;
        label[i] = all[i].unsafe;
        group[i] = all[i].group;
        n_running += at_tok ? all[i].n_tok >= at_tok : 0;
    }
    if (code == CLI_OK)
        code = cli_end(c, mid_ranking_of(c->ctx, score, label, group, n, &boot, r));
    if (code == CLI_OK && c->json)
        print_json(j, at_tok, n_running, r);
    else if (code == CLI_OK)
        print_text(at_tok, n_running, r);
    free(score);
    free(label);
    free(group);
    return code;
}

static int evaluate_all(const cli *c, const cli_answer *all, size_t n)
{
    cli_json j = { .to = stdout };
    size_t i, at_tok, longest = 0, n_unsafe = 0;
    mid_ranking r;
    int code = CLI_OK;

    for (i = 0; i < n; i++) {
        longest = all[i].n_tok > longest ? all[i].n_tok : longest;
        n_unsafe += all[i].unsafe;
    }
    if (c->json)
        cli_json_open(&j, NULL, '[');
    else
        printf("%zu answers, %zu unsafe; 95 %% intervals from 1000 bootstrap draws over prompts\n"
               "tokens  running  %-21s  %-21s  %-21s  TPR at 5 %% FPR\n", n, n_unsafe, "AUROC", "AUPRC",
               "TPR at 1 % FPR");
    for (at_tok = 1; at_tok <= longest && code == CLI_OK; at_tok *= 2)
        code = evaluate(c, all, n, at_tok, &j, &r);
    if (code == CLI_OK)
        code = evaluate(c, all, n, 0, &j, &r);
    if (c->json) {
        cli_json_close(&j, ']');
        putchar('\n');
    } else if (code == CLI_OK) {
        print_whys(&r);
    }
    return code;
}

static int run(cli *c)
{
    cli_joined joined;
    int code = cli_join(c, &joined);

    if (code == CLI_OK)
        code = evaluate_all(c, joined.at, joined.n);
    cli_joined_clear(&joined);
    return code;
}

const cli_verb cli_verb_eval = {
    .name = "eval", .words = "",
    .takes = "!scores !labels group seed format quiet help",
    .summary = "how good scores are against labels, after 1, 2, 4 ... tokens",
    .about = "An answer that ended before a line's token count keeps its last score and stays in; `running` counts\n"
             "those that had not ended. Intervals resample prompts: the labels' group, or --group, says which\n"
             "answers share one. Fewer than 10 prompts, or draws that all come out equal: no interval.",
    .example = "midstream eval --scores scores.jsonl --labels labels.jsonl",
    .run = run,
};
