/* stream/gzip.h - whole gzip files (RFC 1952), for the models and bodies that AWS keeps so. */
#ifndef AB_STREAM_GZIP_H
#define AB_STREAM_GZIP_H

#include "base/buf.h"

/* Append the content of the gzip file `in` to `out`, whose cap is the content's. Fails with kind
 * integrity: code "gzip_corrupt" when it is none or has bytes after its end, "gzip_truncated" when
 * it ends early. */
AB_MUST_USE bool ab_gzip_unpack(struct ab_slice in, struct ab_buf *out, struct ab_err *err);

/* Append `in` (at most 1 GiB) as a gzip file to `out`. */
AB_MUST_USE bool ab_gzip_pack(struct ab_slice in, struct ab_buf *out, struct ab_err *err);

#endif
