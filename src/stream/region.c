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

const uint8_t *ab_region_bytes(const struct ab_region *region)
{
    const struct ab_file_held *held = region->file ? region->file->held : NULL;

    return held && region->size <= held->st.st_size - region->at ? held->bytes + region->at : NULL;
}

static bool add_all(const struct ab_region *region, struct ab_digest *const digests[], size_t count,
                    uint8_t *piece, struct ab_err *err)
{
    for (int64_t from = 0; from < region->size; from += PIECE) {
        int64_t left = region->size - from;
        size_t len = left < PIECE ? (size_t)left : PIECE;
        if (!ab_region_read(region, from, piece, len, err))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!ab_digest_add(digests[i], piece, len, err))
                return false;
    }
    return true;
}

bool ab_region_digest(const struct ab_region *region, struct ab_region_digests *d,
                      struct ab_err *err)
{
    struct ab_digest *running[AB_REGION_DIGESTS] = {NULL};
    size_t count = 0;
    bool ok = true;

    for (; ok && count < AB_REGION_DIGESTS && d->names[count][0]; count++)
        ok = (running[count] = ab_digest_new(d->names[count], err)) != NULL;
    uint8_t *piece = ok ? ab_alloc(PIECE) : NULL;
    ok = ok && (piece ? add_all(region, running, count, piece, err) : ab_fail_memory(err));
    for (size_t i = 0; i < count; i++) {
        ok = ok && ab_digest_peek(running[i], d->out[i], &d->len[i], err);
        ab_digest_free(running[i]);
    }
    ab_free(piece);
    return ok;
}
