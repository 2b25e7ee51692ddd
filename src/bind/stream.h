/* bind/stream.h - what the two halves of core.stream share: keys and passphrases among options. */
#ifndef AB_BIND_STREAM_H
#define AB_BIND_STREAM_H

#include "bind/bind.h"
#include "crypto/age_header.h"
#include "crypto/age_keys.h"

struct ab_file;

enum { AB_STREAM_KEYS_MAX = 256 };

/* Push the keys of option `name` of the table at `arg`, a list of strings or secrets, of which each
 * is read by `add`: ab_age_keys_add_recipient or ab_age_keys_add_identity. The value on the stack
 * holds a reference to the set. NULL (and nothing pushed) with err when one is none, or there are
 * more than AB_STREAM_KEYS_MAX. Raises unless it is a list. */
struct ab_age_keys *ab_bind_push_keys(lua_State *L, int arg, const char *name,
                                      bool (*add)(struct ab_age_keys *keys, struct ab_slice text,
                                                  struct ab_err *err),
                                      struct ab_err *err);

/* Take option `file_key` (a string or a secret) of the table at `arg`, when it is there, into
 * `keys`; false with err when it is none. */
bool ab_bind_file_key(lua_State *L, int arg, struct ab_age_keys *keys, struct ab_err *err);

/* The same of options `file_key` and `stanzas` (a list of texts), which go together. */
bool ab_bind_stanzas(lua_State *L, int arg, struct ab_age_keys *keys, struct ab_err *err);

/* Option `passphrase`, a string or a secret, of the table at `arg`; data is NULL only when absent.
 * Valid while the table holds it. */
struct ab_slice ab_bind_passphrase(lua_State *L, int arg);

/* An scrypt work factor among the options of the table at `arg`, from 1 to `most`. */
int ab_bind_work_factor(lua_State *L, int arg, const char *name, int absent, int most);

/* What opens an age file, of the options `identities`, `passphrase`, `file_key` and
 * `max_work_factor` of the table at `arg`: pushes the value that holds the keys, as
 * ab_bind_push_keys does. False with err (kind config, code "key") when a key is none. Raises for
 * options of other names or types. */
bool ab_bind_age_with(lua_State *L, int arg, struct ab_age_with *with, struct ab_err *err);

/* The open core.file handle at `arg`. Raises when it is none or closed. */
struct ab_file *ab_bind_file(lua_State *L, int arg);

/* Register the classes of writers, readers, pipes and chunks, and their constructors. */
void ab_bind_stream_writer(lua_State *L);
void ab_bind_stream_reader(lua_State *L);
void ab_bind_stream_pipe(lua_State *L);
void ab_bind_stream_chunks(lua_State *L);
int ab_stream_writer(lua_State *L);
int ab_stream_reader(lua_State *L);
int ab_stream_pipe(lua_State *L);
int ab_stream_chunks(lua_State *L);

#endif
