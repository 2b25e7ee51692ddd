/* bind/age.c - awsbak.core.age: identities and recipients as text. Sealing is core.stream's.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "bind/keyfile.h"
#include "bind/modules.h"
#include "crypto/age_header.h"
#include "crypto/age_keys.h"
#include "crypto/curve.h"
#include "crypto/random.h"

enum { RECIPIENT_MAX = AB_BASE64_SIZE(AB_SSH_BLOB_MAX) + 16, PREFIX_MAX = 128 };

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

/* Each line that is an identity, of age or of a plugin. */
static int push_lines(lua_State *L)
{
    struct ab_slice rest = ab_bind_secret_bytes(L, 1), line;
    char name[AB_PLUGIN_NAME_MAX + 1];
    uint8_t data[AB_PLUGIN_DATA_MAX];
    size_t number = 0, len;
    struct ab_err err;

    lua_newtable(L);
    for (lua_Integer n = 1; ab_keytext_next_line(&rest, &line, &number); n++) {
        int plugin = ab_keytext_plugin(line, name, data, &len, &err);
        if (plugin < 0 || (plugin == 0 && !check(ab_age_keys_add_identity, line, &err)))
            return ab_bind_fail_at(L, number, &err);
        ab_bind_push_secret(L, line.data, line.len);
        lua_rawseti(L, -2, n);
    }
    return 1;
}

/* age.identities(file text) -> { secret, ... } | nil, err (kind config; "line N: ..." in a file of
 * lines). A file of a private SSH key is one identity; those of plugins are told by age.plugin. */
static int age_identities(lua_State *L)
{
    struct ab_slice text = ab_bind_secret_bytes(L, 1);
    struct ab_err err;

    if (!ab_ssh_key_is_private(text))
        return push_lines(L);
    if (!check(ab_age_keys_add_identity, text, &err))
        return ab_bind_fail(L, &err);
    lua_newtable(L);
    ab_bind_push_secret(L, text.data, text.len);
    lua_rawseti(L, -2, 1);
    return 1;
}

/* age.plugin(recipient or identity, string or secret) -> name in lower case, bytes | nil: it is
 * none of a plugin | nil, err (kind config, code "key"): it is mistyped */
static int age_plugin(lua_State *L)
{
    char name[AB_PLUGIN_NAME_MAX + 1];
    uint8_t data[AB_PLUGIN_DATA_MAX];
    size_t len;
    struct ab_err err;
    int found = ab_keytext_plugin(ab_bind_secret_bytes(L, 1), name, data, &len, &err);

    if (found < 0)
        return ab_bind_fail(L, &err);
    if (found == 0)
        return 0;
    lua_pushstring(L, name);
    lua_pushlstring(L, (const char *)data, len);
    return 2;
}

/* age.bech32(prefix, bytes) -> text in the case of the prefix: "age1NAME" for a plugin's recipient,
 * "AGE-PLUGIN-NAME-" for an identity */
static int age_bech32(lua_State *L)
{
    struct ab_slice prefix = ab_bind_bytes(L, 1), data = ab_bind_bytes(L, 2);

    luaL_argcheck(L, prefix.len >= 1 && prefix.len <= PREFIX_MAX, 1, "is too long");
    luaL_argcheck(L, strlen((const char *)prefix.data) == prefix.len, 1, "has a zero");
    luaL_argcheck(L, data.len <= AB_PLUGIN_DATA_MAX, 2, "is too long");
    char *text = lua_newuserdatauv(L, AB_BECH32_SIZE(prefix.len, data.len) + 1, 0);
    ab_bech32_encode(text, (const char *)prefix.data, data.data, data.len);
    lua_pushstring(L, text);
    return 1;
}

/* age.file_key() -> a new file key (secret) | nil, err */
static int age_file_key(lua_State *L)
{
    uint8_t key[AB_AGE_FILE_KEY];
    struct ab_err err;

    if (!ab_random(key, sizeof key, &err))
        return ab_bind_fail(L, &err);
    ab_bind_push_secret(L, key, sizeof key);
    ab_wipe(key, sizeof key);
    return 1;
}

/* age.header_length(bytes) -> bytes of the header that they begin with | nil: its end is not there
 */
static int age_header_length(lua_State *L)
{
    size_t len = ab_age_header_length(ab_bind_bytes(L, 1));

    if (len == 0)
        return 0;
    lua_pushinteger(L, (lua_Integer)len);
    return 1;
}

/* age.stanzas(text of stanzas, or a whole header) -> { { "type", "argument", ... , text = the
 * stanza as it stands there }, ... } | nil, err (kind integrity, code age_header). What follows the
 * last stanza is not looked at. */
static int age_stanzas(lua_State *L)
{
    struct ab_slice text = ab_bind_bytes(L, 1), line;
    struct ab_age_cursor c = {(const char *)text.data, (const char *)text.data + text.len};
    struct ab_age_stanza s;
    struct ab_err err;

    if (text.len > 0 && !ab_age_stanza_here(&c) && !ab_age_stanza_line(&c, &line))
        c.at = c.end;
    lua_newtable(L);
    for (lua_Integer n = 1; ab_age_stanza_here(&c); n++) {
        const char *start = c.at;
        if (!ab_age_stanza_read(&c, &s, &err))
            return ab_bind_fail(L, &err);
        lua_createtable(L, AB_AGE_ARGS_MAX, 1);
        for (size_t i = 0; i < s.argc && i < AB_AGE_ARGS_MAX; i++) {
            lua_pushlstring(L, (const char *)s.args[i].data, s.args[i].len);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_pushlstring(L, start, (size_t)(c.at - start));
        lua_setfield(L, -2, "text");
        lua_rawseti(L, -2, n);
    }
    return 1;
}

static const luaL_Reg functions[] = {
    {"identities", age_identities},
    {"keygen", age_keygen},
    {"recipient", age_recipient},
    {"check_recipient", age_check_recipient},
    {"plugin", age_plugin},
    {"bech32", age_bech32},
    {"file_key", age_file_key},
    {"stanzas", age_stanzas},
    {"header_length", age_header_length},
    {NULL, NULL},
};

int luaopen_awsbak_core_age(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
