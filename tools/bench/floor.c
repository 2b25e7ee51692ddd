/* The least a program with a Lua state and our libraries costs: awsbak's start is held against it.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int main(void)
{
    lua_State *L = luaL_newstate();

    if (!L)
        return 1;
    luaL_openlibs(L);
    lua_close(L);
    return 0;
}
