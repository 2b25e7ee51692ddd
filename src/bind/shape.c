/* bind/shape.c - plans, and the module awsbak.core.shape. */
#include "bind/shape.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bind/json.h"
#include "bind/modules.h"

#define PLAN "awsbak.shape.plan"

/* User values of a plan. */
enum { NAMES = 1, RESOLVE, TIME, DEFINED, USER_VALUES = DEFINED };

static const char *const kinds[] = {"structure", "list",     "map",   "string",
                                    "boolean",   "integer",  "float", "blob",
                                    "timestamp", "document", NULL};

static int plan_gc(lua_State *L)
{
    struct ab_shape_plan *plan = luaL_checkudata(L, 1, PLAN);

    for (size_t i = 0; i < plan->count; i++)
        ab_free(plan->shapes[i]);
    ab_free(plan->shapes);
    *plan = (struct ab_shape_plan){0};
    return 0;
}

/* shape.plan(resolve, time) -> plan. `resolve(name)` calls plan:define for the shape of that name;
 * `time(text)` reads a time: seconds since 1970, or nil. */
static int shape_plan(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    ab_bind_object(L, sizeof(struct ab_shape_plan), PLAN, USER_VALUES);
    lua_newtable(L);
    lua_setiuservalue(L, -2, NAMES);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, RESOLVE);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, TIME);
    lua_newtable(L);
    lua_setiuservalue(L, -2, DEFINED);
    return 1;
}

/* The place of the text on top in the plan's table of names, which is at `names`. Pops the text. */
static lua_Integer keep_name(lua_State *L, int names)
{
    lua_pushvalue(L, -1);
    if (lua_rawget(L, names) != LUA_TNIL) { /* the table maps texts to places, too */
        lua_Integer place = lua_tointeger(L, -1);
        lua_pop(L, 2);
        return place;
    }
    lua_pop(L, 1);
    lua_Integer place = (lua_Integer)lua_rawlen(L, names) + 1;
    lua_pushvalue(L, -1);
    lua_rawseti(L, names, place);
    lua_pushinteger(L, place);
    lua_rawset(L, names); /* text place -> */
    return place;
}

/* Field `field` of the table on top, a text, as a place in the names. */
static lua_Integer name_field(lua_State *L, int names, const char *field)
{
    if (lua_getfield(L, -1, field) != LUA_TSTRING)
        luaL_error(L, "a reference lacks its %s", field);
    return keep_name(L, names);
}

static bool flag_field(lua_State *L, const char *field)
{
    lua_getfield(L, -1, field);
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

static size_t wire_length(lua_State *L)
{
    size_t len = 0;

    if (lua_getfield(L, -1, "wire") != LUA_TSTRING || !lua_tolstring(L, -1, &len))
        luaL_error(L, "a reference lacks its wire name");
    lua_pop(L, 1);
    if (len > AB_SHAPE_NAME_MAX)
        luaL_error(L, "a member's name has %d bytes", (int)len);
    return len;
}

/* Fill in the reference whose table is on top; its wire name goes to `block`, whose end it returns.
 */
static uint8_t *read_ref(lua_State *L, int names, struct ab_shape_ref *ref, uint8_t *block)
{
    size_t len;

    ref->name = name_field(L, names, "name");
    ref->target = name_field(L, names, "shape");
    ref->flattened = flag_field(L, "flattened");
    ref->attribute = flag_field(L, "attribute");
    lua_getfield(L, -1, "wire");
    const char *wire = lua_tolstring(L, -1, &len);
    memcpy(block, wire, len);
    lua_pop(L, 1);
    ref->wire = (struct ab_slice){block, len};
    return block + len;
}

static bool add_shape(struct ab_shape_plan *plan, struct ab_shape *shape)
{
    if (plan->count == plan->room) {
        size_t room = plan->room ? plan->room * 2 : 64;
        struct ab_shape **grown = ab_realloc(plan->shapes, room * sizeof *grown);
        if (!grown)
            return false;
        plan->shapes = grown;
        plan->room = room;
    }
    plan->shapes[plan->count++] = shape;
    return true;
}

/* A new shape in the plan, with room for its references and their names. */
static struct ab_shape *new_shape(lua_State *L, struct ab_shape_plan *plan, uint32_t count,
                                  size_t bytes)
{
    struct ab_shape *shape =
        ab_calloc(1, sizeof *shape + count * sizeof(struct ab_shape_ref) + bytes);

    if (!shape || !add_shape(plan, shape)) {
        ab_free(shape);
        luaL_error(L, "not enough memory");
        return NULL; /* luaL_error does not return, which analysers do not know */
    }
    shape->count = count;
    return shape;
}

/* plan:define(name, kind, refs, is_union): what a shape is. `refs` is the list of its members, or
 * of a list's element, or of a map's key and value: { name, wire, shape, flattened, attribute }. */
static int plan_define(lua_State *L)
{
    struct ab_shape_plan *plan = luaL_checkudata(L, 1, PLAN);
    luaL_checkstring(L, 2);
    int kind = luaL_checkoption(L, 3, NULL, kinds);
    luaL_checktype(L, 4, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, 4);
    luaL_argcheck(L, count <= AB_SHAPE_MEMBERS_MAX, 4, "too many members");
    luaL_argcheck(L, kind != AB_SHAPE_LIST || count == 1, 4, "a list has one element");
    luaL_argcheck(L, kind != AB_SHAPE_MAP || count == 2, 4, "a map has a key and a value");
    bool is_union = lua_toboolean(L, 5);
    lua_settop(L, 4);
    lua_getiuservalue(L, 1, NAMES); /* at 5 */
    size_t bytes = 0;
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, 4, (lua_Integer)i);
        luaL_checktype(L, -1, LUA_TTABLE);
        bytes += wire_length(L);
        lua_pop(L, 1);
    }
    struct ab_shape *shape = new_shape(L, plan, (uint32_t)count, bytes);
    shape->kind = (enum ab_shape_kind)kind;
    shape->is_union = is_union;
    uint8_t *block = (uint8_t *)(shape->refs + count);
    for (lua_Unsigned i = 1; i <= count; i++) {
        lua_rawgeti(L, 4, (lua_Integer)i);
        block = read_ref(L, 5, &shape->refs[i - 1], block);
        lua_pop(L, 1);
    }
    lua_getiuservalue(L, 1, DEFINED);
    lua_pushvalue(L, 2);
    lua_pushlightuserdata(L, shape);
    lua_rawset(L, -3);
    return 0;
}

