/* bind/shape_json.c - JSON replies as the Lua values that their shapes promise.
 *
 * Semantics: botocore/parsers.py (BaseJSONParser); stricter where a value has another type than
 * promised. Members that are null, and members that the model lacks, are left out. */
#include <math.h>
#include <stdio.h>

#include "base/codec.h"
#include "bind/json.h"
#include "bind/shape.h"

struct reader {
    struct ab_shape_walk walk;
    struct ab_json json;
};

static bool read_value(struct reader *r, struct ab_shape *shape, struct ab_json_token *token);

static const char *kind_of(const struct ab_json_token *token)
{
    switch (token->kind) {
    case AB_JSON_OBJECT:
        return "an object";
    case AB_JSON_ARRAY:
        return "a list";
    case AB_JSON_STRING:
        return "a string";
    case AB_JSON_INTEGER:
    case AB_JSON_NUMBER:
        return "a number";
    case AB_JSON_NULL:
        return "null";
    default:
        return "a boolean";
    }
}

static bool misshapen(struct reader *r, const struct ab_json_token *token, const char *promised)
{
    snprintf(r->walk.text, sizeof r->walk.text, "%s where %s is promised", kind_of(token),
             promised);
    return ab_shape_wrong(&r->walk, r->walk.text);
}

static bool next(struct reader *r, struct ab_json_token *token)
{
    return ab_json_next(&r->json, token, &r->walk.err);
}

/* Read on to the end of the value that begins with `token`, and make nothing of it. */
static bool skip_value(struct reader *r, struct ab_json_token *token)
{
    if (token->kind != AB_JSON_OBJECT && token->kind != AB_JSON_ARRAY)
        return true;
    for (uint32_t outer = r->json.depth - 1; r->json.depth > outer;)
        if (!next(r, token))
            return false;
    return true;
}

/* A key's text: as it stands, or unescaped on top of the stack, where it adds one value. */
static struct ab_slice key_text(lua_State *L, const struct ab_json_token *token)
{
    struct ab_slice text = token->text;

    if (token->escaped) {
        ab_json_push_text(L, token);
        text.data = (const uint8_t *)lua_tolstring(L, -1, &text.len);
    }
    return text;
}

/* The member that a key names, or NULL; of a union, how many were set, and the last one's name. */
static struct ab_shape_ref *member_of(struct reader *r, struct ab_shape *shape,
                                      const struct ab_json_token *key, uint32_t *hint)
{
    struct ab_shape_ref *member = ab_shape_member(shape, key_text(r->walk.L, key), hint);

    if (key->escaped)
        lua_pop(r->walk.L, 1);
    return member;
}

struct tally {
    uint32_t known, set; /* members that the model has; all that were not null */
    struct ab_slice last;
};

static bool read_member(struct reader *r, struct ab_shape *shape, struct ab_json_token *token,
                        uint32_t *hint, struct tally *tally)
{
    lua_State *L = r->walk.L;
    struct ab_shape_ref *member = member_of(r, shape, token, hint);

    bool counts = !ab_slice_is(token->text, "__type");
    if (counts)
        tally->last = token->text;
    if (!next(r, token))
        return false;
    if (token->kind == AB_JSON_NULL)
        return true;
    tally->set += counts;
    if (!member)
        return skip_value(r, token);
    tally->known++;
    lua_rawgeti(L, AB_SHAPE_NAMES, member->name); /* structure name */
    if (!read_value(r, ab_shape_of(&r->walk, member), token))
        return ab_shape_at_member(&r->walk, member);
    lua_rawset(L, -3);
    return true;
}

/* A union has one member; one that the model lacks is of a newer service. */
static bool check_union(struct reader *r, const struct tally *tally)
{
    lua_State *L = r->walk.L;

    if (tally->set > 1)
        return ab_shape_wrong(&r->walk, "more than one member where a union promises one");
    if (tally->set == 0)
        return ab_shape_wrong(&r->walk, "no member where a union promises one");
    if (tally->known == 0) {
        lua_pop(L, 1);
        ab_shape_push_unknown(L, tally->last);
    }
    return true;
}

