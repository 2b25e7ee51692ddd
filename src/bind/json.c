/* bind/json.c - JSON texts to Lua values, and the module awsbak.core.json.
 *
 * Objects become plain tables, arrays tables with the metatable json.array_mt (so that [] is not
 * {}), null the value json.null. Integers that fit 64 bits stay Lua integers, all other numbers are
 * floats. Nothing is malloc'ed while reading. Values are written by bind/json_writer.c. */
#include <math.h>
#include <string.h>

#include "bind/json.h"
#include "bind/modules.h"

#define NULL_CLASS "awsbak.null"
#define NULL_VALUE_KEY "awsbak.null.value"

/* Objects begin with room for so many: growing there costs more than room that is left over. */
enum { FIRST_MEMBERS = 8 };

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
    {"encode", ab_json_writer_encode},
    {"array", json_array},
    {NULL, NULL},
};

int luaopen_awsbak_core_json(lua_State *L)
{
    luaL_newlibtable(L, functions);
    ab_json_upvalues(L); /* module array_mt null */
    ab_json_writer_push(L);
    lua_pushvalue(L, -3);
    lua_setfield(L, -5, "array_mt");
    lua_pushvalue(L, -2);
    lua_setfield(L, -5, "null");
    luaL_setfuncs(L, functions, 3);
    return 1;
}
