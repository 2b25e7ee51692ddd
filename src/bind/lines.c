/* bind/lines.c - awsbak.core.lines: search in a text of sorted lines, which the models of services
 * are: a first reply asks for a hundred shapes, and in Lua finding them took longer than the rest.
 */
#include <string.h>

#include "bind/bind.h"
#include "bind/modules.h"

/* Where the line begins that has the byte at `at`, no earlier than `first`. */
static size_t line_start(const uint8_t *text, size_t first, size_t at)
{
    const uint8_t *end = at > first ? memrchr(text + first, '\n', at - first) : NULL;

    return end ? (size_t)(end - text) + 1 : first;
}

/* Where the line after it begins, or the end of the text. */
static size_t next_line(struct ab_slice text, size_t at)
{
    const uint8_t *end = memchr(text.data + at, '\n', text.len - at);

    return end ? (size_t)(end - text.data) + 1 : text.len;
}

/* Whether what stands at `at` sorts before `key`, by bytes; what begins with it does not. */
static bool is_before(struct ab_slice text, size_t at, struct ab_slice key)
{
    size_t left = text.len - at;
    int order = memcmp(text.data + at, key.data, left < key.len ? left : key.len);

    return order < 0 || (order == 0 && left < key.len);
}

/* lines.lower_bound(text, key) -> position of the first line that does not sort before `key`, or
 * the one behind the text. Lines are sorted by bytes, whatever the locale. */
static int lines_lower_bound(lua_State *L)
{
    struct ab_slice text = ab_bind_bytes(L, 1), key = ab_bind_bytes(L, 2);
    size_t low = 0, high = text.len; /* both at the start of a line */

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t line = line_start(text.data, low, middle);
        if (is_before(text, line, key))
            low = next_line(text, middle);
        else
            high = line;
    }
    lua_pushinteger(L, (lua_Integer)low + 1);
    return 1;
}

int luaopen_awsbak_core_lines(lua_State *L)
{
    static const luaL_Reg functions[] = {{"lower_bound", lines_lower_bound}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
