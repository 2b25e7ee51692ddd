/* tools/compile.c - at build time: a Lua file as Lua keeps it in memory, for cmake/embed.cmake.
 * Errors and tracebacks tell its lines as they do of source, but not the names of its locals.
 *
 * usage: compile NAME IN OUT; errors will call the file NAME */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"

enum { PIECE = 4096 };

struct source {
    FILE *file;
    char piece[PIECE];
};

struct code {
    char *data; /* owned */
    size_t len;
};

static const char *read_piece(lua_State *L, void *opaque, size_t *len)
{
    struct source *source = opaque;

    (void)L;
    *len = fread(source->piece, 1, PIECE, source->file);
    return *len > 0 ? source->piece : NULL;
}

static int add_piece(lua_State *L, const void *data, size_t len, void *opaque)
{
    struct code *code = opaque;
    char *grown = realloc(code->data, code->len + len + 1);

    (void)L;
    if (!grown)
        return 1;
    memcpy(grown + code->len, data, len);
    code->data = grown;
    code->len += len;
    return 0;
}

/* True when the file at `path` was compiled, and leaves its function on the stack; else a message.
 */
static bool load(lua_State *L, const char *name, const char *path)
{
    struct source source = {.file = fopen(path, "rb")};

    if (!source.file) {
        lua_pushfstring(L, "cannot read %s", path);
        return false;
    }
    lua_pushfstring(L, "=%s", name);
    int status = lua_load(L, read_piece, &source, lua_tostring(L, -1), "t");
    return fclose(source.file) == 0 && status == LUA_OK;
}

static bool write_all(const char *path, const struct code *code)
{
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(code->data, 1, code->len, file) == code->len;

    return file && fclose(file) == 0 && good;
}

/* The function on top into a file; else false and a message. What Lua cannot load again is no code.
 */
static bool dump(lua_State *L, const char *name, const char *path)
{
    struct code code = {0};
    bool good = lua_dump(L, add_piece, &code, 0) == 0 && ab_chunk_trim(code.data, &code.len) &&
                luaL_loadbufferx(L, code.data, code.len, name, "b") == LUA_OK;

    if (!good)
        lua_pushfstring(L, "the code of %s is not what Lua 5.4 makes", name);
    else if (!(good = write_all(path, &code)))
        lua_pushfstring(L, "cannot write %s", path);
    free(code.data);
    return good;
}

int main(int argc, char **argv)
{
    lua_State *L = argc == 4 ? luaL_newstate() : NULL;
    bool good = L && load(L, argv[1], argv[2]) && dump(L, argv[1], argv[3]);

    if (!good)
        fprintf(stderr, "compile: %s\n", L ? lua_tostring(L, -1) : "wants NAME IN OUT");
    if (L)
        lua_close(L);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
