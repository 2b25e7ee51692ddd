/* crypto/sigv4_headers.h - the headers of a request as its signature covers them; for sigv4.c.
 *
 * Names and values are borrowed from the request and from the time stamp. */
#ifndef AB_CRYPTO_SIGV4_HEADERS_H
#define AB_CRYPTO_SIGV4_HEADERS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct ab_sigv4;

struct ab_sigv4_entry {
    struct ab_slice name;
    struct ab_slice value;
    size_t place; /* in the input, so that sorting keeps the order of equals */
};

struct ab_sigv4_headers {
    struct ab_sigv4_entry *list; /* owned */
    size_t count;
};

/* The headers of `r` that are signed, and those the signer adds, sorted by name. `out` is zeroed
 * before, and to be dropped after, also on failure. */
AB_MUST_USE bool ab_sigv4_headers_init(struct ab_sigv4_headers *out, const struct ab_sigv4 *r,
                                       const char *stamp, struct ab_err *err);

/* Free the list; what it names is borrowed. */
void ab_sigv4_headers_drop(struct ab_sigv4_headers *h);

/* Append "name:value\n" for each, the values of a repeated name joined by commas. */
AB_MUST_USE bool ab_sigv4_headers_add(struct ab_buf *b, const struct ab_sigv4_headers *h,
                                      struct ab_err *err);

/* Append the names, separated by semicolons. */
AB_MUST_USE bool ab_sigv4_headers_add_names(struct ab_buf *b, const struct ab_sigv4_headers *h,
                                            struct ab_err *err);

#endif
