/* bind/stream.c - awsbak.core.stream: archives and pipes, worked on by worker threads. */
#include "bind/stream.h"

#include <string.h>

#include "base/alloc.h"
#include "bind/modules.h"

#define KEYS "awsbak.stream.keys"

enum { WORK_FACTOR_HIGH = 30 }; /* of who opens, and trusts the file */

static int drop_keys(lua_State *L)
{
    struct ab_age_keys **keys = luaL_checkudata(L, 1, KEYS);

    ab_age_keys_unref(*keys);
    *keys = NULL;
    return 0;
}

static const luaL_Reg keys_meta[] = {{"__gc", drop_keys}, {NULL, NULL}};
static const luaL_Reg no_methods[] = {{NULL, NULL}};

/* Number of keys in the option's list, which is left on the stack (or nil). */
static size_t push_list(lua_State *L, int arg, const char *name)
{
    int type = ab_bind_get(L, arg, name);

    if (type == LUA_TNIL)
        return 0;
    if (type != LUA_TTABLE)
        luaL_error(L, "option '%s': list expected, got %s", name, luaL_typename(L, -1));
    return lua_rawlen(L, -1);
}

struct ab_age_keys *ab_bind_push_keys(lua_State *L, int arg, const char *name,
                                      bool (*add)(struct ab_age_keys *keys, struct ab_slice text,
                                                  struct ab_err *err),
                                      struct ab_err *err)
{
    ab_bind_class(L, KEYS, keys_meta, no_methods);
    size_t count = push_list(L, arg, name);
    if (count > AB_STREAM_KEYS_MAX) {
        lua_pop(L, 1);
        ab_fail(err, AB_CONFIG, "key", "there are more than %d %s", AB_STREAM_KEYS_MAX, name);
        return NULL;
    }
    int list = lua_gettop(L);
    struct ab_age_keys **keys = ab_bind_object(L, sizeof *keys, KEYS, 0); /* list keys */
    *keys = ab_age_keys_new(count, err);
    for (size_t i = 0; *keys && i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        if (!add(*keys, ab_bind_secret_bytes(L, -1), err)) {
            lua_settop(L, list - 1);
            return NULL;
        }
        lua_pop(L, 1);
    }
    lua_remove(L, list);
    struct ab_age_keys *set = *keys;
    if (!set)
        lua_pop(L, 1);
    return set;
}

bool ab_bind_file_key(lua_State *L, int arg, struct ab_age_keys *keys, struct ab_err *err)
{
    bool ok = ab_bind_get(L, arg, "file_key") == LUA_TNIL ||
              ab_age_keys_set_file_key(keys, ab_bind_secret_bytes(L, -1), err);

    lua_pop(L, 1);
    return ok;
}

bool ab_bind_stanzas(lua_State *L, int arg, struct ab_age_keys *keys, struct ab_err *err)
{
    if (!ab_bind_file_key(L, arg, keys, err))
        return false;
    bool has_list = ab_bind_get(L, arg, "stanzas") == LUA_TTABLE;
    luaL_argcheck(L, has_list == keys->has_file_key, arg, "file_key and stanzas go together");
    for (lua_Integer i = 1; has_list && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
        if (!ab_age_keys_add_stanza(keys, ab_bind_bytes(L, -1), err)) {
            lua_pop(L, 2);
            return false;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, has_list ? 2 : 1);
    luaL_argcheck(L, keys->has_file_key == (keys->stanzas.len > 0), arg, "there are no stanzas");
    return true;
}

struct ab_slice ab_bind_passphrase(lua_State *L, int arg)
{
    struct ab_slice bytes = {NULL, 0};

    if (ab_bind_get(L, arg, "passphrase") != LUA_TNIL) {
        bytes = ab_bind_secret_bytes(L, -1);
        if (!bytes.data)
            bytes.data = (const uint8_t *)""; /* an empty secret is still a passphrase */
    }
    lua_pop(L, 1); /* the table still holds it */
    return bytes;
}

int ab_bind_work_factor(lua_State *L, int arg, const char *name, int absent, int most)
{
    lua_Integer factor = ab_bind_opt_integer(L, arg, name, absent);

    if (factor < 1 || factor > most)
        luaL_error(L, "option '%s': out of range", name);
    return (int)factor;
}

bool ab_bind_age_with(lua_State *L, int arg, struct ab_age_with *with, struct ab_err *err)
{
    static const char *const names[] = {"identities", "passphrase", "file_key", "max_work_factor",
                                        NULL};

    ab_bind_only(L, arg, names);
    with->passphrase = ab_bind_passphrase(L, arg);
    with->max_work_factor =
        ab_bind_work_factor(L, arg, "max_work_factor", AB_AGE_WORK_FACTOR_MAX, WORK_FACTOR_HIGH);
    with->keys = ab_bind_push_keys(L, arg, "identities", ab_age_keys_add_identity, err);
    return with->keys && ab_bind_file_key(L, arg, with->keys, err);
}

static const luaL_Reg functions[] = {
    {"writer", ab_stream_writer},
    {"reader", ab_stream_reader},
    {"pipe", ab_stream_pipe},
    {"chunks", ab_stream_chunks},
    {NULL, NULL},
};

int luaopen_awsbak_core_stream(lua_State *L)
{
    ab_bind_stream_writer(L);
    ab_bind_stream_reader(L);
    ab_bind_stream_pipe(L);
    ab_bind_stream_chunks(L);
    luaL_newlib(L, functions);
    return 1;
}
