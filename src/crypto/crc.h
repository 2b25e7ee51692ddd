/* crypto/crc.h - the reflected CRCs that AWS uses: CRC-32 (zip), CRC-32C (Castagnoli), CRC-64/NVME.
 *
 * One 64-bit register serves all three: a 32-bit CRC just never fills its upper half. Where the
 * processor can, they are folded (crypto/crc_fold.h), else computed with tables. These belong to
 * the context (16 KiB, made in a few microseconds), so there is no global to set up. */
#ifndef AB_CRYPTO_CRC_H
#define AB_CRYPTO_CRC_H

#include "crypto/crc_fold.h"

/* Reversed polynomials (AWS SDKs; https://reveng.sourceforge.io/crc-catalogue/). */
#define AB_CRC32_POLY UINT64_C(0xEDB88320)
#define AB_CRC32C_POLY UINT64_C(0x82F63B78)
#define AB_CRC64NVME_POLY UINT64_C(0x9A6C9329AC4BC9B5)

struct ab_crc {
    uint64_t value;
    uint64_t ones; /* all bits of the register's width */
    bool folds;
    union {
        struct ab_crc_fold fold; /* when it folds */
        uint64_t table[8][256];
    };
};

/* Start a CRC of `bits` (32 or 64) with the reversed polynomial `poly`; a `portable` one uses
 * tables on every processor. */
void ab_crc_init(struct ab_crc *c, uint64_t poly, int bits, bool portable);

/* Take in `len` bytes. */
void ab_crc_add(struct ab_crc *c, const uint8_t *data, size_t len);

/* The checksum of all bytes so far; more may be added. */
uint64_t ab_crc_value(const struct ab_crc *c);

/* The checksum of two runs of bytes one after the other, from that of the first, and that and the
 * length of the second: the first is multiplied by x^(8 * len) modulo the polynomial, which is what
 * as many bytes of zeros would do to it. */
uint64_t ab_crc_combine(uint64_t poly, int bits, uint64_t first, uint64_t second, uint64_t len);

#endif
