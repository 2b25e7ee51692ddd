/* crypto/crc_lane.h - the few steps of folding (crypto/crc_fold.h) that each processor does its own
 * way.
 *
 * A lane is a register of two 64-bit words, the first of which is the lower one and has the higher
 * powers of x. A file for each processor defines AB_LANES, the attribute of functions that use its
 * instructions, the type ab_lane, and:
 *
 * - bool lane_able(void): whether this processor has the instructions; needs none of them
 * - ab_lane lane_load(const uint8_t *data): 16 bytes, at any address
 * - ab_lane lane_of(uint64_t word): a word, and 0 above it
 * - uint64_t lane_low(ab_lane), lane_high(ab_lane)
 * - ab_lane lane_xor(ab_lane, ab_lane)
 * - ab_lane lane_multiply(uint64_t a, uint64_t b): a * b * x of two reversed numbers (their product
 *   has 127 bits, which of 128 are the lower ones, where reversed numbers have their higher powers)
 * - ab_lane lane_fold(ab_lane lane, ab_lane by, ab_lane there): the lane, taken as many bytes on as
 *   `by` stands for, and added to what is there
 *
 * Without AB_LANES nothing is folded. */
#ifndef AB_CRYPTO_CRC_LANE_H
#define AB_CRYPTO_CRC_LANE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "crypto/crc_lane_x86.h"
#elif defined(__aarch64__) && defined(__AARCH64EL__) && defined(__linux__)
#include "crypto/crc_lane_arm.h"
#endif

#endif
