/* bind/lines.c - awsbak.core.lines: search in a text of sorted lines, which the models of services
 * are: a first reply asks for a hundred shapes, and in Lua finding them took longer than the rest.
 */
#include "bind/lines.h"

#include <lauxlib.h>
#include <string.h>

#include "bind/bind.h"
#include "bind/modules.h"

#define TEXT "awsbak.core.lines"

char *ab_lines_push(lua_State *L, size_t len)
{
    char *text = lua_newuserdatauv(L, len, 0);

    luaL_newmetatable(L, TEXT);
    lua_setmetatable(L, -2);
    return text;
}

static struct ab_slice text_at(lua_State *L, int arg)
{
    const uint8_t *data = luaL_testudata(L, arg, TEXT);

    return data ? (struct ab_slice){data, lua_rawlen(L, arg)} : ab_bind_bytes(L, arg);
}

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

/* Where the first line begins that does not sort before `key`, or the end of the text. */
static size_t lower_bound(struct ab_slice text, struct ab_slice key)
{
    size_t low = 0, high = text.len; /* both at the start of a line */

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t line = line_start(text.data, low, middle);
        if (is_before(text, line, key))
            low = next_line(text, middle);
        else
            high = line;
    }
    return low;
}

/* lines.find(text, key) -> the first line that begins with `key`, or nil. `text` is a string, or
 * what embed.lines gave; its lines are sorted by bytes, whatever the locale. */
static int lines_find(lua_State *L)
{
    struct ab_slice text = text_at(L, 1), key = ab_bind_bytes(L, 2);
    size_t at = lower_bound(text, key);

    if (text.len - at < key.len || memcmp(text.data + at, key.data, key.len) != 0)
        return 0;
    const uint8_t *line = text.data + at;
    const uint8_t *end = memchr(line, '\n', text.len - at);
    lua_pushlstring(L, (const char *)line, end ? (size_t)(end - line) : text.len - at);
    return 1;
}

/* lines.between(text, first, last) -> the lines, as one string, from the first that does not sort
 * before `first` to the last that sorts before `last` */
static int lines_between(lua_State *L)
{
    struct ab_slice text = text_at(L, 1);
    size_t from = lower_bound(text, ab_bind_bytes(L, 2));
    size_t to = lower_bound(text, ab_bind_bytes(L, 3));

    lua_pushlstring(L, (const char *)text.data + from, to > from ? to - from : 0);
    return 1;
}

int luaopen_awsbak_core_lines(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"between", lines_between}, {"find", lines_find}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
