/* bind/shape.c - plans, in which shapes are defined and found; and the module awsbak.core.shape. */
#include "bind/shape.h"

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

/* KiB by which the collector is put off while a reply is read: more than any reply can take. And
 * what replies may make before it is made good at once. */
enum { GC_PUT_OFF = 1 << 20, GC_OWED_MAX = 16 << 10 };

/* Call the decoder in the upvalue without collections. Nothing that a decoder makes is garbage, and
 * a collector that runs at each third that the heap grows by would mark a large reply over and
 * over: a fifth of the time of reading it. What is put off is made good before the next reply is
 * read, when this one mostly is garbage; a collection right after it would mark it in vain. */
static int decode(lua_State *L)
{
    int *owed = lua_touserdata(L, lua_upvalueindex(2)); /* KiB */

    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (*owed > 0)
        lua_gc(L, LUA_GCSTEP, *owed);
    lua_gc(L, LUA_GCSTEP, -GC_PUT_OFF);
    *owed = -lua_gc(L, LUA_GCCOUNT);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    *owed += lua_gc(L, LUA_GCCOUNT);
    if (*owed > GC_OWED_MAX)
        *owed = 0;
    lua_gc(L, LUA_GCSTEP, GC_PUT_OFF - *owed);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* Add a decoder to the module on top. */
static void add_decoder(lua_State *L, const char *name, lua_CFunction decoder)
{
    ab_json_upvalues(L);
    lua_pushcclosure(L, decoder, 2);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, decode, 2);
    lua_setfield(L, -2, name);
}

int luaopen_awsbak_core_shape(lua_State *L)
{
    static const luaL_Reg functions[] = {{"plan", shape_plan}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", plan_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"define", plan_define}, {NULL, NULL}};

    ab_bind_class(L, PLAN, meta, methods);
    luaL_newlib(L, functions);
    *(int *)lua_newuserdatauv(L, sizeof(int), 0) = 0;
    lua_insert(L, -2);
    add_decoder(L, "json", ab_shape_json);
    add_decoder(L, "xml", ab_shape_xml);
    return 1;
}
