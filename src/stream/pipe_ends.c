/* stream/pipe_ends.c - what a script does for a pipe: its ends are fed, taken from, or given room;
 * and who opens an age file, where the core cannot, is asked. */
#include <string.h>

#include "stream/file.h"
#include "stream/flow.h"
#include "stream/pipe_state.h"

size_t ab_pipe_feed(struct ab_pipe *p, struct ab_slice bytes)
{
    struct ab_link *to = &p->link[0];
    size_t done = 0;

    pthread_mutex_lock(&p->lock);
    while (done < bytes.len && ab_link_has_room(to)) {
        struct ab_chunk *chunk = ab_link_room(to);
        size_t room = AB_PIPE_CHUNK - chunk->len, left = bytes.len - done;
        size_t n = left < room ? left : room;
        memcpy(chunk->data + chunk->len, bytes.data + done, n);
        chunk->len += n;
        done += n;
        ab_link_push_full(to, false);
    }
    p->in += done;
    p->has_more = done < bytes.len;
    if (p->idle > 0)
        pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return done;
}

void ab_pipe_feed_end(struct ab_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    ab_link_push_full(&p->link[0], true);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

struct ab_slice ab_pipe_peek(struct ab_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    const struct ab_chunk *first = ab_link_first(&p->link[p->count - 2]);
    p->wants = !first;
    pthread_mutex_unlock(&p->lock);
    return first ? (struct ab_slice){first->data + first->at, first->len - first->at}
                 : (struct ab_slice){NULL, 0};
}

void ab_pipe_drop(struct ab_pipe *p, size_t len)
{
    struct ab_link *last = &p->link[p->count - 2];

    pthread_mutex_lock(&p->lock);
    p->out += len;
    ab_link_first(last)->at += len;
    ab_link_shift_used(last);
    if (p->idle > 0)
        pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void ab_pipe_set_room(struct ab_pipe *p, struct ab_file *file, int64_t at, size_t size)
{
    struct ab_file *before;

    pthread_mutex_lock(&p->lock);
    before = p->room.file;
    p->room = (struct room){.file = ab_file_ref(file), .at = at, .size = size};
    p->has_rooms = true;
    if (p->idle > 0)
        pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    ab_file_unref(before);
}

bool ab_pipe_is_roomless(struct ab_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    bool is = p->room.put == p->room.size;
    pthread_mutex_unlock(&p->lock);
    return is;
}

size_t ab_pipe_filled(struct ab_pipe *p, bool *used_up)
{
    pthread_mutex_lock(&p->lock);
    size_t len = p->room.put - p->room.taken;
    p->room.taken = p->room.put;
    *used_up = p->room.put == p->room.size;
    pthread_mutex_unlock(&p->lock);
    return len;
}

/* ---- A flow that asks. */

size_t ab_pipe_locked_part(const struct ab_pipe *p)
{
    for (size_t i = 1; i + 1 < p->count; i++)
        if (p->part[i].locked)
            return i;
    return 0;
}

size_t ab_pipe_locked(struct ab_pipe *p, struct ab_slice *header, struct ab_err *why)
{
    pthread_mutex_lock(&p->lock);
    size_t part = ab_pipe_locked_part(p);
    pthread_mutex_unlock(&p->lock);
    if (part > 0) /* nobody turns it now */
        ab_age_open_flow_locked(p->part[part].flow, header, why);
    return part;
}

bool ab_pipe_unlock(struct ab_pipe *p, struct ab_slice file_key, struct ab_err *err)
{
    pthread_mutex_lock(&p->lock);
    size_t part = ab_pipe_locked_part(p);
    bool ok = part > 0 ? ab_age_open_flow_unlock(p->part[part].flow, file_key, err)
                       : ab_fail(err, AB_USAGE, "pipe", "the pipe is not locked");
    if (ok)
        p->part[part].locked = false;
    pthread_mutex_unlock(&p->lock);
    return ok;
}
