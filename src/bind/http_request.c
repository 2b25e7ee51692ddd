/* bind/http_request.c - what a request of core.http is made of, read from Lua. */
#include "bind/http_request.h"

#include <lauxlib.h>
#include <string.h>

#include "bind/bind.h"
#include "bind/http_pace.h"
#include "bind/region.h"

static const char *opt_text(lua_State *L, int index, const char *name)
{
    const char *s = ab_bind_opt_string(L, index, name, NULL);

    return s && *s ? s : NULL;
}

static double opt_seconds(lua_State *L, int index, const char *name, double absent)
{
    lua_Number s = ab_bind_opt_number(L, index, name, absent);

    if (!(s >= 0 && s <= 1e6))
        luaL_error(L, "option '%s' is out of range", name);
    return s;
}

/* A method that always has a body, so that its length 0 is said. */
static bool needs_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

void ab_bind_http_options(lua_State *L, int index, struct ab_http_request *request)
{
    *request = ab_http_defaults;
    request->method = ab_bind_opt_string(L, index, "method", "GET");
    luaL_argcheck(L, ab_http_name_ok(request->method, strlen(request->method)), index,
                  "bad method");
    request->has_body = needs_body(request->method);
    request->stream = ab_bind_opt_boolean(L, index, "stream", false);
    request->proxy = opt_text(L, index, "proxy");
    request->no_proxy = opt_text(L, index, "no_proxy");
    request->ca_file = opt_text(L, index, "ca_file");
    request->ca_path = opt_text(L, index, "ca_path");
    request->proxy_ca_file = opt_text(L, index, "proxy_ca_file");
    request->proxy_cert_file = opt_text(L, index, "proxy_cert_file");
    request->connect_s = opt_seconds(L, index, "timeout_connect", request->connect_s);
    request->first_byte_s = opt_seconds(L, index, "timeout_first_byte", request->first_byte_s);
    request->slow_s = opt_seconds(L, index, "timeout_slow", request->slow_s);
    request->total_s = opt_seconds(L, index, "timeout_total", request->total_s);
    lua_Integer max = ab_bind_opt_integer(L, index, "max_body", (lua_Integer)request->max_body);
    luaL_argcheck(L, max >= 0, index, "option 'max_body' is out of range");
    request->max_body = (size_t)max;
}

void ab_bind_http_url(lua_State *L, int index, struct ab_http_request *request)
{
    size_t len;

    luaL_argcheck(L, lua_type(L, index) == LUA_TSTRING, 1, "the URL must be a string");
    request->url = lua_tolstring(L, index, &len);
    luaL_argcheck(L, ab_http_value_ok(request->url, len), 1, "the URL has a line break or NUL");
}

void ab_bind_http_body(lua_State *L, int index, struct ab_http_request *request)
{
    const struct ab_region *region = ab_bind_region(L, index);

    if (lua_isnil(L, index))
        return;
    request->has_body = true;
    if (region)
        request->region = *region;
    else
        request->body = ab_bind_bytes(L, index);
}

void ab_bind_http_value(lua_State *L, const char *name, struct ab_slice value)
{
    if (!ab_http_value_ok((const char *)value.data, value.len))
        luaL_error(L, "the value of header '%s' has a line break or NUL", name);
}

void ab_bind_http_pair(lua_State *L, struct ab_sigv4_header *header)
{
    if (lua_type(L, -1) != LUA_TTABLE)
        luaL_error(L, "a header must be a pair { name, value } of strings");
    lua_rawgeti(L, -1, 1); /* pair name */
    lua_rawgeti(L, -2, 2); /* pair name value */
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a header must be a pair { name, value } of strings");
    header->name = ab_bind_bytes(L, lua_gettop(L) - 1);
    header->value = ab_bind_bytes(L, lua_gettop(L));
    lua_pop(L, 2);
    if (!ab_http_name_ok((const char *)header->name.data, header->name.len))
        luaL_error(L, "a header's name has a character that is not allowed");
    ab_bind_http_value(L, (const char *)header->name.data, header->value);
}

void ab_bind_http_push_headers(lua_State *L, const struct ab_sigv4_header *list, size_t count)
{
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_createtable(L, 2, 0);
        lua_pushlstring(L, (const char *)list[i].name.data, list[i].name.len);
        lua_rawseti(L, -2, 1);
        lua_pushlstring(L, (const char *)list[i].value.data, list[i].value.len);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}
