/* net/http_reply.c - what comes back: its head, its body, and whether that was all of it. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "net/http_exchange.h"

enum { STREAM_HELD_MAX = 256 * 1024, RESERVE_MAX = 1024 * 1024 };

/* Refuse the reply: curl ends the transfer, and http->err says why. Always 0. */
static size_t refuse(struct ab_http *http, const char *code, const char *what)
{
    ab_fail(&http->err, AB_REPLY, code, "%s: the reply %s", http->way->host, what);
    http->broken = true;
    return 0;
}

static size_t refuse_memory(struct ab_http *http)
{
    ab_fail_memory(&http->err);
    http->broken = true;
    return 0;
}

/* The number of a Content-Length, or -1. */
static int64_t parse_length(const char *s, size_t len)
{
    int64_t n = 0;

    if (len == 0 || len > 18)
        return -1;
    for (; len > 0; s++, len--) {
        if (!isdigit((unsigned char)*s))
            return -1;
        n = n * 10 + (*s - '0');
    }
    return n;
}

/* Keep what tells the end of the body. False when it contradicts itself. */
static bool note_framing(struct ab_http *http, const char *name, const char *value, size_t len)
{
    if (strcmp(name, "content-length") == 0) {
        int64_t length = parse_length(value, len);
        if (length < 0 || (http->length >= 0 && http->length != length))
            return false;
        http->length = length;
    }
    if (strcmp(name, "transfer-encoding") == 0)
        http->chunked = len >= 7 && strcasecmp(value + len - 7, "chunked") == 0;
    return true;
}

static size_t begin_head(struct ab_http *http, size_t len)
{
    http->head.len = 0;
    http->length = -1;
    http->chunked = false;
    http->head_over = false;
    return len;
}

static size_t end_head(struct ab_http *http, size_t len)
{
    struct ab_err err;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_RESPONSE_CODE, &http->status);
    if (http->status < 200)
        return len; /* 100 Continue and the like: the real head follows */
    http->head_over = true;
    if (!http->stream && http->length > (int64_t)http->body.max && !http->is_head)
        return refuse(http, "too_large", "is larger than allowed");
    size_t first = http->length > 0 && http->length < RESERVE_MAX ? (size_t)http->length : 0;
    if (!http->is_head && !http->stream && !ab_buf_reserve(&http->body, first, &err))
        return refuse_memory(http);
    ab_http_head_came(http);
    return len;
}

static size_t add_header(struct ab_http *http, const char *line, size_t len)
{
    struct ab_err err;
    const char *colon = memchr(line, ':', len);

    if (!colon || colon == line || isspace((unsigned char)line[0]))
        return refuse(http, "protocol", "has a header that is none");
    const char *value = colon + 1, *end = line + len;
    while (value < end && isspace((unsigned char)*value))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    size_t name_at = http->head.len;
    if (!ab_buf_add(&http->head, line, (size_t)(colon - line), &err) ||
        !ab_buf_add_byte(&http->head, 0, &err))
        return refuse_memory(http);
    for (size_t i = name_at; i < http->head.len; i++)
        http->head.data[i] = (uint8_t)tolower(http->head.data[i]);
    size_t value_at = http->head.len, value_len = (size_t)(end - value);
    if (!ab_buf_add(&http->head, value, value_len, &err) || !ab_buf_add_byte(&http->head, 0, &err))
        return refuse_memory(http);
    if (!note_framing(http, (char *)http->head.data + name_at, (char *)http->head.data + value_at,
                      value_len))
        return refuse(http, "protocol", "has more than one length, or one that is no number");
    return len;
}

size_t ab_http_on_header(char *line, size_t one, size_t len, void *arg)
{
    struct ab_http *http = arg;
    size_t bare = len;

    (void)one;
    if (http->first_ns == 0)
        http->first_ns = ab_now_ns();
    http->head_bytes += len;
    if (++http->head_lines > AB_HTTP_HEAD_LINES_MAX || http->head_bytes > AB_HTTP_HEAD_BYTES_MAX)
        return refuse(http, "too_large", "has too many headers");
    if (http->head_over)
        return len; /* a trailer */
    while (bare > 0 && (line[bare - 1] == '\r' || line[bare - 1] == '\n'))
        bare--;
    if (bare == 0)
        return end_head(http, len);
    if (bare >= 5 && memcmp(line, "HTTP/", 5) == 0) /* no header's name has a slash */
        return begin_head(http, len);
    return add_header(http, line, bare) ? len : 0;
}

static size_t add_stored(struct ab_http *http, const char *data, size_t len)
{
    if (!ab_http_store_add(http, data, len))
        return 0;
    if (http->received == 0)
        ab_http_body_began(http);
    http->received += (int64_t)len;
    return len;
}

size_t ab_http_on_body(char *data, size_t one, size_t len, void *arg)
{
    struct ab_http *http = arg;
    struct ab_err err;

    (void)one;
    if (!ab_http_pace_receive(http, len))
        return http->broken ? 0 : CURL_WRITEFUNC_PAUSE;
    if (http->store.where.file)
        return add_stored(http, data, len);
    if (http->stream && http->body.len >= STREAM_HELD_MAX) {
        http->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!http->stream && len > http->body.max - http->body.len)
        return refuse(http, "too_large", "is larger than allowed");
    if (!ab_buf_add(&http->body, data, len, &err))
        return refuse_memory(http);
    if (http->received == 0)
        ab_http_body_began(http);
    http->received += (int64_t)len;
    if (http->stream)
        ab_http_bytes_came(http);
    return len;
}

/* Whether this reply cannot have a body (RFC 9110, 6.4.1). */
static bool is_bodiless(const struct ab_http *http)
{
    return http->is_head || http->status == 204 || http->status == 304;
}

static bool is_http1(const struct ab_http *http)
{
    return ab_http_version(http)[0] == '1';
}

bool ab_http_prove(const struct ab_http *http, struct ab_err *err)
{
    if (!http->head_over)
        return ab_fail(err, AB_NETWORK, "cut", "%s closed the connection within the reply's head",
                       http->way->host);
    if (is_bodiless(http) || http->chunked)
        return true; /* curl saw the last chunk */
    if (http->length >= 0 && http->length != http->received)
        return ab_fail(err, AB_NETWORK, "cut", "%s sent %lld of %lld bytes", http->way->host,
                       (long long)http->received, (long long)http->length);
    if (http->length < 0 && is_http1(http))
        return ab_fail(err, AB_REPLY, "protocol",
                       "%s: the reply does not say its length, so nothing proves it whole%s",
                       http->way->host,
                       http->status == 400 ? ab_http_scheme_hint(http) : ""); /* as Go's server */
    return true;
}
