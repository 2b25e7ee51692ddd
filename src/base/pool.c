#include "base/pool.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

enum { SLAB = 16 * 1024 };

struct ab_pool_block {
    struct ab_pool_block *next;
};

struct ab_pool_slab {
    struct ab_pool_slab *next;
    _Alignas(AB_POOL_GRAIN) char memory[];
};

static bool is_pooled(size_t size)
{
#ifdef AB_FAULTS
    (void)size;
    return false;
#else
    return size <= AB_POOL_BLOCK_MAX;
#endif
}

/* Where blocks of this size (not 0) wait. */
static size_t place_of(size_t size)
{
    return (size - 1) / AB_POOL_GRAIN;
}

static void put_back(struct ab_pool *pool, void *memory, size_t place)
{
    struct ab_pool_block *block = memory;

    block->next = pool->unused[place];
    pool->unused[place] = block;
}

/* A slab to cut from; what is left of the last one becomes a block. */
static bool add_slab(struct ab_pool *pool)
{
    struct ab_pool_slab *slab = ab_alloc(sizeof *slab + SLAB);

    if (!slab)
        return false;
    if (pool->fresh_len > 0)
        put_back(pool, pool->fresh, place_of(pool->fresh_len));
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->fresh = slab->memory;
    pool->fresh_len = SLAB;
    return true;
}

static void *cut(struct ab_pool *pool, size_t place)
{
    size_t len = (place + 1) * AB_POOL_GRAIN;

    if (pool->fresh_len < len && !add_slab(pool))
        return NULL;
    void *memory = pool->fresh;
    pool->fresh += len;
    pool->fresh_len -= len;
    return memory;
}

static void *take(struct ab_pool *pool, size_t size)
{
    if (!is_pooled(size))
        return ab_alloc(size);
    struct ab_pool_block **unused = &pool->unused[place_of(size)];
    struct ab_pool_block *block = *unused;
    if (!block)
        return cut(pool, place_of(size));
    *unused = block->next;
    return block;
}

static void give(struct ab_pool *pool, void *memory, size_t size)
{
    if (is_pooled(size))
        put_back(pool, memory, place_of(size));
    else
        ab_free(memory);
}

void *ab_pool_resize(struct ab_pool *pool, void *old, size_t old_size, size_t size)
{
    if (!old)
        return size > 0 ? take(pool, size) : NULL;
    if (size == 0) {
        give(pool, old, old_size);
        return NULL;
    }
    if (!is_pooled(old_size) && !is_pooled(size))
        return ab_realloc(old, size);
    if (is_pooled(old_size) && place_of(old_size) == place_of(size))
        return old;
    void *moved = take(pool, size);
    if (!moved)
        return NULL;
    memcpy(moved, old, old_size < size ? old_size : size);
    give(pool, old, old_size);
    return moved;
}

void ab_pool_drop(struct ab_pool *pool)
{
    for (struct ab_pool_slab *slab = pool->slabs, *next; slab; slab = next) {
        next = slab->next;
        ab_free(slab);
    }
    *pool = (struct ab_pool){0};
}
