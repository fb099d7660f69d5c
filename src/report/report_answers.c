/* Choosing what is shown (every dataset gets the same share of the page) and the scales of its monitors. */
#include "report/report_answers.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

enum { BUDGET_BYTES = 2200000, MANY_SETS = 8, BUDGET_MANY_BYTES = 1000000, TOK_BYTES = 26, ANSWER_BYTES = 2500 };

/* About what an answer adds to the page. */
static size_t cost(yyjson_val *answer)
{
    const size_t n_tok = yyjson_arr_size(yyjson_obj_get(answer, "tokens"));

    return ANSWER_BYTES + yyjson_get_len(yyjson_obj_get(answer, "prompt"))
           + (n_tok < MID__SHOW_TOK ? n_tok : MID__SHOW_TOK) * (TOK_BYTES + 3 * MID__SHOW_JUDGE);
}

static void choose(mid__answer_set *s, yyjson_val *list, size_t budget)
{
    yyjson_val *answer;
    size_t i, n, used = 0;

    yyjson_arr_foreach(list, i, n, answer) {
        if (strcmp(mid__report_text(answer, "dataset"), s->set->name) != 0)
            continue;
        if (s->n_answer < MID__SHOW_ANSWER && used + cost(answer) <= budget) {
            used += cost(answer);
            s->answer[s->n_answer++] = answer;
        } else {
            s->n_more++;
        }
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void widen(mid__scale *scale, double v)
{
    if (!(fabs(v) < DBL_MAX))           /* a threshold that every score reaches, or none */
        return;
    scale->lo = fmin(scale->lo, v);
    scale->hi = fmax(scale->hi, v);
}

static void gather(mid__scale *scale, yyjson_val *answer)
{
    yyjson_val *v, *scores = yyjson_obj_get(yyjson_obj_get(answer, "scores"), scale->monitor->name);
    yyjson_val *thresholds = yyjson_obj_get(yyjson_obj_get(answer, "thresholds"), scale->monitor->name), *key;
    size_t i, n;

    yyjson_arr_foreach(scores, i, n, v) {
        if (i == MID__SHOW_TOK)
            break;
        if (!yyjson_is_num(v) || !isfinite(yyjson_get_num(v)))
            continue;
        scale->sorted[scale->n++] = yyjson_get_num(v);
        widen(scale, yyjson_get_num(v));
    }
    yyjson_obj_foreach(thresholds, i, n, key, v)
        if (yyjson_is_num(v))
            widen(scale, yyjson_get_num(v));
}

/* A scale if the monitor has scores on the shown answers. */
static mid_status add_scale(mid_ctx *ctx, mid__answer_set *s, const mid__report_monitor *monitor)
{
    mid__scale *scale = &s->scale[s->n_scale];
    size_t i;

    memset(scale, 0, sizeof *scale);
    scale->monitor = monitor;
    scale->lo = INFINITY;
    scale->hi = -INFINITY;
    scale->sorted = malloc((s->n_answer * MID__SHOW_TOK + 1) * sizeof *scale->sorted);
    if (!scale->sorted)
        return mid__oom(ctx, "the scales of answers.json");
    for (i = 0; i < s->n_answer; i++)
        gather(scale, s->answer[i]);
    if (!scale->n) {
        free(scale->sorted);
        return MID_OK;
    }
    qsort(scale->sorted, scale->n, sizeof *scale->sorted, ascending);
    s->n_scale++;
    return MID_OK;
}

/* The dataset's best monitor, then those with a colour. */
static mid_status add_scales(mid_ctx *ctx, const mid__report *r, mid__answer_set *s)
{
    const mid__report_monitor *best = NULL;
    mid_status status = MID_OK;
    size_t i;

    if (s->set->main) {
        const mid__cell_key key = mid__report_key(r, s->set, s->set->main, "auroc");
        best = mid__report_best(r, &key, false, NULL);
    }
    if (best)
        status = add_scale(ctx, s, best);
    for (i = 0; i < r->n_monitor && status == MID_OK && s->n_scale < MID__SHOW_JUDGE; i++)
        if (r->monitor[i].hue && &r->monitor[i] != best)
            status = add_scale(ctx, s, &r->monitor[i]);
    return status;
}

/* By the dataset's own name, since an entry of a plan may be called anything. */
static bool is_own(const mid__report_set *set)
{
    const char *name = mid__report_text(set->about, "dataset"), *slash = strrchr(name, '/');

    return strncmp(slash ? slash + 1 : name, "own_", 4) == 0;
}

mid_status mid__answers_read(mid_ctx *ctx, const char *path, const mid__report *r, bool is_public,
                             mid__report_answers *a)
{
    yyjson_val *list;
    size_t i;
    mid_status status;

    memset(a, 0, sizeof *a);
    status = mid__json_read(ctx, path, &a->json);
    if (status == MID_ENOTFOUND)
        return MID_OK;
    if (status != MID_OK)
        return status;
    list = yyjson_obj_get(yyjson_doc_get_root(a->json.doc), "answers");
    if (!yyjson_is_arr(list))
        return mid__fail(ctx, MID_EFORMAT, "%s: answers must be a list; run the plan again to write it anew", path);
    for (i = 0; i < r->n_set && status == MID_OK; i++) {
        mid__answer_set *s = &a->set[a->n_set];
        s->set = &r->set[i];
        choose(s, list, (r->n_set > MANY_SETS ? BUDGET_MANY_BYTES : BUDGET_BYTES) / r->n_set);
        if (!s->n_answer)
            continue;
        if (is_public && !is_own(s->set)) {
            a->withheld[a->n_withheld++] = s->set;
            *s = (mid__answer_set){ 0 };
            continue;
        }
        a->n_set++;
        status = add_scales(ctx, r, s);
    }
    return status;
}

void mid__answers_clear(mid__report_answers *a)
{
    size_t i, j;

    for (i = 0; i < a->n_set; i++)
        for (j = 0; j < a->set[i].n_scale; j++)
            free(a->set[i].scale[j].sorted);
    mid__json_clear(&a->json);
    memset(a, 0, sizeof *a);
}

/* First index whose score is >= v, or > v. */
static size_t bound(const mid__scale *scale, double v, bool above)
{
    size_t lo = 0, hi = scale->n;

    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (scale->sorted[mid] < v || (above && scale->sorted[mid] == v))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int mid__scale_rank(const mid__scale *scale, double score)
{
    const double below = isnan(score) ? 0 : (double)(bound(scale, score, false) + bound(scale, score, true)) / 2;

    return isnan(score) ? -1 : (int)fmin(9, floor(10 * below / (double)scale->n));
}

int mid__scale_height(const mid__scale *scale, double score)
{
    const double span = scale->hi - scale->lo;

    if (isnan(score))
        return -1;
    return (int)lround(MID__HEIGHT * fmin(1, fmax(0, span > 0 ? (score - scale->lo) / span : 0.5)));
}
