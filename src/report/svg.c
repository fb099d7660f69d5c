/* SVG drawing. Coordinates carry one decimal: a tenth of a pixel is below what anyone sees and keeps the page small. */
#include "report/svg.h"

#include <math.h>
#include <stdlib.h>

enum { LABEL_STEP = 13 };                   /* least distance of two names, viewBox units */

static double unit(double v, double lo, double hi, bool is_log)
{
    const double u = is_log ? (log(v) - log(lo)) / (log(hi) - log(lo)) : (v - lo) / (hi - lo);

    return u > 0 ? (u < 1 ? u : 1) : 0;     /* NaN and log of 0 go to the low edge */
}

double mid__svg_x(const mid__plot *p, double x)
{
    return p->left + (p->right - p->left) * unit(x, p->x_lo, p->x_hi, p->x_log);
}

double mid__svg_y(const mid__plot *p, double y)
{
    return p->bottom - (p->bottom - p->top) * unit(y, p->y_lo, p->y_hi, false);
}

void mid__svg_open(const mid__plot *p, const char *label)
{
    mid__html(p->out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">", p->width, p->height, label);
}

void mid__svg_close(const mid__plot *p) { mid__buf_text(p->out, "</svg>\n"); }

void mid__svg_tick_x(const mid__plot *p, double x, const char *text)
{
    const double at = mid__svg_x(p, x);

    mid__html(p->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"mid\" x=\"%.1f\" y=\"%.1f\">%s</text>",
              at, p->top, p->bottom, at, p->bottom + 15, text);
}

void mid__svg_tick_y(const mid__plot *p, double y, const char *text)
{
    const double at = mid__svg_y(p, y);

    mid__html(p->out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>",
              p->left, at, p->right, p->left - 6, at + 4, text);
}

void mid__svg_axis_name(const mid__plot *p, const char *x_name)
{
    mid__html(p->out, "<text class=\"mid name\" x=\"%.1f\" y=\"%.1f\">%s</text>", (p->left + p->right) / 2,
              p->height - 4, x_name);
}

static void put_end(mid__buf *out, const char *tip)
{
    if (tip)
        mid__html(out, "><title>%s</title></path>", tip);
    else
        mid__buf_text(out, "/>");
}

void mid__svg_line(const mid__plot *p, const double *x, const double *y, size_t n, const char *style, const char *tip)
{
    bool pen_down = false;
    size_t i;

    mid__html(p->out, "<path class=\"%s\" d=\"", style);
    for (i = 0; i < n; i++) {
        if (!isfinite(y[i])) {
            pen_down = false;
            continue;
        }
        mid__html(p->out, "%s%.1f %.1f", pen_down ? "L" : "M", mid__svg_x(p, x[i]), mid__svg_y(p, y[i]));
        pen_down = true;
    }
    mid__buf_text(p->out, "\"");
    put_end(p->out, tip);
}

void mid__svg_band(const mid__plot *p, const double *x, const double *lo, const double *hi, size_t n,
                   const char *style)
{
    size_t i, n_start = 0;

    while (n_start < n && isfinite(lo[n_start]) && isfinite(hi[n_start]))
        n_start++;
    if (n_start < 2)
        return;
    mid__html(p->out, "<path class=\"%s\" d=\"", style);
    for (i = 0; i < n_start; i++)
        mid__html(p->out, "%s%.1f %.1f", i ? "L" : "M", mid__svg_x(p, x[i]), mid__svg_y(p, hi[i]));
    for (i = n_start; i-- > 0;)
        mid__html(p->out, "L%.1f %.1f", mid__svg_x(p, x[i]), mid__svg_y(p, lo[i]));
    mid__buf_text(p->out, "Z\"/>");
}

void mid__svg_dot(const mid__plot *p, double x, double y, const char *style, const char *tip)
{
    mid__html(p->out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s</title></circle>", style,
              mid__svg_x(p, x), mid__svg_y(p, y), tip);
}

void mid__svg_whisker(const mid__plot *p, double x_lo, double x_hi, double y, const char *style)
{
    if (isfinite(x_lo) && isfinite(x_hi))
        mid__html(p->out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>", style, mid__svg_x(p, x_lo), mid__svg_y(p, y),
                  mid__svg_x(p, x_hi));
}

static int higher_first(const void *a, const void *b)
{
    const double p = ((const mid__svg_label *)a)->y, q = ((const mid__svg_label *)b)->y;

    return (p < q) - (p > q);
}

/* Push down from the top, then up from the bottom: what fits keeps its place, the rest shares the room there is. */
void mid__svg_labels(const mid__plot *p, mid__svg_label *label, size_t n)
{
    double at[32], floor_at;
    size_t i;

    n = n < 32 ? n : 32;
    qsort(label, n, sizeof *label, higher_first);
    for (i = 0; i < n; i++) {
        at[i] = mid__svg_y(p, label[i].y);
        if (i && at[i] < at[i - 1] + LABEL_STEP)
            at[i] = at[i - 1] + LABEL_STEP;
    }
    floor_at = p->bottom + LABEL_STEP;
    for (i = n; i-- > 0; floor_at = at[i])
        if (at[i] > floor_at - LABEL_STEP)
            at[i] = floor_at - LABEL_STEP;
    for (i = 0; i < n; i++)
        mid__html(p->out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\">%s</text>",
                  label[i].style, p->right, mid__svg_y(p, label[i].y), p->right + 7, at[i], p->right + 16,
                  p->right + 19, at[i] + 4, label[i].text);
}
