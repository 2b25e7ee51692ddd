/* bind/xml.h - parsed documents, for bindings that read them themselves. */
#ifndef AB_BIND_XML_H
#define AB_BIND_XML_H

#include "bind/bind.h"
#include "wire/xml.h"

/* The document at `arg`, borrowed while it stays on the stack. Raises for anything else. */
const struct ab_xml *ab_xml_document(lua_State *L, int arg);

/* The item at which the node at `arg` opens; of the root when there is none. Raises for what is no
 * node of the document. */
size_t ab_xml_node(lua_State *L, int arg, const struct ab_xml *xml);

#endif
