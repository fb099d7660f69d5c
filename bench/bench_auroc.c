/* AUROC of many resamples: reads a set from a file, prints seconds (best of a few rounds) and every value. The file, as
 * bench_auroc.py writes it, native byte order: uint32 n, uint32 n_draw, double score[n], uint8 label[n],
 * uint32 index[n_draw][n]. */
#include "midstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_ROUND = 5 };

static void *take(FILE *f, size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p || fread(p, n_bytes, n, f) != n) {
        fprintf(stderr, "bench_auroc: file cut short\n");
        exit(1);
    }
    return p;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    double *score, *value, best_s = 1e9;
    uint8_t *label;
    uint32_t *size, *index, n, n_draw, i;

    if (!f) {
        fprintf(stderr, "usage: bench_auroc FILE\n");
        return 2;
    }
    size = take(f, 2, sizeof *size);
    n = size[0];
    n_draw = size[1];
    score = take(f, n, sizeof *score);
    label = take(f, n, sizeof *label);
    index = take(f, (size_t)n * n_draw, sizeof *index);
    value = calloc((size_t)n_draw + 1, sizeof *value);
    fclose(f);
    for (i = 0; value && i < N_ROUND; i++) {
        const double start_s = now_s();
        if (mid_auroc_resampled(NULL, score, label, n, index, n_draw, value) != MID_OK)
            return 1;
        best_s = now_s() - start_s < best_s ? now_s() - start_s : best_s;
    }
    printf("%.9f\n", best_s);
    for (i = 0; value && i < n_draw; i++)
        printf("%.17g\n", value[i]);
    free(value);
    free(index);
    free(label);
    free(score);
    free(size);
    return 0;
}
