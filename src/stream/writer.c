#include "stream/writer.h"

#include "base/alloc.h"
#include "crypto/digest.h"
#include "stream/flow.h"
#include "stream/stage.h"

enum { WINDOW_LOG = 19 }; /* 512 KiB, a quarter of level 3's own: less memory on both sides */

struct ab_writer {
    struct ab_digest *sha256;       /* owned; of the plaintext */
    struct ab_stage *first;         /* owned; NULL until the first byte */
    struct ab_buf *out;             /* borrowed */
    struct ab_age_keys *recipients; /* a reference, or NULL */
    struct ab_buf passphrase;       /* owned, secret */
    bool has_passphrase;
    int work_factor;
    int zstd_level;
    bool armor;
    bool broken; /* a failed chain has lost bytes: never go on */
};

static bool keep_options(struct ab_writer *w, const struct ab_writer_options *options,
                         struct ab_err *err)
{
    const struct ab_age_to *to = &options->to;

    w->zstd_level = options->zstd_level;
    w->armor = options->armor;
    w->work_factor = to->work_factor;
    w->has_passphrase = to->passphrase.data != NULL;
    w->recipients = ab_age_keys_ref(to->keys);
    return !w->has_passphrase ||
           ab_buf_add(&w->passphrase, to->passphrase.data, to->passphrase.len, err);
}

struct ab_writer *ab_writer_new(const struct ab_writer_options *options, struct ab_buf *out,
                                struct ab_err *err)
{
    struct ab_writer *w = ab_calloc(1, sizeof *w);

    if (!w) {
        ab_fail_memory(err);
        return NULL;
    }
    w->out = out;
    ab_buf_init(&w->passphrase, options->to.passphrase.len);
    w->passphrase.secret = true;
    w->sha256 = ab_digest_new("sha256", err);
    if (w->sha256 && keep_options(w, options, err))
        return w;
    ab_writer_free(w);
    return NULL;
}

void ab_writer_free(struct ab_writer *w)
{
    if (!w)
        return;
    ab_stage_free(w->first);
    ab_digest_free(w->sha256);
    ab_buf_drop(&w->passphrase);
    ab_age_keys_unref(w->recipients);
    ab_free(w);
}

/* Put a stage in front of the chain; a NULL one is a failure already described. */
static bool push_front(struct ab_stage **chain, struct ab_stage *stage)
{
    if (stage)
        *chain = stage;
    return stage != NULL;
}

static struct ab_stage *zstd_stage(const struct ab_writer *w, struct ab_stage *next,
                                   struct ab_err *err)
{
    struct ab_zstd_options options = {
        .level = w->zstd_level, .window_log = WINDOW_LOG, .small = true};

    return ab_flow_stage_new(next, ab_zstd_pack_new(&options, err), err);
}

static bool start(struct ab_writer *w, struct ab_err *err)
{
    struct ab_age_to to = {w->recipients, {NULL, 0}, w->work_factor};
    struct ab_stage *chain = NULL;

    if (w->has_passphrase) /* an empty one is still one */
        to.passphrase = (struct ab_slice){
            w->passphrase.data ? w->passphrase.data : (const uint8_t *)"", w->passphrase.len};
    bool seals = !ab_age_keys_is_empty(w->recipients) || w->has_passphrase;
    if (push_front(&chain, ab_collect_new(w->out, err)) &&
        (!w->armor || push_front(&chain, ab_armor_seal_new(chain, err))) &&
        (!seals || push_front(&chain, ab_age_seal_new(chain, &to, err))) &&
        (w->zstd_level == 0 || push_front(&chain, zstd_stage(w, chain, err)))) {
        w->first = chain;
        return true;
    }
    ab_stage_free(chain);
    return false;
}

static bool ready(struct ab_writer *w, struct ab_err *err)
{
    if (w->broken)
        return ab_fail(err, AB_IO, "broken", "the archive cannot go on after a failure");
    return w->first || start(w, err);
}

bool ab_writer_write(struct ab_writer *w, const uint8_t *data, size_t len, struct ab_err *err)
{
    bool ok = ready(w, err) && ab_digest_add(w->sha256, data, len, err) &&
              ab_stage_write(w->first, data, len, err);

    w->broken = !ok;
    return ok;
}

bool ab_writer_finish(struct ab_writer *w, struct ab_err *err)
{
    bool ok = ready(w, err) && ab_stage_finish(w->first, err);

    w->broken = !ok;
    return ok;
}

bool ab_writer_sha256(const struct ab_writer *w, uint8_t out[64], struct ab_err *err)
{
    size_t len;

    return ab_digest_peek(w->sha256, out, &len, err);
}
