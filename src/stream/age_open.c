/* stream/age_open.c - a binary age v1 file in, authenticated plaintext out. */
#include <string.h>

#include "base/alloc.h"
#include "stream/age_payload.h"
#include "stream/source.h"

enum { FIRST_LOOK = 4096 };

struct age_open {
    struct ab_source base;
    struct ab_aead *aead; /* owned */
    uint8_t nonce[AB_AEAD_NONCE];
    bool any;       /* a chunk was opened */
    bool done;      /* no chunk follows */
    bool cut;       /* the chunk was not the last, but the file is at its end */
    bool trailing;  /* the chunk was the last, but the file goes on */
    size_t at, len; /* of plain */
    uint8_t sealed[AB_AGE_SEALED];
    uint8_t plain[AB_AGE_CHUNK];
};

static bool opens(struct age_open *a, size_t len, bool final)
{
    a->nonce[AB_AGE_FINAL] = final;
    return ab_aead_open(a->aead, a->nonce, a->sealed, len, a->plain);
}

static bool truncated(struct ab_err *err)
{
    return ab_fail(err, AB_INTEGRITY, "age_truncated", "the encrypted data is cut short");
}

/* Open what is in `sealed`. A whole chunk whose flag contradicts the end of the file is authentic
 * and still counts; the contradiction is the error of the next read. */
static bool open_chunk(struct age_open *a, size_t len, bool last, struct ab_err *err)
{
    if (opens(a, len, last))
        return true;
    if (opens(a, len, !last)) {
        a->cut = last;
        a->trailing = !last;
        if (len == AB_AGE_SEALED)
            return true;
        ab_wipe(a->plain, sizeof a->plain);
        return truncated(err);
    }
    return ab_fail(err, AB_INTEGRITY, "age_payload",
                   "the encrypted data is damaged, cut short or was altered");
}

/* The error that a chunk already handed out announced. */
static bool contradiction(const struct age_open *a, struct ab_err *err)
{
    if (a->cut)
        return truncated(err);
    return ab_fail(err, AB_INTEGRITY, "age_trailing", "data follows the end of the encrypted data");
}

static bool next_chunk(struct age_open *a, struct ab_err *err)
{
    struct ab_slice more;
    size_t len;

    if (!ab_source_fill(a->base.from, a->sealed, sizeof a->sealed, &len, err) ||
        !ab_source_peek(a->base.from, 1, &more, err))
        return false;
    if (len < AB_AEAD_TAG)
        return truncated(err);
    bool last = more.len == 0;
    if (!open_chunk(a, len, last, err))
        return false;
    if (len == AB_AEAD_TAG && a->any)
        return ab_fail(err, AB_INTEGRITY, "age_payload",
                       "the last chunk of the encrypted data is empty");
    ab_age_next_chunk(a->nonce);
    a->any = true;
    a->done = last || a->trailing; /* also when cut */
    a->at = 0;
    a->len = len - AB_AEAD_TAG;
    return true;
}

static bool age_open_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                          struct ab_err *err)
{
    struct age_open *a = (struct age_open *)s;

    while (a->at == a->len && !a->done)
        if (!next_chunk(a, err))
            return false;
    if (a->at == a->len && (a->cut || a->trailing))
        return contradiction(a, err);
    *got = len < a->len - a->at ? len : a->len - a->at;
    memcpy(out, a->plain + a->at, *got);
    a->at += *got;
    return true;
}

static void age_open_free(struct ab_source *s)
{
    ab_aead_free(((struct age_open *)s)->aead);
    ab_secret_free(s, sizeof(struct age_open));
}

/* Look ahead until the whole header is in sight. */
bool ab_age_source_header(struct ab_source *from, struct ab_slice *header, struct ab_err *err)
{
    for (size_t look = FIRST_LOOK;; look *= 2) {
        if (!ab_source_peek(from, look, header, err))
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

static bool begin(struct age_open *a, struct ab_source *from, const struct ab_age_with *with,
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
              (a->aead = ab_aead_new(key, false, err)) != NULL;
    ab_wipe(file_key, sizeof file_key);
    ab_wipe(key, sizeof key);
    return ok;
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
    if (!begin(a, from, with, err)) {
        age_open_free(&a->base);
        return NULL;
    }
    ab_source_init(&a->base, &ops, from);
    return &a->base;
}
