/* bind/json_writer.c - Lua values to JSON texts.
 *
 * The text grows in a userdata that all calls share: none runs Lua code before it is done. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind/json.h"

#define BUFFER "awsbak.json.buffer"

/* A buffer larger than TEXT_KEPT_MAX is given back after use. */
enum { TEXT_MAX = 1 << 30, TEXT_KEPT_MAX = 64 * 1024 };

static bool put_value(lua_State *L, struct ab_buf *out, int depth, struct ab_err *err);

/* True when the table on top goes out as an array: it says so, or has a first element. */
static bool is_array(lua_State *L)
{
    if (lua_getmetatable(L, -1)) {
        bool marked = lua_rawequal(L, -1, AB_JSON_ARRAY_MT);
        lua_pop(L, 1);
        if (marked)
            return true;
    }
    return lua_rawlen(L, -1) > 0;
}

static bool put_array(lua_State *L, struct ab_buf *out, int depth, struct ab_err *err)
{
    lua_Unsigned length = lua_rawlen(L, -1), keys = 0;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        keys++;
    if (keys != length)
        luaL_error(L, "JSON: a list of %I elements has holes or other keys", (LUAI_UACINT)length);
    if (!ab_buf_add_byte(out, '[', err))
        return false;
    for (lua_Unsigned i = 1; i <= length; i++) {
        if (i > 1 && !ab_buf_add_byte(out, ',', err))
            return false;
        lua_rawgeti(L, -1, (lua_Integer)i); /* table element */
        if (!put_value(L, out, depth + 1, err))
            return false;
        lua_pop(L, 1);
    }
    return ab_buf_add_byte(out, ']', err);
}

static int compare(const void *a, const void *b)
{
    const struct ab_slice *x = a, *y = b;
    size_t common = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, common);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static size_t count_keys(lua_State *L)
{
    size_t keys = 0;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "JSON: an object's key must be a string, got %s", luaL_typename(L, -2));
        keys++;
    }
    return keys;
}

/* table -> table slices: the keys, sorted, borrowed from the table. */
static struct ab_slice *push_keys(lua_State *L, size_t count)
{
    struct ab_slice *keys = lua_newuserdatauv(L, count * sizeof *keys, 0);
    size_t i = 0;

    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
        keys[i].data = (const uint8_t *)lua_tolstring(L, -2, &keys[i].len);
        i++;
    }
    qsort(keys, count, sizeof *keys, compare);
    return keys;
}

static bool put_object(lua_State *L, struct ab_buf *out, int depth, struct ab_err *err)
{
    size_t count = count_keys(L);
    const struct ab_slice *keys = push_keys(L, count); /* table slices */

    if (!ab_buf_add_byte(out, '{', err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && !ab_buf_add_byte(out, ',', err)) || !ab_json_put_string(out, keys[i], err) ||
            !ab_buf_add_byte(out, ':', err))
            return false;
        lua_pushlstring(L, (const char *)keys[i].data, keys[i].len);
        lua_rawget(L, -3); /* table slices value */
        if (!put_value(L, out, depth + 1, err))
            return false;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return ab_buf_add_byte(out, '}', err);
}

static bool put_number(lua_State *L, struct ab_buf *out, struct ab_err *err)
{
    char text[AB_JSON_DOUBLE_MAX];

    if (lua_isinteger(L, -1)) {
        int len = snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, -1));
        return ab_buf_add(out, text, (size_t)len, err);
    }
    if (!isfinite(lua_tonumber(L, -1)))
        luaL_error(L, "JSON: the number %s cannot be written", luaL_tolstring(L, -1, NULL));
    return ab_buf_add(out, text, ab_json_double(lua_tonumber(L, -1), text), err);
}

static bool put_table(lua_State *L, struct ab_buf *out, int depth, struct ab_err *err)
{
    if (depth == AB_JSON_DEPTH_DEFAULT)
        luaL_error(L, "JSON: nested more than %d deep, or a table within itself", depth);
    luaL_checkstack(L, 8, "JSON nested too deep");
    return is_array(L) ? put_array(L, out, depth, err) : put_object(L, out, depth, err);
}

/* Append the value on top of the stack, which it leaves there. */
static bool put_value(lua_State *L, struct ab_buf *out, int depth, struct ab_err *err)
{
    struct ab_slice text;

    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        text.data = (const uint8_t *)lua_tolstring(L, -1, &text.len);
        return ab_json_put_string(out, text, err);
    case LUA_TNUMBER:
        return put_number(L, out, err);
    case LUA_TBOOLEAN:
        return ab_buf_add_text(out, lua_toboolean(L, -1) ? "true" : "false", err);
    case LUA_TTABLE:
        return put_table(L, out, depth, err);
    default:
        if (!lua_rawequal(L, -1, AB_JSON_NULL_VALUE))
            luaL_error(L, "JSON: a %s cannot be written", luaL_typename(L, -1));
        return ab_buf_add_text(out, "null", err);
    }
}

int ab_json_writer_encode(lua_State *L)
{
    struct ab_buf *out = lua_touserdata(L, AB_JSON_BUFFER);
    struct ab_err err;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    out->len = 0; /* a call that raised left its text */
    if (!put_value(L, out, 0, &err))
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)out->data, out->len);
    if (out->cap > TEXT_KEPT_MAX)
        ab_buf_drop(out);
    return 1;
}

static int buffer_gc(lua_State *L)
{
    ab_buf_drop(luaL_checkudata(L, 1, BUFFER));
    return 0;
}

void ab_json_writer_push(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", buffer_gc}, {NULL, NULL}};

    ab_bind_class(L, BUFFER, meta, none);
    ab_buf_init(ab_bind_object(L, sizeof(struct ab_buf), BUFFER, 0), TEXT_MAX);
}
