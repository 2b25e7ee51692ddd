/* bind/file.c - awsbak.core.file: open files, read and written at offsets by worker threads.
 *
 * A job holds a reference of its file, so a closed handle's job still ends well. */
#include "stream/file.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "bind/file.h"
#include "bind/loop.h"
#include "bind/modules.h"
#include "bind/region.h"
#include "bind/stream.h"

#define CLASS "awsbak.file"

#define TIME_MAX 253402300800.0 /* the year 10000 */

enum { READ_MAX = 64 * 1024 * 1024 };

struct lua_file {
    struct ab_file *file; /* one reference; NULL after close */
    int64_t end;          /* where write() goes on */
};

struct io {
    struct ab_file *file; /* one reference */
    int64_t offset;
    struct ab_buf data; /* owned */
    size_t wanted;      /* bytes to read */
};

static struct lua_file *open_file(lua_State *L)
{
    struct lua_file *self = luaL_checkudata(L, 1, CLASS);

    luaL_argcheck(L, self->file, 1, "the file is closed");
    return self;
}

struct ab_file *ab_bind_file(lua_State *L, int arg)
{
    struct lua_file *self = luaL_checkudata(L, arg, CLASS);

    luaL_argcheck(L, self->file, arg, "the file is closed");
    return self->file;
}

struct ab_file **ab_file_handle_new(lua_State *L)
{
    struct lua_file *self = ab_bind_object(L, sizeof *self, CLASS, 0);

    return &self->file;
}

/* file.open(path[, hold = false]) -> handle to read a regular file | nil, err (code "not_regular"
 * for others). With `hold` one of at most 64 KiB is read and closed now, where no disk must be
 * waited for, and the handle has what it was. */
static int file_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    bool hold = lua_toboolean(L, 2);
    struct lua_file *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct ab_err err;

    self->file = ab_file_open(path, hold, &err);
    return self->file ? 1 : ab_bind_fail(L, &err);
}

/* file.spool([folder]) -> handle of a new file of mode 0600 without a name | nil, err */
static int file_spool(lua_State *L)
{
    const char *folder = luaL_optstring(L, 1, NULL);
    struct lua_file *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct ab_err err;

    self->file = ab_file_spool(folder, &err);
    return self->file ? 1 : ab_bind_fail(L, &err);
}

/* file.memory() -> handle of a new file in memory | nil, err */
static int file_memory(lua_State *L)
{
    struct lua_file *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct ab_err err;

    self->file = ab_file_memory(&err);
    return self->file ? 1 : ab_bind_fail(L, &err);
}

/* file.journal(path) -> handle of a file, made when it is missing, that no other process uses;
 * write() appends | nil, err (code "locked" while one does) */
static int file_journal(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct lua_file *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct ab_err err;

    self->file = ab_file_journal(path, &err);
    if (!self->file || !ab_file_size(self->file, &self->end, &err))
        return ab_bind_fail(L, &err);
    return 1;
}

static void drop_io(void *arg)
{
    struct io *io = arg;

    ab_file_unref(io->file);
    ab_buf_drop(&io->data);
    ab_free(io);
}

static struct io *new_io(struct ab_file *file, int64_t offset, size_t size, struct ab_err *err)
{
    struct io *io = ab_calloc(1, sizeof *io);

    if (!io) {
        ab_fail_memory(err);
        return NULL;
    }
    io->file = ab_file_ref(file);
    io->offset = offset;
    io->wanted = size;
    ab_buf_init(&io->data, size);
    io->data.secret = true;
    if (ab_buf_reserve(&io->data, size, err))
        return io;
    drop_io(io);
    return NULL;
}

static bool run_read(void *arg, struct ab_err *err)
{
    struct io *io = arg;

    return ab_file_read(io->file, io->data.data, io->wanted, io->offset, &io->data.len, err);
}

static int push_data(lua_State *L, void *arg)
{
    struct io *io = arg;

    lua_pushlstring(L, (const char *)io->data.data, io->data.len);
    return 1;
}

/* f:read(count, offset) -> op of bytes: fewer than `count` only at the end of the file */
static int file_read(lua_State *L)
{
    struct lua_file *self = open_file(L);
    lua_Integer count = luaL_checkinteger(L, 2);
    lua_Integer offset = luaL_checkinteger(L, 3);
    struct ab_err err;

    luaL_argcheck(L, count >= 0 && count <= READ_MAX, 2, "out of range");
    luaL_argcheck(L, offset >= 0, 3, "out of range");
    struct io *io = new_io(self->file, offset, (size_t)count, &err);
    if (!io)
        return ab_bind_fail(L, &err);
    return ab_bind_job(L, run_read, drop_io, io, push_data);
}

static bool run_write(void *arg, struct ab_err *err)
{
    struct io *io = arg;

    return ab_file_write(io->file, io->data.data, io->data.len, io->offset, err);
}

static int push_true(lua_State *L, void *arg)
{
    (void)arg;
    lua_pushboolean(L, true);
    return 1;
}

static int start_write(lua_State *L, struct lua_file *self, struct ab_slice data, int64_t offset)
{
    struct ab_err err;
    struct io *io = new_io(self->file, offset, data.len, &err);

    if (!io)
        return ab_bind_fail(L, &err);
    if (!ab_buf_add(&io->data, data.data, data.len, &err)) {
        drop_io(io);
        return ab_bind_fail(L, &err);
    }
    return ab_bind_job(L, run_write, drop_io, io, push_true);
}

