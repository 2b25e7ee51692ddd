/* bind/digest.c - awsbak.core.digest: digests and checksums of strings and of streams. */
#include "crypto/digest.h"

#include "bind/bind.h"
#include "bind/modules.h"

#define CLASS "awsbak.digest"

struct lua_digest {
    struct ab_digest *digest; /* owned; NULL before start and after final */
};

static struct lua_digest *open_digest(lua_State *L)
{
    struct lua_digest *self = luaL_checkudata(L, 1, CLASS);

    luaL_argcheck(L, self->digest, 1, "the digest is finished");
    return self;
}

/* A wrong name is a mistake of the caller; anything else of the outside world. */
static int failed(lua_State *L, const struct ab_err *err)
{
    if (err->kind == AB_USAGE)
        return luaL_argerror(L, 1, err->message);
    return ab_bind_fail(L, err);
}

/* digest.digest(name, bytes) -> raw digest */
static int digest_digest(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct ab_slice data = ab_bind_bytes(L, 2);
    uint8_t out[AB_DIGEST_MAX];
    size_t len;
    struct ab_err err;

    if (!ab_digest_once(name, data, out, &len, &err))
        return failed(L, &err);
    lua_pushlstring(L, (const char *)out, len);
    return 1;
}

/* digest.new(name) -> running digest */
static int digest_new(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct lua_digest *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct ab_err err;

    self->digest = ab_digest_new(name, &err);
    return self->digest ? 1 : failed(L, &err);
}

/* d:add(bytes) -> d */
static int add(lua_State *L)
{
    struct lua_digest *self = open_digest(L);
    struct ab_slice data = ab_bind_bytes(L, 2);
    struct ab_err err;

    if (!ab_digest_add(self->digest, data.data, data.len, &err))
        return ab_bind_fail(L, &err);
    lua_settop(L, 1);
    return 1;
}

static int release(lua_State *L)
{
    struct lua_digest *self = luaL_checkudata(L, 1, CLASS);

    ab_digest_free(self->digest);
    self->digest = NULL;
    return 0;
}

/* d:final() -> raw digest; d is finished then */
static int final(lua_State *L)
{
    struct lua_digest *self = open_digest(L);
    uint8_t out[AB_DIGEST_MAX];
    size_t len;
    struct ab_err err;

    if (!ab_digest_peek(self->digest, out, &len, &err))
        return ab_bind_fail(L, &err);
    release(L);
    lua_pushlstring(L, (const char *)out, len);
    return 1;
}

/* digest.combine(name, first, second, length) -> the raw checksum of two runs of bytes one after
 * the other; `length` is the second one's, in bytes */
static int digest_combine(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct ab_slice first = ab_bind_bytes(L, 2), second = ab_bind_bytes(L, 3);
    lua_Integer length = luaL_checkinteger(L, 4);
    uint8_t out[AB_DIGEST_MAX];
    size_t len;
    struct ab_err err;

    luaL_argcheck(L, length >= 0, 4, "out of range");
    if (!ab_digest_combine(name, first, second, (uint64_t)length, out, &len, &err))
        return failed(L, &err);
    lua_pushlstring(L, (const char *)out, len);
    return 1;
}

static const luaL_Reg meta[] = {{"__gc", release}, {"__close", release}, {NULL, NULL}};
static const luaL_Reg methods[] = {{"add", add}, {"final", final}, {NULL, NULL}};
static const luaL_Reg functions[] = {
    {"combine", digest_combine},
    {"digest", digest_digest},
    {"new", digest_new},
    {NULL, NULL},
};

int luaopen_awsbak_core_digest(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
    luaL_newlib(L, functions);
    return 1;
}
