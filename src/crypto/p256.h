/* crypto/p256.h - ECDSA with SHA-256 on the curve P-256 (FIPS 186-4).
 *
 * A secret key is its number, 32 bytes big-endian, from 1 to the order of the curve less one. */
#ifndef AB_CRYPTO_P256_H
#define AB_CRYPTO_P256_H

#include "base/buf.h"

enum {
    AB_P256_KEY = 32,
    AB_P256_PUBLIC = 65,    /* 0x04, x, y */
    AB_P256_SIGNATURE = 64, /* r, s */
    AB_P256_DER_MAX = 72,   /* the same as ASN.1 */
};

/* A key ready to sign with. */
struct ab_p256;

/* The key of a secret; kind usage, code "p256" when it is none. NULL on failure. */
struct ab_p256 *ab_p256_new(const uint8_t secret[AB_P256_KEY], struct ab_err *err);

/* The key in a text in PEM, "EC PRIVATE KEY" (RFC 5915) or "PRIVATE KEY" (RFC 5958); kind config,
 * code "p256" when it holds none of P-256, or one behind a password. NULL on failure. */
struct ab_p256 *ab_p256_from_pem(struct ab_slice pem, struct ab_err *err);

/* Free and wipe. NULL is fine. */
void ab_p256_free(struct ab_p256 *key);

/* The public key, AB_P256_PUBLIC bytes that the key owns. */
const uint8_t *ab_p256_public(const struct ab_p256 *key);

/* The signature of `message`, as ASN.1 (*len bytes): what SigV4A sends. */
AB_MUST_USE bool ab_p256_sign_der(const struct ab_p256 *key, struct ab_slice message,
                                  uint8_t der[AB_P256_DER_MAX], size_t *len, struct ab_err *err);

/* The signature of `message` as r and s: what JSON web signatures carry (RFC 7518, 3.4). */
AB_MUST_USE bool ab_p256_sign(const struct ab_p256 *key, struct ab_slice message,
                              uint8_t signature[AB_P256_SIGNATURE], struct ab_err *err);

#endif
