#include "net/timers.h"

#include <time.h>

#include "base/alloc.h"

#define NS_PER_S 1000000000.0
#define CENTURY_S 3e9

enum { FIRST_CAP = 16 };

int64_t ab_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t ab_deadline_ns(double seconds)
{
    return ab_now_ns() + (int64_t)((seconds < CENTURY_S ? seconds : CENTURY_S) * NS_PER_S);
}

static void put(struct ab_timers *timers, size_t slot, struct ab_timer *timer)
{
    timers->heap[slot - 1] = timer;
    timer->slot = slot;
}

static void sift_up(struct ab_timers *timers, struct ab_timer *timer)
{
    size_t slot = timer->slot;

    for (; slot > 1; slot /= 2) {
        struct ab_timer *parent = timers->heap[slot / 2 - 1];
        if (parent->due_ns <= timer->due_ns)
            break;
        put(timers, slot, parent);
    }
    put(timers, slot, timer);
}

static void sift_down(struct ab_timers *timers, struct ab_timer *timer)
{
    size_t slot = timer->slot;

    for (size_t child = slot * 2; child <= timers->len; child = slot * 2) {
        if (child < timers->len && timers->heap[child]->due_ns < timers->heap[child - 1]->due_ns)
            child++;
        if (timers->heap[child - 1]->due_ns >= timer->due_ns)
            break;
        put(timers, slot, timers->heap[child - 1]);
        slot = child;
    }
    put(timers, slot, timer);
}

static bool reserve_one(struct ab_timers *timers, struct ab_err *err)
{
    if (timers->len < timers->cap)
        return true;
    size_t cap = timers->cap ? timers->cap * 2 : FIRST_CAP;
    struct ab_timer **heap = ab_realloc(timers->heap, cap * sizeof *heap);
    if (!heap)
        return ab_fail_memory(err);
    timers->heap = heap;
    timers->cap = cap;
    return true;
}

bool ab_timers_set(struct ab_timers *timers, struct ab_timer *timer, int64_t due_ns,
                   struct ab_err *err)
{
    if (timer->slot == 0) {
        if (!reserve_one(timers, err))
            return false;
        put(timers, ++timers->len, timer);
    }
    timer->due_ns = due_ns;
    sift_up(timers, timer);
    sift_down(timers, timer);
    return true;
}

void ab_timers_clear(struct ab_timers *timers, struct ab_timer *timer)
{
    size_t slot = timer->slot;

    if (slot == 0)
        return;
    struct ab_timer *last = timers->heap[--timers->len];
    timer->slot = 0;
    if (last == timer)
        return;
    put(timers, slot, last);
    sift_up(timers, last);
    sift_down(timers, last);
}

struct ab_timer *ab_timers_first(const struct ab_timers *timers)
{
    return timers->len > 0 ? timers->heap[0] : NULL;
}

void ab_timers_drop(struct ab_timers *timers)
{
    ab_free(timers->heap);
    *timers = (struct ab_timers){0};
}
