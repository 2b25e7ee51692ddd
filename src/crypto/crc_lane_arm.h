/* crypto/crc_lane_arm.h - lanes (crypto/crc_lane.h) of ARMv8 in 64 bits: NEON, and PMULL.
 *
 * PMULL belongs to an extension that some processors lack (those of the Raspberry Pi 4 among them),
 * so only functions that are called where the kernel names it may use it. Source: Linux,
 * Documentation/arch/arm64/elf_hwcaps.rst. */
#ifndef AB_CRYPTO_CRC_LANE_ARM_H
#define AB_CRYPTO_CRC_LANE_ARM_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>

/* Two compilers, two names: GCC's arm_neon.h asks for the one, clang 14 knows the other. */
#if defined(__clang__)
#define AB_LANES __attribute__((target("aes")))
#else
#define AB_LANES __attribute__((target("+crypto")))
#endif

typedef uint64x2_t ab_lane;

static inline bool lane_able(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
}

AB_LANES static inline ab_lane lane_load(const uint8_t *data)
{
    return vreinterpretq_u64_u8(vld1q_u8(data));
}

AB_LANES static inline ab_lane lane_of(uint64_t word)
{
    return vcombine_u64(vcreate_u64(word), vcreate_u64(0));
}

AB_LANES static inline uint64_t lane_low(ab_lane lane)
{
    return vgetq_lane_u64(lane, 0);
}

AB_LANES static inline uint64_t lane_high(ab_lane lane)
{
    return vgetq_lane_u64(lane, 1);
}

AB_LANES static inline ab_lane lane_xor(ab_lane a, ab_lane b)
{
    return veorq_u64(a, b);
}

AB_LANES static inline ab_lane lane_multiply(uint64_t a, uint64_t b)
{
    return vreinterpretq_u64_p128(vmull_p64((poly64_t)a, (poly64_t)b));
}

AB_LANES static inline ab_lane lane_fold(ab_lane lane, ab_lane by, ab_lane there)
{
    poly64x2_t a = vreinterpretq_p64_u64(lane), b = vreinterpretq_p64_u64(by);
    poly128_t first = vmull_p64(vgetq_lane_p64(a, 0), vgetq_lane_p64(b, 0));
    poly128_t second = vmull_high_p64(a, b);

    return lane_xor(lane_xor(vreinterpretq_u64_p128(first), vreinterpretq_u64_p128(second)), there);
}

#endif
