/* stream/age_open_flow.c - age as a flow of a pipe: a file in, in armor or not, and plaintext out.
 *
 * The header is pulled, and so is all of an armored file, from what is fed in. The chunks of a
 * binary one are opened from where they lie in the input to where they belong in the output; only
 * what straddles the border of a buffer is copied. It begins on the first turn, on a worker's
 * thread: a passphrase takes a second. */
#include <string.h>

#include "base/alloc.h"
#include "stream/age_open.h"
#include "stream/age_payload.h"
#include "stream/flow.h"
#include "stream/passphrase.h"
#include "stream/pipe.h"
#include "stream/source.h"

enum {
    LOOK = 1024,                             /* where armor must begin */
    NEED_HEADER = AB_AGE_HEADER_MAX / 2 * 3, /* a header and what follows it, armored */
    NEED_CHUNK = 2 * AB_AGE_SEALED,          /* one chunk and a byte more, armored */
    FED_MAX = NEED_HEADER,
};

/* Only the last chunk of a file leaves room for less than a whole one. */
_Static_assert(AB_PIPE_CHUNK % AB_AGE_CHUNK == 0, "age chunks fill a pipe's");

/* Where the sources read from: what was fed. They are asked only while that holds all that they may
 * want at once, so they never find it empty before the end. */
struct fed {
    struct ab_source base;
    bool last; /* nothing more will be fed */
    size_t at, len;
    uint8_t bytes[FED_MAX];
};

enum stage {
    BEGUN,  /* the header is not read yet */
    LOCKED, /* nothing opens it: somebody else is asked for the file key */
    KEYED,  /* that is there now; what was fed for the header still is, too */
    OPENED,
};

struct open {
    struct ab_flow base;
    struct ab_age_keys *keys; /* one reference */
    struct ab_passphrase passphrase;
    int max_work_factor;
    bool asks;
    bool looked; /* and took off the armor, where there is some */
    bool armored;
    enum stage stage;
    struct ab_err why;            /* nothing opens it, when locked */
    struct ab_source *source;     /* owned; reads, at last, from fed */
    struct fed *fed;              /* owned by source */
    struct ab_age_opener *opener; /* owned; NULL in armor, which `source` opens */
    size_t held;                  /* bytes in sealed */
    uint8_t sealed[AB_AGE_SEALED];
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

static void take(struct ab_flow_io *io, size_t n)
{
    io->in += n;
    io->in_len -= n;
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
        take(io, n);
    }
    f->last = io->last && io->in_len == 0;
}

static bool has_enough(const struct open *o)
{
    size_t need = o->stage == OPENED ? NEED_CHUNK : NEED_HEADER;

    return o->stage == KEYED || o->fed->last || o->fed->len - o->fed->at >= need;
}

static bool wrap(struct open *o, struct ab_source *around)
{
    if (around)
        o->source = around;
    return around != NULL;
}

static bool look(struct open *o, struct ab_err *err)
{
    struct ab_slice look;

    if (!ab_source_peek(o->source, LOOK, &look, err))
        return false;
    o->looked = true;
    o->armored = ab_armor_begins(look);
    return !o->armored || wrap(o, ab_armor_source_new(o->source, err));
}

static bool open_header(struct open *o, struct ab_err *err)
{
    struct ab_age_with with = {o->keys, ab_passphrase_slice(&o->passphrase), o->max_work_factor};

    if (o->armored)
        return wrap(o, ab_age_source_new(o->source, &with, err));
    o->opener = ab_age_opener_new(o->source, &with, err);
    return o->opener != NULL;
}

/* A header that nothing opens stays where it was peeked at, for the next time. */
static bool open_start(struct open *o, struct ab_err *err)
{
    if (!o->looked && !look(o, err))
        return false;
    if (open_header(o, err)) {
        o->stage = OPENED;
        return true;
    }
    if (!o->asks || o->stage == KEYED || strcmp(err->code, "age_no_match") != 0)
        return false;
    o->stage = LOCKED;
    o->why = *err;
    return true;
}

/* ---- Pulled. */

