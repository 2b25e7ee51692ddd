/* bind/loop.c - core.loop: operations in flight (deadlines, jobs, requests) as Lua sees them.
 *
 * Lua owns an operation. C never calls back into Lua: a finished operation waits on the loop's done
 * list, step() hands its id to lua/awsbak/task.lua, and the scheduler there resumes the coroutine
 * that awaits it. No lua_State is stored anywhere in C. */
#include "bind/loop.h"

#include "base/signal.h"
#include "bind/modules.h"

#define OP "awsbak.op"
#define LOOP "awsbak.loop"
#define SECONDS_MAX 1e9

/* Frees the loop at the end of the state, after the operations: finalizers run newest first. */
static int loop_gc(lua_State *L)
{
    struct ab_host *host = *(struct ab_host **)luaL_checkudata(L, 1, LOOP);

    if (host)
        ab_loop_free(host->loop);
    if (host)
        host->loop = NULL;
    return 0;
}

static const luaL_Reg loop_meta[] = {{"__gc", loop_gc}, {NULL, NULL}};
static const luaL_Reg no_methods[] = {{NULL, NULL}};

static struct ab_bind_op *open_op(lua_State *L)
{
    struct ab_bind_op *self = luaL_checkudata(L, 1, OP);

    luaL_argcheck(L, self->op, 1, "operation is closed");
    return self;
}

/* op:id() -> integer; also of a closed op */
static int op_id(lua_State *L)
{
    struct ab_bind_op *self = luaL_checkudata(L, 1, OP);

    lua_pushinteger(L, (lua_Integer)self->id);
    return 1;
}

/* op:done() -> boolean */
static int op_done(lua_State *L)
{
    lua_pushboolean(L, open_op(L)->op->finished);
    return 1;
}

static void close_op(struct ab_bind_op *self)
{
    struct ab_op *op = self->op;

    self->op = NULL;
    self->arg = NULL;
    ab_op_free(op);
}

static int push_failure(lua_State *L, struct ab_bind_op *self)
{
    int count = ab_bind_fail(L, &self->op->err);

    if (self->failure)
        self->failure(L, self->arg);
    return count;
}

/* op:result() -> values... | nil, error; closes the op */
static int op_result(lua_State *L)
{
    struct ab_bind_op *self = open_op(L);
    struct ab_op *op = self->op;

    luaL_argcheck(L, op->finished, 1, "operation is still running");
    int count = op->failed ? push_failure(L, self) : self->result(L, self->arg);
    close_op(self);
    return count;
}

/* op:close(), __close and __gc: cancels an operation that still runs */
static int op_close(lua_State *L)
{
    close_op(luaL_checkudata(L, 1, OP));
    return 0;
}

static const luaL_Reg op_meta[] = {{"__gc", op_close}, {"__close", op_close}, {NULL, NULL}};

static const luaL_Reg op_methods[] = {
    {"id", op_id}, {"done", op_done}, {"result", op_result}, {"close", op_close}, {NULL, NULL},
};

struct ab_loop *ab_bind_loop(lua_State *L)
{
    struct ab_host *host = ab_bind_host(L);
    struct ab_err err;

    if (host->loop)
        return host->loop;
    ab_bind_class(L, OP, op_meta, op_methods);
    ab_bind_class(L, LOOP, loop_meta, no_methods);
    struct ab_host **guard = ab_bind_object(L, sizeof(struct ab_host *), LOOP, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loop_meta); /* kept while the state lives */
    host->loop = ab_loop_new(&err);
    if (!host->loop) {
        ab_bind_error(L, &err);
        lua_error(L);
    }
    *guard = host;
    return host->loop;
}

struct ab_bind_op *ab_bind_op_new(lua_State *L, ab_bind_result *result)
{
    ab_bind_loop(L);
    struct ab_bind_op *self = ab_bind_object(L, sizeof *self, OP, 2);
    self->result = result;
    self->failure = NULL;
    return self;
}

int ab_bind_op_start(lua_State *L, struct ab_bind_op *self, struct ab_op *op, void *arg,
                     const struct ab_err *err)
{
    if (!op)
        return ab_bind_fail(L, err);
    self->op = op;
    self->arg = arg;
    self->id = ab_op_id(op);
    return 1;
}

/* (result as light userdata) -> op, closed */
static int make_op(lua_State *L)
{
    ab_bind_result *const *result = lua_touserdata(L, 1);

    ab_bind_op_new(L, *result);
    return 1;
}

int ab_bind_job(lua_State *L, ab_job_run *run, void (*drop)(void *arg), void *arg,
                ab_bind_result *result)
{
    struct ab_err err;

    lua_pushcfunction(L, make_op);
    lua_pushlightuserdata(L, &result);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        drop(arg);
        return lua_error(L);
    }
    struct ab_op *op = ab_loop_job(ab_bind_loop(L), run, drop, arg, &err);
    if (!op)
        drop(arg);
    return ab_bind_op_start(L, lua_touserdata(L, -1), op, arg, &err);
}

static int no_values(lua_State *L, void *arg)
{
    (void)L;
    (void)arg;
    return 0;
}

static lua_Number check_seconds(lua_State *L, int arg)
{
    lua_Number seconds = luaL_checknumber(L, arg);

    luaL_argcheck(L, seconds >= 0, arg, "seconds must not be negative");
    return seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
}

/* loop.sleep(seconds) -> op | nil, error */
static int loop_sleep(lua_State *L)
{
    lua_Number seconds = check_seconds(L, 1);
    struct ab_bind_op *self = ab_bind_op_new(L, no_values);
    struct ab_err err;
    struct ab_op *op = ab_loop_timer(ab_bind_loop(L), seconds, &err);

    return ab_bind_op_start(L, self, op, NULL, &err);
}

/* loop.ready(fd, "read"|"write") -> op | nil, error: finishes when the descriptor is ready */
static int loop_ready(lua_State *L)
{
    static const char *const modes[] = {"read", "write", NULL};
    int fd = (int)luaL_checkinteger(L, 1);
    bool for_writing = luaL_checkoption(L, 2, NULL, modes) == 1;
    struct ab_bind_op *self = ab_bind_op_new(L, no_values);
    struct ab_err err;
    struct ab_op *op = ab_loop_ready(ab_bind_loop(L), fd, for_writing, &err);

    return ab_bind_op_start(L, self, op, NULL, &err);
}

/* loop.step(seconds) -> { id, ... } | nil, error: waits for finished operations or a signal */
static int loop_step(lua_State *L)
{
    lua_Number seconds = check_seconds(L, 1);
    struct ab_loop *loop = ab_bind_loop(L);
    struct ab_err err;

    if (!ab_loop_wait(loop, seconds, &err))
        return ab_bind_fail(L, &err);
    lua_newtable(L);
    for (lua_Integer n = 1; ab_loop_done(loop); n++) {
        lua_pushinteger(L, (lua_Integer)ab_op_id(ab_loop_done(loop)));
        lua_rawseti(L, -2, n);
        ab_loop_shift(loop); /* only now: rawseti can raise, and no id may be lost */
    }
    return 1;
}

/* loop.signal() -> number of a signal that came since the last call, or nil */
static int loop_signal(lua_State *L)
{
    int number = ab_signal_take();

    if (number == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, number);
    return 1;
}

static const luaL_Reg functions[] = {
    {"sleep", loop_sleep},   {"ready", loop_ready}, {"step", loop_step},
    {"signal", loop_signal}, {NULL, NULL},
};

int luaopen_awsbak_core_loop(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
