#include "net/workers.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"

enum { FEW = 4, MANY = 16 };

struct list {
    struct ab_work *first;
    struct ab_work *last;
};

struct ab_workers {
    void (*wake)(void *);
    void *wake_arg; /* borrowed */
    pthread_mutex_t lock;
    pthread_cond_t work_came;
    /* Guarded by lock: */
    struct list queued;
    struct list over;
    size_t waiting; /* queued jobs */
    size_t idle;    /* threads in pthread_cond_wait */
    bool stop;
    /* Of the loop's thread alone: */
    size_t started;
    size_t most;
    pthread_t threads[MANY];
};

static void append(struct list *list, struct ab_work *work)
{
    work->next = NULL;
    if (list->last)
        list->last->next = work;
    else
        list->first = work;
    list->last = work;
}

static struct ab_work *shift(struct list *list)
{
    struct ab_work *work = list->first;

    if (!work)
        return NULL;
    list->first = work->next;
    if (!list->first)
        list->last = NULL;
    return work;
}

static size_t thread_limit(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < FEW ? FEW : cores > MANY ? MANY : (size_t)cores;
}

/* The next job, or NULL when the pool stops. Called and returns with the lock held. */
static struct ab_work *next_job(struct ab_workers *pool)
{
    while (!pool->stop && !pool->queued.first) {
        pool->idle++;
        pthread_cond_wait(&pool->work_came, &pool->lock);
        pool->idle--;
    }
    if (pool->stop)
        return NULL;
    pool->waiting--;
    return shift(&pool->queued);
}

static void *worker(void *arg)
{
    struct ab_workers *pool = arg;

    pthread_mutex_lock(&pool->lock);
    for (struct ab_work *work; (work = next_job(pool));) {
        pthread_mutex_unlock(&pool->lock);
        work->ok = work->run(work->arg, &work->err);
        pthread_mutex_lock(&pool->lock);
        bool first = !pool->over.first; /* else the loop was woken, and reaps this one, too */
        append(&pool->over, work);
        if (first)
            pool->wake(pool->wake_arg);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct ab_workers *ab_workers_new(void (*wake)(void *), void *wake_arg, struct ab_err *err)
{
    struct ab_workers *pool = ab_calloc(1, sizeof *pool);

    if (!pool) {
        ab_fail_memory(err);
        return NULL;
    }
    pool->wake = wake;
    pool->wake_arg = wake_arg;
    pool->most = thread_limit();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_came, NULL);
    return pool;
}

void ab_workers_stop(struct ab_workers *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work_came);
    pthread_mutex_unlock(&pool->lock);
    while (pool->started > 0)
        pthread_join(pool->threads[--pool->started], NULL);
}

void ab_workers_free(struct ab_workers *pool)
{
    if (!pool)
        return;
    pthread_cond_destroy(&pool->work_came);
    pthread_mutex_destroy(&pool->lock);
    ab_free(pool);
}

/* Signals are the main thread's: a worker inherits a mask that blocks them all. */
static int start_thread(struct ab_workers *pool)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&pool->threads[pool->started], NULL, worker, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0)
        pool->started++;
    return failure;
}

bool ab_workers_submit(struct ab_workers *pool, struct ab_work *work, struct ab_err *err)
{
    pthread_mutex_lock(&pool->lock);
    bool short_of_threads = pool->waiting >= pool->idle;
    pthread_mutex_unlock(&pool->lock);

    int failure = 0;
    if (short_of_threads && pool->started < pool->most)
        failure = start_thread(pool);
    if (failure != 0 && pool->started == 0)
        return ab_fail_errno(err, failure, "cannot start a worker thread");

    pthread_mutex_lock(&pool->lock);
    append(&pool->queued, work);
    pool->waiting++;
    bool any_idle = pool->idle > 0;
    pthread_mutex_unlock(&pool->lock);
    if (any_idle)
        pthread_cond_signal(&pool->work_came); /* who wakes finds the lock free */
    return true;
}

bool ab_workers_withdraw(struct ab_workers *pool, struct ab_work *work)
{
    bool found = false;

    pthread_mutex_lock(&pool->lock);
    struct list kept = {0};
    for (struct ab_work *w; (w = shift(&pool->queued));) {
        if (w == work)
            found = true;
        else
            append(&kept, w);
    }
    pool->queued = kept;
    pool->waiting -= found;
    pthread_mutex_unlock(&pool->lock);
    return found;
}

bool ab_workers_is_any_over(struct ab_workers *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool any = pool->over.first != NULL;
    pthread_mutex_unlock(&pool->lock);
    return any;
}

struct ab_work *ab_workers_reap(struct ab_workers *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct ab_work *work = shift(&pool->over);
    pthread_mutex_unlock(&pool->lock);
    return work;
}
