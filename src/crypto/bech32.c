#include "crypto/bech32.h"

#include <ctype.h>
#include <string.h>

enum { CHECKSUM = 6, NO_DIGIT = 32 };

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the checksum: the remainder modulo BIP 173's generator polynomial. */
static uint32_t step(uint32_t sum, unsigned value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;

    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (int i = 0; i < 5; i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

static unsigned lower_of(char c)
{
    return (unsigned)tolower((unsigned char)c);
}

/* The checksum after the prefix, which counts in lower case. */
static uint32_t sum_of(const char *prefix)
{
    uint32_t sum = 1;

    for (const char *p = prefix; *p; p++)
        sum = step(sum, lower_of(*p) >> 5);
    sum = step(sum, 0);
    for (const char *p = prefix; *p; p++)
        sum = step(sum, lower_of(*p) & 31);
    return sum;
}

static bool is_upper(const char *prefix)
{
    for (; *prefix; prefix++)
        if (isupper((unsigned char)*prefix))
            return true;
    return false;
}

static char *put(char *out, uint32_t *sum, unsigned value)
{
    *sum = step(*sum, value);
    *out = alphabet[value];
    return out + 1;
}

void ab_bech32_encode(char *out, const char *prefix, const uint8_t *data, size_t len)
{
    char *start = out;
    uint32_t sum = sum_of(prefix), bits = 0, check;
    unsigned have = 0;

    out = stpcpy(out, prefix);
    *out++ = '1';
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        for (have += 8; have >= 5;) {
            have -= 5;
            out = put(out, &sum, bits >> have & 31);
        }
    }
    if (have > 0)
        out = put(out, &sum, bits << (5 - have) & 31);
    for (int i = 0; i < CHECKSUM; i++)
        sum = step(sum, 0);
    check = sum ^ 1;
    for (int i = CHECKSUM - 1; i >= 0; i--)
        *out++ = alphabet[check >> 5 * i & 31];
    *out = '\0';
    for (char *p = start; is_upper(prefix) && p < out; p++)
        *p = (char)toupper((unsigned char)*p);
}

/* The value of a character written in the wanted case, or NO_DIGIT. */
static unsigned digit(char c, bool upper)
{
    if (c == '\0' || (upper ? islower((unsigned char)c) : isupper((unsigned char)c)))
        return NO_DIGIT;
    const char *at = strchr(alphabet, (int)lower_of(c));
    return at ? (unsigned)(at - alphabet) : NO_DIGIT;
}

/* The digits between separator and checksum to `len` bytes; the bits left over must be zero. */
static void unpack(uint8_t *out, size_t len, const char *digits, bool upper, unsigned *left)
{
    unsigned bits = 0, have = 0;

    while (len > 0) {
        bits = bits << 5 | digit(*digits++, upper);
        have += 5;
        if (have >= 8) {
            have -= 8;
            *out++ = (uint8_t)(bits >> have);
            bits &= (1u << have) - 1;
            len--;
        }
    }
    *left = bits;
}

bool ab_bech32_decode(uint8_t *out, size_t len, const char *prefix, const char *text,
                      size_t text_len)
{
    size_t prefix_len = strlen(prefix);
    bool upper = is_upper(prefix);
    uint32_t sum = sum_of(prefix);
    unsigned left;

    if (text_len != AB_BECH32_SIZE(prefix_len, len) || memcmp(text, prefix, prefix_len) != 0 ||
        text[prefix_len] != '1')
        return false;
    for (size_t i = prefix_len + 1; i < text_len; i++) {
        unsigned value = digit(text[i], upper);
        if (value == NO_DIGIT)
            return false;
        sum = step(sum, value);
    }
    if (sum != 1)
        return false;
    unpack(out, len, text + prefix_len + 1, upper, &left);
    return left == 0;
}
