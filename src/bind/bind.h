/* bind/bind.h - what every binding shares: classes, results, arguments, the host's context.
 *
 * Rules (docs/STYLE.md): check arguments, then make the userdata, then take the resource; misuse
 * raises, a failure of the outside world returns nil and an error table { kind, code, message }.
 * Nothing in C keeps a lua_State. */
#ifndef AB_BIND_BIND_H
#define AB_BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "base/err.h"

struct ab_loop;

/* What one Lua state owns; made on first use, freed with the state. */
struct ab_host {
    struct ab_loop *loop; /* owned; NULL until bind/loop.c makes it */
    bool loopback_only;   /* requests reach this machine alone (bind/http.c) */
};

/* The context of this state, kept in the registry under a private key. Raises when out of memory.
 */
struct ab_host *ab_bind_host(lua_State *L);

/* Register metatable `name` once: metamethods `meta` (may be NULL), `methods` as a locked __index.
 */
void ab_bind_class(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods);

/* Push a zeroed userdata of `size` bytes with metatable `name` and `uservalues` user values. */
void *ab_bind_object(lua_State *L, size_t size, const char *name, int uservalues);

/* Push nil and { kind, code, message }; returns 2. */
int ab_bind_fail(lua_State *L, const struct ab_err *err);

/* Push the error table alone. */
void ab_bind_error(lua_State *L, const struct ab_err *err);

/* The string at `arg` as bytes, valid while it stays on the stack. Raises unless it is a string. */
struct ab_slice ab_bind_bytes(lua_State *L, int arg);

/* The bytes of a string or of an awsbak.secret at `arg`, valid while it stays on the stack. Raises
 * for anything else. */
struct ab_slice ab_bind_secret_bytes(lua_State *L, int arg);

/* Push an awsbak.secret that holds a copy of `len` bytes at `data`. Raises when out of memory. */
void ab_bind_push_secret(lua_State *L, const void *data, size_t len);

/* Raise unless every key of the options table at `arg` is one of `names` (NULL-terminated). */
void ab_bind_only(lua_State *L, int arg, const char *const names[]);

/* Push option `name` of the table at `arg` (an absolute index); its type. Metamethods are not
 * asked: what they make, the table does not hold. */
int ab_bind_get(lua_State *L, int arg, const char *name);

/* Options of the table at `arg`; absent gives the default. Wrong types raise, naming the option.
 * The string stays owned by Lua and is valid while the table holds it. */
const char *ab_bind_opt_string(lua_State *L, int arg, const char *name, const char *absent);
lua_Number ab_bind_opt_number(lua_State *L, int arg, const char *name, lua_Number absent);
lua_Integer ab_bind_opt_integer(lua_State *L, int arg, const char *name, lua_Integer absent);
bool ab_bind_opt_boolean(lua_State *L, int arg, const char *name, bool absent);

/* Put the openers of all awsbak.core modules into package.preload. */
void ab_bind_preload(lua_State *L);

#endif