struct ab_shape_plan *ab_shape_begin(lua_State *L, struct ab_shape_walk *walk)
{
    struct ab_shape_plan *plan = luaL_checkudata(L, AB_SHAPE_PLAN, PLAN);

    lua_settop(L, AB_SHAPE_NAMES - 1);
    lua_getiuservalue(L, AB_SHAPE_PLAN, NAMES);
    lua_getiuservalue(L, AB_SHAPE_PLAN, RESOLVE);
    lua_getiuservalue(L, AB_SHAPE_PLAN, TIME);
    walk->L = L;
    walk->plan = plan;
    walk->wrong = NULL;
    walk->steps = 0;
    return plan;
}

/* The shape whose name is on top, or NULL. Leaves the name. */
static struct ab_shape *find_shape(lua_State *L)
{
    lua_getiuservalue(L, AB_SHAPE_PLAN, DEFINED);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    struct ab_shape *shape = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return shape;
}

/* The shape whose name is on top. Pops the name. */
static struct ab_shape *need_shape(lua_State *L)
{
    struct ab_shape *shape = find_shape(L);

    if (!shape) {
        lua_pushvalue(L, AB_SHAPE_RESOLVE);
        lua_pushvalue(L, -2);
        lua_call(L, 1, 0);
        shape = find_shape(L);
    }
    if (!shape)
        luaL_error(L, "the shape %s was not defined", lua_tostring(L, -1));
    lua_pop(L, 1);
    return shape;
}

struct ab_shape *ab_shape_of(struct ab_shape_walk *walk, struct ab_shape_ref *ref)
{
    if (!ref->shape) {
        luaL_checkstack(walk->L, 8, "shapes nested too deep");
        lua_rawgeti(walk->L, AB_SHAPE_NAMES, ref->target);
        ref->shape = need_shape(walk->L);
    }
    return ref->shape;
}

struct ab_shape *ab_shape_named(struct ab_shape_walk *walk, int name)
{
    luaL_checkstring(walk->L, name);
    lua_pushvalue(walk->L, name);
    return need_shape(walk->L);
}

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

int luaopen_awsbak_core_shape(lua_State *L)
{
    static const luaL_Reg functions[] = {{"plan", shape_plan}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", plan_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"define", plan_define}, {NULL, NULL}};
    static const luaL_Reg decoders[] = {
        {"json", ab_shape_json}, {"xml", ab_shape_xml}, {NULL, NULL}};

    ab_bind_class(L, PLAN, meta, methods);
    luaL_newlib(L, functions);
    ab_json_upvalues(L);
    luaL_setfuncs(L, decoders, 2);
    return 1;
}
