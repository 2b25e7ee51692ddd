/* wire/json_write.c - the writing half of wire/json.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"
#include "wire/utf8.h"

/* A control character, quote or backslash as its escape, into out[7]. */
static void escape(uint8_t c, char *out)
{
    static const char letters[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
    const char *letter = c ? strchr(letters, c) : NULL;

    if (letter)
        snprintf(out, 7, "\\%c", names[letter - letters]);
    else
        snprintf(out, 7, "\\u%04x", c);
}

static bool plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The end of the bytes from `p` that go out as they are; NULL when they are not UTF-8. */
static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        if (plain(*p)) {
            p++;
            continue;
        }
        if (*p < 0x80)
            break;
        size_t length = ab_utf8_length(p, end);
        if (length == 0)
            return NULL;
        p += length;
    }
    return p;
}

bool ab_json_put_string(struct ab_buf *out, struct ab_slice text, struct ab_err *err)
{
    const uint8_t *p = text.data, *end = text.data + text.len;

    if (!ab_buf_add_byte(out, '"', err))
        return false;
    while (p < end) {
        const uint8_t *next = skip_plain(p, end);
        if (!next)
            return ab_fail(err, AB_USAGE, "utf8", "JSON: a string of %zu bytes is not UTF-8",
                           text.len);
        if (next > p && !ab_buf_add(out, p, (size_t)(next - p), err))
            return false;
        p = next;
        if (p < end) {
            char escaped[7];
            escape(*p++, escaped);
            if (!ab_buf_add_text(out, escaped, err))
                return false;
        }
    }
    return ab_buf_add_byte(out, '"', err);
}

/* 15 digits are exact for what people write, 17 for every double. */
static void shortest(double number, char *out)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, AB_JSON_DOUBLE_MAX, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

size_t ab_json_double(double number, char *out)
{
    shortest(number, out);
    size_t point = strspn(out, "-0123456789");
    if (out[point] == '\0')
        memcpy(out + point, ".0", 3); /* 17 digits at most: room is left */
    else if (out[point] != 'e')
        out[point] = '.'; /* whatever the locale put there */
    return strlen(out);
}
