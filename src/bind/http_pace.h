/* bind/http_pace.h - rates that requests of core.http share. */
#ifndef AB_BIND_HTTP_PACE_H
#define AB_BIND_HTTP_PACE_H

#include <lua.h>

#include "net/http_pace.h"

/* Register the class. */
void ab_bind_pace_class(lua_State *L);

/* http.pace(bytes_per_s) -> pace | nil, error: an option of requests, all of which move so many
 * bytes of bodies a second together, sent and received */
int ab_bind_pace_new(lua_State *L);

/* The pace at `arg`, borrowed, or NULL where there is nothing; raises for any other value. */
struct ab_http_pace *ab_bind_pace(lua_State *L, int arg);

#endif
