/* base/pool.h - memory for the many small, short-lived blocks of a Lua state.
 *
 * Blocks of up to AB_POOL_BLOCK_MAX bytes are cut from slabs and wait in a list of their size to be
 * used again, with neither a header nor a search; larger ones come from base/alloc.h. Slabs are
 * given back with the pool. Not for several threads at once.
 *
 * In AB_FAULTS builds every block comes from base/alloc.h: it can be made to fail, and a sanitizer
 * sees it. */
#ifndef AB_BASE_POOL_H
#define AB_BASE_POOL_H

#include <stddef.h>

enum { AB_POOL_GRAIN = 16, AB_POOL_BLOCK_MAX = 1024 };

struct ab_pool_block;
struct ab_pool_slab;

struct ab_pool {
    struct ab_pool_block *unused[AB_POOL_BLOCK_MAX / AB_POOL_GRAIN]; /* of 16, 32, ... bytes */
    struct ab_pool_slab *slabs;                                      /* owned */
    char *fresh; /* borrowed: the part of the newest slab that was never used */
    size_t fresh_len;
};

/* As realloc for a block of `old_size` bytes (NULL: none) that shall have `size` (0: be freed).
 * NULL when memory is out, and for size 0. Starts from a zeroed pool. */
void *ab_pool_resize(struct ab_pool *pool, void *old, size_t old_size, size_t size);

/* Free all slabs. Blocks that were not given back are gone, too, unless they were large. */
void ab_pool_drop(struct ab_pool *pool);

#endif
