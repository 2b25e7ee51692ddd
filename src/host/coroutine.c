#include "host/coroutine.h"

#include <lauxlib.h>

#include "host/signals.h"

/* Resume `co` with the `arguments` values on top of `from`. Returns the number of results, moved to
 * `from`, or -1 with the error there. As lcorolib.c's auxresume (Lua 5.4). */
static int resume(lua_State *from, lua_State *co, int arguments)
{
    int results;

    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(from, "too many arguments to resume");
        return -1;
    }
    lua_xmove(from, co, arguments);
    lua_State *before = ab_signals_running(co);
    int status = lua_resume(co, from, arguments, &results);
    ab_signals_running(before);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, from, 1); /* the error */
        return -1;
    }
    if (!lua_checkstack(from, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(from, "too many results to resume");
        return -1;
    }
    lua_xmove(co, from, results);
    return results;
}

/* coroutine.resume(co, ...) */
static int coroutine_resume(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);

    luaL_argexpected(L, co, 1, "coroutine");
    int results = resume(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    lua_insert(L, results >= 0 ? -(results + 1) : -2);
    return results >= 0 ? results + 1 : 2;
}

/* An error in a wrapped coroutine: close it, put the place before the message, raise it here. */
static int raise_from(lua_State *L, lua_State *co)
{
    int status = lua_status(co);

    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pop(L, 1);
        status = lua_resetthread(co);
        lua_xmove(co, L, 1); /* the error, or that of a __close */
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrapped(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, co, lua_gettop(L));

    return results >= 0 ? results : raise_from(L, co);
}

/* coroutine.wrap(f) */
static int coroutine_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

void ab_coroutine_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"resume", coroutine_resume},
        {"wrap", coroutine_wrap},
        {NULL, NULL},
    };

    lua_getglobal(L, "coroutine");
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
