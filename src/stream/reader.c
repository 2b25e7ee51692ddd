#include "stream/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "crypto/digest.h"
#include "stream/file.h"
#include "stream/flow.h"
#include "stream/source.h"

#define ZSTD_MAGIC "\x28\xb5\x2f\xfd"

enum { STEP = 64 * 1024, LOOK = 1024 };

struct ab_reader {
    struct ab_file *file;           /* one reference */
    struct ab_source *source;       /* owned; NULL before the first fill */
    bool started;                   /* `source` gives the content */
    struct ab_digest *sha256;       /* owned; of what was handed out */
    struct ab_age_keys *identities; /* a reference, or NULL */
    struct ab_buf passphrase;       /* owned, secret */
    bool has_passphrase;
    int max_work_factor;
    struct ab_reader_form form;
    struct ab_buf buf; /* owned */
    size_t at;         /* handed out of buf */
    size_t hashed;     /* of which are in the digest */
    size_t scanned;    /* no line feed between at and here */
    bool ended;        /* the source gave its last byte */
    bool failed;       /* with `failure`: a damaged chain is never read again */
    struct ab_err failure;
};

static bool keep_keys(struct ab_reader *r, const struct ab_age_with *with, struct ab_err *err)
{
    r->max_work_factor = with->max_work_factor;
    r->has_passphrase = with->passphrase.data != NULL;
    r->identities = ab_age_keys_ref(with->keys);
    return !r->has_passphrase ||
           ab_buf_add(&r->passphrase, with->passphrase.data, with->passphrase.len, err);
}

struct ab_reader *ab_reader_new(struct ab_file *file, const struct ab_age_with *with,
                                struct ab_err *err)
{
    struct ab_reader *r = ab_calloc(1, sizeof *r);

    if (!r) {
        ab_fail_memory(err);
        return NULL;
    }
    r->file = ab_file_ref(file);
    ab_buf_init(&r->buf, AB_LINE_MAX + STEP);
    r->buf.secret = true;
    ab_buf_init(&r->passphrase, with->passphrase.len);
    r->passphrase.secret = true;
    r->sha256 = ab_digest_new("sha256", err);
    if (r->sha256 && keep_keys(r, with, err))
        return r;
    ab_reader_free(r);
    return NULL;
}

void ab_reader_free(struct ab_reader *r)
{
    if (!r)
        return;
    ab_source_free(r->source);
    ab_file_unref(r->file);
    ab_digest_free(r->sha256);
    ab_age_keys_unref(r->identities);
    ab_buf_drop(&r->passphrase);
    ab_buf_drop(&r->buf);
    ab_free(r);
}

static bool starts(struct ab_slice bytes, const char *magic)
{
    size_t len = strlen(magic);

    return bytes.len >= len && memcmp(bytes.data, magic, len) == 0;
}

/* Also what is cut inside the magic: no plain archive is that short. */
static bool starts_age(struct ab_slice bytes)
{
    static const char magic[] = AB_AGE_MAGIC;
    size_t len = sizeof magic - 1;

    return memcmp(bytes.data, magic, bytes.len < len ? bytes.len : len) == 0;
}

/* Put a source around the one in r->source; a NULL one is a failure already described. */
static bool wrap(struct ab_reader *r, struct ab_source *around)
{
    if (around)
        r->source = around;
    return around != NULL;
}

static bool open_age(struct ab_reader *r, struct ab_err *err)
{
    struct ab_age_with with = {r->identities, {NULL, 0}, r->max_work_factor};

    if (r->has_passphrase)
        with.passphrase = (struct ab_slice){
            r->passphrase.data ? r->passphrase.data : (const uint8_t *)"", r->passphrase.len};
    return wrap(r, ab_age_source_new(r->source, &with, err));
}

/* What it unpacks to is not limited: it is read line by line. */
static struct ab_source *open_zstd(struct ab_reader *r, struct ab_err *err)
{
    struct ab_growth any = {0, 0};

    return ab_flow_source_new(r->source, ab_zstd_unpack_new(AB_ZSTD_WINDOW_LOG, any, err), err);
}

/* The file, out of its armor. */
static bool start_file(struct ab_reader *r, struct ab_err *err)
{
    struct ab_slice look;

    if (!wrap(r, ab_file_source_new(r->file, err)) || !ab_source_peek(r->source, LOOK, &look, err))
        return false;
    if (look.len == 0)
        return ab_fail(err, AB_INTEGRITY, "empty", "the file is empty");
    r->form.armored = ab_armor_begins(look);
    r->form.encrypted = r->form.armored || starts_age(look);
    return !r->form.armored || wrap(r, ab_armor_source_new(r->source, err));
}

