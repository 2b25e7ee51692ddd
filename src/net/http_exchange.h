/* net/http_exchange.h - what the files of the HTTP exchange share: http.c (its life), http_setup.c
 * (curl's options), http_upload.c (a body that curl asks for), http_headers.c (those sent),
 * http_reply.c (headers, proof that the answer is whole), http_store.c (a body into a file),
 * http_pace.c (no faster than a rate), http_deadlines.c (not too slow), http_error.c (what went
 * wrong). */
#ifndef AB_NET_HTTP_EXCHANGE_H
#define AB_NET_HTTP_EXCHANGE_H

#include "net/http.h"
#include "net/http_headers.h"
#include "net/http_pace.h"
#include "net/http_way.h"
#include "net/source.h"

enum {
    AB_HTTP_HEAD_BYTES_MAX = 256 * 1024,
    AB_HTTP_HEAD_LINES_MAX = 200,
};

struct ab_http_read; /* a pending read of a stream (http.c) */

/* Where a stream's body goes instead of to reads: http_store.c. */
struct ab_http_store {
    struct ab_region where;                     /* with a reference of its file; or no file */
    int64_t stored;                             /* bytes of it written */
    struct ab_digest *digests[AB_HTTP_DIGESTS]; /* owned; or NULL */
};

/* When it may move bytes: http_pace.c. */
struct ab_http_turn {
    struct ab_http_pace *pace; /* a reference, or NULL: whenever it likes */
    struct ab_timer timer;     /* set while it waits */
    size_t right;              /* bytes it may move now, or when it has waited */
    bool waits;
};

struct ab_http {
    struct ab_transfer transfer; /* first: its op is ours */
    struct ab_http_way *way;     /* owned; its handle is the transfer's */
    int owners;
    struct ab_http_headers headers; /* sent */
    char curl_says[CURL_ERROR_SIZE];
    struct ab_region region; /* of the body, with a reference of its file; or no file */
    struct ab_slice bytes;   /* instead of it: borrowed */
    int64_t sent;            /* bytes of either handed to curl, where it asks for them */
    int sends;               /* how often it was sent: libcurl may do so again by itself */
    bool is_head;
    bool stream;

    struct ab_timer timer; /* set while the transfer runs */
    double connect_s, first_byte_s, slow_s, total_s;
    int64_t began_ns;
    int64_t first_ns;  /* of the reply; 0 before */
    int64_t sent_seen; /* bytes of the request sent when the timer last looked */
    int64_t silent_since_ns;
    int64_t slow_since_ns; /* begin of the window in which slow_seen is compared */
    int64_t slow_seen;

    long status;
    bool head_over; /* the blank line after a final head has come */
    bool chunked;
    int64_t length; /* Content-Length, or -1 */
    int head_lines;
    size_t head_bytes;
    struct ab_buf head;      /* name NUL value NUL ... */
    struct ab_buf body;      /* of a stream: what was not taken yet */
    int64_t received;        /* body bytes in all */
    uint64_t alloc_failures; /* of the process when the transfer began */

    bool broken; /* a callback refused the reply: err says why */
    bool paused; /* curl waits until a stream's reader takes some */
    bool over;   /* the transfer has ended; with `broken` by err */
    struct ab_err err;
    struct ab_http_read *reading;
    struct ab_http_store store;
    struct ab_http_turn turn;
};

/* Set the handle's options for this request: http_setup.c. */
AB_MUST_USE bool ab_http_setup(struct ab_http *http, const struct ab_http_request *request,
                               struct ab_err *err);

/* curl's callbacks that read the body, and go back in it: http_upload.c. */
size_t ab_http_on_read(char *out, size_t one, size_t room, void *arg);
int ab_http_on_seek(void *arg, curl_off_t to, int whence);

/* curl's callback before it sends the request: http_upload.c. */
int ab_http_on_send(void *arg, char *to, char *from, int to_port, int from_port);

/* curl's callbacks: http_reply.c. */
size_t ab_http_on_header(char *line, size_t one, size_t len, void *arg);
size_t ab_http_on_body(char *data, size_t one, size_t len, void *arg);

/* Take note of where the body goes. Write bytes of it there; false with http->broken. After curl is
 * content: whether all came. Let go of it all: http_store.c. */
AB_MUST_USE bool ab_http_store_begin(struct ab_http *http, const struct ab_region *where,
                                     const char *const digests[AB_HTTP_DIGESTS],
                                     struct ab_err *err);
AB_MUST_USE bool ab_http_store_add(struct ab_http *http, const void *data, size_t len);
AB_MUST_USE bool ab_http_store_prove(const struct ab_http *http, struct ab_err *err);
void ab_http_store_drop(struct ab_http_store *store);

/* Take a reference of the pace; let go of it. How many of `most` bytes may be sent now: 0 when it
 * shall wait. Whether `len` may be received now. Both 0 or false with http->broken, too:
 * http_pace.c. */
void ab_http_pace_init(struct ab_http *http, struct ab_http_pace *pace);
void ab_http_pace_drop(struct ab_http *http);
size_t ab_http_pace_send(struct ab_http *http, size_t most);
bool ab_http_pace_receive(struct ab_http *http, size_t len);

/* After curl is content: whether the answer is whole. */
AB_MUST_USE bool ab_http_prove(const struct ab_http *http, struct ab_err *err);

/* What curl's `code` means, for people: http_error.c. Always false. */
bool ab_http_fail(const struct ab_http *http, CURLcode code, struct ab_err *err);

/* What to do if all that is wrong is that the URL begins with http://, to end a message with; or
 * "". A port for TLS answers what is not TLS with an alert (which curl keeps to itself as no HTTP),
 * with a line about it, or just closes: as others may. Nothing of a proxy, which knows itself, and
 * where the request was on a kept connection, on which HTTP has been spoken: http_error.c. */
const char *ab_http_scheme_hint(const struct ab_http *http);

/* False when it has taken too long, or is too slow. Set the timer for the next look. The first
 * bytes of the body have come: http_deadlines.c. */
AB_MUST_USE bool ab_http_deadlines_check(struct ab_http *http, struct ab_err *err);
AB_MUST_USE bool ab_http_deadlines_set(struct ab_http *http, struct ab_err *err);
void ab_http_body_began(struct ab_http *http);

/* Go on after a wait. The head has come; bytes of a stream: http.c. */
void ab_http_resume(struct ab_http *http);
void ab_http_head_came(struct ab_http *http);
void ab_http_bytes_came(struct ab_http *http);

#endif
