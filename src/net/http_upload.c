/* net/http_upload.c - a request's body that is read from a file while it is sent. */
#include <stdio.h>

#include "net/http_exchange.h"

size_t ab_http_on_read(char *out, size_t one, size_t room, void *arg)
{
    struct ab_http *http = arg;
    int64_t left = http->region.size - http->region_sent;
    size_t len = (uint64_t)left < one * room ? (size_t)left : one * room;

    if (!ab_region_read(&http->region, http->region_sent, out, len, &http->err)) {
        http->broken = true;
        return CURL_READFUNC_ABORT;
    }
    http->region_sent += (int64_t)len;
    return len;
}

/* Back to the beginning: a connection that was kept was closed by the server meanwhile. */
int ab_http_on_seek(void *arg, curl_off_t to, int whence)
{
    struct ab_http *http = arg;

    if (whence != SEEK_SET || to < 0 || to > http->region.size)
        return CURL_SEEKFUNC_FAIL;
    http->region_sent = to;
    return CURL_SEEKFUNC_OK;
}
