#include "net/loop.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/signal.h"
#include "crypto/start.h"
#include "net/http_way.h"
#include "net/source.h"

#define NS_PER_MS 1000000

enum { POLL_LONGEST_MS = 60 * 60 * 1000, FIRST_WATCHES = 8, KEPT_CONNECTIONS = 64 };

struct ab_loop {
    CURLM *multi; /* owned */
    struct ab_http_ways ways;
    struct ab_timers timers;
    struct ab_workers *workers; /* owned */
    struct ab_op *first_done;   /* borrowed, as is the rest of the list */
    struct ab_op *last_done;
    uint64_t last_id;
    size_t transfers; /* in the multi handle */
    /* Watches and, with room for one more (the signal descriptor), what is polled for them. */
    struct ab_watch **watches;  /* owned array of borrowed watches */
    struct curl_waitfd *polled; /* owned */
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

static void wake(void *arg)
{
    struct ab_loop *loop = arg;

    curl_multi_wakeup(loop->multi);
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
    loop->multi = curl_multi_init();
    if (!loop->multi)
        return ab_fail_memory(err);
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
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
    struct curl_waitfd *polled = ab_realloc(loop->polled, (cap + 1) * sizeof *polled);
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
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    if (curl_multi_add_handle(loop->multi, transfer->easy) != CURLM_OK)
        return ab_fail_memory(err);
    transfer->running = true;
    loop->transfers++;
    return true;
}

void ab_loop_withdraw(struct ab_loop *loop, struct ab_transfer *transfer)
{
    if (!transfer->running)
        return;
    curl_multi_remove_handle(loop->multi, transfer->easy);
    transfer->running = false;
    loop->transfers--;
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
    int left;

    for (CURLMsg *m; (m = curl_multi_info_read(loop->multi, &left));) {
        struct ab_transfer *transfer = NULL;
        CURLcode code = m->data.result; /* the message dies with the handle's removal */
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &transfer);
        ab_loop_withdraw(loop, transfer);
        transfer->done(transfer, code);
    }
}

static bool drive_transfers(struct ab_loop *loop, struct ab_err *err)
{
    int running;

    if (loop->transfers == 0)
        return true;
    CURLMcode code = curl_multi_perform(loop->multi, &running);
    if (code == CURLM_OUT_OF_MEMORY)
        return ab_fail_memory(err);
    if (code != CURLM_OK)
        return ab_fail(err, AB_BUG, "curl", "libcurl: %s", curl_multi_strerror(code));
    finish_transfers(loop);
    return true;
}

static void finish_jobs(struct ab_loop *loop)
{
    for (struct ab_work *work; (work = ab_workers_reap(loop->workers));)
        ab_job_over(work);
}

/* Milliseconds until `until` or the next timer, rounded up so that nothing spins. */
static int poll_ms(const struct ab_loop *loop, int64_t until)
{
    int64_t now = ab_now_ns();
    const struct ab_timer *first = ab_timers_first(&loop->timers);

    if (first && first->due_ns < until)
        until = first->due_ns;
    if (until <= now)
        return 0;
    int64_t ns = until - now;
    if (ns / NS_PER_MS >= POLL_LONGEST_MS)
        return POLL_LONGEST_MS;
    return (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static unsigned fill_polled(struct ab_loop *loop)
{
    unsigned n = 0;

    for (; n < loop->watch_count; n++)
        loop->polled[n] = (struct curl_waitfd){loop->watches[n]->fd, loop->watches[n]->events, 0};
    if (ab_signal_fd() >= 0)
        loop->polled[n++] = (struct curl_waitfd){ab_signal_fd(), CURL_WAIT_POLLIN, 0};
    return n;
}

/* Call the watches whose descriptors are ready. A callback may clear and set watches, so the table
 * is searched anew for each; one descriptor may be waited for twice, to read and to write. */
static void call_watches(struct ab_loop *loop, unsigned polled)
{
    for (unsigned i = 0; i < polled; i++) {
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

static bool poll_once(struct ab_loop *loop, int64_t until, struct ab_err *err)
{
    unsigned polled = fill_polled(loop);
    CURLMcode code = curl_multi_poll(loop->multi, loop->polled, polled, poll_ms(loop, until), NULL);

    if (code == CURLM_OUT_OF_MEMORY)
        return ab_fail_memory(err);
    if (code != CURLM_OK)
        return ab_fail(err, AB_BUG, "curl", "libcurl: %s", curl_multi_strerror(code));
    call_watches(loop, polled);
    return true;
}

bool ab_loop_wait(struct ab_loop *loop, double seconds, struct ab_err *err)
{
    int64_t until = ab_deadline_ns(seconds);

    for (bool last = false;; last = ab_now_ns() >= until) {
        fire_timers(loop);
        finish_jobs(loop);
        if (!drive_transfers(loop, err))
            return false;
        if (ab_signal_pending() != 0 || last)
            return true;
        /* Even with results at hand descriptors get their turn, or transfers could starve them. */
        if (loop->first_done)
            return loop->watch_count == 0 || poll_once(loop, INT64_MIN, err);
        if (!poll_once(loop, until, err))
            return false;
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
    if (loop->multi)
        curl_multi_cleanup(loop->multi);
    ab_timers_drop(&loop->timers);
    ab_free(loop->watches);
    ab_free(loop->polled);
    ab_free(loop);
    curl_global_cleanup();
}
