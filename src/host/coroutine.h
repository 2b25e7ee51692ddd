/* host/coroutine.h - coroutine.resume and coroutine.wrap that tell host/signals.h who runs. */
#ifndef AB_HOST_COROUTINE_H
#define AB_HOST_COROUTINE_H

#include <lua.h>

/* Replace the two functions in the coroutine library of `L`. */
void ab_coroutine_open(lua_State *L);

#endif
