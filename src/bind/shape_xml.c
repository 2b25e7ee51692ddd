/* bind/shape_xml.c - XML replies as the Lua values that their shapes promise.
 *
 * Semantics: botocore/parsers.py (BaseXMLResponseParser). An element that comes twice where one is
 * promised counts once, the first time; elements that the model lacks are left out. */
#include <ctype.h>
#include <stdio.h>

#include "bind/shape.h"
#include "bind/xml.h"

struct reader {
    struct ab_shape_walk walk;
    const struct ab_xml *xml;
    size_t at; /* the item to look at next */
};

static bool read_value(struct reader *r, struct ab_shape *shape);

static struct ab_xml_item peek(const struct reader *r)
{
    return ab_xml_item(r->xml, r->at);
}

/* Step over the element that opens at r->at. */
static void skip_element(struct reader *r)
{
    int depth = 0;

    do {
        enum ab_xml_kind kind = ab_xml_item(r->xml, r->at++).kind;
        depth += kind == AB_XML_OPEN ? 1 : kind == AB_XML_CLOSE ? -1 : 0;
    } while (depth > 0);
}

/* Step into the element that opens at r->at, past its attributes. */
static void enter(struct reader *r)
{
    do
        r->at++;
    while (peek(r).kind == AB_XML_ATTRIBUTE);
}

static bool is_blank(struct ab_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isspace(text.data[i]))
            return false;
    return true;
}

/* Members of a structure that came already. */
struct seen {
    uint8_t bits[AB_SHAPE_MEMBERS_MAX / 8];
};

static bool mark(struct seen *seen, const struct ab_shape *shape, const struct ab_shape_ref *ref)
{
    size_t i = (size_t)(ref - shape->refs);
    bool before = seen->bits[i / 8] & (1 << i % 8);

    seen->bits[i / 8] |= (uint8_t)(1 << i % 8);
    return before;
}

/* structure name -> structure name table, the one that is there or a new one */
static void push_flattened(struct reader *r, struct ab_shape *shape, bool there)
{
    lua_State *L = r->walk.L;

    if (!there) {
        ab_shape_push_table(L, shape);
        return;
    }
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
}

static bool read_item(struct reader *r, struct ab_shape *list)
{
    lua_State *L = r->walk.L;
    lua_Integer index = (lua_Integer)lua_rawlen(L, -1) + 1;

    if (!read_value(r, ab_shape_of(&r->walk, &list->refs[0])))
        return ab_shape_at_index(&r->walk, index);
    lua_rawseti(L, -2, index);
    return true;
}

/* The item of the child called `name` of the element whose first child is at `at`, or 0. */
static size_t find_child(const struct reader *r, size_t at, struct ab_slice name)
{
    struct reader scan = *r;

    for (scan.at = at; peek(&scan).kind == AB_XML_OPEN; skip_element(&scan))
        if (ab_slice_same(peek(&scan).name, name))
            return scan.at;
    return 0;
}

/* Push the key or the value of a map's entry, whose first child is at `first`. */
static bool read_part(struct reader *r, size_t first, struct ab_shape_ref *ref)
{
    struct ab_slice name = ref->wire;

    r->at = find_child(r, first, name);
    if (r->at == 0) {
        snprintf(r->walk.text, sizeof r->walk.text, "an entry without %.*s where a map is promised",
                 (int)(name.len < 60 ? name.len : 60), (const char *)name.data);
        return ab_shape_wrong(&r->walk, r->walk.text);
    }
    return read_value(r, ab_shape_of(&r->walk, ref));
}

/* An entry of a map: table -> table, with it in it. */
static bool read_entry(struct reader *r, struct ab_shape *map)
{
    enter(r);
    size_t first = r->at;
    if (!read_part(r, first, &map->refs[0]))
        return ab_shape_at_member(&r->walk, &map->refs[0]);
    if (!read_part(r, first, &map->refs[1]))
        return ab_shape_at_member(&r->walk, &map->refs[1]);
    lua_rawset(r->walk.L, -3);
    r->at = first;
    while (peek(r).kind == AB_XML_OPEN)
        skip_element(r);
    r->at++;
    return true;
}

static bool read_any(struct reader *r, struct ab_shape *shape)
{
    return shape->kind == AB_SHAPE_LIST ? read_item(r, shape) : read_entry(r, shape);
}

/* The element at r->at is member `ref` of the structure on top. A model may call anything
 * flattened; only what has items is (as in botocore). */
static bool read_member(struct reader *r, struct ab_shape_ref *ref, bool again)
{
    lua_State *L = r->walk.L;
    struct ab_shape *shape = ab_shape_of(&r->walk, ref);
    bool has_items = shape->kind == AB_SHAPE_LIST || shape->kind == AB_SHAPE_MAP;
    bool flattened = ref->flattened && has_items;
    bool ok;

    if (again && !flattened) {
        skip_element(r);
        return true;
    }
    lua_rawgeti(L, AB_SHAPE_NAMES, ref->name); /* structure name */
    if (flattened) {
        push_flattened(r, shape, again);
        ok = read_any(r, shape);
    } else {
        ok = read_value(r, shape);
    }
    if (!ok)
        return ab_shape_at_member(&r->walk, ref);
    lua_rawset(L, -3);
    return true;
}

