#include "stream/pipe.h"

#include <assert.h>

#include "base/alloc.h"
#include "stream/file.h"
#include "stream/flow.h"
#include "stream/pipe_state.h"
#include "stream/sink.h"

enum {
    TURNS_MAX = 128,             /* of one run: 32 MiB, some 10 to 100 ms */
    SERVED = AB_LINK_CHUNKS / 2, /* to be fed or taken at once: the rest keeps the others going */
};

struct ab_pipe *ab_pipe_new(struct ab_err *err)
{
    struct ab_pipe *p = ab_calloc(1, sizeof *p);

    if (!p) {
        ab_fail_memory(err);
        return NULL;
    }
    p->count = 2;
    p->failed = -1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    return p;
}

void ab_pipe_free(struct ab_pipe *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        ab_flow_free(p->part[i].flow);
    for (size_t i = 0; i + 1 < p->count; i++)
        ab_link_drop(&p->link[i]);
    ab_file_unref(p->file);
    ab_file_unref(p->room.file);
    ab_sink_free(p->sink);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    ab_free(p);
}

void ab_pipe_set_file(struct ab_pipe *p, struct ab_file *file)
{
    ab_file_unref(p->file);
    p->file = ab_file_ref(file);
}

bool ab_pipe_adopt_flow(struct ab_pipe *p, struct ab_flow *flow, struct ab_err *err)
{
    if (p->count == PARTS_MAX) {
        ab_flow_free(flow);
        return ab_fail(err, AB_USAGE, "too_many", "a pipe has at most %d stages",
                       AB_PIPE_FLOWS_MAX);
    }
    p->part[p->count - 1].flow = flow; /* the last part is the sink */
    p->count++;
    return true;
}

void ab_pipe_adopt_sink(struct ab_pipe *p, struct ab_sink *sink)
{
    ab_sink_free(p->sink);
    p->sink = sink;
}

bool ab_pipe_start(struct ab_pipe *p, struct ab_err *err)
{
    for (size_t i = 0; i + 1 < p->count; i++)
        if (!ab_link_init(&p->link[i], AB_PIPE_CHUNK, err))
            return false;
    return true;
}

size_t ab_pipe_width(const struct ab_pipe *p)
{
    return p->count - !p->file - !(p->sink || p->has_rooms);
}

/* ---- Turns: one part, one chunk, without the lock. */

struct turn {
    size_t part;
    struct ab_chunk *from; /* NULL: there is no more */
    struct ab_chunk *to;   /* NULL in the sink */
    bool last;             /* nothing follows `from` */
    size_t put;            /* by the sink */
    bool done;             /* the part has nothing left to do */
    bool locked;           /* the part has nothing to do before it is unlocked */
};

static bool turn_source(struct ab_pipe *p, struct turn *t, struct ab_err *err)
{
    size_t got = 0;

    assert(t->to);
    if (!ab_file_read(p->file, t->to->data, AB_PIPE_CHUNK, p->at, &got, err))
        return false;
    p->at += (int64_t)got;
    t->to->len = got;
    t->done = got < AB_PIPE_CHUNK;
    return true;
}

static bool turn_sink(struct ab_pipe *p, struct turn *t, struct ab_err *err)
{
    struct ab_slice left = {NULL, 0};

    if (t->from)
        left = (struct ab_slice){t->from->data + t->from->at, t->from->len - t->from->at};
    t->put = left.len;
    if (p->sink) {
        if (left.len > 0 && !ab_sink_write(p->sink, left.data, left.len, err))
            return false;
    } else {
        size_t room = p->room.size - p->room.put;
        t->put = left.len < room ? left.len : room;
        int64_t at = p->room.at + (int64_t)p->room.put;
        if (t->put > 0 && !ab_file_write(p->room.file, left.data, t->put, at, err))
            return false;
    }
    if (t->from)
        t->from->at += t->put;
    t->done = t->last && t->put == left.len;
    return true;
}

