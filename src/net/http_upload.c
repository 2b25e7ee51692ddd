/* net/http_upload.c - a request's body that curl asks for while it is sent: from a file, or held
 * back by a pace. */
#include <stdio.h>
#include <string.h>

#include "net/http_exchange.h"

static int64_t body_size(const struct ab_http *http)
{
    return http->region.file ? http->region.size : (int64_t)http->bytes.len;
}

size_t ab_http_on_read(char *out, size_t one, size_t room, void *arg)
{
    struct ab_http *http = arg;
    int64_t left = body_size(http) - http->sent;
    size_t most = (uint64_t)left < one * room ? (size_t)left : one * room;
    size_t len = ab_http_pace_send(http, most);

    if (len == 0 && most > 0)
        return http->broken ? CURL_READFUNC_ABORT : CURL_READFUNC_PAUSE;
    if (!http->region.file) {
        memcpy(out, http->bytes.data + http->sent, len);
    } else if (!ab_region_read(&http->region, http->sent, out, len, &http->err)) {
        http->broken = true;
        return CURL_READFUNC_ABORT;
    }
    http->sent += (int64_t)len;
    return len;
}

/* Back to the beginning: a connection that was kept was closed by the server meanwhile. */
int ab_http_on_seek(void *arg, curl_off_t to, int whence)
{
    struct ab_http *http = arg;

    if (whence != SEEK_SET || to < 0 || to > body_size(http))
        return CURL_SEEKFUNC_FAIL;
    http->sent = to;
    return CURL_SEEKFUNC_OK;
}

int ab_http_on_send(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct ab_http *http = arg;

    (void)to, (void)from, (void)to_port, (void)from_port;
    http->sends++;
    return CURL_PREREQFUNC_OK;
}

bool ab_http_is_repeated(const struct ab_http *http)
{
    return http->sends > 1;
}
