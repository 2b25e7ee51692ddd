/* stream/digest_flow.c - bytes through a pipe, and their digest. */
#include <string.h>

#include "base/alloc.h"
#include "stream/flow.h"

struct digest_flow {
    struct ab_flow base;
    struct ab_digest *digest; /* owned */
    size_t expected_len;      /* 0: any digest will do */
    uint8_t expected[AB_DIGEST_MAX];
};

static bool as_expected(const struct digest_flow *d, struct ab_err *err)
{
    uint8_t is[AB_DIGEST_MAX];
    size_t len;

    if (d->expected_len == 0)
        return true;
    if (!ab_digest_peek(d->digest, is, &len, err))
        return false;
    if (len == d->expected_len && ab_same(is, d->expected, len))
        return true;
    return ab_fail(err, AB_INTEGRITY, "digest", "the digest of the data is not the expected one");
}

static bool digest_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct digest_flow *d = (struct digest_flow *)f;
    size_t n = io->in_len < io->room ? io->in_len : io->room;

    if (n > 0) {
        if (!ab_digest_add(d->digest, io->in, n, err))
            return false;
        memcpy(io->out, io->in, n);
        io->in += n;
        io->in_len -= n;
        io->out += n;
        io->room -= n;
    }
    io->ended = io->last && io->in_len == 0;
    return !io->ended || as_expected(d, err);
}

static void digest_free(struct ab_flow *f)
{
    ab_digest_free(((struct digest_flow *)f)->digest);
    ab_free(f);
}

static const struct ab_flow_ops ops = {digest_turn, digest_free};

struct ab_flow *ab_digest_flow_new(const char *name, struct ab_slice expected, struct ab_err *err)
{
    struct digest_flow *d;

    if (expected.len > AB_DIGEST_MAX) {
        ab_fail(err, AB_USAGE, "digest", "no digest has %zu bytes", expected.len);
        return NULL;
    }
    d = ab_calloc(1, sizeof *d);
    if (!d) {
        ab_fail_memory(err);
        return NULL;
    }
    d->base.ops = &ops;
    d->digest = ab_digest_new(name, err);
    if (!d->digest) {
        ab_free(d);
        return NULL;
    }
    d->expected_len = expected.len;
    if (expected.len > 0)
        memcpy(d->expected, expected.data, expected.len);
    return &d->base;
}

bool ab_digest_flow_peek(const struct ab_flow *f, uint8_t out[AB_DIGEST_MAX], size_t *len,
                         struct ab_err *err)
{
    if (f->ops != &ops)
        return ab_fail(err, AB_USAGE, "digest", "this stage takes no digest");
    return ab_digest_peek(((const struct digest_flow *)f)->digest, out, len, err);
}
