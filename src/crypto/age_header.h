/* crypto/age_header.h - the header of an age v1 file: the file key, wrapped for each recipient.
 *
 * Format: C2SP age.md (https://c2sp.org/age). A file is sealed either to recipients (X25519 or SSH
 * keys) or with one passphrase, never both: a scrypt stanza must stand alone. Every fault the
 * format calls for is refused: text that is not canonical, shares of low order, bodies that are not
 * 32 bytes. */
#ifndef AB_CRYPTO_AGE_HEADER_H
#define AB_CRYPTO_AGE_HEADER_H

#include "base/buf.h"
#include "crypto/age_keys.h"
#include "crypto/age_stanza.h"

enum {
    AB_AGE_HEADER_MAX = 256 * 1024,
    AB_AGE_WORK_FACTOR = 18,     /* what age itself uses: about a second and 256 MiB */
    AB_AGE_WORK_FACTOR_MAX = 20, /* 1 GiB; the default cap of a reader */
};

/* Where age and its armor begin; the magic of a file. */
#define AB_AGE_MAGIC "age-encryption.org/"

/* Whom a file is for: recipients (NULL = none), or a passphrase (data NULL = none). Borrowed. */
struct ab_age_to {
    struct ab_age_keys *keys;
    struct ab_slice passphrase;
    int work_factor;
};

/* What a reader may try: identities (NULL = none) and a passphrase (data NULL = none). Borrowed. */
struct ab_age_with {
    struct ab_age_keys *keys;
    struct ab_slice passphrase;
    int max_work_factor;
};

/* Append a whole header that wraps `file_key`. */
AB_MUST_USE bool ab_age_header_write(struct ab_buf *out, const struct ab_age_to *to,
                                     const uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err);

/* Length of the header that `data` begins with, or 0 while its end is not in sight. */
size_t ab_age_header_length(struct ab_slice data);

/* Whether `data`, as far as it goes, begins as a header does; kind integrity, code not_age or
 * age_version. */
AB_MUST_USE bool ab_age_header_begins(struct ab_slice data, struct ab_err *err);

/* Check the whole header and unwrap its file key. Errors are kind integrity with code not_age,
 * age_version, age_header, age_work_factor, age_mac or age_no_match. */
AB_MUST_USE bool ab_age_header_open(struct ab_slice header, const struct ab_age_with *with,
                                    uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err);

/* The key of the payload (32 bytes) from the file key and the 16-byte nonce before the payload. */
AB_MUST_USE bool ab_age_payload_key(const uint8_t file_key[AB_AGE_FILE_KEY],
                                    const uint8_t nonce[16], uint8_t key[AB_KEY],
                                    struct ab_err *err);

#endif
