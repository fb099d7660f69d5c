/* Charts as inline SVG: a plot maps data to the viewBox; colours and strokes are CSS classes of the page, so a chart
 * follows light, dark and print by itself. Every text passes the escaping of html.h. */
#ifndef MID_REPORT_SVG_H
#define MID_REPORT_SVG_H

#include "report/html.h"

typedef struct mid__plot {
    mid__buf *out;
    double width, height;                   /* of the viewBox */
    double left, right, top, bottom;        /* edges of the data area in it */
    double x_lo, x_hi, y_lo, y_hi;          /* what those edges stand for */
    bool x_log;
} mid__plot;

/* A name at the end of a line. */
typedef struct mid__svg_label {
    double y;                               /* data */
    const char *text, *style;               /* style: CSS class of the lead */
} mid__svg_label;

/* @param label what the chart shows, for those who do not see it. */
void mid__svg_open(const mid__plot *p, const char *label);
void mid__svg_close(const mid__plot *p);
/* Data to viewBox; outside the range is drawn at its edge. */
double mid__svg_x(const mid__plot *p, double x);
double mid__svg_y(const mid__plot *p, double y);

void mid__svg_tick_x(const mid__plot *p, double x, const char *text);
void mid__svg_tick_y(const mid__plot *p, double y, const char *text);
void mid__svg_axis_name(const mid__plot *p, const char *x_name);
/* @param x,y (n) NaN breaks the line. @param style CSS class. @param tip shown on hover; NULL: none */
void mid__svg_line(const mid__plot *p, const double *x, const double *y, size_t n, const char *style, const char *tip);
/* The area between lo and hi over the longest start without NaN. @param x,lo,hi (n) */
void mid__svg_band(const mid__plot *p, const double *x, const double *lo, const double *hi, size_t n,
                   const char *style);
void mid__svg_dot(const mid__plot *p, double x, double y, const char *style, const char *tip);
void mid__svg_whisker(const mid__plot *p, double x_lo, double x_hi, double y, const char *style);
/* Names right of the data area, moved apart until none overlaps. Sorts label by y. */
void mid__svg_labels(const mid__plot *p, mid__svg_label *label, size_t n);

#endif
