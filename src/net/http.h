/* net/http.h - one HTTP exchange, and what it promises.
 *
 * An answer counts only when it is whole: the length it announced, the last chunk, or the end of
 * its HTTP/2 stream has come. Nothing is followed (no redirects), decoded (no content encodings) or
 * taken from the environment (proxies, netrc): the caller says it all. TLS is verified, 1.2 or
 * later.
 *
 * Error codes: `dns`, `connect`, `tls`, `cut` (kind network); `timeout_connect`,
 * `timeout_first_byte`, `timeout_slow`, `timeout_total` (kind timeout); `protocol`, `too_large`
 * (kind reply); `curl` for what has no other name (kind network). Messages name the host, never a
 * header. */
#ifndef AB_NET_HTTP_H
#define AB_NET_HTTP_H

#include "base/buf.h"
#include "net/loop.h"
#include "stream/region.h"

struct ab_http;
struct ab_http_pace;

struct ab_http_request {
    const char *method;
    const char *url;         /* http or https; the path is sent as it is */
    struct ab_slice body;    /* borrowed until the exchange is freed */
    struct ab_region region; /* instead of `body` when it has a file, of which a reference is taken:
                                read from there as it is sent */
    bool has_body;           /* an empty body is sent as "content-length: 0" */
    bool stream;             /* the op finishes with the headers; the body comes by ab_http_read */
    bool loopback_only;      /* fail unless the host is this machine; ignore the proxy */
    const char *proxy;       /* URL, or "host:port" of an http proxy, or NULL */
    const char *no_proxy;    /* comma-separated hosts, or NULL */
    const char *ca_file;     /* PEM file of the only issuers to trust, or NULL */
    const char *ca_path;     /* hashed folder, used without ca_file; NULL: the library's own */
    const char *proxy_ca_file;   /* as ca_file, for an https proxy; NULL: the same as for servers */
    const char *proxy_cert_file; /* PEM file with our certificate and key for it, or NULL */
    double connect_s;            /* for name, connection and TLS */
    double first_byte_s;         /* silence until the first byte of the reply */
    double slow_s;               /* this long below SLOW_BYTES_PER_S once a body began */
    double total_s;            /* all together, or 0: 60 s and 1 s per 16 KiB from the first byte */
    size_t max_body;           /* bytes; of a stream not limited */
    struct ab_http_pace *pace; /* that its body and its reply's are moved at, or NULL */
};

/* The limits of the design, to be changed by the caller. */
extern const struct ab_http_request ab_http_defaults;

/* An exchange, not begun. Strings are copied, the body is not. NULL on failure. A region that is
 * shorter than it was fails the exchange with kind io, code "short". */
struct ab_http *ab_http_new(struct ab_loop *loop, const struct ab_http_request *request,
                            struct ab_err *err);

/* Add a header; ab_http_name_ok and ab_http_value_ok must hold. */
AB_MUST_USE bool ab_http_header(struct ab_http *http, const char *name, const char *value,
                                struct ab_err *err);

/* Whether the bytes may be a header's name (a token of RFC 9110) or value. */
bool ab_http_name_ok(const char *s, size_t len);
bool ab_http_value_ok(const char *s, size_t len);

/* Send it. */
AB_MUST_USE bool ab_http_begin(struct ab_http *http, struct ab_err *err);

/* Count one more owner; each ends with ab_http_free (NULL is fine), the last one cancels. */
void ab_http_retain(struct ab_http *http);
void ab_http_free(struct ab_http *http);

/* The operation, whose ab_op_free is ab_http_free. */
struct ab_op *ab_http_op(struct ab_http *http);

/* Of a finished exchange, failed or not: whether the head of the reply came whole. */
bool ab_http_has_head(const struct ab_http *http);

/* Of an exchange with a head: */
long ab_http_status(const struct ab_http *http);
const char *ab_http_version(const struct ab_http *http);

/* Whether libcurl sent the request again by itself, as a kept connection broke before it answered:
 * who it was sent to may have done twice what it asks for. */
bool ab_http_is_repeated(const struct ab_http *http);

/* "ip:port" of the peer, into `text`. */
void ab_http_remote(const struct ab_http *http, char *text, size_t size);

/* The next header after `at` (0 first) into name and value; the next `at`, or 0 at the end. Names
 * are in lower case. */
size_t ab_http_next_header(const struct ab_http *http, size_t at, const char **name,
                           const char **value);

/* The body, or of a stream what has come and not been taken. */
struct ab_slice ab_http_body(const struct ab_http *http);

/* Take `n` bytes off the front of a stream's body; lets more come. */
AB_MUST_USE bool ab_http_take(struct ab_http *http, size_t n, struct ab_err *err);

/* Let what is left of a stream's body go into a file: exactly the bytes of the region `where`,
 * written as they come, with their digests by the names `digests` (crypto/digest.h; NULL for none)
 * made on the way. The operation finishes at the end of the body; kind reply, code "range", for
 * more bytes or fewer. NULL on failure: kind usage when a read or a store is under way, or there is
 * no such digest. */
enum { AB_HTTP_DIGESTS = 2 };
struct ab_op *ab_http_store(struct ab_http *http, const struct ab_region *where,
                            const char *const digests[AB_HTTP_DIGESTS], struct ab_err *err);

/* Of a finished store: digest `i`, of length 0 when it has no name. */
AB_MUST_USE bool ab_http_stored(const struct ab_http *http, int i, uint8_t out[AB_DIGEST_MAX],
                                size_t *len, struct ab_err *err);

/* An operation that finishes when a stream has bytes to take, or has ended (then ab_http_body is
 * empty), or failed. One at a time: NULL with kind usage otherwise. */
struct ab_op *ab_http_read(struct ab_http *http, struct ab_err *err);

#endif
