/* bind/http.c - core.http: one request, as an operation (bind/http_request.c); its reply, whole or
 * as a reader (bind/http_reply.c, bind/http_reader.c); many alike (bind/http_prepared.c). */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "bind/http_pace.h"
#include "bind/http_prepared.h"
#include "bind/http_reader.h"
#include "bind/http_reply.h"
#include "bind/http_request.h"
#include "bind/loop.h"
#include "bind/modules.h"
#include "bind/region.h"

/* Raise unless the headers of the request at 1 can be sent; leaves their table (or nil) on the
 * stack. */
static void check_headers(lua_State *L)
{
    struct ab_sigv4_header header;

    if (ab_bind_get(L, 1, "headers") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, -1);
    if (count > AB_BIND_HEADERS_MAX)
        luaL_error(L, "too many headers");
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i);
        ab_bind_http_pair(L, &header);
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

/* Read the options of the table at 1; leaves the body (or nil) on the stack, which must stay. */
static void check_request(lua_State *L, struct ab_http_request *request)
{
    static const char *const options[] = {AB_BIND_HTTP_OPTIONS, "url", "body", "pace", NULL};

    ab_bind_only(L, 1, options);
    ab_bind_http_options(L, 1, request);
    ab_bind_get(L, 1, "url");
    ab_bind_http_url(L, lua_gettop(L), request);
    ab_bind_get(L, 1, "pace");
    request->pace = ab_bind_pace(L, -1);
    lua_pop(L, 2); /* the table holds them */
    ab_bind_get(L, 1, "body");
    ab_bind_http_body(L, lua_gettop(L), request);
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
    request.loopback_only = ab_bind_host(L)->loopback_only;
    struct ab_loop *loop = ab_bind_loop(L);
    struct ab_bind_op *self =
        ab_bind_op_new(L, request.stream ? ab_bind_http_streamed : ab_bind_http_whole);
    self->failure = ab_bind_http_add_head;
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
    {"prepare", ab_bind_prepared_new},
    {"request", http_request},
    {"system_trust", http_system_trust},
    {"loopback_only", http_loopback_only},
    {NULL, NULL},
};

int luaopen_awsbak_core_http(lua_State *L)
{
    ab_bind_pace_class(L);
    ab_bind_prepared_class(L);
    ab_bind_reader_class(L);
    luaL_newlib(L, functions);
    return 1;
}
