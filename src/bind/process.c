/* bind/process.c - core.process: run a program, or keep one and read its lines. */
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "bind/loop.h"
#include "bind/modules.h"
#include "net/process.h"

#define PROCESS "awsbak.process"

enum { WORDS_MAX = 4096, OUTPUT_DEFAULT = 1024 * 1024, SECONDS_MAX = 1000000 };

struct process {
    struct ab_process *process; /* an owner of it; NULL when closed */
};

/* --- arguments ------------------------------------------------------------------------------- */

static void check_word(lua_State *L, const char *what)
{
    size_t len;

    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "%s must be strings", what);
    const char *s = lua_tolstring(L, -1, &len);
    if (strlen(s) != len)
        luaL_error(L, "%s must not contain NUL", what);
}

/* Push an array of `count` + 1 NULL pointers, owned by Lua. */
static char **push_array(lua_State *L, size_t count)
{
    char **array = lua_newuserdatauv(L, (count + 1) * sizeof *array, 0);

    memset(array, 0, (count + 1) * sizeof *array);
    return array;
}

/* Push the words of option `argv` as an array; the option's table holds the strings. */
static char **push_argv(lua_State *L)
{
    luaL_argcheck(L, ab_bind_get(L, 1, "argv") == LUA_TTABLE, 1, "option 'argv' must be a list");
    size_t count = lua_rawlen(L, -1);
    luaL_argcheck(L, count >= 1 && count <= WORDS_MAX, 1,
                  "option 'argv' must have 1 to 4096 words");
    char **argv = push_array(L, count);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        check_word(L, "the words of 'argv'");
        argv[i] = (char *)(uintptr_t)lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    return argv;
}

/* Push what holds option `env`, "NAME=value" strings; NULL when it is absent. */
static char **push_env(lua_State *L)
{
    size_t count = 0;

    if (ab_bind_get(L, 1, "env") == LUA_TNIL)
        return NULL;
    luaL_argcheck(L, lua_istable(L, -1), 1, "option 'env' must be a table");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        count++;
    lua_createtable(L, (int)count, 0); /* env strings */
    char **env = push_array(L, count); /* env strings array */
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, -4); lua_pop(L, 1)) {
        check_word(L, "values of 'env'");
        lua_pushvalue(L, -2); /* ... name value name */
        check_word(L, "names of 'env'");
        lua_pop(L, 1);
        env[n] = (char *)(uintptr_t)lua_pushfstring(L, "%s=%s", lua_tostring(L, -2),
                                                    lua_tostring(L, -1));
        lua_rawseti(L, -5, (lua_Integer)++n);
    }
    return env;
}

static double opt_timeout(lua_State *L)
{
    lua_Number seconds = ab_bind_opt_number(L, 1, "timeout", 0);

    luaL_argcheck(L, seconds >= 0 && seconds <= SECONDS_MAX, 1, "option 'timeout' is out of range");
    return seconds;
}

static size_t opt_max_output(lua_State *L)
{
    lua_Integer max = ab_bind_opt_integer(L, 1, "max_output", OUTPUT_DEFAULT);

    luaL_argcheck(L, max >= 0 && max <= INT32_MAX, 1, "option 'max_output' is out of range");
    return (size_t)max;
}

/* --- run ------------------------------------------------------------------------------------- */

static void set_bytes(lua_State *L, const char *name, struct ab_slice bytes)
{
    lua_pushlstring(L, (const char *)bytes.data, bytes.len);
    lua_setfield(L, -2, name);
}

/* Push { status = } or { signal = } */
static void push_end(lua_State *L, const struct ab_process *process)
{
    int number = ab_process_signal(process);

    lua_createtable(L, 0, 3);
    lua_pushinteger(L, number != 0 ? number : ab_process_status(process));
    lua_setfield(L, -2, number != 0 ? "signal" : "status");
}

static int run_result(lua_State *L, void *arg)
{
    const struct ab_process *process = arg;

    push_end(L, process);
    set_bytes(L, "stdout", ab_process_stdout(process));
    set_bytes(L, "stderr", ab_process_stderr(process));
    return 1;
}

static int wait_result(lua_State *L, void *arg)
{
    push_end(L, arg);
    return 1;
}

/* process.run{ argv = { program, word, ... }, env = { NAME = value } (all of it; default ours),
 * stdin = bytes, timeout = seconds, max_output = bytes of each output (default 1 MiB) } -> op |
 * nil, error. The op's result: { status = code | signal = number, stdout = bytes, stderr = bytes }.
 * Nobody hears what it says once we are gone, so it dies with us, however we end. */
