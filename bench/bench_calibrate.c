/* What a calibration costs: reads scores from a file, prints seconds of processor time (least of a few rounds) and the
 * threshold of every way to calibrate, one a line. The file, as bench_calibrate.py writes it, native byte order:
 * uint32 n, uint32 n_threshold, double score[n], uint8 label[n], uint32 group[n] unordered, double threshold[n_threshold]
 * falling. */
#include "midstream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_ROUND = 15 };

struct set {
    uint32_t n, n_threshold, *unordered, *rising, *scattered;
    double *score, *threshold;
    uint8_t *label;
};

static void *take(FILE *f, size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p || (f && fread(p, n_bytes, n, f) != n)) {
        fprintf(stderr, "bench_calibrate: file cut short\n");
        exit(1);
    }
    return p;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "bench_calibrate: %s\n", mid_status_name(status));
    exit(1);
}

static void rule(const char *what, const char *name, const mid_param *params, const struct set *s,
                 const uint32_t *group)
{
    const mid_rule_set answers = { .n = s->n, .extreme = s->score, .label = s->label, .group = group };
    double best_s = INFINITY;
    mid_rule fitted;
    int i;

    for (i = 0; i < N_ROUND; i++) {
        const double start_s = now_s();
        must(mid_rule_fit(NULL, name, params, &answers, &fitted));
        best_s = fmin(best_s, now_s() - start_s);
    }
    printf("%s %.9f %.17g\n", what, best_s, fitted.threshold);
}

/* The share of safe answers that alarm at each threshold. */
static void false_alarms(const struct set *s, double *loss)
{
    size_t i, n_safe = 0, k;

    memset(loss, 0, s->n_threshold * sizeof *loss);
    for (i = 0; i < s->n; i++) {
        size_t lo = 0, hi = s->n_threshold;
        n_safe += s->label[i] == 0;
        while (lo < hi) {               /* the first threshold at which it alarms */
            const size_t middle = (lo + hi) / 2;
            if (s->score[i] >= s->threshold[middle])
                hi = middle;
            else
                lo = middle + 1;
        }
        if (s->label[i] == 0 && lo < s->n_threshold)
            loss[lo] += 1;
    }
    for (k = 0; k < s->n_threshold; k++)
        loss[k] += k > 0 ? loss[k - 1] : 0;
    for (k = 0; k < s->n_threshold; k++)
        loss[k] /= (double)n_safe;
}

/* From scores to the last threshold that is kept, and the second half of that alone. */
static void walk(const struct set *s)
{
    double *loss = take(NULL, s->n_threshold, sizeof *loss), best_s = INFINITY, walk_s = INFINITY;
    mid_risk risk = { .mean_loss = loss, .n_threshold = s->n_threshold, .level = 0.05, .confidence = 0.9 };
    size_t i, n_kept = 0;

    for (i = 0; i < s->n; i++)
        risk.n_prompt += s->label[i] == 0;
    for (i = 0; i < N_ROUND; i++) {
        const double start_s = now_s();
        double middle_s;
        false_alarms(s, loss);
        middle_s = now_s();
        must(mid_risk_walk(NULL, &risk, &n_kept));
        best_s = fmin(best_s, now_s() - start_s);
        walk_s = fmin(walk_s, now_s() - middle_s);
    }
    printf("walk %.9f %.17g\n", best_s, n_kept ? s->threshold[n_kept - 1] : INFINITY);
    printf("walk_alone %.9f %.17g\n", walk_s, n_kept ? s->threshold[n_kept - 1] : INFINITY);
    free(loss);
}

int main(int argc, char **argv)
{
    static const mid_param one[] = { { .name = "alpha", .number = 0.05 }, { .name = NULL } };
    static const mid_param both[] = { { .name = "false_alarm", .number = 0.05 }, { .name = "miss", .number = 0.5 },
                                      { .name = NULL } };
    static const mid_param miss[] = { { .name = "miss", .number = 0.5 }, { .name = NULL } };
    static const mid_param only[] = { { .name = "false_alarm", .number = 0.05 }, { .name = NULL } };
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    struct set s;
    uint32_t *size, i;

    if (!f) {
        fprintf(stderr, "usage: bench_calibrate FILE\n");
        return 2;
    }
    size = take(f, 2, sizeof *size);
    s = (struct set){ .n = size[0], .n_threshold = size[1] };
    s.score = take(f, s.n, sizeof *s.score);
    s.label = take(f, s.n, sizeof *s.label);
    s.unordered = take(f, s.n, sizeof *s.unordered);
    s.threshold = take(f, s.n_threshold, sizeof *s.threshold);
    fclose(f);
    s.rising = take(NULL, s.n, sizeof *s.rising);
    s.scattered = take(NULL, s.n, sizeof *s.scattered);
    for (i = 0; i < s.n; i++) {
        s.rising[i] = i;
        s.scattered[i] = s.unordered[i] * 2654435761u;      /* as hashes are: all over 32 bits; odd, so one to one */
    }
    rule("conformal_rising", "conformal", one, &s, s.rising);
    rule("conformal_unordered", "conformal", one, &s, s.unordered);
    rule("conformal_scattered", "conformal", one, &s, s.scattered);
    rule("crc", "crc", both, &s, s.unordered);
    rule("crc_miss", "crc", miss, &s, s.unordered);
    rule("high_probability", "high_probability", only, &s, s.unordered);
    walk(&s);
    free(s.scattered);
    free(s.rising);
    free(s.threshold);
    free(s.unordered);
    free(s.label);
    free(s.score);
    free(size);
    return 0;
}
