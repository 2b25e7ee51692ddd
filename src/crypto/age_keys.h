/* crypto/age_keys.h - a set of age recipients, or of identities: whom a file is for, who opens it.
 *
 * Made once from texts, then only read; shared by references, whose count is atomic: the last may
 * be dropped on a worker thread. */
#ifndef AB_CRYPTO_AGE_KEYS_H
#define AB_CRYPTO_AGE_KEYS_H

#include <stdatomic.h>

#include "crypto/age_stanza.h"
#include "crypto/keytext.h"
#include "crypto/ssh_key.h"

/* One key: of SSH, or of X25519 (a public key among recipients, a secret one among identities). */
struct ab_age_key {
    struct ab_ssh_key *ssh; /* owned; NULL for X25519 */
    uint8_t x25519[AB_KEY];
};

/* Besides keys, a set may have what others made of them: for recipients, the file key of one file
 * and the stanzas that wrap it (of a plugin, of KMS); for identities, the file key they unwrapped.
 */
struct ab_age_keys {
    atomic_uint refs;
    size_t count, capacity;
    struct ab_buf stanzas; /* owned; each whole */
    bool has_file_key;
    uint8_t file_key[AB_AGE_FILE_KEY];
    struct ab_age_key key[];
};

/* An empty set that can take `capacity` keys; NULL when memory is out. */
struct ab_age_keys *ab_age_keys_new(size_t capacity, struct ab_err *err);

/* One more reference; one less, and the last wipes and frees. NULL is fine for both. */
struct ab_age_keys *ab_age_keys_ref(struct ab_age_keys *keys);
void ab_age_keys_unref(struct ab_age_keys *keys);

/* Add the recipient (age1..., ssh-ed25519 ..., ssh-rsa ...) or the identity (AGE-SECRET-KEY-1...,
 * or a whole file of an SSH key) that `text` says; kind config, code "key" when it says none. */
AB_MUST_USE bool ab_age_keys_add_recipient(struct ab_age_keys *keys, struct ab_slice text,
                                           struct ab_err *err);
AB_MUST_USE bool ab_age_keys_add_identity(struct ab_age_keys *keys, struct ab_slice text,
                                          struct ab_err *err);

/* Set the file key from AB_AGE_FILE_KEY bytes. Kind usage, code "file_key" for any other number. */
AB_MUST_USE bool ab_age_keys_set_file_key(struct ab_age_keys *keys, struct ab_slice file_key,
                                          struct ab_err *err);

/* Add the stanza that `text` is, of a type that is not ours to make. Kind integrity, code
 * age_header when it is none or of our own types; kind reply, code too_large when they fill a
 * header. */
AB_MUST_USE bool ab_age_keys_add_stanza(struct ab_age_keys *keys, struct ab_slice text,
                                        struct ab_err *err);

/* Whether nothing in the set can lock or open a file; also NULL. */
bool ab_age_keys_is_empty(const struct ab_age_keys *keys);

/* Number of keys; 0 for NULL. */
size_t ab_age_keys_count(const struct ab_age_keys *keys);

/* Append the text of the recipient that the identity `text` opens for. Errors as above. */
AB_MUST_USE bool ab_age_keys_recipient_of(struct ab_slice text, struct ab_buf *out,
                                          struct ab_err *err);

#endif
