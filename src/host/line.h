/* host/line.h - lines typed by a person, edited with libedit; awsbak.core.line. */
#ifndef AB_HOST_LINE_H
#define AB_HOST_LINE_H

#include <lua.h>

/* package.preload entry: line.open(history_path|nil) -> editor */
int ab_line_module(lua_State *L);

#endif
