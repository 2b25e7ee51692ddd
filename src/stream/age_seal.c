/* stream/age_seal.c - plaintext in, a binary age v1 file out.
 *
 * A full chunk is held back until another byte arrives: only the last chunk carries the final flag,
 * and the plaintext may end exactly on a chunk's border. */
#include <string.h>

#include "base/alloc.h"
#include "crypto/random.h"
#include "stream/age_payload.h"
#include "stream/stage.h"

struct age_seal {
    struct ab_stage base;
    struct ab_aead *aead; /* owned */
    uint8_t nonce[AB_AEAD_NONCE];
    size_t held; /* plaintext bytes in buf, never above AB_AGE_CHUNK */
    uint8_t buf[AB_AGE_SEALED];
};

static bool seal_chunk(struct age_seal *s, bool final, struct ab_err *err)
{
    s->nonce[AB_AGE_FINAL] = final;
    if (!ab_aead_seal(s->aead, s->nonce, s->buf, s->held, s->buf, err))
        return false;
    ab_age_next_chunk(s->nonce);
    size_t sealed = s->held + AB_AEAD_TAG;
    s->held = 0;
    return ab_stage_write(s->base.next, s->buf, sealed, err);
}

static bool age_seal_write(struct ab_stage *base, const uint8_t *data, size_t len,
                           struct ab_err *err)
{
    struct age_seal *s = (struct age_seal *)base;

    while (len > 0) {
        if (s->held == AB_AGE_CHUNK && !seal_chunk(s, false, err))
            return false;
        size_t n = len < AB_AGE_CHUNK - s->held ? len : AB_AGE_CHUNK - s->held;
        memcpy(s->buf + s->held, data, n);
        s->held += n;
        data += n;
        len -= n;
    }
    return true;
}

static bool age_seal_finish(struct ab_stage *base, struct ab_err *err)
{
    return seal_chunk((struct age_seal *)base, true, err) && ab_stage_finish(base->next, err);
}

static void age_seal_free(struct ab_stage *base)
{
    ab_aead_free(((struct age_seal *)base)->aead);
    ab_secret_free(base, sizeof(struct age_seal));
}

/* A new one, unless others wrapped one for this file already. */
static bool draw_file_key(uint8_t file_key[AB_AGE_FILE_KEY], const struct ab_age_keys *keys,
                          struct ab_err *err)
{
    if (!keys || !keys->has_file_key)
        return ab_random(file_key, AB_AGE_FILE_KEY, err);
    memcpy(file_key, keys->file_key, AB_AGE_FILE_KEY);
    return true;
}

/* Draw file key and nonce, push the header and the nonce to `next`, and key the payload's cipher.
 */
static bool begin(struct age_seal *s, struct ab_stage *next, const struct ab_age_to *to,
                  struct ab_err *err)
{
    uint8_t file_key[AB_AGE_FILE_KEY], nonce[AB_AGE_NONCE], key[AB_AEAD_KEY];
    struct ab_buf header;

    ab_buf_init(&header, AB_AGE_HEADER_MAX);
    bool ok = draw_file_key(file_key, to->keys, err) && ab_random(nonce, sizeof nonce, err) &&
              ab_age_header_write(&header, to, file_key, err) &&
              ab_buf_add(&header, nonce, sizeof nonce, err) &&
              ab_age_payload_key(file_key, nonce, key, err) &&
              (s->aead = ab_aead_new(key, true, err)) != NULL &&
              ab_stage_write(next, header.data, header.len, err);
    ab_buf_drop(&header);
    ab_wipe(file_key, sizeof file_key);
    ab_wipe(key, sizeof key);
    return ok;
}

struct ab_stage *ab_age_seal_new(struct ab_stage *next, const struct ab_age_to *to,
                                 struct ab_err *err)
{
    static const struct ab_stage_ops ops = {age_seal_write, age_seal_finish, age_seal_free};
    struct age_seal *s = ab_secret_alloc(sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    s->base.ops = &ops;
    if (!begin(s, next, to, err)) {
        age_seal_free(&s->base);
        return NULL;
    }
    s->base.next = next;
    return &s->base;
}
