/* Shares are of the workers' time: the run's own duration, and each pool's once more for every worker beside the first.
 * While the run is at something that only one thread does, the other cores are not counted as waiting. Processor time
 * is kept beside it: on a machine with other work it tells what a task costs, where a duration tells how long its turns
 * took to come. */
#include "bench/spent.h"

#include <string.h>
#include <time.h>

static const char *const name[MID__N_TASK] = {
    [MID__TASK_DATA] = "data", [MID__TASK_MODEL] = "model", [MID__TASK_LABEL] = "labels", [MID__TASK_STORE] = "store",
    [MID__TASK_FIT] = "fits", [MID__TASK_SCORE] = "scoring", [MID__TASK_MEASURE] = "measuring",
    [MID__TASK_REPORT] = "report", [MID__TASK_WAIT] = "waiting for a worker",
};
#define REST "orchestration"

static mid__moment now(clockid_t cpu)
{
    struct timespec t;

    clock_gettime(cpu, &t);
    return (mid__moment){ mid__now_s(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec };
}

mid__moment mid__moment_now(void) { return now(CLOCK_THREAD_CPUTIME_ID); }

void mid__spent_init(mid__spent *spent)
{
    memset(spent, 0, sizeof *spent);
    pthread_mutex_init(&spent->lock, NULL);
    spent->start = now(CLOCK_PROCESS_CPUTIME_ID);
    spent->n_worker = 1;
}

void mid__spent_clear(mid__spent *spent) { pthread_mutex_destroy(&spent->lock); }

void mid__spent_add(mid__spent *spent, mid__task task, mid__moment since)
{
    const mid__moment now = mid__moment_now();

    if (!spent)
        return;
    pthread_mutex_lock(&spent->lock);
    spent->task[task].wall_s += now.wall_s - since.wall_s;
    spent->task[task].cpu_s += now.cpu_s - since.cpu_s;
    pthread_mutex_unlock(&spent->lock);
}

void mid__spent_pool(mid__spent *spent, int n_worker, double pool_s, double wait_s)
{
    if (!spent)
        return;
    pthread_mutex_lock(&spent->lock);
    spent->beside_s += (n_worker - 1) * pool_s;
    spent->task[MID__TASK_WAIT].wall_s += wait_s;
    spent->n_worker = n_worker > spent->n_worker ? n_worker : spent->n_worker;
    pthread_mutex_unlock(&spent->lock);
}

/* All workers' time until now, and what of it is no task's. */
static mid__moment all_time(const mid__spent *spent, mid__moment *rest)
{
    mid__moment all = now(CLOCK_PROCESS_CPUTIME_ID);
    int i;

    all.wall_s += spent->beside_s - spent->start.wall_s;
    all.cpu_s -= spent->start.cpu_s;
    *rest = all;
    for (i = 0; i < MID__N_TASK; i++) {
        rest->wall_s -= spent->task[i].wall_s;
        rest->cpu_s -= spent->task[i].cpu_s;
    }
    return all;
}

void mid__spent_json(const mid__spent *spent, mid__buf *out)
{
    mid__moment rest;
    int i;

    all_time(spent, &rest);
    for (i = 0; i < MID__N_TASK; i++)
        mid__buf_fmt(out, "{\"name\":\"%s\",\"seconds\":%.3f,\"cpu_s\":%.3f},\n", name[i], spent->task[i].wall_s,
                     spent->task[i].cpu_s);
    mid__buf_fmt(out, "{\"name\":\"" REST "\",\"seconds\":%.3f,\"cpu_s\":%.3f}", rest.wall_s, rest.cpu_s);
}

static void tell(mid_ctx *ctx, const char *what, mid__moment spent, mid__moment all)
{
    mid__log(ctx, MID_LOG_INFO, "  %-20s %9.2f s %5.1f %%   processor %9.2f s %5.1f %%", what, spent.wall_s,
             100 * spent.wall_s / all.wall_s, spent.cpu_s, 100 * spent.cpu_s / all.cpu_s);
}

void mid__spent_tell(const mid__spent *spent, mid_ctx *ctx)
{
    mid__moment rest;
    const mid__moment all = all_time(spent, &rest);
    int i;

    mid__log(ctx, MID_LOG_INFO, "time by stage: %.1f s, %d worker%s", all.wall_s - spent->beside_s, spent->n_worker,
             spent->n_worker > 1 ? "s" : "");
    for (i = 0; i < MID__N_TASK; i++)
        tell(ctx, name[i], spent->task[i], all);
    tell(ctx, REST, rest, all);
}
