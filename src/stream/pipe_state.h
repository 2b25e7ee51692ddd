/* stream/pipe_state.h - what a pipe is made of, for the files that are a pipe. */
#ifndef AB_STREAM_PIPE_STATE_H
#define AB_STREAM_PIPE_STATE_H

#include <pthread.h>

#include "stream/pipe.h"
#include "stream/pipe_link.h"

enum { PARTS_MAX = AB_PIPE_FLOWS_MAX + 2 };

/* A source, flow or sink. It lies between links at - 1 and at. */
struct part {
    struct ab_flow *flow; /* owned; NULL in the ends */
    bool running;         /* a thread is at it, and at nothing else */
    bool done;
    bool locked; /* until the script has unlocked it */
};

/* Where the script lets bytes be put: the sink's alone but for `put` and `taken`. */
struct room {
    struct ab_file *file; /* one reference */
    int64_t at;
    size_t size;
    size_t put;   /* from `at` on */
    size_t taken; /* of those, what the script knows of */
};

struct ab_pipe {
    struct ab_file *file; /* one reference; NULL: fed by the script */
    struct ab_sink *sink; /* owned; NULL: taken by the script, or put into its rooms */
    bool has_rooms;
    size_t count; /* of parts: source, flows, sink */
    int64_t at;   /* the source's alone: where in the file it is */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Guarded by lock, but for what a running part has to itself: */
    struct part part[PARTS_MAX];
    struct ab_link link[PARTS_MAX - 1];
    struct room room;
    size_t running;
    size_t idle;   /* threads that wait for a running part */
    bool has_more; /* the script, than there was room for */
    bool wants;    /* the script, and found nothing to take */
    bool stopped;
    int failed; /* the part, or -1 */
    struct ab_err err;
    uint64_t in, out;
};

/* The first part that is locked, or 0. With the lock held. */
size_t ab_pipe_locked_part(const struct ab_pipe *p);

#endif
