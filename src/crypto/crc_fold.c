#include "crypto/crc_fold.h"

#include <string.h>

#include "crypto/crc_lane.h"
#include "crypto/crc_wide.h"

#ifdef AB_LANES

enum { WORD = 8, LANE = 16, LANES = 4, BLOCK = LANES * LANE };

/* Below it, as in a body that comes 16 KiB at a time, wide registers cost more than they save. */
enum { WIDE_MIN = 64 * 1024 };

/* word * x^64 mod P: what the register holds when `word` has gone through it. The quotient is the
 * upper half of word * (x^128 / P), whose last bit cannot reach there; the rest is the lower half
 * of quotient * P, put one bit higher. */
AB_LANES static uint64_t reduce(const struct ab_crc_fold *f, uint64_t word)
{
    uint64_t quotient = lane_low(lane_multiply(word, f->inverse));
    ab_lane product = lane_multiply(quotient, f->poly);

    return lane_high(product) << 1 | lane_low(product) >> 63;
}

bool ab_crc_fold_init(struct ab_crc_fold *f, uint64_t poly)
{
    uint64_t rest = 1; /* x^63 */

    if (!lane_able())
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
    f->is_wide = ab_crc_wide_able();
    return true;
}

static uint64_t load(const uint8_t *data, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, data, len);
    return word;
}

/* The register after `len` bytes, a multiple of BLOCK and not 0. Four lanes, because one product
 * takes several cycles and another can begin in each. */
AB_LANES static uint64_t add_blocks(const struct ab_crc_fold *f, uint64_t value,
                                    const uint8_t *data, size_t len)
{
    ab_lane far = lane_load((const uint8_t *)f->far), near = lane_load((const uint8_t *)f->near);
    ab_lane a = lane_load(data), b = lane_load(data + LANE);
    ab_lane c = lane_load(data + 2 * LANE), d = lane_load(data + 3 * LANE);

    a = lane_xor(a, lane_of(value));
    for (data += BLOCK, len -= BLOCK; len > 0; data += BLOCK, len -= BLOCK) {
        a = lane_fold(a, far, lane_load(data));
        b = lane_fold(b, far, lane_load(data + LANE));
        c = lane_fold(c, far, lane_load(data + 2 * LANE));
        d = lane_fold(d, far, lane_load(data + 3 * LANE));
    }
    a = lane_fold(lane_fold(lane_fold(a, near, b), near, c), near, d);
    return reduce(f, reduce(f, lane_low(a)) ^ lane_high(a));
}

uint64_t ab_crc_fold_add(const struct ab_crc_fold *f, uint64_t value, const uint8_t *data,
                         size_t len)
{
    size_t wide = f->is_wide && len >= WIDE_MIN ? len / AB_CRC_WIDE * AB_CRC_WIDE : 0;

    if (wide > 0) {
        uint8_t last[AB_CRC_WIDE];

        ab_crc_wide_fold(f->wide, value, data, wide, last);
        value = add_blocks(f, 0, last, sizeof last);
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
