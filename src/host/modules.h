/* host/modules.h - where Lua code comes from: the standard libraries, awsbak.core, the embedded
 * files, and absolute folders of the system; never the working directory or LUA_PATH. */
#ifndef AB_HOST_MODULES_H
#define AB_HOST_MODULES_H

#include <lua.h>

/* Open everything into a new state. Raises. */
void ab_modules_open(lua_State *L);

#endif
