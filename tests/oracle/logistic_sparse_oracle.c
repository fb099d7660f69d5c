/* Fits for logistic_sparse.py. Standard input holds sets:
 *     n_row n_col n_value c, n_row labels, n_row weights, n_row + 1 row ends, n_value columns, n_value values
 * and each is answered by one line: the weights and the intercept. */
#include "base/logistic_sparse.h"

#include <stdio.h>
#include <stdlib.h>

static void *room(size_t n, size_t n_bytes)
{
    void *p = calloc(n + 1, n_bytes);

    if (!p)
        exit(2);
    return p;
}

static void read_or_stop(const char *fmt, void *value)
{
    if (scanf(fmt, value) != 1) {
        fprintf(stderr, "logistic_sparse_oracle: a set is cut short\n");
        exit(2);
    }
}

int main(void)
{
    size_t n_row, n_col, n_value, i;
    double c;

    while (scanf("%zu %zu %zu %lf", &n_row, &n_col, &n_value, &c) == 4) {
        uint8_t *label = room(n_row, sizeof *label);
        double *weight = room(n_row, sizeof *weight), *w = room(n_col, sizeof *w), b;
        size_t *row_at = room(n_row + 1, sizeof *row_at);
        uint32_t *col = room(n_value, sizeof *col);
        float *value = room(n_value, sizeof *value);
        const mid__sparse x = { n_row, n_col, row_at, col, value };
        for (i = 0; i < n_row; i++)
            read_or_stop("%hhu", &label[i]);
        for (i = 0; i < n_row; i++)
            read_or_stop("%lf", &weight[i]);
        for (i = 0; i <= n_row; i++)
            read_or_stop("%zu", &row_at[i]);
        for (i = 0; i < n_value; i++)
            read_or_stop("%u", &col[i]);
        for (i = 0; i < n_value; i++)
            read_or_stop("%f", &value[i]);
        if (mid__logistic_sparse_fit(NULL, &x, label, weight, c, w, &b) != MID_OK)
            return 1;
        for (i = 0; i < n_col; i++)
            printf("%.17g ", w[i]);
        printf("%.17g\n", b);
        free(value);
        free(col);
        free(row_at);
        free(w);
        free(weight);
        free(label);
    }
    return 0;
}
