/* crypto/age_ssh.h - the stanzas ssh-ed25519 and ssh-rsa of an age header.
 *
 * Format: age's documentation of its package agessh (https://filippo.io/age/agessh): the file key
 * sealed with a key agreed on by X25519, tweaked by the SSH key; or encrypted with RSA-OAEP. Both
 * name the key by the first bytes of its SHA-256. */
#ifndef AB_CRYPTO_AGE_SSH_H
#define AB_CRYPTO_AGE_SSH_H

#include "crypto/age_stanza.h"
#include "crypto/ssh_key.h"

/* Append the stanza that wraps the file key for `key`. */
AB_MUST_USE bool ab_age_ssh_wrap(struct ab_buf *out, const struct ab_ssh_key *key,
                                 const uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err);

/* Try one of these stanzas with a private key; *opened tells whether it is for it. False when it is
 * malformed, with code age_header. */
AB_MUST_USE bool ab_age_ssh_unwrap(const struct ab_age_stanza *s, const struct ab_ssh_key *key,
                                   uint8_t file_key[AB_AGE_FILE_KEY], bool *opened,
                                   struct ab_err *err);

#endif
