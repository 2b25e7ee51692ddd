#include "crypto/ssh_wire.h"

static void take(struct ab_slice *rest, size_t len)
{
    rest->data += len;
    rest->len -= len;
}

bool ab_ssh_wire_uint32(struct ab_slice *rest, uint32_t *value)
{
    const uint8_t *b = rest->data;

    if (rest->len < 4)
        return false;
    *value = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    take(rest, 4);
    return true;
}

bool ab_ssh_wire_string(struct ab_slice *rest, struct ab_slice *string)
{
    uint32_t len;

    if (!ab_ssh_wire_uint32(rest, &len) || len > rest->len)
        return false;
    *string = (struct ab_slice){rest->data, len};
    take(rest, len);
    return true;
}

bool ab_ssh_wire_number(struct ab_slice *rest, struct ab_slice *number)
{
    if (!ab_ssh_wire_string(rest, number) || number->len == 0 || number->data[0] & 0x80)
        return false;
    if (number->data[0] != 0)
        return true;
    take(number, 1); /* a zero byte is there only to keep the sign bit clear */
    return number->len > 0 && number->data[0] & 0x80;
}

static bool add_length(struct ab_buf *out, size_t len, struct ab_err *err)
{
    uint8_t bytes[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                        (uint8_t)len};

    return ab_buf_add(out, bytes, sizeof bytes, err);
}

bool ab_ssh_wire_add_string(struct ab_buf *out, struct ab_slice string, struct ab_err *err)
{
    return add_length(out, string.len, err) && ab_buf_add(out, string.data, string.len, err);
}

bool ab_ssh_wire_add_number(struct ab_buf *out, struct ab_slice number, struct ab_err *err)
{
    bool sign;

    while (number.len > 0 && number.data[0] == 0)
        take(&number, 1);
    sign = number.len > 0 && number.data[0] & 0x80;
    return add_length(out, number.len + sign, err) && (!sign || ab_buf_add_byte(out, 0, err)) &&
           ab_buf_add(out, number.data, number.len, err);
}
