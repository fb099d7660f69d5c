/* What resplits found, as text and as JSON. */
#include <math.h>

#include "cli.h"

static double percent(double share) { return 100 * share; }

static void print_rate(const char *what, const mid_resplit_rate *rate, size_t n_infeasible)
{
    if (isnan(rate->asked))
        return;
    printf("  %s: asked at most %g %%, ", what, percent(rate->asked));
    if (rate->n == 0) {
        puts("never measured");
        return;
    }
    printf("realised %.2f %% on average", percent(rate->mean));
    if (rate->n > 1)
        printf(" (sd %.2f, %.2f to %.2f)", percent(rate->sd), percent(rate->lowest), percent(rate->highest));
    printf(", above it in %zu of %zu\n", rate->n_above, rate->n);
    if (isnan(rate->tolerance))
        return;
    printf("    on average at most %g %% + %.2f of noise", percent(rate->asked), percent(rate->tolerance));
    if (n_infeasible)
        printf("; with 0 where there was no threshold it is %.2f %%", percent(rate->level));
    putchar('\n');
}

void cli_resplit_print(const mid_resplit *checked)
{
    printf("\n%zu resplits of %zu prompts, calibrated on one half and tried on the other\n", checked->n,
           checked->n_prompt);
    printf("  without a threshold: %zu, which count as kept\n", checked->n_infeasible);
    print_rate("false alarms", &checked->false_alarm, checked->n_infeasible);
    print_rate("misses", &checked->miss, checked->n_infeasible);
    printf("  %s\n", checked->words);
}

static void rate_json(cli_json *j, const char *key, const mid_resplit_rate *rate)
{
    cli_json_open(j, key, '{');
    cli_json_number(j, "asked", rate->asked);
    cli_json_whole(j, "n", (int64_t)rate->n);
    cli_json_whole(j, "n_above", (int64_t)rate->n_above);
    cli_json_number(j, "mean", rate->mean);
    cli_json_number(j, "sd", rate->sd);
    cli_json_number(j, "lowest", rate->lowest);
    cli_json_number(j, "highest", rate->highest);
    cli_json_number(j, "level", rate->level);
    cli_json_number(j, "tolerance", rate->tolerance);
    cli_json_close(j, '}');
}

void cli_resplit_json(cli_json *j, const char *key, const mid_resplit *checked)
{
    cli_json_open(j, key, '{');
    cli_json_whole(j, "n", (int64_t)checked->n);
    cli_json_whole(j, "n_infeasible", (int64_t)checked->n_infeasible);
    cli_json_whole(j, "n_prompts", (int64_t)checked->n_prompt);
    cli_json_string(j, "kind", mid_promise_name(checked->kind));
    cli_json_number(j, "confidence", checked->confidence);
    rate_json(j, "false_alarm", &checked->false_alarm);
    rate_json(j, "miss", &checked->miss);
    cli_json_whole(j, "n_beyond", (int64_t)checked->n_beyond);
    cli_json_whole(j, "n_allowed", (int64_t)checked->n_allowed);
    cli_json_flag(j, "kept", checked->kept);
    cli_json_string(j, "words", checked->words);
    cli_json_close(j, '}');
}
