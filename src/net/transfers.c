#include "net/transfers.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"

enum { KEPT_CONNECTIONS = 64 };

/* Add, change or drop a socket, whatever the descriptor knows of it: libcurl may have closed one of
 * the same number without a word, as it does with those of its resolver. */
static bool set_socket(int epoll_fd, int fd, uint32_t events, bool known)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (epoll_ctl(epoll_fd, first, fd, &event) == 0)
        return true;
    if (errno != ENOENT && errno != EEXIST)
        return false;
    return epoll_ctl(epoll_fd, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0;
}

/* Let events on a socket that were fetched, but not told yet, tell of nothing: the next socket may
 * have its number, and what was the end of the old connection would be taken for the end of the
 * new one (curl 7.88, transfer.c, Curl_readwrite). What is true of the new one comes again. */
static void forget_events(struct ab_transfers *self, int fd)
{
    for (int i = 0; i < self->later_count; i++)
        if (self->later[i].data.fd == fd)
            self->later[i].events = 0;
}

/* CURLMOPT_SOCKETFUNCTION. After a -1 the multi handle is of no use any more. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct ab_transfers *self = arg;
    uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                      (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

    (void)easy;
    if (!known || what == CURL_POLL_REMOVE)
        forget_events(self, fd);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* fine when it is closed already */
        return 0;
    }
    if (!set_socket(self->epoll_fd, fd, events, known != NULL)) {
        self->refused = errno;
        self->broken = true;
        return -1;
    }
    if (!known)
        curl_multi_assign(self->multi, fd, self);
    return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct ab_transfers *self = arg;

    (void)multi;
    self->due_ns = ms < 0 ? INT64_MAX : ms == 0 ? INT64_MIN : ab_deadline_ns((double)ms / 1000);
    return 0;
}

static bool open_multi(struct ab_transfers *self, struct ab_err *err)
{
    self->due_ns = INT64_MAX;
    self->multi = curl_multi_init();
    if (!self->multi)
        return ab_fail_memory(err);
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
    return true;
}

bool ab_transfers_open(struct ab_transfers *self, struct ab_err *err)
{
    *self = (struct ab_transfers){.epoll_fd = -1};
    if (!open_multi(self, err))
        return false;
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return self->epoll_fd >= 0 || ab_fail_errno(err, errno, "cannot wait for connections");
}

void ab_transfers_drop(struct ab_transfers *self)
{
    if (self->multi)
        curl_multi_cleanup(self->multi); /* tells of sockets that it closes */
    self->multi = NULL;
    if (self->epoll_fd >= 0)
        close(self->epoll_fd);
    self->epoll_fd = -1;
}

bool ab_transfers_watch(struct ab_transfers *self, int fd, struct ab_err *err)
{
    return set_socket(self->epoll_fd, fd, EPOLLIN, false) ||
           ab_fail_errno(err, errno, "cannot wait for events");
}

void ab_transfers_remove(struct ab_transfers *self, struct ab_transfer *transfer)
{
    if (!transfer->running)
        return;
    curl_multi_remove_handle(self->multi, transfer->easy);
    transfer->running = false;
    if (transfer->next)
        transfer->next->previous = transfer->previous;
    if (transfer->previous)
        transfer->previous->next = transfer->next;
    else
        self->first = transfer->next;
}

CURLcode ab_transfers_resume(struct ab_transfers *self, struct ab_transfer *transfer)
{
    uint64_t failures = ab_alloc_failures();
    CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);

    /* libcurl drops it when that was for a socket's notes */
    if (ab_alloc_failures() != failures || code == CURLE_ABORTED_BY_CALLBACK)
        self->broken = true;
    if (self->broken)
        self->due_ns = INT64_MIN;
    transfer->refused = self->refused;
    return code;
}

/* End all that run, but for what is over already, and the multi handle. */
static void end_all(struct ab_transfers *self)
{
    CURLcode code;

    for (struct ab_transfer *transfer; (transfer = ab_transfers_over(self, &code));)
        transfer->done(transfer, code);
    for (struct ab_transfer *transfer; (transfer = self->first);) {
        ab_transfers_remove(self, transfer);
        transfer->refused = self->refused;
        transfer->done(transfer, CURLE_FAILED_INIT);
    }
    curl_multi_cleanup(self->multi);
    self->multi = NULL;
    self->due_ns = INT64_MAX;
    self->broken = false;
    self->refused = 0;
}

bool ab_transfers_add(struct ab_transfers *self, struct ab_transfer *transfer, struct ab_err *err)
{
    if (self->broken)
        end_all(self); /* not this one, too */
    if (!self->multi && !open_multi(self, err))
        return false;
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    if (curl_multi_add_handle(self->multi, transfer->easy) != CURLM_OK)
        return ab_fail_memory(err);
    transfer->running = true;
    transfer->previous = NULL;
    transfer->next = self->first;
    if (self->first)
        self->first->previous = transfer;
    self->first = transfer;
    return true;
}

static bool act(struct ab_transfers *self, int fd, int what, struct ab_err *err)
{
    CURLMcode code = CURLM_OUT_OF_MEMORY;
    int running;

    if (!self->multi)
        return true;
    if (!self->broken)
        code = curl_multi_socket_action(self->multi, fd, what, &running);
    if (self->broken || code == CURLM_OUT_OF_MEMORY || code == CURLM_ABORTED_BY_CALLBACK) {
        end_all(self);
        return true;
    }
    return code == CURLM_OK ||
           ab_fail(err, AB_BUG, "curl", "libcurl: %s", curl_multi_strerror(code));
}

bool ab_transfers_expire(struct ab_transfers *self, struct ab_err *err)
{
    if (self->due_ns == INT64_MAX || self->due_ns > ab_now_ns())
        return true;
    self->due_ns = INT64_MAX; /* unless libcurl says otherwise now */
    return act(self, CURL_SOCKET_TIMEOUT, 0, err);
}

bool ab_transfers_act(struct ab_transfers *self, struct epoll_event *event, int later,
                      struct ab_err *err)
{
    int what = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

    if (event->events == 0)
        return true;
    self->later = event + 1;
    self->later_count = later;
    bool acted = act(self, event->data.fd, what, err);
    self->later_count = 0;
    return acted;
}

struct ab_transfer *ab_transfers_over(struct ab_transfers *self, CURLcode *code)
{
    int left;

    if (!self->multi)
        return NULL;
    for (CURLMsg *m; (m = curl_multi_info_read(self->multi, &left));) {
        struct ab_transfer *transfer = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        *code = m->data.result; /* the message dies with the handle's removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &transfer);
        ab_transfers_remove(self, transfer);
        return transfer;
    }
    return NULL;
}
