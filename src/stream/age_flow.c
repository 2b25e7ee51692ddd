/* stream/age_flow.c - age as flows of a pipe: plaintext in and a file out, a file in and plaintext
 * out.
 *
 * The format itself is stream/age_seal.c's, which is pushed, and stream/age_open.c's, which is
 * pulled. Both begin on the first turn, on a worker's thread: a passphrase takes a second. */
#include <string.h>

#include "base/alloc.h"
#include "stream/age_payload.h"
#include "stream/flow.h"
#include "stream/source.h"
#include "stream/stage.h"

/* A passphrase that outlives its caller's; an empty one is still one. */
struct passphrase {
    struct ab_buf text; /* owned, secret */
    bool any;
};

static bool keep(struct passphrase *kept, struct ab_slice given, struct ab_err *err)
{
    ab_buf_init(&kept->text, given.len);
    kept->text.secret = true;
    kept->any = given.data != NULL;
    return !kept->any || ab_buf_add(&kept->text, given.data, given.len, err);
}

static struct ab_slice kept_slice(const struct passphrase *kept)
{
    static const uint8_t empty[1] = {0};

    if (!kept->any)
        return (struct ab_slice){NULL, 0};
    return (struct ab_slice){kept->text.data ? kept->text.data : empty, kept->text.len};
}

/* ---- Sealing. */

enum { SEALED_MAX = AB_AGE_HEADER_MAX + 8 * AB_AGE_SEALED }; /* what is pushed by one step */

struct seal {
    struct ab_flow base;
    struct ab_age_keys *keys; /* one reference */
    struct passphrase passphrase;
    int work_factor;
    bool armor;
    struct ab_stage *first; /* owned; NULL before the first turn */
    struct ab_buf out;      /* owned; sealed and not handed out from `at` on */
    size_t at;
    bool finished; /* all is in `out` */
};

static bool seal_start(struct seal *s, struct ab_err *err)
{
    struct ab_age_to to = {s->keys, kept_slice(&s->passphrase), s->work_factor};
    struct ab_stage *chain = ab_collect_new(&s->out, err), *front = chain;

    if (front && s->armor)
        front = ab_armor_seal_new(chain, err);
    if (front) {
        chain = front;
        front = ab_age_seal_new(chain, &to, err);
    }
    if (!front)
        ab_stage_free(chain);
    s->first = front;
    return front != NULL;
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
    size_t n = io->in_len < AB_AGE_CHUNK ? io->in_len : AB_AGE_CHUNK;

    if (n == 0) {
        s->finished = true;
        return ab_stage_finish(s->first, err);
    }
    if (!ab_stage_write(s->first, io->in, n, err))
        return false;
    io->in += n;
    io->in_len -= n;
    return true;
}

static bool seal_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct seal *s = (struct seal *)f;

    if (!s->first && !seal_start(s, err))
        return false;
    for (;;) {
        hand_out(s, io);
        if (io->room == 0 || s->finished || (io->in_len == 0 && !io->last))
            break;
        if (!seal_step(s, io, err))
            return false;
    }
    io->ended = s->finished && s->out.len == 0;
    return true;
}

static void seal_free(struct ab_flow *f)
{
    struct seal *s = (struct seal *)f;

    ab_stage_free(s->first);
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
    s->armor = armor;
    ab_buf_init(&s->out, SEALED_MAX);
    if (keep(&s->passphrase, to->passphrase, err))
        return &s->base;
    seal_free(&s->base);
    return NULL;
}

/* ---- Opening. */

enum {
    LOOK = 1024,                             /* where armor must begin */
    NEED_HEADER = AB_AGE_HEADER_MAX / 2 * 3, /* a header and what follows it, armored */
    NEED_CHUNK = 2 * AB_AGE_SEALED,          /* one chunk and a byte more, armored */
    FED_MAX = NEED_HEADER,
};

/* Where the sources read from: what was fed. They are asked only while that holds all that they may
 * want at once, so they never find it empty before the end. */
struct fed {
    struct ab_source base;
    bool last; /* nothing more will be fed */
    size_t at, len;
    uint8_t bytes[FED_MAX];
};

