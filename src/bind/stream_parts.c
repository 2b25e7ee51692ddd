/* bind/stream_parts.c - what a pipe of core.stream is made of, as methods that add a part to it.
 *
 * Options were checked above (awsbak.stream): here a wrong one raises without being explained. */
#include "base/alloc.h"
#include "bind/stream.h"
#include "bind/stream_pipe.h"
#include "crypto/digest.h"
#include "stream/flow.h"
#include "stream/pipe.h"
#include "stream/sink.h"

enum { ZSTD_LEVEL = 3, GZIP_LEVEL = 6, MODE = 0600, MODE_MAX = 0777 };

static int push_true(lua_State *L)
{
    lua_pushboolean(L, true);
    return 1;
}

/* Add a flow, of which NULL is a failure described by `err`. */
static int add(lua_State *L, struct ab_pipe *pipe, struct ab_flow *flow, struct ab_err *err)
{
    if (!flow || !ab_pipe_adopt_flow(pipe, flow, err))
        return ab_bind_fail(L, err);
    return push_true(L);
}

/* An integer option between two bounds. */
static lua_Integer integer(lua_State *L, const char *name, lua_Integer absent, lua_Integer least,
                           lua_Integer most)
{
    lua_Integer value = ab_bind_opt_integer(L, 2, name, absent);

    if (value < least || value > most)
        luaL_error(L, "option '%s': out of range", name);
    return value;
}

/* p:file(handle) -> true: the source is an open core.file handle, from its beginning */
int ab_stream_file(lua_State *L)
{
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);

    ab_pipe_set_file(pipe, ab_bind_file(L, 2));
    return push_true(L);
}

/* p:sink(path, { force = false, mode = 0600 }) -> true | nil, err, as file.sink: the sink is a file
 * that appears when all is in it */
int ab_stream_sink(lua_State *L)
{
    static const char *const names[] = {"force", "mode", NULL};
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    const char *path = luaL_checkstring(L, 2);
    struct ab_err err;

    ab_bind_only(L, 3, names);
    bool force = ab_bind_opt_boolean(L, 3, "force", false);
    lua_Integer mode = ab_bind_opt_integer(L, 3, "mode", MODE);
    luaL_argcheck(L, mode >= 0 && mode <= MODE_MAX, 3, "option 'mode': out of range");
    struct ab_sink *sink = ab_sink_new(path, force, (mode_t)mode, &err);
    if (!sink)
        return ab_bind_fail(L, &err);
    ab_pipe_adopt_sink(pipe, sink);
    return push_true(L);
}

/* p:zstd{ level = 3, window_log = the level's, long = false, workers = 0 } -> true | nil, err */
int ab_stream_zstd(lua_State *L)
{
    static const char *const names[] = {"level", "window_log", "long", "workers", NULL};
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    struct ab_err err;

    ab_bind_only(L, 2, names);
    struct ab_zstd_options options = {
        .level = (int)integer(L, "level", ZSTD_LEVEL, 1, AB_ZSTD_LEVEL_MAX),
        .far = ab_bind_opt_boolean(L, 2, "long", false),
        .workers = (int)integer(L, "workers", 0, 0, AB_ZSTD_WORKERS_MAX),
    };
    options.window_log = (int)integer(L, "window_log", 0, 0, AB_ZSTD_WINDOW_LOG_MAX);
    if (options.window_log != 0 && options.window_log < AB_ZSTD_WINDOW_LOG_MIN)
        luaL_error(L, "option 'window_log': out of range");
    if (options.far && options.window_log == 0)
        options.window_log = AB_ZSTD_WINDOW_LOG;
    return add(L, pipe, ab_zstd_pack_new(&options, &err), &err);
}

/* Options ratio_max and bytes_max; 0 for none. */
static struct ab_growth growth(lua_State *L)
{
    return (struct ab_growth){
        .ratio_max = (uint64_t)integer(L, "ratio_max", AB_GROWTH_RATIO, 0, LUA_MAXINTEGER),
        .bytes_max = (uint64_t)integer(L, "bytes_max", 0, 0, LUA_MAXINTEGER),
    };
}

