/* bind/json.c - JSON texts to Lua values and back.
 *
 * Objects become plain tables, arrays tables with the metatable json.array_mt (so that [] is not
 * {}), null the value json.null. Integers that fit 64 bits stay Lua integers, all other numbers are
 * floats. Nothing is malloc'ed while reading; while writing, the text grows in a userdata that all
 * calls share: none runs Lua code before it is done. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind/json.h"
#include "bind/modules.h"

#define BUFFER "awsbak.json.buffer"
#define NULL_CLASS "awsbak.null"
#define NULL_VALUE_KEY "awsbak.null.value"

/* A buffer larger than TEXT_KEPT_MAX is given back after use. Objects begin with room for
 * FIRST_MEMBERS: growing there costs more than room that is left over. */
enum { TEXT_MAX = 1 << 30, TEXT_KEPT_MAX = 64 * 1024, FIRST_MEMBERS = 8 };

/* The third upvalue of every function here. */
#define TEXT lua_upvalueindex(3)

void ab_json_push_text(lua_State *L, const struct ab_json_token *token)
{
    luaL_Buffer buffer;

    if (!token->escaped) {
        lua_pushlstring(L, (const char *)token->text.data, token->text.len);
        return;
    }
    char *out = luaL_buffinitsize(L, &buffer, token->text.len);
    luaL_pushresultsize(&buffer, ab_json_unescape(token->text, (uint8_t *)out));
}

bool ab_json_push_number(lua_State *L, struct ab_slice text, struct ab_err *err)
{
    char copy[AB_JSON_NUMBER_MAX + 1];

    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    /* It reads a point in any locale, but where that is a comma no more than 200 characters. */
    if (lua_stringtonumber(L, copy) == 0)
        return ab_fail(err, AB_REPLY, "json", "JSON: the number %.40s... is too long", copy);
    if (isfinite(lua_tonumber(L, -1)))
        return true;
    return ab_fail(err, AB_REPLY, "json", "JSON: the number %.40s is too large", copy);
}

static bool push_scalar(lua_State *L, const struct ab_json_token *token, struct ab_err *err)
{
    switch (token->kind) {
    case AB_JSON_STRING:
        ab_json_push_text(L, token);
        return true;
    case AB_JSON_INTEGER:
        lua_pushinteger(L, token->integer);
        return true;
    case AB_JSON_NUMBER:
        return ab_json_push_number(L, token->text, err);
    case AB_JSON_NULL:
        lua_pushvalue(L, AB_JSON_NULL_VALUE);
        return true;
    default:
        lua_pushboolean(L, token->kind == AB_JSON_TRUE);
        return true;
    }
}

/* Move the finished value on top into the container below it. */
static void store(lua_State *L, const struct ab_json *json, lua_Integer *counts)
{
    if (json->depth == 0)
        return;
    if (json->nest[json->depth - 1] == AB_JSON_OBJECT)
        lua_rawset(L, -3); /* object key value */
    else
        lua_rawseti(L, -2, ++counts[json->depth - 1]);
}

/* Is the key on top a new one of the object below it? */
static bool check_unique(lua_State *L, struct ab_err *err)
{
    lua_pushvalue(L, -1);
    bool seen = lua_rawget(L, -3) != LUA_TNIL; /* object key value|nil */

    lua_pop(L, 1);
    if (!seen)
        return true;
    return ab_fail(err, AB_REPLY, "json", "JSON: the key \"%.200s\" comes twice",
                   lua_tostring(L, -1));
}

struct options {
    uint32_t max_depth;
    bool unique_keys;
};

/* One token's effect on the stack, which holds the open containers and a key above each object. */
static bool take_token(lua_State *L, const struct ab_json *json, const struct ab_json_token *token,
                       const struct options *options, lua_Integer *counts, struct ab_err *err)
{
    switch (token->kind) {
    case AB_JSON_OBJECT:
    case AB_JSON_ARRAY:
        luaL_checkstack(L, 4, "JSON nested too deep");
        lua_createtable(L, 0, token->kind == AB_JSON_OBJECT ? FIRST_MEMBERS : 0);
        counts[json->depth - 1] = 0;
        if (token->kind == AB_JSON_ARRAY) {
            lua_pushvalue(L, AB_JSON_ARRAY_MT);
            lua_setmetatable(L, -2);
        }
        return true;
    case AB_JSON_KEY:
        ab_json_push_text(L, token);
        return !options->unique_keys || check_unique(L, err);
    case AB_JSON_OBJECT_END:
    case AB_JSON_ARRAY_END:
        break;
    default:
        if (!push_scalar(L, token, err))
            return false;
    }
    store(L, json, counts);
    return true;
}

