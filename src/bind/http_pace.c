/* bind/http_pace.c - rates that requests of core.http share. */
#include "bind/http_pace.h"

#include "bind/bind.h"

#define CLASS "awsbak.pace"

struct pace {
    struct ab_http_pace *pace; /* a reference; requests under way have their own */
};

int ab_bind_pace_new(lua_State *L)
{
    lua_Number rate = luaL_checknumber(L, 1);
    struct ab_err err;

    luaL_argcheck(L, rate >= 1 && rate <= 1e15, 1, "out of range");
    struct pace *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    self->pace = ab_http_pace_new(rate, &err);
    return self->pace ? 1 : ab_bind_fail(L, &err);
}

struct ab_http_pace *ab_bind_pace(lua_State *L, int arg)
{
    return lua_isnil(L, arg) ? NULL : ((struct pace *)luaL_checkudata(L, arg, CLASS))->pace;
}

static int pace_drop(lua_State *L)
{
    struct pace *self = luaL_checkudata(L, 1, CLASS);

    ab_http_pace_free(self->pace);
    self->pace = NULL;
    return 0;
}

static const luaL_Reg meta[] = {{"__gc", pace_drop}, {NULL, NULL}};

static const luaL_Reg methods[] = {{NULL, NULL}};

void ab_bind_pace_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
