/* bind/folder.c - file.folder: a folder, and what is beneath it and nowhere else. */
#include "stream/folder.h"

#include <string.h>
#include <unistd.h>

#include "bind/bind.h"
#include "bind/file.h"
#include "stream/names.h"
#include "stream/sink.h"

#define CLASS "awsbak.folder"

enum { FOLDER_MODE = 0700, MODE_MAX = 0777 };

struct lua_folder {
    struct ab_folder *folder; /* owned; NULL after close */
};

static struct ab_folder *open_folder(lua_State *L)
{
    struct lua_folder *self = luaL_checkudata(L, 1, CLASS);

    luaL_argcheck(L, self->folder, 1, "the folder is closed");
    return self->folder;
}

/* A path without a NUL, which would end it early. */
static const char *check_path(lua_State *L, int arg)
{
    size_t len;
    const char *path = luaL_checklstring(L, arg, &len);

    luaL_argcheck(L, strlen(path) == len, arg, "a path has no NUL in it");
    return path;
}

/* file.folder(path) -> folder | nil, err. Paths of its methods are relative, and none leads out of
 * it (stream/folder.h): code "outside" for one that would by its parts, "link" for one with a
 * symbolic link in it. */
int ab_file_folder(lua_State *L)
{
    const char *path = check_path(L, 1);
    struct lua_folder *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct ab_err err;

    self->folder = ab_folder_open(path, &err);
    return self->folder ? 1 : ab_bind_fail(L, &err);
}

/* f:make(path[, mode = 0700]) -> true | nil, err: a folder, with all above it that are missing */
static int folder_make(lua_State *L)
{
    const struct ab_folder *folder = open_folder(L);
    const char *path = check_path(L, 2);
    lua_Integer mode = luaL_optinteger(L, 3, FOLDER_MODE);
    struct ab_err err;

    luaL_argcheck(L, mode > 0 && mode <= MODE_MAX, 3, "out of range");
    int fd = ab_folder_enter(folder, path, (mode_t)mode, &err);
    if (fd < 0)
        return ab_bind_fail(L, &err);
    close(fd);
    lua_pushboolean(L, true);
    return 1;
}

/* f:stat(path) -> as file.stat of a link itself | nil, err */
static int folder_stat(lua_State *L)
{
    const struct ab_folder *folder = open_folder(L);
    struct stat st;
    struct ab_err err;

    if (!ab_folder_stat(folder, check_path(L, 2), &st, &err))
        return ab_bind_fail(L, &err);
    return ab_file_push_stat(L, &st);
}

/* f:open(path[, hold = false]) -> handle to read a regular file, as file.open | nil, err */
static int folder_file(lua_State *L)
{
    const struct ab_folder *folder = open_folder(L);
    const char *path = check_path(L, 2);
    bool hold = lua_toboolean(L, 3);
    struct ab_file **file = ab_file_handle_new(L);
    struct ab_err err;

    *file = ab_folder_file(folder, path, hold, &err);
    return *file ? 1 : ab_bind_fail(L, &err);
}

/* f:sink(path[, options]) -> as file.sink; folders that are missing are made */
static int folder_sink(lua_State *L)
{
    struct ab_folder *folder = open_folder(L);

    check_path(L, 2);
    return ab_file_sink_new(L, folder, 2);
}

/* f:check(path[, force]) -> true | nil, err: what keeps f:sink from opening; nothing is made */
static int folder_check(lua_State *L)
{
    struct ab_folder *folder = open_folder(L);
    struct ab_err err;

    if (!ab_sink_check(folder, check_path(L, 2), lua_toboolean(L, 3), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* f:remove(path[, folder]) -> true | nil, err: a file or a link; with `folder` an empty folder */
static int folder_remove(lua_State *L)
{
    const struct ab_folder *folder = open_folder(L);
    struct ab_err err;

    if (!ab_folder_remove(folder, check_path(L, 2), lua_toboolean(L, 3), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

struct listing {
    struct ab_names *names; /* borrowed */
    bool marks;             /* folders by a slash */
    struct ab_err err;
};

/* (listing as light userdata) -> names; nil when they cannot be read, for its err */
static int collect_names(lua_State *L)
{
    struct listing *self = lua_touserdata(L, 1);

    lua_newtable(L);
    for (lua_Integer n = 1; ab_names_next(self->names, &self->err); n++) {
        if (!self->names->name)
            return 1;
        lua_pushstring(L, self->names->name);
        if (self->marks && ab_names_is_folder(self->names)) {
            lua_pushliteral(L, "/");
            lua_concat(L, 2);
        }
        lua_rawseti(L, -2, n);
    }
    return 0;
}

int ab_file_adopt_names(lua_State *L, struct ab_names *names, bool marks)
{
    struct listing self = {.names = names, .marks = marks};

    lua_pushcfunction(L, collect_names);
    lua_pushlightuserdata(L, &self);
    int status = lua_pcall(L, 1, 1, 0); /* the folder is closed whatever happens */
    ab_names_close(names);
    if (status != LUA_OK)
        return lua_error(L);
    return lua_istable(L, -1) ? 1 : ab_bind_fail(L, &self.err);
}

/* f:list(path[, max = 10,000,000]) -> names in the folder `path` ("" for itself), in no order,
 * those of folders with "/" at their end | nil, err (code "too_many") */
static int folder_list(lua_State *L)
{
    const struct ab_folder *folder = open_folder(L);
    const char *path = check_path(L, 2);
    lua_Integer max = luaL_optinteger(L, 3, AB_NAMES_MAX);
    struct ab_names names;
    struct ab_err err;

    luaL_argcheck(L, max >= 0 && max <= AB_NAMES_MAX, 3, "out of range");
    if (!ab_names_beneath(&names, folder, path, max, &err))
        return ab_bind_fail(L, &err);
    return ab_file_adopt_names(L, &names, true);
}

/* f:path() -> the name it was opened by */
static int folder_path(lua_State *L)
{
    lua_pushstring(L, open_folder(L)->path);
    return 1;
}

static int folder_close(lua_State *L)
{
    struct lua_folder *self = luaL_checkudata(L, 1, CLASS);

    ab_folder_unref(self->folder);
    self->folder = NULL;
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", folder_close},
    {"__close", folder_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"make", folder_make}, {"stat", folder_stat},     {"open", folder_file},
    {"sink", folder_sink}, {"remove", folder_remove}, {"list", folder_list},
    {"path", folder_path}, {"close", folder_close},   {"check", folder_check},
    {NULL, NULL},
};

void ab_bind_folder_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
