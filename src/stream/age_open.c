/* stream/age_open.c - a binary age v1 file in, authenticated plaintext out. */
#include "stream/age_open.h"

#include <string.h>

#include "base/alloc.h"
#include "stream/age_payload.h"
#include "stream/source.h"

enum { FIRST_LOOK = 4096 };

struct ab_age_opener {
    struct ab_aead *aead; /* owned */
    uint8_t nonce[AB_AEAD_NONCE];
    bool any;      /* a chunk was opened */
    bool done;     /* no chunk follows */
    bool cut;      /* the chunk was not the last, but the file is at its end */
    bool trailing; /* the chunk was the last, but the file goes on */
};

static bool opens(struct ab_age_opener *o, struct ab_slice sealed, bool final, uint8_t *out)
{
    o->nonce[AB_AGE_FINAL] = final;
    return ab_aead_open(o->aead, o->nonce, sealed.data, sealed.len, out);
}

static bool truncated(struct ab_err *err)
{
    return ab_fail(err, AB_INTEGRITY, "age_truncated", "the encrypted data is cut short");
}

/* A whole chunk whose flag contradicts the end of the file is authentic and still counts; the
 * contradiction is the error of the next read. */
static bool open_chunk(struct ab_age_opener *o, struct ab_slice sealed, bool last, uint8_t *out,
                       struct ab_err *err)
{
    if (opens(o, sealed, last, out))
        return true;
    if (opens(o, sealed, !last, out)) {
        o->cut = last;
        o->trailing = !last;
        if (sealed.len == AB_AGE_SEALED)
            return true;
        ab_wipe(out, sealed.len - AB_AEAD_TAG);
        return truncated(err);
    }
    return ab_fail(err, AB_INTEGRITY, "age_payload",
                   "the encrypted data is damaged, cut short or was altered");
}

bool ab_age_opener_turn(struct ab_age_opener *o, struct ab_slice sealed, bool last, uint8_t *out,
                        size_t *made, struct ab_err *err)
{
    if (sealed.len < AB_AEAD_TAG)
        return truncated(err);
    if (!open_chunk(o, sealed, last, out, err))
        return false;
    if (sealed.len == AB_AEAD_TAG && o->any)
        return ab_fail(err, AB_INTEGRITY, "age_payload",
                       "the last chunk of the encrypted data is empty");
    ab_age_next_chunk(o->nonce);
    o->any = true;
    o->done = last || o->trailing; /* also when cut */
    *made = sealed.len - AB_AEAD_TAG;
    return true;
}

bool ab_age_opener_is_done(const struct ab_age_opener *o)
{
    return o->done;
}

bool ab_age_opener_finish(const struct ab_age_opener *o, struct ab_err *err)
{
    if (o->cut)
        return truncated(err);
    if (o->trailing)
        return ab_fail(err, AB_INTEGRITY, "age_trailing",
                       "data follows the end of the encrypted data");
    return true;
}

/* Look ahead until the whole header is in sight. */
bool ab_age_source_header(struct ab_source *from, struct ab_slice *header, struct ab_err *err)
{
    for (size_t look = FIRST_LOOK;; look *= 2) {
        if (!ab_source_peek(from, look, header, err) || !ab_age_header_begins(*header, err))
            return false;
        size_t len = ab_age_header_length(*header);
        bool whole = header->len < look;
        if (len > 0) {
            header->len = len;
            return true;
        }
        if (whole)
            return ab_fail(err, AB_INTEGRITY, "age_header", "the age header is cut short");
        if (look == AB_AGE_HEADER_MAX)
            return ab_fail(err, AB_INTEGRITY, "age_header", "the age header is too long");
    }
}

static bool begin(struct ab_age_opener *o, struct ab_source *from, const struct ab_age_with *with,
                  struct ab_err *err)
{
    uint8_t file_key[AB_AGE_FILE_KEY], nonce[AB_AGE_NONCE], key[AB_AEAD_KEY];
    struct ab_slice header;
    size_t got;

    if (!ab_age_source_header(from, &header, err) ||
        !ab_age_header_open(header, with, file_key, err))
        return false;
    ab_buf_shift(&from->ahead, header.len);
    bool ok = ab_source_fill(from, nonce, sizeof nonce, &got, err) &&
              (got == sizeof nonce || truncated(err)) &&
              ab_age_payload_key(file_key, nonce, key, err) &&
              (o->aead = ab_aead_new(key, false, err)) != NULL;
    ab_wipe(file_key, sizeof file_key);
    ab_wipe(key, sizeof key);
    return ok;
}

struct ab_age_opener *ab_age_opener_new(struct ab_source *from, const struct ab_age_with *with,
                                        struct ab_err *err)
{
    struct ab_age_opener *o = ab_calloc(1, sizeof *o);

    if (!o) {
        ab_fail_memory(err);
        return NULL;
    }
    if (begin(o, from, with, err))
        return o;
    ab_age_opener_free(o);
    return NULL;
}

void ab_age_opener_free(struct ab_age_opener *o)
{
    if (!o)
        return;
    ab_aead_free(o->aead);
    ab_free(o);
}

/* ---- The source that is pulled. */

struct age_open {
    struct ab_source base;
    struct ab_age_opener *opener; /* owned */
    size_t at, len;               /* of plain */
    uint8_t sealed[AB_AGE_SEALED];
    uint8_t plain[AB_AGE_CHUNK];
};

static bool next_chunk(struct age_open *a, struct ab_err *err)
{
    struct ab_slice more;
    size_t len;

    a->at = a->len = 0;
    return ab_source_fill(a->base.from, a->sealed, sizeof a->sealed, &len, err) &&
           ab_source_peek(a->base.from, 1, &more, err) &&
           ab_age_opener_turn(a->opener, (struct ab_slice){a->sealed, len}, more.len == 0, a->plain,
                              &a->len, err);
}

static bool age_open_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                          struct ab_err *err)
{
    struct age_open *a = (struct age_open *)s;

    while (a->at == a->len && !ab_age_opener_is_done(a->opener))
        if (!next_chunk(a, err))
            return false;
    if (a->at == a->len && !ab_age_opener_finish(a->opener, err))
        return false;
    *got = len < a->len - a->at ? len : a->len - a->at;
    memcpy(out, a->plain + a->at, *got);
    a->at += *got;
    return true;
}

static void age_open_free(struct ab_source *s)
{
    ab_age_opener_free(((struct age_open *)s)->opener);
    ab_secret_free(s, sizeof(struct age_open));
}

struct ab_source *ab_age_source_new(struct ab_source *from, const struct ab_age_with *with,
                                    struct ab_err *err)
{
    static const struct ab_source_ops ops = {age_open_read, age_open_free};
    struct age_open *a = ab_secret_alloc(sizeof *a);

    if (!a) {
        ab_fail_memory(err);
        return NULL;
    }
    a->opener = ab_age_opener_new(from, with, err);
    if (!a->opener) {
        age_open_free(&a->base);
        return NULL;
    }
    ab_source_init(&a->base, &ops, from);
    return &a->base;
}
