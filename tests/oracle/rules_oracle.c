/* Rules and tails for rules.py. Each line of standard input is a question, one line comes out:
 *   cdf N P K P[Bin(N, P) <= K] hb N RATE ERROR Hoeffding-Bentkus p-value rate METHOD DELTA ERROR N smallest rate
 *   kept, METHOD 0 mean, 1 exact, 2 Hoeffding-Bentkus fit NAME FALSE_ALARM MISS N then N lines: extreme, label,
 *   group -> lowest, highest (or "none"), n_safe, n_unsafe */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/binomial.h"
#include "calibrate/bound.h"
#include "midstream/rule.h"

static int fit(const char *name, double false_alarm, double miss, size_t n)
{
    const mid_param params[] = { { "false_alarm", false_alarm, NULL, NULL }, { "miss", miss, NULL, NULL },
                                 { NULL, 0, NULL, NULL } };
    double *extreme = malloc((n + 1) * sizeof *extreme);
    uint8_t *label = malloc(n + 1);
    uint32_t *group = malloc((n + 1) * sizeof *group);
    mid_rule_set set = { .n = n, .extreme = extreme, .label = label, .group = group };
    mid_rule rule;
    size_t i;
    int bad = !extreme || !label || !group;

    for (i = 0; !bad && i < n; i++) {
        unsigned y;
        bad = scanf("%lf %u %u", &extreme[i], &y, &group[i]) != 3;
        label[i] = (uint8_t)y;
    }
    bad = bad || mid_rule_fit(NULL, name, params, &set, &rule) != MID_OK;
    if (!bad && rule.feasible)
        printf("%.17g %.17g %zu %zu\n", rule.lowest, rule.highest, rule.n_safe, rule.n_unsafe);
    else if (!bad)
        printf("none %zu %zu\n", rule.n_safe, rule.n_unsafe);
    free(extreme);
    free(label);
    free(group);
    return bad;
}

int main(void)
{
    char what[16], name[32];
    double a, b;
    size_t n, k;
    int method;

    while (scanf("%15s", what) == 1) {
        if (strcmp(what, "cdf") == 0 && scanf("%zu %lf %zu", &n, &a, &k) == 3)
            printf("%.17g\n", mid__binomial_cdf(n, a, k));
        else if (strcmp(what, "hb") == 0 && scanf("%zu %lf %lf", &n, &a, &b) == 3)
            printf("%.17g\n", mid__hoeffding_bentkus(b, n, a));
        else if (strcmp(what, "rate") == 0 && scanf("%d %lf %lf %zu", &method, &a, &b, &n) == 4) {
            const mid__bound bound = { (mid__method)method, a };
            printf("%.17g\n", mid__bound_rate(&bound, b, n));
        } else if (strcmp(what, "fit") != 0 || scanf("%31s %lf %lf %zu", name, &a, &b, &n) != 4 || fit(name, a, b, n))
            return 1;
    }
    return 0;
}
