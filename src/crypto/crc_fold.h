/* crypto/crc_fold.h - reflected CRCs by carry-less multiplication, where the processor has it.
 *
 * A message is a polynomial over GF(2), and its CRC the rest it leaves when divided by another. To
 * leave that rest, a block may be replaced by its product with a power of x that takes it to where
 * a later block is: so a long message folds into a few words, many times faster than tables do it.
 * Source: Intel, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (2009).
 *
 * All is done in 64 bits. A CRC of 32 bits with the polynomial P is the one of 64 bits with
 * P * x^32, whose reversed form is the same number: its register just never fills its upper half.
 */
#ifndef AB_CRYPTO_CRC_FOLD_H
#define AB_CRYPTO_CRC_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What folding by one polynomial P of degree 64 needs. Numbers are reversed: bit 63 is x^0. */
struct ab_crc_fold {
    uint64_t poly;    /* P without x^64 */
    uint64_t inverse; /* x^127 / P, for the division by multiplying (Barrett) */
    uint64_t near[2]; /* x^191 and x^127 mod P: 16 bytes on */
    uint64_t far[2];  /* x^575 and x^511 mod P: 64 bytes on */
    uint64_t wide[2]; /* x^2111 and x^2047 mod P: 256 bytes on */
    bool is_wide;     /* whether the processor multiplies four pairs at once (VPCLMULQDQ) */
};

/* Get ready for the reversed polynomial `poly`; false, and nothing else, when this processor (or
 * this build, made for other than x86-64 and 64-bit ARM) cannot multiply without carry. */
bool ab_crc_fold_init(struct ab_crc_fold *f, uint64_t poly);

/* The register after `len` bytes more, of what it was before them. */
uint64_t ab_crc_fold_add(const struct ab_crc_fold *f, uint64_t value, const uint8_t *data,
                         size_t len);

#endif
