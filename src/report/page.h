/* The page: its sections in order, and the pieces they share. */
#ifndef MID_REPORT_PAGE_H
#define MID_REPORT_PAGE_H

#include "report/html.h"
#include "report/report_answers.h"
#include "report/report_data.h"
#include "report/svg.h"

enum { MID__NOTE_MAX = 26, MID__PAGE_ROW_MAX = 800, MID__PAGE_LEAD_MAX = 1536 };

typedef struct mid__page {
    mid__buf *out;
    const mid__report *report;
    const mid__report_answers *answers;
} mid__page;

/* Reasons under a table, each with its letter. */
typedef struct mid__notes { const char *why[MID__NOTE_MAX]; size_t n; bool circular; } mid__notes;

void mid__page_headline(const mid__page *page);
void mid__page_setup(const mid__page *page);
void mid__page_leaderboard(const mid__page *page);
void mid__page_ranking(const mid__page *page);
/* The same answers at several levels of access; nothing where no dataset has two. */
void mid__page_opacity(const mid__page *page);
bool mid__page_has_opacity(const mid__report *report);
/* Ranks over datasets and comparisons with the baseline; nothing where a run has neither. */
void mid__page_ranks(const mid__page *page);
bool mid__page_has_ranks(const mid__report *report);
void mid__page_early(const mid__page *page);
void mid__page_roc(const mid__page *page);
/* Part of the ROC section: what is left of a curve when one point of it must be named. */
void mid__page_points(const mid__page *page, const mid__report_set *set);
/* Delay against false alarms; nothing where the results have no such curves. */
void mid__page_delays(const mid__page *page);
bool mid__page_has_delays(const mid__report *report);
/* Attacked copies beside the answers as they are; nothing where no dataset has any. */
void mid__page_attacks(const mid__page *page);
bool mid__page_has_attacks(const mid__report *report);
void mid__page_decision(const mid__page *page);
/* Part of that: SG, RH and AC stacked against prevalence. */
void mid__page_returns(const mid__page *page, const mid__report_set *set);
void mid__page_cost(const mid__page *page);
void mid__page_answers(const mid__page *page);
void mid__page_provenance(const mid__page *page);

/* Lines, NULL at the end. */
extern const char *const mid__page_style[], *const mid__page_script[];

/* A square that shows the box, the monitor's name, and its line's colour if it has one. */
void mid__page_monitor(mid__buf *out, const mid__report_monitor *monitor);
void mid__page_monitor_th(mid__buf *out, const mid__report_monitor *monitor);
/* "mistral-7b", "all authors"; with "unsafe prompts only" where so. */
void mid__page_column_text(char text[128], const mid__column *column);
/* "0.974 (0.962 to 0.983)", "undefined". cell may be NULL. */
void mid__page_estimate_text(char text[128], const mid__cell *cell, int n_decimal);
/* One figure as a table cell: value, interval below; a dash and a letter where undefined; hatched where circular. */
void mid__page_estimate_td(mid__buf *out, mid__notes *notes, const mid__cell *cell, int n_decimal, bool best);
/* A table in a box of its own that scrolls sideways. @param label what it holds, for those who do not see it. */
void mid__page_table_open(mid__buf *out, const char *label);
/* @param head NULL at the end; one that begins with '<' heads a column of text. */
void mid__page_table_head(mid__buf *out, const char *const *head);
void mid__page_table_close(mid__buf *out);
/* The reasons a table met, and what its marks mean. */
void mid__page_notes(mid__buf *out, const mid__notes *notes);
/* How many monitors each of n_table tables shows, those of a place below it, so that together they have about n_max
 * rows and stay readable and small. Controls are always among them. */
size_t mid__page_rows(const mid__report *report, size_t n_max, size_t n_table);
/* "12 more ... in results.csv" if n > 0. */
void mid__page_more(mid__buf *out, size_t n, const char *what);

#endif
