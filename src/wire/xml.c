#include "wire/xml.h"

#include <expat.h>
#include <string.h>

#include "base/alloc.h"

/* What expat puts between a namespace and a local name; it cannot be part of a local name. */
#define SEPARATOR '\n'

/* An item as it is kept: places in `bytes`, which moves while it grows. */
struct kept_item {
    uint8_t kind;
    bool leaf;
    uint32_t name, name_len;
    uint32_t value, value_len;
};

struct level {
    uint32_t text; /* where the character data of an open element begins in `bytes` */
    bool children;
};

struct ab_xml {
    struct ab_buf bytes; /* names, values and texts, one after the other */
    struct ab_buf items; /* of struct kept_item */
    uint32_t depth, depth_max;
    XML_Parser parser; /* owned; NULL once the document is read */
    bool failed;       /* `err` says why */
    struct ab_err err;
    struct level levels[AB_XML_DEPTH_LIMIT];
};

/* Stop with `err` filled by the caller. */
static void stop(struct ab_xml *xml)
{
    xml->failed = true;
    XML_StopParser(xml->parser, XML_FALSE);
}

static void stop_over(struct ab_xml *xml, const char *what, uint32_t max)
{
    ab_fail(&xml->err, AB_REPLY, "xml", "XML: %s %u at line %lu", what, max,
            (unsigned long)XML_GetCurrentLineNumber(xml->parser));
    stop(xml);
}

/* Append bytes; false when that fails, after stopping. */
static bool keep_bytes(struct ab_xml *xml, const char *data, size_t len)
{
    if (ab_buf_add(&xml->bytes, data, len, &xml->err))
        return true;
    stop(xml);
    return false;
}

/* Append an item whose name is `name` without its namespace; NULL when that fails, after stopping.
 * The result is valid until the next item. */
static struct kept_item *keep_item(struct ab_xml *xml, enum ab_xml_kind kind, const char *name)
{
    const char *separator = strrchr(name, SEPARATOR);
    const char *local = separator ? separator + 1 : name;
    struct kept_item item = {.kind = (uint8_t)kind,
                             .name = (uint32_t)xml->bytes.len,
                             .name_len = (uint32_t)strlen(local)};

    if (!keep_bytes(xml, local, item.name_len))
        return NULL;
    if (!ab_buf_add(&xml->items, &item, sizeof item, &xml->err)) {
        stop(xml);
        return NULL;
    }
    return (struct kept_item *)(void *)(xml->items.data + xml->items.len) - 1;
}

static void keep_attributes(struct ab_xml *xml, const XML_Char **attributes)
{
    for (uint32_t n = 1; *attributes; attributes += 2, n++) {
        if (n > AB_XML_ATTRIBUTES_MAX) {
            stop_over(xml, "an element has more attributes than", AB_XML_ATTRIBUTES_MAX);
            return;
        }
        size_t len = strlen(attributes[1]);
        struct kept_item *item = keep_item(xml, AB_XML_ATTRIBUTE, attributes[0]);
        if (!item)
            return;
        item->value = (uint32_t)xml->bytes.len;
        item->value_len = (uint32_t)len;
        if (!keep_bytes(xml, attributes[1], len))
            return;
    }
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct ab_xml *xml = data;

    if (xml->failed)
        return; /* expat may deliver some more after a stop */
    if (xml->depth == xml->depth_max) {
        stop_over(xml, "nested deeper than", xml->depth_max);
        return;
    }
    if (xml->depth > 0) { /* what came before a child is blanks */
        xml->levels[xml->depth - 1].children = true;
        xml->bytes.len = xml->levels[xml->depth - 1].text;
    }
    if (!keep_item(xml, AB_XML_OPEN, name))
        return;
    keep_attributes(xml, attributes);
    xml->levels[xml->depth++] = (struct level){.text = (uint32_t)xml->bytes.len};
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct ab_xml *xml = data;

    if (!xml->failed)
        (void)keep_bytes(xml, text, (size_t)len);
}

