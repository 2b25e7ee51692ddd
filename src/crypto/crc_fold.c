#include "crypto/crc_fold.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AB_CLMUL __attribute__((target("pclmul,sse4.1")))
#define AB_WIDE __attribute__((target("avx512f,vpclmulqdq")))

enum { WORD = 8, LANE = 16, LANES = 4, BLOCK = LANES * LANE, WIDE = LANES * BLOCK };

/* Below it, as in a body that comes 16 KiB at a time, wide registers cost more than they save. */
enum { WIDE_MIN = 64 * 1024 };

/* a * b * x of two reversed numbers: their product has 127 bits, which of 128 are the lower ones,
 * where reversed numbers have their higher powers. */
AB_CLMUL static __m128i multiply(uint64_t a, uint64_t b)
{
    return _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a), _mm_cvtsi64_si128((long long)b),
                                0);
}

AB_CLMUL static uint64_t low(__m128i v)
{
    return (uint64_t)_mm_cvtsi128_si64(v);
}

AB_CLMUL static uint64_t high(__m128i v)
{
    return (uint64_t)_mm_extract_epi64(v, 1);
}

/* word * x^64 mod P: what the register holds when `word` has gone through it. The quotient is the
 * upper half of word * (x^128 / P), whose last bit cannot reach there; the rest is the lower half
 * of quotient * P, put one bit higher. */
AB_CLMUL static uint64_t reduce(const struct ab_crc_fold *f, uint64_t word)
{
    uint64_t quotient = low(multiply(word, f->inverse));
    __m128i product = multiply(quotient, f->poly);

    return high(product) << 1 | low(product) >> 63;
}

bool ab_crc_fold_init(struct ab_crc_fold *f, uint64_t poly)
{
    uint64_t rest = 1; /* x^63 */

    if (!__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.1"))
        return false;
    *f = (struct ab_crc_fold){.poly = poly};
    for (int bit = 0; bit < 64; bit++) { /* x^127 / P, by hand */
        f->inverse |= (rest & 1) << bit;
        rest = rest & 1 ? rest >> 1 ^ poly : rest >> 1;
    }
    f->near[1] = rest; /* x^127; each reduction adds 64 to the exponent */
    f->near[0] = reduce(f, rest);
    f->far[1] = f->near[0];
    for (int exponent = 191; exponent < 511; exponent += 64)
        f->far[1] = reduce(f, f->far[1]);
    f->far[0] = reduce(f, f->far[1]);
    f->wide[1] = f->far[0];
    for (int exponent = 575; exponent < 2047; exponent += 64)
        f->wide[1] = reduce(f, f->wide[1]);
    f->wide[0] = reduce(f, f->wide[1]);
    f->is_wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
    return true;
}

static uint64_t load(const uint8_t *data, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, data, len);
    return word;
}

AB_CLMUL static __m128i load_lane(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

/* The lane, taken as many bytes on as `by` stands for, and added to what is there. */
AB_CLMUL static __m128i fold(__m128i lane, __m128i by, __m128i there)
{
    __m128i first = _mm_clmulepi64_si128(lane, by, 0x00);
    __m128i second = _mm_clmulepi64_si128(lane, by, 0x11);

    return _mm_xor_si128(_mm_xor_si128(first, second), there);
}

/* The register after `len` bytes, a multiple of BLOCK and not 0. Four lanes, because one product
 * takes several cycles and another can begin in each. */
AB_CLMUL static uint64_t add_blocks(const struct ab_crc_fold *f, uint64_t value,
                                    const uint8_t *data, size_t len)
{
    __m128i far = load_lane((const uint8_t *)f->far), near = load_lane((const uint8_t *)f->near);
    __m128i a = load_lane(data), b = load_lane(data + LANE);
    __m128i c = load_lane(data + 2 * LANE), d = load_lane(data + 3 * LANE);

    a = _mm_xor_si128(a, _mm_cvtsi64_si128((long long)value));
    for (data += BLOCK, len -= BLOCK; len > 0; data += BLOCK, len -= BLOCK) {
        a = fold(a, far, load_lane(data));
        b = fold(b, far, load_lane(data + LANE));
        c = fold(c, far, load_lane(data + 2 * LANE));
        d = fold(d, far, load_lane(data + 3 * LANE));
    }
    a = fold(fold(fold(a, near, b), near, c), near, d);
    return reduce(f, reduce(f, low(a)) ^ high(a));
}

AB_WIDE static __m512i load_wide(const uint8_t *data)
{
    return _mm512_loadu_si512(data);
}

/* As fold, with four lanes in each. */
AB_WIDE static __m512i fold_wide(__m512i lanes, __m512i by, __m512i there)
{
    __m512i first = _mm512_clmulepi64_epi128(lanes, by, 0x00);
    __m512i second = _mm512_clmulepi64_epi128(lanes, by, 0x11);

    return _mm512_xor_si512(_mm512_xor_si512(first, second), there);
}

/* As add_blocks, of a multiple of WIDE: folded into the last WIDE bytes, which are added to a
 * register of 0. */
AB_WIDE static uint64_t add_wide(const struct ab_crc_fold *f, uint64_t value, const uint8_t *data,
                                 size_t len)
{
    __m512i by = _mm512_broadcast_i32x4(load_lane((const uint8_t *)f->wide));
    __m512i a = load_wide(data), b = load_wide(data + BLOCK);
    __m512i c = load_wide(data + 2 * BLOCK), d = load_wide(data + 3 * BLOCK);
    uint8_t last[WIDE];

    a = _mm512_xor_si512(a, _mm512_zextsi128_si512(_mm_cvtsi64_si128((long long)value)));
    for (data += WIDE, len -= WIDE; len > 0; data += WIDE, len -= WIDE) {
        a = fold_wide(a, by, load_wide(data));
        b = fold_wide(b, by, load_wide(data + BLOCK));
        c = fold_wide(c, by, load_wide(data + 2 * BLOCK));
        d = fold_wide(d, by, load_wide(data + 3 * BLOCK));
    }
    _mm512_storeu_si512(last, a);
    _mm512_storeu_si512(last + BLOCK, b);
    _mm512_storeu_si512(last + 2 * BLOCK, c);
    _mm512_storeu_si512(last + 3 * BLOCK, d);
    return add_blocks(f, 0, last, WIDE);
}

uint64_t ab_crc_fold_add(const struct ab_crc_fold *f, uint64_t value, const uint8_t *data,
                         size_t len)
{
    size_t wide = f->is_wide && len >= WIDE_MIN ? len / WIDE * WIDE : 0;

    if (wide > 0) {
        value = add_wide(f, value, data, wide);
        data += wide;
        len -= wide;
    }
    size_t blocks = len / BLOCK * BLOCK;
    if (blocks > 0) {
        value = add_blocks(f, value, data, blocks);
        data += blocks;
        len -= blocks;
    }
    for (; len >= WORD; data += WORD, len -= WORD)
        value = reduce(f, value ^ load(data, WORD));
    if (len == 0)
        return value;
    /* The last bytes are the end of a word that begins with zeros; what they leave of the register
     * moves up. */
    uint64_t word = (value ^ load(data, len)) << (64 - 8 * len);
    return value >> 8 * len ^ reduce(f, word);
}

#else

bool ab_crc_fold_init(struct ab_crc_fold *f, uint64_t poly)
{
    (void)f;
    (void)poly;
    return false;
}

uint64_t ab_crc_fold_add(const struct ab_crc_fold *f, uint64_t value, const uint8_t *data,
                         size_t len)
{
    (void)f;
    (void)data;
    (void)len;
    return value;
}

#endif
