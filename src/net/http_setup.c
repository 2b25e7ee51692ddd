/* net/http_setup.c - the options of curl's handle that say what is sent, and who hears of the
 * reply. How the server is reached says net/http_way.c. */
#include <string.h>

#include "net/http_exchange.h"
#include "net/http_option.h"

/* What curl reads of a body and hands to the system at once. With its own 64 KiB the server is
 * woken four times as often, and 1 GiB costs 6 % more CPU. */
enum { CURL_PIECE = 64 * 1024, PIECE = 256 * 1024 };

static CURLcode set_body(CURL *easy, const struct ab_http_request *request)
{
    CURLcode code = CURLE_OK;
    const uint8_t *held = ab_region_bytes(&request->region);
    bool in_file = request->region.file, is_asked = (in_file && !held) || request->pace;
    int64_t size = in_file ? request->region.size : (int64_t)request->body.len;
    const char *bytes = (const char *)(held ? held : request->body.data);

    AB_SET(CURLOPT_POST, 1L);
    AB_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    AB_SET(CURLOPT_POSTFIELDS, size == 0 ? "" : is_asked ? NULL : bytes);
    if (size > CURL_PIECE) /* a handle that had one keeps it: setting it costs an allocation */
        AB_SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)PIECE);
    return code;
}

/* Path and query of the URL, where it has a query; else NULL. curl finds them by itself, but leaves
 * out the query when there is no memory for it, without a word (7.88, url.c): a part would arrive
 * as the object, and the end of an upload as the deletion of what it replaces. What curl would
 * encode is left to it, and what a proxy is to find. */
static const char *find_target(const struct ab_http *http, const char *url)
{
    const char *host = strstr(url, "://");
    const char *target = host ? host + 3 + strcspn(host + 3, "/?#") : "";

    if (*target != '/' || !strchr(target, '?') || strchr(target, '#') || http->way->proxy[0])
        return NULL;
    for (const char *c = target; *c; c++)
        if (*c <= ' ' || *c > '~')
            return NULL;
    return target;
}

/* The handle may have served another request: each of these options is set every time. */
static CURLcode set_message(struct ab_http *http, const struct ab_http_request *request)
{
    CURL *easy = http->transfer.easy;
    bool is_head = http->is_head;
    CURLcode code = CURLE_OK;

    AB_SET(CURLOPT_URL, request->url);
    AB_SET(CURLOPT_REQUEST_TARGET, find_target(http, request->url));
    AB_SET(CURLOPT_HTTPGET, 1L); /* neither a body nor none */
    AB_SET(CURLOPT_CUSTOMREQUEST, is_head ? NULL : request->method);
    if (is_head) {
        AB_SET(CURLOPT_NOBODY, 1L);
    } else if (request->has_body && code == CURLE_OK) {
        code = set_body(easy, request);
    }
    return code;
}

static CURLcode set_callbacks(CURL *easy, struct ab_http *http)
{
    CURLcode code = CURLE_OK;

    AB_SET(CURLOPT_READFUNCTION, ab_http_on_read);
    AB_SET(CURLOPT_READDATA, http);
    AB_SET(CURLOPT_SEEKFUNCTION, ab_http_on_seek);
    AB_SET(CURLOPT_SEEKDATA, http);
    AB_SET(CURLOPT_PREREQFUNCTION, ab_http_on_send);
    AB_SET(CURLOPT_PREREQDATA, http);
    AB_SET(CURLOPT_HEADERFUNCTION, ab_http_on_header);
    AB_SET(CURLOPT_HEADERDATA, http);
    AB_SET(CURLOPT_WRITEFUNCTION, ab_http_on_body);
    AB_SET(CURLOPT_WRITEDATA, http);
    AB_SET(CURLOPT_ERRORBUFFER, http->curl_says);
    return code;
}

bool ab_http_setup(struct ab_http *http, const struct ab_http_request *request, struct ab_err *err)
{
    CURLcode code = set_message(http, request);

    if (code == CURLE_OK)
        code = set_callbacks(http->transfer.easy, http);
    return code == CURLE_OK || ab_http_fail(http, code, err);
}
