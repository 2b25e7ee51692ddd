#include "stream/region.h"

#include <inttypes.h>

#include "base/alloc.h"

enum { PIECE = 256 * 1024 };

static bool too_short(const struct ab_region *region, struct ab_err *err)
{
    return ab_fail(err, AB_IO, "short", "%s ends before byte %" PRId64 ", which was to be read",
                   region->file->path, region->at + region->size);
}

bool ab_region_check(const struct ab_region *region, struct ab_err *err)
{
    int64_t size;

    if (!ab_file_size(region->file, &size, err))
        return false;
    return region->size <= size - region->at || too_short(region, err);
}

bool ab_region_read(const struct ab_region *region, int64_t from, void *out, size_t len,
                    struct ab_err *err)
{
    size_t got;

    if (!ab_file_read(region->file, out, len, region->at + from, &got, err))
        return false;
    return got == len || too_short(region, err);
}

static bool add_all(const struct ab_region *region, struct ab_digest *digest, uint8_t *piece,
                    struct ab_err *err)
{
    for (int64_t from = 0; from < region->size; from += PIECE) {
        int64_t left = region->size - from;
        size_t len = left < PIECE ? (size_t)left : PIECE;
        if (!ab_region_read(region, from, piece, len, err) ||
            !ab_digest_add(digest, piece, len, err))
            return false;
    }
    return true;
}

bool ab_region_digest(const struct ab_region *region, const char *name, uint8_t out[AB_DIGEST_MAX],
                      size_t *len, struct ab_err *err)
{
    struct ab_digest *digest = ab_digest_new(name, err);

    if (!digest)
        return false;
    uint8_t *piece = ab_alloc(PIECE);
    bool ok = piece ? add_all(region, digest, piece, err) && ab_digest_peek(digest, out, len, err)
                    : ab_fail_memory(err);
    ab_free(piece);
    ab_digest_free(digest);
    return ok;
}
