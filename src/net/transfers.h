/* net/transfers.h - libcurl's transfers, driven by what their sockets and deadlines tell: only
 * those to which something happened are looked at (libcurl, "curl_multi_socket_action").
 *
 * Sockets are in an epoll descriptor, which is readable when one of them is ready; others may share
 * it. For net/loop.c alone. */
#ifndef AB_NET_TRANSFERS_H
#define AB_NET_TRANSFERS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "net/source.h"

struct ab_transfers {
    CURLM *multi;   /* owned */
    int epoll_fd;   /* owned; -1 before open */
    int64_t due_ns; /* when libcurl wants to be called; INT64_MAX: never */
    bool broken;    /* as told at ab_transfers_act; found while libcurl was asked else */
    int refused;    /* errno of the socket that epoll did not take, which broke it; or 0 */
    struct epoll_event *later; /* fetched with the one that is told now; borrowed */
    int later_count;
    struct ab_transfer *first; /* of those that run; borrowed, as are the others */
};

/* None yet; `self` must stay where it is. False when memory or descriptors are out; then, too,
 * ab_transfers_drop ends it. */
AB_MUST_USE bool ab_transfers_open(struct ab_transfers *self, struct ab_err *err);
void ab_transfers_drop(struct ab_transfers *self);

/* Wait for another descriptor, too, to be readable: events have it as data.fd. */
AB_MUST_USE bool ab_transfers_watch(struct ab_transfers *self, int fd, struct ab_err *err);

/* Begin and end a transfer. */
AB_MUST_USE bool ab_transfers_add(struct ab_transfers *self, struct ab_transfer *transfer,
                                  struct ab_err *err);
void ab_transfers_remove(struct ab_transfers *self, struct ab_transfer *transfer);

/* Let a paused transfer go on, as curl_easy_pause does, which may call the transfer's functions. */
CURLcode ab_transfers_resume(struct ab_transfers *self, struct ab_transfer *transfer);

/* Let libcurl work: because of its deadline when that has come, or because of an event of epoll on
 * a descriptor that is no one else's; `later` events that were fetched with it lie behind it, and
 * those of sockets that it closes are made to tell of nothing. When memory runs out for what a
 * socket waits for, or epoll does not take it, libcurl does not say whose it is, and its notes of
 * that socket are broken (7.88: a later transfer on it divides by zero). So all that run end by
 * that, and the next ones begin with nothing. */
AB_MUST_USE bool ab_transfers_expire(struct ab_transfers *self, struct ab_err *err);
AB_MUST_USE bool ab_transfers_act(struct ab_transfers *self, struct epoll_event *event, int later,
                                  struct ab_err *err);

/* A transfer that is over, taken out, and how it ended; NULL when there is no other. */
struct ab_transfer *ab_transfers_over(struct ab_transfers *self, CURLcode *code);

#endif
