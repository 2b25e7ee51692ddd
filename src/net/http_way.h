/* net/http_way.h - a handle of curl's with all options that say how a server is reached: origin,
 * proxy, trust, limits of time.
 *
 * They are the same for most requests of a program, and to set them takes longer than to make
 * curl's share of a request. So a handle whose exchange came to a good end waits in its loop for
 * the next one on the same way. */
#ifndef AB_NET_HTTP_WAY_H
#define AB_NET_HTTP_WAY_H

#include <curl/curl.h>

#include "base/buf.h"
#include "net/http.h"

enum { AB_HTTP_HOST_MAX = 256 };

struct ab_http_way {
    CURL *easy;                     /* owned */
    struct ab_buf key;              /* what it was made from */
    char host[AB_HTTP_HOST_MAX];    /* "name:port", for messages */
    char proxy[AB_HTTP_HOST_MAX];   /* "name:port" without credentials; empty without proxy */
    char ca_file[AB_HTTP_HOST_MAX]; /* as given, for messages */
    char proxy_ca_file[AB_HTTP_HOST_MAX];
    struct ab_http_way *next; /* among those that wait */
};

/* Those that wait, a member of the loop. */
struct ab_http_ways {
    struct ab_http_way *first; /* owned; the last one used */
    size_t count;
    struct ab_buf key; /* of the request at hand; here to keep its memory */
};

/* None; allocates nothing yet. */
void ab_http_ways_init(struct ab_http_ways *ways);

/* Free those that wait. */
void ab_http_ways_drop(struct ab_http_ways *ways);

/* One for a request, which the caller owns: one that waited, or a new one. Checks the URL, the
 * proxy and whether the host may be asked. NULL on failure. */
struct ab_http_way *ab_http_way_take(struct ab_http_ways *ways,
                                     const struct ab_http_request *request, struct ab_err *err);

/* Let it wait for another request. Only after an exchange that came to a good end: in what state a
 * handle is after any other nobody says. */
void ab_http_way_keep(struct ab_http_ways *ways, struct ab_http_way *way);

/* Free it. NULL is fine. */
void ab_http_way_free(struct ab_http_way *way);

#endif