/* p:unzstd{ window_log = 27, ratio_max = 2048, bytes_max = 0 } -> true | nil, err */
int ab_stream_unzstd(lua_State *L)
{
    static const char *const names[] = {"window_log", "ratio_max", "bytes_max", NULL};
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    struct ab_err err;

    ab_bind_only(L, 2, names);
    lua_Integer window_log = integer(L, "window_log", AB_ZSTD_WINDOW_LOG, AB_ZSTD_WINDOW_LOG_MIN,
                                     AB_ZSTD_WINDOW_LOG_MAX);
    return add(L, pipe, ab_zstd_unpack_new((int)window_log, growth(L), &err), &err);
}

/* p:gzip{ level = 6 } -> true | nil, err */
int ab_stream_gzip(lua_State *L)
{
    static const char *const names[] = {"level", NULL};
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    struct ab_err err;

    ab_bind_only(L, 2, names);
    lua_Integer level = integer(L, "level", GZIP_LEVEL, 1, AB_GZIP_LEVEL_MAX);
    return add(L, pipe, ab_gzip_pack_new((int)level, &err), &err);
}

/* p:gunzip{ ratio_max = 2048, bytes_max = 0 } -> true | nil, err */
int ab_stream_gunzip(lua_State *L)
{
    static const char *const names[] = {"ratio_max", "bytes_max", NULL};
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    struct ab_err err;

    ab_bind_only(L, 2, names);
    return add(L, pipe, ab_gzip_unpack_new(growth(L), &err), &err);
}

/* p:digest(name[, expected]) -> true | nil, err: the raw digest that is expected fails the pipe
 * when it is another */
int ab_stream_digest(lua_State *L)
{
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    const char *name = luaL_checkstring(L, 2);
    struct ab_slice expected = {NULL, 0};
    struct ab_err err;

    if (!lua_isnoneornil(L, 3))
        expected = ab_bind_bytes(L, 3);
    return add(L, pipe, ab_digest_flow_new(name, expected, &err), &err);
}

/* p:seal{ recipients = {text, ...}, passphrase = string|secret, work_factor = 18, armor = false,
 * file_key = secret, stanzas = {text, ...} } -> true | nil, err (kind config, code "key" for a bad
 * recipient) */
int ab_stream_seal(lua_State *L)
{
    static const char *const names[] = {"recipients", "passphrase", "work_factor", "armor",
                                        "file_key",   "stanzas",    NULL};
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    struct ab_err err;

    ab_bind_only(L, 2, names);
    struct ab_age_to to = {
        .passphrase = ab_bind_passphrase(L, 2),
        .work_factor =
            ab_bind_work_factor(L, 2, "work_factor", AB_AGE_WORK_FACTOR, AB_AGE_WORK_FACTOR_MAX),
    };
    bool armor = ab_bind_opt_boolean(L, 2, "armor", false);
    to.keys = ab_bind_push_keys(L, 2, "recipients", ab_age_keys_add_recipient, &err);
    if (!to.keys || !ab_bind_stanzas(L, 2, to.keys, &err))
        return ab_bind_fail(L, &err);
    luaL_argcheck(L, ab_age_keys_is_empty(to.keys) == (to.passphrase.data != NULL), 2,
                  "either recipients or a passphrase");
    return add(L, pipe, ab_age_seal_flow_new(&to, armor, &err), &err);
}

/* p:open({ identities = {string|secret, ...}, passphrase = string|secret, file_key = secret,
 * max_work_factor = 20 }[, asks = false]) -> true | nil, err (kind config, code "key" for a bad
 * identity). One that asks does not fail when nothing opens the file: the pipe is "locked" then. */
int ab_stream_open(lua_State *L)
{
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    bool asks = lua_toboolean(L, 3);
    struct ab_age_with with;
    struct ab_err err;

    if (!ab_bind_age_with(L, 2, &with, &err))
        return ab_bind_fail(L, &err);
    return add(L, pipe, ab_age_open_flow_new(&with, asks, &err), &err);
}
