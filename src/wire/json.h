/* wire/json.h - JSON (RFC 8259): a reader that hands out one token after the other, and the pieces
 * of a writer.
 *
 * The reader borrows the text and allocates nothing, so a caller may jump out between two tokens.
 * It takes exactly the grammar: no byte order mark, no comments, no NaN, no lone surrogates, valid
 * UTF-8 only. Structure (nesting, commas, keys) is checked here; values are the caller's. */
#ifndef AB_WIRE_JSON_H
#define AB_WIRE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    AB_JSON_DEPTH_DEFAULT = 200,
    AB_JSON_DEPTH_LIMIT = 1000, /* no reader may be told to nest deeper */
    AB_JSON_NUMBER_MAX = 400,   /* bytes of one number's text */
    AB_JSON_DOUBLE_MAX = 32,    /* bytes ab_json_double writes, with its NUL */
};

enum ab_json_kind {
    AB_JSON_END, /* the text is over; nothing but blanks was left */
    AB_JSON_OBJECT,
    AB_JSON_OBJECT_END,
    AB_JSON_ARRAY,
    AB_JSON_ARRAY_END,
    AB_JSON_KEY,
    AB_JSON_STRING,
    AB_JSON_INTEGER, /* fits int64_t: see `integer` */
    AB_JSON_NUMBER,  /* any other number: see `text` */
    AB_JSON_TRUE,
    AB_JSON_FALSE,
    AB_JSON_NULL,
};

struct ab_json_token {
    enum ab_json_kind kind;
    bool escaped;         /* a key or string that needs ab_json_unescape */
    struct ab_slice text; /* borrowed: the bytes between the quotes, or a number's */
    int64_t integer;
};

struct ab_json {
    const uint8_t *start, *at, *end; /* borrowed */
    uint32_t depth, depth_max;
    uint8_t expect;                    /* what may come next; private */
    uint8_t nest[AB_JSON_DEPTH_LIMIT]; /* AB_JSON_OBJECT or AB_JSON_ARRAY for each open level */
};

/* Start reading `text` (borrowed); containers nest `depth_max` (<= AB_JSON_DEPTH_LIMIT) deep. */
void ab_json_init(struct ab_json *json, struct ab_slice text, uint32_t depth_max);

/* The next token. After an end token `depth` is already that of the container around it. Fails
 * with kind AB_REPLY, code "json" and the byte at which the text went wrong. */
AB_MUST_USE bool ab_json_next(struct ab_json *json, struct ab_json_token *token,
                              struct ab_err *err);

/* Undo the escapes of a key's or string's `text` into `out`, which has room for text.len bytes;
 * returns the length. The text has been through ab_json_next. */
size_t ab_json_unescape(struct ab_slice text, uint8_t *out);

/* Append `text` as a JSON string with its quotes. Fails with kind AB_USAGE, code "utf8" when it is
 * not UTF-8. */
AB_MUST_USE bool ab_json_put_string(struct ab_buf *out, struct ab_slice text, struct ab_err *err);

/* Write `number` (finite) into out[AB_JSON_DOUBLE_MAX] with the least of 15, 16 or 17 digits that
 * reads back as it, always with a point or an exponent, in any locale; returns the length. */
size_t ab_json_double(double number, char *out);

#endif