static int process_run(lua_State *L)
{
    static const char *const names[] = {"argv", "env", "stdin", "timeout", "max_output", NULL};
    struct ab_process_options options = {.die_with_parent = true};
    struct ab_err err;

    ab_bind_only(L, 1, names);
    lua_settop(L, 1);
    options.timeout_s = opt_timeout(L);
    options.max_output = opt_max_output(L);
    if (ab_bind_get(L, 1, "stdin") != LUA_TNIL)
        options.stdin_bytes = ab_bind_bytes(L, -1);
    options.argv = push_argv(L);
    options.env = push_env(L);
    struct ab_bind_op *self = ab_bind_op_new(L, run_result);

    struct ab_process *process = ab_process_start(ab_bind_loop(L), &options, &err);
    struct ab_op *op = process ? ab_process_wait(process, &err) : NULL;
    ab_process_free(process); /* the op owns it now, if there is one */
    return ab_bind_op_start(L, self, op, process, &err);
}

/* --- spawn ----------------------------------------------------------------------------------- */

static struct ab_process *open_process(lua_State *L)
{
    struct process *self = luaL_checkudata(L, 1, PROCESS);

    luaL_argcheck(L, self->process, 1, "process is closed");
    return self->process;
}

/* process.spawn{ argv, env, die_with_parent = true, max_output = bytes of stdout kept, talk = false
 * (its stdin takes what send() gives) } -> process | nil, error. Its stderr is ours; of stdout that
 * nobody reads the oldest is forgotten, but with talk it is a failure, code "too_large". */
static int process_spawn(lua_State *L)
{
    static const char *const names[] = {"argv",       "env",  "die_with_parent",
                                        "max_output", "talk", NULL};
    struct ab_process_options options = {.keep = true};
    struct ab_err err;

    ab_bind_only(L, 1, names);
    lua_settop(L, 1);
    options.talk = ab_bind_opt_boolean(L, 1, "talk", false);
    options.die_with_parent = ab_bind_opt_boolean(L, 1, "die_with_parent", true);
    options.max_output = opt_max_output(L);
    options.argv = push_argv(L);
    options.env = push_env(L);
    struct ab_loop *loop = ab_bind_loop(L);
    struct process *self = ab_bind_object(L, sizeof *self, PROCESS, 0);

    self->process = ab_process_start(loop, &options, &err);
    return self->process ? 1 : ab_bind_fail(L, &err);
}

/* process:pid() -> integer */
static int process_pid(lua_State *L)
{
    lua_pushinteger(L, ab_process_pid(open_process(L)));
    return 1;
}

/* process:kill([signal]): SIGTERM by default, to all of its group */
static int process_kill(lua_State *L)
{
    ab_process_kill(open_process(L), (int)luaL_optinteger(L, 2, SIGTERM));
    return 0;
}

/* process:wait() -> op | nil, error; its result: { status = code | signal = number } */
static int process_wait(lua_State *L)
{
    struct ab_process *process = open_process(L);
    struct ab_bind_op *self = ab_bind_op_new(L, wait_result);
    struct ab_err err;

    return ab_bind_op_start(L, self, ab_process_wait(process, &err), process, &err);
}

static int line_result(lua_State *L, void *arg)
{
    struct ab_process *process = arg;
    struct ab_slice line = ab_process_line(process);
    size_t shown = line.len > 0 && line.data[line.len - 1] == '\n' ? line.len - 1 : line.len;

    if (line.len == 0)
        return 0;
    lua_pushlstring(L, (const char *)line.data, shown);
    ab_process_take(process, line.len);
    return 1;
}

/* process:read_line() -> op | nil, error; its result: a line of stdout, or nothing at the end */
static int process_read_line(lua_State *L)
{
    struct ab_process *process = open_process(L);
    struct ab_bind_op *self = ab_bind_op_new(L, line_result);
    struct ab_err err;

    return ab_bind_op_start(L, self, ab_process_await_line(process, &err), process, &err);
}

/* process:send(string or secret) -> true | nil, error (code EPIPE: it reads no more): bytes for its
 * stdin, not waited for */
static int process_send(lua_State *L)
{
    struct ab_err err;

    if (!ab_process_send(open_process(L), ab_bind_secret_bytes(L, 2), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* process:end_input(): its stdin ends after what was sent */
static int process_end_input(lua_State *L)
{
    ab_process_end_input(open_process(L));
    return 0;
}

/* process:close(), __close and __gc: kills it if it still runs */
static int process_close(lua_State *L)
{
    struct process *self = luaL_checkudata(L, 1, PROCESS);
    struct ab_process *process = self->process;

    self->process = NULL;
    ab_process_free(process);
    return 0;
}

static const luaL_Reg process_meta[] = {
    {"__gc", process_close}, {"__close", process_close}, {NULL, NULL}};

static const luaL_Reg process_methods[] = {
    {"pid", process_pid},     {"kill", process_kill},
    {"send", process_send},   {"end_input", process_end_input},
    {"wait", process_wait},   {"read_line", process_read_line},
    {"close", process_close}, {NULL, NULL},
};

static const luaL_Reg functions[] = {{"run", process_run}, {"spawn", process_spawn}, {NULL, NULL}};

int luaopen_awsbak_core_process(lua_State *L)
{
    ab_bind_class(L, PROCESS, process_meta, process_methods);
    luaL_newlib(L, functions);
    return 1;
}
