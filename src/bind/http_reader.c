/* bind/http_reader.c - the body of a streamed reply: read piece by piece, or stored in a file. */
#include "bind/http_reader.h"

#include "bind/loop.h"
#include "bind/region.h"

#define CLASS "awsbak.reader"

enum { READ_DEFAULT = 64 * 1024 };

struct reader {
    struct ab_http *http; /* an owner of it; NULL when closed */
};

void ab_bind_reader_new(lua_State *L, struct ab_http *http)
{
    struct reader *self = ab_bind_object(L, sizeof *self, CLASS, 1);

    ab_http_retain(http);
    self->http = http;
}

static struct ab_http *open_reader(lua_State *L)
{
    struct reader *self = luaL_checkudata(L, 1, CLASS);

    luaL_argcheck(L, self->http, 1, "reader is closed");
    return self->http;
}

struct read_arg {
    struct ab_http *http; /* borrowed: the operation owns it too */
    size_t most;
};

/* -> bytes, or nothing at the end of a body that was proven whole */
static int read_result(lua_State *L, void *arg)
{
    const struct read_arg *want = arg;
    struct ab_slice body = ab_http_body(want->http);
    size_t n = body.len < want->most ? body.len : want->most;
    struct ab_err err;

    if (n == 0)
        return 0;
    lua_pushlstring(L, (const char *)body.data, n);
    if (!ab_http_take(want->http, n, &err))
        return ab_bind_fail(L, &err);
    return 1;
}

/* reader:read([n]) -> op | nil, error; its result: 1 to n bytes, or nothing at the end */
static int reader_read(lua_State *L)
{
    struct ab_http *http = open_reader(L);
    lua_Integer most = luaL_optinteger(L, 2, READ_DEFAULT);
    struct ab_err err;

    luaL_argcheck(L, most > 0, 2, "must be positive");
    struct ab_bind_op *self = ab_bind_op_new(L, read_result);
    struct read_arg *arg = lua_newuserdatauv(L, sizeof *arg, 0);
    arg->http = http;
    arg->most = (size_t)most;
    lua_setiuservalue(L, -2, 1);
    return ab_bind_op_start(L, self, ab_http_read(http, &err), arg, &err);
}

/* -> the raw digests asked for */
static int store_result(lua_State *L, void *arg)
{
    uint8_t out[AB_DIGEST_MAX];
    size_t len;
    struct ab_err err;

    for (int i = 0; i < AB_HTTP_DIGESTS; i++) {
        if (!ab_http_stored(arg, i, out, &len, &err))
            return ab_bind_fail(L, &err);
        lua_pushlstring(L, (const char *)out, len);
    }
    return AB_HTTP_DIGESTS;
}

/* reader:store(region[, digest[, digest]]) -> op | nil, error: what is left of the body goes into
 * the region of a file, which it must fill exactly; the op's results are its raw digests by those
 * names ("" where there is none). Raises for a value that is no region. */
static int reader_store(lua_State *L)
{
    struct ab_http *http = open_reader(L);
    const struct ab_region *where = ab_bind_region(L, 2);
    struct ab_err err;

    luaL_argexpected(L, where, 2, "region");
    const char *const digests[AB_HTTP_DIGESTS] = {luaL_optstring(L, 3, NULL),
                                                  luaL_optstring(L, 4, NULL)};
    struct ab_bind_op *self = ab_bind_op_new(L, store_result);
    return ab_bind_op_start(L, self, ab_http_store(http, where, digests, &err), http, &err);
}

/* reader:close(), __close and __gc: ends a transfer that still runs */
static int reader_close(lua_State *L)
{
    struct reader *self = luaL_checkudata(L, 1, CLASS);
    struct ab_http *http = self->http;

    self->http = NULL;
    ab_http_free(http);
    return 0;
}

static const luaL_Reg meta[] = {{"__gc", reader_close}, {"__close", reader_close}, {NULL, NULL}};

static const luaL_Reg methods[] = {
    {"read", reader_read}, {"store", reader_store}, {"close", reader_close}, {NULL, NULL}};

void ab_bind_reader_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