/* Until a binary file's header is read, or all of an armored file. */
static bool pull_turn(struct open *o, struct ab_flow_io *io, struct ab_err *err)
{
    while (!o->opener) {
        size_t got = 0;
        feed(o->fed, io);
        if (io->room == 0 || !has_enough(o))
            return true;
        if (o->stage != OPENED) {
            if (!open_start(o, err))
                return false;
            io->locked = o->stage == LOCKED;
            if (io->locked)
                break;
            continue; /* of what was fed a long header leaves less than a chunk */
        }
        if (!ab_source_read(o->source, io->out, io->room, &got, err))
            return false;
        io->out += got;
        io->room -= got;
        io->ended = got == 0; /* its source says so only at the end of what was fed */
        if (io->ended)
            break;
    }
    return true;
}

/* ---- From buffer to buffer. */

/* How much of what was fed for the header lies behind it, still to be used up. */
static size_t left_over(const struct open *o)
{
    return o->source->ahead.len + o->fed->len - o->fed->at;
}

/* Add to what is held of a chunk: what is left of the feed comes before the input. */
static bool hold(struct open *o, struct ab_flow_io *io, struct ab_err *err)
{
    size_t got;

    while (o->held < sizeof o->sealed && left_over(o) > 0) {
        if (!ab_source_read(o->source, o->sealed + o->held, sizeof o->sealed - o->held, &got, err))
            return false;
        o->held += got;
    }
    size_t room = sizeof o->sealed - o->held, n = io->in_len < room ? io->in_len : room;
    if (n > 0) {
        memcpy(o->sealed + o->held, io->in, n);
        o->held += n;
        take(io, n);
    }
    return true;
}

/* The next chunk, when it is known whether it is the last; without data when more must come. */
static bool next_sealed(struct open *o, struct ab_flow_io *io, struct ab_slice *sealed, bool *last,
                        struct ab_err *err)
{
    *last = false;
    if (o->held == 0 && left_over(o) == 0 && io->in_len > AB_AGE_SEALED) {
        *sealed = (struct ab_slice){io->in, AB_AGE_SEALED};
        take(io, AB_AGE_SEALED);
        return true;
    }
    *sealed = (struct ab_slice){NULL, 0};
    if (!hold(o, io, err))
        return false;
    bool more = left_over(o) > 0 || io->in_len > 0;
    *last = !more && io->last;
    if (*last || (more && o->held == sizeof o->sealed)) {
        *sealed = (struct ab_slice){o->sealed, o->held};
        o->held = 0;
    }
    return true;
}

static bool chunks_turn(struct open *o, struct ab_flow_io *io, struct ab_err *err)
{
    struct ab_slice sealed;
    size_t made;
    bool last;

    for (;;) {
        if (ab_age_opener_is_done(o->opener)) {
            io->ended = true;
            return ab_age_opener_finish(o->opener, err);
        }
        if (io->room < AB_AGE_CHUNK)
            return true;
        if (!next_sealed(o, io, &sealed, &last, err))
            return false;
        if (!sealed.data)
            return true;
        if (!ab_age_opener_turn(o->opener, sealed, last, io->out, &made, err))
            return false;
        io->out += made;
        io->room -= made;
    }
}

static bool open_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    struct open *o = (struct open *)f;

    if (!o->opener && !pull_turn(o, io, err))
        return false;
    return !o->opener || chunks_turn(o, io, err);
}

static void open_free(struct ab_flow *f)
{
    struct open *o = (struct open *)f;

    ab_age_opener_free(o->opener);
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
    return ab_passphrase_keep(&o->passphrase, with->passphrase, err);
}

struct ab_flow *ab_age_open_flow_new(const struct ab_age_with *with, bool asks, struct ab_err *err)
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
    o->asks = asks;
    if (open_begin(o, with, err))
        return &o->base;
    open_free(&o->base);
    return NULL;
}

void ab_age_open_flow_locked(const struct ab_flow *f, struct ab_slice *header, struct ab_err *why)
{
    const struct open *o = (const struct open *)f;

    *header = (struct ab_slice){o->source->ahead.data, o->source->ahead.len};
    header->len = ab_age_header_length(*header);
    *why = o->why;
}

bool ab_age_open_flow_unlock(struct ab_flow *f, struct ab_slice file_key, struct ab_err *err)
{
    struct open *o = (struct open *)f;

    if (!ab_age_keys_set_file_key(o->keys, file_key, err))
        return false;
    o->stage = KEYED;
    return true;
}
