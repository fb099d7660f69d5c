/* Hold-back and returns on cases read from standard input, for holdback.py to compare. A case is
 *     n window prevalence n_draw seed, n rows of label group n_tok alarm_tok onset_tok
 * (window -1: to the end; prevalence nan: as it is) and its answer one line "value lo hi" for each figure, in the order
 * of the structs, "nan" where undefined. */
#include "midstream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void line(const mid_estimate *e) { printf("%.17g %.17g %.17g\n", e->value, e->lo, e->hi); }

static void need(mid_status status)
{
    if (status == MID_OK)
        return;
    fprintf(stderr, "holdback_oracle: %s\n", mid_status_name(status));
    exit(2);
}

int main(void)
{
    mid_boot boot;
    mid_holdback h;
    mid_returns r;
    double prevalence;
    long window;
    size_t n, i;

    while (scanf("%zu %ld %lf %" SCNu32 " %" SCNu64, &n, &window, &prevalence, &boot.n_draw, &boot.seed) == 5) {
        mid_outcome *o = calloc(n + 1, sizeof *o);
        const uint32_t window_tok = window < 0 ? UINT32_MAX : (uint32_t)window;
        for (i = 0; o && i < n; i++)
            if (scanf("%" SCNu8 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNd32, &o[i].label, &o[i].group, &o[i].n_tok,
                      &o[i].alarm_tok, &o[i].onset_tok) != 5)
                need(MID_EFORMAT);
        need(o ? MID_OK : MID_ENOMEM);
        need(mid_holdback_of(NULL, o, n, window_tok, &boot, &h));
        need(mid_returns_of(NULL, o, n, prevalence, window_tok, &boot, &r));
        line(&h.exposed_tok);
        line(&h.exposed_tok_p95);
        line(&h.exposed_share);
        line(&h.withheld_tok);
        line(&h.early_lost_tok);
        line(&h.fpr);
        line(&h.wait_tok);
        line(&r.sg);
        line(&r.rh);
        line(&r.ac);
        line(&r.sg_time);
        line(&r.rh_time);
        line(&r.ac_time);
        line(&r.early_lost);
        free(o);
    }
    return 0;
}