static void on_end(void *data, const XML_Char *name)
{
    struct ab_xml *xml = data;

    (void)name;
    if (xml->failed)
        return;
    struct level level = xml->levels[--xml->depth];
    if (level.children)
        xml->bytes.len = level.text;
    struct kept_item item = {.kind = AB_XML_CLOSE,
                             .leaf = !level.children,
                             .value = level.text,
                             .value_len = (uint32_t)xml->bytes.len - level.text};
    if (!ab_buf_add(&xml->items, &item, sizeof item, &xml->err)) {
        stop(xml);
        return;
    }
    if (xml->depth > 0)
        xml->levels[xml->depth - 1].text = (uint32_t)xml->bytes.len;
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal)
{
    struct ab_xml *xml = data;

    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    if (xml->failed)
        return;
    ab_fail(&xml->err, AB_REPLY, "dtd", "XML: a document type is refused, at line %lu",
            (unsigned long)XML_GetCurrentLineNumber(xml->parser));
    stop(xml);
}

static void explain(struct ab_xml *xml)
{
    enum XML_Error error = XML_GetErrorCode(xml->parser);

    if (xml->failed)
        return;
    if (error == XML_ERROR_NO_MEMORY)
        ab_fail_memory(&xml->err);
    else
        ab_fail(&xml->err, AB_REPLY, "xml", "XML: %s at line %lu", XML_ErrorString(error),
                (unsigned long)XML_GetCurrentLineNumber(xml->parser));
}

static bool read_document(struct ab_xml *xml, struct ab_slice text)
{
    static const XML_Memory_Handling_Suite memory = {ab_alloc, ab_realloc, ab_free};
    static const XML_Char separator[] = {SEPARATOR, '\0'};

    xml->parser = XML_ParserCreate_MM(NULL, &memory, separator);
    if (!xml->parser)
        return ab_fail_memory(&xml->err);
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_start, on_end);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
    bool read = XML_Parse(xml->parser, (const char *)text.data, (int)text.len, 1) == XML_STATUS_OK;
    if (!read || xml->failed)
        explain(xml);
    XML_ParserFree(xml->parser);
    xml->parser = NULL;
    return read && !xml->failed;
}

struct ab_xml *ab_xml_parse(struct ab_slice text, uint32_t depth_max, struct ab_err *err)
{
    if (text.len == 0 || text.len > AB_XML_TEXT_MAX) {
        ab_fail(err, AB_REPLY, "xml", "XML: the text is %s",
                text.len == 0 ? "empty" : "larger than 256 MiB");
        return NULL;
    }
    struct ab_xml *xml = ab_calloc(1, sizeof *xml);
    if (!xml) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_buf_init(&xml->bytes, AB_XML_TEXT_MAX);
    ab_buf_init(&xml->items, AB_XML_ITEMS_MAX * sizeof(struct kept_item));
    xml->depth_max = depth_max;
    if (read_document(xml, text))
        return xml;
    *err = xml->err;
    ab_xml_free(xml);
    return NULL;
}

void ab_xml_free(struct ab_xml *xml)
{
    if (!xml)
        return;
    ab_buf_drop(&xml->bytes);
    ab_buf_drop(&xml->items);
    ab_free(xml);
}

size_t ab_xml_count(const struct ab_xml *xml)
{
    return xml->items.len / sizeof(struct kept_item);
}

struct ab_xml_item ab_xml_item(const struct ab_xml *xml, size_t i)
{
    const struct kept_item *item = (const struct kept_item *)(const void *)xml->items.data + i;
    const uint8_t *bytes = xml->bytes.data;

    return (struct ab_xml_item){
        .kind = item->kind,
        .leaf = item->leaf,
        .name = {bytes + item->name, item->name_len},
        .value = {bytes + item->value, item->value_len},
    };
}
