/* bind/key.c - awsbak.core.key: Ed25519 keys that sign archives. Private keys are secrets. */
#include <string.h>

#include "base/alloc.h"
#include "bind/keyfile.h"
#include "bind/modules.h"
#include "crypto/curve.h"
#include "crypto/keytext.h"
#include "crypto/random.h"

static void push_signer(lua_State *L, const uint8_t public_key[AB_KEY])
{
    char text[AB_KEYTEXT_MAX];

    ab_keytext_write(text, AB_SIGNER, public_key);
    lua_pushstring(L, text);
}

/* key.generate() -> signing key (secret), signer | nil, err */
static int key_generate(lua_State *L)
{
    uint8_t secret[AB_KEY], public_key[AB_KEY];
    char text[AB_KEYTEXT_MAX];
    struct ab_err err;

    if (!ab_random(secret, sizeof secret, &err) || !ab_ed25519_public(secret, public_key, &err))
        return ab_bind_fail(L, &err);
    ab_keytext_write(text, AB_SIGNING_KEY, secret);
    ab_wipe(secret, sizeof secret);
    ab_bind_push_secret(L, text, strlen(text));
    ab_wipe(text, sizeof text);
    push_signer(L, public_key);
    return 2;
}

/* key.signer(signing_key) -> signer | nil, err (kind config, code "key") */
static int key_signer(lua_State *L)
{
    uint8_t secret[AB_KEY], public_key[AB_KEY];
    struct ab_err err;
    bool ok = ab_keytext_read(secret, AB_SIGNING_KEY, ab_bind_secret_bytes(L, 1), &err) &&
              ab_ed25519_public(secret, public_key, &err);

    ab_wipe(secret, sizeof secret);
    if (!ok)
        return ab_bind_fail(L, &err);
    push_signer(L, public_key);
    return 1;
}

/* key.check_signer(text) -> true | nil, err (kind config, code "key") */
static int key_check_signer(lua_State *L)
{
    uint8_t public_key[AB_KEY];
    struct ab_err err;

    if (!ab_keytext_read(public_key, AB_SIGNER, ab_bind_bytes(L, 1), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* key.sign(signing_key, message) -> 64 raw bytes | nil, err */
static int key_sign(lua_State *L)
{
    struct ab_slice text = ab_bind_secret_bytes(L, 1);
    struct ab_slice message = ab_bind_bytes(L, 2);
    uint8_t secret[AB_KEY], signature[AB_ED25519_SIGNATURE];
    struct ab_err err;
    bool ok = ab_keytext_read(secret, AB_SIGNING_KEY, text, &err) &&
              ab_ed25519_sign(secret, message, signature, &err);

    ab_wipe(secret, sizeof secret);
    if (!ok)
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)signature, sizeof signature);
    return 1;
}

/* key.verify(signer, message, signature) -> boolean | nil, err (kind config when `signer` is none,
 * kind memory when it cannot be told) */
static int key_verify(lua_State *L)
{
    struct ab_slice text = ab_bind_bytes(L, 1);
    struct ab_slice message = ab_bind_bytes(L, 2);
    struct ab_slice signature = ab_bind_bytes(L, 3);
    uint8_t public_key[AB_KEY];
    struct ab_err err;

    if (!ab_keytext_read(public_key, AB_SIGNER, text, &err))
        return ab_bind_fail(L, &err);
    bool valid = false;
    if (signature.len == AB_ED25519_SIGNATURE &&
        !ab_ed25519_verify(public_key, message, signature.data, &valid, &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, valid);
    return 1;
}

/* key.signing_keys(file text) -> { secret, ... } | nil, err (kind config, "line N: ...") */
static int key_signing_keys(lua_State *L)
{
    return ab_bind_push_keyfile(L, 1, AB_SIGNING_KEY);
}

static const luaL_Reg functions[] = {
    {"signing_keys", key_signing_keys},
    {"generate", key_generate},
    {"signer", key_signer},
    {"check_signer", key_check_signer},
    {"sign", key_sign},
    {"verify", key_verify},
    {NULL, NULL},
};

int luaopen_awsbak_core_key(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
