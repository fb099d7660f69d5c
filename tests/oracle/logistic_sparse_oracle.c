/* Fits for logistic_sparse.py. Standard input holds sets:
 *     n_row n_col n_value c, n_row labels, n_row weights, n_row + 1 row ends, n_value columns, n_value values
 * and each is answered by one line: the weights and the intercept. */
#include "driver.h"

#include "base/logistic_sparse.h"

int main(void)
{
    size_t n_row, n_col, n_value, i;
    double c;

    while (scanf("%zu %zu %zu %lf", &n_row, &n_col, &n_value, &c) == 4) {
        uint8_t *label = labels(n_row);
        double *weight = numbers(n_row), *w = room(n_col, sizeof *w);   /* w (n_col + 1): the intercept comes last */
        size_t *row_at = room(n_row + 1, sizeof *row_at);
        uint32_t *col = room(n_value, sizeof *col);
        float *value;
        for (i = 0; i <= n_row; i++)
            row_at[i] = count();
        for (i = 0; i < n_value; i++)
            col[i] = (uint32_t)count();
        value = floats(n_value);
        ok(NULL, mid__logistic_sparse_fit(NULL, &(mid__sparse){ n_row, n_col, row_at, col, value }, label, weight, c, w,
                                          &w[n_col]));
        row(w, n_col + 1);
        free(value);
        free(col);
        free(row_at);
        free(w);
        free(weight);
        free(label);
    }
    return 0;
}
