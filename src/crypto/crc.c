#include "crypto/crc.h"

/* Eight bytes a step ("slicing by 8"): table[k][b] is the effect of byte b followed by k zeros. */
static void fill_tables(struct ab_crc *c, uint64_t poly)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ poly : value >> 1;
        c->table[0][byte] = value;
    }
    for (int k = 1; k < 8; k++)
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t before = c->table[k - 1][byte];
            c->table[k][byte] = before >> 8 ^ c->table[0][before & 255];
        }
}

void ab_crc_init(struct ab_crc *c, uint64_t poly, int bits, bool portable)
{
    c->folds = !portable && ab_crc_fold_init(&c->fold, poly);
    if (!c->folds)
        fill_tables(c, poly);
    c->ones = bits == 64 ? UINT64_MAX : UINT32_MAX;
    c->value = c->ones;
}

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t word = 0;

    for (int i = 7; i >= 0; i--)
        word = word << 8 | p[i];
    return word;
}

static uint64_t add_by_table(const struct ab_crc *c, uint64_t value, const uint8_t *data,
                             size_t len)
{
    for (; len >= 8; data += 8, len -= 8) {
        uint64_t word = value ^ load_le64(data);
        value = 0;
        for (int k = 7; k >= 0; k--, word >>= 8)
            value ^= c->table[k][word & 255];
    }
    for (; len > 0; data++, len--)
        value = value >> 8 ^ c->table[0][(value ^ *data) & 255];
    return value;
}

void ab_crc_add(struct ab_crc *c, const uint8_t *data, size_t len)
{
    if (c->folds)
        c->value = ab_crc_fold_add(&c->fold, c->value, data, len);
    else
        c->value = add_by_table(c, c->value, data, len);
}

uint64_t ab_crc_value(const struct ab_crc *c)
{
    return c->value ^ c->ones;
}

/* a * b modulo the polynomial; reflected, so that the highest bit `one` is x^0. */
static uint64_t multiply(uint64_t poly, uint64_t one, uint64_t a, uint64_t b)
{
    uint64_t product = 0;

    for (uint64_t bit = one; bit != 0; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ poly : b >> 1;
    }
    return product;
}

uint64_t ab_crc_combine(uint64_t poly, int bits, uint64_t first, uint64_t second, uint64_t len)
{
    const uint64_t one = UINT64_C(1) << (bits - 1);
    uint64_t power = one >> 8; /* x^8: a byte */

    for (; len > 0; len >>= 1) {
        if (len & 1)
            first = multiply(poly, one, first, power);
        power = multiply(poly, one, power, power);
    }
    return first ^ second;
}
