/* net/workers.h - threads that run plain C jobs for the loop.
 *
 * Threads start when work comes and none is idle, up to one a core (at least FEW, so that jobs that
 * wait for the disk do not hold up the others). They block every signal and touch nothing but the
 * job's own argument. All functions here are called on the loop's thread. */
#ifndef AB_NET_WORKERS_H
#define AB_NET_WORKERS_H

#include "base/err.h"

struct ab_workers;

/* Runs on a worker thread; false with `err` filled is the job's failure. */
typedef bool ab_job_run(void *arg, struct ab_err *err);

/* One job; a member of its owner, which may not go away between submit and reap or withdraw. */
struct ab_work {
    ab_job_run *run;
    void *arg; /* borrowed */
    bool ok;   /* what run returned; valid once reaped, as is err */
    struct ab_err err;
    struct ab_work *next;
};

/* A pool without threads yet. `wake(wake_arg)` is called on a worker thread when a job is over and
 * none was before that is not reaped. */
struct ab_workers *ab_workers_new(void (*wake)(void *), void *wake_arg, struct ab_err *err);

/* Wait for the jobs that run and end the threads. What is still queued never runs. NULL is fine. */
void ab_workers_stop(struct ab_workers *pool);

/* Free a stopped pool. NULL is fine. */
void ab_workers_free(struct ab_workers *pool);

/* Queue `work`. Fails when not even one thread can be started. */
AB_MUST_USE bool ab_workers_submit(struct ab_workers *pool, struct ab_work *work,
                                   struct ab_err *err);

/* Take back a job no thread has begun; false when it runs or ran. */
bool ab_workers_withdraw(struct ab_workers *pool, struct ab_work *work);

/* Whether a job is over that was not reaped. */
bool ab_workers_is_any_over(struct ab_workers *pool);

/* The next job that is over, or NULL. */
struct ab_work *ab_workers_reap(struct ab_workers *pool);

#endif
