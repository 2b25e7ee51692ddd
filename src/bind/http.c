/* bind/http.c - core.http: one request, as an operation; its reply, whole or as a reader
 * (bind/http_reader.c). */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "bind/http_pace.h"
#include "bind/http_reader.h"
#include "bind/loop.h"
#include "bind/modules.h"
#include "bind/region.h"
#include "net/http.h"

enum { HEADERS_MAX = 1000, REMOTE_MAX = 80 };

static void push_headers(lua_State *L, const struct ab_http *http)
{
    const char *name, *value;

    lua_newtable(L);
    size_t at = ab_http_next_header(http, 0, &name, &value);
    for (lua_Integer n = 1; at != 0; n++) {
        lua_createtable(L, 2, 0);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, value);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, n);
        at = ab_http_next_header(http, at, &name, &value);
    }
}

/* The reply without its body: { status, headers, version, remote } */
static void push_head(lua_State *L, const struct ab_http *http)
{
    char remote[REMOTE_MAX];

    lua_createtable(L, 0, 5);
    lua_pushinteger(L, ab_http_status(http));
    lua_setfield(L, -2, "status");
    push_headers(L, http);
    lua_setfield(L, -2, "headers");
    lua_pushstring(L, ab_http_version(http));
    lua_setfield(L, -2, "version");
    ab_http_remote(http, remote, sizeof remote);
    lua_pushstring(L, remote);
    lua_setfield(L, -2, "remote");
}

static int whole_result(lua_State *L, void *arg)
{
    struct ab_http *http = arg;
    struct ab_slice body = ab_http_body(http);

    push_head(L, http);
    lua_pushlstring(L, (const char *)body.data, body.len);
    lua_setfield(L, -2, "body");
    return 1;
}

/* A reply that is not whole may still have told its status and the request's id. */
static void add_head(lua_State *L, void *arg)
{
    if (!ab_http_has_head(arg))
        return;
    push_head(L, arg);
    lua_setfield(L, -2, "head");
}

static int stream_result(lua_State *L, void *arg)
{
    struct ab_http *http = arg;

    push_head(L, http);
    ab_bind_reader_new(L, http);
    lua_getiuservalue(L, 1, 1); /* reply reader body: what is still being sent stays */
    lua_setiuservalue(L, -2, 1);
    lua_setfield(L, -2, "reader");
    return 1;
}

/* --- a request's table ----------------------------------------------------------------------- */

/* Raise unless the pair on top can be sent. */
static void check_header(lua_State *L)
{
    size_t name_len, value_len;

    lua_rawgeti(L, -1, 1); /* pair name */
    lua_rawgeti(L, -2, 2); /* pair name value */
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a header must be a pair { name, value } of strings");
    const char *name = lua_tolstring(L, -2, &name_len);
    const char *value = lua_tolstring(L, -1, &value_len);
    if (!ab_http_name_ok(name, name_len))
        luaL_error(L, "a header's name has a character that is not allowed");
    if (!ab_http_value_ok(value, value_len))
        luaL_error(L, "the value of header '%s' has a line break or NUL", name);
    lua_pop(L, 2);
}

/* Raise unless the headers of the request at 1 can be sent; leaves their table (or nil) on the
 * stack. */
static void check_headers(lua_State *L)
{
    if (ab_bind_get(L, 1, "headers") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, -1);
    if (count > HEADERS_MAX)
        luaL_error(L, "too many headers");
    for (lua_Unsigned i = 1; i <= count; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TTABLE)
            luaL_error(L, "a header must be a pair { name, value } of strings");
        check_header(L);
        lua_pop(L, 1);
    }
}

/* Add the checked headers of the table at `index`; raises nothing. */
static bool add_headers(lua_State *L, int index, struct ab_http *http, struct ab_err *err)
{
    lua_Unsigned count = lua_isnil(L, index) ? 0 : lua_rawlen(L, index);
    bool ok = true;

    for (lua_Unsigned i = 1; ok && i <= count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i);
        lua_rawgeti(L, -1, 1); /* pair name */
        lua_rawgeti(L, -2, 2); /* pair name value */
        ok = ab_http_header(http, lua_tostring(L, -2), lua_tostring(L, -1), err);
        lua_pop(L, 3);
    }
    return ok;
}

static const char *opt_text(lua_State *L, const char *name)
{
    const char *s = ab_bind_opt_string(L, 1, name, NULL);

    return s && *s ? s : NULL;
}

static double opt_seconds(lua_State *L, const char *name, double absent)
{
    lua_Number s = ab_bind_opt_number(L, 1, name, absent);

    if (!(s >= 0 && s <= 1e6))
        luaL_error(L, "option '%s' is out of range", name);
    return s;
}

