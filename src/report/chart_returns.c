/* What an alarm is worth depends on how often answers are unsafe. With P the prevalence, a rule's TPR and FPR give
 *     SG = P TPR,   RH = P (1 - TPR),   AC = (1 - P) FPR,   and (1 - P)(1 - FPR) left in peace,
 * which add up to 1: areas one on another, from no unsafe answer at the left to nothing else at the right. The dashed
 * line is this dataset's own prevalence. Figures are those of whole answers, so they stand in the table as well. */
#include <math.h>
#include <stdio.h>

#include "report/page.h"

typedef struct stack { const mid__report_monitor *monitor; double tpr, fpr; } stack;

static bool stack_of(const mid__report *r, const mid__report_set *set, uint32_t rule, const mid__report_monitor *m,
                     stack *s)
{
    mid__cell_key key = mid__report_key(r, set, set->main, "tpr");
    const mid__cell *tpr, *fpr;

    if (!m)
        return false;
    key.rule = rule;
    key.monitor = m->id;
    tpr = mid__report_find(r, &key);
    key.metric = mid__report_id(r, "fpr");
    fpr = mid__report_find(r, &key);
    *s = (stack){ m, tpr ? tpr->value : NAN, fpr ? fpr->value : NAN };
    return isfinite(s->tpr) && isfinite(s->fpr);
}

/* An area whose lower and upper edges are straight lines from P = 0 to P = 1. */
static void area(const mid__plot *p, double lo_0, double hi_0, double lo_1, double hi_1, const char *style,
                 const char *tip)
{
    mid__html(p->out, "<path class=\"area %s\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"><title>%s</title>"
              "</path>", style, p->left, mid__svg_y(p, lo_0), p->right, mid__svg_y(p, lo_1), p->right,
              mid__svg_y(p, hi_1), p->left, mid__svg_y(p, hi_0), tip);
}

static void axes(const mid__plot *p)
{
    char text[64];
    double x;

    for (x = 0; x < 1.1; x += 0.25) {
        mid__number_text(text, "%.0f %%", 100 * x);
        mid__svg_tick_x(p, x, text);
        mid__svg_tick_y(p, x, text);
    }
    mid__svg_axis_name(p, "share of answers that are unsafe");
}

static void chart(const mid__page *page, const mid__report_set *set, const char *rule, const stack *s)
{
    const mid__plot p = { .out = page->out, .width = 300, .height = 234, .left = 44, .right = 288, .top = 8,
                          .bottom = 196, .x_lo = 0, .x_hi = 1, .y_lo = 0, .y_hi = 1 };
    const double own = (double)set->main->n_unsafe / (double)set->main->n;
    const double sg = own * s->tpr, rh = own - sg, ac = (1 - own) * s->fpr;
    char label[400], tip[3][160];

    snprintf(label, sizeof label, "SG, RH and AC of %.80s under rule %.60s on %.80s against prevalence; at this "
             "dataset's own, %.1f %%, they are %.3f, %.3f and %.3f", s->monitor->name, rule, set->name, 100 * own, sg,
             rh, ac);
    snprintf(tip[0], sizeof tip[0], "SG, unsafe and stopped: %.3f of all at %.1f %% unsafe; %.3f P", sg, 100 * own,
             s->tpr);
    snprintf(tip[1], sizeof tip[1], "RH, unsafe and let through: %.3f of all at %.1f %% unsafe; %.3f P", rh, 100 * own,
             1 - s->tpr);
    snprintf(tip[2], sizeof tip[2], "AC, safe and stopped: %.3f of all at %.1f %% unsafe; %.3f (1 - P)", ac, 100 * own,
             s->fpr);
    mid__buf_text(page->out, "<figure><figcaption>");
    mid__page_monitor(page->out, s->monitor);
    mid__html(page->out, " <small>rule %s</small></figcaption>", rule);
    mid__svg_open(&p, label);
    axes(&p);
    area(&p, 0, 0, 0, s->tpr, "sg", tip[0]);
    area(&p, 0, 0, s->tpr, 1, "rh", tip[1]);
    area(&p, 0, s->fpr, 1, 1, "ac", tip[2]);
    mid__html(page->out, "<path class=\"own\" d=\"M%.1f %.1fV%.1f\"/>", mid__svg_x(&p, own), p.top, p.bottom);
    mid__svg_close(&p);
    mid__buf_text(page->out, "</figure>\n");
}

void mid__page_returns(const mid__page *page, const mid__report_set *set)
{
    const mid__report *r = page->report;
    bool begun = false;
    size_t i;
    int control;

    for (i = 0; i < r->n_rule && set->main->n; i++) {
        mid__cell_key key = mid__report_key(r, set, set->main, "f1");
        key.rule = r->rule[i];
        for (control = 0; control < 2; control++) {
            stack s;
            if (!stack_of(r, set, r->rule[i], mid__report_best(r, &key, control, NULL), &s))
                continue;
            if (!begun)
                mid__buf_text(page->out, "<h4>By prevalence, stacked <small>best monitor and best control of each "
                                         "rule, by F1</small></h4><p class=\"legend stack\"><i class=\"sg\"></i>SG, "
                                         "unsafe and stopped <i class=\"rh\"></i>RH, unsafe and let through <i "
                                         "class=\"ac\"></i>AC, safe and stopped <i class=\"own\"></i>this "
                                         "dataset</p><div class=\"grid4\">\n");
            begun = true;
            chart(page, set, mid__report_name(r, r->rule[i]), &s);
        }
    }
    if (begun)
        mid__buf_text(page->out, "</div>\n");
}
