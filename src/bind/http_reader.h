/* bind/http_reader.h - the body of a reply as it comes. */
#ifndef AB_BIND_HTTP_READER_H
#define AB_BIND_HTTP_READER_H

#include <lua.h>

#include "net/http.h"

/* Register the class. */
void ab_bind_reader_class(lua_State *L);

/* Push a reader of a streamed reply, with one user value for what must live as long. Counts one
 * more owner of `http`. */
void ab_bind_reader_new(lua_State *L, struct ab_http *http);

#endif
