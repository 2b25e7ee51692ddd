/* bind/shape.h - the shapes of replies as C has them: what a decoder goes by.
 *
 * A plan holds the shapes of one service's model that were needed so far, and for Lua a table of
 * names: a member's name is pushed from there and never hashed again. A shape whose members point
 * to others is linked to them when a reply first has such a member: Lua is asked to define it then.
 */
#ifndef AB_BIND_SHAPE_H
#define AB_BIND_SHAPE_H

#include "bind/bind.h"

enum ab_shape_kind {
    AB_SHAPE_STRUCTURE,
    AB_SHAPE_LIST,
    AB_SHAPE_MAP,
    AB_SHAPE_STRING,
    AB_SHAPE_BOOLEAN,
    AB_SHAPE_INTEGER,
    AB_SHAPE_FLOAT,
    AB_SHAPE_BLOB,
    AB_SHAPE_TIMESTAMP,
    AB_SHAPE_DOCUMENT,
};

struct ab_shape;

/* A member, or a list's element, or a map's key or value. */
struct ab_shape_ref {
    struct ab_slice wire;   /* its name in replies; lies behind the shape's refs */
    lua_Integer name;       /* the member's name in the table of names */
    lua_Integer target;     /* the name of its shape there */
    struct ab_shape *shape; /* borrowed from the plan; NULL until a reply has it */
    bool flattened;         /* a list or map whose items lie beside the other members (XML) */
    bool attribute;         /* an attribute of the element (XML) */
};

struct ab_shape {
    enum ab_shape_kind kind;
    bool is_union;
    uint32_t usual; /* how many members the last one had: room for as many is made */
    uint32_t count;
    struct ab_shape_ref refs[]; /* members; a list's element; a map's key and value */
};

struct ab_shape_plan {
    struct ab_shape **shapes; /* owned, as is each */
    size_t count, room;
};

enum {
    AB_SHAPE_TRAIL_MAX = 32, /* steps of the way that a message tells */
    AB_SHAPE_MEMBERS_MAX = 1024,
    AB_SHAPE_NAME_MAX = 1024, /* bytes of a member's name */
    AB_SHAPE_USUAL_MAX = 64,  /* the most room made ahead */
};

/* Where a decoder is in Lua's stack, and what went wrong where. */
struct ab_shape_walk {
    lua_State *L;
    struct ab_shape_plan *plan;
    const char *wrong; /* set when the reply is not of its shape: "a string where ..." */
    char text[160];    /* what `wrong` may point to */
    struct ab_err err; /* filled when the reply is malformed, and `wrong` is NULL */
    int steps;         /* of the trail, from the value at fault outwards */
    struct ab_shape_step {
        lua_Integer index;    /* in a list, from 1; or 0 */
        struct ab_slice name; /* otherwise: of a member or of a map's key; borrowed */
    } trail[AB_SHAPE_TRAIL_MAX];
};

/* Stack indexes that a decoder's function has laid out, above its arguments. */
enum { AB_SHAPE_PLAN = 1, AB_SHAPE_NAMES = 4, AB_SHAPE_RESOLVE, AB_SHAPE_TIME, AB_SHAPE_TOP = 6 };

/* Get a decoder's function ready: arguments (plan, text or document, name of a shape or node...)
 * are cut or filled to three, then names, resolver and time reader follow. */
struct ab_shape_plan *ab_shape_begin(lua_State *L, struct ab_shape_walk *walk);

/* The shape of a reference; asks Lua for it the first time. Raises when Lua does. */
struct ab_shape *ab_shape_of(struct ab_shape_walk *walk, struct ab_shape_ref *ref);

/* The shape of a name, likewise. */
struct ab_shape *ab_shape_named(struct ab_shape_walk *walk, int name);

/* The member whose name in replies is `name`, or NULL. *hint is where it is looked for first, and
 * then behind the member found: replies have them in the model's order. */
struct ab_shape_ref *ab_shape_member(struct ab_shape *shape, struct ab_slice name, uint32_t *hint);

/* Push a table with room for as many members as the last one of this shape had. */
void ab_shape_push_table(lua_State *L, const struct ab_shape *shape);

/* Push { SDK_UNKNOWN_MEMBER = { name = ... } }, a union's member that the model lacks. */
void ab_shape_push_unknown(lua_State *L, struct ab_slice name);

/* Push the time that a text tells; false when it is none. */
bool ab_shape_push_time(struct ab_shape_walk *walk, const char *text, size_t len);

/* Push the scalar that the text of an element tells (XML); false when it is not of its shape. */
bool ab_shape_push_scalar(struct ab_shape_walk *walk, const struct ab_shape *shape,
                          struct ab_slice text);

/* Say what is wrong, and add a step on the way out; both return false. */
bool ab_shape_wrong(struct ab_shape_walk *walk, const char *what);
bool ab_shape_at_member(struct ab_shape_walk *walk, const struct ab_shape_ref *ref);
bool ab_shape_at_key(struct ab_shape_walk *walk, struct ab_slice key);
bool ab_shape_at_index(struct ab_shape_walk *walk, lua_Integer index);

/* Push nil and the error of a failed walk: { kind, code, message } as ab_bind_fail does, or
 * { code = "misshapen", place = "Items[3].x", message }. Returns 2. */
int ab_shape_fail(struct ab_shape_walk *walk);

/* The functions that bind/shape_json.c and bind/shape_xml.c give the module. */
int ab_shape_json(lua_State *L);
int ab_shape_xml(lua_State *L);

#endif
