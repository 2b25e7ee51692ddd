/* crypto/ssh_key.h - SSH keys, ssh-ed25519 and ssh-rsa, as age uses them to encrypt.
 *
 * Public keys are lines of authorized_keys without options: type, base64 of the wire form (RFC
 * 4253, section 6.6; RFC 8709), comment. Private keys are files: openssh-key-v1 (OpenSSH's
 * PROTOCOL.key), or PEM (PKCS #1, PKCS #8). Of a file that is locked with a passphrase nothing is
 * opened: that takes bcrypt, which libcrypto lacks. */
#ifndef AB_CRYPTO_SSH_KEY_H
#define AB_CRYPTO_SSH_KEY_H

#include "base/buf.h"
#include "crypto/curve.h"
#include "crypto/rsa.h"

enum {
    AB_SSH_TAG = 4,              /* bytes by which age names a key in a file's header */
    AB_SSH_FILE_MAX = 64 * 1024, /* of a private key: one of 16384 bits has 13 KiB */
    AB_SSH_BLOB_MAX = 3 * 1024,  /* wire form of a public key */
};

/* What age needs of a key. */
struct ab_ssh_key {
    struct ab_buf blob;      /* owned; wire form of the public key */
    uint8_t tag[AB_SSH_TAG]; /* the first bytes of its SHA-256 */
    bool private;
    struct ab_rsa *rsa; /* owned; NULL for ssh-ed25519, which has the next two instead */
    uint8_t x25519_public[AB_CURVE_KEY];
    uint8_t x25519_secret[AB_CURVE_KEY]; /* when `private` */
};

/* Whether a text is meant to be a public key, or a file of a private one. */
bool ab_ssh_key_is_public(struct ab_slice text);
bool ab_ssh_key_is_private(struct ab_slice text);

/* The key that a line says, or a file holds. NULL with kind config, code "key" for anything else;
 * the message shows nothing of a private key. */
struct ab_ssh_key *ab_ssh_key_public(struct ab_slice line, struct ab_err *err);
struct ab_ssh_key *ab_ssh_key_private(struct ab_slice file, struct ab_err *err);

/* From the numbers themselves; `seed` and `rsa->d` may be NULL for a public key. As above. */
struct ab_ssh_key *ab_ssh_key_ed25519(const uint8_t public_key[AB_CURVE_KEY], const uint8_t *seed,
                                      struct ab_err *err);
struct ab_ssh_key *ab_ssh_key_rsa(const struct ab_rsa_numbers *numbers, struct ab_err *err);

/* NULL is fine. */
void ab_ssh_key_free(struct ab_ssh_key *key);

/* Append the line of the public key, without comment and line feed. */
AB_MUST_USE bool ab_ssh_key_line(const struct ab_ssh_key *key, struct ab_buf *out,
                                 struct ab_err *err);

#endif
