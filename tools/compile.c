/* tools/compile.c - at build time: a Lua file as Lua keeps it in memory, for cmake/embed.cmake.
 * With lines and names, so that errors and tracebacks say what they say of source.
 *
 * usage: compile NAME IN OUT; errors will call the file NAME */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 4096 };

struct source {
    FILE *file;
    char piece[PIECE];
};

static const char *read_piece(lua_State *L, void *opaque, size_t *len)
{
    struct source *source = opaque;

    (void)L;
    *len = fread(source->piece, 1, PIECE, source->file);
    return *len > 0 ? source->piece : NULL;
}

static int write_piece(lua_State *L, const void *data, size_t len, void *file)
{
    (void)L;
    return fwrite(data, 1, len, file) != len;
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

static bool dump(lua_State *L, const char *path)
{
    FILE *file = fopen(path, "wb");
    bool good = file && lua_dump(L, write_piece, file, 0) == 0;

    if (!good)
        lua_pushfstring(L, "cannot write %s", path);
    return file && fclose(file) == 0 && good;
}

int main(int argc, char **argv)
{
    lua_State *L = argc == 4 ? luaL_newstate() : NULL;
    bool good = L && load(L, argv[1], argv[2]) && dump(L, argv[3]);

    if (!good)
        fprintf(stderr, "compile: %s\n", L ? lua_tostring(L, -1) : "wants NAME IN OUT");
    if (L)
        lua_close(L);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
