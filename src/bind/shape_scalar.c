/* bind/shape_scalar.c - scalars as XML has them: texts that say a number, bytes, a time.
 *
 * Semantics: botocore/parsers.py (BaseXMLResponseParser). */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "bind/shape.h"
#include "wire/json.h"

static struct ab_slice trimmed(struct ab_slice text)
{
    while (text.len > 0 && isspace(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && isspace(text.data[text.len - 1]))
        text.len--;
    return text;
}

static bool push_boolean(lua_State *L, struct ab_slice text)
{
    bool is_true = text.len == 4 && strncasecmp((const char *)text.data, "true", 4) == 0;

    lua_pushboolean(L, is_true);
    return is_true || (text.len == 5 && strncasecmp((const char *)text.data, "false", 5) == 0);
}

/* Digits with or without a sign; false for anything else, and beyond 64 bits. */
static bool push_integer(lua_State *L, struct ab_slice text)
{
    text = trimmed(text);
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t i = text.len > 0 && (negative || text.data[0] == '+');
    int64_t n = 0;

    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_sub_overflow(n, digit, &n)) /* negative: its range is one larger */
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, n, &n))
        return false;
    lua_pushinteger(L, n);
    return true;
}

static bool push_float(lua_State *L, struct ab_slice text)
{
    static const struct {
        const char *text;
        double value;
    } special[] = {{"NaN", NAN}, {"Infinity", HUGE_VAL}, {"-Infinity", -HUGE_VAL}};
    char copy[AB_JSON_NUMBER_MAX + 1];

    text = trimmed(text);
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (!ab_slice_is(text, special[i].text))
            continue;
        lua_pushnumber(L, special[i].value);
        return true;
    }
    for (size_t i = 0; i < text.len; i++) /* no hexadecimal, no words */
        if (!isdigit(text.data[i]) && !strchr("+-.eE", text.data[i]))
            return false;
    if (text.len == 0 || text.len > AB_JSON_NUMBER_MAX)
        return false;
    text.data += text.data[0] == '+';
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return lua_stringtonumber(L, copy) != 0;
}

static bool push_blob(lua_State *L, struct ab_slice text)
{
    luaL_Buffer plain, bytes;
    size_t len = 0, out_len;

    char *kept = luaL_buffinitsize(L, &plain, text.len);
    for (size_t i = 0; i < text.len; i++)
        if (!isspace(text.data[i]))
            kept[len++] = (char)text.data[i];
    luaL_pushresultsize(&plain, len);
    const char *base64 = lua_tostring(L, -1);
    uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &bytes, (len + 3) / 4 * 3);
    if (!ab_base64_decode(out, &out_len, base64, len, true))
        return false;
    luaL_pushresultsize(&bytes, out_len);
    lua_remove(L, -2);
    return true;
}

static bool push_time(struct ab_shape_walk *walk, struct ab_slice text)
{
    text = trimmed(text);
    return ab_shape_push_time(walk, (const char *)text.data, text.len);
}

bool ab_shape_push_scalar(struct ab_shape_walk *walk, const struct ab_shape *shape,
                          struct ab_slice text)
{
    lua_State *L = walk->L;

    switch (shape->kind) {
    case AB_SHAPE_BOOLEAN:
        return push_boolean(L, text);
    case AB_SHAPE_INTEGER:
        return push_integer(L, text);
    case AB_SHAPE_FLOAT:
        return push_float(L, text);
    case AB_SHAPE_BLOB:
        return push_blob(L, text);
    case AB_SHAPE_TIMESTAMP:
        return push_time(walk, text);
    default:
        lua_pushlstring(L, (const char *)text.data, text.len);
        return true;
    }
}
