/* crypto/curve.h - Curve25519: X25519 key agreement (RFC 7748), Ed25519 signatures (RFC 8032).
 *
 * Keys are their raw 32 bytes; any 32 random bytes are a secret key. */
#ifndef AB_CRYPTO_CURVE_H
#define AB_CRYPTO_CURVE_H

#include "base/buf.h"

enum { AB_CURVE_KEY = 32, AB_ED25519_SIGNATURE = 64 };

/* The public key of an X25519 or Ed25519 secret key. */
AB_MUST_USE bool ab_x25519_public(const uint8_t secret[AB_CURVE_KEY],
                                  uint8_t public_key[AB_CURVE_KEY], struct ab_err *err);
AB_MUST_USE bool ab_ed25519_public(const uint8_t secret[AB_CURVE_KEY],
                                   uint8_t public_key[AB_CURVE_KEY], struct ab_err *err);

/* The X25519 shared secret; kind integrity, code "x25519" when it is all zero (a low-order point).
 */
AB_MUST_USE bool ab_x25519_shared(const uint8_t secret[AB_CURVE_KEY],
                                  const uint8_t public_key[AB_CURVE_KEY],
                                  uint8_t shared[AB_CURVE_KEY], struct ab_err *err);

/* An Ed25519 key as an X25519 one, by the map between the two forms of the curve (RFC 7748, section
 * 4.1). A public key that is no point of the curve is kind config, code "key". */
AB_MUST_USE bool ab_ed25519_public_to_x25519(const uint8_t public_key[AB_CURVE_KEY],
                                             uint8_t out[AB_CURVE_KEY], struct ab_err *err);
AB_MUST_USE bool ab_ed25519_secret_to_x25519(const uint8_t seed[AB_CURVE_KEY],
                                             uint8_t out[AB_CURVE_KEY], struct ab_err *err);

/* The Ed25519 signature of `message`. */
AB_MUST_USE bool ab_ed25519_sign(const uint8_t secret[AB_CURVE_KEY], struct ab_slice message,
                                 uint8_t signature[AB_ED25519_SIGNATURE], struct ab_err *err);

/* Whether `signature` over `message` was made by the secret key of `public_key`, into *valid. False
 * only when that cannot be told for want of memory, which must not pass for a forgery. */
AB_MUST_USE bool ab_ed25519_verify(const uint8_t public_key[AB_CURVE_KEY], struct ab_slice message,
                                   const uint8_t signature[AB_ED25519_SIGNATURE], bool *valid,
                                   struct ab_err *err);

#endif
