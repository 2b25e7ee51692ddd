#include "host/host.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "host/embed.h"

#include <lua-cjson.h>
#include <lualib.h>

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

/* package.searchers entry: "aws.ssm" is lua/aws/ssm.lua or lua/aws/ssm/init.lua, "scripts.x" is scripts/x.lua */
static int search_embedded(lua_State *L)
{
    const char *name = luaL_gsub(L, luaL_checkstring(L, 1), ".", "/");
    const char *folder = strncmp(name, "scripts/", 8) == 0 ? "" : "lua/";
    static const char *const endings[] = {".lua", "/init.lua"};

    for (size_t i = 0; i < 2; i++) {
        const char *path = lua_pushfstring(L, "%s%s%s", folder, name, endings[i]);
        const struct ab_embed_file *file = ab_embed_find(path);
        if (!file)
            continue;
        const char *chunk = lua_pushfstring(L, "=%s", path);
        if (luaL_loadbufferx(L, file->data, (size_t)(file->end - file->data), chunk, "t") != LUA_OK)
            return lua_error(L);
        lua_pushstring(L, path);
        return 2;
    }
    lua_pushfstring(L, "no embedded module '%s'", name);
    return 1;
}

static int run(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);

    luaL_openlibs(L);
    ab_bind_preload(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_cjson);
    lua_setfield(L, -2, "cjson");
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    lua_pushcfunction(L, search_embedded);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_settop(L, 0);

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
