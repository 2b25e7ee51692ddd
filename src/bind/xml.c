/* bind/xml.c - XML documents as trees of Lua tables.
 *
 * A node is { name = "Key", text = "a", attr = { type = "..." }, child, ... }: `text` only where
 * there are no children, `attr` only where there are attributes. Names have lost their namespace.
 */
#include "wire/xml.h"

#include "bind/bind.h"
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

static const luaL_Reg functions[] = {{"parse", xml_parse}, {NULL, NULL}};

int luaopen_awsbak_core_xml(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", document_gc}, {NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}};

    ab_bind_class(L, DOCUMENT, meta, none);
    luaL_newlib(L, functions);
    return 1;
}
