/* bind/loop.h - the loop of a Lua state, and how bindings hand operations to scripts.
 *
 * A script holds an operation as a userdata "awsbak.op":
 *   op:id()      its number, as core.loop.step() returns it
 *   op:done()    whether it has finished
 *   op:result()  its values, or nil and an error table; once, and only when it has finished
 *   op:close()   cancel it if it still runs, and free it; also __close and __gc
 * Scripts wait with require("awsbak.task").await(op), which does all of this.
 *
 * A binding with work for another thread does:
 *
 *     struct sum { struct ab_buf in; uint8_t out[32]; };              plain C data, owned by the
 * job static bool run(void *arg, struct ab_err *err) {...}            worker thread: no lua_State
 *     static void drop(void *arg) {...}                               loop's thread: frees arg
 *     static int result(lua_State *L, void *arg) {...}                pushes values, returns how
 * many
 *
 *     static int thing_sum(lua_State *L)
 *     {
 *         ... check arguments, make `sum` ...
 *         return ab_bind_job(L, run, drop, sum, result);
 *     }
 */
#ifndef AB_BIND_LOOP_H
#define AB_BIND_LOOP_H

#include "bind/bind.h"
#include "net/loop.h"

/* The loop of this state, made on first use and freed with the state. Raises when it cannot be
 * made. */
struct ab_loop *ab_bind_loop(lua_State *L);

/* Push the values of a finished operation that did not fail; returns their number. May raise. */
typedef int ab_bind_result(lua_State *L, void *arg);

/* Add to the error table on top of the stack what is known of an operation that failed. May raise.
 */
typedef void ab_bind_failure(lua_State *L, void *arg);

struct ab_bind_op {
    struct ab_op *op; /* owned; NULL before start and after close */
    ab_bind_result *result;
    ab_bind_failure *failure; /* or NULL */
    void *arg;                /* borrowed: lives as long as op */
    uint64_t id;
};

/* Push a closed "awsbak.op" with two user values: for what the operation borrows from Lua, and for
 * what its result needs. Make it before the operation, then ab_bind_op_start(), so that a memory
 * error in between leaks nothing. */
struct ab_bind_op *ab_bind_op_new(lua_State *L, ab_bind_result *result);

/* Give `op` to the userdata on top of the stack. With a NULL `op`: push nil and `err`. Returns the
 * number of values, for `return`. */
int ab_bind_op_start(lua_State *L, struct ab_bind_op *self, struct ab_op *op, void *arg,
                     const struct ab_err *err);

/* Push an operation that runs run(arg, &err) on a worker thread; returns what the binding returns
 * (the op, or nil and an error). Takes `arg` in every case, even when it raises: drop(arg) is
 * called exactly once, on this thread, when nothing uses it any more (a job that runs when its op
 * is closed or collected is left to end first). op:result() calls result(L, arg) unless run failed.
 * Since the job may outlive every Lua value, `arg` must not point into one: copy, or count
 * references. */
int ab_bind_job(lua_State *L, ab_job_run *run, void (*drop)(void *arg), void *arg,
                ab_bind_result *result);

#endif
