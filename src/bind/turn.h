/* bind/turn.h - a thing that worker threads use one job at a time: archive writers, readers, sinks.
 *
 * It is counted by references, because a job that is cancelled runs on and the thing must live
 * until the job ends. References belong to the loop's thread; while `busy`, only the job may touch
 * the thing. Kinds embed the turn first. */
#ifndef AB_BIND_TURN_H
#define AB_BIND_TURN_H

#include <stdatomic.h>

#include "bind/loop.h"

struct ab_turn {
    int refs;
    atomic_bool busy;
    void (*free)(struct ab_turn *turn); /* called once, without references */
};

/* One reference, not busy. */
void ab_turn_init(struct ab_turn *turn, void (*free)(struct ab_turn *turn));

/* Drop a reference. NULL is fine. */
void ab_turn_unref(struct ab_turn *turn);

/* What a script holds of a turn; its userdata are made of this, or begin with it. */
struct ab_turn_ref {
    struct ab_turn *turn; /* one reference; NULL before it is made and after close */
};

/* The turn of the userdata of `class` at 1. Raises "the <noun> is closed". */
struct ab_turn *ab_turn_open(lua_State *L, const char *class, const char *noun);

/* The same when no job runs. Raises "a <job> is running". */
struct ab_turn *ab_turn_idle(lua_State *L, const char *class, const char *noun, const char *job);

/* Close the userdata of `class` at 1; fine when it is. A job that runs keeps the thing alive. */
void ab_turn_close(lua_State *L, const char *class);

/* Start run(turn, err) on a worker thread and push its operation; the thing must not be busy.
 * Returns what the binding returns. op:result() is true. */
int ab_turn_job(lua_State *L, struct ab_turn *turn,
                bool (*run)(struct ab_turn *turn, struct ab_err *err));

#endif
