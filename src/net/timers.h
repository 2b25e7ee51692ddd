/* net/timers.h - deadlines in a binary heap, earliest first.
 *
 * A timer is a member of whatever waits for it and is never copied while it is set; the heap only
 * borrows it. Times are nanoseconds of the monotonic clock. */
#ifndef AB_NET_TIMERS_H
#define AB_NET_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ab_timer {
    int64_t due_ns;
    size_t slot; /* 1-based place in the heap; 0 when not set */
    void (*fire)(struct ab_timer *timer);
};

struct ab_timers {
    struct ab_timer **heap; /* owned array of borrowed timers */
    size_t len;
    size_t cap;
};

/* The monotonic clock. */
int64_t ab_now_ns(void);

/* `seconds` from now, cut to about a century so that sums cannot overflow. */
int64_t ab_deadline_ns(double seconds);

/* Set `timer` to `due_ns`, or move it there. Fails only for memory, and never when it was set. */
AB_MUST_USE bool ab_timers_set(struct ab_timers *timers, struct ab_timer *timer, int64_t due_ns,
                               struct ab_err *err);

/* Take `timer` out; fine when it is not set. */
void ab_timers_clear(struct ab_timers *timers, struct ab_timer *timer);

/* The earliest timer, or NULL. */
struct ab_timer *ab_timers_first(const struct ab_timers *timers);

/* Free the heap's own memory. */
void ab_timers_drop(struct ab_timers *timers);

#endif
