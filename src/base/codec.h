/* base/codec.h - bytes as text: hex, base64 (RFC 4648) and percent-encoding (RFC 3986).
 *
 * The decoder is strict: one text for one run of bytes, anything else is refused. Output space is
 * the caller's; the size each function needs is in its contract. Nothing is terminated by a zero.
 */
#ifndef AB_BASE_CODEC_H
#define AB_BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower-case hex of `len` bytes into `out` (2 * len characters). */
void ab_hex_encode(char *out, const uint8_t *in, size_t len);

/* The most characters `len` bytes need in base64. */
#define AB_BASE64_SIZE(len) (((len) + 2) / 3 * 4)

/* Base64 of `len` bytes into `out` (AB_BASE64_SIZE(len)), with or without `=` padding. Returns the
 * number of characters. */
size_t ab_base64_encode(char *out, const uint8_t *in, size_t len, bool padded);

/* Decode `len` characters into `out` (room for (len + 3) / 4 * 3 bytes) and set *out_len. False
 * unless the text is what the encoder above would write: right padding, no spaces, and no bits
 * left over (RFC 4648, sections 3.1 to 3.5). */
bool ab_base64_decode(uint8_t *out, size_t *out_len, const char *in, size_t len, bool padded);

/* Percent-encode all but RFC 3986's unreserved characters (and `/` with `keep_slash`), hex digits
 * in upper case, as SigV4 wants it. `out` needs 3 * len characters; returns how many were written.
 */
size_t ab_uri_encode(char *out, const char *in, size_t len, bool keep_slash);

#endif
