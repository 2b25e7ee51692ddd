/* module.c - awsbak.so for a stock lua5.4: every luaopen_awsbak_core_* comes along from bind. */
#include <lauxlib.h>
#include <lua.h>

int luaopen_awsbak(lua_State *L);

/* require "awsbak" -> { version = "x.y.z" }; the parts are required as "awsbak.core.NAME". */
int luaopen_awsbak(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, AB_VERSION);
    lua_setfield(L, -2, "version");
    return 1;
}