/* Read the options of the table at 1; leaves the body (or nil) on the stack, which must stay. */
static void check_request(lua_State *L, struct ab_http_request *request)
{
    static const char *const options[] = {"method",
                                          "url",
                                          "headers",
                                          "body",
                                          "proxy",
                                          "no_proxy",
                                          "ca_file",
                                          "ca_path",
                                          "proxy_ca_file",
                                          "proxy_cert_file",
                                          "timeout_connect",
                                          "timeout_slow",
                                          "timeout_total",
                                          "max_body",
                                          "stream",
                                          "timeout_first_byte",
                                          "pace",
                                          NULL};
    size_t url_len;

    ab_bind_only(L, 1, options);
    *request = ab_http_defaults;
    ab_bind_get(L, 1, "url");
    luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 1, "option 'url' must be a string");
    request->url = lua_tolstring(L, -1, &url_len);
    luaL_argcheck(L, ab_http_value_ok(request->url, url_len), 1, "the URL has a line break or NUL");
    lua_pop(L, 1); /* the table holds it */
    request->method = ab_bind_opt_string(L, 1, "method", "GET");
    luaL_argcheck(L, ab_http_name_ok(request->method, strlen(request->method)), 1, "bad method");
    request->stream = ab_bind_opt_boolean(L, 1, "stream", false);
    request->proxy = opt_text(L, "proxy");
    request->no_proxy = opt_text(L, "no_proxy");
    request->ca_file = opt_text(L, "ca_file");
    request->ca_path = opt_text(L, "ca_path");
    request->proxy_ca_file = opt_text(L, "proxy_ca_file");
    request->proxy_cert_file = opt_text(L, "proxy_cert_file");
    request->connect_s = opt_seconds(L, "timeout_connect", request->connect_s);
    request->first_byte_s = opt_seconds(L, "timeout_first_byte", request->first_byte_s);
    request->slow_s = opt_seconds(L, "timeout_slow", request->slow_s);
    request->total_s = opt_seconds(L, "timeout_total", request->total_s);
    lua_Integer max = ab_bind_opt_integer(L, 1, "max_body", (lua_Integer)request->max_body);
    luaL_argcheck(L, max >= 0, 1, "option 'max_body' is out of range");
    request->max_body = (size_t)max;
    ab_bind_get(L, 1, "pace");
    request->pace = ab_bind_pace(L, -1);
    lua_pop(L, 1); /* the table holds it */
    request->has_body = ab_bind_get(L, 1, "body") != LUA_TNIL;
    const struct ab_region *region = ab_bind_region(L, -1);
    if (region)
        request->region = *region;
    else if (request->has_body)
        request->body = ab_bind_bytes(L, -1);
}

/* A body, or a method that always has one, so that its length 0 is said. */
static bool needs_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/* http.request{ method, url, headers, body, ... } -> op | nil, error. See lua/awsbak/http.lua. */
static int http_request(lua_State *L)
{
    struct ab_http_request request;
    struct ab_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    check_request(L, &request); /* options body */
    check_headers(L);           /* options body headers */
    request.has_body = request.has_body || needs_body(request.method);
    request.loopback_only = ab_bind_host(L)->loopback_only;
    struct ab_loop *loop = ab_bind_loop(L);
    struct ab_bind_op *self = ab_bind_op_new(L, request.stream ? stream_result : whole_result);
    self->failure = add_head;
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1); /* the body stays as long as the op */

    struct ab_http *http = ab_http_new(loop, &request, &err);
    if (http && !(add_headers(L, 3, http, &err) && ab_http_begin(http, &err))) {
        ab_http_free(http);
        http = NULL;
    }
    return ab_bind_op_start(L, self, http ? ab_http_op(http) : NULL, http, &err);
}

/* --- the module ------------------------------------------------------------------------------ */

/* Whether the folder has an issuer under a name made of its hash ("3513523f.0"), as OpenSSL looks
 * it up. */
static bool is_hashed(const char *path)
{
    bool found = false;
    DIR *dir = opendir(path);

    if (!dir)
        return false;
    for (struct dirent *e; !found && (e = readdir(dir));)
        found = strlen(e->d_name) == 10 && strspn(e->d_name, "0123456789abcdef") == 8 &&
                strcmp(e->d_name + 8, ".0") == 0;
    closedir(dir);
    return found;
}

/* http.is_region(value) -> whether it is a region of a file, which a body may be */
static int http_is_region(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, ab_bind_region(L, 1) != NULL);
    return 1;
}

/* http.system_trust() -> { ca_path = } | { ca_file = } | {}: where this system keeps its issuers */
static int http_system_trust(lua_State *L)
{
    static const char *const paths[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
    static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

    lua_newtable(L);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (is_hashed(paths[i])) {
            lua_pushstring(L, paths[i]);
            lua_setfield(L, -2, "ca_path");
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (access(files[i], R_OK) == 0) {
            lua_pushstring(L, files[i]);
            lua_setfield(L, -2, "ca_file");
            return 1;
        }
    }
    return 1;
}

/* http.loopback_only([true]) -> boolean: with true, requests of this state reach this machine
 * alone, for good; a sandbox cannot be left */
static int http_loopback_only(lua_State *L)
{
    struct ab_host *host = ab_bind_host(L);

    if (!lua_isnoneornil(L, 1)) {
        luaL_argcheck(L, lua_isboolean(L, 1) && lua_toboolean(L, 1), 1, "can only be switched on");
        host->loopback_only = true;
    }
    lua_pushboolean(L, host->loopback_only);
    return 1;
}

static const luaL_Reg functions[] = {
    {"is_region", http_is_region},
    {"pace", ab_bind_pace_new},
    {"request", http_request},
    {"system_trust", http_system_trust},
    {"loopback_only", http_loopback_only},
    {NULL, NULL},
};

int luaopen_awsbak_core_http(lua_State *L)
{
    ab_bind_pace_class(L);
    ab_bind_reader_class(L);
    luaL_newlib(L, functions);
    return 1;
}
