/* fuzz.c - libFuzzer beside a Lua state: hands each input to one function of spec/fuzz/targets.lua.
 *
 * FUZZ_TARGET names the function. It gives nothing back; whatever it raises is a finding. The C
 * below awsbak.core.* is instrumented, so that inputs are found which reach into it. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bind/bind.h"
#include "crypto/start.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *state; /* libFuzzer has no place for it */

static void stop(const char *what)
{
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("FUZZ_TARGET");
    struct ab_err err;

    (void)argc;
    (void)argv;
    if (!name || !ab_crypto_start(&err) || !(state = luaL_newstate()))
        stop("FUZZ_TARGET names a function of spec/fuzz/targets.lua");
    luaL_openlibs(state);
    ab_bind_preload(state);
    if (luaL_dostring(state, "package.path = './lua/?.lua;./lua/?/init.lua;./?.lua'") ||
        luaL_dofile(state, "spec/fuzz/targets.lua") ||
        lua_getfield(state, -1, name) != LUA_TFUNCTION)
        stop(lua_isstring(state, -1) ? lua_tostring(state, -1) : "there is no such target");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lua_pushvalue(state, -1);
    lua_pushlstring(state, (const char *)data, size);
    if (lua_pcall(state, 1, 0, 0) != LUA_OK)
        stop(lua_tostring(state, -1));
    return 0;
}