/* Attributes lose their prefix where they are read. */
static void read_attribute(struct reader *r, struct ab_shape *shape, const struct ab_xml_item *item)
{
    lua_State *L = r->walk.L;

    for (uint32_t i = 0; i < shape->count; i++) {
        if (!shape->refs[i].attribute || !ab_slice_same(item->name, shape->refs[i].wire))
            continue;
        lua_rawgeti(L, AB_SHAPE_NAMES, shape->refs[i].name);
        lua_pushlstring(L, (const char *)item->value.data, item->value.len);
        lua_rawset(L, -3);
    }
}

static bool read_structure(struct reader *r, struct ab_shape *shape)
{
    lua_State *L = r->walk.L;
    struct seen seen = {{0}};
    uint32_t hint = 0, known = 0;
    struct ab_slice first = {NULL, 0};

    luaL_checkstack(L, 8, "XML nested too deep");
    ab_shape_push_table(L, shape);
    for (r->at++; peek(r).kind == AB_XML_ATTRIBUTE; r->at++) {
        struct ab_xml_item item = peek(r);
        read_attribute(r, shape, &item);
    }
    while (peek(r).kind == AB_XML_OPEN) {
        struct ab_slice name = peek(r).name;
        struct ab_shape_ref *ref = ab_shape_member(shape, name, &hint);
        if (!first.data)
            first = name;
        if (!ref || ref->attribute) {
            skip_element(r);
            continue;
        }
        known++;
        if (ref->flattened && hint > 0)
            hint--; /* its items come in a row */
        if (!read_member(r, ref, mark(&seen, shape, ref)))
            return false;
    }
    struct ab_xml_item end = peek(r);
    if (end.leaf && !is_blank(end.value))
        return ab_shape_wrong(&r->walk, "text where a structure is promised");
    r->at++;
    shape->usual = known;
    if (shape->is_union && known == 0 && first.data) { /* of a newer service */
        lua_pop(L, 1);
        ab_shape_push_unknown(L, first);
    }
    return true;
}

/* A list or map whose items are the children of the element. */
static bool read_items(struct reader *r, struct ab_shape *shape)
{
    luaL_checkstack(r->walk.L, 8, "XML nested too deep");
    ab_shape_push_table(r->walk.L, shape);
    for (enter(r); peek(r).kind == AB_XML_OPEN;)
        if (!read_any(r, shape))
            return false;
    r->at++;
    return true;
}

static const char *type_of(const struct ab_shape *shape)
{
    static const char *const names[] = {
        [AB_SHAPE_STRING] = "string",   [AB_SHAPE_BOOLEAN] = "boolean",
        [AB_SHAPE_INTEGER] = "integer", [AB_SHAPE_FLOAT] = "float",
        [AB_SHAPE_BLOB] = "blob",       [AB_SHAPE_TIMESTAMP] = "timestamp",
        [AB_SHAPE_DOCUMENT] = "string",
    };
    return names[shape->kind];
}

static bool read_scalar(struct reader *r, const struct ab_shape *shape)
{
    luaL_checkstack(r->walk.L, 8, "XML nested too deep");
    enter(r);
    struct ab_xml_item item = peek(r);
    if (item.kind != AB_XML_CLOSE) {
        snprintf(r->walk.text, sizeof r->walk.text, "an element with children where %s is promised",
                 type_of(shape));
        return ab_shape_wrong(&r->walk, r->walk.text);
    }
    if (!ab_shape_push_scalar(&r->walk, shape, item.value)) {
        snprintf(r->walk.text, sizeof r->walk.text, "text that is not %s", type_of(shape));
        return ab_shape_wrong(&r->walk, r->walk.text);
    }
    r->at++;
    return true;
}

/* Push the value of the element that opens at r->at, and step over it. */
static bool read_value(struct reader *r, struct ab_shape *shape)
{
    switch (shape->kind) {
    case AB_SHAPE_STRUCTURE:
        return read_structure(r, shape);
    case AB_SHAPE_LIST:
    case AB_SHAPE_MAP:
        return read_items(r, shape);
    default:
        return read_scalar(r, shape);
    }
}

/* shape.xml(plan, document, name, node) -> value | nil, err. The value of the shape `name` in an
 * element of a document (xml.read), the root when no node is named. Errors: { code = "misshapen",
 * place, message }. */
int ab_shape_xml(lua_State *L)
{
    struct reader r;

    r.xml = ab_xml_document(L, 2);
    r.at = ab_xml_node(L, 4, r.xml);
    ab_shape_begin(L, &r.walk);
    struct ab_shape *shape = ab_shape_named(&r.walk, 3);
    return read_value(&r, shape) ? 1 : ab_shape_fail(&r.walk);
}
