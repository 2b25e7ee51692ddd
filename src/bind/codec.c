/* bind/codec.c - awsbak.core.codec: base64, hex, percent-encoding and gzip of whole strings. */
#include "base/codec.h"

#include "bind/bind.h"
#include "bind/modules.h"
#include "stream/gzip.h"

/* Largest input: what keeps every output size below in range of size_t. */
#define INPUT_MAX (SIZE_MAX / 8)

enum { GUNZIP_CAP = 1 << 30 };

static struct ab_slice input(lua_State *L)
{
    struct ab_slice in = ab_bind_bytes(L, 1);

    luaL_argcheck(L, in.len < INPUT_MAX, 1, "too long");
    return in;
}

static int refused(lua_State *L, const char *what)
{
    struct ab_err err;

    ab_fail(&err, AB_REPLY, what, "not valid %s", what);
    return ab_bind_fail(L, &err);
}

/* codec.base64(bytes) -> text with padding */
static int codec_base64(lua_State *L)
{
    struct ab_slice in = input(L);
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, AB_BASE64_SIZE(in.len) + 1);

    luaL_pushresultsize(&b, ab_base64_encode(out, in.data, in.len, true));
    return 1;
}

/* codec.unbase64(text) -> bytes | nil, err (kind reply, code "base64") */
static int codec_unbase64(lua_State *L)
{
    struct ab_slice in = input(L);
    luaL_Buffer b;
    uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, (in.len + 3) / 4 * 3 + 1);
    size_t len;

    if (!ab_base64_decode(out, &len, (const char *)in.data, in.len, true))
        return refused(L, "base64");
    luaL_pushresultsize(&b, len);
    return 1;
}

/* codec.hex(bytes) -> lower-case text */
static int codec_hex(lua_State *L)
{
    struct ab_slice in = input(L);
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, in.len * 2 + 1);

    ab_hex_encode(out, in.data, in.len);
    luaL_pushresultsize(&b, in.len * 2);
    return 1;
}

/* codec.uri(bytes[, keep_slash]) -> percent-encoded text */
static int codec_uri(lua_State *L)
{
    struct ab_slice in = input(L);
    bool keep_slash = lua_toboolean(L, 2);
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, in.len * 3 + 1);

    luaL_pushresultsize(&b, ab_uri_encode(out, (const char *)in.data, in.len, keep_slash));
    return 1;
}

/* (bytes as light userdata) -> string */
static int push_bytes(lua_State *L)
{
    const struct ab_buf *bytes = lua_touserdata(L, 1);

    lua_pushlstring(L, (const char *)bytes->data, bytes->len);
    return 1;
}

/* Push the bytes as a string; they are freed whatever happens. */
static int push_and_drop(lua_State *L, struct ab_buf *bytes)
{
    lua_pushcfunction(L, push_bytes);
    lua_pushlightuserdata(L, bytes);
    int status = lua_pcall(L, 1, 1, 0);
    ab_buf_drop(bytes);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* codec.gunzip(bytes, max) -> content of at most `max` bytes | nil, err (kind integrity; kind
 * reply, code "too_large") */
static int codec_gunzip(lua_State *L)
{
    struct ab_slice in = input(L);
    lua_Integer max = luaL_checkinteger(L, 2);
    struct ab_buf bytes;
    struct ab_err err;

    luaL_argcheck(L, max > 0 && max <= GUNZIP_CAP, 2, "out of range");
    ab_buf_init(&bytes, (size_t)max);
    if (!ab_gzip_unpack(in, &bytes, &err)) {
        ab_buf_drop(&bytes);
        return ab_bind_fail(L, &err);
    }
    return push_and_drop(L, &bytes);
}

/* codec.gzip(bytes) -> gzip file | nil, err */
static int codec_gzip(lua_State *L)
{
    struct ab_slice in = input(L);
    struct ab_buf bytes;
    struct ab_err err;

    ab_buf_init(&bytes, GUNZIP_CAP);
    if (!ab_gzip_pack(in, &bytes, &err)) {
        ab_buf_drop(&bytes);
        return ab_bind_fail(L, &err);
    }
    return push_and_drop(L, &bytes);
}

static const luaL_Reg functions[] = {
    {"base64", codec_base64},
    {"unbase64", codec_unbase64},
    {"gunzip", codec_gunzip},
    {"gzip", codec_gzip},
    {"hex", codec_hex},
    {"uri", codec_uri},
    {NULL, NULL},
};

int luaopen_awsbak_core_codec(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
