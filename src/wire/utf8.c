#include "wire/utf8.h"

#include <stdbool.h>

static bool in(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* The second byte's range holds all of RFC 3629's exceptions (section 4, UTF8-octets). */
static size_t long_length(const uint8_t *p, size_t have)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t length;

    if (in(p[0], 0xc2, 0xdf))
        length = 2;
    else if (in(p[0], 0xe0, 0xef))
        length = 3;
    else if (in(p[0], 0xf0, 0xf4))
        length = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (have < length || !in(p[1], low, high))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!in(p[i], 0x80, 0xbf))
            return 0;
    return length;
}

size_t ab_utf8_length(const uint8_t *p, const uint8_t *end)
{
    if (p >= end)
        return 0;
    return p[0] < 0x80 ? 1 : long_length(p, (size_t)(end - p));
}

size_t ab_utf8_put(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {[2] = 0xc0, [3] = 0xe0, [4] = 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (uint8_t)(lead[length] | code);
    return length;
}
