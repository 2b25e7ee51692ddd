/* crypto/bech32.h - keys as text: Bech32 (BIP 173) without its length limit, as age uses it.
 *
 * A prefix, "1", then five bits a character and six characters of checksum, all in one case. */
#ifndef AB_CRYPTO_BECH32_H
#define AB_CRYPTO_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of `len` bytes behind a prefix of `prefix_len`; no zero is counted. */
#define AB_BECH32_SIZE(prefix_len, len) ((prefix_len) + 1 + ((len)*8 + 4) / 5 + 6)

/* Write prefix and `len` bytes to `out` (AB_BECH32_SIZE and a zero) in the prefix's own case. */
void ab_bech32_encode(char *out, const char *prefix, const uint8_t *data, size_t len);

/* Read `text_len` characters that must be `prefix`, in its own case, and exactly `len` bytes into
 * `out`; false for anything else, a wrong checksum among it. */
bool ab_bech32_decode(uint8_t *out, size_t len, const char *prefix, const char *text,
                      size_t text_len);

#endif
