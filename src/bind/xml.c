/* bind/xml.c - XML documents: parsed, to be read by shapes (bind/shape_xml.c), or as trees of Lua
 * tables.
 *
 * A node is { name = "Key", text = "a", attr = { type = "..." }, child, ... }: `text` only where
 * there are no children, `attr` only where there are attributes. Names have lost their namespace.
 */
#include "bind/xml.h"

#include "bind/modules.h"

#define DOCUMENT "awsbak.xml.document"

struct document {
    struct ab_xml *xml; /* owned; NULL until parsed */
};

static int document_gc(lua_State *L)
{
    struct document *document = luaL_checkudata(L, 1, DOCUMENT);

    ab_xml_free(document->xml);
    document->xml = NULL;
    return 0;
}

static void push_slice(lua_State *L, struct ab_slice text)
{
    lua_pushlstring(L, (const char *)text.data, text.len);
}

static void open_node(lua_State *L, const struct ab_xml_item *item)
{
    luaL_checkstack(L, 6, "XML nested too deep");
    lua_newtable(L);
    push_slice(L, item->name);
    lua_setfield(L, -2, "name");
}

/* node -> node, with the attribute in its `attr` */
static void add_attribute(lua_State *L, const struct ab_xml_item *item)
{
    if (lua_getfield(L, -1, "attr") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "attr");
    }
    push_slice(L, item->name);
    push_slice(L, item->value); /* node attr name value */
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* parent node -> parent; the root stays */
static void close_node(lua_State *L, const struct ab_xml_item *item, lua_Integer *counts, int depth)
{
    if (item->leaf) {
        push_slice(L, item->value);
        lua_setfield(L, -2, "text");
    }
    if (depth > 0)
        lua_rawseti(L, -2, ++counts[depth - 1]);
}

static void push_tree(lua_State *L, const struct ab_xml *xml)
{
    lua_Integer counts[AB_XML_DEPTH_LIMIT]; /* children so far of each open node */
    int depth = 0;

    for (size_t i = 0; i < ab_xml_count(xml); i++) {
        struct ab_xml_item item = ab_xml_item(xml, i);
        switch (item.kind) {
        case AB_XML_OPEN:
            open_node(L, &item);
            counts[depth++] = 0;
            break;
        case AB_XML_ATTRIBUTE:
            add_attribute(L, &item);
            break;
        case AB_XML_CLOSE:
            close_node(L, &item, counts, --depth);
            break;
        }
    }
}

static uint32_t depth_option(lua_State *L, int arg)
{
    static const char *const names[] = {"max_depth", NULL};

    if (lua_isnoneornil(L, arg))
        return AB_XML_DEPTH_DEFAULT;
    ab_bind_only(L, arg, names);
    lua_Integer depth = ab_bind_opt_integer(L, arg, "max_depth", AB_XML_DEPTH_DEFAULT);
    luaL_argcheck(L, depth >= 1 && depth <= AB_XML_DEPTH_LIMIT, arg, "max_depth out of range");
    return (uint32_t)depth;
}

/* xml.parse(text [, { max_depth = 100 }]) -> node | nil, err (kind reply, code "xml" or "dtd") */
static int xml_parse(lua_State *L)
{
    struct ab_slice text = ab_bind_bytes(L, 1);
    uint32_t depth_max = depth_option(L, 2);
    struct ab_err err;

    struct document *document = ab_bind_object(L, sizeof *document, DOCUMENT, 0);
    document->xml = ab_xml_parse(text, depth_max, &err);
    if (!document->xml)
        return ab_bind_fail(L, &err);
    push_tree(L, document->xml);
    ab_xml_free(document->xml);
    document->xml = NULL;
    return 1;
}

const struct ab_xml *ab_xml_document(lua_State *L, int arg)
{
    const struct document *document = luaL_checkudata(L, arg, DOCUMENT);

    luaL_argcheck(L, document->xml, arg, "not parsed");
    return document->xml;
}

