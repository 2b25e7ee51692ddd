#include "base/codec.h"

static const char lower[] = "0123456789abcdef";
static const char upper[] = "0123456789ABCDEF";
static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ab_hex_encode(char *out, const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *out++ = lower[in[i] >> 4];
        *out++ = lower[in[i] & 15];
    }
}

size_t ab_base64_encode(char *out, const uint8_t *in, size_t len, bool padded)
{
    char *start = out;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)(left > 1 ? in[i + 1] : 0) << 8 |
                         (uint32_t)(left > 2 ? in[i + 2] : 0);
        *out++ = base64_alphabet[group >> 18];
        *out++ = base64_alphabet[group >> 12 & 63];
        if (left > 1 || padded)
            *out++ = left > 1 ? base64_alphabet[group >> 6 & 63] : '=';
        if (left > 2 || padded)
            *out++ = left > 2 ? base64_alphabet[group & 63] : '=';
    }
    return (size_t)(out - start);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Length of the text less its padding, which must be exactly what the length calls for. */
static bool unpadded(const char *in, size_t *len, bool padded)
{
    if (!padded)
        return *len % 4 != 1;
    if (*len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && *len > 0 && in[*len - 1] == '='; i++)
        --*len;
    return true;
}

bool ab_base64_decode(uint8_t *out, size_t *out_len, const char *in, size_t len, bool padded)
{
    uint8_t *start = out;
    uint32_t bits = 0;
    unsigned have = 0; /* bits not yet written, in the low end of `bits` */

    if (!unpadded(in, &len, padded))
        return false;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(in[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *out++ = (uint8_t)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    *out_len = (size_t)(out - start);
    return have < 6 && bits == 0;
}

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

size_t ab_uri_encode(char *out, const char *in, size_t len, bool keep_slash)
{
    char *start = out;

    for (size_t i = 0; i < len; i++) {
        if (unreserved(in[i]) || (keep_slash && in[i] == '/')) {
            *out++ = in[i];
        } else {
            *out++ = '%';
            *out++ = upper[(uint8_t)in[i] >> 4];
            *out++ = upper[(uint8_t)in[i] & 15];
        }
    }
    return (size_t)(out - start);
}
