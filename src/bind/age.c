/* bind/age.c - awsbak.core.age: X25519 identities and recipients as text. Sealing is core.stream's.
 */
#include <string.h>

#include "base/alloc.h"
#include "bind/keyfile.h"
#include "bind/modules.h"
#include "crypto/curve.h"
#include "crypto/keytext.h"
#include "crypto/random.h"

static void push_recipient(lua_State *L, const uint8_t recipient[AB_KEY])
{
    char text[AB_KEYTEXT_MAX];

    ab_keytext_write(text, AB_AGE_RECIPIENT, recipient);
    lua_pushstring(L, text);
}

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
    push_recipient(L, recipient);
    return 2;
}

/* age.recipient(identity) -> recipient | nil, err (kind config, code "key") */
static int age_recipient(lua_State *L)
{
    uint8_t identity[AB_KEY], recipient[AB_KEY];
    struct ab_err err;
    bool ok = ab_keytext_read(identity, AB_AGE_IDENTITY, ab_bind_secret_bytes(L, 1), &err) &&
              ab_x25519_public(identity, recipient, &err);

    ab_wipe(identity, sizeof identity);
    if (!ok)
        return ab_bind_fail(L, &err);
    push_recipient(L, recipient);
    return 1;
}

/* age.check_recipient(text) -> true | nil, err (kind config, code "key") */
static int age_check_recipient(lua_State *L)
{
    uint8_t recipient[AB_KEY];
    struct ab_err err;

    if (!ab_keytext_read(recipient, AB_AGE_RECIPIENT, ab_bind_bytes(L, 1), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* age.identities(file text) -> { secret, ... } | nil, err (kind config, "line N: ...") */
static int age_identities(lua_State *L)
{
    return ab_bind_push_keyfile(L, 1, AB_AGE_IDENTITY);
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
