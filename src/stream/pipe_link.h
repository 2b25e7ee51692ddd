/* stream/pipe_link.h - the chunks between two neighbours of a pipe: a ring of few.
 *
 * The one before fills the chunk after those that are filled, the one behind uses up the first;
 * both do so without a lock, which guards only what is counted here. */
#ifndef AB_STREAM_PIPE_LINK_H
#define AB_STREAM_PIPE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* With two, threads on both sides wait for each other at nearly every chunk. */
enum { AB_LINK_CHUNKS = 4 };

struct ab_chunk {
    uint8_t *data; /* owned */
    size_t len;    /* filled */
    size_t at;     /* used up */
    size_t most;   /* ever filled, and to be wiped */
};

struct ab_link {
    struct ab_chunk chunk[AB_LINK_CHUNKS];
    size_t size;   /* of each chunk, in bytes */
    size_t first;  /* filled longest ago */
    size_t filled; /* chunks, from first on */
    bool ended;    /* no more will be filled */
};

/* Chunks of `size` bytes. */
AB_MUST_USE bool ab_link_init(struct ab_link *l, size_t size, struct ab_err *err);
void ab_link_drop(struct ab_link *l);

/* Whether there is a chunk to use, or its absence for ever; and whether one to fill. */
bool ab_link_has(const struct ab_link *l);
bool ab_link_has_room(const struct ab_link *l);

/* Whether nothing follows the first chunk. */
bool ab_link_is_last(const struct ab_link *l);

/* The first filled chunk, or NULL; and the one to fill, of which there must be one. */
struct ab_chunk *ab_link_first(struct ab_link *l);
struct ab_chunk *ab_link_room(struct ab_link *l);

/* Free the first chunk for filling once it is used up; count the one that is being filled once it
 * is full, and at the end in any case. */
void ab_link_shift_used(struct ab_link *l);
void ab_link_push_full(struct ab_link *l, bool end);

#endif
