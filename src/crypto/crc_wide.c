#include "crypto/crc_wide.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AB_WIDE __attribute__((target("avx512f,vpclmulqdq")))

enum { LANES = 64 }; /* bytes in a register */

bool ab_crc_wide_able(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
}

AB_WIDE static __m512i load(const uint8_t *data)
{
    return _mm512_loadu_si512(data);
}

/* As lane_fold, with four lanes in each. */
AB_WIDE static __m512i fold(__m512i lanes, __m512i by, __m512i there)
{
    __m512i first = _mm512_clmulepi64_epi128(lanes, by, 0x00);
    __m512i second = _mm512_clmulepi64_epi128(lanes, by, 0x11);

    return _mm512_xor_si512(_mm512_xor_si512(first, second), there);
}

AB_WIDE void ab_crc_wide_fold(const uint64_t by[2], uint64_t value, const uint8_t *data, size_t len,
                              uint8_t last[AB_CRC_WIDE])
{
    __m512i on = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)by));
    __m512i a = load(data), b = load(data + LANES);
    __m512i c = load(data + 2 * LANES), d = load(data + 3 * LANES);

    a = _mm512_xor_si512(a, _mm512_zextsi128_si512(_mm_cvtsi64_si128((long long)value)));
    for (data += AB_CRC_WIDE, len -= AB_CRC_WIDE; len > 0;
         data += AB_CRC_WIDE, len -= AB_CRC_WIDE) {
        a = fold(a, on, load(data));
        b = fold(b, on, load(data + LANES));
        c = fold(c, on, load(data + 2 * LANES));
        d = fold(d, on, load(data + 3 * LANES));
    }
    _mm512_storeu_si512(last, a);
    _mm512_storeu_si512(last + LANES, b);
    _mm512_storeu_si512(last + 2 * LANES, c);
    _mm512_storeu_si512(last + 3 * LANES, d);
}

#else

bool ab_crc_wide_able(void)
{
    return false;
}

void ab_crc_wide_fold(const uint64_t by[2], uint64_t value, const uint8_t *data, size_t len,
                      uint8_t last[AB_CRC_WIDE])
{
    (void)by;
    (void)value;
    (void)data;
    (void)len;
    (void)last;
}

#endif
