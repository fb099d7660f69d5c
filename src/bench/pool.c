/* A pool of threads for one piece of work. Workers take the next item under the lock and work without it; what an item
 * gives must not depend on which worker had it. */
#include "bench/pool.h"

#include <pthread.h>
#include <unistd.h>

struct pool {
    mid_ctx *ctx;
    mid__pool_fn work;
    void *user;
    mid__stage *stage;
    size_t n, next, unit;
    pthread_mutex_t lock;           /* over next, status, stage and ctx */
    mid_status status;
};

struct worker {
    struct pool *pool;
    int i;
    pthread_t thread;
    double end_s;
    bool started;
};

int mid__pool_size(int n_threads, size_t n)
{
    size_t size = n_threads > 0 ? (size_t)n_threads : (size_t)sysconf(_SC_NPROCESSORS_ONLN);

    size = size > n ? n : size;
    return size < 1 ? 1 : size > MID__WORKER_MAX ? MID__WORKER_MAX : (int)size;
}

static void *work_on(void *user)
{
    struct worker *me = user;
    struct pool *p = me->pool;
    mid_ctx *ctx = NULL;
    mid_status status = mid_ctx_open(&ctx);

    pthread_mutex_lock(&p->lock);
    while (status == MID_OK && p->status == MID_OK && p->next < p->n) {
        const size_t i = p->next++;
        pthread_mutex_unlock(&p->lock);
        status = p->work(p->user, ctx, me->i, i);
        pthread_mutex_lock(&p->lock);
        if (status == MID_OK && p->status == MID_OK)
            p->status = mid__stage_step(p->stage, p->unit);
    }
    if (status != MID_OK && p->status == MID_OK)
        p->status = mid__fail(p->ctx, status, "%s", mid_ctx_message(ctx));
    pthread_mutex_unlock(&p->lock);
    mid_ctx_close(ctx);
    me->end_s = mid__now_s();
    return NULL;
}

mid_status mid__pool_run(mid_ctx *ctx, int n_worker, size_t n, mid__pool_fn work, void *user, mid__stage *stage,
                         size_t unit, mid__spent *spent)
{
    struct pool p = { .ctx = ctx, .work = work, .user = user, .stage = stage, .n = n, .unit = unit };
    struct worker worker[MID__WORKER_MAX] = { { 0 } };
    const double start_s = mid__now_s();
    double end_s, wait_s = 0;
    int i, n_started = 0;

    pthread_mutex_init(&p.lock, NULL);
    for (i = 0; i < n_worker; i++) {
        worker[i].pool = &p;
        worker[i].i = i;
        /* with fewer threads than asked for the work is only slower */
        worker[i].started = i == 0 || pthread_create(&worker[i].thread, NULL, work_on, &worker[i]) == 0;
    }
    work_on(&worker[0]);
    for (i = 1; i < n_worker; i++)
        if (worker[i].started)
            pthread_join(worker[i].thread, NULL);
    end_s = mid__now_s();
    for (i = 0; i < n_worker; i++)
        if (worker[i].started) {
            n_started++;
            wait_s += end_s - worker[i].end_s;
        }
    mid__spent_pool(spent, n_started, end_s - start_s, wait_s);
    pthread_mutex_destroy(&p.lock);
    return p.status;
}
