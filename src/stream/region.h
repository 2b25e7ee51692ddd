/* stream/region.h - a run of bytes within an open file: the body of a request, or what a checksum
 * is of. It is read where it lies, a piece at a time. */
#ifndef AB_STREAM_REGION_H
#define AB_STREAM_REGION_H

#include "crypto/digest.h"
#include "stream/file.h"

struct ab_region {
    struct ab_file *file; /* who keeps the region says whether it has a reference */
    int64_t at;           /* where in the file it begins */
    int64_t size;         /* bytes */
};

/* Whether the file has these bytes now; kind io, code "short" when it ends before. */
AB_MUST_USE bool ab_region_check(const struct ab_region *region, struct ab_err *err);

/* Read exactly `len` bytes, `from` bytes after the region's beginning. Kind io, code "short", when
 * the file has become shorter meanwhile. */
AB_MUST_USE bool ab_region_read(const struct ab_region *region, int64_t from, void *out, size_t len,
                                struct ab_err *err);

enum { AB_REGION_DIGESTS = 4, AB_REGION_NAME_MAX = 32 };

/* Digests of all of it that are made in one reading. */
struct ab_region_digests {
    char names[AB_REGION_DIGESTS][AB_REGION_NAME_MAX]; /* of crypto/digest.h; "" after the last */
    uint8_t out[AB_REGION_DIGESTS][AB_DIGEST_MAX];
    size_t len[AB_REGION_DIGESTS];
};

/* The bytes of a region of a file that is held (stream/file.h), which has them; else NULL. */
const uint8_t *ab_region_bytes(const struct ab_region *region);

/* Fill in the digests by their names. */
AB_MUST_USE bool ab_region_digest(const struct ab_region *region, struct ab_region_digests *digests,
                                  struct ab_err *err);

#endif
