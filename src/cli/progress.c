/* Progress on stderr: one line that updates itself on a terminal; elsewhere a plain line every ten seconds and one at
 * the end of a stage. Ctrl-C asks the running call to stop through its progress callback; a second one kills. */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t stop_asked;    /* all a signal handler can reach */

static void on_sigint(int number)
{
    (void)number;
    stop_asked = 1;
}

bool cli_stopped(void) { return stop_asked != 0; }

static double clock_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void format_time(char text[24], double s)
{
    const int whole = s < 0 ? 0 : s > 359999 ? 359999 : (int)(s + 0.5);

    if (whole >= 3600)
        snprintf(text, 24, "%d:%02d h", whole / 3600, whole / 60 % 60);
    else
        snprintf(text, 24, "%d:%02d min", whole / 60, whole % 60);
}

static void print_line(const cli *c, bool on_tty, bool last)
{
    enum { BAR = 20 };
    const mid_progress *p = &c->progress.last;
    const int full = p->total ? (int)(BAR * (p->done < p->total ? p->done : p->total) / p->total) : 0;
    char time[24];

    if (on_tty)
        fprintf(stderr, "\r\033[K[%.*s%.*s] ", full, "####################", BAR - full, "--------------------");
    else
        fputs("  ", stderr);
    fprintf(stderr, "%s: %llu", p->stage, (unsigned long long)p->done);
    if (p->total)
        fprintf(stderr, "/%llu", (unsigned long long)p->total);
    fprintf(stderr, " %s", p->unit);
    if (p->elapsed_s > 0.5 && p->done)
        fprintf(stderr, ", %.3g/s", (double)p->done / p->elapsed_s);
    format_time(time, last ? p->elapsed_s : p->eta_s);
    if (last)
        fprintf(stderr, ", %s\n", time);
    else if (p->eta_s >= 0)
        fprintf(stderr, ", %s left", time);
    if (!last && !on_tty)
        fputc('\n', stderr);
}

static void close_stage(cli *c)
{
    if (c->progress.open && c->progress.last.done)
        print_line(c, isatty(STDERR_FILENO), true);
    c->progress.open = false;
}

static bool on_progress(void *user, const mid_progress *p)
{
    const bool on_tty = isatty(STDERR_FILENO);
    cli *c = user;
    const double now_s = clock_s();

    if (c->args.quiet || (!c->progress.open && p->total && p->done >= p->total))
        return !stop_asked;
    if (!c->progress.open || strcmp(c->progress.stage, p->stage) != 0) {
        close_stage(c);
        snprintf(c->progress.stage, sizeof c->progress.stage, "%s", p->stage);
        c->progress.open = true;
        c->progress.printed_s = now_s;
    }
    c->progress.last = *p;
    c->progress.last.stage = c->progress.stage;
    if (p->total && p->done >= p->total) {
        close_stage(c);
    } else if (now_s - c->progress.printed_s >= (on_tty ? 0.1 : 10)) {
        c->progress.printed_s = now_s;
        print_line(c, on_tty, false);
    }
    return !stop_asked;
}

static void on_log(void *user, mid_log_level level, const char *line)
{
    static const char *const label[] = { "debug: ", "", "warning: ", "error: " };
    const cli *c = user;

    if (level == MID_LOG_DEBUG || (level == MID_LOG_INFO && c->args.quiet))
        return;
    fprintf(stderr, "%s%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", label[level], line);
}

void cli_progress_begin(cli *c)
{
    struct sigaction action = { .sa_handler = on_sigint, .sa_flags = (int)SA_RESETHAND };

    sigaction(SIGINT, &action, NULL);
    mid_ctx_set_progress(c->ctx, on_progress, c);
    mid_ctx_set_log(c->ctx, on_log, c);
}

void cli_progress_show(cli *c, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    mid_progress p = { .stage = stage, .done = done, .total = total, .unit = unit, .eta_s = -1 };

    if (done == 0)
        c->progress.begun_s = clock_s();
    p.elapsed_s = clock_s() - c->progress.begun_s;
    if (done && total >= done)
        p.eta_s = p.elapsed_s * (double)(total - done) / (double)done;
    on_progress(c, &p);
}

void cli_progress_end(cli *c) { close_stage(c); }
