#include "stream/age_seal.h"

#include <string.h>

#include "base/alloc.h"
#include "crypto/random.h"
#include "stream/age_payload.h"
#include "stream/stage.h"

struct ab_age_sealer {
    struct ab_aead *aead; /* owned */
    uint8_t nonce[AB_AEAD_NONCE];
    bool done;
    size_t held; /* plaintext bytes in buf, never above AB_AGE_CHUNK */
    uint8_t buf[AB_AGE_SEALED];
};

/* A new one, unless others wrapped one for this file already. */
static bool draw_file_key(uint8_t file_key[AB_AGE_FILE_KEY], const struct ab_age_keys *keys,
                          struct ab_err *err)
{
    if (!keys || !keys->has_file_key)
        return ab_random(file_key, AB_AGE_FILE_KEY, err);
    memcpy(file_key, keys->file_key, AB_AGE_FILE_KEY);
    return true;
}

static bool begin(struct ab_age_sealer *s, const struct ab_age_to *to, struct ab_buf *head,
                  struct ab_err *err)
{
    uint8_t file_key[AB_AGE_FILE_KEY], nonce[AB_AGE_NONCE], key[AB_AEAD_KEY];

    bool ok = draw_file_key(file_key, to->keys, err) && ab_random(nonce, sizeof nonce, err) &&
              ab_age_header_write(head, to, file_key, err) &&
              ab_buf_add(head, nonce, sizeof nonce, err) &&
              ab_age_payload_key(file_key, nonce, key, err) &&
              (s->aead = ab_aead_new(key, true, err)) != NULL;
    ab_wipe(file_key, sizeof file_key);
    ab_wipe(key, sizeof key);
    return ok;
}

struct ab_age_sealer *ab_age_sealer_new(const struct ab_age_to *to, struct ab_buf *head,
                                        struct ab_err *err)
{
    struct ab_age_sealer *s = ab_secret_alloc(sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    if (begin(s, to, head, err))
        return s;
    ab_age_sealer_free(s);
    return NULL;
}

void ab_age_sealer_free(struct ab_age_sealer *s)
{
    if (!s)
        return;
    ab_aead_free(s->aead);
    ab_secret_free(s, sizeof *s);
}

static bool seal(struct ab_age_sealer *s, struct ab_slice plain, uint8_t *out,
                 struct ab_slice *made, struct ab_err *err)
{
    s->nonce[AB_AGE_FINAL] = s->done;
    if (!ab_aead_seal(s->aead, s->nonce, plain.data, plain.len, out, err))
        return false;
    ab_age_next_chunk(s->nonce);
    *made = (struct ab_slice){out, plain.len + AB_AEAD_TAG};
    return true;
}

static void take(struct ab_slice *in, size_t n)
{
    in->data += n;
    in->len -= n;
}

/* Add to what is held; whether that is a chunk to seal now. */
static bool hold(struct ab_age_sealer *s, struct ab_slice *in, bool last)
{
    size_t room = AB_AGE_CHUNK - s->held, n = in->len < room ? in->len : room;

    if (n > 0) { /* an empty slice may have no data */
        memcpy(s->buf + s->held, in->data, n);
        s->held += n;
        take(in, n);
    }
    s->done = last && in->len == 0;
    return s->done || in->len > 0;
}

bool ab_age_sealer_turn(struct ab_age_sealer *s, struct ab_slice *in, bool last, uint8_t *out,
                        struct ab_slice *made, struct ab_err *err)
{
    struct ab_slice whole = {in->data, AB_AGE_CHUNK};

    if (!out)
        out = s->buf;
    *made = (struct ab_slice){NULL, 0};
    if (s->held == 0 && in->len > AB_AGE_CHUNK) { /* nothing to join: from where it lies */
        take(in, AB_AGE_CHUNK);
        return seal(s, whole, out, made, err);
    }
    if (!hold(s, in, last))
        return true;
    struct ab_slice held = {s->buf, s->held};
    s->held = 0;
    return seal(s, held, out, made, err);
}

bool ab_age_sealer_is_done(const struct ab_age_sealer *s)
{
    return s->done;
}

/* ---- The stage that is pushed. */

struct age_seal {
    struct ab_stage base;
    struct ab_age_sealer *sealer; /* owned */
};

static bool push(struct age_seal *a, struct ab_slice in, bool last, struct ab_err *err)
{
    struct ab_slice made;

    do {
        if (!ab_age_sealer_turn(a->sealer, &in, last, NULL, &made, err))
            return false;
        if (made.len > 0 && !ab_stage_write(a->base.next, made.data, made.len, err))
            return false;
    } while (in.len > 0);
    return true;
}

static bool age_seal_write(struct ab_stage *base, const uint8_t *data, size_t len,
                           struct ab_err *err)
{
    return push((struct age_seal *)base, (struct ab_slice){data, len}, false, err);
}

static bool age_seal_finish(struct ab_stage *base, struct ab_err *err)
{
    return push((struct age_seal *)base, (struct ab_slice){NULL, 0}, true, err) &&
           ab_stage_finish(base->next, err);
}

static void age_seal_free(struct ab_stage *base)
{
    ab_age_sealer_free(((struct age_seal *)base)->sealer);
    ab_free(base);
}

static bool begin_stage(struct age_seal *a, struct ab_stage *next, const struct ab_age_to *to,
                        struct ab_err *err)
{
    struct ab_buf head;

    ab_buf_init(&head, AB_AGE_HEADER_MAX);
    a->sealer = ab_age_sealer_new(to, &head, err);
    bool ok = a->sealer && ab_stage_write(next, head.data, head.len, err);
    ab_buf_drop(&head);
    return ok;
}

struct ab_stage *ab_age_seal_new(struct ab_stage *next, const struct ab_age_to *to,
                                 struct ab_err *err)
{
    static const struct ab_stage_ops ops = {age_seal_write, age_seal_finish, age_seal_free};
    struct age_seal *a = ab_calloc(1, sizeof *a);

    if (!a) {
        ab_fail_memory(err);
        return NULL;
    }
    a->base.ops = &ops;
    if (!begin_stage(a, next, to, err)) {
        age_seal_free(&a->base);
        return NULL;
    }
    a->base.next = next;
    return &a->base;
}
