/* crypto/rsa.h - RSA encryption with OAEP (RFC 8017, section 7.1), SHA-256 for digest and mask. */
#ifndef AB_CRYPTO_RSA_H
#define AB_CRYPTO_RSA_H

#include "base/buf.h"

enum {
    AB_RSA_BITS_MIN = 2048,
    AB_RSA_BITS_MAX = 16384,
    AB_RSA_BYTES_MAX = AB_RSA_BITS_MAX / 8, /* of a number below the modulus, of a ciphertext */
};

struct ab_rsa;

/* Modulus, public exponent, private exponent (data NULL = a public key alone), big-endian. */
struct ab_rsa_numbers {
    struct ab_slice n, e, d;
};

/* A key of these numbers, which are copied. NULL with kind config, code "key" when they are none
 * (size, parity, an exponent above 32 bits), kind memory when memory is out. */
struct ab_rsa *ab_rsa_new(const struct ab_rsa_numbers *numbers, struct ab_err *err);

/* NULL is fine. */
void ab_rsa_free(struct ab_rsa *key);

/* Encrypt `plain` under `label` into `out`; *len bytes, as many as the modulus has. */
AB_MUST_USE bool ab_rsa_encrypt(const struct ab_rsa *key, const char *label, struct ab_slice plain,
                                uint8_t out[AB_RSA_BYTES_MAX], size_t *len, struct ab_err *err);

/* Decrypt into exactly `len` bytes; *opened tells whether it was encrypted for this key and label,
 * with that length. False for a key without private half and when memory is out. */
AB_MUST_USE bool ab_rsa_decrypt(const struct ab_rsa *key, const char *label, struct ab_slice sealed,
                                uint8_t *out, size_t len, bool *opened, struct ab_err *err);

#endif
