/* bind/sys.c - small facts of the outside: environment, clocks, terminal, random bytes. */
#include <stdlib.h>
#include <time.h>

#include "bind/bind.h"
#include "bind/modules.h"

static lua_Number seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9;
}

/* sys.now() -> epoch seconds with fraction */
static int sys_now(lua_State *L)
{
    lua_pushnumber(L, seconds_of(CLOCK_REALTIME));
    return 1;
}

/* sys.monotonic() -> seconds of a clock that never goes back */
static int sys_monotonic(lua_State *L)
{
    lua_pushnumber(L, seconds_of(CLOCK_MONOTONIC));
    return 1;
}

/* sys.getenv(name) -> value, or nil when unset or empty */
static int sys_getenv(lua_State *L)
{
    const char *value = getenv(luaL_checkstring(L, 1));

    if (value && *value)
        lua_pushstring(L, value);
    else
        lua_pushnil(L);
    return 1;
}

static const luaL_Reg functions[] = {
    {"now", sys_now},
    {"monotonic", sys_monotonic},
    {"getenv", sys_getenv},
    {NULL, NULL},
};

int luaopen_awsbak_core_sys(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
