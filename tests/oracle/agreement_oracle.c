/* Agreement of sets read from standard input, for agreement.py: n_labeler n and their labels, a labeler after the other,
 * -1 for none. A line of three figures a set: agree, kappa, alpha; "nan" where undefined. */
#include "driver.h"

int main(void)
{
    size_t n_labeler, n, i;

    while (scanf("%zu %zu", &n_labeler, &n) == 2) {
        int8_t *label = room(n_labeler * n, sizeof *label);
        uint32_t *group = room(n, sizeof *group);
        mid_agreement a;
        double figure[3];
        for (i = 0; i < n_labeler * n; i++)
            label[i] = (int8_t)number();
        ok(NULL, mid_agreement_of(NULL, label, n_labeler, group, n, NULL, &a));
        figure[0] = a.agree.value;
        figure[1] = a.kappa.value;
        figure[2] = a.alpha.value;
        row(figure, 3);
        free(group);
        free(label);
    }
    return 0;
}
