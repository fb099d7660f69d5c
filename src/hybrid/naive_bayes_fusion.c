/* Evidence added up, H5, as if members knew nothing of each other, and then believed less where they do:
 *   S_t = sum_i c_i e_i(z_i,t)      e_i(z) = ln f_i(z | unsafe) / f_i(z | safe), clipped to +-4 nats
 * z_i: the member's z score by position band (normal.h), at token t alone: scores run with the answer already, so
 * nothing is added up over t.
 * f: Gaussian kernels on out-of-fold rows, an answer weighing 1 in all, of width 1.06 sd N^-1/5 (Silverman 1986) over
 * the N answers of the class and at least 1/8; one more answer lies spread evenly over -4 .. 4, so that no ratio rests
 * on nothing. Kept at 65 points of -4 .. 4, straight in between; what lies outside counts as the end.
 * c_i from 0 to 1: members that say the same would be counted twice. Logistic regression of the label on the e_i with
 * an intercept and within these bounds (capped.h), e_i then from the answers of the other inner folds.
 * A silent member brings no evidence. Source: naive Bayes; weighted, Zaidi et al. 2013. */
#include <math.h>
#include <stdlib.h>

#include "base/ctx.h"
#include "hybrid/capped.h"
#include "hybrid/hybrid.h"
#include "hybrid/normal.h"
#include "monitor/rows.h"

enum { N_POINT = 65, Z_MAX = 4, PER_Z = (N_POINT - 1) / (2 * Z_MAX), NO_FOLD = -1 };
#define EVIDENCE_MAX 4.0                /* nats */
#define SQRT_2PI     2.5066282746310002

static double within(double z) { return fmax(-Z_MAX, fmin(z, Z_MAX)); }