/* f:write(bytes) -> op of true: appended after the last write(); several may run at once */
static int file_write(lua_State *L)
{
    struct lua_file *self = open_file(L);
    struct ab_slice data = ab_bind_bytes(L, 2);
    int64_t offset = self->end;

    self->end += (int64_t)data.len;
    return start_write(L, self, data, offset);
}

/* f:pwrite(bytes, offset) -> op of true */
static int file_pwrite(lua_State *L)
{
    struct lua_file *self = open_file(L);
    struct ab_slice data = ab_bind_bytes(L, 2);
    lua_Integer offset = luaL_checkinteger(L, 3);

    luaL_argcheck(L, offset >= 0, 3, "out of range");
    return start_write(L, self, data, offset);
}

/* f:put(bytes, first, count, offset) -> true | nil, err: `count` of the bytes from `first` on are
 * there at once. Of a file in memory alone: on a disk this would hold up the loop. */
static int file_put(lua_State *L)
{
    const struct ab_file *file = open_file(L)->file;
    struct ab_slice data = ab_bind_bytes(L, 2);
    lua_Integer first = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4);
    lua_Integer offset = luaL_checkinteger(L, 5), len = (lua_Integer)data.len;
    struct ab_err err;

    luaL_argcheck(L, file->in_memory, 1, "the file is not one in memory");
    luaL_argcheck(L, first >= 1 && first <= len + 1, 3, "out of range");
    luaL_argcheck(L, count >= 0 && count <= len + 1 - first, 4, "out of range");
    luaL_argcheck(L, offset >= 0, 5, "out of range");
    if (count > 0 && !ab_file_write(file, data.data + first - 1, (size_t)count, offset, &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* f:size() -> bytes | nil, err */
static int file_size(lua_State *L)
{
    struct lua_file *self = open_file(L);
    struct ab_err err;
    int64_t size;

    if (!ab_file_size(self->file, &size, &err))
        return ab_bind_fail(L, &err);
    lua_pushinteger(L, size);
    return 1;
}

static bool run_resize(void *arg, struct ab_err *err)
{
    struct io *io = arg;

    return ab_file_resize(io->file, io->offset, err);
}

/* f:resize(size) -> op of true: it is so long now, and the disk has room for it */
static int file_resize(lua_State *L)
{
    struct lua_file *self = open_file(L);
    lua_Integer size = luaL_checkinteger(L, 2);
    struct ab_err err;

    luaL_argcheck(L, size >= 0, 2, "out of range");
    struct io *io = new_io(self->file, size, 0, &err);
    if (!io)
        return ab_bind_fail(L, &err);
    return ab_bind_job(L, run_resize, drop_io, io, push_true);
}

double ab_bind_time(lua_State *L, int arg)
{
    lua_Number at = luaL_checknumber(L, arg);

    luaL_argcheck(L, at >= 0 && at < TIME_MAX, arg, "out of range");
    return at;
}

/* f:touch(seconds since 1970) -> true | nil, err: the time of the last change */
static int file_touch(lua_State *L)
{
    struct lua_file *self = open_file(L);
    double at = ab_bind_time(L, 2);
    struct ab_err err;

    if (!ab_file_touch(self->file, at, &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* f:stat() -> as file.stat gives it | nil, err */
static int file_stat(lua_State *L)
{
    struct lua_file *self = open_file(L);
    struct stat st;
    struct ab_err err;

    if (!ab_file_stat(self->file, &st, &err))
        return ab_bind_fail(L, &err);
    return ab_file_push_stat(L, &st);
}

/* f:path() -> the name it was opened by */
static int file_path(lua_State *L)
{
    lua_pushstring(L, open_file(L)->file->path);
    return 1;
}

/* f:region(at, size[, to_write = false]) -> those bytes as a value (bind/region.c) | nil, err (code
 * "short" when the file has fewer; those to be written need not be there) */
static int file_region(lua_State *L)
{
    return ab_bind_region_new(L, open_file(L)->file);
}

static int file_close(lua_State *L)
{
    struct lua_file *self = luaL_checkudata(L, 1, CLASS);
    struct ab_file *file = self->file;

    self->file = NULL;
    ab_file_unref(file);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", file_close},
    {"__close", file_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"read", file_read},     {"write", file_write}, {"pwrite", file_pwrite}, {"put", file_put},
    {"region", file_region}, {"size", file_size},   {"stat", file_stat},     {"touch", file_touch},
    {"resize", file_resize}, {"path", file_path},   {"close", file_close},   {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", file_open},
    {"spool", file_spool},
    {"memory", file_memory},
    {"journal", file_journal},
    {"sink", ab_file_sink_open},
    {"folder", ab_file_folder},
    {"stdin", ab_file_stdin},
    {"stdout", ab_file_stdout},
    {"read_file", ab_file_read_file},
    {"read_secret", ab_file_read_secret},
    {"create_exclusive", ab_file_create_exclusive},
    {"stat", ab_file_stat_path},
    {"mkdirs", ab_file_mkdirs},
    {"check_mkdirs", ab_file_check_mkdirs},
    {"list", ab_file_list},
    {NULL, NULL},
};

int luaopen_awsbak_core_file(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
    ab_bind_region_class(L);
    ab_bind_sink_class(L);
    ab_bind_folder_class(L);
    ab_bind_pipe_class(L);
    luaL_newlib(L, functions);
    return 1;
}
