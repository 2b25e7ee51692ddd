#include "base/signal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_int waiting;
static atomic_int descriptor = -1;

void ab_signal_open(void)
{
    atomic_store(&descriptor, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int ab_signal_fd(void)
{
    return atomic_load(&descriptor);
}

static void make_readable(void)
{
    uint64_t one = 1;
    ssize_t n = write(atomic_load(&descriptor), &one, sizeof one);

    (void)n; /* full means readable already, which is all that is wanted */
}

void ab_signal_post(int number)
{
    int saved = errno; /* a handler must leave errno as it found it */

    atomic_store(&waiting, number);
    make_readable();
    errno = saved;
}

int ab_signal_pending(void)
{
    return atomic_load(&waiting);
}

int ab_signal_take(void)
{
    uint64_t count;
    int number = atomic_exchange(&waiting, 0);

    if (number == 0)
        return 0;
    ssize_t n = read(atomic_load(&descriptor), &count, sizeof count);
    (void)n;
    if (ab_signal_pending() != 0)
        make_readable(); /* the next signal came in between, and was drained with the first */
    return number;
}
