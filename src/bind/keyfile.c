#include "bind/keyfile.h"

#include <string.h>

#include "base/alloc.h"

int ab_bind_fail_at(lua_State *L, size_t number, const struct ab_err *err)
{
    struct ab_err at;

    ab_fail(&at, err->kind, err->code, "line %zu: %s", number, err->message);
    return ab_bind_fail(L, &at);
}

int ab_bind_push_keyfile(lua_State *L, int arg, enum ab_keytext type)
{
    struct ab_slice rest = ab_bind_secret_bytes(L, arg), line;
    uint8_t key[AB_KEY];
    size_t number = 0;
    struct ab_err err;

    lua_newtable(L);
    for (lua_Integer n = 1; ab_keytext_next_line(&rest, &line, &number); n++) {
        bool ok = ab_keytext_read(key, type, line, &err);
        ab_wipe(key, sizeof key);
        if (!ok)
            return ab_bind_fail_at(L, number, &err);
        ab_bind_push_secret(L, line.data, line.len);
        lua_rawseti(L, -2, n);
    }
    return 1;
}
