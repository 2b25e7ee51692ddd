/* wire/xml.h - XML documents as a flat list of what opens, what it carries and what closes.
 *
 * On expat, narrowed to what services send: a document type is refused, so there are no entities
 * but the five of XML and nothing expands; depth, attributes and nodes have caps. Names lose their
 * namespace. Character data counts only in elements without children: in an element with children
 * it is the blanks of pretty printing. */
#ifndef AB_WIRE_XML_H
#define AB_WIRE_XML_H

#include <stdint.h>

#include "base/buf.h"

enum {
    AB_XML_DEPTH_DEFAULT = 100,
    AB_XML_DEPTH_LIMIT = 1000,          /* no reader may be told to nest deeper */
    AB_XML_ATTRIBUTES_MAX = 100,        /* of one element */
    AB_XML_ITEMS_MAX = 4 * 1024 * 1024, /* bounds memory: an item can stand for two bytes of text */
    AB_XML_TEXT_MAX = 256 * 1024 * 1024,
};

enum ab_xml_kind {
    AB_XML_OPEN,      /* an element begins: its name */
    AB_XML_ATTRIBUTE, /* of the element just opened: name and value */
    AB_XML_CLOSE,     /* the element ends; `value` is its text unless it has children */
};

struct ab_xml_item {
    enum ab_xml_kind kind;
    bool leaf;                   /* of AB_XML_CLOSE: the element has no children */
    struct ab_slice name, value; /* borrowed from the document */
};

struct ab_xml;

/* Read the document `text`; elements may nest `depth_max` (<= AB_XML_DEPTH_LIMIT) deep. NULL and
 * kind AB_REPLY, code "xml" ("dtd" for a document type) and the line when it is not well-formed or
 * passes a cap. The caller frees the result. */
AB_MUST_USE struct ab_xml *ab_xml_parse(struct ab_slice text, uint32_t depth_max,
                                        struct ab_err *err);

/* Free the document (NULL is fine). */
void ab_xml_free(struct ab_xml *xml);

/* How many items there are, and item number `i`, counted from 0. */
size_t ab_xml_count(const struct ab_xml *xml);
struct ab_xml_item ab_xml_item(const struct ab_xml *xml, size_t i);

#endif