static bool turn_flow(struct ab_pipe *p, struct turn *t, struct ab_err *err)
{
    struct ab_flow_io io = {.last = t->last};

    assert(t->to);
    io.out = t->to->data + t->to->len;
    io.room = AB_PIPE_CHUNK - t->to->len;
    if (t->from) {
        io.in = t->from->data + t->from->at;
        io.in_len = t->from->len - t->from->at;
    }
    if (!ab_flow_turn(p->part[t->part].flow, &io, err))
        return false;
    if (t->from)
        t->from->at = t->from->len - io.in_len;
    t->to->len = AB_PIPE_CHUNK - io.room;
    t->done = io.ended;
    t->locked = io.locked;
    return true;
}

static bool run_turn(struct ab_pipe *p, struct turn *t, struct ab_err *err)
{
    if (t->part == 0)
        return turn_source(p, t, err);
    if (t->part + 1 == p->count)
        return turn_sink(p, t, err);
    return turn_flow(p, t, err);
}

/* ---- What comes next: with the lock. */

/* Whether the sink is the pipe's, and has room for what comes, if only for the end. */
static bool can_sink(const struct ab_pipe *p)
{
    bool has_room = p->room.put < p->room.size || p->link[p->count - 2].filled == 0;

    return p->sink || (p->has_rooms && has_room);
}

static bool can_turn(const struct ab_pipe *p, size_t i)
{
    const struct part *part = &p->part[i];
    bool is_first = i == 0, is_last = i + 1 == p->count;

    if (part->running || part->done || part->locked || (is_first && !p->file) ||
        (is_last && !can_sink(p)))
        return false;
    return (is_first || ab_link_has(&p->link[i - 1])) && (is_last || ab_link_has_room(&p->link[i]));
}

/* The part nearest to the sink that can go on: what is made is used before more is made. */
static size_t choose(const struct ab_pipe *p)
{
    size_t i = p->count;

    while (i > 0 && !can_turn(p, i - 1))
        i--;
    return i;
}

static void fail(struct ab_pipe *p, size_t i, const struct ab_err *err)
{
    if (p->failed >= 0)
        return;
    p->failed = (int)i;
    p->err = *err;
}

/* What part `i` will have to itself, taken from the links around it. */
static struct turn begin_turn(struct ab_pipe *p, size_t i)
{
    struct turn t = {.part = i};

    if (i > 0) {
        t.from = ab_link_first(&p->link[i - 1]);
        t.last = ab_link_is_last(&p->link[i - 1]);
    }
    if (i + 1 < p->count)
        t.to = ab_link_room(&p->link[i]);
    p->part[i].running = true;
    p->running++;
    return t;
}

/* Hand on what a turn used up and filled. */
static void hand_on(struct ab_pipe *p, const struct turn *t)
{
    p->part[t->part].done = t->done;
    p->part[t->part].locked = t->locked;
    if (t->part == 0)
        p->in += t->to->len;
    if (!t->to) {
        p->out += t->put;
        p->room.put += p->has_rooms ? t->put : 0;
    }
    if (t->from)
        ab_link_shift_used(&p->link[t->part - 1]);
    if (t->to)
        ab_link_push_full(&p->link[t->part], t->done);
}

/* One turn of part `i`. Called and returns with the lock held. */
static void take_turn(struct ab_pipe *p, size_t i)
{
    struct turn t = begin_turn(p, i);
    struct ab_err err;

    pthread_mutex_unlock(&p->lock);
    bool ok = run_turn(p, &t, &err);
    pthread_mutex_lock(&p->lock);
    p->part[i].running = false;
    p->running--;
    if (ok)
        hand_on(p, &t);
    else
        fail(p, i, &err);
    if (p->idle > 0)
        pthread_cond_broadcast(&p->changed);
}

