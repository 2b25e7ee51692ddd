/* wire/utf8.h - UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef AB_WIRE_UTF8_H
#define AB_WIRE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length (1 to 4) of the character that starts at `p`, or 0 when the bytes before `end` do not
 * start with a valid one. */
size_t ab_utf8_length(const uint8_t *p, const uint8_t *end);

/* Write `code` (a valid code point) as UTF-8 to `out`, which has room for 4 bytes; the length. */
size_t ab_utf8_put(uint32_t code, uint8_t *out);

#endif
