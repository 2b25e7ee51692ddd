/* bind/path.c - small files and folders by name, at once: configuration, keys, listings. */
#include "stream/path.h"

#include "bind/bind.h"
#include "bind/file.h"
#include "stream/names.h"
#include "stream/sink.h"

enum { READ_MAX = 1024 * 1024, READ_CAP = 1 << 30, FILE_MODE = 0600, FOLDER_MODE = 0700 };

/* (bytes as light userdata) -> string */
static int push_string(lua_State *L)
{
    const struct ab_buf *bytes = lua_touserdata(L, 1);

    lua_pushlstring(L, (const char *)bytes->data, bytes->len);
    return 1;
}

/* (bytes as light userdata) -> secret */
static int push_secret(lua_State *L)
{
    const struct ab_buf *bytes = lua_touserdata(L, 1);

    ab_bind_push_secret(L, bytes->data, bytes->len);
    return 1;
}

static int read_whole(lua_State *L, lua_CFunction push)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer max = luaL_optinteger(L, 2, READ_MAX);
    struct ab_buf bytes;
    struct ab_err err;

    luaL_argcheck(L, max >= 0 && max <= READ_CAP, 2, "out of range");
    ab_buf_init(&bytes, 0);
    bytes.secret = push == push_secret;
    if (!ab_path_read(path, (size_t)max, &bytes, &err)) {
        ab_buf_drop(&bytes);
        return ab_bind_fail(L, &err);
    }
    lua_pushcfunction(L, push);
    lua_pushlightuserdata(L, &bytes);
    int status = lua_pcall(L, 1, 1, 0); /* the bytes are freed whatever happens */
    ab_buf_drop(&bytes);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* file.read_file(path[, max = 1 MiB]) -> bytes | nil, err */
int ab_file_read_file(lua_State *L)
{
    return read_whole(L, push_string);
}

/* file.read_secret(path[, max = 1 MiB]) -> secret | nil, err */
int ab_file_read_secret(lua_State *L)
{
    return read_whole(L, push_secret);
}

/* file.create_exclusive(path, bytes|secret[, mode = 0600]) -> true | nil, err (code EEXIST) */
int ab_file_create_exclusive(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct ab_slice data = ab_bind_secret_bytes(L, 2);
    lua_Integer mode = luaL_optinteger(L, 3, FILE_MODE);
    struct ab_err err;

    if (!ab_sink_create(path, data.data, data.len, (mode_t)mode, &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

static const char *type_of(mode_t mode)
{
    return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "folder" : S_ISLNK(mode) ? "link" : "other";
}

int ab_file_push_stat(lua_State *L, const struct stat *st)
{
    lua_createtable(L, 0, 6);
    lua_pushstring(L, type_of(st->st_mode));
    lua_setfield(L, -2, "type");
    lua_pushinteger(L, st->st_size);
    lua_setfield(L, -2, "size");
    lua_pushinteger(L, st->st_mode & 07777);
    lua_setfield(L, -2, "mode");
    lua_pushinteger(L, st->st_uid);
    lua_setfield(L, -2, "uid");
    lua_pushnumber(L, (lua_Number)st->st_mtim.tv_sec + (lua_Number)st->st_mtim.tv_nsec / 1e9);
    lua_setfield(L, -2, "mtime");
    lua_pushinteger(L, (lua_Integer)st->st_ino);
    lua_setfield(L, -2, "inode");
    return 1;
}

/* file.stat(path[, link]) -> { type = file|folder|link|other, size, mode, uid, mtime, inode }
 * | nil, err. Of a link itself with `link`. */
int ab_file_stat_path(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat st;
    struct ab_err err;

    if (!ab_path_stat(path, lua_toboolean(L, 2), &st, &err))
        return ab_bind_fail(L, &err);
    return ab_file_push_stat(L, &st);
}

/* file.mkdirs(path[, mode = 0700]) -> true | nil, err: with all folders above it */
int ab_file_mkdirs(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer mode = luaL_optinteger(L, 2, FOLDER_MODE);
    struct ab_err err;

    if (!ab_path_make_folders(path, (mode_t)mode, &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* file.check_mkdirs(path) -> true | nil, err: what keeps file.mkdirs from it; nothing is made */
int ab_file_check_mkdirs(lua_State *L)
{
    struct ab_err err;

    if (!ab_path_check_folders(luaL_checkstring(L, 1), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* file.list(path) -> { names }, in no order | nil, err (code "too_many" above 10,000,000) */
int ab_file_list(lua_State *L)
{
    struct ab_names names;
    struct ab_err err;

    if (!ab_names_open(&names, luaL_checkstring(L, 1), AB_NAMES_MAX, &err))
        return ab_bind_fail(L, &err);
    return ab_file_adopt_names(L, &names, false);
}
