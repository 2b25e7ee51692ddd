#include "host/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind/bind.h"
#include "bind/lines.h"
#include "host/coroutine.h"
#include "host/embed.h"
#include "host/line.h"
#include "host/signals.h"

#include <lua-cjson.h>
#include <lualib.h>

enum { FILE_BYTES_MAX = 32 * 1024 * 1024 };

/* The folder AWSBAK_LUA, which stands for the embedded lua/, or NULL. */
static const char *lua_folder(void)
{
    const char *folder = getenv("AWSBAK_LUA");

    return folder && *folder ? folder : NULL;
}

/* Push the path of `name` ("lua/...") below AWSBAK_LUA and return it when there is such a file. */
static const char *replaced(lua_State *L, const char *name)
{
    if (!lua_folder() || strncmp(name, "lua/", 4) != 0)
        return NULL;
    const char *path = lua_pushfstring(L, "%s/%s", lua_folder(), name + 4);
    if (access(path, R_OK) == 0)
        return path;
    lua_pop(L, 1);
    return NULL;
}

/* Push the bytes of the file at `path`; false (and nothing pushed) when it cannot be read. */
static bool push_file(lua_State *L, const char *path)
{
    luaL_Buffer b;
    struct stat facts;

    if (stat(path, &facts) != 0 || facts.st_size > FILE_BYTES_MAX)
        return false;
    char *space =
        luaL_buffinitsize(L, &b, (size_t)facts.st_size); /* may raise: before the file opens */
    FILE *file = fopen(path, "rbe");
    size_t len = file ? fread(space, 1, (size_t)facts.st_size, file) : 0;
    if (file)
        fclose(file);
    luaL_pushresultsize(&b, len);
    if (!file)
        lua_pop(L, 1);
    return file != NULL;
}

static int load_bytes(lua_State *L, const char *data, const char *end, const char *chunk,
                      const char *mode)
{
    return luaL_loadbufferx(L, data, (size_t)(end - data), chunk, mode);
}

/* Push the chunk of source file `name`, compiled; false when there is none. Raises syntax errors.
 */
static bool load_source(lua_State *L, const char *name)
{
    const char *path = replaced(L, name);
    int status;

    if (path) {
        status = luaL_loadfilex(L, path, "t");
    } else {
        const struct ab_embed_file *file = ab_embed_find(name);
        if (!file)
            return false;
        const char *chunk = lua_pushfstring(L, "=%s", name);
        status = file->code ? load_bytes(L, file->code, file->code_end, chunk, "b")
                            : load_bytes(L, file->data, file->end, chunk, "t");
    }
    if (status != LUA_OK)
        lua_error(L);
    return true;
}

/* Give the chunk on top of the stack the strict globals, once lua/awsbak/strict.lua was loaded. */
static void make_strict(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "awsbak.strict") == LUA_TTABLE) {
        lua_getfield(L, -1, "modules"); /* chunk loaded strict env */
        lua_setupvalue(L, -4, 1);
    }
    lua_pop(L, 2);
}

/* package.searchers entry: "aws.ssm" is lua/aws/ssm.lua or lua/aws/ssm/init.lua. */
static int search_ours(lua_State *L)
{
    const char *name = luaL_gsub(L, luaL_checkstring(L, 1), ".", "/");
    static const char *const endings[] = {".lua", "/init.lua"};

    for (size_t i = 0; i < 2; i++) {
        const char *path = lua_pushfstring(L, "lua/%s%s", name, endings[i]);
        if (!load_source(L, path))
            continue;
        make_strict(L);
        lua_pushstring(L, path);
        return 2;
    }
    lua_pushfstring(L, "no embedded module '%s'", name);
    return 1;
}

/* package.searchers entry: "scripts.ssm.backup" is the policy `awsbak ssm backup` would run. */
static int search_scripts(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    if (strncmp(name, "scripts.", 8) != 0)
        return 0;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "awsbak.commands");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "searcher");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    return 2;
}

static void unpack(lua_State *L, const struct ab_embed_file *file, char *space, size_t len)
{
    if (len == 0 || !ab_embed_unpack(file, space, len))
        luaL_error(L, "the built-in file %s is damaged", file->name);
}

