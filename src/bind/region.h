/* bind/region.h - regions of files as values of Lua. */
#ifndef AB_BIND_REGION_H
#define AB_BIND_REGION_H

#include <lua.h>
#include <stdbool.h>

#include "stream/region.h"

/* Register the class. */
void ab_bind_region_class(lua_State *L);

/* f:region(at, size): pushes a region of `file` | nil, err. Raises for numbers that are none. */
int ab_bind_region_new(lua_State *L, struct ab_file *file);

/* The region at `arg`, or NULL when there is another value; it has its file as long as the value
 * lives and is not closed. Raises for one that is closed. */
const struct ab_region *ab_bind_region(lua_State *L, int arg);

#endif
