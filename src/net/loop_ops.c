/* net/loop_ops.c - the plain operations: a deadline, a descriptor, a job on a worker thread. */
#include <poll.h>

#include "base/alloc.h"
#include "net/source.h"

static void *new_op(struct ab_loop *loop, size_t size, const struct ab_op_class *class,
                    struct ab_err *err)
{
    struct ab_op *op = ab_calloc(1, size);

    if (op)
        ab_op_init(op, loop, class);
    else
        ab_fail_memory(err);
    return op;
}

/* --- a deadline ------------------------------------------------------------------------------ */

struct sleep_op {
    struct ab_op op;
    struct ab_timer timer;
};

static void sleep_free(struct ab_op *op)
{
    struct sleep_op *self = AB_CONTAINER(op, struct sleep_op, op);

    ab_loop_clear_timer(op->loop, &self->timer);
    ab_op_drop(op);
    ab_free(self);
}

static const struct ab_op_class sleep_class = {sleep_free};

static void sleep_over(struct ab_timer *timer)
{
    ab_op_finish(&AB_CONTAINER(timer, struct sleep_op, timer)->op, NULL);
}

struct ab_op *ab_loop_timer(struct ab_loop *loop, double seconds, struct ab_err *err)
{
    struct sleep_op *self = new_op(loop, sizeof *self, &sleep_class, err);

    if (!self)
        return NULL;
    self->timer.fire = sleep_over;
    if (!ab_loop_set_timer(loop, &self->timer, ab_deadline_ns(seconds), err)) {
        ab_free(self);
        return NULL;
    }
    return &self->op;
}

/* --- a descriptor ---------------------------------------------------------------------------- */

struct ready_op {
    struct ab_op op;
    struct ab_watch watch;
};

static void ready_free(struct ab_op *op)
{
    struct ready_op *self = AB_CONTAINER(op, struct ready_op, op);

    ab_loop_unwatch(op->loop, &self->watch);
    ab_op_drop(op);
    ab_free(self);
}

static const struct ab_op_class ready_class = {ready_free};

static void became_ready(struct ab_watch *watch)
{
    struct ready_op *self = AB_CONTAINER(watch, struct ready_op, watch);

    ab_loop_unwatch(self->op.loop, watch);
    ab_op_finish(&self->op, NULL);
}

struct ab_op *ab_loop_ready(struct ab_loop *loop, int fd, bool for_writing, struct ab_err *err)
{
    struct ready_op *self = new_op(loop, sizeof *self, &ready_class, err);

    if (!self)
        return NULL;
    self->watch.fd = fd;
    self->watch.events = for_writing ? POLLOUT : POLLIN;
    self->watch.ready = became_ready;
    if (!ab_loop_watch(loop, &self->watch, err)) {
        ab_free(self);
        return NULL;
    }
    return &self->op;
}

/* --- a job ----------------------------------------------------------------------------------- */

/* When the op is freed while the job runs, the struct stays until the job is over: `abandoned`. */
struct job_op {
    struct ab_op op;
    struct ab_work work;
    void (*drop)(void *arg);
    bool abandoned;
};

static void job_drop(struct job_op *self)
{
    self->drop(self->work.arg);
    ab_free(self);
}

static void job_free(struct ab_op *op)
{
    struct job_op *self = AB_CONTAINER(op, struct job_op, op);

    ab_op_drop(op);
    if (op->finished || ab_workers_withdraw(ab_loop_workers(op->loop), &self->work))
        job_drop(self);
    else
        self->abandoned = true;
}

static const struct ab_op_class job_class = {job_free};

void ab_job_over(struct ab_work *work)
{
    struct job_op *self = AB_CONTAINER(work, struct job_op, work);

    if (self->abandoned)
        job_drop(self);
    else
        ab_op_finish(&self->op, work->ok ? NULL : &work->err);
}

struct ab_op *ab_loop_job(struct ab_loop *loop, ab_job_run *run, void (*drop)(void *arg), void *arg,
                          struct ab_err *err)
{
    struct job_op *self = new_op(loop, sizeof *self, &job_class, err);

    if (!self)
        return NULL;
    self->drop = drop;
    self->work.run = run;
    self->work.arg = arg;
    if (!ab_workers_submit(ab_loop_workers(loop), &self->work, err)) {
        ab_free(self);
        return NULL;
    }
    return &self->op;
}
