#include "stream/age_seek.h"

#include "base/alloc.h"
#include "stream/age_payload.h"

struct ab_age_seek {
    struct ab_aead *aead; /* owned */
};

static bool begin(struct ab_age_seek *seek, struct ab_slice head, const struct ab_age_with *with,
                  struct ab_err *err)
{
    uint8_t file_key[AB_AGE_FILE_KEY], key[AB_AEAD_KEY];
    size_t len = ab_age_header_length(head);

    if (len == 0)
        return ab_fail(err, AB_INTEGRITY, "age_header", "the age header is cut short");
    if (head.len - len < AB_AGE_NONCE)
        return ab_fail(err, AB_INTEGRITY, "age_truncated", "the encrypted data is cut short");
    bool ok = ab_age_header_open((struct ab_slice){head.data, len}, with, file_key, err) &&
              ab_age_payload_key(file_key, head.data + len, key, err) &&
              (seek->aead = ab_aead_new(key, false, err)) != NULL;
    ab_wipe(file_key, sizeof file_key);
    ab_wipe(key, sizeof key);
    return ok;
}

struct ab_age_seek *ab_age_seek_new(struct ab_slice head, const struct ab_age_with *with,
                                    struct ab_err *err)
{
    struct ab_age_seek *seek = ab_calloc(1, sizeof *seek);

    if (!seek) {
        ab_fail_memory(err);
        return NULL;
    }
    if (begin(seek, head, with, err))
        return seek;
    ab_age_seek_free(seek);
    return NULL;
}

void ab_age_seek_free(struct ab_age_seek *seek)
{
    if (!seek)
        return;
    ab_aead_free(seek->aead);
    ab_free(seek);
}

/* Open one chunk to `out`. One that opens under the other flag says what happened to the file. */
static bool open_chunk(struct ab_age_seek *seek, uint64_t index, struct ab_slice chunk, bool last,
                       uint8_t *out, struct ab_err *err)
{
    uint8_t nonce[AB_AEAD_NONCE] = {0};

    for (int i = 0; i < 8; i++)
        nonce[AB_AGE_FINAL - 1 - i] = (uint8_t)(index >> 8 * i);
    nonce[AB_AGE_FINAL] = last;
    if (ab_aead_open(seek->aead, nonce, chunk.data, chunk.len, out)) {
        if (chunk.len > AB_AEAD_TAG || index == 0)
            return true;
        return ab_fail(err, AB_INTEGRITY, "age_payload",
                       "the last chunk of the encrypted data is empty");
    }
    nonce[AB_AGE_FINAL] = !last;
    if (!ab_aead_open(seek->aead, nonce, chunk.data, chunk.len, out))
        return ab_fail(err, AB_INTEGRITY, "age_payload",
                       "the encrypted data is damaged, cut short or was altered");
    ab_wipe(out, chunk.len - AB_AEAD_TAG);
    return last ? ab_fail(err, AB_INTEGRITY, "age_truncated", "the encrypted data is cut short")
                : ab_fail(err, AB_INTEGRITY, "age_trailing",
                          "data follows the end of the encrypted data");
}

bool ab_age_seek_open(struct ab_age_seek *seek, uint64_t index, struct ab_slice sealed, bool last,
                      struct ab_buf *plain, struct ab_err *err)
{
    while (sealed.len > 0) {
        size_t len = sealed.len < AB_AGE_SEALED ? sealed.len : AB_AGE_SEALED;
        bool ends = last && len == sealed.len;
        if (len < AB_AEAD_TAG || (len < AB_AGE_SEALED && !ends))
            return ab_fail(err, AB_INTEGRITY, "age_truncated", "the encrypted data is cut short");
        if (!ab_buf_reserve(plain, AB_AGE_CHUNK, err) ||
            !open_chunk(seek, index, (struct ab_slice){sealed.data, len}, ends,
                        plain->data + plain->len, err))
            return false;
        plain->len += len - AB_AEAD_TAG;
        sealed.data += len;
        sealed.len -= len;
        index++;
    }
    return true;
}
