/* net/source.h - what kinds of operations are built from: for the files of src/net alone.
 *
 * Callbacks (timers, watches, transfers) run inside ab_loop_wait, outside any curl callback. They
 * may finish operations and set or clear sources, but never free an operation. */
#ifndef AB_NET_SOURCE_H
#define AB_NET_SOURCE_H

#include <curl/curl.h>
#include <stddef.h>

#include "net/loop.h"

struct ab_http_ways;

/* A descriptor the loop waits for. A member of its operation. */
struct ab_watch {
    int fd;       /* borrowed */
    short events; /* POLLIN, POLLOUT */
    void (*ready)(struct ab_watch *watch);
    bool set;
    size_t place; /* in the loop's table */
};

/* An operation that is a curl transfer; the easy handle's private pointer is the ab_transfer. It is
 * done with CURLE_FAILED_INIT, too, when memory ran out, or epoll refused a socket, for another one
 * (net/transfers.h). */
struct ab_transfer {
    struct ab_op op;
    CURL *easy;
    bool running;             /* the multi handle has it */
    int refused;              /* errno of epoll that ended it; 0: something else did */
    struct ab_transfer *next; /* among those that run */
    struct ab_transfer *previous;
    void (*done)(struct ab_transfer *transfer, CURLcode code);
};

/* Fill in the head of a zeroed operation. */
void ab_op_init(struct ab_op *op, struct ab_loop *loop, const struct ab_op_class *class);

/* Put on the done list, once; with a non-NULL `err` as failed. */
void ab_op_finish(struct ab_op *op, const struct ab_err *err);

/* Take off the done list and forget: for an op's own free function. */
void ab_op_drop(struct ab_op *op);

/* As ab_timers_set and ab_timers_clear, on the loop's heap. */
AB_MUST_USE bool ab_loop_set_timer(struct ab_loop *loop, struct ab_timer *timer, int64_t due_ns,
                                   struct ab_err *err);
void ab_loop_clear_timer(struct ab_loop *loop, struct ab_timer *timer);

/* Begin and end waiting for a descriptor; clearing one that is not set is fine. */
AB_MUST_USE bool ab_loop_watch(struct ab_loop *loop, struct ab_watch *watch, struct ab_err *err);
void ab_loop_unwatch(struct ab_loop *loop, struct ab_watch *watch);

/* Hand the easy handle to the multi handle, and take it back (fine when it is not there). */
AB_MUST_USE bool ab_loop_transfer(struct ab_loop *loop, struct ab_transfer *transfer,
                                  struct ab_err *err);
void ab_loop_withdraw(struct ab_loop *loop, struct ab_transfer *transfer);

/* As ab_transfers_resume. */
CURLcode ab_loop_resume(struct ab_loop *loop, struct ab_transfer *transfer);

/* The ways of HTTP exchanges that wait for another one (net/http_way.c). */
struct ab_http_ways *ab_loop_ways(struct ab_loop *loop);

/* The loop's threads, and what becomes of a reaped job (net/loop_ops.c). */
struct ab_workers *ab_loop_workers(struct ab_loop *loop);
void ab_job_over(struct ab_work *work);

/* The enclosing struct of member `name` at `pointer`. */
#define AB_CONTAINER(pointer, type, name) ((type *)(void *)((char *)(pointer)-offsetof(type, name)))

#endif
