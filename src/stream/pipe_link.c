#include "stream/pipe_link.h"

#include "base/alloc.h"

bool ab_link_init(struct ab_link *l, size_t size, struct ab_err *err)
{
    l->size = size;
    for (size_t i = 0; i < AB_LINK_CHUNKS; i++) {
        l->chunk[i].data = ab_alloc(size);
        if (!l->chunk[i].data)
            return ab_fail_memory(err);
    }
    return true;
}

void ab_link_drop(struct ab_link *l)
{
    for (size_t i = 0; i < AB_LINK_CHUNKS; i++) {
        struct ab_chunk *c = &l->chunk[i];
        ab_secret_free(c->data, c->len > c->most ? c->len : c->most);
    }
}

bool ab_link_has(const struct ab_link *l)
{
    return l->filled > 0 || l->ended;
}

bool ab_link_has_room(const struct ab_link *l)
{
    return l->filled < AB_LINK_CHUNKS && !l->ended;
}

bool ab_link_is_last(const struct ab_link *l)
{
    return l->ended && l->filled <= 1;
}

struct ab_chunk *ab_link_first(struct ab_link *l)
{
    return l->filled > 0 ? &l->chunk[l->first] : NULL;
}

struct ab_chunk *ab_link_room(struct ab_link *l)
{
    return &l->chunk[(l->first + l->filled) % AB_LINK_CHUNKS];
}

void ab_link_shift_used(struct ab_link *l)
{
    struct ab_chunk *first = ab_link_first(l);

    if (!first || first->at < first->len)
        return;
    if (first->most < first->len)
        first->most = first->len;
    first->at = first->len = 0;
    l->first = (l->first + 1) % AB_LINK_CHUNKS;
    l->filled--;
}

void ab_link_push_full(struct ab_link *l, bool end)
{
    size_t len = l->filled < AB_LINK_CHUNKS ? ab_link_room(l)->len : 0;

    if (len == l->size || (end && len > 0))
        l->filled++;
    l->ended = l->ended || end;
}