size_t ab_xml_node(lua_State *L, int arg, const struct ab_xml *xml)
{
    lua_Integer node = luaL_optinteger(L, arg, 1);

    luaL_argcheck(L,
                  node >= 1 && (size_t)node <= ab_xml_count(xml) &&
                      ab_xml_item(xml, (size_t)node - 1).kind == AB_XML_OPEN,
                  arg, "no such node");
    return (size_t)node - 1;
}

/* xml.read(text) -> document | nil, err (kind reply, code "xml" or "dtd") */
static int xml_read(lua_State *L)
{
    struct ab_slice text = ab_bind_bytes(L, 1);
    struct ab_err err;

    struct document *document = ab_bind_object(L, sizeof *document, DOCUMENT, 0);
    document->xml = ab_xml_parse(text, AB_XML_DEPTH_DEFAULT, &err);
    return document->xml ? 1 : ab_bind_fail(L, &err);
}

/* document:name([node]) -> the name of an element, of the root when no node is named */
static int document_name(lua_State *L)
{
    const struct ab_xml *xml = ab_xml_document(L, 1);

    push_slice(L, ab_xml_item(xml, ab_xml_node(L, 2, xml)).name);
    return 1;
}

/* document:child([name [, node]]) -> the node of the first child of that name, or nil; without a
 * name the first child; of the root when no node is named */
static int document_child(lua_State *L)
{
    const struct ab_xml *xml = ab_xml_document(L, 1);
    const char *name = luaL_optstring(L, 2, NULL);
    int depth = 0;

    for (size_t i = ab_xml_node(L, 3, xml); i < ab_xml_count(xml); i++) {
        struct ab_xml_item item = ab_xml_item(xml, i);
        if (item.kind == AB_XML_CLOSE && --depth == 0)
            break;
        if (item.kind == AB_XML_OPEN && depth++ == 1 && (!name || ab_slice_is(item.name, name))) {
            lua_pushinteger(L, (lua_Integer)i + 1);
            return 1;
        }
    }
    return 0;
}

/* document:text(node) -> the text of an element without children, or nil */
static int document_text(lua_State *L)
{
    const struct ab_xml *xml = ab_xml_document(L, 1);
    size_t i = ab_xml_node(L, 2, xml) + 1;

    while (ab_xml_item(xml, i).kind == AB_XML_ATTRIBUTE)
        i++;
    if (ab_xml_item(xml, i).kind != AB_XML_CLOSE)
        return 0;
    push_slice(L, ab_xml_item(xml, i).value);
    return 1;
}

/* document:texts([node]) -> { name = text } of the children that have no children themselves */
static int document_texts(lua_State *L)
{
    const struct ab_xml *xml = ab_xml_document(L, 1);
    struct ab_slice name = {NULL, 0};
    int depth = 0;

    size_t i = ab_xml_node(L, 2, xml);
    lua_newtable(L);
    for (; i < ab_xml_count(xml); i++) {
        struct ab_xml_item item = ab_xml_item(xml, i);
        if (item.kind == AB_XML_OPEN && depth++ == 1)
            name = item.name;
        if (item.kind != AB_XML_CLOSE)
            continue;
        if (--depth == 0)
            break;
        if (depth == 1 && item.leaf) {
            push_slice(L, name);
            push_slice(L, item.value);
            lua_rawset(L, -3);
        }
    }
    return 1;
}

static const luaL_Reg functions[] = {{"parse", xml_parse}, {"read", xml_read}, {NULL, NULL}};

int luaopen_awsbak_core_xml(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", document_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"name", document_name},
                                       {"child", document_child},
                                       {"text", document_text},
                                       {"texts", document_texts},
                                       {NULL, NULL}};

    ab_bind_class(L, DOCUMENT, meta, methods);
    luaL_newlib(L, functions);
    return 1;
}
