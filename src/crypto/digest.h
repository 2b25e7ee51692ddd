/* crypto/digest.h - digests and checksums by name, and what is built on them: HMAC, HKDF, scrypt.
 *
 * Names: sha256 sha512 sha1 md5 crc32 crc32c crc64nvme. Checksums come out big-endian, the order
 * AWS encodes them in. Hashing is libcrypto's; the CRCs are ours, and each has a second name with
 * "-portable" at its end: the one of processors that cannot do better, for specs and benchmarks. */
#ifndef AB_CRYPTO_DIGEST_H
#define AB_CRYPTO_DIGEST_H

#include "base/buf.h"

enum { AB_DIGEST_MAX = 64, AB_SHA256 = 32 };

struct ab_digest;

/* A running digest, or NULL (kind usage, code "digest") for a name not listed above. */
struct ab_digest *ab_digest_new(const char *name, struct ab_err *err);
void ab_digest_free(struct ab_digest *d);

/* Take in `len` bytes. */
AB_MUST_USE bool ab_digest_add(struct ab_digest *d, const void *data, size_t len,
                               struct ab_err *err);

/* The digest of all bytes so far into `out`, its size into *len; more bytes may be added after. */
AB_MUST_USE bool ab_digest_peek(const struct ab_digest *d, uint8_t out[AB_DIGEST_MAX], size_t *len,
                                struct ab_err *err);

/* Digest of one run of bytes. */
AB_MUST_USE bool ab_digest_once(const char *name, struct ab_slice data, uint8_t out[AB_DIGEST_MAX],
                                size_t *len, struct ab_err *err);

/* Of a checksum (not a hash): that of two runs of bytes one after the other into `out`, from that
 * of each, as they come out of ab_digest_peek, and the second one's length. Kind usage, code
 * "digest", for a hash or another size than the name's. */
AB_MUST_USE bool ab_digest_combine(const char *name, struct ab_slice first, struct ab_slice second,
                                   uint64_t second_len, uint8_t out[AB_DIGEST_MAX], size_t *len,
                                   struct ab_err *err);

/* HMAC (RFC 2104) with sha256, sha512, sha1 or md5; other names are refused. */
AB_MUST_USE bool ab_hmac(const char *name, struct ab_slice key, struct ab_slice data,
                         uint8_t out[AB_DIGEST_MAX], size_t *len, struct ab_err *err);

/* HKDF-SHA-256 (RFC 5869), extract and expand, for 32 bytes of output. */
AB_MUST_USE bool ab_hkdf(struct ab_slice key, struct ab_slice salt, struct ab_slice info,
                         uint8_t out[AB_SHA256], struct ab_err *err);

/* scrypt (RFC 7914) with N = 2^log_n, r = 8, p = 1, for 32 bytes of output. Takes 2^log_n KiB. */
AB_MUST_USE bool ab_scrypt(struct ab_slice password, struct ab_slice salt, int log_n,
                           uint8_t out[AB_SHA256], struct ab_err *err);

/* True when both runs hold the same bytes; the time taken does not depend on where they differ. */
bool ab_same(const void *a, const void *b, size_t len);

#endif
