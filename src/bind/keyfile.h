/* bind/keyfile.h - files of secret keys, one a line, read without a Lua string in between. */
#ifndef AB_BIND_KEYFILE_H
#define AB_BIND_KEYFILE_H

#include "bind/bind.h"
#include "crypto/keytext.h"

/* Push nil and the error, with the number of its line in front; returns 2. */
int ab_bind_fail_at(lua_State *L, size_t number, const struct ab_err *err);

/* Push the list of secrets, one for each key of `type`, in the file text (string or secret) at
 * `arg`; or nil and an error (kind config, code "key") whose message begins with the line's number.
 * Blank lines and comments are passed over. Returns the number of values. */
int ab_bind_push_keyfile(lua_State *L, int arg, enum ab_keytext type);

#endif
