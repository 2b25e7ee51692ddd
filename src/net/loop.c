#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/signal.h"
#include "crypto/start.h"
#include "net/http_way.h"
#include "net/source.h"
#include "net/transfers.h"

#define NS_PER_MS 1000000

enum { POLL_LONGEST_MS = 60 * 60 * 1000, FIRST_WATCHES = 8, EVENTS = 64 };

struct ab_loop {
    struct ab_transfers transfers; /* their descriptor has the next two as well */
    int wake_fd;                   /* owned; a worker has finished a job */
    int signal_fd;                 /* borrowed; -1 until there is one */
    atomic_bool asleep;            /* whether wake_fd is looked at */
    struct ab_http_ways ways;
    struct ab_timers timers;
    struct ab_workers *workers; /* owned */
    struct ab_op *first_done;   /* borrowed, as is the rest of the list */
    struct ab_op *last_done;
    uint64_t last_id;
    /* Watches and, with room for one more (the descriptor of all else), what is polled for them:
     * epoll takes no descriptor twice, and no file. */
    struct ab_watch **watches; /* owned array of borrowed watches */
    struct pollfd *polled;     /* owned */
    size_t watch_count;
    size_t watch_cap;
};

/* OpenSSL first: when memory runs out while libcurl starts it, it crashes instead of failing. */
static bool start_libraries(struct ab_err *err)
{
    if (!ab_crypto_start(err))
        return false;
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, ab_alloc, ab_free, ab_realloc, ab_strdup,
                             ab_calloc) != CURLE_OK)
        return ab_fail(err, AB_MEMORY, "curl", "out of memory while libcurl starts");
    return true;
}

/* On a worker's thread. */
static void wake(void *arg)
{
    struct ab_loop *loop = arg;
    uint64_t one = 1;

    if (!atomic_load(&loop->asleep))
        return; /* it looks for finished jobs before it sleeps */
    ssize_t n = write(loop->wake_fd, &one, sizeof one);
    (void)n; /* full means readable already, which is all that is wanted */
}

struct ab_http_ways *ab_loop_ways(struct ab_loop *loop)
{
    return &loop->ways;
}

struct ab_workers *ab_loop_workers(struct ab_loop *loop)
{
    return loop->workers;
}

static bool open_loop(struct ab_loop *loop, struct ab_err *err)
{
    ab_http_ways_init(&loop->ways);
    loop->wake_fd = loop->signal_fd = -1;
    if (!ab_transfers_open(&loop->transfers, err))
        return false;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return ab_fail_errno(err, errno, "cannot make an event descriptor");
    if (!ab_transfers_watch(&loop->transfers, loop->wake_fd, err))
        return false;
    loop->polled = ab_calloc(FIRST_WATCHES + 1, sizeof *loop->polled);
    loop->watches = ab_calloc(FIRST_WATCHES, sizeof(struct ab_watch *));
    loop->watch_cap = FIRST_WATCHES;
    if (!loop->polled || !loop->watches)
        return ab_fail_memory(err);
    loop->workers = ab_workers_new(wake, loop, err);
    return loop->workers != NULL;
}

struct ab_loop *ab_loop_new(struct ab_err *err)
{
    if (!start_libraries(err))
        return NULL;
    struct ab_loop *loop = ab_calloc(1, sizeof *loop);
    if (!loop) {
        curl_global_cleanup();
        ab_fail_memory(err);
        return NULL;
    }
    if (!open_loop(loop, err)) {
        ab_loop_free(loop);
        return NULL;
    }
    return loop;
}

/* --- operations ------------------------------------------------------------------------------ */

void ab_op_init(struct ab_op *op, struct ab_loop *loop, const struct ab_op_class *class)
{
    op->class = class;
    op->loop = loop;
    op->id = ++loop->last_id;
}

void ab_op_finish(struct ab_op *op, const struct ab_err *err)
{
    struct ab_loop *loop = op->loop;

    assert(!op->finished);
    op->finished = true;
    if (err) {
        op->failed = true;
        op->err = *err;
    }
    op->previous_done = loop->last_done;
    if (loop->last_done)
        loop->last_done->next_done = op;
    else
        loop->first_done = op;
    loop->last_done = op;
}

/* Whether the op is on the done list: it has a neighbour or is the only one. */
static bool listed(const struct ab_op *op)
{
    return op->previous_done || op->next_done || op->loop->first_done == op;
}