struct open {
    struct ab_flow base;
    struct ab_age_keys *keys; /* one reference */
    struct passphrase passphrase;
    int max_work_factor;
    bool started;
    struct ab_source *source; /* owned; reads, at last, from fed */
    struct fed *fed;          /* owned by source */
};

static bool fed_read(struct ab_source *base, uint8_t *out, size_t len, size_t *got,
                     struct ab_err *err)
{
    struct fed *f = (struct fed *)base;
    size_t left = f->len - f->at;

    if (left == 0 && !f->last)
        return ab_fail(err, AB_BUG, "fed", "more was asked for than was fed");
    *got = len < left ? len : left;
    memcpy(out, f->bytes + f->at, *got);
    f->at += *got;
    return true;
}

static void fed_free(struct ab_source *base)
{
    ab_free(base);
}

/* Take in as much as there is room for. */
static void feed(struct fed *f, struct ab_flow_io *io)
{
    if (f->at > 0 && f->len - f->at + io->in_len > sizeof f->bytes - f->at) {
        memmove(f->bytes, f->bytes + f->at, f->len - f->at);
        f->len -= f->at;
        f->at = 0;
    }
    size_t room = sizeof f->bytes - f->len, n = io->in_len < room ? io->in_len : room;
    if (n > 0) {
        memcpy(f->bytes + f->len, io->in, n);
        f->len += n;
        io->in += n;
        io->in_len -= n;
    }
    f->last = io->last && io->in_len == 0;
}

static bool has_enough(const struct open *o)
{
    size_t need = o->started ? NEED_CHUNK : NEED_HEADER;

    return o->fed->last || o->fed->len - o->fed->at >= need;
}

static bool wrap(struct open *o, struct ab_source *around)
{
    if (around)
        o->source = around;
    return around != NULL;
}

static bool open_start(struct open *o, struct ab_err *err)
{
    struct ab_age_with with = {o->keys, kept_slice(&o->passphrase), o->max_work_factor};
    struct ab_slice look;

    o->started = true;
    return ab_source_peek(o->source, LOOK, &look, err) &&
           (!ab_armor_begins(look) || wrap(o, ab_armor_source_new(o->source, err))) &&
           wrap(o, ab_age_source_new(o->source, &with, err));
}

static bool open_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct open *o = (struct open *)f;

    for (;;) {
        size_t got = 0;
        feed(o->fed, io);
        if (io->room == 0 || !has_enough(o))
            return true;
        if (!o->started && !open_start(o, err))
            return false;
        if (!ab_source_read(o->source, io->out, io->room, &got, err))
            return false;
        io->out += got;
        io->room -= got;
        io->ended = got == 0; /* its source says so only at the end of what was fed */
        if (io->ended)
            return true;
    }
}

static void open_free(struct ab_flow *f)
{
    struct open *o = (struct open *)f;

    ab_source_free(o->source);
    ab_age_keys_unref(o->keys);
    ab_buf_drop(&o->passphrase.text);
    ab_free(o);
}

static bool open_begin(struct open *o, const struct ab_age_with *with, struct ab_err *err)
{
    static const struct ab_source_ops ops = {fed_read, fed_free};

    o->fed = ab_calloc(1, sizeof *o->fed);
    if (!o->fed)
        return ab_fail_memory(err);
    ab_source_init(&o->fed->base, &ops, NULL);
    o->source = &o->fed->base;
    return keep(&o->passphrase, with->passphrase, err);
}

struct ab_flow *ab_age_open_flow_new(const struct ab_age_with *with, struct ab_err *err)
{
    static const struct ab_flow_ops ops = {open_turn, open_free};
    struct open *o = ab_calloc(1, sizeof *o);

    if (!o) {
        ab_fail_memory(err);
        return NULL;
    }
    o->base.ops = &ops;
    o->keys = ab_age_keys_ref(with->keys);
    o->max_work_factor = with->max_work_factor;
    if (open_begin(o, with, err))
        return &o->base;
    open_free(&o->base);
    return NULL;
}
