/* bind/shape_walk.c - what the decoders of JSON and XML share: members found, values pushed, and
 * what is wrong where. */
#include <stdio.h>
#include <string.h>

#include "bind/json.h"
#include "bind/shape.h"

struct ab_shape_ref *ab_shape_member(struct ab_shape *shape, struct ab_slice name, uint32_t *hint)
{
    uint32_t at = *hint;

    for (uint32_t i = 0; i < shape->count; i++, at++) {
        if (at >= shape->count)
            at = 0;
        if (ab_slice_same(shape->refs[at].wire, name)) {
            *hint = at + 1;
            return &shape->refs[at];
        }
    }
    return NULL;
}

void ab_shape_push_table(lua_State *L, const struct ab_shape *shape)
{
    uint32_t room = shape->usual < AB_SHAPE_USUAL_MAX ? shape->usual : AB_SHAPE_USUAL_MAX;

    if (shape->kind == AB_SHAPE_LIST) {
        lua_createtable(L, (int)room, 0);
        lua_pushvalue(L, AB_JSON_ARRAY_MT);
        lua_setmetatable(L, -2);
    } else {
        lua_createtable(L, 0, (int)room);
    }
}

void ab_shape_push_unknown(lua_State *L, struct ab_slice name)
{
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    lua_pushlstring(L, (const char *)name.data, name.len);
    lua_setfield(L, -2, "name");
    lua_setfield(L, -2, "SDK_UNKNOWN_MEMBER");
}

static bool read_digits(const char *text, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar (years from 1 on). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The form nearly all services send, "2026-01-02T03:04:05Z" or with ".000Z"; others are Lua's. */
static bool read_plain_time(const char *t, size_t len, int64_t *seconds)
{
    int year, month, day, hour, minute, second;
    bool has_zeros = len == 24 && memcmp(t + 19, ".000Z", 5) == 0;

    if (!has_zeros && !(len == 20 && t[19] == 'Z'))
        return false;
    if (t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':' ||
        !read_digits(t, 4, &year) || !read_digits(t + 5, 2, &month) ||
        !read_digits(t + 8, 2, &day) || !read_digits(t + 11, 2, &hour) ||
        !read_digits(t + 14, 2, &minute) || !read_digits(t + 17, 2, &second))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 ||
        second > 59)
        return false; /* the last days of months are looked at with care, there */
    *seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

bool ab_shape_push_time(struct ab_shape_walk *walk, const char *text, size_t len)
{
    lua_State *L = walk->L;
    int64_t seconds;

    if (read_plain_time(text, len, &seconds)) {
        lua_pushinteger(L, seconds);
        return true;
    }
    lua_pushvalue(L, AB_SHAPE_TIME);
    lua_pushlstring(L, text, len);
    lua_call(L, 1, 1);
    return !lua_isnil(L, -1);
}

bool ab_shape_wrong(struct ab_shape_walk *walk, const char *what)
{
    walk->wrong = what;
    return false;
}

static bool add_step(struct ab_shape_walk *walk, struct ab_shape_step step)
{
    if (walk->wrong && walk->steps < AB_SHAPE_TRAIL_MAX)
        walk->trail[walk->steps++] = step;
    return false;
}

bool ab_shape_at_member(struct ab_shape_walk *walk, const struct ab_shape_ref *ref)
{
    size_t len;

    lua_rawgeti(walk->L, AB_SHAPE_NAMES, ref->name); /* stays there, too: the text is borrowed */
    const char *name = lua_tolstring(walk->L, -1, &len);
    lua_pop(walk->L, 1);
    return add_step(walk, (struct ab_shape_step){0, {(const uint8_t *)name, len}});
}

bool ab_shape_at_key(struct ab_shape_walk *walk, struct ab_slice key)
{
    return add_step(walk, (struct ab_shape_step){0, key});
}

bool ab_shape_at_index(struct ab_shape_walk *walk, lua_Integer index)
{
    return add_step(walk, (struct ab_shape_step){index, {NULL, 0}});
}

static void push_place(lua_State *L, const struct ab_shape_walk *walk)
{
    luaL_Buffer place;

    luaL_buffinit(L, &place);
    for (int i = walk->steps - 1; i >= 0; i--) {
        const struct ab_shape_step *step = &walk->trail[i];
        if (step->index > 0) {
            char text[32];
            luaL_addlstring(&place, text,
                            (size_t)snprintf(text, sizeof text, "[%lld]", (long long)step->index));
            continue;
        }
        if (i < walk->steps - 1)
            luaL_addchar(&place, '.');
        luaL_addlstring(&place, (const char *)step->name.data, step->name.len);
    }
    luaL_pushresult(&place);
}

int ab_shape_fail(struct ab_shape_walk *walk)
{
    lua_State *L = walk->L;

    if (!walk->wrong)
        return ab_bind_fail(L, &walk->err);
    luaL_checkstack(L, 8, "an error");
    lua_pushnil(L);
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "misshapen");
    lua_setfield(L, -2, "code");
    push_place(L, walk);
    lua_setfield(L, -2, "place");
    lua_pushstring(L, walk->wrong);
    lua_setfield(L, -2, "message");
    return 2;
}
