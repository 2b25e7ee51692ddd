/* bind/http_reply.c - replies of core.http as tables. */
#include "bind/http_reply.h"

#include <lauxlib.h>
#include <string.h>

#include "bind/http_prepared.h"
#include "bind/http_reader.h"

enum { REMOTE_MAX = 80, FIRST_FAILURE = 300 };

static bool is_wanted(const char *const *wanted, const char *name)
{
    for (; *wanted; wanted++)
        if (strcmp(*wanted, name) == 0)
            return true;
    return false;
}

/* The headers, or those that are wanted where there is such a list. */
static void push_headers(lua_State *L, const struct ab_http *http, const char *const *wanted)
{
    const char *name, *value;
    lua_Integer n = 0;

    lua_newtable(L);
    for (size_t at = 0; (at = ab_http_next_header(http, at, &name, &value)) != 0;) {
        if (wanted && !is_wanted(wanted, name))
            continue;
        lua_createtable(L, 2, 0);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, value);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, ++n);
    }
}

/* The reply without its body: { status, headers, version, remote, repeated } */
static void push_head(lua_State *L, const struct ab_http *http, const char *const *wanted)
{
    char remote[REMOTE_MAX];

    lua_createtable(L, 0, 5);
    lua_pushinteger(L, ab_http_status(http));
    lua_setfield(L, -2, "status");
    push_headers(L, http, wanted);
    lua_setfield(L, -2, "headers");
    lua_pushstring(L, ab_http_version(http));
    lua_setfield(L, -2, "version");
    ab_http_remote(http, remote, sizeof remote);
    lua_pushstring(L, remote);
    lua_setfield(L, -2, "remote");
    if (ab_http_is_repeated(http)) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "repeated");
    }
}

/* What a request wants of its reply: all of a failure's. The operation is at 1. */
static const char *const *wanted_by(lua_State *L, const struct ab_http *http)
{
    const char *const *wanted = NULL;

    if (ab_http_status(http) >= FIRST_FAILURE)
        return NULL;
    if (lua_getiuservalue(L, 1, 2) == LUA_TUSERDATA)
        wanted = ab_bind_prepared_wanted(L, -1);
    lua_pop(L, 1); /* the operation holds it */
    return wanted;
}

int ab_bind_http_whole(lua_State *L, void *arg)
{
    struct ab_http *http = arg;
    struct ab_slice body = ab_http_body(http);

    push_head(L, http, wanted_by(L, http));
    lua_pushlstring(L, (const char *)body.data, body.len);
    lua_setfield(L, -2, "body");
    return 1;
}

void ab_bind_http_add_head(lua_State *L, void *arg)
{
    if (!ab_http_has_head(arg))
        return;
    push_head(L, arg, NULL);
    lua_setfield(L, -2, "head");
}

int ab_bind_http_streamed(lua_State *L, void *arg)
{
    struct ab_http *http = arg;

    push_head(L, http, wanted_by(L, http));
    ab_bind_reader_new(L, http);
    lua_getiuservalue(L, 1, 1); /* reply reader body: what is still being sent stays */
    lua_setiuservalue(L, -2, 1);
    lua_setfield(L, -2, "reader");
    return 1;
}
