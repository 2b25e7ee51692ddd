/* bind/secret.c - bytes that must not be seen: a userdata that prints "<secret>" and is wiped.
 *
 * What a script reveals becomes an ordinary Lua string, which nobody can wipe: reveal late, and
 * only to code that needs the bytes. */
#include <string.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "bind/modules.h"

#define SECRET "awsbak.secret"

struct secret {
    uint8_t *data; /* owned; NULL when empty or wiped */
    size_t len;
};

/* secret.new(bytes) -> secret */
static int secret_new(lua_State *L)
{
    struct ab_slice bytes = ab_bind_bytes(L, 1);

    ab_bind_push_secret(L, bytes.data, bytes.len);
    return 1;
}

/* secret.is(value) -> boolean */
static int secret_is(lua_State *L)
{
    lua_pushboolean(L, luaL_testudata(L, 1, SECRET) != NULL);
    return 1;
}

/* s:reveal() -> bytes */
static int secret_reveal(lua_State *L)
{
    struct secret *self = luaL_checkudata(L, 1, SECRET);

    lua_pushlstring(L, (const char *)self->data, self->len);
    return 1;
}

/* s:wipe(), __gc, __close: the bytes are gone; the secret reads as empty */
static int secret_wipe(lua_State *L)
{
    struct secret *self = luaL_checkudata(L, 1, SECRET);

    ab_secret_free(self->data, self->len);
    self->data = NULL;
    self->len = 0;
    return 0;
}

/* #s -> number of bytes */
static int secret_len(lua_State *L)
{
    struct secret *self = luaL_checkudata(L, 1, SECRET);

    lua_pushinteger(L, (lua_Integer)self->len);
    return 1;
}

/* tostring(s) -> "<secret>" */
static int secret_tostring(lua_State *L)
{
    lua_pushliteral(L, "<secret>");
    return 1;
}

struct ab_slice ab_bind_secret_bytes(lua_State *L, int arg)
{
    struct secret *self = luaL_testudata(L, arg, SECRET);

    if (self)
        return (struct ab_slice){self->data, self->len};
    if (lua_type(L, arg) != LUA_TSTRING)
        luaL_typeerror(L, arg, "string or secret");
    return ab_bind_bytes(L, arg);
}

static const luaL_Reg meta[] = {
    {"__gc", secret_wipe}, {"__close", secret_wipe},
    {"__len", secret_len}, {"__tostring", secret_tostring},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"reveal", secret_reveal},
    {"wipe", secret_wipe},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", secret_new},
    {"is", secret_is},
    {NULL, NULL},
};

void ab_bind_push_secret(lua_State *L, const void *data, size_t len)
{
    ab_bind_class(L, SECRET, meta, methods); /* who pushes may not have required the module */
    struct secret *self = ab_bind_object(L, sizeof *self, SECRET, 0);

    if (len == 0)
        return;
    self->data = ab_secret_alloc(len);
    if (!self->data) {
        lua_pushliteral(L, "not enough memory"); /* as Lua says it: without a position */
        lua_error(L);
        return; /* lua_error does not, but nothing in its prototype says so */
    }
    memcpy(self->data, data, len);
    self->len = len;
}

int luaopen_awsbak_core_secret(lua_State *L)
{
    ab_bind_class(L, SECRET, meta, methods);
    luaL_newlib(L, functions);
    return 1;
}