void ab_op_drop(struct ab_op *op)
{
    struct ab_loop *loop = op->loop;

    if (!listed(op))
        return;
    if (op->previous_done)
        op->previous_done->next_done = op->next_done;
    else
        loop->first_done = op->next_done;
    if (op->next_done)
        op->next_done->previous_done = op->previous_done;
    else
        loop->last_done = op->previous_done;
    op->previous_done = op->next_done = NULL;
}

struct ab_op *ab_loop_done(const struct ab_loop *loop)
{
    return loop->first_done;
}

void ab_loop_shift(struct ab_loop *loop)
{
    ab_op_drop(loop->first_done);
}

uint64_t ab_op_id(const struct ab_op *op)
{
    return op->id;
}

void ab_op_free(struct ab_op *op)
{
    if (op)
        op->class->free(op);
}

/* --- sources --------------------------------------------------------------------------------- */

bool ab_loop_set_timer(struct ab_loop *loop, struct ab_timer *timer, int64_t due_ns,
                       struct ab_err *err)
{
    return ab_timers_set(&loop->timers, timer, due_ns, err);
}

void ab_loop_clear_timer(struct ab_loop *loop, struct ab_timer *timer)
{
    ab_timers_clear(&loop->timers, timer);
}

static bool reserve_watch(struct ab_loop *loop, struct ab_err *err)
{
    if (loop->watch_count < loop->watch_cap)
        return true;
    size_t cap = loop->watch_cap * 2;
    struct pollfd *polled = ab_realloc(loop->polled, (cap + 1) * sizeof *polled);
    if (!polled)
        return ab_fail_memory(err);
    loop->polled = polled;
    struct ab_watch **watches = ab_realloc(loop->watches, cap * sizeof(struct ab_watch *));
    if (!watches)
        return ab_fail_memory(err);
    loop->watches = watches;
    loop->watch_cap = cap;
    return true;
}

bool ab_loop_watch(struct ab_loop *loop, struct ab_watch *watch, struct ab_err *err)
{
    if (!reserve_watch(loop, err))
        return false;
    watch->set = true;
    watch->place = loop->watch_count;
    loop->watches[loop->watch_count++] = watch;
    return true;
}

void ab_loop_unwatch(struct ab_loop *loop, struct ab_watch *watch)
{
    if (!watch->set)
        return;
    struct ab_watch *last = loop->watches[--loop->watch_count];
    loop->watches[watch->place] = last;
    last->place = watch->place;
    watch->set = false;
}

bool ab_loop_transfer(struct ab_loop *loop, struct ab_transfer *transfer, struct ab_err *err)
{
    return ab_transfers_add(&loop->transfers, transfer, err);
}

void ab_loop_withdraw(struct ab_loop *loop, struct ab_transfer *transfer)
{
    ab_transfers_remove(&loop->transfers, transfer);
}

CURLcode ab_loop_resume(struct ab_loop *loop, struct ab_transfer *transfer)
{
    return ab_transfers_resume(&loop->transfers, transfer);
}

/* --- waiting --------------------------------------------------------------------------------- */

static void fire_timers(struct ab_loop *loop)
{
    int64_t now = ab_now_ns();

    for (struct ab_timer *t; (t = ab_timers_first(&loop->timers)) && t->due_ns <= now;) {
        ab_timers_clear(&loop->timers, t);
        t->fire(t);
    }
}

static void finish_transfers(struct ab_loop *loop)
{
    CURLcode code;

    for (struct ab_transfer *t; (t = ab_transfers_over(&loop->transfers, &code));)
        t->done(t, code);
}

static void finish_jobs(struct ab_loop *loop)
{
    for (struct ab_work *work; (work = ab_workers_reap(loop->workers));)
        ab_job_over(work);
}

