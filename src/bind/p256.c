/* bind/p256.c - awsbak.core.p256: keys of ECDSA on P-256, for signatures of JSON web tokens. */
#include "crypto/p256.h"

#include "bind/bind.h"
#include "bind/modules.h"

#define KEY "awsbak.p256"

struct lua_key {
    struct ab_p256 *key; /* owned; NULL before it is read and when it is freed */
};

/* p256.from_pem(text|secret) -> key | nil, err (kind config, code "p256") */
static int p256_from_pem(lua_State *L)
{
    struct ab_slice pem = ab_bind_secret_bytes(L, 1);
    struct lua_key *self = ab_bind_object(L, sizeof *self, KEY, 0);
    struct ab_err err;

    self->key = ab_p256_from_pem(pem, &err);
    return self->key ? 1 : ab_bind_fail(L, &err);
}

static const struct ab_p256 *open_key(lua_State *L)
{
    const struct lua_key *self = luaL_checkudata(L, 1, KEY);

    luaL_argcheck(L, self->key, 1, "the key is gone");
    return self->key;
}

/* key:public() -> x, y: the coordinates of the public key, 32 raw bytes each */
static int key_public(lua_State *L)
{
    const char *point = (const char *)ab_p256_public(open_key(L)) + 1;

    lua_pushlstring(L, point, AB_P256_KEY);
    lua_pushlstring(L, point + AB_P256_KEY, AB_P256_KEY);
    return 2;
}

/* key:sign(message) -> 64 raw bytes, r and s | nil, err */
static int key_sign(lua_State *L)
{
    const struct ab_p256 *key = open_key(L);
    struct ab_slice message = ab_bind_bytes(L, 2);
    uint8_t signature[AB_P256_SIGNATURE];
    struct ab_err err;

    if (!ab_p256_sign(key, message, signature, &err))
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)signature, sizeof signature);
    return 1;
}

static int key_free(lua_State *L)
{
    struct lua_key *self = luaL_checkudata(L, 1, KEY);

    ab_p256_free(self->key);
    self->key = NULL;
    return 0;
}

static const luaL_Reg meta[] = {{"__gc", key_free}, {NULL, NULL}};
static const luaL_Reg methods[] = {{"public", key_public}, {"sign", key_sign}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"from_pem", p256_from_pem}, {NULL, NULL}};

int luaopen_awsbak_core_p256(lua_State *L)
{
    ab_bind_class(L, KEY, meta, methods);
    luaL_newlib(L, functions);
    return 1;
}
