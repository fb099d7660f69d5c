/* What the drivers share: sets of numbers from standard input, arrays of numbers to standard output, a line each.
 * Whatever goes wrong ends the driver with 2. */
#ifndef MID_TEST_DRIVER_H
#define MID_TEST_DRIVER_H

#include "midstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Zeroed, with one more element than asked for. */
static inline void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        exit(2);
    return p;
}

/* ctx may be NULL: the status's name has to do. */
static inline void ok(mid_ctx *ctx, mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "oracle: %s: %s\n", mid_status_name(status), ctx ? mid_ctx_message(ctx) : "");
    exit(2);
}

static inline double number(void)
{
    double x;

    if (scanf("%lf", &x) != 1) {
        fprintf(stderr, "oracle: a set is cut short\n");
        exit(2);
    }
    return x;
}

static inline size_t count(void) { return (size_t)number(); }

static inline double *numbers(size_t n)
{
    double *x = room(n, sizeof *x);
    size_t i;

    for (i = 0; i < n; i++)
        x[i] = number();
    return x;
}

static inline float *floats(size_t n)
{
    float *x = room(n, sizeof *x);
    size_t i;

    for (i = 0; i < n; i++)
        x[i] = (float)number();
    return x;
}

static inline uint8_t *labels(size_t n)
{
    uint8_t *x = room(n, sizeof *x);
    size_t i;

    for (i = 0; i < n; i++)
        x[i] = (uint8_t)number();
    return x;
}

static inline void row(const double *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf("%s%.17g", i ? " " : "", x[i]);
    printf("\n");
}

static inline void float_row(const float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        printf("%s%.9g", i ? " " : "", (double)x[i]);
    printf("\n");
}

#endif
