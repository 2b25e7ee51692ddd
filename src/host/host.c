#include "host/host.h"

#include <lauxlib.h>
#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "crypto/start.h"
#include "host/modules.h"
#include "host/process.h"
#include "host/signals.h"

enum { EXIT_ERROR = 1, EXIT_MEMORY = 71 };

static void *lua_memory(void *ud, void *old, size_t old_size, size_t size)
{
    return ab_pool_resize(ud, old, old_size, size);
}

static void *crypto_alloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return ab_alloc(size);
}

static void *crypto_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return ab_realloc(old, size);
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    ab_free(p);
}

static int out_of_memory(void)
{
    ab_process_say("awsbak: error: out of memory\n");
    return EXIT_MEMORY;
}

/* A collection begins when the heap is 1.3 times what the last one left, not twice: a backup of
 * 10,000 parameters peaks 1.3 MB lower, for 3 % more CPU at most. */
enum { GC_PAUSE = 130 };

/* KiB that are allocated before the first collection begins. A small heap doubles many times while
 * modules and models are read, and collecting each time finds no garbage: a tenth of a first call's
 * time. A step of less than nothing puts the next one off by that much (Lua manual 5.4, 4.6:
 * LUA_GCSTEP counts a step as that many KiB allocated). */
enum { GC_FIRST = 2048 };

/* require("awsbak.cli").main(argv) -> exit code, whether it said that standard output failed */
static int run(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);

    ab_signals_stop_at_close(L);
    lua_gc(L, LUA_GCSTOP); /* nothing of what is made now is garbage */
    ab_modules_open(L);
    lua_gc(L, LUA_GCRESTART);
    lua_gc(L, LUA_GCINC, GC_PAUSE, 0, 0);
    lua_gc(L, LUA_GCSTEP, -GC_FIRST);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "awsbak.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 2);
    return 2;
}

static int exit_code(lua_State *L, int status)
{
    if (status == LUA_OK)
        return (int)lua_tointeger(L, 1);
    if (status == LUA_ERRMEM)
        return out_of_memory();
    const char *message = lua_tostring(L, -1); /* a string needs no memory */
    ab_process_say("awsbak: error: ");
    ab_process_say(message ? message : "the program failed in an unknown way");
    ab_process_say("\n");
    return EXIT_ERROR;
}

int ab_host_main(int argc, char **argv)
{
    struct ab_err err;

    ab_process_harden();
    if (!ab_process_open_standard())
        return EXIT_ERROR; /* and nowhere to say why */
    ab_process_faults();
    CRYPTO_set_mem_functions(crypto_alloc, crypto_realloc, crypto_free);
    if (!ab_crypto_start(&err))
        return out_of_memory();
    struct ab_pool pool = {0};
    lua_State *L = lua_newstate(lua_memory, &pool);
    if (!L)
        return out_of_memory();

    ab_signals_start(L);
    lua_pushcfunction(L, run);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int status = lua_pcall(L, 2, 2, 0);
    bool was_said = status == LUA_OK && lua_toboolean(L, 2);
    int code = ab_process_finish(exit_code(L, status), was_said);
    lua_close(L);
    ab_pool_drop(&pool);
    return code;
}
