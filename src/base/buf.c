#include "base/buf.h"

#include <string.h>

#include "base/alloc.h"

enum { FIRST_CAP = 256 };

void ab_buf_init(struct ab_buf *b, size_t max)
{
    *b = (struct ab_buf){.max = max};
}

void ab_buf_drop(struct ab_buf *b)
{
    if (b->secret)
        ab_secret_free(b->data, b->cap);
    else
        ab_free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

/* realloc would leave a copy of the old bytes behind; secrets move by hand. */
static uint8_t *grown(struct ab_buf *b, size_t cap)
{
    if (!b->secret)
        return ab_realloc(b->data, cap);
    uint8_t *data = ab_secret_alloc(cap);
    if (data && b->len > 0)
        memcpy(data, b->data, b->len);
    if (data)
        ab_secret_free(b->data, b->cap);
    return data;
}

bool ab_buf_reserve(struct ab_buf *b, size_t more, struct ab_err *err)
{
    size_t need;

    if (!ab_add_size(b->len, more, &need) || need > b->max)
        return ab_fail(err, AB_REPLY, "too_large", "more than %zu bytes", b->max);
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    uint8_t *data = grown(b, cap);
    if (!data)
        return ab_fail_memory(err);
    b->data = data;
    b->cap = cap;
    return true;
}

bool ab_buf_add(struct ab_buf *b, const void *data, size_t len, struct ab_err *err)
{
    if (!ab_buf_reserve(b, len, err))
        return false;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    return true;
}

bool ab_buf_add_text(struct ab_buf *b, const char *s, struct ab_err *err)
{
    return ab_buf_add(b, s, strlen(s), err);
}

bool ab_buf_add_byte(struct ab_buf *b, uint8_t byte, struct ab_err *err)
{
    if (b->len == b->cap && !ab_buf_reserve(b, 1, err))
        return false;
    b->data[b->len++] = byte;
    return true;
}

void ab_buf_shift(struct ab_buf *b, size_t n)
{
    b->len -= n;
    if (b->len > 0)
        memmove(b->data, b->data + n, b->len);
}
