/* crypto/sigv4_key.h - the key that signatures are made with: of SigV4 one for a day, a region and
 * a service, of SigV4A one for an access key.
 *
 * Deriving it takes four of the five HMACs of a signature, and setting up the fifth takes longer
 * than computing it, so whoever signs keeps the last one. It holds the secret it came from, to know
 * it again; both are wiped on drop. */
#ifndef AB_CRYPTO_SIGV4_KEY_H
#define AB_CRYPTO_SIGV4_KEY_H

#include <openssl/types.h>

#include "base/buf.h"

struct ab_p256;
struct ab_sigv4;

enum {
    AB_SIGV4_KEY = 32,           /* bytes of an HMAC-SHA256 */
    AB_SIGV4_SIGNATURE_MAX = 72, /* bytes of a signature: SigV4A's are longer */
};

struct ab_sigv4_key {
    struct ab_buf source; /* owned; what it was derived from. Empty: no key yet */
    EVP_MAC_CTX *mac;     /* owned; HMAC-SHA256 with the key set; of SigV4 */
    struct ab_p256 *p256; /* owned; of SigV4A */
};

/* No key; allocates nothing yet. */
void ab_sigv4_key_init(struct ab_sigv4_key *key);

/* Forget it. */
void ab_sigv4_key_drop(struct ab_sigv4_key *key);

/* Make it the key for `r` on the day that `stamp` begins with; does nothing when it is already.
 * When it fails there is no key. */
AB_MUST_USE bool ab_sigv4_key_derive(struct ab_sigv4_key *key, const struct ab_sigv4 *r,
                                     const char *stamp, struct ab_err *err);

/* Write the signature of `message`, *len bytes. */
AB_MUST_USE bool ab_sigv4_key_sign(const struct ab_sigv4_key *key, const struct ab_buf *message,
                                   uint8_t signature[AB_SIGV4_SIGNATURE_MAX], size_t *len,
                                   struct ab_err *err);

#endif
