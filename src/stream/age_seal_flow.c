/* stream/age_seal_flow.c - age as a flow of a pipe: plaintext in and a file out, in armor or not.
 *
 * Chunks are sealed from where they lie in the input to where they belong in the output; only what
 * straddles the border of a buffer is copied. It begins on the first turn, on a worker's thread: a
 * passphrase takes a second. */
#include <string.h>

#include "base/alloc.h"
#include "stream/age_payload.h"
#include "stream/age_seal.h"
#include "stream/flow.h"
#include "stream/passphrase.h"
#include "stream/stage.h"

/* What is made at once: the header, or a chunk; in armor a third more and a line's end in 64. */
enum { OUT_MAX = AB_AGE_HEADER_MAX / 2 * 3 };

struct seal {
    struct ab_flow base;
    struct ab_age_keys *keys; /* one reference */
    struct ab_passphrase passphrase;
    int work_factor;
    bool armored;
    struct ab_age_sealer *sealer; /* owned; NULL before the first turn */
    struct ab_stage *armor;       /* owned; NULL without */
    struct ab_buf out;            /* owned; made and not handed out from `at` on */
    size_t at;
};

/* Put what was made into the output, and what does not fit behind it. */
static bool put(struct seal *s, struct ab_slice made, struct ab_flow_io *io, struct ab_err *err)
{
    if (s->armor)
        return ab_stage_write(s->armor, made.data, made.len, err);
    size_t n = made.len < io->room ? made.len : io->room;
    memcpy(io->out, made.data, n);
    io->out += n;
    io->room -= n;
    return n == made.len || ab_buf_add(&s->out, made.data + n, made.len - n, err);
}

static bool seal_start(struct seal *s, struct ab_flow_io *io, struct ab_err *err)
{
    struct ab_age_to to = {s->keys, ab_passphrase_slice(&s->passphrase), s->work_factor};
    struct ab_stage *collect;
    struct ab_buf head;

    if (s->armored) {
        collect = ab_collect_new(&s->out, err);
        s->armor = collect ? ab_armor_seal_new(collect, err) : NULL;
        if (!s->armor) {
            ab_stage_free(collect);
            return false;
        }
    }
    ab_buf_init(&head, AB_AGE_HEADER_MAX);
    s->sealer = ab_age_sealer_new(&to, &head, err);
    bool ok = s->sealer && put(s, (struct ab_slice){head.data, head.len}, io, err);
    ab_buf_drop(&head);
    return ok;
}

static void hand_out(struct seal *s, struct ab_flow_io *io)
{
    size_t left = s->out.len - s->at, n = left < io->room ? left : io->room;

    if (n == 0)
        return;
    memcpy(io->out, s->out.data + s->at, n);
    io->out += n;
    io->room -= n;
    s->at += n;
    if (s->at == s->out.len)
        s->at = s->out.len = 0;
}

/* Seal some of the input, or the end. */
static bool seal_step(struct seal *s, struct ab_flow_io *io, struct ab_err *err)
{
    bool fits = !s->armor && io->room >= AB_AGE_SEALED;
    struct ab_slice in = {io->in, io->in_len}, made;

    if (!ab_age_sealer_turn(s->sealer, &in, io->last, fits ? io->out : NULL, &made, err))
        return false;
    io->in = in.data;
    io->in_len = in.len;
    if (fits) {
        io->out += made.len;
        io->room -= made.len;
    } else if (made.len > 0 && !put(s, made, io, err)) {
        return false;
    }
    return !s->armor || !ab_age_sealer_is_done(s->sealer) || ab_stage_finish(s->armor, err);
}

static bool seal_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct seal *s = (struct seal *)f;

    if (!s->sealer && !seal_start(s, io, err))
        return false;
    for (;;) {
        hand_out(s, io);
        if (io->room == 0 || ab_age_sealer_is_done(s->sealer) || (io->in_len == 0 && !io->last))
            break;
        if (!seal_step(s, io, err))
            return false;
    }
    io->ended = ab_age_sealer_is_done(s->sealer) && s->out.len == 0;
    return true;
}

static void seal_free(struct ab_flow *f)
{
    struct seal *s = (struct seal *)f;

    ab_age_sealer_free(s->sealer);
    ab_stage_free(s->armor);
    ab_age_keys_unref(s->keys);
    ab_buf_drop(&s->passphrase.text);
    ab_buf_drop(&s->out);
    ab_free(s);
}

struct ab_flow *ab_age_seal_flow_new(const struct ab_age_to *to, bool armor, struct ab_err *err)
{
    static const struct ab_flow_ops ops = {seal_turn, seal_free};
    struct seal *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    s->base.ops = &ops;
    s->keys = ab_age_keys_ref(to->keys);
    s->work_factor = to->work_factor;
    s->armored = armor;
    ab_buf_init(&s->out, OUT_MAX);
    if (ab_passphrase_keep(&s->passphrase, to->passphrase, err))
        return &s->base;
    seal_free(&s->base);
    return NULL;
}