static bool read_structure(struct reader *r, struct ab_shape *shape, struct ab_json_token *token)
{
    struct tally tally = {0};
    uint32_t hint = 0;

    if (token->kind != AB_JSON_OBJECT)
        return misshapen(r, token, "a structure");
    luaL_checkstack(r->walk.L, 8, "JSON nested too deep");
    ab_shape_push_table(r->walk.L, shape);
    for (;;) {
        if (!next(r, token))
            return false;
        if (token->kind == AB_JSON_OBJECT_END)
            break;
        if (!read_member(r, shape, token, &hint, &tally))
            return false;
    }
    shape->usual = tally.known;
    return !shape->is_union || check_union(r, &tally);
}

static bool read_list(struct reader *r, struct ab_shape *shape, struct ab_json_token *token)
{
    lua_State *L = r->walk.L;
    lua_Integer count = 0;

    if (token->kind != AB_JSON_ARRAY)
        return misshapen(r, token, "a list");
    luaL_checkstack(L, 8, "JSON nested too deep");
    ab_shape_push_table(L, shape);
    struct ab_shape *element = ab_shape_of(&r->walk, &shape->refs[0]);
    for (;; lua_rawseti(L, -2, count)) {
        if (!next(r, token))
            return false;
        if (token->kind == AB_JSON_ARRAY_END)
            break;
        count++;
        if (token->kind == AB_JSON_NULL)
            lua_pushvalue(L, AB_JSON_NULL_VALUE);
        else if (!read_value(r, element, token))
            return ab_shape_at_index(&r->walk, count);
    }
    shape->usual = count < AB_SHAPE_USUAL_MAX ? (uint32_t)count : AB_SHAPE_USUAL_MAX;
    return true;
}

static bool read_map(struct reader *r, struct ab_shape *shape, struct ab_json_token *token)
{
    lua_State *L = r->walk.L;
    uint32_t count = 0;

    if (token->kind != AB_JSON_OBJECT)
        return misshapen(r, token, "a map");
    luaL_checkstack(L, 8, "JSON nested too deep");
    ab_shape_push_table(L, shape);
    struct ab_shape *value = ab_shape_of(&r->walk, &shape->refs[1]);
    for (;; lua_rawset(L, -3)) {
        if (!next(r, token))
            return false;
        if (token->kind == AB_JSON_OBJECT_END)
            break;
        count++;
        struct ab_slice key = token->text;
        ab_json_push_text(L, token);
        if (!next(r, token))
            return false;
        if (token->kind == AB_JSON_NULL)
            lua_pushvalue(L, AB_JSON_NULL_VALUE);
        else if (!read_value(r, value, token))
            return ab_shape_at_key(&r->walk, key);
    }
    shape->usual = count < AB_SHAPE_USUAL_MAX ? count : AB_SHAPE_USUAL_MAX;
    return true;
}

/* A member that holds a JSON document is promised as the document's text; moto sends the document
 * itself (ParameterInlinePolicy.PolicyText of SSM). Its text is what the caller gets either way. */
static bool read_string(struct reader *r, struct ab_json_token *token)
{
    if (token->kind == AB_JSON_STRING) {
        ab_json_push_text(r->walk.L, token);
        return true;
    }
    const uint8_t *start = r->json.at - 1;
    if (token->kind != AB_JSON_OBJECT && token->kind != AB_JSON_ARRAY)
        return misshapen(r, token, "a string");
    if (!skip_value(r, token))
        return false;
    lua_pushlstring(r->walk.L, (const char *)start, (size_t)(r->json.at - start));
    return true;
}

/* A number that is no 64-bit integer but has one's value: 1.0, 2e3. */
static bool read_integer(struct reader *r, struct ab_json_token *token)
{
    lua_State *L = r->walk.L;
    lua_Integer integer;

    if (token->kind == AB_JSON_INTEGER) {
        lua_pushinteger(L, token->integer);
        return true;
    }
    if (token->kind == AB_JSON_NUMBER) {
        if (!ab_json_push_number(L, token->text, &r->walk.err))
            return false;
        int exact = lua_numbertointeger(lua_tonumber(L, -1), &integer);
        if (exact && (lua_Number)integer == lua_tonumber(L, -1)) {
            lua_pop(L, 1);
            lua_pushinteger(L, integer);
            return true;
        }
    }
    return misshapen(r, token, "an integer");
}

static bool push_number(struct reader *r, const struct ab_json_token *token)
{
    if (token->kind != AB_JSON_INTEGER)
        return ab_json_push_number(r->walk.L, token->text, &r->walk.err);
    lua_pushinteger(r->walk.L, token->integer);
    return true;
}

