/* net/loop.h - the event loop and the operations in flight on it.
 *
 * One thread, one loop: it waits for transfers, descriptors, deadlines, worker threads and signals
 * at once. What finishes goes to a done list and is handed out when asked; nothing is ever called
 * back into. An operation (ab_op) belongs to whoever started it, who frees it, and so
 * cancels it when it still runs. All operations must be freed before their loop. */
#ifndef AB_NET_LOOP_H
#define AB_NET_LOOP_H

#include <stdint.h>

#include "base/err.h"
#include "net/timers.h"
#include "net/workers.h"

struct ab_loop;
struct ab_op;

struct ab_op_class {
    void (*free)(struct ab_op *op); /* stop what runs, release all, the op itself too */
};

/* The head of every operation; its kinds (timer, job, HTTP exchange, ...) embed it first. */
struct ab_op {
    const struct ab_op_class *class;
    struct ab_loop *loop; /* borrowed */
    uint64_t id;          /* unique in the loop, never 0 */
    bool finished;
    bool failed;       /* finished with err */
    struct ab_err err; /* valid when failed */
    struct ab_op *previous_done;
    struct ab_op *next_done;
};

/* A loop; initialises OpenSSL, then libcurl. NULL on failure. */
struct ab_loop *ab_loop_new(struct ab_err *err);

/* Free the loop after waiting for jobs that still run. NULL is fine. */
void ab_loop_free(struct ab_loop *loop);

/* Wait until an operation is on the done list, a signal is pending, or `seconds` are over. */
AB_MUST_USE bool ab_loop_wait(struct ab_loop *loop, double seconds, struct ab_err *err);

/* The first operation of the done list, or NULL; and take it off. It stays its owner's. */
struct ab_op *ab_loop_done(const struct ab_loop *loop);
void ab_loop_shift(struct ab_loop *loop);

/* A number that no other operation of this loop has or had. */
uint64_t ab_op_id(const struct ab_op *op);

/* Cancel and free. NULL is fine. */
void ab_op_free(struct ab_op *op);

/* An operation that finishes `seconds` from now. NULL on failure. */
struct ab_op *ab_loop_timer(struct ab_loop *loop, double seconds, struct ab_err *err);

/* An operation that finishes when `fd` can be read (or written), is at its end or in error. `fd` is
 * borrowed. For pipes and terminals, which a worker thread could wait on for ever. */
struct ab_op *ab_loop_ready(struct ab_loop *loop, int fd, bool for_writing, struct ab_err *err);

/* An operation that runs run(arg, err) on a worker thread and finishes with its outcome.
 * From success on the loop owns `arg` and calls drop(arg) exactly once, on the loop's thread: when
 * the op is freed, or, if the job runs at that time, when it is over. NULL on failure (and arg
 * stays the caller's). */
struct ab_op *ab_loop_job(struct ab_loop *loop, ab_job_run *run, void (*drop)(void *arg), void *arg,
                          struct ab_err *err);

#endif
