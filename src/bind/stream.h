/* bind/stream.h - what the two halves of core.stream share: keys and passphrases among options. */
#ifndef AB_BIND_STREAM_H
#define AB_BIND_STREAM_H

#include "bind/bind.h"
#include "crypto/keytext.h"

struct ab_file;

enum { AB_STREAM_KEYS_MAX = 256 };

/* Keys read from a list of texts (strings or secrets); memory that is wiped when collected. */
struct ab_bind_keys {
    size_t count;
    uint8_t key[][AB_KEY];
};

/* Push the keys of option `name` of the table at `arg`, of which each must be of `type`. NULL (and
 * nothing pushed) with err when one is not; its index is in the message. Raises unless it is a
 * list. */
struct ab_bind_keys *ab_bind_push_keys(lua_State *L, int arg, const char *name,
                                       enum ab_keytext type, struct ab_err *err);

/* Option `passphrase`, a string or a secret, of the table at `arg`; data is NULL only when absent.
 * Valid while the table holds it. */
struct ab_slice ab_bind_passphrase(lua_State *L, int arg);

/* An scrypt work factor among the options of the table at `arg`. */
int ab_bind_work_factor(lua_State *L, int arg, const char *name, int absent);

/* The open core.file handle at `arg`. Raises when it is none or closed. */
struct ab_file *ab_bind_file(lua_State *L, int arg);

/* Register the classes of writers and readers, and their constructors. */
void ab_bind_stream_writer(lua_State *L);
void ab_bind_stream_reader(lua_State *L);
int ab_stream_writer(lua_State *L);
int ab_stream_reader(lua_State *L);

#endif
