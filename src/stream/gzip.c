#include "stream/gzip.h"

#include <limits.h>
#include <zlib.h>

enum {
    STEP = 64 * 1024,
    GZIP_WINDOW = 15 + 16, /* zlib.h: 16 more asks for gzip's header */
    MEMORY_LEVEL = 8,      /* zlib's default */
    PACK_MAX = 1 << 30,
};

static bool damaged(struct ab_err *err, const char *what)
{
    return ab_fail(err, AB_INTEGRITY, "gzip_corrupt", "the gzip data is damaged: %s", what);
}

/* Inflate until the end of the stream that `z` reads. */
static bool inflate_all(z_stream *z, struct ab_buf *out, struct ab_err *err)
{
    int status = Z_OK;

    while (status != Z_STREAM_END) {
        size_t left = out->max - out->len;
        size_t room = left < STEP ? left : STEP;
        if (!ab_buf_reserve(out, room, err))
            return false;
        z->next_out = out->data + out->len;
        z->avail_out = (uInt)room;
        status = inflate(z, Z_NO_FLUSH);
        out->len += room - z->avail_out;
        if (status == Z_BUF_ERROR && room == 0)
            return ab_buf_reserve(out, 1, err); /* says that the cap is reached */
        if (status == Z_BUF_ERROR)
            return ab_fail(err, AB_INTEGRITY, "gzip_truncated", "the gzip data is cut short");
        if (status == Z_MEM_ERROR)
            return ab_fail_memory(err);
        if (status != Z_OK && status != Z_STREAM_END)
            return damaged(err, z->msg ? z->msg : "it has no known form");
    }
    return z->avail_in == 0 || damaged(err, "bytes follow its end");
}

bool ab_gzip_unpack(struct ab_slice in, struct ab_buf *out, struct ab_err *err)
{
    z_stream z = {0};

    if (in.len > UINT_MAX)
        return ab_fail(err, AB_REPLY, "too_large", "more than 4 GiB of gzip data");
    z.next_in = (z_const Bytef *)in.data;
    z.avail_in = (uInt)in.len;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return ab_fail_memory(err);
    bool good = inflate_all(&z, out, err);
    inflateEnd(&z);
    return good;
}

bool ab_gzip_pack(struct ab_slice in, struct ab_buf *out, struct ab_err *err)
{
    z_stream z = {0};

    if (in.len > PACK_MAX)
        return ab_fail(err, AB_USAGE, "too_large", "more than 1 GiB to compress at once");
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return ab_fail_memory(err);
    size_t room = deflateBound(&z, (uLong)in.len);
    bool ok = ab_buf_reserve(out, room, err);
    if (ok) {
        z.next_in = (z_const Bytef *)in.data;
        z.avail_in = (uInt)in.len;
        z.next_out = out->data + out->len;
        z.avail_out = (uInt)room;
        ok = deflate(&z, Z_FINISH) == Z_STREAM_END || ab_fail(err, AB_BUG, "gzip", "gzip failed");
        out->len += room - z.avail_out;
    }
    deflateEnd(&z);
    return ok;
}
