#include "host/host.h"

#include <stdio.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "host/modules.h"

#include <lauxlib.h>

enum { EXIT_ERROR = 1, EXIT_MEMORY = 71 };

static void *lua_memory(void *ud, void *old, size_t old_size, size_t size)
{
    (void)ud;
    (void)old_size;
    if (size == 0) {
        ab_free(old);
        return NULL;
    }
    return ab_realloc(old, size);
}

/* require("awsbak.cli").main(argv) -> exit code */
static int run(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);

    ab_modules_open(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "awsbak.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    return 1;
}

int ab_host_main(int argc, char **argv)
{
    lua_State *L = lua_newstate(lua_memory, NULL);

    if (!L) {
        fputs("awsbak: out of memory\n", stderr);
        return EXIT_MEMORY;
    }
    lua_pushcfunction(L, run);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int code = EXIT_ERROR;
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        code = (int)lua_tointeger(L, -1);
    else
        fprintf(stderr, "awsbak: %s\n", luaL_tolstring(L, -1, NULL));
    lua_close(L);
    return code;
}
