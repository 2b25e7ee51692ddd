#include "host/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/signal.h"
#include "bind/bind.h"
#include "host/process.h"

enum {
    EXIT_TIMEOUT = 124,
    GRACE_S = 10,      /* from the deadline to the end of the process */
    HOOK_COUNT = 1000, /* Lua instructions between looks at the clock */
    PATIENCE_MS = 300, /* for the next await to come, before Lua code is stopped */
};

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGALRM};

/* What the handler needs; the one place where C keeps a lua_State (docs/ARCHITECTURE.md). */
static _Atomic(lua_State *) running;
static atomic_int first;      /* the signal that ends the run, or 0 */
static atomic_llong first_ms; /* when it came */

static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t); /* async-signal-safe */
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *name_of(int number)
{
    switch (number) {
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    case SIGHUP:
        return "SIGHUP";
    case SIGPIPE:
        return "SIGPIPE";
    default:
        return "SIGALRM";
    }
}

/* Runs every HOOK_COUNT instructions once a signal came. The signal stays posted: what else runs is
 * cancelled by the scheduler. */
static void stop_running(lua_State *L, lua_Debug *where)
{
    int number = ab_signal_pending();
    struct ab_err err;

    (void)where;
    if (number != 0 && number != SIGPIPE && now_ms() - atomic_load(&first_ms) < PATIENCE_MS)
        return;
    lua_sethook(L, NULL, 0, 0);
    if (number == 0)
        return; /* an await saw it */
    ab_fail(&err, AB_CANCELLED, name_of(number), "interrupted");
    ab_bind_error(L, &err);
    lua_error(L);
}

static void hook(lua_State *co)
{
    if (co)
        lua_sethook(co, stop_running, LUA_MASKCOUNT, HOOK_COUNT);
}

static void second(int number, int before)
{
    if (number == SIGPIPE || (number == SIGALRM && before != SIGALRM))
        return; /* we are on our way out already */
    if (number == SIGALRM) {
        ab_process_say("awsbak: error: still not done; ended\n");
        _exit(EXIT_TIMEOUT);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void handle(int number)
{
    int none = 0;

    if (number == SIGPIPE && !ab_process_output_closed())
        return; /* some other pipe or socket: its writer sees EPIPE */
    if (!atomic_compare_exchange_strong(&first, &none, number)) {
        second(number, none);
        return;
    }
    atomic_store(&first_ms, now_ms());
    ab_signal_post(number);
    hook(atomic_load(&running));
}

void ab_signals_start(lua_State *L)
{
    struct sigaction action = {.sa_handler =
                                   handle}; /* no SA_RESTART: a read at a prompt must end */
    struct sigaction before;

    atomic_store(&running, L);
    ab_signal_open();
    signal(SIGXFSZ, SIG_IGN); /* past a limit on file sizes, writing fails with EFBIG */
    signal(SIGCHLD, SIG_DFL); /* ignored, it would keep from us how a child ended */
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int number = numbers[i];
        int inherited = number != SIGPIPE && number != SIGALRM;
        if (inherited && sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        sigaction(number, &action, NULL);
    }
}

static int stop(lua_State *L)
{
    (void)L;
    atomic_store(&running, NULL);
    return 0;
}

void ab_signals_stop_at_close(lua_State *L)
{
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, stop);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    luaL_ref(L, LUA_REGISTRYINDEX);
}

lua_State *ab_signals_running(lua_State *co)
{
    if (ab_signal_pending())
        hook(co);
    return atomic_exchange(&running, co);
}

static int host_signalled(lua_State *L)
{
    int number = atomic_load(&first);

    ab_signal_take();
    if (number)
        lua_pushinteger(L, number);
    else
        lua_pushnil(L);
    return 1;
}

static int host_rearm(lua_State *L)
{
    (void)L;
    ab_signal_take();
    atomic_store(&first, 0);
    return 0;
}

static int host_deadline(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    struct itimerval timer = {.it_interval = {GRACE_S, 0}};

    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 1, "out of range");
    timer.it_value.tv_sec = (time_t)seconds;
    timer.it_value.tv_usec = (suseconds_t)((seconds - (lua_Number)timer.it_value.tv_sec) * 1e6);
    setitimer(ITIMER_REAL, &timer, NULL);
    return 0;
}

/* The code as os.exit takes it. */
static int host_finish(lua_State *L)
{
    bool is_flag = lua_isboolean(L, 1);
    int code = is_flag ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);

    lua_pushinteger(L, ab_process_finish(code, false));
    return 1;
}

int ab_signals_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"signalled", host_signalled}, {"rearm", host_rearm}, {"deadline", host_deadline},
        {"finish", host_finish},       {NULL, NULL},
    };

    luaL_newlib(L, functions);
    return 1;
}
