/* bind/age.c - awsbak.core.age: identities and recipients as text. Sealing is core.stream's.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "bind/keyfile.h"
#include "bind/modules.h"
#include "crypto/age_keys.h"
#include "crypto/curve.h"
#include "crypto/random.h"

enum { RECIPIENT_MAX = AB_BASE64_SIZE(AB_SSH_BLOB_MAX) + 16 };

/* age.keygen() -> identity (secret), recipient | nil, err */
static int age_keygen(lua_State *L)
{
    uint8_t identity[AB_KEY], recipient[AB_KEY];
    char text[AB_KEYTEXT_MAX];
    struct ab_err err;

    if (!ab_random(identity, sizeof identity, &err) || !ab_x25519_public(identity, recipient, &err))
        return ab_bind_fail(L, &err);
    ab_keytext_write(text, AB_AGE_IDENTITY, identity);
    ab_wipe(identity, sizeof identity);
    ab_bind_push_secret(L, text, strlen(text));
    ab_wipe(text, sizeof text);
    ab_keytext_write(text, AB_AGE_RECIPIENT, recipient);
    lua_pushstring(L, text);
    return 2;
}

/* age.recipient(identity) -> recipient | nil, err (kind config, code "key") */
static int age_recipient(lua_State *L)
{
    struct ab_slice text = ab_bind_secret_bytes(L, 1);
    uint8_t bytes[RECIPIENT_MAX];
    struct ab_buf line;
    struct ab_err err;

    ab_buf_init(&line, sizeof bytes);
    bool ok = ab_age_keys_recipient_of(text, &line, &err);
    size_t len = line.len;
    if (ok)
        memcpy(bytes, line.data, len);
    ab_buf_drop(&line); /* before Lua may raise */
    if (!ok)
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)bytes, len);
    return 1;
}

/* Whether `text` is one key that `add` takes. */
static bool check(bool (*add)(struct ab_age_keys *keys, struct ab_slice text, struct ab_err *err),
                  struct ab_slice text, struct ab_err *err)
{
    struct ab_age_keys *keys = ab_age_keys_new(1, err);
    bool ok = keys && add(keys, text, err);

    ab_age_keys_unref(keys);
    return ok;
}

/* age.check_recipient(text) -> true | nil, err (kind config, code "key") */
static int age_check_recipient(lua_State *L)
{
    struct ab_err err;

    if (!check(ab_age_keys_add_recipient, ab_bind_bytes(L, 1), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* age.identities(file text) -> { secret, ... } | nil, err (kind config; "line N: ..." in a file of
 * lines). A file of a private SSH key is one identity. */
static int age_identities(lua_State *L)
{
    struct ab_slice text = ab_bind_secret_bytes(L, 1);
    struct ab_err err;

    if (!ab_ssh_key_is_private(text))
        return ab_bind_push_keyfile(L, 1, AB_AGE_IDENTITY);
    if (!check(ab_age_keys_add_identity, text, &err))
        return ab_bind_fail(L, &err);
    lua_newtable(L);
    ab_bind_push_secret(L, text.data, text.len);
    lua_rawseti(L, -2, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    {"identities", age_identities},           {"keygen", age_keygen}, {"recipient", age_recipient},
    {"check_recipient", age_check_recipient}, {NULL, NULL},
};

int luaopen_awsbak_core_age(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
