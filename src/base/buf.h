/* base/buf.h - a growing run of bytes with a cap that must be named.
 *
 * `data` is owned. Appends that would pass `max` fail with kind AB_REPLY and code "too_large":
 * what outgrows a buffer came from outside. Wiped on drop when `secret`. */
#ifndef AB_BASE_BUF_H
#define AB_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct ab_buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
    size_t max;
    bool secret;
};

/* A borrowed run of bytes; `data` may be NULL only when `len` is 0. */
struct ab_slice {
    const uint8_t *data;
    size_t len;
};

/* Whether two slices hold the same bytes. */
static inline bool ab_slice_same(struct ab_slice a, struct ab_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Whether a slice holds the string `text`. */
static inline bool ab_slice_is(struct ab_slice s, const char *text)
{
    return ab_slice_same(s, (struct ab_slice){(const uint8_t *)text, strlen(text)});
}

/* An empty buffer that may grow to `max` bytes; allocates nothing yet. */
void ab_buf_init(struct ab_buf *b, size_t max);

/* Free the bytes and leave an empty buffer with the same cap. */
void ab_buf_drop(struct ab_buf *b);

/* Make room for `more` bytes after `len`; the bytes are not initialised. */
AB_MUST_USE bool ab_buf_reserve(struct ab_buf *b, size_t more, struct ab_err *err);

/* Append `len` bytes at `data`, or the string `s`, or one byte. */
AB_MUST_USE bool ab_buf_add(struct ab_buf *b, const void *data, size_t len, struct ab_err *err);
AB_MUST_USE bool ab_buf_add_text(struct ab_buf *b, const char *s, struct ab_err *err);
AB_MUST_USE bool ab_buf_add_byte(struct ab_buf *b, uint8_t byte, struct ab_err *err);

/* Remove the first `n` bytes (n <= len). */
void ab_buf_shift(struct ab_buf *b, size_t n);

#endif