/* Milliseconds until `until`, the next timer or libcurl's, rounded up so that nothing spins. */
static int poll_ms(const struct ab_loop *loop, int64_t until)
{
    int64_t now = ab_now_ns();
    const struct ab_timer *first = ab_timers_first(&loop->timers);

    if (first && first->due_ns < until)
        until = first->due_ns;
    if (loop->transfers.due_ns < until)
        until = loop->transfers.due_ns;
    if (until <= now)
        return 0;
    int64_t ns = until - now;
    if (ns / NS_PER_MS >= POLL_LONGEST_MS)
        return POLL_LONGEST_MS;
    return (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* The signal descriptor may come later than the loop. */
static bool watch_signals(struct ab_loop *loop, struct ab_err *err)
{
    int fd = ab_signal_fd();

    if (fd < 0 || fd == loop->signal_fd)
        return true;
    if (!ab_transfers_watch(&loop->transfers, fd, err))
        return false;
    loop->signal_fd = fd;
    return true;
}

/* Call the watches whose descriptors are ready. A callback may clear and set watches, so the table
 * is searched anew for each; one descriptor may be waited for twice, to read and to write. */
static void call_watches(struct ab_loop *loop, size_t polled)
{
    for (size_t i = 0; i < polled; i++) {
        if (loop->polled[i].revents == 0)
            continue;
        for (size_t w = 0; w < loop->watch_count; w++) {
            struct ab_watch *watch = loop->watches[w];
            if (watch->fd == loop->polled[i].fd && watch->events == loop->polled[i].events) {
                watch->ready(watch);
                break;
            }
        }
    }
}

/* Wait for watches and, as the last of them, for the descriptor of all else. */
static bool poll_watches(struct ab_loop *loop, int ms, struct ab_err *err)
{
    size_t count = loop->watch_count;

    for (size_t i = 0; i < count; i++)
        loop->polled[i] = (struct pollfd){loop->watches[i]->fd, loop->watches[i]->events, 0};
    loop->polled[count] = (struct pollfd){loop->transfers.epoll_fd, POLLIN, 0};
    int ready = poll(loop->polled, count + 1, ms);
    if (ready < 0 && errno != EINTR)
        return ab_fail_errno(err, errno, "cannot wait for input");
    if (ready > 0)
        call_watches(loop, count);
    return true;
}

/* Sleep no longer than `ms`, and not at all when a job is over; sets the number of events. */
static bool wait_events(struct ab_loop *loop, struct epoll_event events[EVENTS], int ms, int *count,
                        struct ab_err *err)
{
    bool ok = true;

    atomic_store(&loop->asleep, ms != 0);
    if (ms != 0 && ab_workers_is_any_over(loop->workers))
        ms = 0;
    if (loop->watch_count > 0) {
        ok = poll_watches(loop, ms, err);
        ms = 0;
    }
    *count = ok ? epoll_wait(loop->transfers.epoll_fd, events, EVENTS, ms) : 0;
    if (*count < 0 && errno != EINTR)
        ok = ab_fail_errno(err, errno, "cannot wait for the network");
    atomic_store(&loop->asleep, false);
    return ok;
}

/* Wait until `until` at most, and let happen what came. */
static bool poll_once(struct ab_loop *loop, int64_t until, struct ab_err *err)
{
    struct epoll_event events[EVENTS];
    uint64_t times;
    int count;

    if (!watch_signals(loop, err) || !wait_events(loop, events, poll_ms(loop, until), &count, err))
        return false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == loop->wake_fd) {
            ssize_t n = read(loop->wake_fd, &times, sizeof times);
            (void)n; /* that it was written is known */
        } else if (events[i].data.fd != loop->signal_fd &&
                   !ab_transfers_act(&loop->transfers, &events[i], count - i - 1, err)) {
            return false;
        }
    }
    finish_transfers(loop);
    return true;
}

/* Let happen what is due. */
static bool advance(struct ab_loop *loop, struct ab_err *err)
{
    fire_timers(loop);
    finish_jobs(loop);
    if (!ab_transfers_expire(&loop->transfers, err))
        return false;
    finish_transfers(loop);
    return true;
}

bool ab_loop_wait(struct ab_loop *loop, double seconds, struct ab_err *err)
{
    int64_t until = ab_deadline_ns(seconds);

    for (bool last = false;; last = ab_now_ns() >= until) {
        if (!advance(loop, err))
            return false;
        if (ab_signal_pending() != 0 || last)
            return true;
        /* Even with results at hand descriptors get their turn, or they could starve. */
        if (!poll_once(loop, loop->first_done ? INT64_MIN : until, err))
            return false;
        if (loop->first_done)
            return true;
    }
}

void ab_loop_free(struct ab_loop *loop)
{
    if (!loop)
        return;
    ab_workers_stop(loop->workers);
    if (loop->workers)
        finish_jobs(loop); /* frees those whose operation is gone */
    ab_workers_free(loop->workers);
    ab_http_ways_drop(&loop->ways);
    ab_transfers_drop(&loop->transfers);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    ab_timers_drop(&loop->timers);
    ab_free(loop->watches);
    ab_free(loop->polled);
    ab_free(loop);
    curl_global_cleanup();
}
