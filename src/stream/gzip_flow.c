/* stream/gzip_flow.c - gzip (RFC 1952) as flows: bytes in and a member out, members in and their
 * content out. Whole gzip files in memory are stream/gzip.c's. */
#include <limits.h>
#include <zlib.h>

#include "base/alloc.h"
#include "stream/flow.h"

enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 }; /* as in stream/gzip.c */

struct gzip {
    struct ab_flow base;
    z_stream z;
    bool whole;  /* unpacking: the last byte taken was the last of a member, or padding */
    bool padded; /* unpacking: and nothing but zeros may follow */
    struct ab_growth growth;
    uint64_t in, out; /* bytes so far */
};

static uInt at_most(size_t n)
{
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

/* Lend the input and the room to zlib; and take from both what it used. */
static void lend(struct gzip *g, const struct ab_flow_io *io)
{
    g->z.next_in = (z_const Bytef *)io->in;
    g->z.avail_in = at_most(io->in_len);
    g->z.next_out = io->out;
    g->z.avail_out = at_most(io->room);
}

static void settle(struct gzip *g, struct ab_flow_io *io)
{
    size_t taken = at_most(io->in_len) - g->z.avail_in;
    size_t made = at_most(io->room) - g->z.avail_out;

    io->in += taken;
    io->in_len -= taken;
    io->out += made;
    io->room -= made;
    g->in += taken;
    g->out += made;
}

static bool pack_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct gzip *g = (struct gzip *)f;

    while (io->room > 0 && (io->last ? !io->ended : io->in_len > 0)) {
        lend(g, io);
        bool all = io->last && g->z.avail_in == io->in_len;
        int status = deflate(&g->z, all ? Z_FINISH : Z_NO_FLUSH);
        settle(g, io);
        if (status == Z_STREAM_END)
            io->ended = true;
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return ab_fail(err, AB_BUG, "gzip", "cannot compress");
    }
    return true;
}

static bool unpack_failed(const struct gzip *g, int status, struct ab_err *err)
{
    if (status == Z_MEM_ERROR)
        return ab_fail_memory(err);
    return ab_fail(err, AB_INTEGRITY, "gzip_corrupt", "the gzip data is damaged: %s",
                   g->z.msg ? g->z.msg : "it has no known form");
}

/* One call of the library, up to the end of a member at most. */
static bool unpack_step(struct gzip *g, struct ab_flow_io *io, bool *went_on, struct ab_err *err)
{
    if (g->whole && inflateReset(&g->z) != Z_OK)
        return ab_fail(err, AB_BUG, "gzip", "cannot begin another gzip member");
    uint64_t before = g->in + g->out;
    lend(g, io);
    int status = inflate(&g->z, Z_NO_FLUSH);
    settle(g, io);
    *went_on = g->in + g->out > before;
    g->whole = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return unpack_failed(g, status, err);
    return ab_growth_check(g->growth, g->in, g->out, err);
}

/* Zeros behind a member fill the last block of a tape or a device (gzip(1), "CAVEATS"): `gzip -d`
 * passes over them, and so do we; but nothing may follow them. */
static bool skip_padding(struct gzip *g, struct ab_flow_io *io, struct ab_err *err)
{
    size_t zeros = 0;

    while (zeros < io->in_len && io->in[zeros] == 0)
        zeros++;
    io->in += zeros;
    io->in_len -= zeros;
    g->padded = g->padded || zeros > 0;
    return !g->padded || io->in_len == 0 ||
           ab_fail(err, AB_INTEGRITY, "gzip_corrupt",
                   "the gzip data is damaged: something follows the zeros behind its end");
}

static bool unpack_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct gzip *g = (struct gzip *)f;
    bool went_on = true;

    while (went_on && io->room > 0) {
        if (g->whole && !skip_padding(g, io, err))
            return false;
        if (g->whole && io->in_len == 0)
            break;
        if (!unpack_step(g, io, &went_on, err))
            return false;
    }
    if (!io->last || io->in_len > 0 || io->room == 0)
        return true;
    if (!g->whole)
        return ab_fail(err, AB_INTEGRITY, "gzip_truncated", "the gzip data is cut short");
    io->ended = true;
    return true;
}

static void pack_free(struct ab_flow *f)
{
    deflateEnd(&((struct gzip *)f)->z);
    ab_free(f);
}

static void unpack_free(struct ab_flow *f)
{
    inflateEnd(&((struct gzip *)f)->z);
    ab_free(f);
}

/* `g`, or NULL when memory is out or zlib said that it is. */
static struct ab_flow *begun(struct gzip *g, bool ok, struct ab_err *err)
{
    if (ok)
        return &g->base;
    ab_free(g);
    ab_fail_memory(err);
    return NULL;
}

struct ab_flow *ab_gzip_pack_new(int level, struct ab_err *err)
{
    static const struct ab_flow_ops ops = {pack_turn, pack_free};
    struct gzip *g = ab_calloc(1, sizeof *g);

    if (g)
        g->base.ops = &ops;
    return begun(g,
                 g && deflateInit2(&g->z, level, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                                   Z_DEFAULT_STRATEGY) == Z_OK,
                 err);
}

struct ab_flow *ab_gzip_unpack_new(struct ab_growth growth, struct ab_err *err)
{
    static const struct ab_flow_ops ops = {unpack_turn, unpack_free};
    struct gzip *g = ab_calloc(1, sizeof *g);

    if (g) {
        g->base.ops = &ops;
        g->growth = growth;
    }
    return begun(g, g && inflateInit2(&g->z, GZIP_WINDOW) == Z_OK, err);
}
