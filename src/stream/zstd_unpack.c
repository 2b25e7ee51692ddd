/* stream/zstd_unpack.c - zstd frames in (RFC 8878), their content out.
 *
 * A frame that ends early, no frame at all, and anything that is no frame after one are errors. */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "stream/flow.h"

struct zstd_unpack {
    struct ab_flow base;
    ZSTD_DCtx *zstd; /* owned */
    bool whole;      /* the last byte taken was the last of a frame */
    int window_log;
    struct ab_growth growth;
    uint64_t in, out; /* bytes so far */
};

static bool failed(const struct zstd_unpack *z, size_t code, struct ab_err *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return ab_fail_memory(err);
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        return ab_fail(err, AB_INTEGRITY, "zstd_window",
                       "the compressed data needs a window of more than 2^%d bytes", z->window_log);
    if (ZSTD_getErrorCode(code) == ZSTD_error_dictionary_wrong)
        return ab_fail(err, AB_INTEGRITY, "zstd_dictionary",
                       "the compressed data was made with a dictionary: zstd -d -D opens it");
    return ab_fail(err, AB_INTEGRITY, "zstd_corrupt", "the compressed data is damaged: %s",
                   ZSTD_getErrorName(code));
}

/* One call of the library; false in *went_on when it took and made nothing. */
static bool step(struct zstd_unpack *z, struct ab_flow_io *io, bool *went_on, struct ab_err *err)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->room, 0};
    size_t left = ZSTD_decompressStream(z->zstd, &out, &in);

    if (ZSTD_isError(left))
        return failed(z, left, err);
    *went_on = in.pos > 0 || out.pos > 0;
    if (*went_on)
        z->whole = left == 0;
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->room -= out.pos;
    z->in += in.pos;
    z->out += out.pos;
    return ab_growth_check(z->growth, z->in, z->out, err);
}

static bool zstd_unpack_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct zstd_unpack *z = (struct zstd_unpack *)f;
    bool went_on = true;

    while (went_on && io->room > 0 && !(z->whole && io->in_len == 0))
        if (!step(z, io, &went_on, err))
            return false;
    if (!io->last || io->in_len > 0 || io->room == 0)
        return true;
    if (!z->whole)
        return ab_fail(err, AB_INTEGRITY, "zstd_truncated", "the compressed data is cut short");
    io->ended = true;
    return true;
}

static void zstd_unpack_free(struct ab_flow *f)
{
    ZSTD_freeDCtx(((struct zstd_unpack *)f)->zstd);
    ab_free(f);
}

struct ab_flow *ab_zstd_unpack_new(int window_log, struct ab_growth growth, struct ab_err *err)
{
    static const struct ab_flow_ops ops = {zstd_unpack_turn, zstd_unpack_free};
    struct zstd_unpack *z = ab_calloc(1, sizeof *z);

    if (z)
        z->zstd = ZSTD_createDCtx();
    if (!z || !z->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, window_log))) {
        if (z)
            ZSTD_freeDCtx(z->zstd);
        ab_free(z);
        ab_fail_memory(err);
        return NULL;
    }
    z->base.ops = &ops;
    z->window_log = window_log;
    z->growth = growth;
    return &z->base;
}