/* Build the chain that the first bytes of each layer call for. */
static bool start(struct ab_reader *r, struct ab_err *err)
{
    struct ab_slice look;

    if (!r->source && !start_file(r, err))
        return false;
    if (r->form.encrypted && !open_age(r, err))
        return false;
    if (!ab_source_peek(r->source, strlen(ZSTD_MAGIC), &look, err))
        return false;
    r->form.compressed = starts(look, ZSTD_MAGIC);
    r->started = !r->form.compressed || wrap(r, open_zstd(r, err));
    return r->started;
}

bool ab_reader_header(struct ab_reader *r, struct ab_slice *header, struct ab_err *err)
{
    *header = (struct ab_slice){NULL, 0};
    if (r->failed || r->started)
        return ab_fail(err, AB_USAGE, "reader", "the header is gone once the reader was filled");
    if (!r->source && !start_file(r, err)) {
        r->failed = true;
        r->failure = *err;
        return false;
    }
    return !r->form.encrypted || ab_age_source_header(r->source, header, err);
}

/* Bring the digest up to what was handed out. One that fails is gone for good, which
 * ab_reader_sha256 reports. */
static void hash_rest(struct ab_reader *r)
{
    struct ab_err err;

    if (r->sha256 && !ab_digest_add(r->sha256, r->buf.data + r->hashed, r->at - r->hashed, &err)) {
        ab_digest_free(r->sha256);
        r->sha256 = NULL;
    }
    r->hashed = r->at;
}

/* Drop what was handed out, so that the rest starts the buffer. */
static void compact(struct ab_reader *r)
{
    hash_rest(r);
    r->hashed = 0;
    ab_buf_shift(&r->buf, r->at);
    r->scanned -= r->at;
    r->at = 0;
}

static const uint8_t *find_feed(struct ab_reader *r)
{
    const uint8_t *feed = r->scanned < r->buf.len
                              ? memchr(r->buf.data + r->scanned, '\n', r->buf.len - r->scanned)
                              : NULL;

    r->scanned = feed ? (size_t)(feed - r->buf.data) : r->buf.len;
    return feed;
}

/* One step more into the buffer. */
static bool read_step(struct ab_reader *r, struct ab_err *err)
{
    size_t got;

    if (r->buf.len > AB_LINE_MAX)
        return ab_fail(err, AB_INTEGRITY, "line_too_long", "a line is longer than %d MiB",
                       AB_LINE_MAX >> 20);
    if (!ab_buf_reserve(&r->buf, STEP, err))
        return false;
    size_t before = r->buf.len, wanted = before + STEP;
    for (got = 1; got > 0 && r->buf.len < wanted; r->buf.len += got) {
        got = 0;
        if (!ab_source_read(r->source, r->buf.data + r->buf.len, wanted - r->buf.len, &got, err))
            return false;
    }
    r->ended = got == 0;
    return true;
}

static bool fill(struct ab_reader *r, struct ab_err *err)
{
    if (!r->started && !start(r, err))
        return false;
    compact(r);
    do {
        if (!r->ended && !read_step(r, err))
            return false;
    } while (!find_feed(r) && !r->ended);
    return true;
}

bool ab_reader_fill(struct ab_reader *r, struct ab_err *err)
{
    if (!r->failed)
        r->failed = !fill(r, &r->failure);
    if (r->failed)
        *err = r->failure;
    return !r->failed;
}

/* Hand out the next `len` bytes; the digest stays one step behind. */
static struct ab_slice hand_out(struct ab_reader *r, size_t len)
{
    struct ab_slice bytes = {r->buf.data + r->at, len};

    hash_rest(r);
    r->at += len;
    if (r->scanned < r->at)
        r->scanned = r->at;
    return bytes;
}

enum ab_reader_next ab_reader_line(struct ab_reader *r, struct ab_slice *line)
{
    const uint8_t *feed = find_feed(r);

    if (feed) {
        *line = hand_out(r, (size_t)(feed - (r->buf.data + r->at)) + 1);
        line->len--;
        return AB_READER_LINE;
    }
    if (!r->ended)
        return AB_READER_MORE;
    if (r->at == r->buf.len)
        return AB_READER_END;
    *line = hand_out(r, r->buf.len - r->at);
    return AB_READER_LINE;
}

enum ab_reader_next ab_reader_take(struct ab_reader *r, struct ab_slice *bytes)
{
    if (r->at == r->buf.len)
        return r->ended ? AB_READER_END : AB_READER_MORE;
    *bytes = hand_out(r, r->buf.len - r->at);
    return AB_READER_LINE;
}

struct ab_reader_form ab_reader_form(const struct ab_reader *r)
{
    return r->form;
}

bool ab_reader_sha256(struct ab_reader *r, bool before_last, uint8_t out[64], struct ab_err *err)
{
    size_t len;

    if (!before_last)
        hash_rest(r);
    return r->sha256 ? ab_digest_peek(r->sha256, out, &len, err) : ab_fail_memory(err);
}
