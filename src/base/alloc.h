/* base/alloc.h - the one allocator: Lua, curl and OpenSSL are pointed here by the host.
 *
 * AB_FAULTS builds count every request, so that tests can make the n-th one fail. The counters are
 * atomic: worker threads allocate too. */
#ifndef AB_BASE_ALLOC_H
#define AB_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc, free, strdup; NULL when memory is out or a fault is injected. */
void *ab_alloc(size_t size);
void *ab_calloc(size_t count, size_t size);
void *ab_realloc(void *old, size_t size);
void ab_free(void *p);
char *ab_strdup(const char *s);

/* Memory for secrets: freed through ab_secret_free, which wipes `size` bytes (NULL is fine). */
void *ab_secret_alloc(size_t size);
void ab_secret_free(void *p, size_t size);

/* Wipe `size` bytes; never optimised away. */
void ab_wipe(void *p, size_t size);

/* a + b into *sum; false when it does not fit. For sizes that come from outside. */
bool ab_add_size(size_t a, size_t b, size_t *sum);

/* Number of requests so far, and: fail request number `n` (1-based, counted from the start of the
 * process; 0 = never), or with `forever` every one from `n` on. Without AB_FAULTS the number is 0
 * and nothing fails. */
uint64_t ab_alloc_count(void);
void ab_alloc_fail_at(uint64_t n, bool forever);

/* How many requests were refused so far, by the system or as an injected fault. */
uint64_t ab_alloc_failures(void);

#endif