static bool read_float(struct reader *r, struct ab_json_token *token)
{
    if (token->kind == AB_JSON_INTEGER || token->kind == AB_JSON_NUMBER)
        return push_number(r, token);
    if (token->kind != AB_JSON_STRING)
        return misshapen(r, token, "a number");
    if (ab_slice_is(token->text, "NaN"))
        lua_pushnumber(r->walk.L, (lua_Number)NAN);
    else if (ab_slice_is(token->text, "Infinity") || ab_slice_is(token->text, "-Infinity"))
        lua_pushnumber(r->walk.L, token->text.data[0] == '-' ? -HUGE_VAL : HUGE_VAL);
    else
        return misshapen(r, token, "a number");
    return true;
}

static bool read_blob(struct reader *r, struct ab_json_token *token)
{
    lua_State *L = r->walk.L;
    luaL_Buffer buffer;
    size_t len;

    if (token->kind != AB_JSON_STRING)
        return misshapen(r, token, "base64 text");
    struct ab_slice text = key_text(L, token);
    uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &buffer, (text.len + 3) / 4 * 3);
    if (!ab_base64_decode(out, &len, (const char *)text.data, text.len, true))
        return misshapen(r, token, "base64 text");
    luaL_pushresultsize(&buffer, len);
    if (token->escaped)
        lua_remove(L, -2);
    return true;
}

/* A number is asked for its range where texts are: in Lua. */
static bool read_time(struct reader *r, struct ab_json_token *token)
{
    lua_State *L = r->walk.L;

    if (token->kind == AB_JSON_STRING && !token->escaped) {
        if (ab_shape_push_time(&r->walk, (const char *)token->text.data, token->text.len))
            return true;
    } else if (token->kind == AB_JSON_INTEGER || token->kind == AB_JSON_NUMBER) {
        lua_pushvalue(L, AB_SHAPE_TIME);
        if (!push_number(r, token))
            return false;
        lua_call(L, 1, 1);
        if (!lua_isnil(L, -1))
            return true;
    }
    return misshapen(r, token, "a time");
}

static bool read_boolean(struct reader *r, struct ab_json_token *token)
{
    if (token->kind != AB_JSON_TRUE && token->kind != AB_JSON_FALSE)
        return misshapen(r, token, "a boolean");
    lua_pushboolean(r->walk.L, token->kind == AB_JSON_TRUE);
    return true;
}

/* Push the value that begins with `token`, which is not null. */
static bool read_value(struct reader *r, struct ab_shape *shape, struct ab_json_token *token)
{
    switch (shape->kind) {
    case AB_SHAPE_STRUCTURE:
        return read_structure(r, shape, token);
    case AB_SHAPE_LIST:
        return read_list(r, shape, token);
    case AB_SHAPE_MAP:
        return read_map(r, shape, token);
    case AB_SHAPE_STRING:
        return read_string(r, token);
    case AB_SHAPE_BOOLEAN:
        return read_boolean(r, token);
    case AB_SHAPE_INTEGER:
        return read_integer(r, token);
    case AB_SHAPE_FLOAT:
        return read_float(r, token);
    case AB_SHAPE_BLOB:
        return read_blob(r, token);
    case AB_SHAPE_TIMESTAMP:
        return read_time(r, token);
    default:
        return ab_json_push_value(r->walk.L, &r->json, token, &r->walk.err);
    }
}

/* shape.json(plan, text, name) -> value | nil, err. The value of the shape `name` in the JSON text;
 * null gives json.null. Errors: as json.decode's; { code = "misshapen", place, message }. */
int ab_shape_json(lua_State *L)
{
    struct reader r;
    struct ab_json_token token;

    struct ab_slice text = ab_bind_bytes(L, 2);
    ab_shape_begin(L, &r.walk);
    struct ab_shape *shape = ab_shape_named(&r.walk, 3);
    ab_json_init(&r.json, text, AB_JSON_DEPTH_DEFAULT);
    if (!next(&r, &token))
        return ab_shape_fail(&r.walk);
    if (token.kind == AB_JSON_NULL)
        lua_pushvalue(L, AB_JSON_NULL_VALUE);
    else if (!read_value(&r, shape, &token))
        return ab_shape_fail(&r.walk);
    return next(&r, &token) ? 1 : ab_shape_fail(&r.walk);
}