/* Push the content of a file. Raises when it is damaged or out of memory. */
static void push_content(lua_State *L, const struct ab_embed_file *file)
{
    luaL_Buffer b;

    if (!file->packed) {
        lua_pushlstring(L, file->data, (size_t)(file->end - file->data));
        return;
    }
    size_t len = ab_embed_size(file);
    unpack(L, file, luaL_buffinitsize(L, &b, len), len);
    luaL_pushresultsize(&b, len);
}

/* The same for awsbak.core.lines, without a copy. */
static void push_lines(lua_State *L, const struct ab_embed_file *file)
{
    size_t len = ab_embed_size(file);

    unpack(L, file, ab_lines_push(L, len), len);
}

static int find(lua_State *L, void (*push)(lua_State *, const struct ab_embed_file *))
{
    const char *name = luaL_checkstring(L, 1);
    const char *path = replaced(L, name);

    if (path && push_file(L, path))
        return 1;
    const struct ab_embed_file *file = ab_embed_find(name);
    if (!file)
        return 0;
    push(L, file);
    return 1;
}

/* embed.find(name) -> text of a file built in ("lua/aws/model.lua"), or nil */
static int embed_find(lua_State *L)
{
    return find(L, push_content);
}

/* embed.lines(name) -> text of a packed file ("lua/aws/models/ssm.txt") for awsbak.core.lines, or
 * nil */
static int embed_lines(lua_State *L)
{
    return find(L, push_lines);
}

/* embed.list(prefix) -> sorted names of the files built in that begin so */
static int embed_list(lua_State *L)
{
    size_t len;
    const char *prefix = luaL_checklstring(L, 1, &len);
    lua_Integer n = 0;

    lua_newtable(L);
    for (const struct ab_embed_file *file = ab_embed_files; file->name; file++) {
        if (strncmp(file->name, prefix, len) != 0)
            continue;
        lua_pushstring(L, file->name);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* embed.bytes(prefix) -> how many bytes of the program the files take that begin so */
static int embed_bytes(lua_State *L)
{
    size_t len;
    const char *prefix = luaL_checklstring(L, 1, &len);
    lua_Integer sum = 0;

    for (const struct ab_embed_file *file = ab_embed_files; file->name; file++) {
        if (strncmp(file->name, prefix, len) == 0)
            sum += file->end - file->data;
    }
    lua_pushinteger(L, sum);
    return 1;
}

static int open_embed(lua_State *L)
{
    static const luaL_Reg functions[] = {{"bytes", embed_bytes},
                                         {"find", embed_find},
                                         {"lines", embed_lines},
                                         {"list", embed_list},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}

/* Drop the entries of package[field] that are not absolute: code in the working directory is not
 * ours to run with credentials in the process. */
static void drop_relative(lua_State *L, const char *field)
{
    luaL_Buffer b;

    lua_getfield(L, -1, field);
    const char *entry = lua_tostring(L, -1);
    luaL_buffinit(L, &b);
    for (bool first = true; *entry;) {
        size_t len = strcspn(entry, ";");
        if (*entry == '/') {
            if (!first)
                luaL_addchar(&b, ';');
            luaL_addlstring(&b, entry, len);
            first = false;
        }
        entry += len + (entry[len] == ';');
    }
    luaL_pushresult(&b);
    lua_setfield(L, -3, field);
    lua_pop(L, 1);
}

/* Put `searcher` at place `at` of the searchers on top of the stack. */
static void insert_searcher(lua_State *L, lua_CFunction searcher, lua_Integer at)
{
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= at; i--) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushcfunction(L, searcher);
    lua_rawseti(L, -2, at);
}

/* Modules of the program, which awsbak.so does not have. */
static const luaL_Reg own[] = {
    {"awsbak.core.embed", open_embed},
    {"awsbak.core.host", ab_signals_module},
    {"awsbak.core.line", ab_line_module},
    {"cjson", luaopen_cjson},
    {NULL, NULL},
};

void ab_modules_open(lua_State *L)
{
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); /* LUA_PATH and LUA_CPATH are not read */
    luaL_openlibs(L);

    ab_bind_preload(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, own, 0);
    lua_pop(L, 1);
    ab_coroutine_open(L);

    lua_getglobal(L, "package");
    drop_relative(L, "path");
    drop_relative(L, "cpath");
    lua_getfield(L, -1, "searchers");
    insert_searcher(L, search_ours, 2); /* after preload, before files: ours cannot be shadowed */
    insert_searcher(L, search_scripts, 3);
    lua_pop(L, 2);
}
