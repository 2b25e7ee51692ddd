/* net/http_headers.h - the headers of a request: their lines in one buffer, linked as curl's list.
 */
#ifndef AB_NET_HTTP_HEADERS_H
#define AB_NET_HTTP_HEADERS_H

#include <curl/curl.h>

#include "base/buf.h"

struct ab_http_headers {
    struct ab_buf lines;     /* "name: value" NUL, one after the other */
    size_t count;            /* of lines */
    struct curl_slist *list; /* owned array of nodes into `lines`; NULL until it is asked for */
};

/* No headers; allocates nothing yet. */
void ab_http_headers_init(struct ab_http_headers *headers);

/* Wipe and free them. */
void ab_http_headers_drop(struct ab_http_headers *headers);

/* Append one whose name and value may be sent (ab_http_name_ok, ab_http_value_ok). */
AB_MUST_USE bool ab_http_headers_add(struct ab_http_headers *headers, const char *name,
                                     const char *value, struct ab_err *err);

/* The list for curl, borrowed, which also keeps curl from adding headers of its own. To be called
 * once, after the last one was added. NULL when memory is out. */
AB_MUST_USE struct curl_slist *ab_http_headers_list(struct ab_http_headers *headers,
                                                    struct ab_err *err);

#endif
