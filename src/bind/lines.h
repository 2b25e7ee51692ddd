/* bind/lines.h - texts of sorted lines that are no Lua strings. */
#ifndef AB_BIND_LINES_H
#define AB_BIND_LINES_H

#include <lua.h>
#include <stddef.h>

/* Push a text of `len` bytes, to be filled at once; the functions of awsbak.core.lines take it as
 * they take a string, which would be made of a copy: of EC2's model 720 KB. Raises when out of
 * memory. */
char *ab_lines_push(lua_State *L, size_t len);

#endif
