/* bind/http_reply.h - a reply as Lua has it: { status, headers, version, remote, body | reader }.
 */
#ifndef AB_BIND_HTTP_REPLY_H
#define AB_BIND_HTTP_REPLY_H

#include <lua.h>

#include "net/http.h"

/* Results of operations whose argument is a struct ab_http: with the body, or for a streamed
 * request with a reader. User value 1 of the operation is what the request borrows. Of a reply of
 * success to a prepared request, which is user value 2 then, the headers are those that it wants.
 */
int ab_bind_http_whole(lua_State *L, void *http);
int ab_bind_http_streamed(lua_State *L, void *http);

/* A reply that is not whole may still have told its status and the request's id: set `head` of the
 * error on top. */
void ab_bind_http_add_head(lua_State *L, void *http);

#endif
