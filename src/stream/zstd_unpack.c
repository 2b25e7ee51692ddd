/* stream/zstd_unpack.c - zstd frames in (RFC 8878), their content out.
 *
 * A frame that ends early, and anything that is no frame after one, is an error. The window is
 * capped by the library at 128 MiB, what `zstd -d` takes too. */
#include <zstd.h>

#include "base/alloc.h"
#include "stream/source.h"

enum { IN_SIZE = 64 * 1024 };

struct zstd_unpack {
    struct ab_source base;
    ZSTD_DCtx *zstd; /* owned */
    bool in_frame;   /* more input must come */
    ZSTD_inBuffer in;
    uint8_t buf[IN_SIZE];
};

/* Make input available; false in *any at the end of it. */
static bool need_input(struct zstd_unpack *z, bool *any, struct ab_err *err)
{
    if (z->in.pos == z->in.size) {
        z->in.pos = 0;
        if (!ab_source_read(z->base.from, z->buf, sizeof z->buf, &z->in.size, err))
            return false;
    }
    *any = z->in.pos < z->in.size;
    return true;
}

static bool zstd_unpack_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                             struct ab_err *err)
{
    struct zstd_unpack *z = (struct zstd_unpack *)s;
    ZSTD_outBuffer to = {out, len, 0};
    bool any;

    while (to.pos == 0) {
        if (!need_input(z, &any, err))
            return false;
        size_t before = z->in.pos;
        size_t left = ZSTD_decompressStream(z->zstd, &to, &z->in);
        if (ZSTD_isError(left))
            return ab_fail(err, AB_INTEGRITY, "zstd_corrupt", "the compressed data is damaged: %s",
                           ZSTD_getErrorName(left));
        if (any || to.pos > 0)
            z->in_frame = left > 0;
        if (!any && to.pos == 0 && z->in.pos == before)
            break;
    }
    *got = to.pos;
    if (to.pos == 0 && z->in_frame)
        return ab_fail(err, AB_INTEGRITY, "zstd_truncated", "the compressed data is cut short");
    return true;
}

static void zstd_unpack_free(struct ab_source *s)
{
    ZSTD_freeDCtx(((struct zstd_unpack *)s)->zstd);
    ab_secret_free(s, sizeof(struct zstd_unpack));
}

struct ab_source *ab_zstd_source_new(struct ab_source *from, struct ab_err *err)
{
    static const struct ab_source_ops ops = {zstd_unpack_read, zstd_unpack_free};
    struct zstd_unpack *z = ab_secret_alloc(sizeof *z);

    if (z)
        z->zstd = ZSTD_createDCtx();
    if (!z || !z->zstd) {
        ab_secret_free(z, sizeof *z);
        ab_fail_memory(err);
        return NULL;
    }
    ab_source_init(&z->base, &ops, from);
    z->in.src = z->buf;
    return &z->base;
}
