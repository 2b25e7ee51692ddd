/* crypto/aead.h - ChaCha20-Poly1305 (RFC 8439), the one cipher of age.
 *
 * A context holds one key for one direction and takes a nonce a message. */
#ifndef AB_CRYPTO_AEAD_H
#define AB_CRYPTO_AEAD_H

#include <stdint.h>

#include "base/err.h"

enum { AB_AEAD_KEY = 32, AB_AEAD_NONCE = 12, AB_AEAD_TAG = 16 };

struct ab_aead;

/* A context that seals, or one that opens; NULL when memory is out. */
struct ab_aead *ab_aead_new(const uint8_t key[AB_AEAD_KEY], bool seals, struct ab_err *err);
void ab_aead_free(struct ab_aead *a);

/* Seal `len` bytes into len + AB_AEAD_TAG bytes at `out`, which may be `in`. */
AB_MUST_USE bool ab_aead_seal(struct ab_aead *a, const uint8_t nonce[AB_AEAD_NONCE],
                              const uint8_t *in, size_t len, uint8_t *out, struct ab_err *err);

/* Open `len` sealed bytes into len - AB_AEAD_TAG bytes at `out`, which must not overlap `in`. False
 * when key, nonce or bytes are not the sealed ones; `out` is wiped then. */
AB_MUST_USE bool ab_aead_open(struct ab_aead *a, const uint8_t nonce[AB_AEAD_NONCE],
                              const uint8_t *in, size_t len, uint8_t *out);

#endif
