#include "bind/bind.h"

#include <string.h>

#include "base/alloc.h"

static const char host_key; /* its address is the private registry key */

struct ab_host *ab_bind_host(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &host_key);
    struct ab_host *host = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (host)
        return host;
    host = lua_newuserdatauv(L, sizeof *host, 0);
    memset(host, 0, sizeof *host);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &host_key);
    return host;
}

void ab_bind_class(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods)
{
    int type = luaL_getmetatable(L, name);
    lua_pop(L, 1);
    if (type != LUA_TNIL)
        return;
    lua_createtable(L, 0, 8);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    if (meta)
        luaL_setfuncs(L, meta, 0);
    lua_newtable(L); /* metatable methods */
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    /* Last: out of memory before this, there is no class yet, and not half of one. */
    lua_setfield(L, LUA_REGISTRYINDEX, name);
}

void *ab_bind_object(lua_State *L, size_t size, const char *name, int uservalues)
{
    void *object = lua_newuserdatauv(L, size, uservalues);

    memset(object, 0, size);
    luaL_setmetatable(L, name);
    return object;
}

void ab_bind_error(lua_State *L, const struct ab_err *err)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, ab_kind_name(err->kind));
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, err->code);
    lua_setfield(L, -2, "code");
    lua_pushstring(L, err->message);
    lua_setfield(L, -2, "message");
}

int ab_bind_fail(lua_State *L, const struct ab_err *err)
{
    lua_pushnil(L);
    ab_bind_error(L, err);
    return 2;
}

struct ab_slice ab_bind_bytes(lua_State *L, int arg)
{
    size_t len;

    luaL_checktype(L, arg, LUA_TSTRING);
    const char *data = lua_tolstring(L, arg, &len);
    return (struct ab_slice){(const uint8_t *)data, len};
}

static bool listed(const char *key, const char *const names[])
{
    for (; *names; names++)
        if (strcmp(key, *names) == 0)
            return true;
    return false;
}

void ab_bind_only(lua_State *L, int arg, const char *const names[])
{
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, arg)) {
        lua_pop(L, 1); /* key */
        if (lua_type(L, -1) != LUA_TSTRING || !listed(lua_tostring(L, -1), names)) {
            lua_pushfstring(L, "unknown option '%s'", luaL_tolstring(L, -1, NULL));
            luaL_argerror(L, arg, lua_tostring(L, -1));
        }
    }
}

int ab_bind_get(lua_State *L, int arg, const char *name)
{
    lua_pushstring(L, name);
    return lua_rawget(L, arg);
}

/* Push option `name`; false (and nothing pushed) when it is absent. */
static bool pushed(lua_State *L, int arg, const char *name)
{
    if (ab_bind_get(L, arg, name) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

static void bad_option(lua_State *L, int arg, const char *name, const char *wanted)
{
    lua_pushfstring(L, "option '%s': %s expected, got %s", name, wanted, luaL_typename(L, -1));
    luaL_argerror(L, arg, lua_tostring(L, -1));
}

const char *ab_bind_opt_string(lua_State *L, int arg, const char *name, const char *absent)
{
    if (!pushed(L, arg, name))
        return absent;
    if (lua_type(L, -1) != LUA_TSTRING)
        bad_option(L, arg, name, "string");
    const char *s = lua_tostring(L, -1);
    lua_pop(L, 1); /* the table still holds it */
    return s;
}

lua_Number ab_bind_opt_number(lua_State *L, int arg, const char *name, lua_Number absent)
{
    if (!pushed(L, arg, name))
        return absent;
    if (lua_type(L, -1) != LUA_TNUMBER)
        bad_option(L, arg, name, "number");
    lua_Number n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return n;
}

lua_Integer ab_bind_opt_integer(lua_State *L, int arg, const char *name, lua_Integer absent)
{
    if (!pushed(L, arg, name))
        return absent;
    if (!lua_isinteger(L, -1))
        bad_option(L, arg, name, "integer");
    lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

bool ab_bind_opt_boolean(lua_State *L, int arg, const char *name, bool absent)
{
    if (!pushed(L, arg, name))
        return absent;
    if (!lua_isboolean(L, -1))
        bad_option(L, arg, name, "boolean");
    bool b = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return b;
}
