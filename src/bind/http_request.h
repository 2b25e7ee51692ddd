/* bind/http_request.h - what a request of core.http is made of, read from Lua. All functions raise
 * for what no request can have. */
#ifndef AB_BIND_HTTP_REQUEST_H
#define AB_BIND_HTTP_REQUEST_H

#include <lua.h>

#include "crypto/sigv4.h"
#include "net/http.h"

enum { AB_BIND_HEADERS_MAX = 1000 };

/* Names of the options that ab_bind_http_options reads, and `headers`. */
#define AB_BIND_HTTP_OPTIONS                                                                       \
    "method", "headers", "proxy", "no_proxy", "ca_file", "ca_path", "proxy_ca_file",               \
        "proxy_cert_file", "timeout_connect", "timeout_slow", "timeout_total",                     \
        "timeout_first_byte", "max_body", "stream"

/* Fill `request` from the options table at `index` (absolute), which holds the strings: all but
 * url, headers, body and pace. */
void ab_bind_http_options(lua_State *L, int index, struct ab_http_request *request);

/* Take the URL at `index`, which must stay there. */
void ab_bind_http_url(lua_State *L, int index, struct ab_http_request *request);

/* Take the body at `index`, which must stay as long as the exchange: bytes, a region of a file, or
 * nil. */
void ab_bind_http_body(lua_State *L, int index, struct ab_http_request *request);

/* Read the header { name, value } on top of the stack, which holds the strings. */
void ab_bind_http_pair(lua_State *L, struct ab_sigv4_header *header);

/* Push a list of headers { name, value }. */
void ab_bind_http_push_headers(lua_State *L, const struct ab_sigv4_header *list, size_t count);

/* Raise unless header `name` can have the value. */
void ab_bind_http_value(lua_State *L, const char *name, struct ab_slice value);

#endif
