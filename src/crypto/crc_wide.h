/* crypto/crc_wide.h - folding (crypto/crc_fold.h) of four lanes by one instruction: AVX-512 with
 * VPCLMULQDQ, of x86-64. */
#ifndef AB_CRYPTO_CRC_WIDE_H
#define AB_CRYPTO_CRC_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AB_CRC_WIDE = 256 };

/* Whether this processor does. */
bool ab_crc_wide_able(void);

/* Fold `len` bytes, a multiple of AB_CRC_WIDE and not 0, with a register of `value` before them
 * into as many bytes as AB_CRC_WIDE, `last`: those leave of a register of 0 what the whole leaves.
 * `by` is what takes a lane AB_CRC_WIDE bytes on. Only where ab_crc_wide_able() says so. */
void ab_crc_wide_fold(const uint64_t by[2], uint64_t value, const uint8_t *data, size_t len,
                      uint8_t last[AB_CRC_WIDE]);

#endif
