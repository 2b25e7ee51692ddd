/* bind/http_prepared.h - requests that are alike but for URL, body and some headers: what they have
 * in common is read and checked once, and each is signed as it is sent. */
#ifndef AB_BIND_HTTP_PREPARED_H
#define AB_BIND_HTTP_PREPARED_H

#include <lua.h>

/* Register the class. */
void ab_bind_prepared_class(lua_State *L);

/* http.prepare(options): pushes a prepared request. Options as core.http.request's but for url,
 * body and pace, and: `varying` names of headers that each request has a value of its own for,
 * `wanted` names of the headers (in lower case) that are told of a reply of success (nil: all),
 * `sign` { region, service, s3, express, asymmetric } as core.sigv4 has them (nil: not signed).
 *
 * prepared:start(url, body, pace, keys, payload_hash, time, ...) -> op | nil, error: the operation
 * of core.http.request. `keys` { access_key_id, secret_access_key, session_token }, payload_hash
 * and time (epoch seconds) are nil where nothing is signed; then come the values of the varying
 * headers in their order, nil or false for none.
 *
 * prepared:shown(the same) -> method, stream, { {name, value}, ... } | nil, error: what start would
 * send, for whoever stands in for it. */
int ab_bind_prepared_new(lua_State *L);

/* The names wanted by the prepared request at `index`, NULL at their end; NULL: all. */
const char *const *ab_bind_prepared_wanted(lua_State *L, int index);

#endif