static bool outcome(const struct ab_pipe *p, struct ab_err *err)
{
    if (p->failed >= 0) {
        *err = p->err;
        return false;
    }
    if (p->stopped)
        return ab_fail(err, AB_CANCELLED, "cancelled", "the pipe was closed");
    return true;
}

/* Whether the script could go on with what it waits for. */
static bool is_awaited(const struct ab_pipe *p)
{
    const struct ab_link *first = &p->link[0], *last = &p->link[p->count - 2];
    const struct room *room = &p->room;

    if (p->has_rooms && room->put > room->taken && (room->taken == 0 || room->put == room->size))
        return true;
    return (p->has_more && first->filled <= AB_LINK_CHUNKS - SERVED) ||
           (p->wants && (last->filled >= SERVED || last->ended));
}

static bool run(struct ab_pipe *p, bool serves, struct ab_err *err)
{
    pthread_mutex_lock(&p->lock);
    for (size_t turns = 0; turns < TURNS_MAX && !p->stopped && p->failed < 0;) {
        if (serves && is_awaited(p))
            break;
        size_t next = choose(p);
        if (next > 0) {
            take_turn(p, next - 1);
            turns++;
        } else if (p->running > 0) { /* one that goes on by itself: what it hands on may be ours */
            p->idle++;
            pthread_cond_wait(&p->changed, &p->lock);
            p->idle--;
        } else {
            break;
        }
    }
    bool ok = outcome(p, err);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

bool ab_pipe_run(struct ab_pipe *p, struct ab_err *err)
{
    return run(p, false, err);
}

bool ab_pipe_run_serving(struct ab_pipe *p, struct ab_err *err)
{
    return run(p, true, err);
}

bool ab_pipe_commit(struct ab_pipe *p, struct ab_err *err)
{
    pthread_mutex_lock(&p->lock);
    bool ok = outcome(p, err);
    pthread_mutex_unlock(&p->lock);
    if (!ok || ab_sink_commit(p->sink, err))
        return ok;
    pthread_mutex_lock(&p->lock);
    fail(p, p->count - 1, err);
    pthread_mutex_unlock(&p->lock);
    return false;
}

int ab_pipe_failed(struct ab_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    int failed = p->failed;
    pthread_mutex_unlock(&p->lock);
    return failed;
}

static enum ab_pipe_state state(const struct ab_pipe *p)
{
    const struct ab_link *last = &p->link[p->count - 2];
    bool sinks = p->sink || p->has_rooms;
    bool over = sinks ? p->part[p->count - 1].done && p->room.put == p->room.taken
                      : last->ended && last->filled == 0;

    if (over && p->running == 0)
        return AB_PIPE_DONE;
    if (choose(p) > 0 || p->running > 0)
        return AB_PIPE_BUSY;
    if (ab_pipe_locked_part(p) > 0)
        return AB_PIPE_LOCKED;
    return last->filled == AB_LINK_CHUNKS || last->ended ? AB_PIPE_FULL : AB_PIPE_HUNGRY;
}

enum ab_pipe_state ab_pipe_state(struct ab_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    enum ab_pipe_state now = state(p);
    pthread_mutex_unlock(&p->lock);
    return now;
}

void ab_pipe_stop(struct ab_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void ab_pipe_count(struct ab_pipe *p, uint64_t *in, uint64_t *out)
{
    pthread_mutex_lock(&p->lock);
    *in = p->in;
    *out = p->out;
    pthread_mutex_unlock(&p->lock);
}

bool ab_pipe_digest(struct ab_pipe *p, size_t part, uint8_t out[AB_DIGEST_MAX], size_t *len,
                    struct ab_err *err)
{
    pthread_mutex_lock(&p->lock);
    bool done = part > 0 && part + 1 < p->count && p->part[part].done;
    pthread_mutex_unlock(&p->lock);
    if (!done)
        return ab_fail(err, AB_USAGE, "digest", "the pipe is not done");
    return ab_digest_flow_peek(p->part[part].flow, out, len, err);
}
