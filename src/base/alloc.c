#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint_fast64_t failures;

#ifdef AB_FAULTS
static atomic_uint_fast64_t requests;
static atomic_uint_fast64_t fail_at;
static atomic_bool fail_forever;

static bool refused(void)
{
    uint64_t n = atomic_fetch_add(&requests, 1) + 1;
    uint64_t at = atomic_load(&fail_at);

    return at != 0 && (n == at || (n > at && atomic_load(&fail_forever)));
}

void ab_alloc_fail_at(uint64_t n, bool forever)
{
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_at, n);
}

uint64_t ab_alloc_count(void)
{
    return atomic_load(&requests);
}
#else
static bool refused(void)
{
    return false;
}

void ab_alloc_fail_at(uint64_t n, bool forever)
{
    (void)n;
    (void)forever;
}

uint64_t ab_alloc_count(void)
{
    return 0;
}
#endif

uint64_t ab_alloc_failures(void)
{
    return atomic_load(&failures);
}

static void *counted(void *memory)
{
    if (!memory)
        atomic_fetch_add(&failures, 1);
    return memory;
}

void *ab_alloc(size_t size)
{
    return counted(refused() ? NULL : malloc(size));
}

void *ab_calloc(size_t count, size_t size)
{
    return counted(refused() ? NULL : calloc(count, size));
}

void *ab_realloc(void *old, size_t size)
{
    return counted(refused() ? NULL : realloc(old, size));
}

void ab_free(void *p)
{
    free(p);
}

char *ab_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = ab_alloc(size);

    return copy ? memcpy(copy, s, size) : NULL;
}

void *ab_secret_alloc(size_t size)
{
    return ab_calloc(1, size);
}

void ab_secret_free(void *p, size_t size)
{
    if (p)
        ab_wipe(p, size);
    ab_free(p);
}

void ab_wipe(void *p, size_t size)
{
    explicit_bzero(p, size);
}

bool ab_add_size(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}
