/* crypto/crc_lane_x86.h - lanes (crypto/crc_lane.h) of x86-64: SSE, and PCLMULQDQ. */
#ifndef AB_CRYPTO_CRC_LANE_X86_H
#define AB_CRYPTO_CRC_LANE_X86_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define AB_LANES __attribute__((target("pclmul,sse4.1")))

typedef __m128i ab_lane;

static inline bool lane_able(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

AB_LANES static inline ab_lane lane_load(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

AB_LANES static inline ab_lane lane_of(uint64_t word)
{
    return _mm_cvtsi64_si128((long long)word);
}

AB_LANES static inline uint64_t lane_low(ab_lane lane)
{
    return (uint64_t)_mm_cvtsi128_si64(lane);
}

AB_LANES static inline uint64_t lane_high(ab_lane lane)
{
    return (uint64_t)_mm_extract_epi64(lane, 1);
}

AB_LANES static inline ab_lane lane_xor(ab_lane a, ab_lane b)
{
    return _mm_xor_si128(a, b);
}

AB_LANES static inline ab_lane lane_multiply(uint64_t a, uint64_t b)
{
    return _mm_clmulepi64_si128(lane_of(a), lane_of(b), 0);
}

AB_LANES static inline ab_lane lane_fold(ab_lane lane, ab_lane by, ab_lane there)
{
    __m128i first = _mm_clmulepi64_si128(lane, by, 0x00);
    __m128i second = _mm_clmulepi64_si128(lane, by, 0x11);

    return _mm_xor_si128(_mm_xor_si128(first, second), there);
}

#endif