/* Evidence of a z score; ratio (N_POINT). */
static double evidence(const float *ratio, double z)
{
    const double at = (within(z) + Z_MAX) * PER_Z, lo = fmin(floor(at), N_POINT - 2);
    const float *r = ratio + (size_t)lo;

    return (double)r[0] + (at - lo) * ((double)r[1] - (double)r[0]);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* One member's z scores beside the rows they belong to. */
struct column { const mid_fit_set *set; const mid__member_rows *rows; const double *z; size_t i; };

static bool takes_part(const struct column *c, size_t k, int label, int fold_out)
{
    return c->rows->label[k] == label && !isnan(c->z[k * c->rows->n_member + c->i]) &&
           mid__inner_fold(c->set, c->rows->answer[k]) != fold_out;
}

/* Density of a class at the points, from the rows outside a fold. */
static void density(const struct column *c, int label, int fold_out, double f[N_POINT])
{
    const mid__member_rows *rows = c->rows;
    double total = 0, sum = 0, square = 0, h;
    size_t k;
    int j;

    for (j = 0; j < N_POINT; j++)
        f[j] = 0;
    for (k = 0; k < rows->n; k++)
        if (takes_part(c, k, label, fold_out)) {
            const double z = within(c->z[k * rows->n_member + c->i]);
            total += rows->weight[k];
            sum += rows->weight[k] * z;
            square += rows->weight[k] * z * z;
        }
    h = total > 0 ? 1.06 * sqrt(fmax(square / total - sum / total * sum / total, 0)) * pow(total, -0.2) : 0;
    h = fmax(h, 1.0 / PER_Z);
    for (k = 0; k < rows->n; k++) {
        if (!takes_part(c, k, label, fold_out))
            continue;
        for (j = 0; j < N_POINT; j++) {
            const double u = ((double)j / PER_Z - Z_MAX - within(c->z[k * rows->n_member + c->i])) / h;
            f[j] += rows->weight[k] * exp(-0.5 * u * u) / (h * SQRT_2PI);
        }
    }
    for (j = 0; j < N_POINT; j++)
        f[j] = (f[j] + 1.0 / (2 * Z_MAX)) / (total + 1);
}

static void learn_ratio(const struct column *c, int fold_out, float ratio[N_POINT])
{
    double unsafe[N_POINT], safe[N_POINT];
    int j;

    density(c, 1, fold_out, unsafe);
    density(c, 0, fold_out, safe);
    for (j = 0; j < N_POINT; j++)
        ratio[j] = (float)fmax(-EVIDENCE_MAX, fmin(log(unsafe[j] / safe[j]), EVIDENCE_MAX));
}

/* What each member says of rows whose fold it was not learned from; e (rows->n, n_member). */
static void held_out_evidence(const mid_fit_set *set, const mid__member_rows *rows, const double *z, double *e)
{
    const size_t m = rows->n_member;
    float ratio[N_POINT];
    size_t i, k;
    int fold;

    for (i = 0; i < m; i++)
        for (fold = 0; fold < mid__n_inner(set); fold++) {
            learn_ratio(&(struct column){ set, rows, z, i }, fold, ratio);
            for (k = 0; k < rows->n; k++)
                if (mid__inner_fold(set, rows->answer[k]) == fold)
                    e[k * m + i] = isnan(z[k * m + i]) ? 0 : evidence(ratio, z[k * m + i]);
        }
}

static mid_status learn_all(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const double *z,
                            double *e, mid_weights *out)
{
    const size_t m = rows->n_member;
    float ratio[MID__MEMBER_MAX * N_POINT], kept[MID__MEMBER_MAX];
    double c[MID__MEMBER_MAX];
    mid_status status;
    size_t i;

    for (i = 0; i < m; i++) {
        c[i] = 1;
        learn_ratio(&(struct column){ set, rows, z, i }, NO_FOLD, ratio + i * N_POINT);
    }
    held_out_evidence(set, rows, z, e);
    mid__capped_fit(&(mid__capped){ rows->n, m, e, NULL, rows->label, rows->weight }, c);
    for (i = 0; i < m; i++)
        kept[i] = (float)c[i];
    status = mid_weights_set(ctx, out, "ratio", ratio, m, N_POINT);
    return status == MID_OK ? mid_weights_set(ctx, out, "weight", kept, 1, m) : status;
}

static mid_status learn(mid_ctx *ctx, const mid_fit_set *set, const mid__member_rows *rows, const mid_param *params,
                        mid_weights *out)
{
    const size_t n_score = rows->n * rows->n_member;
    double *z = malloc((n_score + 1) * sizeof *z), *e = malloc((n_score + 1) * sizeof *e);
    mid__normal *normal = NULL;
    mid_status status = z && e ? mid__normal_learn(ctx, MID__NORMAL_Z, set, rows, out) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, out, rows->n_member, &normal);
    if (status == MID_OK) {
        mid__normal_rows(normal, rows, z);
        status = learn_all(ctx, set, rows, z, e, out);
    }
    free(normal);
    free(z);
    free(e);
    return status;
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

struct plan { mid__normal *normal; double weight[MID__MEMBER_MAX]; float ratio[MID__MEMBER_MAX][N_POINT]; };

/* Copies of what one member learned. */
static mid_status read_member(mid_ctx *ctx, const float *weight, const float *ratio, size_t i, struct plan *p)
{
    size_t j;

    p->weight[i] = (double)weight[i];
    if (!(weight[i] >= 0 && weight[i] <= 1))
        return mid__fail(ctx, MID_EFORMAT, "weight %zu is %g; it lies in 0 .. 1", i, p->weight[i]);
    for (j = 0; j < N_POINT; j++) {
        p->ratio[i][j] = ratio[i * N_POINT + j];
        if (!(fabs((double)p->ratio[i][j]) <= EVIDENCE_MAX))
            return mid__fail(ctx, MID_EFORMAT, "ratio %zu of member %zu is %g nats; it lies in +-%g", j, i,
                             (double)p->ratio[i][j], EVIDENCE_MAX);
    }
    return MID_OK;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, size_t n, void **plan)
{
    struct plan *p = calloc(1, sizeof *p);
    const float *weight, *ratio;
    size_t i;
    mid_status status = p ? mid_weights_expect(ctx, weights, "weight", 1, n, &weight) : mid__oom(ctx, "a hybrid");

    (void)params;
    if (status == MID_OK)
        status = mid_weights_expect(ctx, weights, "ratio", n, N_POINT, &ratio);
    for (i = 0; status == MID_OK && i < n; i++)
        status = read_member(ctx, weight, ratio, i, p);
    if (status == MID_OK)
        status = mid__normal_open(ctx, MID__NORMAL_Z, weights, n, &p->normal);
    if (status == MID_OK)
        *plan = p;
    else
        free(p);
    return status;
}

static double fuse(const void *plan, void *state, const double *s, uint32_t t)
{
    const struct plan *p = plan;
    double sum = 0;
    size_t i;

    (void)state;
    for (i = 0; i < p->normal->n; i++)
        if (!isnan(s[i]))
            sum += p->weight[i] * evidence(p->ratio[i], mid__normal_of(p->normal, i, s[i], t));
    return sum;
}

static const mid__fusion fusion = { .weighs = true, .learn = learn, .open = open_plan, .close = mid__normal_close,
                                    .fuse = fuse };

static const mid_param params_[] = { MID__HYBRID_PARAMS, MID__HYBRID_MARGIN, { NULL, 0, NULL, NULL } };

const mid_monitor_ops mid__monitor_naive_bayes = {
    .name = "naive_bayes", .version = 2,
    .summary = "hybrid: sum of the members' log likelihood ratios, each believed in part", .unit = "nats",
    .source = "naive Bayes on kernel densities", .params = params_, MID__HYBRID(fusion)
};