bool ab_json_push_value(lua_State *L, struct ab_json *json, struct ab_json_token *token,
                        struct ab_err *err)
{
    static const struct options options = {AB_JSON_DEPTH_LIMIT, false};
    lua_Integer counts[AB_JSON_DEPTH_LIMIT];

    if (token->kind != AB_JSON_OBJECT && token->kind != AB_JSON_ARRAY)
        return push_scalar(L, token, err);
    uint32_t outer = json->depth - 1;
    for (;;) {
        if (json->depth == outer) { /* the end token of the value: what is finished stays */
            return true;
        }
        if (!take_token(L, json, token, &options, counts, err) || !ab_json_next(json, token, err))
            return false;
    }
}

static struct options read_options(lua_State *L, int arg)
{
    static const char *const names[] = {"max_depth", "unique_keys", NULL};
    struct options options = {AB_JSON_DEPTH_DEFAULT, false};

    if (lua_isnoneornil(L, arg))
        return options;
    ab_bind_only(L, arg, names);
    lua_Integer depth = ab_bind_opt_integer(L, arg, "max_depth", AB_JSON_DEPTH_DEFAULT);
    luaL_argcheck(L, depth >= 1 && depth <= AB_JSON_DEPTH_LIMIT, arg, "max_depth out of range");
    options.max_depth = (uint32_t)depth;
    options.unique_keys = ab_bind_opt_boolean(L, arg, "unique_keys", false);
    return options;
}

/* json.decode(text [, { max_depth = 200, unique_keys = false }]) -> value | nil, err (kind reply,
 * code "json"). Of a key that an object has twice the last one counts, with unique_keys none. */
static int json_decode(lua_State *L)
{
    struct ab_json json;
    struct ab_json_token token;
    struct ab_err err;
    lua_Integer counts[AB_JSON_DEPTH_LIMIT]; /* elements so far of each open array */

    struct options options = read_options(L, 2);
    ab_json_init(&json, ab_bind_bytes(L, 1), options.max_depth);
    lua_settop(L, 1);
    do {
        if (!ab_json_next(&json, &token, &err))
            return ab_bind_fail(L, &err);
        if (token.kind != AB_JSON_END && !take_token(L, &json, &token, &options, counts, &err))
            return ab_bind_fail(L, &err);
    } while (token.kind != AB_JSON_END);
    return 1;
}

/* --- writing --- */

static int buffer_gc(lua_State *L)
{
    ab_buf_drop(luaL_checkudata(L, 1, BUFFER));
    return 0;
}

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

/* json.encode(value) -> text | nil, err (kind usage, code "utf8"); keys sorted bytewise. Raises for
 * what JSON cannot say: functions, non-finite numbers, lists with holes, cycles. */
static int json_encode(lua_State *L)
{
    struct ab_buf *out = lua_touserdata(L, TEXT);
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

/* json.array([t]) -> t (or a new table) marked as a list: it is [] even when empty */
static int json_array(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, AB_JSON_ARRAY_MT);
    lua_setmetatable(L, 1);
    return 1;
}

static int null_tostring(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

void ab_json_upvalues(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg null_meta[] = {{"__tostring", null_tostring}, {NULL, NULL}};

    ab_bind_class(L, NULL_CLASS, null_meta, none);
    luaL_newmetatable(L, "awsbak.array");
    if (lua_getfield(L, LUA_REGISTRYINDEX, NULL_VALUE_KEY) == LUA_TNIL) {
        lua_pop(L, 1);
        ab_bind_object(L, 1, NULL_CLASS, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, NULL_VALUE_KEY);
    }
}

static const luaL_Reg functions[] = {
    {"decode", json_decode},
    {"encode", json_encode},
    {"array", json_array},
    {NULL, NULL},
};

int luaopen_awsbak_core_json(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg buffer_meta[] = {{"__gc", buffer_gc}, {NULL, NULL}};

    ab_bind_class(L, BUFFER, buffer_meta, none);
    luaL_newlibtable(L, functions);
    ab_json_upvalues(L); /* module array_mt null */
    ab_buf_init(ab_bind_object(L, sizeof(struct ab_buf), BUFFER, 0), TEXT_MAX);
    lua_pushvalue(L, -3);
    lua_setfield(L, -5, "array_mt");
    lua_pushvalue(L, -2);
    lua_setfield(L, -5, "null");
    luaL_setfuncs(L, functions, 3);
    return 1;
}
